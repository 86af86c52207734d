//! The payment provider.

use std::collections::BTreeSet;

use contracts::commerce::PaymentStatus;
use contracts::payment::{
    Balance, ChargePayment, CustomerAction, FindPayment, Payment, PaymentKind, PaymentState, ReversePayment,
};
use contracts::rounds::{Round, Tried as _};
use contracts::values::PaymentToken;
use serde_json::json;

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, customer_id, dong, dong_json, key, order_id};

fn payment(state: PaymentState) -> Payment {
    Payment { payment_id: Some("pay_1".to_owned()), received: None, state }
}

#[test]
fn the_request_to_charge_stays() -> TestResult {
    let input = ChargePayment {
        key: key(),
        order_id: order_id()?,
        customer_id: customer_id()?,
        amount: dong(25_000_000),
        kind: PaymentKind::EWallet,
        token: Some(PaymentToken::new("card_token_123")),
        looks_first: true,
    };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "customer_id": "CUSTOMER-001",
        "amount": dong_json("25000000"),
        "kind": "e_wallet",
        "token": "card_token_123",
        "looks_first": true
    });
    pinned(&input, &golden, &["/token", "/looks_first"])
}

#[test]
fn every_state_of_a_payment_stays() -> TestResult {
    let golden = json!({ "payment_id": "pay_1", "state": "paid" });
    pinned(&payment(PaymentState::Paid), &golden, &["/payment_id"])?;
    let golden = json!({ "payment_id": "pay_1", "received": dong_json("24000000"), "state": "paid" });
    let short = Payment { received: Some(dong(24_000_000)), ..payment(PaymentState::Paid) };
    pinned(&short, &golden, &["/payment_id", "/received"])?;
    let golden = json!({ "payment_id": "pay_1", "state": "reversed" });
    pinned(&payment(PaymentState::Reversed), &golden, &["/payment_id"])?;
    let declined = PaymentState::Declined { code: "insufficient_funds".to_owned(), customer_may_retry: true };
    let golden = json!({
        "payment_id": "pay_1",
        "state": "declined",
        "code": "insufficient_funds",
        "customer_may_retry": true
    });
    pinned(&payment(declined), &golden, &["/payment_id"])
}

#[test]
fn what_a_customer_has_to_do_stays() -> TestResult {
    let action = CustomerAction {
        kind: "three_d_secure".to_owned(),
        url: Some("https://pay.example.com/1".to_owned()),
        instruction: Some("confirm in the app".to_owned()),
    };
    let golden = json!({
        "payment_id": "pay_1",
        "state": "requires_action",
        "action": {
            "type": "three_d_secure",
            "url": "https://pay.example.com/1",
            "instruction": "confirm in the app"
        }
    });
    let optional = ["/payment_id", "/action/url", "/action/instruction"];
    pinned(&payment(PaymentState::RequiresAction { action }), &golden, &optional)
}

#[test]
fn the_question_for_a_payment_and_its_answers_stay() -> TestResult {
    let input = FindPayment {
        key: key(),
        order_id: order_id()?,
        payment_id: None,
        other_ids: BTreeSet::new(),
        until_one: false,
    };
    let patient = FindPayment { until_one: true, ..input.clone() };
    let golden = json!({ "key": KEY, "order_id": "ORDER-001", "until_one": true });
    pinned(&patient, &golden, &["/until_one"])?;
    pinned(&input, &json!({ "key": KEY, "order_id": "ORDER-001" }), &[])?;
    let named = FindPayment { payment_id: Some("pay_2".to_owned()), ..input };
    let golden = json!({ "key": KEY, "order_id": "ORDER-001", "payment_id": "pay_2" });
    pinned(&named, &golden, &["/payment_id"])?;
    let all = FindPayment { other_ids: BTreeSet::from(["pay_3".to_owned(), "pay_4".to_owned()]), ..named };
    let golden = json!({ "key": KEY, "order_id": "ORDER-001", "payment_id": "pay_2", "other_ids": ["pay_3", "pay_4"] });
    pinned(&all, &golden, &["/payment_id", "/other_ids"])?;
    pinned(&None::<Payment>, &json!(null), &[])?;
    let golden = json!({ "payment_id": "pay_1", "state": "paid" });
    pinned(&Some(payment(PaymentState::Paid)), &golden, &["/payment_id"])
}

#[test]
fn how_the_money_ended_stays() -> TestResult {
    let input = Balance {
        status: PaymentStatus::Refunded,
        payment_id: Some("pay_1".to_owned()),
        refunded: Some(dong(25_000_000)),
        refund_ids: vec!["ref_1".to_owned()],
    };
    let golden = json!({
        "status": "refunded",
        "payment_id": "pay_1",
        "refunded": dong_json("25000000"),
        "refund_ids": ["ref_1"]
    });
    pinned(&input, &golden, &["/payment_id", "/refunded", "/refund_ids"])
}

#[test]
fn the_request_to_undo_a_charge_stays() -> TestResult {
    let input = ReversePayment {
        key: key(),
        order_id: order_id()?,
        payment_id: None,
        other_ids: BTreeSet::new(),
        reason: "out of stock".to_owned(),
        round: 0,
        not_before: None,
    };
    let golden = json!({ "key": KEY, "order_id": "ORDER-001", "reason": "out of stock" });
    pinned(&input, &golden, &[])?;
    let later = Round { number: 2, not_before: Some("2026-01-31T12:00:00Z".parse()?) };
    let input = ReversePayment { payment_id: Some("pay_1".to_owned()), ..input }.in_round(later);
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "payment_id": "pay_1",
        "reason": "out of stock",
        "round": 2,
        "not_before": "2026-01-31T12:00:00Z"
    });
    pinned(&input, &golden, &["/payment_id", "/round", "/not_before"])?;
    let several = ReversePayment { other_ids: BTreeSet::from(["pay_2".to_owned()]), ..input };
    let mut golden = golden;
    golden["other_ids"] = json!(["pay_2"]);
    pinned(&several, &golden, &["/payment_id", "/other_ids", "/round", "/not_before"])
}
