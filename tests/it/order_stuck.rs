//! Undos that stick, until a person answers.

use std::time::Duration;

use anyhow::Context as _;
use contracts::values::{EventId, OrderId};
use serde_json::{Value, json};
use settlement::{Heard, settle};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tests::matrix::requested;
use tests::orders;
use tests::scenarios::people::QUICK;
use tests::scenarios::{asks_because_of_news, stuck_at};
use tests::world::{LIMIT, Order, World, in_words};
use workflows::report::StepStatus;
use workflows::saga::{Action, AnswerOutcome};

#[tokio::test]
async fn an_undo_that_sticks_asks_a_person_and_is_retried() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    let progress = order.progress().await?;
    assert_eq!(progress.needs_human, ["process-payment"]);
    assert_eq!(progress.status, "running");
    assert!(order.needs_human().await?);
    // Somebody who cancels now is not told that it will be cancelled.
    let too_late = order.cancel_order("changed mind").await.err().unwrap_or_default();
    assert!(too_late.contains("already being undone (the carrier refused: "), "{too_late}");
    assert!(too_late.contains("a person's answer: process-payment"), "{too_late}");
    // The others were undone all the same.
    order.until_step("reserve-inventory", StepStatus::Undone).await?;
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (50, 0));

    let unknown = order.answer("reserve-inventory", Action::Leave, "why").await.err().unwrap_or_default();
    assert!(unknown.contains("is not asked about; open: process-payment"), "{unknown}");
    let no_reason = order.answer("process-payment", Action::Leave, " ").await.err().unwrap_or_default();
    assert!(no_reason.contains("reason must have 1 to 500 characters"), "{no_reason}");
    // Temporal's cancel does not reach the wait.
    order.temporal_cancel().await?;
    let again = order.answer("process-payment", Action::Retry, "try").await;
    assert_eq!(again, Ok(AnswerOutcome::FailedAgain));
    order.tried_on(1).await?;

    world.shop.mend().await?;
    let done = order.answer("process-payment", Action::Retry, "provider is back").await;
    assert_eq!(done, Ok(AnswerOutcome::Done));
    let (message, report) = order.ended().await?.failed_as("ShippingFailed")?;
    assert!(message.contains("create-shipping"), "{message}");
    assert_eq!(report.step("process-payment").map(|s| s.status), Some(StepStatus::Undone));
    assert!(!order.needs_human().await?);
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn an_undo_that_sticks_can_be_done_by_hand_or_left_standing() -> anyhow::Result<()> {
    let by_hand = (Action::DoneByHand, AnswerOutcome::DoneByHand, "done by hand", StepStatus::Resolved);
    let left = (Action::Leave, AnswerOutcome::Left, "left standing", StepStatus::LeftStanding);
    for (action, outcome, words, status) in [by_hand, left] {
        let world = World::new().await?;
        let order = stuck_at(&world, "inventory.restock").await?;
        assert_eq!(order.answer("confirm-inventory", action, "counted").await, Ok(outcome));
        let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
        assert_eq!(report.step("confirm-inventory").map(|s| s.status), Some(status));
        // An effect that was left standing is not called undone.
        let line = format!("confirm-inventory ({words}: counted)");
        let is_left = status == StepStatus::LeftStanding;
        assert_eq!(
            (in_words(&report.undone).contains(&line), in_words(&report.left_standing).contains(&line)),
            (!is_left, is_left)
        );
    }
    Ok(())
}

const SLOW: [&str; 4] =
    ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--undo-patience=10m"];

/// A cancelled order that asks about its parcel, which was collected.
async fn collected(world: &World) -> anyhow::Result<Order<'_>> {
    let once = json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503, "count": 1 }]);
    world.shop.faults(once).await?;
    let order = world.start(&orders::order()).await?;
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.put(&format!("shipments/{}", order.order_id), json!({ "status": "in_transit" })).await?;
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    order.until("needs a person", |p| p.needs_human == ["create-shipping"]).await?;
    Ok(order)
}

