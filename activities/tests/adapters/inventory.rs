//! The stock system, in both of its generations: a batch of lines, and one line at a time.

use std::time::Duration;

use activities::inventory::{InventoryActivities, Lines};
use contracts::failure::{NOTHING_YET, OUTCOME_UNKNOWN, REFUSED};
use contracts::inventory::{
    ConfirmStock, Confirmation, Hold, Inventory, ReleaseStock, Reservation, ReserveStock, Shortage, StockLine,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{LAPTOP, LIMITED, key, order_id, stock_line};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);
const BOTH: [Lines; 2] = [Lines::Batch, Lines::OneByOne];

async fn open(lines: Lines) -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    // The one-by-one adapter has to live with a system that has no batches.
    shop.switch(json!({ "batch_reserve": lines == Lines::Batch })).await?;
    let temporal = Temporal::with(InventoryActivities::new(shop.api()?, lines, SECOND_LOOK)).await?;
    Ok((shop, temporal))
}

pub(crate) fn two_lines(limited: u32) -> TestResult<Vec<StockLine>> {
    Ok(vec![stock_line("LAPTOP-001", LAPTOP, 2)?, stock_line("LIMITED-001", LIMITED, limited)?])
}

/// Holds for ten minutes of the shop's clock.
async fn reserve(shop: &Shop, lines: Vec<StockLine>) -> TestResult<ReserveStock> {
    let clock = shop.ask(Method::PUT, "/_sandbox/clock", json!({ "advance_seconds": 600 })).await?;
    shop.ask(Method::PUT, "/_sandbox/clock", json!({ "now": null })).await?;
    let expires_at = clock["now"].as_str().ok_or("no time")?.to_owned();
    Ok(ReserveStock { key: key("reserve-inventory"), order_id: order_id()?, lines, expires_at })
}

/// Holds, and looks that it is held.
async fn held(shop: &Shop, temporal: &Temporal, lines: Vec<StockLine>) -> TestResult<Vec<Hold>> {
    let input = reserve(shop, lines).await?;
    match temporal.run(Inventory::reserve, FIRST, &input).await? {
        Ok(Reservation::Held { holds }) => Ok(holds),
        other => Err(format!("{other:?}").into()),
    }
}

/// The request to hold, for a system that has no clock.
pub(crate) fn asked(lines: Vec<StockLine>) -> TestResult<ReserveStock> {
    let expires_at = "2026-03-01T00:30:00Z".to_owned();
    Ok(ReserveStock { key: key("reserve-inventory"), order_id: order_id()?, lines, expires_at })
}

pub(crate) fn release(lines: Vec<StockLine>) -> TestResult<ReleaseStock> {
    let (key, order_id) = (key("reserve-inventory"), order_id()?);
    Ok(ReleaseStock { key, order_id, lines, is_answered: false, sold: Vec::new() })
}

pub(crate) fn confirm(lines: Vec<StockLine>, holds: Vec<Hold>) -> TestResult<ConfirmStock> {
    let (key, order_id) = (key("confirm-inventory"), order_id()?);
    Ok(ConfirmStock { key, order_id, lines, holds, may_be_sold: false })
}

#[tokio::test]
async fn every_line_is_held_once_however_often_it_is_asked_for() -> TestResult {
    for generation in BOTH {
        let (shop, temporal) = open(generation).await?;
        let input = reserve(&shop, two_lines(1)?).await?;
        let first = temporal.run(Inventory::reserve, FIRST, &input).await?;
        let Ok(Reservation::Held { holds }) = &first else { return Err(format!("{first:?}").into()) };
        let variants: Vec<&str> = holds.iter().map(|hold| hold.variant_id.as_str()).collect();
        assert_eq!(variants, [LAPTOP, LIMITED], "in the order of the lines");
        assert!(holds.iter().all(|hold| hold.reservation_id.is_some()), "{holds:?}");
        assert_eq!(temporal.run(Inventory::reserve, SECOND, &input).await?, first);
        assert_eq!((shop.stock(LAPTOP).await?, shop.stock(LIMITED).await?), ((50, 2), (1, 1)));
    }
    Ok(())
}

