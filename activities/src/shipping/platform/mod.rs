//! The platform as a carrier: `/shipments`, `/shipments/cancel`.

use std::sync::Arc;

use contracts::money::Money;
use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef};
use contracts::values::{Address, IdempotencyKey};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use text::Problem;

use super::{Carrier, Found, Voided};
use crate::http::wire::{Amount, amount};
use crate::http::{Api, CallError};
use crate::provider::{Given, Kind, Setting, secret};

/// The platform, or what speaks like it.
pub(super) const KIND: Kind<dyn Carrier> = Kind {
    name: "platform",
    help: "the platform, or what speaks like it at SUN_SHIPPING_API_URL",
    settings: &[
        Setting::text(
            "SUN_SHIPPING_API_URL",
            "shipping-api-url",
            "URL",
            "Base URL of a carrier that speaks like the platform's; default: the platform",
        ),
        secret!(
            "SUN_SHIPPING_API_TOKEN",
            "shipping-api-token",
            "TOKEN",
            "Bearer token for that carrier; default: the platform's"
        ),
    ],
    open,
};

fn open(given: &Given<'_>) -> Result<Arc<dyn Carrier>, Vec<Problem>> {
    let endpoint = given.like_the_platform("shipping", "SUN_SHIPPING_API_URL", "SUN_SHIPPING_API_TOKEN")?;
    let api = Api::new(endpoint).map_err(|error| vec![error.of("SUN_SHIPPING_API_TOKEN")])?;
    Ok(api.into())
}

/// The platform, as a carrier.
#[derive(Clone, Debug)]
struct Platform {
    api: Api,
}

impl From<Api> for Arc<dyn Carrier> {
    fn from(api: Api) -> Self {
        Arc::new(Platform { api })
    }
}

impl Carrier for Platform {
    fn health(&self) -> BoxFuture<'_, Result<(), CallError>> {
        self.api.health().boxed()
    }

    fn create<'a>(&'a self, parcel: &'a CreateShipment) -> BoxFuture<'a, Result<Shipment, CallError>> {
        self.buy(parcel).boxed()
    }

    fn find<'a>(&'a self, label: &'a ShipmentRef) -> BoxFuture<'a, Result<Vec<Found>, CallError>> {
        self.find_under(&label.key).boxed()
    }

    fn void<'a>(&'a self, label: &'a ShipmentRef) -> BoxFuture<'a, Result<Voided, CallError>> {
        self.cancel(label).boxed()
    }

    fn void_one<'a>(&'a self, shipment_id: &'a str) -> BoxFuture<'a, Result<Voided, CallError>> {
        self.cancel_one(shipment_id).boxed()
    }
}

#[derive(Serialize)]
struct CreateBody<'a> {
    order_id: &'a str,
    shipping_address: &'a Address,
    items: Vec<Item<'a>>,
    shipping_method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cash_on_delivery: Option<MoneyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_value: Option<MoneyBody>,
}

#[derive(Serialize)]
struct MoneyBody {
    amount: Amount,
    currency: &'static str,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount: amount(money), currency: money.currency().code() }
    }
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
    outcome: String,
    #[serde(default)]
    barred: bool,
}

/// The states of a label that a parcel may go by.
const LIVE: [&str; 2] = ["created", IN_TRANSIT];
/// The carrier has the parcel.
const IN_TRANSIT: &str = "in_transit";
/// The code of a refusal to void: the carrier has the parcel.
const SHIPMENT_IN_TRANSIT: &str = "SHIPMENT_IN_TRANSIT";
/// The codes of a refusal of the parcel. Another one may be about the request (a key that was used for another body),
/// so
/// that a label may be there: it fails the step, by its name.
const REFUSALS: [&str; 6] = [
    "ADDRESS_INCOMPLETE",
    "ADDRESS_NOT_SERVICEABLE",
    "SHIPPING_METHOD_UNAVAILABLE",
    "UNPROCESSABLE",
    "UNSPECIFIED",
    "VALIDATION_ERROR",
];
/// Those of one that was taken back.
const VOID: [&str; 3] = ["voided", "cancelled", "canceled"];

