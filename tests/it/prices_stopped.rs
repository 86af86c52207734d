//! Runs that stop on their way: between two batches, or between two attempts while the shop is away. They tell all that
//! they have written, and nobody else's price counts as theirs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::matrix::{down, is, refused};
use tests::prices::{PriceRun, PriceWorld, dearer};
use workflows::report::{Progress, StepStatus};

/// Rows a second: slow enough to be stopped in the middle.
const SLOW: u32 = 20;
const ROWS: usize = 100;
const LAST: &str = "GEN-0000100";

fn is_paused(progress: &Progress) -> bool {
    progress.step("process-batches").is_some_and(|step| step.status == StepStatus::Waiting)
}

fn slow() -> Value {
    json!({ "batch_size": 5, "max_per_second": SLOW })
}

/// A shop, and rows that change each of its prices.
async fn filled() -> anyhow::Result<(PriceWorld, Vec<Value>)> {
    let world = PriceWorld::new().await?;
    world.fill(ROWS).await?;
    let rows = dearer(&world, ROWS).await?;
    Ok((world, rows))
}

/// Pauses a run after some batches.
async fn pause(world: &PriceWorld, run: &PriceRun<'_>) -> anyhow::Result<()> {
    let seen = world.erp.world.shop.requests("prices.batch").await?;
    world.erp.world.shop.requested_again("prices.batch", seen).await?;
    run.pause("a call from the shop").await.map_err(anyhow::Error::msg)?;
    run.until("paused", is_paused).await.map(drop)
}

async fn resume(run: &PriceRun<'_>) -> anyhow::Result<()> {
    run.set_rate(None).await.map_err(anyhow::Error::msg)?;
    run.resume().await.map(drop).map_err(anyhow::Error::msg)
}

/// The shop goes away when some batches are written; returns when an attempt has failed for it.
async fn goes_away(world: &PriceWorld, run: &PriceRun<'_>) -> anyhow::Result<()> {
    world.erp.world.shop.requested_again("prices.batch", 2).await?;
    let away = ["prices.batch", "prices.set", "prices.lookup"].map(down);
    world.erp.world.shop.faults(json!(away)).await?;
    let until = Instant::now() + Duration::from_secs(20);
    while run.pending_failures().await?.is_empty() {
        anyhow::ensure!(Instant::now() < until, "no attempt has failed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn wanted(rows: &[Value], row: usize) -> i64 {
    rows[row]["new_price"].as_i64().unwrap_or_default()
}

fn old(rows: &[Value], row: usize) -> i64 {
    rows[row]["old_price"].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn a_run_is_taken_back_without_the_prices_of_the_run_after_it() -> anyhow::Result<()> {
    let (world, rows) = filled().await?;
    let first = world.start(json!(rows), slow()).await?;
    world.erp.world.shop.requested("prices.batch").await?;
    first.cancel("wrong speed", false).await.map_err(anyhow::Error::msg)?;
    let applied = first.ended().await?.completed()?.summary.applied;
    assert!((1..100).contains(&applied), "{applied} were written");
    let second = world.run(json!(rows), json!({})).await?.completed()?;
    is("the second run", &(second.summary.applied, second.summary.unchanged), &(100 - applied, applied))?;

    let dry = world.revert(&first.batch, true).await?.completed()?;
    is("would be restored", &(dry.restored, dry.changed_since), &(applied, 0))?;
    let back = world.revert(&first.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since), &(applied, 0))?;
    is("a price of the second run", &world.price(LAST).await?, &wanted(&rows, ROWS - 1))?;
    is("a price of the first run", &world.price("GEN-0000001").await?, &old(&rows, 0))
}

#[tokio::test]
async fn a_price_that_somebody_sets_while_a_run_pauses_is_not_the_runs() -> anyhow::Result<()> {
    let (world, rows) = filled().await?;
    let run = world.start(json!(rows), slow()).await?;
    pause(&world, &run).await?;
    world.set(LAST, LAST, wanted(&rows, ROWS - 1)).await?;
    resume(&run).await?;
    let summary = run.ended().await?.completed()?.summary;
    is("applied, unchanged", &(summary.applied, summary.unchanged), &(99, 1))?;
    is("ledger", &world.ledger(&run).await?["changes"], &json!(99))?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since), &(99, 0))?;
    is("somebody's price", &world.price(LAST).await?, &wanted(&rows, ROWS - 1))
}

