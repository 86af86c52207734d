//! Money that arrives for an order that has ended.

use std::time::Duration;

use contracts::values::{EventId, OrderId};
use serde_json::json;
use settlement::{Heard, SettleError, settle};
use temporalio_client::WorkflowGetResultOptions;
use tests::orders;
use tests::scenarios::{asks_about_the_stock, asks_because_of_news};
use tests::starter::starter;
use tests::world::{LIMIT, Order, World, in_words};
use workflows::late_payment::{LatePayment, LatePaymentResult};
use workflows::report::StepStatus;
use workflows::saga::{Action, AnswerOutcome};

async fn hear(world: &World, order: &Order<'_>, event: &str) -> anyhow::Result<Heard> {
    hear_of(world, &order.order_id, event).await
}

async fn hear_of(world: &World, order_id: &str, event: &str) -> anyhow::Result<Heard> {
    let (order, event) = (OrderId::new(order_id)?, EventId::new(event)?);
    Ok(settle(&world.client, &world.task_queue, &order, &event, LIMIT).await?)
}

async fn refund(world: &World, workflow_id: &str) -> anyhow::Result<LatePaymentResult> {
    let late = world.client.get_workflow_handle::<LatePayment>(workflow_id);
    let result = late.get_result(WorkflowGetResultOptions::default());
    Ok(tokio::time::timeout(LIMIT, result).await??)
}

/// An order that waits for the customer's money and is cancelled.
async fn cancelled(world: &World) -> anyhow::Result<Order<'_>> {
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    Ok(order)
}

#[tokio::test]
async fn money_for_a_cancelled_order_goes_back_once_however_often_it_is_heard_of() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = cancelled(&world).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    assert!(world.shop.clean().await.is_err(), "a cancelled order that is paid must be a violation");
    let mut runs = Vec::new();
    for _ in 0..10 {
        match hear(&world, &order, &event).await? {
            Heard::Late { workflow_id, .. } => runs.push(workflow_id),
            other => anyhow::bail!("{other:?}"),
        }
    }
    runs.dedup();
    assert_eq!(runs, [format!("order/{}/late", order.order_id)]);
    let result = refund(&world, &runs[0]).await?;
    assert!(result.refunded == Some(true) && result.payment_id.is_some(), "{result:?}");
    assert!(result.report.undone.is_empty(), "{:?}", result.report);
    assert!(result.report.steps.iter().all(|s| s.status == StepStatus::Completed), "{:?}", result.report);
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["charges"], &totals["refunds"], &totals["net_money"]["VND"]),
        (&json!(1), &json!(1), &json!(0))
    );
    Ok(())
}

#[tokio::test]
async fn news_without_money_gives_nothing_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = cancelled(&world).await?;
    let Heard::Late { workflow_id, .. } = hear(&world, &order, "evt_lie").await? else {
        anyhow::bail!("not late");
    };
    let result = refund(&world, &workflow_id).await?;
    assert_eq!(result.refunded, Some(false), "{result:?}");
    assert_eq!(world.shop.clean().await?["refunds"], json!(0));
    Ok(())
}

#[tokio::test]
async fn news_of_a_fulfilled_order_changes_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::order()).await?;
    order.ended().await?.fulfilled()?;
    // The command line cannot look at the provider itself: a run does.
    let workflow_id = format!("order/{}/late", order.order_id);
    assert_eq!(
        hear(&world, &order, "evt_again").await?,
        Heard::PaidBefore { workflow_id: workflow_id.clone() }
    );
    let looked = refund(&world, &workflow_id).await?;
    assert!(looked.refunded == Some(false) && looked.payment_id.is_some(), "{looked:?}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(0)));
    Ok(())
}

