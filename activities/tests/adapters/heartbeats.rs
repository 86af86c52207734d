//! Staying alive while a request is under way, and not letting go of it.

use std::sync::Arc;
use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::payment::{PaymentState, Payments};
use tokio::sync::Notify;

use crate::TestResult;
use crate::peer::{Answer, Peer, response};
use crate::samples::charge;
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

const PAID: &str = r#"{"data": {"payment_id": "pay_1", "status": "paid"}}"#;

#[tokio::test]
async fn a_request_under_way_is_heard_of_and_finished_even_when_cancelled() -> TestResult {
    let go_on = Arc::new(Notify::new());
    let peer = Peer::start([Answer::Hold(response(200, "", PAID), Arc::clone(&go_on))]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, Duration::ZERO)).await?;
    temporal.cancel();
    let attempt = Attempt { heartbeat: Duration::from_millis(300), ..FIRST };
    let input = charge("any")?;
    let charging = temporal.run(Payments::charge, attempt, &input);
    let watching = async {
        // The second one tells that the worker, which heard "cancel" after the first, still waits for the answer.
        temporal.heartbeat().await?;
        temporal.heartbeat().await?;
        go_on.notify_one();
        TestResult::Ok(())
    };
    let (charged, watched) = tokio::join!(charging, watching);
    watched?;
    assert_eq!(charged?.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!(peer.received().len(), 1);
    Ok(())
}

/// Whoever cancelled it looks up or undoes what there is, perhaps already now: what is sent after that is not undone.
#[tokio::test]
async fn an_attempt_that_is_cancelled_while_it_looks_does_not_act() -> TestResult {
    let go_on = Arc::new(Notify::new());
    let nothing = response(200, "", r#"{"data": []}"#);
    let peer =
        Peer::start([Answer::Hold(nothing, Arc::clone(&go_on)), Answer::Bytes(response(200, "", PAID))])
            .await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, Duration::ZERO)).await?;
    temporal.cancel();
    let attempt = Attempt { heartbeat: Duration::from_millis(300), ..SECOND };
    let input = charge("any")?;
    let charging = temporal.run(Payments::charge, attempt, &input);
    let watching = async {
        temporal.heartbeat().await?;
        temporal.heartbeat().await?;
        go_on.notify_one();
        TestResult::Ok(())
    };
    let (charged, watched) = tokio::join!(charging, watching);
    watched?;
    assert!(charged.is_err() || charged.is_ok_and(|charged| charged.is_err()), "charged");
    assert_eq!(peer.received().len(), 1, "{:?}", peer.received());
    Ok(())
}
