//! Order processing: an order is fulfilled (paid, sold, with a shipping label), or every step of it is undone.
//!
//! 0. **Input check**: the order is complete and its total matches. Wrong input fails the run before any call.
//! 1. `validate-order`: the shop agrees to the order (stock, prices, customer, address, payment method).
//! 2. `reserve-inventory`: every line is held, or none. The payment's deadline counts from here
//!    (`reservation_minutes`, 30 by default). When it passes, the payment is read a last time; then the order expires.
//! 3. `process-payment`: the customer is charged; cash on delivery charges nothing. A decline ends the order. Where the
//!    customer has to act, it is told and the order waits and polls. Too little, or other, money is asked about.
//! 4. `confirm-inventory`: the held stock becomes sold stock. A hold that was lost is had again, if it can be.
//! 5. `create-shipping`: the label is bought, side by side with 4: the goods are held, and paid or due on delivery.
//!    **The point of no return** (the pivot) is when both have succeeded; a cancel that comes later is refused. If one
//!    fails, or a cancel comes first, the attempts under way end, none is repeated, and both are undone.
//! 6. to 8., side by side: `update-order-status` (the shop learns that the order is confirmed; else a person is asked),
//!    `send-notifications` (mail, SMS, push; a failure is reported, no more), `update-analytics`.
//!
//! A refusal, an outage beyond a step's patience, the deadline, `cancel_order` or Temporal's cancel before the pivot
//! undoes every step that has begun, newest first; shop (`update-order`) and customer (`telling`) hear of it. A person
//! is asked about an undo that sticks, and the others go on; behind a label that stays they wait, or all is `kept`.
//!
//! Deliberately absent: retries (`policy`), formats of providers (crate `activities`), a second charge (a new order).

mod face;
pub(crate) mod going_back;
mod input;
mod kept;
mod paying;
mod requests;
mod result;
mod steps;
pub(crate) mod telling;

use contracts::values::OrderId;
use temporalio_workflow::join;

pub use face::{
    ALREADY_PAID, BY_SIGNAL, DUPLICATE, OrderProcessing, PaymentSettled, TAKEN, search_attributes,
};
pub use input::{ITEMS_MAX, OrderData, QUANTITY_MAX};
pub use paying::{AMOUNT_CAUSES, Paid, charge_key};
pub use requests::Requests;
pub use result::OrderProcessingResult;
pub use steps::OrderRun;

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, named_exactly};
use crate::search_attributes::ORDER_ID;
use paying::NOT_IN_TIME;

/// The workflow id of an order; also the first part of every idempotency key.
#[must_use]
pub fn workflow_id(order_id: &OrderId) -> String {
    format!("order/{order_id}")
}

const VALIDATE: &str = "validate-order";
const RESERVE: &str = "reserve-inventory";
/// The step that charges the customer.
pub const PAY: &str = "process-payment";
const CONFIRM: &str = "confirm-inventory";
const SHIP: &str = "create-shipping";
const UPDATE: &str = "update-order-status";
const NOTIFY: &str = "send-notifications";
const ANALYTICS: &str = "update-analytics";

impl Process for OrderProcessing {
    const NAME: &'static str = "OrderProcessing";
    const INVALID: &'static str = "OrderInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::compensable(VALIDATE, "ask the shop to check the order"),
        StepSpec::compensable(RESERVE, "hold the stock").undo("release the hold", "the goods stay held"),
        StepSpec::compensable(PAY, "charge the customer")
            .undo("give the money back", "the shop keeps the money"),
        StepSpec::compensable(CONFIRM, "turn the hold into a sale")
            .undo("restock", "the goods count as sold"),
        StepSpec::pivot(SHIP, "buy the shipping label")
            .undo("void the label", "the parcel may go, the money goes back, its goods count as in stock: correct that")
            .holds_up_others("the parcel goes, the money stays, the goods are sold, and the shop hears that it is confirmed"),
        StepSpec::retriable(UPDATE, "tell the shop that the order is confirmed")
            .if_left("the shop does not know that the order is paid and has a label"),
        StepSpec::retriable(NOTIFY, "tell the customer"),
        StepSpec::retriable(ANALYTICS, "count the sale"),
    ];
    const UNDO_STEPS: &'static [StepSpec] = steps::UNDO_STEPS;
    type Input = OrderData;

    fn named(workflow_id: &str, order: &OrderData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&order.order_id))?;
        Ok(Some((ORDER_ID, order.order_id.to_string())))
    }
}

impl OrderRun<'_> {
    async fn forward(&self, saga: &mut steps::OrderSaga) -> Result<result::Fulfilled, Halt> {
        let was_known = self.validate(saga).await?;
        let deadline = self.deadline(saga);
        let hold_and_charge = async {
            let holds = self.reserve(saga).await?;
            let payment = self.charge(saga, was_known).await?;
            Ok((holds, payment))
        };
        let held = saga.within(self.order.reservation, "stock held", NOT_IN_TIME, hold_and_charge);
        let (holds, payment) = held.await?;
        let paid = self.settle(saga, payment, deadline).await?;
        let ((), label) = saga.both(self.confirm(saga, holds), self.ship(saga)).await?;
        saga.pivot();
        let told = self.tell_shop(saga, &paid, Some(&label));
        join!(told, self.notify(saga, &label), self.count_sale(saga), self.look_for_a_second(saga, &paid));
        Ok(result::Fulfilled { paid, label: Some(label) })
    }
}
