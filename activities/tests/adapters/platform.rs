//! The platform's payments, answer by answer: what the sandbox cannot be made to say.

use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::payment::{FindPayment, PaymentState, Payments, ReversePayment};
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{charge, find_payment, reverse};
use crate::temporal::{FIRST, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

#[tokio::test]
async fn two_charges_under_one_key_are_no_payment() -> TestResult {
    let key = charge("any")?.key;
    let paid = |id: &str| json!({ "payment_id": id, "idempotency_key": key.as_str(), "status": "paid" });
    let answers = [json!([]), paid("pay_2"), json!([paid("pay_1"), paid("pay_2")])];
    let answers = answers.map(|data| answer(200, "", &json!({ "data": data }).to_string()));
    let peer = Peer::start(answers).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed = temporal.run(Payments::charge, SECOND, &charge("any")?).await?.err().ok_or("charged")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
    assert!(failed.message.contains("charged_twice"), "{}", failed.message);
    Ok(())
}

#[tokio::test]
async fn what_was_just_paid_is_paid_whatever_the_look_after_it_lists() -> TestResult {
    let key = charge("any")?.key;
    let payment = |id: &str, status: &str| json!({ "payment_id": id, "idempotency_key": key.as_str(), "status": status });
    for after in
        [json!([payment("pay_1", "declined")]), json!([payment("pay_2", "paid"), payment("pay_2", "paid")])]
    {
        let answers = [json!([]), payment("pay_2", "paid"), after];
        let answers = answers.map(|data| answer(200, "", &json!({ "data": data }).to_string()));
        let peer = Peer::start(answers).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let paid = temporal.run(Payments::charge, SECOND, &charge("any")?).await?;
        let paid = paid.map_err(|failed| format!("{failed:?}"))?;
        assert_eq!((paid.payment_id.as_deref(), paid.state), (Some("pay_2"), PaymentState::Paid));
    }
    Ok(())
}

#[tokio::test]
async fn captured_money_of_unknown_size_is_not_taken_for_nothing() -> TestResult {
    for payment in [
        json!({ "payment_id": "pay_1", "status": "paid" }),
        json!({ "payment_id": "pay_1", "status": "captured", "amount": 5 }),
        json!({ "payment_id": "pay_1", "status": "paid", "amount": "five", "currency": "VND" }),
        json!({ "payment_id": "pay_1", "status": "partially_refunded", "amount": 5, "currency": "VND", "refunded_amount": 6 }),
    ] {
        let voided = json!({ "data": { "outcome": "captured", "barred": true, "payments": [payment] } });
        let peer = Peer::start([answer(200, "", &voided.to_string())]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    }
    Ok(())
}

#[tokio::test]
async fn money_that_may_still_come_is_not_taken_for_undone() -> TestResult {
    for status in ["processing", "authorized", "requires_action", "requires_magic", "a status with words"] {
        let payment = json!({ "payment_id": "pay_1", "status": status });
        let voided = json!({ "data": { "barred": true, "payments": [payment] } });
        let peer = Peer::start([answer(200, "", &voided.to_string())]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
        let is_known = ["processing", "authorized", "requires_action"].contains(&status);
        let kind = if is_known { OUTCOME_UNKNOWN } else { NEW_WORD };
        assert_eq!((failed.kind.as_str(), failed.is_final), (kind, false), "{status}");
        assert!(!failed.message.contains("with words"), "{}", failed.message);
    }
    Ok(())
}

#[tokio::test]
async fn a_payment_without_money_is_undone_whatever_it_is_called() -> TestResult {
    for status in ["voided", "refunded", "reversed", "cancelled", "canceled", "expired", "declined", "failed"]
    {
        let payment = json!({ "payment_id": "pay_1", "status": status });
        let voided = json!({ "data": { "barred": true, "payments": [payment] } });
        let peer = Peer::start([answer(200, "", &voided.to_string())]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()), "{status}");
    }
    Ok(())
}

#[tokio::test]
async fn a_payment_that_was_void_before_is_found_by_its_key() -> TestResult {
    let known = ReversePayment { payment_id: Some("pay_1".to_owned()), ..reverse()? };
    let voided = json!({ "data": { "outcome": "none", "barred": true, "payments": [] } });
    let listed = json!({ "data": [
        { "payment_id": "pay_1", "idempotency_key": known.key.as_str(), "status": "expired" }] });
    let peer = Peer::start([voided, listed].map(|body| answer(200, "", &body.to_string()))).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &known).await?, Ok(()));
    Ok(())
}

