//! Brings the news of a payment to the open order, or to `LatePayment` when the order has ended without the money, or
//! has had its money already. The command line and the webhook door both use it, so that they decide alike; the door,
//! which can look at the provider itself, does so in between ([`bring`], [`begin`]), so that what is not ours starts
//! nothing.
//!
//! Nobody takes the news at its word: the order and `LatePayment` read the payment again from the provider. An order
//! has one `LatePayment` at a time: it is started with the first news, and told of what comes while it is open. No news
//! is lost between the two: Temporal completes no run that has a signal it was not shown.
//!
//! - `error`: why news could not be brought;
//! - `late`: the run about late money.
//!
//! Deliberately absent: deciding by the order of events. They may come twice, late or reversed.

mod error;
mod late;

use std::time::Duration;

use contracts::values::{EventId, OrderId};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowUpdateError};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions, WorkflowExecutionStatus,
    WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions, WorkflowSignalOptions,
};
use temporalio_common::HasWorkflowDefinition;
use temporalio_common::error::IncomingError;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use workflows::input::Said;
use workflows::late_payment;
use workflows::order_processing::{self, OrderProcessing, PaymentSettled};
use workflows::report::Report;
use workflows::saga::Outcome;
use workflows::search_attributes::OUTCOME;

pub use error::SettleError;
use late::Late;

/// News of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The order that it is about.
    pub order_id: OrderId,
    /// The provider's id of the event: the same news twice has one effect.
    pub event_id: EventId,
    /// The provider's id of the payment, where the news names it.
    pub payment_id: Option<String>,
}

/// Where the news found its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Open, and it heard.
    Open(Heard),
    /// It has its money: sold and labelled and open, or fulfilled.
    Paid,
    /// It ended without the money.
    Undone,
}

/// The outcome of the news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The order took it and reads the payment again.
    Taken,
    /// The order had heard of it before.
    Duplicate,
    /// The order is paid, or was fulfilled, and there is no other money: there is nothing to do.
    AlreadyPaid,
    /// There is no such payment of ours, or it holds no money, and none will come: there is nothing to do.
    Nothing,
    /// The order is paid, or was fulfilled: whether it was paid twice is looked at.
    PaidBefore {
        /// The run that looks, and asks a person if it was.
        workflow_id: String,
    },
    /// The order ended without the money, which goes back.
    Late {
        /// The run that gives it back.
        workflow_id: String,
        /// Whether that run asks a person first: somebody has decided about this money, or is asked now, or the order's
        /// last run never asked for any.
        asks_first: bool,
    },
}

impl Heard {
    /// The answer in words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Duplicate => "duplicate",
            Self::AlreadyPaid => "already paid",
            Self::Nothing => "no payment of ours, or one without money: nothing to do",
            Self::PaidBefore { .. } => "already paid: a person is asked if it was paid twice",
            Self::Late { asks_first: false, .. } => "the order has ended: whatever was paid goes back",
            Self::Late { asks_first: true, .. } => {
                "the order has ended, and its money may not be owed: a person is asked before any is sent"
            }
        }
    }
}

/// Brings the news of a payment, and begins what follows from it; the same news twice has one effect.
///
/// # Errors
/// When there is no such order, no worker answers within `limit`, or Temporal refuses.
pub async fn settle(
    client: &Client,
    task_queue: &str,
    order_id: &OrderId,
    event_id: &EventId,
    limit: Duration,
) -> Result<Heard, SettleError> {
    let news = News { order_id: order_id.clone(), event_id: event_id.clone(), payment_id: None };
    match bring(client, &news, limit).await? {
        Found::Open(heard) => Ok(heard),
        Found::Paid => begin(client, task_queue, &news, true).await,
        Found::Undone => begin(client, task_queue, &news, false).await,
    }
}

