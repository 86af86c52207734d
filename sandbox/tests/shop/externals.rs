//! Customers and orders of another system, by the ids they have there.

use serde_json::json;

use crate::harness::{Shop, text};

#[tokio::test]
async fn a_customer_is_opened_and_changed_under_its_external_id() {
    let shop = Shop::open().await;
    let mut body = json!({
        "email": "Lan@example.com", "first_name": "Lan", "last_name": "Example", "phone": "+84900000009",
    });
    let path = "/customers/external/ERP%2F9";
    let opened = shop.put(path, body.clone()).key("a").send().await.data(200);
    assert_eq!((&opened["external_id"], &opened["created"]), (&json!("ERP/9"), &json!(true)));
    assert!(shop.put(path, body.clone()).key("a").send().await.replayed);
    let again = shop.put(path, body.clone()).key("b").send().await.data(200);
    assert_eq!((&again["created"], &again["customer_id"]), (&json!(false), &opened["customer_id"]));
    body.as_object_mut().expect("an object").remove("phone");
    body["email"] = json!("lan.example@example.com");
    let changed = shop.put(path, body).key("c").send().await.data(200);
    assert_eq!((&changed["phone"], &changed["customer_id"]), (&json!(null), &opened["customer_id"]));

    let lookup = json!({ "external_ids": ["GHOST", "ERP/9"] });
    let found = shop.post("/customers/lookup", lookup).send().await.data(200);
    let expected = json!([{
        "external_id": "ERP/9", "customer_id": opened["customer_id"], "email": "lan.example@example.com",
        "first_name": "Lan", "last_name": "Example", "phone": null,
    }]);
    assert_eq!(found["customers"], expected);
    let id = text(&opened["customer_id"]);
    let account = shop.get(&format!("/customers/{id}")).await["data"].clone();
    assert_eq!((&account["status"], &account["marketing_consent"]), (&json!("active"), &json!(false)));
    let log = shop.get("/_sandbox/effects").await;
    let effects: Vec<_> = log.as_array().expect("a list").iter().map(|line| line["effect"].clone()).collect();
    assert_eq!(effects, ["created customer ERP/9", "none", "changed customer ERP/9"]);
    assert!(!log.to_string().contains("example.com"), "no personal data");
}

#[tokio::test]
async fn an_address_is_never_shared_with_another_account() {
    let shop = Shop::open().await;
    let own = json!({
        "email": "a@example.com", "first_name": "A", "last_name": "B", "marketing_consent": true,
    });
    shop.post("/customers", own).send().await.data(201);
    let customer = |email: &str| json!({ "email": email, "first_name": "A", "last_name": "B" });
    let put = |id: &str, email: &str| shop.put(&format!("/customers/external/{id}"), customer(email));
    put("C-1", "A@example.com ").send().await.refused(409, "EMAIL_ALREADY_REGISTERED");
    put("C-1", "c1@example.com").send().await.data(200);
    put("C-2", "C1@example.com").send().await.refused(409, "EMAIL_ALREADY_REGISTERED");
    put("C-2", "c2@example.com").send().await.data(200);
    put("C-2", "c1@example.com").send().await.refused(409, "EMAIL_ALREADY_REGISTERED");
    put("C-1", "C1@example.com").send().await.data(200);
    put("C-3", "nobody").send().await.refused(400, "VALIDATION_ERROR");
    let registration = json!({
        "email": "c2@example.com", "first_name": "A", "last_name": "B", "marketing_consent": true,
    });
    shop.post("/customers", registration).send().await.refused(409, "EMAIL_ALREADY_REGISTERED");
    shop.post("/customers/lookup", json!({ "external_ids": [] }))
        .send()
        .await
        .refused(400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn an_external_order_is_a_record_and_no_order_of_the_shop() {
    let shop = Shop::open().await;
    let mut body = json!({
        "status": "invoiced", "total": 19.90, "currency": "USD", "customer_external_id": "C-1",
        "ordered_at": "2026-01-02T03:04:05.000006+07:00",
    });
    let path = "/orders/external/SO-1";
    let recorded = shop.put(path, body.clone()).key("a").send().await;
    assert!(recorded.text.contains("\"total\":19.90,"), "exact: {}", recorded.text);
    let first = recorded.data(200);
    let expected = json!({
        "external_id": "SO-1", "order_id": first["order_id"], "customer_external_id": "C-1",
        "status": "invoiced", "total": 19.90, "currency": "USD",
        "ordered_at": "2026-01-01T20:04:05.000006Z", "created": true,
    });
    assert_eq!(first, expected);
    assert!(shop.put(path, body.clone()).key("a").send().await.replayed);
    assert_eq!(shop.put(path, body.clone()).key("b").send().await.data(200)["created"], false);
    body["status"] = json!("cancelled");
    body["total"] = json!(20);
    shop.put(path, body.clone()).key("c").send().await.data(200);
    let lookup = json!({ "external_ids": ["SO-1", "SO-2"] });
    let found = shop.post("/orders/lookup", lookup).send().await;
    assert!(found.text.contains("\"total\":20.00,"), "exact: {}", found.text);
    let orders = found.data(200)["orders"].clone();
    assert_eq!((&orders[0]["status"], &orders[0]["order_id"]), (&json!("cancelled"), &first["order_id"]));
    assert_eq!(orders.as_array().map(Vec::len), Some(1));
    shop.ask(reqwest::Method::GET, "/orders/SO-1").send().await.refused(404, "RESOURCE_NOT_FOUND");
    assert_eq!(shop.violations().await, [""; 0], "no money was captured for it, and none is missed");
    let effects = shop.get("/_sandbox/effects").await;
    assert_eq!(effects[0]["effect"], "recorded external order SO-1 as invoiced");
    for (field, wrong) in
        [("total", json!(1.999)), ("ordered_at", json!("yesterday")), ("currency", json!("usd"))]
    {
        let mut refused = body.clone();
        refused[field] = wrong;
        let error = shop.put(path, refused).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
}

/// Not every person has two names.
#[tokio::test]
async fn a_customer_with_one_name_is_opened() {
    let shop = Shop::open().await;
    let external = json!({ "email": "a@example.com", "first_name": "Suharto", "last_name": "" });
    let opened = shop.put("/customers/external/1", external).send().await.data(200);
    assert_eq!((&opened["first_name"], &opened["last_name"]), (&json!("Suharto"), &json!("")));
    let own = json!({ "email": "b@example.com", "first_name": "Suharto", "marketing_consent": false });
    let opened = shop.post("/customers", own).send().await.data(201);
    assert_eq!(opened["last_name"], json!(""));
    let nobody = json!({ "email": "c@example.com", "first_name": "", "marketing_consent": false });
    shop.post("/customers", nobody).send().await.refused(400, "VALIDATION_ERROR");
}
