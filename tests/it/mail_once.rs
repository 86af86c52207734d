//! One mail each, however slow the mail server is: a real worker, the sandbox for everything but the mail, and aiosmtpd
//! (it has the mail before it thinks about its reply).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::customers;
use tests::mail::{Habits, MailServer};
use tests::orders;
use tests::world::{LIMIT, World};

/// The worker's settings for a server, with time enough for a slow one.
fn settings(server: &MailServer) -> Vec<String> {
    settings_within(server, 30_000)
}

fn settings_within(server: &MailServer, timeout_ms: u32) -> Vec<String> {
    let own = server.settings().into_iter().map(|(name, value)| format!("{name}={value}"));
    own.chain([format!("--ecommerce-api-timeout={timeout_ms}")]).collect()
}

fn strs(settings: &[String]) -> Vec<&str> {
    settings.iter().map(String::as_str).collect()
}

fn is_all() -> bool {
    std::env::var_os("SUNFLOW_TEST_ALL").is_some()
}

/// How often each `Message-ID` came.
fn times(mails: &[Value]) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for mail in mails {
        *times.entry(mail["message_id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    times
}

/// M4: an order's mail, a welcome and two marketing mails.
#[tokio::test]
async fn a_slow_server_gets_each_mail_once() -> anyhow::Result<()> {
    let delays: &[u32] = if is_all() { &[500, 2_500, 20_000] } else { &[500, 2_500] };
    for &delay_ms in delays {
        let server = MailServer::with(Habits { delay_ms, ..Habits::default() })?;
        let (world, _worker) = World::apart(&strs(&settings(&server))).await?;
        world.run(&orders::order()).await?.fulfilled()?;
        world.register(&customers::registration()).await?.ended().await?.completed()?;
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 8);
        world.follow_up(&registration, &customer_id, long_ago).await?.ended().await?.completed()?;
        let mails = server.mails()?;
        let times = times(&mails);
        assert_eq!((mails.len(), times.len()), (4, 4), "{delay_ms} ms: {times:?}");
    }
    Ok(())
}

/// A relay that takes the mail and says so later than the worker's timeout.
#[tokio::test]
async fn a_reply_that_is_later_than_the_timeout_is_awaited() -> anyhow::Result<()> {
    let server = MailServer::with(Habits { delay_ms: 5_000, ..Habits::default() })?;
    let (world, _worker) = World::apart(&strs(&settings_within(&server, 2_000))).await?;
    let order = world.start(&orders::order()).await?;
    order.until("ended", |progress| progress.outcome.is_some()).await?;
    order.ended().await?.fulfilled()?;
    let mails = server.mails()?;
    assert_eq!(mails.len(), 1, "{:?}", times(&mails));
    Ok(())
}

/// A worker that is killed in the middle: each mail comes, one more at most, and only of those that were under way.
#[tokio::test]
async fn a_burst_through_a_killed_worker_is_one_mail_each_or_one_more_under_its_id() -> anyhow::Result<()> {
    const AT_ONCE: usize = 8;
    let (count, delay_ms) = if is_all() { (200, 2_500) } else { (40, 500) };
    let server = MailServer::with(Habits { delay_ms, ..Habits::default() })?;
    let (world, mut first) = World::apart(&strs(&settings(&server))).await?;
    // More than all of them sell.
    let laptop = json!({
        "sku": "LAPTOP-001", "variant_id": "LAPTOP-001-16GB-512GB", "price": 25_000_000, "stock": 10 * count
    });
    world.shop.put("products", json!([laptop])).await?;
    let orders: Vec<Value> = (0..count).map(|_| orders::order()).collect();
    let mut started = Vec::new();
    for order in &orders {
        started.push(world.start(order).await?);
    }
    let until = Instant::now() + 4 * LIMIT;
    while server.mails()?.len() < count / 4 {
        anyhow::ensure!(Instant::now() < until, "{} mails", server.mails()?.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    first.kill()?;
    let _second = world.spawn_worker(&strs(&settings(&server)))?;
    for order in started {
        order.ended().await?.fulfilled()?;
    }
    let mails = server.mails()?;
    let times = times(&mails);
    let doubled = times.values().filter(|times| **times > 1).count();
    assert_eq!(times.len(), count, "each order has its mail");
    assert!(times.values().all(|times| *times <= 2), "{times:?}");
    assert!(doubled <= AT_ONCE, "{doubled} mails came twice");
    Ok(())
}
