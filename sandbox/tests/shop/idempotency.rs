//! Keys: one effect each, the same answer again, and what the switches make of it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::{Shop, payment};

async fn charges(shop: &Shop) -> Value {
    shop.get("/_sandbox/audit").await["totals"]["charges"].clone()
}

async fn effects(shop: &Shop, order_id: &str) -> Vec<Value> {
    let effects = shop.get(&format!("/_sandbox/effects?order_id={order_id}")).await;
    effects.as_array().expect("a list").clone()
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_without_a_second_effect() {
    let shop = Shop::open().await;
    let first = shop.charge("ORDER-001", "t").key("k").send().await;
    let second = shop.charge("ORDER-001", "t").key("k").send().await;
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!((first.status, &first.text), (second.status, &second.text));
    assert_eq!(charges(&shop).await, 1);
    let log = effects(&shop, "ORDER-001").await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["operation"], "payments.create");
    assert_eq!(log[0]["idempotency_key"], "k");
    assert_eq!(log[0]["attempts"], 2);
    assert_eq!(log[0]["effect"], "charged 25000000 VND");
    assert_eq!(shop.get("/_sandbox/requests").await, json!({ "payments.create": 2 }));
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let shop = Shop::open().await;
    shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    shop.charge("ORDER-002", "t").key("k").send().await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    let mail = shop.mail("ORDER-001", "order_confirmation").key("k").send().await;
    assert!(!mail.replayed, "another operation has keys of its own");
    shop.place("ORDER-001").await;
    shop.place("ORDER-002").await;
    shop.set_status("ORDER-001", "failed").key("u").send().await.data(200);
    let refused = shop.set_status("ORDER-002", "failed").key("u").send().await;
    refused.refused(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_requests_with_one_key_have_one_effect() {
    let shop = Arc::new(Shop::open().await);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { shop.charge("ORDER-001", "t").key("k").send().await })
        })
        .collect();
    let mut fresh = 0;
    for caller in callers {
        let reply = caller.await.expect("a caller ends");
        reply.data(201);
        fresh += usize::from(!reply.replayed);
    }
    assert_eq!(fresh, 1);
    assert_eq!(charges(&shop).await, 1);
    assert_eq!(effects(&shop, "ORDER-001").await[0]["attempts"], 20);
}

#[tokio::test]
async fn without_dedupe_every_request_has_its_effect() {
    let shop = Shop::open().await;
    shop.switch(json!({ "dedupe": "off" })).await;
    for _ in 0..2 {
        assert!(!shop.charge("ORDER-001", "t").key("k").send().await.replayed);
    }
    assert_eq!(charges(&shop).await, 2);
    let log = effects(&shop, "ORDER-001").await;
    assert_eq!(log.len(), 2, "one line per effect");
    let payments = shop.get("/payments?idempotency_key=k").await["data"].clone();
    assert_eq!(payments.as_array().map(Vec::len), Some(2), "keys are recorded all the same");
    let void = shop.void("ORDER-001", "k").send().await.data(200);
    assert_eq!(void["barred"], false, "a provider that ignores keys cannot bar one");
    shop.charge("ORDER-001", "t").key("k").send().await.data(201);
}

#[tokio::test]
async fn requests_without_a_key_are_not_deduplicated() {
    let shop = Shop::open().await;
    shop.charge("ORDER-001", "t").send().await.data(201);
    shop.charge("ORDER-001", "t").send().await.data(201);
    let log = effects(&shop, "ORDER-001").await;
    let attempts: Vec<_> = log.iter().map(|line| &line["attempts"]).collect();
    assert_eq!(attempts, [1, 1]);
    assert_eq!(log[0]["idempotency_key"], Value::Null);
}

#[tokio::test]
async fn only_final_answers_are_stored() {
    let shop = Shop::open().await;
    let faults = json!([
        { "operation": "payments.create", "kind": "rate_limit", "count": 1 },
        { "operation": "payments.create", "kind": "status", "status": 500, "count": 1 },
    ]);
    shop.set_faults(faults).await;
    shop.charge("ORDER-001", "t").key("k").send().await.refused(429, "RATE_LIMIT_EXCEEDED");
    shop.charge("ORDER-001", "t").key("k").send().await.refused(500, "SERVER_ERROR");
    let mut invalid = payment("ORDER-001", "t");
    invalid["amount"] = json!(0);
    shop.post("/payments", invalid).key("k").send().await.refused(400, "VALIDATION_ERROR");
    shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    let log = effects(&shop, "ORDER-001").await;
    assert_eq!((log.len(), &log[0]["attempts"]), (1, &json!(4)));
}

