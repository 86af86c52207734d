//! A shop that gets a catalogue, and what a test asks of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use contracts::values::CatalogId;
use serde_json::{Value, json};
use store::Store;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowStartOptions,
};
use temporalio_common::search_attributes::SearchAttributes;
use workflows::catalog_setup::{self, CatalogSetup, CatalogSetupData, CatalogSetupResult};
use workflows::input::Unchecked;
use workflows::report::Progress;
use workflows::saga::{Action, Answer, AnswerOutcome, CancelAccepted, CancelRequest};

use crate::customers::{Ended, answered, ended};
use crate::servers;
use crate::starter::{Called, starter};
use crate::world::{LIMIT, WorkerProcess, World, until};

/// The shipped sample.
pub const SAMPLE: &str = include_str!("../../starter/samples/catalog.json");

/// The folder of its picture.
pub const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../starter/samples/images");

/// Effects that a setup has at the shop.
const WRITES: [&str; 11] = [
    "categories.create",
    "categories.update",
    "categories.delete",
    "media.upload",
    "media.update",
    "products.create",
    "products.update",
    "inventory.create",
    "rules.create",
    "rules.update",
    "rules.status",
];

/// A shop, a worker and their object store.
pub struct CatalogWorld {
    /// The shop and the worker.
    pub world: World,
    /// The object store.
    pub store: Store,
    folder: Folder,
    catalog: String,
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

impl CatalogWorld {
    /// An empty shop whose worker runs in this process.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with("empty").await
    }

    /// The same with another seed of the shop.
    pub async fn with(seed: &str) -> anyhow::Result<Self> {
        let mut made = Self::without_worker(seed).await?;
        made.start_worker(&[])?;
        Ok(made)
    }

    /// A world whose worker the test starts itself.
    pub async fn without_worker(seed: &str) -> anyhow::Result<Self> {
        let made = Self::of(World::without_worker(&servers::dev_server()?).await?)?;
        made.world.shop.post("reset", json!({ "seed": seed })).await?;
        Ok(made)
    }

    /// The same in a world that is there, whatever its shop has.
    pub fn of(world: World) -> anyhow::Result<Self> {
        let name = unique();
        let folder = Folder(std::env::temp_dir().join(format!("sunflow-catalog-{name}")));
        std::fs::create_dir_all(&folder.0)?;
        let store = Store::open(&folder.0.join("store").display().to_string())?;
        Ok(Self { world, store, folder, catalog: format!("c-{name}") })
    }

    /// Another catalogue with a new shop; the worker and the store stay.
    pub async fn renew(&mut self, seed: &str) -> anyhow::Result<()> {
        self.catalog = format!("c-{}", unique());
        self.world.shop.post("reset", json!({ "seed": seed })).await.map(drop)
    }

