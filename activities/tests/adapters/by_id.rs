//! The platform's payments by their id.

use std::collections::BTreeSet;
use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::failure::{OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::payment::{Balance, FindPayment, PaymentState, Payments};
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Answer, Peer, answer};
use crate::samples::find_payment;
use crate::temporal::{FIRST, Failed, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

/// The order knows a payment that the search has not seen yet: another one under our key, a stranger's, or none.
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

fn list(data: &Value) -> Answer {
    answer(200, "", &json!({ "data": data }).to_string())
}

/// Payments under our key, with these ids.
fn paid(find: &FindPayment, ids: &[&str]) -> Value {
    let key = find.key.as_str();
    let paid = |id: &&str| {
        json!({ "payment_id": id, "idempotency_key": key, "status": "paid", "amount": 5,
        "currency": "VND" })
    };
    ids.iter().map(paid).collect()
}

async fn found(answers: Vec<Answer>, find: &FindPayment) -> TestResult<Result<Option<String>, Failed>> {
    let peer = Peer::start(answers).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let found = temporal.run(Payments::find, FIRST, find).await?;
    Ok(found.map(|found| found.and_then(|payment| payment.payment_id)))
}

/// A payment that may be anybody's: (the answer about it, the outcome where nothing else is found; `None`: nothing).
fn odd_answers() -> [(Answer, Option<&'static str>); 7] {
    let of = |status: u16, code: &str| answer(status, "", &json!({ "error": { "code": code } }).to_string());
    [
        (of(404, "PAYMENT_NOT_FOUND"), None),
        (of(410, "GONE"), None),
        (of(422, "VALIDATION_ERROR"), Some(OUTCOME_UNKNOWN)),
        (of(409, "PAYMENT_ARCHIVED"), Some(OUTCOME_UNKNOWN)),
        (list(&json!({ "payment_id": "pay_2", "status": "paid" })), Some(OUTCOME_UNKNOWN)),
        (answer(500, "", ""), Some(OUTCOME_UNKNOWN)),
        (answer(404, "", "<html>"), Some(SETTING)),
    ]
}

#[tokio::test]
async fn a_payment_that_only_news_named_hides_nothing_of_ours() -> TestResult {
    let find = FindPayment { other_ids: BTreeSet::from(["pay_2".to_owned()]), ..find_payment()? };
    for (odd, kind) in odd_answers() {
        let ours = list(&paid(&find, &["pay_1"]));
        assert_eq!(found(vec![ours, odd.clone()], &find).await?, Ok(Some("pay_1".to_owned())));
        // Nothing of ours is found: a last word about that payment does not refuse anything of the look.
        match (found(vec![list(&json!([])), odd], &find).await?, kind) {
            (Ok(None), None) => {}
            (Err(failed), Some(kind)) => {
                assert_eq!((failed.kind.as_str(), failed.is_final), (kind, false), "{failed:?}")
            }
            (found, kind) => return Err(format!("{found:?} instead of {kind:?}").into()),
        }
    }
    Ok(())
}

/// The search is away, and the payment is where it is.
#[tokio::test]
async fn a_payment_that_is_known_is_read_although_the_search_is_away() -> TestResult {
    let find = FindPayment { payment_id: Some("pay_2".to_owned()), ..find_payment()? };
    let away = || answer(500, "", "");
    let by_id = list(&paid(&find, &["pay_2"])[0]);
    assert_eq!(found(vec![away(), by_id], &find).await?, Ok(Some("pay_2".to_owned())));
    let unknown = answer(404, "", r#"{"error":{"code":"RESOURCE_NOT_FOUND"}}"#);
    let failed =
        found(vec![away(), unknown], &find).await?.err().ok_or("a search that is away found nothing")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    let failed = found(vec![away()], &find_payment()?).await?.err().ok_or("nothing was looked at")?;
    assert_eq!(failed.kind, OUTCOME_UNKNOWN, "{failed:?}");
    Ok(())
}

/// The list under the key is behind: what the payment itself says counts, either way.
#[tokio::test]
async fn the_payment_itself_counts_where_the_list_is_behind() -> TestResult {
    let find = FindPayment { payment_id: Some("pay_1".to_owned()), ..find_payment()? };
    let now = |status: &str| {
        let mut payment = paid(&find, &["pay_1"])[0].clone();
        payment["status"] = json!(status);
        payment
    };
    let refused = || answer(422, "", r#"{"error":{"code":"VALIDATION_ERROR"}}"#);
    for (listed, itself, expected) in [
        ("requires_action", list(&now("paid")), Some("paid")),
        ("paid", list(&now("refunded")), Some("reversed")),
        ("paid", list(&now("paid")), Some("paid")),
        // It does not answer: of a payment that was open nobody knows.
        ("paid", answer(503, "", ""), Some("paid")),
        ("requires_action", answer(503, "", ""), None),
        ("requires_action", refused(), None),
    ] {
        let peer = Peer::start([list(&json!([now(listed)])), itself]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let found = temporal.run(Payments::find, FIRST, &find).await?.ok().flatten();
        let state = found.map(|payment| match payment.state {
            PaymentState::Paid => "paid",
            PaymentState::Reversed => "reversed",
            PaymentState::RequiresAction { .. } => "open",
            PaymentState::Declined { .. } => "declined",
        });
        assert_eq!(state, expected, "{listed}");
        assert_eq!(peer.received()[1].line, "GET /api/v1/payments/pay_1");
    }
    Ok(())
}

/// How our money ended is told, whatever became of a payment that only news named.
#[tokio::test]
async fn a_balance_leaves_out_what_is_not_shown() -> TestResult {
    let find = FindPayment { other_ids: BTreeSet::from(["pay_2".to_owned()]), ..find_payment()? };
    for status in [404, 409, 422] {
        let refused = answer(status, "", r#"{"error":{"code":"PAYMENT_ARCHIVED"}}"#);
        let peer = Peer::start([list(&paid(&find, &["pay_1"])), refused]).await?;
        let temporal = Temporal::with(PaymentActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let balance: Result<Balance, Failed> = temporal.run(Payments::refunded, FIRST, &find).await?;
        assert_eq!(balance.map(|balance| balance.payment_id), Ok(Some("pay_1".to_owned())), "{status}");
    }
    Ok(())
}
