//! A request that is not exactly right is refused, and the field is named.

use reqwest::Method;
use sandbox::Options;
use serde_json::{Value, json};

use crate::harness::{Shop, order, payment, reservation, shipment};

/// Every body the shop reads, in a form it accepts.
fn bodies() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::POST, "/orders/ORDER-001/validate", order()),
        (Method::PUT, "/orders/ORDER-001", json!({ "status": "confirmed" })),
        (Method::POST, "/inventory/reserve", reservation("O", "LAPTOP-001-16GB-512GB", 1)),
        (
            Method::POST,
            "/inventory/reserve",
            json!({
                "items": [{ "productId": "LIMITED-001", "variantId": "LIMITED-001-RED", "quantity": 1 }],
                "orderId": "O", "expiresAt": "2999-01-01T00:00:00Z",
            }),
        ),
        (
            Method::POST,
            "/inventory/confirm",
            json!({ "variant_id": "LIMITED-001-RED", "quantity": 1, "reference_id": "O", "order_id": "O" }),
        ),
        (
            Method::POST,
            "/inventory/confirm",
            json!({
                "items": [{ "variant_id": "LIMITED-001-RED", "quantity": 1 }],
                "reference_id": "O", "order_id": "O",
            }),
        ),
        (
            Method::POST,
            "/inventory/release",
            json!({ "variant_id": "V", "quantity": 1, "reference_id": "O" }),
        ),
        (
            Method::POST,
            "/inventory/restock",
            json!({ "items": [{ "variant_id": "V", "quantity": 1 }], "reference_id": "O" }),
        ),
        (Method::POST, "/payments", payment("O", "card_token_123")),
        (Method::POST, "/payments/void", json!({ "order_id": "O", "idempotency_key": "k" })),
        (Method::POST, "/shipments", shipment("O")),
        (Method::POST, "/shipments/cancel", json!({ "order_id": "O", "idempotency_key": "k" })),
        (Method::POST, "/notifications", json!({ "type": "t", "title": "T", "message": "m" })),
        (Method::POST, "/notifications/email", json!({ "to": "a@example.com", "template": "t" })),
        (Method::POST, "/notifications/sms", json!({ "to": "+1", "message": "m" })),
        (Method::POST, "/notifications/push", json!({ "user_id": "u", "title": "t", "body": "b" })),
        (Method::POST, "/events", json!({ "event_type": "e", "customer_id": "c" })),
        (
            Method::POST,
            "/customers",
            json!({
                "email": "a@example.com", "first_name": "A", "marketing_consent": false,
            }),
        ),
        (Method::POST, "/loyalty/points/reverse", json!({ "customer_id": "c", "idempotency_key": "k" })),
        (Method::POST, "/coupons/revoke", json!({ "customer_id": "c", "idempotency_key": "k" })),
    ]
}

/// The same of a sync.
fn sync_bodies() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::POST, "/products/lookup", json!({ "skus": ["MOUSE-001"] })),
        (Method::POST, "/products", json!({ "sku": "S", "name": "N", "price": 1 })),
        (Method::PUT, "/products/MOUSE-001", json!({})),
        (
            Method::POST,
            "/inventory/lookup",
            json!({ "items": [{ "sku": "MOUSE-001", "location": "default" }] }),
        ),
        (
            Method::PUT,
            "/inventory/levels",
            json!({ "product_sku": "MOUSE-001", "location": "HN", "quantity": 1, "sync_source": "erp" }),
        ),
        (Method::POST, "/customers/lookup", json!({ "external_ids": ["C"] })),
        (Method::PUT, "/customers/external/C", json!({ "email": "c@example.com", "first_name": "A" })),
        (Method::POST, "/orders/lookup", json!({ "external_ids": ["O"] })),
        (Method::PUT, "/orders/external/O", json!({ "status": "open", "total": 1, "currency": "VND" })),
        (Method::PUT, "/integrations/erp-main/config", json!({})),
        (
            Method::POST,
            "/integrations/sync-reports",
            json!({
                "sync_id": "s", "integration_id": "erp-main", "timestamp": "2026-01-01T00:00:00Z",
                "duration": 1, "summary": {}, "details": {},
            }),
        ),
    ]
}

