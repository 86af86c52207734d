//! The payment provider: a charge happens once, an undo takes back whatever is there.

use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::failure::{NOTHING_YET, OUTCOME_UNKNOWN, REFUSED};
use contracts::payment::{ChargePayment, Payment, PaymentKind, PaymentState, Payments};
use contracts::rounds::{Round, Tried as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{PRICE, charge, find_payment, reverse};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, Failed, RESET, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

async fn open() -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(PaymentActivities::new(shop.api()?, SECOND_LOOK)).await?;
    Ok((shop, temporal))
}

/// Charges a card at the first attempt; the provider has to answer.
async fn charged(temporal: &Temporal, token: &str) -> TestResult<Payment> {
    let payment = temporal.run(Payments::charge, FIRST, &charge(token)?).await?;
    Ok(payment.map_err(|failed| format!("{failed:?}"))?)
}

async fn found(temporal: &Temporal) -> TestResult<Option<PaymentState>> {
    let payment = temporal.run(Payments::find, FIRST, &find_payment()?).await?;
    Ok(payment.map_err(|failed| format!("{failed:?}"))?.map(|payment| payment.state))
}

#[tokio::test]
async fn a_good_card_is_charged_once_however_often_it_is_asked_for() -> TestResult {
    let (shop, temporal) = open().await?;
    assert_eq!(found(&temporal).await?, None);
    let paid = charged(&temporal, "card_token_123").await?;
    assert_eq!(paid.state, PaymentState::Paid);
    assert!(paid.payment_id.is_some());
    assert_eq!(charged(&temporal, "card_token_123").await?, paid);
    assert_eq!(temporal.run(Payments::charge, SECOND, &charge("card_token_123")?).await?, Ok(paid));
    assert_eq!((shop.total("charges").await?, shop.money().await?), (1, PRICE));
    assert_eq!(found(&temporal).await?, Some(PaymentState::Paid));
    Ok(())
}

