//! Stripe, answer by answer: what localstripe cannot be made to say.

use std::time::Duration;

use activities::http::Credential;
use activities::payment::PaymentActivities;
use activities::payment::stripe::{StripeEndpoint, open};
use contracts::commerce::PaymentStatus;
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED};
use contracts::money::{Currency, Money};
use contracts::payment::{Balance, FindPayment, PaymentState, Payments, ReversePayment};
use contracts::rounds::{Round, Tried as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Answer, BYTES_MAX, Peer, TOKEN, answer};
use crate::samples::{charge, find_payment, reverse};
use crate::temporal::{Attempt, FIRST, Failed, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

/// A Stripe that gives these answers, one after the other.
async fn stripe(answers: impl IntoIterator<Item = Answer>) -> TestResult<(Peer, Temporal)> {
    let peer = Peer::start(answers.into_iter().collect::<Vec<_>>()).await?;
    let provider = open(StripeEndpoint {
        base: peer.base.parse()?,
        secret_key: Credential::new(TOKEN),
        return_url: None,
        timeout: Duration::from_secs(10),
        response_bytes_max: BYTES_MAX,
    })?;
    let temporal = Temporal::with(PaymentActivities::new(provider, SECOND_LOOK)).await?;
    Ok((peer, temporal))
}

fn ok(body: &Value) -> Answer {
    answer(200, "", &body.to_string())
}

/// Our intent, as the search has it.
fn found() -> TestResult<Answer> {
    let key = reverse()?.key;
    Ok(ok(&json!({ "data": [{ "id": "pi_1", "metadata": { "idempotency_key": key.as_str() } }] })))
}

fn nothing() -> Answer {
    ok(&json!({ "data": [] }))
}

/// Our intent, captured, with so much of it given back.
fn captured(refunded: u32) -> Answer {
    let charge = json!({ "amount": 5, "amount_captured": 5, "amount_refunded": refunded });
    ok(&json!({
        "id": "pi_1", "status": "succeeded", "amount_received": 5, "currency": "vnd", "latest_charge": charge
    }))
}

fn refunds(status: &str) -> Answer {
    ok(&json!({ "data": [{ "status": status }] }))
}

fn lines(peer: &Peer) -> Vec<String> {
    let path = |line: &str| line.split('?').next().unwrap_or_default().to_owned();
    peer.received().iter().map(|request| path(&request.line)).collect()
}

#[tokio::test]
async fn a_refund_is_made_when_stripe_says_so() -> TestResult {
    for status in ["succeeded", "pending"] {
        let refund = ok(&json!({ "id": "re_1", "status": status }));
        let (peer, temporal) = stripe([found()?, captured(0), nothing(), refund]).await?;
        assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()), "{status}");
        let asked = lines(&peer);
        let last = asked.last().map(String::as_str);
        assert_eq!((asked.len(), last), (4, Some("POST /v1/refunds")), "{asked:?}");
    }
    Ok(())
}

fn came_back(undone: Result<(), Failed>) -> TestResult {
    let failed = undone.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{failed:?}");
    assert!(failed.message.contains("refund_failed"), "{}", failed.message);
    Ok(())
}

/// Another one would go the same way: a person has to find another one.
#[tokio::test]
async fn a_refund_that_failed_is_for_a_person() -> TestResult {
    for status in ["failed", "canceled", "requires_action"] {
        let refund = ok(&json!({ "id": "re_1", "status": status }));
        let answers = [found()?, captured(0), nothing(), refund, captured(0), refunds(status)];
        let (_peer, temporal) = stripe(answers).await?;
        came_back(temporal.run(Payments::reverse, FIRST, &reverse()?).await?)?;
        // Days later, when its event comes.
        let (peer, temporal) =
            stripe([found()?, captured(0), refunds(status), captured(0), refunds(status)]).await?;
        came_back(temporal.run(Payments::reverse, FIRST, &reverse()?).await?)?;
        assert!(!lines(&peer).contains(&"POST /v1/refunds".to_owned()), "{:?}", lines(&peer));
    }
    Ok(())
}