/// Brings the news of a payment to its order, if that is open, and says where it found it.
///
/// # Errors
/// As [`settle`].
pub async fn bring(client: &Client, news: &News, limit: Duration) -> Result<Found, SettleError> {
    let News { order_id, event_id, payment_id } = news;
    let handle = handle_of(client, OrderProcessing::run, order_processing::workflow_id(order_id));
    let event = PaymentSettled { event_id: event_id.to_string(), payment_id: payment_id.clone() };
    // Repeated under its id, an update gets its first answer.
    let options = WorkflowExecuteUpdateOptions::builder().update_id(event_id.to_string()).build();
    let update = handle.execute_update(OrderProcessing::payment_settled, event.clone(), options);
    let Ok(answer) = tokio::time::timeout(limit, update).await else {
        return Err(SettleError::NoWorker(order_id.clone(), limit));
    };
    match answer {
        Ok(answer) => match answer.as_str() {
            order_processing::TAKEN => Ok(Found::Open(Heard::Taken)),
            order_processing::DUPLICATE => Ok(Found::Open(Heard::Duplicate)),
            // As it was when the event was first heard: the order may go back by now, or have ended without its money.
            _ => match where_it_is(client, order_id, Some(Found::Open(Heard::AlreadyPaid))).await? {
                Found::Open(_) => once_more(client, order_id, event, limit).await,
                ended => Ok(ended),
            },
        },
        Err(WorkflowUpdateError::Failed(refusal)) if says(&refusal, order_processing::ALREADY_PAID) => {
            where_it_is(client, order_id, Some(Found::Paid)).await
        }
        // So much news came that the rest of the run's updates is kept for people.
        Err(WorkflowUpdateError::Failed(refusal)) if says(&refusal, order_processing::BY_SIGNAL) => {
            by_signal(client, order_id, event, limit).await
        }
        // Closed before, or while the update was on its way: how it ended decides.
        Err(WorkflowUpdateError::NotFound(_) | WorkflowUpdateError::Failed(_)) => {
            where_it_is(client, order_id, None).await
        }
        Err(WorkflowUpdateError::Rpc(status)) => Err(SettleError::Rpc(Box::new(status))),
        Err(other) => Err(SettleError::Temporal(other.to_string())),
    }
}

/// Brings news to an open order that had its money when it was first heard: should it go back by now, it takes the news
/// itself. A query adds nothing to its history.
async fn once_more(
    client: &Client,
    order_id: &OrderId,
    news: PaymentSettled,
    limit: Duration,
) -> Result<Found, SettleError> {
    let handle = handle_of(client, OrderProcessing::run, order_processing::workflow_id(order_id));
    let asked = handle.query(OrderProcessing::would_answer, news.clone(), WorkflowQueryOptions::default());
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(answer)) => match answer.as_str() {
            order_processing::TAKEN => by_signal(client, order_id, news, limit).await,
            order_processing::DUPLICATE => Ok(Found::Open(Heard::Duplicate)),
            _ => Ok(Found::Paid),
        },
        Ok(Err(error)) => Err(SettleError::Temporal(error.to_string())),
        Err(_) => Err(SettleError::NoWorker(order_id.clone(), limit)),
    }
}

/// Brings news by signal. That has no answer, and the order may have got its money in the meantime: so it is asked
/// whether it took the news.
async fn by_signal(
    client: &Client,
    order_id: &OrderId,
    news: PaymentSettled,
    limit: Duration,
) -> Result<Found, SettleError> {
    let handle = handle_of(client, OrderProcessing::run, order_processing::workflow_id(order_id));
    let options = WorkflowSignalOptions::default();
    match handle.signal(OrderProcessing::payment_heard, Said(Some(news.clone())), options).await {
        Ok(()) => {}
        Err(WorkflowInteractionError::NotFound(_)) => return where_it_is(client, order_id, None).await,
        Err(WorkflowInteractionError::Rpc(status)) => return Err(SettleError::Rpc(Box::new(status))),
        Err(other) => return Err(SettleError::Temporal(other.to_string())),
    }
    let asked = handle.query(OrderProcessing::has_heard, news, WorkflowQueryOptions::default());
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(true)) => Ok(Found::Open(Heard::Taken)),
        Ok(Ok(false)) => Ok(Found::Paid),
        Ok(Err(error)) => Err(SettleError::Temporal(error.to_string())),
        Err(_) => Err(SettleError::NoWorker(order_id.clone(), limit)),
    }
}

/// Whether a failure, or what is inside it, says this.
fn says(failure: &Failure, words: &str) -> bool {
    failure.message == words || failure.cause.as_deref().is_some_and(|cause| says(cause, words))
}

/// How an order ended. `open`: what one that is open counts as, where it may be open.
async fn where_it_is(client: &Client, order_id: &OrderId, open: Option<Found>) -> Result<Found, SettleError> {
    let handle = handle_of(client, OrderProcessing::run, order_processing::workflow_id(order_id));
    let order = match handle.describe(WorkflowDescribeOptions::default()).await {
        Ok(order) => order,
        Err(WorkflowInteractionError::NotFound(_)) => {
            return Err(SettleError::UnknownOrder(order_id.clone()));
        }
        Err(WorkflowInteractionError::Rpc(status)) => return Err(SettleError::Rpc(Box::new(status))),
        Err(other) => return Err(SettleError::Temporal(other.to_string())),
    };
    if order.status() == WorkflowExecutionStatus::Running {
        let not_taken =
            || SettleError::Temporal(format!("order {order_id} is open and did not take the news"));
        return open.ok_or_else(not_taken);
    }
    match order.search_attributes().get(&OUTCOME).as_deref() {
        Some(outcome) if outcome == Outcome::Completed.name() => Ok(Found::Paid),
        // Its label may exist: a refund could pay for a parcel that is on its way.
        None if !says_how_it_ended(order.status()) => Err(SettleError::EndedByForce(order_id.clone())),
        // `None`: refused for its input, before any call.
        Some(_) | None => Ok(Found::Undone),
    }
}

