//! Labels and their void window.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Ask, Shop, address, shipment, text};

fn cancel<'a>(shop: &'a Shop, order_id: &str, key: &str) -> Ask<'a> {
    let body = json!({ "order_id": order_id, "idempotency_key": key, "reason": "test" });
    shop.post("/shipments/cancel", body)
}

#[tokio::test]
async fn a_label_is_made_and_found_again() {
    let shop = Shop::open().await;
    let made = shop.ship("ORDER-001").key("k").send().await.data(201);
    let due: Timestamp = text(&made["estimated_delivery"]).parse().expect("a time");
    let hours = due.duration_since(Timestamp::now()).as_hours();
    assert!((71..=72).contains(&hours), "{hours}");
    let id = text(&made["shipment_id"]);
    let shown = shop.get(&format!("/shipments/{id}")).await["data"].clone();
    assert_eq!(shown["tracking_number"], made["tracking_number"]);
    assert_eq!(shown["status"], "created");
    for query in ["idempotency_key=k", "order_id=ORDER-001"] {
        assert_eq!(shop.get(&format!("/shipments?{query}")).await["data"], json!([shown]));
    }
    assert_eq!(shop.get("/shipments?order_id=ORDER-002").await["data"], json!([]));
    shop.ask(Method::GET, "/shipments/shp_404").send().await.refused(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn express_is_faster_and_the_rest_is_refused() {
    let shop = Shop::open().await;
    shop.put("/_sandbox/clock", json!({ "now": "2030-01-01T00:00:00Z" })).send().await.ok(200);
    let mut body = shipment("ORDER-001");
    body["shipping_method"] = json!("express");
    let made = shop.post("/shipments", body.clone()).send().await.data(201);
    assert!(text(&made["estimated_delivery"]).starts_with("2030-01-02T00:00:"));
    body["shipping_method"] = json!("teleport");
    shop.post("/shipments", body.clone()).send().await.refused(422, "SHIPPING_METHOD_UNAVAILABLE");
    body["shipping_method"] = json!("standard");
    body["shipping_address"] = address("Atlantis");
    shop.post("/shipments", body).send().await.refused(422, "ADDRESS_NOT_SERVICEABLE");
}

#[tokio::test]
async fn a_label_is_voided_by_id_until_it_is_handed_over() {
    let shop = Shop::open().await;
    let made = shop.ship("ORDER-001").send().await.data(201);
    let path = format!("/shipments/{}/cancel", text(&made["shipment_id"]));
    for body in [Some("{}".to_owned()), None] {
        let mut ask = shop.ask(Method::POST, &path);
        if let Some(body) = body {
            ask = ask.body(body);
        }
        assert_eq!(ask.send().await.data(200)["outcome"], "voided");
    }
    let hand_over = json!({ "status": "in_transit" });
    let refused = shop.put("/_sandbox/shipments/ORDER-001", hand_over.clone()).send().await;
    refused.refused(404, "RESOURCE_NOT_FOUND");

    let made = shop.ship("ORDER-002").key("k").send().await.data(201);
    shop.put("/_sandbox/shipments/ORDER-002", hand_over).send().await.ok(200);
    let path = format!("/shipments/{}/cancel", text(&made["shipment_id"]));
    shop.post(&path, json!({})).send().await.refused(409, "SHIPMENT_IN_TRANSIT");
    let by_key = cancel(&shop, "ORDER-002", "k").send().await.data(200);
    assert_eq!(by_key, json!({ "outcome": "in_transit", "barred": true }));
}

#[tokio::test]
async fn a_cancel_by_key_voids_or_bars() {
    let shop = Shop::open().await;
    shop.ship("ORDER-001").key("k").send().await.data(201);
    for _ in 0..2 {
        let voided = cancel(&shop, "ORDER-001", "k").send().await.data(200);
        assert_eq!(voided, json!({ "outcome": "voided", "barred": true }));
    }
    let nothing = cancel(&shop, "ORDER-002", "l").send().await.data(200);
    assert_eq!(nothing, json!({ "outcome": "nothing", "barred": true }));
    shop.ship("ORDER-002").key("l").send().await.refused(409, "KEY_UNDONE");
    shop.switch(json!({ "tombstones": false })).await;
    let nothing: Value = cancel(&shop, "ORDER-003", "m").send().await.data(200);
    assert_eq!(nothing["barred"], false);
    shop.ship("ORDER-003").key("m").send().await.data(201);
    let totals = shop.get("/_sandbox/audit").await["totals"].clone();
    assert_eq!((&totals["shipments"], &totals["voided_shipments"]), (&json!(2), &json!(1)));
}
