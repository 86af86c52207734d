//! A product as the platform shows it, whoever wrote it.

use rusqlite::{Row, ToSql, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::unknown;
use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::clock;
use crate::handlers::media;
use crate::money::{Amount, Major};
use crate::paging;
use crate::shop::Shop;

/// The products of a page, unless the caller says otherwise.
const PAGE_SIZE: u32 = 20;
pub(super) const STATUSES: [&str; 4] = ["draft", "active", "inactive", "archived"];

/// A product; the SKU is its id as well, here as in the lines of orders.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Product {
    /// Without an `id` beside it: a caller that takes either name for the other would find the field twice.
    #[serde(rename = "product_id")]
    product_id: String,
    sku: String,
    name: String,
    product_type: String,
    status: String,
    /// Whether the status is `active`, for callers who know no other.
    active: bool,
    category_id: Option<String>,
    category: Option<String>,
    handle: Option<String>,
    description: Option<String>,
    short_description: Option<String>,
    meta_title: Option<String>,
    meta_description: Option<String>,
    weight: Option<Box<RawValue>>,
    dimensions: Option<Box<RawValue>>,
    tags: Option<Box<RawValue>>,
    attributes: Option<Box<RawValue>>,
    images: Vec<media::Image>,
    created_at: String,
    updated_at: String,
    /// Of the cheapest variant, as the two after it.
    price: Option<Major>,
    currency: Option<String>,
    compare_at_price: Option<Major>,
    cost_price: Option<Major>,
    variants: Vec<Variant>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Variant {
    #[serde(rename = "variant_id")]
    variant_id: String,
    price: Major,
    currency: String,
    compare_at_price: Option<Major>,
    cost_price: Option<Major>,
    attributes: Option<Box<RawValue>>,
    inventory: Stock,
}

#[derive(Debug, Serialize)]
struct Stock {
    quantity: i64,
    available: i64,
    reserved: i64,
}

const SELECT: &str = "SELECT products.sku, products.name, product_type, status, products.category_id,
                             categories.name, handle, products.description, short_description,
                             products.meta_title, products.meta_description, weight, dimensions, tags,
                             products.attributes, products.created_at, products.updated_at
                      FROM products LEFT JOIN categories USING (category_id)";

fn raw(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Box<RawValue>>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| RawValue::from_string(text).ok()))
}

fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    let (sku, status): (String, String) = (row.get(0)?, row.get(3)?);
    Ok(Product {
        product_id: sku.clone(),
        sku,
        name: row.get(1)?,
        product_type: row.get(2)?,
        active: status == "active",
        status,
        category_id: row.get(4)?,
        category: row.get(5)?,
        handle: row.get(6)?,
        description: row.get(7)?,
        short_description: row.get(8)?,
        meta_title: row.get(9)?,
        meta_description: row.get(10)?,
        weight: raw(row, 11)?,
        dimensions: raw(row, 12)?,
        tags: raw(row, 13)?,
        attributes: raw(row, 14)?,
        images: Vec::new(),
        created_at: clock::text(row.get(15)?),
        updated_at: clock::text(row.get(16)?),
        price: None,
        currency: None,
        compare_at_price: None,
        cost_price: None,
        variants: Vec::new(),
    })
}

/// Adds variants and pictures.
fn whole(shop: &Shop<'_>, mut product: Product) -> rusqlite::Result<Product> {
    product.variants = shop.list(
        "SELECT variant_id, price, currency, compare_at, cost, attributes, on_hand, held
         FROM variants WHERE sku = ?1 ORDER BY variant_id",
        [&product.sku],
        |row| {
            let currency: String = row.get(2)?;
            let amount = |minor: Option<i64>| minor.map(|minor| Major::new(minor, &currency));
            let (quantity, reserved): (i64, i64) = (row.get(6)?, row.get(7)?);
            Ok(Variant {
                variant_id: row.get(0)?,
                price: Major::new(row.get(1)?, &currency),
                compare_at_price: amount(row.get(3)?),
                cost_price: amount(row.get(4)?),
                attributes: raw(row, 5)?,
                inventory: Stock { quantity, available: quantity - reserved, reserved },
                currency,
            })
        },
    )?;
    product.images = media::images_of(shop, &product.sku)?;
    if let Some(cheapest) = product.variants.iter().min_by_key(|variant| variant.price.minor()) {
        product.price = Some(cheapest.price);
        product.currency = Some(cheapest.currency.clone());
        product.compare_at_price = cheapest.compare_at_price;
        product.cost_price = cheapest.cost_price;
    }
    Ok(product)
}

