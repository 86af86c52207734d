//! The carrier: labels, which can be voided until the parcel is handed over.

use rusqlite::{Params, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::clock;
use crate::money::{Amount, Currency, Major};
use crate::operation::Operation;
use crate::shop::Shop;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The parts of an address that a country needs besides street and city.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    PostalCode,
    PostalCodeAndState,
}

/// Where the carrier goes, by any of these names.
const SERVED: [(&[&str], Needs); 8] = [
    (&["vietnam", "viet nam", "việt nam", "vn"], Needs::Nothing),
    (&["united states", "us", "usa"], Needs::PostalCodeAndState),
    (&["germany", "de"], Needs::PostalCode),
    (&["japan", "jp"], Needs::PostalCode),
    (&["france", "fr"], Needs::PostalCode),
    (&["singapore", "sg"], Needs::PostalCode),
    (&["south korea", "kr"], Needs::PostalCode),
    (&["united kingdom", "uk", "gb"], Needs::PostalCode),
];

/// The needs of a country; `None`: the carrier does not go there.
fn needs(country: &str) -> Option<Needs> {
    let country = country.trim().to_lowercase();
    SERVED.iter().find(|(names, _)| names.contains(&country.as_str())).map(|(_, needs)| *needs)
}

/// Whether the carrier goes to that country.
pub(super) fn is_served(country: &str) -> bool {
    needs(country).is_some()
}

/// Where a parcel goes. Everything but the country is checked for presence only, and never kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShippingAddress {
    #[serde(rename = "name")]
    _name: Text,
    #[serde(rename = "phone")]
    _phone: Option<String>,
    #[serde(rename = "address")]
    _address: Text,
    #[serde(rename = "district")]
    _district: Option<String>,
    #[serde(rename = "city")]
    _city: Text,
    state: Option<String>,
    postal_code: Option<String>,
    pub(super) country: Text,
}

impl ShippingAddress {
    /// The fields that the country needs and that are not there.
    pub(super) fn lacks(&self) -> Vec<&'static str> {
        let needs = needs(&self.country).unwrap_or(Needs::Nothing);
        let is_empty = |field: &Option<String>| field.as_deref().is_none_or(|text| text.trim().is_empty());
        let mut lacks = Vec::new();
        if needs != Needs::Nothing && is_empty(&self.postal_code) {
            lacks.push("postal_code");
        }
        if needs == Needs::PostalCodeAndState && is_empty(&self.state) {
            lacks.push("state");
        }
        lacks
    }
}

/// An amount in a currency.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    amount: Amount,
    currency: Currency,
}

