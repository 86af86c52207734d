//! Stock, clock, switches, reset and the logs.

use jiff::Timestamp;
use serde_json::json;

use crate::harness::{LAPTOP, Shop, text};

#[tokio::test]
async fn the_seed_is_the_sample_shop() {
    let shop = Shop::open().await;
    let stock = shop.get("/_sandbox/stock").await;
    let laptop = json!({
        "sku": "LAPTOP-001", "variant_id": LAPTOP, "name": "Gaming Laptop Pro", "price": 25_000_000,
        "currency": "VND", "on_hand": 50, "held": 0, "available": 50,
    });
    assert!(stock.as_array().expect("a list").contains(&laptop), "{stock}");
    assert_eq!(shop.stock("LIMITED-001-RED").await, (1, 0));
    assert!(stock.to_string().contains("19.99"));
}

#[tokio::test]
async fn products_are_put_on_the_shelf_and_kept_in_the_ledger() {
    let shop = Shop::open().await;
    let mouse =
        |stock| json!([{ "sku": "M", "variant_id": "M-1", "price": 9.5, "currency": "EUR", "stock": stock }]);
    for stock in [5, 3, 8] {
        shop.put("/_sandbox/products", mouse(stock)).send().await.ok(200);
        assert_eq!(shop.stock("M-1").await, (stock, 0));
    }
    shop.reserve("ORDER-001", "M-1", 4).send().await.data(200);
    let refused = shop.put("/_sandbox/products", mouse(3)).send().await;
    assert!(refused.refused(400, "VALIDATION_ERROR")["details"]["[0].stock"].is_array());
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn the_clock_is_set_advanced_and_given_back() {
    let shop = Shop::open().await;
    let now =
        async || -> Timestamp { text(&shop.get("/_sandbox/clock").await["now"]).parse().expect("a time") };
    let away = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs();
    assert!(away(Timestamp::now(), now().await).abs() <= 1);
    shop.put("/_sandbox/clock", json!({ "now": "2030-06-01T12:00:00Z" })).send().await.ok(200);
    shop.advance(3600).await;
    let expected: Timestamp = "2030-06-01T13:00:00Z".parse().expect("a time");
    assert!((0..5).contains(&away(expected, now().await)), "the clock runs on");
    shop.put("/_sandbox/clock", json!({ "now": null })).send().await.ok(200);
    assert!(away(Timestamp::now(), now().await).abs() <= 1);
    for wrong in
        [json!({}), json!({ "now": null, "advance_seconds": 1 }), json!({ "advance_seconds": i64::MAX })]
    {
        shop.put("/_sandbox/clock", wrong).send().await.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn switches_change_one_by_one() {
    let shop = Shop::open().await;
    let defaults = json!({
        "dedupe": "on", "replay_errors": false, "tombstones": true, "validate_counts_stock": false,
        "batch_reserve": true, "coupon_codes_taken": false,
    });
    assert_eq!(shop.get("/_sandbox/switches").await, defaults);
    shop.switch(json!({ "dedupe": "off" })).await;
    shop.switch(json!({ "tombstones": false })).await;
    let switches = shop.get("/_sandbox/switches").await;
    assert_eq!((&switches["dedupe"], &switches["tombstones"]), (&json!("off"), &json!(false)));
    let refused = shop.put("/_sandbox/switches", json!({ "gravity": false })).send().await;
    refused.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let shop = Shop::open().await;
    let before = shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    shop.void("ORDER-001", "k").send().await.data(200);
    shop.switch(json!({ "dedupe": "off" })).await;
    shop.set_faults(json!([{ "operation": "*", "kind": "status" }])).await;
    shop.advance(86_400).await;
    shop.post("/_sandbox/reset", json!({ "seed": "shop" })).send().await.ok(200);
    assert_eq!(shop.get("/_sandbox/switches").await["dedupe"], "on");
    assert_eq!(shop.get("/_sandbox/faults").await, json!([]));
    assert_eq!(shop.get("/_sandbox/effects").await, json!([]));
    assert_eq!(shop.get("/_sandbox/requests").await, json!({}));
    let now: Timestamp = text(&shop.get("/_sandbox/clock").await["now"]).parse().expect("a time");
    assert!(now.duration_since(Timestamp::now()).as_secs() < 60);
    let after = shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    assert_ne!(before["payment_id"], after["payment_id"], "ids do not return");
    assert_eq!(shop.stock(LAPTOP).await, (50, 0));
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    assert_eq!(shop.get("/_sandbox/stock").await, json!([]));
    shop.post("/_sandbox/reset", json!({ "seed": "zoo" })).send().await.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn the_effects_log_says_what_came_of_each_request() {
    let shop = Shop::open().await;
    let order = "ORDER-001";
    shop.place(order).await;
    shop.reserve(order, LAPTOP, 1).key("a").send().await.data(200);
    shop.charge(order, "card_declined").key("b").send().await.refused(402, "card_declined");
    let release = json!({ "variant_id": LAPTOP, "quantity": 1, "reference_id": order });
    shop.post("/inventory/release", release).key("c").send().await.data(200);
    shop.set_status(order, "failed").key("d").send().await.data(200);
    shop.mail(order, "order_failed").key("e").send().await.data(202);
    shop.charge("ORDER-002", "t").send().await.data(201);
    let log = shop.get("/_sandbox/effects?order_id=ORDER-001").await;
    let told: Vec<_> = log
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| (text(&line["operation"]), text(&line["effect"])))
        .collect();
    let expected = [
        ("inventory.reserve", format!("held 1 {LAPTOP}")),
        ("payments.create", "none".to_owned()),
        ("inventory.release", format!("released 1 {LAPTOP}")),
        ("orders.update", "set order to failed".to_owned()),
        ("notifications.email", "sent email order_failed".to_owned()),
    ];
    assert_eq!(told, expected.each_ref().map(|(operation, effect)| (*operation, effect.as_str())));
    assert!(!log.to_string().contains("customer@example.com"), "no personal data");
    assert_eq!(shop.get("/_sandbox/effects").await.as_array().map(Vec::len), Some(6));
    assert_eq!(shop.violations().await, [""; 0]);
}
