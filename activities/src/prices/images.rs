//! How products look: what each of their variants costs.

use std::collections::{BTreeSet, HashMap};

use contracts::prices::{PriceImage, PriceRow, VariantPrice};
use contracts::values::VariantId;
use temporalio_sdk::activities::ActivityContext;

use super::client::{Priced, Shop};
use crate::bulk::{Trouble, patiently};
use crate::http::CallError;

/// Looks at some rows as they are now, in their order. `is_forced`: they are written over any price.
pub(super) async fn look(
    ctx: &ActivityContext,
    shop: &Shop,
    rows: &[PriceRow],
    is_forced: bool,
) -> Result<Vec<PriceImage>, Trouble> {
    let skus: BTreeSet<&str> = rows.iter().map(|row| row.sku.as_str()).collect();
    let prices = prices(ctx, shop, skus).await?;
    let image = |row: &PriceRow| {
        let product = prices.get(row.sku.as_str());
        PriceImage {
            line: row.line,
            sku: row.sku.clone(),
            variant: row.variant.clone(),
            price: row.price,
            before: product.map(Priced::image).unwrap_or_default(),
            expected: (!is_forced).then_some(row.expected),
            unreadable: product.and_then(|product| product.unreadable.clone()),
        }
    };
    Ok(rows.iter().map(image).collect())
}

/// The prices of these products now, by SKU.
pub(super) async fn prices(
    ctx: &ActivityContext,
    shop: &Shop,
    skus: BTreeSet<&str>,
) -> Result<HashMap<String, Priced>, Trouble> {
    let skus: Vec<&str> = skus.into_iter().collect();
    let mut prices = HashMap::with_capacity(skus.len());
    let mut rest = skus.as_slice();
    while !rest.is_empty() {
        let (some, others) = rest.split_at(rest.len().min(shop.at_once()));
        match patiently(ctx, || shop.look_up(some)).await {
            Err(CallError::TooLarge { .. }) if some.len() > 1 => shop.ask_for_less_than(some.len()),
            found => {
                prices.extend(found?);
                rest = others;
            }
        }
    }
    Ok(prices)
}

/// The variants that a row is about, each with its price.
pub(super) fn meant(image: &PriceImage) -> impl Iterator<Item = &VariantPrice> {
    let named = image.variant.as_ref();
    image.before.iter().filter(move |of| named.is_none_or(|named| of.variant == *named))
}

/// Whether a variant, or every one of them, costs so much.
pub(super) fn costs(image: &PriceImage, variant: Option<&VariantId>, price: i64) -> bool {
    let mut meant = image.before.iter().filter(|of| variant.is_none_or(|variant| of.variant == *variant));
    let first = meant.next();
    first.is_some_and(|first| first.price == price) && meant.all(|other| other.price == price)
}
