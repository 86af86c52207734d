//! Several payments of one order, and answers that say nothing: each payment goes back once, under a key of its own,
//! and
//! what no answer names is looked up.

use std::collections::BTreeSet;
use std::time::Duration;

use activities::http::Credential;
use activities::payment::PaymentActivities;
use activities::payment::stripe::{StripeEndpoint, open};
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED};
use contracts::payment::{ChargePayment, FindPayment, PaymentState, Payments, ReversePayment};
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Answer, BYTES_MAX, Peer, TOKEN, answer};
use crate::samples::{charge, find_payment, reverse};
use crate::temporal::{FIRST, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

async fn platform(answers: impl Into<Vec<Answer>>) -> TestResult<(Peer, Temporal)> {
    let peer = Peer::start(answers).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    Ok((peer, temporal))
}

async fn stripe(answers: impl Into<Vec<Answer>>) -> TestResult<(Peer, Temporal)> {
    let peer = Peer::start(answers).await?;
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

fn of(data: &Value) -> Answer {
    answer(200, "", &json!({ "data": data }).to_string())
}

fn ok(body: &Value) -> Answer {
    answer(200, "", &body.to_string())
}

/// A payment of 5 at the platform.
fn payment(id: &str, key: &str, status: &str) -> Value {
    json!({ "payment_id": id, "idempotency_key": key, "status": status, "amount": 5, "currency": "VND" })
}

fn named(ids: &[&str]) -> TestResult<ReversePayment> {
    Ok(ReversePayment { other_ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..reverse()? })
}

/// The keys of the refunds that were asked for.
fn refunds(peer: &Peer, path: &str) -> Vec<String> {
    let sent = peer.received();
    let refunds =
        sent.iter().filter(|request| request.line.starts_with("POST") && request.line.ends_with(path));
    let key = |key: &str| key.replace("order/ORDER-001/process-payment/refund/", "");
    refunds.filter_map(|request| request.header("idempotency-key").map(key)).collect()
}

/// News names a payment that neither the void nor a list by key has seen.
#[tokio::test]
async fn the_platform_gives_back_what_news_has_named_and_nobody_elses() -> TestResult {
    let key = reverse()?.key;
    let voided = of(&json!({ "barred": true, "payments": [] }));
    let (nothing, made) = (of(&json!([])), of(&json!({ "status": "refunded" })));
    let ours = of(&payment("pay_2", key.as_str(), "paid"));
    let (peer, temporal) = platform([voided.clone(), nothing.clone(), ours, made]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &named(&["pay_2"])?).await?, Ok(()));
    assert_eq!(refunds(&peer, "/pay_2/refund"), ["pay_2/0/0"]);

    let unknown = answer(404, "", r#"{"error":{"code":"RESOURCE_NOT_FOUND"}}"#);
    let odd = answer(404, "", r#"{"error":{"code":"ROUTE_GONE"}}"#);
    let refused = answer(422, "", r#"{"error":{"code":"VALIDATION_ERROR"}}"#);
    for theirs in [of(&payment("pay_2", "another", "paid")), unknown, odd.clone(), refused] {
        let (peer, temporal) = platform([voided.clone(), nothing.clone(), theirs]).await?;
        assert_eq!(temporal.run(Payments::reverse, FIRST, &named(&["pay_2"])?).await?, Ok(()));
        assert_eq!(peer.received().len(), 3, "a stranger's money stays where it is");
    }
    // Of the payment that was made here another 404 says nothing; without an answer nobody knows whose the other is.
    let own = ReversePayment { payment_id: Some("pay_2".to_owned()), ..reverse()? };
    for (asked, answered, words) in
        [(own, odd, "ROUTE_GONE"), (named(&["pay_2"])?, answer(500, "", ""), "no usable answer")]
    {
        let (_peer, temporal) = platform([voided.clone(), nothing.clone(), answered]).await?;
        let failed = temporal.run(Payments::reverse, FIRST, &asked).await?.err().ok_or("believed")?;
        assert!(failed.message.contains(words), "{}", failed.message);
    }
    Ok(())
}

/// Of two payments one cannot be refunded any more, the other one could not be refunded just now. The other is tried
/// again: no last word about the first keeps it here.
#[tokio::test]
async fn the_last_word_about_one_payment_keeps_no_other() -> TestResult {
    let key = reverse()?.key;
    let mut first = payment("pay_1", key.as_str(), "paid");
    first["refunds"] = json!([{ "amount": 5, "status": "failed" }]);
    let both = json!({ "barred": true, "payments": [first, payment("pay_2", key.as_str(), "paid")] });
    let stored = answer(500, "Idempotent-Replayed: true\r\n", "");
    for (answered, is_final) in [(answer(503, "", ""), false), (stored, true)] {
        let (peer, temporal) = platform([of(&both), answered]).await?;
        let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
        assert_eq!(
            (failed.kind.as_str(), failed.is_final),
            (OUTCOME_UNKNOWN, is_final),
            "{}",
            failed.message
        );
        assert_eq!(refunds(&peer, "/pay_2/refund"), ["pay_2/0/0"]);
    }
    // Nothing is left but the last word, which names its payment.
    let (_peer, temporal) = platform([of(&both), of(&json!({ "status": "refunded" }))]).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
    assert!(failed.message.contains("refund_failed: ") && failed.message.contains("\"pay_1\""), "{failed:?}");
    Ok(())
}

/// A body that is missing, or says nothing, may be anybody's: the payment says whether it was refunded.
#[tokio::test]
async fn a_refund_that_no_answer_names_is_looked_up() -> TestResult {
    let key = reverse()?.key;
    let voided = of(&json!({ "barred": true, "payments": [payment("pay_1", key.as_str(), "paid")] }));
    for silent in ["", "null", "{}", r#"{"success": true}"#, r#"{"success": true, "data": null}"#] {
        for (now, is_done) in [("refunded", true), ("paid", false)] {
            let listed = of(&json!([payment("pay_1", key.as_str(), now)]));
            let (peer, temporal) = platform([voided.clone(), answer(200, "", silent), listed]).await?;
            match temporal.run(Payments::reverse, FIRST, &reverse()?).await? {
                Ok(()) => assert!(is_done, "{silent:?}: {now}"),
                Err(failed) => {
                    assert!(!is_done, "{silent:?}: {}", failed.message);
                    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
                    assert!(failed.message.contains("does not name the refund"), "{}", failed.message);
                }
            }
            assert_eq!(peer.received().len(), 3, "{silent:?}");
        }
    }
    Ok(())
}

/// The account behind the payments is to be paid for, say: no bank has declined anything.
#[tokio::test]
async fn only_a_code_that_declines_is_a_decline() -> TestResult {
    for (code, is_decline) in [
        ("card_declined", true),
        ("DO_NOT_HONOR", true),
        ("insufficient_funds", true),
        ("PLAN_EXPIRED", false),
        ("PAYMENT_REQUIRED", false),
    ] {
        let refused = answer(402, "", &json!({ "error": { "code": code } }).to_string());
        let (_peer, temporal) = platform([refused]).await?;
        match temporal.run(Payments::charge, FIRST, &charge("any")?).await? {
            Ok(payment) => {
                let told = PaymentState::Declined { code: code.to_owned(), customer_may_retry: false };
                assert!(is_decline && payment.state == told, "{code}: {payment:?}");
            }
            Err(failed) => {
                assert!(!is_decline, "{code}: {}", failed.message);
                assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false));
                assert!(
                    failed.message.ends_with(&format!("does not know: \"{code}\"")),
                    "{}",
                    failed.message
                );
            }
        }
    }
    Ok(())
}

/// An intent of 5 at Stripe, captured, with so much of it given back.
fn intent(id: &str, key: &str, refunded: u32) -> Answer {
    let charge = json!({ "amount": 5, "amount_captured": 5, "amount_refunded": refunded });
    ok(&json!({ "id": id, "status": "succeeded", "amount_received": 5, "currency": "vnd",
        "metadata": { "idempotency_key": key }, "latest_charge": charge }))
}

/// The search has seen the one that is given back, and not the one that news has named.
#[tokio::test]
async fn stripe_gives_back_what_news_has_named_and_nobody_elses() -> TestResult {
    let key = reverse()?.key;
    let key = key.as_str();
    let found = ok(&json!({ "data": [{ "id": "pi_1", "metadata": { "idempotency_key": key } }] }));
    let nothing = ok(&json!({ "data": [] }));
    let made = ok(&json!({ "id": "re_1", "status": "succeeded" }));
    for (theirs, is_ours) in [(key, true), ("another", false)] {
        // Reads of several intents go side by side, so both answer alike but for the one that is looked at first.
        let first = intent("pi_2", theirs, 0);
        let (peer, temporal) = match is_ours {
            true => {
                let whole = intent("pi_2", key, 0);
                stripe([nothing.clone(), nothing.clone(), first, whole, nothing.clone(), made.clone()])
                    .await?
            }
            false => stripe([found.clone(), first, intent("pi_1", key, 5)]).await?,
        };
        assert_eq!(temporal.run(Payments::reverse, FIRST, &named(&["pi_2"])?).await?, Ok(()));
        let keys = refunds(&peer, "/v1/refunds");
        let wanted: &[&str] = if is_ours { &["pi_2/0/0"] } else { &[] };
        assert_eq!(keys, wanted);
    }
    Ok(())
}

/// Both payments that are known by their ids are read, whatever a search has seen.
#[tokio::test]
async fn every_payment_that_news_has_named_is_looked_at() -> TestResult {
    let find = FindPayment { other_ids: BTreeSet::from(["pay_2".to_owned()]), ..find_payment()? };
    let key = find.key.as_str().to_owned();
    let listed = of(&json!([payment("pay_1", &key, "paid")]));
    let (_peer, temporal) = platform([listed, of(&payment("pay_2", &key, "paid"))]).await?;
    let failed = temporal.run(Payments::find, FIRST, &find).await?.err().ok_or("one of two was chosen")?;
    assert!(failed.message.contains("charged_twice"), "{}", failed.message);
    Ok(())
}

/// A question that is asked until one is left is asked again; what else is a last word stays one.
#[tokio::test]
async fn two_payments_are_waited_out_where_the_question_says_so() -> TestResult {
    for until_one in [false, true] {
        let find = FindPayment { until_one, ..find_payment()? };
        let key = find.key.as_str().to_owned();
        let two = of(&json!([payment("pay_1", &key, "paid"), payment("pay_2", &key, "paid")]));
        let (_peer, temporal) = platform([two]).await?;
        let failed = temporal.run(Payments::find, FIRST, &find).await?.err().ok_or("one was chosen")?;
        assert!(failed.message.contains("charged_twice"), "{}", failed.message);
        assert_eq!(failed.is_final, !until_one, "{failed:?}");
        let (_peer, temporal) = platform([answer(422, "", r#"{"error": {"code": "NO"}}"#)]).await?;
        let failed = temporal.run(Payments::find, FIRST, &find).await?.err().ok_or("nothing was refused")?;
        assert!(failed.is_final, "{failed:?}");
    }
    Ok(())
}

/// `{}` does not say that the intent is cancelled: the intent does.
#[tokio::test]
async fn a_cancel_that_no_answer_names_is_looked_up() -> TestResult {
    let key = reverse()?.key;
    let found =
        || ok(&json!({ "data": [{ "id": "pi_1", "metadata": { "idempotency_key": key.as_str() } }] }));
    let waits = || ok(&json!({ "id": "pi_1", "status": "requires_action" }));
    let gone = || ok(&json!({ "id": "pi_1", "status": "canceled" }));
    let (peer, temporal) = stripe([found(), waits(), ok(&json!({})), gone()]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    assert_eq!(peer.received().len(), 4);
    let (_peer, temporal) =
        stripe([found(), waits(), ok(&json!({})), waits(), ok(&json!({ "status": "processing" }))]).await?;
    let failed = temporal.run(Payments::reverse, FIRST, &reverse()?).await?.err().ok_or("believed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    let (peer, temporal) = stripe([found(), waits(), gone()]).await?;
    assert_eq!(temporal.run(Payments::reverse, FIRST, &reverse()?).await?, Ok(()));
    assert_eq!(peer.received().len(), 3, "one that names it needs no look");
    Ok(())
}

/// The customer is not told in a word that nobody knows what there is to do.
#[tokio::test]
async fn an_action_that_nobody_knows_is_named() -> TestResult {
    for (action, is_known) in [("use_stripe_sdk", true), ("card_await_notification", true), ("dance", false)]
    {
        let waits =
            ok(&json!({ "id": "pi_1", "status": "requires_action", "next_action": { "type": action } }));
        let (_peer, temporal) = stripe([waits]).await?;
        match temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await? {
            Ok(payment) => assert!(is_known, "{action}: {payment:?}"),
            Err(failed) => {
                assert!(!is_known, "{action}: {}", failed.message);
                assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false));
                assert!(failed.message.ends_with("does not know: \"dance\""), "{}", failed.message);
            }
        }
    }
    Ok(())
}

/// An order that was undone and is begun once more, while the platform cannot be searched, gets the answer that it has
/// stored.
#[tokio::test]
async fn a_stored_charge_of_the_platform_is_not_taken_for_money() -> TestResult {
    let key = charge("any")?.key;
    let stored = json!({ "data": payment("pay_1", key.as_str(), "paid") }).to_string();
    for (now, state) in [("refunded", PaymentState::Reversed), ("paid", PaymentState::Paid)] {
        let replayed = answer(200, "Idempotent-Replayed: true\r\n", &stored);
        let (peer, temporal) = platform([replayed, of(&payment("pay_1", key.as_str(), now))]).await?;
        let charged = temporal.run(Payments::charge, FIRST, &charge("any")?).await?;
        assert_eq!(charged.map(|payment| payment.state), Ok(state));
        assert_eq!(peer.received()[1].line, "GET /api/v1/payments/pay_1");
    }
    Ok(())
}

/// A charge before that nobody here understands is not followed by another one.
#[tokio::test]
async fn an_older_order_with_a_payment_in_an_unknown_state_is_not_charged() -> TestResult {
    let again = ChargePayment { looks_first: true, ..charge("any")? };
    let listed = of(&json!([payment("pay_1", again.key.as_str(), "disputed")]));
    let (peer, temporal) = platform([listed]).await?;
    let failed = temporal.run(Payments::charge, FIRST, &again).await?.err().ok_or("charged")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false), "{failed:?}");
    assert_eq!(peer.received().len(), 1);
    Ok(())
}
