//! Sends an update to a running process and waits for its answer, but never for ever.
//!
//! An update needs a worker twice: to be accepted (or refused), which takes a moment, and to be finished, which may
//! take long (an undo that is tried again). Each has its own limit, so that no command hangs when no worker runs.

use std::time::Duration;

use temporalio_client::errors::WorkflowUpdateError;
use temporalio_client::{
    RpcOptions, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowStartUpdateOptions,
};
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::protos::temporal::api::failure::v1::Failure as Said;
use temporalio_common::{HasWorkflowDefinition, UpdateDefinition};
use tokio::time::{Instant, timeout_at};
use tonic::Code;

use super::connect::Session;
use super::run::AnyProcess;
use super::subject::{Subject, status_name};
use super::task::FailingTask;
use crate::processes::Process;
use crate::terminal::exit::{Exit, Failure, is_run_missing};
use crate::terminal::output::{Out, duration};
use crate::terminal::program::command;

/// How long a worker has to accept an update, or to refuse it.
const ACCEPT_LIMIT: Duration = Duration::from_secs(30);

/// How one update is sent.
pub(crate) struct Sending {
    /// The process it is for, if it is one of ours.
    pub(crate) process: Option<&'static Process>,
    pub(crate) workflow_id: String,
    /// Which run, if not the latest.
    pub(crate) run_id: Option<String>,
    /// Makes a repeat harmless: the same id gets the first answer.
    pub(crate) update_id: Option<String>,
    /// How long to wait for the answer.
    pub(crate) limit: Duration,
}

/// Why an update has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// No worker took it.
    NoWorker,
    /// A worker took it, and has not finished it.
    Unfinished,
    /// The run refused it.
    Refused,
    /// The run has ended.
    Ended,
    /// Temporal did not let it through.
    Temporal,
}

/// An update without an answer.
pub(crate) struct Unanswered {
    pub(crate) why: Why,
    pub(crate) failure: Failure,
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        unanswered.failure
    }
}

impl Why {
    fn with(self, failure: Failure) -> Unanswered {
        Unanswered { why: self, failure }
    }
}

/// Sends an update to `W`'s workflow and returns its answer.
pub(crate) async fn send<W, U>(
    session: &Session,
    out: &Out,
    sending: Sending,
    update: U,
    input: U::Input,
) -> Result<U::Output, Unanswered>
where
    W: HasWorkflowDefinition,
    U: UpdateDefinition<Workflow = W::Run>,
    U::Input: Send,
    U::Output: TemporalDeserializable + 'static,
{
    let Sending { process, workflow_id, run_id, update_id, limit } = sending;
    let handle = session.handle::<W>(&workflow_id, run_id.clone());
    let subject = Subject { workflow_id, run_id: run_id.unwrap_or_default(), process };
    let begun = Instant::now();
    let options = WorkflowStartUpdateOptions::builder().maybe_update_id(update_id).build();
    let accept_limit = ACCEPT_LIMIT.min(limit);
    let accepting = handle.start_update(update, input, options);
    let accepted = match timeout_at(begun + accept_limit, accepting).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(error)) => return Err(refused(session, &subject, error).await),
        Err(_) => return Err(no_worker(session, &subject, accept_limit).await),
    };
    let slow = begun + Duration::from_secs(2);
    let finishing = accepted.get_result(RpcOptions::default());
    tokio::pin!(finishing);
    let answer = match timeout_at(slow.min(begun + limit), &mut finishing).await {
        Ok(answer) => Ok(answer),
        Err(_) => {
            out.say(format!("{}: accepted; waiting for the outcome", subject.title()));
            timeout_at(begun + limit, &mut finishing).await
        }
    };
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(session, &subject, error).await),
        Err(_) => Err(unfinished(&subject, limit)),
    }
}

fn unfinished(subject: &Subject, limit: Duration) -> Unanswered {
    let message = format!("accepted, and not finished after {}: the outcome is open", words(limit));
    let look = format!("it goes on by itself; look with: {}", subject.command("status"));
    Why::Unfinished.with(Failure::new(Exit::Failed, message).fix(look))
}

async fn no_worker(session: &Session, subject: &Subject, limit: Duration) -> Unanswered {
    if let Some(task) = failing_task(session, subject).await {
        let message =
            format!("{} does not answer within {}: {}", subject.title(), words(limit), task.words());
        return Why::NoWorker.with(Failure::new(Exit::Failed, message).fix(format!(
            "{}. The request may still be taken: before repeating it, look with: {}",
            task.fix(subject),
            subject.command("status")
        )));
    }
    let message = format!("no worker answered for {} within {}", subject.title(), words(limit));
    Why::NoWorker.with(Failure::new(Exit::Failed, message).fix(format!(
        "is a worker running? '{}' looks closer. The request may still be taken: before repeating it, look with: {}",
        command!("doctor"),
        subject.command("status")
    )))
}

/// The meaning of a refused update: refused by the workflow, too late, or no such run.
async fn refused(session: &Session, subject: &Subject, error: WorkflowUpdateError) -> Unanswered {
    match error {
        WorkflowUpdateError::Failed(said) => {
            let message = format!("{} refuses: {}", subject.title(), innermost(&said));
            Why::Refused.with(Failure::new(Exit::Failed, message))
        }
        WorkflowUpdateError::NotFound(status) if is_run_missing(&status) => {
            let run_id = Some(subject.run_id.clone()).filter(|run_id| !run_id.is_empty());
            let handle = session.handle::<AnyProcess>(&subject.workflow_id, run_id);
            match handle.describe(WorkflowDescribeOptions::default()).await {
                Ok(found) if found.status() == WorkflowExecutionStatus::Running => {
                    Why::Temporal.with(Failure::of_status(&status))
                }
                Ok(found) => ended(subject, found.status()),
                Err(error) => Why::Temporal.with(session.not_found(&subject.workflow_id, error)),
            }
        }
        // Temporal takes no update while the run's workflow task fails.
        WorkflowUpdateError::Rpc(status) if status.code() == Code::FailedPrecondition => {
            match failing_task(session, subject).await {
                Some(task) => Why::Temporal.with(task.not_taken(subject)),
                None => Why::Temporal.with(Failure::of_status(&status)),
            }
        }
        other => Why::Temporal.with(other.into()),
    }
}

async fn failing_task(session: &Session, subject: &Subject) -> Option<FailingTask> {
    let run_id = Some(subject.run_id.clone()).filter(|run_id| !run_id.is_empty());
    let handle = session.handle::<AnyProcess>(&subject.workflow_id, run_id);
    let description = handle.describe(WorkflowDescribeOptions::default()).await.ok()?;
    FailingTask::of(&session.client, &description).await
}

fn ended(subject: &Subject, status: WorkflowExecutionStatus) -> Unanswered {
    let message = format!("{} has already ended: {}", subject.title(), status_name(status));
    let look = format!("how it ended: {}", subject.command("result"));
    Why::Ended.with(Failure::new(Exit::Failed, message).fix(look))
}

/// The workflow's own words, without what was wrapped around them.
fn innermost(failure: &Said) -> &str {
    let mut innermost = failure;
    while let Some(cause) = innermost.cause.as_deref() {
        innermost = cause;
    }
    &innermost.message
}

fn words(limit: Duration) -> String {
    duration(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX))
}
