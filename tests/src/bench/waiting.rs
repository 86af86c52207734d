//! Orders that wait for their payment: what a worker holds for them, and how soon they go on once they are paid.
//!
//! The worker has its own settings: it holds as many runs as it is told to (`--cached-workflows`), puts those away that
//! were idle longest, and reads their histories again when something happens to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use serde::Serialize;

use super::figures::median;
use super::machine::rss_kib;
use super::site::Site;
use super::{Options, Variant, WARM_UP};
use crate::orders;

/// So many wait when memory is read for the first time: fewer than a worker holds by default.
pub(super) const FEW: usize = 500;
/// Of the newest and of the oldest, so many are paid.
const PAID: usize = 50;
const STARTS_AT_ONCE: usize = 20;
/// After the last waiting order is seen: until its worker has put its task away.
const PAUSE: Duration = Duration::from_secs(2);

/// The cost of orders that wait.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Waiting {
    /// The worker's memory per order while a few wait, KiB: with the default settings, all of them are in memory.
    pub few_kib: f64,
    /// The worker's memory per order when all wait, KiB: those that were put away take none.
    pub kib: f64,
    /// From the news of the payment to the end of an order, in the middle, milliseconds: of the orders begun last.
    /// Only the shipped process hears of payments.
    pub newest_ms: Option<f64>,
    /// Likewise, of those begun first: a worker that holds fewer runs than there are has put them away, and reads their
    /// histories again. They are paid one after the other, so each finds the place of the one before.
    pub oldest_ms: Option<f64>,
}

/// Measures with a worker of its own that has done some orders.
pub(super) async fn measure(site: &Site, variant: Variant, options: &Options) -> anyhow::Result<Waiting> {
    let task_queue = format!("{}-waiting", variant.task_queue());
    let worker = site.worker(&task_queue, &options.worker_settings)?;
    let warm_up = join_all((0..WARM_UP).map(|_| site.order(variant, &task_queue))).await;
    warm_up.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let before = rss_kib(worker.pid())?;
    let each =
        |waiting: usize| anyhow::Ok((rss_kib(worker.pid())? - before) / f64::from(u32::try_from(waiting)?));
    let few = options.waiting.min(FEW);
    let oldest = begin(site, variant, &task_queue, few).await?;
    site.all_wait(&task_queue, few).await?;
    tokio::time::sleep(PAUSE).await;
    let few_kib = each(few)?;
    let newest = begin(site, variant, &task_queue, options.waiting - few).await?;
    site.all_wait(&task_queue, options.waiting).await?;
    tokio::time::sleep(PAUSE).await;
    let kib = each(options.waiting)?;
    if variant == Variant::Sequential {
        return Ok(Waiting { few_kib, kib, newest_ms: None, oldest_ms: None });
    }
    let newest_ms = pay(site, newest.iter().rev().take(PAID)).await?;
    let oldest_ms = pay(site, oldest.iter().take(PAID)).await?;
    Ok(Waiting { few_kib, kib, newest_ms, oldest_ms })
}

/// Begins orders that wait; returns their ids, the first one first.
async fn begin(site: &Site, variant: Variant, task_queue: &str, count: usize) -> anyhow::Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let lanes = (0..STARTS_AT_ONCE).map(|_| async {
        let mut begun = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return anyhow::Ok(begun);
            }
            let mut order = orders::two_lines();
            order["payment_method"] = serde_json::json!({ "type": "bank_transfer" });
            site.start(variant, task_queue, &order).await?;
            begun.push((number, orders::id(&order).to_owned()));
        }
    });
    let mut begun: Vec<_> = try_join_all(lanes).await?.into_iter().flatten().collect();
    begun.sort_unstable();
    Ok(begun.into_iter().map(|(_, id)| id).collect())
}

/// Pays them one after the other; returns the middle of how long they took, if there are any.
async fn pay(site: &Site, ids: impl Iterator<Item = &String>) -> anyhow::Result<Option<f64>> {
    let mut took = Vec::new();
    for id in ids {
        took.push(site.settle(id).await?.as_secs_f64() * 1_000.0);
    }
    Ok((!took.is_empty()).then(|| median(took.into_iter())))
}
