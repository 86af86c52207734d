//! The updates by which a person or the business speaks to a run: the bodies of those that every process has, and their
//! validators.

use std::error::Error;

use serde::{Deserialize, Serialize};
use temporalio_workflow::{WaitConditionOptions, WorkflowCancellationToken as Token, WorkflowContext};

use super::people::{Answer, Answered};
use super::state::Phase;
use super::{Face, StoppedBy};

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

/// An error of an update or of its validator.
pub type UpdateError = Box<dyn Error + Send + Sync>;

/// A wait that nobody cancels.
pub(super) fn never() -> WaitConditionOptions {
    WaitConditionOptions::builder().cancellation_token(Token::new()).build()
}

/// The body of an update that stops the run for the business. While it is open whether there is a way back, it waits.
///
/// # Errors
/// When the run turned out to be past its pivot (says what to do instead), or goes back for another reason.
pub async fn request_stop<W: Face>(
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
pub fn check_stop<W: Face>(process: &W, request: &CancelRequest, instead: &str) -> Result<(), UpdateError> {
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

/// The validator of the update `answer`: only an open question can be answered, as it takes it, and with a reason.
///
/// # Errors
/// Says what is open and which answers it takes.
pub fn check_answer<W: Face>(process: &W, answer: &Answer) -> Result<(), UpdateError> {
    Ok(process.saga().people.check(answer)?)
}

/// The body of the update `answer`; returns when the run has acted on the answer.
///
/// # Errors
/// Never by itself; the wait cannot be cancelled.
pub async fn take_answer<W: Face>(ctx: &WorkflowContext<W>, answer: Answer) -> Result<Answered, UpdateError> {
    let ticket = ctx.state_mut(|w| w.saga_mut().people.take(answer));
    ctx.wait_condition_with_options(move |w: &W| w.saga().people.outcome(ticket).is_some(), never()).await?;
    ctx.state(|w| w.saga().people.outcome(ticket).cloned()).ok_or_else(|| "the answer was lost".into())
}
