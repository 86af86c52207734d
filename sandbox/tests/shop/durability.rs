//! Effects outlive the process, and callers that do not wait for them.

use std::time::Duration;

use sandbox::{Database, Options, Seed};
use serde_json::{Value, json};

use crate::harness::{LAPTOP, Shop};

fn in_file(folder: &tempfile::TempDir) -> Options {
    Options { database: Database::File(folder.path().join("shop.db")), ..Options::default() }
}

#[tokio::test]
async fn a_restart_on_the_same_file_keeps_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Shop::open_with(in_file(&folder)).await;
    shop.reserve("ORDER-001", LAPTOP, 2).send().await.data(200);
    shop.charge("ORDER-001", "t").key("k").send().await.data(201);
    shop.void("ORDER-002", "l").send().await.data(200);
    shop.switch(json!({ "validate_counts_stock": true })).await;
    shop.set_faults(json!([{ "operation": "shipments.create", "kind": "status", "count": 2 }])).await;
    shop.ship("ORDER-001").send().await.refused(503, "SERVER_ERROR");
    let before = (shop.get("/_sandbox/audit").await, shop.get("/_sandbox/effects").await);
    shop.running.shutdown().await;

    let shop = Shop::open_with(Options { seed: Seed::Empty, ..in_file(&folder) }).await;
    let after = (shop.get("/_sandbox/audit").await, shop.get("/_sandbox/effects").await);
    assert_eq!(before, after);
    assert_eq!(shop.stock(LAPTOP).await, (50, 2), "the seed is for new files only");
    assert!(shop.charge("ORDER-001", "t").key("k").send().await.replayed);
    shop.charge("ORDER-002", "t").key("l").send().await.refused(409, "KEY_UNDONE");
    assert_eq!(shop.get("/_sandbox/switches").await["validate_counts_stock"], true);
    assert_eq!(shop.get("/_sandbox/faults").await[0]["hits"], 1);
}

#[tokio::test]
async fn a_file_of_another_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.db");
    let other = rusqlite::Connection::open(&file).expect("a database");
    other.pragma_update(None, "user_version", 99).expect("a version");
    let error = sandbox::Sandbox::start(in_file(&folder)).await.expect_err("refused");
    let said = format!("{} has schema version 99", file.display());
    assert!(error.to_string().contains(&said) && error.to_string().contains("delete it"), "{error}");
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_the_effect() {
    let shop = Shop::open().await;
    let slow = json!([{ "operation": "payments.create", "kind": "latency", "latency_ms": 400 }]);
    shop.set_faults(slow).await;
    let impatient =
        tokio::time::timeout(Duration::from_millis(150), shop.charge("ORDER-001", "t").key("k").try_send());
    assert!(impatient.await.is_err(), "the caller has gone");
    let charges = async || shop.get("/_sandbox/audit").await["totals"]["charges"].clone();
    assert_eq!(charges().await, 0);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(charges().await, 1);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_withheld_replies() {
    let shop = Shop::open().await;
    shop.set_faults(json!([{ "operation": "*", "kind": "hold_reply" }])).await;
    let client = shop.client.clone();
    let url = format!("{}/api/v1/events", shop.running.url());
    let event: Value = json!({ "event_type": "e", "customer_id": "c" });
    let held = tokio::spawn(async move { client.post(url).body(event.to_string()).send().await });
    while shop.get("/_sandbox/audit").await["totals"]["events"] == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(5), shop.running.shutdown()).await;
    assert!(stopped.is_ok());
    assert!(held.await.expect("the caller ends").is_err(), "the reply is lost");
}

#[tokio::test]
async fn a_dropped_sandbox_stops() {
    let shop = Shop::open().await;
    let (url, client) = (format!("{}/health", shop.running.url()), shop.client.clone());
    assert!(client.get(&url).send().await.is_ok());
    drop(shop);
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while client.get(&url).send().await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "it still answers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