/// The search is behind, and the payment older than what is listed.
#[tokio::test]
async fn a_payment_whose_id_is_known_is_undone_wherever_the_search_is() -> TestResult {
    let known = ReversePayment { payment_id: Some("pi_1".to_owned()), ..reverse()? };
    let refund = ok(&json!({ "id": "re_1", "status": "succeeded" }));
    let (peer, temporal) = stripe([nothing(), nothing(), captured(0), nothing(), refund]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &known).await?, Ok(()));
    assert_eq!(lines(&peer).last().map(String::as_str), Some("POST /v1/refunds"));

    // Another account does not know it, however often it is asked.
    let unknown = answer(404, "", r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#);
    let (_peer, temporal) = stripe([nothing(), nothing(), unknown]).await?;
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    let failed = temporal.run(Payments::reverse, late, &known).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, false), "{failed:?}");
    Ok(())
}

/// Stripe says with the intent how much came; where it does not, the charge is read.
#[tokio::test]
async fn what_came_is_read_with_the_charge_where_the_intent_does_not_say_it() -> TestResult {
    let mut intent =
        json!({ "id": "pi_1", "status": "succeeded", "amount_received": 24_000_000, "currency": "vnd" });
    let (peer, temporal) = stripe([ok(&intent)]).await?;
    let charged = temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await?;
    let came = charged.map(|payment| payment.received.map(|money| money.to_string()));
    assert_eq!(came, Ok(Some("24000000 VND".to_owned())));
    assert_eq!(lines(&peer).len(), 1);
    intent["amount_received"] = json!(null);
    let (peer, temporal) = stripe([ok(&intent), captured(0)]).await?;
    let charged = temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await?;
    let came = charged.map(|payment| payment.received.map(|money| money.to_string()));
    assert_eq!(came, Ok(Some("5 VND".to_owned())));
    assert_eq!(lines(&peer), ["POST /v1/payment_intents", "GET /v1/payment_intents/pi_1"]);
    let (_peer, temporal) = stripe([ok(&intent), ok(&intent)]).await?;
    let failed = temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await?.err().ok_or("believed")?;
    assert!(failed.message.contains("without a readable amount"), "{}", failed.message);
    Ok(())
}

/// An order that was undone and is begun once more within a day gets the answer that Stripe has stored.
#[tokio::test]
async fn a_stored_success_is_not_taken_for_money() -> TestResult {
    let stored = json!({ "id": "pi_1", "status": "succeeded", "latest_charge": "ch_1" }).to_string();
    let replayed = answer(200, "Idempotent-Replayed: true\r\n", &stored);
    for (now, state) in [(captured(5), PaymentState::Reversed), (captured(0), PaymentState::Paid)] {
        let (peer, temporal) = stripe([replayed.clone(), now]).await?;
        let charged = temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await?;
        assert_eq!(charged.map(|payment| payment.state), Ok(state));
        assert_eq!(lines(&peer), ["POST /v1/payment_intents", "GET /v1/payment_intents/pi_1"]);
    }
    Ok(())
}

fn names_the_word<T: std::fmt::Debug>(outcome: Result<T, Failed>, word: &str) -> TestResult {
    let failed = outcome.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false), "{failed:?}");
    let said = format!("that this version does not know: {word}");
    assert!(failed.message.ends_with(&said), "{}", failed.message);
    Ok(())
}

/// Neither "the customer has to act" nor "nothing there".
#[tokio::test]
async fn a_state_that_nobody_knows_is_named_and_not_guessed() -> TestResult {
    let odd = || ok(&json!({ "id": "pi_1", "status": "requires_magic" }));
    let (_peer, temporal) = stripe([odd()]).await?;
    names_the_word(temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await?, "\"requires_magic\"")?;
    let (_peer, temporal) = stripe([found()?, odd()]).await?;
    names_the_word(temporal.run(Payments::find, FIRST, &find_payment()?).await?, "\"requires_magic\"")?;
    let (peer, temporal) = stripe([found()?, odd()]).await?;
    names_the_word(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, "\"requires_magic\"")?;
    assert_eq!(lines(&peer).len(), 2, "nothing is cancelled on a guess: {:?}", lines(&peer));
    Ok(())
}

#[tokio::test]
async fn a_refund_in_a_state_that_nobody_knows_is_named() -> TestResult {
    let refund = ok(&json!({ "id": "re_1", "status": "queued" }));
    let (_peer, temporal) = stripe([found()?, captured(0), nothing(), refund]).await?;
    names_the_word(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, "\"queued\"")?;
    // One that was made before: whether another one may be made is not guessed.
    let (peer, temporal) = stripe([found()?, captured(0), refunds("queued")]).await?;
    names_the_word(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, "\"queued\"")?;
    assert!(!lines(&peer).contains(&"POST /v1/refunds".to_owned()), "{:?}", lines(&peer));
    Ok(())
}

