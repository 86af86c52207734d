//! The shop hears how the money of an order ended.

use activities::commerce::CommerceActivities;
use contracts::commerce::{Commerce, OrderStatus, PaymentStatus, UpdateOrder, UpdatePayment};
use contracts::failure::{OUTCOME_UNKNOWN, REFUSED};
use contracts::values::CustomerId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{key, order_id, update, validate};
use crate::shop::Shop;
use crate::temporal::{FIRST, SECOND, Temporal};

fn word(payment_status: PaymentStatus) -> TestResult<UpdatePayment> {
    Ok(UpdatePayment {
        key: key("update-payment"),
        order_id: order_id()?,
        payment_status,
        payment_id: Some("pay_1".to_owned()),
        refund_ids: Vec::new(),
    })
}

fn refunded() -> TestResult<UpdateOrder> {
    Ok(UpdateOrder {
        payment_status: Some(PaymentStatus::Refunded),
        payment_id: Some("pay_1".to_owned()),
        refund_ids: vec!["ref_1".to_owned()],
        ..update(OrderStatus::Failed)?
    })
}

/// A shop that knows the order.
async fn open() -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(CommerceActivities::new(shop.api()?)).await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    Ok((shop, temporal))
}

async fn shown(shop: &Shop) -> TestResult<[Value; 4]> {
    let order = shop.get("/api/v1/orders/ORDER-001").await?["data"].clone();
    Ok(["status", "payment_status", "payment_id", "refund_ids"].map(|name| order[name].clone()))
}

#[tokio::test]
async fn the_shop_hears_with_the_end_how_the_money_ended() -> TestResult {
    let (shop, temporal) = open().await?;
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Commerce::update_order, attempt, &refunded()?).await?, Ok(()));
    }
    assert_eq!(shown(&shop).await?, [json!("failed"), json!("refunded"), json!("pay_1"), json!(["ref_1"])]);
    Ok(())
}

/// Somebody has cancelled the order in the shop meanwhile, and knows nothing of its money.
#[tokio::test]
async fn an_order_that_somebody_closed_hears_of_its_money_all_the_same() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": "cancelled" })).await?;
    let stranger = UpdateOrder { only_over: Some(CustomerId::new("CUSTOMER-001")?), ..refunded()? };
    assert_eq!(temporal.run(Commerce::update_order, SECOND, &stranger).await?, Ok(()));
    assert_eq!(shown(&shop).await?[..2], [json!("cancelled"), Value::Null], "it had begun nothing");
    assert_eq!(temporal.run(Commerce::update_order, SECOND, &refunded()?).await?, Ok(()));
    assert_eq!(shown(&shop).await?[..2], [json!("cancelled"), json!("refunded")]);
    Ok(())
}

#[tokio::test]
async fn how_the_money_ended_is_told_again_and_leaves_the_order_as_it_is() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": "expired" })).await?;
    for status in [PaymentStatus::Paid, PaymentStatus::Voided] {
        for attempt in [FIRST, SECOND] {
            assert_eq!(temporal.run(Commerce::update_payment, attempt, &word(status)?).await?, Ok(()));
        }
        assert_eq!(shown(&shop).await?[..2], [json!("expired"), json!(status.name())]);
    }
    let other = Shop::open().await?;
    let gone = Temporal::with(CommerceActivities::new(other.api()?)).await?;
    let refused = gone.run(Commerce::update_payment, FIRST, &word(PaymentStatus::Paid)?).await?;
    let refused = refused.err().ok_or("told")?;
    assert_eq!((refused.kind.as_str(), refused.is_final), (REFUSED, false), "a person is asked in the end");
    Ok(())
}

/// An answer that does not repeat it does not show that the shop holds it; a shop that shows nothing of it has taken
/// it.
#[tokio::test]
async fn a_word_about_the_money_that_the_shop_does_not_repeat_is_looked_for() -> TestResult {
    let ok = |data: Value| answer(200, "", &json!({ "data": data }).to_string());
    let held = |money: Value| ok(json!({ "status": "failed", "payment_status": money }));
    for (answers, is_told) in [
        (vec![held(json!("refunded"))], true),
        (vec![ok(json!({})), held(json!("refunded"))], true),
        (vec![ok(json!({})), held(Value::Null)], true),
        (vec![held(json!("paid"))], false),
        (vec![ok(json!({})), held(json!("paid"))], false),
    ] {
        let requests = answers.len();
        let peer = Peer::start(answers).await?;
        let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
        let told = temporal.run(Commerce::update_payment, FIRST, &word(PaymentStatus::Refunded)?).await?;
        match told {
            Ok(()) => assert!(is_told),
            Err(failed) => {
                assert!(!is_told, "{failed:?}");
                assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
                assert!(failed.message.contains("held as \"paid\""), "{}", failed.message);
            }
        }
        assert_eq!(peer.received().len(), requests);
        assert_eq!(peer.received()[0].header("idempotency-key"), None);
        let body: Value = serde_json::from_str(&peer.received()[0].body)?;
        assert_eq!(body, json!({ "payment_status": "refunded", "payment_id": "pay_1" }));
    }
    Ok(())
}
