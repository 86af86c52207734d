//! The cost of an order: the shipped process beside a plain sequential one ([`sequential`]), in one run.
//!
//! Rounds are interleaved (A B A B …), because a shared machine is never equally quiet twice: ratios are made within
//! a round, and the middle one counts. Server, sandbox and worker are processes of their own, so that each one's CPU
//! and memory can be read. The sandbox works in memory, the server dispatches without its 50 ms grid.

pub mod beside;
pub mod catalog;
pub mod empty;
pub mod erp;
mod figures;
mod limits;
pub mod machine;
mod own_shop;
pub mod prices;
pub mod sequential;
mod site;
mod table;
mod waiting;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::try_join_all;
use serde::Serialize;

use crate::processes::Leashed;
use figures::{Phase, Round};
use machine::{Machine, all_cpu_seconds, cpu_seconds, rss_kib};
use site::{Cost, Site};

pub use figures::{Figures, Results};
pub use waiting::Waiting;

/// Before the first round, so that nobody pays for the first use of anything.
const WARM_UP: usize = 50;

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

/// A process that is measured.
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
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let site = Site::open().await?;
    let mut benches = Vec::new();
    for variant in Variant::BOTH {
        let worker = site.worker(variant.task_queue(), &options.worker_settings)?;
        benches.push(Bench { variant, worker, site: &site, rounds: Vec::new() });
    }
    for bench in &benches {
        bench.orders(WARM_UP, options.in_flight).await?;
        bench.empty(WARM_UP, options.in_flight).await?;
    }
    let (begun, busy, ours) = (Instant::now(), all_cpu_seconds()?, own_cpu(&site, &benches)?);
    let mut empty = Vec::new();
    for round in 1..=options.rounds {
        for bench in &mut benches {
            let measured = bench.round(options).await?;
            eprintln!("round {round} of {}, {:?}: {measured}", options.rounds, bench.variant);
            bench.rounds.push(measured);
        }
        empty.push(benches[0].empty(options.orders, options.in_flight).await?);
    }
    let others = (all_cpu_seconds()? - busy) - (own_cpu(&site, &benches)? - ours);
    let others = others.max(0.0) / begun.elapsed().as_secs_f64();
    // Figures of orders that went wrong are none. Those that begin now wait for their payment, rightly.
    site.shop().clean().await.context("the books of the measured orders")?;
    let mut measured = Vec::new();
    for Bench { variant, worker, rounds, .. } in benches {
        let worker_rss_kib = rss_kib(worker.pid())?;
        drop(worker);
        let waiting = match options.waiting {
            0 => None,
            _ => Some(waiting::measure(&site, variant, options).await?),
        };
        measured.push((rounds, worker_rss_kib, waiting));
    }
    Ok(Results::of(machine, others, options.clone(), &empty, measured))
}

struct Bench<'s> {
    variant: Variant,
    worker: Leashed,
    site: &'s Site,
    rounds: Vec<Round>,
}

impl Bench<'_> {
    async fn round(&self, options: &Options) -> anyhow::Result<Round> {
        let alone = self.orders(options.alone, 1).await?;
        let mut costs: Vec<Cost> = Vec::new();
        for id in &alone.ids {
            costs.push(self.site.cost(id).await?);
        }
        let crowd = self.orders(options.orders, options.in_flight).await?;
        Ok(Round { alone, crowd, costs })
    }

    async fn orders(&self, count: usize, in_flight: usize) -> anyhow::Result<Phase> {
        let task_queue = self.variant.task_queue();
        self.many(count, in_flight, || self.site.order(self.variant, task_queue)).await
    }

    /// Workflows that do nothing.
    async fn empty(&self, count: usize, in_flight: usize) -> anyhow::Result<Phase> {
        self.many(count, in_flight, || self.site.empty(self.variant.task_queue())).await
    }

    async fn many<F>(&self, count: usize, in_flight: usize, one: impl Fn() -> F) -> anyhow::Result<Phase>
    where
        F: Future<Output = anyhow::Result<(String, Duration)>>,
    {
        let pids = [self.worker.pid(), self.site.sandbox.pid(), self.site.server.pid()];
        let read = || pids.iter().map(|pid| cpu_seconds(*pid)).collect::<anyhow::Result<Vec<f64>>>();
        let left = AtomicUsize::new(count);
        let (begun, before) = (Instant::now(), read()?);
        let lanes = (0..in_flight).map(|_| async {
            let mut done = Vec::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                done.push(one().await?);
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
