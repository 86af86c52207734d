//! Orders of many lines at a stock system that takes them one by one, and not too fast.

use std::sync::Arc;
use std::time::{Duration, Instant};

use activities::inventory::{InventoryActivities, Lines};
use contracts::failure::UNAVAILABLE;
use contracts::inventory::{Confirmation, Inventory, ReleaseStock, Reservation, ReserveStock, StockLine};
use contracts::values::OrderId;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Notify;

use crate::TestResult;
use crate::inventory::{asked, confirm, release, two_lines};
use crate::peer::{Answer, Peer, answer, response};
use crate::samples::{key, stock_line};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

fn many(lines: u32) -> TestResult<Vec<StockLine>> {
    (1..=lines).map(|n| stock_line(&format!("MANY-{n:03}"), &format!("MANY-{n:03}"), 1)).collect()
}

/// A shop that takes lines one by one, so many requests in a second.
async fn limited(lines: &[StockLine], per_second: u32) -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    shop.switch(json!({ "batch_reserve": false })).await?;
    let product = |line: &StockLine| {
        let variant = line.variant_id.as_str();
        json!({ "sku": variant, "variant_id": variant, "price": 1, "stock": 5 })
    };
    let products: Vec<_> = lines.iter().map(product).collect();
    shop.ask(Method::PUT, "/_sandbox/products", json!(products)).await?;
    let limit = json!([{ "operation": "*", "kind": "rate_limit", "per_second": per_second }]);
    shop.ask(Method::PUT, "/_sandbox/faults", limit).await?;
    let temporal =
        Temporal::with(InventoryActivities::new(shop.api()?, Lines::OneByOne, SECOND_LOOK)).await?;
    Ok((shop, temporal))
}

#[tokio::test]
async fn a_burst_limit_below_the_number_of_lines_lets_them_through() -> TestResult {
    let lines = many(25)?;
    let (shop, temporal) = limited(&lines, 10).await?;
    let mut input = asked(lines.clone())?;
    input.expires_at = "2999-01-01T00:00:00Z".to_owned();
    let held = temporal.run(Inventory::reserve, FIRST, &input).await?;
    let Ok(Reservation::Held { holds }) = held else { return Err(format!("{held:?}").into()) };
    assert_eq!(holds.len(), 25);
    let sold = temporal.run(Inventory::confirm, FIRST, &confirm(lines.clone(), holds)?).await?;
    assert_eq!(sold, Ok(Confirmation::Confirmed));
    // Undos are tried again by Temporal where their one request meets a second that is full.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(temporal.run(Inventory::restock, FIRST, &release(lines.clone())?).await?, Ok(()));

    let order_id = OrderId::new("ORDER-002")?;
    let second = ReserveStock { key: key("reserve-second"), order_id: order_id.clone(), ..input };
    assert!(temporal.run(Inventory::reserve, SECOND, &second).await?.is_ok());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let back = ReleaseStock { order_id, ..release(lines)? };
    assert_eq!(temporal.run(Inventory::release, FIRST, &back).await?, Ok(()));
    assert_eq!((shop.stock("MANY-001").await?, shop.stock("MANY-025").await?), ((5, 0), (5, 0)));
    assert_eq!(shop.total("holds").await?, 0);
    Ok(())
}

#[tokio::test]
async fn no_more_than_eight_lines_are_asked_for_at_once() -> TestResult {
    let go_on = Arc::new(Notify::new());
    let reserved = json!({ "data": { "reservation_id": "r1" } }).to_string();
    let peer = Peer::start([Answer::Hold(response(200, "", &reserved), go_on.clone())]).await?;
    let temporal =
        Temporal::with(InventoryActivities::new(peer.api()?, Lines::OneByOne, SECOND_LOOK)).await?;
    let input = asked(many(20)?)?;
    let most = async {
        let begun = Instant::now();
        while peer.received().len() < 8 && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let most = peer.received().len();
        loop {
            go_on.notify_waiters();
            if peer.received().len() >= 20 {
                // The last ones may not wait yet.
                for _ in 0..100 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    go_on.notify_waiters();
                }
                return most;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (held, most) = tokio::join!(temporal.run(Inventory::reserve, FIRST, &input), most);
    assert!(matches!(held?, Ok(Reservation::Held { .. })));
    assert_eq!(most, 8);
    Ok(())
}

#[tokio::test]
async fn a_pause_is_made_inside_the_attempt_as_far_as_its_time_goes() -> TestResult {
    let slow = |seconds: u32| answer(429, &format!("retry-after: {seconds}\r\n"), "");
    let reserved = answer(200, "", &json!({ "data": { "reservation_id": "r1" } }).to_string());
    let input = asked(two_lines(1)?)?;
    let peer = Peer::start([slow(1), reserved.clone(), reserved.clone()]).await?;
    let temporal =
        Temporal::with(InventoryActivities::new(peer.api()?, Lines::OneByOne, SECOND_LOOK)).await?;
    let begun = Instant::now();
    let held = temporal.run(Inventory::reserve, FIRST, &input).await?;
    assert!(matches!(held, Ok(Reservation::Held { .. })), "{held:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(peer.received().len(), 3);

    // An attempt has 60 s here, and a request 59: what begins behind the first half would be cut off.
    let peer = Peer::start([slow(45)]).await?;
    let api = peer.api_within(Duration::from_secs(59))?;
    let temporal = Temporal::with(InventoryActivities::new(api, Lines::OneByOne, SECOND_LOOK)).await?;
    let begun = Instant::now();
    let put_off = temporal.run(Inventory::reserve, FIRST, &input).await?.err().ok_or("held")?;
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited");
    assert_eq!((put_off.kind.as_str(), put_off.is_final), (UNAVAILABLE, false));
    let after = put_off.next_retry_delay.ok_or("no delay")?;
    assert!((40..=45).contains(&after.as_secs()), "{after:?}");
    Ok(())
}

/// A person or the business stopped the order while its lines wait: the rest is not asked for.
#[tokio::test]
async fn lines_that_wait_are_not_sent_after_a_cancel() -> TestResult {
    let peer = Peer::start([answer(429, "retry-after: 3\r\n", "")]).await?;
    let temporal =
        Temporal::with(InventoryActivities::new(peer.api()?, Lines::OneByOne, SECOND_LOOK)).await?;
    temporal.cancel();
    let attempt = Attempt { heartbeat: Duration::from_secs(3), ..FIRST };
    let stopped = temporal.run(Inventory::reserve, attempt, &asked(two_lines(1)?)?).await?;
    let failed = stopped.err().ok_or("held")?;
    assert!(failed.message.contains("cancelled before it was asked for"), "{}", failed.message);
    assert_eq!(peer.received().len(), 2, "one request per line, and none behind the pause");
    Ok(())
}
