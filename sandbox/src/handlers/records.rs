//! Records of stock: how much of a variant lies where, made once and read by product.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::products;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::paging;
use crate::shop::Shop;

/// A record is made once: later changes go by `PUT /inventory/levels`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    product_id: Text,
    variant_id: Option<Text>,
    quantity: u32,
    location: Text,
    #[serde(rename = "allocation_type")]
    _allocation: Allocation,
}

/// The sandbox keeps one stock for all channels and partners.
#[derive(Deserialize)]
enum Allocation {
    #[serde(rename = "GENERAL")]
    General,
}

#[derive(Serialize)]
struct Record {
    id: String,
    product_id: String,
    variant_id: String,
    location: String,
    quantity: i64,
    allocation_type: &'static str,
}

impl Record {
    fn new(product_id: String, variant_id: String, location: String, quantity: i64) -> Self {
        let id = format!("{variant_id}@{location}");
        Self { id, product_id, variant_id, location, quantity, allocation_type: "GENERAL" }
    }
}

pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Create { product_id, variant_id, quantity, location, .. } = body::parse(&call.body)?;
    let variant_id = meant(shop, &product_id, variant_id.as_deref())?;
    let known = shop.find(
        "SELECT quantity FROM levels WHERE variant_id = ?1 AND location = ?2",
        [&*variant_id, &*location],
        |row| row.get::<_, i64>(0),
    )?;
    if let Some(known) = known {
        let message = format!("the stock of {variant_id} at {} is {known} already", &*location);
        let details = json!({ "id": format!("{variant_id}@{}", &*location), "quantity": known });
        return Err(Refusal::new(409, "INVENTORY_EXISTS", message).with_details(details).into());
    }
    shop.shift_level(&variant_id, &location, i64::from(quantity))?;
    shop.run(
        "UPDATE variants SET on_hand = on_hand + ?2 WHERE variant_id = ?1",
        params![variant_id, quantity],
    )?;
    shop.run(
        "INSERT INTO adjustments (variant_id, delta, time) VALUES (?1, ?2, ?3)",
        params![variant_id, quantity, shop.now],
    )?;
    let effect = format!("put {quantity} {variant_id} to {}", &*location);
    let record = Record::new(product_id.to_string(), variant_id, location.to_string(), i64::from(quantity));
    Ok(Answer::success(201, &record)?.with_effect(effect))
}

/// The variant that is named, or the only one.
fn meant(shop: &Shop<'_>, product_id: &str, named: Option<&str>) -> Result<String, Stop> {
    let mut variants: Vec<String> = shop.list(
        "SELECT variant_id FROM variants WHERE sku = ?1 ORDER BY variant_id",
        [product_id],
        |row| row.get(0),
    )?;
    if variants.is_empty() {
        return Err(products::unknown(product_id).into());
    }
    let listed = json!({ "variants": variants });
    match named {
        Some(named) => {
            let message = format!("{product_id} has no variant {named}");
            variants.retain(|variant| variant == named);
            let unknown = || Refusal::new(404, "VARIANT_NOT_FOUND", message).with_details(listed);
            variants.pop().ok_or_else(|| unknown().into())
        }
        None if variants.len() > 1 => {
            let message = format!("{product_id} has several variants: name one of them");
            Err(Refusal::new(422, "VARIANT_REQUIRED", message).with_details(listed).into())
        }
        None => variants.pop().ok_or_else(|| products::unknown(product_id).into()),
    }
}

/// The records of all variants of a product.
pub(super) fn of_product(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    let product_id = call.path_id()?;
    if shop.number("SELECT count(*) FROM products WHERE sku = ?1", [product_id])? == 0 {
        return Err(products::unknown(product_id).into());
    }
    let records = shop.list(
        "SELECT variant_id, location, quantity FROM levels JOIN variants USING (variant_id)
         WHERE sku = ?1 ORDER BY variant_id, location",
        [product_id],
        |row| Ok(Record::new(product_id.to_owned(), row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Answer::list(&records)
}
