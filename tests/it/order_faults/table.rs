//! The outcome of every fault at every step: one expectation per cell, to be read by people.

use serde_json::{Value, json};
use tests::matrix::{self, Cell, is, slow};
use tests::orders;
use tests::world::Ended;
use workflows::order_processing::OrderProcessing;
use workflows::report::Report;

use super::Orders;

/// How a cell ends, and what the shop's books say then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) ends: Ends,
    /// The undos that the report names, newest first.
    pub(super) undone: &'static [&'static str],
    /// Charges ever made. An order that is undone has as many refunds; one that is fulfilled has none.
    pub(super) charges: i64,
    /// The one figure of the audit that stays 0 although the order is fulfilled.
    pub(super) missing: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// One charge, one label, stock sold, the customer told.
    Fulfilled,
    /// Failed with that type, everything undone.
    Failed(&'static str),
    /// Completed with that outcome and reason, everything undone.
    Stopped(&'static str, &'static str),
}

impl Ends {
    /// The report of a run that ended so.
    pub(super) fn report(self, ended: Ended) -> anyhow::Result<Report> {
        match self {
            Self::Fulfilled => Ok(ended.fulfilled()?.report),
            Self::Failed(kind) => Ok(ended.failed_as(kind)?.1),
            Self::Stopped(outcome, reason) => {
                let result = ended.stopped_as(outcome)?;
                is("reason", &result.reason.as_deref(), &Some(reason))?;
                Ok(result.report)
            }
        }
    }
}

/// How an order comes to an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// As every order does.
    #[default]
    Plain,
    /// The operation refuses by that HTTP status.
    Refused(u16),
    /// The price is not the shop's.
    Price,
    /// Fewer pieces are there.
    Pieces,
    /// The card is declined.
    Declined,
    /// The hold is swept while the customer pays, and somebody else buys the stock.
    HoldSwept,
    /// Stock is held for 2.7 seconds.
    HeldShortly,
    /// The carrier refuses the parcel.
    NoLabel,
    /// The carrier makes the label, says nothing, and cannot be asked.
    LabelUnknown,
    /// The business cancels while the customer is waited for.
    CancelledInWait,
}

impl Way {
    /// The order.
    pub(super) fn order(self) -> Value {
        let mut order = orders::two_lines();
        match self {
            Self::Price => {
                order["items"][0]["price"] = json!(24_000_000);
                order["total_amount"] = json!(25_000_000);
            }
            Self::Pieces => {
                order["items"][0]["quantity"] = json!(51);
                order["total_amount"] = json!(51 * 25_000_000 + 1_000_000);
            }
            Self::Declined => order["payment_method"]["card_token"] = json!("card_declined"),
            Self::HeldShortly => order["reservation_minutes"] = json!(0.045),
            Self::CancelledInWait => order["payment_method"] = json!({ "type": "bank_transfer" }),
            Self::Plain | Self::Refused(_) | Self::HoldSwept | Self::NoLabel | Self::LabelUnknown => {}
        }
        order
    }
}

impl matrix::Way for Way {
    fn faults(self, operation: &str) -> Vec<Value> {
        match self {
            Self::Refused(status) => vec![matrix::refused(operation, status)],
            Self::HoldSwept => vec![slow("payments.create", 1_000)],
            Self::NoLabel => vec![matrix::refused("shipments.create", 422)],
            Self::LabelUnknown => {
                let unheard = json!({ "operation": "shipments.create", "kind": "reply_lost" });
                vec![unheard, matrix::refused("shipments.get", 422)]
            }
            _ => Vec::new(),
        }
    }
}

/// One operation of a step under every fault.
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) operation: &'static str,
    /// How its outside system says no for good.
    pub(super) refusal: Way,
    /// Refused for good.
    pub(super) refused: Expected,
    /// HTTP 503 twice, then the right answer.
    pub(super) transient: Expected,
    /// The effect happens, its reply does not arrive.
    pub(super) reply_lost: Expected,
    /// `kill -9` of the worker after the effect, before it is reported; another worker takes over.
    pub(super) killed: Expected,
    /// The business cancels while the call is under way.
    pub(super) cancelled: Expected,
    /// The time for which the stock is held ends while the call is under way.
    pub(super) expired: Expected,
}

pub(super) const CANCELLED_BECAUSE: &str = "the customer called";
const EXPIRED_BECAUSE: &str = "the payment did not settle while the stock was held";

const FULFILLED: Expected = Expected { ends: Ends::Fulfilled, undone: &[], charges: 1, missing: None };

const fn fulfilled_without(figure: &'static str) -> Expected {
    Expected { missing: Some(figure), ..FULFILLED }
}

const fn failed(kind: &'static str, undone: &'static [&'static str], charges: i64) -> Expected {
    Expected { ends: Ends::Failed(kind), undone, charges, missing: None }
}

const fn cancelled(undone: &'static [&'static str], charges: i64) -> Expected {
    Expected { ends: Ends::Stopped("cancelled", CANCELLED_BECAUSE), undone, charges, missing: None }
}

const fn expired(undone: &'static [&'static str], charges: i64) -> Expected {
    Expected { ends: Ends::Stopped("expired", EXPIRED_BECAUSE), undone, charges, missing: None }
}