impl Sum {
    /// In minor units, and the currency; `field` names it in a refusal.
    fn minor(&self, field: &str) -> Result<(i64, String), Refusal> {
        Ok((self.amount.positive_minor(self.currency.code(), field)?, self.currency.code().to_owned()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    order_id: Text,
    shipping_address: ShippingAddress,
    items: Vec<Item>,
    shipping_method: Text,
    cash_on_delivery: Option<Sum>,
    declared_value: Option<Sum>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    #[serde(rename = "product_id")]
    _product_id: Text,
    #[serde(rename = "variant_id")]
    _variant_id: Option<Text>,
    #[serde(rename = "product_name")]
    _product_name: Option<String>,
    #[serde(rename = "quantity")]
    _quantity: std::num::NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelByKey {
    order_id: Text,
    idempotency_key: Text,
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Serialize)]
struct Shipment {
    shipment_id: String,
    order_id: String,
    status: String,
    tracking_number: String,
    shipping_method: String,
    estimated_delivery: String,
    idempotency_key: Option<String>,
    cash_on_delivery: Option<ShownSum>,
    declared_value: Option<ShownSum>,
}

#[derive(Debug, Serialize)]
struct ShownSum {
    amount: Major,
    currency: String,
}

fn shown(amount: Option<i64>, currency: Option<String>) -> Option<ShownSum> {
    let currency = currency?;
    Some(ShownSum { amount: Major::new(amount?, &currency), currency })
}

fn select(shop: &Shop<'_>, condition: &str, params: impl Params) -> rusqlite::Result<Vec<Shipment>> {
    let sql = format!(
        "SELECT shipment_id, order_id, status, tracking_number, shipping_method, estimated_delivery,
                idempotency_key, collects, collects_in, worth, worth_in
         FROM shipments WHERE {condition} ORDER BY id"
    );
    shop.list(&sql, params, |row| {
        Ok(Shipment {
            shipment_id: row.get(0)?,
            order_id: row.get(1)?,
            status: row.get(2)?,
            tracking_number: row.get(3)?,
            shipping_method: row.get(4)?,
            estimated_delivery: clock::text(row.get(5)?),
            idempotency_key: row.get(6)?,
            cash_on_delivery: shown(row.get(7)?, row.get(8)?),
            declared_value: shown(row.get(9)?, row.get(10)?),
        })
    })
}

fn existing(shop: &Shop<'_>, shipment_id: &str) -> Result<Shipment, Stop> {
    let found = select(shop, "shipment_id = ?1", [shipment_id])?.pop();
    found.ok_or_else(|| Refusal::not_found(format!("there is no shipment {shipment_id}")).into())
}

pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    if request.items.is_empty() {
        return Err(Refusal::invalid("items", "must not be empty").into());
    }
    let days = match &*request.shipping_method {
        "standard" => 3,
        "express" => 1,
        other => {
            let message = format!("{other} is not offered; standard and express are");
            return Err(Refusal::new(422, "SHIPPING_METHOD_UNAVAILABLE", message).into());
        }
    };
    let country = &*request.shipping_address.country;
    if !is_served(country) {
        return Err(Refusal::new(422, "ADDRESS_NOT_SERVICEABLE", format!("{country} is not served")).into());
    }
    let lacks = request.shipping_address.lacks();
    if !lacks.is_empty() {
        let message = format!("{country} needs {}", lacks.join(" and "));
        return Err(Refusal::new(422, "ADDRESS_INCOMPLETE", message).into());
    }
    let sum = |sum: &Option<Sum>, field| sum.as_ref().map(|sum| sum.minor(field)).transpose();
    let (collects, collects_in) = sum(&request.cash_on_delivery, "cash_on_delivery.amount")?.unzip();
    let (worth, worth_in) = sum(&request.declared_value, "declared_value.amount")?.unzip();
    let number = shop.next_number()?;
    let shipment_id = format!("shp_{number}");
    let tracking_number = format!("SBX{number}");
    let estimated_delivery = shop.now + days * DAY_MILLIS;
    shop.run(
        "INSERT INTO shipments
             (shipment_id, order_id, idempotency_key, status, tracking_number, shipping_method,
              estimated_delivery, collects, collects_in, worth, worth_in)
         VALUES (?1, ?2, ?3, 'created', ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            shipment_id,
            &*request.order_id,
            call.key,
            tracking_number,
            &*request.shipping_method,
            estimated_delivery,
            collects,
            collects_in,
            worth,
            worth_in
        ],
    )?;
    let data = json!({
        "shipment_id": shipment_id,
        "tracking_number": tracking_number,
        "estimated_delivery": clock::text(estimated_delivery),
    });
    Ok(Answer::success(201, &data)?.with_effect(format!("created shipment {shipment_id}")))
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    if let Some(shipment_id) = &call.id {
        return Answer::success(200, &existing(shop, shipment_id)?);
    }
    let shipments = match call.lookup(&["idempotency_key", "order_id"])? {
        ("order_id", order_id) => select(shop, "order_id = ?1", [order_id])?,
        (_, key) => select(shop, "idempotency_key = ?1", [key])?,
    };
    Answer::list(&shipments)
}

/// Cancels one shipment by its id, or whatever a creation key made.
pub(super) fn cancel(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Some(shipment_id) = &call.id else { return cancel_by_key(shop, call) };
    if !call.body.is_empty() {
        let Nothing {} = body::parse(&call.body)?;
    }
    let shipment = existing(shop, shipment_id)?;
    if shipment.status == "in_transit" {
        let message = format!("shipment {shipment_id} has been handed over");
        return Err(Refusal::new(409, "SHIPMENT_IN_TRANSIT", message).into());
    }
    let voided = void(shop, &[shipment])?;
    let answer = Answer::success(200, &json!({ "shipment_id": shipment_id, "outcome": "voided" }))?;
    Ok(with_voided(answer, &voided))
}

/// Voids the labels made under a key and bars it, found or not.
fn cancel_by_key(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: CancelByKey = body::parse(&call.body)?;
    let shipments = select(
        shop,
        "idempotency_key = ?1 AND order_id = ?2",
        [&*request.idempotency_key, &*request.order_id],
    )?;
    let barred = shop.switches.keys_barred();
    if barred {
        shop.bar(Operation::ShipmentsCreate, &request.idempotency_key, "")?;
    }
    let voided = void(shop, &shipments)?;
    let outcome = if shipments.iter().any(|shipment| shipment.status == "in_transit") {
        "in_transit"
    } else if shipments.is_empty() {
        "nothing"
    } else {
        "voided"
    };
    let answer = Answer::success(200, &json!({ "outcome": outcome, "barred": barred }))?;
    Ok(with_voided(answer, &voided))
}

/// Voids those that can be, and says which were not voided before.
fn void(shop: &Shop<'_>, shipments: &[Shipment]) -> rusqlite::Result<Vec<String>> {
    let open = shipments.iter().filter(|shipment| shipment.status == "created");
    open.map(|shipment| {
        shop.run("UPDATE shipments SET status = 'voided' WHERE shipment_id = ?1", [&shipment.shipment_id])?;
        Ok(shipment.shipment_id.clone())
    })
    .collect()
}

fn with_voided(answer: Answer, voided: &[String]) -> Answer {
    if voided.is_empty() {
        answer
    } else {
        answer.with_effect(format!("voided shipment {}", voided.join(", ")))
    }
}

/// The parcels of an order are handed to the carrier's van, and their labels can no longer be voided.
pub(crate) fn hand_over(shop: &Shop<'_>, order_id: &str) -> Result<(), Stop> {
    let changed = shop.run(
        "UPDATE shipments SET status = 'in_transit' WHERE order_id = ?1 AND status <> 'voided'",
        [order_id],
    )?;
    if changed == 0 {
        return Err(Refusal::not_found(format!("there is no live shipment for order {order_id}")).into());
    }
    Ok(())
}
