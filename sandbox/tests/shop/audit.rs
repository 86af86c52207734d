//! Every promise of the audit, broken once and reported.

use rusqlite::Connection;
use sandbox::{Database, Options};
use serde_json::json;

use crate::harness::{LAPTOP, LAPTOP_PRICE, Shop, text};

/// Asserts that there is exactly one violation, and that it names what it should.
async fn assert_violation(shop: &Shop, parts: &[&str]) {
    let violations = shop.violations().await;
    assert_eq!(violations.len(), 1, "{violations:#?}");
    assert!(parts.iter().all(|part| violations[0].contains(part)), "{violations:?}");
}

/// A whole order, done right; returns the payment's id.
pub(crate) async fn fulfil(shop: &Shop, order_id: &str) -> String {
    shop.place(order_id).await;
    shop.reserve(order_id, LAPTOP, 1).send().await.data(200);
    let paid = shop.charge(order_id, "t").send().await.data(201);
    shop.confirm(order_id, LAPTOP, 1).send().await.data(200);
    shop.ship(order_id).send().await.data(201);
    shop.set_status(order_id, "confirmed").send().await.data(200);
    shop.mail(order_id, "order_confirmation").send().await.data(202);
    text(&paid["payment_id"]).to_owned()
}

#[tokio::test]
async fn orders_done_right_are_in_order() {
    let shop = Shop::open().await;
    fulfil(&shop, "ORDER-001").await;
    fulfil(&shop, "ORDER-002").await;
    let expected = json!({
        "ok": true,
        "violations": [],
        "totals": {
            "charges": 2, "refunds": 0, "net_money": { "VND": 50_000_000 }, "holds": 0, "shipments": 2,
            "voided_shipments": 0, "mails": 2, "sms": 0, "pushes": 0, "events": 0,
        },
    });
    assert_eq!(shop.get("/_sandbox/audit").await, expected);
}

#[tokio::test]
async fn a_double_charge_until_one_is_refunded() {
    let shop = Shop::open().await;
    shop.charge("ORDER-001", "t").key("a").send().await.data(201);
    let second = shop.charge("ORDER-001", "t").key("b").send().await.data(201);
    assert_violation(&shop, &["double charge", "ORDER-001", "2 captured", "by key a", "by key b"]).await;
    shop.refund(text(&second["payment_id"]), LAPTOP_PRICE).send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn more_money_than_the_order_costs() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let body = json!({
        "order_id": "ORDER-001", "amount": 26_000_000, "currency": "VND", "customer_id": "CUSTOMER-001",
        "payment_method": { "type": "credit_card", "card_token": "t" },
    });
    shop.post("/payments", body).send().await.data(201);
    assert_violation(&shop, &["overcharge", "ORDER-001", "25000000", "26000000"]).await;
}

#[tokio::test]
async fn a_hold_that_outlives_its_order() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0], "a pending order may hold");
    shop.set_status("ORDER-001", "cancelled").send().await.data(200);
    assert_violation(&shop, &["leaked hold", "ORDER-001", LAPTOP, "cancelled"]).await;
}

#[tokio::test]
async fn the_leak_of_a_provider_without_dedupe() {
    let shop = Shop::open().await;
    shop.switch(json!({ "dedupe": "off" })).await;
    shop.place("ORDER-001").await;
    shop.reserve("ORDER-001", LAPTOP, 1).key("k").send().await.data(200);
    shop.reserve("ORDER-001", LAPTOP, 1).key("k").send().await.data(200);
    for _ in 0..2 {
        shop.confirm("ORDER-001", LAPTOP, 1).send().await.data(200);
    }
    assert_eq!(shop.stock(LAPTOP).await, (49, 1), "a repeated confirmation does not sell the leaked hold");
    shop.charge("ORDER-001", "t").send().await.data(201);
    shop.ship("ORDER-001").send().await.data(201);
    shop.set_status("ORDER-001", "confirmed").send().await.data(200);
    assert_violation(&shop, &["leaked hold", "ORDER-001"]).await;
}

