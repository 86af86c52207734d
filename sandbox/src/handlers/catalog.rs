//! Products as another system knows them: by SKU, each once, however many variants it has.

use std::collections::BTreeMap;

use rusqlite::{ToSql, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::categories;
use super::levels::{self, Level};
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::ledger::Cause;
use crate::money::{Amount, Currency, Major};
use crate::paging;
use crate::shop::Shop;

const SKUS_MAX: u32 = 1000;
const CATALOG_MAX: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    skus: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    sku: Text,
    name: Text,
    price: Amount,
    currency: Option<Currency>,
    description: Option<String>,
    category: Option<String>,
    active: Option<bool>,
}

/// Absent fields stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    name: Option<Text>,
    price: Option<Amount>,
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "body::present")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    category: Option<Option<String>>,
    active: Option<bool>,
}

/// A product; the SKU is its id as well, here as in the lines of orders.
#[derive(Debug, Serialize)]
struct Product {
    product_id: String,
    sku: String,
    name: String,
    price: Major,
    currency: String,
    description: Option<String>,
    category: Option<String>,
    active: bool,
}

/// Not `json!`, which would take the prices through floating point.
#[derive(Serialize)]
struct Found {
    products: Vec<Product>,
}

/// A product with where it lies, for the control interface.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    sku: String,
    name: String,
    price: Major,
    currency: String,
    active: bool,
    levels: Vec<Level>,
}

/// Of several variants the cheapest speaks for the product.
fn find(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<Option<Product>> {
    shop.find(
        "SELECT sku, products.name, min(price), currency, products.description, categories.name,
                status = 'active'
         FROM products JOIN variants USING (sku) LEFT JOIN categories USING (category_id)
         WHERE sku = ?1 GROUP BY sku",
        [sku],
        |row| {
            let (sku, currency): (String, String) = (row.get(0)?, row.get(3)?);
            Ok(Product {
                product_id: sku.clone(),
                sku,
                name: row.get(1)?,
                price: Major::new(row.get(2)?, &currency),
                currency,
                description: row.get(4)?,
                category: row.get(5)?,
                active: row.get(6)?,
            })
        },
    )
}

/// 404 `PRODUCT_NOT_FOUND`.
pub(super) fn unknown(sku: &str) -> Refusal {
    Refusal::new(404, "PRODUCT_NOT_FOUND", format!("there is no product {sku}"))
}

fn existing(shop: &Shop<'_>, sku: &str) -> Result<Product, Stop> {
    find(shop, sku)?.ok_or_else(|| unknown(sku).into())
}

pub(super) fn lookup(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Lookup { skus } = body::parse(&call.body)?;
    let mut products = Vec::with_capacity(skus.len());
    for sku in body::asked_for(&skus, "skus")? {
        products.extend(find(shop, sku)?);
    }
    Answer::success(200, &Found { products })
}

/// A new product is its own variant, with nothing on the shelf.
pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    let currency = request.currency.as_ref().map_or("VND", Currency::code);
    let price = request.price.minor(currency, "price")?;
    let taken = shop.number(
        "SELECT (SELECT count(*) FROM products WHERE sku = ?1)
              + (SELECT count(*) FROM variants WHERE variant_id = ?1)",
        [&*request.sku],
    )?;
    if taken > 0 {
        let message = format!("{} is the SKU of a product already", &*request.sku);
        return Err(Refusal::new(409, "SKU_TAKEN", message).into());
    }
    let category = request
        .category
        .as_deref()
        .map(|name| categories::named(shop, call.key.as_deref(), name))
        .transpose()?;
    shop.run(
        "INSERT INTO products (sku, name, description, category_id, status,
                               idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?7)",
        params![
            &*request.sku,
            &*request.name,
            request.description,
            category,
            status_of(request.active.unwrap_or(true)),
            call.key,
            shop.now,
        ],
    )?;
    shop.run(
        "INSERT INTO variants (variant_id, sku, price, opening_price, currency, on_hand)
         VALUES (?1, ?1, ?2, ?2, ?3, 0)",
        params![&*request.sku, price, currency],
    )?;
    let answer = Answer::success(201, &existing(shop, &request.sku)?)?;
    Ok(answer.with_effect(format!("created product {}", &*request.sku)))
}