/// The money arrives after its void and before the order has closed.
#[tokio::test]
async fn money_that_arrives_during_the_undo_goes_back_before_the_order_closes() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    world
        .shop
        .faults(json!([{ "operation": "inventory.release", "kind": "latency", "latency_ms": 1_500 }]))
        .await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    world.shop.requested("inventory.release").await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    assert_eq!(hear(&world, &order, &event).await?, Heard::Taken);
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(
        in_words(&result.report.undone),
        ["process-payment", "reserve-inventory", "update-order", "process-payment", "update-payment"]
    );
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    Ok(())
}

/// Somebody is asked about the stock, and may take days to answer; the money does not wait for that.
#[tokio::test]
async fn money_that_arrives_while_a_person_is_asked_about_something_else_goes_back_at_once()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let order = asks_about_the_stock(&world).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    assert_eq!(hear(&world, &order, &event).await?, Heard::Taken);
    world.shop.requested("payments.refund").await?;
    let progress = order.until("asks still", |p| p.needs_human == ["reserve-inventory"]).await?;
    assert_eq!(progress.outcome, None);
    assert!(order.needs_human().await?);
    world.shop.mend().await?;
    let retried = order.answer("reserve-inventory", Action::Retry, "the stock is back").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(
        in_words(&result.report.undone),
        ["process-payment", "update-order", "process-payment", "update-payment", "reserve-inventory"]
    );
    assert!(!order.needs_human().await?);
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    Ok(())
}

/// The money is owed, whatever somebody does to the run that gives it back.
#[tokio::test]
async fn a_cancel_keeps_no_late_money() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = cancelled(&world).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    let Heard::Late { workflow_id, .. } = hear(&world, &order, &event).await? else {
        anyhow::bail!("not late");
    };
    let late = world.attach_run(&workflow_id);
    late.until_step("read-payment", StepStatus::Running).await?;
    late.temporal_cancel().await?;
    world.shop.mend().await?;
    let result = refund(&world, &workflow_id).await?;
    assert_eq!(result.refunded, Some(true), "it was read in spite of the cancel");
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// Late money whose refund waits for a person.
async fn stuck_refund(world: &World) -> anyhow::Result<Order<'_>> {
    let order = cancelled(world).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    world.shop.faults(json!([{ "operation": "payments.refund", "kind": "status", "status": 503 }])).await?;
    let Heard::Late { workflow_id, .. } = hear(world, &order, &event).await? else {
        anyhow::bail!("not late");
    };
    let late = world.attach_run(&workflow_id);
    late.until("needs a person", |p| p.needs_human == ["refund-payment"]).await?;
    late.tried_on(1).await?;
    Ok(late)
}

/// While somebody is asked about late money, and after somebody gave it back by hand, more news of it moves nothing.
#[tokio::test]
async fn late_money_that_a_person_decided_about_is_asked_about_again() -> anyhow::Result<()> {
    let world = World::new().await?;
    let late = stuck_refund(&world).await?;
    world.shop.mend().await?;
    let asked = world.shop.requests("payments.refund").await?;
    let order_id = late.workflow_id.split('/').nth(1).unwrap_or_default();
    let told = Heard::Late { workflow_id: late.workflow_id.clone(), asks_first: true };
    assert_eq!(hear_of(&world, order_id, "evt_while_asked").await?, told);
    late.answer("refund-payment", Action::HandsOff, "at the bank").await.map_err(anyhow::Error::msg)?;
    late.answer("refund-payment", Action::DoneByHand, "by hand").await.map_err(anyhow::Error::msg)?;
    // The person who decided may not have known of the second event.
    late.until("asks again", |p| asks_because_of_news(p, "refund-payment")).await?;
    late.answer("refund-payment.2", Action::Leave, "I know").await.map_err(anyhow::Error::msg)?;
    let result = refund(&world, &late.workflow_id).await?;
    assert_eq!((result.refunded, result.decided), (Some(false), true));

    assert_eq!(hear_of(&world, order_id, "evt_after").await?, told, "another run");
    let again = world.attach_run(&late.workflow_id);
    again.until("asks first", |p| asks_because_of_news(p, "refund-payment")).await?;
    assert_eq!(world.shop.requests("payments.refund").await?, asked);
    again.answer("refund-payment", Action::Retry, "it is owed").await.map_err(anyhow::Error::msg)?;
    assert_eq!(refund(&world, &late.workflow_id).await?.refunded, Some(true));

    // Once more the same news: nothing begins anew.
    assert_eq!(hear_of(&world, order_id, "evt_after").await?, told);
    let result = refund(&world, &late.workflow_id).await?;
    assert!(result.events.iter().any(|event| event.as_str() == "evt_after"), "{result:?}");
    world.shop.clean().await?;
    Ok(())
}

