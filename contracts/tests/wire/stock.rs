//! The stock system.

use contracts::inventory::{
    ConfirmStock, Confirmation, Hold, ReleaseStock, Reservation, ReserveStock, Shortage, StockLine,
};
use serde_json::{Value, json};

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, VARIANT, key, order_id, product_id, variant_id};

fn lines() -> TestResult<Vec<StockLine>> {
    Ok(vec![StockLine { product_id: product_id()?, variant_id: variant_id()?, quantity: 2 }])
}

fn lines_json() -> Value {
    json!([{ "product_id": "LAPTOP-001", "variant_id": VARIANT, "quantity": 2 }])
}

fn hold() -> TestResult<Hold> {
    Ok(Hold { variant_id: variant_id()?, reservation_id: Some("res_1".to_owned()) })
}

#[test]
fn the_request_to_hold_stock_stays() -> TestResult {
    let input = ReserveStock {
        key: key(),
        order_id: order_id()?,
        lines: lines()?,
        expires_at: "2026-03-01T00:30:00Z".to_owned(),
    };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "lines": lines_json(),
        "expires_at": "2026-03-01T00:30:00Z"
    });
    pinned(&input, &golden, &[])
}

#[test]
fn what_becomes_of_a_request_to_hold_stays() -> TestResult {
    let golden = json!({ "result": "held", "holds": [{ "variant_id": VARIANT, "reservation_id": "res_1" }] });
    pinned(&Reservation::Held { holds: vec![hold()?] }, &golden, &["/holds/0/reservation_id"])?;
    let short = Shortage { variant_id: VARIANT.to_owned(), requested: Some(2), available: Some(1) };
    let golden = json!({
        "result": "short",
        "lines": [{ "variant_id": VARIANT, "requested": 2, "available": 1 }]
    });
    pinned(&Reservation::Short { lines: vec![short] }, &golden, &["/lines/0/requested", "/lines/0/available"])
}

#[test]
fn the_request_to_give_stock_back_stays() -> TestResult {
    let sold = vec![VARIANT.to_owned()];
    let input = ReleaseStock { key: key(), order_id: order_id()?, lines: lines()?, is_answered: true, sold };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "lines": lines_json(),
        "is_answered": true,
        "sold": [VARIANT]
    });
    pinned(&input, &golden, &["/is_answered", "/sold"])
}

#[test]
fn the_request_to_sell_what_is_held_stays() -> TestResult {
    let (order_id, lines, holds) = (order_id()?, lines()?, vec![hold()?]);
    let input = ConfirmStock { key: key(), order_id, lines, holds, may_be_sold: true };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "lines": lines_json(),
        "holds": [{ "variant_id": VARIANT, "reservation_id": "res_1" }],
        "may_be_sold": true
    });
    pinned(&input, &golden, &["/holds/0/reservation_id", "/may_be_sold"])
}

#[test]
fn what_becomes_of_a_request_to_sell_stays() -> TestResult {
    pinned(&Confirmation::Confirmed, &json!({ "result": "confirmed" }), &[])?;
    let lost = Confirmation::HoldLost { variants: vec![VARIANT.to_owned()], sold: vec!["OTHER".to_owned()] };
    pinned(&lost, &json!({ "result": "hold_lost", "variants": [VARIANT], "sold": ["OTHER"] }), &["/sold"])
}
