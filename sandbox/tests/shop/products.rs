//! Products in the platform's own form: one model with that of a sync.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Shop, order, text};

fn mug() -> Value {
    json!({
        "name": "Mug", "sku": "MUG-1", "productType": "simple", "price": 90_000, "compareAtPrice": 120_000,
        "costPrice": 40_000, "description": "Holds tea", "shortDescription": "A mug", "metaTitle": "Mug",
        "handle": "mug", "weight": 300, "dimensions": { "length": 9, "width": 9.5, "height": 10 },
        "tags": ["kitchen"], "attributes": { "brand": "Example", "colour": "blue" },
    })
}

#[tokio::test]
async fn a_product_is_made_once_and_read_in_every_way() {
    let shop = Shop::open().await;
    let first = shop.post("/products", mug()).key("k").send().await;
    let made = first.data(201);
    for (field, value) in mug().as_object().expect("an object") {
        assert_eq!(&made[field], value, "{field}");
    }
    assert_eq!((&made["status"], &made["active"]), (&json!("draft"), &json!(false)));
    // A caller that takes `id` for `product_id` reads it as well: one of them, never both.
    assert_eq!((&made["product_id"], &made["id"]), (&json!("MUG-1"), &json!(null)));
    assert_eq!((&made["images"], &made["currency"]), (&json!([]), &json!("VND")));
    let variants = json!([{
        "variant_id": "MUG-1", "price": 90_000, "currency": "VND", "compareAtPrice": 120_000,
        "costPrice": 40_000, "attributes": null,
        "inventory": { "quantity": 0, "available": 0, "reserved": 0 },
    }]);
    assert_eq!(made["variants"], variants);
    let again = shop.post("/products", mug()).key("k").send().await;
    assert!(again.replayed && again.text == first.text);
    for path in ["/products/MUG-1", "/products/sku/MUG-1", "/products/handle/mug"] {
        assert_eq!(shop.get(path).await["data"], made, "{path}");
    }
    let full = shop.post("/products/lookup", json!({ "skus": ["GHOST", "MUG-1"], "view": "full" }));
    assert_eq!(full.send().await.data(200)["products"], json!([made]));
    for path in ["/products/MUG", "/products/sku/mug-1", "/products/handle/MUG"] {
        shop.ask(Method::GET, path).send().await.refused(404, "PRODUCT_NOT_FOUND");
    }
    let mut other = mug();
    other["handle"] = json!("other");
    shop.post("/products", other.clone()).send().await.refused(409, "SKU_TAKEN");
    (other["sku"], other["handle"]) = (json!("MUG-2"), json!("mug"));
    let error = shop.post("/products", other).send().await.refused(409, "HANDLE_TAKEN");
    assert_eq!(error["details"]["product_id"], "MUG-1");
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_wrong_field_of_a_product_is_named() {
    let shop = Shop::open().await;
    for (field, value, named) in [
        ("name", json!("n".repeat(256)), "name"),
        ("sku", json!("S".repeat(101)), "sku"),
        ("productType", json!("physical"), "productType"),
        ("status", json!("on"), "status"),
        ("price", json!(-1), "price"),
        ("price", json!("90000"), "price"),
        ("costPrice", json!(0.5), "costPrice"),
        ("weight", json!(-1), "weight"),
        ("weight", json!("300 g"), "weight"),
        ("dimensions", json!({ "length": 1, "width": 1 }), "dimensions.height"),
        ("tags", json!("kitchen"), "tags"),
        ("attributes", json!([]), "attributes"),
        ("images", json!(["picture.jpg"]), "images[0]"),
        ("categoryId", json!("cat_0"), "categoryId"),
        ("variants", json!([]), "variants"),
        ("variants", json!([{ "sku": "A" }, { "sku": "A" }]), "variants[1].sku"),
        ("variants", json!([{ "sku": "A", "price": 0.5 }]), "variants[0].price"),
        ("variants", json!([{ "sku": "MOUSE-001-BLACK" }]), "variants[0].sku"),
        ("category", json!("Mugs"), "category"),
        ("active", json!(true), "active"),
    ] {
        let mut body = mug();
        body[field] = value;
        let refused = shop.post("/products", body).send().await;
        assert!([400, 409, 422].contains(&refused.status), "{field}: {}", refused.text);
        assert!(refused.json()["error"]["details"][named].is_array(), "{named}: {}", refused.text);
    }
    let list = shop.get("/products?search=MUG").await;
    assert_eq!(list["pagination"]["total"], 0, "nothing was made");
    let mut sync = json!({ "sku": "MUG-1", "name": "Mug", "price": 1 });
    sync["status"] = json!("draft");
    shop.post("/products", sync).send().await.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_syncs_words_and_the_platforms_are_one_fact() {
    let shop = Shop::open().await;
    let sync = json!({ "sku": "A", "name": "A", "price": 1, "category": "Mugs", "active": false });
    let made = shop.post("/products", sync).send().await.data(201);
    assert_eq!((&made["status"], &made["category"]), (&json!("inactive"), &json!("Mugs")));
    let list = shop.get("/categories").await["data"].clone();
    assert_eq!((&list[0]["id"], &list[0]["slug"]), (&made["categoryId"], &json!("mugs")));

    let mut product = mug();
    product["categoryId"] = made["categoryId"].clone();
    shop.post("/products", product).send().await.data(201);
    let found = shop.post("/products/lookup", json!({ "skus": ["MUG-1"] })).send().await.data(200);
    assert_eq!(
        (&found["products"][0]["category"], &found["products"][0]["active"]),
        (&json!("Mugs"), &json!(false))
    );
    let put = |body: Value| shop.put("/products/MUG-1", body);
    let still = put(json!({ "active": false })).send().await.data(200);
    assert_eq!(still["status"], "draft", "a draft is not active already");
    let on = put(json!({ "active": true })).send().await.data(200);
    assert_eq!(on["status"], "active");
    let off = put(json!({ "active": false })).send().await.data(200);
    assert_eq!(off["status"], "inactive");
    let away = put(json!({ "status": "archived", "category": null })).send().await.data(200);
    assert_eq!((&away["active"], &away["categoryId"]), (&json!(false), &json!(null)));
    for (body, field) in [
        (json!({ "active": true, "status": "active" }), "active"),
        (json!({ "category": "Mugs", "categoryId": made["categoryId"] }), "category"),
    ] {
        let error = put(body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
    assert_eq!(shop.get("/categories").await["pagination"]["total"], 1, "no second category of the name");
}

#[tokio::test]
async fn an_update_changes_any_subset() {
    let shop = Shop::open().await;
    shop.post("/products", mug()).send().await.data(201);
    let change = json!({
        "metaDescription": "Text", "costPrice": 50_000, "tags": ["a", "b"], "attributes": { "brand": "Other" },
        "handle": "big-mug", "weight": 310, "productType": "gift_item", "status": "active", "price": 95_000,
    });
    let changed = shop.put("/products/MUG-1", change.clone()).key("k").send().await.data(200);
    for (field, value) in change.as_object().expect("an object") {
        assert_eq!(&changed[field], value, "{field}");
    }
    let same = shop.put("/products/MUG-1", change).key("l").send().await.data(200);
    assert_eq!(same, changed, "not even the time of its last change is another one");
    let cleared = json!({ "costPrice": null, "compareAtPrice": null, "dimensions": null, "tags": null });
    let cleared = shop.put("/products/MUG-1", cleared).send().await.data(200);
    for field in ["costPrice", "compareAtPrice", "dimensions", "tags"] {
        assert_eq!(cleared[field], json!(null), "{field}");
    }
    let log = shop.get("/_sandbox/effects").await;
    let expected = "changed price, status, productType, metaDescription, handle, weight, tags, attributes, \
                    costPrice of product MUG-1";
    assert_eq!((&log[1]["effect"], &log[2]["effect"]), (&json!(expected), &json!("none")));
    let ledger = shop.get("/_sandbox/prices").await;
    assert_eq!(ledger.as_array().map(Vec::len), Some(1));
    for (body, field) in [
        (json!({ "sku": "MUG-2" }), "sku"),
        (json!({ "name": null, "x": 1 }), "x"),
        (json!({ "weight": "1" }), "weight"),
        (json!({ "categoryId": 7 }), "categoryId"),
    ] {
        let error = shop.put("/products/MUG-1", body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
}

#[tokio::test]
async fn a_search_is_a_substring_and_the_newest_come_first() {
    let shop = Shop::open().await;
    for number in (1..=1).chain(10..=199) {
        let mut body = mug();
        (body["sku"], body["handle"]) = (json!(format!("MUG-{number}")), json!(format!("mug-{number}")));
        shop.post("/products", body).send().await.data(201);
    }
    let first = shop.get("/products?search=mug-1&pageSize=100").await;
    assert_eq!(first["data"].as_array().map(Vec::len), Some(100));
    let pagination = json!({ "page": 1, "page_size": 100, "total": 111, "total_pages": 2 });
    assert_eq!(first["pagination"], pagination);
    let has_it =
        |page: &Value| page["data"].as_array().is_some_and(|all| all.iter().any(|p| p["sku"] == "MUG-1"));
    assert!(!has_it(&first));
    let second = shop.get("/products?search=mug-1&pageSize=100&page=2").await;
    assert_eq!(second["data"][10]["sku"], "MUG-1", "the last of all");
    assert_eq!(shop.get("/products?search=100%25").await["pagination"]["total"], 0, "no pattern");
    assert_eq!(shop.get("/products?search=keyboard").await["data"][0]["sku"], "KEYBOARD-001", "by name");
    for (query, total) in [
        ("status=draft", 191),
        ("status=active", 6),
        ("productType=gift_card", 0),
        ("priceMin=500000&priceMax=990000", 2),
        ("categoryId=cat_0", 0),
    ] {
        assert_eq!(shop.get(&format!("/products?{query}")).await["pagination"]["total"], total, "{query}");
    }
    for query in ["status=on", "priceMin=cheap", "pageSize=101", "colour=red"] {
        let refused = shop.ask(Method::GET, &format!("/products?{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn a_product_has_variants_of_its_own() {
    let shop = Shop::open().await;
    let mut body = mug();
    body["productType"] = json!("configurable");
    body["variants"] = json!([
        { "sku": "MUG-1-S", "price": 80_000, "attributes": { "size": "S" } },
        { "sku": "MUG-1-L", "costPrice": 45_000 },
    ]);
    let made = shop.post("/products", body).send().await.data(201);
    assert_eq!((&made["price"], &made["costPrice"]), (&json!(80_000), &json!(40_000)), "the cheapest");
    let shown: Vec<_> = made["variants"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|variant| (text(&variant["variant_id"]), variant["price"].clone(), variant["costPrice"].clone()))
        .collect();
    let expected = [("MUG-1-L", json!(90_000), json!(45_000)), ("MUG-1-S", json!(80_000), json!(40_000))];
    assert_eq!(shown, expected);
    let stock = |variant: Option<&str>| {
        let body = json!({
            "product_id": "MUG-1", "variant_id": variant, "quantity": 4, "location": "HN",
            "allocation_type": "GENERAL",
        });
        shop.post("/inventory", body)
    };
    let error = stock(None).send().await.refused(422, "VARIANT_REQUIRED");
    assert_eq!(error["details"]["variants"], json!(["MUG-1-L", "MUG-1-S"]));
    stock(Some("MUG-1-XL")).send().await.refused(404, "VARIANT_NOT_FOUND");
    stock(Some("MUG-1-S")).send().await.data(201);
    assert_eq!(shop.stock("MUG-1-S").await, (4, 0));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn stock_is_made_once_per_variant_and_location() {
    let shop = Shop::open().await;
    shop.post("/products", mug()).send().await.data(201);
    let stock = |location: &str, quantity: u32| {
        let body = json!({
            "product_id": "MUG-1", "quantity": quantity, "location": location, "allocation_type": "GENERAL",
        });
        shop.post("/inventory", body)
    };
    let first = stock("HN", 7).key("k").send().await;
    let expected = json!({
        "id": "MUG-1@HN", "product_id": "MUG-1", "variant_id": "MUG-1", "location": "HN", "quantity": 7,
        "allocation_type": "GENERAL",
    });
    assert_eq!(first.data(201), expected);
    assert!(stock("HN", 7).key("k").send().await.replayed);
    let error = stock("HN", 7).key("l").send().await.refused(409, "INVENTORY_EXISTS");
    assert_eq!(error["details"], json!({ "id": "MUG-1@HN", "quantity": 7 }));
    stock("HCM", 0).send().await.data(201);
    stock("HCM", 5).send().await.refused(409, "INVENTORY_EXISTS");
    let list = shop.get("/inventory/product/MUG-1").await["data"].clone();
    assert_eq!((&list[0]["id"], &list[1]["quantity"]), (&json!("MUG-1@HCM"), &json!(7)));
    assert_eq!(shop.stock("MUG-1").await, (7, 0));
    let ghost = shop.ask(Method::GET, "/inventory/product/GHOST").send().await;
    ghost.refused(404, "PRODUCT_NOT_FOUND");
    let body =
        json!({ "product_id": "GHOST", "quantity": 1, "location": "HN", "allocation_type": "GENERAL" });
    shop.post("/inventory", body).send().await.refused(404, "PRODUCT_NOT_FOUND");
    let body =
        json!({ "product_id": "MUG-1", "quantity": 1, "location": "DN", "allocation_type": "CHANNEL" });
    let error = shop.post("/inventory", body).send().await.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["allocation_type"].is_array(), "{error}");
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_product_is_archived_or_deleted_but_never_one_that_was_ordered() {
    let shop = Shop::open().await;
    shop.post("/products", mug()).key("k").send().await.data(201);
    let body =
        json!({ "product_id": "MUG-1", "quantity": 7, "location": "HN", "allocation_type": "GENERAL" });
    shop.post("/inventory", body).send().await.data(201);
    shop.put("/products/sku/MUG-1/price", json!({ "price": 1 })).send().await.data(200);
    let delete = |path: &str| shop.ask(Method::DELETE, path);
    assert_eq!(delete("/products/MUG-1").key("a").send().await.status, 204);
    assert_eq!(shop.get("/products/MUG-1").await["data"]["status"], "archived");
    shop.post("/products", mug()).send().await.refused(409, "SKU_TAKEN");
    assert_eq!(delete("/products/MUG-1?force=true").key("b").send().await.status, 204);
    assert!(delete("/products/MUG-1?force=true").key("b").send().await.replayed);
    delete("/products/MUG-1?force=true").send().await.refused(404, "PRODUCT_NOT_FOUND");
    delete("/products/MOUSE-001?force=yes").send().await.refused(400, "VALIDATION_ERROR");
    assert_eq!(shop.get("/_sandbox/prices").await, json!([]));
    assert_eq!(shop.violations().await, [""; 0]);
    shop.post("/products", mug()).send().await.data(201);
    assert_eq!(shop.violations().await, [""; 0]);

    shop.reserve("ORDER-001", "MOUSE-001-BLACK", 1).send().await.data(200);
    let error = delete("/products/MOUSE-001?force=true").send().await.refused(409, "PRODUCT_IN_USE");
    assert_eq!(error["details"], json!({ "reservations": 1, "orders": 0 }));
    shop.validate("ORDER-002", order()).await;
    let error = delete("/products/LAPTOP-001?force=true").send().await.refused(409, "PRODUCT_IN_USE");
    assert_eq!(error["details"], json!({ "reservations": 0, "orders": 1 }));
    assert_eq!(delete("/products/LAPTOP-001").send().await.status, 204, "archiving is always possible");
}

#[tokio::test]
async fn the_platform_writes_texts_for_search_engines() {
    let shop = Shop::open().await;
    let mut body = mug();
    body["description"] = json!("Holds tea, coffee and everything else that is warm. ".repeat(9));
    shop.post("/products", body).send().await.data(201);
    let ask = |kind: &str| shop.post("/products/MUG-1/seo-content", json!({ "type": kind }));
    let text_of = ask("meta_description").send().await.data(200);
    let content = text(&text_of["content"]);
    assert!(content.starts_with("Mug: Holds tea") && content.ends_with('…'), "{content}");
    assert!(content.chars().count() <= 160, "{content}");
    assert_eq!(ask("meta_description").send().await.data(200), text_of, "the same again");
    assert_eq!(ask("meta_title").send().await.data(200)["content"], "Mug");
    assert_eq!(shop.get("/products/MUG-1").await["data"]["metaDescription"], json!(null));
    let error = ask("poem").send().await.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["type"].is_array(), "{error}");
    let ghost = shop.post("/products/GHOST/seo-content", json!({ "type": "meta_title" })).send().await;
    ghost.refused(404, "PRODUCT_NOT_FOUND");
}
