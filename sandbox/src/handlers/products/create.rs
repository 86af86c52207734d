//! New products, in two forms: the platform's own, and that of a sync with another system.

use std::collections::BTreeSet;

use rusqlite::params;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fields::{Dimensions, Kind, Number, Status, text_of};
use super::read::existing;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Short, Text};
use crate::call::Call;
use crate::handlers::{categories, media};
use crate::money::{Amount, Currency};
use crate::shop::Shop;

/// The form of a sync: the category by its name, the status as `active`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromSync {
    sku: Text,
    name: Text,
    price: Amount,
    currency: Option<Currency>,
    description: Option<String>,
    category: Option<String>,
    active: Option<bool>,
}

/// The platform's form, told by its `productType`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    name: Short<255>,
    sku: Short<100>,
    product_type: Kind,
    status: Option<Status>,
    category_id: Option<String>,
    price: Amount,
    currency: Option<Currency>,
    compare_at_price: Option<Amount>,
    cost_price: Option<Amount>,
    description: Option<String>,
    short_description: Option<String>,
    meta_title: Option<String>,
    meta_description: Option<String>,
    handle: Option<Short<255>>,
    weight: Option<Number>,
    dimensions: Option<Dimensions>,
    tags: Option<Vec<String>>,
    attributes: Option<Map<String, Value>>,
    images: Option<Vec<Text>>,
    variants: Option<Vec<NewVariant>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewVariant {
    sku: Short<100>,
    price: Option<Amount>,
    compare_at_price: Option<Amount>,
    cost_price: Option<Amount>,
    attributes: Option<Map<String, Value>>,
}

/// A variant ready to be written, its amounts in minor units.
struct Shelf<'a> {
    variant_id: &'a str,
    price: i64,
    compare_at: Option<i64>,
    cost: Option<i64>,
    attributes: Option<String>,
}

pub(crate) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let sku = if body::has_field(&call.body, "productType") {
        from_platform(shop, call, &body::parse(&call.body)?)?
    } else {
        from_sync(shop, call, &body::parse(&call.body)?)?
    };
    let answer = Answer::success(201, &existing(shop, &sku)?)?;
    Ok(answer.with_effect(format!("created product {sku}")))
}

/// A new product is its own variant, with nothing on the shelf.
fn from_sync(shop: &Shop<'_>, call: &Call, request: &FromSync) -> Result<String, Stop> {
    let currency = request.currency.as_ref().map_or("VND", Currency::code);
    let price = request.price.minor(currency, "price")?;
    must_be_free(shop, &request.sku, "sku")?;
    let key = call.key.as_deref();
    let category = request.category.as_deref().map(|name| categories::named(shop, key, name)).transpose()?;
    let status = if request.active.unwrap_or(true) { Status::Active } else { Status::Inactive };
    shop.run(
        "INSERT INTO products (sku, name, description, category_id, status,
                               idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?7)",
        params![
            &*request.sku,
            &*request.name,
            request.description,
            category,
            status.name(),
            call.key,
            shop.now
        ],
    )?;
    let shelf = Shelf { variant_id: &request.sku, price, compare_at: None, cost: None, attributes: None };
    put(shop, &request.sku, currency, &shelf)?;
    Ok(request.sku.to_string())
}

fn from_platform(shop: &Shop<'_>, call: &Call, request: &Create) -> Result<String, Stop> {
    let currency = request.currency.as_ref().map_or("VND", Currency::code);
    if let Some(category_id) = &request.category_id {
        categories::must_exist(shop, category_id, "categoryId")?;
    }
    let shelves = shelves(request, currency)?;
    must_be_free(shop, &request.sku, "sku")?;
    let mut seen = BTreeSet::new();
    for (index, shelf) in shelves.iter().enumerate() {
        if shelf.variant_id != &*request.sku {
            must_be_free(shop, shelf.variant_id, &format!("variants[{index}].sku"))?;
        }
        if !seen.insert(shelf.variant_id) {
            let field = format!("variants[{index}].sku");
            return Err(Refusal::invalid(&field, "is that of another variant").into());
        }
    }
    if let Some(handle) = request.handle.as_deref() {
        handle_must_be_free(shop, handle, None)?;
    }
    write(shop, call, request)?;
    media::put_images(shop, &request.sku, request.images.as_deref().unwrap_or_default())?;
    for shelf in &shelves {
        put(shop, &request.sku, currency, shelf)?;
    }
    Ok(request.sku.to_string())
}

