//! The customer is charged, and where the customer has to act, the order waits until the payment settles.
//!
//! News of a payment may be late, lost or wrong, so the wait does not live on news alone: the payment is read again
//! with each news, in between at pauses that grow from a minute to an hour, and a last time when the deadline has come.
//! A read that gets no answer ends nothing: the next one comes. The margin of the holds pays for the last look.
//!
//! - `amounts`: what came, compared with what is due;
//! - `approved`: the look that a person's word about it waits for;
//! - `several`: what is known of more payments than one.

mod amounts;
mod approved;
mod several;

use std::time::Duration;

use contracts::commerce::PaymentStatus;
use contracts::payment::{CustomerAction, Payment, PaymentKind, PaymentState, Payments};
use contracts::values::{IdempotencyKey, OrderId};
use jiff::Timestamp;

use super::steps::{OrderRun, OrderSaga};
use super::telling::DECLINED;
use super::{OrderProcessing, PAY, workflow_id};
use crate::clock::{later, now};
use crate::policy;
use crate::saga::{Aside, Asked, Halt, Word};
use crate::search_attributes::{STAGE, Stage};
pub use amounts::AMOUNT_CAUSES;
use amounts::{Came, Lack};
use several::is_charged_twice;

/// Why an order expires.
pub(super) const NOT_IN_TIME: &str = "the payment did not settle while the stock was held";

/// How long looks go on behind the deadline, where the last one got no answer or there is news. A look takes up to a
/// minute more, and the rest of the holds' margin is for the sale.
const LAST_LOOKS: Duration = Duration::from_secs(2 * 60);
/// The pause between such looks.
const LAST_PAUSE: Duration = Duration::from_secs(20);

/// The key of an order's charge.
#[must_use]
pub fn charge_key(order_id: &OrderId) -> IdempotencyKey {
    IdempotencyKey::new(&workflow_id(order_id), PAY)
}

/// How an order was paid.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The provider's id of the payment, if one was made.
    pub payment_id: Option<String>,
    /// Where the money is.
    pub status: PaymentStatus,
}

