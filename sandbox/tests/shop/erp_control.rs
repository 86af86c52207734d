//! Filling the ERP, and a first sync of what the seed has in it.

use std::time::{Duration, Instant};

use reqwest::Method;
use sandbox::{Database, Options};
use serde_json::{Value, json};

use crate::harness::{Shop, text};

#[tokio::test]
async fn the_settings_change_one_by_one_and_outlive_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::File(folder.path().join("shop.db"));
    let options = Options { database, ..Options::default() };
    let shop = Shop::open_with(options.clone()).await;
    let defaults = json!({
        "username": "api_user", "password": "api_password", "token_seconds": 3600, "token_requests": null,
        "rate_per_second": null, "page_max": 500,
    });
    assert_eq!(shop.get("/_sandbox/erp").await, defaults);
    shop.put("/_sandbox/erp", json!({ "token_requests": 7 })).send().await.ok(200);
    let changed = shop.put("/_sandbox/erp", json!({ "rate_per_second": 9 })).send().await.ok(200);
    assert_eq!((&changed["token_requests"], &changed["rate_per_second"]), (&json!(7), &json!(9)));
    for wrong in [json!({ "page_max": 0 }), json!({ "page_max": 10_001 }), json!({ "colour": "red" })] {
        shop.put("/_sandbox/erp", wrong).send().await.refused(400, "VALIDATION_ERROR");
    }
    shop.running.shutdown().await;
    let shop = Shop::open_with(options).await;
    assert_eq!(shop.get("/_sandbox/erp").await, changed);
    shop.post("/_sandbox/reset", json!({ "seed": "shop" })).send().await.ok(200);
    assert_eq!(shop.get("/_sandbox/erp").await, defaults);
}