#[tokio::test]
async fn a_message_sent_twice() {
    let shop = Shop::open().await;
    shop.mail("ORDER-001", "order_confirmation").key("a").send().await.data(202);
    shop.mail("ORDER-001", "order_shipped").key("b").send().await.data(202);
    shop.mail("ORDER-002", "order_confirmation").key("c").send().await.data(202);
    assert_eq!(shop.violations().await, [""; 0]);
    shop.mail("ORDER-001", "order_confirmation").key("d").send().await.data(202);
    assert_violation(&shop, &["duplicate", "email", "order_confirmation", "ORDER-001", "a, d"]).await;

    let shop = Shop::open().await;
    for message in ["first", "second", "second"] {
        let sms = json!({ "to": "+84901234567", "message": message });
        shop.post("/notifications/sms", sms).send().await.data(202);
    }
    assert_violation(&shop, &["duplicate", "sms", "2 times"]).await;

    let shop = Shop::open().await;
    for order in ["ORDER-001", "ORDER-002", "ORDER-002"] {
        let push = json!({ "user_id": "U", "title": "t", "body": "b", "data": { "order_id": order } });
        shop.post("/notifications/push", push).send().await.data(202);
    }
    assert_violation(&shop, &["duplicate", "push", "ORDER-002"]).await;
}

#[tokio::test]
async fn a_mail_that_says_what_is_not_so() {
    let shop = Shop::open().await;
    let payment = fulfil(&shop, "ORDER-001").await;
    shop.mail("ORDER-001", "order_refunded").send().await.data(202);
    assert_violation(&shop, &["told what is not so", "ORDER-001", "confirmed", "order_refunded"]).await;
    shop.set_status("ORDER-001", "refunded").send().await.data(200);
    shop.refund(&payment, LAPTOP_PRICE).send().await.data(200);
    assert!(!shop.violations().await.iter().any(|violation| violation.contains("not so")));

    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    shop.set_status("ORDER-001", "cancelled").send().await.data(200);
    shop.mail("ORDER-001", "order_cancelled").send().await.data(202);
    assert_eq!(shop.violations().await, [""; 0]);
    fulfil(&shop, "ORDER-002").await;
    shop.mail("ORDER-002", "order_cancelled").send().await.data(202);
    assert_violation(&shop, &["told what is not so", "ORDER-002", "order_cancelled"]).await;
}

#[tokio::test]
async fn an_undone_order_that_is_paid() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    shop.charge("ORDER-001", "card_requires_action").key("k").send().await.data(201);
    shop.void("ORDER-001", "k").send().await.data(200);
    shop.set_status("ORDER-001", "cancelled").send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0]);
    let late = json!({ "outcome": "paid", "force": true });
    shop.post("/_sandbox/payments/ORDER-001/settle", late).send().await.ok(200);
    assert_violation(&shop, &["undone and paid", "ORDER-001", "25000000"]).await;
}

#[tokio::test]
async fn an_undone_order_with_a_live_label() {
    let shop = Shop::open().await;
    let payment_id = fulfil(&shop, "ORDER-001").await;
    shop.set_status("ORDER-001", "failed").send().await.data(200);
    shop.refund(&payment_id, LAPTOP_PRICE).send().await.data(200);
    let violations = shop.violations().await;
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations[0].contains("undone and shipped") && violations[0].contains("ORDER-001"));
    assert!(violations[1].contains("shipped without money"));
}

#[tokio::test]
async fn a_confirmed_order_without_its_money() {
    let shop = Shop::open().await;
    let payment_id = fulfil(&shop, "ORDER-001").await;
    shop.refund(&payment_id, 1).send().await.data(200);
    let violations = shop.violations().await;
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(
        violations[0].contains("confirmed without its money: order ORDER-001 of 25000000 VND has 24999999")
    );
    assert!(violations[1].contains("shipped without money"), "{violations:?}");
}

