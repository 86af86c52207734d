//! A shop with many products, and the runs that reprice them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use contracts::bulk::Rate;
use contracts::objects::ObjectRef;
use serde_json::{Value, json};
use store::LinesWriter;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions,
};

use super::{Leaf, LeafOn, LeafThrough, Leafing, Outcome, Reprice, RepriceAll, Wish};
use crate::erp::ErpWorld;
use crate::shop::Shop;
use crate::world::{LIMIT, WorkerProcess};

/// The price of every product before, in dong.
const BEFORE: i64 = 1_000;
/// How soon a worker that vanished is noticed: twice what a quiet machine needs.
const HEARTBEAT_MS: u64 = 2_000;

/// A shop, its object store, and no worker yet.
pub struct BulkWorld {
    /// The shop with an ERP, whose syncs are bulk work, too.
    pub erp: ErpWorld,
}

impl BulkWorld {
    /// With so many products, `P-0001` and so on.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn with(products: usize) -> anyhow::Result<Self> {
        let erp = ErpWorld::without_worker().await?;
        for number in 1..=products {
            let sku = sku(number);
            let body = json!({ "sku": sku, "name": sku, "price": BEFORE, "currency": "VND" });
            erp.world.shop.ask("products", Some(&body)).await?;
        }
        Ok(Self { erp })
    }

    /// Starts the worker with the throw-away user, as a process of its own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        let own = self.erp.settings();
        let settings: Vec<&str> = own.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        self.erp.world.spawn_program("bulk_worker", &settings)
    }

    /// Puts a list into the store.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn list(&self, wishes: &[Wish]) -> anyhow::Result<ObjectRef> {
        let mut lines = LinesWriter::default();
        for wish in wishes {
            lines.push(wish)?;
        }
        lines.put(&self.erp.store, "inputs").await?.context("an empty list")
    }

    /// A run over a list, with the usual figures.
    #[must_use]
    pub fn reprice(&self, list: ObjectRef, rate: Option<Rate>) -> Reprice {
        let folder = format!("runs/{}", self.erp.world.task_queue);
        Reprice { list, page_size: 100, limit: 100, rate, heartbeat_ms: HEARTBEAT_MS, folder }
    }

    /// Starts a run under a name of its own.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn start(&self, name: &str, reprice: Reprice) -> anyhow::Result<Run> {
        let world = &self.erp.world;
        let id = format!("reprice/{}/{name}", world.task_queue);
        let options = WorkflowStartOptions::new(world.task_queue.clone(), id.clone()).build();
        world.client.start_workflow(RepriceAll::run, reprice, options).await?;
        Ok(Run { handle: world.client.get_workflow_handle::<RepriceAll>(id) })
    }

    /// Leafs through pages in one attempt.
    ///
    /// # Errors
    /// When the attempt dies.
    pub async fn leaf(&self, leaf: Leaf, heartbeat: Duration) -> anyhow::Result<u32> {
        let world = &self.erp.world;
        let id = format!("leaf/{}/{}x{}", world.task_queue, leaf.pages, leaf.page_ms);
        let options = WorkflowStartOptions::new(world.task_queue.clone(), id).build();
        let input = (leaf, u64::try_from(heartbeat.as_millis())?);
        let run = world.client.start_workflow(LeafThrough::run, input, options).await?;
        Ok(tokio::time::timeout(LIMIT, run.get_result(WorkflowGetResultOptions::default())).await??)
    }

    /// Leafs through pages, activity by activity.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn leaf_on(
        &self,
        name: &str,
        leafing: Leafing,
    ) -> anyhow::Result<WorkflowHandle<Client, LeafOn>> {
        let world = &self.erp.world;
        let id = format!("leaf-on/{}/{name}", world.task_queue);
        let options = WorkflowStartOptions::new(world.task_queue.clone(), id.clone()).build();
        world.client.start_workflow(LeafOn::run, leafing, options).await?;
        Ok(world.client.get_workflow_handle::<LeafOn>(id))
    }

    /// The prices of the shop's products.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn prices(&self) -> anyhow::Result<BTreeMap<String, i64>> {
        let catalog = self.erp.world.shop.get("catalog").await?;
        let price = |product: &Value| Some((product["sku"].as_str()?.to_owned(), product["price"].as_i64()?));
        Ok(catalog.as_array().into_iter().flatten().filter_map(price).collect())
    }
}

/// A new price for every product, other than what any costs before.
#[must_use]
pub fn wishes(products: usize) -> Vec<Wish> {
    (1..=products).map(|number| Wish { sku: sku(number), price: 10 * number as i64 + 1 }).collect()
}

/// The SKU of a number.
#[must_use]
pub fn sku(number: usize) -> String {
    format!("P-{number:04}")
}

/// How often the shop was asked for an operation.
///
/// # Errors
/// When the sandbox refuses.
pub async fn requests(shop: &Shop, operation: &str) -> anyhow::Result<u64> {
    Ok(shop.get("requests").await?[operation].as_u64().unwrap_or_default())
}

/// A run.
pub struct Run {
    handle: WorkflowHandle<Client, RepriceAll>,
}

impl Run {
    /// Its outcome.
    ///
    /// # Errors
    /// When it does not end, or fails.
    pub async fn ended(&self) -> anyhow::Result<Outcome> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default());
        Ok(tokio::time::timeout(LIMIT, result).await.context("the run did not end")??)
    }

    /// Temporal's cancel.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle.cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }
}
