//! The message senders: each message once, in the customer's language; a refusal never fails anything.

use activities::notification::NotificationActivities;
use contracts::failure::{OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::notification::{Content, Delivery, Notifications, SendEmail, SendPush, SendSms};
use contracts::values::{CustomerId, Locale, Recipient};
use messages::Texts;
use serde_json::{Value, json};

use crate::TestResult;
use crate::samples::{PRICE, dong, items, key, order_id};
use crate::shop::Shop;
use crate::temporal::{FIRST, SECOND, Temporal};

async fn open() -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(NotificationActivities::new(shop.api()?, Texts::load()?)).await?;
    Ok((shop, temporal))
}

fn content() -> TestResult<Content> {
    Ok(Content::OrderConfirmation {
        order_id: order_id()?,
        items: items()?,
        total_amount: dong(PRICE),
        tracking_number: "SUN-1".to_owned(),
    })
}

pub(crate) fn email() -> TestResult<SendEmail> {
    let (to, locale) = (Recipient::new("customer@example.com"), Locale::ViVn);
    let key = key("send-notifications/email");
    Ok(SendEmail { key, to, locale, content: content()?, list_unsubscribe: None })
}

pub(crate) fn sms() -> TestResult<SendSms> {
    let (to, locale) = (Recipient::new("+84901234567"), Locale::EnUs);
    Ok(SendSms { key: key("send-notifications/sms"), to, locale, content: content()? })
}

pub(crate) fn push() -> TestResult<SendPush> {
    let (user_id, locale) = (CustomerId::new("CUSTOMER-001")?, Locale::ViVn);
    Ok(SendPush { key: key("send-notifications/push"), user_id, locale, content: content()? })
}

/// The one message in the shop's outbox.
async fn sent(shop: &Shop) -> TestResult<Value> {
    let outbox = shop.get("/_sandbox/outbox").await?;
    assert_eq!(outbox.as_array().map(Vec::len), Some(1), "{outbox}");
    Ok(outbox[0].clone())
}

fn is_accepted<E>(delivery: &Result<Delivery, E>) -> bool {
    matches!(delivery, Ok(Delivery::Accepted { message_id: Some(_) }))
}

#[tokio::test]
async fn a_mail_goes_out_once_with_the_seeds_data() -> TestResult {
    let (shop, temporal) = open().await?;
    let first = temporal.run(Notifications::send_email, FIRST, &email()?).await?;
    assert!(is_accepted(&first), "{first:?}");
    assert_eq!(temporal.run(Notifications::send_email, SECOND, &email()?).await?, first);
    let mail = sent(&shop).await?;
    assert_eq!((&mail["channel"], &mail["order_id"]), (&json!("email"), &json!("ORDER-001")));
    let message = &mail["message"];
    assert_eq!(message["to"], "customer@example.com");
    assert_eq!((&message["template"], &message["locale"]), (&json!("order_confirmation"), &json!("vi-VN")));
    assert_eq!(message["subject"], "Xác nhận đơn hàng ORDER-001");
    assert_eq!(message["data"]["total_amount"], json!(PRICE));
    assert_eq!(message["data"]["items"][0]["price"], json!(PRICE));
    assert_eq!(message["data"]["tracking_number"], "SUN-1");
    Ok(())
}

#[tokio::test]
async fn an_sms_goes_out_once_in_the_customers_language() -> TestResult {
    let (shop, temporal) = open().await?;
    let first = temporal.run(Notifications::send_sms, FIRST, &sms()?).await?;
    assert!(is_accepted(&first), "{first:?}");
    assert_eq!(temporal.run(Notifications::send_sms, SECOND, &sms()?).await?, first);
    let message = sent(&shop).await?["message"].clone();
    let golden =
        json!({ "to": "+84901234567", "message": "Order ORDER-001 is confirmed. Tracking number: SUN-1" });
    assert_eq!(message, golden);
    Ok(())
}

#[tokio::test]
async fn a_push_message_goes_out_once_with_the_order_in_it() -> TestResult {
    let (shop, temporal) = open().await?;
    let first = temporal.run(Notifications::send_push, FIRST, &push()?).await?;
    assert!(is_accepted(&first), "{first:?}");
    assert_eq!(temporal.run(Notifications::send_push, SECOND, &push()?).await?, first);
    let message = sent(&shop).await?["message"].clone();
    let golden = json!({
        "user_id": "CUSTOMER-001",
        "title": "Đơn hàng đã được xác nhận",
        "body": "Đơn hàng #ORDER-001 đang được chuẩn bị",
        "data": { "order_id": "ORDER-001", "type": "order_confirmation" }
    });
    assert_eq!(message, golden);
    Ok(())
}

