//! Categories as they are: one, a page of them, or the whole tree.

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::clock;
use crate::paging;
use crate::shop::Shop;

/// The categories of a page, unless the caller says otherwise.
const PAGE_SIZE: u32 = 50;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Category {
    id: String,
    #[serde(rename = "category_id")]
    pub(super) category_id: String,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) parent_id: Option<String>,
    description: Option<String>,
    is_active: bool,
    sort_order: i64,
    meta_title: Option<String>,
    meta_description: Option<String>,
    attributes: Option<Box<RawValue>>,
    external_id: Option<String>,
    created_at: String,
    updated_at: String,
}

/// A category with those below it.
#[derive(Serialize)]
struct Branch {
    #[serde(flatten)]
    category: Category,
    children: Vec<Branch>,
}

#[derive(Serialize)]
struct Tree {
    categories: Vec<Branch>,
}

const SELECT: &str =
    "SELECT category_id, name, slug, parent_id, description, is_active, sort_order, meta_title,
                             meta_description, attributes, external_id, created_at, updated_at
                      FROM categories";

fn category(row: &Row<'_>) -> rusqlite::Result<Category> {
    let category_id: String = row.get(0)?;
    let attributes: Option<String> = row.get(9)?;
    Ok(Category {
        id: category_id.clone(),
        category_id,
        name: row.get(1)?,
        slug: row.get(2)?,
        parent_id: row.get(3)?,
        description: row.get(4)?,
        is_active: row.get(5)?,
        sort_order: row.get(6)?,
        meta_title: row.get(7)?,
        meta_description: row.get(8)?,
        attributes: attributes.and_then(|text| RawValue::from_string(text).ok()),
        external_id: row.get(10)?,
        created_at: clock::text(row.get(11)?),
        updated_at: clock::text(row.get(12)?),
    })
}

pub(super) fn existing(shop: &Shop<'_>, category_id: &str) -> Result<Category, Stop> {
    let found = shop.find(&format!("{SELECT} WHERE category_id = ?1"), [category_id], category)?;
    let unknown = || Refusal::new(404, "CATEGORY_NOT_FOUND", format!("there is no category {category_id}"));
    found.ok_or_else(|| unknown().into())
}

pub(crate) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    Answer::success(200, &existing(shop, call.path_id()?)?)
}

/// A page in the order of creation.
pub(crate) fn list(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &["page", "pageSize", "parentId", "slug", "externalId"])?;
    let page = paging::Numbered::read(&call.query, PAGE_SIZE)?;
    let text = |name: &str| call.query.get(name).map(String::as_str);
    let filter =
        "(?1 IS NULL OR parent_id = ?1) AND (?2 IS NULL OR slug = ?2) AND (?3 IS NULL OR external_id = ?3)";
    let filters = [text("parentId"), text("slug"), text("externalId")];
    let total = shop.number(&format!("SELECT count(*) FROM categories WHERE {filter}"), filters)?;
    let [parent, slug, external] = filters;
    let found = shop.list(
        &format!("{SELECT} WHERE {filter} ORDER BY id LIMIT ?4 OFFSET ?5"),
        params![parent, slug, external, page.size, page.offset()],
        category,
    )?;
    Answer::page(&found, page, total)
}

/// Everything, each level in the order of `sortOrder`, then of creation.
pub(crate) fn tree(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    let all = shop.list(&format!("{SELECT} ORDER BY sort_order, id"), [], category)?;
    let mut below: BTreeMap<Option<String>, Vec<Category>> = BTreeMap::new();
    for category in all {
        below.entry(category.parent_id.clone()).or_default().push(category);
    }
    Answer::success(200, &Tree { categories: branches(&mut below, None) })
}

fn branches(below: &mut BTreeMap<Option<String>, Vec<Category>>, parent: Option<String>) -> Vec<Branch> {
    let here = below.remove(&parent).unwrap_or_default();
    let branch = |category: Category| {
        let children = branches(below, Some(category.category_id.clone()));
        Branch { category, children }
    };
    here.into_iter().map(branch).collect()
}
