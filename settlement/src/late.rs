//! The run about late money of an order: the one that is open is told of news, or one is started.

use std::collections::BTreeSet;

use contracts::values::{EventId, Locale, Recipient};
use futures::TryStreamExt as _;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowFetchHistoryOptions,
    WorkflowGetResultOptions, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowSignalOptions,
    WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::search_attributes::SearchAttributes;
use workflows::input::Unchecked;
use workflows::late_payment::{self, LateNews, LatePayment, LatePaymentData, LatePaymentResult};
use workflows::order_processing::{self, OrderData, OrderProcessing};
use workflows::report::Report;
use workflows::search_attributes::QUESTION;

use super::{Heard, News, SettleError, handle_of, report_of, says_how_it_ended, says_nothing_new};

/// Late money of an order, and news of it.
pub(super) struct Late<'a> {
    pub(super) client: &'a Client,
    pub(super) task_queue: &'a str,
    pub(super) news: &'a News,
    pub(super) is_paid: bool,
}

/// How often a run may end while it is being told, or begin while it is being started.
const CROSSINGS_MAX: usize = 10;

impl Late<'_> {
    /// Tells the run that is open, or starts one. `is_decided`: nothing may be sent before a person says so.
    pub(super) async fn hear(&self, is_decided: bool) -> Result<Heard, SettleError> {
        let workflow_id = late_payment::workflow_id(&self.news.order_id);
        let run = handle_of(self.client, LatePayment::run, workflow_id.clone());
        for _ in 0..CROSSINGS_MAX {
            let (asks_first, is_heard) = match run.describe(WorkflowDescribeOptions::default()).await {
                Ok(open) if open.status() == WorkflowExecutionStatus::Running => {
                    let asked = open.search_attributes().get(&QUESTION).unwrap_or_default();
                    let asks_about_it = asked.iter().any(|asked| asked.starts_with(late_payment::REFUND));
                    (is_decided || asks_about_it, self.tell(&workflow_id, is_decided).await?)
                }
                Ok(closed) => {
                    let earlier = match says_how_it_ended(closed.status()) {
                        true => earlier(run.get_result(WorkflowGetResultOptions::default()).await)?,
                        // A person who ended it by force may have given the money back.
                        false => Earlier { is_decided: true, ..Earlier::default() },
                    };
                    if self.is_paid && says_nothing_new(&earlier.report, self.news) {
                        return Ok(Heard::AlreadyPaid);
                    }
                    let asks = is_decided || earlier.is_decided;
                    // Heard as news of an order that had its money, it sent nothing back.
                    let was_heard =
                        earlier.events.contains(&self.news.event_id) && (self.is_paid || earlier.is_owed);
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
    async fn tell(&self, workflow_id: &str, decided: bool) -> Result<bool, SettleError> {
        let run = handle_of(self.client, LatePayment::run, workflow_id.to_owned());
        let News { event_id, payment_id, .. } = self.news.clone();
        let news = Unchecked::of(&LateNews { event_id, payment_id, is_paid: self.is_paid, decided });
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
#[derive(Default)]
struct Earlier {
    /// Whether somebody decided about the money.
    is_decided: bool,
    /// Whether it was to give money back, rather than to look if there is too much.
    is_owed: bool,
    /// The events that it has heard of.
    events: BTreeSet<EventId>,
    /// Every step with its outcome.
    report: Report,
}

fn earlier(result: Result<LatePaymentResult, WorkflowGetResultError>) -> Result<Earlier, SettleError> {
    match result {
        Ok(LatePaymentResult { decided, owed, events, report, .. }) => {
            Ok(Earlier { is_decided: decided, is_owed: owed, events, report })
        }
        Err(error) => {
            let report = report_of(Err(error))?;
            Ok(Earlier { is_decided: report.was_decided(late_payment::REFUND), report, ..Earlier::default() })
        }
    }
}
