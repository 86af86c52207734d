//! The fault matrix of price runs: each call of each step under each fault. [`table`] says what each cell leads to.
//!
//! A run has thirty rows, each of which changes a price. Every cell ends with the same question to the shop's ledger:
//! was any price written twice?

mod table;

use std::fmt;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::matrix::{
    SIDE_BY_SIDE, column, down_twice, effected, garbled, is, rate_limited, refused, reply_held, reply_lost,
    requested, slow,
};
use tests::prices::{PriceRun, PriceWorld, dearer};
use tests::world::LIMIT;
use workflows::bulk_price_update::BulkUpdateResult;

use table::{Call, Cells, Ends, ROWS};

/// Rows of a run.
const PRODUCTS: usize = 30;
/// Rows of a batch.
const BATCH: u64 = 10;

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)
    }
}

fn calls() -> impl Iterator<Item = Call> {
    ROWS.iter().filter_map(|row| match &row.cells {
        Cells::Call(call) => Some(*call),
        Cells::Nothing => None,
    })
}

async fn filled(settings: &[&str]) -> anyhow::Result<(PriceWorld, Vec<Value>)> {
    let world = PriceWorld::with(settings).await?;
    let rows = fill(&world).await?;
    Ok((world, rows))
}

async fn fill(world: &PriceWorld) -> anyhow::Result<Vec<Value>> {
    world.fill(PRODUCTS).await?;
    dearer(world, PRODUCTS).await
}

/// Starts a run under these faults.
async fn meets<'w>(world: &'w PriceWorld, rows: &[Value], faults: Value) -> anyhow::Result<PriceRun<'w>> {
    world.erp.world.shop.faults(faults).await?;
    world.start(json!(rows), json!({ "batch_size": BATCH })).await
}

/// Whether a cell ended as it should, and the books with it.
async fn books(world: &PriceWorld, run: &PriceRun<'_>, expected: Ends) -> anyhow::Result<()> {
    let ended = run.ended_within(LIMIT).await?;
    let said = |result: &BulkUpdateResult| (result.summary.applied, result.summary.failed_updates);
    let written = match (expected, &ended) {
        (Ends::Whole, Ended::Completed(result)) if result.success => {
            is("rows", &said(result), &(PRODUCTS as u64, 0))?;
            PRODUCTS as u64
        }
        (Ends::Failed(step), Ended::Failed { kind, report, .. }) => {
            is("type", &kind.as_str(), &"StepFailed")?;
            let status = report.step(step).map(|step| step.status);
            is(step, &status, &Some(workflows::report::StepStatus::Failed))?;
            0
        }
        (Ends::Cancelled { most }, Ended::Canceled(_)) => {
            let written = world.changes().await?.unsigned_abs();
            ensure!((BATCH.min(most)..=most).contains(&written) && written % BATCH == 0, "{written} prices");
            written
        }
        (expected, ended) => anyhow::bail!("{ended:?}, not {expected:?}"),
    };
    let ledger = world.ledger(run).await?;
    is("ledger", &ledger["changes"], &json!(written))?;
    is("twice", &ledger["variants_changed_again"], &json!(0))?;
    world.erp.world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn each_call_refused() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let (world, rows) = filled(&[]).await?;
        let run = meets(&world, &rows, json!([refused(call.operation, 422)])).await?;
        books(&world, &run, call.refused).await
    })
    .await
}

#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let (world, rows) = filled(&[]).await?;
        if !call.needs_keys {
            world.erp.world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        }
        let faults = [down_twice, rate_limited, reply_lost, garbled].map(|fault| fault(call.operation));
        let run = meets(&world, &rows, json!(faults)).await?;
        books(&world, &run, Ends::Whole).await?;
        let met = world.erp.world.shop.get("faults").await?;
        for fault in met.as_array().context("the faults are no list")? {
            is(&format!("met {}", fault["kind"]), &fault["hits"], &fault["count"])?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let world = PriceWorld::without_worker().await?;
        let rows = fill(&world).await?;
        let mut worker = world.spawn_worker(&[])?;
        let run = meets(&world, &rows, json!([reply_held(call.operation)])).await?;
        effected(&world.erp.world, call.operation).await?;
        worker.kill()?;
        world.erp.world.shop.mend().await?;
        let _worker = world.spawn_worker(&[])?;
        books(&world, &run, Ends::Whole).await
    })
    .await
}

#[tokio::test]
async fn each_call_cancelled_under_way() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let (world, rows) = filled(&[]).await?;
        let run = meets(&world, &rows, json!([slow(call.operation, 1_500)])).await?;
        requested(&world.erp.world, call.operation, 1).await?;
        run.temporal_cancel().await?;
        books(&world, &run, call.cancelled).await
    })
    .await
}

#[tokio::test]
async fn each_call_down_for_good() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let world = PriceWorld::without_worker().await?;
        let rows = fill(&world).await?;
        let _worker = world.spawn_worker(&["--prices-patience=3s", "--notice-patience=3s"])?;
        let down = json!([{ "operation": call.operation, "kind": "status" }]);
        let run = meets(&world, &rows, down).await?;
        books(&world, &run, call.down).await
    })
    .await
}

/// A token that is refused, or a path that is missing, does not fail a row: the run waits and names what mends it.
#[tokio::test]
async fn a_setting_that_is_wrong_holds_the_run_up_and_is_named() -> anyhow::Result<()> {
    for (status, said) in
        [(401, "SUN_ECOMMERCE_API_TOKEN"), (403, "SUN_ECOMMERCE_API_TOKEN"), (404, "SUN_ECOMMERCE_API_URL")]
    {
        let (world, rows) = filled(&[]).await?;
        let refusals = ["prices.batch", "prices.set"].map(|operation| refused(operation, status));
        let run = meets(&world, &rows, json!(refusals)).await?;
        requested(&world.erp.world, "prices.batch", 2).await?;
        let failures = run.pending_failures().await?;
        ensure!(failures.iter().any(|failure| failure.contains(said)), "{status}: {failures:?}");
        world.erp.world.shop.mend().await?;
        books(&world, &run, Ends::Whole).await?;
    }
    Ok(())
}

/// A firewall before the shop dislikes one row, and with it each batch that has it: the row costs itself.
#[tokio::test]
async fn one_row_that_is_disliked_does_not_hold_up_the_others() -> anyhow::Result<()> {
    let (world, rows) = filled(&[]).await?;
    let once = json!({ "operation": "prices.set", "kind": "status", "status": 403, "count": 1 });
    let run = meets(&world, &rows, json!([refused("prices.batch", 403), once])).await?;
    let result = run.ended().await?.completed()?;
    is("rows", &(result.summary.applied, result.summary.failed_updates), &(PRODUCTS as u64 - 1, 1))?;
    is("twice", &world.ledger(&run).await?["variants_changed_again"], &json!(0))?;
    world.erp.world.shop.clean().await.map(drop)
}
