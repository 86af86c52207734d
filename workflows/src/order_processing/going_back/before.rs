//! Money of a run before this one.
//!
//! A run that is terminated undoes nothing. One that is started anew under its number and ends before its own charge
//! knows nothing of a payment, and must not say `unpaid` before it has looked: the key of the charge is the same. Money
//! that was captured is for a person, because the run before may have sent the goods; a payment that is still open has
//! paid for nothing, and is taken back.

use std::cell::Cell;

use contracts::commerce::PaymentStatus;
use contracts::payment::{Balance, Payments};

use super::super::kept::Number;
use super::super::steps::OrderRun;
use super::super::{OrderProcessing, PAY};
use super::NOT_CHARGED_HERE;
use crate::policy;
use crate::saga::Back;

impl OrderRun<'_> {
    /// How the money of a number stands that this run has not charged. `None`: nobody knows yet, or it is not for this
    /// run to say. `is_unread` is set where the provider gave no answer: it is asked again.
    pub(super) async fn money_before(
        &self,
        back: &Back<'_, OrderProcessing>,
        is_unread: &Cell<bool>,
    ) -> Option<Balance> {
        let number = self.so_far.borrow().number;
        match number {
            Number::New => return Some(self.ended_as(back, nothing_charged())),
            Number::Refused => return None,
            Number::Open | Number::Unsaid => {}
        }
        match self.balance(back, policy::bookkeeping(), |_| false).await {
            Ok(Some(balance)) if self.goes_back_too(back, &balance) => None,
            Ok(balance) => balance,
            Err(_) => {
                is_unread.set(true);
                None
            }
        }
    }

    /// Whether there is money of an earlier run that goes back, or a person is asked about.
    pub(super) fn goes_back_too(&self, back: &Back<'_, OrderProcessing>, balance: &Balance) -> bool {
        let number = self.so_far.borrow().number;
        self.so_far.borrow_mut().payment_id.clone_from(&balance.payment_id);
        let reversal = back.ctx().state(|w| self.reversal(w));
        match balance.status {
            PaymentStatus::Paid | PaymentStatus::PartiallyRefunded => {
                let which = balance.payment_id.as_deref().unwrap_or("the provider does not name it");
                let news = format!(
                    "an earlier run of this order has taken money ({which}), and this one charged nothing; nothing was \
                     sent back"
                );
                back.ask_last(PAY, Payments::reverse, reversal, NOT_CHARGED_HERE, &news);
                true
            }
            // Where the shop has not said whose number it is, the payment may be another customer's.
            PaymentStatus::Pending if number == Number::Open => {
                back.undo_last(PAY, Payments::reverse, reversal);
                true
            }
            PaymentStatus::Pending
            | PaymentStatus::Unpaid
            | PaymentStatus::Voided
            | PaymentStatus::Refunded => false,
        }
    }
}

/// An order that was never charged took no money.
fn nothing_charged() -> Balance {
    Balance { status: PaymentStatus::Unpaid, payment_id: None, refunded: None, refund_ids: Vec::new() }
}
