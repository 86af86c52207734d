//! The catalogue by its natural keys: two shops, or one shop at two moments, are alike if these are equal.
//!
//! Ids, times and idempotency keys are left out; categories are named by the path of their slugs, pictures by a hash of
//! their bytes.

use std::collections::BTreeMap;
use std::hash::Hasher;

use axum::extract::State;
use axum::response::Response;
use rusqlite::Row;
use serde::Serialize;
use serde_json::{Map, Value, json};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::answer;
use crate::answer::Stop;
use crate::http::Shared;
use crate::money::Major;
use crate::shop::Shop;

#[derive(Serialize)]
struct Shelf {
    categories: BTreeMap<String, Value>,
    products: BTreeMap<String, Value>,
    pricing_rules: BTreeMap<String, Value>,
    /// Sorted; a picture may be there twice.
    media: Vec<Value>,
}

pub(super) async fn show(State(service): State<Shared>) -> Response {
    answer(&service, |shop| {
        let paths = paths(shop)?;
        let (media, hashes) = media(shop)?;
        Ok(Shelf {
            categories: categories(shop, &paths)?,
            products: products(shop, &paths, &hashes)?,
            pricing_rules: rules(shop, &paths)?,
            media,
        })
    })
    .await
}

type Named = BTreeMap<String, String>;

/// The path of every category by its id.
fn paths(shop: &Shop<'_>) -> rusqlite::Result<Named> {
    let paths = shop.list(
        "WITH RECURSIVE paths (id, path) AS (
             SELECT category_id, slug FROM categories WHERE parent_id IS NULL
             UNION ALL
             SELECT category_id, path || '/' || slug FROM categories JOIN paths ON parent_id = paths.id)
         SELECT id, path FROM paths",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(paths.into_iter().collect())
}

/// The columns of a row under their own names; JSON texts stay texts.
fn facts(row: &Row<'_>) -> rusqlite::Result<Map<String, Value>> {
    let mut facts = Map::new();
    for (column, name) in row.as_ref().column_names().into_iter().enumerate() {
        let value = match row.get_ref(column)? {
            rusqlite::types::ValueRef::Integer(number) => json!(number),
            rusqlite::types::ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
            _ => Value::Null,
        };
        facts.insert(name.to_owned(), value);
    }
    Ok(facts)
}

/// Takes a fact out and leaves its name for an id in its place.
fn rename(facts: &mut Map<String, Value>, id: &str, name: &str, names: &Named) {
    let Some(value) = facts.remove(id) else { return };
    let renamed = value.as_str().and_then(|id| names.get(id)).map(|name| json!(name));
    facts.insert(name.to_owned(), renamed.unwrap_or(value));
}

fn keyed(facts: Vec<Map<String, Value>>, key: &str) -> BTreeMap<String, Value> {
    let keyed = facts.into_iter().map(|mut facts| {
        let key = facts.remove(key).and_then(|key| key.as_str().map(str::to_owned)).unwrap_or_default();
        (key, Value::Object(facts))
    });
    keyed.collect()
}

fn categories(shop: &Shop<'_>, paths: &Named) -> rusqlite::Result<BTreeMap<String, Value>> {
    let mut found = shop.list(
        "SELECT category_id, name, description, is_active, sort_order, meta_title, meta_description,
                attributes, external_id
         FROM categories",
        [],
        facts,
    )?;
    for facts in &mut found {
        rename(facts, "category_id", "path", paths);
    }
    Ok(keyed(found, "path"))
}

fn products(shop: &Shop<'_>, paths: &Named, hashes: &Named) -> Result<BTreeMap<String, Value>, Stop> {
    let mut found = shop.list(
        "SELECT sku, name, product_type, status, category_id, handle, description, short_description,
                meta_title, meta_description, weight, dimensions, tags, attributes
         FROM products",
        [],
        facts,
    )?;
    for facts in &mut found {
        rename(facts, "category_id", "category", paths);
        let sku = facts.get("sku").and_then(Value::as_str).unwrap_or_default().to_owned();
        facts.insert("images".to_owned(), images(shop, &sku, hashes)?);
        facts.insert("variants".to_owned(), variants(shop, &sku)?);
    }
    Ok(keyed(found, "sku"))
}

