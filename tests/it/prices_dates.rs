//! Prices that are due later, on a server that skips time; and a rate, on one that does not.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use temporalio_common::protos::temporal::api::testservice::v1::GetCurrentTimeResponse;
use tests::matrix::is;
use tests::prices::{PriceWorld, dearer};
use tests::servers::TimeSkipping;
use tonic::IntoRequest as _;
use workflows::bulk_price_update::BatchResults;

/// The server's own now.
async fn now(world: &PriceWorld) -> anyhow::Result<Timestamp> {
    let mut time = world.erp.world.client.connection().test_service();
    let GetCurrentTimeResponse { time } = time.get_current_time(().into_request()).await?.into_inner();
    let time = time.unwrap_or_default();
    Ok(Timestamp::new(time.seconds, time.nanos)?)
}

/// P3: in the first shop nobody sets another price; in the second one somebody does, and that price stays.
#[tokio::test]
async fn two_dates_are_two_steps_and_a_price_in_between_is_left() -> anyhow::Result<()> {
    for is_disturbed in [false, true] {
        let server = TimeSkipping::start()?;
        let world = PriceWorld::on(&server.address).await?;
        let now = now(&world).await?;
        let later = |days: i64| (now + SignedDuration::from_hours(24 * days)).to_string();
        let rows = json!([
            { "sku": "MOUSE-001", "new_price": 480_000, "effective_date": later(60) },
            { "sku": "MOUSE-001", "new_price": 450_000, "effective_date": later(30) },
            { "sku": "KEYBOARD-001", "new_price": 1_100_000 },
        ]);
        let run = world.start(rows, json!({})).await?;
        let client = &world.erp.world.client;
        run.until("waiting", |progress| {
            let detail = progress.step("process-batches").and_then(|step| step.detail.as_deref());
            detail.is_some_and(|detail| detail.contains("1 prices are due at"))
        })
        .await?;
        is("keyboard", &world.price("KEYBOARD-001-US").await?, &1_100_000)?;
        is("mouse before its time", &world.price("MOUSE-001-BLACK").await?, &500_000)?;
        server.sleep(client, Duration::from_secs(31 * 24 * 60 * 60)).await?;
        let until = Instant::now() + Duration::from_secs(20);
        while world.price("MOUSE-001-BLACK").await? != 450_000 {
            anyhow::ensure!(Instant::now() < until, "the first date was passed over");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if is_disturbed {
            world.set("MOUSE-001", "MOUSE-001-BLACK", 425_000).await?;
        }
        let result = server.skipping(client, run.ended()).await??.completed()?;
        let wanted = if is_disturbed { (2, 1, 425_000) } else { (3, 0, 480_000) };
        let summary = result.summary;
        let found = (summary.applied, summary.conflicts, world.price("MOUSE-001-BLACK").await?);
        is("applied, conflicts, price", &found, &wanted)?;
        let BatchResults::Inline(batches) = result.batch_results else { anyhow::bail!("they are few") };
        is("batches", &batches.len(), &3)?;
    }
    Ok(())
}

/// A list ends the sale that another one begins: the price is not taken for done because it is so before the sale. One
/// that somebody has changed by then is a conflict.
#[tokio::test]
async fn a_price_that_is_so_already_is_looked_at_when_it_is_due() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = PriceWorld::on(&server.address).await?;
    let later = (now(&world).await? + SignedDuration::from_hours(24 * 30)).to_string();
    let rows = json!([
        { "sku": "MOUSE-001", "old_price": 450_000, "new_price": 500_000, "effective_date": later },
        { "sku": "KEYBOARD-001", "new_price": 1_200_000, "effective_date": later },
    ]);
    is("the keyboard's price", &world.price("KEYBOARD-001-US").await?, &1_200_000)?;
    let ends = world.start(rows, json!({})).await?;
    ends.until("waiting", |progress| {
        let detail = progress.step("process-batches").and_then(|step| step.detail.as_deref());
        detail.is_some_and(|detail| detail.contains("2 prices are due at"))
    })
    .await?;
    let sale = json!([{ "sku": "MOUSE-001", "new_price": 450_000 }]);
    world.run(sale, json!({})).await?.completed()?;
    world.set("KEYBOARD-001", "KEYBOARD-001-US", 1_100_000).await?;
    let summary = server.skipping(&world.erp.world.client, ends.ended()).await??.completed()?.summary;
    is(
        "applied, unchanged, conflicts",
        &(summary.applied, summary.unchanged, summary.conflicts),
        &(1, 0, 1),
    )?;
    is("the mouse after the sale", &world.price("MOUSE-001-BLACK").await?, &500_000)?;
    is("somebody's price", &world.price("KEYBOARD-001-US").await?, &1_100_000)
}

#[tokio::test]
async fn a_run_that_waits_for_a_date_can_be_cancelled() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let tomorrow = (Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    let rows = json!([{ "sku": "MOUSE-001", "new_price": 450_000, "effective_date": tomorrow }]);
    let run = world.start(rows, json!({})).await?;
    run.until("waiting", |progress| {
        let detail = progress.step("process-batches").and_then(|step| step.detail.as_deref());
        detail.is_some_and(|detail| detail.contains("are due at"))
    })
    .await?;
    run.cancel("no sale after all", false).await.map_err(anyhow::Error::msg)?;
    let result = run.ended().await?.completed()?;
    is("outcome", &result.outcome.as_str(), &"cancelled")?;
    is("changes", &world.changes().await?, &0)
}

