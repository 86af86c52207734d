//! The ERP as its readers see it: sign-in, pages, keys.

use reqwest::Method;
use sandbox::Options;
use serde_json::{Value, json};

use crate::harness::{Ask, Shop, text};

async fn sign_in(shop: &Shop) -> String {
    let body = json!({ "username": "api_user", "password": "api_password" });
    let signed_in = shop.post("/erp/auth", body).send().await.data(200);
    text(&signed_in["token"]).to_owned()
}

fn read<'a>(shop: &'a Shop, token: &str, path: &str) -> Ask<'a> {
    shop.ask(Method::GET, path).token(token)
}

async fn set(shop: &Shop, settings: Value) {
    shop.put("/_sandbox/erp", settings).send().await.ok(200);
}

async fn put(shop: &Shop, records: Value) {
    shop.put("/_sandbox/erp/records", records).send().await.ok(200);
}

/// The ids of the pages of a list, each page as one text.
async fn pages(shop: &Shop, token: &str, path: &str, list: &str) -> Vec<String> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = read(shop, token, &format!("{path}{cursor}")).send().await.data(200);
        let entries = page[list].as_array().expect("a list").iter();
        pages.push(entries.map(|entry| text(&entry["id"])).collect::<Vec<_>>().join(" "));
        let Some(next) = page["next_cursor"].as_str() else { return pages };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn only_who_signs_in_may_read() {
    let token = Some("sun_secret".to_owned());
    let shop = Shop::open_with(Options { token, ..Options::default() }).await;
    let body = json!({ "username": "api_user", "password": "wrong" });
    let refused = shop.post("/erp/auth", body).send().await;
    assert!(refused.refused(401, "BAD_CREDENTIALS")["details"].is_null());
    let body = json!({ "username": "api_user", "password": "api_password" });
    let signed_in = shop.post("/erp/auth", body).send().await.data(200);
    assert_eq!(signed_in["expires_in"], 3600);
    let token = text(&signed_in["token"]);
    for path in ["/erp/products", "/erp/inventory", "/erp/customers", "/erp/orders", "/erp/orders/keys"] {
        shop.ask(Method::GET, path).send().await.refused(401, "BAD_TOKEN");
        read(&shop, "sun_secret", path).send().await.refused(401, "BAD_TOKEN");
        read(&shop, token, path).send().await.data(200);
    }
    read(&shop, token, "/erp/unicorns/keys").send().await.refused(404, "RESOURCE_NOT_FOUND");
    let more = json!({ "username": "api_user", "password": "api_password", "otp": 1 });
    let error = shop.post("/erp/auth", more).send().await.refused(400, "VALIDATION_ERROR");
    assert!(error["details"].is_null(), "the ERP knows no details: {error}");
    read(&shop, token, "/products/skus").send().await.refused(401, "AUTH_INVALID_TOKEN");
}

#[tokio::test]
async fn the_password_can_be_changed() {
    let shop = Shop::open().await;
    let token = sign_in(&shop).await;
    set(&shop, json!({ "password": "new" })).await;
    let body = json!({ "username": "api_user", "password": "api_password" });
    shop.post("/erp/auth", body).send().await.refused(401, "BAD_CREDENTIALS");
    shop.post("/erp/auth", json!({ "username": "api_user", "password": "new" })).send().await.data(200);
    read(&shop, &token, "/erp/products").send().await.data(200);
}

#[tokio::test]
async fn tokens_expire_by_time_and_by_use() {
    let shop = Shop::open().await;
    set(&shop, json!({ "token_seconds": 60 })).await;
    let token = sign_in(&shop).await;
    shop.advance(50).await;
    read(&shop, &token, "/erp/products").send().await.data(200);
    shop.advance(10).await;
    read(&shop, &token, "/erp/products").send().await.refused(401, "TOKEN_EXPIRED");
    set(&shop, json!({ "token_requests": 2 })).await;
    let token = sign_in(&shop).await;
    read(&shop, &token, "/erp/products").send().await.data(200);
    // A request that is refused for itself has used the token, too.
    read(&shop, &token, "/erp/products?limit=0").send().await.refused(400, "VALIDATION_ERROR");
    read(&shop, &token, "/erp/products/keys").send().await.refused(401, "TOKEN_EXPIRED");
    let token = sign_in(&shop).await;
    read(&shop, &token, "/erp/products/keys").send().await.data(200);
}