#[tokio::test]
async fn a_decline_is_an_outcome_and_not_a_failure() -> TestResult {
    for (token, code, customer_may_retry) in [
        ("card_declined", "card_declined", false),
        ("card_insufficient_funds", "insufficient_funds", true),
        ("card_expired", "expired_card", true),
    ] {
        let (shop, temporal) = open().await?;
        let declined = charged(&temporal, token).await?;
        assert_eq!(declined.state, PaymentState::Declined { code: code.to_owned(), customer_may_retry });
        assert_eq!(charged(&temporal, token).await?, declined, "asked again");
        assert_eq!(found(&temporal).await?, Some(declined.state), "looked up");
        assert_eq!(shop.money().await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn where_the_customer_has_to_act_the_action_comes_back() -> TestResult {
    let mut wallet = charge("any")?;
    (wallet.kind, wallet.token) = (PaymentKind::EWallet, None);
    let mut transfer = charge("any")?;
    (transfer.kind, transfer.token) = (PaymentKind::BankTransfer, None);
    for (input, kind, has_url) in [
        (charge("card_requires_action")?, "three_d_secure", true),
        (wallet, "redirect", true),
        (transfer, "bank_transfer", false),
    ] {
        let (shop, temporal) = open().await?;
        let payment = temporal.run(Payments::charge, FIRST, &input).await?;
        let Ok(Payment { payment_id: Some(_), state: PaymentState::RequiresAction { action }, .. }) = payment
        else {
            return Err(format!("{kind}: {payment:?}").into());
        };
        assert_eq!((action.kind.as_str(), action.url.is_some()), (kind, has_url));
        assert_eq!(action.instruction.is_some(), !has_url, "a customer is told where to go or what to do");
        assert_eq!(shop.money().await?, 0);
        let settle = "/_sandbox/payments/ORDER-001/settle";
        shop.ask(Method::POST, settle, json!({ "outcome": "paid" })).await?;
        assert_eq!(found(&temporal).await?, Some(PaymentState::Paid));
    }
    Ok(())
}

#[tokio::test]
async fn a_settlement_that_failed_is_a_decline() -> TestResult {
    let (shop, temporal) = open().await?;
    charged(&temporal, "card_requires_action").await?;
    shop.ask(Method::POST, "/_sandbox/payments/ORDER-001/settle", json!({ "outcome": "failed" })).await?;
    assert!(matches!(found(&temporal).await?, Some(PaymentState::Declined { .. })));
    Ok(())
}

#[tokio::test]
async fn a_second_attempt_looks_before_it_charges_again() -> TestResult {
    let (shop, temporal) = open().await?;
    // A provider that takes no notice of keys: only looking helps.
    shop.switch(json!({ "dedupe": "off" })).await?;
    shop.fault("payments.create", "reply_lost", json!({})).await?;
    let lost =
        temporal.run(Payments::charge, FIRST, &charge("card_token_123")?).await?.err().ok_or("charged")?;
    assert_eq!((lost.kind.as_str(), lost.is_final), (OUTCOME_UNKNOWN, false));
    let paid = temporal.run(Payments::charge, SECOND, &charge("card_token_123")?).await?;
    assert_eq!(paid.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!((shop.total("charges").await?, shop.money().await?), (1, PRICE));
    Ok(())
}

/// A reset in the Web UI counts the attempts from 1 anew; the charge of the one before is there all the same.
#[tokio::test]
async fn an_attempt_after_a_reset_looks_before_it_charges_again() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    charged(&temporal, "card_token_123").await?;
    let paid = temporal.run(Payments::charge, RESET, &charge("card_token_123")?).await?;
    assert_eq!(paid.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!((shop.total("charges").await?, shop.money().await?), (1, PRICE));
    Ok(())
}

/// An order that is older than its run may have been charged by a run that nobody remembers.
#[tokio::test]
async fn a_charge_of_an_older_order_looks_first() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    charged(&temporal, "card_token_123").await?;
    let again = ChargePayment { looks_first: true, ..charge("card_token_123")? };
    let paid = temporal.run(Payments::charge, FIRST, &again).await?;
    assert_eq!(paid.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!(shop.total("charges").await?, 1);

    // A search that is away turns no customer away.
    let (shop, temporal) = open().await?;
    shop.fault("payments.get", "status", json!({ "status": 503 })).await?;
    let paid = temporal.run(Payments::charge, FIRST, &again).await?;
    assert_eq!(paid.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!(shop.total("charges").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_second_attempt_charges_when_the_first_did_not_arrive() -> TestResult {
    let (shop, temporal) = open().await?;
    let failed = temporal.run(Payments::charge, FIRST, &charge("card_processing_error")?).await?;
    assert_eq!(failed.err().map(|failed| failed.kind).as_deref(), Some(OUTCOME_UNKNOWN));
    let paid = temporal.run(Payments::charge, SECOND, &charge("card_processing_error")?).await?;
    assert_eq!(paid.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!(shop.total("charges").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_second_attempt_that_cannot_look_does_not_charge() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.fault("payments.get", "status", json!({ "status": 500 })).await?;
    let failed =
        temporal.run(Payments::charge, SECOND, &charge("card_token_123")?).await?.err().ok_or("charged")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    assert_eq!(shop.total("charges").await?, 0);
    Ok(())
}

#[tokio::test]
async fn of_several_payments_under_a_key_the_one_with_money_is_found() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    for token in ["card_declined", "card_requires_action", "card_token_123", "card_declined"] {
        charged(&temporal, token).await?;
    }
    assert_eq!(found(&temporal).await?, Some(PaymentState::Paid));
    Ok(())
}

#[tokio::test]
async fn an_undo_refunds_what_is_left_once_however_often_it_runs() -> TestResult {
    let (shop, temporal) = open().await?;
    let paid = charged(&temporal, "card_token_123").await?;
    let refund = format!("/api/v1/payments/{}/refund", paid.payment_id.unwrap_or_default());
    shop.ask(Method::POST, &refund, json!({ "amount": 1_000_000, "reason": "a scratch" })).await?;
    for attempt in [FIRST, SECOND, FIRST] {
        assert_eq!(temporal.run(Payments::reverse, attempt, &reverse()?).await?, Ok(()));
    }
    assert_eq!((shop.total("refunds").await?, shop.money().await?), (2, 0));
    assert_eq!(found(&temporal).await?, Some(PaymentState::Reversed));
    shop.audit().await
}

/// A provider that repeats what it once answered under a key. The next round has another one, once its time has come.
#[tokio::test]
async fn a_stored_500_is_left_behind_by_the_next_round() -> TestResult {
    let (shop, temporal) = open().await?;
    charged(&temporal, "card_token_123").await?;
    shop.switch(json!({ "replay_errors": true })).await?;
    shop.fault("payments.refund", "status", json!({ "status": 500 })).await?;
    for (attempt, is_final) in [(FIRST, false), (SECOND, true), (SECOND, true)] {
        let failed = temporal.run(Payments::reverse, attempt, &reverse()?).await?.err().ok_or("refunded")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, is_final), "{failed:?}");
    }
    let asked = shop.requests("payments.refund").await?;
    let soon = Timestamp::now() + SignedDuration::from_secs(60);
    let next = reverse()?.in_round(Round { number: 1, not_before: Some(soon) });
    let failed = temporal.run(Payments::reverse, FIRST, &next).await?.err().ok_or("too soon")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    let waits = failed.next_retry_delay.ok_or("at once")?;
    assert!(waits > Duration::from_secs(50) && waits <= Duration::from_secs(61), "{waits:?}");
    assert_eq!(shop.requests("payments.refund").await?, asked, "nothing is sent before its time");
    let due = Round { number: 1, not_before: Some(Timestamp::now() - SignedDuration::from_secs(10)) };
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?.in_round(due)).await?, Ok(()));
    assert_eq!((shop.total("refunds").await?, shop.money().await?), (1, 0));
    // A round too many finds nothing left.
    let more = reverse()?.in_round(Round { number: 2, not_before: None });
    assert_eq!(temporal.run(Payments::reverse, FIRST, &more).await?, Ok(()));
    assert_eq!(shop.total("refunds").await?, 1);
    shop.audit().await
}

/// Somebody gave a part back meanwhile: the rest is another refund, and not the first one with another body.
#[tokio::test]
async fn a_part_given_back_by_hand_is_left_out_of_the_refund() -> TestResult {
    let (shop, temporal) = open().await?;
    let paid = charged(&temporal, "card_token_123").await?;
    let by_hand = format!("/api/v1/payments/{}/refund", paid.payment_id.unwrap_or_default());
    shop.switch(json!({ "replay_errors": true })).await?;
    shop.fault("payments.refund", "status", json!({ "status": 500 })).await?;
    assert!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?.is_err());
    shop.ask(Method::POST, &by_hand, json!({ "amount": 5_000_000 })).await?;
    assert_eq!(temporal.run(Payments::reverse, SECOND, &reverse()?).await?, Ok(()));
    assert_eq!((shop.total("refunds").await?, shop.money().await?), (2, 0));
    shop.audit().await
}

#[tokio::test]
async fn an_undo_takes_back_every_charge_of_a_provider_without_keys() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    for _ in 0..3 {
        charged(&temporal, "card_token_123").await?;
    }
    assert_eq!(shop.money().await?, 3 * PRICE);
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    assert_eq!(shop.money().await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_undo_voids_what_waits_for_the_customer() -> TestResult {
    let (shop, temporal) = open().await?;
    charged(&temporal, "card_requires_action").await?;
    for _ in 0..2 {
        assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    }
    assert_eq!(found(&temporal).await?, Some(PaymentState::Reversed));
    assert_eq!((shop.total("refunds").await?, shop.money().await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn after_an_undo_a_late_charge_is_refused() -> TestResult {
    let (shop, temporal) = open().await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()), "the key is barred");
    let late = temporal.run(Payments::charge, FIRST, &charge("card_token_123")?).await?;
    let refused = Failed {
        kind: REFUSED.to_owned(),
        message: "shop refused: 409 KEY_UNDONE".to_owned(),
        is_final: true,
        next_retry_delay: None,
    };
    assert_eq!(late, Err(refused));
    assert_eq!(shop.money().await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_undo_that_finds_nothing_looks_again_before_it_believes_it() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "tombstones": false })).await?;
    let first = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed at once")?;
    assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false));
    assert_eq!(first.next_retry_delay, Some(SECOND_LOOK));
    let early = Attempt { scheduled: SECOND_LOOK / 2, ..SECOND };
    let still = temporal.run(Payments::reverse, early, &reverse()?).await?.err().map(|failed| failed.kind);
    assert_eq!(still.as_deref(), Some(NOTHING_YET), "a retry that came early proves nothing");
    // A first look that waited for a worker is not a second one.
    let waited = Attempt { scheduled: SECOND_LOOK, ..FIRST };
    let first = temporal.run(Payments::reverse, waited, &reverse()?).await?.err().map(|failed| failed.kind);
    assert_eq!(first.as_deref(), Some(NOTHING_YET), "nobody had looked before");
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Payments::reverse, late, &reverse()?).await?, Ok(()));
    Ok(())
}

#[tokio::test]
async fn a_charge_that_lands_after_the_first_look_is_refunded_by_the_second() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "tombstones": false })).await?;
    assert!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?.is_err());
    charged(&temporal, "card_token_123").await?;
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Payments::reverse, late, &reverse()?).await?, Ok(()));
    assert_eq!(shop.money().await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_token_goes_to_the_provider_and_nowhere_else() -> TestResult {
    let peer = Peer::start([answer(422, "", "{\"error\": \"card_token_123 is unknown\"}")]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed =
        temporal.run(Payments::charge, FIRST, &charge("card_token_123")?).await?.err().ok_or("charged")?;
    assert!(!failed.message.contains("card_token_123"), "{}", failed.message);
    let sent: serde_json::Value = serde_json::from_str(&peer.received()[0].body)?;
    let golden = json!({
        "order_id": "ORDER-001",
        "amount": 25_000_000,
        "currency": "VND",
        "payment_method": { "type": "credit_card", "card_token": "card_token_123" },
        "customer_id": "CUSTOMER-001"
    });
    assert_eq!(sent, golden);
    assert_eq!(peer.received()[0].header("idempotency-key"), Some("order/ORDER-001/process-payment"));
    Ok(())
}
