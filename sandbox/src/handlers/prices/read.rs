//! Prices as they are: of the SKUs asked for, or of everything, page by page.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::ledger::Priced;
use crate::money::Major;
use crate::paging;
use crate::shop::Shop;

const SKUS_MAX: usize = 1000;
const PAGE_MAX: u32 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    skus: Vec<Text>,
}

/// A product and the price of each of its variants.
#[derive(Serialize)]
struct Prices {
    product_id: String,
    sku: String,
    name: String,
    status: String,
    category: Option<String>,
    #[serde(rename = "categoryId")]
    category_id: Option<String>,
    variants: Vec<VariantPrice>,
}

#[derive(Serialize)]
struct VariantPrice {
    variant_id: String,
    price: Major,
    currency: String,
    #[serde(rename = "costPrice")]
    cost: Option<Major>,
}

/// Not `json!`, which would take the prices through floating point.
#[derive(Serialize)]
struct Found {
    prices: Vec<Prices>,
}

#[derive(Serialize)]
struct Page {
    prices: Vec<Prices>,
    /// The last SKU of the page while there are more.
    next: Option<String>,
}

const PRODUCT: &str = "products.sku, products.name, products.status, categories.name, products.category_id
                       FROM products LEFT JOIN categories USING (category_id)";

fn product(row: &Row<'_>) -> rusqlite::Result<Prices> {
    let sku: String = row.get(0)?;
    let (name, status) = (row.get(1)?, row.get(2)?);
    let (category, category_id) = (row.get(3)?, row.get(4)?);
    Ok(Prices { product_id: sku.clone(), sku, name, status, category, category_id, variants: Vec::new() })
}

fn with_variants(shop: &Shop<'_>, mut product: Prices) -> rusqlite::Result<Prices> {
    let variants = shop.priced(&product.sku)?.into_iter().map(|variant| {
        let Priced { variant_id, price, currency, cost } = variant;
        let (price, cost) = (Major::new(price, &currency), cost.map(|cost| Major::new(cost, &currency)));
        VariantPrice { variant_id, price, currency, cost }
    });
    product.variants = variants.collect();
    Ok(product)
}

/// The prices of the SKUs that are known, in the order asked.
pub(crate) fn lookup(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Lookup { skus } = body::parse(&call.body)?;
    if !(1..=SKUS_MAX).contains(&skus.len()) {
        return Err(Refusal::invalid("skus", format!("must have 1 to {SKUS_MAX} entries")).into());
    }
    let mut prices = Vec::with_capacity(skus.len());
    let sql = format!("SELECT {PRODUCT} WHERE products.sku = ?1");
    for sku in &skus {
        if let Some(found) = shop.find(&sql, [&**sku], product)? {
            prices.push(with_variants(shop, found)?);
        }
    }
    Answer::success(200, &Found { prices })
}

/// A page of all products by SKU; of a category with those below it, or of one status, if asked for.
pub(crate) fn list(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &["category", "categoryId", "status", "after", "limit"])?;
    let limit = paging::limit(&call.query, PAGE_MAX)?;
    let text = |name: &str| call.query.get(name).map(String::as_str);
    let (name, id) = (text("category"), text("categoryId"));
    let is_filtered = name.is_some() || id.is_some();
    if is_filtered {
        known_category(shop, name, id)?;
    }
    // Without a category the walk goes by the index of SKUs; with one, by that of the categories.
    let below = "products.category_id IN (
                     WITH RECURSIVE below (id) AS (
                         SELECT category_id FROM categories
                         WHERE (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR category_id = ?4)
                         UNION SELECT category_id FROM categories JOIN below ON parent_id = below.id)
                     SELECT id FROM below)";
    let filter = if is_filtered { below } else { "?3 IS NULL AND ?4 IS NULL" };
    let found = shop.list(
        &format!(
            "SELECT {PRODUCT} WHERE products.sku > ?1 AND (?2 IS NULL OR status = ?2) AND {filter}
             ORDER BY products.sku LIMIT ?5"
        ),
        params![text("after").unwrap_or(""), text("status"), name, id, limit + 1],
        product,
    )?;
    let mut prices = found;
    let more = paging::cut(&mut prices, limit);
    let next = prices.last().filter(|_| more).map(|last| last.sku.clone());
    let prices = prices.into_iter().map(|found| with_variants(shop, found)).collect::<Result<_, _>>()?;
    Answer::success(200, &Page { prices, next })
}

fn known_category(shop: &Shop<'_>, name: Option<&str>, id: Option<&str>) -> Result<(), Stop> {
    let known = shop.find(
        "SELECT 1 FROM categories
         WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR category_id = ?2) LIMIT 1",
        [name, id],
        |_| Ok(()),
    )?;
    let asked = name.or(id).unwrap_or_default();
    let unknown = || Refusal::new(404, "CATEGORY_NOT_FOUND", format!("there is no category {asked}"));
    known.ok_or_else(|| unknown().into())
}
