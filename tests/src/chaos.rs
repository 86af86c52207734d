//! Chaos: orders go on while workers are killed, Temporal is killed and calls fail; then the books are read.
//!
//! The server works on a database file and is killed with -9 once, half-way, and started again on its file. The
//! worker is a process that is killed with -9 at random intervals. One call in twenty answers 503 or 429 or loses its
//! reply after the effect. A third of the orders pay with a card that is declined, a third have two lines. Every
//! order must end as its input says, and every effect must have happened once: see [`books`].

pub mod books;
mod dice;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::servers::Durable;
use crate::world::{Ended, World};
use crate::{chaos::books::Findings, orders};
use dice::Dice;

/// Faults that hit 5 % of all calls together.
const FAULT_PROBABILITY: f64 = 0.05 / 3.0;
/// A worker dies when so many orders have ended under it. Counted in orders, not in seconds: on a busy machine a worker
/// that lives for seconds dies before it has done anything, and its orders with it, over and over.
const WORKER_ORDERS: (u64, u64) = (10, 50);
/// It dies after this time at the latest.
const WORKER_LIFE: Duration = Duration::from_secs(30);
/// Between the end of an order and the death of its worker, and again before the next worker starts: the other orders
/// are caught wherever they are.
const WORKER_PAUSE: (Duration, Duration) = (Duration::ZERO, Duration::from_millis(500));
/// How long Temporal is away.
const OUTAGE: Duration = Duration::from_secs(1);
/// A task that died with its worker is given to the next one after this time. Temporal's default, 10 s, is longer than
/// a worker lives here.
const TASK_TIMEOUT: Duration = Duration::from_secs(2);
/// An order that takes longer is lost.
const ORDER_LIMIT: Duration = Duration::from_secs(240);

/// Patient enough to outlast what is done to them: no step may give up, no undo may stick.
const WORKER: [&str; 4] =
    ["--undo-patience=60s", "--stock-patience=120s", "--payment-patience=120s", "--carrier-patience=120s"];

/// How much chaos.
#[derive(Clone, Debug)]
pub struct Options {
    /// Orders to place.
    pub orders: usize,
    /// No order is placed after this time.
    pub time: Option<Duration>,
    /// Orders under way at once.
    pub in_flight: usize,
    /// Decides when what is killed and which calls fail.
    pub seed: u64,
}

/// The end that an order is meant to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line, paid.
    Plain,
    /// Two lines, paid.
    TwoLines,
    /// The card is declined.
    Declined,
}

impl Kind {
    /// A third each.
    fn of(number: usize) -> Self {
        [Self::Plain, Self::TwoLines, Self::Declined][number % 3]
    }

    fn order(self) -> Value {
        match self {
            Self::Plain => orders::order(),
            Self::TwoLines => orders::two_lines(),
            Self::Declined => orders::paid_with("card_declined"),
        }
    }

    /// Why this is not how an order of this kind has to end.
    fn objection(self, ended: &Ended) -> Option<String> {
        match (self, ended) {
            (Self::Plain | Self::TwoLines, Ended::Completed(result)) if result.success => None,
            (Self::Declined, Ended::Failed { kind, .. }) if kind == "PaymentDeclined" => None,
            (_, Ended::Completed(result)) => Some(format!("completed as {}", result.outcome)),
            (_, Ended::Failed { kind, message, .. }) => Some(format!("failed as {kind}: {message}")),
            (_, Ended::Canceled(_)) => Some("was cancelled".to_owned()),
        }
    }
}

/// An order that was placed.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its number.
    pub order_id: String,
    /// The end it is meant to have.
    pub kind: Kind,
    /// The objection to its end, if there is one.
    pub objection: Option<String>,
    /// From its start to its end.
    pub took: Duration,
}

/// A count of what chaos did and of its consequences.
#[derive(Debug)]
pub struct Tally {
    /// The orders.
    pub placed: Vec<Placed>,
    /// Workers killed.
    pub kills: usize,
    /// Times Temporal was killed and started again.
    pub server_restarts: usize,
    /// Calls that were hit by a fault.
    pub faults: u64,
    /// Findings in the shop's books.
    pub findings: Findings,
    /// How long it took.
    pub took: Duration,
}