fn write(shop: &Shop<'_>, call: &Call, request: &Create) -> Result<(), Stop> {
    shop.run(
        "INSERT INTO products (sku, name, product_type, status, category_id, handle, description,
                               short_description, meta_title, meta_description, weight, dimensions, tags,
                               attributes, idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?16, ?16)",
        params![
            &*request.sku,
            &*request.name,
            request.product_type.name(),
            request.status.unwrap_or(Status::Draft).name(),
            request.category_id,
            request.handle.as_deref(),
            request.description,
            request.short_description,
            request.meta_title,
            request.meta_description,
            request.weight.as_ref().map(Number::text),
            text_of(request.dimensions.as_ref())?,
            text_of(request.tags.as_ref())?,
            text_of(request.attributes.as_ref())?,
            call.key,
            shop.now,
        ],
    )?;
    Ok(())
}

/// The variants that are given, or the product as its own.
fn shelves<'a>(request: &'a Create, currency: &str) -> Result<Vec<Shelf<'a>>, Stop> {
    let minor = |amount: &Option<Amount>, field: String| -> Result<Option<i64>, Refusal> {
        amount.as_ref().map(|amount| amount.minor(currency, &field)).transpose()
    };
    let price = request.price.minor(currency, "price")?;
    let compare_at = minor(&request.compare_at_price, "compareAtPrice".to_owned())?;
    let cost = minor(&request.cost_price, "costPrice".to_owned())?;
    let Some(variants) = &request.variants else {
        let own = Shelf { variant_id: &request.sku, price, compare_at, cost, attributes: None };
        return Ok(vec![own]);
    };
    if variants.is_empty() {
        return Err(Refusal::invalid("variants", "must not be empty").into());
    }
    let mut shelves = Vec::with_capacity(variants.len());
    for (index, variant) in variants.iter().enumerate() {
        let field = |name: &str| format!("variants[{index}].{name}");
        shelves.push(Shelf {
            variant_id: &variant.sku,
            price: minor(&variant.price, field("price"))?.unwrap_or(price),
            compare_at: minor(&variant.compare_at_price, field("compareAtPrice"))?.or(compare_at),
            cost: minor(&variant.cost_price, field("costPrice"))?.or(cost),
            attributes: text_of(variant.attributes.as_ref())?,
        });
    }
    Ok(shelves)
}

fn put(shop: &Shop<'_>, sku: &str, currency: &str, shelf: &Shelf<'_>) -> rusqlite::Result<()> {
    let Shelf { variant_id, price, compare_at, cost, attributes } = shelf;
    shop.run(
        "INSERT INTO variants (variant_id, sku, price, opening_price, currency, compare_at, cost, attributes,
                               on_hand)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, 0)",
        params![variant_id, sku, price, currency, compare_at, cost, attributes],
    )?;
    Ok(())
}

/// 409 `SKU_TAKEN`: neither a product nor a variant may have it.
fn must_be_free(shop: &Shop<'_>, sku: &str, field: &str) -> Result<(), Stop> {
    let taken = shop.number(
        "SELECT (SELECT count(*) FROM products WHERE sku = ?1)
              + (SELECT count(*) FROM variants WHERE variant_id = ?1)",
        [sku],
    )?;
    if taken == 0 {
        return Ok(());
    }
    let refusal = Refusal::new(409, "SKU_TAKEN", format!("{sku} is the SKU of a product already"));
    Err(refusal.with_details(json!({ field: ["is taken"] })).into())
}

/// 409 `HANDLE_TAKEN`.
pub(super) fn handle_must_be_free(shop: &Shop<'_>, handle: &str, own: Option<&str>) -> Result<(), Stop> {
    let taken = shop.find(
        "SELECT sku FROM products WHERE handle = ?1 AND sku IS NOT ?2",
        [Some(handle), own],
        |row| row.get::<_, String>(0),
    )?;
    let Some(sku) = taken else { return Ok(()) };
    let refusal = Refusal::new(409, "HANDLE_TAKEN", format!("{handle} is the handle of {sku} already"));
    Err(refusal.with_details(json!({ "product_id": sku })).into())
}
