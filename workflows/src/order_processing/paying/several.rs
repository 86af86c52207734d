//! An order may be paid more than once: by a provider that takes no notice of keys, or by a customer who pays twice.
//!
//! Every id that was heard of is read, and undone on the way back, whatever a search has seen. An order that goes on to
//! its goal looks at news that no look has seen: news that came from the look on that found the payment settled until
//! its goods were sold and labelled. From then on news is looked at by whoever brings it. Such news may also say that
//! the one payment is gone: its parcel does not go without a person who knows it. The money of a parcel that is kept is
//! looked at in any case. News that is heard while the order looks, or asks, it looks at itself, so that nobody
//! else asks about the same payment; a person who has decided is asked again only about one that was not named before.

use contracts::commerce::PaymentStatus;
use contracts::payment::{FindPayment, Payment, PaymentState, Payments, ReversePayment};

use super::super::going_back::more_than;
use super::super::steps::{CHECK, OrderRun, OrderSaga, READ};
use super::super::{OrderProcessing, PAY};
use super::{Paid, Wait};
use crate::policy;
use crate::saga::Settled;

/// The cause of a question about a parcel whose money is not there any more.
const MONEY_GONE: &str = "money_gone";

/// The adapters' code of two payments that hold money.
const CHARGED_TWICE: &str = "charged_twice";

/// Whether a look says that two payments hold money: the adapter's own code, before its words.
pub(super) fn is_charged_twice(reason: &str) -> bool {
    reason.split(": ").any(|piece| piece == CHARGED_TWICE)
}

impl Wait<'_> {
    /// The customer may have sent the rest of a payment that was short as a payment of its own: a person adds them up.
    /// Until then the first one counts as it is.
    pub(super) fn has_another_payment(&mut self, known: Option<String>, reason: &str) -> Option<Payment> {
        let lack = self.lack?;
        let said = reason.rsplit_once(&format!("{CHARGED_TWICE}: ")).map_or(reason, |(_, said)| said);
        self.another = Some(said.to_owned());
        self.trouble = None;
        self.saga.ctx().state_mut(|w| w.seen = self.heard);
        Some(Payment { payment_id: known, received: Some(lack.received()), state: PaymentState::Paid })
    }
}

impl OrderRun<'_> {
    /// A payment that may hold money is undone by its id, too.
    pub(super) fn may_hold_money(&self, saga: &OrderSaga, payment_id: Option<String>) {
        self.so_far.borrow_mut().payment_id = payment_id;
        saga.amend_undo(PAY, Payments::reverse, saga.ctx().state(|w| self.reversal(w)));
    }

    /// The undo of whatever was paid, by all that is known of it.
    pub(in super::super) fn reversal(&self, w: &OrderProcessing) -> ReversePayment {
        let payment_id = self.so_far.borrow().payment_id.clone();
        let mut other_ids = w.payment_ids.clone();
        other_ids.retain(|id| Some(id) != payment_id.as_ref());
        ReversePayment { other_ids, ..self.requests.reversal(payment_id) }
    }

    /// The question for whatever was paid.
    pub(super) fn find(&self, w: &OrderProcessing) -> FindPayment {
        let mut other_ids = w.payment_ids.clone();
        other_ids.retain(|id| Some(id) != w.payment_id.as_ref());
        FindPayment { payment_id: w.payment_id.clone(), other_ids, ..self.requests.payment() }
    }

    /// Looks at news that no look has seen.
    pub(in super::super) async fn look_for_a_second(&self, saga: &OrderSaga, paid: &Paid) {
        self.look_at_all(saga, paid, false).await;
    }

    /// Looks whether the money of an order is still there, although nobody has told of anything else.
    pub(in super::super) async fn look_whether_paid(&self, saga: &OrderSaga, paid: &Paid) {
        self.look_at_all(saga, paid, self.has_a_payment(paid)).await;
    }

    /// Cash on delivery, and what costs nothing, has no payment that could be gone.
    fn has_a_payment(&self, paid: &Paid) -> bool {
        paid.status == PaymentStatus::Paid && !self.order.is_free()
    }

    /// Where two payments hold money, the read refuses to choose, and a person is asked. So is one where none does. No
    /// payment is put as the one that is known, because a search that is away has to be waited for: it may be all that
    /// shows a second one. `is_due`: once without any news, too.
    async fn look_at_all(&self, saga: &OrderSaga, paid: &Paid, mut is_due: bool) {
        let all = |w: &OrderProcessing| FindPayment {
            payment_id: None,
            other_ids: w.payment_ids.clone(),
            ..self.requests.payment()
        };
        while let Some((heard, find)) = saga
            .ctx()
            .state(|w| (is_due || w.settlements.len() > w.seen).then(|| (w.settlements.len(), all(w))))
        {
            is_due = false;
            let read = saga.step(READ, Payments::find, find.clone(), policy::money()).reading_on();
            let read = Box::pin(read.heeding(move |w| more_than(heard, w)).or_ask()).await;
            let is_decided = !matches!(read, Settled::Done(_));
            if let Settled::Done(found) = read
                && self.has_a_payment(paid)
            {
                Box::pin(ask_while_gone(saga, find.clone(), found)).await;
            }
            saga.ctx().state_mut(|w| {
                let is_known = is_decided && w.payment_ids == find.other_ids;
                w.seen = if is_known { w.settlements.len() } else { heard };
                if is_decided {
                    w.saga.note_decided_about(READ, &find.other_ids);
                }
            });
        }
    }
}

