//! Brings the news of a payment to the open order, or to [`LatePayment`] when the order has ended without the money, or
//! has had its money already. The command line and the webhook door both use it, so that they decide alike; the door,
//! which can look at the provider itself, does so in between ([`bring`], [`begin`]), so that what is not ours starts
//! nothing.
//!
//! Nobody takes the news at its word: the order and `LatePayment` read the payment again from the provider. An order
//! has one `LatePayment` at a time: it is started with the first news, and told of what comes while it is open. No news
//! is lost between the two: Temporal completes no run that has a signal it was not shown.
//!
//! - `error`: why news could not be brought.
//!
//! Deliberately absent: deciding by the order of events. They may come twice, late or reversed.

mod error;

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::values::{EventId, Locale, OrderId, Recipient};
use futures::TryStreamExt as _;
use temporalio_client::errors::{
    WorkflowGetResultError, WorkflowInteractionError, WorkflowStartError, WorkflowUpdateError,
};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions, WorkflowExecutionStatus,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::HasWorkflowDefinition;
use temporalio_common::error::IncomingError;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::search_attributes::SearchAttributes;
use workflows::input::Unchecked;
use workflows::late_payment::{self, LateNews, LatePayment, LatePaymentData, LatePaymentResult};
use workflows::order_processing::{self, OrderData, OrderProcessing, PaymentSettled};
use workflows::report::Report;
use workflows::saga::Outcome;
use workflows::search_attributes::{OUTCOME, QUESTION};

pub use error::SettleError;

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
    /// It has its money: paid and open, or fulfilled.
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
        /// Whether that run asks a person first, because somebody has decided about this money, or is asking one now.
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
                "the order has ended, and somebody decided about its money: if there is some, a person is asked before it is sent"
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
        Ok(answer) => Ok(match answer.as_str() {
            order_processing::TAKEN => Found::Open(Heard::Taken),
            order_processing::DUPLICATE => Found::Open(Heard::Duplicate),
            _ => Found::Paid,
        }),
        Err(WorkflowUpdateError::Failed(refusal)) if says(&refusal, order_processing::ALREADY_PAID) => {
            Ok(Found::Paid)
        }
        // So much news came that the rest of the run's updates is kept for people.
        Err(WorkflowUpdateError::Failed(refusal)) if says(&refusal, order_processing::BY_SIGNAL) => {
            by_signal(client, order_id, event, limit).await
        }
        // Closed before, or while the update was on its way: how it ended decides.
        Err(WorkflowUpdateError::NotFound(_) | WorkflowUpdateError::Failed(_)) => {
            after_the_end(client, order_id).await
        }
        Err(WorkflowUpdateError::Rpc(status)) => Err(SettleError::Rpc(Box::new(status))),
        Err(other) => Err(SettleError::Temporal(other.to_string())),
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
    match handle.signal(OrderProcessing::payment_heard, news.clone(), options).await {
        Ok(()) => {}
        Err(WorkflowInteractionError::NotFound(_)) => return after_the_end(client, order_id).await,
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

/// How an order ended.
async fn after_the_end(client: &Client, order_id: &OrderId) -> Result<Found, SettleError> {
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
        return Err(SettleError::Temporal(format!("order {order_id} is open and did not take the news")));
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
    // Money that somebody gave back by hand would go back twice. Where the order is paid, nothing is sent anyway.
    let is_decided = !is_paid && {
        let order = order_processing::workflow_id(&news.order_id);
        let order = handle_of(client, OrderProcessing::run, order);
        let result = order.get_result(WorkflowGetResultOptions::default()).await;
        report_of(result.map(|result| result.report))?.was_decided(order_processing::PAY)
    };
    Late { client, task_queue, news, is_paid }.hear(is_decided).await
}

/// Late money of an order, and news of it.
struct Late<'a> {
    client: &'a Client,
    task_queue: &'a str,
    news: &'a News,
    is_paid: bool,
}

/// How often a run may end while it is being told, or begin while it is being started.
const CROSSINGS_MAX: usize = 10;

