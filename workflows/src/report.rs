//! The account that a run gives of itself: the step table, the progress while it runs, the report at its end.
//!
//! No personal data: these texts are shown in the Web UI, by queries and in the details of failures.

mod count;
mod spec;
pub mod table;

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use count::Count;
pub use spec::{StepClass, StepSpec};

use crate::saga::{Fact, Question};

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Waits for somebody outside: the customer's payment.
    Waiting,
    /// Waits for a person's answer: it has to happen, or somebody has to decide.
    Asking,
    /// Done.
    Completed,
    /// Not needed for this order.
    Skipped,
    /// Refused, or given up after its patience.
    Failed,
    /// Stopped before it was done.
    Stopped,
    /// Its effect, if it had any, was undone.
    Undone,
    /// Its undo was refused, or got no answer for all its patience: a person is asked.
    UndoStuck,
    /// A person declared its undo done.
    Resolved,
    /// A person decided that it is not undone.
    LeftStanding,
}

impl StepStatus {
    /// Every status.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Asking,
        Self::Completed,
        Self::Skipped,
        Self::Failed,
        Self::Stopped,
        Self::Undone,
        Self::UndoStuck,
        Self::Resolved,
        Self::LeftStanding,
    ];

    /// The status of these words.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Asking => "waits for a person",
            Self::Completed => "completed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Undone => "undone",
            Self::UndoStuck => "undo stuck",
            Self::Resolved => "resolved by a person",
            Self::LeftStanding => "left standing by a person",
        }
    }

    /// Whether the step counts as done in the progress.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, Self::Completed | Self::Skipped)
    }
}

/// One step's line in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step's name.
    pub step: String,
    /// Where it stands.
    pub status: StepStatus,
    /// When it began, RFC 3339 UTC, by workflow time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// A remark in words, without personal data; absent when there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its parts, where a step does several things side by side (a message per channel).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartReport>,
    /// The findings that other books need: how the money ended, with the provider's ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
}

/// One part of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReport {
    /// The part's name: `email`.
    pub part: String,
    /// Where it stands.
    pub status: StepStatus,
    /// A remark in words, without personal data; absent when there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The fact of a step that says which payments were known when a person decided about them.
pub(crate) const DECIDED_ABOUT: &str = "decided_about";

/// The account of a run, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Every step of the process, in order.
    pub steps: Vec<StepReport>,
    /// The effects that were undone, in the order in which they were, with a person's answer where one was needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<UndoRecord>,
    /// The effects that a person decided not to undo, and the steps that a person decided to leave, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_standing: Vec<UndoRecord>,
    /// Other remarks: a cancel that came too late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The end of one undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRecord {
    /// The step, or `step/part`.
    pub step: String,
    /// Whether it went through, was done by hand, or was left.
    pub outcome: UndoOutcome,
    /// A person's reason, where a person answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The ways in which an undo ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoOutcome {
    /// It went through.
    Undone,
    /// Somebody did it by hand.
    DoneByHand,
    /// Somebody left the effect standing.
    Left,
}

impl UndoOutcome {
    /// The outcome in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Undone => "undone",
            Self::DoneByHand => "done by hand",
            Self::Left => "left standing",
        }
    }
}

impl fmt::Display for UndoRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{} ({}: {reason})", self.step, self.outcome.words()),
            None => f.write_str(&self.step),
        }
    }
}

impl Report {
    /// Notes what became of an undo.
    pub(crate) fn note_undo(&mut self, step: String, outcome: UndoOutcome, reason: Option<String>) {
        let record = UndoRecord { step, outcome, reason };
        match outcome {
            UndoOutcome::Undone | UndoOutcome::DoneByHand => self.undone.push(record),
            UndoOutcome::Left => self.left_standing.push(record),
        }
    }

    /// Notes a step that had to happen and that a person left.
    pub(crate) fn note_left(&mut self, step: &str, part: Option<&str>, reason: &str) {
        let step = part.map_or_else(|| step.to_owned(), |part| format!("{step}/{part}"));
        self.note_undo(step, UndoOutcome::Left, Some(reason.to_owned()));
    }

    /// The report of a run that has not begun.
    #[must_use]
    pub fn of(steps: &[StepSpec]) -> Self {
        let mut report = Self::default();
        steps.iter().for_each(|step| report.add(step));
        report
    }

