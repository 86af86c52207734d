//! How a run ends, and what it says about it.
//!
//! | what happened | how the run closes |
//! |---|---|
//! | done | Completed |
//! | stopped by the business or a deadline | Completed, with the stop as a value |
//! | refused by an outside system, or wrong input | Failed, typed and benign |
//! | an outage outlasted a step's patience | Failed, typed |
//! | Temporal's cancel | Canceled, details = report |

use serde::Serialize;
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_workflow::{
    WaitConditionOptions, WorkflowCancellationToken as Token, WorkflowResult, WorkflowTermination,
};

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

/// What the outside world is told about an early end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How the run ends.
    pub outcome: Outcome,
    /// Why, in one line.
    pub reason: String,
}

impl Halt {
    /// What the outside world is told.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let (outcome, reason) = match self {
            Self::Refused(refusal) => (Outcome::Failed, refusal.reason.clone()),
            Self::Outage { step, reason } => (Outcome::Failed, format!("{step}: {reason}")),
            Self::Stopped(Stop { by: StoppedBy::Deadline, reason }) => (Outcome::Expired, reason.clone()),
            Self::Stopped(Stop { reason, .. }) => (Outcome::Cancelled, reason.clone()),
        };
        Ending { outcome, reason }
    }
}

impl<W: Process> Saga<W> {
    /// An outside system refused a step: notes it and says how the run has to end.
    pub fn refused(&self, step: &'static str, failure_type: &'static str, reason: String) -> Halt {
        self.mark(step, StepStatus::Failed, Some(&reason));
        Halt::Refused(Refusal { step, failure_type, reason })
    }

    /// Ends a run that reached its goal.
    pub async fn completed(&self) -> Report {
        if self.ctx.cancellation_token().is_cancelled() {
            self.ctx.state_mut(|w| w.saga_mut().note_late_cancel());
        }
        self.close(Outcome::Completed, None).await
    }

    /// Ends a run that was halted, after [`Saga::unwind`]. `outage_type` names the failure of an outage;
    /// `result` makes the value of a run that the business stopped.
    ///
    /// # Errors
    /// The typed failure or the cancellation as which the run closes.
    pub async fn halted<R>(
        &self,
        halt: Halt,
        outage_type: impl FnOnce(&str) -> &'static str,
        result: impl FnOnce(Ending, Report) -> R,
    ) -> WorkflowResult<R> {
        let ending = halt.ending();
        let report = self.close(ending.outcome, Some(ending.reason.clone())).await;
        let (step, failure_type, reason, category) = match halt {
            Halt::Stopped(Stop { by: StoppedBy::Temporal, .. }) => {
                return Err(WorkflowTermination::cancelled_with_details(report));
            }
            Halt::Stopped(_) => return Ok(result(ending, report)),
            Halt::Refused(Refusal { step, failure_type, reason }) => {
                (step, failure_type, reason, ApplicationErrorCategory::Benign)
            }
            Halt::Outage { step, reason } => {
                (step, outage_type(step), reason, ApplicationErrorCategory::Unspecified)
            }
        };
        // The seed's WorkflowStepError, word for word.
        let message = format!("Workflow step '{step}' failed: {reason}");
        Err(failure(message, failure_type, category, report))
    }

    async fn close(&self, outcome: Outcome, error: Option<String>) -> Report {
        let now = timestamp(self.ctx.workflow_time());
        let (report, details) = self.ctx.state_mut(|w| {
            let saga = w.saga_mut();
            saga.outcome = Some(outcome.name());
            saga.error = error;
            saga.ended_at = now;
            (saga.report(), saga.details())
        });
        self.ctx.set_current_details(details);
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
        let never = WaitConditionOptions::builder().cancellation_token(Token::new()).build();
        let ctx = self.ctx.clone();
        if self.ctx.wait_condition_with_options(move |_| ctx.all_handlers_finished(), never).await.is_err() {
            debug_assert!(false, "a token that nobody holds was cancelled");
        }
        report
    }
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

/// Ends a run whose input is wrong, before any call: lists every field with its problem and the fix.
#[must_use]
pub fn invalid_input(failure_type: &str, problems: Vec<Problem>) -> WorkflowTermination {
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let message = format!("the input is wrong, nothing was started: {}", listed.join("; "));
    failure(message, failure_type, ApplicationErrorCategory::Benign, problems)
}
