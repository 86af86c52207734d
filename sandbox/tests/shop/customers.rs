//! Customers, their points and coupons, and the promises about them.

use reqwest::Method;
use rusqlite::Connection;
use sandbox::{Database, Options};
use serde_json::{Value, json};

use crate::harness::{Ask, Shop, text};

fn registration(address: &str) -> Value {
    json!({
        "email": address, "first_name": "Nguyen", "last_name": "Van A", "phone": "+84901234567",
        "date_of_birth": "1990-01-01", "preferences": { "newsletter": true }, "marketing_consent": true,
    })
}

async fn registered(shop: &Shop, address: &str) -> String {
    let made = shop.post("/customers", registration(address)).key(address).send().await.data(201);
    text(&made["customer_id"]).to_owned()
}

fn open_account<'a>(shop: &'a Shop, customer: &str) -> Ask<'a> {
    let body = json!({ "customer_id": customer, "tier": "bronze", "welcome_bonus_points": 100 });
    shop.post("/loyalty/accounts", body)
}

fn make_coupon<'a>(shop: &'a Shop, customer: &str, code: &str) -> Ask<'a> {
    let body = json!({
        "code": code, "type": "percentage", "value": 10, "usage_limit": 1, "customer_id": customer,
        "expiry_date": "2999-01-01T00:00:00Z",
    });
    shop.post("/coupons", body)
}

fn undo<'a>(shop: &'a Shop, path: &str, customer: &str, key: &str) -> Ask<'a> {
    shop.post(path, json!({ "customer_id": customer, "idempotency_key": key, "reason": "test" }))
}

