//! Stock: holds, their deadlines, confirmation and both undos.

use serde_json::{Value, json};

use crate::harness::{LAPTOP, Shop, later, text};

fn batch(order_id: &str, items: Value) -> Value {
    json!({ "items": items, "orderId": order_id, "expiresAt": later(1800) })
}

fn release(reference: &str, quantity: u32) -> Value {
    json!({ "variant_id": LAPTOP, "quantity": quantity, "reference_id": reference, "reason": "test" })
}

fn restock(reference: &str) -> Value {
    json!({
        "items": [{ "variant_id": LAPTOP, "quantity": 2 }], "reference_id": reference, "reason": "test",
    })
}

async fn statuses(shop: &Shop, reference: &str) -> Vec<String> {
    let found = shop.get(&format!("/inventory/reservations?reference_id={reference}")).await;
    let reservations = found["data"]["reservations"].as_array().expect("a list").clone();
    reservations.iter().map(|reservation| text(&reservation["status"]).to_owned()).collect()
}

#[tokio::test]
async fn a_hold_moves_stock_only_when_confirmed() {
    let shop = Shop::open().await;
    let held = shop.reserve("ORDER-001", LAPTOP, 2).send().await.data(200);
    assert_eq!((&held["quantity"], &held["variant_id"]), (&json!(2), &json!(LAPTOP)));
    assert!(held["reservation_id"].is_string() && held["expires_at"].is_string());
    assert_eq!(shop.stock(LAPTOP).await, (50, 2));
    let confirmed = shop.confirm("ORDER-001", LAPTOP, 2).send().await.data(200);
    assert_eq!(confirmed["reservation_id"], held["reservation_id"]);
    assert_eq!(shop.stock(LAPTOP).await, (48, 0));
    assert_eq!(statuses(&shop, "ORDER-001").await, ["confirmed"]);
    shop.confirm("ORDER-001", LAPTOP, 2).send().await.data(200);
    assert_eq!(shop.stock(LAPTOP).await, (48, 0), "a second confirmation changes nothing");
}

#[tokio::test]
async fn a_batch_is_held_whole_or_not_at_all() {
    let shop = Shop::open().await;
    let items = json!([
        { "productId": "LAPTOP-001", "variantId": LAPTOP, "quantity": 1 },
        { "productId": "LIMITED-001", "variantId": "LIMITED-001-RED", "quantity": 2 },
        { "productId": "GHOST", "quantity": 1 },
    ]);
    let refused = shop.post("/inventory/reserve", batch("ORDER-001", items)).send().await;
    let lines = refused.refused(409, "INSUFFICIENT_STOCK")["details"]["lines"].clone();
    let expected = json!([
        { "variant_id": "LIMITED-001-RED", "requested": 2, "available": 1 },
        { "variant_id": "GHOST", "requested": 1, "available": 0 },
    ]);
    assert_eq!(lines, expected);
    assert_eq!(shop.stock(LAPTOP).await, (50, 0));

    let items = json!([
        { "productId": "LAPTOP-001", "variantId": LAPTOP, "quantity": 1 },
        { "productId": "LAPTOP-001", "variantId": LAPTOP, "quantity": 2 },
        { "productId": "MOUSE-001", "variantId": "MOUSE-001-BLACK", "quantity": 1 },
    ]);
    let held = shop.post("/inventory/reserve", batch("ORDER-002", items)).send().await.data(200);
    assert_eq!(held["reservations"].as_array().map(Vec::len), Some(2), "one hold per variant");
    assert_eq!(shop.stock(LAPTOP).await, (50, 3));
}

#[tokio::test]
async fn a_batch_is_confirmed_whole_or_not_at_all() {
    let shop = Shop::open().await;
    let held = shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    let mut body = json!({
        "items": [
            { "variant_id": LAPTOP, "quantity": 1, "reservation_id": held["reservation_id"] },
            { "variant_id": "MOUSE-001-BLACK", "quantity": 1 },
        ],
        "reference_id": "ORDER-001", "order_id": "ORDER-001",
    });
    let refused = shop.post("/inventory/confirm", body.clone()).send().await;
    let error = refused.refused(409, "RESERVATION_EXPIRED");
    assert_eq!(error["details"]["lines"], json!([{ "variant_id": "MOUSE-001-BLACK" }]));
    assert_eq!(shop.stock(LAPTOP).await, (50, 1));
    shop.reserve("ORDER-001", "MOUSE-001-BLACK", 1).send().await.data(200);
    body["items"][0]["reservation_id"] = json!("res_other");
    shop.post("/inventory/confirm", body.clone()).send().await.refused(409, "RESERVATION_EXPIRED");
    body["items"][0]["reservation_id"] = held["reservation_id"].clone();
    let confirmed = shop.post("/inventory/confirm", body).send().await.data(200);
    assert_eq!(confirmed["reservations"][1]["status"], "confirmed");
    assert_eq!(shop.stock("MOUSE-001-BLACK").await, (199, 0));
}