/// The stock is down, the label is bought, the parcel collected, and the order cancelled: were the money to go back by
/// itself, the customer would have both.
#[tokio::test]
async fn a_parcel_that_is_under_way_is_for_a_person_before_the_money_goes_back() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&SLOW).await?;
    let order = collected(&world).await?;
    // Whatever is to be undone after it waits for the answer.
    let again = order.answer("create-shipping", Action::Retry, "try").await;
    assert_eq!(again, Ok(AnswerOutcome::FailedAgain));
    let progress = order.until("waits still", |p| p.needs_human == ["create-shipping"]).await?;
    let question = progress.questions.first().context("nobody is asked")?;
    assert_eq!((question.cause.as_str(), question.reason.contains("stop it there")), ("in_transit", true));
    assert!(question.facts.iter().any(|fact| fact.name == "tracking_number"), "{question:?}");
    assert_eq!(order.asked().await?, ["create-shipping: in_transit"]);
    let paid = progress.step("process-payment").map(|step| step.status);
    assert_eq!(paid, Some(StepStatus::Completed), "{progress:?}");
    assert_eq!(world.shop.requests("payments.refund").await?, 0);

    let by_hand = order.answer("create-shipping", Action::DoneByHand, "stopped at the depot").await;
    assert_eq!(by_hand, Ok(AnswerOutcome::DoneByHand));
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(
        tests::world::in_words(&result.report.undone),
        [
            "create-shipping (done by hand: stopped at the depot)",
            "confirm-inventory",
            "process-payment",
            "reserve-inventory",
            "update-order"
        ]
    );
    assert!(!order.needs_human().await?);
    let totals = &world.shop.get("audit").await?["totals"];
    assert_eq!((&totals["refunds"], &totals["holds"]), (&json!(1), &json!(0)), "{totals}");
    Ok(())
}

/// A parcel that is left may have left the shop, whose stock has its goods again: only a person can correct that.
#[tokio::test]
async fn a_parcel_that_is_left_says_that_its_goods_count_as_in_stock() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&SLOW).await?;
    let order = collected(&world).await?;
    let question = order.progress().await?.questions.into_iter().next().context("nobody is asked")?;
    let leave = question.answers.iter().find(|choice| choice.action == Action::Leave);
    let words = "the parcel may go, the money goes back, its goods count as in stock: correct that";
    assert_eq!(leave.map(|leave| leave.effect.as_str()), Some(&*format!("nothing is sent: {words}")));
    let left = order.answer("create-shipping", Action::Leave, "it is gone").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (50, 0));
    let note = format!("create-shipping was left: {words}");
    assert!(result.report.notes.contains(&note), "{:?}", result.report.notes);
    Ok(())
}

/// The parcel is under way to a customer who wants it after all: it goes, the money stays, and the goods are sold.
#[tokio::test]
async fn a_parcel_that_is_kept_fulfils_its_order() -> anyhow::Result<()> {
    let slow = ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--undo-patience=10m"];
    let (world, _worker) = World::apart(&slow).await?;
    let once = json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503, "count": 1 }]);
    world.shop.faults(once).await?;
    let order = world.start(&orders::order()).await?;
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.put(&format!("shipments/{}", order.order_id), json!({ "status": "in_transit" })).await?;
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    let progress = order.until("needs a person", |p| p.needs_human == ["create-shipping"]).await?;
    let question = progress.questions.first().context("nobody is asked")?;
    let kept = question.answers.iter().find(|choice| choice.action == Action::Keep);
    assert!(kept.is_some_and(|kept| kept.effect.contains("the money stays")), "{question:?}");

    let kept = order.answer("create-shipping", Action::Keep, "the customer wants it").await;
    assert_eq!(kept, Ok(AnswerOutcome::Kept));
    let result = order.ended().await?.fulfilled()?;
    assert!(result.tracking_number.is_some() && result.payment_id.is_some(), "{result:?}");
    assert!(result.report.undone.is_empty() && result.report.left_standing.is_empty(), "{result:?}");
    let notes = result.report.notes.join("\n");
    assert!(notes.contains("create-shipping is kept") && notes.contains("too late to cancel"), "{notes}");
    let totals = world.shop.clean().await?;
    for (figure, wanted) in
        [("charges", 1), ("refunds", 0), ("holds", 0), ("voided_shipments", 0), ("mails", 1)]
    {
        assert_eq!(totals[figure], json!(wanted), "{figure}: {totals}");
    }
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (49, 0));
    let told = world.shop.ask(&format!("orders/{}", order.order_id), None).await?;
    assert_eq!((&told["status"], &told["payment_status"]), (&json!("confirmed"), &json!("paid")), "{told}");
    Ok(())
}

