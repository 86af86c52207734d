//! Media described anew, and deleted.

use serde::Deserialize;
use serde_json::json;

use super::read::existing;
use super::upload::put_tags;
use crate::answer::{Answer, Refusal, Stop};
use crate::body;
use crate::call::Call;
use crate::handlers::columns::{self, Table, given};
use crate::paging;
use crate::shop::Shop;

const TABLE: Table = Table { name: "media", id: "media_id" };

/// Absent fields stay; a null takes a text away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    #[serde(default, deserialize_with = "body::present")]
    alt: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    title: Option<Option<String>>,
    #[serde(default, deserialize_with = "body::present")]
    description: Option<Option<String>>,
    tags: Option<Vec<String>>,
}

pub(crate) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let media_id = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    let before = existing(shop, media_id)?;
    let columns = [
        ("alt", "alt", given(&request.alt)),
        ("title", "title", given(&request.title)),
        ("description", "description", given(&request.description)),
    ];
    let mut changed = columns::set(shop, TABLE, media_id, &columns)?;
    if let Some(tags) = &request.tags
        && put_tags(shop, media_id, tags)?
    {
        changed.push("tags");
    }
    if changed.is_empty() {
        return Answer::success(200, &before);
    }
    columns::stamp(shop, TABLE, media_id, call)?;
    let answer = Answer::success(200, &existing(shop, media_id)?)?;
    Ok(answer.with_effect(format!("changed {} of {}", changed.join(", "), before.filename)))
}

/// 409 `MEDIA_IN_USE` while a product shows it.
pub(crate) fn delete(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    let media_id = call.path_id()?;
    let media = existing(shop, media_id)?;
    let products: Vec<String> = shop.list(
        "SELECT DISTINCT sku FROM product_images WHERE media_id = ?1 ORDER BY sku LIMIT 100",
        [media_id],
        |row| row.get(0),
    )?;
    if !products.is_empty() {
        let message = format!("{} is shown by {}", media.filename, products.join(", "));
        let refusal = Refusal::new(409, "MEDIA_IN_USE", message);
        return Err(refusal.with_details(json!({ "product_ids": products })).into());
    }
    shop.run("DELETE FROM media_tags WHERE media_id = ?1", [media_id])?;
    shop.run("DELETE FROM media WHERE media_id = ?1", [media_id])?;
    Ok(Answer::gone().with_effect(format!("deleted {}", media.filename)))
}
