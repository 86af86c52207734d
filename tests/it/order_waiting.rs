//! Orders that wait for the customer, and what ends the wait.

use std::time::Duration;

use serde_json::json;
use tests::orders;
use tests::servers::TimeSkipping;
use tests::world::{Ended, World};

#[tokio::test]
async fn what_the_customer_has_to_do_settles_in_time() -> anyhow::Result<()> {
    let world = World::new().await?;
    let cases = [
        (orders::paid_with("card_requires_action"), "three_d_secure"),
        (orders::paid_by("e_wallet"), "redirect"),
        (orders::paid_by("bank_transfer"), "bank_transfer"),
    ];
    for (order, action) in cases {
        let order = world.start(&order).await?;
        order.waits().await?;
        let progress = order.progress().await?;
        let detail = progress.steps.iter().find_map(|s| s.detail.clone()).unwrap_or_default();
        assert!(detail.contains(action), "{detail}");
        let event = world.shop.settle(&order.order_id, "paid").await?;
        assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
        order.ended().await?.fulfilled()?;
    }
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["shipments"]), (&json!(3), &json!(3)));
    Ok(())
}

#[tokio::test]
async fn a_settlement_is_not_believed_and_a_repeated_one_counts_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.waits().await?;
    let reads = world.shop.requests("payments.get").await?;
    assert_eq!(order.payment_settled("liar").await, Ok("taken".to_owned()));
    assert_eq!(order.payment_settled("liar").await, Ok("duplicate".to_owned()));
    order.waits().await?;
    assert_eq!(world.shop.requests("payments.get").await?, reads + 1);
    assert!(order.payment_settled(" ").await.is_err());
    world.shop.settle(&order.order_id, "failed").await?;
    assert_eq!(order.payment_settled("evt-2").await, Ok("taken".to_owned()));
    let (message, _) = order.ended().await?.failed_as("PaymentDeclined")?;
    assert!(message.contains("payment declined"), "{message}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_expires() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::paid_by("bank_transfer");
    order["reservation_minutes"] = json!(0.02);
    let run = world.start(&order).await?;
    let result = run.ended().await?.stopped_as("expired")?;
    assert_eq!(
        tests::world::in_words(&result.report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    let reason = result.reason.unwrap_or_default();
    assert!(reason.contains("did not settle"), "{reason}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn thirty_minutes_without_payment_expire_and_29_do_not() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let expires = world.start(&orders::paid_by("bank_transfer")).await?;
    expires.waits().await?;
    let result = server.skipping(&world.client, expires.ended()).await??.stopped_as("expired")?;
    let took = Duration::from_millis(result.execution_time.try_into()?);
    assert!(took >= Duration::from_secs(30 * 60) && took < Duration::from_secs(31 * 60), "{took:?}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));

    let settles = world.start(&orders::paid_by("bank_transfer")).await?;
    settles.waits().await?;
    server.sleep(&world.client, Duration::from_secs(29 * 60)).await?;
    let event = world.shop.settle(&settles.order_id, "paid").await?;
    assert_eq!(settles.payment_settled(&event).await, Ok("taken".to_owned()));
    let result = settles.ended().await?.fulfilled()?;
    assert!(result.execution_time >= 29 * 60 * 1_000, "{}", result.execution_time);
    world.shop.clean().await?;
    Ok(())
}

/// A worker that was away finds Temporal's cancel and the end of the reservation in one task.
#[tokio::test]
async fn a_cancel_and_the_end_of_the_reservation_at_once_undo_the_order() -> anyhow::Result<()> {
    let (world, mut worker) = World::apart(&[]).await?;
    let mut order = orders::paid_by("bank_transfer");
    order["reservation_minutes"] = json!(0.15);
    let run = world.start(&order).await?;
    run.waits().await?;
    worker.kill()?;
    run.temporal_cancel().await?;
    run.timer_fired().await?;
    let _next = world.spawn_worker(&[])?;
    match run.ended().await? {
        Ended::Canceled(report) => {
            assert_eq!(
                tests::world::in_words(&report.undone),
                ["process-payment", "reserve-inventory", "update-order"]
            );
        }
        other => anyhow::bail!("not canceled: {other:?}"),
    }
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));
    Ok(())
}