/// Asks a person about a parcel that goes although its money is gone, until the money is there again or that person has
/// decided. Nothing is read meanwhile.
async fn ask_while_gone(saga: &OrderSaga, find: FindPayment, mut found: Option<Payment>) {
    while let Some(news) = gone(found.as_ref()) {
        let read = saga.step(CHECK, Payments::find, find.clone(), policy::money());
        match Box::pin(read.ask_first(MONEY_GONE, news).or_ask()).await {
            Settled::Done(again) => found = again,
            Settled::ByHand(_) | Settled::Left(_) | Settled::Kept(_) | Settled::Overtaken { .. } => return,
        }
    }
}

/// How a payment that held money does not any more, in words; `None`: it does.
fn gone(found: Option<&Payment>) -> Option<&'static str> {
    match found.map(|payment| &payment.state) {
        Some(PaymentState::Paid) => None,
        Some(PaymentState::Reversed) => Some("the payment was taken back, and the parcel is ready to go"),
        Some(PaymentState::Declined { .. }) => Some("the payment has failed, and the parcel is ready to go"),
        Some(PaymentState::RequiresAction { .. }) => {
            Some("the payment is open again, and the parcel is ready to go")
        }
        None => Some("the provider shows no payment any more, and the parcel is ready to go"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_payment_that_holds_money_is_not_gone() {
        let payment = |state| Payment { payment_id: None, received: None, state };
        let declined = PaymentState::Declined { code: "reversed".to_owned(), customer_may_retry: false };
        assert_eq!(gone(Some(&payment(PaymentState::Paid))), None);
        assert!(gone(Some(&payment(PaymentState::Reversed))).is_some_and(|news| news.contains("taken back")));
        assert!(gone(Some(&payment(declined))).is_some_and(|news| news.contains("failed")));
        assert!(gone(None).is_some());
    }

    #[test]
    fn only_two_payments_are_the_last_word_of_a_look() {
        for (reason, is_last) in [
            ("payment: charged_twice: two payments under one key hold money", true),
            ("payment refused: 422 VALIDATION_ERROR", false),
            ("payment gave no usable answer and repeats it: HTTP 500", false),
            ("payment refused: 409 charged_twice_elsewhere", false),
        ] {
            assert_eq!(is_charged_twice(reason), is_last, "{reason}");
        }
    }
}
