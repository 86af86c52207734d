//! Each activity of a sync twice, one after the other, with the same input: the second time answers as the first, and
//! adds nothing. Temporal may run any of them again whose report it has lost.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::Context as _;
use contracts::erp::{
    ApplyBatch, Deactivate, Entity, Erp, FindGone, KeepKeys, KeepRefused, Lease, SaveReport, SaveState,
    ScanKeys, Source, StagePages, StageRefused, SyncReport, SyncState, SyncStatus, UnknownFields,
};
use contracts::objects::ObjectRef;
use contracts::values::{IdempotencyKey, IntegrationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::LinesWriter;
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::error::ApplicationFailure;
use temporalio_workflow::{
    ActivityOptions, WorkflowContext, WorkflowResult, WorkflowTermination, workflow, workflow_methods,
};
use tests::erp::{ErpWorld, SAMPLE};
use tests::matrix::is;
use tests::own_worker::OwnWorker;
use tests::world::LIMIT;
use workflows::policy::BULK_QUEUE;

use super::books::{HERE, open};

/// A product of the seed that the ERP of the table does not have.
const GONE: &str = "HEADSET-001";

/// The input of the workflow.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Told {
    source: Source,
    rules: String,
    /// A record that the shop has refused.
    refused: ObjectRef,
    /// The queue of the sync's activities.
    queue: String,
}

#[workflow]
#[derive(Default)]
struct Twice;

/// Runs an activity twice.
macro_rules! twice {
    ($ctx:expr, $told:expr, $activity:expr, $input:expr) => {{
        let input = $input;
        let options = || {
            ActivityOptions::with_start_to_close_timeout(Duration::from_secs(20))
                .task_queue($told.queue.clone())
                .build()
        };
        let first = $ctx.execute_activity($activity, input.clone(), options()).await?;
        let second = $ctx.execute_activity($activity, input, options()).await?;
        alike(stringify!($activity), first, &second)?
    }};
}

fn alike<T: PartialEq + Debug>(activity: &str, first: T, second: &T) -> Result<T, WorkflowTermination> {
    if first == *second {
        return Ok(first);
    }
    let failure = anyhow::anyhow!("{activity} answers {second:?} the second time, the first time {first:?}");
    Err(ApplicationFailure::builder(failure).non_retryable(true).build().into())
}

/// The names of one run.
struct Names {
    told: Told,
    run_id: String,
    sync_id: String,
    folder: String,
    quarantine: String,
}

#[workflow_methods]
impl Twice {
    #[run(name = "Twice")]
    async fn run(ctx: &mut WorkflowContext<Self>, told: Told) -> WorkflowResult<()> {
        let sync_id = format!("{}/{}", ctx.workflow_id(), ctx.run_id());
        let (folder, quarantine) = (format!("runs/{sync_id}"), format!("quarantine/{sync_id}"));
        let integration_id = told.source.integration_id.clone();
        let lease = Lease {
            integration_id: integration_id.clone(),
            workflow_id: ctx.workflow_id().to_owned(),
            first_run_id: ctx.run_id().to_owned(),
        };
        twice!(ctx, told, Erp::take_lease, lease);
        twice!(ctx, told, Erp::authenticate, told.source.clone());
        twice!(ctx, told, Erp::load_state, integration_id);
        let run = Names { told, run_id: ctx.run_id().to_owned(), sync_id, folder, quarantine };
        let mut state = SyncState::default();
        for entity in Entity::ALL {
            let newest = entity_twice(ctx, &run, entity).await?;
            state.watermarks.extend(newest.map(|newest| (entity, newest)));
        }
        refused_twice(ctx, &run).await?;
        gone_twice(ctx, &run).await?;
        ended_twice(ctx, &run, state).await
    }
}

type Ctx = WorkflowContext<Twice>;

/// The records of one kind, staged and applied; the newest stamp among them.
async fn entity_twice(ctx: &mut Ctx, run: &Names, entity: Entity) -> WorkflowResult<Option<Timestamp>> {
    let Names { told, sync_id, folder, quarantine, .. } = run;
    let integration_id = told.source.integration_id.clone();
    let pages = StagePages {
        source: told.source.clone(),
        entity,
        since: None,
        settled: None,
        cursor: None,
        page_size: 2,
        pages: 20,
        rules: Some(told.rules.clone()),
        currency: "VND".to_owned(),
        unknown_fields: UnknownFields::Ignore,
        price_change_percent: None,
        revive: entity == Entity::Products,
        dry_run: false,
        ahead_seconds: None,
        folder: folder.clone(),
        quarantine: quarantine.clone(),
    };
    let staged = twice!(ctx, told, Erp::stage, pages);
    twice!(ctx, told, Erp::count_shop, integration_id.clone());
    if let Some(batch) = staged.batch {
        let batch = ApplyBatch {
            key: IdempotencyKey::new(sync_id, entity.name()),
            integration_id,
            entity,
            batch,
            folder: folder.clone(),
            quarantine: quarantine.clone(),
            note_keys: entity == Entity::Products,
        };
        twice!(ctx, told, Erp::apply, batch);
    }
    Ok(staged.newest)
}

