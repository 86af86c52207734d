//! What a person or the business says to a run: updates, their inputs, answers and validators.

use std::error::Error;

use serde::{Deserialize, Serialize};
use temporalio_workflow::WorkflowContext;

use super::state::Phase;
use super::unwind::never;
use super::{Process, StoppedBy};

/// A person's answer about an undo that stuck: the input of the update `resolve_undo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveUndo {
    /// The step whose undo stuck, or the part of one: `send-welcome-emails/coupon`.
    pub step: String,
    /// What to do about it.
    pub action: Resolution,
    /// Why, for the report.
    pub reason: String,
}

/// What to do about an undo that stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Try it once more, with full patience.
    Retry,
    /// Somebody did it by hand.
    MarkDone,
    /// Leave the effect standing.
    Skip,
}

impl Resolution {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Retry => "undone",
            Self::MarkDone => "done by hand",
            Self::Skip => "left standing",
        }
    }
}

/// A request of the business to stop a run: the input of `cancel_order` and its like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Why; goes into the report.
    pub reason: String,
}

/// The answer to a [`CancelRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelAccepted {
    /// Steps that will be undone, newest first.
    pub will_undo: Vec<String>,
}

/// Characters of the reason for a stop, at most.
const STOP_REASON_MAX: usize = 500;

type UpdateError = Box<dyn Error + Send + Sync>;

/// The body of an update that stops the run for the business. While it is open whether there is a way back, it waits.
///
/// # Errors
/// When the run turned out to be past its pivot (says what to do instead), or goes back for another reason.
pub async fn request_stop<W: Process>(
    ctx: &WorkflowContext<W>,
    request: &CancelRequest,
    instead: &str,
) -> Result<CancelAccepted, UpdateError> {
    let token = ctx.cancellation_token();
    ctx.state_mut(|w| w.saga_mut().stop(&token, StoppedBy::Request, &request.reason));
    ctx.wait_condition_with_options(|w: &W| w.saga().phase != Phase::AtPivot, never()).await?;
    ctx.state(|w| {
        let saga = w.saga();
        if saga.is_past_pivot() {
            return Err(instead.into());
        }
        if let Some(why) = saga.goes_back_because() {
            return Err(format!("it is {why}").into());
        }
        Ok(CancelAccepted { will_undo: saga.undoable.iter().rev().map(|step| (*step).to_owned()).collect() })
    })
}

/// The validator of an update that asks to stop the run ([`request_stop`]).
///
/// # Errors
/// When the run is past its pivot (`instead` says what to do), goes back already for another reason, or is given none.
pub fn check_stop<W: Process>(
    process: &W,
    request: &CancelRequest,
    instead: &str,
) -> Result<(), UpdateError> {
    let reason = &request.reason;
    if process.saga().is_past_pivot() {
        return Err(instead.into());
    }
    if let Some(why) = process.saga().goes_back_because() {
        return Err(format!("it is {why}").into());
    }
    if reason.trim().is_empty() || reason.chars().count() > STOP_REASON_MAX {
        return Err(
            format!("reason must have 1 to {STOP_REASON_MAX} characters: it goes into the report").into()
        );
    }
    Ok(())
}

/// The validator of `resolve_undo`: only what is stuck can be resolved, and only with a reason.
///
/// # Errors
/// Says what is stuck.
pub fn check_resolution<W: Process>(process: &W, answer: &ResolveUndo) -> Result<(), UpdateError> {
    let stuck = &process.saga().stuck;
    if !stuck.contains(&answer.step) {
        let known = if stuck.is_empty() { "nothing".to_owned() } else { stuck.join(", ") };
        return Err(format!("the undo of '{}' is not stuck; stuck: {known}", answer.step).into());
    }
    if answer.reason.trim().is_empty() {
        return Err("give a reason: it goes into the report".into());
    }
    Ok(())
}

/// The body of the update `resolve_undo`; answers when the run has acted on it.
///
/// # Errors
/// Never by itself; the wait cannot be cancelled.
pub async fn resolve_undo<W: Process>(
    ctx: &WorkflowContext<W>,
    answer: ResolveUndo,
) -> Result<String, UpdateError> {
    let ticket = ctx.state_mut(|w| {
        let saga = w.saga_mut();
        saga.tickets += 1;
        saga.answers.push_back((saga.tickets, answer));
        saga.tickets
    });
    ctx.wait_condition_with_options(|w: &W| w.saga().answered.contains_key(&ticket), never()).await?;
    Ok(ctx.state(|w| w.saga().answered.get(&ticket).cloned()).unwrap_or_default())
}
