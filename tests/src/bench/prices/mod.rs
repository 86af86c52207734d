//! The cost of a price run, and whether more rows cost more than time: a list as a file of CSV, the starter that reads
//! it, the shipped worker and a shop with as many products, each as a process of its own, and Temporal on a database
//! file, all of them anew for each size.
//!
//! Batches of a thousand, no delay, and the batch endpoint. One run more has the default batches and delay: as a
//! million rows would take it three hours, its events are counted for some stretches and reckoned for the rest
//! (`pace`).

mod pace;
mod results;

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use temporalio_client::{UntypedWorkflow, WorkflowDescribeOptions};
use tokio::process::Command;

use super::machine::{Machine, cpu_seconds, forget_peak, memory_of, peak_rss_kib, rss_kib};
use super::own_shop::{OwnShop, requests};
use crate::erp::ErpWorld;
use crate::prices::{LOOKED_UP, PriceWorld, dearer_of};
use crate::processes::{Leashed, binary};
use crate::servers::Durable;
use crate::world::World;

pub use pace::Pace;
pub use results::{Results, Size};

/// The shipped worker's own settings, in place of those that short tests shorten.
const WORKER: [&str; 2] = ["--prices-patience=24h", "--heartbeat-timeout=10s"];
/// Changes of price that nobody is to be asked about.
const NO_LIMITS: [&str; 4] = ["--limit-price-change", "100000", "--limit-list-value", "100000"];

/// How much to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Rows of the lists, in rising order; each is compared with the one before it.
    pub sizes: Vec<u32>,
    /// Whether the events of a run with the default batches and delay are counted, too: three minutes.
    pub pace: bool,
    /// Further settings of the workers.
    pub worker_settings: Vec<String>,
}

/// Measures.
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let mut sizes = Vec::new();
    for rows in &options.sizes {
        let size = Bench::open(*rows, options).await?.measure().await?;
        eprintln!("{size}");
        sizes.push(size);
    }
    let pace = match options.pace {
        true => Some(pace::measure(options).await?),
        false => None,
    };
    Ok(Results { machine, options: options.clone(), sizes, pace })
}

/// A shop of one size, its worker and its Temporal server.
struct Bench {
    rows: u32,
    world: PriceWorld,
    worker: Leashed,
    shop: OwnShop,
    temporal: Durable,
}

impl Bench {
    async fn open(rows: u32, options: &Options) -> anyhow::Result<Self> {
        let (shop, temporal) = (OwnShop::open().await?, Durable::start()?);
        let world = World::with_shop(&temporal.address(), shop.shop()).await?;
        let world = PriceWorld { erp: ErpWorld::of(world)? };
        world.fill(rows as usize).await?;
        let own = world.erp.settings();
        let settings: Vec<&str> = WORKER
            .into_iter()
            .chain(own.iter().map(String::as_str))
            .chain(options.worker_settings.iter().map(String::as_str))
            .collect();
        let worker = world.erp.world.leashed_worker(&settings)?;
        world.erp.world.is_polled().await?;
        Ok(Self { rows, world, worker, shop, temporal })
    }

    async fn measure(&self) -> anyhow::Result<Size> {
        let Self { rows, world, worker, shop, temporal } = self;
        let list = world.erp.folder().join("prices.csv");
        write_list(world, *rows as usize, &list).await?;
        let pid = worker.pid();
        // It made the products and told the list: that is not the run's.
        forget_peak(shop.pid())?;
        let control = &world.erp.world.shop;
        let asked = requests(control).await?;
        let of = |operation: &'static str| control.requests(operation);
        let (writes, look_ups) = (of("prices.batch").await?, of("prices.lookup").await?);
        let (idle, shop_idle, cpu, bytes) =
            (rss_kib(pid)?, rss_kib(shop.pid())?, cpu_seconds(pid)?, temporal.bytes()?);
        let begun = Instant::now();
        let batch = format!("bench-{rows}");
        let pace = ["--batch-size", "1000", "--delay", "0s"];
        let starter_kib = start(world, &list, &batch, &pace).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let shop_mib = peak_rss_kib(shop.pid())? / 1024.0;
        let database_bytes = temporal.bytes()?.saturating_sub(bytes);
        let (events, history_bytes) = traces(world, &batch).await?;
        let size = Size {
            rows: *rows,
            seconds,
            requests: requests(control).await? - asked,
            writes: of("prices.batch").await? - writes,
            look_ups: of("prices.lookup").await? - look_ups,
            events,
            history_bytes,
            database_bytes,
            worker_cpu: cpu_seconds(pid)? - cpu,
            idle_mib: idle / 1024.0,
            worker_mib: peak_rss_kib(pid)? / 1024.0,
            starter_mib: starter_kib / 1024.0,
            shop_idle_mib: shop_idle / 1024.0,
            shop_mib,
        };
        // At last: the shop counts them one by one.
        let changes = world.changes().await?;
        ensure!(changes == i64::from(*rows), "{changes} prices were changed, not {rows}");
        Ok(size)
    }
}

/// Events of a run, and bytes of its history.
async fn traces(world: &PriceWorld, batch: &str) -> anyhow::Result<(i64, i64)> {
    let run = world.erp.world.client.get_workflow_handle::<UntypedWorkflow>(format!("prices/{batch}"));
    let described = run.describe(WorkflowDescribeOptions::default()).await?;
    let info = described.raw().workflow_execution_info.clone().unwrap_or_default();
    Ok((info.history_length, info.history_size_bytes))
}

async fn write_list(world: &PriceWorld, rows: usize, path: &Path) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "sku,old_price,new_price,reason")?;
    for first in (1..=rows).step_by(LOOKED_UP) {
        for row in dearer_of(world, first..=rows.min(first + LOOKED_UP - 1)).await? {
            let sku = row["sku"].as_str().context("a SKU")?;
            writeln!(file, "{sku},{},{},bench", row["old_price"], row["new_price"])?;
        }
    }
    Ok(file.flush()?)
}

/// Runs the starter to its end; returns the most memory that it held, in KiB.
async fn start(world: &PriceWorld, list: &Path, batch: &str, more: &[&str]) -> anyhow::Result<f64> {
    let erp = &world.erp;
    let list = list.display().to_string();
    let mut starter = Command::new(binary("starter")?);
    starter
        .args(["prices", "update", "--input", &list, "--batch-id", batch, "--wait"])
        .args(NO_LIMITS)
        .args(more)
        .args(["--store", erp.store.place(), "--address", erp.world.address()])
        .args(["--task-queue", &erp.world.task_queue]);
    memory_of(starter).await
}
