//! The cost of a sync, and whether more records cost more than time: the shipped worker as a process of its own, one
//! for each size, with an ERP and a shop of its own.
//!
//! Memory is judged by the most that a worker ever held, in four syncs one after the other: the first one, which writes
//! everything; one that reads everything and finds nothing to write; one of ten changes; and one of which every tenth
//! product is invalid.

mod history;
mod results;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::machine::{Machine, cpu_seconds, peak_rss_kib, rss_kib};
use crate::erp::ErpWorld;
use crate::processes::Leashed;

pub use results::{EVENTS_MAX, PAYLOAD_BYTES_MAX, Results, Size, Step};

/// The shipped worker's own settings, in place of those that short tests shorten.
const WORKER: [&str; 2] = ["--erp-patience=30m", "--heartbeat-timeout=10s"];
/// No sync of a bench takes longer.
const LIMIT: Duration = Duration::from_secs(3_600);
/// Every so many products one is invalid in the last sync.
const INVALID_EVERY: u32 = 10;
/// Products that are changed before the third sync.
const CHANGES: u32 = 10;
/// Operations of the shop that write.
const WRITES: [&str; 3] = ["products.create", "products.update", "inventory.level"];

/// How much to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Products of the ERP, in rising order.
    pub sizes: Vec<u32>,
    /// Whether each product has a stock level, too.
    pub levels: bool,
    /// Fields of the syncs' input beside those of the sample: `page_size`, `batches_per_run`.
    pub input: Map<String, Value>,
    /// Further settings of the workers.
    pub worker_settings: Vec<String>,
}

/// Measures.
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let mut sizes = Vec::new();
    for products in &options.sizes {
        sizes.push(measure(*products, options).await?);
    }
    Ok(Results { machine, options: options.clone(), sizes })
}

/// An ERP of one size, its shop and its worker.
struct Bench<'o> {
    erp: ErpWorld,
    worker: Leashed,
    options: &'o Options,
}

async fn measure(products: u32, options: &Options) -> anyhow::Result<Size> {
    let erp = ErpWorld::without_worker().await?;
    let own = erp.settings();
    let settings: Vec<&str> = WORKER
        .into_iter()
        .chain(own.iter().map(String::as_str))
        .chain(options.worker_settings.iter().map(String::as_str))
        .collect();
    let worker = erp.world.leashed_worker(&settings)?;
    erp.world.is_polled().await?;
    let idle = rss_kib(worker.pid())?;
    let bench = Bench { erp, worker, options };
    let mut steps = Vec::new();

    bench.fill(products, None).await?;
    steps.push(bench.sync("first", json!({ "full": true })).await?);
    steps.push(bench.sync("nothing changed", json!({ "full": true })).await?);
    bench.change().await?;
    steps.push(bench.sync("ten changes", json!({})).await?);
    bench.fill(products, Some(INVALID_EVERY)).await?;
    let lenient = json!({ "full": true, "max_invalid": products });
    steps.push(bench.sync("every tenth invalid", lenient).await?);

    let pid = bench.worker.pid();
    Ok(Size {
        products,
        levels: options.levels,
        idle_mib: idle / 1024.0,
        peak_mib: peak_rss_kib(pid)? / 1024.0,
        steps,
    })
}

impl Bench<'_> {
    async fn fill(&self, products: u32, invalid_every: Option<u32>) -> anyhow::Result<()> {
        let inventory = self.options.levels;
        let wanted = json!({ "products": products, "inventory": inventory, "seed": 1, "invalid_every": invalid_every });
        self.erp.world.shop.post("erp/generate", wanted).await.map(drop)
    }

    async fn change(&self) -> anyhow::Result<()> {
        let changed = (1..=CHANGES).map(|number| {
            let code = format!("ERP-{number:06}");
            let fields = json!({
                "item_code": code, "item_description": "Another name", "unit": "pcs", "unit_price": 20_000,
            });
            json!({ "entity": "products", "id": code, "fields": fields })
        });
        self.erp.erp(changed.collect()).await
    }

    async fn sync(&self, name: &'static str, mut changes: Value) -> anyhow::Result<Step> {
        // The prices before and after the ten changes do not matter here.
        changes["limits"] = json!({ "price_change_percent": 1_000_000 });
        changes["sync_entities"] =
            if self.options.levels { json!(["products", "inventory"]) } else { json!(["products"]) };
        for (name, value) in &self.options.input {
            changes[name] = value.clone();
        }
        let pid = self.worker.pid();
        let (writes, cpu, begun) = (self.writes().await?, cpu_seconds(pid)?, Instant::now());
        let sync = self.erp.start(changes).await?;
        let result = sync.ended_within(LIMIT).await.and_then(|ended| ended.completed());
        let took = begun.elapsed();
        let result = result.with_context(|| format!("the sync {name:?} did not go through"))?;
        anyhow::ensure!(result.success, "the sync {name:?} ended as {}", result.outcome);
        let worker_cpu = cpu_seconds(pid)? - cpu;
        let writes = self.writes().await? - writes;
        let cost = history::cost(&self.erp.world, &sync.workflow_id, &sync.run_id).await?;
        let step = Step {
            name,
            seconds: took.as_secs_f64(),
            read: cost.counts.read,
            quarantined: cost.counts.quarantined(),
            writes,
            worker_cpu,
            runs: cost.runs,
            events: cost.events,
            payload_bytes: cost.payload_bytes,
            rss_mib: rss_kib(pid)? / 1024.0,
            peak_mib: peak_rss_kib(pid)? / 1024.0,
        };
        eprintln!("{step}");
        Ok(step)
    }

    /// Requests so far that write, as the shop counts them.
    async fn writes(&self) -> anyhow::Result<u64> {
        let counted = self.erp.world.shop.get("requests").await?;
        let counted: BTreeMap<String, u64> = serde_json::from_value(counted)?;
        Ok(WRITES.iter().filter_map(|write| counted.get(*write)).sum())
    }
}
