//! Order processing: from a placed order to a paid parcel with a label, or back to where it began.
//!
//! 0. **Shape check**: the input is complete and adds up. Wrong input ends the run before any call.
//! 1. `validate-order`: the shop agrees to the order (stock, prices, customer, address, payment method).
//! 2. `reserve-inventory`: every line is held, or none. A clock (`reservation_minutes`, 30 by default) starts with this
//!    step. When it rings and the payment has not settled, the payment is read once more; then the order expires.
//! 3. `process-payment`: the customer is charged; cash on delivery charges nothing. A decline ends the order. Where the
//!    customer has to act (3-D Secure, a transfer) the order waits for news (`payment_settled`), and looks meanwhile.
//! 4. `confirm-inventory`: the held stock becomes sold stock.
//! 5. `create-shipping`: the label is bought. 4 and 5 run side by side: goods that are held, and paid or due on
//!    delivery, can be sold and labelled at once. **The point of no return** is when both have succeeded; a cancel that
//!    comes meanwhile waits for that. If one fails, the other ends its attempt, makes no further one, and is undone.
//! 6. `update-order-status`: the shop learns that the order is confirmed, and its tracking number. If it cannot be
//!    told, a person is asked, and the run stays open until then.
//! 7. `send-notifications`: mail, SMS (if there is a phone) and push. A message that fails is reported; it never
//!    rolls back a paid order.
//! 8. `update-analytics`: the sale is counted. 6 to 8 run side by side: no outage of one holds up the others.
//!
//! From step 1 on, whatever ends the order before the point of no return undoes what may have happened, newest first,
//! and then tells the shop (`update-order`): `failed`, `cancelled` or `expired`, with the reason. A stuck undo is put
//! to a person and holds up nothing else; only a label that cannot be voided makes the refund wait for an answer.
//! `cancel_order` and the clock close the run as Completed with that outcome, a refusal or an outage as Failed.
//!
//! Absent on purpose: retries (by policy), provider formats (the adapters'), a second charge (that is a new order).

mod face;
mod input;
mod paying;
mod requests;
mod result;
mod steps;

use contracts::values::OrderId;
use temporalio_workflow::join;

pub use face::{ALREADY_PAID, DUPLICATE, OrderProcessing, PaymentSettled, TAKEN, search_attributes};
pub use input::{ITEMS_MAX, OrderData, QUANTITY_MAX};
pub use paying::charge_key;
pub use requests::Requests;
pub use result::OrderProcessingResult;
pub(crate) use steps::DECIDED_BEFORE;

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, named_exactly};
use crate::search_attributes::ORDER_ID;
use paying::NOT_IN_TIME;
use result::Fulfilled;
use steps::{OrderRun, OrderSaga};

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
const TELL_SHOP: &str = "update-order";

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
        StepSpec::pivot(SHIP, "buy the shipping label").undo("void the label", "the parcel may be sent"),
        StepSpec::retriable(UPDATE, "tell the shop that the order is confirmed")
            .if_left("the shop does not know that the order is paid and has a label"),
        StepSpec::retriable(NOTIFY, "tell the customer"),
        StepSpec::retriable(ANALYTICS, "count the sale"),
    ];
    const UNDO_STEPS: &'static [StepSpec] = &[StepSpec::compensable(TELL_SHOP, "tell the shop how it ended")
        .undo("tell the shop how it ended", "the shop holds the order open")];
    type Input = OrderData;

    fn named(workflow_id: &str, order: &OrderData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&order.order_id))?;
        Ok(Some((ORDER_ID, order.order_id.to_string())))
    }
}

impl OrderRun<'_> {
    async fn forward(&self, saga: &mut OrderSaga) -> Result<Fulfilled, Halt> {
        self.validate(saga).await?;
        let deadline = self.deadline(saga);
        let hold_and_charge = async {
            let holds = self.reserve(saga).await?;
            let payment = self.charge(saga).await?;
            Ok((holds, payment))
        };
        let held = saga.within(self.order.reservation, "stock held", NOT_IN_TIME, hold_and_charge);
        let (holds, payment) = held.await?;
        let paid = self.settle(saga, payment, deadline).await?;
        let ((), label) = saga.both(self.confirm(saga, holds), self.ship(saga)).await?;
        saga.pivot();
        join!(self.tell_shop(saga, &paid, &label), self.notify(saga, &label), self.count_sale(saga));
        Ok(Fulfilled { paid, label })
    }
}
