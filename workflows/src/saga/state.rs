//! The saga's part of a workflow's state: the stop, the pivot, the step table, the answers of people.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowCancellationToken as Token, WorkflowContextView};

use super::people::People;
use super::rounds::Rounds;
use super::{Halt, Process, parts};
use crate::report::table::DETAILS_BYTES_MAX;
use crate::report::{DECIDED_ABOUT, Progress, Report, StepClass, StepSpec, StepStatus, timestamp};

/// Bytes of the current details that open questions may take; the step table has the rest.
const QUESTIONS_BYTES_MAX: usize = DETAILS_BYTES_MAX / 2;

/// The party that stopped a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// Temporal's own cancel.
    Temporal,
    /// The business, by an update.
    Request,
    /// A deadline of the process.
    Deadline,
}

/// Why a run was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Who.
    pub by: StoppedBy,
    /// Why, in words.
    pub reason: String,
}

/// A field of each workflow that runs as a [`super::Saga`]. An update may reach it before `run` has begun.
#[derive(Default)]
pub struct SagaState {
    forward: Option<Token>,
    stop: Option<Stop>,
    pub(super) phase: Phase,
    pub(super) report: Report,
    /// Steps whose undo is registered, oldest first.
    pub(super) undoable: Vec<&'static str>,
    pub(super) people: People,
    /// Whether a person keeps what could not be undone: the run goes on to its goal.
    pub(super) is_kept: bool,
    /// The rounds of effects that count them, by step.
    pub(super) rounds: BTreeMap<&'static str, Rounds>,
    pub(super) outcome: Option<&'static str>,
    pub(super) error: Option<String>,
    pub(super) ended_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
}

/// Where a run stands to its pivot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything can be undone.
    #[default]
    Forward,
    /// The pivot step is under way, or what runs beside it: whether there is a way back is not known.
    AtPivot,
    /// No way back.
    PastPivot,
    /// Going back.
    Unwinding,
}

impl SagaState {
    /// Whether a person is asked about a step at the moment.
    #[must_use]
    pub fn is_asked_about(&self, step: &str) -> bool {
        self.people.open().iter().any(|question| question.about.step == step)
    }

    /// The forward token; made by whoever comes first, an update or the run.
    pub(super) fn forward_token(&mut self, workflow: &Token) -> Token {
        self.forward.get_or_insert_with(|| workflow.child_token()).clone()
    }

    /// Stops the run, if nobody did before.
    pub(super) fn stop(&mut self, workflow: &Token, by: StoppedBy, reason: &str) {
        let forward = self.forward_token(workflow);
        if !forward.is_cancelled() {
            self.stop = Some(Stop { by, reason: reason.to_owned() });
            forward.cancel_with_reason(reason);
        }
    }

    pub(super) fn stopped_as(&self, workflow: &Token) -> Stop {
        self.stop.clone().unwrap_or_else(|| Stop {
            by: StoppedBy::Temporal,
            reason: workflow
                .reason()
                .filter(|r| !r.is_empty())
                .unwrap_or_else(|| "no reason given".to_owned()),
        })
    }

    /// Whether the point of no return is behind.
    #[must_use]
    pub fn is_past_pivot(&self) -> bool {
        self.phase == Phase::PastPivot
    }

    #[cfg(test)]
    pub(crate) fn put_past_pivot(&mut self) {
        self.phase = Phase::PastPivot;
    }

    /// Why the business can no longer stop the run, though its pivot is not behind: it goes back already. Asked a
    /// second time, a run that the business stopped says yes again.
    #[must_use]
    pub fn goes_back_because(&self) -> Option<String> {
        let is_by_request = self.stop.as_ref().is_some_and(|stop| stop.by == StoppedBy::Request);
        if self.phase != Phase::Unwinding || is_by_request {
            return None;
        }
        let why = self.error.as_deref().unwrap_or("it was stopped");
        let ids: Vec<&str> = self.people.open().iter().map(|question| question.id.as_str()).collect();
        let until = match ids.as_slice() {
            [] => "it ends by itself".to_owned(),
            ids => format!("it waits for a person's answer: {}", ids.join(", ")),
        };
        Some(format!("already being undone ({why}): {until}"))
    }

    /// How often the undo of a step has come to an end: it went through, somebody did it by hand, or it was left.
    #[must_use]
    pub fn times_settled(&self, step: &str) -> usize {
        let records = self.report.undone.iter().chain(&self.report.left_standing);
        records.filter(|record| record.step == step).count()
    }

