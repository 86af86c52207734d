//! A shop and an ERP, and what a test asks of their syncs.

pub mod books;
pub mod mock;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use contracts::values::IntegrationId;
use serde_json::{Value, json};
use store::Store;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowStartOptions, WorkflowTerminateOptions,
};
use temporalio_common::search_attributes::SearchAttributes;
use workflows::erp_sync::{self, ErpSync, ErpSyncConfig, ErpSyncResult};
use workflows::input::Unchecked;
use workflows::report::Progress;
use workflows::saga::{Action, Answer, AnswerOutcome};

use crate::customers::{Ended, answered, ended};
use crate::world::{LIMIT, WorkerProcess, World};
use crate::{clear, servers};

/// The seed's configuration, as the README's sample has it.
pub const SAMPLE: &str = include_str!("../../starter/samples/erp.json");

/// The password of the sandbox's ERP: nobody but the worker's secrets folder may know it.
pub const PASSWORD: &str = "api_password";

/// A shop, an ERP, a worker with its credential, and their object store.
pub struct ErpWorld {
    /// The shop and the worker.
    pub world: World,
    /// The object store.
    pub store: Store,
    folder: Folder,
    integration: String,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl ErpWorld {
    /// A world whose worker runs in this process, with further settings.
    pub async fn with(settings: &[&str]) -> anyhow::Result<Self> {
        Self::with_on(&servers::dev_server()?, settings).await
    }

    /// The same, on another Temporal server.
    pub async fn with_on(address: &str, settings: &[&str]) -> anyhow::Result<Self> {
        let mut made = Self::without_worker_on(address).await?;
        made.start_worker(settings)?;
        Ok(made)
    }

    /// The same with no further settings.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// A world whose worker the test starts itself, with [`Self::settings`].
    pub async fn without_worker() -> anyhow::Result<Self> {
        Self::without_worker_on(&servers::dev_server()?).await
    }

    async fn without_worker_on(address: &str) -> anyhow::Result<Self> {
        Self::of(World::without_worker(address).await?)
    }

    /// The same in a world that is there.
    pub fn of(world: World) -> anyhow::Result<Self> {
        let name = unique();
        let folder = Folder(std::env::temp_dir().join(format!("sunflow-erp-{name}")));
        std::fs::create_dir_all(folder.0.join("secrets"))?;
        let endpoint = format!("{}/erp", world.shop.url());
        let credential = json!({ "username": "api_user", "password": PASSWORD, "endpoints": [endpoint] });
        std::fs::write(folder.0.join("secrets/erp.json"), credential.to_string())?;
        let store = Store::open(&folder.0.join("store").display().to_string())?;
        Ok(Self { world, store, folder, integration: format!("erp-{name}") })
    }

    /// The worker's settings for the ERP.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        let place = |name: &str| self.folder.0.join(name).display().to_string();
        vec![format!("--secrets-dir={}", place("secrets")), format!("--store={}", place("store"))]
    }

    /// Another integration with a new shop and ERP; the worker and the store stay.
    pub async fn renew(&mut self) -> anyhow::Result<()> {
        self.integration = format!("erp-{}", unique());
        self.world.shop.post("reset", json!({ "seed": "shop" })).await.map(drop)
    }