/// The record that the shop has refused, kept and staged again.
async fn refused_twice(ctx: &mut Ctx, run: &Names) -> WorkflowResult<()> {
    let told = &run.told;
    let keep = KeepRefused {
        integration_id: told.source.integration_id.clone(),
        entity: Entity::Products,
        settled: Vec::new(),
        refused: vec![told.refused.clone()],
        run: run.run_id.clone(),
        at: Timestamp::UNIX_EPOCH,
    };
    let kept = twice!(ctx, told, Erp::keep_refused, keep);
    let again = StageRefused {
        integration_id: told.source.integration_id.clone(),
        entity: Entity::Products,
        again: Vec::new(),
        price_change_percent: None,
        folder: run.folder.clone(),
    };
    let staged = twice!(ctx, told, Erp::stage_refused, again);
    alike("keep_refused", (kept.count, kept.attempts), &(1, 1))?;
    alike("stage_refused", staged.counts.to_create, &1).map(drop)
}

/// Products that are gone at the ERP, found and taken out of sale.
async fn gone_twice(ctx: &mut Ctx, run: &Names) -> WorkflowResult<()> {
    let Names { told, sync_id, folder, .. } = run;
    let integration_id = told.source.integration_id.clone();
    let scan = ScanKeys {
        source: told.source.clone(),
        entity: Entity::Products,
        page_size: 2,
        rules: Some(told.rules.clone()),
        folder: folder.clone(),
    };
    let scanned = twice!(ctx, told, Erp::scan_keys, scan);
    let find = FindGone {
        integration_id: integration_id.clone(),
        entity: Entity::Products,
        scanned: scanned.clone(),
        after: None,
        folder: folder.clone(),
    };
    if let Some(batch) = twice!(ctx, told, Erp::find_gone, find).batch {
        let gone = Deactivate {
            key: IdempotencyKey::new(sync_id, "gone"),
            integration_id: integration_id.clone(),
            entity: Entity::Products,
            batch,
            folder: folder.clone(),
        };
        twice!(ctx, told, Erp::deactivate, gone);
    }
    let keep = KeepKeys { integration_id, entity: Entity::Products, scanned, forget: true };
    twice!(ctx, told, Erp::keep_keys, keep);
    Ok(())
}

/// How far the sync is, and its report.
async fn ended_twice(ctx: &mut Ctx, run: &Names, state: SyncState) -> WorkflowResult<()> {
    let Names { told, sync_id, .. } = run;
    let integration_id = told.source.integration_id.clone();
    let save = SaveState {
        key: IdempotencyKey::new(sync_id, "state"),
        integration_id: integration_id.clone(),
        status: SyncStatus::Success,
        last_error: None,
        state: Some(state),
    };
    twice!(ctx, told, Erp::save_state, save);
    let report = SyncReport {
        sync_id: sync_id.clone(),
        timestamp: Timestamp::UNIX_EPOCH,
        duration: 0,
        summary: Default::default(),
        details: Default::default(),
    };
    let save = SaveReport { key: IdempotencyKey::new(sync_id, "report"), integration_id, report };
    twice!(ctx, told, Erp::save_report, save);
    Ok(())
}

async fn runs_twice(erp: &ErpWorld) -> anyhow::Result<()> {
    let queue = format!("{}-twice", erp.world.task_queue);
    let _worker = OwnWorker::start(erp.world.address(), &queue, |options| {
        options.register_workflow::<Twice>()?;
        Ok(())
    })?;
    // One came from this ERP, by what is remembered of it, and is gone there.
    let mut gone = LinesWriter::default();
    gone.push(&GONE)?;
    gone.put(&erp.store, &format!("integrations/{}/products/keys", erp.integration())).await?;
    let record = json!({ "entity": "product", "sku": "REFUSED-1", "name": "Refused",
        "price": { "amount": "5", "currency": "VND" } });
    let mut refused = LinesWriter::default();
    refused.push(&json!({ "entity": "products", "cause": "refused by the shop: VALIDATION_ERROR",
        "changed_at": "2025-01-01T00:00:00Z", "key": "REFUSED-1", "record": record }))?;
    let refused = refused.put(&erp.store, &format!("quarantine/{}/twice", erp.integration())).await?;
    let sample: Value = serde_json::from_str(SAMPLE)?;
    let told = Told {
        source: Source {
            integration_id: IntegrationId::new(erp.integration())?,
            endpoint: format!("{}/erp", erp.world.shop.url()),
            credentials_ref: "file:erp.json".to_owned(),
        },
        rules: sample["mapping_rules"].to_string(),
        refused: refused.context("a list")?,
        queue: format!("{}{BULK_QUEUE}", erp.world.task_queue),
    };
    let options = WorkflowStartOptions::new(queue, format!("twice/{}", erp.integration())).build();
    let run = erp.world.client.start_workflow(Twice::run, told, options).await?;
    tokio::time::timeout(LIMIT, run.get_result(WorkflowGetResultOptions::default())).await??;
    erp.is_equal().await?;
    is("writes", &erp.writes().await?, &13)?;
    let catalog = erp.world.shop.get("catalog").await?;
    let mut out = catalog.as_array().into_iter().flatten().filter(|product| product["active"] == false);
    is("out of sale", &out.next().map(|product| &product["sku"]), &Some(&json!(GONE)))?;
    is("others out of sale", &out.count(), &0)?;
    is("reports", &erp.reports().await?, &1)?;
    is("status", &erp.state().await?["last_sync_status"], &json!("success"))?;
    erp.world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn each_activity_twice_has_one_effect() -> anyhow::Result<()> {
    runs_twice(&open(HERE).await?.place).await
}

/// Without keys it is the records' own keys that keep it at one.
#[tokio::test]
async fn each_activity_twice_has_one_effect_at_a_shop_without_keys() -> anyhow::Result<()> {
    let opened = open(HERE).await?;
    let erp = &opened.place;
    erp.world.shop.put("switches", json!({ "dedupe": "off" })).await?;
    runs_twice(erp).await
}
