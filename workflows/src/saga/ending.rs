//! How a run ends, and what it says about it.
//!
//! | what happened | how the run closes |
//! |---|---|
//! | done | Completed |
//! | stopped by the business or a deadline | Completed, with the stop as a value |
//! | refused by an outside system, or wrong input | Failed, typed and benign |
//! | an outage outlasted a step's patience | Failed, typed |
//! | Temporal's cancel | Canceled, details = report |

use std::future::Future;

use serde::Serialize;
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_workflow::{WorkflowResult, WorkflowTermination};

use super::unwind::Back;
use super::updates::never;
use super::{Process, Saga, Stop, StoppedBy};
use crate::input::Problem;
use crate::report::{Report, StepStatus, timestamp};
use crate::search_attributes::{OUTCOME, STAGE, Stage};

/// Why the forward path ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// An outside system said no.
    Refused(Refusal),
    /// A step got no answer for as long as its policy is patient.
    Outage {
        /// Which step.
        step: &'static str,
        /// The last thing heard.
        reason: String,
        /// Whether it is the system's last word, so that asking again is pointless.
        is_final: bool,
    },
    /// Somebody or something stopped the run.
    Stopped(Stop),
}

/// An outside system said no to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The step that was refused.
    pub step: &'static str,
    /// The failure type: `PaymentDeclined`.
    pub failure_type: &'static str,
    /// Why, in one line, without personal data.
    pub reason: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Completed,
    /// Refused or given up; undone.
    Failed,
    /// Its deadline passed; undone.
    Expired,
    /// Somebody cancelled it; undone.
    Cancelled,
}

impl Outcome {
    /// Every way to end.
    pub const ALL: [Self; 4] = [Self::Completed, Self::Failed, Self::Expired, Self::Cancelled];

    /// The value of the search attribute and of the result's `outcome`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The news of an early end, for the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How the run ends.
    pub outcome: Outcome,
    /// Why, in one line.
    pub reason: String,
}

impl Halt {
    /// The news of this end, for the outside world.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let (outcome, reason) = match self {
            Self::Refused(refusal) => (Outcome::Failed, refusal.reason.clone()),
            Self::Outage { step, reason, .. } => (Outcome::Failed, format!("{step}: {reason}")),
            Self::Stopped(Stop { by: StoppedBy::Deadline, reason }) => (Outcome::Expired, reason.clone()),
            Self::Stopped(Stop { reason, .. }) => (Outcome::Cancelled, reason.clone()),
        };
        Ending { outcome, reason }
    }
}

/// How a run ended that closes with a result: it went through, or the business or a deadline stopped it.
#[derive(Clone, Debug)]
pub struct Ended<T> {
    /// How.
    pub outcome: Outcome,
    /// The findings with which the story ended; `None` when it was stopped.
    pub value: Option<T>,
    /// Why it was stopped.
    pub reason: Option<String>,
    /// Every step with its outcome.
    pub report: Report,
    /// Milliseconds of workflow time from start to end.
    pub took_ms: i64,
}

impl<T> Ended<T> {
    /// Whether the run reached its goal.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.outcome == Outcome::Completed
    }
}

/// A process's own part of its way back, where that is more than undoing everything newest first. `T`: the findings
/// with which its story ends.
pub trait WayBack<W: Process, T> {
    /// The failure type of a run that a step ended by getting no usable answer for all its patience, or a refusal that
    /// its adapter has no word for.
    fn outage_type(&self, step: &str) -> &'static str {
        let _step = step;
        "StepFailed"
    }

    /// Goes back.
    fn go_back(&self, back: &Back<'_, W>, halt: &Halt) -> impl Future<Output = ()> {
        let _halt = halt;
        back.undo_all()
    }

    /// Goes on to the goal, because a person keeps what could not be undone any more. `None`: nothing of this process
    /// can be kept.
    fn keep(&self, saga: &Saga<W>) -> impl Future<Output = Option<T>> {
        let _saga = saga;
        std::future::ready(None)
    }
}

/// The way back of a process that only undoes everything, newest first.
pub struct UndoAll;

impl<W: Process, T> WayBack<W, T> for UndoAll {}

impl<W: Process> Saga<W> {
    /// An outside system refused a step: notes it and says how the run has to end.
    pub fn refused(&self, step: &'static str, failure_type: &'static str, reason: String) -> Halt {
        self.scribe.mark(step, StepStatus::Failed, Some(&reason));
        Halt::Refused(Refusal { step, failure_type, reason })
    }