/// Only the shop is told.
const TOLD: &[&str] = &["update-order"];
const HELD: &[&str] = &["reserve-inventory", "update-order"];
const CHARGED: &[&str] = &["process-payment", "reserve-inventory", "update-order"];
const SHIPPED: &[&str] =
    &["create-shipping", "confirm-inventory", "process-payment", "reserve-inventory", "update-order"];

const FORWARD: [Row; 10] = [
    Row {
        step: "validate-order",
        operation: "orders.validate",
        refusal: Way::Price,
        refused: failed("OrderInvalid", TOLD, 0),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: cancelled(TOLD, 0),
        // Nothing is held yet, so no clock runs.
        expired: FULFILLED,
    },
    Row {
        step: "reserve-inventory",
        operation: "inventory.reserve",
        refusal: Way::Pieces,
        refused: failed("OutOfStock", HELD, 0),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: cancelled(HELD, 0),
        expired: expired(HELD, 0),
    },
    Row {
        step: "process-payment",
        operation: "payments.create",
        refusal: Way::Declined,
        refused: failed("PaymentDeclined", CHARGED, 0),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        // A charge under way is awaited, then refunded.
        cancelled: cancelled(CHARGED, 1),
        expired: expired(CHARGED, 1),
    },
    Row {
        step: "confirm-inventory",
        operation: "inventory.confirm",
        refusal: Way::HoldSwept,
        // The label was bought beside it, and is voided.
        refused: failed("OutOfStock", SHIPPED, 1),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        // Sold, and the carrier made the label: the cancel is refused.
        cancelled: FULFILLED,
        // Paid in time: the clock has stopped.
        expired: FULFILLED,
    },
    Row {
        step: "create-shipping",
        operation: "shipments.create",
        refusal: Way::Refused(422),
        refused: failed("ShippingFailed", SHIPPED, 1),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        // The carrier made the label: the cancel is refused.
        cancelled: FULFILLED,
        expired: FULFILLED,
    },
    // After the label nothing is rolled back, and no cancel is taken.
    Row {
        step: "update-order-status",
        operation: "orders.update",
        refusal: Way::Refused(422),
        refused: FULFILLED,
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: FULFILLED,
        expired: FULFILLED,
    },
    Row {
        step: "send-notifications",
        operation: "notifications.email",
        refusal: Way::Refused(422),
        refused: fulfilled_without("mails"),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: FULFILLED,
        expired: FULFILLED,
    },
    Row {
        step: "send-notifications",
        operation: "notifications.sms",
        refusal: Way::Refused(422),
        refused: fulfilled_without("sms"),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: FULFILLED,
        expired: FULFILLED,
    },
    Row {
        step: "send-notifications",
        operation: "notifications.push",
        refusal: Way::Refused(422),
        refused: fulfilled_without("pushes"),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: FULFILLED,
        expired: FULFILLED,
    },
    Row {
        step: "update-analytics",
        operation: "events.track",
        refusal: Way::Refused(422),
        refused: fulfilled_without("events"),
        transient: FULFILLED,
        reply_lost: FULFILLED,
        killed: FULFILLED,
        cancelled: FULFILLED,
        expired: FULFILLED,
    },
];

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(FORWARD, OrderProcessing);

/// The undo of a step, by the operation that does it.
struct Undo {
    step: &'static str,
    operation: &'static str,
    way: Way,
    /// HTTP 503 twice, its reply lost, or its worker killed after the effect: all end alike.
    always: Expected,
}

const BACKWARD: [Undo; 6] = [
    Undo {
        step: "create-shipping",
        operation: "shipments.cancel",
        way: Way::LabelUnknown,
        always: failed("ShippingFailed", SHIPPED, 1),
    },
    Undo {
        step: "confirm-inventory",
        operation: "inventory.restock",
        way: Way::NoLabel,
        always: failed("ShippingFailed", SHIPPED, 1),
    },
    Undo {
        step: "process-payment",
        operation: "payments.refund",
        way: Way::NoLabel,
        always: failed("ShippingFailed", SHIPPED, 1),
    },
    Undo {
        step: "process-payment",
        operation: "payments.void",
        way: Way::CancelledInWait,
        always: cancelled(CHARGED, 0),
    },
    Undo {
        step: "reserve-inventory",
        operation: "inventory.release",
        way: Way::Declined,
        always: failed("PaymentDeclined", CHARGED, 0),
    },
    Undo {
        step: "update-order",
        operation: "orders.update",
        way: Way::Declined,
        always: failed("PaymentDeclined", CHARGED, 0),
    },
];

/// A column of the steps.
pub(super) fn forward(expected: fn(&Row) -> Expected) -> impl Iterator<Item = Cell<Orders>> {
    FORWARD.into_iter().map(move |row| {
        let cell = Cell::new(row.step, row.operation, expected(&row));
        cell.looked_up_if(&[
            "inventory.reserve",
            "payments.create",
            "inventory.confirm",
            "shipments.create",
            "orders.update",
        ])
    })
}

/// The column in which each step is refused in its own way.
pub(super) fn refused() -> impl Iterator<Item = Cell<Orders>> {
    FORWARD.into_iter().map(|row| Cell::new(row.step, row.operation, row.refused).on(row.refusal))
}

/// A column of the undos.
pub(super) fn backward() -> impl Iterator<Item = Cell<Orders>> {
    BACKWARD.into_iter().map(|undo| {
        let cell = Cell::new(undo.step, undo.operation, undo.always).on(undo.way);
        cell.looked_up_if(&["inventory.restock", "payments.refund", "inventory.release", "orders.update"])
    })
}