/// An amount that Stripe counts in its smallest unit is money again, read by the payment's id where that is known.
#[tokio::test]
async fn how_the_money_ended_is_read_from_the_charge() -> TestResult {
    let intent = |status: &str, refunded: u32, currency: &str| {
        let charge = json!({ "amount": 1_999, "amount_refunded": refunded });
        ok(&json!({ "id": "pi_1", "status": status, "currency": currency, "latest_charge": charge }))
    };
    let listed =
        json!({ "data": [{ "id": "re_1", "status": "pending" }, { "id": "re_2", "status": "failed" }] });
    let dollars = |cents| Some(Money::from_minor_units(cents, Currency::USD));
    let by_key = find_payment()?;
    let by_id = FindPayment { payment_id: Some("pi_1".to_owned()), ..by_key.clone() };
    for (refunded, status, wanted) in [
        (1_999, PaymentStatus::Refunded, dollars(1_999)),
        (500, PaymentStatus::PartiallyRefunded, dollars(500)),
        (0, PaymentStatus::Paid, None),
    ] {
        let refund_ids = if refunded > 0 { vec!["re_1".to_owned()] } else { Vec::new() };
        let wanted =
            Ok(Balance { status, payment_id: Some("pi_1".to_owned()), refunded: wanted, refund_ids });
        let (_peer, temporal) = stripe([found()?, intent("succeeded", refunded, "usd"), ok(&listed)]).await?;
        assert_eq!(temporal.run(Payments::refunded, FIRST, &by_key).await?, wanted);
        let (peer, temporal) = stripe([intent("succeeded", refunded, "usd"), ok(&listed)]).await?;
        assert_eq!(temporal.run(Payments::refunded, FIRST, &by_id).await?, wanted);
        assert_eq!(lines(&peer)[0], "GET /v1/payment_intents/pi_1");
        assert_eq!(lines(&peer).len(), if refunded > 0 { 2 } else { 1 }, "{refunded}");
    }
    for (said, status) in [
        (intent("canceled", 0, "usd"), PaymentStatus::Voided),
        (intent("processing", 0, "usd"), PaymentStatus::Pending),
        (intent("requires_action", 0, "usd"), PaymentStatus::Pending),
    ] {
        let (_peer, temporal) = stripe([said]).await?;
        let read = temporal.run(Payments::refunded, FIRST, &by_id).await?;
        assert_eq!(read.map(|balance| balance.status), Ok(status));
    }
    let (_peer, temporal) = stripe([intent("succeeded", 5, "ugx")]).await?;
    let failed = temporal.run(Payments::refunded, FIRST, &by_id).await?.err().ok_or("read")?;
    assert!(failed.message.contains("without a readable amount"), "{}", failed.message);
    let (_peer, temporal) = stripe([intent("requires_magic", 0, "usd")]).await?;
    names_the_word(temporal.run(Payments::refunded, FIRST, &by_id).await?, "\"requires_magic\"")?;
    Ok(())
}

/// The body that is sent follows from the state that the key names; why the order is undone is not in it.
#[tokio::test]
async fn a_refunds_key_and_body_follow_from_the_state_of_its_payment() -> TestResult {
    let made = || ok(&json!({ "id": "re_2", "status": "succeeded" }));
    for (refunded, earlier, round, key) in [
        (0, nothing(), 0, "pi_1/0/0"),
        (2, refunds("pending"), 0, "pi_1/2/1"),
        (2, refunds("succeeded"), 3, "pi_1/2/1/3"),
    ] {
        let (peer, temporal) = stripe([found()?, captured(refunded), earlier, made()]).await?;
        let undo = ReversePayment { reason: "another reason".to_owned(), round, ..reverse()? };
        assert_eq!(temporal.run(Payments::reverse, FIRST, &undo).await?, Ok(()));
        let sent = peer.received().pop().ok_or("nothing was sent")?;
        let key = format!("order/ORDER-001/process-payment/refund/{key}");
        assert_eq!(sent.header("idempotency-key"), Some(key.as_str()));
        let body = format!("payment_intent=pi_1&amount={}&metadata%5Border_id%5D=ORDER-001", 5 - refunded);
        assert_eq!(sent.body, body);
    }
    Ok(())
}