/// The same of the catalogue.
fn catalog_bodies() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::PUT, "/products/sku/MOUSE-001/price", json!({ "price": 1 })),
        (Method::PUT, "/products/prices", json!({ "updates": [{ "sku": "MOUSE-001", "price": 1 }] })),
        (Method::POST, "/products/prices/lookup", json!({ "skus": ["MOUSE-001"] })),
        (Method::POST, "/categories", json!({ "name": "N", "slug": "n" })),
        (Method::POST, "/products/MOUSE-001/seo-content", json!({ "type": "meta_title" })),
        (
            Method::POST,
            "/inventory",
            json!({ "product_id": "MOUSE-001", "quantity": 1, "location": "DN", "allocation_type": "GENERAL" }),
        ),
        (
            Method::POST,
            "/pricing-rules",
            json!({
                "name": "R", "rule_type": "percentage", "discount_type": "percentage", "discount_value": 10,
                "conditions": "{}",
            }),
        ),
    ]
}

#[tokio::test]
async fn every_body_is_accepted_whole_and_refused_with_a_field_too_many_or_too_few() {
    let shop = Shop::open().await;
    for (method, path, body) in bodies().into_iter().chain(sync_bodies()).chain(catalog_bodies()) {
        let accepted = shop.ask(method.clone(), path).body(body.to_string()).send().await;
        assert!((200..300).contains(&accepted.status), "{path}: {accepted:?}");
        for field in body.as_object().expect("an object").keys() {
            // Optional in the sample orders, or what tells the two forms of an endpoint apart.
            if ["customer_phone", "items"].contains(&field.as_str()) {
                continue;
            }
            let mut fewer = body.clone();
            fewer.as_object_mut().expect("an object").remove(field);
            let refused = shop.ask(method.clone(), path).body(fewer.to_string()).send().await;
            let error = refused.refused(400, "VALIDATION_ERROR");
            assert!(error["details"][field].is_array(), "{path} without {field}: {error}");
        }
        let mut more = body.clone();
        more["surprise"] = json!(1);
        let refused = shop.ask(method, path).body(more.to_string()).send().await;
        let error = refused.refused(400, "VALIDATION_ERROR");
        assert!(error["details"]["surprise"].is_array(), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_wrong_field_deep_inside_is_named_with_its_path() {
    let shop = Shop::open().await;
    let mut order = order();
    order["items"][0]["colour"] = json!("red");
    let refused = shop.post("/orders/ORDER-001/validate", order.clone()).send().await;
    let error = refused.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["items[0].colour"].is_array(), "{error}");
    order["checks"] = json!(["horoscope"]);
    order["items"][0] = json!({ "product_id": "LAPTOP-001", "quantity": 1, "price": 1 });
    let refused = shop.post("/orders/ORDER-001/validate", order).send().await;
    let error = refused.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["checks[0]"][0].as_str().is_some_and(|m| m.contains("pricing_accuracy")));
}

#[tokio::test]
async fn what_is_no_request_gets_the_error_model_too() {
    let shop = Shop::open().await;
    let broken = shop.ask(Method::POST, "/events").body("{".to_owned()).send().await;
    broken.refused(400, "INVALID_REQUEST");
    shop.ask(Method::GET, "/unicorns").send().await.refused(404, "RESOURCE_NOT_FOUND");
    shop.ask(Method::GET, "/_sandbox/unicorns").send().await.refused(404, "RESOURCE_NOT_FOUND");
    shop.ask(Method::DELETE, "/events").send().await.refused(405, "METHOD_NOT_ALLOWED");
    for query in ["", "?order_id=a&idempotency_key=b", "?colour=red"] {
        let refused = shop.ask(Method::GET, &format!("/payments{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
    let key = "k".repeat(256);
    shop.charge("ORDER-001", "t").key(&key).send().await.refused(400, "VALIDATION_ERROR");
    assert_eq!(shop.get("/health").await["data"], json!({ "status": "ok" }));
}

#[tokio::test]
async fn the_token_guards_the_shop_and_nothing_else() {
    let token = Some("sun_secret".to_owned());
    let shop = Shop::open_with(Options { token, ..Options::default() }).await;
    let ask = || shop.ask(Method::GET, "/payments?order_id=ORDER-001");
    ask().send().await.refused(401, "AUTH_FAILED");
    ask().token("wrong").send().await.refused(401, "AUTH_INVALID_TOKEN");
    ask().token("sun_secret").send().await.ok(200);
    shop.charge("ORDER-001", "t").send().await.refused(401, "AUTH_FAILED");
    shop.get("/health").await;
    assert_eq!(shop.get("/_sandbox/audit").await["totals"]["charges"], 0);
}
