//! Each call that finds what is gone at the source, or takes it out of sale, under each fault. Whatever happened, the
//! run after it leaves the one product out of sale that is gone, written once, and every other as it was ([`table`]).

mod table;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use contracts::erp::Entity;
use serde_json::{Value, json};
use table::{Ends, SYNC, calls};
use tests::customers::Ended;
use tests::erp::{ErpWorld, Sync};
use tests::matrix::{
    Cell, Fault, PASSING, Process, Worker, down, is, killed, put_off, refused_for_good, reply_lost, slow,
    struck, struck_without_keys, under_way,
};
use workflows::erp_sync::ErpSyncResult;

const FAST: &[&str] = &["--bulk-rate=1000"];
const HERE: Worker = Worker::Here(FAST);
/// How soon a sync that was cancelled has ended, whatever it was waiting for.
const PROMPT: Duration = Duration::from_secs(8);
/// Products of the ERP, 20 generated and the seed's 3, and the one that is gone there.
const PRODUCTS: usize = 23;
const GONE: &str = "ERP-000003";

struct Deletions;

impl Process for Deletions {
    type Place = ErpWorld;
    type Run<'e> = Sync<'e>;
    type Way = ();
    type Expected = Ends;

    /// Products of the ERP are in the shop, and one of them is gone at the source.
    async fn meet<'e>(erp: &'e ErpWorld, _: &Cell<Self>, faults: Value) -> anyhow::Result<Sync<'e>> {
        let shop = &erp.world.shop;
        shop.post("erp/generate", json!({ "products": PRODUCTS - 3, "inventory": false, "seed": 7 })).await?;
        erp.sync(config()).await?.completed()?;
        is("writes of the first run", &erp.writes().await?, &PRODUCTS)?;
        shop.delete("erp/records", json!([{ "entity": "products", "id": GONE }])).await?;
        shop.faults(faults).await?;
        erp.start(config()).await
    }

    async fn ends(erp: &ErpWorld, cell: &Cell<Self>, run: &Sync<'_>) -> anyhow::Result<()> {
        let is_out = match (cell.expected, run.ended().await?) {
            (Ends::Whole, ended) => one_went(ended.completed()?)?,
            (Ends::Refused, ended) => {
                is("failed", &ended.completed()?.report.summary.products_failed, &1)?;
                false
            }
            (Ends::NotLooked, ended) => {
                let notes = ended.completed()?.steps.notes;
                let is_told =
                    |note: &String| note.starts_with("what is gone at the source could not be looked for");
                ensure!(notes.iter().any(is_told), "{notes:?}");
                false
            }
            (Ends::Failed, ended) => {
                ended.failed_as("StepFailed")?;
                false
            }
            (Ends::Cancelled(step, is_sent), Ended::Canceled(report)) => {
                let has_begun = report.step(step).is_some_and(|step| step.status.name() != "pending");
                ensure!(has_begun, "{report:?}");
                is_sent
            }
            (expected, ended) => bail!("{ended:?}, not {expected:?}"),
        };
        is("out of sale", &is_one_out(erp).await?, &is_out)?;
        goes_on(erp).await.context("the next run")
    }
}

/// Due at every run.
fn config() -> Value {
    json!({ "sync_entities": ["products"], "deletions": { "action": "deactivate", "every": "1ms" } })
}

fn one_went(result: ErpSyncResult) -> anyhow::Result<bool> {
    ensure!(result.success, "not synced: {result:?}");
    is("deactivated", &result.report.summary.entities[&Entity::Products].deactivated, &1)?;
    Ok(true)
}

async fn is_one_out(erp: &ErpWorld) -> anyhow::Result<bool> {
    let catalog = erp.world.shop.get("catalog").await?;
    let rows = catalog.as_array().context("no list")?;
    let out: Vec<&Value> = rows.iter().filter(|row| row["active"] == false).map(|row| &row["sku"]).collect();
    ensure!(out.iter().all(|sku| **sku == GONE), "others are out of sale: {out:?}");
    Ok(!out.is_empty())
}

/// The run after it, with nothing in its way.
async fn goes_on(erp: &ErpWorld) -> anyhow::Result<()> {
    erp.world.shop.mend().await?;
    let next = erp.sync(config()).await?.completed()?;
    ensure!(next.success, "not synced: {next:?}");
    ensure!(is_one_out(erp).await?, "it is still on sale");
    is("writes", &erp.writes().await?, &(PRODUCTS + 1))?;
    let marks = erp.store.list(&format!("integrations/{}/products/gone", erp.integration())).await?;
    is("marks", &marks.len(), &1)?;
    erp.world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    struck(calls(|_| Ends::Whole), HERE, &PASSING).await
}

#[tokio::test]
async fn a_reply_lost_by_a_shop_that_ignores_keys() -> anyhow::Result<()> {
    let write = calls(|_| Ends::Whole).filter(|cell| cell.step == SYNC);
    struck_without_keys(write, HERE, &[reply_lost]).await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    killed(calls(|_| Ends::Whole), FAST).await
}

#[tokio::test]
async fn each_call_refused_for_good() -> anyhow::Result<()> {
    struck(calls(|call| call.refused), HERE, &[refused_for_good]).await
}

#[tokio::test]
async fn each_call_down_for_good() -> anyhow::Result<()> {
    let impatient = Worker::Apart(&["--bulk-rate=1000", "--erp-patience=3s"]);
    struck(calls(|call| call.down), impatient, &[down]).await
}

#[tokio::test]
async fn each_call_cancelled() -> anyhow::Result<()> {
    cancelled(calls(|call| call.cancelled), |operation| slow(operation, 1_000)).await?;
    cancelled(calls(|call| Ends::Cancelled(call.step, false)), put_off).await
}

async fn cancelled(cells: impl Iterator<Item = Cell<Deletions>>, fault: Fault) -> anyhow::Result<()> {
    under_way(cells, HERE, &[fault], async |erp, cell, run| {
        let cancelled = Instant::now();
        run.temporal_cancel().await?;
        run.ended().await?;
        ensure!(cancelled.elapsed() < PROMPT, "it ended only after {:?}", cancelled.elapsed());
        Deletions::ends(erp, cell, run).await
    })
    .await
}
