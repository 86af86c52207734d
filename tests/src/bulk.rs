//! A throw-away user of bulk work: gives products of the shop new prices, line by line of a list.
//!
//! It shows what a real user brings, and what it gets: `Wishes` reads the list, `Prices` writes to the shop. The shop
//! is asked without idempotency keys, so that a row that is written twice is two requests there.

#![expect(
    missing_docs,
    reason = "the macros of activities and workflows generate markers without docs; everything else has them"
)]

mod leaf;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use activities::bulk::{
    self, Answer, Batch, Checked, Compared, Page, Pages, Reading, Target, Told, Trouble, Unfit, Walk,
    patiently,
};
use activities::http::{Api, CallError};
use contracts::bulk::{Causes, Limit, Rate, Written};
use contracts::objects::ObjectRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use store::{Lines, Store};
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::activities::{ActivityContext, ActivityError, activities};
use temporalio_workflow::{
    ActivityOptions, RetryPolicy, WorkflowContext, WorkflowResult, workflow, workflow_methods,
};
use workflows::policy::BULK_QUEUE;

use crate::servers;

pub use leaf::{Leaf, LeafOn, LeafThrough, Leafing};
pub use world::{BulkWorld, Run, requests, sku, wishes};

/// A line of the list: a product's new price.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wish {
    /// The product.
    pub sku: String,
    /// In dong.
    pub price: i64,
}

/// The input of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reprice {
    /// JSON lines of [`Wish`].
    pub list: ObjectRef,
    /// Lines of one page.
    pub page_size: usize,
    /// Share of the list that may be written, in percent.
    pub limit: u32,
    /// Rows a second.
    pub rate: Option<Rate>,
    /// How soon a worker that vanished is noticed, in milliseconds.
    pub heartbeat_ms: u64,
    /// The folder in the object store.
    pub folder: String,
}

/// The outcome of staging.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// The rows to write.
    pub batch: Option<ObjectRef>,
    /// The rows that cannot be used.
    pub quarantined: Option<ObjectRef>,
    /// Why.
    pub causes: Causes,
    /// Lines read.
    pub read: u64,
    /// Lines that a later one of the same product replaces.
    pub superseded: u64,
    /// Rows to write.
    pub to_write: u64,
}

/// The outcome of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repriced {
    /// The product.
    pub sku: String,
    /// `updated`, `unchanged` or `failed`.
    pub action: String,
}

/// The outcome of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The staged rows.
    pub wanted: Wanted,
    /// Why nothing was written: the limit is exceeded.
    pub stopped: Option<String>,
    /// The written rows.
    pub written: Written<Repriced>,
}

/// The rows to write.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Apply {
    /// The run's input.
    pub reprice: Reprice,
    /// The staged rows.
    pub batch: ObjectRef,
}

/// Stages, decides, applies.
#[workflow]
#[derive(Default)]
pub struct RepriceAll;

#[workflow_methods]
impl RepriceAll {
    /// Runs to its end.
    #[run(name = "RepriceAll")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, reprice: Reprice) -> WorkflowResult<Outcome> {
        let queue = format!("{}{BULK_QUEUE}", ctx.task_queue());
        let options = || options(&queue, Duration::from_millis(reprice.heartbeat_ms), 0);
        let wanted = ctx.execute_activity(Repricing::stage, reprice.clone(), options()).await?;
        let words = "lines would change a price";
        let limit = Limit::Share { found: wanted.to_write, of: wanted.read, percent: reprice.limit, words };
        let stopped = limit.exceeded();
        let written = match wanted.batch.clone().filter(|_| stopped.is_none()) {
            None => Written::default(),
            Some(batch) => {
                let apply = Apply { reprice: reprice.clone(), batch };
                ctx.execute_activity(Repricing::apply, apply, options()).await?
            }
        };
        Ok(Outcome { wanted, stopped, written })
    }
}