/// The provider answers a refund with a 500 and repeats that under the key. The order's undo and two pieces of news,
/// and then two more after its end, ask for it all the same: one refund, under another key, and nobody has to be asked.
#[tokio::test]
async fn the_undo_and_two_late_events_at_once_refund_once_behind_a_stored_500() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    world.shop.put("switches", json!({ "replay_errors": true })).await?;
    let slow = json!({ "operation": "inventory.release", "kind": "latency", "latency_ms": 1_500 });
    let stored = json!({ "operation": "payments.refund", "kind": "status", "status": 500, "count": 1 });
    world.shop.faults(json!([slow, stored])).await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    world.shop.requested("inventory.release").await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    let (first, second) = tokio::join!(hear(&world, &order, &event), hear(&world, &order, "evt_second"));
    assert_eq!((first?, second?), (Heard::Taken, Heard::Taken));
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert!(result.report.left_standing.is_empty(), "{:?}", result.report);
    let (third, fourth) = tokio::join!(hear(&world, &order, "evt_3"), hear(&world, &order, "evt_4"));
    let Heard::Late { workflow_id, .. } = third? else { anyhow::bail!("not late") };
    assert!(matches!(fourth?, Heard::Late { workflow_id: other, .. } if other == workflow_id));
    assert_eq!(refund(&world, &workflow_id).await?.refunded, Some(false));
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    // The 500, the same one again, and the refund.
    assert_eq!(world.shop.requests("payments.refund").await?, 3);
    Ok(())
}

/// Two pieces of news at once of money that came after the end: one run gives it back.
#[tokio::test]
async fn two_late_events_at_once_go_through_one_run() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = cancelled(&world).await?;
    world.shop.put("switches", json!({ "replay_errors": true })).await?;
    let stored = json!({ "operation": "payments.refund", "kind": "status", "status": 500, "count": 1 });
    world.shop.faults(json!([stored])).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    let (first, second) = tokio::join!(hear(&world, &order, &event), hear(&world, &order, "evt_second"));
    let Heard::Late { workflow_id, .. } = first? else { anyhow::bail!("not late") };
    assert!(matches!(second?, Heard::Late { workflow_id: other, .. } if other == workflow_id));
    let result = refund(&world, &workflow_id).await?;
    assert_eq!((result.refunded, result.events.len()), (Some(true), 2), "{result:?}");
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// The first look saw no money. It comes while the run is open, and its news is not lost.
#[tokio::test]
async fn news_that_comes_while_late_money_is_looked_for_is_looked_at_too() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = cancelled(&world).await?;
    let slow = json!({ "operation": "payments.void", "kind": "hold_reply", "latency_ms": 1_500, "count": 1 });
    world.shop.faults(json!([slow])).await?;
    let voids = world.shop.requests("payments.void").await?;
    let Heard::Late { workflow_id, .. } = hear(&world, &order, "evt_early").await? else {
        anyhow::bail!("not late")
    };
    world.shop.requested_again("payments.void", voids).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    hear(&world, &order, &event).await?;
    let result = refund(&world, &workflow_id).await?;
    assert_eq!((result.refunded, result.events.len()), (Some(true), 2), "{result:?}");
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

