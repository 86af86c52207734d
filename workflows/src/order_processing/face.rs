//! How Temporal reaches an order: its state, `run`, updates and queries.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use std::collections::BTreeSet;

use contracts::payment::CustomerAction;
use contracts::values::{EventId, OrderId};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, workflow,
};

use super::{OrderData, OrderProcessingResult, OrderRun};
use crate::face;
use crate::input::{Said, Unchecked};
use crate::late_payment::PAYMENT_ID_MAX;
use crate::saga::{self, CancelAccepted, CancelRequest, Saga, SagaState, UpdateError};
use crate::search_attributes::{ORDER_ID, STAGE, Stage};

/// The search attributes of an order that begins.
#[must_use]
pub fn search_attributes(order_id: &OrderId) -> [SearchAttributeUpdate; 2] {
    [ORDER_ID.value_set(order_id.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

/// A settlement heard of from the payment provider: the input of `payment_settled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSettled {
    /// The provider's id of the event; the same id twice counts once.
    pub event_id: String,
    /// The provider's id of the payment, where the event names it: a search may not have seen that payment yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
}

/// The news is taken.
pub const TAKEN: &str = "taken";
/// The news was heard before.
pub const DUPLICATE: &str = "duplicate";
/// The order is sold and labelled, and does not look at its payment any more: whoever brings the news looks if it was
/// paid twice.
pub const ALREADY_PAID: &str = "already paid";

/// Temporal takes 2,000 updates of one run. So many may be news of the payment; the rest is for people, who cancel and
/// answer. News beyond that is refused, which costs nothing: with [`ALREADY_PAID`] where that is the answer, else with
/// [`BY_SIGNAL`], and then it is sent as `payment_heard`.
const NEWS_BY_UPDATE_MAX: usize = 500;
/// Why an update with news is refused: the same is to be sent by signal.
pub const BY_SIGNAL: &str =
    "this order has heard a lot of its payment: send news by the signal payment_heard";

const TOO_LATE_TO_CANCEL: &str = "the order has a shipping label and can no longer be cancelled here: \
    stop the parcel with the carrier, or take it back as a return and refund the payment";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct OrderProcessing {
    pub(super) saga: SagaState,
    /// Ids of the provider's events received so far.
    pub(super) settlements: BTreeSet<String>,
    /// How many of those named no payment.
    nameless: usize,
    /// How many updates with such news were taken, duplicates counted.
    news_by_update: usize,
    /// The provider's id of the payment, once it is known.
    pub(super) payment_id: Option<String>,
    /// Every id that was heard of: several payments may hold money.
    pub(super) payment_ids: BTreeSet<String>,
    /// How many pieces of news had come when the payment was last read.
    pub(super) seen: usize,
    /// The customer's part of the payment, while the order waits for it.
    pub(super) customer_action: Option<CustomerAction>,
}

face! {
pub impl OrderProcessing {
    /// Runs an order from start to end.
    #[run(name = "OrderProcessing")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<OrderData>,
    ) -> WorkflowResult<OrderProcessingResult> {
        let (order, mut saga) = Saga::open(ctx, &input)?;
        let run = OrderRun::new(&order, ctx.workflow_id());
        let story = run.forward(&mut saga).await;
        let ended = saga.end(story, &run).await?;
        let balance = run.so_far.take().balance;
        Ok(OrderProcessingResult::of(&order, ctx.workflow_id(), ended, balance))
    }

    /// The payment provider says that something happened to the payment. The news is only a hint: the payment is
    /// read again, or, when the order is being undone, reversed once more. Answers [`TAKEN`], [`DUPLICATE`] or
    /// [`ALREADY_PAID`].
    #[update]
    pub fn payment_settled(&mut self, _ctx: &mut SyncWorkflowContext<Self>, event: PaymentSettled) -> String {
        self.news_by_update += 1;
        self.hear(event).to_owned()
    }

    #[update_validator(payment_settled)]
    fn check_settlement(
        &self,
        _ctx: &WorkflowContextView,
        event: &PaymentSettled,
    ) -> Result<(), UpdateError> {
        if self.news_by_update >= NEWS_BY_UPDATE_MAX {
            return Err(if self.has_its_money() { ALREADY_PAID } else { BY_SIGNAL }.into());
        }
        EventId::new(event.event_id.as_str())
            .map(drop)
            .map_err(|problem| format!("event_id {problem}").into())
    }

    /// The same news without an answer; whoever sends it asks `has_heard` then. News that cannot be read counts all the
    /// same, each piece as one of its own: the payment is read.
    #[signal]
    pub fn payment_heard(&mut self, _ctx: &mut SyncWorkflowContext<Self>, news: Said<PaymentSettled>) {
        let _no_answer = self.hear(news.0.unwrap_or_else(|| self.unreadable()));
    }

    /// The business cancels. Returns what will be undone; refused past the point of no return.
    #[update]
    pub async fn cancel_order(
        ctx: &mut WorkflowContext<Self>,
        request: CancelRequest,
    ) -> Result<CancelAccepted, UpdateError> {
        saga::request_stop(ctx, &request, TOO_LATE_TO_CANCEL).await
    }

    #[update_validator(cancel_order)]
    fn check_cancel(
        &self,
        _ctx: &WorkflowContextView,
        request: &CancelRequest,
    ) -> Result<(), UpdateError> {
        saga::check_stop(self, request, TOO_LATE_TO_CANCEL)
    }

    /// Whether the order has taken this piece of news. If not, it was past its point of no return when the news came,
    /// and whoever brings it looks if it was paid twice.
    #[query]
    pub fn has_heard(&self, _ctx: &WorkflowContextView, event: PaymentSettled) -> bool {
        self.settlements.contains(&event.event_id)
    }

    /// The answer that the order would give to this piece of news now. An event that is sent again gets its first
    /// answer from Temporal; by now the order may be going back, and take it.
    #[query]
    pub fn would_answer(&self, _ctx: &WorkflowContextView, event: PaymentSettled) -> String {
        self.answer_to(&event.event_id).to_owned()
    }

    /// The customer's part of the payment, while the order waits for it; `null` otherwise.
    #[query]
    pub fn customer_action(&self, _ctx: &WorkflowContextView) -> Option<CustomerAction> {
        self.customer_action.clone()
    }
}
}

/// Whether a provider may call a payment so. Nothing longer goes into requests.
fn is_payment_id(id: &str) -> bool {
    (1..=PAYMENT_ID_MAX).contains(&id.len())
}

impl OrderProcessing {
    /// Before its point of no return the order takes the news itself, paid or not: its look behind the label sees money
    /// that is gone since, or that came twice; its way back gives back whatever came. Behind it, the order takes news
    /// while it has some to look at, or asks a person about it: one payment too many is one question.
    fn has_its_money(&self) -> bool {
        self.saga.is_past_pivot() && self.settlements.len() <= self.seen
    }

    fn answer_to(&self, event_id: &str) -> &'static str {
        if self.has_its_money() {
            ALREADY_PAID
        } else if self.settlements.contains(event_id) {
            DUPLICATE
        } else {
            TAKEN
        }
    }

    /// News under a name of its own, which no event of a provider has.
    fn unreadable(&self) -> PaymentSettled {
        PaymentSettled { event_id: format!("unreadable/{}", self.settlements.len()), payment_id: None }
    }

    fn hear(&mut self, event: PaymentSettled) -> &'static str {
        let answer = self.answer_to(&event.event_id);
        let named = event.payment_id.filter(|id| is_payment_id(id));
        if answer == TAKEN {
            self.nameless += usize::from(named.is_none());
            self.settlements.insert(event.event_id);
        }
        // Should the order go back all the same, that payment does, too.
        self.payment_ids.extend(named);
        answer
    }

    /// The charge has answered with this payment. News that came before and names no other one says no more than that
    /// it is paid.
    pub(super) fn has_charged(&mut self, payment_id: &str, is_paid: bool) {
        if is_paid && self.nameless == 0 && self.payment_ids.iter().all(|named| named == payment_id) {
            self.seen = self.settlements.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(event_id: &str, payment_id: Option<&str>) -> PaymentSettled {
        PaymentSettled { event_id: event_id.to_owned(), payment_id: payment_id.map(str::to_owned) }
    }

    #[test]
    fn news_before_the_charge_answers_is_looked_at_unless_it_names_the_same_payment() {
        for (named, is_paid, is_seen) in [
            (&[Some("pay_1")][..], true, true),
            (&[Some("pay_1"), Some("pay_1")], true, true),
            (&[Some("pay_1")], false, false),
            (&[Some("pay_1"), Some("pay_2")], true, false),
            (&[None], true, false),
            (&[Some("")], true, false),
        ] {
            let mut order = OrderProcessing::default();
            for (i, payment_id) in named.iter().enumerate() {
                assert_eq!(order.hear(news(&format!("evt_{i}"), *payment_id)), TAKEN);
            }
            order.has_charged("pay_1", is_paid);
            assert_eq!(order.settlements.len() <= order.seen, is_seen, "{named:?} {is_paid}");
        }
    }

    /// News that the order does not take is looked at by its sender; while the order looks itself, nobody else does.
    #[test]
    fn news_behind_the_pivot_is_the_orders_own_while_it_has_some_to_look_at() {
        let mut order = OrderProcessing::default();
        assert_eq!(order.hear(news("evt_1", Some("pay_1"))), TAKEN);
        order.saga.put_past_pivot();
        assert_eq!(order.answer_to("evt_1"), DUPLICATE);
        assert_eq!(order.hear(news("evt_2", Some("pay_2"))), TAKEN);
        order.seen = 2;
        assert_eq!(order.hear(news("evt_3", Some("pay_2"))), ALREADY_PAID);
        assert!(order.payment_ids.contains("pay_2"), "should it go back all the same");
    }
}
