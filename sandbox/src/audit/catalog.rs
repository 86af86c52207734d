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

pub(super) fn product_without_its_category(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT sku, category_id FROM products
         WHERE category_id IS NOT NULL AND category_id NOT IN (SELECT category_id FROM categories)",
        [],
        |row| {
            let (sku, category): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("product without its category: {sku} is in {category}, which is not there"))
        },
    )
}

pub(super) fn category_without_its_parent(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT slug, parent_id FROM categories
         WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT category_id FROM categories)",
        [],
        |row| {
            let (slug, parent): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("category without its parent: {slug} is below {parent}, which is not there"))
        },
    )
}

pub(super) fn picture_that_is_gone(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT sku, media_id FROM product_images
         WHERE media_id IS NOT NULL AND media_id NOT IN (SELECT media_id FROM media)",
        [],
        |row| {
            let (sku, media): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("picture that is gone: {sku} shows {media}, which is not there"))
        },
    )
}

/// A category or a product may go while a rule names it; a careful caller deletes the rule first.
pub(super) fn rule_that_points_nowhere(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT name, value FROM pricing_rules, json_each(conditions, '$.category_ids')
         WHERE value NOT IN (SELECT category_id FROM categories)
         UNION ALL
         SELECT name, value FROM pricing_rules, json_each(conditions, '$.product_ids')
         WHERE value NOT IN (SELECT sku FROM products)",
        [],
        |row| {
            let (rule, target): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("rule that points nowhere: {rule} is for {target}, which is not there"))
        },
    )
}

pub(super) fn variant_without_its_product(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list("SELECT variant_id, sku FROM variants WHERE sku NOT IN (SELECT sku FROM products)", [], |row| {
        let (variant, sku): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(format!("variant without its product: {variant} is of {sku}, which is not there"))
    })
}
