//! The promises of the catalogue.

use crate::money::Major;
use crate::shop::Shop;

/// A price is that of the last line in its ledger, or the one it began with.
pub(super) fn price_is_not_its_ledgers(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT variant_id, price, currency, due, due_currency FROM (
             SELECT variants.variant_id, variants.price, variants.currency,
                 coalesce(last.price, opening_price) AS due,
                 coalesce(last.currency, variants.currency) AS due_currency
             FROM variants LEFT JOIN price_changes AS last ON last.id = (
                 SELECT max(id) FROM price_changes WHERE variant_id = variants.variant_id))
         WHERE price <> due OR currency <> due_currency",
        [],
        |row| {
            let (currency, due_in): (String, String) = (row.get(2)?, row.get(4)?);
            let variant: String = row.get(0)?;
            let (price, due) = (Major::new(row.get(1)?, &currency), Major::new(row.get(3)?, &due_in));
            Ok(format!(
                "price and ledger differ: {variant} costs {price} {currency}, its ledger says {due} {due_in}"
            ))
        },
    )
}

/// Every line of the ledger begins with the price that the line before it left.
pub(super) fn ledger_has_a_gap(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT id, variant_id, old_price, old_currency, due FROM (
             SELECT price_changes.id, variant_id, old_price, old_currency,
                 coalesce(lag(price_changes.price) OVER steps, opening_price) AS due
             FROM price_changes JOIN variants USING (variant_id)
             WINDOW steps AS (PARTITION BY variant_id ORDER BY price_changes.id))
         WHERE old_price <> due",
        [],
        |row| {
            let (line, variant, currency): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
            let (old, due) = (Major::new(row.get(2)?, &currency), Major::new(row.get(4)?, &currency));
            Ok(format!(
                "gap in the price ledger: line {line} changes {variant} from {old}, the line before it left {due}"
            ))
        },
    )
}
