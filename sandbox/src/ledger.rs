//! The ledger of prices: every change since a variant was made, with the request that made it.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;

use crate::answer::{Refusal, Stop};
use crate::call::Call;
use crate::clock;
use crate::money::Major;
use crate::paging;
use crate::shop::Shop;

const LINES_MAX: u32 = 10_000;

/// A variant and its price, in minor units.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub(crate) variant_id: String,
    pub(crate) price: i64,
    pub(crate) currency: String,
    pub(crate) cost: Option<i64>,
}

/// The request that changes a price, and its reasons.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause<'a> {
    pub(crate) operation: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) effective_date: Option<&'a str>,
}

impl<'a> Cause<'a> {
    /// The call, which gives no reasons.
    pub(crate) fn call(call: &'a Call) -> Self {
        let (operation, key) = (call.operation.name(), call.key.as_deref());
        Self { operation, key, reason: None, effective_date: None }
    }
}

impl Shop<'_> {
    /// The variants of a product, by id.
    pub(crate) fn priced(&self, sku: &str) -> rusqlite::Result<Vec<Priced>> {
        self.list(
            "SELECT variant_id, price, currency, cost FROM variants WHERE sku = ?1 ORDER BY variant_id",
            [sku],
            |row| {
                let (variant_id, price) = (row.get(0)?, row.get(1)?);
                Ok(Priced { variant_id, price, currency: row.get(2)?, cost: row.get(3)? })
            },
        )
    }

    /// Sets the price of a variant and says whether it was another one.
    pub(crate) fn set_price(
        &self,
        sku: &str,
        variant: &Priced,
        (price, currency): (i64, &str),
        cause: Cause<'_>,
    ) -> rusqlite::Result<bool> {
        if (variant.price, variant.currency.as_str()) == (price, currency) {
            return Ok(false);
        }
        self.run(
            "UPDATE variants SET price = ?2, currency = ?3 WHERE variant_id = ?1",
            params![variant.variant_id, price, currency],
        )?;
        self.run(
            "INSERT INTO price_changes (sku, variant_id, old_price, old_currency, price, currency,
                                        operation, key, reason, effective_date, time)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                sku,
                variant.variant_id,
                variant.price,
                variant.currency,
                price,
                currency,
                cause.operation,
                cause.key,
                cause.reason,
                cause.effective_date,
                self.now,
            ],
        )?;
        Ok(true)
    }
}

/// One change of one price.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    id: i64,
    sku: String,
    variant_id: String,
    old_price: Major,
    old_currency: String,
    price: Major,
    currency: String,
    operation: String,
    idempotency_key: Option<String>,
    reason: Option<String>,
    effective_date: Option<String>,
    time: String,
}

/// A page of the ledger: of one SKU or all, of keys that begin so or all, in the order of time.
pub(crate) fn page(shop: &Shop<'_>, query: &BTreeMap<String, String>) -> Result<Vec<Change>, Stop> {
    paging::only(query, &["sku", "key_prefix", "after", "limit"])?;
    let limit = paging::limit(query, LINES_MAX)?;
    let after: i64 = match query.get("after").map(|after| after.parse()) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(Refusal::invalid("after", "must be the id of a line").into()),
    };
    let lines = shop.list(
        "SELECT id, sku, variant_id, old_price, old_currency, price, currency, operation, key, reason,
                effective_date, time
         FROM price_changes
         WHERE id > ?1 AND (?2 IS NULL OR sku = ?2) AND (?3 IS NULL OR substr(key, 1, length(?3)) = ?3)
         ORDER BY id LIMIT ?4",
        params![after, query.get("sku"), query.get("key_prefix"), limit],
        |row| {
            let (old_currency, currency): (String, String) = (row.get(4)?, row.get(6)?);
            Ok(Change {
                id: row.get(0)?,
                sku: row.get(1)?,
                variant_id: row.get(2)?,
                old_price: Major::new(row.get(3)?, &old_currency),
                old_currency,
                price: Major::new(row.get(5)?, &currency),
                currency,
                operation: row.get(7)?,
                idempotency_key: row.get(8)?,
                reason: row.get(9)?,
                effective_date: row.get(10)?,
                time: clock::text(row.get(11)?),
            })
        },
    )?;
    Ok(lines)
}

/// The ledger in figures.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    changes: i64,
    variants: i64,
    /// Variants whose price was changed more than once.
    variants_changed_again: i64,
}

/// Counts the changes made under keys that begin so, or all.
pub(crate) fn summary(shop: &Shop<'_>, query: &BTreeMap<String, String>) -> Result<Summary, Stop> {
    paging::only(query, &["key_prefix"])?;
    let counts = shop.find(
        "SELECT coalesce(sum(times), 0), count(*), count(*) FILTER (WHERE times > 1)
         FROM (SELECT count(*) AS times FROM price_changes
               WHERE ?1 IS NULL OR substr(key, 1, length(?1)) = ?1 GROUP BY variant_id)",
        [query.get("key_prefix")],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (changes, variants, variants_changed_again) = counts.unwrap_or_default();
    Ok(Summary { changes, variants, variants_changed_again })
}
