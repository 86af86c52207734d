//! The log of requests and effects: who asked what how often, and what came of it.

use rusqlite::params;
use serde::Serialize;

use crate::answer::Stop;
use crate::call::Call;
use crate::clock;
use crate::shop::Shop;

/// One line of the effects log.
#[derive(Debug, Serialize)]
pub(crate) struct EffectLine {
    operation: String,
    idempotency_key: Option<String>,
    attempts: i64,
    effect: String,
    time: String,
    order_id: Option<String>,
}

/// Counts the request; for an effect-bearing one, opens its line in the log and says which.
///
/// Requests with one key share a line until a second effect happens under it.
pub(crate) fn arrived(shop: &Shop<'_>, call: &Call, order_id: Option<&str>) -> rusqlite::Result<Option<i64>> {
    let operation = call.operation.name();
    shop.run(
        "INSERT INTO requests (operation, count) VALUES (?1, 1)
         ON CONFLICT (operation) DO UPDATE SET count = count + 1",
        [operation],
    )?;
    if !call.operation.has_effect() {
        return Ok(None);
    }
    if let Some(key) = &call.key {
        shop.run(
            "INSERT INTO attempts (operation, key, count) VALUES (?1, ?2, 1)
             ON CONFLICT (operation, key) DO UPDATE SET count = count + 1",
            [operation, key],
        )?;
        let line = shop.find(
            "SELECT id FROM effects WHERE operation = ?1 AND key = ?2 ORDER BY id LIMIT 1",
            [operation, key],
            |row| row.get(0),
        )?;
        if line.is_some() {
            return Ok(line);
        }
    }
    open_line(shop, call, order_id).map(Some)
}

/// Writes what the request changed into its line, or into a new one when that line is taken.
pub(crate) fn happened(shop: &Shop<'_>, call: &Call, line: i64, effect: &str) -> Result<(), Stop> {
    let fill = "UPDATE effects SET effect = ?2, time = ?3 WHERE id = ?1 AND effect IS NULL";
    if shop.run(fill, params![line, effect, shop.now])? == 0 {
        let order_id = call.order_id(shop)?;
        let line = open_line(shop, call, order_id.as_deref())?;
        shop.run(fill, params![line, effect, shop.now])?;
    }
    Ok(())
}

fn open_line(shop: &Shop<'_>, call: &Call, order_id: Option<&str>) -> rusqlite::Result<i64> {
    shop.run(
        "INSERT INTO effects (operation, key, order_id, time) VALUES (?1, ?2, ?3, ?4)",
        params![call.operation.name(), call.key, order_id, shop.now],
    )?;
    Ok(shop.last_row_id())
}

/// The log, of one order or of all.
pub(crate) fn log(shop: &Shop<'_>, order_id: Option<&str>) -> rusqlite::Result<Vec<EffectLine>> {
    shop.list(
        "SELECT effects.operation, effects.key, coalesce(attempts.count, 1), effect, time, order_id
         FROM effects LEFT JOIN attempts USING (operation, key)
         WHERE ?1 IS NULL OR order_id = ?1
         ORDER BY effects.id",
        [order_id],
        |row| {
            Ok(EffectLine {
                operation: row.get(0)?,
                idempotency_key: row.get(1)?,
                attempts: row.get(2)?,
                effect: row.get::<_, Option<String>>(3)?.unwrap_or_else(|| "none".to_owned()),
                time: clock::text(row.get(4)?),
                order_id: row.get(5)?,
            })
        },
    )
}
