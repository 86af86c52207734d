//! Twenty thousand prices, and a worker that is killed again and again while the shop fails and loses replies: each is
//! written once, and what the run says of itself is what stands in the shop's ledger.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde_json::json;
use tests::matrix::{is, requested};
use tests::prices::{PriceWorld, dearer};
use workflows::bulk_price_update::BatchResults;

const KILLS: u32 = 5;
/// Rows of a batch, by default.
const BATCH: usize = 100;
/// Longer than three times the time after which Temporal gives a worker up: one that is killed sooner never gets on.
const BETWEEN: Duration = Duration::from_millis(6_500);
const LIMIT: Duration = Duration::from_secs(600);

/// Rows: the long suite has more of them.
fn length() -> usize {
    if std::env::var_os("SUNFLOW_TEST_ALL").is_some() { 100_000 } else { 20_000 }
}

/// A moment of its own each time, up to a second. A failing test says how long they were.
fn random() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_micros(u64::from(now.subsec_nanos() % 1_000_003))
}

#[tokio::test]
async fn twenty_thousand_prices_are_written_once_whatever_is_killed() -> anyhow::Result<()> {
    let length = length();
    let world = PriceWorld::without_worker().await?;
    world.fill(length).await?;
    let rows = dearer(&world, length).await?;
    let fails = |operation: &str, kind: &str, seed: u32| json!({ "operation": operation, "kind": kind, "probability": 0.025, "seed": seed });
    let faults = json!([
        fails("prices.batch", "status", 1),
        fails("prices.batch", "reply_lost", 2),
        fails("prices.lookup", "status", 3),
    ]);
    world.erp.world.shop.faults(faults).await?;
    // The check of such a list takes its time beside everything else that is tested.
    let patient = ["--prices-patience=5m"];
    let mut worker = world.spawn_worker(&patient)?;
    let run = world.start_listed(&rows, json!({ "max_per_second": 500, "parallel": 2 })).await?;
    requested(&world.erp.world, "prices.batch", 1).await?;
    let mut pauses = Vec::new();
    for _ in 0..KILLS {
        let pause = BETWEEN + random();
        pauses.push(pause);
        tokio::time::sleep(pause).await;
        worker.kill()?;
        worker = world.spawn_worker(&patient)?;
    }
    let result = run.ended_within(LIMIT).await?.completed();
    let result = result.with_context(|| format!("killed after {pauses:?}"))?;
    let (summary, batches) = (result.summary, (length / BATCH) as u64);
    is("applied", &summary.applied, &(length as u64)).with_context(|| format!("killed after {pauses:?}"))?;
    is("failed", &(summary.failed_updates, summary.invalid, summary.unchanged), &(0, 0, 0))?;
    is("batches", &(summary.successful_batches, summary.failed_batches), &(batches, 0))?;
    let wanted = json!({ "changes": length, "variants": length, "variants_changed_again": 0 });
    is("ledger", &world.ledger(&run).await?, &wanted)?;
    let BatchResults::Listed { count, list, .. } = result.batch_results else {
        anyhow::bail!("{batches} batches are inline")
    };
    is("listed", &(count, list.len()), &(batches, 1))?;
    let look_ups = world.erp.world.shop.requests("prices.lookup").await?;
    println!("{look_ups} look-ups, {} events", run.events().await?);
    Ok(())
}
