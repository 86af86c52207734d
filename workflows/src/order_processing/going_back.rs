//! The order's own part of the way back.
//!
//! 1. Every undo is tried, newest first.
//! 2. The money is read where the payment was to be undone, to know how it ended. Where this run charged nothing, that
//!    is known without a question only of a number that is new to the shop: a run before it (terminated by hand) may
//!    have charged the customer, so its money is looked for, and a person is asked about what is there (`before`).
//! 3. The shop is told how the order ended, and how its money did (`update-order`), then the customer.
//! 4. News of a payment undoes it once more. Where a person has decided about it, only if that person says so.
//! 5. Whenever the money has ended anew (a person has answered, late money went back), it is read and the shop is told
//!    once more (`update-payment`).
//!
//! While a person is asked about the refund, the shop hears nothing of the money: it is not known yet.

mod before;

use std::cell::Cell;
use std::rc::Rc;

use contracts::commerce::{Commerce, PaymentStatus};
use contracts::payment::{Balance, FindPayment, Payments};

use super::result::Fulfilled;
use super::steps::{OrderRun, OrderSaga, TELL_MONEY, TELL_SHOP};
use super::telling::{Customer, Decided, Refund};
use super::{OrderProcessing, PAY, SHIP};
use crate::policy::{self, Policy};
use crate::report::StepStatus;
use crate::saga::{Back, Halt, Heed, WayBack};

/// The cause of a question about money that somebody decided about before.
pub(crate) const DECIDED_BEFORE: &str = "decided_before";
/// The cause of a question about money that the run did not ask for.
pub(super) const NOT_CHARGED_HERE: &str = "not_charged_here";

impl WayBack<OrderProcessing, Fulfilled> for OrderRun<'_> {
    /// An order that no carrier takes is not shippable, whichever way the carrier put it.
    fn outage_type(&self, step: &str) -> &'static str {
        if step == SHIP { "ShippingFailed" } else { "StepFailed" }
    }

    async fn go_back(&self, back: &Back<'_, OrderProcessing>, halt: &Halt) {
        let has_begun = back.has_undos();
        let was_charged = back.has_undo_of(PAY);
        let heard = Rc::new(Cell::new(back.ctx().state(|w| w.settlements.len())));
        let known = heard.clone();
        back.heeding(PAY, move |w: &OrderProcessing| more_than(known.get(), w));
        // News may have named payments that the registered undo does not know.
        back.amend_undo(PAY, Payments::reverse, back.ctx().state(|w| self.reversal(w)));
        back.try_undos().await;
        if back.is_kept() {
            return;
        }
        // How often the money had ended when the shop was told.
        let mut told = 0;
        // Whether the money of an earlier run could not be looked for yet.
        let is_unread = Cell::new(false);
        let balance = match back.ctx().state(|w| w.saga.times_settled(PAY)) {
            0 if was_charged => None,
            0 => self.money_before(back, &is_unread).await,
            times => {
                let balance = self.balance(back, policy::bookkeeping(), |_| false).await.ok().flatten();
                told = if balance.is_some() { times } else { 0 };
                balance
            }
        };
        let mut ended = self.requests.ended_early(halt.ending(), has_begun, balance.as_ref());
        ended.may_become_known = !has_begun && !self.so_far.borrow().is_checked;
        back.undo_last_with(TELL_SHOP, Commerce::update_order, ended, policy::tell_shop());
        back.try_undos().await;
        let customer = self.customer();
        let refund = Refund::of(balance.as_ref().filter(|_| told > 0), decided(back));
        self.tell_customer(back, &customer, Some(halt).filter(|_| has_begun), refund);
        loop {
            let is_asked = |w: &OrderProcessing, step| w.saga.is_asked_about(step);
            // An older word must not land behind a newer one; nor is there one while somebody is asked about the money.
            let is_untold = |w: &OrderProcessing| {
                let is_asked = [PAY, TELL_SHOP, TELL_MONEY].into_iter().any(|step| is_asked(w, step));
                (w.saga.times_settled(PAY) > told || is_unread.get()) && !is_asked
            };
            // Money that arrives does not wait for an answer about something else.
            let has_news = |w: &OrderProcessing| w.settlements.len() > heard.get() && !is_asked(w, PAY);
            back.undo_until(|w| is_untold(w) || has_news(w)).await;
            let (is_untold, is_news) = back.ctx().state(|w| (is_untold(w), has_news(w)));
            // Money that arrives does not wait for the reading of how other money ended, either.
            if is_news {
                heard.set(back.ctx().state(|w| w.settlements.len()));
                self.reverse_again(back, was_charged);
            } else if is_untold {
                let times = back.ctx().state(|w| w.saga.times_settled(PAY));
                match self.balance(back, policy::aftermath(), has_news).await {
                    // It is read once the news was acted on.
                    Ok(None) => continue,
                    Ok(Some(found)) if is_unread.take() && times == 0 && self.goes_back_too(back, &found) => {
                        continue;
                    }
                    Ok(Some(balance)) => self.tell_money(back, &customer, has_begun, &balance),
                    Err(reason) => back.note(format!("how the money ended could not be read: {reason}")),
                }
                is_unread.set(false);
                told = times;
            } else {
                return;
            }
        }
    }

    async fn keep(&self, saga: &OrderSaga) -> Option<Fulfilled> {
        Box::pin(self.keep_parcel(saga)).await
    }
}

