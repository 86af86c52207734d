//! What an order costs: the shipped process beside a plain sequential one ([`sequential`]), in one run.
//!
//! Rounds are interleaved (A B A B …), because a shared machine is never equally quiet twice: ratios are made within
//! a round, and the middle one counts. Server, sandbox and worker are processes of their own, so that each one's CPU
//! and memory can be read. The sandbox works in memory, the server dispatches without its 50 ms grid.

pub mod erp;
mod figures;
pub mod machine;
pub mod sequential;
mod site;
mod table;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use serde::Serialize;

use crate::orders;
use crate::processes::Leashed;
use figures::{Phase, Round};
use machine::{Machine, all_cpu_seconds, cpu_seconds, rss_kib};
use site::{Cost, Site};

pub use figures::{Figures, Results};

/// Before the first round, so that nobody pays for the first use of anything.
const WARM_UP: usize = 50;
/// Starts of waiting orders at once.
const STARTS_AT_ONCE: usize = 20;
/// After the last waiting order is seen: until its worker has put its task away.
const SETTLE: Duration = Duration::from_secs(2);

/// How much to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Rounds of each process.
    pub rounds: usize,
    /// Orders of one round with many in flight.
    pub orders: usize,
    /// Orders of one round with one in flight.
    pub alone: usize,
    /// Orders in flight.
    pub in_flight: usize,
    /// Orders that wait for their payment while memory is read; 0 leaves that out.
    pub waiting: usize,
    /// Further settings of the workers.
    pub worker_settings: Vec<String>,
}

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// `OrderProcessing`, as the worker has it.
    Shipped,
    /// `SequentialOrder`.
    Sequential,
}

impl Variant {
    const BOTH: [Self; 2] = [Self::Shipped, Self::Sequential];

    fn task_queue(self) -> &'static str {
        match self {
            Self::Shipped => "bench-shipped",
            Self::Sequential => "bench-sequential",
        }
    }
}

/// Measures.
///
/// # Errors
/// When something does not start, or an order does not go through: a bench of failing orders measures nothing.
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let site = Site::open().await?;
    let mut benches = Vec::new();
    for variant in Variant::BOTH {
        let worker = site.worker(variant.task_queue(), &options.worker_settings)?;
        benches.push(Bench { variant, worker, site: &site, rounds: Vec::new() });
    }
    for bench in &benches {
        bench.many(WARM_UP, options.in_flight).await?;
    }
    let (begun, busy, ours) = (Instant::now(), all_cpu_seconds()?, own_cpu(&site, &benches)?);
    for round in 1..=options.rounds {
        for bench in &mut benches {
            let measured = bench.round(options).await?;
            eprintln!("round {round} of {}, {:?}: {measured}", options.rounds, bench.variant);
            bench.rounds.push(measured);
        }
    }
    let others = (all_cpu_seconds()? - busy) - (own_cpu(&site, &benches)? - ours);
    let others = others.max(0.0) / begun.elapsed().as_secs_f64();
    let mut measured = Vec::new();
    for Bench { variant, worker, rounds, .. } in benches {
        let worker_rss_kib = rss_kib(worker.pid())?;
        drop(worker);
        let per_waiting_order = match options.waiting {
            0 => None,
            _ => Some(waiting(&site, variant, options).await?),
        };
        measured.push((rounds, worker_rss_kib, per_waiting_order));
    }
    Ok(Results::of(machine, others, options.clone(), measured))
}

struct Bench<'s> {
    variant: Variant,
    worker: Leashed,
    site: &'s Site,
    rounds: Vec<Round>,
}

impl Bench<'_> {
    async fn round(&self, options: &Options) -> anyhow::Result<Round> {
        let alone = self.many(options.alone, 1).await?;
        let mut costs: Vec<Cost> = Vec::new();
        for id in &alone.ids {
            costs.push(self.site.cost(id).await?);
        }
        let crowd = self.many(options.orders, options.in_flight).await?;
        Ok(Round { alone, crowd, costs })
    }

    async fn many(&self, count: usize, in_flight: usize) -> anyhow::Result<Phase> {
        let pids = [self.worker.pid(), self.site.sandbox.pid(), self.site.server.pid()];
        let read = || pids.iter().map(|pid| cpu_seconds(*pid)).collect::<anyhow::Result<Vec<f64>>>();
        let left = AtomicUsize::new(count);
        let (begun, before) = (Instant::now(), read()?);
        let lanes = (0..in_flight).map(|_| async {
            let mut done = Vec::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                done.push(self.site.order(self.variant, self.variant.task_queue()).await?);
            }
            anyhow::Ok(done)
        });
        let done: Vec<_> = try_join_all(lanes).await?.into_iter().flatten().collect();
        let took = begun.elapsed();
        let after = read()?;
        let per_thousand =
            |i: usize| (after[i] - before[i]) / f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * 1_000.0;
        let (ids, latencies) = done.into_iter().unzip();
        Ok(Phase {
            ids,
            latencies,
            orders_per_second: f64::from(u32::try_from(count)?) / took.as_secs_f64(),
            worker_cpu: per_thousand(0),
            sandbox_cpu: per_thousand(1),
            server_cpu: per_thousand(2),
        })
    }
}

fn own_cpu(site: &Site, benches: &[Bench<'_>]) -> anyhow::Result<f64> {
    let workers = benches.iter().map(|bench| bench.worker.pid());
    let pids = workers.chain([site.server.pid(), site.sandbox.pid(), std::process::id()]);
    pids.map(cpu_seconds).sum()
}

/// What a worker holds per order that waits, in KiB: a worker that has done some orders, before and after.
async fn waiting(site: &Site, variant: Variant, options: &Options) -> anyhow::Result<f64> {
    let task_queue = format!("{}-waiting", variant.task_queue());
    let cached = format!("--cached-workflows={}", options.waiting * 2);
    let settings: Vec<String> = options.worker_settings.iter().cloned().chain([cached]).collect();
    let worker = site.worker(&task_queue, &settings)?;
    let warm_up = join_all((0..WARM_UP).map(|_| site.order(variant, &task_queue))).await;
    warm_up.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let before = rss_kib(worker.pid())?;
    let left = AtomicUsize::new(options.waiting);
    let lanes = (0..STARTS_AT_ONCE).map(|_| async {
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            let mut order = orders::two_lines();
            order["payment_method"] = serde_json::json!({ "type": "bank_transfer" });
            site.start(variant, &task_queue, &order).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(lanes).await?;
    site.all_wait(&task_queue, options.waiting).await?;
    tokio::time::sleep(SETTLE).await;
    Ok((rss_kib(worker.pid())? - before) / f64::from(u32::try_from(options.waiting)?))
}
