//! Runs that are given up, cancelled or handed on in the middle of their batches.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tests::customers::Ended;
use tests::erp::ErpWorld;
use tests::matrix::{Opened, Worker, is, put_off, requested, slow};

use super::books::{FAST, HERE, IMPATIENT, config, open, product, whole};
use super::table::{self, Expected};

/// A run that asked on for ever would write old records, after the next run has written new ones.
#[tokio::test]
async fn nothing_is_written_by_a_run_that_has_given_up() -> anyhow::Result<()> {
    let opened = open(IMPATIENT).await?;
    let erp = &opened.place;
    erp.world.shop.faults(json!([put_off("products.create")])).await?;
    let run = erp.start(config(&json!({}))).await?;
    run.ended().await?.failed_as("StepFailed")?;
    erp.world.shop.mend().await?;
    // Longer than the pause that the shop asks for.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let down = table::every(|call| call.down).find(|cell| cell.operation == "products.create");
    whole(erp, &run, down.context("no such call")?.expected).await.map(drop)
}

/// So many more products that a batch of them takes seconds.
async fn fill_up(erp: &ErpWorld, count: usize) -> anyhow::Result<()> {
    let many = (0..count).map(|n| product(&format!("M{n}"), 5, &format!("MANY-{n:03}"), &json!(n + 1)));
    erp.erp(many.collect()).await?;
    erp.world.shop.faults(json!([slow("products.create", 200)])).await
}

/// A call that is on its way is finished, the rest of the batch is not sent.
#[tokio::test]
async fn a_cancel_in_the_middle_of_a_batch_leaves_the_rest_of_it() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
    // More than the adapter writes between two notes of how far it is.
    fill_up(erp, 260).await?;
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
    let Opened { place: erp, mut worker } = open(Worker::Apart(FAST)).await?;
    fill_up(&erp, MANY).await?;
    let run = erp.start(config(&json!({ "page_size": 500 }))).await?;
    requested(&erp.world, "products.create", 20).await?;
    worker.process()?.terminate()?;
    let until = Instant::now() + Duration::from_secs(15);
    // In small pieces: the sandbox answers on this thread.
    while !worker.process()?.ended_within(Duration::from_millis(1))? {
        ensure!(Instant::now() < until, "the worker does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.start_again(&erp)?;
    erp.world.shop.mend().await?;
    let many = Expected { written: [4 + MANY, 4, 2, 2], ..table::SYNCED };
    whole(&erp, &run, many).await.map(drop)
}

/// Temporal does not hand a cancel on to the run that reads on.
#[tokio::test]
async fn a_cancel_at_the_end_of_a_run_ends_the_whole_chain() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
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