/// How long a run at a rate is looked at: the long suite looks for more than a minute.
fn seconds() -> u32 {
    if std::env::var_os("SUNFLOW_TEST_ALL").is_some() { 70 } else { 14 }
}

/// The most changes within any such time; what was seen when.
fn most_within(seen: &[(Duration, i64)], time: Duration) -> i64 {
    let begins = seen.iter().enumerate().map(|(place, (at, before))| {
        let within = seen[place..].iter().take_while(|(then, _)| *then - *at <= time);
        within.map(|(_, after)| after - before).max().unwrap_or_default()
    });
    begins.max().unwrap_or_default()
}

/// The fewest changes within any such time, as far as it was looked at for so long.
fn fewest_within(seen: &[(Duration, i64)], time: Duration) -> Option<i64> {
    let begins = seen.iter().enumerate().map(|(place, (at, before))| {
        let after = seen[place..].iter().find(|(then, _)| *then - *at >= time);
        after.map(|(_, after)| after - before)
    });
    begins.flatten().min()
}

/// In any ten seconds no more than ten times the rate and one batch, and in any second no more than the rate and one
/// batch; over a minute, and over all the time, no less than nine tenths of it. A shop that asks to slow down is
/// obeyed, and nothing fails.
#[tokio::test]
async fn a_rate_is_kept_and_a_shop_that_asks_to_slow_down_is_obeyed() -> anyhow::Result<()> {
    const RATE: i64 = 50;
    const BATCH: i64 = 100;
    let world = PriceWorld::new().await?;
    let all = RATE * i64::from(seconds());
    world.fill(usize::try_from(all)?).await?;
    let rows = dearer(&world, usize::try_from(all)?).await?;
    let more = json!({ "batch_size": BATCH, "max_per_second": RATE });
    let run = world.start_listed(&rows, more).await?;
    world.erp.world.shop.requested("prices.batch").await?;
    let begun = Instant::now();
    let mut seen = vec![(Duration::ZERO, world.changes().await?)];
    let ten = Duration::from_secs(10);
    while seen.last().is_some_and(|(_, changes)| *changes < all) {
        let limit = Duration::from_secs(seconds().into()) * 3;
        anyhow::ensure!(begun.elapsed() < limit, "too slow: {seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        seen.push((begun.elapsed(), world.changes().await?));
    }
    let took = begun.elapsed();
    is("applied", &run.ended().await?.completed()?.summary.applied, &u64::try_from(all)?)?;
    // A step that was missed by 200 ms is caught up with.
    let most = most_within(&seen, Duration::from_secs(1));
    anyhow::ensure!(most <= RATE + BATCH + RATE / 5, "{most} rows in a second");
    let most = most_within(&seen, ten);
    anyhow::ensure!(most <= 10 * RATE + BATCH, "{most} rows in ten seconds");
    let fewest = fewest_within(&seen, Duration::from_secs(60)).unwrap_or(60 * RATE);
    anyhow::ensure!(10 * fewest >= 9 * 60 * RATE, "{fewest} rows in a minute");
    let longest = Duration::from_secs(seconds().into()).mul_f64(1.0 / 0.9);
    anyhow::ensure!(took <= longest, "{took:?} for {all} rows at {RATE} a second");

    world.fill(400).await?;
    let rows = dearer(&world, 400).await?;
    let slow = json!([{ "operation": "prices.batch", "kind": "rate_limit", "per_second": 4 }]);
    world.erp.world.shop.faults(slow).await?;
    let before = world.erp.world.shop.requests("prices.batch").await?;
    let result = world.start_listed(&rows, json!({ "batch_size": 20 })).await?.ended().await?.completed()?;
    is("applied", &(result.summary.applied, result.summary.failed_updates), &(400, 0))?;
    // A shop that says 429 is left alone for as long as it says: a batch of twenty costs a second request at most.
    let requests = world.erp.world.shop.requests("prices.batch").await? - before;
    anyhow::ensure!((21..=40).contains(&requests), "{requests} requests for twenty batches");
    Ok(())
}

/// A pause and another rate end an activity: the one after it owes the time of what the one before has written.
#[tokio::test]
async fn a_rate_is_kept_over_a_pause() -> anyhow::Result<()> {
    const RATE: u32 = 4;
    const BATCH: i64 = 20;
    let world = PriceWorld::new().await?;
    world.fill(60).await?;
    let rows = dearer(&world, 60).await?;
    let run = world.start(json!(rows), json!({ "batch_size": BATCH, "max_per_second": RATE })).await?;
    let until = async |changes: i64| {
        let limit = Instant::now() + Duration::from_secs(15);
        while world.changes().await? < changes {
            anyhow::ensure!(Instant::now() < limit, "{changes} changes were not seen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Instant::now())
    };
    let first = until(BATCH).await?;
    run.pause("a moment").await.map_err(anyhow::Error::msg)?;
    run.resume().await.map_err(anyhow::Error::msg)?;
    let second = until(2 * BATCH).await?;
    let waited = second - first;
    // A batch of 20 at 4 a second is worth five seconds.
    anyhow::ensure!((4_000..=6_500).contains(&waited.as_millis()), "{waited:?} after a pause");
    run.set_rate(Some(2 * RATE)).await.map_err(anyhow::Error::msg)?;
    let waited = until(3 * BATCH).await? - second;
    anyhow::ensure!((2_000..=6_500).contains(&waited.as_millis()), "{waited:?} after another rate");
    is("applied", &run.ended().await?.completed()?.summary.applied, &60)
}