#[tokio::test]
async fn a_shortage_is_an_outcome_with_the_lines_that_are_short() -> TestResult {
    for (generation, laptops_held) in [(Lines::Batch, 0), (Lines::OneByOne, 2)] {
        let (shop, temporal) = open(generation).await?;
        let input = reserve(&shop, two_lines(3)?).await?;
        let lines = vec![Shortage { variant_id: LIMITED.to_owned(), requested: Some(3), available: Some(1) }];
        assert_eq!(temporal.run(Inventory::reserve, FIRST, &input).await?, Ok(Reservation::Short { lines }));
        assert_eq!(shop.stock(LAPTOP).await?, (50, laptops_held), "{generation:?}");
        // The undo frees what was held of a short order; every line was answered, so there is no second look.
        let back = ReleaseStock { is_answered: true, ..release(two_lines(3)?)? };
        assert_eq!(temporal.run(Inventory::release, FIRST, &back).await?, Ok(()));
        assert_eq!(shop.stock(LAPTOP).await?, (50, 0), "{generation:?}");
    }
    Ok(())
}

/// Of several lines nobody knows then which one is short, and none is blamed.
#[tokio::test]
async fn a_shortage_without_readable_details_blames_no_line() -> TestResult {
    let details = [
        json!(null),
        json!("LIMITED-001-RED"),
        json!({ "lines": "all" }),
        json!({ "lines": [{ "variant_id": 7 }, "LIMITED-001-RED", { "variant_id": "somebody@example.com" }] }),
    ];
    for (code, details) in ["INSUFFICIENT_STOCK", "OUT_OF_STOCK"].into_iter().cycle().zip(details) {
        let error = json!({ "code": code, "message": "sold out", "details": details });
        let refusal = json!({ "success": false, "error": error });
        let peer = Peer::start([answer(409, "", &refusal.to_string())]).await?;
        let temporal =
            Temporal::with(InventoryActivities::new(peer.api()?, Lines::Batch, SECOND_LOOK)).await?;
        let two = asked(two_lines(1)?)?;
        let nobody = Ok(Reservation::Short { lines: Vec::new() });
        assert_eq!(temporal.run(Inventory::reserve, FIRST, &two).await?, nobody, "{details}");
        let one = asked(vec![stock_line("LAPTOP-001", LAPTOP, 2)?])?;
        let short = Shortage { variant_id: LAPTOP.to_owned(), requested: Some(2), available: None };
        let short = Ok(Reservation::Short { lines: vec![short] });
        assert_eq!(temporal.run(Inventory::reserve, FIRST, &one).await?, short, "{details}");
    }
    Ok(())
}

/// A quantity that is written otherwise does not hide which line is short.
#[tokio::test]
async fn a_shortage_with_odd_quantities_names_its_line() -> TestResult {
    let details = json!({ "lines": [{ "variant_id": LIMITED, "requested": "1", "available": -3 }] });
    let refusal = json!({ "error": { "code": "OUT_OF_STOCK", "details": details } });
    let peer = Peer::start([answer(409, "", &refusal.to_string())]).await?;
    let temporal = Temporal::with(InventoryActivities::new(peer.api()?, Lines::Batch, SECOND_LOOK)).await?;
    let lines = vec![Shortage { variant_id: LIMITED.to_owned(), requested: None, available: None }];
    let short = temporal.run(Inventory::reserve, FIRST, &asked(two_lines(1)?)?).await?;
    assert_eq!(short, Ok(Reservation::Short { lines }));
    Ok(())
}

#[tokio::test]
async fn when_one_of_several_calls_is_lost_the_whole_is_unknown() -> TestResult {
    let (shop, temporal) = open(Lines::OneByOne).await?;
    shop.fault("inventory.reserve", "reply_lost", json!({})).await?;
    let input = reserve(&shop, two_lines(1)?).await?;
    let lost = temporal.run(Inventory::reserve, FIRST, &input).await?.err().ok_or("held")?;
    assert_eq!((lost.kind.as_str(), lost.is_final), (OUTCOME_UNKNOWN, false));
    assert!(matches!(temporal.run(Inventory::reserve, SECOND, &input).await?, Ok(Reservation::Held { .. })));
    assert_eq!((shop.stock(LAPTOP).await?, shop.stock(LIMITED).await?), ((50, 2), (1, 1)));
    assert_eq!(
        shop.get("/_sandbox/requests").await?["inventory.reserve"],
        2,
        "what is held is not sent again"
    );
    Ok(())
}