#[tokio::test]
async fn too_many_requests_in_a_second_are_turned_away() {
    let shop = Shop::open().await;
    let token = sign_in(&shop).await;
    set(&shop, json!({ "rate_per_second": 2, "token_requests": null })).await;
    // Many more than fit into the seconds they take.
    let mut turned_away = 0;
    for _ in 0..12 {
        let reply = read(&shop, &token, "/erp/products").send().await;
        if reply.status == 429 {
            reply.refused(429, "RATE_LIMIT_EXCEEDED");
            assert_eq!(reply.retry_after.as_deref(), Some("1"));
            turned_away += 1;
        }
    }
    assert!(turned_away > 0);
    shop.advance(1).await;
    read(&shop, &token, "/erp/products").send().await.data(200);
    set(&shop, json!({ "rate_per_second": null })).await;
    for _ in 0..5 {
        read(&shop, &token, "/erp/products").send().await.data(200);
    }
}

#[tokio::test]
async fn pages_go_on_within_one_moment() {
    let shop = Shop::open().await;
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    let token = sign_in(&shop).await;
    let record = |id: &str, time: &str| json!({ "entity": "products", "id": id, "fields": { "item_code": id }, "updated_at": time });
    let (one, two) = ("2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000002Z");
    put(
        &shop,
        json!([record("d", two), record("b", one), record("c", one), record("a", two), record("e", one)]),
    )
    .await;
    let all = pages(&shop, &token, "/erp/products?limit=2", "records").await;
    assert_eq!(all, ["b c", "e a", "d"], "by time, then by id, over the page edge");
    let all = pages(&shop, &token, "/erp/products?limit=5", "records").await;
    assert_eq!(all, ["b c e a d"], "a full page that is the last one says so");
    let since = |time: &str| format!("/erp/products?limit=2&updated_since={time}");
    assert_eq!(pages(&shop, &token, &since(two), "records").await, ["a d"], "the moment itself is in");
    assert_eq!(pages(&shop, &token, &since(one), "records").await, ["b c", "e a", "d"]);
    // A reader may count finer than the ERP.
    assert_eq!(pages(&shop, &token, &since("2026-01-01T00:00:00.0000011Z"), "records").await, ["a d"]);
    assert_eq!(pages(&shop, &token, &since("2026-01-01T07:00:00.000002%2B07:00"), "records").await, ["a d"]);
    assert_eq!(pages(&shop, &token, &since("2027-01-01T00:00:00Z"), "records").await, [""]);

    // A record that changes while pages are read comes again, further on.
    let first = read(&shop, &token, "/erp/products?limit=2").send().await.data(200);
    put(&shop, json!([record("b", "2026-01-02T00:00:00Z")])).await;
    let path = format!("/erp/products?limit=500&cursor={}", text(&first["next_cursor"]));
    assert_eq!(pages(&shop, &token, &path, "records").await, ["e a d b"]);
    let other = format!("/erp/orders?cursor={}", text(&first["next_cursor"]));
    read(&shop, &token, &other).send().await.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let shop = Shop::open().await;
    let token = sign_in(&shop).await;
    for path in [
        "/erp/products?limit=501",
        "/erp/products?limit=0",
        "/erp/products?cursor=xyz",
        "/erp/products?updated_since=yesterday",
        "/erp/products?since=2026-01-01T00:00:00Z",
        "/erp/products/keys?updated_since=2026-01-01T00:00:00Z",
    ] {
        read(&shop, &token, path).send().await.refused(400, "VALIDATION_ERROR");
    }
    set(&shop, json!({ "page_max": 2 })).await;
    assert_eq!(
        pages(&shop, &token, "/erp/products?", "records").await.len(),
        2,
        "the page is as long as allowed"
    );
    read(&shop, &token, "/erp/products?limit=3").send().await.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn records_come_as_they_were_given() {
    let shop = Shop::open().await;
    let token = sign_in(&shop).await;
    let records = r#"[
        {"entity":"orders","id":"1","updated_at":"2026-01-01T00:00:00Z",
         "fields":{"total":1234567890123456789.10,"external_id":7,"odd":{"b":1,"a":[null]}}},
        {"entity":"orders","id":"2","fields":{}}]"#;
    let put = shop.ask(Method::PUT, "/_sandbox/erp/records").body(records.to_owned()).send().await;
    assert_eq!(put.ok(200), json!({ "records": 2 }));
    let page = read(&shop, &token, "/erp/orders").send().await;
    let first = r#"{"id":"1","updated_at":"2026-01-01T00:00:00.000000Z","external_id":7,"odd":{"b":1,"a":[null]},"total":1234567890123456789.10}"#;
    assert!(page.text.contains(first), "{}", page.text);
    let second = page.data(200)["records"][1].clone();
    assert_eq!(second.as_object().map(serde_json::Map::len), Some(2), "{second}");
    assert_eq!(text(&second["updated_at"]).len(), "2026-01-01T00:00:00.000000Z".len());
    let keys = read(&shop, &token, "/erp/orders/keys").send().await.data(200);
    assert_eq!(keys["keys"], json!([{ "id": "1", "key": "7" }, { "id": "2", "key": null }]));
    let own = json!([{ "entity": "orders", "id": "3", "fields": { "id": "4" } }]);
    let refused = shop.put("/_sandbox/erp/records", own).send().await.refused(400, "VALIDATION_ERROR");
    assert!(refused["details"]["[0].fields.id"].is_array());
}

