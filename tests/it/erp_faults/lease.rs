//! The lease: one run of an integration at a time. It lies in the object store, so what strikes it are other runs, a
//! store that cannot be written, and a worker that dies before it can say that it has the lease.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tests::erp::{ErpWorld, Sync};
use tests::matrix::{is, slow};
use workflows::report::StepStatus;

use super::books::{HERE, IMPATIENT, books_of, config, fill, goes_on, open, whole};
use super::table::{CANCELLED_AT_LEASE, Ends, Expected, FAILED_AT_LEASE, SYNCED};
use super::{PROMPT, start};

/// Makes the store unable to keep leases: where their folder should be, a file lies.
fn block(erp: &ErpWorld) -> anyhow::Result<PathBuf> {
    let place = erp.folder().join("store/leases");
    fs::create_dir_all(erp.folder().join("store"))?;
    fs::write(&place, "in the way")?;
    Ok(place)
}

/// Waits until the lease was asked for in vain.
async fn asked_in_vain(run: &Sync<'_>) -> anyhow::Result<()> {
    let until = std::time::Instant::now() + tests::world::LIMIT;
    while run.pending_failures().await?.is_empty() {
        anyhow::ensure!(std::time::Instant::now() < until, "the lease was never refused by the store");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_second_run_is_skipped_and_says_nothing_about_the_integration() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
    erp.world.shop.faults(json!([slow("erp.products", 1_500)])).await?;
    let first = start(erp).await?;
    erp.world.shop.requested("erp.products").await?;
    let second = format!("erp/{}-2026-11-23T03:00:00Z", erp.integration());
    let second = erp.start_as(&second, config(&json!({}))).await?;
    let second = second.ended().await?.completed()?;
    is("outcome of the second", &second.outcome.as_str(), &"skipped")?;
    is("the shop was told of the second", &erp.state().await?, &Value::Null)?;
    let done: Vec<&str> = second
        .steps
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Completed)
        .map(|step| step.step.as_str())
        .collect();
    is("steps done by the second", &done.len(), &1)?;
    whole(erp, &first, SYNCED).await.map(drop)
}

/// Nobody has to give a lease back, so a run that could not is in nobody's way.
#[tokio::test]
async fn a_run_that_is_terminated_leaves_no_lease_behind() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
    erp.world.shop.faults(json!([slow("erp.products", 1_000)])).await?;
    let first = start(erp).await?;
    erp.world.shop.requested("erp.products").await?;
    first.terminate().await?;
    erp.world.shop.mend().await?;
    let nothing = Expected { ends: Ends::Cancelled(""), ..CANCELLED_AT_LEASE };
    goes_on(erp, nothing, &json!({})).await
}

/// As if the worker had died between taking the lease and saying so.
#[tokio::test]
async fn a_lease_that_was_taken_and_never_reported_is_ours() -> anyhow::Result<()> {
    let erp = ErpWorld::without_worker().await?;
    fill(&erp).await?;
    let run = start(&erp).await?;
    let holder = json!({ "workflow_id": run.workflow_id, "first_run_id": run.run_id });
    let key = format!("leases/erp/{}/{:012}", erp.integration(), 1);
    assert!(erp.store.create(&key, holder.to_string().into_bytes()).await?);
    let _worker = erp.spawn_worker(&[])?;
    whole(&erp, &run, SYNCED).await.map(drop)
}

#[tokio::test]
async fn a_store_that_comes_back_lets_the_run_go_on() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
    let place = block(erp)?;
    let run = start(erp).await?;
    asked_in_vain(&run).await?;
    fs::remove_file(place)?;
    whole(erp, &run, SYNCED).await.map(drop)
}

#[tokio::test]
async fn a_store_that_stays_away_ends_the_run() -> anyhow::Result<()> {
    let opened = open(IMPATIENT).await?;
    let erp = &opened.place;
    let place = block(erp)?;
    let run = start(erp).await?;
    run.ended().await?;
    fs::remove_file(place)?;
    whole(erp, &run, FAILED_AT_LEASE).await.map(drop)
}

#[tokio::test]
async fn a_cancel_is_heard_while_the_store_is_away() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
    let place = block(erp)?;
    let run = start(erp).await?;
    asked_in_vain(&run).await?;
    let cancelled = std::time::Instant::now();
    run.temporal_cancel().await?;
    run.ended().await?;
    anyhow::ensure!(cancelled.elapsed() < PROMPT, "it ended only after {:?}", cancelled.elapsed());
    fs::remove_file(place)?;
    books_of(erp, &run, CANCELLED_AT_LEASE).await?;
    goes_on(erp, CANCELLED_AT_LEASE, &json!({})).await
}
