//! Money that arrives for an order that has ended.

use std::time::{Duration, Instant};

use contracts::values::{EventId, OrderId};
use futures::TryStreamExt as _;
use serde_json::json;
use settlement::{Heard, SettleError, settle};
use temporalio_client::{WorkflowGetResultOptions, WorkflowListOptions};
use tests::orders;
use tests::scenarios::{asks_about_the_stock, asks_because_of_news};
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
    assert_eq!(runs, [format!("order/{}/late/{event}", order.order_id)]);
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
    let workflow_id = format!("order/{}/late/evt_again", order.order_id);
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
        ["process-payment", "reserve-inventory", "update-order", "process-payment"]
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
        ["process-payment", "update-order", "process-payment", "reserve-inventory"]
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
    let until = Instant::now() + LIMIT;
    // Temporal's list may be a second behind.
    while !listed_as_asking(&world, order_id).await? {
        anyhow::ensure!(Instant::now() < until, "never listed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (event, answer) in [("evt_while_asked", Action::Leave), ("evt_after", Action::Retry)] {
        let Heard::Late { workflow_id, .. } = hear_of(&world, order_id, event).await? else {
            anyhow::bail!("not late")
        };
        let again = world.attach_run(&workflow_id);
        again.until("asks first", |p| asks_because_of_news(p, "refund-payment")).await?;
        assert_eq!(world.shop.requests("payments.refund").await?, asked, "{event}");
        again.answer("refund-payment", answer, "looked it up").await.map_err(anyhow::Error::msg)?;
        let is_skipped = answer == Action::Leave;
        assert_eq!(refund(&world, &workflow_id).await?.refunded, Some(!is_skipped), "{event}");
        if is_skipped {
            late.answer("refund-payment", Action::DoneByHand, "by hand").await.map_err(anyhow::Error::msg)?;
            refund(&world, &late.workflow_id).await?;
        }
    }
    Ok(())
}

/// Two pieces of news of the same money, and the refund for the first one gets no answer. Somebody pays it back by
/// hand: the run of the second one must not try it once more meanwhile.
#[tokio::test]
async fn a_second_piece_of_news_does_not_refund_beside_a_person() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = cancelled(&world).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    world.shop.faults(json!([{ "operation": "payments.refund", "kind": "status", "status": 503 }])).await?;
    let Heard::Late { workflow_id, .. } = hear(&world, &order, &event).await? else {
        anyhow::bail!("not late");
    };
    let first = world.attach_run(&workflow_id);
    let is_listed = format!("SunOrderId = '{}' AND WorkflowType = 'LatePayment'", order.order_id);
    let until = Instant::now() + LIMIT;
    while !is_any(&world, &is_listed).await? {
        anyhow::ensure!(Instant::now() < until, "never listed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Heard::Late { workflow_id, .. } = hear(&world, &order, "evt_second").await? else {
        anyhow::bail!("not late");
    };
    let second = world.attach_run(&workflow_id);
    first.until("needs a person", |p| p.needs_human == ["refund-payment"]).await?;
    first.answer("refund-payment", Action::HandsOff, "at the bank").await.map_err(anyhow::Error::msg)?;
    second.until("asks first", |p| asks_because_of_news(p, "refund-payment")).await?;
    let asked = world.shop.requests("payments.refund").await?;
    world.shop.mend().await?;
    // Longer than between two tries of what gets no answer.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.shop.requests("payments.refund").await?, asked);
    first.answer("refund-payment", Action::DoneByHand, "at the bank").await.map_err(anyhow::Error::msg)?;
    second.answer("refund-payment", Action::Leave, "went back by hand").await.map_err(anyhow::Error::msg)?;
    for late in [&first, &second] {
        refund(&world, &late.workflow_id).await?;
    }
    assert_eq!(world.shop.requests("payments.refund").await?, asked);
    Ok(())
}

async fn listed_as_asking(world: &World, order_id: &str) -> anyhow::Result<bool> {
    is_any(world, &format!("SunOrderId = '{order_id}' AND SunNeedsHuman = true")).await
}

async fn is_any(world: &World, filter: &str) -> anyhow::Result<bool> {
    let listed: Vec<_> =
        world.client.list_workflows(filter.to_owned(), WorkflowListOptions::default()).try_collect().await?;
    Ok(!listed.is_empty())
}

#[tokio::test]
async fn a_refund_of_late_money_that_sticks_asks_a_person() -> anyhow::Result<()> {
    let world = World::new().await?;
    let late = stuck_refund(&world).await?;
    world.shop.mend().await?;
    assert_eq!(late.answer("refund-payment", Action::Retry, "back").await, Ok(AnswerOutcome::Done));
    assert_eq!(refund(&world, &late.workflow_id).await?.refunded, Some(true));
    world.shop.clean().await?;
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
    let totals = world.shop.clean().await?;
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
