//! `GET /orders/{id}`: an order as the platform holds it, and the states that it can be in.

use contracts::commerce::{OrderStatus, PaymentStatus, UpdateOrder};
use contracts::values::{CustomerId, OrderId};
use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use crate::http::{CallError, NOT_FOUND};

/// An order as the platform holds it.
#[derive(Deserialize)]
pub(super) struct KnownOrder {
    /// A text or a number; none for an order without an account.
    #[serde(default)]
    customer_id: Option<Value>,
    pub(super) status: String,
    #[serde(default)]
    pub(super) payment_status: Value,
    /// The carrier's number, where the platform shows it.
    #[serde(default)]
    pub(super) tracking_number: Value,
}

/// The states in which an order waits for its process.
pub(super) const OPEN: [&str; 2] = ["pending", AWAITING];
/// The state of one whose customer has to act.
const AWAITING: &str = "awaiting_payment";
/// Those that a confirmed order has in the shop. The shop goes on with it: an order that was undone is none of them.
pub(super) const CONFIRMED: [&str; 5] = ["confirmed", "processing", "shipped", "delivered", "completed"];
/// Those of an order that is over without being delivered, whoever ended it.
pub(super) const ENDED: [&str; 4] = ["refunded", "failed", "cancelled", "expired"];
/// Those in which it has had a process.
pub(super) const CLOSED: [&str; 9] = [
    "confirmed",
    "processing",
    "shipped",
    "delivered",
    "completed",
    "refunded",
    "failed",
    "cancelled",
    "expired",
];

/// Whether an order in this state has come to the one that the shop was told, or has gone on since.
pub(super) fn has_reached(told: OrderStatus, state: &str) -> bool {
    match told {
        OrderStatus::AwaitingPayment => state == AWAITING || CLOSED.contains(&state),
        OrderStatus::Confirmed => CONFIRMED.contains(&state),
        OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Expired => ENDED.contains(&state),
    }
}

impl KnownOrder {
    pub(super) fn is_of_another_than(&self, customer: &CustomerId) -> bool {
        let id = match &self.customer_id {
            None | Some(Value::Null) => return false,
            Some(Value::String(id)) => id.clone(),
            Some(number) => number.to_string(),
        };
        id != customer.as_str()
    }

    /// Whether a confirmed order that the shop has gone on with carries what it was told with that. Somebody may have
    /// set it to `processing` by hand, who knows neither its parcel nor its money.
    pub(super) fn has_heard(&self, confirmed: &UpdateOrder) -> bool {
        if let (Some(ours), Value::String(shown)) = (&confirmed.tracking_number, &self.tracking_number) {
            return shown == ours;
        }
        // A shop that does not show the number: money that came or went back since is behind the word.
        let earlier =
            [PaymentStatus::Pending, PaymentStatus::Unpaid, PaymentStatus::Voided].map(PaymentStatus::name);
        match (confirmed.payment_status, self.payment_status.as_str()) {
            (Some(told), Some(shown)) => shown == told.name() || !earlier.contains(&shown),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    pub(super) fn is_among(&self, states: &[&str]) -> bool {
        states.contains(&self.status.as_str())
    }
}

impl Client {
    /// The order as the platform holds it; `None`: it knows none of that number.
    pub(super) async fn known(&self, order_id: &OrderId) -> Result<Option<KnownOrder>, CallError> {
        match self.api.get(&["orders", order_id.as_str()], &[]).await {
            Ok(known) => Ok(Some(known)),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 404 && refusal.code == NOT_FOUND => Ok(None),
                _ => Err(error),
            },
        }
    }

    pub(super) fn new_state(&self, state: &str) -> CallError {
        self.api.new_word("an order in a state", state)
    }
}
