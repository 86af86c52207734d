//! The ERP of a cell, and what is asked of shop and ERP when its run has ended.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use contracts::erp::Entity;
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::erp::books::PerEntity;
use tests::erp::{ErpWorld, Sync};
use tests::matrix::{Opened, Worker, is};
use workflows::erp_sync::ErpSyncResult;
use workflows::report::{Report, StepStatus};

use super::table::{ALL, Ends, Expected};

/// As fast as the machine; the usual rate of a worker is not what the cells test.
pub(super) const FAST: &[&str] = &["--bulk-rate=1000"];

/// A worker in this process.
pub(super) const HERE: Worker = Worker::Here(FAST);

/// A worker that gives up while a test waits.
pub(super) const IMPATIENT: Worker = Worker::Apart(&["--bulk-rate=1000", "--erp-patience=3s"]);

/// The step that tells the shop how a run ended.
const UPDATE: &str = "update-sync-timestamp";

/// Pages of two; a lookback that is shorter than the time between any two changes, so that a watermark that is too far
/// loses something.
pub(super) fn config(changes: &Value) -> Value {
    let mut config = json!({
        "sync_entities": ["products", "inventory", "customers", "orders"], "page_size": 2, "lookback": "1s",
        "max_invalid": "none",
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    config
}

/// A record that changed so many minutes after the beginning.
pub(super) fn record(entity: &str, id: &str, minute: u32, fields: &Value) -> Value {
    let changed = format!("2025-01-01T00:{minute:02}:00Z");
    json!({ "entity": entity, "id": id, "updated_at": changed, "fields": fields })
}

pub(super) fn product(id: &str, minute: u32, sku: &str, price: &Value) -> Value {
    let fields =
        json!({ "item_code": sku, "item_description": format!("Product {id}"), "unit_price": price });
    record("products", id, minute, &fields)
}

fn records() -> Vec<Value> {
    let level = |id: &str, minute, sku: &str, location: &str, quantity: u32| {
        let fields = json!({ "sku": sku, "location": location, "quantity": quantity });
        record("inventory", id, minute, &fields)
    };
    let customer = |id: &str, minute| {
        let fields = json!({ "external_id": id, "email": format!("{id}@example.com"), "first_name": "Lan",
            "last_name": "Example", "phone": "+84900000009" });
        record("customers", id, minute, &fields)
    };
    let order = |id: &str, minute, customer: &str| {
        let fields = json!({ "external_id": id, "status": "invoiced", "total": 990_000,
            "customer_external_id": customer, "ordered_at": "2025-01-01T00:00:00Z" });
        record("orders", id, minute, &fields)
    };
    vec![
        product("P1", 1, "NEW-001", &json!(1_000)),
        product("P2", 2, "NEW-002", &json!(2_000)),
        product("P3", 3, "NEW-003", &json!(3_000)),
        product("P4", 4, "LAPTOP-001", &json!(26_000_000)),
        level("L1", 11, "NEW-001", "HCM", 12),
        level("L2", 12, "NEW-002", "HN", 30),
        level("L3", 13, "NEW-003", "HCM", 75),
        level("L4", 14, "LAPTOP-001", "default", 0),
        customer("c-1", 21),
        customer("c-2", 22),
        order("o-1", 31, "c-1"),
        order("o-2", 32, "c-2"),
    ]
}

/// A shop and an ERP with the records of the table, and a worker.
pub(super) async fn open(worker: Worker) -> anyhow::Result<Opened<ErpWorld>> {
    let opened = Opened::<ErpWorld>::new(worker).await?;
    fill(&opened.place).await?;
    Ok(opened)
}

/// Puts the records of the table into the ERP, and nothing else.
pub(super) async fn fill(erp: &ErpWorld) -> anyhow::Result<()> {
    let seeded = erp.world.shop.get("erp/records").await?;
    let name = |record: &Value| json!({ "entity": record["entity"], "id": record["id"] });
    let seeded: Vec<Value> = seeded.as_array().into_iter().flatten().map(name).collect();
    erp.world.shop.delete("erp/records", json!(seeded)).await?;
    erp.erp(json!(records())).await
}

/// Checks how a run ended, and that the next one, with nothing in its way, completes what is missing.
pub(super) async fn whole(erp: &ErpWorld, run: &Sync<'_>, expected: Expected) -> anyhow::Result<Report> {
    let report = books_of(erp, run, expected).await?;
    goes_on(erp, expected, &json!({})).await?;
    Ok(report)
}

/// Checks how a run ended, what it reports, what is in the shop, how far the shop believes it to be, and what it was
/// told.
pub(super) async fn books_of(erp: &ErpWorld, run: &Sync<'_>, expected: Expected) -> anyhow::Result<Report> {
    let ended = run.ended().await?;
    erp.world.shop.mend().await?;
    let (report, why) = report_of(ended, expected.ends)?;
    steps_of(&report, expected)?;
    is("in the shop as in the ERP", &erp.alike().await?, &expected.written)?;
    is("writes", &erp.writes().await?, &expected.written.iter().sum::<usize>())?;
    is("quarantined", &erp.quarantined().await?.len(), &expected.quarantined)?;
    let state = erp.state().await?;
    let newest = newest(erp).await?;
    let moved =
        Entity::ALL.iter().take(expected.moved).filter_map(|entity| newest.get_key_value(entity.name()));
    let moved: BTreeMap<String, Timestamp> = moved.map(|(name, at)| (name.clone(), *at)).collect();
    is("watermarks", &watermarks(&state)?, &moved)?;
    match (expected.is_told, why) {
        (false, _) => is("what the shop was told", &state, &Value::Null)?,
        (true, None) => told_of_success(&state, expected.written)?,
        (true, Some(why)) => told(&state, "failed", Some(&why))?,
    }
    is("reports", &erp.reports().await?, &usize::from(expected.ends == Ends::Synced))?;
    Ok(report)
}

/// The next run is let in, and brings the shop to equality with the ERP without writing anything twice. `changes` are
/// those of its configuration.
pub(super) async fn goes_on(erp: &ErpWorld, before: Expected, changes: &Value) -> anyhow::Result<()> {
    next_run(erp, before, changes).await.context("the next run")
}

async fn next_run(erp: &ErpWorld, before: Expected, changes: &Value) -> anyhow::Result<()> {
    let result = erp.sync(config(changes)).await?.completed()?;
    ensure!(result.success, "it did not go through: {result:?}");
    erp.is_equal().await?;
    let records: usize = erp.source().await?.values().map(BTreeMap::len).sum();
    is("writes", &erp.writes().await?, &records)?;
    let state = erp.state().await?;
    told(&state, "success", None)?;
    is("watermarks", &watermarks(&state)?, &newest(erp).await?)?;
    is("reports", &erp.reports().await?, &(1 + usize::from(before.ends == Ends::Synced)))?;
    erp.world.shop.clean().await.map(drop)
}

/// Where the next run begins so that it reads again what is in the quarantine.
pub(super) async fn since_the_oldest(erp: &ErpWorld) -> anyhow::Result<Value> {
    let oldest = erp.quarantined().await?.iter().map(|row| row.changed_at).min();
    Ok(oldest.map_or(json!({}), |oldest| json!({ "since": oldest })))
}

/// The report of a run that ended as expected, and what the shop should have been told of why.
fn report_of(ended: Ended<ErpSyncResult>, ends: Ends) -> anyhow::Result<(Report, Option<String>)> {
    match ends {
        Ends::Synced => {
            let result = ended.completed()?;
            ensure!(result.success && result.outcome == "completed", "not synced: {result:?}");
            Ok((result.steps, None))
        }
        Ends::Stopped(outcome) => {
            let result = ended.completed()?;
            ensure!(!result.success && result.outcome == outcome, "not {outcome}: {result:?}");
            Ok((result.steps, result.reason))
        }
        Ends::Failed(kind, step) => {
            let (message, report) = ended.failed_as(kind)?;
            let why = message.split_once(&format!("Workflow step '{step}' failed: "));
            let (_, why) = why.with_context(|| format!("not failed at {step}: {message}"))?;
            // Of an outage the step is named, of a refusal the reason says enough.
            let why = if kind == "StepFailed" { format!("{step}: {why}") } else { why.to_owned() };
            Ok((report, Some(why)))
        }
        Ends::Cancelled(_) => match ended {
            Ended::Canceled(report) => Ok((report, Some("operator".to_owned()))),
            other => anyhow::bail!("not cancelled: {other:?}"),
        },
    }
}

/// The steps before the last one are done, those after it have not begun; but the shop is told of an early end.
fn steps_of(report: &Report, expected: Expected) -> anyhow::Result<()> {
    let (last, ended_as): (&str, &[StepStatus]) = match expected.ends {
        Ends::Synced => ("", &[]),
        Ends::Failed(_, step) => (step, &[StepStatus::Failed]),
        Ends::Cancelled(step) => (step, &[StepStatus::Stopped, StepStatus::Completed]),
        Ends::Stopped(_) => ("validate-data", &[StepStatus::Failed]),
    };
    let mut is_behind = false;
    for step in &report.steps {
        let wanted: &[StepStatus] = match step.step.as_str() {
            UPDATE if !expected.is_told => &[StepStatus::Failed],
            UPDATE => &[StepStatus::Completed],
            name if name == last => ended_as,
            _ if is_behind => &[StepStatus::Pending],
            _ => &[StepStatus::Completed, StepStatus::Skipped],
        };
        ensure!(wanted.contains(&step.status), "{} is not {wanted:?} in {report:?}", step.step);
        is_behind |= step.step == last;
    }
    Ok(())
}

fn told(state: &Value, status: &str, error: Option<&str>) -> anyhow::Result<()> {
    is("status", &state["last_sync_status"], &json!(status))?;
    is("last error", &state["last_error"], &json!(error))
}

/// A run that went through although the shop refused records says so; any other has no error.
///
/// Every cell's ERP has the records of [`ALL`] and perhaps more: fewer are written where the shop refused some.
fn told_of_success(state: &Value, written: PerEntity) -> anyhow::Result<()> {
    if written.iter().zip(ALL).all(|(written, all)| *written >= all) {
        return told(state, "success", None);
    }
    is("status", &state["last_sync_status"], &json!("success"))?;
    let error = state["last_error"].as_str().unwrap_or_default();
    ensure!(
        error.starts_with("refused by the shop and tried again by the next runs: "),
        "last error: {error:?}"
    );
    Ok(())
}

/// How far the shop believes each entity to be.
fn watermarks(state: &Value) -> anyhow::Result<BTreeMap<String, Timestamp>> {
    let known = state["watermarks"].as_object().into_iter().flatten();
    // The sizes of full reads lie beside them.
    let moments = known.filter(|(name, _)| !name.contains('.'));
    moments.map(|(name, at)| Ok((name.clone(), at.as_str().unwrap_or_default().parse()?))).collect()
}

/// The newest change of each entity in the ERP.
async fn newest(erp: &ErpWorld) -> anyhow::Result<BTreeMap<String, Timestamp>> {
    let records = erp.world.shop.get("erp/records").await?;
    let mut newest = BTreeMap::new();
    for record in records.as_array().into_iter().flatten() {
        let at: Timestamp = record["updated_at"].as_str().unwrap_or_default().parse()?;
        let entity = record["entity"].as_str().unwrap_or_default().to_owned();
        let known = newest.entry(entity).or_insert(at);
        *known = at.max(*known);
    }
    Ok(newest)
}
