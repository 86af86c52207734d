//! Validating, reading and updating orders.

use serde_json::{Value, json};

use crate::harness::{LAPTOP, LAPTOP_PRICE, Shop, address, order};

/// `(check, field)` of every finding.
fn findings(data: &Value) -> Vec<(String, String)> {
    let errors = data["errors"].as_array().expect("errors is a list");
    assert_eq!(data["is_valid"], json!(errors.is_empty()));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(&error["check"]), text(&error["field"]))).collect()
}

fn pair(check: &str, field: &str) -> (String, String) {
    (check.to_owned(), field.to_owned())
}

#[tokio::test]
async fn a_sound_order_is_valid_and_registered() {
    let shop = Shop::open().await;
    let data = shop.validate("ORDER-001", order()).await;
    assert_eq!(data, json!({ "order_id": "ORDER-001", "is_valid": true, "errors": [] }));
    let known = shop.get("/orders/ORDER-001").await["data"].clone();
    assert_eq!(known["status"], "pending");
    assert_eq!(known["total_amount"], LAPTOP_PRICE);
    assert_eq!(known["items"][0]["variant_id"], LAPTOP);
}

#[tokio::test]
async fn each_check_finds_what_it_is_for() {
    let shop = Shop::open().await;
    let cases: [(&str, Value, &str, &str); 8] = [
        ("/items/0/variant_id", json!("GHOST"), "inventory_availability", "items[0].variant_id"),
        ("/items/0/product_id", json!("MOUSE-001"), "inventory_availability", "items[0].variant_id"),
        ("/items/0/price", json!(1), "pricing_accuracy", "items[0].price"),
        ("/total_amount", json!(1), "pricing_accuracy", "total_amount"),
        ("/currency", json!("JPY"), "pricing_accuracy", "items[0].price"),
        ("/customer_id", json!("BLOCKED-7"), "customer_eligibility", "customer_id"),
        ("/shipping_address", address("Atlantis"), "shipping_address", "shipping_address.country"),
        ("/payment_method/type", json!("barter"), "payment_method", "payment_method.type"),
    ];
    for (index, (pointer, value, check, field)) in cases.into_iter().enumerate() {
        let mut order = order();
        *order.pointer_mut(pointer).expect("a field of the order") = value;
        let data = shop.validate(&format!("ORDER-{index}"), order.clone()).await;
        assert!(findings(&data).contains(&pair(check, field)), "{pointer}: {data}");

        order["checks"] = json!([]);
        let data = shop.validate(&format!("UNCHECKED-{index}"), order).await;
        assert_eq!(findings(&data), [], "only the checks asked for are done");
    }
}

#[tokio::test]
async fn the_total_includes_fee_tax_and_discount() {
    let shop = Shop::open().await;
    let mut order = order();
    order["shipping_fee"] = json!(50_000);
    order["tax"] = json!(2_500_000);
    order["discount"] = json!(1_000_000);
    order["total_amount"] = json!(26_550_000);
    assert_eq!(findings(&shop.validate("ORDER-001", order).await), []);
}

#[tokio::test]
async fn decimals_are_exact() {
    let shop = Shop::open().await;
    let mut order = order();
    order["items"] =
        json!([{ "product_id": "TSHIRT-001", "variant_id": "TSHIRT-001-M", "quantity": 3, "price": 19.99 }]);
    order["currency"] = json!("USD");
    order["total_amount"] = json!(59.97);
    assert_eq!(findings(&shop.validate("ORDER-001", order).await), []);
    assert!(shop.get("/orders/ORDER-001").await["data"].to_string().contains("\"total_amount\":59.97"));
}

/// Screws by the thousand: the price of one is finer than a cent, and each line is rounded half up.
#[tokio::test]
async fn a_price_may_be_finer_than_the_coin_and_is_held_to_exactly() {
    let shop = Shop::open().await;
    let screw = |price: f64| json!([{ "sku": "SCREW-001", "variant_id": "SCREW-001-M3", "price": price, "stock": 5000, "currency": "USD" }]);
    shop.put("/_sandbox/products", screw(0.0125)).send().await.ok(200);
    let mut order = order();
    order["currency"] = json!("USD");
    let mut line =
        json!({ "product_id": "SCREW-001", "variant_id": "SCREW-001-M3", "quantity": 1000, "price": 0.0125 });
    order["items"] = json!([line]);
    order["total_amount"] = json!(12.50);
    assert_eq!(findings(&shop.validate("ORDER-001", order.clone()).await), []);
    assert_eq!(shop.get("/orders/ORDER-001").await["data"]["items"][0]["price"], 0.0125);

    // Three lines of a cent and a quarter are three cents, not four: each is rounded by itself.
    line["quantity"] = json!(1);
    order["items"] = json!([line, line, line]);
    order["total_amount"] = json!(0.03);
    assert_eq!(findings(&shop.validate("ORDER-002", order.clone()).await), []);
    order["total_amount"] = json!(0.04);
    assert_eq!(
        findings(&shop.validate("ORDER-003", order.clone()).await),
        [pair("pricing_accuracy", "total_amount")]
    );

    // A price that is only rounded to the same coin is not the shop's.
    order["items"] =
        json!([{ "product_id": "SCREW-001", "variant_id": "SCREW-001-M3", "quantity": 1, "price": 0.01 }]);
    order["total_amount"] = json!(0.01);
    let wrong = [pair("pricing_accuracy", "items[0].price")];
    assert_eq!(findings(&shop.validate("ORDER-004", order.clone()).await), wrong);
    // Another price ends the finer one as soon as it is set.
    shop.put("/products/sku/SCREW-001/price", json!({ "price": 0.02 })).send().await.data(200);
    order["items"][0]["price"] = json!(0.02);
    order["total_amount"] = json!(0.02);
    assert_eq!(findings(&shop.validate("ORDER-005", order).await), []);
}

