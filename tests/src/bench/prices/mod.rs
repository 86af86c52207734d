//! The cost of a price run, and whether more rows cost more than time: a list as a file of CSV, the starter that reads
//! it, the shipped worker, each as a process of its own, and a shop with as many products.
//!
//! Batches of a thousand, no delay, and the batch endpoint.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use temporalio_client::{UntypedWorkflow, WorkflowDescribeOptions};
use tokio::process::Command;

use super::machine::{Machine, cpu_seconds, peak_rss_kib, rss_kib};
use crate::prices::{PriceWorld, dearer};
use crate::processes::binary;

/// The shipped worker's own settings, in place of those that short tests shorten.
const WORKER: [&str; 2] = ["--prices-patience=24h", "--heartbeat-timeout=10s"];
/// Events of a run of a million rows.
const EVENTS_MAX: i64 = 300;
/// Look-ups of a row.
const LOOK_UPS_MAX: f64 = 0.003;
/// The most memory at the largest size, in shares of the most at the smallest one, and as a difference.
const GROWTH_MAX: f64 = 1.3;
const GROWTH_MIB_MAX: f64 = 20.0;
/// Time of a row at the largest size, in shares of that at the smallest one.
const SLOWER_MAX: f64 = 1.5;

/// How much to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Rows of the lists, in rising order.
    pub sizes: Vec<u32>,
    /// Further settings of the workers.
    pub worker_settings: Vec<String>,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Rows of its list.
    pub rows: u32,
    /// From the call of the starter to its end.
    pub seconds: f64,
    /// Requests that write, and that look prices up.
    pub writes: u64,
    pub look_ups: u64,
    /// Events of the run, and bytes of its history.
    pub events: i64,
    pub history_bytes: i64,
    /// CPU seconds of the worker.
    pub worker_cpu: f64,
    /// Memory of the worker before the run, and the most that worker and starter ever held, MiB.
    pub idle_mib: f64,
    pub worker_mib: f64,
    pub starter_mib: f64,
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    pub options: Options,
    /// One for each size.
    pub sizes: Vec<Size>,
}

/// Measures.
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let mut sizes = Vec::new();
    for rows in &options.sizes {
        let size = measure(*rows, options).await?;
        eprintln!("{size}");
        sizes.push(size);
    }
    Ok(Results { machine, options: options.clone(), sizes })
}

async fn measure(rows: u32, options: &Options) -> anyhow::Result<Size> {
    let world = PriceWorld::without_worker().await?;
    world.fill(rows as usize).await?;
    let list = world.erp.folder().join("prices.csv");
    write_list(&world, rows as usize, &list).await?;
    let own = world.erp.settings();
    let settings: Vec<&str> = WORKER
        .into_iter()
        .chain(own.iter().map(String::as_str))
        .chain(options.worker_settings.iter().map(String::as_str))
        .collect();
    let worker = world.erp.world.leashed_worker(&settings)?;
    world.erp.world.is_polled().await?;
    let pid = worker.pid();
    let (idle, cpu, begun) = (rss_kib(pid)?, cpu_seconds(pid)?, Instant::now());
    let batch = format!("bench-{rows}");
    let (before, starter_kib) = (look_ups(&world).await?, start(&world, &list, &batch).await?);
    let seconds = begun.elapsed().as_secs_f64();
    let changes = world.changes().await?;
    ensure!(changes == i64::from(rows), "{changes} prices were changed, not {rows}");
    let run = world.erp.world.client.get_workflow_handle::<UntypedWorkflow>(format!("prices/{batch}"));
    let described = run.describe(WorkflowDescribeOptions::default()).await?;
    let info = described.raw().workflow_execution_info.clone().unwrap_or_default();
    Ok(Size {
        rows,
        seconds,
        writes: world.erp.world.shop.requests("prices.batch").await?,
        look_ups: look_ups(&world).await? - before,
        events: info.history_length,
        history_bytes: info.history_size_bytes,
        worker_cpu: cpu_seconds(pid)? - cpu,
        idle_mib: idle / 1024.0,
        worker_mib: peak_rss_kib(pid)? / 1024.0,
        starter_mib: starter_kib / 1024.0,
    })
}

