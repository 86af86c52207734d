//! Charges, card tokens, actions of the customer, voids and refunds.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Ask, LAPTOP_PRICE, Shop, payment, text};

async fn of_order(shop: &Shop, order_id: &str) -> Vec<Value> {
    let list = shop.get(&format!("/payments?order_id={order_id}")).await;
    assert_eq!(list["success"], true);
    assert!(list["pagination"].is_object());
    list["data"].as_array().expect("a list").clone()
}

fn settle<'a>(shop: &'a Shop, order_id: &str, body: Value) -> Ask<'a> {
    shop.post(&format!("/_sandbox/payments/{order_id}/settle"), body)
}

#[tokio::test]
async fn an_ordinary_card_is_charged() {
    let shop = Shop::open().await;
    let paid = shop.charge("ORDER-001", "card_token_123").key("k").send().await.data(201);
    assert_eq!((&paid["status"], &paid["amount"]), (&json!("paid"), &json!(LAPTOP_PRICE)));
    assert!(paid.get("action").is_none());
    let payment_id = text(&paid["payment_id"]);
    let shown = shop.get(&format!("/payments/{payment_id}")).await["data"].clone();
    assert_eq!(shown["idempotency_key"], "k");
    assert_eq!(shown["refunded_amount"], 0);
    let by_key = shop.get("/payments?idempotency_key=k").await["data"].clone();
    assert_eq!(by_key, json!([shown]));
    assert_eq!(of_order(&shop, "ORDER-002").await, [Value::Null; 0]);
}

#[tokio::test]
async fn declines_are_final_and_on_record() {
    let shop = Shop::open().await;
    let cases = [
        ("card_declined", "card_declined", false),
        ("card_insufficient_funds", "insufficient_funds", true),
        ("card_expired", "expired_card", true),
    ];
    for (token, code, may_retry) in cases {
        let declined = shop.charge(token, token).key(token).send().await;
        let error = declined.refused(402, code);
        assert_eq!(error["details"]["customer_may_retry"], may_retry);
        let again = shop.charge(token, token).key(token).send().await;
        assert_eq!((again.replayed, again.status, &again.text), (true, 402, &declined.text));
        let recorded = of_order(&shop, token).await;
        assert_eq!(recorded.len(), 1);
        assert_eq!(recorded[0]["payment_id"], error["details"]["payment_id"]);
        assert_eq!(recorded[0]["status"], "declined");
        assert_eq!(recorded[0]["decline_code"], code);
        assert_eq!(recorded[0]["customer_may_retry"], may_retry);
    }
    let totals = shop.get("/_sandbox/audit").await["totals"].clone();
    assert_eq!((&totals["charges"], &totals["net_money"]), (&json!(0), &json!({})));
}

#[tokio::test]
async fn a_processing_error_passes_on_the_second_attempt() {
    let shop = Shop::open().await;
    let first = shop.charge("ORDER-001", "card_processing_error").key("k").send().await;
    first.refused(503, "card_processing_error");
    let second = shop.charge("ORDER-001", "card_processing_error").key("k").send().await;
    assert!(!second.replayed);
    second.data(201);
    assert_eq!(of_order(&shop, "ORDER-001").await.len(), 1);
}

#[tokio::test]
async fn a_lost_reply_hides_a_charge_that_was_made() {
    let shop = Shop::open().await;
    let lost = shop.charge("ORDER-001", "card_charged_reply_lost").key("k").try_send().await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(of_order(&shop, "ORDER-001").await.len(), 1);
    let retried = shop.charge("ORDER-001", "card_charged_reply_lost").key("k").send().await;
    assert!(retried.replayed);
    retried.data(201);
    assert_eq!(of_order(&shop, "ORDER-001").await.len(), 1);
}

#[tokio::test]
async fn an_action_may_be_named_later_than_the_payment_is_opened() {
    let shop = Shop::open().await;
    let opened = shop.charge("ORDER-001", "card_action_later").key("k").send().await.data(201);
    assert_eq!((&opened["status"], opened.get("action")), (&json!("requires_action"), None));
    assert!(text(&of_order(&shop, "ORDER-001").await[0]["action"]["url"]).starts_with(&shop.running.url()));
}

