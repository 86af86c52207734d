//! The fault matrix of ERP sync: each call of each step under each fault, and what the process decides by itself.
//!
//! [`table`] says what each cell leads to; here is how a sync comes to it. Every cell ends with another run
//! ([`books`]).

mod books;
mod decided;
mod lease;
mod midway;
mod table;
mod twice;

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use tests::erp::{ErpWorld, PASSWORD, Sync};
use tests::matrix::{
    Cell, PASSING, Process, down, is, killed, put_off, slow, struck, struck_without_keys, under_way,
};
use workflows::report::StepStatus;

use books::{FAST, HERE, IMPATIENT, books_of, config, fill, goes_on, since_the_oldest, whole};
use table::{Ends, Expected, Way, calls, every, unlike};

/// How soon a sync that was cancelled has ended, whatever it was waiting for.
const PROMPT: Duration = Duration::from_secs(8);

struct Syncs;

impl Process for Syncs {
    type Place = ErpWorld;
    type Run<'e> = Sync<'e>;
    type Way = Way;
    type Expected = Expected;

    async fn meet<'e>(erp: &'e ErpWorld, cell: &Cell<Self>, faults: Value) -> anyhow::Result<Sync<'e>> {
        fill(erp).await?;
        let shop = &erp.world.shop;
        match cell.way {
            Way::Password => drop(shop.put("erp", json!({ "password": "another" })).await?),
            Way::Expired(requests) => drop(shop.put("erp", json!({ "token_requests": requests })).await?),
            Way::Plain | Way::Refused(_) => {}
        }
        shop.faults(faults).await?;
        start(erp).await
    }

    async fn ends(erp: &ErpWorld, cell: &Cell<Self>, run: &Sync<'_>) -> anyhow::Result<()> {
        run.ended().await?;
        match cell.way {
            Way::Plain => whole(erp, run, cell.expected).await.map(drop),
            Way::Expired(_) => {
                ensure!(erp.world.shop.requests("erp.auth").await? > 1, "no token has expired");
                whole(erp, run, cell.expected).await.map(drop)
            }
            Way::Refused(_) | Way::Password => {
                erp.world.shop.put("erp", json!({ "password": PASSWORD })).await?;
                books_of(erp, run, cell.expected).await?;
                goes_on(erp, cell.expected, &since_the_oldest(erp).await?).await
            }
        }
    }
}

async fn start(erp: &ErpWorld) -> anyhow::Result<Sync<'_>> {
    erp.start(config(&json!({}))).await
}

#[tokio::test]
async fn each_call_refused() -> anyhow::Result<()> {
    let unlike = calls().filter(|(_, call)| !call.is_alike);
    let refused = unlike.map(|(step, call)| Cell::new(step, call.operation, call.refused).on(call.refusal));
    struck::<Syncs>(refused, HERE, &[]).await
}

/// Records go by their natural keys, so a shop that ignores ours has each of them once all the same. That keys are kept
/// where they are heeded, the workers that are killed show.
#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    struck_without_keys(every(|call| call.passing), HERE, &PASSING).await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    killed(unlike(|call| call.passing), FAST).await
}

#[tokio::test]
async fn each_read_with_its_token_expired() -> anyhow::Result<()> {
    let expired = calls().filter_map(|(step, call)| {
        let (requests, expected) = call.expired?;
        Some(Cell::new(step, call.operation, expected).on(Way::Expired(requests)))
    });
    struck::<Syncs>(expired, HERE, &[]).await
}

#[tokio::test]
async fn each_call_cancelled_under_way() -> anyhow::Result<()> {
    let slow = |operation: &str| slow(operation, 1_000);
    under_way(unlike(|call| call.cancelled), HERE, &[slow], async |erp, cell, run| {
        run.temporal_cancel().await?;
        let report = whole(erp, run, cell.expected).await?;
        let is_late = report.notes.iter().any(|note| note.contains("came too late"));
        is("noted as too late", &is_late, &(cell.expected.ends == Ends::Synced))
    })
    .await
}

/// A system that asks to slow down for ever does not keep a cancelled sync from ending, nor is anything written after
/// it.
#[tokio::test]
async fn each_call_cancelled_while_it_is_put_off() -> anyhow::Result<()> {
    under_way(unlike(|call| call.put_off), HERE, &[put_off], async |erp, cell, run| {
        let cancelled = Instant::now();
        run.temporal_cancel().await?;
        let is_telling = cell.operation == "integrations.update";
        if is_telling {
            // The same operation says how the run ended.
            erp.world.shop.mend().await?;
        }
        run.ended().await?;
        ensure!(cancelled.elapsed() < PROMPT, "it ended only after {:?}", cancelled.elapsed());
        let report = whole(erp, run, cell.expected).await?;
        let Ends::Cancelled(step) = cell.expected.ends else { bail!("a cancel is meant") };
        let stopped = report.step(step).map(|step| step.status);
        is("the step", &stopped, &Some(if is_telling { StepStatus::Completed } else { StepStatus::Stopped }))
    })
    .await
}

#[tokio::test]
async fn each_call_down_for_good() -> anyhow::Result<()> {
    struck(unlike(|call| call.down), IMPATIENT, &[down]).await
}