fn options(queue: &str, heartbeat: Duration, attempts: u32) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(3_600))
        .heartbeat_timeout(heartbeat)
        .task_queue(queue.to_owned())
        .retry_policy(
            RetryPolicy::builder()
                .initial_interval(Duration::from_millis(100))
                .maximum_interval(Duration::from_secs(1))
                .maximum_attempts(attempts)
                .build(),
        )
        .build()
}

/// Adds this user to a worker with these settings.
///
/// # Errors
/// When shop or object store cannot be used.
pub fn adjust(
    settings: &worker::Settings,
) -> anyhow::Result<impl FnOnce(&mut WorkerOptions, &mut WorkerOptions) -> anyhow::Result<()> + use<>> {
    servers::install_crypto();
    let (shop, store) = (Api::new(settings.shop.commerce.clone())?, Store::open(&settings.erp.store)?);
    Ok(|options: &mut WorkerOptions, bulk: &mut WorkerOptions| {
        options.register_workflow::<RepriceAll>()?;
        options.register_workflow::<LeafThrough>()?;
        options.register_workflow::<LeafOn>()?;
        bulk.register_activities(Repricing { shop, store });
        Ok(())
    })
}

/// The activities.
pub struct Repricing {
    shop: Api,
    store: Store,
}

#[activities]
impl Repricing {
    /// Which lines need a write.
    #[activity(name = "reprice.stage")]
    pub async fn stage(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Reprice,
    ) -> Result<Wanted, ActivityError> {
        let mut wishes =
            Wishes { ctx: &ctx, shop: &self.shop, store: &self.store, input: &input, read: 0, to_write: 0 };
        let pages = Pages {
            cursor: None,
            at_most: u32::MAX,
            folder: &input.folder,
            quarantine: "quarantine/reprice",
        };
        let staged = bulk::stage(&ctx, &self.store, &mut wishes, &pages).await?;
        Ok(Wanted {
            batch: staged.batch,
            quarantined: staged.quarantined,
            causes: staged.causes,
            read: wishes.read,
            superseded: staged.superseded,
            to_write: wishes.to_write,
        })
    }

    /// Writes them.
    #[activity(name = "reprice.apply")]
    pub async fn apply(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Apply,
    ) -> Result<Written<Repriced>, ActivityError> {
        let Apply { reprice, batch } = &input;
        let quarantine = "quarantine/reprice";
        let batch = Batch {
            rows: batch,
            folder: &reprice.folder,
            quarantine,
            images: Some(&reprice.folder),
            rate: reprice.rate,
        };
        bulk::apply(&ctx, &self.store, &Prices { ctx: &ctx, shop: &self.shop }, &batch)
            .await?
            .report(|written| written)
    }

    /// Reads pages without a note of any.
    #[activity(name = "reprice.leaf")]
    pub async fn leaf(self: Arc<Self>, ctx: ActivityContext, input: Leaf) -> Result<u32, ActivityError> {
        let mut walk: Walk<'_, u32> = Walk::resume(&ctx);
        for _ in 0..input.pages {
            walk.alive(tokio::time::sleep(Duration::from_millis(input.page_ms))).await;
        }
        walk.advance(input.pages).await?;
        Ok(input.pages)
    }
}

/// The lines of a list, on their way to be rows.
struct Wishes<'w> {
    ctx: &'w ActivityContext,
    shop: &'w Api,
    store: &'w Store,
    input: &'w Reprice,
    read: u64,
    to_write: u64,
}