#[tokio::test]
async fn an_address_has_one_account_which_is_taken_up_again_when_it_was_given_up() {
    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    for query in ["idempotency_key=a@example.com", "email=A@Example.com"] {
        let found = shop.get(&format!("/customers?{query}")).await["data"].clone();
        assert_eq!(found[0]["customer_id"], json!(id), "{query}");
    }
    let refused = shop.post("/customers", registration("A@example.com")).key("b").send().await;
    refused.refused(409, "EMAIL_ALREADY_REGISTERED");
    let path = format!("/customers/{id}");
    shop.put(&path, json!({ "status": "sleeping" })).send().await.refused(400, "VALIDATION_ERROR");
    shop.put(&path, json!({ "status": "incomplete_onboarding" })).send().await.data(200);
    let again = shop.post("/customers", registration("A@example.com")).key("c").send().await.data(201);
    assert_eq!((&again["customer_id"], &again["status"]), (&json!(id), &json!("active")));
    shop.ask(Method::GET, "/customers/cus_404").send().await.refused(404, "RESOURCE_NOT_FOUND");
    let mut nobody = registration("nobody");
    shop.post("/customers", nobody.clone()).send().await.refused(400, "VALIDATION_ERROR");
    nobody["email"] = json!("b@example.com");
    nobody["date_of_birth"] = json!("1990-02-30");
    shop.post("/customers", nobody).send().await.refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn what_the_shop_makes_of_a_customer_is_kept() {
    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    let settings = json!({ "categories": ["fashion"], "price_range": "medium", "brands": [] });
    let body = json!({ "recommendation_settings": settings });
    shop.put(&format!("/customers/{id}/preferences"), body).send().await.data(200);
    let sections = json!([{ "type": "hero_banner", "content": "hello" }]);
    let home = json!({ "content_type": "homepage", "sections": sections });
    let path = format!("/customers/{id}/personalized-content");
    shop.post(&path, home).send().await.data(201);
    let wrong = json!({ "content_type": "homepage", "sections": [{ "type": "carousel", "content": "x" }] });
    shop.post(&path, wrong).send().await.refused(400, "VALIDATION_ERROR");
    for _ in 0..2 {
        let segments = json!({ "segments": ["new_customer", "budget_medium"] });
        shop.post(&format!("/customers/{id}/segments"), segments).send().await.data(200);
    }
    let known = shop.get("/_sandbox/customers").await;
    assert_eq!(known[0]["recommendation_settings"], settings);
    assert_eq!(known[0]["homepage"], sections);
    assert_eq!(known[0]["segments"], json!(["budget_medium", "new_customer"]));
    assert_eq!(known[0]["preferences"], json!({ "newsletter": true }));

    let wish = format!("/products/recommendations?customer_id={id}&type=onboarding&limit=2");
    let products = shop.get(&wish).await["data"]["products"].clone();
    assert_eq!(products.as_array().map(Vec::len), Some(2));
    assert!(products[0]["price"].is_number() && products[0]["currency"].is_string(), "{products}");
    for wrong in ["type=onboarding&limit=2", "customer_id=x&type=onboarding&limit=0", "colour=red"] {
        let asked = shop.ask(Method::GET, &format!("/products/recommendations?{wrong}")).send().await;
        asked.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn what_may_be_mailed_is_told_and_changed() {
    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    let path = format!("/customers/{id}/mail-permission");
    let facts = json!({
        "customer_id": id, "status": "active", "marketing_consent": true, "unsubscribed": false,
        "suppressed": null, "orders_placed": 0, "time_zone": "Asia/Ho_Chi_Minh", "quiet_hours": null,
        "email": "a@example.com",
    });
    assert_eq!(shop.get(&path).await["data"], facts);
    let change = json!({
        "marketing_consent": false, "suppressed": "bounce", "time_zone": "Europe/Berlin", "orders_placed": 2,
        "quiet_hours": { "from": "21:00", "until": "08:00" }, "email": "B@example.com",
    });
    shop.put(&format!("/_sandbox/customers/{id}"), change.clone()).send().await.ok(200);
    shop.put(&path, json!({ "unsubscribed": true })).send().await.data(200);
    let facts = shop.get(&path).await["data"].clone();
    assert_eq!(facts["unsubscribed"], true);
    for (name, value) in change.as_object().expect("an object") {
        assert_eq!(&facts[name], value, "{name}");
    }
    let clean = json!({ "suppressed": null, "quiet_hours": null });
    let facts = shop.put(&format!("/_sandbox/customers/{id}"), clean).send().await.ok(200);
    assert_eq!((&facts["suppressed"], &facts["quiet_hours"]), (&Value::Null, &Value::Null));
    let facts = shop.put(&path, json!({ "suppressed": "bounce" })).send().await.data(200);
    assert_eq!((&facts["suppressed"], &facts["unsubscribed"]), (&json!("bounce"), &json!(true)));
    for wrong in [json!({}), json!({ "suppressed": "boredom" })] {
        shop.put(&path, wrong).send().await.refused(400, "VALIDATION_ERROR");
    }
    for wrong in [
        json!({ "suppressed": "boredom" }),
        json!({ "quiet_hours": { "from": "late", "until": "08:00" } }),
        json!({ "mood": "good" }),
    ] {
        let refused = shop.put(&format!("/_sandbox/customers/{id}"), wrong).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn points_are_given_once_and_taken_back_by_their_key() {
    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    let made = open_account(&shop, &id).key("p").send().await.data(201);
    assert_eq!((&made["points"], &made["tier"]), (&json!(100), &json!("bronze")));
    open_account(&shop, &id).key("q").send().await.refused(409, "LOYALTY_ACCOUNT_EXISTS");
    open_account(&shop, "cus_404").send().await.refused(404, "RESOURCE_NOT_FOUND");
    for _ in 0..2 {
        let undone = undo(&shop, "/loyalty/points/reverse", &id, "p").send().await.data(200);
        assert_eq!(undone, json!({ "outcome": "reversed", "barred": true }));
    }
    open_account(&shop, &id).key("p").send().await.refused(409, "KEY_UNDONE");
    let nothing = undo(&shop, "/loyalty/points/reverse", &id, "r").send().await.data(200);
    assert_eq!(nothing["outcome"], "nothing");
    open_account(&shop, &id).key("s").send().await.data(201);
    let totals = shop.get("/_sandbox/audit").await["totals"].clone();
    assert_eq!((&totals["points"], &totals["reversed_points"]), (&json!(100), &json!(100)));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_code_belongs_to_one_live_coupon() {
    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    make_coupon(&shop, &id, "WELCOME1").key("c").send().await.data(201);
    make_coupon(&shop, &id, "WELCOME1").key("d").send().await.refused(409, "COUPON_CODE_TAKEN");
    let undone = undo(&shop, "/coupons/revoke", &id, "c").send().await.data(200);
    assert_eq!(undone, json!({ "outcome": "revoked", "barred": true }));
    assert_eq!(shop.get("/coupons?code=WELCOME1").await["data"][0]["status"], "revoked");
    make_coupon(&shop, &id, "WELCOME1").key("e").send().await.data(201);
    shop.switch(json!({ "coupon_codes_taken": true })).await;
    make_coupon(&shop, &id, "WELCOME2").key("f").send().await.refused(409, "COUPON_CODE_TAKEN");
}

#[tokio::test]
async fn every_promise_about_gifts_is_reported_when_it_is_broken() {
    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    shop.switch(json!({ "dedupe": "off" })).await;
    open_account(&shop, &id).key("p").send().await.data(201);
    make_coupon(&shop, &id, "WELCOME1").key("c").send().await.data(201);
    assert_eq!(shop.violations().await, [""; 0]);
    open_account(&shop, &id).key("p").send().await.data(201);
    make_coupon(&shop, &id, "WELCOME1").key("c").send().await.data(201);
    for points in [100, 200] {
        let mail = json!({
            "to": "a@example.com", "template": "welcome", "data": { "loyalty_points": points },
        });
        shop.post("/notifications/email", mail).send().await.data(202);
    }
    let found = shop.violations().await;
    for start in ["double points: customer", "double coupon: customer", "duplicate message: a customer"] {
        assert_eq!(found.iter().filter(|line| line.starts_with(start)).count(), 1, "{start}: {found:#?}");
    }
    assert_eq!(found.len(), 3, "{found:#?}");

    let shop = Shop::open().await;
    let id = registered(&shop, "a@example.com").await;
    open_account(&shop, &id).key("p").send().await.data(201);
    make_coupon(&shop, &id, "WELCOME1").key("c").send().await.data(201);
    shop.put(&format!("/customers/{id}"), json!({ "status": "incomplete_onboarding" }))
        .send()
        .await
        .data(200);
    let found = shop.violations().await;
    assert!(found.iter().all(|line| line.starts_with("undone and given: customer")), "{found:#?}");
    assert_eq!(found.len(), 2, "{found:#?}");
    undo(&shop, "/loyalty/points/reverse", &id, "p").send().await.data(200);
    undo(&shop, "/coupons/revoke", &id, "c").send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0]);
}

/// The shop itself cannot do it: the books are falsified behind its back.
#[tokio::test]
async fn more_points_taken_back_than_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.db");
    let database = Database::File(file.clone());
    let shop = Shop::open_with(Options { database, ..Options::default() }).await;
    let id = registered(&shop, "a@example.com").await;
    let made = open_account(&shop, &id).key("p").send().await.data(201);
    let books = Connection::open(&file).expect("the books");
    let falsify = "INSERT INTO reversals (grant_id, points, time) VALUES (?1, 101, 0)";
    books.execute(falsify, [text(&made["account_id"])]).expect("a line in the books");
    let found = shop.violations().await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("points reversed exceed those given"), "{found:?}");
}
