//! The promise of a run that was rolled back: nothing of it is left, except for the work of others.
//!
//! A row that somebody else changed since, or that somebody else uses, is theirs to keep.

use crate::money::Major;
use crate::shop::Shop;

/// Rows that were made under keys of the run and were last changed under them.
const OWN: &str = "substr(idempotency_key, 1, length(?1)) = ?1 AND substr(changed_by, 1, length(?1)) = ?1";
/// Rows that others made.
const OF_OTHERS: &str = "(idempotency_key IS NULL OR substr(idempotency_key, 1, length(?1)) <> ?1)";

/// A kind of row, with the condition under which it is left on purpose.
struct Kind {
    word: &'static str,
    name: &'static str,
    table: &'static str,
    /// Its rows are used by others: each `{others}` stands for [`OF_OTHERS`].
    is_used: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind { word: "pricing rule", name: "name", table: "pricing_rules", is_used: "FALSE" },
    Kind {
        word: "product",
        name: "sku",
        table: "products",
        is_used: "EXISTS (SELECT 1 FROM variants JOIN reservations USING (variant_id)
                          WHERE variants.sku = row.sku AND status IN ('held', 'confirmed'))
                  OR EXISTS (SELECT 1 FROM order_lines WHERE product_id = row.sku)",
    },
    Kind {
        word: "category",
        name: "slug",
        table: "categories",
        is_used: "EXISTS (SELECT 1 FROM products WHERE category_id = row.category_id AND {others})
                  OR EXISTS (SELECT 1 FROM categories WHERE parent_id = row.category_id AND {others})",
    },
    Kind {
        word: "picture",
        name: "filename",
        table: "media",
        is_used: "EXISTS (SELECT 1 FROM product_images JOIN products USING (sku)
                          WHERE media_id = row.media_id AND {others})",
    },
];

/// Everything that is left of the runs whose keys begin with `prefix`.
pub(super) fn of(shop: &Shop<'_>, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let mut left = prices(shop, prefix)?;
    for Kind { word, name, table, is_used } in KINDS {
        let is_used = is_used.replace("{others}", OF_OTHERS);
        let sql = format!(
            "SELECT {name}, idempotency_key FROM {table} AS row WHERE {OWN} AND NOT ({is_used}) ORDER BY id"
        );
        left.extend(shop.list(&sql, [prefix], |row| {
            let (name, key): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("left of a run that was rolled back: {word} {name} (key {key})"))
        })?);
    }
    Ok(left)
}

/// A price that the run was the last to change must be the one that it found.
fn prices(shop: &Shop<'_>, prefix: &str) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT variants.variant_id, variants.price, variants.currency, coalesce(theirs.price, opening_price)
         FROM variants JOIN products USING (sku)
              JOIN price_changes AS last ON last.id = (
                  SELECT max(id) FROM price_changes WHERE variant_id = variants.variant_id)
              LEFT JOIN price_changes AS theirs ON theirs.id = (
                  SELECT max(id) FROM price_changes
                  WHERE variant_id = variants.variant_id
                    AND (key IS NULL OR substr(key, 1, length(?1)) <> ?1))
         WHERE substr(last.key, 1, length(?1)) = ?1
           AND (idempotency_key IS NULL OR substr(idempotency_key, 1, length(?1)) <> ?1)
           AND variants.price <> coalesce(theirs.price, opening_price)",
        [prefix],
        |row| {
            let (variant, currency): (String, String) = (row.get(0)?, row.get(2)?);
            let (price, due) = (Major::new(row.get(1)?, &currency), Major::new(row.get(3)?, &currency));
            Ok(format!(
                "left of a run that was rolled back: {variant} costs {price} {currency}, it found {due}"
            ))
        },
    )
}
