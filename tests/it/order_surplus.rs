//! One payment too many is one question, which closes when there is nothing left to decide, and news that says no more
//! than the order knows costs no look.

use std::time::Duration;

use anyhow::Context as _;
use contracts::values::{EventId, OrderId};
use serde_json::json;
use settlement::{Found, Heard, News, begin, bring};
use temporalio_client::WorkflowDescribeOptions;
use tests::orders;
use tests::scenarios::people::QUICK;
use tests::world::{LIMIT, Order, World};
use workflows::late_payment::LatePayment;
use workflows::order_processing::DUPLICATE;
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

const READ: &str = "read-payment";

fn news(order: &Order<'_>, event: &str, payment_id: Option<&str>) -> anyhow::Result<News> {
    let (order_id, event_id) = (OrderId::new(order.order_id.as_str())?, EventId::new(event)?);
    Ok(News { order_id, event_id, payment_id: payment_id.map(str::to_owned) })
}

async fn brought(world: &World, order: &Order<'_>, event: &str, id: Option<&str>) -> anyhow::Result<Found> {
    Ok(bring(&world.client, &news(order, event, id)?, LIMIT).await?)
}

/// News of an order that has its money; what came of it.
async fn looked_at(world: &World, order: &Order<'_>, event: &str, id: &str) -> anyhow::Result<Heard> {
    Ok(begin(&world.client, &world.task_queue, &news(order, event, Some(id))?, true).await?)
}

/// The order's money is captured once more under its key; the payment.
async fn again(world: &World, order: &Order<'_>) -> anyhow::Result<String> {
    let second = world.shop.post(&format!("payments/{}/again", order.order_id), json!({})).await?;
    Ok(second["payment_id"].as_str().context("not paid again")?.to_owned())
}

/// The payment that the order's charge makes, as soon as it is there.
async fn own_payment(world: &World, order: &Order<'_>) -> anyhow::Result<String> {
    for _ in 0..1_500 {
        let payments = world.shop.ask(&format!("payments?order_id={}", order.order_id), None).await?;
        if let Some(id) = payments[0]["payment_id"].as_str() {
            return Ok(id.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("no payment")
}

async fn refund_at_the_provider(world: &World, payment_id: &str) -> anyhow::Result<()> {
    let all = json!({ "amount": 25_000_000, "currency": "VND" });
    let refunded = world.shop.ask(&format!("payments/{payment_id}/refund"), Some(&all)).await?;
    anyhow::ensure!(!refunded.is_null(), "not refunded");
    Ok(())
}

fn asks(progress: &Progress) -> bool {
    progress.questions.iter().any(|q| q.about.step == READ && q.cause == "charged_twice")
}

async fn has_late_run(world: &World, order: &Order<'_>) -> bool {
    let id = format!("order/{}/late", order.order_id);
    let late = world.client.get_workflow_handle::<LatePayment>(id);
    late.describe(WorkflowDescribeOptions::default()).await.is_ok()
}

/// An order whose transfer has come, and a second payment while the read that finds it is under way; the second one.
async fn paid_twice_at_its_last_look(world: &World) -> anyhow::Result<(Order<'_>, String)> {
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    let down = json!({ "operation": "payments.get", "kind": "status", "status": 503, "count": 2 });
    let held = json!({ "operation": "payments.get", "kind": "hold_reply", "latency_ms": 1_500, "count": 1 });
    let slow = json!({ "operation": "shipments.create", "kind": "latency", "latency_ms": 1_500, "count": 1 });
    world.shop.faults(json!([down, held, slow])).await?;
    let looks = world.shop.requests("payments.get").await?;
    order.payment_settled(&event).await.map_err(anyhow::Error::msg)?;
    world.shop.requested_again("payments.get", looks + 2).await?;
    let second = again(world, &order).await?;
    let first = brought(world, &order, "evt_second", Some(&second)).await?;
    assert_eq!(first, Found::Open(Heard::Taken));
    Ok((order, second))
}

/// The provider tells of the second payment again and again: before the order asks, while it asks, and behind the
/// answer.
#[tokio::test]
async fn one_payment_too_many_is_asked_about_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, second) = paid_twice_at_its_last_look(&world).await?;
    world.shop.requested("shipments.create").await?;
    let taken = Found::Open(Heard::Taken);
    assert_eq!(brought(&world, &order, "evt_before_it_asks", Some(&second)).await?, taken);
    order.until("asks", asks).await?;
    assert_eq!(brought(&world, &order, "evt_while_it_asks", Some(&second)).await?, taken);
    let says_it = |p: &Progress| p.questions[0].facts.iter().any(|fact| fact.name == "heard_since");
    order.until("says that more came", |p| asks(p) && says_it(p)).await?;
    let left = order.answer(READ, Action::Leave, "it is for the next order").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    order.ended().await?.fulfilled()?;

    assert_eq!(brought(&world, &order, "evt_behind_the_answer", Some(&second)).await?, Found::Paid);
    let heard = looked_at(&world, &order, "evt_behind_the_answer", &second).await?;
    assert_eq!(heard, Heard::AlreadyPaid);
    assert!(!has_late_run(&world, &order).await);
    // Another one is another question; asked by late money, it is one question, too.
    let third = again(&world, &order).await?;
    let Heard::PaidBefore { workflow_id } = looked_at(&world, &order, "evt_third", &third).await? else {
        anyhow::bail!("not asked")
    };
    let late = world.attach_run(&workflow_id);
    late.until("asks", asks).await?;
    looked_at(&world, &order, "evt_third_again", &third).await?;
    let left = late.answer(READ, Action::Leave, "that one, too").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    let progress = late.until("done", |p| p.outcome.as_deref() == Some("completed")).await?;
    assert!(progress.questions.is_empty(), "{progress:?}");
    assert_eq!(looked_at(&world, &order, "evt_third_once_more", &third).await?, Heard::AlreadyPaid);
    Ok(())
}

/// Somebody gives one of the two back, and does not say so: the question closes by itself.
#[tokio::test]
async fn a_question_about_two_payments_closes_when_one_is_left() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&QUICK).await?;
    let (order, second) = paid_twice_at_its_last_look(&world).await?;
    order.until("asks", asks).await?;
    order.tried_on(1).await?;
    // Somebody who has it read at once is told that both are there, and it is read on.
    let looked = order.answer(READ, Action::Retry, "is it so?").await;
    assert_eq!(looked, Ok(AnswerOutcome::FailedAgain));
    order.tried_on(1).await?;
    refund_at_the_provider(&world, &second).await?;
    let result = order.ended().await?.fulfilled()?;
    assert_eq!(result.report.step(READ).map(|step| step.status), Some(StepStatus::Completed));
    assert!(result.report.notes.is_empty(), "{:?}", result.report.notes);
    assert!(!order.needs_human().await?);
    world.shop.clean().await.map(drop)
}

