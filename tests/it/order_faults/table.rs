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

/// One operation of a step under every fault. Whatever passes leads to a fulfilled order: HTTP 503 twice, then the
/// right answer; the effect happens and its reply does not arrive; `kill -9` of the worker after the effect, before it
/// is reported, and another one takes over.
pub(super) struct Row {
    step: &'static str,
    operation: &'static str,
    /// How its outside system says no for good, and what comes of it.
    refused: (Way, Expected),
    /// The business cancels while the call is under way.
    pub(super) cancelled: Expected,
    /// The time for which the stock is held ends while the call is under way.
    expired: Expected,
}

/// An operation that comes after the label: nothing is rolled back, and no cancel is taken.
const fn after(step: &'static str, operation: &'static str, refused: Expected) -> Row {
    Row { step, operation, refused: (NO, refused), cancelled: FULFILLED, expired: FULFILLED }
}

const NO: Way = Way::Refused(422);
pub(super) const CANCELLED_BECAUSE: &str = "the customer called";
const EXPIRED_BECAUSE: &str = "the payment did not settle while the stock was held";

pub(super) const FULFILLED: Expected =
    Expected { ends: Ends::Fulfilled, undone: &[], charges: 1, missing: None };

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

#[rustfmt::skip]
const FORWARD: [Row; 10] = [
    Row {
        step: "validate-order", operation: "orders.validate",
        refused: (Way::Price, failed("OrderInvalid", TOLD, 0)),
        cancelled: cancelled(TOLD, 0),
        // Nothing is held yet, so no clock runs.
        expired: FULFILLED,
    },
    Row {
        step: "reserve-inventory", operation: "inventory.reserve",
        refused: (Way::Pieces, failed("OutOfStock", HELD, 0)),
        cancelled: cancelled(HELD, 0),
        expired: expired(HELD, 0),
    },
    Row {
        step: "process-payment", operation: "payments.create",
        refused: (Way::Declined, failed("PaymentDeclined", CHARGED, 0)),
        // A charge under way is awaited, then refunded.
        cancelled: cancelled(CHARGED, 1),
        expired: expired(CHARGED, 1),
    },
    // The label was bought beside the sale, and is voided. Once both are there a cancel is refused; the clock has
    // stopped, because the order was paid in time.
    after("confirm-inventory", "inventory.confirm", failed("OutOfStock", SHIPPED, 1)).refused_by(Way::HoldSwept),
    after("create-shipping", "shipments.create", failed("ShippingFailed", SHIPPED, 1)),
    after("update-order-status", "orders.update", FULFILLED),
    after("send-notifications", "notifications.email", fulfilled_without("mails")),
    after("send-notifications", "notifications.sms", fulfilled_without("sms")),
    after("send-notifications", "notifications.push", fulfilled_without("pushes")),
    after("update-analytics", "events.track", fulfilled_without("events")),
];

impl Row {
    const fn refused_by(self, way: Way) -> Self {
        Self { refused: (way, self.refused.1), ..self }
    }
}

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(FORWARD, OrderProcessing);

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
    FORWARD.into_iter().map(|row| Cell::new(row.step, row.operation, row.refused.1).on(row.refused.0))
}

/// The column in which the hold ends during each call.
pub(super) fn held_shortly() -> impl Iterator<Item = Cell<Orders>> {
    forward(|row| row.expired).map(|cell| cell.on(Way::HeldShortly))
}

/// The undos, by the operations that do them. HTTP 503 twice, its reply lost, or its worker killed after the effect:
/// all end alike.
pub(super) fn backward() -> impl Iterator<Item = Cell<Orders>> {
    let not_shippable = failed("ShippingFailed", SHIPPED, 1);
    let declined = failed("PaymentDeclined", CHARGED, 0);
    let undos = [
        ("create-shipping", "shipments.cancel", Way::LabelUnknown, not_shippable),
        ("confirm-inventory", "inventory.restock", Way::NoLabel, not_shippable),
        ("process-payment", "payments.refund", Way::NoLabel, not_shippable),
        ("process-payment", "payments.void", Way::CancelledInWait, cancelled(CHARGED, 0)),
        ("reserve-inventory", "inventory.release", Way::Declined, declined),
        ("update-order", "orders.update", Way::Declined, declined),
    ];
    undos.into_iter().map(|(step, operation, way, always)| {
        let looked_up = ["inventory.restock", "payments.refund", "inventory.release", "orders.update"];
        Cell::new(step, operation, always).on(way).looked_up_if(&looked_up)
    })
}
