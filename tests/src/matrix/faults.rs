//! The faults that strike an operation, and whether they have.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Deserialize;
use serde_json::{Value, json};

use super::is;
use crate::shop::Shop;
use crate::world::{LIMIT, World};

/// A fault at an operation, as the sandbox takes it.
pub type Fault = fn(&str) -> Value;

/// Everything that passes, one after the other.
pub const PASSING: [Fault; 4] = [down_twice, rate_limited, reply_lost, garbled];

/// The operation answers with an error twice, slowly, and then takes its time: by then no step is tried locally, where
/// a cancel would be heard late.
pub const SLOW_THIRD: [Fault; 2] = [down_twice, |operation| slow(operation, 1_500)];

/// The operation answers with an error twice.
#[must_use]
pub fn down_twice(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 503, "count": 2 })
}

/// The operation is forbidden twice.
#[must_use]
pub fn forbidden_twice(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 403, "count": 2 })
}

/// The operation asks to slow down once.
#[must_use]
pub fn rate_limited(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "rate_limit", "count": 1 })
}

/// The operation has its effect, and its first reply does not arrive.
#[must_use]
pub fn reply_lost(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "reply_lost", "count": 1 })
}

/// The first answer is cut off in the middle, after its effect.
#[must_use]
pub fn garbled(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "malformed", "count": 1 })
}

/// The operation asks to slow down for ever.
#[must_use]
pub fn put_off(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "rate_limit" })
}

/// The operation answers with an error for ever.
#[must_use]
pub fn down(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status" })
}

/// The operation refuses for good.
#[must_use]
pub fn refused(operation: &str, status: u16) -> Value {
    json!({ "operation": operation, "kind": "status", "status": status })
}

/// The operation refuses for good, by the status of a request that is understood and not taken.
#[must_use]
pub fn refused_for_good(operation: &str) -> Value {
    refused(operation, 422)
}

/// The operation takes its time.
#[must_use]
pub fn slow(operation: &str, latency_ms: u64) -> Value {
    json!({ "operation": operation, "kind": "latency", "latency_ms": latency_ms })
}

/// Withholds every reply until the faults are set anew. The effect happens even if the caller dies meanwhile.
#[must_use]
pub fn reply_held(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "hold_reply" })
}

/// Waits until an operation was requested so many times.
pub async fn requested(world: &World, operation: &str, times: u64) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    while world.shop.requests(operation).await? < times {
        ensure!(Instant::now() < until, "{operation} was not requested {times} times");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A fault with its hits so far, as the sandbox shows it.
#[derive(Deserialize)]
struct Shown {
    operation: String,
    kind: String,
    /// How often it strikes at most; `None`: whenever it can.
    count: Option<u64>,
    hits: u64,
}

async fn shown(shop: &Shop, operation: &str) -> anyhow::Result<Vec<Shown>> {
    let mut shown: Vec<Shown> = serde_json::from_value(shop.get("faults").await?)?;
    shown.retain(|fault| fault.operation == operation);
    Ok(shown)
}

/// Waits until the last of the faults at an operation strikes, behind all that those before it fail.
pub(super) async fn last_has_struck(shop: &Shop, operation: &str) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some((last, before)) = shown(shop, operation).await?.split_last()
            && last.hits > before.iter().filter_map(|fault| fault.count).sum::<u64>()
        {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{operation} was not asked for often enough");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether every fault at an operation has struck as often as it can, and the operation was asked for once more behind
/// those that pass.
///
/// An effect that is looked up is not asked for again when its reply was lost: the faults behind that are left over.
pub(super) async fn all_have_struck(shop: &Shop, operation: &str, is_looked_up: bool) -> anyhow::Result<()> {
    let mut in_vain = 0;
    for Shown { kind, count, hits, .. } in shown(shop, operation).await? {
        let Some(count) = count else {
            ensure!(hits > 0, "{kind} has not struck");
            return Ok(());
        };
        is(&format!("how often {kind} has struck"), &hits, &count)?;
        if is_looked_up && matches!(kind.as_str(), "reply_lost" | "malformed") {
            break;
        }
        in_vain += hits;
    }
    let requests = shop.requests(operation).await?;
    ensure!(requests > in_vain, "{operation} was asked for {requests} times, {in_vain} of them in vain");
    Ok(())
}
