//! The pictures of a product, in their order.

use rusqlite::params;
use serde::Serialize;
use serde_json::json;

use super::read::{id_in, url};
use crate::answer::{Refusal, Stop};
use crate::body::Text;
use crate::shop::Shop;

/// A picture of a product. One from elsewhere has no id.
#[derive(Debug, Serialize)]
pub(crate) struct Image {
    media_id: Option<String>,
    pub(crate) url: String,
    pub(crate) alt: Option<String>,
}

impl Image {
    /// Its id, if it is one of the shop's own.
    pub(crate) fn media_id(&self) -> Option<&str> {
        self.media_id.as_deref()
    }
}

/// The picture that stands for a product.
pub(crate) fn first_image(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<Option<Image>> {
    Ok(images_of(shop, sku)?.into_iter().next())
}

pub(crate) fn images_of(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<Vec<Image>> {
    shop.list(
        "SELECT product_images.media_id, url, alt FROM product_images LEFT JOIN media USING (media_id)
         WHERE sku = ?1 ORDER BY position",
        [sku],
        |row| {
            let media_id: Option<String> = row.get(0)?;
            let elsewhere: Option<String> = row.get(1)?;
            let own = media_id.as_deref().map(|media_id| url(shop, media_id));
            Ok(Image { url: own.or(elsewhere).unwrap_or_default(), media_id, alt: row.get(2)? })
        },
    )
}

/// Replaces the pictures; says whether they were others. Each is the id or the address of one of the shop's media,
/// which must exist, or an address elsewhere.
pub(crate) fn put_images(shop: &Shop<'_>, sku: &str, images: &[Text]) -> Result<bool, Stop> {
    let mut wanted: Vec<(Option<&str>, Option<&str>)> = Vec::with_capacity(images.len());
    for (index, image) in images.iter().enumerate() {
        let own = id_in(shop, image);
        let is_elsewhere = own.is_none() && (image.starts_with("http://") || image.starts_with("https://"));
        if is_elsewhere {
            wanted.push((None, Some(image)));
            continue;
        }
        let media_id = own.unwrap_or(image);
        if shop.number("SELECT count(*) FROM media WHERE media_id = ?1", [media_id])? == 0 {
            let field = format!("images[{index}]");
            let refusal =
                Refusal::new(422, "MEDIA_NOT_FOUND", format!("{field}: there is no media {media_id}"));
            return Err(refusal.with_details(json!({ field: ["is unknown"] })).into());
        }
        wanted.push((Some(media_id), None));
    }
    let known: Vec<(Option<String>, Option<String>)> = shop.list(
        "SELECT media_id, url FROM product_images WHERE sku = ?1 ORDER BY position",
        [sku],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let is_same = known.len() == wanted.len()
        && known
            .iter()
            .zip(&wanted)
            .all(|(known, wanted)| (known.0.as_deref(), known.1.as_deref()) == *wanted);
    if is_same {
        return Ok(false);
    }
    shop.run("DELETE FROM product_images WHERE sku = ?1", [sku])?;
    for (position, (media_id, url)) in (0_i64..).zip(wanted) {
        shop.run(
            "INSERT INTO product_images (sku, position, media_id, url) VALUES (?1, ?2, ?3, ?4)",
            params![sku, position, media_id, url],
        )?;
    }
    Ok(true)
}
