//! The catalogue's side of the control interface: as many products as a test wants, and the ledger of prices.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use rusqlite::params;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{QueryPairs, answer, pairs};
use crate::answer::{Refusal, Stop};
use crate::body::{self, Text};
use crate::handlers;
use crate::http::Shared;
use crate::ledger;
use crate::money::Currency;
use crate::seed::DEFAULT_LOCATION;
use crate::shop::Shop;

const PRODUCTS_MAX: u32 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    products: u32,
    prefix: Option<Text>,
    category: Option<Text>,
    currency: Option<Currency>,
    #[serde(default)]
    stock: u32,
}

pub(super) async fn generate(State(service): State<Shared>, request: Bytes) -> Response {
    answer(&service, move |shop| fill(shop, &body::parse(&request)?)).await
}

/// Puts `GEN-0000001` and so on onto the shelves; those that are there already stay as they are.
///
/// Whole statements instead of rows: a million products are a matter of seconds.
fn fill(shop: &Shop<'_>, wanted: &Generate) -> Result<Value, Stop> {
    if !(1..=PRODUCTS_MAX).contains(&wanted.products) {
        return Err(Refusal::invalid("products", format!("must be from 1 to {PRODUCTS_MAX}")).into());
    }
    let prefix = wanted.prefix.as_deref().unwrap_or("GEN-");
    let currency = wanted.currency.as_ref().map_or("VND", Currency::code);
    let category =
        wanted.category.as_deref().map(|name| handlers::category_named(shop, None, name)).transpose()?;
    let last = shop.number("SELECT max(id) FROM products", [])?;
    let made = shop.run(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
         INSERT INTO products (sku, name, category_id, created_at, updated_at)
         SELECT printf('%s%07d', ?2, n), 'Product ' || n, ?3, ?4, ?4 FROM numbers WHERE true
         ON CONFLICT DO NOTHING",
        params![wanted.products, prefix, category, shop.now],
    )?;
    shop.run(
        "INSERT INTO variants (variant_id, sku, price, opening_price, currency, cost, on_hand)
         SELECT sku, sku, price, price, ?2, price / 10 * 6, ?3
         FROM (SELECT sku, (10 + (id * 7919) % 4990) * 1000 AS price FROM products WHERE id > ?1)
         WHERE true ON CONFLICT DO NOTHING",
        params![last, currency, wanted.stock],
    )?;
    if wanted.stock > 0 {
        shop.run(
            "INSERT INTO adjustments (variant_id, delta, time) SELECT sku, ?2, ?3 FROM products WHERE id > ?1",
            params![last, wanted.stock, shop.now],
        )?;
        shop.run(
            "INSERT INTO levels (variant_id, location, quantity) SELECT sku, ?2, ?3 FROM products WHERE id > ?1",
            params![last, DEFAULT_LOCATION, wanted.stock],
        )?;
    }
    Ok(json!({ "products": made }))
}

pub(super) async fn prices(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| ledger::page(shop, &pairs(query)?)).await
}

pub(super) async fn prices_in_figures(State(service): State<Shared>, query: QueryPairs) -> Response {
    answer(&service, |shop| ledger::summary(shop, &pairs(query)?)).await
}
