//! Whether bulk work stands in an order's way: orders without and with a bulk run under way, in one run and on one
//! worker.
//!
//! Phases are interleaved, and every other round begins with the other one, so that whatever else the machine does hits
//! both. The bulk run writes prices at its rate; a phase in which it did not is not a measure of anything, and fails.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use contracts::bulk::Rate;
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Value, json};
use store::{LinesWriter, Store};
use temporalio_client::{
    WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions,
};

use super::Variant;
use super::figures::Percentiles;
use super::machine::Machine;
use super::site::Site;
use crate::bulk::{Reprice, RepriceAll, Wish, requests, sku};
use crate::processes::Leashed;

/// The most that an order's p95 may be with a bulk run, in shares of the p95 without.
pub const RATIO_MAX: f64 = 1.2;
/// The least that the bulk run has to do of its rate, to count as under way.
const UNDER_WAY: f64 = 0.8;
const TASK_QUEUE: &str = "bench-beside";
const WRITE: &str = "products.update";
/// Rows of a bulk run for each order of a phase: it must not end before the phase.
const ROWS_PER_ORDER: usize = 200;
/// Orders before the first phase, so that nobody pays for the first use of anything.
const WARM_UP: usize = 10;
const LIMIT: Duration = Duration::from_secs(60);

/// How much to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Rounds: one phase without, one with.
    pub rounds: usize,
    /// Orders of a phase.
    pub orders: usize,
    /// Orders in flight.
    pub in_flight: usize,
    /// Rows a second of the bulk run.
    pub rate: Rate,
    /// Further settings of the worker.
    pub worker_settings: Vec<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// The machine.
    pub machine: Machine,
    /// How much was measured.
    pub options: Options,
    /// Milliseconds of an order, with no bulk run.
    pub without: Percentiles,
    /// With one.
    pub with: Percentiles,
    /// Rows a second that the bulk run wrote meanwhile.
    pub rows_per_second: f64,
}

impl Results {
    /// How many times the p95 without is the p95 with.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.with.p95 / self.without.p95
    }

    /// The promises that do not hold, in words; nothing when all do.
    #[must_use]
    pub fn misses(&self) -> Vec<String> {
        let mut misses = Vec::new();
        let (ratio, rate) = (self.ratio(), f64::from(u32::from(self.options.rate)));
        if ratio.is_nan() || ratio > RATIO_MAX {
            misses.push(format!("an order's p95 is {ratio:.2} × with a bulk run (limit {RATIO_MAX})"));
        }
        if self.rows_per_second < UNDER_WAY * rate {
            misses.push(format!(
                "the bulk run wrote {:.0} rows a second, not {rate:.0}: it was not under way",
                self.rows_per_second
            ));
        }
        misses
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, options, without, with, rows_per_second } = self;
        writeln!(f, "{} cores ({}), load {:.2} before", machine.cores, machine.processor, machine.load)?;
        writeln!(
            f,
            "{} rounds, interleaved: {} orders, {} in flight; a bulk run of {} rows a second \
             ({rows_per_second:.0} written)",
            options.rounds,
            options.orders,
            options.in_flight,
            u32::from(options.rate)
        )?;
        for (name, figures) in [("without", without), ("with", with)] {
            let Percentiles { p50, p95, p99 } = figures;
            writeln!(f, "{name:<8} p50 {p50:>6.0} ms  p95 {p95:>6.0} ms  p99 {p99:>6.0} ms")?;
        }
        writeln!(f, "p95 {:.2} × (limit {RATIO_MAX})", self.ratio())
    }
}

/// Measures.
///
/// # Errors
/// When something does not start, or an order does not go through.
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let bench = Bench::open(options).await?;
    bench.orders(WARM_UP).await?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let (mut rows, mut seconds) = (0, 0.0);
    for round in 1..=options.rounds {
        for is_beside in [round % 2 == 0, round % 2 == 1] {
            if !is_beside {
                without.extend(bench.orders(options.orders).await?);
                continue;
            }
            let beside = bench.beside(round).await?;
            rows += beside.rows;
            seconds += beside.seconds;
            with.extend(beside.latencies);
        }
        eprintln!("round {round} of {}", options.rounds);
    }
    let rows_per_second = rows as f64 / seconds;
    let (without, with) = (Percentiles::of(&without), Percentiles::of(&with));
    Ok(Results { machine, options: options.clone(), without, with, rows_per_second })
}

struct Bench<'o> {
    options: &'o Options,
    site: Site,
    store: Store,
    folder: PathBuf,
    _worker: Leashed,
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