#[tokio::test]
async fn keys_come_in_pages_by_id() {
    let shop = Shop::open().await;
    let token = sign_in(&shop).await;
    let keys = read(&shop, &token, "/erp/inventory/keys?limit=2").send().await.data(200);
    let expected = json!([
        { "id": "ERP-CHAIR@HN", "key": "ERP-CHAIR@HN" }, { "id": "ERP-DESK@HCM", "key": "ERP-DESK@HCM" },
    ]);
    assert_eq!(keys["keys"], expected);
    let all = pages(&shop, &token, "/erp/products/keys?limit=2", "keys").await;
    assert_eq!(all, ["ERP-CHAIR ERP-DESK", "ERP-LAMP"]);
    let cursor = text(&keys["next_cursor"]);
    for path in ["/erp/products/keys", "/erp/inventory"] {
        let refused = read(&shop, &token, &format!("{path}?cursor={cursor}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
    let gone = json!([
        { "entity": "products", "id": "ERP-DESK" }, { "entity": "products", "id": "GHOST" },
    ]);
    let deleted = shop.ask(Method::DELETE, "/_sandbox/erp/records").body(gone.to_string()).send().await;
    assert_eq!(deleted.ok(200), json!({ "deleted": 1 }));
    assert_eq!(pages(&shop, &token, "/erp/products/keys?", "keys").await, ["ERP-CHAIR ERP-LAMP"]);
}

#[tokio::test]
async fn faults_strike_the_erp_and_cost_a_token_nothing() {
    let shop = Shop::open().await;
    set(&shop, json!({ "token_requests": 1 })).await;
    let token = sign_in(&shop).await;
    let faults = json!([
        { "operation": "erp.products", "kind": "status", "status": 502, "count": 1 },
        { "operation": "erp.keys", "kind": "rate_limit", "count": 1 },
        { "operation": "erp.auth", "kind": "reply_lost", "count": 1 },
    ]);
    shop.set_faults(faults).await;
    let refused = read(&shop, &token, "/erp/products").send().await;
    assert!(refused.refused(502, "SERVER_ERROR")["details"].is_null());
    let refused = read(&shop, &token, "/erp/orders/keys").send().await;
    refused.refused(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.retry_after.as_deref(), Some("1"));
    let body = json!({ "username": "api_user", "password": "api_password" });
    assert!(shop.post("/erp/auth", body).try_send().await.is_err());
    read(&shop, &token, "/erp/products").send().await.data(200);
    let requests = shop.get("/_sandbox/requests").await;
    assert_eq!(requests, json!({ "erp.auth": 2, "erp.keys": 1, "erp.products": 2 }));
    assert_eq!(shop.get("/_sandbox/effects").await, json!([]), "reading has no effects");
}
