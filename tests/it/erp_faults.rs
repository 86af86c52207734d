//! The fault matrix of ERP sync: each call of each step under each fault, and what the process decides by itself.
//!
//! [`table`] says what each cell leads to; here it is done. Every cell has a shop, an ERP, an object store, a task
//! queue and a worker of its own, and ends with another run ([`books`]).

mod books;
mod decided;
mod lease;
mod table;
mod twice;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::erp::{ErpWorld, PASSWORD, Sync};
use tests::matrix::{
    SIDE_BY_SIDE, column_in, down_twice, effected, garbled, is, put_off, rate_limited, refused, reply_held,
    reply_lost, requested, slow,
};
use workflows::report::StepStatus;

use books::{Place, books_of, config, goes_on, product, since_the_oldest, whole};
use table::{Call, Cells, Ends, Expected, ROWS, Refusal};

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

/// The calls of which no two go the same way: their next run costs a second each.
fn unlike() -> impl Iterator<Item = Call> {
    calls().filter(|call| !call.is_alike)
}

async fn start(erp: &ErpWorld) -> anyhow::Result<Sync<'_>> {
    erp.start(config(&json!({}))).await
}

/// Starts a sync under these faults.
async fn meets<'w>(erp: &'w ErpWorld, faults: &[Value]) -> anyhow::Result<Sync<'w>> {
    erp.world.shop.faults(json!(faults)).await?;
    start(erp).await
}

#[tokio::test]
async fn each_call_refused() -> anyhow::Result<()> {
    column_in(unlike(), SIDE_BY_SIDE, Place::open, async |call, place| {
        let erp = place.renew().await?;
        let faults = match call.refusal {
            Refusal::Status(status) => vec![refused(call.operation, status)],
            Refusal::Password => Vec::new(),
        };
        if let Refusal::Password = call.refusal {
            erp.world.shop.put("erp", json!({ "password": "another" })).await?;
        }
        let run = meets(erp, &faults).await?;
        run.ended().await?;
        erp.world.shop.put("erp", json!({ "password": PASSWORD })).await?;
        books_of(erp, &run, call.refused).await?;
        goes_on(erp, call.refused, &since_the_oldest(erp).await?).await
    })
    .await
}

