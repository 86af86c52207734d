//! How products look: what each of their variants costs.

use std::collections::{BTreeSet, HashMap};

use contracts::prices::{PriceImage, PriceRow};
use contracts::values::VariantId;
use temporalio_sdk::activities::ActivityContext;

use super::client::{AT_ONCE, Priced, Shop};
use crate::bulk::{Trouble, patiently};

/// Looks at some rows as they are now, in their order.
pub(super) async fn look(
    ctx: &ActivityContext,
    shop: &Shop,
    rows: &[PriceRow],
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
    for some in skus.chunks(AT_ONCE) {
        prices.extend(patiently(ctx, || shop.look_up(some)).await?);
    }
    Ok(prices)
}

/// Whether a variant, or every one of them, costs so much.
pub(super) fn costs(image: &PriceImage, variant: Option<&VariantId>, price: i64) -> bool {
    let mut meant = image.before.iter().filter(|of| variant.is_none_or(|variant| of.variant == *variant));
    let first = meant.next();
    first.is_some_and(|first| first.price == price) && meant.all(|other| other.price == price)
}
