//! The platform's memory of syncs.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Shop, text};

const CONFIG: &str = "/integrations/erp-main/config";

#[tokio::test]
async fn the_state_of_an_integration_is_written_field_by_field() {
    let shop = Shop::open().await;
    shop.ask(Method::GET, CONFIG).send().await.refused(404, "INTEGRATION_NOT_FOUND");
    let wrong = shop.put(CONFIG, json!({ "last_sync_status": "maybe" })).send().await;
    wrong.refused(400, "VALIDATION_ERROR");
    shop.ask(Method::GET, CONFIG).send().await.refused(404, "INTEGRATION_NOT_FOUND");
    let failed = json!({ "last_sync_status": "failed", "last_error": "the ERP was away" });
    let first = shop.put(CONFIG, failed.clone()).key("a").send().await.data(200);
    let expected = json!({
        "integration_id": "erp-main", "last_sync_timestamp": null, "last_sync_status": "failed",
        "last_error": "the ERP was away", "watermarks": {},
    });
    assert_eq!(first, expected);
    assert!(shop.put(CONFIG, failed).key("a").send().await.replayed);
    let marks = json!({ "products": "2026-01-01T00:00:00.000001Z", "orders": "x" });
    let done = json!({
        "last_sync_status": "success", "last_error": null, "watermarks": marks,
        "last_sync_timestamp": "2026-01-01T00:00:00Z",
    });
    shop.put(CONFIG, done).key("b").send().await.data(200);
    shop.put(CONFIG, json!({})).send().await.data(200);
    let now = shop.get(CONFIG).await["data"].clone();
    let expected = json!({
        "integration_id": "erp-main", "last_sync_timestamp": "2026-01-01T00:00:00Z",
        "last_sync_status": "success", "last_error": null, "watermarks": marks,
    });
    assert_eq!(now, expected);
    shop.put(CONFIG, json!({ "watermarks": { "products": "y" } })).send().await.data(200);
    assert_eq!(shop.get(CONFIG).await["data"]["watermarks"], json!({ "products": "y" }), "replaced");
    let wrong = shop.put(CONFIG, json!({ "watermarks": { "products": 1 } })).send().await;
    assert!(wrong.refused(400, "VALIDATION_ERROR")["details"]["watermarks.products"].is_array());
}

#[tokio::test]
async fn a_sync_is_reported_once() {
    let shop = Shop::open().await;
    let report = |sync_id: &str| {
        json!({
            "sync_id": sync_id, "integration_id": "erp-main", "timestamp": "2026-01-01T00:00:00Z",
            "duration": 1234, "summary": { "products": 3 }, "details": { "errors": [] },
        })
    };
    let path = "/integrations/sync-reports";
    let filed = shop.post(path, report("SYNC-1")).key("a").send().await.data(201);
    let again = shop.post(path, report("SYNC-1")).key("a").send().await;
    assert!(again.replayed && again.data(201) == filed);
    shop.post(path, report("SYNC-1")).key("b").send().await.refused(409, "REPORT_EXISTS");
    shop.post(path, report("SYNC-2")).key("c").send().await.data(201);
    let mut other = report("SYNC-3");
    other["integration_id"] = json!("erp-other");
    shop.post(path, other).send().await.data(201);
    let listed = shop.get(&format!("{path}?integration_id=erp-main")).await;
    assert_eq!(listed["pagination"]["total"], 2);
    let mut expected = report("SYNC-1");
    expected["report_id"] = json!(text(&filed["report_id"]));
    assert_eq!(listed["data"][0], expected);
    assert_eq!(listed["data"][1]["sync_id"], "SYNC-2", "the newest is last");
    shop.ask(Method::GET, path).send().await.refused(400, "VALIDATION_ERROR");
    for (field, wrong) in
        [("summary", json!([])), ("details", json!("d")), ("duration", json!(-1)), ("timestamp", json!("t"))]
    {
        let mut refused = report("SYNC-4");
        refused[field] = wrong;
        let error = shop.post(path, refused).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
}
