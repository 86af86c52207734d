//! Prices by SKU: compared, written once, found again in the ledger.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Shop, text};

const MOUSE: &str = "/products/sku/MOUSE-001/price";

/// The ledger as `(variant, old, new, key)`.
async fn ledger(shop: &Shop, query: &str) -> Vec<(String, i64, i64, Value)> {
    let lines = shop.get(&format!("/_sandbox/prices{query}")).await;
    let lines = lines.as_array().expect("a list").iter().map(|line| {
        let [old, new] = ["old_price", "price"].map(|field| line[field].as_i64().expect("whole"));
        (text(&line["variant_id"]).to_owned(), old, new, line["idempotency_key"].clone())
    });
    lines.collect()
}

#[tokio::test]
async fn a_price_is_written_once_and_stands_in_the_ledger() {
    let shop = Shop::open().await;
    let body = json!({
        "price": 450_000, "expected_price": 500_000, "currency": "VND", "reason": "Competitive pricing",
        "effective_date": "2024-02-01T00:00:00Z",
    });
    let first = shop.put(MOUSE, body.clone()).key("prices/1").send().await;
    let expected = json!({
        "product_id": "MOUSE-001", "sku": "MOUSE-001", "status": "updated", "old_price": 500_000,
        "price": 450_000, "currency": "VND",
    });
    assert_eq!(first.data(200), expected);
    let again = shop.put(MOUSE, body.clone()).key("prices/1").send().await;
    assert!(again.replayed && again.text == first.text);
    let mut other = body.clone();
    other["price"] = json!(1);
    shop.put(MOUSE, other).key("prices/1").send().await.refused(422, "IDEMPOTENCY_KEY_REUSED");

    let lines = shop.get("/_sandbox/prices").await;
    assert_eq!(lines.as_array().map(Vec::len), Some(1));
    let line = &lines[0];
    assert_eq!((&line["sku"], &line["variant_id"]), (&json!("MOUSE-001"), &json!("MOUSE-001-BLACK")));
    assert_eq!((&line["old_price"], &line["price"]), (&json!(500_000), &json!(450_000)));
    assert_eq!((&line["idempotency_key"], &line["operation"]), (&json!("prices/1"), &json!("prices.set")));
    assert_eq!(line["effective_date"], "2024-02-01T00:00:00Z");
    assert_eq!(line["reason"], "Competitive pricing");

    let same = shop.put(MOUSE, json!({ "price": 450_000 })).key("prices/2").send().await.data(200);
    assert_eq!((&same["status"], &same["old_price"]), (&json!("unchanged"), &json!(450_000)));
    assert_eq!(ledger(&shop, "").await.len(), 1, "nothing was changed");
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_price_that_is_not_the_expected_one_is_a_conflict() {
    let shop = Shop::open().await;
    let body = json!({ "price": 450_000, "expected_price": 499_999 });
    let error = shop.put(MOUSE, body).key("k").send().await.refused(409, "PRICE_CONFLICT");
    let details = json!({
        "sku": "MOUSE-001", "variant": null, "price": 500_000, "currency": "VND", "expected_price": 499_999,
    });
    assert_eq!(error["details"], details);
    // Even when the new price is there already: the caller knows another shop.
    let body = json!({ "price": 500_000, "expected_price": 499_999 });
    shop.put(MOUSE, body).send().await.refused(409, "PRICE_CONFLICT");
    assert_eq!(ledger(&shop, "").await, []);
    shop.put(MOUSE, json!({ "price": 450_000 })).send().await.data(200);
    // Cents are compared exactly.
    let shirt = "/products/sku/TSHIRT-001/price";
    let error = shop.put(shirt, json!({ "price": 18.5, "expected_price": 20 })).send().await;
    assert_eq!(error.refused(409, "PRICE_CONFLICT")["details"]["price"], 19.99);
    let written = shop.put(shirt, json!({ "price": 18.5, "expected_price": 19.990 })).send().await;
    assert!(written.text.contains(r#""old_price":19.99,"price":18.50,"#), "{}", written.text);
}

#[tokio::test]
async fn variants_with_different_prices_are_named() {
    let shop = Shop::open().await;
    let laptop = "/products/sku/LAPTOP-001/price";
    let error = shop.put(laptop, json!({ "price": 23_000_000 })).send().await;
    let variants = json!([
        { "variant_id": "LAPTOP-001-16GB-512GB", "price": 25_000_000, "currency": "VND" },
        { "variant_id": "LAPTOP-001-32GB-1TB", "price": 32_000_000, "currency": "VND" },
    ]);
    assert_eq!(error.refused(422, "VARIANT_REQUIRED")["details"]["variants"], variants);
    let body = json!({ "price": 23_000_000, "variant": "LAPTOP-001-64GB" });
    let error = shop.put(laptop, body).send().await.refused(404, "VARIANT_NOT_FOUND");
    assert_eq!(error["details"]["variants"], variants);
    let body = json!({ "price": 25_000_000, "expected_price": 32_000_000, "variant": "LAPTOP-001-32GB-1TB" });
    let written = shop.put(laptop, body).key("a").send().await.data(200);
    assert_eq!(written["variant"], "LAPTOP-001-32GB-1TB");
    // Now they cost the same: the SKU means both.
    let body = json!({ "price": 24_000_000, "expected_price": 25_000_000 });
    shop.put(laptop, body).key("b").send().await.data(200);
    let expected = [
        ("LAPTOP-001-32GB-1TB".to_owned(), 32_000_000, 25_000_000, json!("a")),
        ("LAPTOP-001-16GB-512GB".to_owned(), 25_000_000, 24_000_000, json!("b")),
        ("LAPTOP-001-32GB-1TB".to_owned(), 25_000_000, 24_000_000, json!("b")),
    ];
    assert_eq!(ledger(&shop, "").await, expected);
    assert_eq!(ledger(&shop, "?key_prefix=b").await, expected[1..]);
    assert_eq!(ledger(&shop, "?sku=MOUSE-001").await, []);
    let figures = shop.get("/_sandbox/prices/summary").await;
    assert_eq!(figures, json!({ "changes": 3, "variants": 2, "variants_changed_again": 1 }));
    let figures = shop.get("/_sandbox/prices/summary?key_prefix=b").await;
    assert_eq!(figures, json!({ "changes": 2, "variants": 2, "variants_changed_again": 0 }));
}

#[tokio::test]
async fn a_price_that_cannot_be_is_refused_with_its_field() {
    let shop = Shop::open().await;
    for (body, field) in [
        (r#"{"price":0.5}"#, "price"),
        (r#"{"price":-1}"#, "price"),
        (r#"{"price":"450000"}"#, "price"),
        (r#"{"expected_price":1}"#, "price"),
        (r#"{"price":1,"expected_price":0.5}"#, "expected_price"),
        (r#"{"price":1,"effective_date":"tomorrow"}"#, "effective_date"),
        (r#"{"price":1,"effective_date":"2024-02-01T00:00:00"}"#, "effective_date"),
        (r#"{"price":1,"currency":"dong"}"#, "currency"),
        (r#"{"price":1,"variant":""}"#, "variant"),
        (r#"{"price":1,"reason":7}"#, "reason"),
        (r#"{"price":1,"sku":"MOUSE-001"}"#, "sku"),
        (r#"{"price":1,"new_price":1}"#, "new_price"),
    ] {
        let refused = shop.ask(Method::PUT, MOUSE).body(body.to_owned()).send().await;
        let error = refused.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{body}: {error}");
    }
    let error = shop.put(MOUSE, json!({ "price": 1, "currency": "USD" })).send().await;
    assert_eq!(error.refused(422, "CURRENCY_MISMATCH")["details"]["currency"], "VND");
    let ghost = shop.put("/products/sku/GHOST/price", json!({ "price": 1 })).send().await;
    ghost.refused(404, "PRODUCT_NOT_FOUND");
    assert_eq!(ledger(&shop, "").await, []);
}

#[tokio::test]
async fn a_batch_has_a_result_per_row_and_happens_once() {
    let shop = Shop::open().await;
    let body = json!({ "updates": [
        { "sku": "MOUSE-001", "price": 450_000, "expected_price": 500_000, "reason": "r" },
        { "sku": "GHOST", "price": 1 },
        { "sku": "KEYBOARD-001", "price": 1_100_000, "expected_price": 1 },
        { "sku": "HEADSET-001", "price": 1_800_000 },
        { "sku": "LAPTOP-001", "price": 1, "variant": "LAPTOP-001-32GB-1TB", "expected_price": 32_000_000 },
        { "sku": "LAPTOP-001", "price": 1 },
        { "sku": "TSHIRT-001", "price": 18.505 },
    ]});
    let first = shop.put("/products/prices", body.clone()).key("batch-1").send().await;
    let data = first.data(200);
    assert_eq!([&data["updated"], &data["unchanged"], &data["refused"]], [2, 1, 4]);
    let results = data["results"].as_array().expect("results");
    let said: Vec<_> = results
        .iter()
        .map(|result| {
            let code = result["error"]["code"].as_str().or_else(|| result["status"].as_str());
            (text(&result["sku"]), code.expect("a word"))
        })
        .collect();
    let expected = [
        ("MOUSE-001", "updated"),
        ("GHOST", "PRODUCT_NOT_FOUND"),
        ("KEYBOARD-001", "PRICE_CONFLICT"),
        ("HEADSET-001", "unchanged"),
        ("LAPTOP-001", "updated"),
        ("LAPTOP-001", "VARIANT_REQUIRED"),
        ("TSHIRT-001", "VALIDATION_ERROR"),
    ];
    assert_eq!(said, expected);
    assert_eq!(results[2]["error"]["status"], 409);
    assert_eq!(results[2]["error"]["details"]["price"], 1_200_000);
    assert!(results[6]["error"]["details"]["price"].is_array());

    // A replay gives the stored answers, whatever happened since.
    shop.put(MOUSE, json!({ "price": 7 })).key("other").send().await.data(200);
    let again = shop.put("/products/prices", body).key("batch-1").send().await;
    assert!(again.replayed && again.text == first.text);
    let lines = ledger(&shop, "?key_prefix=batch-").await;
    assert_eq!(lines.len(), 2);
    let effects = shop.get("/_sandbox/effects").await;
    assert_eq!((&effects[0]["effect"], &effects[0]["attempts"]), (&json!("changed 2 prices"), &json!(2)));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_batch_of_another_form_is_refused_whole() {
    let shop = Shop::open().await;
    let rows = |count: usize| vec![json!({ "sku": "MOUSE-001", "price": 1 }); count];
    for (body, field) in [
        (json!({ "updates": [] }), "updates"),
        (json!({ "updates": rows(1001) }), "updates"),
        (json!({ "updates": [{ "price": 1 }] }), "updates[0].sku"),
        (json!({ "updates": [{ "sku": "MOUSE-001", "price": 1 }, { "sku": "A" }] }), "updates[1].price"),
        (json!({ "updates": [{ "sku": "MOUSE-001", "price": "1" }] }), "updates[0].price"),
        (json!({ "updates": [{ "sku": "MOUSE-001", "price": 1, "x": 1 }] }), "updates[0].x"),
        (json!({ "rows": [] }), "rows"),
    ] {
        let error = shop.put("/products/prices", body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{field}: {error}");
    }
    assert_eq!(ledger(&shop, "").await, []);
    shop.put("/products/prices", json!({ "updates": rows(1000) })).send().await.data(200);
    assert_eq!(ledger(&shop, "").await.len(), 1);
}

#[tokio::test]
async fn faults_strike_prices_before_and_after_their_effect() {
    let shop = Shop::open().await;
    let put = |key: &str| {
        let body = json!({ "updates": [{ "sku": "MOUSE-001", "price": 450_000, "expected_price": 500_000 }]});
        shop.put("/products/prices", body).key(key)
    };
    let once = |kind: &str| json!([{ "operation": "prices.batch", "kind": kind, "count": 1 }]);
    shop.set_faults(once("status")).await;
    put("k").send().await.refused(503, "SERVER_ERROR");
    shop.set_faults(once("rate_limit")).await;
    assert_eq!(put("k").send().await.retry_after.as_deref(), Some("1"));
    assert_eq!(ledger(&shop, "").await, []);
    shop.set_faults(once("reply_lost")).await;
    assert!(put("k").try_send().await.is_err(), "no answer");
    assert_eq!(ledger(&shop, "").await.len(), 1);
    let replay = put("k").send().await;
    assert!(replay.replayed, "{}", replay.text);
    assert_eq!(replay.data(200)["updated"], 1);
    shop.set_faults(once("malformed")).await;
    let garbled = put("k").send().await;
    assert!(serde_json::from_str::<Value>(&garbled.text).is_err());
    // Another key is another request, which finds another price.
    let late = put("l").send().await.data(200);
    assert_eq!(late["results"][0]["error"]["code"], "PRICE_CONFLICT");
    assert_eq!(ledger(&shop, "").await.len(), 1);
    for operation in ["prices.set", "prices.lookup", "prices.list", "notifications.team"] {
        shop.set_faults(json!([{ "operation": operation, "kind": "status", "count": 1 }])).await;
        let answered = match operation {
            "prices.set" => shop.put(MOUSE, json!({ "price": 1 })),
            "prices.lookup" => shop.post("/products/prices/lookup", json!({ "skus": ["A"] })),
            "prices.list" => shop.ask(Method::GET, "/products/prices"),
            _ => shop.post("/notifications", json!({ "type": "t", "title": "T", "message": "M" })),
        };
        answered.send().await.refused(503, "SERVER_ERROR");
    }
}

#[tokio::test]
async fn prices_are_looked_up_by_exact_sku() {
    let shop = Shop::open().await;
    let body = json!({ "skus": ["MOUSE-001", "mouse-001", "MOUSE", "LAPTOP-001"] });
    let found = shop.post("/products/prices/lookup", body).send().await.data(200);
    let expected = json!([
        {
            "product_id": "MOUSE-001", "sku": "MOUSE-001", "name": "Gaming Mouse", "status": "active",
            "category": null, "categoryId": null,
            "variants": [
                { "variant_id": "MOUSE-001-BLACK", "price": 500_000, "currency": "VND", "costPrice": null },
            ],
        },
        {
            "product_id": "LAPTOP-001", "sku": "LAPTOP-001", "name": "Gaming Laptop Pro", "status": "active",
            "category": null, "categoryId": null,
            "variants": [
                {
                    "variant_id": "LAPTOP-001-16GB-512GB", "price": 25_000_000, "currency": "VND",
                    "costPrice": null,
                },
                {
                    "variant_id": "LAPTOP-001-32GB-1TB", "price": 32_000_000, "currency": "VND",
                    "costPrice": null,
                },
            ],
        },
    ]);
    assert_eq!(found["prices"], expected);
    for count in [0, 1001] {
        let body = json!({ "skus": vec!["S"; count] });
        let error = shop.post("/products/prices/lookup", body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"]["skus"].is_array(), "{error}");
    }
}

#[tokio::test]
async fn prices_are_listed_by_page_and_category() {
    let shop = Shop::open().await;
    let skus = |page: &Value| -> Vec<String> {
        let prices = page["prices"].as_array().expect("a list");
        prices.iter().map(|entry| text(&entry["sku"]).to_owned()).collect()
    };
    let first = shop.get("/products/prices?limit=4").await["data"].clone();
    assert_eq!(skus(&first), ["HEADSET-001", "KEYBOARD-001", "LAPTOP-001", "LIMITED-001"]);
    assert_eq!(first["next"], "LIMITED-001");
    let second = shop.get("/products/prices?limit=4&after=LIMITED-001").await["data"].clone();
    assert_eq!(skus(&second), ["MOUSE-001", "TSHIRT-001"]);
    assert_eq!(second["next"], json!(null));

    shop.put("/products/MOUSE-001", json!({ "category": "Mice" })).send().await.data(200);
    shop.put("/products/LIMITED-001", json!({ "category": "Mice", "active": false })).send().await.data(200);
    let mice = shop.get("/products/prices?category=Mice").await["data"].clone();
    assert_eq!(skus(&mice), ["LIMITED-001", "MOUSE-001"]);
    assert_eq!(mice["prices"][0]["category"], "Mice");
    let id = text(&mice["prices"][0]["categoryId"]);
    let active = shop.get(&format!("/products/prices?categoryId={id}&status=active")).await["data"].clone();
    assert_eq!(skus(&active), ["MOUSE-001"]);
    let unknown = shop.ask(Method::GET, "/products/prices?category=Cats").send().await;
    unknown.refused(404, "CATEGORY_NOT_FOUND");
    for query in ["limit=0", "limit=1001", "page=1"] {
        let refused = shop.ask(Method::GET, &format!("/products/prices?{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn every_way_to_change_a_price_stands_in_the_ledger() {
    let shop = Shop::open().await;
    shop.put("/products/LAPTOP-001", json!({ "price": 30_000_000 })).key("sync").send().await.data(200);
    let shelf = json!([{ "sku": "MOUSE-001", "variant_id": "MOUSE-001-BLACK", "price": 1, "stock": 1 }]);
    shop.put("/_sandbox/products", shelf).send().await.ok(200);
    let expected = [
        ("LAPTOP-001-16GB-512GB".to_owned(), 25_000_000, 30_000_000, json!("sync")),
        ("LAPTOP-001-32GB-1TB".to_owned(), 32_000_000, 30_000_000, json!("sync")),
        ("MOUSE-001-BLACK".to_owned(), 500_000, 1, json!(null)),
    ];
    assert_eq!(ledger(&shop, "").await, expected);
    assert_eq!(ledger(&shop, "?after=2").await, expected[2..]);
    assert_eq!(ledger(&shop, "?limit=1").await, expected[..1]);
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_shop_is_filled_by_the_thousand() {
    let shop = Shop::open().await;
    let body = json!({ "products": 20_000, "category": "Things", "stock": 3 });
    let made = shop.post("/_sandbox/products/generate", body).send().await.ok(200);
    assert_eq!(made, json!({ "products": 20_000 }));
    let made = shop.post("/_sandbox/products/generate", json!({ "products": 20_001 })).send().await.ok(200);
    assert_eq!(made, json!({ "products": 1 }), "those that are there stay");
    assert_eq!(shop.stock("GEN-0000001").await, (3, 0));
    let skus: Vec<_> = (1..=1000).map(|number| format!("GEN-{:07}", number * 20)).collect();
    let found = shop.post("/products/prices/lookup", json!({ "skus": skus })).send().await.data(200);
    let entries = found["prices"].as_array().expect("a list");
    assert_eq!(entries.len(), 1000);
    let updates: Vec<_> = entries
        .iter()
        .map(|entry| {
            let price = entry["variants"][0]["price"].as_i64().expect("whole");
            assert!(entry["variants"][0]["costPrice"].as_i64().is_some_and(|cost| cost < price));
            json!({ "sku": entry["sku"], "price": price + 1000, "expected_price": price })
        })
        .collect();
    let written = shop.put("/products/prices", json!({ "updates": updates })).key("k").send().await.data(200);
    assert_eq!(written["updated"], 1000);
    let figures = shop.get("/_sandbox/prices/summary?key_prefix=k").await;
    assert_eq!(figures["changes"], 1000);
    assert_eq!(shop.violations().await, [""; 0]);
    for products in [0, 1_000_001] {
        let refused = shop.post("/_sandbox/products/generate", json!({ "products": products })).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn the_team_is_told() {
    let shop = Shop::open().await;
    let note = json!({
        "type": "price_update", "title": "Prices updated", "message": "2 of 2", "data": { "batch_id": "b" },
    });
    let first = shop.post("/notifications", note.clone()).key("n").send().await;
    assert!(first.data(202)["message_id"].is_string());
    assert!(shop.post("/notifications", note.clone()).key("n").send().await.replayed);
    let outbox = shop.get("/_sandbox/outbox").await;
    assert_eq!((&outbox[0]["channel"], &outbox[0]["message"]), (&json!("team"), &note));
    assert_eq!(shop.get("/_sandbox/audit").await["totals"]["notes"], 1);
    shop.post("/notifications", note).key("m").send().await.data(202);
    let violations = shop.violations().await;
    assert!(violations.len() == 1 && violations[0].contains("duplicate message: team"), "{violations:?}");
}
