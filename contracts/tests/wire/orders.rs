//! The commerce platform.

use contracts::commerce::{
    OrderCheck, OrderCompleted, OrderLine, OrderProblem, OrderStatus, OrderValidation, PaymentStatus,
    ShippingStatus, UpdateOrder, UpdatePayment, ValidateOrder,
};
use contracts::money::{Currency, Money, UnitPrice};
use contracts::payment::{CustomerAction, PaymentKind};
use contracts::values::Recipient;
use serde_json::json;

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{
    KEY, VARIANT, address, address_json, customer_id, dong, dong_json, item, item_json, key, order_id,
};

#[test]
fn the_question_whether_an_order_may_go_ahead_stays() -> TestResult {
    let input = ValidateOrder {
        order_id: order_id()?,
        checks: vec![OrderCheck::PricingAccuracy, OrderCheck::ShippingAddress],
        customer_id: customer_id()?,
        customer_email: Recipient::new("customer@example.com"),
        customer_phone: Some(Recipient::new("+84901234567")),
        items: vec![item()?],
        total: dong(25_000_006),
        shipping_fee: dong(1),
        discount: dong(2),
        tax: dong(7),
        payment_kind: PaymentKind::CreditCard,
        shipping_address: address(),
        shipping_method: "standard".to_owned(),
    };
    let golden = json!({
        "order_id": "ORDER-001",
        "checks": ["pricing_accuracy", "shipping_address"],
        "customer_id": "CUSTOMER-001",
        "customer_email": "customer@example.com",
        "customer_phone": "+84901234567",
        "items": [item_json()],
        "total": dong_json("25000006"),
        "shipping_fee": dong_json("1"),
        "discount": dong_json("2"),
        "tax": dong_json("7"),
        "payment_kind": "credit_card",
        "shipping_address": address_json(),
        "shipping_method": "standard"
    });
    let address =
        ["phone", "district", "state", "postal_code"].map(|name| format!("/shipping_address/{name}"));
    pinned(
        &input,
        &golden,
        &[&["/customer_phone"], address.each_ref().map(String::as_str).as_slice()].concat(),
    )
}

#[test]
fn the_verdicts_on_an_order_stay() -> TestResult {
    pinned(&OrderValidation::Valid { was_known: false }, &json!({ "verdict": "valid" }), &[])?;
    let known = json!({ "verdict": "valid", "was_known": true });
    pinned(&OrderValidation::Valid { was_known: true }, &known, &["/was_known"])?;
    let problem = OrderProblem {
        check: "pricing_accuracy".to_owned(),
        field: "items[0].price".to_owned(),
        message: "the price has changed".to_owned(),
        variant_id: Some(VARIANT.to_owned()),
    };
    let golden = json!({
        "verdict": "invalid",
        "problems": [{
            "check": "pricing_accuracy",
            "field": "items[0].price",
            "message": "the price has changed",
            "variant_id": VARIANT
        }]
    });
    let invalid = |was_known| OrderValidation::Invalid { problems: vec![problem.clone()], was_known };
    pinned(&invalid(false), &golden, &["/problems/0/variant_id"])?;
    let mut known = golden.clone();
    known["was_known"] = json!(true);
    pinned(&invalid(true), &known, &["/problems/0/variant_id", "/was_known"])
}

#[test]
fn the_change_of_an_order_stays() -> TestResult {
    let input = UpdateOrder {
        key: key(),
        order_id: order_id()?,
        status: OrderStatus::Confirmed,
        only_over: Some(customer_id()?),
        may_become_known: true,
        payment_action: Some(CustomerAction {
            kind: "redirect".to_owned(),
            url: Some("https://pay.example.com/1".to_owned()),
            instruction: None,
        }),
        payment_status: Some(PaymentStatus::Paid),
        payment_id: Some("pay_1".to_owned()),
        refund_ids: vec!["ref_1".to_owned()],
        shipping_status: Some(ShippingStatus::Pending),
        tracking_number: Some("SUN-1".to_owned()),
        estimated_delivery: Some("2026-03-04T00:00:00Z".to_owned()),
        failure_reason: Some("out of stock".to_owned()),
    };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "status": "confirmed",
        "only_over": "CUSTOMER-001",
        "may_become_known": true,
        "payment_action": { "type": "redirect", "url": "https://pay.example.com/1" },
        "payment_status": "paid",
        "payment_id": "pay_1",
        "refund_ids": ["ref_1"],
        "shipping_status": "pending",
        "tracking_number": "SUN-1",
        "estimated_delivery": "2026-03-04T00:00:00Z",
        "failure_reason": "out of stock"
    });
    let optional = [
        "/only_over",
        "/may_become_known",
        "/payment_action",
        "/payment_action/url",
        "/payment_status",
        "/payment_id",
        "/refund_ids",
        "/shipping_status",
        "/tracking_number",
        "/estimated_delivery",
        "/failure_reason",
    ];
    pinned(&input, &golden, &optional)
}

#[test]
fn how_the_money_ended_stays() -> TestResult {
    let input = UpdatePayment {
        key: key(),
        order_id: order_id()?,
        payment_status: PaymentStatus::PartiallyRefunded,
        payment_id: Some("pay_1".to_owned()),
        refund_ids: vec!["ref_1".to_owned()],
    };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "payment_status": "partially_refunded",
        "payment_id": "pay_1",
        "refund_ids": ["ref_1"]
    });
    pinned(&input, &golden, &["/payment_id", "/refund_ids"])
}

/// A price in whole coins is written as ever; a finer one with its own decimals.
#[test]
fn the_price_of_a_piece_stays() -> TestResult {
    let screws = OrderLine { quantity: 1_000, price: UnitPrice::parse("0.0125", Currency::USD)?, ..item()? };
    assert_eq!(screws.total(), Some(Money::from_minor_units(1_250, Currency::USD)));
    let mut golden = item_json();
    golden["quantity"] = json!(1_000);
    golden["price"] = json!({ "amount": "0.0125", "currency": "USD" });
    pinned(&screws, &golden, &[])
}

#[test]
fn the_sale_stays() -> TestResult {
    let input = OrderCompleted {
        key: key(),
        order_id: order_id()?,
        customer_id: customer_id()?,
        revenue: Money::from_minor_units(1_990, Currency::USD),
        items: vec![item()?],
    };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "customer_id": "CUSTOMER-001",
        "revenue": { "amount": "19.90", "currency": "USD" },
        "items": [item_json()]
    });
    pinned(&input, &golden, &[])
}