#[tokio::test]
async fn the_batch_forms_can_be_switched_off() {
    let shop = Shop::open().await;
    shop.switch(json!({ "batch_reserve": false })).await;
    let items = json!([{ "productId": "LAPTOP-001", "variantId": LAPTOP, "quantity": 1 }]);
    let refused = shop.post("/inventory/reserve", batch("ORDER-001", items)).send().await;
    let error = refused.refused(400, "VALIDATION_ERROR");
    assert_eq!(error["details"]["items"], json!(["items is not supported"]));
    let confirm = json!({ "items": [], "reference_id": "ORDER-001", "order_id": "ORDER-001" });
    shop.post("/inventory/confirm", confirm).send().await.refused(400, "VALIDATION_ERROR");
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    shop.confirm("ORDER-001", LAPTOP, 1).send().await.data(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_share_ten_units_exactly() {
    let shop = std::sync::Arc::new(Shop::open().await);
    let product = json!([{ "sku": "RARE", "variant_id": "RARE", "price": 1000, "stock": 10 }]);
    shop.put("/_sandbox/products", product).send().await.ok(200);
    let callers: Vec<_> = (0..50)
        .map(|caller| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move {
                let order_id = format!("ORDER-{caller}");
                shop.reserve(&order_id, "RARE", 1).key(&order_id).send().await.status
            })
        })
        .collect();
    let mut served = 0;
    for caller in callers {
        match caller.await.expect("a caller ends") {
            200 => served += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert_eq!(served, 10);
    assert_eq!(shop.stock("RARE").await, (10, 10));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_second_hold_for_the_same_reference_is_refused() {
    let shop = Shop::open().await;
    shop.reserve("ORDER-001", LAPTOP, 1).key("a").send().await.data(200);
    shop.reserve("ORDER-001", LAPTOP, 1).key("b").send().await.refused(409, "ALREADY_RESERVED");
    shop.switch(json!({ "dedupe": "off" })).await;
    shop.reserve("ORDER-001", LAPTOP, 1).key("a").send().await.data(200);
    assert_eq!(shop.stock(LAPTOP).await, (50, 2));
}

#[tokio::test]
async fn a_hold_ends_at_its_deadline() {
    let shop = Shop::open().await;
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    shop.advance(1799).await;
    assert_eq!(shop.stock(LAPTOP).await, (50, 1));
    shop.advance(1).await;
    assert_eq!(shop.stock(LAPTOP).await, (50, 0));
    assert_eq!(statuses(&shop, "ORDER-001").await, ["expired"]);
    let listed = shop.get("/inventory/reservations?reference_id=ORDER-001").await;
    assert_eq!(listed["data"]["reservations"][0]["reference_id"], "ORDER-001");
    shop.confirm("ORDER-001", LAPTOP, 1).send().await.refused(409, "RESERVATION_EXPIRED");
    let past = shop.reserve("ORDER-001", LAPTOP, 1).send().await.refused(400, "VALIDATION_ERROR");
    assert!(past["details"]["reservation_expires_at"].is_array());
    shop.put("/_sandbox/clock", json!({ "now": null })).send().await.ok(200);
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
}

#[tokio::test]
async fn a_release_frees_and_bars() {
    let shop = Shop::open().await;
    let mut body = json!({
        "variant_id": LAPTOP, "quantity": 2, "reference_id": "ORDER-001",
        "reservation_expires_at": later(1800),
    });
    shop.post("/inventory/reserve", body.clone()).key("r").send().await.data(200);
    for (asked, released, held) in [(1, 1, 1), (2, 1, 0), (2, 0, 0)] {
        let data = shop.post("/inventory/release", release("ORDER-001", asked)).send().await.data(200);
        assert_eq!(data, json!({ "released": released }), "never more than is held");
        assert_eq!(shop.stock(LAPTOP).await, (50, held));
    }
    assert_eq!(statuses(&shop, "ORDER-001").await, ["released", "released"]);
    shop.post("/inventory/reserve", body.clone()).send().await.refused(409, "KEY_UNDONE");
    body["reference_id"] = json!("ORDER-002");
    shop.post("/inventory/release", release("ORDER-002", 2)).send().await.data(200);
    shop.post("/inventory/reserve", body).send().await.refused(409, "KEY_UNDONE");
    assert_eq!(shop.stock(LAPTOP).await, (50, 0));
}

#[tokio::test]
async fn a_restock_takes_a_confirmation_back_and_bars() {
    let shop = Shop::open().await;
    shop.reserve("ORDER-001", LAPTOP, 2).send().await.data(200);
    shop.confirm("ORDER-001", LAPTOP, 1).send().await.refused(422, "QUANTITY_MISMATCH");
    shop.confirm("ORDER-001", LAPTOP, 2).send().await.data(200);
    let release = shop.post("/inventory/release", release("ORDER-001", 2)).send().await.data(200);
    assert_eq!(release["released"], 0, "sold goods are not a hold");
    for expected in [2, 0] {
        let data = shop.post("/inventory/restock", restock("ORDER-001")).send().await.data(200);
        let line = json!([{ "variant_id": LAPTOP, "quantity": expected }]);
        assert_eq!(data["restocked"], line);
        assert_eq!(shop.stock(LAPTOP).await, (50, 0));
    }
    shop.post("/inventory/restock", restock("ORDER-002")).send().await.data(200);
    shop.reserve("ORDER-002", LAPTOP, 2).send().await.data(200);
    shop.confirm("ORDER-002", LAPTOP, 2).send().await.refused(409, "KEY_UNDONE");
    assert_eq!(statuses(&shop, "ORDER-001").await, ["restocked"]);
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn without_tombstones_a_late_hold_lands() {
    let shop = Shop::open().await;
    shop.switch(json!({ "tombstones": false })).await;
    shop.post("/inventory/release", release("ORDER-001", 1)).send().await.data(200);
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    assert_eq!(shop.stock(LAPTOP).await, (50, 1));
}