/// Late money asks about two payments, and somebody gives both back at the provider.
#[tokio::test]
async fn a_question_about_two_payments_closes_when_neither_is_left() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&QUICK).await?;
    let order = world.start(&orders::order()).await?;
    let first = own_payment(&world, &order).await?;
    order.ended().await?.fulfilled()?;
    let second = again(&world, &order).await?;
    assert_eq!(brought(&world, &order, "evt_second", Some(&second)).await?, Found::Paid);
    let Heard::PaidBefore { workflow_id } = looked_at(&world, &order, "evt_second", &second).await? else {
        anyhow::bail!("not asked")
    };
    let late = world.attach_run(&workflow_id);
    late.until("asks", asks).await?;
    for payment in [&first, &second] {
        refund_at_the_provider(&world, payment).await?;
    }
    let progress = late.until("done", |p| p.outcome.as_deref() == Some("completed")).await?;
    let detail = progress.step(READ).and_then(|step| step.detail.clone()).unwrap_or_default();
    assert!(detail.ends_with("nothing is left to decide"), "{detail}");
    assert!(progress.questions.is_empty() && !late.needs_human().await?, "{progress:?}");
    Ok(())
}

/// The reply to the charge takes its time, and news of the payment is faster.
#[tokio::test]
async fn news_that_only_says_what_the_charge_says_costs_no_look() -> anyhow::Result<()> {
    for (named, looks_at_it) in [("own", false), ("another", true), ("none", true)] {
        let world = World::new().await?;
        let held = json!({ "operation": "payments.create", "kind": "hold_reply", "latency_ms": 1_500 });
        world.shop.faults(json!([held])).await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested("payments.create").await?;
        let own = own_payment(&world, &order).await?;
        let id = match named {
            "own" => Some(own.as_str()),
            "another" => Some("pay_elsewhere"),
            _ => None,
        };
        let heard = brought(&world, &order, "evt_early", id).await?;
        assert_eq!(heard, Found::Open(Heard::Taken), "{named}");
        let looks = world.shop.requests("payments.get").await?;
        order.ended().await?.fulfilled()?;
        let has_looked = world.shop.requests("payments.get").await? > looks;
        assert_eq!(has_looked, looks_at_it, "{named}");
        let scheduled = order.scheduled("payment.find").await?;
        assert_eq!(scheduled > 0, looks_at_it, "{named}");
    }
    Ok(())
}

/// An order that has its money takes news until its parcel is labelled. On its way back, whatever came since is its own
/// to give back.
#[tokio::test]
async fn an_order_on_its_way_back_takes_news_as_it_did_before() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down = ["shipments.create", "orders.update"]
        .map(|operation| json!({ "operation": operation, "kind": "status", "status": 503 }));
    world.shop.faults(json!(down)).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("shipments.create").await?;
    let taken = Found::Open(Heard::Taken);
    assert_eq!(brought(&world, &order, "evt_own", None).await?, taken);
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    world.shop.requested("orders.update").await?;
    let second = again(&world, &order).await?;
    assert_eq!(brought(&world, &order, "evt_second", Some(&second)).await?, taken);
    assert_eq!(order.payment_settled("evt_second").await.as_deref(), Ok(DUPLICATE));
    world.shop.mend().await?;
    order.ended().await?.stopped_as("cancelled")?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["net_money"]["VND"]), (&json!(2), &json!(0)));
    Ok(())
}
