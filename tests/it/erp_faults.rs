//! The fault matrix of ERP sync: each call of each step under each fault, and what the process decides by itself.
//!
//! [`table`] says what each cell leads to; here it is done. Every cell has a shop, an ERP, an object store, a task queue
//! and a worker of its own, and ends with another run ([`books`]).

mod books;
mod decided;
mod lease;
mod table;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::matrix::{
    KILLS_SIDE_BY_SIDE, SIDE_BY_SIDE, column, down_twice, effected, garbled, is, put_off, rate_limited,
    refused, reply_held, reply_lost, requested, slow,
};
use workflows::report::StepStatus;

use books::{books_of, config, goes_on, impatient, since_the_oldest, spawn, whole, without_worker, world};
use table::{Call, Cells, Expected, ROWS, Refusal};

/// How soon a sync that was cancelled has ended, whatever it was waiting for.
const PROMPT: Duration = Duration::from_secs(8);

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)
    }
}

fn calls() -> impl Iterator<Item = Call> {
    ROWS.iter().filter_map(|row| match &row.cells {
        Cells::Call(call) => Some(*call),
        Cells::Lease | Cells::Decided(_) => None,
    })
}

/// Runs a sync under these faults to its end.
async fn runs(erp: &ErpWorld, faults: &[Value], expected: Expected) -> anyhow::Result<()> {
    erp.world.shop.faults(json!(faults)).await?;
    let run = erp.start(config(&json!({}))).await?;
    whole(erp, &run, expected).await.map(drop)
}

#[tokio::test]
async fn each_call_refused() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let erp = world().await?;
        match call.refusal {
            Refusal::Status(status) => {
                erp.world.shop.faults(json!([refused(call.operation, status)])).await?;
            }
            Refusal::Password => drop(erp.world.shop.put("erp", json!({ "password": "another" })).await?),
        }
        let run = erp.start(config(&json!({}))).await?;
        run.ended().await?;
        erp.world.shop.put("erp", json!({ "password": "api_password" })).await?;
        books_of(&erp, &run, call.refused).await?;
        goes_on(&erp, call.refused, &since_the_oldest(&erp).await?).await
    })
    .await
}

#[tokio::test]
async fn each_call_down_twice_or_rate_limited() -> anyhow::Result<()> {
    for fault in [down_twice, rate_limited] {
        column(calls(), SIDE_BY_SIDE, async |call| {
            let faults = [fault(call.operation)];
            runs(&world().await?, &faults, call.passing).await.with_context(|| faults[0]["kind"].to_string())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_call_with_its_reply_lost_or_garbled() -> anyhow::Result<()> {
    for fault in [reply_lost, garbled] {
        column(calls(), SIDE_BY_SIDE, async |call| {
            let faults = [fault(call.operation)];
            runs(&world().await?, &faults, call.passing).await.with_context(|| faults[0]["kind"].to_string())
        })
        .await?;
    }
    Ok(())
}

/// Records go by their natural keys, so a shop that ignores ours has each of them once all the same.
#[tokio::test]
async fn each_write_with_its_reply_lost_and_its_key_ignored() -> anyhow::Result<()> {
    let writes = [
        "products.create",
        "products.update",
        "inventory.level",
        "customers.upsert",
        "orders.upsert",
        "integrations.update",
        "integrations.report",
    ];
    column(calls().filter(|call| writes.contains(&call.operation)), SIDE_BY_SIDE, async |call| {
        let erp = world().await?;
        erp.world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        runs(&erp, &[reply_lost(call.operation)], call.passing).await
    })
    .await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    column(calls(), KILLS_SIDE_BY_SIDE, async |call| {
        let erp = without_worker().await?;
        erp.world.shop.faults(json!([reply_held(call.operation)])).await?;
        let mut first = spawn(&erp)?;
        let run = erp.start(config(&json!({}))).await?;
        effected(&erp.world, call.operation).await?;
        first.kill()?;
        erp.world.shop.mend().await?;
        let _second = spawn(&erp)?;
        whole(&erp, &run, call.passing).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_read_with_its_token_expired() -> anyhow::Result<()> {
    let reads = calls().filter_map(|call| Some((call, call.expired?)));
    let named =
        reads.map(|(call, (requests, expected))| Named(call.operation.to_owned(), (requests, expected)));
    column(named, SIDE_BY_SIDE, async |Named(_, (requests, expected))| {
        let erp = world().await?;
        erp.world.shop.put("erp", json!({ "token_requests": requests })).await?;
        runs(&erp, &[], *expected).await?;
        ensure!(erp.world.shop.requests("erp.auth").await? > 2, "no token has expired");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_call_cancelled_under_way() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let erp = world().await?;
        erp.world.shop.faults(json!([slow(call.operation, 1_000)])).await?;
        let run = erp.start(config(&json!({}))).await?;
        requested(&erp.world, call.operation, 1).await?;
        run.temporal_cancel().await?;
        let report = whole(&erp, &run, call.cancelled).await?;
        let is_late = report.notes.iter().any(|note| note.contains("came too late"));
        is("noted as too late", &is_late, &(call.cancelled.ends == table::Ends::Synced))
    })
    .await
}

/// A system that asks to slow down for ever does not keep a cancelled sync from ending, nor is anything written after it.
#[tokio::test]
async fn each_call_cancelled_while_it_is_put_off() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let erp = world().await?;
        erp.world.shop.faults(json!([put_off(call.operation)])).await?;
        let run = erp.start(config(&json!({}))).await?;
        requested(&erp.world, call.operation, 1).await?;
        let cancelled = Instant::now();
        run.temporal_cancel().await?;
        let is_telling = call.operation == "integrations.update";
        if is_telling {
            // The same operation says how the run ended.
            erp.world.shop.mend().await?;
        }
        run.ended().await?;
        ensure!(cancelled.elapsed() < PROMPT, "it ended only after {:?}", cancelled.elapsed());
        let table::Ends::Cancelled(step) = call.put_off.ends else { anyhow::bail!("a cancel is meant") };
        let report = whole(&erp, &run, call.put_off).await?;
        let stopped = report.step(step).map(|step| step.status);
        is("the step", &stopped, &Some(if is_telling { StepStatus::Completed } else { StepStatus::Stopped }))
    })
    .await
}

#[tokio::test]
async fn each_call_down_for_good() -> anyhow::Result<()> {
    column(calls(), SIDE_BY_SIDE, async |call| {
        let (erp, _worker) = impatient().await?;
        runs(&erp, &[json!({ "operation": call.operation, "kind": "status" })], call.down).await
    })
    .await
}

/// A cell's name beside what it needs.
struct Named<T>(String, T);

impl<T> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
