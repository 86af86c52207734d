//! A revert puts back the price that a run has really written over, which need not be the one that it saw first.

use std::time::Duration;

use serde_json::{Value, json};
use tests::matrix::is;
use tests::prices::{PriceRun, PriceWorld, dearer};
use workflows::report::{Progress, StepStatus};

const ROWS: usize = 100;
const LAST: &str = "GEN-0000100";
/// Somebody else's price.
const OTHER: i64 = 777_000;

/// A shop that takes prices so, and the operation by which it does.
const SHOPS: [(&[&str], &str); 3] = [
    (&[], "prices.batch"),
    (&["--prices-batch=false"], "prices.set"),
    (&["--prices-batch=false", "--prices-compare=false"], "products.update"),
];

fn is_paused(progress: &Progress) -> bool {
    progress.step("process-batches").is_some_and(|step| step.status == StepStatus::Waiting)
}

/// Starts a run and pauses it behind its first look at all rows; `then` happens meanwhile.
async fn interrupted<'w>(
    world: &'w PriceWorld,
    operation: &str,
    rows: &[Value],
    mut more: Value,
    then: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<PriceRun<'w>> {
    more["batch_size"] = json!(5);
    more["max_per_second"] = json!(20);
    let run = world.start(json!(rows), more).await?;
    world.erp.world.shop.requested(operation).await?;
    run.pause("a call from the shop").await.map_err(anyhow::Error::msg)?;
    run.until("paused", is_paused).await?;
    then().await?;
    run.set_rate(None).await.map_err(anyhow::Error::msg)?;
    run.resume().await.map_err(anyhow::Error::msg)?;
    Ok(run)
}

/// The price of somebody else is written over, as that was asked for; taking the run back brings it back.
#[tokio::test]
async fn a_price_that_is_written_over_by_force_comes_back() -> anyhow::Result<()> {
    for (settings, operation) in SHOPS {
        let world = PriceWorld::with(settings).await?;
        world.fill(ROWS).await?;
        let rows = dearer(&world, ROWS).await?;
        let set = async || world.set(LAST, LAST, OTHER).await;
        let run = interrupted(&world, operation, &rows, json!({ "force": true }), set).await?;
        let summary = run.ended().await?.completed()?.summary;
        is("applied, failed", &(operation, summary.applied, summary.failed_updates), &(operation, 100, 0))?;
        is("the run's price", &world.price(LAST).await?, &rows[ROWS - 1]["new_price"].as_i64().unwrap_or(0))?;
        let dry = world.revert(&run.batch, true).await?.completed()?;
        is("would be restored", &(dry.restored, dry.changed_since), &(100, 0))?;
        let back = world.revert(&run.batch, false).await?.completed()?;
        is("restored", &(operation, back.restored, back.changed_since), &(operation, 100, 0))?;
        is("somebody's price", &(operation, world.price(LAST).await?), &(operation, OTHER))?;
        is("another price", &json!(dearer(&world, 99).await?), &json!(rows[..99]))?;
    }
    Ok(())
}

/// A list that knows better: its `old_price` was not the shop's at the first look, and is when the row's turn comes.
#[tokio::test]
async fn a_price_that_became_the_expected_one_comes_back() -> anyhow::Result<()> {
    for (settings, operation) in SHOPS {
        let world = PriceWorld::with(settings).await?;
        world.fill(ROWS).await?;
        let mut rows = dearer(&world, ROWS).await?;
        rows[ROWS - 1]["old_price"] = json!(OTHER);
        let set = async || world.set(LAST, LAST, OTHER).await;
        let run = interrupted(&world, operation, &rows, json!({}), set).await?;
        let summary = run.ended().await?.completed()?.summary;
        is("applied, failed", &(operation, summary.applied, summary.failed_updates), &(operation, 100, 0))?;
        let back = world.revert(&run.batch, false).await?.completed()?;
        is("restored", &(operation, back.restored, back.changed_since), &(operation, 100, 0))?;
        is("the price before", &(operation, world.price(LAST).await?), &(operation, OTHER))?;
    }
    Ok(())
}

/// A worker dies before it has told anything: what was sent is known by its marks, and a price that somebody has set
/// since is listed, not written over.
#[tokio::test]
async fn a_price_that_nobody_has_told_of_is_listed_when_somebody_has_changed_it() -> anyhow::Result<()> {
    let world = PriceWorld::without_worker().await?;
    world.fill(ROWS).await?;
    let rows = dearer(&world, ROWS).await?;
    let mut worker = world.spawn_worker(&[])?;
    let held = json!([{ "operation": "prices.batch", "kind": "hold_reply" }]);
    world.erp.world.shop.faults(held).await?;
    // The second batch is not due for five seconds.
    let run = world.start(json!(rows), json!({ "batch_size": 20, "max_per_second": 4 })).await?;
    while world.changes().await? < 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.kill()?;
    run.temporal_cancel().await?;
    world.erp.world.shop.mend().await?;
    let _worker = world.spawn_worker(&[])?;
    run.ended().await?;
    world.set("GEN-0000001", "GEN-0000001", OTHER).await?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored, changed since", &(back.restored, back.changed_since), &(19, 1))?;
    is("somebody's price", &world.price("GEN-0000001").await?, &OTHER)?;
    is("the others", &json!(dearer(&world, ROWS).await?[1..]), &json!(rows[1..]))
}