impl Tally {
    /// Everything that is not as it should be.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let ends = self.placed.iter().filter_map(|placed| {
            let objection = placed.objection.as_ref()?;
            Some(format!("{} ({:?}): {objection}", placed.order_id, placed.kind))
        });
        ends.chain(self.findings.all().map(str::to_owned)).collect()
    }

    fn seconds_of_an_order(&self) -> (f64, f64) {
        let mut seconds: Vec<f64> = self.placed.iter().map(|placed| placed.took.as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |rank: usize| seconds.get(rank).copied().unwrap_or_default();
        (at(seconds.len() / 2), at(seconds.len().saturating_sub(1)))
    }

    /// Orders of that kind that ended as they should.
    #[must_use]
    pub fn ended_well(&self, kind: Kind) -> usize {
        self.placed.iter().filter(|placed| placed.kind == kind && placed.objection.is_none()).count()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |kind| self.ended_well(kind);
        let wrong = self.placed.iter().filter(|placed| placed.objection.is_some()).count();
        writeln!(f, "orders           {}", self.placed.len())?;
        writeln!(
            f,
            "  fulfilled      {} ({} of two lines)",
            of(Kind::Plain) + of(Kind::TwoLines),
            of(Kind::TwoLines)
        )?;
        writeln!(f, "  declined       {}", of(Kind::Declined))?;
        writeln!(f, "  ended wrongly  {wrong}")?;
        writeln!(f, "workers killed   {}", self.kills)?;
        writeln!(f, "server restarts  {}", self.server_restarts)?;
        writeln!(f, "calls hit        {}", self.faults)?;
        writeln!(f, "duplicates       {}", self.findings.duplicates.len())?;
        writeln!(f, "lost             {}", self.findings.lost.len())?;
        writeln!(f, "leaked           {}", self.findings.leaked.len())?;
        let (median, slowest) = self.seconds_of_an_order();
        writeln!(f, "seconds          {:.1}", self.took.as_secs_f64())?;
        writeln!(f, "  of an order    {median:.1} (median), {slowest:.1} (slowest)")
    }
}

/// Runs the orders through the chaos, and reads the books.
pub async fn run(options: &Options) -> anyhow::Result<Tally> {
    let begun = Instant::now();
    let mut server = Durable::start()?;
    let mut world = World::without_worker(&server.address()).await?;
    world.task_timeout = Some(TASK_TIMEOUT);
    stock_up(&world).await?;
    world.shop.faults(faults(options.seed)).await?;
    let progress = Progress { options, begun, next: AtomicUsize::new(0), ended: AtomicUsize::new(0) };
    let (kills, server_restarts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let lanes = join_all((0..options.in_flight.max(1)).map(|_| lane(&world, &progress)));
    let placed = tokio::select! {
        lanes = lanes => lanes.into_iter().flatten().collect::<Vec<_>>(),
        failed = kill_workers(&world, &progress, &kills) => return Err(failed),
        failed = kill_server(&mut server, &progress, &server_restarts) => return Err(failed),
    };
    let faults = hits(&world.shop.get("faults").await?);
    // The audit and the effects are read without the faults; nothing is under way any more.
    world.shop.mend().await?;
    let findings = books::read(&world.shop, &placed).await?;
    Ok(Tally {
        placed,
        kills: kills.into_inner(),
        server_restarts: server_restarts.into_inner(),
        faults,
        findings,
        took: begun.elapsed(),
    })
}

/// More than any number of orders can sell.
async fn stock_up(world: &World) -> anyhow::Result<()> {
    let shelf = |sku: &str, variant: &str, price: u64| json!({ "sku": sku, "variant_id": variant, "price": price, "stock": books::STOCK });
    let products =
        json!([shelf("LAPTOP-001", books::LAPTOP, 25_000_000), shelf("MOUSE-001", books::MOUSE, 500_000),]);
    world.shop.put("products", products).await.map(drop)
}

fn faults(seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let mut fault = |kind: &str| {
        // The sandbox reads a signed number.
        let seed = dice.next() >> 1;
        json!({ "operation": "*", "kind": kind, "probability": FAULT_PROBABILITY, "seed": seed })
    };
    let mut unavailable = fault("status");
    unavailable["status"] = json!(503);
    json!([unavailable, fault("rate_limit"), fault("reply_lost")])
}

fn hits(faults: &Value) -> u64 {
    faults.as_array().into_iter().flatten().filter_map(|fault| fault["hits"].as_u64()).sum()
}

/// How far the orders are.
struct Progress<'o> {
    options: &'o Options,
    begun: Instant,
    next: AtomicUsize,
    ended: AtomicUsize,
}