impl Late<'_> {
    /// Tells the run that is open, or starts one. `is_decided`: somebody decided about the order's money before.
    async fn hear(&self, is_decided: bool) -> Result<Heard, SettleError> {
        let workflow_id = late_payment::workflow_id(&self.news.order_id);
        let run = handle_of(self.client, LatePayment::run, workflow_id.clone());
        for _ in 0..CROSSINGS_MAX {
            let (asks_first, is_heard) = match run.describe(WorkflowDescribeOptions::default()).await {
                Ok(open) if open.status() == WorkflowExecutionStatus::Running => {
                    let asked = open.search_attributes().get(&QUESTION).unwrap_or_default();
                    let asks_about_it = asked.iter().any(|asked| asked.starts_with(late_payment::REFUND));
                    (is_decided || asks_about_it, self.tell(&workflow_id).await?)
                }
                Ok(closed) => {
                    let earlier = match says_how_it_ended(closed.status()) {
                        true => earlier(run.get_result(WorkflowGetResultOptions::default()).await)?,
                        // A person who ended it by force may have given the money back.
                        false => Earlier { is_decided: true, events: BTreeSet::new() },
                    };
                    let asks = is_decided || earlier.is_decided;
                    let was_heard = earlier.events.contains(&self.news.event_id);
                    (asks, was_heard || self.start(&workflow_id, asks).await?)
                }
                Err(WorkflowInteractionError::NotFound(_)) => {
                    (is_decided, self.start(&workflow_id, is_decided).await?)
                }
                Err(WorkflowInteractionError::Rpc(status)) => return Err(SettleError::Rpc(Box::new(status))),
                Err(other) => return Err(SettleError::Temporal(other.to_string())),
            };
            if is_heard {
                return Ok(match self.is_paid {
                    true => Heard::PaidBefore { workflow_id },
                    false => Heard::Late { workflow_id, asks_first },
                });
            }
        }
        Err(SettleError::Temporal(format!("{workflow_id} ended or began whenever it was told of the news")))
    }

    /// `false`: it has ended meanwhile.
    async fn tell(&self, workflow_id: &str) -> Result<bool, SettleError> {
        let run = handle_of(self.client, LatePayment::run, workflow_id.to_owned());
        let News { event_id, payment_id, .. } = self.news.clone();
        let news = Unchecked::of(&LateNews { event_id, payment_id, is_paid: self.is_paid });
        let news = news.map_err(|e| SettleError::Temporal(e.to_string()))?;
        match run.signal(LatePayment::payment_settled, news, WorkflowSignalOptions::default()).await {
            Ok(()) => Ok(true),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(WorkflowInteractionError::Rpc(status)) => Err(SettleError::Rpc(Box::new(status))),
            Err(other) => Err(SettleError::Temporal(other.to_string())),
        }
    }

    /// `false`: another one has begun meanwhile.
    async fn start(&self, workflow_id: &str, decided: bool) -> Result<bool, SettleError> {
        let options = WorkflowStartOptions::new(self.task_queue, workflow_id)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .static_summary(format!("Late payment for order {}", self.news.order_id))
            .search_attributes(SearchAttributes::new(late_payment::search_attributes(&self.news.order_id)))
            // The worker's door shares its connection with the worker, which gets the first task with the answer: one
            // state transition less. Where no worker shares the connection, the client leaves the request out.
            .enable_eager_workflow_start(true)
            .build();
        let (News { order_id, event_id, payment_id }, is_paid) = (self.news.clone(), self.is_paid);
        let (customer_email, locale) = self.customer().await.unzip();
        let locale = locale.unwrap_or_default();
        let input =
            LatePaymentData { order_id, event_id, decided, payment_id, is_paid, customer_email, locale };
        let input = Unchecked::of(&input);
        let input = input.map_err(|e| SettleError::Temporal(e.to_string()))?;
        match self.client.start_workflow(LatePayment::run, input, options).await {
            Ok(_) => Ok(true),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(false),
            Err(WorkflowStartError::Rpc(status)) => Err(SettleError::Rpc(Box::new(status))),
            Err(other) => Err(SettleError::Temporal(other.to_string())),
        }
    }
}

impl Late<'_> {
    /// The customer, who hears of the refund, and the language: the order's own input says both. `None` where that
    /// cannot be read: the money goes back all the same.
    async fn customer(&self) -> Option<(Recipient, Locale)> {
        let order =
            handle_of(self.client, OrderProcessing::run, order_processing::workflow_id(&self.news.order_id));
        let mut history = order.fetch_history(WorkflowFetchHistoryOptions::default());
        let started = match history.try_next().await.ok()??.attributes? {
            Attributes::WorkflowExecutionStartedEventAttributes(started) => started,
            _ => return None,
        };
        let payload = started.input?.payloads.into_iter().next()?;
        let input = Unchecked::<OrderData>::from_json(std::str::from_utf8(&payload.data).ok()?).ok()?;
        let order = input.check().ok()?;
        Some((order.customer_email, order.locale))
    }
}

/// The state that an earlier run about the same money has left.
struct Earlier {
    /// Whether somebody decided about the money.
    is_decided: bool,
    /// The events that it has heard of.
    events: BTreeSet<EventId>,
}

fn earlier(result: Result<LatePaymentResult, WorkflowGetResultError>) -> Result<Earlier, SettleError> {
    match result {
        Ok(result) => Ok(Earlier { is_decided: result.decided, events: result.events }),
        Err(error) => {
            let is_decided = report_of(Err(error))?.was_decided(late_payment::REFUND);
            Ok(Earlier { is_decided, events: BTreeSet::new() })
        }
    }
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