impl OrderRun<'_> {
    /// Charges the customer; looks for an earlier charge first if the shop knew the order before. `None`: nothing is
    /// charged now, because the carrier collects it, or there is nothing to pay.
    pub(super) async fn charge(&self, saga: &OrderSaga, was_known: bool) -> Result<Option<Payment>, Halt> {
        if self.order.payment_kind == PaymentKind::CashOnDelivery {
            saga.skip(PAY, "cash on delivery: nothing is charged now");
            return Ok(None);
        }
        if self.order.is_free() {
            saga.skip(PAY, "there is nothing to pay");
            return Ok(None);
        }
        saga.fact(PAY, "amount", self.order.total_amount.to_string());
        let charged = saga
            .step(PAY, Payments::charge, self.requests.charge(was_known), policy::money())
            .or_look_up(Payments::find, self.requests.payment())
            .undo_by(Payments::reverse, self.requests.reversal(None));
        let payment = Box::pin(charged).await?;
        if let Some(payment_id) = &payment.payment_id {
            self.know(saga, payment_id);
            saga.ctx().state_mut(|w| w.has_charged(payment_id, payment.state == PaymentState::Paid));
        }
        let is_declined = matches!(payment.state, PaymentState::Declined { .. });
        self.so_far.borrow_mut().is_declined = is_declined;
        if !is_declined {
            self.may_hold_money(saga, payment.payment_id.clone());
        }
        Ok(Some(payment))
    }

    /// Sees the payment settled: at once, or, where the customer has to act, until the deadline.
    pub(super) async fn settle(
        &self,
        saga: &OrderSaga,
        charged: Option<Payment>,
        deadline: Timestamp,
    ) -> Result<Paid, Halt> {
        let Some(payment) = charged else {
            let status = if self.order.is_free() { PaymentStatus::Paid } else { PaymentStatus::Pending };
            let paid = Paid { payment_id: None, status };
            self.so_far.borrow_mut().paid = Some(paid.clone());
            return Ok(paid);
        };
        let mut wait = Wait::begin(saga, deadline);
        let has_to_act = matches!(payment.state, PaymentState::RequiresAction { .. });
        let settled = Box::pin(self.settled(&mut wait, payment));
        let settled = match has_to_act {
            // No outage of shop or mail holds up the looks.
            true => Box::pin(Aside::beside(saga, |aside| self.invite(aside), settled)).await,
            false => settled.await,
        };
        wait.end(&settled);
        self.so_far.borrow_mut().paid = settled.as_ref().ok().cloned();
        settled
    }

    async fn settled(&self, wait: &mut Wait<'_>, mut payment: Payment) -> Result<Paid, Halt> {
        let saga = wait.saga;
        loop {
            let Payment { payment_id, received, state } = payment;
            let paid = |payment_id| Ok(Paid { payment_id, status: PaymentStatus::Paid });
            let is_to_look = match &state {
                PaymentState::Paid => match Came::of(received, self.order.total_amount) {
                    Came::Enough => return paid(payment_id),
                    Came::More { due, received } => {
                        wait.settled_as = Some(format!("{received} came, more than the {due} that are due"));
                        return paid(payment_id);
                    }
                    Came::NotEnough(lack) => match wait.for_next_look(Missing::Money(lack)).await? {
                        Some(Word::Approved(reason)) => {
                            payment = Box::pin(self.look_as_approved(wait, &reason)).await?;
                            // It may have gone back since it was read.
                            if payment.state == PaymentState::Paid && payment.received == received {
                                wait.settled_as = Some(format!("{lack}; approved: {reason}"));
                                return paid(payment_id);
                            }
                            wait.lack = None;
                            continue;
                        }
                        Some(Word::Rejected(halt)) => {
                            saga.failed(PAY, &halt.ending().reason);
                            return Err(halt);
                        }
                        Some(Word::Waits(_)) => false,
                        None => true,
                    },
                },
                PaymentState::Declined { code, .. } => {
                    return Err(saga.refused(PAY, DECLINED, format!("payment declined: {code}")));
                }
                PaymentState::Reversed => {
                    let reason = "payment was voided or refunded at the provider".to_owned();
                    return Err(saga.refused(PAY, DECLINED, reason));
                }
                PaymentState::RequiresAction { action } => {
                    wait.for_next_look(Missing::Action(action)).await?.is_none()
                }
            };
            if !is_to_look {
                payment = Payment { payment_id, received, state };
                continue;
            }
            let found = self.look(wait).await?;
            if let Some(Payment { payment_id: Some(found), .. }) = &found
                && payment_id.as_ref() != Some(found)
            {
                self.know(saga, found);
                self.may_hold_money(saga, Some(found.clone()));
            }
            payment = found.unwrap_or(Payment { payment_id, received, state });
        }
    }

    /// An undo that knows the payment's id believes no search that does not find it.
    fn know(&self, saga: &OrderSaga, payment_id: &str) {
        saga.fact(PAY, "payment_id", payment_id);
        saga.ctx().state_mut(|w| {
            w.payment_id = Some(payment_id.to_owned());
            w.payment_ids.insert(payment_id.to_owned());
        });
    }

    /// Reads the payment again. `None`: there is no answer, or none yet.
    async fn look(&self, wait: &mut Wait<'_>) -> Result<Option<Payment>, Halt> {
        let (known, find) = wait.saga.ctx().state(|w| (w.payment_id.clone(), self.find(w)));
        let read = wait.saga.step(PAY, Payments::find, find, policy::look()).quietly();
        match read.nothing_to_undo("reads; the charge's own undo is registered").await {
            // The rest of a payment that was short may come as a payment of its own.
            Err(Halt::Outage { reason, is_final: true, .. })
                if wait.lack.is_some() && is_charged_twice(&reason) =>
            {
                Ok(wait.has_another_payment(known, &reason))
            }
            // Two payments that hold money end the order, whose undo gives all of it back. Another refusal of a read
            // says nothing of what the customer has paid, or may pay yet.
            Err(Halt::Outage { reason, is_final, .. }) if !(is_final && is_charged_twice(&reason)) => {
                wait.trouble = Some(reason);
                Ok(None)
            }
            // A payment that was made is there, whatever a search says.
            Ok(None) if known.is_some() => {
                wait.trouble = Some("the provider does not show the payment that it made".to_owned());
                Ok(None)
            }
            answer => {
                wait.trouble = None;
                wait.another = None;
                wait.saga.ctx().state_mut(|w| w.seen = wait.heard);
                answer
            }
        }
    }
}

