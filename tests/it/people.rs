//! Questions to a person: what got no answer is tried on meanwhile, what was refused is not, and a person's word
//! counts.

use std::time::Duration;

use serde_json::{Value, json};
use tests::orders;
use tests::scenarios::people::QUICK;
use tests::scenarios::stuck_at;
use tests::world::{Order, World};
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome, SubjectKind};

/// Between two tries of what a person is asked about.
const PAUSE: Duration = Duration::from_millis(700);

fn refuses(operation: &str, status: u16) -> Value {
    json!({ "operation": operation, "kind": "status", "status": status })
}

fn step(progress: &Progress, name: &str) -> Option<StepStatus> {
    progress.step(name).map(|step| step.status)
}

/// An order whose refund and restock got no answer for all their patience.
async fn stuck_twice(world: &World) -> anyhow::Result<Order<'_>> {
    let faults = [("shipments.create", 422), ("payments.refund", 503), ("inventory.restock", 503)];
    world.shop.faults(json!(faults.map(|(operation, status)| refuses(operation, status)))).await?;
    let order = world.start(&orders::order()).await?;
    order.until("asks about both", |p| p.questions.len() == 2).await?;
    order.tried_on(2).await?;
    Ok(order)
}

/// Nobody answers, the provider comes back: what is missing is done, once, and the run closes by itself.
#[tokio::test]
async fn what_got_no_answer_is_tried_on_and_closes_its_question() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&QUICK).await?;
    let order = stuck_twice(&world).await?;
    let mut asked = order.asked().await?;
    asked.sort();
    assert_eq!(asked, ["confirm-inventory: no_answer", "process-payment: no_answer"]);
    // The other undos end first, and the shop is told behind the last one.
    world.shop.requested("orders.update").await?;
    let (mut events, mut before) = (order.cost().await?.0, 0);
    while events != before {
        tokio::time::sleep(PAUSE).await;
        (before, events) = (events, order.cost().await?.0);
    }
    let tries = world.shop.requests("payments.refund").await?;
    tokio::time::sleep(PAUSE * 3).await;
    assert!(world.shop.requests("payments.refund").await? > tries, "it is not tried on");
    let more = order.cost().await?.0 - events;
    // The next round of the refund is another activity; the restock stays the same one.
    assert!(more == 0 || more == 6, "a try costs no event while it waits: {more}");
    world.shop.mend().await?;
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    for name in ["process-payment", "confirm-inventory"] {
        assert_eq!(report.step(name).map(|s| s.status), Some(StepStatus::Undone), "{name}");
    }
    assert!(!order.needs_human().await?);
    assert_eq!(order.asked().await?, [""; 0]);
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (50, 0));
    Ok(())
}

/// Somebody says that it is done by hand, does it while the systems come back, and then says so: nothing is sent twice.
#[tokio::test]
async fn what_is_done_by_hand_between_two_tries_is_not_done_twice() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&QUICK).await?;
    let order = stuck_twice(&world).await?;
    for name in ["process-payment", "confirm-inventory"] {
        let told = order.answer(name, Action::HandsOff, "I do it at the bank and in the warehouse").await;
        assert_eq!(told, Ok(AnswerOutcome::HandsOff), "{name}");
    }
    let progress = order.until("hands off", |p| p.questions.iter().all(|q| q.hands_off)).await?;
    assert_eq!(progress.questions.len(), 2, "both stay open until the work is done");
    let asked = |operation: &'static str| world.shop.requests(operation);
    let before = (asked("payments.refund").await?, asked("inventory.restock").await?);
    world.shop.mend().await?;
    tokio::time::sleep(PAUSE * 4).await;
    for name in ["process-payment", "confirm-inventory"] {
        let done = order.answer(name, Action::DoneByHand, "done").await;
        assert_eq!(done, Ok(AnswerOutcome::DoneByHand), "{name}");
    }
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(report.step("process-payment").map(|s| s.status), Some(StepStatus::Resolved));
    assert_eq!((asked("payments.refund").await?, asked("inventory.restock").await?), before);
    let totals = &world.shop.get("audit").await?["totals"];
    assert_eq!(totals["refunds"], json!(0), "the shop's own provider refunded nothing: it was done by hand");
    Ok(())
}

