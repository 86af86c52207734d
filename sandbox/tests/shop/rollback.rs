//! The promises about a run that was rolled back, and the state that two moments are compared by.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Shop, text};

const RUN: &str = "catalog/spring/";

/// Everything that a run of the catalogue makes, under keys of its own.
struct Made {
    category: String,
    picture: String,
    rule: String,
}

fn key(step: &str) -> String {
    format!("{RUN}{step}")
}

async fn make(shop: &Shop) -> Made {
    let category = json!({ "name": "Mugs", "slug": "mugs" });
    let category = shop.post("/categories", category).key(&key("c")).send().await.data(201);
    let fields = [("filename", "mug.gif"), ("mimeType", "image/gif"), ("tags[]", "b"), ("tags[]", "a")];
    let picture = shop.ask(Method::POST, "/media/upload").form("b", &fields, b"GIF89a-mug");
    let picture = picture.key(&key("m")).send().await.data(201);
    let product = json!({
        "sku": "MUG-1", "name": "Mug", "productType": "simple", "price": 90_000, "categoryId": category["id"],
        "images": [picture["id"]], "attributes": { "b": 1, "a": "x" },
    });
    shop.post("/products", product).key(&key("p")).send().await.data(201);
    let stock =
        json!({ "product_id": "MUG-1", "quantity": 3, "location": "HN", "allocation_type": "GENERAL" });
    shop.post("/inventory", stock).key(&key("s")).send().await.data(201);
    let conditions = json!({ "category_ids": [category["id"]] }).to_string();
    let rule = json!({
        "name": "Mugs 10", "rule_type": "percentage", "discount_type": "percentage", "discount_value": 10,
        "conditions": conditions,
    });
    let rule = shop.post("/pricing-rules", rule).key(&key("r")).send().await.data(201);
    shop.put("/products/sku/MOUSE-001/price", json!({ "price": 1 }))
        .key(&key("price"))
        .send()
        .await
        .data(200);
    let id = |value: &Value| text(&value["id"]).to_owned();
    Made { category: id(&category), picture: id(&picture), rule: id(&rule) }
}

/// The violations when the run was rolled back.
async fn left(shop: &Shop) -> Vec<String> {
    let audit = shop.get(&format!("/_sandbox/audit?rolled_back={RUN}")).await;
    serde_json::from_value(audit["violations"].clone()).expect("texts")
}

async fn delete(shop: &Shop, path: &str) {
    let gone = shop.ask(Method::DELETE, path).key(&key("undo")).send().await;
    assert_eq!(gone.status, 204, "{path}: {}", gone.text);
}