/// Stripe repeats a 500 under its key. The next round looks, waits for its time, and has another key.
#[tokio::test]
async fn a_stored_500_is_left_behind_by_the_next_round() -> TestResult {
    let (broken, stored) = (answer(500, "", "{}"), answer(500, "Idempotent-Replayed: true\r\n", "{}"));
    for (answered, is_final) in [(broken, false), (stored, true)] {
        let (_peer, temporal) = stripe([found()?, captured(0), nothing(), answered]).await?;
        let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("refunded")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, is_final), "{failed:?}");
    }
    let soon = Round { number: 1, not_before: Some(Timestamp::now() + SignedDuration::from_secs(60)) };
    let (peer, temporal) = stripe([found()?, captured(0), nothing()]).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?.in_round(soon)).await?;
    let failed = failed.err().ok_or("too soon")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    assert!(failed.next_retry_delay.is_some(), "{failed:?}");
    assert!(!lines(&peer).contains(&"POST /v1/refunds".to_owned()), "{:?}", lines(&peer));
    // The outcome of the one before shows by now.
    let (_peer, temporal) = stripe([found()?, captured(5)]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?.in_round(soon)).await?, Ok(()));
    Ok(())
}

/// A stored success says what was: nothing more is sent, and it is believed if the payment shows it.
#[tokio::test]
async fn a_stored_refund_is_believed_only_if_the_payment_shows_it() -> TestResult {
    let stored = json!({ "id": "re_1", "status": "succeeded" }).to_string();
    let stored = || answer(200, "Idempotent-Replayed: true\r\n", &stored);
    let (_peer, temporal) = stripe([found()?, captured(0), nothing(), stored(), captured(5)]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    let (_peer, temporal) =
        stripe([found()?, captured(0), nothing(), stored(), captured(0), nothing(), stored()]).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, false), "{failed:?}");
    assert!(failed.message.contains("refund_unseen"), "{}", failed.message);
    Ok(())
}

#[tokio::test]
async fn a_refunds_key_that_was_used_for_another_body_is_for_a_person() -> TestResult {
    let reused = || answer(400, "", r#"{"error":{"type":"idempotency_error"}}"#);
    let answers = [found()?, captured(0), nothing(), reused(), captured(0), nothing(), reused()];
    let (_peer, temporal) = stripe(answers).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{failed:?}");
    assert!(failed.message.contains("key_reused: "), "{}", failed.message);
    Ok(())
}

/// The undo knows the payment's id: it reads it by that, and a search that is away keeps no money.
#[tokio::test]
async fn an_undo_that_knows_the_payment_needs_no_search() -> TestResult {
    let known = ReversePayment { payment_id: Some("pi_1".to_owned()), ..reverse()? };
    let refund = ok(&json!({ "id": "re_1", "status": "succeeded" }));
    let (peer, temporal) = stripe([answer(503, "", "{}"), captured(0), nothing(), refund]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &known).await?, Ok(()));
    assert_eq!(lines(&peer).last().map(String::as_str), Some("POST /v1/refunds"));
    // Without the id nobody knows what is there.
    let (_peer, temporal) = stripe([answer(503, "", "{}")]).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    Ok(())
}

/// The news names an intent that the search has not seen yet: another one under our key, another shop's, or none.
#[tokio::test]
async fn an_intent_that_is_known_by_its_id_needs_no_search() -> TestResult {
    let find = FindPayment { payment_id: Some("pi_2".to_owned()), ..find_payment()? };
    let intent = |id: &str, key: &str| {
        let charge = json!({ "amount": 5, "amount_captured": 5, "amount_refunded": 0 });
        let metadata = json!({ "idempotency_key": key });
        ok(
            &json!({ "id": id, "status": "succeeded", "currency": "usd", "metadata": metadata, "latest_charge": charge }),
        )
    };
    let missing = answer(404, "", r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#);
    for (by_id, expected) in [
        (intent("pi_2", find.key.as_str()), None),
        (intent("pi_2", "another"), Some("pi_1")),
        (missing, Some("pi_1")),
    ] {
        let (peer, temporal) = stripe([found()?, intent("pi_1", find.key.as_str()), by_id]).await?;
        let found = temporal.run(Payments::find, FIRST, &find).await?;
        assert_eq!(lines(&peer)[2], "GET /v1/payment_intents/pi_2");
        match expected {
            Some(id) => {
                let found = found.map_err(|failed| failed.message)?;
                assert_eq!(found.and_then(|payment| payment.payment_id).as_deref(), Some(id));
            }
            None => {
                let failed = found.err().ok_or("one of two was chosen")?;
                assert!(failed.message.contains("charged_twice"), "{}", failed.message);
            }
        }
    }
    Ok(())
}