/// Whatever the carrier knows of the key: the label that was bought is voided by its own id, too.
#[tokio::test]
async fn a_void_knows_the_label_that_was_bought() -> anyhow::Result<()> {
    let world = World::new().await?;
    let refused = json!({ "operation": "inventory.confirm", "kind": "status", "status": 422 });
    world.shop.faults(json!([refused])).await?;
    let order = world.start(&orders::order()).await?;
    order.ended().await?.failed_as("StepFailed")?;
    let label = world.shop.ask(&format!("shipments?order_id={}", order.order_id), None).await?;
    let mut voids = Vec::new();
    for event in order.history().await? {
        let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = event.attributes else {
            continue;
        };
        if scheduled.activity_type.is_some_and(|kind| kind.name == "shipping.void_shipment") {
            let payload =
                scheduled.input.and_then(|input| input.payloads.into_iter().next()).context("no input")?;
            voids.push(serde_json::from_slice::<Value>(&payload.data)?["shipment_id"].clone());
        }
    }
    assert_eq!(voids, [label[0]["shipment_id"].clone()]);
    Ok(())
}

/// A carrier that does not let us void is not one that cannot be reached: the parcel may leave, so the money waits for
/// a person, or for the void.
#[tokio::test]
async fn a_label_that_we_may_not_void_holds_the_refund_until_it_is_voided() -> anyhow::Result<()> {
    let soon = ["--undo-patience=2s", "--asked-retry-first=1s", "--asked-retry-longest=1s"];
    let (world, _worker) = World::apart(&soon).await?;
    let refused = json!({ "operation": "inventory.confirm", "kind": "status", "status": 422 });
    let forbidden = json!({ "operation": "shipments.cancel", "kind": "status", "status": 403 });
    world.shop.faults(json!([refused, forbidden])).await?;
    let order = world.start(&orders::order()).await?;
    let progress = order.until("needs a person", |p| p.needs_human == ["create-shipping"]).await?;
    let question = progress.questions.first().context("nobody is asked")?;
    assert_eq!(question.cause, "setting", "{question:?}");
    // It is tried on meanwhile; whatever is to be undone after it waits.
    let voids = world.shop.requests("shipments.cancel").await?;
    requested(&world, "shipments.cancel", voids + 2).await?;
    assert_eq!(world.shop.requests("payments.refund").await?, 0);
    world.shop.mend().await?;
    order.ended().await?.failed_as("StepFailed")?;
    let totals = &world.shop.get("audit").await?["totals"];
    assert_eq!((&totals["refunds"], &totals["holds"]), (&json!(1), &json!(0)), "{totals}");
    Ok(())
}

/// The second undo uses up its patience too; the person is asked when the first one has.
#[tokio::test]
async fn a_person_is_asked_at_the_first_undo_that_sticks() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down = |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503 });
    let refused = json!({ "operation": "shipments.create", "kind": "status", "status": 422 });
    world.shop.faults(json!([refused, down("inventory.restock"), down("payments.refund")])).await?;
    let order = world.start(&orders::order()).await?;
    let progress = order.until("needs a person", |p| !p.needs_human.is_empty()).await?;
    assert_eq!(progress.needs_human, ["confirm-inventory"]);
    assert!(order.needs_human().await?);
    order.until("the second is stuck too", |p| p.needs_human.len() == 2).await?;
    order.tried_on(2).await?;
    world.shop.mend().await?;
    for step in ["process-payment", "confirm-inventory"] {
        assert_eq!(order.answer(step, Action::Retry, "back").await, Ok(AnswerOutcome::Done), "{step}");
    }
    order.ended().await?.failed_as("ShippingFailed")?;
    world.shop.clean().await?;
    Ok(())
}