    /// Notes the payments that were known when a person decided about them: whoever brings news of one of them later
    /// asks nobody again.
    pub(crate) fn note_decided_about(&mut self, step: &str, payment_ids: &BTreeSet<String>) {
        let ids: Vec<&str> = payment_ids.iter().map(String::as_str).collect();
        self.report.note_fact(step, DECIDED_ABOUT, ids.join(", "));
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.outcome.is_some()
    }

    /// The report so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report.clone()
    }

    /// The text that the Web UI shows: the open questions, then the step table, together in the bytes that Temporal
    /// takes.
    pub(super) fn details(&self) -> String {
        let questions = self.people.markdown(QUESTIONS_BYTES_MAX);
        if questions.is_empty() {
            return self.report.markdown();
        }
        let left = DETAILS_BYTES_MAX.saturating_sub(questions.len() + 2);
        format!("{questions}\n\n{}", self.report.markdown_within(left))
    }

    /// Milliseconds of workflow time from start to end.
    pub(super) fn took_ms(&self) -> i64 {
        let took = self.started_at.zip(self.ended_at);
        took.map_or(0, |(from, to)| to.as_millisecond() - from.as_millisecond())
    }

    pub(super) fn begin(&mut self, steps: &[StepSpec], now: Option<SystemTime>) {
        self.report = Report::of(steps);
        self.started_at = timestamp(now);
    }

    pub(super) fn enter<W: Process>(&mut self, name: &'static str, has_undo: bool) {
        if has_undo && !self.undoable.contains(&name) {
            self.undoable.push(name);
        }
        // The rest of a pivot step runs after its point of no return: it must not set the phase back.
        let is_pivot = W::STEPS.iter().any(|step| step.name == name && step.class == StepClass::Pivot);
        if is_pivot && self.phase == Phase::Forward {
            self.phase = Phase::AtPivot;
        }
    }

    pub(super) fn turn_back(&mut self, halt: &Halt) {
        self.phase = Phase::Unwinding;
        self.error = Some(halt.ending().reason);
        let is_the_story = matches!(halt, Halt::Stopped(_));
        if !is_the_story && let Some(stop) = self.stop.take() {
            self.report.notes.push(format!("stopped while it failed: {}", stop.reason));
        }
    }

    /// A person keeps the effect of a step.
    pub(super) fn keep(&mut self, step: &str, reason: &str) {
        self.is_kept = true;
        self.report.notes.push(format!("{step} is kept, and the run goes on to its goal: {reason}"));
    }

    /// Notes something in the report, once.
    pub(crate) fn note(&mut self, words: &str) {
        if !self.report.notes.iter().any(|noted| noted == words) {
            self.report.notes.push(words.to_owned());
        }
    }

    /// Whether the run goes back.
    pub(crate) fn goes_back(&self) -> bool {
        self.phase == Phase::Unwinding
    }

    pub(super) fn pass_pivot(&mut self, temporal: &Token) {
        self.phase = Phase::PastPivot;
        self.undoable.clear();
        match self.stop.take() {
            Some(stop) => self.report.notes.push(format!("came too late to cancel: {}", stop.reason)),
            None if temporal.is_cancelled() => self.note_late_cancel(),
            None => {}
        }
    }

    /// A cancel of Temporal's after the pivot does not stop the run; it is noted, once.
    pub(super) fn note_late_cancel(&mut self) {
        self.note("Temporal's cancel came too late: the run went on to its end");
    }

    /// Notes where a step (or a part of it) stands; returns how long the step took when this ends it.
    pub(super) fn mark(
        &mut self,
        name: &str,
        part: Option<&str>,
        status: StepStatus,
        detail: Option<&str>,
        now: Option<SystemTime>,
    ) -> Option<Duration> {
        let now = timestamp(now);
        let step = self.report.step_mut(name)?;
        step.started_at = step.started_at.or(now);
        let (status, detail) = match part {
            None => (status, detail.map(str::to_owned)),
            Some(part) => {
                parts::set(&mut step.parts, part, status, detail);
                (parts::status_of(&step.parts), None)
            }
        };
        // Undone says what became of a step; why it failed stays readable.
        let keeps_detail =
            status == StepStatus::Undone && step.status == StepStatus::Failed && detail.is_none();
        if !keeps_detail {
            step.detail = detail;
        }
        step.status = status;
        if matches!(
            status,
            StepStatus::Pending | StepStatus::Running | StepStatus::Waiting | StepStatus::Asking
        ) {
            return None;
        }
        step.ended_at = now;
        let took = step.ended_at?.duration_since(step.started_at?);
        Some(Duration::try_from(took).unwrap_or_default())
    }

    /// Notes where a part stands that is not part of the story: its step stands as it did.
    pub(super) fn mark_aside(&mut self, name: &str, part: &str, status: StepStatus, detail: Option<&str>) {
        if let Some(step) = self.report.step_mut(name) {
            parts::set(&mut step.parts, part, status, detail);
        }
    }

    /// The answer to the query `progress`.
    #[must_use]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        let steps_total = self.report.steps.len();
        let steps_completed = self.report.completed();
        let status = match self.outcome {
            None => "running",
            Some("completed") => "completed",
            Some(_) => "failed",
        };
        let duration = match (self.started_at, self.ended_at) {
            (Some(start), Some(end)) => Some(end.as_millisecond() - start.as_millisecond()),
            _ => None,
        };
        Progress {
            workflow_id: ctx.workflow_id().to_owned(),
            workflow_type: ctx.workflow_type().to_owned(),
            status: status.to_owned(),
            start_time: self.started_at,
            end_time: self.ended_at,
            duration,
            steps_completed,
            steps_total,
            progress_percentage: steps_completed * 100 / steps_total.max(1),
            error_message: self.error.clone(),
            current_step: self.report.current().map(|step| step.step.clone()),
            outcome: self.outcome.map(str::to_owned),
            needs_human: self.people.open().iter().map(|question| question.id.clone()).collect(),
            questions: self.people.open().to_vec(),
            steps: self.report.steps.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[StepSpec] =
        &[StepSpec::compensable("hold", "hold the stock"), StepSpec::retriable("tell", "tell the customer")];

    fn at(seconds: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn begun() -> SagaState {
        let mut state = SagaState::default();
        state.begin(STEPS, at(0));
        state
    }

    #[test]
    fn parts_are_kept_apart_and_a_part_is_listed_once() {
        let mut state = begun();
        assert_eq!(state.mark("tell", Some("email"), StepStatus::Running, None, at(1)), None);
        assert_eq!(state.mark("tell", Some("sms"), StepStatus::Failed, Some("no number"), at(2)), None);
        let took = state.mark("tell", Some("email"), StepStatus::Completed, None, at(4));
        assert_eq!(took, Some(Duration::from_secs(3)));
        let step = state.report.step("tell").cloned();
        let parts =
            step.as_ref().map(|step| step.parts.iter().map(|p| (p.part.as_str(), p.status)).collect());
        let wanted = vec![("email", StepStatus::Completed), ("sms", StepStatus::Failed)];
        assert_eq!(parts, Some(wanted));
        assert_eq!(step.map(|step| step.status), Some(StepStatus::Failed));
    }

    #[test]
    fn a_part_beside_the_story_leaves_its_step_as_it_is() {
        let mut state = begun();
        state.mark_aside("tell", "invitation", StepStatus::Running, None);
        state.mark_aside("tell", "invitation", StepStatus::Failed, Some("no answer"));
        let step = state.report.step("tell").map(|step| (step.status, step.started_at, step.parts.len()));
        assert_eq!(step, Some((StepStatus::Pending, None, 1)));
    }

    #[test]
    fn why_a_step_failed_stays_readable_after_its_undo() {
        let mut state = begun();
        state.mark("hold", None, StepStatus::Failed, Some("no answer"), at(1));
        state.mark("hold", None, StepStatus::Undone, None, at(2));
        let step = state.report.step("hold");
        assert_eq!(step.map(|step| step.status), Some(StepStatus::Undone));
        assert_eq!(step.and_then(|step| step.detail.as_deref()), Some("no answer"));
        // An undo that has something to say says it.
        state.mark("hold", None, StepStatus::Undone, Some("by hand"), at(3));
        assert_eq!(state.report.step("hold").and_then(|step| step.detail.as_deref()), Some("by hand"));
    }

    #[test]
    fn a_step_nobody_declared_is_not_invented() {
        let mut state = begun();
        assert_eq!(state.mark("ship", None, StepStatus::Completed, None, at(1)), None);
        assert_eq!(state.report.steps.len(), STEPS.len());
    }

    #[test]
    fn a_late_cancel_of_temporals_is_noted_once() {
        let mut state = begun();
        state.note_late_cancel();
        state.note_late_cancel();
        assert_eq!(state.report.notes.len(), 1);
    }
}
