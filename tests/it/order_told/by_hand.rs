//! The deeds of others meanwhile: the shop and the mail answer, somebody gives the money back at the provider.

use anyhow::Context as _;
use serde_json::json;
use tests::orders;
use tests::world::{Order, World};
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

/// A reply that was lost is asked for again: waits until shop and mail have answered about the invitation.
pub(super) async fn has_answers(order: &Order<'_>) -> anyhow::Result<()> {
    let are_there = |p: &Progress| {
        let parts = p.steps.iter().flat_map(|step| &step.parts);
        let mut of_invitation = parts.filter(|part| part.part == "awaiting_payment");
        of_invitation.all(|part| part.status != StepStatus::Running)
    };
    order.until("has invited", are_there).await.map(drop)
}

pub(super) async fn refund_by_hand(world: &World, order: &Order<'_>) -> anyhow::Result<()> {
    let key = format!("order/{}/process-payment", order.order_id);
    let payments = world.shop.ask(&format!("payments?idempotency_key={key}"), None).await?;
    let payment = payments[0]["payment_id"].as_str().unwrap_or_default().to_owned();
    let body = json!({ "amount": 25_000_000, "currency": "VND", "reason": "its reply may be lost" });
    if let Ok(refunded) = world.shop.ask(&format!("payments/{payment}/refund"), Some(&body)).await {
        anyhow::ensure!(!refunded.is_null(), "not refunded");
    }
    Ok(())
}

async fn status(world: &World, order: &Order<'_>) -> anyhow::Result<String> {
    let shown = world.shop.ask(&format!("orders/{}", order.order_id), None).await?;
    Ok(shown["status"].as_str().context("no status")?.to_owned())
}

/// Somebody, or the shop's automation, goes on with an order that waits for its money; it does not come. Whether or not
/// the shop takes the word at first, goods without money are asked about.
#[tokio::test]
async fn an_order_that_ended_and_that_the_shop_goes_on_with_is_asked_about() -> anyhow::Result<()> {
    for refusals in [0, 1] {
        let world = World::new().await?;
        let order = world.start(&orders::paid_by("bank_transfer")).await?;
        order.has_invited().await?;
        world.shop.book(&order.order_id, "processing").await?;
        if refusals > 0 {
            let refused =
                json!({ "operation": "orders.update", "kind": "status", "status": 409, "count": refusals });
            world.shop.faults(json!([refused])).await?;
        }
        order.cancel_order("not paid").await.map_err(anyhow::Error::msg)?;
        let progress = order.until("asks", |p| p.needs_human == ["update-order"]).await?;
        let question = progress.questions.first().context("nobody is asked")?;
        assert_eq!(question.cause, "held_as_processing", "{question:?}");
        assert_eq!(status(&world, &order).await?, "processing");
        let violations = world.shop.violations().await?;
        assert!(violations.iter().any(|violation| violation.starts_with("processing without its money")));
        let retried = order.answer("update-order", Action::Retry, "is it so?").await;
        assert_eq!(retried, Ok(AnswerOutcome::FailedAgain));
        world.shop.book(&order.order_id, "pending").await?;
        let retried = order.answer("update-order", Action::Retry, "the parcel was stopped").await;
        assert_eq!(retried, Ok(AnswerOutcome::Done));
        order.ended().await?.stopped_as("cancelled")?;
        assert_eq!(status(&world, &order).await?, "cancelled");
        world.shop.clean().await?;
    }
    Ok(())
}

/// The shop refused the word for a while, somebody booked and shipped the order by hand, and a person says `retry`.
#[tokio::test]
async fn a_retry_sets_no_order_back_that_the_shop_has_gone_on_with() -> anyhow::Result<()> {
    let world = World::new().await?;
    let refused = json!({ "operation": "orders.update", "kind": "status", "status": 422 });
    world.shop.faults(json!([refused])).await?;
    let order = world.start(&orders::order()).await?;
    order.until("asks", |p| p.needs_human == ["update-order-status"]).await?;
    world.shop.mend().await?;
    world.shop.book(&order.order_id, "shipped").await?;
    let retried = order.answer("update-order-status", Action::Retry, "the shop takes it now").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    order.ended().await?.fulfilled()?;
    let shown = world.shop.ask(&format!("orders/{}", order.order_id), None).await?;
    // Its state stays, and what nobody has told it yet is told.
    assert_eq!((&shown["status"], &shown["payment_status"]), (&json!("shipped"), &json!("paid")));
    assert!(shown["tracking_number"].is_string(), "{shown}");
    world.shop.clean().await.map(drop)
}

/// A wallet makes its link a moment after the payment is opened: the customer gets one mail, with the link.
#[tokio::test]
async fn an_action_that_the_provider_names_later_is_told() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_with("card_action_later")).await?;
    order.waits().await?;
    let is_skipped = |p: &Progress| {
        let parts = p.step("send-notifications").into_iter().flat_map(|step| &step.parts);
        parts.into_iter().any(|part| part.part == "awaiting_payment" && part.status == StepStatus::Skipped)
    };
    order.until("has nothing to invite to", is_skipped).await?;
    for news in ["evt_1", "evt_2"] {
        assert_eq!(order.payment_settled(news).await, Ok("taken".to_owned()));
        order.has_invited().await?;
    }
    assert_eq!(order.mails().await?, ["order_awaiting_payment"]);
    let shown = world.shop.ask(&format!("orders/{}", order.order_id), None).await?;
    assert!(shown["payment_action"]["url"].is_string(), "{shown}");
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    world.shop.clean().await.map(drop)
}

/// The order is cancelled while the shop checks it: the check, which makes its number known, lands later.
#[tokio::test]
async fn an_order_that_is_cancelled_while_the_shop_checks_it_is_not_left_open() -> anyhow::Result<()> {
    // Longer than a request may take, as it is by default.
    let (world, _worker) = World::apart(&["--undo-patience=30s", "--second-look=5s"]).await?;
    let slow = json!({ "operation": "orders.validate", "kind": "latency", "latency_ms": 3_000 });
    world.shop.faults(json!([slow])).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("orders.validate").await?;
    order.cancel_order("a typing error").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(status(&world, &order).await?, "cancelled");
    world.shop.clean().await.map(drop)
}
