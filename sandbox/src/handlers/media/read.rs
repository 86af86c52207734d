//! Media as they are: described, or as their bytes.

use rusqlite::{Row, params};
use serde::Serialize;

use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::clock;
use crate::paging;
use crate::shop::Shop;

/// The media of a page, unless the caller says otherwise.
const PAGE_SIZE: u32 = 20;
const TYPES: [&str; 3] = ["image", "video", "document"];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Media {
    id: String,
    #[serde(rename = "media_id")]
    media_id: String,
    url: String,
    pub(super) filename: String,
    mime_type: String,
    r#type: &'static str,
    size: i64,
    alt: Option<String>,
    title: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    created_at: String,
    updated_at: String,
}

const SELECT: &str =
    "SELECT media_id, filename, mime_type, length(bytes), alt, title, description, created_at,
                             updated_at
                      FROM media";

fn media(row: &Row<'_>) -> rusqlite::Result<Media> {
    let media_id: String = row.get(0)?;
    Ok(Media {
        id: media_id.clone(),
        media_id,
        url: String::new(),
        filename: row.get(1)?,
        mime_type: row.get(2)?,
        r#type: "image",
        size: row.get(3)?,
        alt: row.get(4)?,
        title: row.get(5)?,
        description: row.get(6)?,
        tags: Vec::new(),
        created_at: clock::text(row.get(7)?),
        updated_at: clock::text(row.get(8)?),
    })
}

fn with_tags(shop: &Shop<'_>, mut media: Media) -> rusqlite::Result<Media> {
    let sql = "SELECT tag FROM media_tags WHERE media_id = ?1 ORDER BY tag";
    media.tags = shop.list(sql, [&media.media_id], |row| row.get(0))?;
    media.url = url(shop, &media.media_id);
    Ok(media)
}

/// Where the bytes are served: at this sandbox, whatever its port is today.
pub(super) fn url(shop: &Shop<'_>, media_id: &str) -> String {
    format!("{}/media/{media_id}", shop.base_url)
}

/// The id in an address that [`url`] made.
pub(super) fn id_in<'u>(shop: &Shop<'_>, url: &'u str) -> Option<&'u str> {
    url.strip_prefix(shop.base_url)?.strip_prefix("/media/")
}

pub(super) fn existing(shop: &Shop<'_>, media_id: &str) -> Result<Media, Stop> {
    let found = shop.find(&format!("{SELECT} WHERE media_id = ?1"), [media_id], media)?;
    let unknown = || Refusal::new(404, "MEDIA_NOT_FOUND", format!("there is no media {media_id}"));
    Ok(with_tags(shop, found.ok_or_else(unknown)?)?)
}

pub(crate) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    Answer::success(200, &existing(shop, call.path_id()?)?)
}

/// A page in the order of the uploads; with `tags[]` of those that have every one of them.
pub(crate) fn list(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &["type", "page", "pageSize"])?;
    if let Some(unknown) = call.lists.keys().find(|name| *name != "tags[]") {
        return Err(Refusal::invalid(unknown, "unknown parameter, expected tags[]").into());
    }
    let page = paging::Numbered::read(&call.query, PAGE_SIZE)?;
    let kind = call.query.get("type").map_or("image", String::as_str);
    if !TYPES.contains(&kind) {
        return Err(Refusal::invalid("type", format!("must be one of {}", TYPES.join(", "))).into());
    }
    let mut tags = call.lists.get("tags[]").cloned().unwrap_or_default();
    tags.sort();
    tags.dedup();
    let (wanted, count) = (serde_json::to_string(&tags)?, i64::try_from(tags.len()).unwrap_or(i64::MAX));
    // All media of the sandbox are pictures.
    let filter = "?1 = 'image' AND (?3 = 0 OR media_id IN (
                      SELECT media_id FROM media_tags WHERE tag IN (SELECT value FROM json_each(?2))
                      GROUP BY media_id HAVING count(*) = ?3))";
    let total =
        shop.number(&format!("SELECT count(*) FROM media WHERE {filter}"), params![kind, wanted, count])?;
    let found = shop.list(
        &format!("{SELECT} WHERE {filter} ORDER BY id LIMIT ?4 OFFSET ?5"),
        params![kind, wanted, count, page.size, page.offset()],
        media,
    )?;
    let found: Vec<Media> =
        found.into_iter().map(|media| with_tags(shop, media)).collect::<Result<_, _>>()?;
    Answer::page(&found, page, total)
}

/// The kind and the bytes of a picture, if there is one.
pub(crate) fn bytes(shop: &Shop<'_>, media_id: &str) -> rusqlite::Result<Option<(String, Vec<u8>)>> {
    shop.find("SELECT mime_type, bytes FROM media WHERE media_id = ?1", [media_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
