//! A shop and its price runs, and what a test asks of them.

mod others;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use contracts::objects::ListPart;
use contracts::values::PriceBatchId;
use serde_json::{Value, json};
use store::LinesWriter;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions, WorkflowStartOptions,
};
use workflows::bulk_price_update::{
    BulkPriceUpdate, BulkPriceUpdateData, BulkUpdateResult, CancelPrices, PausePrices, SetRate, dry_run_id,
    workflow_id,
};
use workflows::input::Unchecked;
use workflows::price_revert::PriceRevertResult;
use workflows::report::Progress;
use workflows::saga::{Action, Answer, AnswerOutcome, CancelAccepted};

pub use others::{Export, Other, Revert};

use crate::customers::{Ended, answered, ended};
use crate::erp::ErpWorld;
use crate::world::{LIMIT, WorkerProcess, until};

/// The seed's list, as the README's sample has it.
pub const SAMPLE: &str = include_str!("../../starter/samples/prices.json");

/// Products that the shop is asked about at once, at most.
pub const LOOKED_UP: usize = 1_000;
/// Rows of a part of a list.
const PART: usize = 5_000;

/// A shop, an object store and a worker.
pub struct PriceWorld {
    /// The shop with an ERP, whose object store is used.
    pub erp: ErpWorld,
}

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("b-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl PriceWorld {
    /// With a worker in this process.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// The same, with further settings of the worker.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn with(settings: &[&str]) -> anyhow::Result<Self> {
        Ok(Self { erp: ErpWorld::with(settings).await? })
    }

    /// With a worker in this process, on another Temporal server.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn on(address: &str) -> anyhow::Result<Self> {
        Ok(Self { erp: ErpWorld::with_on(address, &[]).await? })
    }

    /// Without a worker.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn without_worker() -> anyhow::Result<Self> {
        Ok(Self { erp: ErpWorld::without_worker().await? })
    }

    /// Starts a worker as a process of its own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        self.erp.spawn_worker(settings)
    }

    /// Fills the shop with `GEN-0000001` and so on.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn fill(&self, products: usize) -> anyhow::Result<()> {
        self.erp.world.shop.post("products/generate", json!({ "products": products })).await.map(drop)
    }

    /// Starts a run of these rows; `more` are further fields of the input.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn start(&self, updates: Value, more: Value) -> anyhow::Result<PriceRun<'_>> {
        let batch = unique();
        let mut input = json!({ "batch_id": batch, "updates": updates, "delay": "0s" });
        for (name, value) in more.as_object().into_iter().flatten() {
            input[name] = value.clone();
        }
        let id = PriceBatchId::new(input["batch_id"].as_str().unwrap_or_default())?;
        let workflow_id = if input["dry_run"] == true { dry_run_id(&id) } else { workflow_id(&id) };
        let options =
            WorkflowStartOptions::new(self.erp.world.task_queue.clone(), workflow_id.clone()).build();
        let input = Unchecked::<BulkPriceUpdateData>::from_json(&input.to_string())?;
        self.erp.world.client.start_workflow(BulkPriceUpdate::run, input, options).await?;
        Ok(PriceRun { world: self, workflow_id, batch: id })
    }

    /// The same for more rows than an input takes: they lie in the object store, as the starter puts them there.
    ///
    /// # Errors
    /// When Temporal or the object store refuses.
    pub async fn start_listed(&self, updates: &[Value], more: Value) -> anyhow::Result<PriceRun<'_>> {
        let (folder, mut parts) = ("prices/listed/input", LinesWriter::default());
        for (part, rows) in updates.chunks(PART).enumerate() {
            let mut lines = LinesWriter::default();
            for (place, row) in rows.iter().enumerate() {
                lines.push(&json!({ "line": part * PART + place + 2, "row": row }))?;
            }
            let list = lines.put(&self.erp.store, folder).await?.context("an empty part")?;
            parts.push(&ListPart { list, rows: rows.len() as u64 })?;
        }
        let list = parts.put(&self.erp.store, folder).await?.context("an empty list")?;
        let mut more = more;
        more["list"] = json!(list);
        more["updates"] = Value::Null;
        self.start(Value::Null, more).await
    }

    /// Runs these rows to the end.
    ///
    /// # Errors
    /// When the run does not end.
    pub async fn run(&self, updates: Value, more: Value) -> anyhow::Result<Ended<BulkUpdateResult>> {
        self.start(updates, more).await?.ended().await
    }

    /// Takes a run back.
    ///
    /// # Errors
    /// When the revert does not end.
    pub async fn revert(
        &self,
        batch: &PriceBatchId,
        dry_run: bool,
    ) -> anyhow::Result<Ended<PriceRevertResult>> {
        self.start_revert(batch, dry_run, None).await?.ended().await
    }

    /// The price of a variant.
    ///
    /// # Errors
    /// When there is none.
    pub async fn price(&self, variant: &str) -> anyhow::Result<i64> {
        let stock = self.erp.world.shop.get("stock").await?;
        let found = stock.as_array().into_iter().flatten().find(|line| line["variant_id"] == variant);
        found.and_then(|line| line["price"].as_i64()).with_context(|| format!("no price of {variant}"))
    }

    /// Sets prices by hand.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn set(&self, sku: &str, variant: &str, price: i64) -> anyhow::Result<()> {
        let shelf = json!([{ "sku": sku, "variant_id": variant, "price": price, "stock": 10 }]);
        self.erp.world.shop.put("products", shelf).await.map(drop)
    }

    /// The ledger of prices in figures, of this run's writes.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn ledger(&self, run: &PriceRun<'_>) -> anyhow::Result<Value> {
        self.erp.world.shop.get(&format!("prices/summary?key_prefix={}/", run.workflow_id)).await
    }

    /// Changes of prices so far, whoever made them.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn changes(&self) -> anyhow::Result<i64> {
        let figures = self.erp.world.shop.get("prices/summary").await?;
        figures["changes"].as_i64().context("no number of changes")
    }
}