/// Records go by their natural keys, so a shop that ignores ours has each of them once all the same. That keys are kept
/// where they are heeded, the workers that are killed show.
#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    column_in(calls(), SIDE_BY_SIDE, Place::open, async |call, place| {
        let erp = place.renew().await?;
        erp.world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        let faults = [down_twice, rate_limited, reply_lost, garbled].map(|fault| fault(call.operation));
        let run = meets(erp, &faults).await?;
        run.ended().await?;
        let met = erp.world.shop.get("faults").await?;
        for fault in met.as_array().context("the faults are no list")? {
            is(&format!("met {}", fault["kind"]), &fault["hits"], &fault["count"])?;
        }
        whole(erp, &run, call.passing).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    column_in(unlike(), SIDE_BY_SIDE, Place::apart, async |call, place| {
        let erp = place.renew().await?;
        let run_id = meets(erp, &[reply_held(call.operation)]).await?.run_id;
        effected(&erp.world, call.operation).await?;
        place.replace_worker(async |erp| erp.world.shop.mend().await).await?;
        whole(&place.erp, &place.erp.attach(run_id), call.passing).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_read_with_its_token_expired() -> anyhow::Result<()> {
    let reads = calls().filter(|call| call.expired.is_some());
    column_in(reads, SIDE_BY_SIDE, Place::open, async |call, place| {
        let erp = place.renew().await?;
        let (requests, expected) = call.expired.context("it needs no token")?;
        erp.world.shop.put("erp", json!({ "token_requests": requests })).await?;
        let run = start(erp).await?;
        run.ended().await?;
        ensure!(erp.world.shop.requests("erp.auth").await? > 1, "no token has expired");
        whole(erp, &run, expected).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_call_cancelled_under_way() -> anyhow::Result<()> {
    column_in(unlike(), SIDE_BY_SIDE, Place::open, async |call, place| {
        let erp = place.renew().await?;
        let run = meets(erp, &[slow(call.operation, 1_000)]).await?;
        requested(&erp.world, call.operation, 1).await?;
        run.temporal_cancel().await?;
        let report = whole(erp, &run, call.cancelled).await?;
        let is_late = report.notes.iter().any(|note| note.contains("came too late"));
        is("noted as too late", &is_late, &(call.cancelled.ends == Ends::Synced))
    })
    .await
}

/// A system that asks to slow down for ever does not keep a cancelled sync from ending, nor is anything written after
/// it.
#[tokio::test]
async fn each_call_cancelled_while_it_is_put_off() -> anyhow::Result<()> {
    column_in(unlike(), SIDE_BY_SIDE, Place::open, async |call, place| {
        let erp = place.renew().await?;
        let run = meets(erp, &[put_off(call.operation)]).await?;
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
        let report = whole(erp, &run, call.put_off).await?;
        let Ends::Cancelled(step) = call.put_off.ends else { bail!("a cancel is meant") };
        let stopped = report.step(step).map(|step| step.status);
        is("the step", &stopped, &Some(if is_telling { StepStatus::Completed } else { StepStatus::Stopped }))
    })
    .await
}

#[tokio::test]
async fn each_call_down_for_good() -> anyhow::Result<()> {
    column_in(unlike(), SIDE_BY_SIDE, Place::impatient, async |call, place| {
        let erp = place.renew().await?;
        let run = meets(erp, &[json!({ "operation": call.operation, "kind": "status" })]).await?;
        whole(erp, &run, call.down).await.map(drop)
    })
    .await
}

/// A run that asked on for ever would write old records, after the next run has written new ones.
#[tokio::test]
async fn nothing_is_written_by_a_run_that_has_given_up() -> anyhow::Result<()> {
    let mut place = Place::impatient().await?;
    let erp = place.renew().await?;
    let run = meets(erp, &[put_off("products.create")]).await?;
    run.ended().await?.failed_as("StepFailed")?;
    erp.world.shop.mend().await?;
    // Longer than the pause that the shop asks for.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let expected = calls().find(|call| call.operation == "products.create").context("no such call")?;
    whole(erp, &run, expected.down).await.map(drop)
}

/// A shop and an ERP with so many products that a batch of them takes seconds.
async fn with_many(place: &mut Place, count: usize) -> anyhow::Result<&ErpWorld> {
    let erp = place.renew().await?;
    let many = (0..count).map(|n| product(&format!("M{n}"), 5, &format!("MANY-{n:03}"), &json!(n + 1)));
    erp.erp(many.collect()).await?;
    erp.world.shop.faults(json!([slow("products.create", 200)])).await?;
    Ok(erp)
}

/// A call that is on its way is finished, the rest of the batch is not sent.
#[tokio::test]
async fn a_cancel_in_the_middle_of_a_batch_leaves_the_rest_of_it() -> anyhow::Result<()> {
    let mut place = Place::open().await?;
    // More than the adapter writes between two notes of how far it is.
    let erp = with_many(&mut place, 260).await?;
    let run = erp.start(config(&json!({ "page_size": 500 }))).await?;
    requested(&erp.world, "products.create", 20).await?;
    run.temporal_cancel().await?;
    let ended = run.ended().await?;
    let Ended::Canceled(report) = ended else { bail!("not cancelled: {ended:?}") };
    let written = erp.writes().await?;
    let said =
        report.steps.iter().find(|step| step.step == "sync-products").and_then(|step| step.detail.clone());
    let said = said.context("the report says nothing of the products")?;
    let counts: u64 = said.split(' ').filter_map(|word| word.parse::<u64>().ok()).sum();
    is("rows of which the report says that they are written", &counts, &u64::try_from(written)?)?;
    ensure!((20..250).contains(&written), "{written} are written: no piece of 250 was left where it was");
    let expected = Expected { written: [written, 0, 0, 0], ..table::CANCELLED_AMONG_PRODUCTS };
    whole(erp, &run, expected).await.map(drop)
}

/// A worker that is deployed anew does not cancel anything: another one goes on with the batch.
#[tokio::test]
async fn a_worker_that_is_told_to_end_hands_its_batch_on() -> anyhow::Result<()> {
    // More than are written before a worker gives up waiting for what is under way.
    const MANY: usize = 150;
    let mut place = Place::apart().await?;
    let erp = with_many(&mut place, MANY).await?;
    let run_id = erp.start(config(&json!({ "page_size": 500 }))).await?.run_id;
    requested(&erp.world, "products.create", 20).await?;
    place.retire_worker().await?;
    place.erp.world.shop.mend().await?;
    let many = Expected { written: [4 + MANY, 4, 2, 2], ..table::SYNCED };
    whole(&place.erp, &place.erp.attach(run_id), many).await.map(drop)
}

/// Temporal does not hand a cancel on to the run that reads on.
#[tokio::test]
async fn a_cancel_at_the_end_of_a_run_ends_the_whole_chain() -> anyhow::Result<()> {
    let mut place = Place::open().await?;
    let erp = place.renew().await?;
    let many = (0..50).map(|n| product(&format!("M{n}"), 5, &format!("MANY-{n:03}"), &json!(n + 1)));
    erp.erp(many.collect()).await?;
    erp.world.shop.faults(json!([slow("integrations.report", 1_000)])).await?;
    // Forty records are one read, and so the first run's.
    let run = erp.start(config(&json!({ "batches_per_run": 1 }))).await?;
    requested(&erp.world, "integrations.report", 1).await?;
    run.temporal_cancel().await?;
    let ended = run.ended().await?;
    ensure!(matches!(ended, Ended::Canceled(_)), "the chain went on: {ended:?}");
    is("writes", &erp.writes().await?, &40)?;
    erp.world.shop.mend().await?;
    erp.sync(config(&json!({}))).await?.completed()?;
    erp.is_equal().await?;
    is("writes", &erp.writes().await?, &62)
}