#[tokio::test]
async fn a_release_frees_once_and_bars_a_late_hold() -> TestResult {
    for generation in BOTH {
        let (shop, temporal) = open(generation).await?;
        held(&shop, &temporal, two_lines(1)?).await?;
        let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
        for attempt in [FIRST, late, late] {
            assert_eq!(temporal.run(Inventory::release, attempt, &release(two_lines(1)?)?).await?, Ok(()));
        }
        assert_eq!((shop.stock(LAPTOP).await?, shop.stock(LIMITED).await?), ((50, 0), (1, 0)));
        let mut late = reserve(&shop, two_lines(1)?).await?;
        late.key = key("reserve-inventory-late");
        let refused = temporal.run(Inventory::reserve, FIRST, &late).await?.err().ok_or("held")?;
        assert_eq!((refused.kind.as_str(), refused.is_final), (REFUSED, true));
    }
    Ok(())
}

#[tokio::test]
async fn a_release_that_finds_nothing_looks_again_before_it_believes_it() -> TestResult {
    let (shop, temporal) = open(Lines::Batch).await?;
    let mut input = release(two_lines(1)?)?;
    let first = temporal.run(Inventory::release, FIRST, &input).await?.err().ok_or("believed at once")?;
    assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false));
    assert_eq!(first.next_retry_delay, Some(SECOND_LOOK));
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Inventory::release, late, &input).await?, Ok(()));
    // Nothing can be on its way.
    input.is_answered = true;
    assert_eq!(temporal.run(Inventory::release, FIRST, &input).await?, Ok(()));
    let sent = &shop.get("/_sandbox/requests").await?["inventory.release"];
    assert_eq!(sent, &json!(null), "what is not held is not released");
    Ok(())
}

#[tokio::test]
async fn a_release_tries_every_line_even_after_one_failed() -> TestResult {
    let (shop, temporal) = open(Lines::Batch).await?;
    held(&shop, &temporal, two_lines(1)?).await?;
    shop.fault("inventory.release", "status", json!({ "status": 500 })).await?;
    let failed =
        temporal.run(Inventory::release, FIRST, &release(two_lines(1)?)?).await?.err().ok_or("freed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    // The lines are freed side by side: which of them met the fault is not said.
    let held = (shop.stock(LAPTOP).await?.1, shop.stock(LIMITED).await?.1);
    assert!(matches!(held, (2, 0) | (0, 1)), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_held_is_sold_once_however_often_it_is_confirmed() -> TestResult {
    for generation in BOTH {
        let (shop, temporal) = open(generation).await?;
        let holds = held(&shop, &temporal, two_lines(1)?).await?;
        for attempt in [FIRST, SECOND] {
            let confirmed =
                temporal.run(Inventory::confirm, attempt, &confirm(two_lines(1)?, holds.clone())?).await?;
            assert_eq!(confirmed, Ok(Confirmation::Confirmed), "{generation:?}");
        }
        assert_eq!((shop.stock(LAPTOP).await?, shop.stock(LIMITED).await?), ((48, 0), (0, 0)));
    }
    Ok(())
}

#[tokio::test]
async fn a_hold_that_ran_out_is_named_as_lost() -> TestResult {
    for generation in BOTH {
        let (shop, temporal) = open(generation).await?;
        let holds = held(&shop, &temporal, two_lines(1)?).await?;
        shop.advance(601).await?;
        let confirmed = temporal.run(Inventory::confirm, FIRST, &confirm(two_lines(1)?, holds)?).await?;
        let variants = [LAPTOP, LIMITED].map(str::to_owned).to_vec();
        assert_eq!(confirmed, Ok(Confirmation::HoldLost { variants, sold: Vec::new() }), "{generation:?}");
        assert_eq!((shop.stock(LAPTOP).await?, shop.stock(LIMITED).await?), ((50, 0), (1, 0)));
    }
    Ok(())
}

#[tokio::test]
async fn what_was_sold_comes_back_once_however_often_it_is_restocked() -> TestResult {
    for generation in BOTH {
        let (shop, temporal) = open(generation).await?;
        let holds = held(&shop, &temporal, two_lines(1)?).await?;
        let sold = temporal.run(Inventory::confirm, FIRST, &confirm(two_lines(1)?, holds)?).await?;
        assert_eq!(sold, Ok(Confirmation::Confirmed));
        let input = release(two_lines(1)?)?;
        assert_eq!(temporal.run(Inventory::restock, FIRST, &input).await?, Ok(()));
        let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
        assert_eq!(temporal.run(Inventory::restock, late, &input).await?, Ok(()));
        assert_eq!((shop.stock(LAPTOP).await?, shop.stock(LIMITED).await?), ((50, 0), (1, 0)));
    }
    Ok(())
}

#[tokio::test]
async fn a_restock_that_finds_nothing_looks_again_before_it_believes_it() -> TestResult {
    let (_shop, temporal) = open(Lines::Batch).await?;
    let input = release(two_lines(1)?)?;
    let first = temporal.run(Inventory::restock, FIRST, &input).await?.err().ok_or("believed at once")?;
    assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false));
    assert_eq!(first.next_retry_delay, Some(SECOND_LOOK));
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Inventory::restock, late, &input).await?, Ok(()));
    Ok(())
}