fn images(shop: &Shop<'_>, sku: &str, hashes: &Named) -> rusqlite::Result<Value> {
    let images = shop.list(
        "SELECT coalesce(media_id, url) FROM product_images WHERE sku = ?1 ORDER BY position",
        [sku],
        |row| row.get::<_, String>(0),
    )?;
    let images: Vec<&String> = images.iter().map(|image| hashes.get(image).unwrap_or(image)).collect();
    Ok(json!(images))
}

fn variants(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<Value> {
    let variants = shop.list(
        "SELECT variant_id, price, currency, cost, compare_at, attributes,
                (SELECT json_group_object(location, quantity) FROM levels
                 WHERE levels.variant_id = variants.variant_id)
         FROM variants WHERE sku = ?1",
        [sku],
        |row| {
            let (variant_id, currency): (String, String) = (row.get(0)?, row.get(2)?);
            let amount = |minor: Option<i64>| minor.map(|minor| Major::new(minor, &currency));
            let levels: Value = serde_json::from_str(&row.get::<_, String>(6)?).unwrap_or_default();
            let facts = json!({
                "price": amount(row.get(1)?), "costPrice": amount(row.get(3)?),
                "compareAtPrice": amount(row.get(4)?), "attributes": row.get::<_, Option<String>>(5)?,
                "currency": currency, "levels": levels,
            });
            Ok((variant_id, facts))
        },
    )?;
    Ok(json!(variants.into_iter().collect::<BTreeMap<_, _>>()))
}

fn rules(shop: &Shop<'_>, paths: &Named) -> Result<BTreeMap<String, Value>, Stop> {
    let mut found = shop.list(
        "SELECT name, description, rule_type, discount_value, conditions, actions, priority, start_date,
                end_date, usage_limit, is_active
         FROM pricing_rules",
        [],
        facts,
    )?;
    for facts in &mut found {
        let Some(text) = facts.get("conditions").and_then(Value::as_str) else { continue };
        let mut conditions: Map<String, Value> = serde_json::from_str(text)?;
        if let Some(Value::Array(ids)) = conditions.get_mut("category_ids") {
            for id in ids {
                let path = id.as_str().and_then(|id| paths.get(id)).map(|path| json!(path));
                *id = path.unwrap_or_else(|| id.take());
            }
        }
        facts.insert("conditions".to_owned(), Value::Object(conditions));
    }
    Ok(keyed(found, "name"))
}

/// The pictures, and the hash of each by its id.
fn media(shop: &Shop<'_>) -> rusqlite::Result<(Vec<Value>, Named)> {
    let found = shop.list(
        "SELECT media_id, bytes, filename, mime_type, alt, title, description,
                (SELECT json_group_array(tag ORDER BY tag) FROM media_tags
                 WHERE media_tags.media_id = media.media_id)
         FROM media",
        [],
        |row| {
            let mut hasher = SipHasher13::new();
            hasher.write(row.get_ref(1)?.as_blob().unwrap_or_default());
            let hash = format!("{:032x}", hasher.finish128().as_u128());
            let text = |column| row.get::<_, Option<String>>(column);
            let shown = json!({
                "bytes": hash, "filename": text(2)?, "mimeType": text(3)?, "alt": text(4)?, "title": text(5)?,
                "description": text(6)?, "tags": text(7)?,
            });
            Ok((shown, (row.get::<_, String>(0)?, hash)))
        },
    )?;
    let (mut shown, hashes): (Vec<Value>, Named) = found.into_iter().unzip();
    shown.sort_by_cached_key(Value::to_string);
    Ok((shown, hashes))
}