/// A refund that came back would come back again: it is not sent again unless somebody says so.
#[tokio::test]
async fn what_was_refused_is_not_tried_again() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&QUICK).await?;
    world.shop.faults(json!([refuses("shipments.create", 422), refuses("payments.refund", 422)])).await?;
    let order = world.start(&orders::order()).await?;
    let progress = order.until("asks", |p| !p.questions.is_empty()).await?;
    let question = &progress.questions[0];
    assert_eq!((question.about.kind, question.about.step.as_str()), (SubjectKind::Undo, "process-payment"));
    assert_ne!(question.cause, "no_answer");
    let facts: Vec<&str> = question.facts.iter().map(|fact| fact.name.as_str()).collect();
    assert_eq!(facts, ["amount", "payment_id"]);
    order.until_step("reserve-inventory", StepStatus::Undone).await?;
    let asked = world.shop.requests("payments.refund").await?;
    assert!(asked > 1, "it was tried for its patience before a person was asked");
    world.shop.mend().await?;
    tokio::time::sleep(PAUSE * 4).await;
    assert_eq!(
        world.shop.requests("payments.refund").await?,
        asked,
        "nobody said that it is to be sent again"
    );
    assert_eq!(order.answer("process-payment", Action::Retry, "sent anew").await, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// A provider that does not take a refund yet takes it a moment later: nobody has to be asked.
#[tokio::test]
async fn an_undo_that_is_refused_at_first_asks_nobody() -> anyhow::Result<()> {
    let world = World::new().await?;
    let refused_twice =
        json!({ "operation": "payments.refund", "kind": "status", "status": 422, "count": 2 });
    world.shop.faults(json!([refuses("shipments.create", 422), refused_twice])).await?;
    let order = world.start(&orders::order()).await?;
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(report.step("process-payment").map(|s| s.status), Some(StepStatus::Undone));
    let history = order.history_json().await?;
    assert!(!String::from_utf8_lossy(&history).contains("SunQuestion"), "somebody was asked");
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// Only what a question takes is an answer, and the refusal says what it takes.
#[tokio::test]
async fn an_answer_that_the_question_does_not_take_is_refused() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    let refused = order.answer("process-payment", Action::Approve, "why not").await.err().unwrap_or_default();
    assert!(refused.contains("it takes: retry, hands_off, done_by_hand, leave"), "{refused}");
    assert_eq!(order.answer("process-payment", Action::Leave, "small change").await, Ok(AnswerOutcome::Left));
    order.ended().await?;
    Ok(())
}

/// A paid order with a label that the shop never hears of would be sold again, or cancelled: the shop's refusal is for
/// a person, and the order is not called done before.
#[tokio::test]
async fn a_shop_that_refuses_to_hear_of_a_paid_order_asks_a_person() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([refuses("orders.update", 400)])).await?;
    let order = world.start(&orders::order()).await?;
    let progress = order.until("asks", |p| !p.questions.is_empty()).await?;
    let question = &progress.questions[0];
    assert_eq!((question.about.kind, question.id.as_str()), (SubjectKind::Step, "update-order-status"));
    assert_eq!(step(&progress, "update-order-status"), Some(StepStatus::Asking));
    // The customer does not wait for that.
    order.until_step("send-notifications", StepStatus::Completed).await?;
    let too_late = order.cancel_order("changed mind").await.err().unwrap_or_default();
    assert!(too_late.contains("can no longer be cancelled"), "{too_late}");
    world.shop.mend().await?;
    assert_eq!(order.answer("update-order-status", Action::Retry, "mended").await, Ok(AnswerOutcome::Done));
    let result = order.ended().await?.fulfilled()?;
    assert_eq!(result.report.step("update-order-status").map(|s| s.status), Some(StepStatus::Completed));
    world.shop.clean().await?;
    Ok(())
}

