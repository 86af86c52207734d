//! Products by SKU, as a sync finds, makes and changes them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Shop, order};

fn skus(count: usize) -> Value {
    json!({ "skus": (0..count).map(|number| format!("S-{number:04}")).collect::<Vec<_>>() })
}

async fn make(shop: &Shop, sku: &str) {
    let body = json!({ "sku": sku, "name": format!("Thing {sku}"), "price": 1000 });
    shop.post("/products", body).send().await.data(201);
}

#[tokio::test]
async fn a_lookup_answers_what_it_knows_in_the_order_asked() {
    let shop = Shop::open().await;
    let body = json!({ "skus": ["TSHIRT-001", "GHOST", "LAPTOP-001"] });
    let found = shop.post("/products/lookup", body).send().await;
    let expected = json!([
        {
            "product_id": "TSHIRT-001", "sku": "TSHIRT-001", "name": "Team T-Shirt", "price": 19.99,
            "currency": "USD", "description": null, "category": null, "active": true,
        },
        {
            // The cheapest of its variants.
            "product_id": "LAPTOP-001", "sku": "LAPTOP-001", "name": "Gaming Laptop Pro",
            "price": 25_000_000, "currency": "VND", "description": null, "category": null, "active": true,
        },
    ]);
    assert_eq!(found.data(200)["products"], expected);
    for count in [0, 501] {
        let error = shop.post("/products/lookup", skus(count)).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"]["skus"].is_array(), "{error}");
    }
    let none = shop.post("/products/lookup", skus(500)).send().await.data(200);
    assert_eq!(none["products"], json!([]));
    assert_eq!(shop.get("/_sandbox/effects").await, json!([]), "a lookup changes nothing");
}

