//! How Temporal reaches late money: its state, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use std::collections::BTreeSet;

use contracts::commerce::PaymentStatus;
use contracts::values::{EventId, OrderId};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowResult, workflow};

use super::{LateNews, LatePaymentData, REFUND, forward};
use crate::face;
use crate::input::Unchecked;
use crate::order_processing;
use crate::report::Report;
use crate::saga::{Heed, Saga, SagaState, UndoAll};

/// The search attributes of a run that begins.
#[must_use]
pub fn search_attributes(order_id: &OrderId) -> [SearchAttributeUpdate; 2] {
    order_processing::search_attributes(order_id)
}

/// The outcome for late money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentResult {
    /// The order that ended without it, or had its money.
    pub order_id: OrderId,
    /// The provider's id of the payment, if there is one.
    pub payment_id: Option<String>,
    /// Whether money went back; `null` when the provider could not be asked first, or the payment was open then:
    /// whatever was there went back.
    pub refunded: Option<bool>,
    /// How the money ended, as the shop was told; absent where nobody could read it, or nothing moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_status: Option<PaymentStatus>,
    /// The provider's ids of the refunds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<String>,
    /// Whether somebody has decided about this money, here or before: news of it asks a person first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
    /// Whether money was to go back; otherwise the order had its money, and was only looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owed: bool,
    /// The provider's events that this run has heard of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub events: BTreeSet<EventId>,
    /// Every step with its outcome.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct LatePayment {
    pub(super) saga: SagaState,
    /// The provider's events heard of so far.
    events: BTreeSet<EventId>,
    /// How often something was heard beside the start.
    pub(super) news: u32,
    /// The provider's ids of payments that the news named: each may hold money.
    payment_ids: BTreeSet<String>,
    /// Whether some of the news found the order ended without its money: then it goes back.
    pub(super) is_owed: bool,
    /// Whether some of the news says that a person has to be asked first.
    pub(super) is_decided: bool,
}

face! {
pub impl LatePayment {
    /// Gives late money back.
    #[run(name = "LatePayment")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<LatePaymentData>,
    ) -> WorkflowResult<LatePaymentResult> {
        let (late, mut saga) = Saga::open(ctx, &input)?;
        ctx.state_mut(|w| w.hear(late.event_id.clone(), late.payment_id.clone(), late.is_paid));
        let story = forward(&mut saga, &late).await;
        let ended = saga.end(story, &UndoAll).await?;
        let given = ended.value.unwrap_or_default();
        let (payment_status, refund_ids) =
            given.balance.map(|balance| (balance.status, balance.refund_ids)).unzip();
        let is_left = ended.report.left_standing.iter().any(|left| left.step == REFUND);
        Ok(LatePaymentResult {
            order_id: late.order_id,
            payment_id: given.payment_id,
            refunded: given.was_paid.map(|was_paid| was_paid && !is_left),
            payment_status,
            refund_ids: refund_ids.unwrap_or_default(),
            decided: given.is_decided,
            owed: ctx.state(|w| w.is_owed),
            events: ctx.state(|w| w.events.clone()),
            report: ended.report,
        })
    }

    /// The provider says something more about the order's payment: it is read once more, and given back if it holds
    /// money. The same event twice counts once. News that cannot be read counts all the same.
    #[signal]
    pub fn payment_settled(&mut self, _ctx: &mut SyncWorkflowContext<Self>, news: Unchecked<LateNews>) {
        let is_new = news.check().map_or(true, |news| {
            self.is_decided |= news.decided;
            self.hear(news.event_id, news.payment_id, news.is_paid)
        });
        self.news += u32::from(is_new);
    }
}
}

impl LatePayment {
    /// Whether that is news: the event is, or that the order has ended since without its money.
    fn hear(&mut self, event_id: EventId, payment_id: Option<String>, is_paid: bool) -> bool {
        self.payment_ids.extend(payment_id);
        let becomes_owed = !is_paid && !self.is_owed;
        self.is_owed |= !is_paid;
        self.events.insert(event_id) || becomes_owed
    }

    /// The payments that were named, but for this one. Whether they are the order's nobody has looked yet.
    pub(super) fn named_beside(&self, payment_id: Option<&String>) -> BTreeSet<String> {
        self.payment_ids.iter().filter(|id| Some(*id) != payment_id).cloned().collect()
    }

    /// The news beyond that which a question was asked for: a person who is asked has to know of it.
    pub(super) fn heard_since(&self, news: u32) -> Heed {
        match self.news.saturating_sub(news) {
            0 => Heed::Nothing,
            count => Heed::News(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_heard_again_as_owed_is_news_once() -> Result<(), Box<dyn std::error::Error>> {
        let mut late = LatePayment::default();
        let event = EventId::new("evt_1")?;
        assert!(late.hear(event.clone(), None, true));
        assert!(!late.hear(event.clone(), None, true) && !late.is_owed);
        assert!(late.hear(event.clone(), None, false) && late.is_owed);
        assert!(!late.hear(event.clone(), None, false));
        assert!(!late.hear(event, None, true) && late.is_owed);
        Ok(())
    }
}