#[tokio::test]
async fn stock_is_counted_only_when_the_switch_says_so() {
    let shop = Shop::open().await;
    let mut order = order();
    order["items"][0]["quantity"] = json!(51);
    order["total_amount"] = json!(51 * LAPTOP_PRICE);
    assert_eq!(findings(&shop.validate("ORDER-001", order.clone()).await), []);
    shop.switch(json!({ "validate_counts_stock": true })).await;
    let data = shop.validate("ORDER-001", order).await;
    assert_eq!(findings(&data), [pair("inventory_availability", "items[0].quantity")]);
    assert_eq!(data["errors"][0]["variant_id"], LAPTOP);
}

#[tokio::test]
async fn an_order_id_stands_for_one_order() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let mut other = order();
    other["customer_id"] = json!("CUSTOMER-002");
    other["items"][0]["quantity"] = json!(2);
    other["total_amount"] = json!(2 * LAPTOP_PRICE);
    let found = findings(&shop.validate("ORDER-001", other).await);
    let expected = [pair("customer_eligibility", "customer_id"), pair("pricing_accuracy", "total_amount")];
    assert_eq!(found, expected);
    shop.place("ORDER-001").await;
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let update = json!({ "status": "confirmed", "payment_status": "paid", "tracking_number": "T1" });
    let data = shop.put("/orders/ORDER-001", update).send().await.data(200);
    assert_eq!(data["tracking_number"], "T1");
    let data = shop.set_status("ORDER-001", "failed").send().await.data(200);
    assert_eq!((&data["status"], &data["payment_status"]), (&json!("failed"), &json!("paid")));
}

#[tokio::test]
async fn an_order_shows_how_its_money_ended() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let told = json!({ "status": "failed", "payment_status": "voided", "payment_id": "pay_1" });
    shop.put("/orders/ORDER-001", told).send().await.data(200);
    let again = json!({ "payment_status": "refunded", "refund_ids": ["ref_1", "ref_2"] });
    let data = shop.put("/orders/ORDER-001", again.clone()).send().await.data(200);
    assert_eq!((&data["status"], &data["payment_status"]), (&json!("failed"), &json!("refunded")));
    assert_eq!((&data["payment_id"], &data["refund_ids"]), (&json!("pay_1"), &json!(["ref_1", "ref_2"])));
    assert_eq!(shop.put("/orders/ORDER-001", again).send().await.data(200), data);
    for wrong in [
        json!({}),
        json!({ "payment_status": "gone" }),
        json!({ "payment_status": "Refunded" }),
        json!({ "payment_id": "pay_1", "status": "failed" }),
        json!({ "payment_status": "refunded", "payment_id": "" }),
        json!({ "payment_status": "voided", "refund_ids": ["ref_1"] }),
        json!({ "status": "failed", "refund_ids": ["ref_1"] }),
        json!({ "payment_status": "refunded", "refund_ids": [""] }),
        json!({ "payment_status": "refunded", "refund_ids": "ref_1" }),
    ] {
        shop.put("/orders/ORDER-001", wrong).send().await.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn an_order_shows_what_its_customer_has_to_do_while_it_waits() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let action = json!({ "type": "redirect", "url": "https://pay.example.com/1" });
    let waits = json!({ "status": "awaiting_payment", "payment_action": action });
    let data = shop.put("/orders/ORDER-001", waits).send().await.data(200);
    assert_eq!((&data["status"], &data["payment_action"]), (&json!("awaiting_payment"), &action));
    let data = shop.set_status("ORDER-001", "awaiting_payment").send().await.data(200);
    assert_eq!(data["payment_action"], action, "what is not named stays");
    let data = shop.set_status("ORDER-001", "expired").send().await.data(200);
    assert_eq!(data.get("payment_action"), None);
    for (status, action) in
        [("expired", json!({ "type": "a" })), ("awaiting_payment", json!({ "link": "a" }))]
    {
        let wrong = json!({ "status": status, "payment_action": action });
        shop.put("/orders/ORDER-001", wrong).send().await.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn an_unknown_order_or_status_is_refused() {
    let shop = Shop::open().await;
    shop.set_status("ORDER-404", "failed").send().await.refused(404, "RESOURCE_NOT_FOUND");
    shop.ask(reqwest::Method::GET, "/orders/ORDER-404").send().await.refused(404, "RESOURCE_NOT_FOUND");
    shop.place("ORDER-001").await;
    let error = shop.set_status("ORDER-001", "done").send().await.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["status"].is_array());
}
