//! Categories made, changed and deleted.

use rusqlite::params;
use serde::Deserialize;
use serde_json::json;

use super::read::existing;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Short, Slug};
use crate::call::Call;
use crate::handlers::columns::{self, Table, given};
use crate::paging;
use crate::shop::Shop;

const TABLE: Table = Table { name: "categories", id: "category_id" };

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    name: Short<255>,
    slug: Slug,
    description: Option<String>,
    parent_id: Option<String>,
    #[serde(default = "yes")]
    is_active: bool,
    #[serde(default)]
    sort_order: i32,
    meta_title: Option<String>,
    meta_description: Option<String>,
    attributes: Option<Vec<String>>,
    external_id: Option<Short<255>>,
}

fn yes() -> bool {
    true
}

/// Absent fields stay; a null takes an optional one away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Update {
    name: Option<Short<255>>,
    slug: Option<Slug>,
    #[serde(default, deserialize_with = "body::present")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    parent_id: Option<Option<String>>,
    is_active: Option<bool>,
    sort_order: Option<i32>,
    #[serde(default, deserialize_with = "body::present")]
    meta_title: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    meta_description: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    attributes: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "body::present")]
    external_id: Option<Option<Short<255>>>,
}

/// 422 `CATEGORY_NOT_FOUND` for an id in a body.
pub(crate) fn must_exist(shop: &Shop<'_>, category_id: &str, field: &str) -> Result<(), Stop> {
    let sql = "SELECT count(*) FROM categories WHERE category_id = ?1";
    if shop.number(sql, [category_id])? > 0 {
        return Ok(());
    }
    let message = format!("{field}: there is no category {category_id}");
    let refusal = Refusal::new(422, "CATEGORY_NOT_FOUND", message);
    Err(refusal.with_details(json!({ field: [format!("there is no category {category_id}")] })).into())
}

/// Refuses a slug or an external id that another category has.
fn must_be_free(
    shop: &Shop<'_>,
    own: Option<&str>,
    (parent, slug): (Option<&str>, &str),
    external_id: Option<&str>,
) -> Result<(), Stop> {
    let slug_of = shop.find(
        "SELECT category_id FROM categories
         WHERE coalesce(parent_id, '') = coalesce(?1, '') AND slug = ?2 AND category_id IS NOT ?3",
        [parent, Some(slug), own],
        |row| row.get::<_, String>(0),
    )?;
    if let Some(taken) = slug_of {
        let message = format!("a category at this level has the slug {slug} already");
        let refusal = Refusal::new(409, "SLUG_TAKEN", message);
        return Err(refusal.with_details(json!({ "category_id": taken })).into());
    }
    let external_of = shop.find(
        "SELECT category_id FROM categories WHERE external_id = ?1 AND category_id IS NOT ?2",
        [external_id, own],
        |row| row.get::<_, String>(0),
    )?;
    if let Some(taken) = external_of {
        let refusal = Refusal::new(409, "EXTERNAL_ID_TAKEN", "another category has this external id");
        return Err(refusal.with_details(json!({ "category_id": taken })).into());
    }
    Ok(())
}

pub(crate) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    let (parent, external_id) = (request.parent_id.as_deref(), request.external_id.as_deref());
    if let Some(parent) = parent {
        must_exist(shop, parent, "parentId")?;
    }
    must_be_free(shop, None, (parent, &request.slug), external_id)?;
    let category_id = shop.next_id("cat")?;
    let attributes = request.attributes.as_ref().map(serde_json::to_string).transpose()?;
    shop.run(
        "INSERT INTO categories (category_id, name, slug, parent_id, description, is_active, sort_order,
                                 meta_title, meta_description, attributes, external_id,
                                 idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?13)",
        params![
            category_id,
            &*request.name,
            &*request.slug,
            parent,
            request.description,
            request.is_active,
            request.sort_order,
            request.meta_title,
            request.meta_description,
            attributes,
            external_id,
            call.key,
            shop.now,
        ],
    )?;
    let answer = Answer::success(201, &existing(shop, &category_id)?)?;
    Ok(answer.with_effect(format!("created category {}", &*request.slug)))
}

pub(crate) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let category_id = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    let before = existing(shop, category_id)?;
    let parent = request.parent_id.as_ref().map_or(before.parent_id.as_deref(), Option::as_deref);
    if let Some(parent) = parent {
        must_exist(shop, parent, "parentId")?;
        must_not_be_below(shop, category_id, parent)?;
    }
    let slug = request.slug.as_deref().unwrap_or(&before.slug);
    let external_id = request.external_id.as_ref().and_then(Option::as_deref);
    must_be_free(shop, Some(category_id), (parent, slug), external_id)?;

    let (name, slug) = (request.name.as_deref(), request.slug.as_deref());
    let external_id = request.external_id.as_ref().map(Option::as_deref);
    let attributes = match &request.attributes {
        Some(attributes) => Some(attributes.as_ref().map(serde_json::to_string).transpose()?),
        None => None,
    };
    let changed = columns::set(
        shop,
        TABLE,
        category_id,
        &[
            ("name", "name", given(&name)),
            ("slug", "slug", given(&slug)),
            ("description", "description", given(&request.description)),
            ("parentId", "parent_id", given(&request.parent_id)),
            ("isActive", "is_active", given(&request.is_active)),
            ("sortOrder", "sort_order", given(&request.sort_order)),
            ("metaTitle", "meta_title", given(&request.meta_title)),
            ("metaDescription", "meta_description", given(&request.meta_description)),
            ("attributes", "attributes", given(&attributes)),
            ("externalId", "external_id", given(&external_id)),
        ],
    )?;
    if changed.is_empty() {
        return Answer::success(200, &existing(shop, category_id)?);
    }
    columns::stamp(shop, TABLE, category_id, call)?;
    let answer = Answer::success(200, &existing(shop, category_id)?)?;
    Ok(answer.with_effect(format!("changed {} of category {}", changed.join(", "), before.slug)))
}

/// A category cannot be moved below itself.
fn must_not_be_below(shop: &Shop<'_>, category_id: &str, parent: &str) -> Result<(), Stop> {
    let is_below = shop.number(
        "WITH RECURSIVE above (id) AS (
             SELECT ?2 UNION SELECT parent_id FROM categories JOIN above ON category_id = above.id
             WHERE parent_id IS NOT NULL)
         SELECT count(*) FROM above WHERE id = ?1",
        [category_id, parent],
    )?;
    if is_below == 0 {
        return Ok(());
    }
    Err(Refusal::new(422, "CATEGORY_CYCLE", format!("{parent} is {category_id} or lies below it")).into())
}

/// Only an empty category goes. A rule that names it points nowhere from then on, which the audit reports.
pub(crate) fn delete(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    let category_id = call.path_id()?;
    let category = existing(shop, category_id)?;
    let products = shop.number("SELECT count(*) FROM products WHERE category_id = ?1", [category_id])?;
    let children = shop.number("SELECT count(*) FROM categories WHERE parent_id = ?1", [category_id])?;
    if products + children > 0 {
        let message = format!("{} has {products} products and {children} categories below it", category.name);
        let details = json!({ "products": products, "children": children });
        return Err(Refusal::new(409, "CATEGORY_NOT_EMPTY", message).with_details(details).into());
    }
    shop.run("DELETE FROM categories WHERE category_id = ?1", [category_id])?;
    Ok(Answer::gone().with_effect(format!("deleted category {}", category.slug)))
}
