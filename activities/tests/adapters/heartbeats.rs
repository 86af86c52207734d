//! Staying alive while a request is under way, and not letting go of it.

use std::sync::Arc;
use std::time::Duration;

use activities::payment::PaymentActivities;
use activities::shipping::ShippingActivities;
use contracts::payment::{PaymentState, Payments};
use contracts::shipping::Shipping;
use serde::Serialize;
use serde::de::DeserializeOwned;
use temporalio_common::ActivityDefinition;
use tokio::sync::Notify;

use crate::TestResult;
use crate::peer::{Answer, Peer, response};
use crate::samples::{charge, parcel};
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

const PAID: &str = r#"{"data": {"payment_id": "pay_1", "status": "paid", "amount": 5, "currency": "VND"}}"#;

#[tokio::test]
async fn a_request_under_way_is_heard_of_and_finished_even_when_cancelled() -> TestResult {
    let go_on = Arc::new(Notify::new());
    let peer = Peer::start([Answer::Hold(response(200, "", PAID), Arc::clone(&go_on))]).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, Duration::ZERO)).await?;
    temporal.cancel();
    let attempt = Attempt { heartbeat: Duration::from_millis(300), ..FIRST };
    let input = charge("any")?;
    let charging = temporal.run(Payments::charge, attempt, &input);
    let (charged, watched) = tokio::join!(charging, answer_when_cancelled(&temporal, &go_on));
    watched?;
    assert_eq!(charged?.map(|payment| payment.state), Ok(PaymentState::Paid));
    assert_eq!(peer.received().len(), 1);
    Ok(())
}

/// The second heartbeat tells that the worker, which heard "cancel" after the first, still waits for the answer.
async fn answer_when_cancelled(temporal: &Temporal, go_on: &Notify) -> TestResult {
    temporal.heartbeat().await?;
    temporal.heartbeat().await?;
    go_on.notify_one();
    Ok(())
}

/// The process that cancelled it looks up or undoes what there is, perhaps already now: later effects stay.
async fn acts_no_more<A: ActivityDefinition>(
    temporal: &Temporal,
    peer: &Peer,
    go_on: &Notify,
    activity: A,
    input: &A::Input,
) -> TestResult
where
    A::Input: Serialize,
    A::Output: DeserializeOwned,
{
    temporal.cancel();
    let attempt = Attempt { heartbeat: Duration::from_millis(300), ..SECOND };
    let acting = temporal.run(activity, attempt, input);
    let (acted, watched) = tokio::join!(acting, answer_when_cancelled(temporal, go_on));
    watched?;
    assert!(!acted.is_ok_and(|acted| acted.is_ok()), "acted");
    assert_eq!(peer.received().len(), 1, "{:?}", peer.received());
    Ok(())
}

/// A peer whose look-up finds nothing, once it may answer, and which would take anything.
async fn slow_look_up(go_on: &Arc<Notify>) -> TestResult<Peer> {
    let nothing = response(200, "", r#"{"data": []}"#);
    Peer::start([Answer::Hold(nothing, Arc::clone(go_on)), Answer::Bytes(response(200, "", PAID))]).await
}

#[tokio::test]
async fn a_charge_that_is_cancelled_while_it_is_looked_up_is_not_sent() -> TestResult {
    let go_on = Arc::new(Notify::new());
    let peer = slow_look_up(&go_on).await?;
    let temporal = Temporal::with(PaymentActivities::new(peer.api()?, Duration::ZERO)).await?;
    acts_no_more(&temporal, &peer, &go_on, Payments::charge, &charge("any")?).await
}

#[tokio::test]
async fn a_label_that_is_cancelled_while_it_is_looked_up_is_not_bought() -> TestResult {
    let go_on = Arc::new(Notify::new());
    let peer = slow_look_up(&go_on).await?;
    let temporal = Temporal::with(ShippingActivities::new(peer.api()?, Duration::ZERO)).await?;
    acts_no_more(&temporal, &peer, &go_on, Shipping::create_shipment, &parcel()?).await
}
