//! The customer's side: an order that waits, mails that a shop writes itself, and what went back.

use std::collections::BTreeSet;
use std::time::Duration;

use activities::commerce::CommerceActivities;
use activities::notification::NotificationActivities;
use activities::payment::PaymentActivities;
use contracts::commerce::{Commerce, OrderStatus, PaymentStatus, UpdateOrder};
use contracts::failure::REFUSED;
use contracts::money::Money;
use contracts::notification::{Content, Delivery, Notifications, OrderMail, SendEmail};
use contracts::payment::{Balance, CustomerAction, FindPayment, Payments};
use contracts::values::{CustomerId, Locale, Recipient};
use messages::Texts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{PRICE, charge, dong, key, order_id, reverse, update, validate};
use crate::shop::Shop;
use crate::temporal::{FIRST, SECOND, Temporal};

fn action() -> CustomerAction {
    CustomerAction {
        kind: "redirect".to_owned(),
        url: Some("https://pay.example.com/1".to_owned()),
        instruction: None,
    }
}

fn waits() -> TestResult<UpdateOrder> {
    Ok(UpdateOrder {
        only_over: Some(CustomerId::new("CUSTOMER-001")?),
        payment_action: Some(action()),
        ..update(OrderStatus::AwaitingPayment)?
    })
}

#[tokio::test]
async fn an_order_waits_only_where_it_is_open() -> TestResult {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(CommerceActivities::new(shop.api()?)).await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    for (now, kept) in [("pending", "awaiting_payment"), ("confirmed", "confirmed"), ("expired", "expired")] {
        shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": now })).await?;
        for attempt in [FIRST, SECOND] {
            assert_eq!(temporal.run(Commerce::update_order, attempt, &waits()?).await?, Ok(()));
        }
        let order = shop.get("/api/v1/orders/ORDER-001").await?["data"].clone();
        assert_eq!(order["status"], kept, "over {now}");
        let shown = json!({ "type": "redirect", "url": "https://pay.example.com/1" });
        let shown = (kept == "awaiting_payment").then_some(&shown);
        assert_eq!(order.get("payment_action"), shown, "over {now}");
    }
    Ok(())
}

/// The order's mails, one of each kind.
fn contents() -> TestResult<Vec<Content>> {
    let (order_id, total_amount) = (order_id()?, dong(PRICE));
    Ok(vec![
        Content::OrderConfirmation {
            order_id: order_id.clone(),
            items: vec![],
            total_amount,
            tracking_number: "SUN-1".to_owned(),
        },
        Content::OrderAwaitingPayment {
            order_id: order_id.clone(),
            total_amount,
            action: action(),
            held_minutes: 30,
        },
        Content::OrderDeclined { order_id: order_id.clone(), total_amount },
        Content::OrderExpired { order_id: order_id.clone(), total_amount },
        Content::OrderCancelled { order_id: order_id.clone() },
        Content::OrderRefunded { order_id, amount: total_amount },
    ])
}

fn mail(content: Content) -> SendEmail {
    let key = key("send-notifications").part(content.template());
    let (to, locale) = (Recipient::new("customer@example.com"), Locale::EnUs);
    SendEmail { key, to, locale, content, list_unsubscribe: None }
}

