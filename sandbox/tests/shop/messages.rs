//! Mail, SMS and push end in the outbox; events are counted.

use serde_json::json;

use crate::harness::Shop;

#[tokio::test]
async fn messages_end_in_the_outbox() {
    let shop = Shop::open().await;
    let mail = json!({
        "to": "customer@example.com", "template": "order_confirmation", "locale": "vi-VN", "subject": "Đơn hàng",
        "text": "…", "html": "<p>…</p>", "data": { "order_id": "ORDER-001" },
    });
    let sent = shop.post("/notifications/email", mail.clone()).key("m").send().await.data(202);
    let sms = json!({ "to": "+84901234567", "message": "Đơn hàng ORDER-001" });
    shop.post("/notifications/sms", sms).send().await.data(202);
    let push =
        json!({ "user_id": "CUSTOMER-001", "title": "t", "body": "b", "data": { "order_id": "ORDER-001" } });
    shop.post("/notifications/push", push).send().await.data(202);

    let outbox = shop.get("/_sandbox/outbox").await;
    let channels: Vec<_> = outbox.as_array().expect("a list").iter().map(|sent| &sent["channel"]).collect();
    assert_eq!(channels, ["email", "sms", "push"]);
    assert_eq!(outbox[0]["message_id"], sent["message_id"]);
    assert_eq!((&outbox[0]["idempotency_key"], &outbox[0]["message"]), (&json!("m"), &mail));
    assert!(outbox[0]["time"].is_string());
    let of_order = shop.get("/_sandbox/outbox?order_id=ORDER-001").await;
    assert_eq!(of_order.as_array().map(Vec::len), Some(2), "an SMS names no order");
    let totals = shop.get("/_sandbox/audit").await["totals"].clone();
    assert_eq!((&totals["mails"], &totals["sms"], &totals["pushes"]), (&json!(1), &json!(1), &json!(1)));
}

#[tokio::test]
async fn events_are_taken_with_exact_amounts() {
    let shop = Shop::open().await;
    let event = json!({
        "event_type": "order_completed", "customer_id": "CUSTOMER-001", "order_id": "ORDER-001",
        "revenue": 19.99, "currency": "USD",
        "items": [{ "product_id": "TSHIRT-001", "quantity": 1, "revenue": 19.99 }],
        "properties": { "source": "web" },
    });
    assert!(shop.post("/events", event.clone()).send().await.data(201)["event_id"].is_string());
    let mut wrong = event;
    wrong["items"][0]["revenue"] = json!(19.999);
    let error = shop.post("/events", wrong).send().await.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["items[0].revenue"].is_array());
    assert_eq!(shop.get("/_sandbox/audit").await["totals"]["events"], 1);
}
