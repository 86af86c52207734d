//! An order that the shop holds otherwise than it was left: the word about it is read against that first.

use std::time::Duration;

use activities::commerce::CommerceActivities;
use contracts::commerce::{Commerce, OrderStatus, PaymentStatus, ShippingStatus, UpdateOrder};
use contracts::failure::{NOTHING_YET, OUTCOME_UNKNOWN, REFUSED};
use contracts::values::CustomerId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{update, validate};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

/// A shop that knows the order, and holds it so.
async fn holding(status: &str) -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(CommerceActivities::new(shop.api()?)).await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": status })).await?;
    Ok((shop, temporal))
}

async fn shown(shop: &Shop) -> TestResult<[Value; 4]> {
    let order = shop.get("/api/v1/orders/ORDER-001").await?["data"].clone();
    Ok(["status", "payment_status", "tracking_number", "shipping_status"].map(|name| order[name].clone()))
}

/// Goods would go without money: no attempt takes that for a word that was heard, nor writes over it.
#[tokio::test]
async fn an_order_that_ended_and_that_the_shop_goes_on_with_is_for_a_person() -> TestResult {
    for state in ["confirmed", "processing", "shipped", "delivered"] {
        for ended in [OrderStatus::Failed, OrderStatus::Cancelled, OrderStatus::Expired] {
            for attempt in [FIRST, SECOND] {
                let (shop, temporal) = holding(state).await?;
                let word = UpdateOrder { payment_status: Some(PaymentStatus::Voided), ..update(ended)? };
                let told = temporal.run(Commerce::update_order, attempt, &word).await?;
                let failed = told.err().ok_or("told")?;
                assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{failed:?}");
                assert!(failed.message.contains(&format!(": held_as_{state}: ")), "{}", failed.message);
                let [status, money, ..] = shown(&shop).await?;
                assert_eq!(
                    (status, money),
                    (json!(state), json!("voided")),
                    "the money is told all the same"
                );
            }
        }
    }
    Ok(())
}

/// The shop takes the word, and its answer says that it goes on with the order.
#[tokio::test]
async fn an_answer_that_names_another_state_is_not_the_order_s_end() -> TestResult {
    let held = |status: &str| answer(200, "", &json!({ "data": { "status": status } }).to_string());
    for state in ["confirmed", "processing", "shipped"] {
        let peer = Peer::start([held("pending"), held(state)]).await?;
        let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
        let told = temporal.run(Commerce::update_order, FIRST, &update(OrderStatus::Failed)?).await?;
        let failed = told.err().ok_or("told")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    }
    Ok(())
}

fn confirmed() -> TestResult<UpdateOrder> {
    Ok(UpdateOrder {
        payment_status: Some(PaymentStatus::Paid),
        shipping_status: Some(ShippingStatus::Pending),
        tracking_number: Some("SUN-1".to_owned()),
        ..update(OrderStatus::Confirmed)?
    })
}

/// Each activity counts its attempts anew: the first one of the next may follow a word that landed.
#[tokio::test]
async fn a_first_attempt_sets_no_order_back() -> TestResult {
    let (shop, temporal) = holding("pending").await?;
    assert_eq!(temporal.run(Commerce::update_order, FIRST, &confirmed()?).await?, Ok(()));
    let gone_on =
        json!({ "status": "shipped", "payment_status": "partially_refunded", "shipping_status": "sent" });
    shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", gone_on).await?;
    assert_eq!(temporal.run(Commerce::update_order, FIRST, &confirmed()?).await?, Ok(()));
    let expected = [json!("shipped"), json!("partially_refunded"), json!("SUN-1"), json!("sent")];
    assert_eq!(shown(&shop).await?, expected);
    for (ended, state) in [(OrderStatus::Failed, "refunded"), (OrderStatus::Expired, "cancelled")] {
        let (shop, temporal) = holding(state).await?;
        assert_eq!(temporal.run(Commerce::update_order, FIRST, &update(ended)?).await?, Ok(()));
        assert_eq!(shown(&shop).await?[0], state);
    }
    Ok(())
}

/// Somebody went on with the order before it was confirmed here: its state stays, and what nobody told it is told.
#[tokio::test]
async fn an_order_that_was_gone_on_with_early_hears_of_its_parcel_and_money() -> TestResult {
    for attempt in [FIRST, SECOND] {
        let (shop, temporal) = holding("processing").await?;
        assert_eq!(temporal.run(Commerce::update_order, attempt, &confirmed()?).await?, Ok(()));
        assert_eq!(shown(&shop).await?, [json!("processing"), json!("paid"), json!("SUN-1"), Value::Null]);
    }
    Ok(())
}

/// The shop's check was cut off, and makes the order known a moment later.
#[tokio::test]
async fn an_order_that_may_become_known_is_looked_for_twice() -> TestResult {
    let shop = Shop::open().await?;
    let activities = CommerceActivities::new(shop.api()?).looking_again_after(SECOND_LOOK);
    let temporal = Temporal::with(activities).await?;
    let word = UpdateOrder {
        only_over: Some(CustomerId::new("CUSTOMER-001")?),
        may_become_known: true,
        ..update(OrderStatus::Cancelled)?
    };
    let first = temporal.run(Commerce::update_order, FIRST, &word).await?.err().ok_or("believed")?;
    assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false));
    assert_eq!(first.next_retry_delay, Some(SECOND_LOOK));
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Commerce::update_order, late, &word).await?, Ok(()));
    let answered = UpdateOrder { may_become_known: false, ..word.clone() };
    assert_eq!(temporal.run(Commerce::update_order, FIRST, &answered).await?, Ok(()), "it was refused, say");
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    assert_eq!(temporal.run(Commerce::update_order, late, &word).await?, Ok(()));
    assert_eq!(shown(&shop).await?[0], "cancelled");
    Ok(())
}