    /// Starts a worker with the credential in this process, with further settings.
    pub fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        let own = self.settings();
        let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        self.world.start_worker(&settings)
    }

    /// Starts a worker with the credential as a process of its own, with further settings.
    pub fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        let own = self.settings();
        let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        self.world.spawn_worker(&settings)
    }

    /// The same; everything it says goes into a file.
    pub fn spawn_logging_worker(&self, settings: &[&str], log: &Path) -> anyhow::Result<WorkerProcess> {
        let own = self.settings();
        let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        self.world.spawn_logging_worker(&settings, log)
    }

    /// The folder of the store and the secrets.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// The integration's id.
    #[must_use]
    pub fn integration(&self) -> &str {
        &self.integration
    }

    /// The sample for this world's ERP, with some fields changed.
    pub fn config(&self, changes: Value) -> anyhow::Result<Value> {
        let mut config: Value = serde_json::from_str(SAMPLE)?;
        config["integration_id"] = json!(self.integration);
        config["erp_endpoint"] = json!(format!("{}/erp", self.world.shop.url()));
        config["credentials_ref"] = json!("file:erp.json");
        for (name, value) in changes.as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        Ok(config)
    }

    /// Starts a sync under the integration's own id.
    pub async fn start(&self, changes: Value) -> anyhow::Result<Sync<'_>> {
        let id = IntegrationId::new(self.integration.as_str())?;
        self.start_as(&erp_sync::workflow_id(&id), changes).await
    }

    /// Starts a sync under another id, as a schedule does.
    pub async fn start_as(&self, workflow_id: &str, changes: Value) -> anyhow::Result<Sync<'_>> {
        let input = Unchecked::<ErpSyncConfig>::from_json(&self.config(changes)?.to_string())?;
        let id = IntegrationId::new(self.integration.as_str())?;
        let options = WorkflowStartOptions::new(self.world.task_queue.clone(), workflow_id.to_owned())
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .search_attributes(SearchAttributes::new(erp_sync::search_attributes(&id)))
            .build();
        let handle = self.world.client.start_workflow(ErpSync::run, input, options).await?;
        let run_id = handle.run_id().unwrap_or_default().to_owned();
        Ok(Sync { world: &self.world, workflow_id: workflow_id.to_owned(), run_id })
    }

    /// A run under the integration's own id that was started before.
    #[must_use]
    pub fn attach(&self, run_id: String) -> Sync<'_> {
        Sync {
            world: &self.world,
            workflow_id: format!("{}{}", erp_sync::ID_PREFIX, self.integration),
            run_id,
        }
    }

    /// Runs a sync to its end.
    pub async fn sync(&self, changes: Value) -> anyhow::Result<Ended<ErpSyncResult>> {
        self.start(changes).await?.ended().await
    }

    /// Changes records of the ERP.
    pub async fn erp(&self, records: Value) -> anyhow::Result<()> {
        self.world.shop.put("erp/records", records).await.map(drop)
    }

    /// Effects of the shop's write operations so far, those that changed nothing left out.
    pub async fn writes(&self) -> anyhow::Result<usize> {
        const WRITES: [&str; 5] =
            ["products.create", "products.update", "inventory.level", "customers.upsert", "orders.upsert"];
        let effects = self.world.shop.get("effects").await?;
        let effects = effects.as_array().context("effects is no list")?;
        let is_write = |effect: &&Value| {
            effect["effect"] != "none" && WRITES.iter().any(|write| effect["operation"] == *write)
        };
        Ok(effects.iter().filter(is_write).count())
    }

    /// Has the shop remember a watermark.
    pub async fn remember(&self, entity: &str, watermark: &str) -> anyhow::Result<()> {
        let path = format!("integrations/{}/config", self.integration);
        self.world.shop.tell(&path, &json!({ "watermarks": { entity: watermark } })).await
    }

    /// The shop's memory of the integration.
    pub async fn state(&self) -> anyhow::Result<Value> {
        self.world.shop.ask(&format!("integrations/{}/config", self.integration), None).await
    }
}

/// A started sync.
pub struct Sync<'w> {
    world: &'w World,
    pub workflow_id: String,
    pub run_id: String,
}

impl Sync<'_> {
    fn handle(&self) -> WorkflowHandle<Client, ErpSync> {
        self.world.client.get_workflow_handle::<ErpSync>(self.workflow_id.clone())
    }

    /// How it ended.
    pub async fn ended(&self) -> anyhow::Result<Ended<ErpSyncResult>> {
        self.ended_within(LIMIT).await
    }

    /// How it ended, for syncs of more records than a test has.
    pub async fn ended_within(&self, limit: Duration) -> anyhow::Result<Ended<ErpSyncResult>> {
        let handle = self.handle();
        let result =
            tokio::time::timeout(limit, handle.get_result(WorkflowGetResultOptions::default())).await;
        ended(result.with_context(|| format!("{} did not end within {limit:?}", self.workflow_id))?)
    }

    /// The query `progress`.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(ErpSync::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Waits until a person is asked.
    pub async fn asks(&self) -> anyhow::Result<Progress> {
        let until = Instant::now() + LIMIT;
        loop {
            match self.progress().await {
                Ok(progress) if !progress.needs_human.is_empty() => return Ok(progress),
                other if Instant::now() > until => bail!("{}: nobody was asked: {other:?}", self.workflow_id),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Temporal's own cancel, for the reason "operator".
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// Temporal's terminate: the process cannot do anything about it.
    pub async fn terminate(&self) -> anyhow::Result<()> {
        Ok(self.handle().terminate(WorkflowTerminateOptions::builder().reason("test").build()).await?)
    }

    /// The failures of the activities that wait for another attempt.
    pub async fn pending_failures(&self) -> anyhow::Result<Vec<String>> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let pending = description.raw().pending_activities.iter();
        Ok(pending.filter_map(|waiting| Some(waiting.last_failure.as_ref()?.message.clone())).collect())
    }

    /// The update `answer`, to the brake.
    pub async fn decide(&self, is_approved: bool, reason: &str) -> Result<AnswerOutcome, String> {
        let action = if is_approved { Action::Approve } else { Action::Reject };
        let answer = Answer::new("validate-data", action, reason);
        let options = WorkflowExecuteUpdateOptions::default();
        let answered = answered(self.handle().execute_update(ErpSync::answer, answer, options)).await;
        answered.map(|answered| answered.outcome)
    }

    /// The history in clear.
    pub async fn history_text(&self) -> anyhow::Result<String> {
        let events =
            self.handle().fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
        events.iter().map(|event| clear::text(event, &[])).collect()
    }

    /// The history as the replayer reads it.
    pub async fn history_json(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.handle().fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?)
    }

    /// Events so far.
    pub async fn events(&self) -> anyhow::Result<i64> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        Ok(description.raw().workflow_execution_info.clone().unwrap_or_default().history_length)
    }
}
