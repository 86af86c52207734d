//! Each kind of bulk work has slots of its own: a long one of one kind does not hold up another kind.

use std::time::{Duration, Instant};

use contracts::bulk::Rate;
use serde_json::json;
use tests::bulk::{BulkWorld, requests, wishes};
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
