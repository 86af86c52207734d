//! Batches that are written in parts: beside others, over two activities, over the death of a worker; and a worker that
//! was cut off.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::matrix::{down, is};
use tests::prices::{PriceWorld, dearer};
use tests::proxy::Proxy;
use workflows::bulk_price_update::BatchResults;
use workflows::report::StepStatus;

/// Waits for so many changes.
async fn changes(world: &PriceWorld, wanted: i64) -> anyhow::Result<Instant> {
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        let found = world.changes().await?;
        if found >= wanted {
            return Ok(Instant::now());
        }
        anyhow::ensure!(Instant::now() < limit, "{found} changes in place of {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One of four batches that are written at the same time is not answered, and the run is cancelled: what the others
/// have written is told.
#[tokio::test]
async fn rows_behind_a_gap_are_told_when_a_run_is_cancelled() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(40).await?;
    let rows = dearer(&world, 40).await?;
    let shop = &world.erp.world.shop;
    let once = json!({ "operation": "prices.batch", "kind": "status", "status": 503, "count": 1 });
    shop.faults(json!([once, down("prices.set")])).await?;
    let run = world.start(json!(rows), json!({ "batch_size": 10, "parallel": 4 })).await?;
    changes(&world, 30).await?;
    shop.faults(json!([down("prices.batch"), down("prices.set")])).await?;
    run.cancel("the shop is odd", false).await.map_err(anyhow::Error::msg)?;
    let result = run.ended().await?.completed()?;
    is("changes", &world.changes().await?, &30)?;
    is("applied", &result.summary.applied, &30)?;
    is("batches", &(result.summary.successful_batches, result.summary.failed_batches), &(3, 0))?;
    let BatchResults::Inline(batches) = result.batch_results else { anyhow::bail!("they are few") };
    let told: Vec<usize> = batches.iter().map(|batch| batch.results.len()).collect();
    is("rows of each batch", &told, &[10, 10, 10])?;
    shop.mend().await?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since), &(30, 0))
}

/// The same, but the run goes on: no row is written or told twice.
#[tokio::test]
async fn a_gap_is_filled_and_nothing_is_told_twice() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(80).await?;
    let rows = dearer(&world, 80).await?;
    let shop = &world.erp.world.shop;
    let once = json!({ "operation": "prices.batch", "kind": "status", "status": 503, "count": 1 });
    shop.faults(json!([once, down("prices.set")])).await?;
    let run = world.start(json!(rows), json!({ "batch_size": 10, "parallel": 4 })).await?;
    changes(&world, 30).await?;
    shop.faults(json!([down("prices.batch"), down("prices.set")])).await?;
    run.pause("the shop is odd").await.map_err(anyhow::Error::msg)?;
    run.until("paused", |progress| {
        progress.step("process-batches").is_some_and(|step| step.status == StepStatus::Waiting)
    })
    .await?;
    shop.mend().await?;
    run.resume().await.map_err(anyhow::Error::msg)?;
    let result = run.ended().await?.completed()?;
    is("applied", &(result.summary.applied, result.summary.total_processed), &(80, 80))?;
    is("batches", &(result.summary.successful_batches, result.summary.failed_batches), &(8, 0))?;
    let ledger = world.ledger(&run).await?;
    is("ledger", &ledger, &json!({ "changes": 80, "variants": 80, "variants_changed_again": 0 }))?;
    let BatchResults::Inline(batches) = result.batch_results else { anyhow::bail!("they are few") };
    for (number, batch) in (1..).zip(&batches) {
        let lines: Vec<u64> = batch.results.iter().map(|row| row.line).collect();
        let wanted: Vec<u64> = (number * 10 - 9..=number * 10).collect();
        is("lines of a batch", &(batch.batch_number, lines), &(number, wanted))?;
    }
    Ok(())
}