#[tokio::test]
async fn records_are_listed_as_they_can_be_put_back() {
    let shop = Shop::open().await;
    let all = shop.get("/_sandbox/erp/records").await;
    assert_eq!(all.as_array().map(Vec::len), Some(8));
    let customers = shop.get("/_sandbox/erp/records?entity=customers").await;
    assert_eq!(customers[0]["fields"]["email"], "anh@example.com");
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    assert_eq!(shop.get("/_sandbox/erp/records").await, json!([]));
    shop.put("/_sandbox/erp/records", all.clone()).send().await.ok(200);
    assert_eq!(shop.get("/_sandbox/erp/records").await, all);
    let wrong = shop.ask(Method::GET, "/_sandbox/erp/records?entity=unicorns").send().await;
    wrong.refused(400, "VALIDATION_ERROR");
    for wrong in [
        json!([{ "entity": "unicorns", "id": "1", "fields": {} }]),
        json!([{ "entity": "orders", "id": "", "fields": {} }]),
        json!([{ "entity": "orders", "id": "1", "fields": [] }]),
        json!([{ "entity": "orders", "id": "1", "fields": {}, "colour": "red" }]),
    ] {
        shop.put("/_sandbox/erp/records", wrong).send().await.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn the_seed_goes_through_with_the_usual_mapping() {
    let shop = Shop::open().await;
    for record in shop.get("/_sandbox/erp/records?entity=products").await.as_array().expect("a list") {
        let fields = &record["fields"];
        let body = json!({
            "sku": fields["item_code"], "name": fields["item_description"], "price": fields["unit_price"],
        });
        shop.post("/products", body).send().await.data(201);
    }
    for record in shop.get("/_sandbox/erp/records?entity=inventory").await.as_array().expect("a list") {
        let mut body = record["fields"].clone();
        let sku = body.as_object_mut().expect("an object").remove("sku");
        (body["product_sku"], body["sync_source"]) = (json!(sku), json!("erp"));
        shop.put("/inventory/levels", body).send().await.data(200);
    }
    for record in shop.get("/_sandbox/erp/records?entity=customers").await.as_array().expect("a list") {
        let mut body = record["fields"].clone();
        let id = body.as_object_mut().expect("an object").remove("external_id").unwrap_or_default();
        shop.put(&format!("/customers/external/{}", text(&id)), body).send().await.data(200);
    }
    let lamp = shop.get("/_sandbox/catalog?after=ERP-DESK&limit=1").await;
    let expected = json!([{
        "sku": "ERP-LAMP", "name": "Desk Lamp", "price": 650_000, "currency": "VND", "active": true,
        "levels": [{ "location": "HCM", "quantity": 75 }],
    }]);
    assert_eq!(lamp, expected);
    assert_eq!(shop.violations().await, [""; 0]);
}

/// Reads all records with the widest pages.
async fn read_all(shop: &Shop, entity: &str) -> Vec<Value> {
    let body = json!({ "username": "api_user", "password": "api_password" });
    let signed_in = shop.post("/erp/auth", body).send().await.data(200);
    let mut records = Vec::new();
    let mut path = format!("/erp/{entity}?limit=500");
    loop {
        let page = shop.ask(Method::GET, &path).token(text(&signed_in["token"])).send().await.data(200);
        records.extend(page["records"].as_array().expect("a list").iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return records };
        path = format!("/erp/{entity}?limit=500&cursor={next}");
    }
}

#[tokio::test]
async fn twenty_thousand_products_are_made_and_read_in_reasonable_time() {
    let shop = Shop::open().await;
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    let wanted = json!({ "products": 20_000, "inventory": true, "seed": 5 });
    let start = Instant::now();
    let made = shop.post("/_sandbox/erp/generate", wanted).send().await.ok(200);
    assert_eq!(made, json!({ "products": 20_000, "inventory": 20_000 }));
    let products = read_all(&shop, "products").await;
    // Far more than it takes, even on a slow machine: what is not linear would take minutes.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert_eq!(products.len(), 20_000);
    assert_eq!(
        (&products[0]["id"], &products[19_999]["item_code"]),
        (&json!("ERP-000001"), &json!("ERP-020000"))
    );
    let time = |record: &Value| -> jiff::Timestamp { text(&record["updated_at"]).parse().expect("a time") };
    assert_eq!(time(&products[1]).duration_since(time(&products[0])).as_millis(), 1000);
    assert!(time(&products[19_999]) < jiff::Timestamp::now());
    assert!(products[7]["unit_price"].is_u64() && products[7]["item_description"].is_string());
}

#[tokio::test]
async fn the_same_seed_makes_the_same_products() {
    let shop = Shop::open().await;
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    let made = async |wanted: Value| -> Vec<Value> {
        shop.post("/_sandbox/erp/generate", wanted).send().await.ok(200);
        let products = read_all(&shop, "products").await;
        let content = |record: &Value| json!([record["item_description"], record["unit_price"]]);
        products.iter().map(content).collect()
    };
    let first = made(json!({ "products": 600, "inventory": true, "seed": 5 })).await;
    assert_eq!(first.len(), 600);
    let levels = read_all(&shop, "inventory").await;
    assert_eq!(levels.len(), 600);
    assert!(levels.iter().all(|level| ["HCM", "HN"].contains(&text(&level["location"]))));
    let again = made(json!({ "products": 600, "seed": 5 })).await;
    assert_eq!(first, again, "those that were there are replaced");
    assert_ne!(first, made(json!({ "products": 600, "seed": 6 })).await);
    let spoiled = made(json!({ "products": 600, "seed": 5, "invalid_every": 10 })).await;
    let invalid: Vec<usize> = (0..600).filter(|at| spoiled[*at] != first[*at]).collect();
    assert_eq!(invalid, (9..600).step_by(10).collect::<Vec<_>>(), "every tenth, and nothing else");
    assert_eq!(spoiled[9][1], "on request");
    let too_many = shop.post("/_sandbox/erp/generate", json!({ "products": 1_000_001 })).send().await;
    too_many.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn lists_of_five_hundred_are_quick_in_a_full_shop() {
    let shop = Shop::open().await;
    let shelf = |number: u32| {
        let sku = format!("S-{number:05}");
        json!({ "sku": sku, "variant_id": sku, "price": number, "stock": 1 })
    };
    let shelves: Vec<_> = (0..5_000).map(shelf).collect();
    shop.put("/_sandbox/products", json!(shelves)).send().await.ok(200);
    let skus: Vec<_> = (0..500).map(|number| format!("S-{:05}", number * 10)).collect();
    let items: Vec<_> = skus.iter().map(|sku| json!({ "sku": sku, "location": "default" })).collect();
    let start = Instant::now();
    let found = shop.post("/products/lookup", json!({ "skus": skus })).send().await.data(200);
    assert_eq!(found["products"].as_array().map(Vec::len), Some(500));
    let found = shop.post("/inventory/lookup", json!({ "items": items })).send().await.data(200);
    assert_eq!(found["levels"].as_array().map(Vec::len), Some(500));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(shop.violations().await, [""; 0]);
}