#[tokio::test]
async fn each_mail_about_an_order_carries_its_facts() -> TestResult {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(NotificationActivities::new(shop.api()?, Texts::load()?)).await?;
    for content in contents()? {
        let sent = temporal.run(Notifications::send_email, FIRST, &mail(content)).await?;
        assert!(matches!(sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
    }
    let outbox = shop.get("/_sandbox/outbox?order_id=ORDER-001").await?;
    let data: Vec<&Value> =
        outbox.as_array().into_iter().flatten().map(|sent| &sent["message"]["data"]).collect();
    let unpaid = json!({ "order_id": "ORDER-001", "total_amount": PRICE, "currency": "VND" });
    assert_eq!(
        data[1..],
        [
            &json!({
                "order_id": "ORDER-001", "total_amount": PRICE, "currency": "VND", "held_minutes": 30,
                "payment_action": { "type": "redirect", "url": "https://pay.example.com/1" }
            }),
            &unpaid,
            &unpaid,
            &json!({ "order_id": "ORDER-001" }),
            &json!({ "order_id": "ORDER-001", "amount": PRICE, "currency": "VND" }),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_mail_that_the_shop_writes_itself_is_not_sent() -> TestResult {
    let (shop, only) = (Shop::open().await?, BTreeSet::from([OrderMail::Declined]));
    let activities = NotificationActivities::new(shop.api()?, Texts::load()?).with_order_mails(only);
    let temporal = Temporal::with(activities).await?;
    for content in contents()? {
        let is_written = content.order_mail() == Some(OrderMail::Declined);
        let sent = temporal.run(Notifications::send_email, FIRST, &mail(content)).await?;
        assert_eq!(sent != Ok(Delivery::SwitchedOff), is_written, "{sent:?}");
    }
    // Mails that are not about an order have no switch.
    let tips = mail(Content::OnboardingTips { first_name: "Nguyen".to_owned() });
    let sent = temporal.run(Notifications::send_email, FIRST, &tips).await?;
    assert!(matches!(sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
    assert_eq!(shop.total("mails").await?, 2);
    Ok(())
}

fn refund() -> TestResult<FindPayment> {
    Ok(FindPayment {
        key: key("process-payment"),
        order_id: order_id()?,
        payment_id: None,
        other_ids: BTreeSet::new(),
        until_one: false,
    })
}

/// How the money ended, in short: the status, what went back, and how many refunds are named.
fn in_short(balance: &Balance) -> (PaymentStatus, Option<Money>, usize) {
    (balance.status, balance.refunded, balance.refund_ids.len())
}

#[tokio::test]
async fn how_the_money_ended_is_read_whoever_gave_it_back() -> TestResult {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(PaymentActivities::new(shop.api()?, Duration::from_secs(20))).await?;
    let ended = async || -> TestResult<Balance> {
        let read = temporal.run(Payments::refunded, FIRST, &refund()?).await?;
        Ok(read.map_err(|failed| format!("{failed:?}"))?)
    };
    let nothing = ended().await?;
    assert_eq!((in_short(&nothing), nothing.payment_id), ((PaymentStatus::Unpaid, None, 0), None));
    let paid = temporal.run(Payments::charge, FIRST, &charge("card_token_123")?).await?;
    let paid = paid.map_err(|failed| format!("{failed:?}"))?;
    assert_eq!(in_short(&ended().await?), (PaymentStatus::Paid, None, 0), "all of it is still here");
    let path = format!("/api/v1/payments/{}/refund", paid.payment_id.clone().unwrap_or_default());
    shop.ask(Method::POST, &path, json!({ "amount": 1_000_000, "reason": "a scratch" })).await?;
    let part = (PaymentStatus::PartiallyRefunded, Some(dong(1_000_000)), 1);
    assert_eq!(in_short(&ended().await?), part);
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    let all = ended().await?;
    assert_eq!(in_short(&all), (PaymentStatus::Refunded, Some(dong(PRICE)), 2));
    assert_eq!(all.payment_id, paid.payment_id);
    Ok(())
}

#[tokio::test]
async fn a_charge_that_was_declined_took_no_money() -> TestResult {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(PaymentActivities::new(shop.api()?, Duration::from_secs(20))).await?;
    let declined = temporal.run(Payments::charge, FIRST, &charge("card_declined")?).await?;
    assert!(declined.is_ok(), "{declined:?}");
    let read = temporal.run(Payments::refunded, FIRST, &refund()?).await?;
    assert_eq!(read.as_ref().map(in_short), Ok((PaymentStatus::Unpaid, None, 0)));
    Ok(())
}

#[tokio::test]
async fn nothing_went_back_of_what_was_voided_and_all_of_what_is_called_refunded() -> TestResult {
    use PaymentStatus::{Paid, PartiallyRefunded, Pending, Refunded, Unpaid, Voided};
    let key = key("process-payment");
    let payment = |status: &str, more: Value| {
        let mut payment = json!({
            "payment_id": "pay_1", "idempotency_key": key.as_str(), "status": status, "amount": 7, "currency": "VND"
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            payment[name] = value.clone();
        }
        payment
    };
    let listed = |status: &str| json!({ "refunds": [{ "id": "ref_1", "status": status, "amount": 7 }] });
    let shown = |status: &str, amount: u32| {
        let mut listed = listed(status);
        listed["refunded_amount"] = json!(amount);
        listed
    };
    for (payments, wanted) in [
        (json!([]), Ok((Unpaid, None, 0))),
        (json!([payment("voided", json!({}))]), Ok((Voided, None, 0))),
        (json!([payment("requires_action", json!({}))]), Ok((Pending, None, 0))),
        (json!([payment("paid", json!({ "refunded_amount": 0 }))]), Ok((Paid, None, 0))),
        (json!([payment("refunded", json!({}))]), Ok((Refunded, Some(7), 0))),
        (json!([payment("refunded", json!({ "refunded_amount": 5 }))]), Ok((Refunded, Some(5), 0))),
        (
            json!([payment("refunded", json!({})), payment("paid", json!({ "refunded_amount": "2" }))]),
            Ok((PartiallyRefunded, Some(9), 0)),
        ),
        // It is on its way: the money is not here any more, and the customer hears of it when it shows.
        (json!([payment("paid", shown("pending", 0))]), Ok((Refunded, None, 1))),
        (json!([payment("paid", shown("failed", 0))]), Ok((Paid, None, 0))),
        // The platform does not add refunds up.
        (json!([payment("paid", listed("pending"))]), Ok((Refunded, None, 1))),
        (json!([payment("paid", listed("succeeded"))]), Ok((Refunded, Some(7), 1))),
        (json!([payment("paid", shown("queued", 0))]), Err("does not know: \"queued\"")),
        (json!([payment("partially_refunded", json!({}))]), Err("without a readable amount")),
        (json!([payment("refunded", json!({ "currency": "dong" }))]), Err("without a readable amount")),
        (json!([payment("requires_magic", json!({}))]), Err("does not know: \"requires_magic\"")),
    ] {
        let peer = Peer::start([answer(200, "", &json!({ "data": payments }).to_string())]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, Duration::from_secs(20))).await?;
        let read = temporal.run(Payments::refunded, FIRST, &refund()?).await?;
        match (read, wanted) {
            (Ok(balance), Ok((status, amount, ids))) => {
                assert_eq!(in_short(&balance), (status, amount.map(dong), ids), "{payments}");
            }
            (Err(failed), Err(words)) => assert!(failed.message.contains(words), "{}", failed.message),
            (read, wanted) => return Err(format!("{payments}: {read:?}, not {wanted:?}").into()),
        }
    }
    Ok(())
}

/// "Nothing was paid" is not said of a payment that was made, because a search does not show it.
#[tokio::test]
async fn a_payment_that_was_made_counts_though_no_search_shows_it() -> TestResult {
    let find = FindPayment { payment_id: Some("pay_1".to_owned()), ..refund()? };
    let ok = |data: Value| answer(200, "", &json!({ "data": data }).to_string());
    let ours = json!({
        "payment_id": "pay_1", "idempotency_key": find.key.as_str(), "status": "voided", "amount": 7, "currency": "VND"
    });
    let unknown = answer(404, "", r#"{"error":{"code":"RESOURCE_NOT_FOUND"}}"#);
    for (by_id, wanted) in [(ok(ours), Some(PaymentStatus::Voided)), (unknown, None)] {
        let peer = Peer::start([ok(json!([])), by_id]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, Duration::from_secs(20))).await?;
        let read = temporal.run(Payments::refunded, FIRST, &find).await?;
        match (read, wanted) {
            (Ok(balance), Some(status)) => assert_eq!(balance.status, status),
            (Err(failed), None) => {
                assert!(failed.message.contains("does not show the payment"), "{failed:?}")
            }
            (read, wanted) => return Err(format!("{read:?}, not {wanted:?}").into()),
        }
    }
    Ok(())
}

/// A shop that does not know the state is not asked again and again: it is only told.
#[tokio::test]
async fn a_shop_that_does_not_want_to_hear_that_an_order_waits_is_not_asked_twice() -> TestResult {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(CommerceActivities::new(shop.api()?)).await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    shop.fault("orders.update", "status", json!({ "status": 422 })).await?;
    let refused = temporal.run(Commerce::update_order, FIRST, &waits()?).await?.err().ok_or("told")?;
    assert_eq!((refused.kind.as_str(), refused.is_final), (REFUSED, true));
    Ok(())
}