#[tokio::test]
async fn a_message_that_will_never_be_taken_is_an_outcome() -> TestResult {
    let (shop, temporal) = open().await?;
    let refused = Ok(Delivery::Refused { code: "UNPROCESSABLE".to_owned() });
    shop.fault("notifications.email", "status", json!({ "status": 422 })).await?;
    assert_eq!(temporal.run(Notifications::send_email, FIRST, &email()?).await?, refused);
    shop.fault("notifications.sms", "status", json!({ "status": 422 })).await?;
    assert_eq!(temporal.run(Notifications::send_sms, FIRST, &sms()?).await?, refused);
    shop.fault("notifications.push", "status", json!({ "status": 422 })).await?;
    assert_eq!(temporal.run(Notifications::send_push, FIRST, &push()?).await?, refused);
    assert_eq!(shop.get("/_sandbox/outbox").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_sender_that_is_down_or_forbids_is_asked_again_and_one_that_refuses_is_not() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.fault("notifications.email", "status", json!({ "status": 503 })).await?;
    let failed = temporal.run(Notifications::send_email, FIRST, &email()?).await?.err().ok_or("sent")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    shop.fault("notifications.email", "status", json!({ "status": 403 })).await?;
    let failed = temporal.run(Notifications::send_email, FIRST, &email()?).await?.err().ok_or("sent")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (SETTING, false));
    assert!(failed.message.contains("look at the rights of PEER_TOKEN"), "{}", failed.message);
    shop.fault("notifications.email", "status", json!({ "status": 400 })).await?;
    let failed = temporal.run(Notifications::send_email, FIRST, &email()?).await?.err().ok_or("sent")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
    assert!(!failed.message.contains("customer@example.com"), "{}", failed.message);
    Ok(())
}

#[tokio::test]
async fn a_marketing_mail_says_where_one_click_ends_it() -> TestResult {
    let (shop, temporal) = open().await?;
    let mail = SendEmail {
        content: Content::OnboardingTips { first_name: "Nguyen".to_owned() },
        list_unsubscribe: Some("https://shop.example.com/bye/1/2".to_owned()),
        ..email()?
    };
    assert!(is_accepted(&temporal.run(Notifications::send_email, FIRST, &mail).await?));
    let message = sent(&shop).await?["message"].clone();
    assert_eq!(
        message["headers"],
        json!({
            "List-Unsubscribe": "<https://shop.example.com/bye/1/2>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"
        })
    );
    assert_eq!(message["data"], json!({ "first_name": "Nguyen" }));
    assert!(message["text"].as_str().is_some_and(|text| text.contains("Nguyen")), "{message}");
    Ok(())
}

/// M1, M5, M7 and O7: whatever an older run was started with, what is sent is one mailbox, one number.
#[tokio::test]
async fn recipients_are_sent_in_their_one_form_or_not_at_all() -> TestResult {
    let (shop, temporal) = open().await?;
    let (mut nth, step) = (0, |nth: &mut u32| {
        *nth += 1;
        key(&format!("message-{nth}"))
    });
    for (to, sent_to) in [
        ("lan@thử.example.com", Some("lan@xn--th-yct.example.com")),
        ("\"abc..def\"@example.com", Some("\"abc..def\"@example.com")),
        ("Lan Pham <lan@example.com>", None),
    ] {
        let mail = SendEmail { to: Recipient::new(to), key: step(&mut nth), ..email()? };
        let outcome = temporal.run(Notifications::send_email, FIRST, &mail).await?;
        match sent_to {
            Some(address) => assert_eq!(newest(&shop).await?["to"], address),
            None => assert_eq!(outcome, Ok(Delivery::Refused { code: "invalid_address".to_owned() })),
        }
    }
    for (to, sent_to) in [("+84 (0)901 234 567", Some("+84901234567")), ("0901 234 567", None)] {
        let message = SendSms { to: Recipient::new(to), key: step(&mut nth), ..sms()? };
        let outcome = temporal.run(Notifications::send_sms, FIRST, &message).await?;
        match sent_to {
            Some(number) => assert_eq!(newest(&shop).await?["to"], number),
            None => assert_eq!(outcome, Ok(Delivery::Refused { code: "invalid_number".to_owned() })),
        }
    }
    Ok(())
}

/// The message that was sent last.
async fn newest(shop: &Shop) -> TestResult<serde_json::Value> {
    let outbox = shop.get("/_sandbox/outbox").await?;
    let last = outbox.as_array().and_then(|sent| sent.last()).ok_or("nothing was sent")?;
    Ok(last["message"].clone())
}
