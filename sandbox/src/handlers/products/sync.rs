//! Products as another system knows them: by SKU, each once, however many variants it has.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read;
use crate::answer::{Answer, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::handlers::levels::{self, Level};
use crate::money::Major;
use crate::paging;
use crate::shop::Shop;

const SKUS_MAX: u32 = 1000;
const CATALOG_MAX: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    skus: Vec<Text>,
    #[serde(default)]
    view: View,
}

/// How much of each product a lookup shows.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    /// The fields that a sync compares.
    #[default]
    Sync,
    /// The whole product, with its variants.
    Full,
}

/// A product in the words of a sync.
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
struct Found<T> {
    products: Vec<T>,
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

pub(crate) fn lookup(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Lookup { skus, view } = body::parse(&call.body)?;
    let skus = body::asked_for(&skus, "skus")?.iter().map(|sku| &**sku);
    match view {
        View::Full => Answer::success(200, &Found { products: read::all_of(shop, skus)? }),
        View::Sync => {
            let found = skus.map(|sku| find(shop, sku)).collect::<Result<Vec<_>, _>>()?;
            Answer::success(200, &Found { products: found.into_iter().flatten().collect::<Vec<_>>() })
        }
    }
}

pub(crate) fn skus(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
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
