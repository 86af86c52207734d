//! Categories: a tree that keeps its shape.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Shop, text};

async fn make(shop: &Shop, name: &str, slug: &str, parent: Option<&str>) -> String {
    let body = json!({ "name": name, "slug": slug, "parentId": parent });
    let made = shop.post("/categories", body).send().await.data(201);
    text(&made["category_id"]).to_owned()
}

#[tokio::test]
async fn a_category_is_made_once_and_read_in_every_way() {
    let shop = Shop::open().await;
    let body = json!({
        "name": "Electronics", "slug": "electronics", "description": "Devices", "metaTitle": "E",
        "metaDescription": "All of it", "attributes": ["brand", "warranty"], "sortOrder": 2,
        "externalId": "C-1",
    });
    let first = shop.post("/categories", body.clone()).key("k").send().await;
    let made = first.data(201);
    assert_eq!((&made["id"], &made["isActive"]), (&made["category_id"], &json!(true)));
    for (field, value) in body.as_object().expect("an object") {
        assert_eq!(&made[field], value, "{field}");
    }
    let again = shop.post("/categories", body.clone()).key("k").send().await;
    assert!(again.replayed && again.text == first.text);
    let id = text(&made["id"]);
    assert_eq!(shop.get(&format!("/categories/{id}")).await["data"], made);
    for query in ["", "?slug=electronics", "?externalId=C-1"] {
        let list = shop.get(&format!("/categories{query}")).await;
        assert_eq!(list["data"], json!([made]), "{query}");
        let pagination = json!({ "page": 1, "page_size": 50, "total": 1, "total_pages": 1 });
        assert_eq!(list["pagination"], pagination);
    }
    assert_eq!(shop.get("/categories?slug=other").await["data"], json!([]));
    let ghost = shop.ask(Method::GET, "/categories/cat_0").send().await;
    ghost.refused(404, "CATEGORY_NOT_FOUND");
}

#[tokio::test]
async fn slugs_are_unique_below_one_parent_only() {
    let shop = Shop::open().await;
    let phones = make(&shop, "Phones", "phones", None).await;
    let laptops = make(&shop, "Laptops", "laptops", None).await;
    let of_phones = make(&shop, "Accessories", "accessories", Some(&phones)).await;
    let of_laptops = make(&shop, "Accessories", "accessories", Some(&laptops)).await;
    let again = json!({ "name": "Other", "slug": "accessories", "parentId": phones });
    let error = shop.post("/categories", again).send().await.refused(409, "SLUG_TAKEN");
    assert_eq!(error["details"]["category_id"], json!(of_phones));
    let top = json!({ "name": "Other", "slug": "phones" });
    shop.post("/categories", top).send().await.refused(409, "SLUG_TAKEN");
    let lost = json!({ "name": "Lost", "slug": "lost", "parentId": "cat_0" });
    let error = shop.post("/categories", lost).send().await.refused(422, "CATEGORY_NOT_FOUND");
    assert!(error["details"]["parentId"].is_array(), "{error}");

    let moved = shop.put(&format!("/categories/{of_laptops}"), json!({ "parentId": phones }));
    moved.send().await.refused(409, "SLUG_TAKEN");
    for parent in [&phones, &of_phones] {
        let moved = shop.put(&format!("/categories/{phones}"), json!({ "parentId": parent }));
        moved.send().await.refused(422, "CATEGORY_CYCLE");
    }
    // A product whose category is known by its name only cannot say which.
    let product = json!({ "sku": "CASE", "name": "Case", "price": 1, "category": "Accessories" });
    let error = shop.post("/products", product).send().await.refused(409, "CATEGORY_AMBIGUOUS");
    assert_eq!(error["details"]["category_ids"], json!([of_phones, of_laptops]));

    let tree = shop.get("/categories/tree").await["data"]["categories"].clone();
    let shown: Vec<_> = tree
        .as_array()
        .expect("a list")
        .iter()
        .map(|top| (text(&top["slug"]), top["children"][0]["id"].clone()))
        .collect();
    assert_eq!(shown, [("phones", json!(of_phones)), ("laptops", json!(of_laptops))]);
}