    /// The worker's settings for the object store.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        vec![format!("--store={}", self.folder.0.join("store").display()), "--bulk-rate=1000".to_owned()]
    }

    /// Starts a worker in this process.
    pub fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        let own = self.settings();
        let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        self.world.start_worker(&settings)
    }

    /// Starts a worker as a process of its own.
    pub fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        let own = self.settings();
        let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        self.world.spawn_worker(&settings)
    }

    /// A folder that goes with this world.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// The catalogue's id.
    #[must_use]
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    /// Calls `starter catalog setup` with an input and waits for the end.
    pub async fn setup(&self, input: &Value, more: &[&str]) -> anyhow::Result<Called> {
        self.call(&[&["--input", "-"], more].concat(), Some(input)).await
    }

    /// The same with whatever says what is set up.
    pub async fn call(&self, more: &[&str], input: Option<&Value>) -> anyhow::Result<Called> {
        let store = self.folder.0.join("store").display().to_string();
        let args =
            ["catalog", "setup", "--catalog-id", &self.catalog, "--store", &store, "--wait", "-o", "json"];
        starter(&self.world, &[&args, more].concat(), input).await
    }

    /// Changes something of the shop, as a person would.
    pub async fn person_puts(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let url = format!("{}/api/v1/{path}", self.world.shop.url());
        let put = reqwest::Client::new().put(url).header("content-type", "application/json");
        let answer = put.body(body.to_string()).send().await?;
        anyhow::ensure!(answer.status().is_success(), "{path} is not changed: {}", answer.text().await?);
        Ok(())
    }

    /// Starts a setup, whose pictures are in the store already.
    pub async fn start(&self, input: &Value) -> anyhow::Result<Setup<'_>> {
        let mut input = input.clone();
        input["catalog_id"] = json!(self.catalog);
        let input = Unchecked::<CatalogSetupData>::from_json(&input.to_string())?;
        let id = CatalogId::new(self.catalog.as_str())?;
        let workflow_id = catalog_setup::workflow_id(&id);
        let options = WorkflowStartOptions::new(self.world.task_queue.clone(), workflow_id.clone())
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .search_attributes(SearchAttributes::new(catalog_setup::search_attributes(&id)))
            .build();
        self.world.client.start_workflow(CatalogSetup::run, input, options).await?;
        Ok(Setup { world: &self.world, workflow_id })
    }

    /// Puts a file into the store, as the starter does; returns what an image's `content` says of it.
    pub async fn keep(&self, content: &[u8]) -> anyhow::Result<Value> {
        Ok(json!(self.store.put("inputs", "bin", content.to_vec()).await?))
    }

    /// The shop's catalogue: what a rollback must leave as it was. Times and ids that count up are left out.
    pub async fn shelf(&self) -> anyhow::Result<Value> {
        let shop = &self.world.shop;
        let mut shelf = json!({});
        for (name, path) in [
            ("categories", "categories?pageSize=100"),
            ("products", "products?pageSize=100"),
            ("rules", "pricing-rules?pageSize=100"),
            ("media", "media?pageSize=100"),
        ] {
            let mut entries = shop.ask(path, None).await?;
            for entry in entries.as_array_mut().with_context(|| name.to_owned())? {
                for time in ["createdAt", "updatedAt", "created_at", "updated_at"] {
                    if let Some(fields) = entry.as_object_mut() {
                        fields.remove(time);
                    }
                }
            }
            shelf[name] = entries;
        }
        shelf["stock"] = shop.get("stock").await?;
        Ok(shelf)
    }

    /// The same without what differs from run to run and from shop to shop: names stand in place of the shop's ids and
    /// address, and the moment is left out from which a rule holds that names none.
    pub async fn shelf_by_names(&self) -> anyhow::Result<Value> {
        let mut shelf = self.shelf().await?;
        for rule in shelf["rules"].as_array_mut().into_iter().flatten() {
            rule["start_date"] = Value::Null;
        }
        // Several are made at once: which one came first, says nothing.
        for (kind, key) in [("categories", "slug"), ("products", "sku"), ("rules", "name"), ("media", "tags")]
        {
            if let Some(entries) = shelf[kind].as_array_mut() {
                entries.sort_by_key(|entry| entry[key].to_string());
            }
        }
        let mut text = shelf.to_string().replace(&self.world.shop.url(), "shop");
        for kind in ["categories", "rules", "media"] {
            for (place, entry) in shelf[kind].as_array().into_iter().flatten().enumerate() {
                let id = entry["id"].as_str().with_context(|| format!("an entry of {kind} without an id"))?;
                text = text.replace(id, &format!("{kind}-{place}"));
            }
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Effects of a setup's operations so far, by operation; those that changed nothing left out.
    pub async fn writes(&self) -> anyhow::Result<BTreeMap<String, usize>> {
        let effects = self.world.shop.get("effects").await?;
        let mut writes = BTreeMap::new();
        for effect in effects.as_array().context("effects is no list")? {
            let operation = effect["operation"].as_str().unwrap_or_default();
            if effect["effect"] != "none" && !effect["effect"].is_null() && WRITES.contains(&operation) {
                *writes.entry(operation.to_owned()).or_default() += 1;
            }
        }
        Ok(writes)
    }
}

/// A started setup.
pub struct Setup<'w> {
    world: &'w World,
    pub workflow_id: String,
}

impl Setup<'_> {
    fn handle(&self) -> WorkflowHandle<Client, CatalogSetup> {
        self.world.client.get_workflow_handle::<CatalogSetup>(self.workflow_id.clone())
    }

    /// How it ended.
    pub async fn ended(&self) -> anyhow::Result<Ended<CatalogSetupResult>> {
        let handle = self.handle();
        let result =
            tokio::time::timeout(LIMIT, handle.get_result(WorkflowGetResultOptions::default())).await;
        ended(result.with_context(|| format!("{} did not end within {LIMIT:?}", self.workflow_id))?)
    }

    /// The same of a run that takes its time.
    pub async fn ended_within(&self, limit: Duration) -> anyhow::Result<Ended<CatalogSetupResult>> {
        let result =
            tokio::time::timeout(limit, self.handle().get_result(WorkflowGetResultOptions::default())).await;
        ended(result.with_context(|| format!("{} did not end within {limit:?}", self.workflow_id))?)
    }

    /// Waits until a person is asked.
    pub async fn asks(&self) -> anyhow::Result<Progress> {
        let is_asking = |progress: &Progress| !progress.needs_human.is_empty();
        until(&self.workflow_id, "asking", || self.progress(), is_asking).await
    }

    /// Answers the brake.
    pub async fn decide(&self, is_approved: bool, reason: &str) -> Result<AnswerOutcome, String> {
        let action = if is_approved { Action::Approve } else { Action::Reject };
        let answer = Answer::new("create-categories", action, reason);
        let options = WorkflowExecuteUpdateOptions::default();
        let answered = answered(self.handle().execute_update(CatalogSetup::answer, answer, options)).await;
        answered.map(|answered| answered.outcome)
    }

    /// The query `progress`.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(CatalogSetup::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Temporal's own cancel.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// The update `undo_setup`.
    pub async fn undo(&self, reason: &str) -> Result<CancelAccepted, String> {
        let request = CancelRequest { reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        answered(self.handle().execute_update(CatalogSetup::undo_setup, request, options)).await
    }

    /// The update `cancel_setup`.
    pub async fn cancel(&self, reason: &str) -> Result<CancelAccepted, String> {
        let request = CancelRequest { reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        answered(self.handle().execute_update(CatalogSetup::cancel_setup, request, options)).await
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