/// Of two sales side by side one arrived, and the other may be on its way.
#[tokio::test]
async fn a_restock_that_finds_only_a_part_looks_again_before_it_believes_it() -> TestResult {
    let (shop, temporal) = open(Lines::OneByOne).await?;
    let holds = held(&shop, &temporal, two_lines(1)?).await?;
    let one = vec![two_lines(1)?.remove(0)];
    let sold = temporal.run(Inventory::confirm, FIRST, &confirm(one, holds)?).await?;
    assert_eq!(sold, Ok(Confirmation::Confirmed));
    let input = release(two_lines(1)?)?;
    let first = temporal.run(Inventory::restock, FIRST, &input).await?.err().ok_or("believed at once")?;
    assert_eq!((first.kind.as_str(), first.next_retry_delay), (NOTHING_YET, Some(SECOND_LOOK)));
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Inventory::restock, late, &input).await?, Ok(()));
    Ok(())
}

#[tokio::test]
async fn a_system_without_batches_refuses_the_batch_for_good() -> TestResult {
    let (shop, temporal) = open(Lines::Batch).await?;
    shop.switch(json!({ "batch_reserve": false })).await?;
    let input = reserve(&shop, two_lines(1)?).await?;
    let refused = temporal.run(Inventory::reserve, FIRST, &input).await?.err().ok_or("held")?;
    assert_eq!((refused.kind.as_str(), refused.is_final), (REFUSED, true));
    assert_eq!(refused.message, "shop refused: 400 VALIDATION_ERROR");
    Ok(())
}

/// Lines must not replay each other's answer.
#[tokio::test]
async fn each_line_has_a_key_of_its_own() -> TestResult {
    let reserved = json!({ "data": { "reservation_id": "r1" } }).to_string();
    let peer = Peer::start([answer(200, "", &reserved)]).await?;
    let temporal =
        Temporal::with(InventoryActivities::new(peer.api()?, Lines::OneByOne, SECOND_LOOK)).await?;
    assert!(temporal.run(Inventory::reserve, FIRST, &asked(two_lines(1)?)?).await?.is_ok());
    let mut keys: Vec<Option<String>> =
        peer.received().iter().map(|r| r.header("idempotency-key").map(str::to_owned)).collect();
    keys.sort();
    let line = |variant| Some(format!("order/ORDER-001/reserve-inventory/{variant}"));
    assert_eq!(keys, [line(LAPTOP), line(LIMITED)]);
    let body: Value = serde_json::from_str(&peer.received()[1].body)?;
    assert_eq!(body["reference_id"], "ORDER-001");
    Ok(())
}