fn status_of(active: bool) -> &'static str {
    if active { "active" } else { "inactive" }
}

/// Changes all variants of a product.
pub(super) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let sku = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    let before = existing(shop, sku)?;
    let currency = request.currency.as_ref().map_or(before.currency.as_str(), Currency::code);
    let price = match &request.price {
        Some(price) => Some(price.minor(currency, "price")?),
        // The old number would be another amount of money.
        None if currency != before.currency => {
            return Err(Refusal::invalid("price", "is needed with another currency").into());
        }
        None => None,
    };
    let mut changed = Vec::new();
    if let Some(price) = price {
        let mut is_changed = false;
        for variant in shop.priced(sku)? {
            is_changed |= shop.set_price(sku, &variant, (price, currency), Cause::call(call))?;
        }
        changed.extend(is_changed.then_some("price"));
    }
    let name = request.name.as_deref();
    let category = match &request.category {
        Some(Some(name)) => Some(Some(categories::named(shop, call.key.as_deref(), name)?)),
        Some(None) => Some(None),
        None => None,
    };
    // A product that is a draft, say, is not active already.
    let status = request.active.filter(|active| *active != before.active).map(status_of);
    let given: [(&str, &str, Option<&dyn ToSql>); 4] = [
        ("name", "name", name.as_ref().map(|name| name as &dyn ToSql)),
        ("description", "description", request.description.as_ref().map(|text| text as &dyn ToSql)),
        ("category", "category_id", category.as_ref().map(|id| id as &dyn ToSql)),
        ("active", "status", status.as_ref().map(|status| status as &dyn ToSql)),
    ];
    for (field, column, value) in given {
        let Some(value) = value else { continue };
        let set = format!("UPDATE products SET {column} = ?2 WHERE sku = ?1 AND {column} IS NOT ?2");
        if shop.run(&set, params![sku, value])? > 0 {
            changed.push(field);
        }
    }
    if !changed.is_empty() {
        shop.run(
            "UPDATE products SET changed_by = ?2, updated_at = ?3 WHERE sku = ?1",
            params![sku, call.key, shop.now],
        )?;
    }
    let answer = Answer::success(200, &existing(shop, sku)?)?;
    Ok(if changed.is_empty() {
        answer
    } else {
        answer.with_effect(format!("changed {} of product {sku}", changed.join(", ")))
    })
}

pub(super) fn skus(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &["after", "limit"])?;
    let limit = paging::limit(&call.query, SKUS_MAX)?;
    let after = call.query.get("after").map_or("", String::as_str);
    let mut skus: Vec<String> = shop.list(
        "SELECT sku FROM products WHERE sku > ?1 AND status = 'active' ORDER BY sku LIMIT ?2",
        params![after, limit + 1],
        |row| row.get(0),
    )?;
    let more = paging::cut(&mut skus, limit);
    let next = skus.last().filter(|_| more);
    Answer::success(200, &json!({ "skus": skus, "next": next }))
}

/// A page of everything that is sold or was, for the control interface.
pub(crate) fn page(shop: &Shop<'_>, query: &BTreeMap<String, String>) -> Result<Vec<Entry>, Stop> {
    paging::only(query, &["after", "limit"])?;
    let limit = paging::limit(query, CATALOG_MAX)?;
    let after = query.get("after").map_or("", String::as_str);
    let skus: Vec<String> = shop.list(
        "SELECT sku FROM products WHERE sku > ?1 ORDER BY sku LIMIT ?2",
        params![after, limit],
        |row| row.get(0),
    )?;
    let mut entries = Vec::with_capacity(skus.len());
    for sku in &skus {
        let Some(product) = find(shop, sku)? else { continue };
        let Product { sku, name, price, currency, active, .. } = product;
        let levels = levels::of(shop, &sku)?;
        entries.push(Entry { sku, name, price, currency, active, levels });
    }
    Ok(entries)
}