/// Begins what news of a payment leads to once its order has ended, or has its money: what came goes back, or, where
/// the order `is_paid`, a person is asked if it was paid twice.
///
/// # Errors
/// When Temporal refuses.
pub async fn begin(
    client: &Client,
    task_queue: &str,
    news: &News,
    is_paid: bool,
) -> Result<Heard, SettleError> {
    // Money that somebody gave back by hand would go back twice; and money that the last run never asked for is that
    // of a run before it, whose goods may have left. Where the order is paid, nothing is sent anyway.
    let order = order_processing::workflow_id(&news.order_id);
    let order = handle_of(client, OrderProcessing::run, order);
    let has_ended = !is_paid || has_ended(&order).await?;
    let report = match has_ended {
        true => {
            let result = order.get_result(WorkflowGetResultOptions::default()).await;
            report_of(result.map(|result| result.report))?
        }
        false => Report::default(),
    };
    if is_paid && says_nothing_new(&report, news) {
        return Ok(Heard::AlreadyPaid);
    }
    let is_decided = !is_paid && takes_a_person(&report);
    Late { client, task_queue, news, is_paid }.hear(is_decided).await
}

/// Whether a person has decided about the payment that the news names, beside the order's own: nobody is asked twice.
fn says_nothing_new(report: &Report, news: &News) -> bool {
    news.payment_id.as_deref().is_some_and(|id| report.was_decided_about(late_payment::READ, id))
}

async fn has_ended<W: HasWorkflowDefinition>(run: &WorkflowHandle<Client, W>) -> Result<bool, SettleError> {
    match run.describe(WorkflowDescribeOptions::default()).await {
        Ok(run) => Ok(run.status() != WorkflowExecutionStatus::Running),
        Err(WorkflowInteractionError::Rpc(status)) => Err(SettleError::Rpc(Box::new(status))),
        Err(other) => Err(SettleError::Temporal(other.to_string())),
    }
}

/// Whether nothing may be sent back before a person says so, by the report of the order's last run.
fn takes_a_person(report: &Report) -> bool {
    report.was_decided(order_processing::PAY) || !report.has_begun(order_processing::PAY)
}

/// The report of a run that has ended; an empty one where it failed before any step.
fn report_of(result: Result<Report, WorkflowGetResultError>) -> Result<Report, SettleError> {
    match result {
        Ok(report) => Ok(report),
        Err(WorkflowGetResultError::Failed(error)) => Ok(match *error {
            IncomingError::Application(failure) => failure.details().ok().flatten().unwrap_or_default(),
            _ => Report::default(),
        }),
        Err(WorkflowGetResultError::Cancelled { details }) => Ok(details.deserialize().unwrap_or_default()),
        // A run that was ended by force decided nothing. Of a run that Temporal has forgotten nobody can tell.
        Err(
            WorkflowGetResultError::Terminated { .. }
            | WorkflowGetResultError::TimedOut
            | WorkflowGetResultError::NotFound(_),
        ) => Ok(Report::default()),
        Err(other) => Err(SettleError::Temporal(other.to_string())),
    }
}

fn says_how_it_ended(status: WorkflowExecutionStatus) -> bool {
    !matches!(status, WorkflowExecutionStatus::Terminated | WorkflowExecutionStatus::TimedOut)
}

/// A handle by the `run` marker rather than by the workflow's own type, whose state may not move between threads.
fn handle_of<R: HasWorkflowDefinition>(
    client: &Client,
    _run: R,
    workflow_id: String,
) -> WorkflowHandle<Client, R> {
    client.get_workflow_handle::<R>(workflow_id)
}

#[cfg(test)]
mod tests {
    use workflows::report::{StepReport, StepStatus};

    use super::*;

    #[test]
    fn money_that_the_last_run_never_asked_for_is_not_owed_without_a_person() {
        assert!(takes_a_person(&Report::default()), "refused for its input, before any step");
        for (status, is_asked) in [
            (StepStatus::Pending, true),
            (StepStatus::Skipped, true),
            (StepStatus::Running, false),
            (StepStatus::Failed, false),
            (StepStatus::Stopped, false),
            (StepStatus::Undone, false),
            (StepStatus::Resolved, true),
            (StepStatus::LeftStanding, true),
        ] {
            let step = StepReport {
                step: order_processing::PAY.to_owned(),
                status,
                started_at: None,
                ended_at: None,
                detail: None,
                parts: Vec::new(),
                facts: Vec::new(),
            };
            let report = Report { steps: vec![step], ..Report::default() };
            assert_eq!(takes_a_person(&report), is_asked, "{status:?}");
        }
    }
}