/// The first part of a batch is written; the rest meets somebody else's prices, in another activity.
#[tokio::test]
async fn a_batch_that_is_told_in_two_stretches_has_not_failed() -> anyhow::Result<()> {
    let world = PriceWorld::with(&["--prices-batch=false"]).await?;
    world.fill(20).await?;
    let rows = dearer(&world, 20).await?;
    let run = world.start(json!(rows), json!({ "batch_size": 20, "max_per_second": 5 })).await?;
    changes(&world, 3).await?;
    run.pause("a call from the shop").await.map_err(anyhow::Error::msg)?;
    run.until("paused", |progress| {
        progress.step("process-batches").is_some_and(|step| step.status == StepStatus::Waiting)
    })
    .await?;
    let written = world.changes().await?;
    assert!((3..20).contains(&written), "{written} were written");
    for row in &rows[usize::try_from(written)?..] {
        let sku = row["sku"].as_str().unwrap_or_default();
        world.set(sku, sku, 777_000).await?;
    }
    run.resume().await.map_err(anyhow::Error::msg)?;
    let summary = run.ended().await?.completed()?.summary;
    let written = u64::try_from(written)?;
    is("applied, conflicts", &(summary.applied, summary.conflicts), &(written, 20 - written))?;
    is("batches", &(summary.successful_batches, summary.failed_batches), &(1, 0))
}

/// A worker dies right behind a batch, in the middle of a group: the next attempt owes the time of what was sent.
#[tokio::test]
async fn a_rate_is_kept_over_the_death_of_a_worker() -> anyhow::Result<()> {
    const RATE: u32 = 3;
    const BATCH: u32 = 24;
    // The batches alone take sixteen seconds, two deaths as much again on a busy machine.
    const PATIENT: &[&str] = &["--prices-patience=2m"];
    let world = PriceWorld::without_worker().await?;
    world.fill(72).await?;
    let rows = dearer(&world, 72).await?;
    let mut worker = world.spawn_worker(PATIENT)?;
    let begun = Instant::now();
    let run = world.start(json!(rows), json!({ "batch_size": BATCH, "max_per_second": RATE })).await?;
    changes(&world, BATCH.into()).await?;
    for batch in [2, 3] {
        worker.kill()?;
        worker = world.spawn_worker(PATIENT)?;
        let passed = changes(&world, (batch * BATCH).into()).await?.duration_since(begun);
        // A batch of 24 at 3 a second is worth eight seconds; a worker is missed after two. Only the earliest time is
        // a promise: a machine that is busy makes every batch later, and none earlier. A tenth is for the clocks.
        let earliest = Duration::from_millis(u64::from((batch - 1) * BATCH / RATE) * 1_000 - 100);
        anyhow::ensure!(passed >= earliest, "batch {batch} was written {passed:?} after the start");
    }
    is("applied", &run.ended().await?.completed()?.summary.applied, &72)?;
    is("twice", &world.ledger(&run).await?["variants_changed_again"], &json!(0))
}

/// A worker that was cut off hears neither that its attempt is over nor that the run was taken back, and goes on.
#[tokio::test]
async fn a_worker_that_was_cut_off_writes_nothing_once_its_run_is_taken_back() -> anyhow::Result<()> {
    for settings in [&[][..], &["--prices-batch=false"]] {
        let world = PriceWorld::without_worker().await?;
        world.fill(800).await?;
        let rows = dearer(&world, 800).await?;
        let proxy = Proxy::before(world.erp.world.address()).await?;
        let through = format!("--address={}", proxy.address);
        let _cut_off = world.spawn_worker(&[settings, &[through.as_str()][..]].concat())?;
        let run = world.start_listed(&rows, json!({ "batch_size": 20, "max_per_second": 10 })).await?;
        changes(&world, 20).await?;
        proxy.is_away(true);
        let _other = world.spawn_worker(settings)?;
        run.cancel("wrong list", false).await.map_err(anyhow::Error::msg)?;
        run.ended().await?.completed()?;
        let back = world.revert(&run.batch, false).await?.completed()?;
        assert!(back.restored >= 20, "{} were restored", back.restored);
        let written = world.changes().await?;
        // Time for two more batches.
        tokio::time::sleep(Duration::from_secs(5)).await;
        is("changes", &world.changes().await?, &written)?;
        is("prices", &json!(dearer(&world, 800).await?), &json!(rows))?;
    }
    Ok(())
}