#[tokio::test]
async fn methods_that_need_the_customer_wait_for_a_settlement() {
    let shop = Shop::open().await;
    let methods = [
        (json!({ "type": "credit_card", "card_token": "card_requires_action" }), "three_d_secure"),
        (json!({ "type": "e_wallet" }), "redirect"),
        (json!({ "type": "bank_transfer" }), "bank_transfer"),
    ];
    for (method, action) in methods {
        let mut body = payment(action, "");
        body["payment_method"] = method;
        let opened = shop.post("/payments", body).send().await.data(201);
        assert_eq!(
            (&opened["status"], &opened["action"]["type"]),
            (&json!("requires_action"), &json!(action))
        );
        if action == "bank_transfer" {
            assert!(text(&opened["action"]["instruction"]).contains("reference bank_transfer"));
        } else {
            assert!(text(&opened["action"]["url"]).starts_with(&shop.running.url()));
        }
        let settled = settle(&shop, action, json!({ "outcome": "paid" })).send().await.ok(200);
        assert_eq!((&settled["payment_id"], &settled["status"]), (&opened["payment_id"], &json!("paid")));
        assert!(settled["event_id"].is_string());
        settle(&shop, action, json!({ "outcome": "paid" })).send().await.refused(409, "PAYMENT_NOT_OPEN");
        assert_eq!(of_order(&shop, action).await[0]["status"], "paid");
    }
    settle(&shop, "nobody", json!({ "outcome": "paid" })).send().await.refused(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn an_order_can_be_paid_twice_under_one_key() {
    let shop = Shop::open().await;
    let again = || shop.ask(Method::POST, "/_sandbox/payments/ORDER-001/again").send();
    again().await.refused(404, "RESOURCE_NOT_FOUND");
    let first = shop.charge("ORDER-001", "card_token_123").key("k").send().await.data(201);
    let second = again().await.ok(200);
    assert_ne!(second["payment_id"], first["payment_id"]);
    let both = of_order(&shop, "ORDER-001").await;
    let told = |field: &str| both.iter().map(|payment| payment[field].clone()).collect::<Vec<_>>();
    assert_eq!(told("status"), ["paid", "paid"]);
    assert_eq!(told("idempotency_key"), ["k", "k"]);
    assert_eq!(told("payment_id"), [first["payment_id"].clone(), second["payment_id"].clone()]);
}

#[tokio::test]
async fn the_payment_page_settles_with_a_button() {
    let shop = Shop::open().await;
    for (order, outcome) in [("ORDER-001", "paid"), ("ORDER-002", "failed")] {
        let opened = shop.charge(order, "card_requires_action").send().await.data(201);
        let path = text(&opened["action"]["url"]).replace(&shop.running.url(), "");
        let page = shop.ask(Method::GET, &path).send().await;
        assert_eq!((page.status, page.text.matches("<button").count()), (200, 2));
        assert!(page.text.contains(&format!("?outcome={outcome}")));
        let pressed = shop.ask(Method::POST, &format!("{path}?outcome={outcome}")).send().await;
        assert_eq!(pressed.status, 200);
        assert_eq!(of_order(&shop, order).await[0]["status"], outcome);
        let pressed = shop.ask(Method::POST, &format!("{path}?outcome={outcome}")).send().await;
        pressed.refused(409, "PAYMENT_NOT_OPEN");
        assert_eq!(shop.ask(Method::GET, &path).send().await.text.matches("<button").count(), 0);
    }
}

#[tokio::test]
async fn what_cannot_be_charged_is_refused() {
    let shop = Shop::open().await;
    let cases = [
        ("/payment_method", json!({ "type": "credit_card" }), "payment_method.card_token"),
        ("/payment_method", json!({ "type": "cash_on_delivery" }), "payment_method.type"),
        ("/payment_method", json!({ "type": "barter" }), "payment_method.type"),
        ("/amount", json!(0), "amount"),
        ("/amount", json!(-5), "amount"),
        ("/amount", json!(0.5), "amount"),
        ("/amount", json!("25000000"), "amount"),
        ("/currency", json!("dong"), "currency"),
    ];
    for (pointer, value, field) in cases {
        let mut body = payment("ORDER-001", "card_token_123");
        *body.pointer_mut(pointer).expect("a field of the payment") = value;
        let refused = shop.post("/payments", body).key("k").send().await;
        assert!(refused.refused(400, "VALIDATION_ERROR")["details"][field].is_array(), "{refused:?}");
    }
    assert_eq!(of_order(&shop, "ORDER-001").await, [Value::Null; 0]);
    shop.charge("ORDER-001", "card_token_123").key("k").send().await.data(201);
}

#[tokio::test]
async fn a_void_before_the_money_comes_ends_the_payment() {
    let shop = Shop::open().await;
    shop.charge("ORDER-001", "card_requires_action").key("k").send().await.data(201);
    for attempt in ["first", "second"] {
        let voided = shop.void("ORDER-001", "k").key(attempt).send().await.data(200);
        assert_eq!((&voided["outcome"], &voided["barred"]), (&json!("voided"), &json!(true)));
        assert_eq!(voided["payments"][0]["status"], "voided");
    }
    shop.charge("ORDER-001", "card_token_123").key("k").send().await.refused(409, "KEY_UNDONE");
    settle(&shop, "ORDER-001", json!({ "outcome": "paid" })).send().await.refused(409, "PAYMENT_NOT_OPEN");

    let late = settle(&shop, "ORDER-001", json!({ "outcome": "paid", "force": true })).send().await.ok(200);
    assert_eq!(late["status"], "paid");
    let again = shop.void("ORDER-001", "k").send().await.data(200);
    assert_eq!(again["outcome"], "captured", "late money is to be refunded");
}

#[tokio::test]
async fn a_void_of_nothing_bars_the_late_charge() {
    let shop = Shop::open().await;
    let void = shop.void("ORDER-001", "k").send().await.data(200);
    assert_eq!(void, json!({ "outcome": "nothing", "barred": true, "payments": [] }));
    shop.charge("ORDER-001", "card_token_123").key("k").send().await.refused(409, "KEY_UNDONE");
    shop.switch(json!({ "tombstones": false })).await;
    let void = shop.void("ORDER-002", "l").send().await.data(200);
    assert_eq!(void["barred"], false);
    shop.charge("ORDER-002", "card_token_123").key("l").send().await.data(201);
}

#[tokio::test]
async fn captured_money_is_refunded_never_more_than_was_captured() {
    let shop = Shop::open().await;
    let paid = shop.charge("ORDER-001", "card_token_123").key("k").send().await.data(201);
    let payment_id = text(&paid["payment_id"]);
    assert_eq!(shop.void("ORDER-001", "k").send().await.data(200)["outcome"], "captured");
    let refunded = shop.refund(payment_id, 5_000_000).key("r1").send().await.data(200);
    assert_eq!((&refunded["amount"], &refunded["status"]), (&json!(5_000_000), &json!("refunded")));
    assert_eq!(of_order(&shop, "ORDER-001").await[0]["status"], "partially_refunded");
    shop.refund(payment_id, LAPTOP_PRICE).send().await.refused(422, "REFUND_EXCEEDS_CAPTURE");
    assert!(shop.refund(payment_id, 5_000_000).key("r1").send().await.replayed);
    shop.refund(payment_id, 20_000_000).key("r2").send().await.data(200);
    let payment = of_order(&shop, "ORDER-001").await[0].clone();
    assert_eq!((&payment["status"], &payment["refunded_amount"]), (&json!("refunded"), &json!(LAPTOP_PRICE)));
    let listed = payment["refunds"].as_array().expect("a list of refunds");
    let amounts: Vec<_> = listed.iter().map(|refund| (&refund["amount"], &refund["status"])).collect();
    let refunded = &json!("refunded");
    assert_eq!(amounts, [(&json!(5_000_000), refunded), (&json!(20_000_000), refunded)]);
    assert_eq!(shop.void("ORDER-001", "k").send().await.data(200)["outcome"], "nothing");
    let totals = shop.get("/_sandbox/audit").await["totals"].clone();
    assert_eq!((&totals["refunds"], &totals["net_money"]), (&json!(2), &json!({ "VND": 0 })));

    let declined = shop.charge("ORDER-002", "card_declined").send().await;
    let payment_id = declined.refused(402, "card_declined")["details"]["payment_id"].clone();
    shop.refund(text(&payment_id), 1).send().await.refused(422, "REFUND_EXCEEDS_CAPTURE");
    shop.refund("pay_404", 1).send().await.refused(404, "RESOURCE_NOT_FOUND");
}

/// A customer who makes a transfer may send another amount, and the rest later.
#[tokio::test]
async fn a_transfer_brings_what_the_customer_sends() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let mut transfer = crate::harness::payment("ORDER-001", "t");
    transfer["payment_method"] = json!({ "type": "bank_transfer" });
    let opened = shop.post("/payments", transfer).send().await.data(201);
    let settle = async |how: Value| shop.post("/_sandbox/payments/ORDER-001/settle", how).send().await;
    let paid =
        |amount: Value, currency: &str| json!({ "outcome": "paid", "amount": amount, "currency": currency });
    settle(json!({ "outcome": "failed", "amount": 1 })).await.refused(400, "VALIDATION_ERROR");
    settle(json!({ "outcome": "paid", "currency": "USD" })).await.refused(400, "VALIDATION_ERROR");
    settle(paid(json!(0), "VND")).await.refused(400, "VALIDATION_ERROR");
    let path = format!("/payments/{}", text(&opened["payment_id"]));
    for (amount, currency, minor) in [
        (json!(24_000_000), "VND", 24_000_000),
        (json!(26_000_000), "VND", 26_000_000),
        (json!(1000.5), "USD", 100_050),
    ] {
        settle(paid(amount.clone(), currency)).await.ok(200);
        let shown = shop.get(&path).await["data"].clone();
        assert_eq!(
            (&shown["status"], &shown["amount"], &shown["currency"]),
            (&json!("paid"), &amount, &json!(currency))
        );
        assert_eq!(shop.get("/_sandbox/audit").await["totals"]["net_money"], json!({ currency: minor }));
        assert_eq!(shop.violations().await, [""; 0], "nobody took more than was due");
    }
    // All of it goes back, and no more than that.
    let back = json!({ "amount": 1000.5, "currency": "USD", "reason": "test" });
    shop.post(&format!("{path}/refund"), back.clone()).send().await.data(200);
    shop.post(&format!("{path}/refund"), back).send().await.refused(422, "REFUND_EXCEEDS_CAPTURE");
    // Less than the total is not the order's money.
    let shop = Shop::open().await;
    crate::audit::fulfil(&shop, "ORDER-001").await;
    let short = json!({ "outcome": "paid", "amount": 24_000_000 });
    shop.post("/_sandbox/payments/ORDER-001/settle", short).send().await.ok(200);
    let violations = shop.violations().await;
    assert!(
        violations.len() == 2 && violations[0].starts_with("confirmed without its money"),
        "{violations:?}"
    );
}