/// The wait for a customer who has to act. While it lasts, the run shows what the customer has to do.
struct Wait<'s> {
    saga: &'s OrderSaga,
    deadline: Timestamp,
    /// When the payment was last read again.
    looked_at: Option<Timestamp>,
    /// The pause before the next look without news.
    pause: Duration,
    /// Whether the payment was read for news and was still open: a provider's copy may be behind its own news, so one
    /// look follows soon.
    is_behind: bool,
    /// How many pieces of news had come when the payment was read.
    heard: usize,
    /// Why the last look got no answer.
    trouble: Option<String>,
    /// The lack that a person was last asked about.
    lack: Option<Lack>,
    /// The provider's words about a payment beside the one that is short.
    another: Option<String>,
    /// The question about it, while it is open.
    question: Option<Asked<OrderProcessing>>,
    /// How it was settled, in words.
    settled_as: Option<String>,
}

/// The thing that the order waits for.
#[derive(Clone, Copy)]
enum Missing<'p> {
    /// The customer has to do something.
    Action(&'p CustomerAction),
    /// The money that came is not the money that is due.
    Money(Lack),
}

impl<'s> Wait<'s> {
    fn begin(saga: &'s OrderSaga, deadline: Timestamp) -> Self {
        Self {
            saga,
            deadline,
            looked_at: None,
            pause: policy::look_again().first,
            is_behind: false,
            heard: 0,
            trouble: None,
            lack: None,
            another: None,
            question: None,
            settled_as: None,
        }
    }

    /// Waits until there is a reason to read the payment: news of it, a pause that is over, or the deadline. A person
    /// who is asked may answer before that.
    ///
    /// # Errors
    /// When the run was stopped, or the deadline has had its look.
    async fn for_next_look(&mut self, missing: Missing<'_>) -> Result<Option<Word>, Halt> {
        let (saga, pauses) = (self.saga, policy::look_again());
        let missing = self.beside(missing);
        if matches!(missing, Missing::Money(lack) if self.lack == Some(lack))
            && let Some(word) = self.word()?
        {
            return Ok(Some(word));
        }
        let heard = self.heard;
        let is_over = self.looked_at.is_some_and(|moment| moment >= self.deadline);
        if is_over && !self.may_look_on() {
            return Err(saga.expire(&self.why_not_in_time(missing)));
        }
        self.show(missing);
        let pause = if self.is_behind { pauses.first } else { self.pause };
        let next = match is_over {
            true => later(now(saga.ctx()), LAST_PAUSE),
            false => later(now(saga.ctx()), pause).min(self.deadline),
        };
        let is_last = next >= self.deadline;
        let summary = if is_last { "stock held: a last look at the payment" } else { "look at the payment" };
        let question = self.question.as_ref();
        let is_answered =
            |w: &OrderProcessing| question.is_some_and(|question: &Asked<_>| question.is_answered(w));
        saga.wait_until(next, summary, |w| w.settlements.len() > heard || is_answered(w)).await?;
        if let Some(word) = self.word()? {
            return Ok(Some(word));
        }
        self.heard = saga.ctx().state(|w| w.settlements.len());
        let has_news = self.heard > heard;
        if !has_news && !self.is_behind {
            self.pause = (self.pause * 2).min(pauses.longest);
        }
        self.is_behind = has_news;
        self.looked_at = Some(now(saga.ctx()));
        Ok(None)
    }