#[tokio::test]
async fn a_payment_that_cannot_be_undone_yet_keeps_no_other_from_it() -> TestResult {
    let payments = json!([
        { "payment_id": "pay_1", "status": "processing" },
        { "payment_id": "pay_2", "status": "paid", "amount": 5, "currency": "VND" }
    ]);
    let voided = json!({ "data": { "barred": true, "payments": payments } });
    let refunded = json!({ "data": {} });
    let peer = Peer::start([voided, refunded].map(|body| answer(200, "", &body.to_string()))).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert!(failed.message.contains("processing"), "{}", failed.message);
    assert_eq!(peer.received()[1].line, "POST /api/v1/payments/pay_2/refund");
    Ok(())
}

#[tokio::test]
async fn a_provider_that_does_not_know_the_payment_is_not_believed() -> TestResult {
    let known = ReversePayment { payment_id: Some("pay_1".to_owned()), ..reverse()? };
    let voided = json!({ "data": { "outcome": "none", "barred": true, "payments": [] } });
    let peer = Peer::start([answer(200, "", &voided.to_string())]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &known).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    Ok(())
}

#[tokio::test]
async fn a_strangers_payment_is_not_taken_for_ours() -> TestResult {
    let stranger = json!({ "payment_id": "pay_9", "idempotency_key": "another", "status": "paid" });
    let nameless = json!({ "payment_id": "pay_9", "status": "paid" });
    for (listed, known) in [(json!([stranger]), true), (json!([stranger, nameless]), false)] {
        let peer = Peer::start([answer(200, "", &json!({ "data": listed }).to_string())]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        match temporal.run(Payments::find, FIRST, &find_payment()?).await? {
            Ok(found) => assert!(known && found.is_none(), "{found:?}"),
            Err(failed) => {
                assert!(!known, "{}", failed.message);
                assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_refund_that_somebody_else_made_meanwhile_is_done() -> TestResult {
    let key = reverse()?.key;
    let payment = |status: &str| {
        json!({ "payment_id": "pay_1", "idempotency_key": key.as_str(), "status": status, "amount": 5,
            "currency": "VND" })
    };
    let voided = json!({ "data": { "outcome": "captured", "barred": true, "payments": [payment("paid")] } });
    let refused = answer(422, "", r#"{ "error": { "code": "REFUND_EXCEEDS_CAPTURE" } }"#);
    for (now, is_done) in [("refunded", true), ("paid", false)] {
        let again = json!({ "data": [payment(now)] });
        let answers =
            [answer(200, "", &voided.to_string()), refused.clone(), answer(200, "", &again.to_string())];
        let peer = Peer::start(answers).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let undone = temporal.run(Payments::reverse, FIRST, &reverse()?).await?;
        match undone {
            Ok(()) => assert!(is_done, "{now}"),
            Err(failed) => {
                assert!(!is_done, "{now}: {}", failed.message);
                assert!(failed.message.contains("REFUND_EXCEEDS_CAPTURE"), "{}", failed.message);
            }
        }
        let asked: Vec<_> = peer.received().iter().map(|request| request.line.clone()).collect();
        assert_eq!(asked.len(), 3, "{asked:?}");
    }
    Ok(())
}

/// Neither "the customer has to act" nor "paid"; and what is not a word is not repeated.
#[tokio::test]
async fn a_state_that_nobody_knows_is_named_and_not_guessed() -> TestResult {
    let key = charge("any")?.key;
    for (status, named) in [
        ("requires_magic", "a payment in a state that this version does not know: \"requires_magic\""),
        ("waits for Lan Pham", "does not know: something that is not a word"),
    ] {
        let payment = json!({ "payment_id": "pay_1", "idempotency_key": key.as_str(), "status": status });
        let charged = answer(201, "", &json!({ "data": payment }).to_string());
        let listed = answer(200, "", &json!({ "data": [payment] }).to_string());
        let peer = Peer::start([charged, listed]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let charged = temporal.run(Payments::charge, FIRST, &charge("any")?).await?.err().ok_or("charged")?;
        let found = temporal.run(Payments::find, FIRST, &find_payment()?).await?.err().ok_or("found")?;
        for failed in [charged, found] {
            assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false), "{status}");
            assert!(failed.message.ends_with(named), "{}", failed.message);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_refund_in_a_state_that_nobody_knows_is_named() -> TestResult {
    for (refund, is_done) in [
        (json!({ "status": "refunded" }), true),
        (json!({}), true),
        (json!({ "status": "bounced_back" }), false),
    ] {
        let payment = json!({ "payment_id": "pay_1", "status": "paid", "amount": 5, "currency": "VND" });
        let voided = json!({ "data": { "barred": true, "payments": [payment] } });
        let refunded = json!({ "data": refund });
        let peer = Peer::start([voided, refunded].map(|body| answer(200, "", &body.to_string()))).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        match temporal.run(Payments::reverse, FIRST, &reverse()?).await? {
            Ok(()) => assert!(is_done, "{refund}"),
            Err(failed) => {
                assert!(!is_done, "{}", failed.message);
                assert!(failed.message.ends_with("does not know: \"bounced_back\""), "{}", failed.message);
            }
        }
    }
    Ok(())
}

/// `{}` says nothing about payments, and is not taken for "there are none".
#[tokio::test]
async fn an_undo_that_lists_no_payments_at_all_is_not_believed() -> TestResult {
    let peer = Peer::start([answer(200, "", "{\"data\": {}}")]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    Ok(())
}

/// The news names a payment that the search has not seen yet: another one under our key, a stranger's, or none.
#[tokio::test]
async fn a_payment_that_is_known_by_its_id_needs_no_search() -> TestResult {
    let find = FindPayment { payment_id: Some("pay_2".to_owned()), ..find_payment()? };
    let payment = |id: &str, more: Value| {
        let mut payment = json!({ "payment_id": id, "status": "paid", "amount": 5, "currency": "VND" });
        payment
            .as_object_mut()
            .into_iter()
            .for_each(|fields| fields.extend(more.as_object().cloned().unwrap_or_default()));
        payment
    };
    let ours = json!({ "idempotency_key": find.key.as_str() });
    let ok = |data: Value| answer(200, "", &json!({ "data": data }).to_string());
    let unknown = r#"{"error":{"code":"RESOURCE_NOT_FOUND"}}"#;
    for (by_id, expected) in [
        (ok(payment("pay_2", ours.clone())), Err((REFUSED, "charged_twice"))),
        (ok(payment("pay_2", json!({ "idempotency_key": "another" }))), Ok("pay_1")),
        (ok(payment("pay_2", json!({ "idempotency_key": null, "status": "requires_magic" }))), Ok("pay_1")),
        (answer(404, "", unknown), Ok("pay_1")),
        (ok(payment("pay_2", json!({}))), Err((OUTCOME_UNKNOWN, "names no idempotency key"))),
        (answer(404, "", "<html>"), Err((SETTING, "PEER_URL"))),
    ] {
        let peer = Peer::start([ok(json!([payment("pay_1", ours.clone())])), by_id]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let found = temporal.run(Payments::find, FIRST, &find).await?;
        assert_eq!(peer.received()[1].line, "GET /api/v1/payments/pay_2");
        match (found, expected) {
            (Ok(found), Ok(id)) => {
                assert_eq!(found.and_then(|payment| payment.payment_id).as_deref(), Some(id))
            }
            (Err(failed), Err((kind, words))) => {
                assert_eq!(failed.kind, kind, "{}", failed.message);
                assert!(failed.message.contains(words), "{}", failed.message);
            }
            (found, expected) => return Err(format!("{found:?} instead of {expected:?}").into()),
        }
    }
    Ok(())
}
