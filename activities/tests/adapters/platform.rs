//! The platform's payments, answer by answer: what the sandbox cannot be made to say.

use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED};
use contracts::payment::{PaymentState, Payments, ReversePayment};
use serde_json::json;

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
    let payment = |id: &str, status: &str| {
        json!({
            "payment_id": id, "idempotency_key": key.as_str(), "status": status, "amount": 25_000_000,
            "currency": "VND"
        })
    };
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

/// Nobody fulfils an order for money of unknown size, and nobody calls it unpaid.
#[tokio::test]
async fn a_paid_payment_says_what_came_or_nothing_is_known() -> TestResult {
    let key = find_payment()?.key;
    let listed = |mut payment: serde_json::Value| {
        payment["idempotency_key"] = json!(key.as_str());
        payment["payment_id"] = json!("pay_1");
        answer(200, "", &json!({ "data": [payment] }).to_string())
    };
    for (payment, came) in [
        (json!({ "status": "paid", "amount": 24_000_000, "currency": "VND" }), "24000000 VND"),
        (json!({ "status": "captured", "amount": "1000.50", "currency": "USD" }), "1000.50 USD"),
        // The money that went back by hand had come.
        (
            json!({ "status": "partially_refunded", "amount": 9, "currency": "VND", "refunded_amount": 4 }),
            "9 VND",
        ),
    ] {
        let peer = Peer::start([listed(payment)]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let found = temporal.run(Payments::find, FIRST, &find_payment()?).await?;
        let found = found.map_err(|failed| format!("{failed:?}"))?.ok_or("nothing is there")?;
        let received = found.received.map(|money| money.to_string());
        assert_eq!((found.state, received.as_deref()), (PaymentState::Paid, Some(came)));
    }
    for unreadable in [
        json!({ "status": "paid" }),
        json!({ "status": "paid", "amount": 5 }),
        json!({ "status": "paid", "amount": "five", "currency": "VND" }),
        json!({ "status": "paid", "amount": 5.5, "currency": "VND" }),
        json!({ "status": "paid", "amount": 5, "currency": "DONG" }),
    ] {
        let peer = Peer::start([listed(unreadable.clone())]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let failed = temporal.run(Payments::find, FIRST, &find_payment()?).await?.err().ok_or("believed")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{unreadable}");
        assert!(failed.message.contains("without a readable amount"), "{}", failed.message);
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
    let refunded = json!({ "data": { "status": "refunded" } });
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
        (json!({ "refund_id": "ref_1" }), true),
        (json!({ "id": 7 }), true),
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

/// A payment of 5 with these refunds listed.
fn paid_with(refunds: &serde_json::Value) -> serde_json::Value {
    json!({ "payment_id": "pay_1", "status": "paid", "amount": 5, "currency": "VND", "refunds": refunds })
}

fn voided(payment: &serde_json::Value) -> String {
    json!({ "data": { "outcome": "captured", "barred": true, "payments": [payment] } }).to_string()
}

/// The key names what was read, and the body follows from that: why the order is undone is not in it.
#[tokio::test]
async fn a_refunds_key_and_body_follow_from_the_state_of_its_payment() -> TestResult {
    let pending = json!({ "amount": 2, "status": "pending" });
    let made = json!({ "amount": 1, "status": "refunded" });
    for (refunds, state, rest) in
        [(json!([]), "0/0", 5), (json!([pending]), "2/1", 3), (json!([pending, made]), "3/2", 2)]
    {
        let answers = [voided(&paid_with(&refunds)), "{\"data\": {\"refund_id\": \"ref_9\"}}".to_owned()];
        let peer = Peer::start(answers.map(|body| answer(200, "", &body))).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let late = ReversePayment { reason: "another reason".to_owned(), ..reverse()? };
        assert_eq!(temporal.run(Payments::reverse, FIRST, &late).await?, Ok(()));
        let sent = &peer.received()[1];
        let key = format!("order/ORDER-001/process-payment/refund/pay_1/{state}");
        assert_eq!(sent.header("idempotency-key"), Some(key.as_str()));
        let body: serde_json::Value = serde_json::from_str(&sent.body)?;
        assert_eq!(body, json!({ "amount": rest, "currency": "VND" }));
    }
    Ok(())
}

/// All of it is pending: it is on its way, and a second refund would be one too many.
#[tokio::test]
async fn money_that_is_on_its_way_back_is_not_sent_again() -> TestResult {
    let payment = paid_with(&json!([{ "amount": 5, "status": "pending" }]));
    let peer = Peer::start([answer(200, "", &voided(&payment))]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    assert_eq!(peer.received().len(), 1);
    Ok(())
}

/// A refund that came back would come back again, whoever made it; and of one that nobody understands nobody knows.
#[tokio::test]
async fn a_listed_refund_that_did_not_arrive_is_for_a_person() -> TestResult {
    for (status, kind, is_final) in
        [("failed", REFUSED, true), ("canceled", REFUSED, true), ("odd", NEW_WORD, false)]
    {
        let payment = paid_with(&json!([{ "amount": 5, "status": status }]));
        let peer = Peer::start([answer(200, "", &voided(&payment))]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (kind, is_final), "{}", failed.message);
        assert_eq!(peer.received().len(), 1, "{status}: nothing is sent");
    }
    Ok(())
}

/// Nobody knows what was made under the key: a person looks.
#[tokio::test]
async fn a_refunds_key_that_was_used_for_another_body_is_for_a_person() -> TestResult {
    let key = reverse()?.key;
    let mut payment = paid_with(&json!([]));
    payment["idempotency_key"] = json!(key.as_str());
    let reused = answer(422, "", r#"{ "error": { "code": "IDEMPOTENCY_KEY_REUSED" } }"#);
    let listed = answer(200, "", &json!({ "data": [payment] }).to_string());
    let peer = Peer::start([answer(200, "", &voided(&payment)), reused, listed]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{}", failed.message);
    assert!(failed.message.contains("key_reused: "), "{}", failed.message);
    Ok(())
}

/// A stored success says what was: the refund may have come back since, and may not be listed.
#[tokio::test]
async fn a_stored_refund_is_believed_only_if_the_payment_shows_it() -> TestResult {
    let key = reverse()?.key;
    let stored = answer(200, "Idempotent-Replayed: true\r\n", "{\"data\": {\"status\": \"refunded\"}}");
    for (status, is_done) in [("refunded", true), ("paid", false)] {
        let mut payment = paid_with(&json!([]));
        payment["idempotency_key"] = json!(key.as_str());
        let before = answer(200, "", &voided(&payment));
        payment["status"] = json!(status);
        let listed = answer(200, "", &json!({ "data": [payment] }).to_string());
        let peer = Peer::start([before, stored.clone(), listed]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        match temporal.run(Payments::reverse, FIRST, &reverse()?).await? {
            Ok(()) => assert!(is_done, "{status}"),
            Err(failed) => {
                assert!(!is_done, "{status}: {}", failed.message);
                assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, false));
                assert!(failed.message.contains("refund_unseen"), "{}", failed.message);
            }
        }
    }
    Ok(())
}
