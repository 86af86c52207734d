//! Products as another system knows them: by SKU, each once, however many variants it has.

use std::collections::BTreeMap;

use rusqlite::{ToSql, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::levels::{self, Level};
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
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
        "SELECT sku, name, min(price), currency, description, category, active
         FROM products WHERE sku = ?1 GROUP BY sku",
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
              + (SELECT count(*) FROM products WHERE variant_id = ?1)",
        [&*request.sku],
    )?;
    if taken > 0 {
        let message = format!("{} is the SKU of a product already", &*request.sku);
        return Err(Refusal::new(409, "SKU_TAKEN", message).into());
    }
    shop.run(
        "INSERT INTO products
             (variant_id, sku, name, price, currency, description, category, active, on_hand)
         VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
        params![
            &*request.sku,
            &*request.name,
            price,
            currency,
            request.description,
            request.category,
            request.active.unwrap_or(true),
        ],
    )?;
    let answer = Answer::success(201, &existing(shop, &request.sku)?)?;
    Ok(answer.with_effect(format!("created product {}", &*request.sku)))
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
    let name = request.name.as_deref();
    let given: [(&str, Option<&dyn ToSql>); 6] = [
        ("name", name.as_ref().map(|name| name as &dyn ToSql)),
        ("price", price.as_ref().map(|price| price as &dyn ToSql)),
        ("currency", request.currency.is_some().then_some(&currency as &dyn ToSql)),
        ("description", request.description.as_ref().map(|text| text as &dyn ToSql)),
        ("category", request.category.as_ref().map(|text| text as &dyn ToSql)),
        ("active", request.active.as_ref().map(|active| active as &dyn ToSql)),
    ];
    let mut changed = Vec::new();
    for (column, value) in given.into_iter().filter_map(|(column, value)| Some((column, value?))) {
        let set = format!("UPDATE products SET {column} = ?2 WHERE sku = ?1 AND {column} IS NOT ?2");
        if shop.run(&set, params![sku, value])? > 0 {
            changed.push(column);
        }
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
        "SELECT DISTINCT sku FROM products WHERE sku > ?1 AND active ORDER BY sku LIMIT ?2",
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
        "SELECT DISTINCT sku FROM products WHERE sku > ?1 ORDER BY sku LIMIT ?2",
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
