//! Messages to customers.

use contracts::customers::RecommendedProduct;
use contracts::notification::{Content, Delivery, OrderMail, SendEmail, SendPush, SendSms};
use contracts::payment::CustomerAction;
use contracts::values::{Locale, Recipient};
use serde_json::{Value, json};

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, customer_id, dong, dong_json, item, item_json, key, order_id, product_id};

fn content() -> TestResult<Content> {
    Ok(Content::OrderConfirmation {
        order_id: order_id()?,
        items: vec![item()?],
        total_amount: dong(25_000_000),
        tracking_number: "SUN-1".to_owned(),
    })
}

fn content_json() -> Value {
    json!({
        "template": "order_confirmation",
        "order_id": "ORDER-001",
        "items": [item_json()],
        "total_amount": dong_json("25000000"),
        "tracking_number": "SUN-1"
    })
}

#[test]
fn a_mail_stays() -> TestResult {
    let input = SendEmail {
        key: key(),
        to: Recipient::new("customer@example.com"),
        locale: Locale::ViVn,
        content: content()?,
        list_unsubscribe: Some("https://shop.example.com/bye/1/2".to_owned()),
    };
    let golden = json!({
        "key": KEY,
        "to": "customer@example.com",
        "locale": "vi-VN",
        "content": content_json(),
        "list_unsubscribe": "https://shop.example.com/bye/1/2"
    });
    pinned(&input, &golden, &["/list_unsubscribe"])
}

#[test]
fn the_mails_of_an_order_stay() -> TestResult {
    let action = CustomerAction {
        kind: "bank_transfer".to_owned(),
        url: Some("https://pay.example.com/1".to_owned()),
        instruction: Some("transfer it".to_owned()),
    };
    let (order_id, amount) = (order_id()?, dong(25_000_000));
    let waits = Content::OrderAwaitingPayment {
        order_id: order_id.clone(),
        total_amount: amount,
        action,
        held_minutes: 30,
    };
    let golden = json!({
        "template": "order_awaiting_payment",
        "order_id": "ORDER-001",
        "total_amount": dong_json("25000000"),
        "action": {
            "type": "bank_transfer", "url": "https://pay.example.com/1", "instruction": "transfer it"
        },
        "held_minutes": 30
    });
    pinned(&waits, &golden, &["/action/url", "/action/instruction"])?;
    let declined = Content::OrderDeclined { order_id: order_id.clone(), total_amount: amount };
    let expired = Content::OrderExpired { order_id: order_id.clone(), total_amount: amount };
    for (content, template) in [(&declined, "order_declined"), (&expired, "order_expired")] {
        let golden = json!({
            "template": template, "order_id": "ORDER-001", "total_amount": dong_json("25000000")
        });
        pinned(content, &golden, &[])?;
    }
    let cancelled = Content::OrderCancelled { order_id: order_id.clone() };
    pinned(&cancelled, &json!({ "template": "order_cancelled", "order_id": "ORDER-001" }), &[])?;
    let refunded = Content::OrderRefunded { order_id, amount };
    let golden = json!({
        "template": "order_refunded", "order_id": "ORDER-001", "amount": dong_json("25000000")
    });
    pinned(&refunded, &golden, &[])?;
    // The name that a shop switches a mail by is its template's.
    let contents = [content()?, waits, declined, expired, cancelled, refunded];
    for (content, mail) in contents.iter().zip(OrderMail::ALL) {
        assert_eq!(serde_json::to_value(content)?["template"], json!(content.template()));
        assert_eq!(content.order_mail(), Some(mail));
        assert_eq!(content.template(), format!("order_{}", mail.name()));
        assert_eq!(OrderMail::from_name(mail.name()), Some(mail));
    }
    assert_eq!(OrderMail::from_name("order_refunded"), None);
    Ok(())
}

#[test]
fn the_mails_of_onboarding_stay() -> TestResult {
    let first_name = || "Nguyen".to_owned();
    let welcome = Content::Welcome {
        first_name: first_name(),
        loyalty_points: 100,
        welcome_discount_code: Some("WELCOME123456".to_owned()),
    };
    let golden = json!({
        "template": "welcome",
        "first_name": "Nguyen",
        "loyalty_points": 100,
        "welcome_discount_code": "WELCOME123456"
    });
    pinned(&welcome, &golden, &["/welcome_discount_code"])?;
    let tips = Content::OnboardingTips { first_name: first_name() };
    pinned(&tips, &json!({ "template": "onboarding_tips", "first_name": "Nguyen" }), &[])?;
    let product = RecommendedProduct { product_id: product_id()?, name: "Mouse".to_owned(), price: None };
    let recommendations =
        Content::ProductRecommendations { first_name: first_name(), recommendations: vec![product] };
    let golden = json!({
        "template": "product_recommendations",
        "first_name": "Nguyen",
        "recommendations": [{ "product_id": "LAPTOP-001", "name": "Mouse" }]
    });
    pinned(&recommendations, &golden, &[])?;
    for content in [welcome, tips, recommendations] {
        assert_eq!(serde_json::to_value(&content)?["template"], json!(content.template()));
    }
    Ok(())
}

#[test]
fn an_sms_stays() -> TestResult {
    let input =
        SendSms { key: key(), to: Recipient::new("+84901234567"), locale: Locale::EnUs, content: content()? };
    let golden = json!({ "key": KEY, "to": "+84901234567", "locale": "en-US", "content": content_json() });
    pinned(&input, &golden, &[])
}

#[test]
fn a_push_message_stays() -> TestResult {
    let input = SendPush { key: key(), user_id: customer_id()?, locale: Locale::EnUs, content: content()? };
    let golden = json!({
        "key": KEY, "user_id": "CUSTOMER-001", "locale": "en-US", "content": content_json()
    });
    pinned(&input, &golden, &[])
}

#[test]
fn what_becomes_of_a_message_stays() -> TestResult {
    let accepted = Delivery::Accepted { message_id: Some("msg_1".to_owned()) };
    let golden = json!({ "result": "accepted", "message_id": "msg_1" });
    pinned(&accepted, &golden, &["/message_id"])?;
    let refused = Delivery::Refused { code: "ADDRESS_REFUSED".to_owned() };
    pinned(&refused, &json!({ "result": "refused", "code": "ADDRESS_REFUSED" }), &[])?;
    let bounced = Delivery::Bounced { code: "550".to_owned() };
    pinned(&bounced, &json!({ "result": "bounced", "code": "550" }), &[])?;
    pinned(&Delivery::SwitchedOff, &json!({ "result": "switched_off" }), &[])
}

#[test]
fn the_name_of_a_template_is_the_one_on_the_wire() -> TestResult {
    let content = content()?;
    assert_eq!(serde_json::to_value(&content)?["template"], json!(content.template()));
    Ok(())
}