impl Reading for Wishes<'_> {
    type Record = Wish;
    type Fit = Wish;
    type Row = Wish;

    fn page<'a>(&'a self, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page<Wish>, Trouble>> {
        async move {
            let wishes: Vec<Wish> = Lines::get(self.store, &self.input.list).await?.records()?;
            let from: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
            let to = wishes.len().min(from + self.input.page_size);
            let next = (to < wishes.len()).then(|| to.to_string());
            Ok(Page { records: wishes[from..to].to_vec(), next, is_cut: false })
        }
        .boxed()
    }

    fn check(&mut self, wish: Wish) -> Result<Checked<Wish>, Trouble> {
        self.read += 1;
        match wish.price > 0 {
            true => Ok(Checked::Fit { key: wish.sku.clone(), fit: wish }),
            false => Ok(Checked::Unfit(unfit(&wish, "price: is not above zero")?)),
        }
    }

    fn compare(&mut self, fit: Vec<Wish>) -> BoxFuture<'_, Result<Compared<Wish>, Trouble>> {
        async move {
            let prices = prices(self.ctx, self.shop, &fit).await?;
            let (mut rows, mut turned_away) = (Vec::new(), Vec::new());
            for wish in fit {
                match prices.get(&wish.sku) {
                    None => turned_away.push(unfit(&wish, "sku: the shop has no such product")?),
                    Some(price) if *price == wish.price => {}
                    Some(_) => rows.push(wish),
                }
            }
            self.to_write += rows.len() as u64;
            Ok(Compared { rows, unfit: turned_away })
        }
        .boxed()
    }
}

fn unfit(wish: &Wish, cause: &str) -> Result<Unfit, Trouble> {
    let line = to_raw_value(&json!({ "cause": cause, "record": wish }))?;
    Ok(Unfit { cause: cause.to_owned(), line })
}

/// Prices on their way into the shop.
struct Prices<'p> {
    ctx: &'p ActivityContext,
    shop: &'p Api,
}

impl Target for Prices<'_> {
    type Row = Wish;
    /// The price, if there is such a product.
    type Image = Option<i64>;
    type Done = ();
    type Outcome = Repriced;

    fn look<'a>(&'a self, rows: &'a [Wish]) -> BoxFuture<'a, Result<Vec<Option<i64>>, Trouble>> {
        async move {
            let prices = prices(self.ctx, self.shop, rows).await?;
            Ok(rows.iter().map(|row| prices.get(&row.sku).copied()).collect())
        }
        .boxed()
    }

    fn is_done(&self, row: &Wish, image: &Option<i64>) -> bool {
        *image == Some(row.price)
    }

    fn write<'a>(&'a self, row: &'a Wish, _: &'a Option<i64>) -> BoxFuture<'a, Result<Answer<()>, Trouble>> {
        async move {
            let body = json!({ "price": row.price });
            let path = ["products", row.sku.as_str()];
            let sent = patiently(self.ctx, || self.shop.send::<_, Value>(Method::PUT, &path, None, &body));
            match sent.await {
                Ok(_) => Ok(Answer::Done(None)),
                Err(CallError::Refused { refusal, .. }) => Ok(Answer::Refused(refusal.code)),
                Err(error) => Err(error.into()),
            }
        }
        .boxed()
    }

    fn tell(&self, row: &Wish, answer: &Answer<()>) -> Result<Option<Told<Repriced>>, Trouble> {
        let (action, cause) = match answer {
            Answer::Done(_) => ("updated", None),
            Answer::Same => ("unchanged", None),
            Answer::Refused(code) => ("failed", Some(format!("refused by the shop: {code}"))),
        };
        let outcome = Repriced { sku: row.sku.clone(), action: action.to_owned() };
        Ok(Some(Told { action, outcome, cause, quarantined: None }))
    }
}

/// The prices that the shop has for these products.
async fn prices(ctx: &ActivityContext, shop: &Api, wishes: &[Wish]) -> Result<HashMap<String, i64>, Trouble> {
    let skus: Vec<&str> = wishes.iter().map(|wish| wish.sku.as_str()).collect();
    let body = json!({ "skus": skus });
    let path = ["products", "lookup"];
    let found: BTreeMap<String, Vec<Value>> =
        patiently(ctx, || shop.send(Method::POST, &path, None, &body)).await?;
    let product = |product: &Value| Some((product["sku"].as_str()?.to_owned(), product["price"].as_i64()?));
    Ok(found.values().flatten().filter_map(product).collect())
}

/// Runs the shipped worker with this user beside its own processes, until somebody kills it.
///
/// # Errors
/// When it cannot be set up.
pub async fn run_worker(settings: worker::Settings) -> anyhow::Result<()> {
    let adjust = adjust(&settings)?;
    Box::pin(worker::run_with(settings, std::future::pending(), adjust)).await
}