impl Platform {
    async fn buy(&self, parcel: &CreateShipment) -> Result<Shipment, CallError> {
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
            cash_on_delivery: parcel.collect.map(MoneyBody::from),
            declared_value: parcel.value.map(MoneyBody::from),
        };
        let answer: Result<LabelBody, _> =
            self.api.send(Method::POST, &["shipments"], Some(&parcel.key), &body).await;
        match answer {
            Ok(label) => Ok(Shipment::Labelled(label.into())),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 422 && REFUSALS.contains(&refusal.code.as_str()) => {
                    Ok(Shipment::Refused { code: refusal.code.clone() })
                }
                _ => Err(self.api.of_conflict(error, &[])),
            },
        }
    }

    /// The labels made under a key that were not voided.
    async fn find_under(&self, key: &IdempotencyKey) -> Result<Vec<Found>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found = self.api.get(&["shipments"], &query).await?;
        let found = self.api.only_under(key, found, |label: &LabelBody| label.idempotency_key.as_deref())?;
        let mut live = Vec::new();
        for label in found {
            if self.is_live(&label)? {
                let is_collected = label.status.as_deref() == Some(IN_TRANSIT);
                live.push(Found { label: label.into(), is_collected });
            }
        }
        Ok(live)
    }

    /// A label whose state is not said counts: it was bought.
    fn is_live(&self, label: &LabelBody) -> Result<bool, CallError> {
        match label.status.as_deref() {
            None => Ok(true),
            Some(status) if LIVE.contains(&status) => Ok(true),
            Some(status) if VOID.contains(&status) => Ok(false),
            Some(status) => Err(self.api.new_word("a label in a state", status)),
        }
    }

    /// Voids the label made under a key and bars the key.
    async fn cancel(&self, label: &ShipmentRef) -> Result<Voided, CallError> {
        let body = CancelBody {
            order_id: label.order_id.as_str(),
            idempotency_key: label.key.as_str(),
            reason: "the order was not fulfilled",
        };
        // Without a key of its own: a stored answer must not hide a label that was made since.
        let answer: Result<CancelAnswer, _> =
            self.api.send(Method::POST, &["shipments", "cancel"], None, &body).await;
        let answer = match answer {
            Err(error) if is_collected(&error) => return Ok(Voided::TooLate),
            answer => answer?,
        };
        match (answer.outcome.as_str(), answer.barred) {
            ("voided", _) => Ok(Voided::Done),
            ("nothing", true) => Ok(Voided::Barred),
            ("nothing", false) => Ok(Voided::NothingThere),
            (IN_TRANSIT, _) => Ok(Voided::TooLate),
            (outcome, _) => Err(self.api.new_word("a void with an outcome", outcome)),
        }
    }

    /// Voids one label by its id.
    async fn cancel_one(&self, shipment_id: &str) -> Result<Voided, CallError> {
        let path = ["shipments", shipment_id, "cancel"];
        let answer: Result<CancelAnswer, _> = self.api.send(Method::POST, &path, None, &json!({})).await;
        match answer {
            Ok(CancelAnswer { outcome, .. }) if outcome == "voided" => Ok(Voided::Done),
            Ok(CancelAnswer { outcome, .. }) => Err(self.api.new_word("a void with an outcome", &outcome)),
            Err(error) if is_collected(&error) => Ok(Voided::TooLate),
            Err(error) => Err(error),
        }
    }
}

/// Whether the carrier does not void a label because it has the parcel.
fn is_collected(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.code == SHIPMENT_IN_TRANSIT)
}

/// A number that cannot be dialled costs the number, not the parcel.
fn to_send(address: &Address) -> Address {
    let phone = address.phone.as_deref().and_then(|phone| text::phone(phone).ok());
    Address { phone, ..address.clone() }
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