    /// Adds a step that has not begun, if it has no line yet.
    pub(crate) fn add(&mut self, spec: &StepSpec) {
        if self.step(spec.name).is_none() {
            self.steps.push(StepReport {
                step: spec.name.to_owned(),
                status: StepStatus::Pending,
                started_at: None,
                ended_at: None,
                detail: None,
                parts: Vec::new(),
                facts: Vec::new(),
            });
        }
    }

    /// One step's line.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.step == name)
    }

    /// Whether a person decided about the undo of a step: somebody did it by hand, or it was left standing.
    #[must_use]
    pub fn was_decided(&self, name: &str) -> bool {
        let status = self.step(name).map(|step| step.status);
        matches!(status, Some(StepStatus::Resolved | StepStatus::LeftStanding))
    }

    /// Whether a person has decided about this payment at a step.
    #[must_use]
    pub fn was_decided_about(&self, name: &str, payment_id: &str) -> bool {
        let known = self.fact(name, DECIDED_ABOUT).unwrap_or_default();
        self.was_decided(name) && known.split(", ").any(|id| id == payment_id)
    }

    /// Whether a step has begun: not so if it was skipped, or the report does not have it.
    #[must_use]
    pub fn has_begun(&self, name: &str) -> bool {
        let status = self.step(name).map(|step| step.status);
        !matches!(status, None | Some(StepStatus::Pending | StepStatus::Skipped))
    }

    pub(crate) fn step_mut(&mut self, name: &str) -> Option<&mut StepReport> {
        self.steps.iter_mut().find(|step| step.step == name)
    }

    /// Notes a finding of a step; a later one of that name takes its place.
    pub(crate) fn note_fact(&mut self, step: &str, name: &str, value: String) {
        if let Some(step) = self.step_mut(step) {
            step.facts.retain(|fact| fact.name != name);
            step.facts.push(Fact { name: name.to_owned(), value });
        }
    }

    /// A finding of a step.
    #[must_use]
    pub fn fact(&self, step: &str, name: &str) -> Option<&str> {
        let facts = self.step(step).map(|step| step.facts.as_slice()).unwrap_or_default();
        facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
    }

    /// The step that is under way, or waits.
    #[must_use]
    pub fn current(&self) -> Option<&StepReport> {
        current(&self.steps)
    }

    /// How many steps are done.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.steps.iter().filter(|step| step.status.is_done()).count()
    }

    /// The step table as Markdown, for the Web UI's current details; [`table::Table::read`] reads it back.
    #[must_use]
    pub fn markdown(&self) -> String {
        self.markdown_within(table::DETAILS_BYTES_MAX)
    }

    /// The same in at most so many bytes, where something else stands in the current details too.
    #[must_use]
    pub fn markdown_within(&self, bytes: usize) -> String {
        table::write(self, bytes)
    }
}

fn current(steps: &[StepReport]) -> Option<&StepReport> {
    steps.iter().rfind(|step| {
        matches!(
            step.status,
            StepStatus::Running | StepStatus::Waiting | StepStatus::Asking | StepStatus::UndoStuck
        )
    })
}

/// How far a run is: the answer to the query `progress`. The fields up to `error_message` are the seed's monitor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The workflow id.
    pub workflow_id: String,
    /// The workflow type.
    pub workflow_type: String,
    /// `running`, `completed` or `failed`.
    pub status: String,
    /// When the run began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// Milliseconds from start to end, by workflow time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// Steps done.
    pub steps_completed: usize,
    /// Steps altogether.
    pub steps_total: usize,
    /// The share of steps done, rounded down.
    pub progress_percentage: usize,
    /// Why it failed or was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The step under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step: Option<String>,
    /// How the run ended: `completed`, `failed`, `expired`, `cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The ids of the questions that wait for a person's answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_human: Vec<String>,
    /// The questions themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// The step table.
    pub steps: Vec<StepReport>,
}

impl Progress {
    /// The step of this name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.step == name)
    }

    /// Whether a step stands so.
    #[must_use]
    pub fn has(&self, status: StepStatus) -> bool {
        self.steps.iter().any(|step| step.status == status)
    }
}

/// A workflow's time as an RFC 3339 instant.
pub(crate) fn timestamp(time: Option<SystemTime>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::try_from(time).ok())
}

#[cfg(test)]
mod tests;