#[tokio::test]
async fn a_refund_of_late_money_that_sticks_asks_a_person() -> anyhow::Result<()> {
    let world = World::new().await?;
    let late = stuck_refund(&world).await?;
    // M12: whoever looks for questions about orders finds it. The list trails the run by a moment.
    let until = std::time::Instant::now() + LIMIT;
    let asking = ["order", "list", "--needs-human", "--limit", "1000"];
    while !starter(&world, &asking, None).await?.out.contains(&late.workflow_id) {
        anyhow::ensure!(
            std::time::Instant::now() < until,
            "late money that asks is not listed with the orders"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.shop.mend().await?;
    assert_eq!(late.answer("refund-payment", Action::Retry, "back").await, Ok(AnswerOutcome::Done));
    assert_eq!(refund(&world, &late.workflow_id).await?.refunded, Some(true));
    world.shop.clean().await?;
    Ok(())
}

/// The shop cannot be told how late money ended: a person is asked, and money that comes meanwhile does not wait for
/// the answer.
#[tokio::test]
async fn a_shop_that_cannot_be_told_of_late_money_is_asked_about() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--tell-shop-patience=1s"]).await?;
    let order = cancelled(&world).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    let down = json!({ "operation": "orders.update", "kind": "status", "status": 422 });
    world.shop.faults(json!([down])).await?;
    let Heard::Late { workflow_id, .. } = hear(&world, &order, &event).await? else {
        anyhow::bail!("not late");
    };
    let late = world.attach_run(&workflow_id);
    late.until("asks", |p| p.needs_human == ["update-payment"]).await?;
    // The question is over, and the next one asked.
    hear(&world, &order, "evt_more").await?;
    late.until("asks anew", |p| p.questions.iter().any(|question| question.id == "update-payment.2")).await?;
    world.shop.mend().await?;
    late.answer("update-payment.2", Action::Retry, "the shop takes it now")
        .await
        .map_err(anyhow::Error::msg)?;
    let result = refund(&world, &workflow_id).await?;
    assert_eq!((result.refunded, result.decided), (Some(true), false), "nobody decided about the money");
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

#[tokio::test]
async fn late_money_that_a_person_keeps_is_not_called_refunded() -> anyhow::Result<()> {
    let world = World::new().await?;
    let late = stuck_refund(&world).await?;
    late.answer("refund-payment", Action::Leave, "kept as credit").await.map_err(anyhow::Error::msg)?;
    let result = refund(&world, &late.workflow_id).await?;
    assert_eq!(result.refunded, Some(false));
    assert_eq!(in_words(&result.report.left_standing), ["refund-payment (left standing: kept as credit)"]);
    Ok(())
}

/// The person who terminated it may have done so after the parcel left: no money goes back by itself.
#[tokio::test]
async fn news_of_an_order_that_was_terminated_is_for_a_person() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([{ "operation": "orders.update", "kind": "status", "status": 503 }])).await?;
    let order = world.start(&orders::order()).await?;
    order.reaches("update-order-status").await?;
    order.terminate("wrong button").await?;
    let (number, event) = (OrderId::new(order.order_id.as_str())?, EventId::new("evt_1")?);
    let heard = settle(&world.client, &world.task_queue, &number, &event, LIMIT).await;
    assert!(matches!(heard, Err(SettleError::EndedByForce(_))), "{heard:?}");
    assert!(!SettleError::EndedByForce(number).is_worth_a_retry());
    // Nor does the shop hear by itself that the parcel is to leave: the audit names the order.
    let violations = world.shop.violations().await?;
    assert!(
        violations.len() == 1 && violations[0].starts_with("paid and labelled, unheard"),
        "{violations:?}"
    );
    let totals = &world.shop.get("audit").await?["totals"];
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn news_of_an_unknown_order_is_an_error() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, event) = (OrderId::new("NOBODY-1")?, EventId::new("evt_1")?);
    let heard = settle(&world.client, &world.task_queue, &order, &event, Duration::from_secs(10)).await;
    assert!(matches!(heard, Err(SettleError::UnknownOrder(_))), "{heard:?}");
    Ok(())
}
