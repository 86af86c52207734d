//! The fault dial.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Shop;

async fn charges(shop: &Shop) -> Value {
    shop.get("/_sandbox/audit").await["totals"]["charges"].clone()
}

async fn hits(shop: &Shop) -> Vec<i64> {
    let faults = shop.get("/_sandbox/faults").await;
    let faults = faults.as_array().expect("a list").clone();
    faults.iter().map(|fault| fault["hits"].as_i64().expect("a number")).collect()
}

fn fault(kind: &str) -> Value {
    json!([{ "operation": "payments.create", "kind": kind, "count": 1 }])
}

#[tokio::test]
async fn a_status_is_answered_instead_of_the_effect() {
    let shop = Shop::open().await;
    for (status, code) in
        [(503, "SERVER_ERROR"), (422, "UNPROCESSABLE"), (402, "PAYMENT_REQUIRED"), (401, "AUTH_FAILED")]
    {
        let fault =
            json!([{ "operation": "payments.create", "kind": "status", "status": status, "count": 2 }]);
        shop.set_faults(fault).await;
        for _ in 0..2 {
            shop.charge("ORDER-001", "t").send().await.refused(status, code);
        }
        assert_eq!(hits(&shop).await, [2]);
    }
    assert_eq!(charges(&shop).await, 0);
    shop.charge("ORDER-001", "t").send().await.data(201);
    assert_eq!(hits(&shop).await, [2], "a used-up fault no longer fires");
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let shop = Shop::open().await;
    shop.set_faults(fault("rate_limit")).await;
    let limited = shop.charge("ORDER-001", "t").send().await;
    limited.refused(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(limited.retry_after.as_deref(), Some("1"));
    assert_eq!(charges(&shop).await, 0);
}

#[tokio::test]
async fn latency_delays_and_combines() {
    let shop = Shop::open().await;
    let faults = json!([
        { "operation": "*", "kind": "latency", "latency_ms": 150, "count": 1 },
        { "operation": "payments.create", "kind": "latency", "latency_ms": 150, "count": 1 },
        { "operation": "payments.create", "kind": "status", "count": 1 },
    ]);
    shop.set_faults(faults).await;
    let started = Instant::now();
    shop.charge("ORDER-001", "t").send().await.refused(503, "SERVER_ERROR");
    assert!(started.elapsed() >= Duration::from_millis(300));
    shop.charge("ORDER-001", "t").send().await.data(201);
}

#[tokio::test]
async fn a_lost_reply_comes_after_the_effect() {
    let shop = Shop::open().await;
    shop.set_faults(fault("reply_lost")).await;
    let lost = shop.charge("ORDER-001", "t").key("k").try_send().await;
    let error = lost.expect_err("no answer at all");
    assert!(error.status().is_none() && !error.is_timeout(), "{error:?}");
    assert_eq!(charges(&shop).await, 1);
    assert!(shop.charge("ORDER-001", "t").key("k").send().await.replayed);
}

#[tokio::test]
async fn a_malformed_reply_comes_after_the_effect() {
    let shop = Shop::open().await;
    shop.set_faults(fault("malformed")).await;
    let reply = shop.charge("ORDER-001", "t").send().await;
    assert_eq!(reply.status, 200);
    assert!(serde_json::from_str::<Value>(&reply.text).is_err());
    assert_eq!(charges(&shop).await, 1);
}

#[tokio::test]
async fn a_held_reply_waits_for_the_clearing_after_the_effect() {
    let shop = Shop::open().await;
    shop.set_faults(fault("hold_reply")).await;
    let held = shop.charge("ORDER-001", "t").send();
    tokio::pin!(held);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut held).await;
    assert!(early.is_err(), "the reply is withheld");
    assert_eq!(charges(&shop).await, 1);
    shop.ask(Method::DELETE, "/_sandbox/faults").send().await.ok(200);
    held.await.data(201);
    assert_eq!(hits(&shop).await, [0_i64; 0]);

    let timed = json!([{ "operation": "payments.create", "kind": "hold_reply", "latency_ms": 100 }]);
    shop.set_faults(timed).await;
    let started = Instant::now();
    shop.charge("ORDER-002", "t").send().await.data(201);
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_fault_before_the_effect_leaves_the_later_ones_their_budget() {
    let shop = Shop::open().await;
    let faults = json!([
        { "operation": "payments.create", "kind": "malformed", "count": 1 },
        { "operation": "payments.create", "kind": "reply_lost", "count": 1 },
        { "operation": "payments.create", "kind": "status", "count": 1 },
        { "operation": "payments.create", "kind": "rate_limit", "count": 1 },
    ]);
    shop.set_faults(faults).await;
    shop.charge("ORDER-001", "t").key("k").send().await.refused(503, "SERVER_ERROR");
    assert_eq!(hits(&shop).await, [0, 0, 1, 0]);
    shop.charge("ORDER-001", "t").key("k").send().await.refused(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(shop.charge("ORDER-001", "t").key("k").send().await.status, 200);
    assert!(shop.charge("ORDER-001", "t").key("k").try_send().await.is_err());
    assert_eq!(hits(&shop).await, [1, 1, 1, 1]);
    assert!(shop.charge("ORDER-001", "t").key("k").send().await.replayed);
    assert_eq!(charges(&shop).await, 1);
}

#[tokio::test]
async fn probability_is_deterministic_by_seed() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let shop = Shop::open().await;
        let fault =
            json!([{ "operation": "events.track", "kind": "status", "probability": 0.5, "seed": seed }]);
        shop.set_faults(fault).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            let event = json!({ "event_type": "e", "customer_id": "c" });
            statuses.push(shop.post("/events", event).send().await.status);
        }
        let hit = statuses.iter().filter(|status| **status == 503).count();
        assert!((8..=32).contains(&hit), "{hit} of 40");
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_fault_can_be_for_one_order_only() {
    let shop = Shop::open().await;
    shop.set_faults(json!([{ "operation": "*", "kind": "status", "order_id": "ORDER-001" }])).await;
    shop.charge("ORDER-002", "t").send().await.data(201);
    shop.charge("ORDER-001", "t").send().await.refused(503, "SERVER_ERROR");
    shop.ask(Method::GET, "/payments?order_id=ORDER-001").send().await.refused(503, "SERVER_ERROR");
    shop.reserve("ORDER-001", "MOUSE-001-BLACK", 1).send().await.refused(503, "SERVER_ERROR");
    shop.mail("ORDER-001", "t").send().await.refused(503, "SERVER_ERROR");
    assert_eq!(hits(&shop).await, [4]);
}

#[tokio::test]
async fn a_dial_that_means_nothing_is_refused() {
    let shop = Shop::open().await;
    let cases = [
        (json!([{ "operation": "payments.steal", "kind": "status" }]), "inventory.reserve"),
        (json!([{ "operation": "*", "kind": "gremlin" }]), "hold_reply"),
        (json!([{ "operation": "*", "kind": "status", "status": 200 }]), "400 to 599"),
        (json!([{ "operation": "*", "kind": "latency" }]), "latency_ms"),
        (json!([{ "operation": "*", "kind": "rate_limit", "status": 500 }]), "status"),
        (json!([{ "operation": "*", "kind": "rate_limit", "latency_ms": 5 }]), "latency_ms"),
        (json!([{ "operation": "*", "kind": "status", "probability": 1.5 }]), "0 to 1"),
        (json!([{ "operation": "*", "kind": "status", "colour": "red" }]), "colour"),
    ];
    shop.set_faults(fault("status")).await;
    for (faults, hint) in cases {
        let refused = shop.put("/_sandbox/faults", faults).send().await;
        let error = refused.refused(400, "VALIDATION_ERROR");
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(hits(&shop).await, [0], "a refused list leaves the old one in place");
}

#[tokio::test]
async fn a_rate_lets_so_many_requests_of_a_second_through() {
    let shop = Shop::open().await;
    let limit = json!([{ "operation": "events.track", "kind": "rate_limit", "per_second": 3, "count": 4 }]);
    shop.set_faults(limit).await;
    let ask = async || {
        let event = json!({ "event_type": "e", "customer_id": "c" });
        shop.post("/events", event).send().await.status
    };
    // At the beginning of a second of the sandbox clock.
    shop.put("/_sandbox/clock", json!({ "now": "2030-01-01T00:00:00Z" })).send().await.ok(200);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask().await);
    }
    assert_eq!(statuses, [201, 201, 201, 429, 429, 429]);
    shop.advance(1).await;
    assert_eq!(ask().await, 201, "another second");
    assert_eq!(hits(&shop).await, [3]);
    let refused =
        shop.put("/_sandbox/faults", json!([{ "operation": "*", "kind": "status", "per_second": 3 }]));
    assert!(refused.send().await.refused(400, "VALIDATION_ERROR").to_string().contains("rate_limit only"));
}