/// The product whose `column` is `value`.
fn find_by(shop: &Shop<'_>, column: &str, value: &str) -> Result<Product, Stop> {
    let found = shop.find(&format!("{SELECT} WHERE products.{column} = ?1"), [value], product)?;
    let found = found.ok_or_else(|| unknown(value))?;
    Ok(whole(shop, found)?)
}

pub(super) fn existing(shop: &Shop<'_>, sku: &str) -> Result<Product, Stop> {
    find_by(shop, "sku", sku)
}

/// The products of these SKUs that are known, in the order asked.
pub(super) fn all_of<'a>(
    shop: &Shop<'_>,
    skus: impl Iterator<Item = &'a str>,
) -> rusqlite::Result<Vec<Product>> {
    let sql = format!("{SELECT} WHERE products.sku = ?1");
    let mut products = Vec::new();
    for sku in skus {
        if let Some(found) = shop.find(&sql, [sku], product)? {
            products.push(whole(shop, found)?);
        }
    }
    Ok(products)
}

/// By its id, which is its SKU.
pub(crate) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    Answer::success(200, &existing(shop, call.path_id()?)?)
}

pub(crate) fn by_handle(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    Answer::success(200, &find_by(shop, "handle", call.path_id()?)?)
}

/// The filters of a list, as the platform has them.
struct Filters<'a> {
    search: Option<String>,
    category: Option<&'a str>,
    kind: Option<&'a str>,
    status: Option<&'a str>,
    price_min: Option<i64>,
    price_max: Option<i64>,
}

impl<'a> Filters<'a> {
    fn read(call: &'a Call) -> Result<Self, Stop> {
        let text = |name: &str| call.query.get(name).map(String::as_str);
        if let Some(status) = text("status").filter(|status| !STATUSES.contains(status)) {
            let message = format!("{status} is not one of {}", STATUSES.join(", "));
            return Err(Refusal::invalid("status", message).into());
        }
        Ok(Self {
            search: text("search").map(like),
            category: text("categoryId"),
            kind: text("productType"),
            status: text("status"),
            price_min: limit(text("priceMin"), "priceMin")?,
            price_max: limit(text("priceMax"), "priceMax")?,
        })
    }

    fn values(&self) -> [&dyn ToSql; 6] {
        let Self { search, category, kind, status, price_min, price_max } = self;
        [search, category, kind, status, price_min, price_max]
    }
}

/// A text anywhere in another one, whatever the case of its ASCII letters.
fn like(search: &str) -> String {
    let mut pattern = "%".to_owned();
    for character in search.chars() {
        if ['%', '_', '\\'].contains(&character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "%"
}

/// A limit of prices is a whole number of đồng: a list over several currencies compares none.
fn limit(text: Option<&str>, field: &str) -> Result<Option<i64>, Stop> {
    let Some(text) = text else { return Ok(None) };
    let amount: Amount =
        serde_json::from_str(text).map_err(|_| Refusal::invalid(field, "must be a number"))?;
    Ok(Some(amount.minor("VND", field)?))
}

/// A page of those that were found, the newest first.
pub(crate) fn list(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let known = ["search", "categoryId", "productType", "status", "priceMin", "priceMax", "page", "pageSize"];
    paging::only(&call.query, &known)?;
    let page = paging::Numbered::read(&call.query, PAGE_SIZE)?;
    let filters = Filters::read(call)?;
    let wanted = "(?1 IS NULL OR products.sku LIKE ?1 ESCAPE '\\' OR products.name LIKE ?1 ESCAPE '\\')
         AND (?2 IS NULL OR products.category_id = ?2) AND (?3 IS NULL OR product_type = ?3)
         AND (?4 IS NULL OR status = ?4)
         AND ((?5 IS NULL AND ?6 IS NULL) OR EXISTS (
             SELECT 1 FROM variants WHERE variants.sku = products.sku AND currency = 'VND'
             AND price BETWEEN coalesce(?5, 0) AND coalesce(?6, price)))";
    let total =
        shop.number(&format!("SELECT count(*) FROM products WHERE {wanted}"), filters.values().as_slice())?;
    let [search, category, kind, status, price_min, price_max] = filters.values();
    let found = shop.list(
        &format!("{SELECT} WHERE {wanted} ORDER BY products.id DESC LIMIT ?7 OFFSET ?8"),
        params![search, category, kind, status, price_min, price_max, page.size, page.offset()],
        product,
    )?;
    let found: Vec<Product> =
        found.into_iter().map(|product| whole(shop, product)).collect::<Result<_, _>>()?;
    Answer::page(&found, page, total)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_search_is_a_text_and_not_a_pattern() {
        assert_eq!(like("MUG-1"), "%MUG-1%");
        assert_eq!(like(r"50%_\"), r"%50\%\_\\%");
    }
}
