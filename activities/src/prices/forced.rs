//! Prices that are written over whatever they are (`force`). They are compared all the same, with what was seen last:
//! the price that is really written over is kept before it is lost, and a revert puts that one back.
//!
//! It is kept as another before-image of its row, `<folder>/<line>-<number>.json`; of several the last one holds.

use std::collections::BTreeMap;

use contracts::money::Money;
use contracts::prices::{PriceImage, PriceRow, VariantPrice};
use contracts::values::IdempotencyKey;
use store::{Store, StoreError};
use temporalio_sdk::activities::ActivityContext;

use super::answers::Set;
use super::client::{Shop, Wanted};
use super::fence::Fence;
use super::images;
use crate::bulk::{Answer, Trouble};

/// How often a price may be another one again before its row counts as a conflict.
const TRIES: u32 = 8;
/// Prices of one row that are kept, at most.
const KEPT_MAX: u32 = 1_000;

/// The folder of the prices that a run was written over, beside its before-images.
pub(super) fn folder(run: &str) -> String {
    format!("{run}/overwritten")
}

/// The price that a row is written over, as an image shows it.
pub(super) fn seen(row: &PriceRow, image: &PriceImage) -> Money {
    let price = images::meant(image).next().map(|variant| variant.price);
    price.map_or(row.expected, |price| Money::from_minor_units(price, row.price.currency()))
}

/// Writes over prices that change again and again.
pub(super) struct Forced<'f> {
    pub(super) ctx: &'f ActivityContext,
    pub(super) shop: &'f Shop,
    pub(super) store: &'f Store,
    pub(super) fence: &'f Fence<'f>,
    pub(super) folder: &'f str,
}

impl Forced<'_> {
    /// Writes over a price that was found to be another one than the image shows.
    pub(super) async fn over(
        &self,
        key: &IdempotencyKey,
        row: &PriceRow,
        before: &PriceImage,
        mut found: Money,
    ) -> Result<Set, Trouble> {
        let info = self.ctx.info();
        for number in 0..TRIES {
            let variants = images::meant(before)
                .map(|variant| VariantPrice { variant: variant.variant.clone(), price: found.minor_units() });
            let image = PriceImage { before: variants.collect(), ..before.clone() };
            let kept = self.keep(&image).await?;
            // A key of its own: the answer under another one may be older than this price.
            let key = key.part(&format!("over-{}-{}-{number}", info.activity_id, info.attempt));
            let wanted = Wanted { expected: Some(found), ..Wanted::of(row, true) };
            match self.fence.asked(self.ctx, || self.shop.set(&key, &wanted)).await? {
                Set::Conflict { price } => {
                    // It was not written over.
                    self.store.remove(&kept).await?;
                    match price.filter(|price| *price != row.price) {
                        Some(price) => found = price,
                        None => return Ok(Set::Conflict { price }),
                    }
                }
                set => return Ok(set),
            }
        }
        Ok(Set::Conflict { price: Some(found) })
    }

    /// Keeps what a row is about to be written over; returns the name.
    pub(super) async fn keep(&self, image: &PriceImage) -> Result<String, Trouble> {
        let content = serde_json::to_vec(image)?;
        for number in 0..KEPT_MAX {
            let name = format!("{}/{:09}-{number:04}.json", self.folder, image.line);
            if self.store.create(&name, content.clone()).await? {
                return Ok(name);
            }
        }
        Err(Trouble::Again(format!("line {} was written over {KEPT_MAX} prices", image.line)))
    }
}

/// The prices that a run was really written over, by line, where they are not those of its before-images.
pub(super) async fn overwritten(store: &Store, run: &str) -> Result<BTreeMap<u64, PriceImage>, Trouble> {
    let mut images = BTreeMap::new();
    for object in store.list(&folder(run)).await? {
        let key = object.key;
        let found = store.read(&key).await?.ok_or_else(|| StoreError::Gone { key: key.clone() })?;
        let image: PriceImage = serde_json::from_slice(&found).map_err(|error| StoreError::Damaged {
            key,
            why: format!("it is no before-image ({:?} error)", error.classify()),
        })?;
        images.insert(image.line, image);
    }
    Ok(images)
}

/// The end of a row that was written over whatever it was: a price that is the wanted one now was set by somebody else,
/// as ours was turned away.
pub(super) fn answer(set: Set, wanted: Money, code: &str) -> Answer<String> {
    match set {
        Set::Done { product_id, .. } => Answer::Done(product_id),
        Set::Conflict { price } if price == Some(wanted) => Answer::Same,
        Set::Conflict { .. } => Answer::Refused(code.to_owned()),
        Set::Refused { code } => Answer::Refused(code),
    }
}
