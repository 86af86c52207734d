//! Late payment: a payment that settles after its order has ended without it.
//!
//! An order failed, expired or was cancelled, and then the bank transfer arrives. The order's stock may be sold to
//! somebody else by then, so the order is never revived: the money goes back. The webhook door, or `starter order
//! settle-payment`, starts this run when an order is closed; an open one does the same on its own way back.
//!
//! 1. `read-payment`: the payment is read at the provider; the event was only a sign to look.
//! 2. `refund-payment`: an open payment is voided, a captured one refunded, under the charge's own key: this run and
//!    the order's own undo together refund once. A person is asked about a refund that is refused, or gets no answer
//!    for its patience; the latter is tried on meanwhile. Where somebody has decided about this payment before
//!    (`decided`), or another run asks about it now (`asked_in`), a person is asked before anything is sent: the money
//!    may have gone back by hand. If the read shows that there is no money, and none to come, nobody needs to be asked.
//!
//! News of an order that has its money (`is_paid`) moves nothing: the payment is read, and where two hold money a person
//! is asked. `retry` reads once more.
//!
//! A cancel changes nothing of that: the money is owed. Deliberately absent: reviving the order. A customer who still
//! wants the goods places a new one.

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
        StepSpec::retriable(READ, "ask the provider what is there")
            .if_left("if the customer paid twice, the shop keeps both"),
        StepSpec::retriable(REFUND, "give the money back")
            .if_left("the shop keeps money that bought nothing"),
    ];
    type Input = LatePaymentData;

    fn named(workflow_id: &str, late: &LatePaymentData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&late.order_id, &late.event_id))?;
        Ok(Some((ORDER_ID, late.order_id.to_string())))
    }
}

/// The findings of the story, of which the result is made.
struct GivenBack {
    payment_id: Option<String>,
    /// Whether money was captured; `None`: the read got no answer, or the payment was open.
    was_paid: Option<bool>,
}

/// Gives late money back; only a person can leave it.
async fn forward(saga: &mut Saga<LatePayment>, late: &LatePaymentData) -> Result<GivenBack, Halt> {
    // From here on no cancel reaches a step.
    saga.pivot();
    if late.asked_in.is_some() {
        // The other run has time for one more attempt, so that the read sees what came of it.
        let at = later(now(saga.ctx()), policy::longest_pause());
        saga.wait_until(at, "another run gives this money back", |_| false).await?;
    }
    let read = saga.step(READ, Payments::find, late.look(), policy::money());
    if late.is_paid {
        return Ok(look_for_a_second(saga, read.or_ask()).await);
    }
    let read = read.or_report().await;
    let was_paid = read.as_ref().and_then(was_captured);
    let payment_id = read.flatten().and_then(|payment| payment.payment_id);
    if let Some(payment_id) = &payment_id {
        saga.fact(REFUND, "payment_id", payment_id);
    }
    let FindPayment { key, order_id, .. } = late.look();
    let reason = "the order had ended when the payment settled".to_owned();
    let refund = ReversePayment { key, order_id, payment_id: payment_id.clone(), reason };
    let mut step = saga.step(REFUND, Payments::reverse, refund, policy::undo());
    if late.decided && was_paid != Some(false) {
        let news = match &late.asked_in {
            Some(other) => {
                saga.fact(REFUND, "also_asked_in", other);
                "another run refunds this payment, or asks about it, and may retry: look at that run first"
            }
            None => "news of a payment that somebody has decided about; nothing was sent",
        };
        step = step.ask_first(DECIDED_BEFORE, news);
    }
    if let Settled::Done(()) = step.or_ask().await {
        saga.done(REFUND, said_of(was_paid));
    }
    Ok(GivenBack { payment_id, was_paid })
}

/// The read refuses to choose between two payments that hold money, and a person is asked.
async fn look_for_a_second(
    saga: &Saga<LatePayment>,
    read: impl Future<Output = Settled<Option<Payment>>>,
) -> GivenBack {
    saga.skip(REFUND, "the order has its money");
    let found = if let Settled::Done(found) = read.await { found } else { None };
    GivenBack { payment_id: found.and_then(|payment| payment.payment_id), was_paid: Some(false) }
}

/// Whether a payment that was read holds money. `None`: it is open, and may hold some by the time it is taken back.
fn was_captured(found: &Option<Payment>) -> Option<bool> {
    match found.as_ref().map(|payment| &payment.state) {
        Some(PaymentState::Paid) => Some(true),
        Some(PaymentState::RequiresAction { .. }) => None,
        None | Some(PaymentState::Declined { .. } | PaymentState::Reversed) => Some(false),
    }
}

/// The words about a refund that went through; it also goes through where there was nothing to refund.
fn said_of(was_paid: Option<bool>) -> &'static str {
    match was_paid {
        Some(true) => "the money went back",
        Some(false) => "there was no money to give back",
        None => "whatever was there went back",
    }
}