/// Orders that ran beside a bulk run.
struct Beside {
    latencies: Vec<Duration>,
    rows: u64,
    seconds: f64,
}

impl<'o> Bench<'o> {
    async fn open(options: &'o Options) -> anyhow::Result<Self> {
        let site = Site::open().await?;
        let folder = std::env::temp_dir().join(format!("sunflow-beside-{}", std::process::id()));
        let place = folder.display().to_string();
        let settings: Vec<String> =
            [format!("--store={place}")].into_iter().chain(options.worker_settings.iter().cloned()).collect();
        let worker = site.worker(TASK_QUEUE, &settings)?;
        let bench = Self { options, site, store: Store::open(&place)?, folder, _worker: worker };
        let products: Vec<Value> = (1..=bench.rows())
            .map(
                |number| json!({ "sku": sku(number), "variant_id": sku(number), "price": 1_000, "stock": 1 }),
            )
            .collect();
        bench.site.shop().put("products", json!(products)).await?;
        Ok(bench)
    }

    fn rows(&self) -> usize {
        self.options.orders * ROWS_PER_ORDER
    }

    async fn orders(&self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let lanes = (0..self.options.in_flight).map(|lane| async move {
            let mut took = Vec::new();
            for _ in (lane..count).step_by(self.options.in_flight) {
                took.push(self.site.order(Variant::Shipped, TASK_QUEUE).await?.1);
            }
            anyhow::Ok(took)
        });
        Ok(try_join_all(lanes).await?.into_iter().flatten().collect())
    }

    async fn beside(&self, round: usize) -> anyhow::Result<Beside> {
        let before = self.written().await?;
        let run = self.start(round).await?;
        let until = Instant::now() + LIMIT;
        while self.written().await? == before {
            anyhow::ensure!(Instant::now() < until, "the bulk run wrote nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (begun, first) = (Instant::now(), self.written().await?);
        let latencies = self.orders(self.options.orders).await?;
        let (rows, seconds) = (self.written().await? - first, begun.elapsed().as_secs_f64());
        run.cancel(WorkflowCancelOptions::builder().reason("the phase is over").build()).await?;
        let ended = run.get_result(WorkflowGetResultOptions::default());
        let ended = tokio::time::timeout(LIMIT, ended).await.context("the bulk run does not end")?;
        anyhow::ensure!(ended.is_err(), "the bulk run ended before the orders");
        Ok(Beside { latencies, rows, seconds })
    }

    /// Another price in every round, so that every row needs a write.
    async fn start(
        &self,
        round: usize,
    ) -> anyhow::Result<WorkflowHandle<temporalio_client::Client, RepriceAll>> {
        let mut lines = LinesWriter::default();
        for number in 1..=self.rows() {
            lines.push(&Wish { sku: sku(number), price: 1_000 + i64::try_from(round)? })?;
        }
        let list = lines.put(&self.store, "inputs").await?.context("an empty list")?;
        let id = format!("reprice/{round}");
        let reprice = Reprice {
            list,
            page_size: 10_000,
            limit: 100,
            rate: Some(self.options.rate),
            heartbeat_ms: 3_000,
            folder: format!("runs/{id}"),
        };
        let options = WorkflowStartOptions::new(TASK_QUEUE, id.clone()).build();
        let client = self.site.client();
        client.start_workflow(RepriceAll::run, reprice, options).await?;
        Ok(client.get_workflow_handle::<RepriceAll>(id))
    }

    async fn written(&self) -> anyhow::Result<u64> {
        requests(self.site.shop(), WRITE).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(p95: f64, rows_per_second: f64) -> Results {
        let figures = |p95| Percentiles { p50: 50.0, p95, p99: 2.0 * p95 };
        let (rounds, orders, in_flight, rate) = (1, 1, 1, Rate::default());
        Results {
            machine: Machine { cores: 2, processor: "any".to_owned(), load: 0.0 },
            options: Options { rounds, orders, in_flight, rate, worker_settings: Vec::new() },
            without: figures(100.0),
            with: figures(p95),
            rows_per_second,
        }
    }

    #[test]
    fn what_does_not_hold_is_named() {
        assert_eq!(results(120.0, 80.0).misses(), Vec::<String>::new());
        assert_eq!(results(121.0, 100.0).misses(), ["an order's p95 is 1.21 × with a bulk run (limit 1.2)"]);
        let idle = "the bulk run wrote 79 rows a second, not 100: it was not under way";
        assert_eq!(results(100.0, 79.0).misses(), [idle]);
        assert_eq!(results(f64::NAN, 100.0).misses().len(), 1);
    }
}
