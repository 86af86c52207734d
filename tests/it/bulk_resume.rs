//! A throw-away user of bulk work, on a worker that is killed: each row once, whatever happens.

use std::time::{Duration, Instant};

use contracts::bulk::{Rate, Rows};
use store::Lines;
use tests::bulk::{BulkWorld, Repriced, Wish, requests, sku, wishes};
use tests::matrix::is;
use tests::world::LIMIT;

const WRITE: &str = "products.update";
/// More than one segment of a batch, so that a worker dies within the first one and within the last one.
const ROWS: usize = 300;
const RATE: u32 = 100;
/// Rows that may go beyond the rate within a second: what was missed in 200 ms is caught up with, eight are under way,
/// and the shop is not looked at to the millisecond.
const BEYOND: u64 = 50;

#[tokio::test]
async fn a_batch_whose_worker_is_killed_twice_is_written_once_and_at_its_rate() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(ROWS).await?;
    let list = bulk.list(&wishes(ROWS)).await?;
    let mut worker = bulk.spawn_worker(&[])?;
    let run = bulk.start("killed", bulk.reprice(list, Some(Rate::try_from(RATE)?))).await?;
    let mut pace = Pace::default();
    for kill_at in [ROWS as u64 / 3, ROWS as u64 * 9 / 10] {
        pace.until(&bulk, kill_at).await?;
        worker.kill()?;
        worker = bulk.spawn_worker(&[])?;
    }
    pace.until(&bulk, ROWS as u64).await?;
    let outcome = run.ended().await?;
    is("requests", &requests(&bulk.erp.world.shop, WRITE).await?, &(ROWS as u64))?;
    is("updated", &outcome.written.counts, &[("updated".to_owned(), ROWS as u64)].into())?;
    let prices = bulk.prices().await?;
    for wish in wishes(ROWS) {
        is(&wish.sku, &prices.get(&wish.sku), &Some(&wish.price))?;
    }
    assert!(pace.fastest() <= u64::from(RATE) + BEYOND, "{} rows in a second", pace.fastest());

    let images = &outcome.written.images;
    is("lists of before-images", &images.len(), &1)?;
    let before: Vec<Option<i64>> = Lines::get(&bulk.erp.store, &images[0]).await?.records()?;
    is("before", &before, &vec![Some(1_000); ROWS])?;
    let Rows::Listed { count, refs } = outcome.written.into_rows() else {
        anyhow::bail!("{ROWS} rows are inline")
    };
    let outcomes: Vec<Repriced> = Lines::get(&bulk.erp.store, &refs[0]).await?.records()?;
    is("outcomes", &(count, outcomes.len()), &(ROWS as u64, ROWS))?;
    is("the last one", &outcomes.last().map(|row| row.sku.clone()), &Some(sku(ROWS)))
}

#[tokio::test]
async fn what_cannot_be_written_is_named_and_what_is_right_already_costs_nothing() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(3).await?;
    let _worker = bulk.spawn_worker(&[])?;
    let wish = |sku: &str, price| Wish { sku: sku.to_owned(), price };
    let wishes =
        [wish("P-0001", 5), wish("NOBODY", 5), wish("P-0002", 0), wish("P-0003", 1_000), wish("P-0001", 7)];
    let reprice = bulk.reprice(bulk.list(&wishes).await?, None);
    let outcome = bulk.start("mixed", reprice.clone()).await?.ended().await?;
    let wanted = &outcome.wanted;
    is("read", &(wanted.read, wanted.superseded, wanted.to_write), &(5, 1, 1))?;
    let causes = ["price: is not above zero", "sku: the shop has no such product"];
    is("causes", &wanted.causes.keys().map(String::as_str).collect::<Vec<_>>(), &Vec::from(causes))?;
    is(
        "written",
        &outcome.written.rows,
        &vec![Repriced { sku: "P-0001".to_owned(), action: "updated".to_owned() }],
    )?;
    is("price", &bulk.prices().await?.get("P-0001"), &Some(&7))?;
    is("requests", &requests(&bulk.erp.world.shop, WRITE).await?, &1)?;

    let again = bulk.start("again", reprice).await?.ended().await?;
    is("to write", &(again.wanted.to_write, again.wanted.batch), &(0, None))?;
    is("requests", &requests(&bulk.erp.world.shop, WRITE).await?, &1)
}

#[tokio::test]
async fn beyond_its_limit_a_run_writes_nothing() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(4).await?;
    let _worker = bulk.spawn_worker(&[])?;
    let mut reprice = bulk.reprice(bulk.list(&wishes(4)).await?, None);
    reprice.limit = 99;
    let outcome = bulk.start("limit", reprice).await?.ended().await?;
    let stopped = "4 of the 4 lines would change a price (limit 99 %)";
    is("stopped", &outcome.stopped.as_deref(), &Some(stopped))?;
    is("requests", &requests(&bulk.erp.world.shop, WRITE).await?, &0)
}

/// How many rows were written by when.
#[derive(Default)]
struct Pace {
    seen: Vec<(Instant, u64)>,
}

impl Pace {
    async fn until(&mut self, bulk: &BulkWorld, rows: u64) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        loop {
            let written = requests(&bulk.erp.world.shop, WRITE).await?;
            self.seen.push((Instant::now(), written));
            if written >= rows {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "only {written} rows were written");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The most rows within a second.
    fn fastest(&self) -> u64 {
        let within = |from: usize| {
            let (at, before) = self.seen[from];
            let later = self.seen[from..].iter().take_while(|(then, _)| *then - at <= Duration::from_secs(1));
            later.last().map_or(0, |(_, rows)| rows - before)
        };
        (0..self.seen.len()).map(within).max().unwrap_or_default()
    }
}