/// A token that lost a right holds up every order of a shop: somebody hears of it within the hour, not when the parcels
/// have come back. When the right is there again, each question closes by itself.
#[tokio::test]
async fn a_shop_that_cannot_be_told_is_a_question_before_the_parcel_leaves() -> anyhow::Result<()> {
    let soon: Vec<&str> = QUICK.into_iter().chain(["--tell-shop-patience=2s"]).collect();
    let (world, _worker) = World::apart(&soon).await?;
    world.shop.faults(json!([refuses("orders.update", 403)])).await?;
    let order = world.start(&orders::order()).await?;
    let progress = order.until("asks", |p| !p.questions.is_empty()).await?;
    let question = &progress.questions[0];
    assert_eq!((question.id.as_str(), question.cause.as_str()), ("update-order-status", "setting"));
    world.shop.mend().await?;
    let result = order.ended().await?.fulfilled()?;
    assert_eq!(result.report.step("update-order-status").map(|s| s.status), Some(StepStatus::Completed));
    world.shop.clean().await.map(drop)
}

/// As above, and nobody can mend it: what a person left is said, and the order is fulfilled all the same.
#[tokio::test]
async fn what_a_person_leaves_is_in_the_report() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([refuses("orders.update", 400)])).await?;
    let order = world.start(&orders::order()).await?;
    order.until("asks", |p| !p.questions.is_empty()).await?;
    let left = order.answer("update-order-status", Action::Leave, "booked in the shop by hand").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    let report = order.ended().await?.fulfilled()?.report;
    let standing = tests::world::in_words(&report.left_standing);
    assert_eq!(standing, ["update-order-status (left standing: booked in the shop by hand)"]);
    let violations = world.shop.violations().await?;
    assert!(
        violations.len() == 1 && violations[0].starts_with("paid and labelled, unheard"),
        "{violations:?}"
    );
    world.shop.mend().await?;
    world.shop.book(&order.order_id, "confirmed").await?;
    world.shop.clean().await.map(drop)
}

/// Somebody asked for a retry and the provider is still down; somebody else has done it by hand meanwhile. The second
/// word counts at once, and the retry is over.
#[tokio::test]
async fn an_answer_does_not_wait_for_somebody_elses_retry() -> anyhow::Result<()> {
    let patient = ["--undo-patience=8s", "--second-look=200ms", "--retry-first=1s", "--retry-longest=1s"];
    let (world, _worker) = World::apart(&patient).await?;
    let order = stuck_at(&world, "payments.refund").await?;
    order.until_step("reserve-inventory", StepStatus::Undone).await?;
    let retry = order.answer("process-payment", Action::Retry, "is it back?");
    let by_hand = async {
        let begun = world.shop.requests("payments.refund").await?;
        while world.shop.requests("payments.refund").await? == begun {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let asked = std::time::Instant::now();
        let told = order.answer("process-payment", Action::DoneByHand, "by bank transfer").await;
        Ok::<_, anyhow::Error>((told, asked.elapsed()))
    };
    let (first, second) = tokio::join!(retry, by_hand);
    let (told, took) = second?;
    assert_eq!((first, told), (Ok(AnswerOutcome::AlreadyAnswered), Ok(AnswerOutcome::DoneByHand)));
    assert!(took < Duration::from_secs(4), "it waited for the retry: {took:?}");
    world.shop.mend().await?;
    order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(world.shop.get("audit").await?["totals"]["refunds"], json!(0));
    Ok(())
}

/// The first question about the money was answered, and news has made the run ask again: an answer that names the first
/// one must not settle the second unseen.
#[tokio::test]
async fn a_second_answer_to_an_answered_question_does_not_land_on_the_next_one() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    assert_eq!(order.payment_settled("evt_late").await.as_deref(), Ok("taken"));
    let asked = world.shop.requests("payments.refund").await?;
    world.shop.mend().await?;
    let by_hand = order.answer("process-payment", Action::DoneByHand, "by bank transfer").await;
    assert_eq!(by_hand, Ok(AnswerOutcome::DoneByHand));
    order.until("asks again", |p| p.needs_human == ["process-payment.2"]).await?;
    let late = order.answer("process-payment", Action::Retry, "not knowing of the other").await.err();
    let late = late.unwrap_or_default();
    assert!(late.contains("was answered, or has settled itself; open now: process-payment.2"), "{late}");
    assert_eq!(world.shop.requests("payments.refund").await?, asked);
    let known = order.answer("process-payment.2", Action::DoneByHand, "I know").await;
    assert_eq!(known, Ok(AnswerOutcome::DoneByHand));
    order.ended().await?.failed_as("ShippingFailed")?;
    Ok(())
}
