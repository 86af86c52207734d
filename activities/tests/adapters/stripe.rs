//! Stripe, answer by answer: what localstripe cannot be made to say.

use std::time::Duration;

use activities::http::Credential;
use activities::payment::PaymentActivities;
use activities::payment::stripe::{StripeEndpoint, open};
use contracts::failure::{NEW_WORD, REFUSED};
use contracts::payment::{FindPayment, PaymentState, Payments, ReversePayment};
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
    ok(&json!({ "id": "pi_1", "status": "succeeded", "latest_charge": charge }))
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