#[tokio::test]
async fn a_product_is_made_once_and_can_be_ordered() {
    let shop = Shop::open().await;
    let body = json!({
        "sku": "NEW-1", "name": "New", "price": 19.90, "currency": "USD", "description": "Shiny",
        "category": "things",
    });
    let first = shop.post("/products", body.clone()).key("k").send().await;
    assert!(first.text.contains("\"price\":19.90,"), "exact, with the currency's decimals: {}", first.text);
    assert_eq!(first.data(201)["active"], true);
    let again = shop.post("/products", body.clone()).key("k").send().await;
    assert!(again.replayed && again.text == first.text);
    shop.post("/products", body.clone()).key("l").send().await.refused(409, "SKU_TAKEN");
    let mut variant = body;
    variant["sku"] = json!("MOUSE-001-BLACK");
    shop.post("/products", variant).send().await.refused(409, "SKU_TAKEN");
    assert_eq!(shop.stock("NEW-1").await, (0, 0), "it is its own variant");

    let level = json!({ "product_sku": "NEW-1", "location": "HN", "quantity": 5, "sync_source": "erp" });
    shop.put("/inventory/levels", level).send().await.data(200);
    let mut order = order();
    order["items"][0] = json!({ "product_id": "NEW-1", "quantity": 2, "price": 19.90 });
    (order["total_amount"], order["currency"]) = (json!(39.80), json!("USD"));
    assert_eq!(shop.validate("ORDER-001", order).await["errors"], json!([]));
    shop.reserve("ORDER-001", "NEW-1", 2).send().await.data(200);
    shop.confirm("ORDER-001", "NEW-1", 2).send().await.data(200);
    assert_eq!(shop.stock("NEW-1").await, (3, 0));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn prices_are_exact_and_fit_their_currency() {
    let shop = Shop::open().await;
    for (price, currency) in [("0.5", "VND"), ("19.999", "USD"), ("-1", "VND"), ("\"1\"", "VND")] {
        let body = format!(r#"{{"sku":"S","name":"N","price":{price},"currency":"{currency}"}}"#);
        let refused = shop.ask(Method::POST, "/products").body(body).send().await;
        assert!(refused.refused(400, "VALIDATION_ERROR")["details"]["price"].is_array(), "{price}");
    }
    let body = r#"{"sku":"S","name":"N","price":9999999999999.99,"currency":"USD"}"#.to_owned();
    let made = shop.ask(Method::POST, "/products").body(body).send().await;
    assert!(made.text.contains("9999999999999.99"), "{}", made.text);
    make(&shop, "FREE").await;
    shop.put("/products/FREE", json!({ "price": 0 })).send().await.data(200);
    // The old number in another currency would be another amount.
    let refused = shop.put("/products/FREE", json!({ "currency": "USD" })).send().await;
    assert!(refused.refused(400, "VALIDATION_ERROR")["details"]["price"].is_array());
    let moved =
        shop.put("/products/FREE", json!({ "currency": "USD", "price": 0.25 })).send().await.data(200);
    assert_eq!((&moved["price"], &moved["currency"]), (&json!(0.25), &json!("USD")));
}

#[tokio::test]
async fn an_update_changes_what_is_given_and_says_so() {
    let shop = Shop::open().await;
    make(&shop, "S").await;
    let change = json!({ "name": "Renamed", "price": 1000, "description": "Long", "category": "c" });
    let changed = shop.put("/products/S", change.clone()).key("k").send().await.data(200);
    assert_eq!((&changed["name"], &changed["price"]), (&json!("Renamed"), &json!(1000)));
    assert!(shop.put("/products/S", change.clone()).key("k").send().await.replayed);
    shop.put("/products/S", change).key("l").send().await.data(200);
    let cleared = shop.put("/products/S", json!({ "description": null })).key("m").send().await.data(200);
    assert_eq!((&cleared["description"], &cleared["category"]), (&json!(null), &json!("c")));
    let log = shop.get("/_sandbox/effects").await;
    let effects: Vec<_> = log.as_array().expect("a list").iter().map(|line| line["effect"].clone()).collect();
    let expected = [
        "created product S",
        "changed name, description, category of product S",
        "none",
        "changed description of product S",
    ];
    assert_eq!(effects, expected);
    shop.put("/products/GHOST", json!({ "name": "N" })).send().await.refused(404, "PRODUCT_NOT_FOUND");
    shop.put("/products/S", json!({ "name": "" })).send().await.refused(400, "VALIDATION_ERROR");
    // All variants follow.
    shop.put("/products/LAPTOP-001", json!({ "price": 30_000_000 })).send().await.data(200);
    let stock = shop.get("/_sandbox/stock").await.to_string();
    assert_eq!(stock.matches("30000000").count(), 2);
}

#[tokio::test]
async fn what_is_not_active_is_not_sold() {
    let shop = Shop::open().await;
    shop.put("/products/LAPTOP-001", json!({ "active": false })).send().await.data(200);
    let data = shop.validate("ORDER-001", order()).await;
    assert_eq!(data["errors"][0]["check"], "inventory_availability", "{data}");
    let skus = shop.get("/products/skus").await["data"]["skus"].to_string();
    assert!(!skus.contains("LAPTOP-001") && skus.contains("MOUSE-001"), "{skus}");
    let body = json!({ "skus": ["LAPTOP-001"] });
    let found = shop.post("/products/lookup", body).send().await.data(200);
    assert_eq!(found["products"][0]["active"], false);
}

#[tokio::test]
async fn skus_and_the_catalog_come_in_pages() {
    let shop = Shop::open().await;
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    assert_eq!(shop.get("/products/skus").await["data"], json!({ "skus": [], "next": null }));
    for sku in ["C", "A/1 é", "B", "D"] {
        make(&shop, sku).await;
    }
    let page = shop.get("/products/skus?limit=3").await["data"].clone();
    assert_eq!(page, json!({ "skus": ["A/1 é", "B", "C"], "next": "C" }));
    let page = shop.get("/products/skus?limit=3&after=C").await["data"].clone();
    assert_eq!(page, json!({ "skus": ["D"], "next": null }));
    let page = shop.get("/products/skus?limit=4").await["data"].clone();
    assert_eq!(page["next"], json!(null), "nothing is left");
    for query in ["limit=0", "limit=1001", "limit=x", "page=1"] {
        let refused = shop.ask(Method::GET, &format!("/products/skus?{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
    // A SKU is an id in a path, whatever letters it has.
    let renamed = shop.put("/products/A%2F1%20%C3%A9", json!({ "name": "Odd", "active": false }));
    assert_eq!(renamed.send().await.data(200)["sku"], "A/1 é");
    let catalog = shop.get("/_sandbox/catalog?limit=2").await;
    let expected = json!([
        { "sku": "A/1 é", "name": "Odd", "price": 1000, "currency": "VND", "active": false, "levels": [] },
        { "sku": "B", "name": "Thing B", "price": 1000, "currency": "VND", "active": true, "levels": [] },
    ]);
    assert_eq!(catalog, expected);
    assert_eq!(shop.get("/_sandbox/catalog?after=B").await.as_array().map(Vec::len), Some(2));
    let refused = shop.ask(Method::GET, "/_sandbox/catalog?colour=red").send().await;
    refused.refused(400, "VALIDATION_ERROR");
}
