//! An order may be paid more than once: by a provider that takes no notice of keys, or by a customer who pays twice.
//!
//! Every id that was heard of is read, and undone on the way back, whatever a search has seen. An order that goes on to
//! its goal looks at news that no look has seen: news that came while the look was under way that found the payment
//! settled, or while a person was asked whether a parcel is kept. From then on news is looked at by whoever brings it.

use contracts::payment::{FindPayment, Payments, ReversePayment};

use super::super::steps::{OrderRun, OrderSaga, READ};
use super::super::{OrderProcessing, PAY};
use crate::policy;

/// Whether a look says that two payments hold money: the adapter's own code, before its words.
pub(super) fn is_charged_twice(reason: &str) -> bool {
    reason.split(": ").any(|piece| piece == "charged_twice")
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

    /// Where two payments hold money, the read refuses to choose, and a person is asked. No payment is put as the one
    /// that is known, because a search that is away has to be waited for: it may be all that shows a second one.
    pub(in super::super) async fn look_for_a_second(&self, saga: &OrderSaga) {
        let all = |w: &OrderProcessing| FindPayment {
            payment_id: None,
            other_ids: w.payment_ids.clone(),
            ..self.requests.payment()
        };
        let find = saga.ctx().state(|w| (w.settlements.len() > w.seen).then(|| all(w)));
        let Some(find) = find else { return };
        let read = saga.step(READ, Payments::find, find, policy::money());
        let _noted_by_the_saga = Box::pin(read.or_ask()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