#[tokio::test]
async fn a_label_without_money_unless_it_is_paid_at_the_door() {
    let shop = Shop::open().await;
    shop.ship("ORDER-404").send().await.data(201);
    assert_violation(&shop, &["shipped without money", "ORDER-404"]).await;
    let shop = Shop::open().await;
    let mut order = crate::harness::order();
    order["payment_method"]["type"] = json!("cash_on_delivery");
    shop.validate("ORDER-001", order).await;
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    shop.confirm("ORDER-001", LAPTOP, 1).send().await.data(200);
    let mut parcel = crate::harness::shipment("ORDER-001");
    parcel["cash_on_delivery"] = json!({ "amount": 25_000_000, "currency": "VND" });
    shop.post("/shipments", parcel).send().await.data(201);
    shop.set_status("ORDER-001", "confirmed").send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_parcel_that_is_handed_over_for_nothing() {
    let sums = [
        (json!(null), "collects nothing of 25000000 VND"),
        (json!({ "amount": 24_000_000, "currency": "VND" }), "collects 24000000 VND of 25000000 VND"),
        (json!({ "amount": 25_000_000, "currency": "USD" }), "collects 25000000.00 USD of 25000000 VND"),
    ];
    for (sum, said) in sums {
        let shop = Shop::open().await;
        let mut order = crate::harness::order();
        order["payment_method"]["type"] = json!("cash_on_delivery");
        shop.validate("ORDER-001", order).await;
        let mut parcel = crate::harness::shipment("ORDER-001");
        parcel["cash_on_delivery"] = sum;
        shop.post("/shipments", parcel).send().await.data(201);
        assert_violation(&shop, &["handed over for nothing", "ORDER-001", said]).await;
    }
}

#[tokio::test]
async fn two_live_labels_of_one_order() {
    let shop = Shop::open().await;
    let _payment = fulfil(&shop, "ORDER-001").await;
    assert_eq!(shop.violations().await, [""; 0]);
    shop.ship("ORDER-001").send().await.data(201);
    assert_violation(&shop, &["labelled twice", "ORDER-001", "2 live labels"]).await;
}

/// The shop itself never breaks these, so the test tampers with its books.
#[tokio::test]
async fn books_that_do_not_add_up() {
    let cases = [
        (
            "UPDATE adjustments SET delta = 7 WHERE variant_id = 'MOUSE-001-BLACK'",
            "stock does not add up: MOUSE-001-BLACK",
        ),
        (
            "UPDATE levels SET quantity = 7 WHERE variant_id = 'MOUSE-001-BLACK'",
            "levels do not add up: MOUSE-001-BLACK",
        ),
        (
            "UPDATE variants SET held = 3 WHERE variant_id = 'MOUSE-001-BLACK'",
            "holds do not add up: MOUSE-001-BLACK",
        ),
        (
            "UPDATE variants SET price = 1 WHERE variant_id = 'MOUSE-001-BLACK'",
            "price and ledger differ: MOUSE-001-BLACK costs 1 VND, its ledger says 500000",
        ),
        (
            "UPDATE price_changes SET old_price = 7",
            "gap in the price ledger: line 1 changes KEYBOARD-001-US from 7, the line before it left 1200000",
        ),
        (
            "UPDATE products SET category_id = 'cat_0' WHERE sku = 'MOUSE-001'",
            "product without its category: MOUSE-001",
        ),
        (
            "INSERT INTO categories (category_id, name, slug, parent_id, created_at, updated_at)
             VALUES ('c', 'N', 'n', 'cat_0', 0, 0)",
            "category without its parent: n is below cat_0",
        ),
        (
            "INSERT INTO product_images (sku, position, media_id) VALUES ('MOUSE-001', 0, 'med_0')",
            "picture that is gone: MOUSE-001 shows med_0",
        ),
        (
            "UPDATE variants SET sku = 'GHOST' WHERE variant_id = 'HEADSET-001-WHITE'",
            "variant without its product: HEADSET-001-WHITE is of GHOST",
        ),
        ("UPDATE payments SET refunded = 1", "refunds exceed captures"),
        (
            "INSERT INTO refunds SELECT 'ref_x', payment_id, amount + 1, NULL, 0 FROM payments",
            "refunds exceed captures",
        ),
    ];
    for (tampering, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.db");
        let database = Database::File(file.clone());
        let shop = Shop::open_with(Options { database, ..Options::default() }).await;
        shop.charge("ORDER-001", "t").send().await.data(201);
        shop.put("/products/sku/KEYBOARD-001/price", json!({ "price": 1 })).send().await.data(200);
        assert_eq!(shop.violations().await, [""; 0]);
        let books = Connection::open(&file).expect("the books open");
        books.execute(tampering, []).expect("the books are tampered with");
        assert_violation(&shop, &[expected]).await;
    }
}