    /// The word of the person who was asked, if there is one.
    fn word(&mut self) -> Result<Option<Word>, Halt> {
        let Some(question) = &self.question else { return Ok(None) };
        // A run that was stopped in the same moment does not go on, so nobody is told that it does.
        self.saga.check()?;
        let word = question.answered();
        if word.is_some() {
            self.question = None;
        }
        Ok(word)
    }

    /// Whether there is reason to look on behind the deadline, and time: the last look got no answer, or there is news
    /// that no look has seen, or may not have seen.
    fn may_look_on(&self) -> bool {
        let news = self.saga.ctx().state(|w| w.settlements.len());
        let has_reason = self.trouble.is_some() || news > self.heard || self.is_behind;
        has_reason && now(self.saga.ctx()) < later(self.deadline, LAST_LOOKS)
    }

    fn show(&mut self, missing: Missing<'_>) {
        match missing {
            Missing::Action(action) => {
                if self.question.is_some() {
                    // Nobody has said to wait: the same amount is asked about again.
                    self.lack = None;
                }
                self.close_question("the payment waits for the customer again");
                self.show_action(action);
            }
            Missing::Money(lack) => self.show_lack(lack),
        }
    }

    /// A person is asked once about each amount, and not any more once somebody has said to wait.
    fn show_lack(&mut self, lack: Lack) {
        if self.lack != Some(lack) {
            self.close_question("another amount came meanwhile");
            let rest = self.deadline.duration_since(now(self.saga.ctx()));
            let patience = Duration::try_from(rest).unwrap_or_default();
            self.question = Some(lack.ask(self.saga, patience, self.another.as_deref()));
            self.lack = Some(lack);
        } else if self.question.is_none() {
            self.saga.waits(PAY, &format!("waits for the rest: {lack}"));
        }
    }

    fn close_question(&mut self, how: &str) {
        if let Some(question) = self.question.take() {
            question.close(how);
        }
    }

    fn show_action(&self, action: &CustomerAction) {
        let todo = action.url.as_deref().or(action.instruction.as_deref()).unwrap_or("no instruction given");
        let trouble = match &self.trouble {
            None => String::new(),
            Some(reason) => format!(" (the last look at the payment got no answer: {reason})"),
        };
        self.saga.waits(PAY, &format!("waits for the customer ({}): {todo}{trouble}", action.kind));
        let ctx = self.saga.ctx();
        if ctx.state(|w| w.customer_action.is_none()) {
            ctx.upsert_search_attributes([STAGE.value_set(Stage::AwaitingPayment.name().to_owned())]);
        }
        ctx.state_mut(|w| w.customer_action = Some(action.clone()));
    }

    /// Nothing is left for the customer to do, nor for a person to decide.
    fn end(&mut self, settled: &Result<Paid, Halt>) {
        self.close_question(&match settled {
            Ok(_) => "the rest came meanwhile".to_owned(),
            Err(halt) => format!("the order ended meanwhile: {}", halt.ending().reason),
        });
        let (saga, ctx) = (self.saga, self.saga.ctx());
        let has_shown = ctx.state_mut(|w| w.customer_action.take()).is_some();
        if has_shown && saga.check().is_ok() {
            ctx.upsert_search_attributes([STAGE.value_set(Stage::Processing.name().to_owned())]);
        }
        let has_waited = has_shown || self.lack.is_some() || self.settled_as.is_some();
        if has_waited && settled.is_ok() {
            saga.done(PAY, self.settled_as.as_deref().unwrap_or("settled"));
        }
    }
}