async fn look_ups(world: &PriceWorld) -> anyhow::Result<u64> {
    world.erp.world.shop.requests("prices.lookup").await
}

async fn write_list(world: &PriceWorld, rows: usize, path: &Path) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "sku,old_price,new_price,reason")?;
    for row in dearer(world, rows).await? {
        let sku = row["sku"].as_str().context("a SKU")?;
        writeln!(file, "{sku},{},{},bench", row["old_price"], row["new_price"])?;
    }
    Ok(file.flush()?)
}

/// Runs the starter to its end; returns the most memory that it held, in KiB.
async fn start(world: &PriceWorld, list: &Path, batch: &str) -> anyhow::Result<f64> {
    let erp = &world.erp;
    let list = list.display().to_string();
    let args = ["prices", "update", "--input", &list, "--batch-id", batch, "--batch-size", "1000"];
    let more = ["--delay", "0s", "--limit-price-change", "100000", "--limit-list-value", "100000", "--wait"];
    let mut starter = Command::new(binary("starter")?)
        .args(args)
        .args(more)
        .args(["--store", erp.store.place(), "--address", erp.world.address()])
        .args(["--task-queue", &erp.world.task_queue])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let pid = starter.id().context("it ended at once")?;
    let mut most = 0_f64;
    loop {
        // Gone between two looks: the last one counts.
        most = most.max(peak_rss_kib(pid).unwrap_or_default());
        if let Ok(status) = tokio::time::timeout(Duration::from_millis(100), starter.wait()).await {
            let status = status?;
            ensure!(status.success(), "the run did not go through: {status}");
            return Ok(most);
        }
    }
}

impl Results {
    /// Every limit that does not hold, in words.
    #[must_use]
    pub fn misses(&self) -> Vec<String> {
        let mut misses = Vec::new();
        for size in &self.sizes {
            if size.events > EVENTS_MAX {
                misses.push(format!("{} rows: {} events (limit {EVENTS_MAX})", size.rows, size.events));
            }
            let share = size.look_ups as f64 / f64::from(size.rows);
            if share > LOOK_UPS_MAX {
                misses.push(format!("{} rows: {share:.4} look-ups a row (limit {LOOK_UPS_MAX})", size.rows));
            }
        }
        if let (Some(first), Some(last)) = (self.sizes.first(), self.sizes.last()) {
            for (who, from, to) in [
                ("worker", first.worker_mib, last.worker_mib),
                ("starter", first.starter_mib, last.starter_mib),
            ] {
                if to > from * GROWTH_MAX || to - from >= GROWTH_MIB_MAX {
                    misses.push(format!(
                        "the {who}'s memory grew from {from:.1} to {to:.1} MiB (limits {GROWTH_MAX} × and \
                         {GROWTH_MIB_MAX} MiB)"
                    ));
                }
            }
            let row = |size: &Size| size.seconds / f64::from(size.rows);
            if row(last) > row(first) * SLOWER_MAX {
                misses.push(format!(
                    "a row takes {:.2} × as long (limit {SLOWER_MAX})",
                    row(last) / row(first)
                ));
            }
        }
        misses
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9} rows {:>8.1} s {:>7.0} rows/s {:>6} writes {:>6} look-ups {:>5} events {:>9} bytes {:>7.1} CPU s; \
             worker {:.1} to {:.1} MiB, starter {:.1} MiB",
            self.rows,
            self.seconds,
            f64::from(self.rows) / self.seconds,
            self.writes,
            self.look_ups,
            self.events,
            self.history_bytes,
            self.worker_cpu,
            self.idle_mib,
            self.worker_mib,
            self.starter_mib,
        )
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(f, "{} cores ({}), load {:.2} before", machine.cores, machine.processor, machine.load)?;
        self.sizes.iter().try_for_each(|size| writeln!(f, "{size}"))?;
        match self.misses().as_slice() {
            [] => writeln!(f, "everything holds"),
            misses => misses.iter().try_for_each(|miss| writeln!(f, "MISSED: {miss}")),
        }
    }
}