impl Progress<'_> {
    /// The number of the next order, if there is to be one.
    fn take(&self) -> Option<usize> {
        let in_time = self.options.time.is_none_or(|time| self.begun.elapsed() < time);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (in_time && number < self.options.orders).then_some(number)
    }

    /// Waits until so many more orders have ended.
    async fn orders_end(&self, count: u64) {
        let ended = || self.ended.load(Ordering::Relaxed) as u64;
        let enough = ended() + count;
        while ended() < enough {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn is_half_way(&self) -> bool {
        let by_time = self.options.time.is_some_and(|time| self.begun.elapsed() >= time / 2);
        by_time || self.ended.load(Ordering::Relaxed) >= self.options.orders / 2
    }
}

/// Places one order after the other.
async fn lane(world: &World, progress: &Progress<'_>) -> Vec<Placed> {
    let mut placed = Vec::new();
    while let Some(number) = progress.take() {
        let kind = Kind::of(number);
        let order = kind.order();
        let begun = Instant::now();
        let ended = to_its_end(world, &order).await;
        let objection = match ended {
            Ok(ended) => kind.objection(&ended),
            Err(error) => Some(format!("did not end: {error:#}")),
        };
        progress.ended.fetch_add(1, Ordering::Relaxed);
        placed.push(Placed { order_id: orders::id(&order), kind, objection, took: begun.elapsed() });
    }
    placed
}

/// Starts an order and waits for its end, across the death of the server.
async fn to_its_end(world: &World, order: &Value) -> anyhow::Result<Ended> {
    let until = Instant::now() + ORDER_LIMIT;
    loop {
        // A second start attaches to the run of the first, so nothing is lost by asking again.
        let ended = async { world.start(order).await?.ended().await };
        match ended.await {
            Ok(ended) => return Ok(ended),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Runs a worker, kills it, runs the next one; ends only by an error.
async fn kill_workers(world: &World, progress: &Progress<'_>, kills: &AtomicUsize) -> anyhow::Error {
    let mut dice = Dice::new(progress.options.seed ^ 1);
    loop {
        let worker = match world.leashed_worker(&WORKER) {
            Ok(worker) => worker,
            Err(error) => return error,
        };
        let life = tokio::time::timeout(WORKER_LIFE, progress.orders_end(dice.from(WORKER_ORDERS)));
        let _of_old_age = life.await.is_err();
        tokio::time::sleep(dice.pause(WORKER_PAUSE)).await;
        if let Err(error) = worker.kill() {
            return error;
        }
        kills.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(dice.pause(WORKER_PAUSE)).await;
    }
}

/// Kills Temporal half-way and starts it again; ends only by an error.
async fn kill_server(server: &mut Durable, progress: &Progress<'_>, restarts: &AtomicUsize) -> anyhow::Error {
    while !progress.is_half_way() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let restarted = async {
        server.kill()?;
        tokio::time::sleep(OUTAGE).await;
        server.restart().await
    };
    if let Err(error) = restarted.await {
        return error;
    }
    restarts.fetch_add(1, Ordering::Relaxed);
    std::future::pending().await
}
