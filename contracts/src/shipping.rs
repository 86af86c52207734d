//! The carrier: labels and their void window.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use crate::commerce::OrderLine;
use crate::money::Money;
use crate::values::{Address, IdempotencyKey, OrderId};

/// The carrier's activities.
pub struct Shipping;

#[activity_definitions]
impl Shipping {
    /// Buys a shipping label, once per key. A refusal is a value; an unknown outcome is looked up before a retry.
    #[activity(name = "shipping.create_shipment")]
    pub fn create_shipment(input: CreateShipment) -> Shipment {
        unimplemented!()
    }

    /// Looks for the label made under a key; `None` when the carrier knows of none.
    #[activity(name = "shipping.find_shipment")]
    pub fn find_shipment(input: ShipmentRef) -> Option<Shipment> {
        unimplemented!()
    }

    /// Undoes [`Shipping::create_shipment`] while the parcel is not handed over. Nothing there is success.
    #[activity(name = "shipping.void_shipment")]
    pub fn void_shipment(input: ShipmentRef) {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::shipping::*;
}

/// A request for a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateShipment {
    /// Names the label.
    pub key: IdempotencyKey,
    /// The order that is sent.
    pub order_id: OrderId,
    /// Where it goes.
    pub address: Address,
    /// The content of the parcel.
    pub items: Vec<OrderLine>,
    /// How it goes, in the shop's words.
    pub method: String,
    /// The money that the carrier collects at the door; `None`: it hands the parcel over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect: Option<Money>,
    /// The worth of the goods, for the carrier's liability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
}

/// The outcome of a request for a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Shipment {
    /// A label exists.
    Labelled(Label),
    /// The carrier will not take it.
    Refused {
        /// The carrier's code: `ADDRESS_NOT_SERVICEABLE`, …
        code: String,
    },
}

/// A shipping label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The carrier's id.
    pub shipment_id: String,
    /// The number the customer follows the parcel by.
    pub tracking_number: String,
    /// When it should arrive, as the carrier says it (the platform: RFC 3339 UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_delivery: Option<String>,
}

/// Names the label made under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentRef {
    /// The label's key.
    pub key: IdempotencyKey,
    /// The order that is sent.
    pub order_id: OrderId,
    /// The carrier's id of the label, where it is known: it was bought, whatever the carrier knows of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment_id: Option<String>,
}