#[tokio::test]
async fn an_update_changes_what_is_given() {
    let shop = Shop::open().await;
    let top = make(&shop, "Top", "top", None).await;
    let id = make(&shop, "Mice", "mice", Some(&top)).await;
    let path = format!("/categories/{id}");
    let change = json!({
        "name": "Mouses", "description": "d", "parentId": null, "isActive": false, "attributes": ["dpi"],
    });
    let changed = shop.put(&path, change.clone()).key("k").send().await.data(200);
    for (field, value) in change.as_object().expect("an object") {
        assert_eq!(&changed[field], value, "{field}");
    }
    assert_eq!(changed["slug"], "mice");
    let same = shop.put(&path, change).key("l").send().await.data(200);
    assert_eq!(same, changed);
    let log = shop.get("/_sandbox/effects").await;
    let effects: Vec<&Value> = log.as_array().expect("a list").iter().map(|line| &line["effect"]).collect();
    let expected = "changed name, description, parentId, isActive, attributes of category mice";
    assert_eq!(effects[2..], [&json!(expected), &json!("none")]);
    let cleared = shop.put(&path, json!({ "description": null })).send().await.data(200);
    assert_eq!((&cleared["description"], &cleared["name"]), (&json!(null), &json!("Mouses")));
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "slug": "a b" }), "slug"),
        (json!({ "slug": "x".repeat(256) }), "slug"),
        (json!({ "isActive": "yes" }), "isActive"),
        (json!({ "sortOrder": 1.5 }), "sortOrder"),
        (json!({ "attributes": [1] }), "attributes[0]"),
        (json!({ "is_active": true }), "is_active"),
    ] {
        let error = shop.put(&path, body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
}

#[tokio::test]
async fn only_an_empty_category_is_deleted() {
    let shop = Shop::open().await;
    let top = make(&shop, "Top", "top", None).await;
    let below = make(&shop, "Below", "below", Some(&top)).await;
    shop.put("/products/MOUSE-001", json!({ "categoryId": below })).send().await.data(200);
    let delete = |id: &str| shop.ask(Method::DELETE, &format!("/categories/{id}"));
    for (id, details) in
        [(&top, json!({ "products": 0, "children": 1 })), (&below, json!({ "products": 1, "children": 0 }))]
    {
        let error = delete(id).send().await.refused(409, "CATEGORY_NOT_EMPTY");
        assert_eq!(error["details"], details);
    }
    shop.put("/products/MOUSE-001", json!({ "categoryId": null })).send().await.data(200);
    let gone = delete(&below).key("undo").send().await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    let again = delete(&below).key("undo").send().await;
    assert!(again.status == 204 && again.replayed, "{again:?}");
    delete(&below).send().await.refused(404, "CATEGORY_NOT_FOUND");
    assert_eq!(delete(&top).send().await.status, 204);
    assert_eq!(shop.get("/categories").await["pagination"]["total"], 0);
}

#[tokio::test]
async fn categories_come_in_pages() {
    let shop = Shop::open().await;
    for number in 0..7 {
        make(&shop, &format!("C{number}"), &format!("c{number}"), None).await;
    }
    let page = shop.get("/categories?page=3&pageSize=3").await;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["data"][0]["slug"], "c6");
    let pagination = json!({ "page": 3, "page_size": 3, "total": 7, "total_pages": 3 });
    assert_eq!(page["pagination"], pagination);
    assert_eq!(shop.get("/categories?page=4&pageSize=3").await["data"], json!([]));
    for query in ["page=0", "pageSize=101", "pageSize=x", "limit=3", "page=1&page=2"] {
        let refused = shop.ask(Method::GET, &format!("/categories?{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}
