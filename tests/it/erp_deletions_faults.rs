//! Each call that finds what is gone at the source, or takes it out of sale, under each fault. Whatever happened, the
//! run after it leaves the one product out of sale that is gone, written once, and every other as it was.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use contracts::erp::Entity;
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::erp::{ErpWorld, Sync};
use tests::matrix::{
    SIDE_BY_SIDE, column, down_twice, effected, garbled, is, put_off, rate_limited, refused, reply_held,
    reply_lost, requested, slow,
};
use workflows::erp_sync::ErpSyncResult;

const FETCH: &str = "fetch-erp-data";
const PRODUCTS: &str = "sync-products";

/// As fast as the machine.
const FAST: &str = "--bulk-rate=1000";

/// How soon a sync that was cancelled has ended, whatever it was waiting for.
const PROMPT: Duration = Duration::from_secs(8);

/// The operation, its step, and whether the product is out of sale when the call was cancelled under way: what was sent
/// is finished.
const CALLS: [(&str, &str, bool); 3] =
    [("erp.keys", FETCH, false), ("products.skus", FETCH, false), ("products.update", PRODUCTS, true)];

fn calls() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(operation, ..)| *operation)
}

/// Due at every run.
fn config() -> Value {
    json!({ "sync_entities": ["products"], "deletions": { "action": "deactivate", "every": "1ms" } })
}

/// Products of the ERP are in the shop, and one of them is gone at the source; the effects so far.
async fn prepare(erp: &ErpWorld) -> anyhow::Result<usize> {
    erp.world.shop.post("erp/generate", json!({ "products": 20, "inventory": false, "seed": 7 })).await?;
    erp.sync(config()).await?.completed()?;
    let gone = json!([{ "entity": "products", "id": "ERP-000003" }]);
    erp.world.shop.delete("erp/records", gone).await?;
    erp.writes().await
}

/// Starts a sync under these faults.
async fn meets<'w>(erp: &'w ErpWorld, faults: &[Value]) -> anyhow::Result<Sync<'w>> {
    erp.world.shop.faults(json!(faults)).await?;
    erp.start(config()).await
}

fn one_went(ended: Ended<ErpSyncResult>) -> anyhow::Result<()> {
    let result = ended.completed()?;
    ensure!(result.success, "not synced: {result:?}");
    is("deactivated", &result.report.summary.entities[&Entity::Products].deactivated, &1)
}

async fn is_out(erp: &ErpWorld) -> anyhow::Result<bool> {
    let catalog = erp.world.shop.get("catalog").await?;
    let rows = catalog.as_array().context("no list")?;
    let out: Vec<&Value> = rows.iter().filter(|row| row["active"] == false).map(|row| &row["sku"]).collect();
    ensure!(out.iter().all(|sku| **sku == "ERP-000003"), "others are out of sale: {out:?}");
    Ok(!out.is_empty())
}

/// The run after it, with nothing in its way.
async fn goes_on(erp: &ErpWorld, before: usize) -> anyhow::Result<()> {
    erp.world.shop.mend().await?;
    let next = erp.sync(config()).await?.completed()?;
    ensure!(next.success, "the next run: {next:?}");
    ensure!(is_out(erp).await?, "it is still on sale");
    is("writes", &erp.writes().await?, &(before + 1))?;
    let marks = erp.store.list(&format!("integrations/{}/products/gone", erp.integration())).await?;
    is("marks", &marks.len(), &1)?;
    erp.world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |operation| {
        let erp = ErpWorld::with(&[FAST]).await?;
        let before = prepare(&erp).await?;
        let faults = [down_twice, rate_limited, reply_lost, garbled].map(|fault| fault(operation));
        one_went(meets(&erp, &faults).await?.ended().await?)?;
        goes_on(&erp, before).await
    })
    .await
}

#[tokio::test]
async fn a_reply_lost_by_a_shop_that_ignores_keys() -> anyhow::Result<()> {
    let erp = ErpWorld::with(&[FAST]).await?;
    let before = prepare(&erp).await?;
    erp.world.shop.put("switches", json!({ "dedupe": "off" })).await?;
    one_went(meets(&erp, &[reply_lost("products.update")]).await?.ended().await?)?;
    goes_on(&erp, before).await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    column(calls(), 2, async |operation| {
        let erp = ErpWorld::without_worker().await?;
        let mut worker = erp.spawn_worker(&[FAST])?;
        let before = prepare(&erp).await?;
        // The first sync has asked, too.
        let asked = erp.world.shop.requests(operation).await?;
        let run = meets(&erp, &[reply_held(operation)]).await?;
        match operation {
            &"products.update" => effected(&erp.world, operation).await?,
            _ => requested(&erp.world, operation, asked + 1).await?,
        }
        worker.kill()?;
        erp.world.shop.mend().await?;
        let _second = erp.spawn_worker(&[FAST])?;
        one_went(run.ended().await?)?;
        goes_on(&erp, before).await
    })
    .await
}

#[tokio::test]
async fn each_call_refused_for_good() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |operation| {
        let erp = ErpWorld::with(&[FAST]).await?;
        let before = prepare(&erp).await?;
        let ended = meets(&erp, &[refused(operation, 422)]).await?.ended().await?;
        match operation {
            // One product that the shop refuses keeps no run from its end.
            &"products.update" => {
                is("failed", &ended.completed()?.report.summary.products_failed, &1)?;
            }
            _ => drop(ended.failed_as("StepFailed")?),
        }
        ensure!(!is_out(&erp).await?, "it is out of sale");
        goes_on(&erp, before).await
    })
    .await
}

#[tokio::test]
async fn each_call_down_for_good() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |operation| {
        let erp = ErpWorld::with(&[FAST, "--erp-patience=3s"]).await?;
        let before = prepare(&erp).await?;
        let down = json!({ "operation": operation, "kind": "status" });
        meets(&erp, &[down]).await?.ended().await?.failed_as("StepFailed")?;
        ensure!(!is_out(&erp).await?, "it is out of sale");
        goes_on(&erp, before).await
    })
    .await
}

/// Cancelled under way, and while the system asks to slow down for ever.
#[tokio::test]
async fn each_call_cancelled() -> anyhow::Result<()> {
    let fault = |operation: &str, is_put_off| match is_put_off {
        true => put_off(operation),
        false => slow(operation, 1_000),
    };
    let cells = CALLS.iter().flat_map(|(operation, ..)| [(operation, false), (operation, true)]);
    let named = cells.map(|(operation, is_put_off)| format!("{operation} {is_put_off}"));
    column(named, SIDE_BY_SIDE, async |cell| {
        let found = CALLS.iter().find(|(operation, ..)| cell.starts_with(operation));
        let (operation, step, is_sent) = found.context("no such call")?;
        let is_put_off = cell.ends_with("true");
        let erp = ErpWorld::with(&[FAST]).await?;
        let before = prepare(&erp).await?;
        let asked = erp.world.shop.requests(operation).await?;
        let run = meets(&erp, &[fault(operation, is_put_off)]).await?;
        requested(&erp.world, operation, asked + 1).await?;
        let cancelled = Instant::now();
        run.temporal_cancel().await?;
        let ended = run.ended().await?;
        ensure!(cancelled.elapsed() < PROMPT, "it ended only after {:?}", cancelled.elapsed());
        let Ended::Canceled(report) = ended else { bail!("not cancelled: {ended:?}") };
        ensure!(report.step(step).is_some_and(|step| step.status.name() != "pending"), "{report:?}");
        is("out of sale", &is_out(&erp).await?, &(*is_sent && !is_put_off))?;
        goes_on(&erp, before).await
    })
    .await
}
