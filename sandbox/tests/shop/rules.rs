//! Pricing rules, which must point somewhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Shop, text};

fn rule(name: &str, conditions: &Value) -> Value {
    json!({
        "name": name, "rule_type": "percentage", "discount_type": "percentage", "discount_value": 7.50,
        "conditions": conditions.to_string(), "actions": r#"{"discount_value":7.5}"#, "priority": 1,
        "start_date": "2026-11-30T17:00:00Z", "end_date": "2026-12-31T17:00:00Z", "usage_limit": 10,
    })
}

async fn laptops(shop: &Shop) -> String {
    let body = json!({ "name": "Laptops", "slug": "laptops" });
    text(&shop.post("/categories", body).send().await.data(201)["id"]).to_owned()
}

#[tokio::test]
async fn a_rule_is_made_once_and_read_in_every_way() {
    let shop = Shop::open().await;
    let conditions = json!({ "category_ids": [laptops(&shop).await], "min_quantity": 2 });
    let body = rule("Bulk laptops / 2", &conditions);
    let first = shop.post("/pricing-rules", body.clone()).key("k").send().await;
    let made = first.data(201);
    for (field, value) in body.as_object().expect("an object") {
        assert_eq!(&made[field], value, "{field}");
    }
    assert!(first.text.contains("\"discount_value\":7.5,"), "{}", first.text);
    assert_eq!((&made["is_active"], &made["usage_count"]), (&json!(true), &json!(0)));
    let again = shop.post("/pricing-rules", body.clone()).key("k").send().await;
    assert!(again.replayed && again.text == first.text);
    let error = shop.post("/pricing-rules", body).key("l").send().await.refused(409, "RULE_NAME_TAKEN");
    assert_eq!(error["details"]["rule_id"], made["id"]);
    let id = text(&made["id"]);
    for path in [format!("/pricing-rules/{id}"), "/pricing-rules/name/Bulk%20laptops%20%2F%202".to_owned()] {
        assert_eq!(shop.get(&path).await["data"], made, "{path}");
    }
    let ghost = shop.ask(Method::GET, "/pricing-rules/name/Ghost").send().await;
    ghost.refused(404, "RULE_NOT_FOUND");
    for (now, active) in
        [("2026-11-30T16:59:59Z", 0), ("2026-11-30T17:00:00Z", 1), ("2026-12-31T17:00:00Z", 0)]
    {
        shop.put("/_sandbox/clock", json!({ "now": now })).send().await.ok(200);
        let list = shop.get("/pricing-rules?active=true&ruleType=percentage").await;
        assert_eq!(list["pagination"]["total"], active, "{now}");
        assert_eq!(shop.get("/pricing-rules?active=false").await["pagination"]["total"], 1 - active);
    }
    for query in ["active=yes", "ruleType=percent", "page=0", "x=1"] {
        let refused = shop.ask(Method::GET, &format!("/pricing-rules?{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn a_wrong_rule_is_refused_with_its_field() {
    let shop = Shop::open().await;
    let text_of = |conditions: Value| json!(conditions.to_string());
    for (field, value, named) in [
        ("rule_type", json!("percent"), "rule_type"),
        ("discount_type", json!("fixed"), "discount_type"),
        ("discount_value", json!(0), "discount_value"),
        ("discount_value", json!(100.01), "discount_value"),
        ("discount_value", json!("10%"), "discount_value"),
        ("discount_value", json!(0.00001), "discount_value"),
        ("conditions", json!({}), "conditions"),
        ("conditions", json!("none"), "conditions"),
        ("conditions", json!("[]"), "conditions"),
        ("conditions", text_of(json!({ "category_ids": [] })), "conditions.category_ids"),
        ("conditions", text_of(json!({ "category_names": ["Laptops"] })), "conditions.category_names"),
        ("conditions", text_of(json!({ "min_quantity": 0 })), "conditions.min_quantity"),
        ("actions", json!("[]"), "actions"),
        ("start_date", json!("2026-12-01"), "start_date"),
        ("end_date", json!("2026-11-30T17:00:00Z"), "end_date"),
        ("usage_limit", json!(0), "usage_limit"),
        ("validFrom", json!("2026-11-30T17:00:00Z"), "validFrom"),
    ] {
        let mut body = rule("R", &json!({}));
        body[field] = value;
        let error = shop.post("/pricing-rules", body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][named].is_array(), "{named}: {error}");
    }
    let ghost = rule("R", &json!({ "category_ids": ["cat_0"] }));
    let error = shop.post("/pricing-rules", ghost).send().await.refused(422, "CATEGORY_NOT_FOUND");
    assert!(error["details"]["conditions.category_ids"].is_array(), "{error}");
    let ghost = rule("R", &json!({ "product_ids": ["GHOST"] }));
    shop.post("/pricing-rules", ghost).send().await.refused(422, "PRODUCT_NOT_FOUND");
    let mut gift = rule("R", &json!({ "buy_quantity": 2 }));
    (gift["rule_type"], gift["discount_type"]) = (json!("buy_x_get_y"), json!("buy_x_get_y"));
    shop.post("/pricing-rules", gift.clone()).send().await.refused(400, "VALIDATION_ERROR");
    gift["conditions"] = json!(r#"{"buy_quantity":2,"get_quantity":1}"#);
    shop.post("/pricing-rules", gift).send().await.data(201);
}

#[tokio::test]
async fn a_rule_is_changed_switched_and_deleted() {
    let shop = Shop::open().await;
    let made = shop.post("/pricing-rules", rule("R", &json!({}))).send().await.data(201);
    let path = format!("/pricing-rules/{}", text(&made["id"]));
    let change = json!({
        "name": "S", "discount_value": 10, "end_date": null, "conditions": r#"{"product_ids":["MOUSE-001"]}"#,
        "description": "d", "usage_limit": null,
    });
    let changed = shop.put(&path, change.clone()).key("k").send().await.data(200);
    for (field, value) in change.as_object().expect("an object") {
        assert_eq!(&changed[field], value, "{field}");
    }
    assert_eq!(shop.put(&path, change).key("l").send().await.data(200), changed);
    for (body, field) in [
        (json!({ "end_date": "2026-11-30T16:00:00Z" }), "end_date"),
        (json!({ "discount_value": 101 }), "discount_value"),
        (json!({ "rule_type": "fixed" }), "rule_type"),
        (json!({ "discount_type": "fixed" }), "discount_type"),
        (json!({ "is_active": false }), "is_active"),
    ] {
        let error = shop.put(&path, body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
    let status = |on: Value| {
        let path = format!("{path}/status");
        shop.ask(Method::PATCH, &path).body(json!({ "isActive": on }).to_string())
    };
    assert_eq!(status(json!(false)).send().await.data(200)["is_active"], false);
    status(json!("no")).send().await.refused(400, "VALIDATION_ERROR");
    let effects = shop.get("/_sandbox/effects").await.to_string();
    assert!(effects.contains("switched pricing rule S off"), "{effects}");
    let expected =
        "changed name, description, discount_value, conditions, end_date, usage_limit of pricing rule R";
    assert!(effects.contains(expected), "{effects}");
    let delete = || shop.ask(Method::DELETE, &path);
    assert_eq!(delete().key("undo").send().await.status, 204);
    assert!(delete().key("undo").send().await.replayed);
    delete().send().await.refused(404, "RULE_NOT_FOUND");
}
