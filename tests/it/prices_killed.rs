//! Twenty thousand prices, and a worker that is killed again and again while the shop fails and loses replies: each is
//! written once, and what the run says of itself is what stands in the shop's ledger.

use std::time::Duration;

use serde_json::json;
use tests::matrix::{is, requested};
use tests::prices::{PriceWorld, dearer};
use workflows::bulk_price_update::BatchResults;

const ROWS: usize = 20_000;
const KILLS: usize = 5;
/// Longer than three times the time after which Temporal gives a worker up: one that is killed sooner never gets on.
const BETWEEN: Duration = Duration::from_millis(6_500);
const LIMIT: Duration = Duration::from_secs(240);

#[tokio::test]
async fn twenty_thousand_prices_are_written_once_whatever_is_killed() -> anyhow::Result<()> {
    let world = PriceWorld::without_worker().await?;
    world.fill(ROWS).await?;
    let rows = dearer(&world, ROWS).await?;
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
    for _ in 0..KILLS {
        tokio::time::sleep(BETWEEN).await;
        worker.kill()?;
        worker = world.spawn_worker(&patient)?;
    }
    let result = run.ended_within(LIMIT).await?.completed()?;
    let summary = result.summary;
    is("applied", &summary.applied, &(ROWS as u64))?;
    is("failed", &(summary.failed_updates, summary.invalid, summary.unchanged), &(0, 0, 0))?;
    is("batches", &(summary.successful_batches, summary.failed_batches), &(ROWS as u64 / 100, 0))?;
    let wanted = json!({ "changes": ROWS, "variants": ROWS, "variants_changed_again": 0 });
    is("ledger", &world.ledger(&run).await?, &wanted)?;
    let BatchResults::Listed { count, list, .. } = result.batch_results else {
        anyhow::bail!("two hundred batches are inline")
    };
    is("listed", &(count, list.len()), &(200, 1))?;
    let look_ups = world.erp.world.shop.requests("prices.lookup").await?;
    println!("{look_ups} look-ups, {} events", run.events().await?);
    Ok(())
}