impl OrderRun<'_> {
    /// The shop hears once more how the money ended, and the customer what went back.
    fn tell_money(
        &self,
        back: &Back<'_, OrderProcessing>,
        customer: &Customer,
        has_begun: bool,
        balance: &Balance,
    ) {
        // The number may be that of another customer's order, whose money must not be overwritten.
        if !has_begun && balance.payment_id.is_none() {
            return;
        }
        let word = self.requests.money_ended(balance);
        back.undo_last_with(TELL_MONEY, Commerce::update_payment, word, policy::tell_shop());
        let balance = Some(balance).filter(|_| has_begun);
        self.tell_customer(back, customer, None, Refund::of(balance, decided(back)));
    }

    /// News of the payment came after its undo: whatever came goes back, too. Where this run charged nothing, the money
    /// is that of a run before it, whose goods may have left.
    fn reverse_again(&self, back: &Back<'_, OrderProcessing>, was_charged: bool) {
        let reversal = back.ctx().state(|w| self.reversal(w));
        if back.was_decided(PAY) {
            let news =
                "the provider sent news of the payment while somebody decided about it; not touched again";
            back.ask_last(PAY, Payments::reverse, reversal, DECIDED_BEFORE, news);
        } else if !was_charged {
            let news = "the provider reports a payment that this run did not make; nothing was sent";
            back.ask_last(PAY, Payments::reverse, reversal, NOT_CHARGED_HERE, news);
        } else {
            back.undo_last(PAY, Payments::reverse, reversal);
        }
    }

    /// Reads how the money ended. Where somebody gave it back by hand, that person's word counts if the provider does
    /// not show it. `None`: there was news before the answer.
    async fn balance(
        &self,
        back: &Back<'_, OrderProcessing>,
        policy: Policy,
        has_news: impl Fn(&OrderProcessing) -> bool,
    ) -> Result<Option<Balance>, String> {
        let is_declined = self.so_far.borrow().is_declined;
        let (known, mut other_ids) = back.ctx().state(|w| (w.payment_id.clone(), w.payment_ids.clone()));
        other_ids.retain(|id| Some(id) != known.as_ref());
        // A provider need not show what it declined.
        let payment_id = known.filter(|_| !is_declined);
        let question = FindPayment { other_ids, ..self.requests.refund(payment_id.clone()) };
        let read =
            Box::pin(back.read_unless(TELL_MONEY, Payments::refunded, question, policy, has_news)).await;
        let read = match read.transpose() {
            None => return Ok(None),
            Some(read) => read,
        };
        let balance = match (read, decided(back) == Decided::ByHand) {
            (Ok(balance), false) => balance,
            (Ok(shown), true) => {
                let balance = said_by_hand(shown.clone());
                if balance != shown {
                    let shown = shown.status.name();
                    back.note(format!("the money went back by hand, and the provider shows it as {shown}"));
                }
                balance
            }
            (Err(_), true) => given_back(payment_id),
            (Err(reason), false) => return Err(reason),
        };
        Ok(Some(self.ended_as(back, balance)))
    }

    /// Notes how the money ended, for the report and the result.
    fn ended_as(&self, back: &Back<'_, OrderProcessing>, balance: Balance) -> Balance {
        back.fact(PAY, "payment_status", balance.status.name().to_owned());
        if let Some(payment_id) = &balance.payment_id {
            back.fact(PAY, "payment_id", payment_id.clone());
        }
        if !balance.refund_ids.is_empty() {
            back.fact(PAY, "refund_ids", balance.refund_ids.join(", "));
        }
        self.so_far.borrow_mut().balance = Some(balance.clone());
        balance
    }
}

/// The news beyond that which the refund was sent for: a person who is asked about it has to know of it.
pub(super) fn more_than(heard: usize, w: &OrderProcessing) -> Heed {
    match w.settlements.len().saturating_sub(heard) {
        0 => Heed::Nothing,
        more => Heed::News(u32::try_from(more).unwrap_or(u32::MAX)),
    }
}

/// The last word about the refund.
fn decided(back: &Back<'_, OrderProcessing>) -> Decided {
    match back.ctx().state(|w| w.saga.report().step(PAY).map(|step| step.status)) {
        Some(StepStatus::Resolved) => Decided::ByHand,
        Some(StepStatus::LeftStanding) => Decided::Left,
        _ => Decided::ByNobody,
    }
}

/// Somebody has given the money back, and says so.
fn given_back(payment_id: Option<String>) -> Balance {
    Balance { status: PaymentStatus::Refunded, payment_id, refunded: None, refund_ids: Vec::new() }
}

/// Somebody has given the money back by hand. The provider shows it, or it went another way: then that person's word
/// counts.
pub(crate) fn said_by_hand(balance: Balance) -> Balance {
    let status = match balance.status {
        PaymentStatus::Paid | PaymentStatus::PartiallyRefunded => PaymentStatus::Refunded,
        PaymentStatus::Pending | PaymentStatus::Unpaid | PaymentStatus::Voided | PaymentStatus::Refunded => {
            balance.status
        }
    };
    Balance { status, ..balance }
}
