//! Staying alive while a request is under way, and not letting go of it.

use std::sync::Arc;
use std::time::Duration;

use activities::payment::PaymentActivities;
use contracts::payment::{PaymentState, Payments};
use tokio::sync::Notify;

use crate::TestResult;
use crate::peer::{Answer, Peer, response};
use crate::samples::charge;
use crate::temporal::{Attempt, FIRST, Temporal};

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