/// The price is the wanted one when its group is first looked at, and the old one again when its turn comes.
#[tokio::test]
async fn a_price_that_somebody_sets_back_while_a_run_pauses_is_written() -> anyhow::Result<()> {
    let (world, rows) = filled().await?;
    let slow_look =
        json!([{ "operation": "prices.lookup", "kind": "latency", "latency_ms": 1_500, "count": 1 }]);
    world.erp.world.shop.faults(slow_look).await?;
    let run = world.start(json!(rows), slow()).await?;
    world.erp.world.shop.requested("prices.lookup").await?;
    run.pause("before the first price").await.map_err(anyhow::Error::msg)?;
    run.until("paused", is_paused).await?;
    world.set(LAST, LAST, wanted(&rows, ROWS - 1)).await?;
    run.resume().await.map_err(anyhow::Error::msg)?;
    pause(&world, &run).await?;
    world.set(LAST, LAST, old(&rows, ROWS - 1)).await?;
    resume(&run).await?;
    let summary = run.ended().await?.completed()?.summary;
    is("applied, unchanged", &(summary.applied, summary.unchanged), &(100, 0))?;
    is("the price", &world.price(LAST).await?, &wanted(&rows, ROWS - 1))?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since), &(100, 0))?;
    is("the price before", &world.price(LAST).await?, &old(&rows, ROWS - 1))
}

#[tokio::test]
async fn a_run_that_is_cancelled_while_the_shop_is_away_tells_what_it_wrote() -> anyhow::Result<()> {
    let (world, rows) = filled().await?;
    let run = world.start(json!(rows), slow()).await?;
    goes_away(&world, &run).await?;
    run.cancel("the shop is away", false).await.map_err(anyhow::Error::msg)?;
    let result = run.ended().await?.completed()?;
    is("outcome", &result.outcome.as_str(), &"cancelled")?;
    world.erp.world.shop.mend().await?;
    let changes = world.changes().await?;
    assert!((10..100).contains(&changes), "{changes} were written");
    is("applied", &i64::try_from(result.summary.applied)?, &changes)
}

#[tokio::test]
async fn a_price_that_was_written_before_the_shop_went_away_is_not_written_again() -> anyhow::Result<()> {
    let (world, rows) = filled().await?;
    let run = world.start(json!(rows), slow()).await?;
    goes_away(&world, &run).await?;
    run.pause("the shop is away").await.map_err(anyhow::Error::msg)?;
    run.until("paused", is_paused).await?;
    world.erp.world.shop.mend().await?;
    world.set("GEN-0000005", "GEN-0000005", old(&rows, 4)).await?;
    resume(&run).await?;
    let summary = run.ended().await?.completed()?.summary;
    is("applied", &(summary.applied, summary.failed_updates), &(100, 0))?;
    is("ledger", &world.ledger(&run).await?["changes"], &json!(100))?;
    is("somebody's price", &world.price("GEN-0000005").await?, &old(&rows, 4))
}

/// A run's patience begins with its last progress: a shop that stays away ends it.
#[tokio::test]
async fn a_shop_that_stays_away_ends_a_run_in_its_middle() -> anyhow::Result<()> {
    let world = PriceWorld::with(&["--prices-patience=4s"]).await?;
    world.fill(ROWS).await?;
    let rows = dearer(&world, ROWS).await?;
    let run = world.start(json!(rows), slow()).await?;
    goes_away(&world, &run).await?;
    let (message, _) = run.ended().await?.failed_as("StepFailed")?;
    assert!(message.contains("process-batches"), "{message}");
    Ok(())
}

/// A firewall before the shop dislikes one price, or the shop is away for a moment: the others are put back.
#[tokio::test]
async fn one_price_that_is_not_taken_does_not_hold_up_a_revert() -> anyhow::Result<()> {
    for (fault, failed) in [(403, 1), (503, 0), (429, 0)] {
        let (world, rows) = filled().await?;
        let run = world.start(json!(rows), json!({})).await?;
        run.ended().await?.completed()?;
        let mut once = refused("prices.set", fault);
        once["count"] = json!(1);
        world.erp.world.shop.faults(json!([once])).await?;
        let back = world.revert(&run.batch, false).await?.completed()?;
        is("restored, failed", &(fault, back.restored, back.failed), &(fault, 100 - failed, failed))?;
    }
    Ok(())
}

/// After a cancel that puts prices back, and after a revert that nobody remembers, another one would put back prices
/// that were set anew since.
#[tokio::test]
async fn a_run_is_taken_back_once() -> anyhow::Result<()> {
    for by_its_own_run in [true, false] {
        let (world, rows) = filled().await?;
        let run = world.start(json!(rows), slow()).await?;
        world.erp.world.shop.requested("prices.batch").await?;
        run.cancel("wrong list", by_its_own_run).await.map_err(anyhow::Error::msg)?;
        run.ended().await?.completed()?;
        if !by_its_own_run {
            world.revert(&run.batch, false).await?.completed()?;
        }
        world.run(json!(rows), json!({})).await?.completed()?;
        let changes = world.changes().await?;
        let (message, _) = world.revert(&run.batch, false).await?.failed_as("RevertedBefore")?;
        assert!(message.contains("that is final"), "{message}");
        is("changes", &world.changes().await?, &changes)?;
    }
    Ok(())
}
