//! Changes of a product, whichever of its fields a caller knows.

use rusqlite::params;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::create::handle_must_be_free;
use super::fields::{Dimensions, Kind, Number, Status, text_of};
use super::read::existing;
use super::unknown;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Short, Text};
use crate::call::Call;
use crate::handlers::columns::{self, Table, given};
use crate::handlers::{categories, media};
use crate::ledger::{Cause, Priced};
use crate::money::{Amount, Currency};
use crate::shop::Shop;

const TABLE: Table = Table { name: "products", id: "sku" };

/// Absent fields stay; a null takes an optional one away. `category` and `active` are what a sync knows of
/// `categoryId` and `status`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Update {
    name: Option<Short<255>>,
    product_type: Option<Kind>,
    status: Option<Status>,
    active: Option<bool>,
    #[serde(default, deserialize_with = "body::present")]
    category_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    category: Option<Option<String>>,
    price: Option<Amount>,
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "body::present")]
    compare_at_price: Option<Option<Amount>>,
    #[serde(default, deserialize_with = "body::present")]
    cost_price: Option<Option<Amount>>,
    #[serde(default, deserialize_with = "body::present")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    short_description: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    meta_title: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    meta_description: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    handle: Option<Option<Short<255>>>,
    #[serde(default, deserialize_with = "body::present")]
    weight: Option<Option<Number>>,
    #[serde(default, deserialize_with = "body::present")]
    dimensions: Option<Option<Dimensions>>,
    #[serde(default, deserialize_with = "body::present")]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "body::present")]
    attributes: Option<Option<Map<String, Value>>>,
    /// The whole list, in its order.
    images: Option<Vec<Text>>,
}

/// The facts before the change that the change depends on.
struct Before {
    status: String,
    variants: Vec<Priced>,
}

fn before(shop: &Shop<'_>, sku: &str) -> Result<Before, Stop> {
    let status = shop.find("SELECT status FROM products WHERE sku = ?1", [sku], |row| row.get(0))?;
    let Some(status) = status else { return Err(unknown(sku).into()) };
    Ok(Before { status, variants: shop.priced(sku)? })
}

pub(crate) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let sku = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    let before = before(shop, sku)?;
    if request.active.is_some() && request.status.is_some() {
        return Err(Refusal::invalid("active", "says the same as status: give one of them").into());
    }
    if request.category.is_some() && request.category_id.is_some() {
        return Err(Refusal::invalid("category", "says the same as categoryId: give one of them").into());
    }
    let mut changed = price(shop, call, sku, &request, &before)?;
    changed.extend(facts(shop, call, sku, &request, &before)?);
    changed.extend(amounts(shop, sku, &request, &before)?);
    if let Some(images) = &request.images
        && media::put_images(shop, sku, images)?
    {
        changed.push("images");
    }
    if changed.is_empty() {
        return Answer::success(200, &existing(shop, sku)?);
    }
    columns::stamp(shop, TABLE, sku, call)?;
    let answer = Answer::success(200, &existing(shop, sku)?)?;
    Ok(answer.with_effect(format!("changed {} of product {sku}", changed.join(", "))))
}

/// Changes all variants of a product.
fn price(
    shop: &Shop<'_>,
    call: &Call,
    sku: &str,
    request: &Update,
    before: &Before,
) -> Result<Vec<&'static str>, Stop> {
    let Some(first) = before.variants.iter().min_by_key(|variant| variant.price) else {
        return Ok(Vec::new());
    };
    let currency = request.currency.as_ref().map_or(first.currency.as_str(), Currency::code);
    let Some(price) = &request.price else {
        // The old number would be another amount of money.
        if currency != first.currency {
            return Err(Refusal::invalid("price", "is needed with another currency").into());
        }
        return Ok(Vec::new());
    };
    let price = price.minor(currency, "price")?;
    let mut is_changed = false;
    for variant in &before.variants {
        is_changed |= shop.set_price(sku, variant, (price, currency), Cause::call(call))?;
    }
    Ok(if is_changed { vec!["price"] } else { Vec::new() })
}

fn facts(
    shop: &Shop<'_>,
    call: &Call,
    sku: &str,
    request: &Update,
    before: &Before,
) -> Result<Vec<&'static str>, Stop> {
    let category = match (&request.category, &request.category_id) {
        (Some(Some(name)), _) => Some(Some(categories::named(shop, call.key.as_deref(), name)?)),
        (None, Some(Some(id))) => {
            categories::must_exist(shop, id, "categoryId")?;
            Some(Some(id.clone()))
        }
        (None, None) => None,
        _ => Some(None),
    };
    if let Some(Some(handle)) = &request.handle {
        handle_must_be_free(shop, handle, Some(sku))?;
    }
    let name = request.name.as_deref();
    let status = status(request, before).map(Status::name);
    let kind = request.product_type.map(Kind::name);
    let handle = request.handle.as_ref().map(Option::as_deref);
    let weight = request.weight.as_ref().map(|weight| weight.as_ref().map(Number::text));
    let dimensions = request.dimensions.as_ref().map(|given| text_of(given.as_ref())).transpose()?;
    let tags = request.tags.as_ref().map(|given| text_of(given.as_ref())).transpose()?;
    let attributes = request.attributes.as_ref().map(|given| text_of(given.as_ref())).transpose()?;
    let (category_field, status_field) = (
        if request.category.is_some() { "category" } else { "categoryId" },
        if request.active.is_some() { "active" } else { "status" },
    );
    let given = [
        ("name", "name", given(&name)),
        ("description", "description", given(&request.description)),
        (category_field, "category_id", given(&category)),
        (status_field, "status", given(&status)),
        ("productType", "product_type", given(&kind)),
        ("shortDescription", "short_description", given(&request.short_description)),
        ("metaTitle", "meta_title", given(&request.meta_title)),
        ("metaDescription", "meta_description", given(&request.meta_description)),
        ("handle", "handle", given(&handle)),
        ("weight", "weight", given(&weight)),
        ("dimensions", "dimensions", given(&dimensions)),
        ("tags", "tags", given(&tags)),
        ("attributes", "attributes", given(&attributes)),
    ];
    Ok(columns::set(shop, TABLE, sku, &given)?)
}

/// A product that is a draft, say, is not active already, so `active: false` changes nothing.
fn status(request: &Update, before: &Before) -> Option<Status> {
    let is_active = before.status == Status::Active.name();
    match request.active {
        None => request.status,
        Some(active) if active == is_active => None,
        Some(true) => Some(Status::Active),
        Some(false) => Some(Status::Inactive),
    }
}

/// Sets `compareAtPrice` and `costPrice` of all variants.
fn amounts(shop: &Shop<'_>, sku: &str, request: &Update, before: &Before) -> Result<Vec<&'static str>, Stop> {
    let given = [
        ("compareAtPrice", "compare_at", &request.compare_at_price),
        ("costPrice", "cost", &request.cost_price),
    ];
    let currency = match (&request.currency, before.variants.first()) {
        (Some(currency), _) => currency.code(),
        (None, Some(first)) => first.currency.as_str(),
        (None, None) => return Ok(Vec::new()),
    };
    let mut changed = Vec::new();
    for (field, column, amount) in given {
        let Some(amount) = amount else { continue };
        let minor = amount.as_ref().map(|amount| amount.minor(currency, field)).transpose()?;
        let sql = format!("UPDATE variants SET {column} = ?2 WHERE sku = ?1 AND {column} IS NOT ?2");
        if shop.run(&sql, params![sku, minor])? > 0 {
            changed.push(field);
        }
    }
    Ok(changed)
}