/// While a retry is under way somebody says that it was done by hand: both get an answer, the person's word stands, and
/// the report says that the retry went through as well.
#[tokio::test]
async fn two_answers_about_one_undo_do_not_keep_the_run_open() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    order.until_step("reserve-inventory", StepStatus::Undone).await?;
    let slow = json!({ "operation": "payments.refund", "kind": "latency", "latency_ms": 1_500 });
    world.shop.faults(json!([slow])).await?;
    let asked = world.shop.requests("payments.refund").await?;
    let retry = order.answer("process-payment", Action::Retry, "provider is back");
    let by_hand = async {
        while world.shop.requests("payments.refund").await? == asked {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<_, anyhow::Error>(order.answer("process-payment", Action::DoneByHand, "refunded by hand").await)
    };
    let (first, second) = tokio::join!(retry, by_hand);
    assert_eq!(first, Ok(AnswerOutcome::Done));
    assert_eq!(second?, Ok(AnswerOutcome::DoneByHand));
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(report.step("process-payment").map(|step| step.status), Some(StepStatus::Resolved));
    assert!(report.notes.iter().any(|note| note.contains("done twice")), "{:?}", report.notes);
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// Telling the shop is the last undo: it sticks like any other.
#[tokio::test]
async fn a_shop_that_cannot_be_told_asks_a_person_too() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--tell-shop-patience=2s"]).await?;
    let order = stuck_at(&world, "orders.update").await?;
    assert_eq!(order.progress().await?.needs_human, ["update-order"]);
    world.shop.mend().await?;
    let done = order.answer("update-order", Action::Retry, "shop is back").await;
    assert_eq!(done, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("ShippingFailed")?;
    world.shop.clean().await?;
    Ok(())
}

/// The provider's news may come late, about money that somebody has given back by hand meanwhile.
#[tokio::test]
async fn what_a_person_decided_about_the_money_is_not_decided_anew_by_news() -> anyhow::Result<()> {
    let by_hand = (Action::DoneByHand, StepStatus::Resolved);
    let left = (Action::Leave, StepStatus::LeftStanding);
    for (action, status) in [by_hand, left] {
        let world = World::new().await?;
        let order = stuck_at(&world, "payments.refund").await?;
        order.until_step("reserve-inventory", StepStatus::Undone).await?;
        let asked = world.shop.requests("payments.refund").await?;
        assert_eq!(order.payment_settled("evt_late").await.as_deref(), Ok("taken"));
        world.shop.mend().await?;
        order.answer("process-payment", action, "by bank transfer").await.map_err(anyhow::Error::msg)?;
        // Asks again: whoever decided may not have known.
        order.until("asks again", |p| asks_because_of_news(p, "process-payment")).await?;
        order.answer("process-payment.2", action, "I know").await.map_err(anyhow::Error::msg)?;
        let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
        assert_eq!(report.step("process-payment").map(|step| step.status), Some(status));
        // And once more, after the end.
        let (id, event) = (OrderId::new(order.order_id.as_str())?, EventId::new("evt_later")?);
        let heard = settle(&world.client, &world.task_queue, &id, &event, LIMIT).await?;
        let Heard::Late { workflow_id, .. } = heard else { anyhow::bail!("not late: {heard:?}") };
        let late = world.attach_run(&workflow_id);
        late.until("asks first", |p| asks_because_of_news(p, "refund-payment")).await?;
        assert!(late.needs_human().await?);
        assert_eq!(world.shop.requests("payments.refund").await?, asked, "{action:?}");
    }
    Ok(())
}

/// A person who is asked again may find that it is to be done after all.
#[tokio::test]
async fn news_about_decided_money_can_be_answered_with_a_retry() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    assert_eq!(order.payment_settled("evt_late").await.as_deref(), Ok("taken"));
    world.shop.mend().await?;
    let skipped = order.answer("process-payment", Action::Leave, "a misunderstanding").await;
    assert_eq!(skipped, Ok(AnswerOutcome::Left));
    order.until("asks again", |p| asks_because_of_news(p, "process-payment")).await?;
    let retried = order.answer("process-payment.2", Action::Retry, "it is owed").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("ShippingFailed")?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    Ok(())
}

/// The provider has stored a 500 under two keys of the refund. A person says `retry`, and the third key is fresh.
#[tokio::test]
async fn a_retry_leaves_stored_answers_behind() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = spoiled_twice(&world).await?;
    // The next key is used when what came of the last one would show.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let retried = order.answer("process-payment", Action::Retry, "the provider is well").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    assert_eq!(world.shop.requests("payments.refund").await?, 5);
    Ok(())
}

/// The same without an answer: what is tried on meanwhile leaves them behind, too.
#[tokio::test]
async fn what_is_tried_on_leaves_stored_answers_behind() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&QUICK).await?;
    let order = spoiled_twice(&world).await?;
    order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    // How often a stored answer is repeated in its round is a matter of time.
    let requests = world.shop.requests("payments.refund").await?;
    assert!((4..=6).contains(&requests), "{requests}");
    Ok(())
}

/// An order that asks about its refund, of which the provider has stored a 500 under two keys, and stores no more.
async fn spoiled_twice(world: &World) -> anyhow::Result<Order<'_>> {
    world.shop.put("switches", json!({ "replay_errors": true })).await?;
    let refused = json!({ "operation": "shipments.create", "kind": "status", "status": 422 });
    let broken = json!({ "operation": "payments.refund", "kind": "status", "status": 500, "count": 1 });
    world.shop.faults(json!([refused, broken])).await?;
    let order = world.start(&orders::order()).await?;
    // The 500, and the same one again; half a second later the next key.
    world.shop.requested_again("payments.refund", 1).await?;
    world.shop.faults(json!([broken])).await?;
    order.until("asks", |p| p.needs_human == ["process-payment"] || p.outcome.is_some()).await?;
    Ok(order)
}
