//! The outcome of every fault at every step: one expectation per cell, to be read by people.

use workflows::order_processing::OrderProcessing;

/// How a cell ends, and what the shop's books say then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) ends: Ends,
    /// The undos that the report names, newest first.
    pub(super) undone: &'static [&'static str],
    /// Charges ever made. An order that is undone has as many refunds; one that is fulfilled has none.
    pub(super) charges: u64,
    /// The one figure of the audit that stays 0 although the order is fulfilled.
    pub(super) missing: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// One charge, one label, stock sold, the customer told.
    Fulfilled,
    /// Failed with that type, everything undone.
    Failed(&'static str),
    /// Completed with that outcome, everything undone.
    Stopped(&'static str),
}

/// How the outside system of a step says no for good.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// By that HTTP status.
    Status(u16),
    /// Because the price is not the shop's.
    Price,
    /// Because fewer pieces are there.
    Pieces,
    /// Because the card is declined.
    Card,
    /// Because the hold was swept while the customer paid.
    HoldSwept,
}

/// One operation of a step under every fault.
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) operation: &'static str,
    pub(super) refusal: Refusal,
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

const FULFILLED: Expected = Expected { ends: Ends::Fulfilled, undone: &[], charges: 1, missing: None };

const fn fulfilled_without(figure: &'static str) -> Expected {
    Expected { missing: Some(figure), ..FULFILLED }
}

const fn failed(kind: &'static str, undone: &'static [&'static str], charges: u64) -> Expected {
    Expected { ends: Ends::Failed(kind), undone, charges, missing: None }
}

const fn cancelled(undone: &'static [&'static str], charges: u64) -> Expected {
    Expected { ends: Ends::Stopped("cancelled"), undone, charges, missing: None }
}

const fn expired(undone: &'static [&'static str], charges: u64) -> Expected {
    Expected { ends: Ends::Stopped("expired"), undone, charges, missing: None }
}

/// Only the shop is told.
const TOLD: &[&str] = &["update-order"];
const HELD: &[&str] = &["reserve-inventory", "update-order"];
const CHARGED: &[&str] = &["process-payment", "reserve-inventory", "update-order"];
const SHIPPED: &[&str] =
    &["create-shipping", "confirm-inventory", "process-payment", "reserve-inventory", "update-order"];

pub(super) const FORWARD: [Row; 10] = [
    Row {
        step: "validate-order",
        operation: "orders.validate",
        refusal: Refusal::Price,
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
        refusal: Refusal::Pieces,
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
        refusal: Refusal::Card,
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
        refusal: Refusal::HoldSwept,
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
        refusal: Refusal::Status(422),
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
        refusal: Refusal::Status(422),
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
        refusal: Refusal::Status(422),
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
        refusal: Refusal::Status(422),
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
        refusal: Refusal::Status(422),
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
        refusal: Refusal::Status(422),
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

/// The causes that make an order turn back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The card is declined.
    Declined,
    /// The carrier refuses the parcel.
    NoLabel,
    /// The carrier makes the label, says nothing, and cannot be asked.
    LabelUnknown,
    /// The business cancels while the customer is waited for.
    CancelledInWait,
}

/// The undo of a step, by the operation that does it.
pub(super) struct Undo {
    pub(super) step: &'static str,
    pub(super) operation: &'static str,
    pub(super) way: Way,
    /// HTTP 503 twice, its reply lost, or its worker killed after the effect: all end alike.
    pub(super) always: Expected,
}

pub(super) const BACKWARD: [Undo; 6] = [
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
