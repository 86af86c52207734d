//! The calls of a sync that looks for what is gone at the source, and takes it out of sale, under each fault.
//!
//! Before each cell a sync has learnt what comes from the ERP, and one of its four products is gone there. In every cell the
//! run after it, with nothing in its way, takes that product out of sale, if it is not; and it is taken out once in all.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::erp::ErpWorld;
use tests::matrix::{
    SIDE_BY_SIDE, column_in, down_twice, garbled, is, put_off, rate_limited, refused, reply_held, reply_lost,
    requested, slow,
};
use tests::world::LIMIT;
use workflows::erp_sync::ErpSyncResult;

use super::books::{Place, config};

const GONE: &str = "NEW-001";

/// How a cell ends, and whether the product is out of sale then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Done,
    /// Completed; the shop keeps the product, and the report says so.
    Kept,
    Failed,
    Canceled,
    /// What was under way is finished.
    CanceledAndDone,
}

impl Ends {
    fn is_out(self) -> bool {
        matches!(self, Self::Done | Self::CanceledAndDone)
    }
}

struct Call {
    operation: &'static str,
    refused: Ends,
    cancelled: Ends,
}

const CALLS: [Call; 3] = [
    Call { operation: "erp.keys", refused: Ends::Failed, cancelled: Ends::Canceled },
    Call { operation: "products.skus", refused: Ends::Failed, cancelled: Ends::Canceled },
    Call { operation: "products.update", refused: Ends::Kept, cancelled: Ends::CanceledAndDone },
];

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)
    }
}

fn deactivating() -> Value {
    let limits = json!({ "deactivate_percent": 50 });
    config(&json!({ "deletions": { "action": "deactivate", "every": "1ms" }, "limits": limits }))
}

/// A shop that has all of the ERP, which then loses a product.
async fn renew(place: &mut Place) -> anyhow::Result<&ErpWorld> {
    let erp = place.renew().await?;
    erp.sync(deactivating()).await?.completed()?;
    erp.world.shop.delete("erp/records", json!([{ "entity": "products", "id": "P1" }])).await?;
    Ok(erp)
}

async fn out_of_sale(erp: &ErpWorld) -> anyhow::Result<Vec<Value>> {
    let catalog = erp.world.shop.get("catalog").await?;
    let out = catalog.as_array().into_iter().flatten().filter(|product| product["active"] == false);
    Ok(out.map(|product| product["sku"].clone()).collect())
}

/// Checks how a run ended, and the run after it.
async fn whole(erp: &ErpWorld, ended: Ended<ErpSyncResult>, expected: Ends) -> anyhow::Result<()> {
    erp.world.shop.mend().await?;
    match (expected, ended) {
        (Ends::Done | Ends::Kept, ended) => {
            let result = ended.completed()?;
            is("failed", &result.report.summary.products_failed, &u64::from(expected == Ends::Kept))?;
        }
        (Ends::Failed, ended) => drop(ended.failed_as("StepFailed")?),
        (Ends::Canceled | Ends::CanceledAndDone, ended) => {
            ensure!(matches!(ended, Ended::Canceled(_)), "not canceled: {ended:?}");
        }
    }
    let out = |is_out: bool| if is_out { vec![json!(GONE)] } else { Vec::new() };
    is("out of sale", &out_of_sale(erp).await?, &out(expected.is_out()))?;
    is("writes", &erp.writes().await?, &(12 + usize::from(expected.is_out())))?;
    for _ in 0..2 {
        let next = erp.sync(deactivating()).await?.completed()?;
        is("failed by the next run", &next.report.summary.products_failed, &0)?;
        is("out of sale after the next run", &out_of_sale(erp).await?, &out(true))?;
        is("writes after the next run", &erp.writes().await?, &13)?;
    }
    erp.world.shop.clean().await.map(drop)
}

async fn under(place: &mut Place, faults: Vec<Value>, expected: Ends) -> anyhow::Result<()> {
    let erp = renew(place).await?;
    erp.world.shop.faults(json!(faults)).await?;
    let ended = erp.start(deactivating()).await?.ended().await?;
    whole(erp, ended, expected).await
}

#[tokio::test]
async fn each_call_for_what_is_gone_refused() -> anyhow::Result<()> {
    column_in(CALLS, SIDE_BY_SIDE, Place::open, async |call, place| {
        under(place, vec![refused(call.operation, 422)], call.refused).await
    })
    .await
}

#[tokio::test]
async fn each_call_for_what_is_gone_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    column_in(CALLS, SIDE_BY_SIDE, Place::open, async |call, place| {
        let faults = [down_twice, rate_limited, reply_lost, garbled].map(|fault| fault(call.operation));
        under(place, faults.to_vec(), Ends::Done).await
    })
    .await
}

#[tokio::test]
async fn each_call_for_what_is_gone_down_for_good() -> anyhow::Result<()> {
    column_in(CALLS, SIDE_BY_SIDE, Place::impatient, async |call, place| {
        under(place, vec![json!({ "operation": call.operation, "kind": "status" })], Ends::Failed).await
    })
    .await
}

#[tokio::test]
async fn each_call_for_what_is_gone_with_its_worker_killed() -> anyhow::Result<()> {
    column_in(CALLS, SIDE_BY_SIDE, Place::apart, async |call, place| {
        let erp = renew(place).await?;
        let before = erp.world.shop.requests(call.operation).await?;
        erp.world.shop.faults(json!([reply_held(call.operation)])).await?;
        let run_id = erp.start(deactivating()).await?.run_id;
        requested(&erp.world, call.operation, before + 1).await?;
        let until = Instant::now() + LIMIT;
        while call.cancelled.is_out() && out_of_sale(erp).await?.is_empty() {
            ensure!(Instant::now() < until, "it was never taken out of sale");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        place.replace_worker(async |erp| erp.world.shop.mend().await).await?;
        let ended = place.erp.attach(run_id).ended().await?;
        whole(&place.erp, ended, Ends::Done).await
    })
    .await
}

#[tokio::test]
async fn each_call_for_what_is_gone_cancelled() -> anyhow::Result<()> {
    for is_put_off in [false, true] {
        column_in(CALLS, SIDE_BY_SIDE, Place::open, async |call, place| {
            let erp = renew(place).await?;
            let before = erp.world.shop.requests(call.operation).await?;
            let fault = if is_put_off { put_off(call.operation) } else { slow(call.operation, 1_000) };
            erp.world.shop.faults(json!([fault])).await?;
            let run = erp.start(deactivating()).await?;
            requested(&erp.world, call.operation, before + 1).await?;
            run.temporal_cancel().await?;
            let ended = run.ended().await?;
            whole(erp, ended, if is_put_off { Ends::Canceled } else { call.cancelled }).await
        })
        .await?;
    }
    Ok(())
}
