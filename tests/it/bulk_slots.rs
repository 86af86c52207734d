//! Each kind of bulk work has slots of its own: a long one of one kind does not hold up another kind. Within a kind
//! nobody starves.

use std::time::{Duration, Instant};

use contracts::bulk::Rate;
use serde_json::json;
use temporalio_client::{WorkflowCancelOptions, WorkflowGetResultOptions};
use tests::bulk::{BulkWorld, Leaf, Leafing, requests, wishes};
use tests::matrix::is;
use tests::world::LIMIT;

#[tokio::test]
async fn a_sync_does_not_wait_for_price_runs_that_fill_their_slots() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(40).await?;
    let _worker = bulk.spawn_worker(&["--bulk-slots=1", "--bulk-rate=1000"])?;
    let list = bulk.list(&wishes(40)).await?;
    let slow = bulk.reprice(list, Some(Rate::try_from(4)?));
    let first = bulk.start("first", slow.clone()).await?;
    let until = Instant::now() + LIMIT;
    while requests(&bulk.erp.world.shop, "products.update").await? == 0 {
        anyhow::ensure!(Instant::now() < until, "the first run never wrote");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let second = bulk.start("second", slow).await?;
    let begun = Instant::now();
    let synced = bulk.erp.sync(json!({})).await?.completed()?;
    is("synced", &synced.success, &true)?;
    let written = requests(&bulk.erp.world.shop, "products.update").await?;
    assert!(written < 40, "the sync took {:?}: the price runs had ended", begun.elapsed());
    // The second one had no slot until the first one ended, and then there was nothing left to do.
    is("first", &first.ended().await?.written.count("updated"), &40)?;
    is("second", &second.ended().await?.wanted.to_write, &0)
}

/// A run whose activities follow each other within milliseconds; each takes a second.
fn leafing(times: u32, heartbeat: Duration) -> Leafing {
    let heartbeat_ms = u64::try_from(heartbeat.as_millis()).unwrap_or(u64::MAX);
    Leafing { leaf: Leaf { pages: 10, page_ms: 100 }, times, heartbeat_ms, patience_ms: 20_000 }
}

#[tokio::test]
async fn among_runs_back_to_back_a_late_one_gets_its_slot_in_its_turn() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(0).await?;
    let _worker = bulk.spawn_worker(&["--bulk-slots=1", "--bulk-rate=1000"])?;
    let heartbeat = Duration::from_secs(10);
    let mut busy = Vec::new();
    for name in ["first", "second"] {
        busy.push(bulk.leaf_on(name, leafing(12, heartbeat)).await?);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let begun = Instant::now();
    let late = bulk.leaf_on("late", leafing(1, heartbeat)).await?;
    late.get_result(WorkflowGetResultOptions::default()).await?;
    // The rest of one activity, another one that waited before, and its own; the rest is a busy machine's.
    assert!(begun.elapsed() < Duration::from_secs(7), "it took {:?}", begun.elapsed());
    for busy in busy {
        busy.get_result(WorkflowGetResultOptions::default()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_cancelled_while_it_waits_for_a_slot_ends_at_once() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(0).await?;
    let _worker = bulk.spawn_worker(&["--bulk-slots=1", "--bulk-rate=1000"])?;
    let heartbeat = Duration::from_secs(30);
    let holder = Leafing { leaf: Leaf { pages: 100, page_ms: 100 }, ..leafing(1, heartbeat) };
    let holder = bulk.leaf_on("holder", holder).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let waiting = bulk.leaf_on("waiting", leafing(1, heartbeat)).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    waiting.cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?;
    let ended = waiting.get_result(WorkflowGetResultOptions::default()).await;
    let error = format!("{:?}", ended.err());
    assert!(error.contains("Cancelled") || error.contains("Canceled"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4), "it took {:?}", begun.elapsed());
    holder.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(())
}