#[tokio::test]
async fn replayed_errors_are_stored_as_well() {
    let shop = Shop::open().await;
    shop.switch(json!({ "replay_errors": true })).await;
    let fault = json!([{ "operation": "payments.create", "kind": "status", "count": 1 }]);
    shop.set_faults(fault).await;
    let first = shop.charge("ORDER-001", "t").key("k").send().await;
    first.refused(503, "SERVER_ERROR");
    let second = shop.charge("ORDER-001", "t").key("k").send().await;
    assert_eq!((second.status, second.replayed, &second.text), (503, true, &first.text));
    assert_eq!(charges(&shop).await, 0);
    shop.charge("ORDER-001", "t").key("l").send().await.data(201);

    let card = "card_processing_error";
    shop.charge("ORDER-002", card).key("m").send().await.refused(503, card);
    assert!(shop.charge("ORDER-002", card).key("m").send().await.replayed);
}

#[tokio::test]
async fn an_undone_key_is_refused_even_though_it_has_an_answer() {
    let shop = Shop::open().await;
    shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    shop.void("ORDER-001", "k").send().await.data(200);
    shop.charge("ORDER-001", "t").key("k").send().await.refused(409, "KEY_UNDONE");
    assert_eq!(charges(&shop).await, 1);
}

#[tokio::test]
async fn every_effect_of_a_sync_happens_once_though_its_answer_is_lost() {
    let shop = Shop::open().await;
    let effects = [
        ("products.create", "POST /products", json!({ "sku": "S", "name": "N", "price": 1 })),
        ("products.update", "PUT /products/S", json!({ "price": 2 })),
        (
            "inventory.level",
            "PUT /inventory/levels",
            json!({ "product_sku": "S", "location": "HN", "quantity": 3, "sync_source": "erp" }),
        ),
        (
            "customers.upsert",
            "PUT /customers/external/C",
            json!({ "email": "c@example.com", "first_name": "A", "last_name": "B" }),
        ),
        (
            "orders.upsert",
            "PUT /orders/external/O",
            json!({ "status": "open", "total": 1, "currency": "VND" }),
        ),
        ("integrations.update", "PUT /integrations/i/config", json!({ "last_sync_status": "success" })),
        (
            "integrations.report",
            "POST /integrations/sync-reports",
            json!({
                "sync_id": "s", "integration_id": "i", "timestamp": "2026-01-01T00:00:00Z", "duration": 1,
                "summary": {}, "details": {},
            }),
        ),
    ];
    for (operation, endpoint, body) in effects {
        let (method, path) = endpoint.split_once(' ').expect("a method and a path");
        let ask = |body: &Value| {
            let method = method.parse().expect("a method");
            shop.ask(method, path).body(body.to_string()).key("k")
        };
        let faults = json!([
            { "operation": operation, "kind": "status", "count": 1 },
            { "operation": operation, "kind": "reply_lost", "count": 1 },
        ]);
        shop.set_faults(faults).await;
        ask(&body).send().await.refused(503, "SERVER_ERROR");
        assert!(ask(&body).try_send().await.is_err(), "{operation}");
        let answered = ask(&body).send().await;
        assert!(answered.replayed && answered.status < 300, "{operation}: {answered:?}");
        let mut other = body.clone();
        other["other"] = json!(1);
        ask(&other).send().await.refused(422, "IDEMPOTENCY_KEY_REUSED");
        let log = shop.get("/_sandbox/effects").await;
        let lines = log.as_array().expect("a list").iter().filter(|line| line["operation"] == operation);
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), 1, "{operation}");
        assert_eq!(lines[0]["attempts"], 4);
        assert_ne!(lines[0]["effect"], "none");
        assert_eq!(shop.get("/_sandbox/requests").await[operation], 4);
    }
    assert_eq!(shop.stock("S").await, (3, 0));
    assert_eq!(shop.violations().await, [""; 0]);
}
