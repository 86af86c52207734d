//! Late money: a payment that settles for an order that has already ended without it.
//!
//! An order failed, expired or was cancelled, and then the bank transfer arrives all the same. Its stock is sold to
//! somebody else by now, so the money is never honoured: it goes back.
//!
//! 1. `read-payment`: what the payment provider says now; the news itself is not believed.
//! 2. `refund-payment`: whatever of it is there is voided or refunded, under the charge's own key, so that the
//!    order's undo and this one together refund once. A refund that is refused, or gets no answer for long, is put to a
//!    person, and one without an answer is retried meanwhile. Where somebody has decided about this money before, or is
//!    being asked, a person is asked first: it may have gone back by hand.
//!
//! A cancel stops nothing of it: the money is owed. Deliberately absent: reviving the order. A customer who still wants
//! it places a new one.

mod face;
mod input;

use contracts::payment::{FindPayment, Payment, PaymentState, Payments, ReversePayment};
use contracts::values::{EventId, OrderId};

pub use face::{LatePayment, LatePaymentResult, search_attributes};
pub use input::LatePaymentData;

use crate::clock::{later, now};
use crate::input::Problem;
use crate::order_processing::{self, DECIDED_BEFORE};
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, Settled, named_exactly};
use crate::search_attributes::ORDER_ID;

/// The workflow id: one run per order and event, however often the event is delivered.
#[must_use]
pub fn workflow_id(order_id: &OrderId, event_id: &EventId) -> String {
    format!("{}/late/{event_id}", order_processing::workflow_id(order_id))
}

const READ: &str = "read-payment";
/// The step that gives the money back.
pub const REFUND: &str = "refund-payment";

impl Process for LatePayment {
    const NAME: &'static str = "LatePayment";
    const INVALID: &'static str = "LatePaymentInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::retriable(READ, "ask the provider what is there"),
        StepSpec::retriable(REFUND, "give the money back")
            .if_left("the shop keeps money that bought nothing"),
    ];
    type Input = LatePaymentData;

    fn named(workflow_id: &str, late: &LatePaymentData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&late.order_id, &late.event_id))?;
        Ok(Some((ORDER_ID, late.order_id.to_string())))
    }
}

/// The findings with which the story ends; the result is made of them.
struct GivenBack {
    payment_id: Option<String>,
    /// Whether there was money; `None` when the provider could not be asked first.
    was_paid: Option<bool>,
}

/// Gives late money back; only a person can leave it.
async fn forward(saga: &Saga<LatePayment>, late: &LatePaymentData) -> Result<GivenBack, Halt> {
    if late.asked_in.is_some() {
        // By then the other run has tried once more, and the read tells what came of it.
        let later = later(now(saga.ctx()), policy::longest_pause());
        let _a_cancel_stops_nothing =
            saga.wait_until(later, "another run gives this money back", |_| false).await;
    }
    let order_id = late.order_id.clone();
    let key = order_processing::charge_key(&order_id);
    let find = FindPayment { key: key.clone(), order_id: order_id.clone() };
    let read = saga.step(READ, Payments::find, find, policy::money()).or_report().await;
    let was_paid =
        read.as_ref().map(|found| matches!(found, Some(Payment { state: PaymentState::Paid, .. })));
    let payment_id = read.flatten().and_then(|payment| payment.payment_id);
    if let Some(payment_id) = &payment_id {
        saga.fact(REFUND, "payment_id", payment_id);
    }
    let reason = "the order had ended when the payment settled".to_owned();
    let refund = ReversePayment { key, order_id, payment_id: payment_id.clone(), reason };
    let mut step = saga.step(REFUND, Payments::reverse, refund, policy::undo());
    if late.decided && was_paid != Some(false) {
        let news = match &late.asked_in {
            Some(other) => {
                saga.fact(REFUND, "also_asked_in", other);
                "another run gives this money back, or asks about it, and may try it on by itself: look at that one first"
            }
            None => "news of money that somebody has decided about; not touched again",
        };
        step = step.ask_first(DECIDED_BEFORE, news);
    }
    if let Settled::Done(()) = step.or_ask().await {
        saga.done(REFUND, said_of(was_paid));
    }
    Ok(GivenBack { payment_id, was_paid })
}

/// The words about a refund that went through; it also goes through where there was nothing to refund.
fn said_of(was_paid: Option<bool>) -> &'static str {
    match was_paid {
        Some(true) => "the money went back",
        Some(false) => "there was no money to give back",
        None => "whatever was there went back",
    }
}
