//! Stock by location. A variant's stock on hand is the sum of its levels.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::products;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::paging;
use crate::seed::DEFAULT_LOCATION;
use crate::shop::Shop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    items: Vec<LookupItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupItem {
    sku: Text,
    location: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetLevel {
    product_sku: Text,
    location: Text,
    quantity: u32,
    sync_source: Text,
}

/// How much of a product lies somewhere.
#[derive(Debug, Serialize)]
pub(crate) struct Level {
    location: String,
    quantity: i64,
}

/// A variant of the product whose level is set.
struct Part {
    variant_id: String,
    /// How much of it lies at the location; unknown until it is set for the first time.
    here: Option<i64>,
    /// How much of it is not held, wherever it lies.
    available: i64,
}

impl Shop<'_> {
    /// Puts `delta` more of a variant to a location.
    pub(crate) fn shift_level(&self, variant_id: &str, location: &str, delta: i64) -> rusqlite::Result<()> {
        self.run(
            "INSERT INTO levels (variant_id, location, quantity) VALUES (?1, ?2, ?3)
             ON CONFLICT (variant_id, location) DO UPDATE SET quantity = quantity + excluded.quantity",
            params![variant_id, location, delta],
        )?;
        Ok(())
    }

    /// Follows a change of what a variant has on hand: goods are taken from where most of them lie, and
    /// come back to where most lie then.
    pub(super) fn shift_levels(&self, variant_id: &str, delta: i64) -> rusqlite::Result<()> {
        if delta == 0 {
            return Ok(());
        }
        let fullest = self.list(
            "SELECT location, quantity FROM levels WHERE variant_id = ?1 ORDER BY quantity DESC, location",
            [variant_id],
            |row| Ok(Level { location: row.get(0)?, quantity: row.get(1)? }),
        )?;
        if delta > 0 {
            let back = fullest.first().map_or(DEFAULT_LOCATION, |level| level.location.as_str());
            return self.shift_level(variant_id, back, delta);
        }
        let mut missing = -delta;
        for level in fullest {
            let taken = missing.min(level.quantity);
            if taken > 0 {
                self.shift_level(variant_id, &level.location, -taken)?;
                missing -= taken;
            }
        }
        Ok(())
    }
}

/// The levels of a product, its variants together.
pub(super) fn of(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<Vec<Level>> {
    shop.list(
        "SELECT location, sum(quantity) FROM variants JOIN levels USING (variant_id)
         WHERE sku = ?1 GROUP BY location ORDER BY location",
        [sku],
        |row| Ok(Level { location: row.get(0)?, quantity: row.get(1)? }),
    )
}

pub(super) fn lookup(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Lookup { items } = body::parse(&call.body)?;
    let mut levels = Vec::with_capacity(items.len());
    for LookupItem { sku, location } in body::asked_for(&items, "items")? {
        let quantity = shop.find(
            "SELECT sum(quantity) FROM variants JOIN levels USING (variant_id)
             WHERE sku = ?1 AND location = ?2",
            [&**sku, &**location],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        if let Some(quantity) = quantity.flatten() {
            levels.push(json!({ "sku": &**sku, "location": &**location, "quantity": quantity }));
        }
    }
    Answer::success(200, &json!({ "levels": levels }))
}

/// Sets what lies at a location; the difference goes into the ledger.
pub(super) fn set(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: SetLevel = body::parse(&call.body)?;
    let SetLevel { product_sku: sku, location, quantity, sync_source } = &request;
    let parts = shop.list(
        "SELECT variants.variant_id, quantity, on_hand - held
         FROM variants LEFT JOIN levels ON levels.variant_id = variants.variant_id AND location = ?2
         WHERE sku = ?1 ORDER BY variants.variant_id",
        [&**sku, &**location],
        |row| Ok(Part { variant_id: row.get(0)?, here: row.get(1)?, available: row.get(2)? }),
    )?;
    let Some(first) = parts.first() else { return Err(products::unknown(sku).into()) };
    let delta = i64::from(*quantity) - parts.iter().filter_map(|part| part.here).sum::<i64>();
    let is_new = delta != 0 || parts.iter().all(|part| part.here.is_none());
    if delta >= 0 {
        adjust(shop, &first.variant_id, location, delta)?;
    } else {
        take(shop, &parts, location, -delta)?;
    }
    let answer = json!({ "product_sku": &**sku, "location": &**location, "quantity": quantity });
    let answer = Answer::success(200, &answer)?;
    let effect = format!("set {} at {} to {quantity} ({})", &**sku, &**location, &**sync_source);
    Ok(if is_new { answer.with_effect(effect) } else { answer })
}

/// Takes goods away, but none that are held.
fn take(shop: &Shop<'_>, parts: &[Part], location: &str, mut missing: i64) -> Result<(), Stop> {
    for part in parts {
        let taken = missing.min(part.here.unwrap_or(0)).min(part.available);
        if taken > 0 {
            adjust(shop, &part.variant_id, location, -taken)?;
            missing -= taken;
        }
    }
    if missing == 0 {
        return Ok(());
    }
    let message = format!("{missing} more than may be taken away are held for orders");
    Err(Refusal::new(409, "STOCK_HELD", message).with_details(json!({ "held_too_many": missing })).into())
}

fn adjust(shop: &Shop<'_>, variant_id: &str, location: &str, delta: i64) -> rusqlite::Result<()> {
    // Even when nothing is added: from now on the level is known.
    shop.shift_level(variant_id, location, delta)?;
    if delta == 0 {
        return Ok(());
    }
    shop.run("UPDATE variants SET on_hand = on_hand + ?2 WHERE variant_id = ?1", params![variant_id, delta])?;
    shop.run(
        "INSERT INTO adjustments (variant_id, delta, time) VALUES (?1, ?2, ?3)",
        params![variant_id, delta, shop.now],
    )?;
    Ok(())
}

pub(super) fn statistics(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    let counts = shop.find(
        "SELECT count(*), count(*) FILTER (WHERE total > 0)
         FROM (SELECT sum(quantity) AS total FROM variants JOIN levels USING (variant_id)
               GROUP BY sku, location)",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
    )?;
    let (levels, levels_in_stock) = counts.unwrap_or_default();
    Answer::success(200, &json!({ "levels": levels, "levels_in_stock": levels_in_stock }))
}
