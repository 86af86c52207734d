//! A run of an order was ended by force, and its number is run anew: money of the run before is not called none, and
//! does not stay where it is in silence.

use std::time::{Duration, Instant};

use contracts::commerce::PaymentStatus;
use serde_json::{Value, json};
use tests::orders;
use tests::world::{Ended, LIMIT, Order, World};
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

const PAY: &str = "process-payment";

/// The first run of an order is terminated behind its charge: nothing of it is undone.
async fn charged_and_terminated(world: &World, order: &Value) -> anyhow::Result<()> {
    let down = ["inventory.confirm", "shipments.create"]
        .map(|operation| json!({ "operation": operation, "kind": "status", "status": 503 }));
    world.shop.faults(json!(down)).await?;
    let run = world.start(order).await?;
    run.until_step(PAY, StepStatus::Completed).await?;
    world.shop.requested("shipments.create").await?;
    run.terminate("by hand").await
}

/// Its number is run anew, and cancelled before it charges anything.
async fn anew_and_cancelled<'w>(world: &'w World, order: &Value) -> anyhow::Result<Order<'w>> {
    let run = world.attach(order);
    let reserves = world.shop.requests("inventory.reserve").await?;
    let slow = json!({ "operation": "inventory.reserve", "kind": "latency", "latency_ms": 1_500 });
    world.shop.faults(json!([slow])).await?;
    world.start_anew(order).await?;
    world.shop.requested_again("inventory.reserve", reserves).await?;
    run.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    Ok(run)
}

/// The order as the shop shows it: its status, where its money is, and how many refunds there were.
async fn shown(world: &World, order_id: &str) -> anyhow::Result<(String, Value, usize)> {
    let order = world.shop.ask(&format!("orders/{order_id}"), None).await?;
    let status = order["status"].as_str().unwrap_or_default().to_owned();
    Ok((status, order["payment_status"].clone(), order["refund_ids"].as_array().map_or(0, Vec::len)))
}

/// Waits until the shop was told how the order ended; it has heard nothing of the money.
async fn ended_without_a_word_of_money(world: &World, order_id: &str, status: &str) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    loop {
        let told = shown(world, order_id).await?;
        if told.0 == status {
            assert_eq!(told, (status.to_owned(), Value::Null, 0));
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < until, "never told that it is {status}: {told:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn asks(progress: &Progress) -> bool {
    progress.questions.iter().any(|q| q.about.step == PAY && q.cause == "not_charged_here")
}

#[tokio::test]
async fn money_of_a_run_that_was_terminated_is_asked_about() -> anyhow::Result<()> {
    for (action, outcome, status, refunds) in [
        (Action::Retry, AnswerOutcome::Done, PaymentStatus::Refunded, 1),
        (Action::Leave, AnswerOutcome::Left, PaymentStatus::Paid, 0),
    ] {
        let world = World::new().await?;
        let order = orders::order();
        charged_and_terminated(&world, &order).await?;
        let run = anew_and_cancelled(&world, &order).await?;
        let progress = run.until("asks about the money", asks).await?;
        let reason = &progress.questions[0].reason;
        assert!(reason.starts_with("an earlier run of this order has taken money (pay_"), "{reason}");
        ended_without_a_word_of_money(&world, &run.order_id, "cancelled").await?;
        assert_eq!(world.shop.requests("payments.refund").await?, 0);

        assert_eq!(run.answer(PAY, action, "looked at its runs").await, Ok(outcome));
        let result = run.ended().await?.stopped_as("cancelled")?;
        assert_eq!((result.payment_status, result.refund_ids.len()), (Some(status), refunds), "{action:?}");
        let told = ("cancelled".to_owned(), json!(status.name()), refunds);
        assert_eq!(shown(&world, &run.order_id).await?, told, "{action:?}");
    }
    Ok(())
}

/// The shop refuses it at once, so the run has begun nothing.
#[tokio::test]
async fn money_of_a_run_that_was_terminated_is_asked_about_though_the_shop_refuses() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::order();
    charged_and_terminated(&world, &order).await?;
    world.shop.mend().await?;
    world.shop.put("switches", json!({ "validate_counts_stock": true })).await?;
    // The one that there is stays held for the run before.
    world.shop.laptops(1).await?;
    world.start_anew(&order).await?;
    let run = world.attach(&order);
    run.until("asks about the money", asks).await?;
    ended_without_a_word_of_money(&world, &run.order_id, "failed").await?;
    assert_eq!(run.answer(PAY, Action::Retry, "it is owed").await, Ok(AnswerOutcome::Done));
    let (_, report) = run.ended().await?.failed_as("OutOfStock")?;
    assert_eq!(report.fact(PAY, "payment_status"), Some("refunded"));
    assert_eq!(shown(&world, &run.order_id).await?, ("failed".to_owned(), json!("refunded"), 1));
    Ok(())
}

/// A payment that is still open has paid for nothing: it is taken back, and nobody is asked.
#[tokio::test]
async fn an_open_payment_of_a_run_that_was_terminated_is_taken_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::paid_by("bank_transfer");
    let run = world.start(&order).await?;
    run.has_invited().await?;
    run.terminate("by hand").await?;
    let run = anew_and_cancelled(&world, &order).await?;
    let result = run.ended().await?.stopped_as("cancelled")?;
    assert_eq!(result.payment_status, Some(PaymentStatus::Voided));
    assert_eq!(shown(&world, &run.order_id).await?, ("cancelled".to_owned(), json!("voided"), 0));
    world.shop.clean().await.map(drop)
}

/// The provider cannot be asked at first: the shop hears how the order ended, and nothing of its money, until it can.
#[tokio::test]
async fn money_before_a_run_is_not_called_none_while_nobody_can_look() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--bookkeeping-patience=2s"]).await?;
    let order = orders::order();
    charged_and_terminated(&world, &order).await?;
    let run = anew_and_cancelled(&world, &order).await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    ended_without_a_word_of_money(&world, &run.order_id, "cancelled").await?;
    world.shop.mend().await?;
    run.until("asks about the money", asks).await?;
    assert_eq!(run.answer(PAY, Action::Retry, "it is owed").await, Ok(AnswerOutcome::Done));
    let result = run.ended().await?.stopped_as("cancelled")?;
    assert_eq!(result.payment_status, Some(PaymentStatus::Refunded));
    assert_eq!(shown(&world, &run.order_id).await?, ("cancelled".to_owned(), json!("refunded"), 1));
    Ok(())
}

/// The money of a number that was fulfilled is not looked for, and nothing is said of it.
#[tokio::test]
async fn the_money_of_a_number_that_is_refused_is_left_alone() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::order();
    world.run(&order).await?.fulfilled()?;
    let looks = world.shop.requests("payments.get").await?;
    let Ended::Failed { kind, report, .. } = world.run_anew(&order).await? else {
        anyhow::bail!("not failed")
    };
    assert_eq!((kind.as_str(), report.fact(PAY, "payment_status")), ("OrderInvalid", None), "{report:?}");
    assert_eq!(world.shop.requests("payments.get").await?, looks);
    assert_eq!(shown(&world, &orders::id(&order)).await?, ("confirmed".to_owned(), json!("paid"), 0));
    world.shop.clean().await.map(drop)
}