/// A run.
pub struct PriceRun<'w> {
    world: &'w PriceWorld,
    /// Its workflow id.
    pub workflow_id: String,
    /// Its name.
    pub batch: PriceBatchId,
}

impl PriceRun<'_> {
    fn handle(&self) -> WorkflowHandle<Client, BulkPriceUpdate> {
        self.world.erp.world.client.get_workflow_handle::<BulkPriceUpdate>(self.workflow_id.clone())
    }

    /// How it ended.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended(&self) -> anyhow::Result<Ended<BulkUpdateResult>> {
        self.ended_within(LIMIT).await
    }

    /// The same with another limit.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended_within(&self, limit: Duration) -> anyhow::Result<Ended<BulkUpdateResult>> {
        let handle = self.handle();
        let result =
            tokio::time::timeout(limit, handle.get_result(WorkflowGetResultOptions::default())).await;
        ended(result.with_context(|| format!("{} did not end within {limit:?}", self.workflow_id))?)
    }

    /// The query `progress`.
    ///
    /// # Errors
    /// When no worker answers.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(BulkPriceUpdate::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Waits until the run says so of itself.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        until(&self.workflow_id, what, || self.progress(), is_so).await
    }

    /// Waits until a person is asked.
    ///
    /// # Errors
    /// When nobody is.
    pub async fn asks(&self) -> anyhow::Result<Progress> {
        self.until("asking", |progress| !progress.needs_human.is_empty()).await
    }

    /// Answers the brake.
    ///
    /// # Errors
    /// The run's own words.
    pub async fn decide(&self, is_approved: bool, reason: &str) -> Result<AnswerOutcome, String> {
        let action = if is_approved { Action::Approve } else { Action::Reject };
        let answer = Answer::new("validate-updates", action, reason);
        let options = WorkflowExecuteUpdateOptions::default();
        let answered = answered(self.handle().execute_update(BulkPriceUpdate::answer, answer, options)).await;
        answered.map(|answered| answered.outcome)
    }

    /// The update `pause`; says how many rows have their outcome.
    ///
    /// # Errors
    /// The run's own words.
    pub async fn pause(&self, reason: &str) -> Result<u64, String> {
        let pause = PausePrices { reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        let taken = answered(self.handle().execute_update(BulkPriceUpdate::pause, pause, options)).await;
        taken.map(|taken| taken.processed)
    }

    /// The update `resume`.
    ///
    /// # Errors
    /// The run's own words.
    pub async fn resume(&self) -> Result<u64, String> {
        let options = WorkflowExecuteUpdateOptions::default();
        let taken = answered(self.handle().execute_update(BulkPriceUpdate::resume, (), options)).await;
        taken.map(|taken| taken.processed)
    }

    /// The update `set_rate`.
    ///
    /// # Errors
    /// The run's own words.
    pub async fn set_rate(&self, max_per_second: Option<u32>) -> Result<u64, String> {
        let options = WorkflowExecuteUpdateOptions::default();
        let rate = SetRate { max_per_second };
        let taken = answered(self.handle().execute_update(BulkPriceUpdate::set_rate, rate, options)).await;
        taken.map(|taken| taken.processed)
    }

    /// The update `cancel`.
    ///
    /// # Errors
    /// The run's own words.
    pub async fn cancel(&self, reason: &str, revert: bool) -> Result<CancelAccepted, String> {
        let cancel = CancelPrices { reason: reason.to_owned(), revert };
        let options = WorkflowExecuteUpdateOptions::default();
        answered(self.handle().execute_update(BulkPriceUpdate::cancel, cancel, options)).await
    }

    /// Temporal's own cancel, for the reason "operator".
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// The failures of the activities that wait for another attempt.
    ///
    /// # Errors
    /// When Temporal does not say.
    pub async fn pending_failures(&self) -> anyhow::Result<Vec<String>> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let pending = description.raw().pending_activities.iter();
        Ok(pending.filter_map(|waiting| Some(waiting.last_failure.as_ref()?.message.clone())).collect())
    }

    /// Events so far.
    ///
    /// # Errors
    /// When Temporal does not say.
    pub async fn events(&self) -> anyhow::Result<i64> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        Ok(description.raw().workflow_execution_info.clone().unwrap_or_default().history_length)
    }
}

/// Rows that give `GEN-0000001` and so on prices that they do not have, each a bit more than before.
///
/// # Errors
/// When the sandbox refuses.
pub async fn dearer(world: &PriceWorld, products: usize) -> anyhow::Result<Vec<Value>> {
    let mut rows = Vec::with_capacity(products);
    for first in (1..=products).step_by(LOOKED_UP) {
        rows.extend(dearer_of(world, first..=products.min(first + LOOKED_UP - 1)).await?);
    }
    Ok(rows)
}

/// The same for some of them, at most [`LOOKED_UP`].
///
/// # Errors
/// When the sandbox refuses.
pub async fn dearer_of(world: &PriceWorld, numbers: RangeInclusive<usize>) -> anyhow::Result<Vec<Value>> {
    let skus: Vec<String> = numbers.map(|number| format!("GEN-{number:07}")).collect();
    let found = world.erp.world.shop.ask("products/prices/lookup", Some(&json!({ "skus": skus }))).await?;
    let rows = found["prices"].as_array().into_iter().flatten().map(|product| {
        let price = product["variants"][0]["price"].as_i64().context("a price")?;
        Ok(json!({ "sku": product["sku"], "old_price": price, "new_price": price + 1_000 }))
    });
    rows.collect()
}