#[tokio::test]
async fn nothing_may_be_left_of_a_run_that_was_rolled_back() {
    let shop = Shop::open().await;
    let before = shop.get("/_sandbox/shelf").await;
    let made = make(&shop).await;
    assert_eq!(shop.violations().await, [""; 0], "as long as nobody says that it was rolled back");
    let all = left(&shop).await;
    let expected =
        ["MOUSE-001-BLACK costs 1 VND, it found 500000", "rule Mugs 10", "product MUG-1", "category mugs"];
    for (line, part) in all.iter().zip(expected.into_iter().chain(["picture mug.gif"])) {
        assert!(line.starts_with("left of a run that was rolled back: ") && line.contains(part), "{line}");
    }
    assert_eq!(all.len(), 5, "{all:#?}");

    delete(&shop, &format!("/pricing-rules/{}", made.rule)).await;
    delete(&shop, "/products/MUG-1?force=true").await;
    delete(&shop, &format!("/categories/{}", made.category)).await;
    delete(&shop, &format!("/media/{}", made.picture)).await;
    let back = json!({ "price": 500_000, "expected_price": 1 });
    shop.put("/products/sku/MOUSE-001/price", back).key(&key("back")).send().await.data(200);
    assert_eq!(left(&shop).await, [""; 0]);
    assert_eq!(shop.get("/_sandbox/shelf").await, before);
    let refused = shop.ask(Method::GET, "/_sandbox/audit?rolledback=x").send().await;
    refused.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn the_work_of_others_stays() {
    let shop = Shop::open().await;
    let made = make(&shop).await;
    // Somebody puts a product of theirs into the category, shows the picture, changes the rule and the price.
    let theirs = json!({
        "sku": "CUP-1", "name": "Cup", "productType": "simple", "price": 1, "categoryId": made.category,
        "images": [made.picture],
    });
    shop.post("/products", theirs).send().await.data(201);
    shop.put(&format!("/pricing-rules/{}", made.rule), json!({ "priority": 7 })).send().await.data(200);
    shop.put("/products/sku/MOUSE-001/price", json!({ "price": 2 })).key("a person").send().await.data(200);
    let order = json!({
        "variant_id": "MUG-1", "quantity": 1, "reference_id": "ORDER-001",
        "reservation_expires_at": crate::harness::later(60),
    });
    shop.post("/inventory/reserve", order).send().await.data(200);
    assert_eq!(left(&shop).await, [""; 0]);
}

#[tokio::test]
async fn a_rule_that_outlives_its_category_points_nowhere() {
    let shop = Shop::open().await;
    let made = make(&shop).await;
    delete(&shop, "/products/MUG-1?force=true").await;
    delete(&shop, &format!("/categories/{}", made.category)).await;
    let violations = shop.violations().await;
    let expected = format!("rule that points nowhere: Mugs 10 is for {}", made.category);
    assert!(violations.len() == 1 && violations[0].starts_with(&expected), "{violations:?}");
    delete(&shop, &format!("/pricing-rules/{}", made.rule)).await;
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn two_shops_with_the_same_catalogue_are_alike() {
    let [one, other] = [Shop::open().await, Shop::open().await];
    other.post("/categories", json!({ "name": "N", "slug": "n" })).send().await.data(201);
    make(&one).await;
    let made = make(&other).await;
    let first = other.get("/categories?slug=n").await["data"][0]["id"].clone();
    let shelf = other.get("/_sandbox/shelf").await;
    assert_ne!(one.get("/_sandbox/shelf").await, shelf);
    delete(&other, &format!("/categories/{}", text(&first))).await;
    let shelf = other.get("/_sandbox/shelf").await;
    assert_eq!(one.get("/_sandbox/shelf").await, shelf, "whatever their ids and times");
    assert_eq!(shelf["products"]["MUG-1"]["category"], "mugs");
    assert_eq!(shelf["products"]["MUG-1"]["variants"]["MUG-1"]["levels"], json!({ "HN": 3 }));
    assert_eq!(shelf["pricing_rules"]["Mugs 10"]["conditions"]["category_ids"], json!(["mugs"]));
    assert_eq!(shelf["products"]["MUG-1"]["images"], json!([shelf["media"][0]["bytes"]]));
    assert_eq!(shelf["media"][0]["tags"], r#"["a","b"]"#);
    // Other bytes under the same name are another picture.
    delete(&other, "/products/MUG-1?force=true").await;
    delete(&other, &format!("/media/{}", made.picture)).await;
    let fields = [("filename", "mug.gif"), ("mimeType", "image/gif"), ("tags[]", "a"), ("tags[]", "b")];
    other.ask(Method::POST, "/media/upload").form("b", &fields, b"GIF89a-cup").send().await.data(201);
    assert_ne!(other.get("/_sandbox/shelf").await["media"], shelf["media"]);
}

#[tokio::test]
async fn a_fault_may_be_about_one_row() {
    let shop = Shop::open().await;
    let fault = |operation: &str, about: &str| json!([{ "operation": operation, "kind": "status", "status": 422, "about": about }]);
    shop.set_faults(fault("products.create", "MUG-2")).await;
    let product = |sku: &str| {
        shop.post("/products", json!({ "sku": sku, "name": "M", "productType": "simple", "price": 1 }))
    };
    product("MUG-1").send().await.data(201);
    product("MUG-2").send().await.refused(422, "UNPROCESSABLE");
    shop.set_faults(fault("media.upload", "b.gif")).await;
    for (name, status) in [("a.gif", 201), ("b.gif", 422)] {
        let fields = [("filename", name), ("mimeType", "image/gif")];
        let sent = shop.ask(Method::POST, "/media/upload").form("b", &fields, b"GIF89a").send().await;
        assert_eq!(sent.status, status, "{name}: {}", sent.text);
    }
    shop.set_faults(fault("*", "MUG-1")).await;
    shop.put("/products/MUG-1", json!({ "name": "N" })).send().await.refused(422, "UNPROCESSABLE");
    shop.put("/products/MOUSE-001", json!({ "name": "N" })).send().await.data(200);
    assert_eq!(shop.get("/_sandbox/faults").await[0]["hits"], 1);
}
