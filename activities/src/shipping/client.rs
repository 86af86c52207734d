//! The carrier's wire: `/shipments`, `/shipments/cancel`.

use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef};
use contracts::values::{Address, IdempotencyKey};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::http::{Api, CallError};

pub(super) struct Client {
    api: Api,
}

#[derive(Serialize)]
struct CreateBody<'a> {
    order_id: &'a str,
    shipping_address: &'a Address,
    items: Vec<Item<'a>>,
    shipping_method: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    product_id: &'a str,
    variant_id: &'a str,
    product_name: &'a str,
    quantity: u32,
}

#[derive(Serialize)]
struct CancelBody<'a> {
    order_id: &'a str,
    idempotency_key: &'a str,
    reason: &'static str,
}

#[derive(Deserialize)]
struct LabelBody {
    #[serde(alias = "id")]
    shipment_id: String,
    #[serde(default)]
    idempotency_key: Option<String>,
    tracking_number: String,
    #[serde(default)]
    estimated_delivery: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct CancelAnswer {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    barred: bool,
}

impl Client {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn create(&self, parcel: &CreateShipment) -> Result<Shipment, CallError> {
        let items = parcel.items.iter().map(|line| Item {
            product_id: line.product_id.as_str(),
            variant_id: line.variant_id.as_str(),
            product_name: &line.product_name,
            quantity: line.quantity,
        });
        let body = CreateBody {
            order_id: parcel.order_id.as_str(),
            shipping_address: &to_send(&parcel.address),
            items: items.collect(),
            shipping_method: &parcel.method,
        };
        let answer: Result<LabelBody, _> =
            self.api.send(Method::POST, &["shipments"], Some(&parcel.key), &body).await;
        match answer {
            Ok(label) => Ok(Shipment::Labelled(label.into())),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 422 => {
                    Ok(Shipment::Refused { code: refusal.code.clone() })
                }
                _ => Err(error),
            },
        }
    }

    /// The label made under a key, unless it was voided.
    pub(super) async fn find(&self, key: &IdempotencyKey) -> Result<Option<Label>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found = self.api.get(&["shipments"], &query).await?;
        let found = self.api.only_under(key, found, |label: &LabelBody| label.idempotency_key.as_deref())?;
        let live = |label: &LabelBody| !matches!(label.status.as_deref(), Some("voided" | "cancelled"));
        Ok(found.into_iter().find(live).map(Label::from))
    }

    /// Voids the label made under a key and bars the key.
    pub(super) async fn void(&self, label: &ShipmentRef) -> Result<Voided, CallError> {
        let body = CancelBody {
            order_id: label.order_id.as_str(),
            idempotency_key: label.key.as_str(),
            reason: "the order was not fulfilled",
        };
        // Without a key of its own: a stored answer must not hide a label that was made since.
        let answer: CancelAnswer = self.api.send(Method::POST, &["shipments", "cancel"], None, &body).await?;
        Ok(match answer.outcome.as_str() {
            "in_transit" => Voided::TooLate,
            "voided" => Voided::Done,
            _ if answer.barred => Voided::Done,
            _ => Voided::NothingThere,
        })
    }
}

/// A number that cannot be dialled costs the number, not the parcel.
fn to_send(address: &Address) -> Address {
    let phone = address.phone.as_deref().and_then(|phone| text::phone(phone).ok());
    Address { phone, ..address.clone() }
}

/// What an undo came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Voided {
    /// Voided, or barred for good.
    Done,
    /// The carrier knows of nothing under the key, and did not bar it.
    NothingThere,
    /// The parcel was handed over: the label can no longer be voided.
    TooLate,
}

impl From<LabelBody> for Label {
    fn from(body: LabelBody) -> Self {
        Self {
            shipment_id: body.shipment_id,
            tracking_number: body.tracking_number,
            estimated_delivery: body.estimated_delivery,
        }
    }
}
