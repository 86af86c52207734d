//! The platform's payments by their id.

use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::failure::{OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::payment::{FindPayment, Payments};
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::find_payment;
use crate::temporal::{FIRST, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

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