    /// Ends the run: it has reached its goal, or it turns back, undoes what may have happened and says why.
    ///
    /// # Errors
    /// The typed failure or the cancellation as which the run closes.
    pub async fn end<T>(
        &mut self,
        story: Result<T, Halt>,
        way: &impl WayBack<W, T>,
    ) -> WorkflowResult<Ended<T>> {
        let (outcome, value, reason) = match story {
            Ok(value) => {
                if self.ctx.cancellation_token().is_cancelled() {
                    self.scribe.change(super::SagaState::note_late_cancel);
                }
                (Outcome::Completed, Some(value), None)
            }
            Err(halt) => {
                self.turn_back(&halt);
                way.go_back(&Back::of(self), &halt).await;
                if let Some(value) = self.kept(way).await {
                    return Ok(self.ended(Outcome::Completed, Some(value), None).await);
                }
                let Ending { outcome, reason } = halt.ending();
                if !matches!(&halt, Halt::Stopped(stop) if stop.by != StoppedBy::Temporal) {
                    let report = self.close(outcome, Some(reason)).await;
                    return Err(termination(halt, report, |step| way.outage_type(step)));
                }
                (outcome, None, Some(reason))
            }
        };
        Ok(self.ended(outcome, value, reason).await)
    }

    async fn ended<T>(&self, outcome: Outcome, value: Option<T>, reason: Option<String>) -> Ended<T> {
        let report = self.close(outcome, reason.clone()).await;
        let took_ms = self.scribe.state(|saga| saga.took_ms());
        Ended { outcome, value, reason, report, took_ms }
    }

    /// The findings of a run whose effect is kept by a person. No stop reaches it any more.
    async fn kept<T>(&mut self, way: &impl WayBack<W, T>) -> Option<T> {
        if !self.scribe.state(|saga| saga.is_kept) {
            return None;
        }
        self.pivot();
        way.keep(self).await
    }

    /// Turns back: from here on whoever asks is told why, and nobody can stop the run for another reason. A stop that
    /// was taken while the run failed by itself is noted.
    pub(super) fn turn_back(&self, halt: &Halt) {
        self.scribe.change(|saga| saga.turn_back(halt));
    }

    async fn close(&self, outcome: Outcome, error: Option<String>) -> Report {
        let now = timestamp(self.ctx.workflow_time());
        let report = self.scribe.change(|saga| {
            saga.outcome = Some(outcome.name());
            saga.error = error;
            saga.ended_at = now;
            saga.report()
        });
        self.scribe.show();
        self.ctx.upsert_search_attributes([
            STAGE.value_set(Stage::Closed.name().to_owned()),
            OUTCOME.value_set(outcome.name().to_owned()),
        ]);
        if !self.ctx.is_replaying()
            && let Some(observer) = crate::observe::observer()
        {
            observer.process_ended(&self.ctx.state(|w| w.saga().progress(&self.ctx.info())));
        }
        // An accepted update gets its answer before the run closes; nobody can cancel this wait.
        let ctx = self.ctx.clone();
        let waited =
            self.ctx.wait_condition_with_options(move |_| ctx.all_handlers_finished(), never()).await;
        debug_assert!(waited.is_ok(), "a token that nobody holds was cancelled");
        report
    }
}

/// How a run closes that has no result.
fn termination(
    halt: Halt,
    report: Report,
    outage_type: impl FnOnce(&str) -> &'static str,
) -> WorkflowTermination {
    let (step, failure_type, reason, category) = match halt {
        Halt::Stopped(_) => return WorkflowTermination::cancelled_with_details(report),
        Halt::Refused(Refusal { step, failure_type, reason }) => {
            (step, failure_type, reason, ApplicationErrorCategory::Benign)
        }
        Halt::Outage { step, reason, .. } => {
            (step, outage_type(step), reason, ApplicationErrorCategory::Unspecified)
        }
    };
    // The seed's WorkflowStepError, word for word.
    let message = format!("Workflow step '{step}' failed: {reason}");
    failure(message, failure_type, category, report)
}

fn failure(
    message: String,
    failure_type: &str,
    category: ApplicationErrorCategory,
    details: impl Serialize + Send + Sync + 'static,
) -> WorkflowTermination {
    ApplicationFailure::builder(message)
        .type_name(failure_type.to_owned())
        .non_retryable(true)
        .category(category)
        .details(details)
        .build()
        .into()
}

/// Problems that the failure of a run lists; one that is too large could never be written, and its task would be tried
/// for ever.
const PROBLEMS_MAX: usize = 50;

/// Ends a run whose input is wrong, before any call: lists the fields with their problems and the fix.
pub(crate) fn invalid_input(failure_type: &str, mut problems: Vec<Problem>) -> WorkflowTermination {
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    let mut listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    let message = format!("the input is wrong, nothing was started: {}", listed.join("; "));
    failure(message, failure_type, ApplicationErrorCategory::Benign, problems)
}
