//! Undos that stick, until a person answers.

use serde_json::json;
use tests::orders;
use tests::world::{Order, World};
use workflows::report::StepStatus;
use workflows::saga::Resolution;

async fn stuck<'w>(world: &'w World, operation: &str) -> anyhow::Result<Order<'w>> {
    world
        .shop
        .faults(json!([
            { "operation": "shipments.create", "kind": "status", "status": 422 },
            { "operation": operation, "kind": "status", "status": 503 }
        ]))
        .await?;
    let order = world.start(&orders::order()).await?;
    order.until("needs a person", |p| !p.needs_human.is_empty()).await?;
    Ok(order)
}

#[tokio::test]
async fn an_undo_that_sticks_asks_a_person_and_is_retried() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck(&world, "payments.refund").await?;
    let progress = order.progress().await?;
    assert_eq!(progress.needs_human, ["process-payment"]);
    assert_eq!(progress.status, "running");
    assert!(order.needs_human().await?);
    // The others were undone all the same.
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (50, 0));

    let unknown = order.resolve("reserve-inventory", Resolution::Skip, "why").await.err().unwrap_or_default();
    assert!(unknown.contains("is not stuck; stuck: process-payment"), "{unknown}");
    let no_reason = order.resolve("process-payment", Resolution::Skip, " ").await.err().unwrap_or_default();
    assert!(no_reason.contains("give a reason"), "{no_reason}");
    // Temporal's cancel does not reach the wait.
    order.temporal_cancel().await?;
    let again =
        order.resolve("process-payment", Resolution::Retry, "try").await.map_err(anyhow::Error::msg)?;
    assert!(again.starts_with("failed again: "), "{again}");

    world.shop.mend().await?;
    let done = order.resolve("process-payment", Resolution::Retry, "provider is back").await;
    assert_eq!(done, Ok("undone".to_owned()));
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
    for (action, words) in [(Resolution::MarkDone, "done by hand"), (Resolution::Skip, "left standing")] {
        let world = World::new().await?;
        let order = stuck(&world, "inventory.restock").await?;
        assert_eq!(order.resolve("confirm-inventory", action, "counted").await, Ok(words.to_owned()));
        let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
        assert_eq!(report.step("confirm-inventory").map(|s| s.status), Some(StepStatus::Resolved));
        assert!(
            report.undone.contains(&format!("confirm-inventory ({words}: counted)")),
            "{:?}",
            report.undone
        );
    }
    Ok(())
}

/// Telling the shop is the last undo: it sticks like any other.
#[tokio::test]
async fn a_shop_that_cannot_be_told_asks_a_person_too() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck(&world, "orders.update").await?;
    assert_eq!(order.progress().await?.needs_human, ["update-order"]);
    world.shop.mend().await?;
    let done = order.resolve("update-order", Resolution::Retry, "shop is back").await;
    assert_eq!(done, Ok("undone".to_owned()));
    order.ended().await?.failed_as("ShippingFailed")?;
    world.shop.clean().await?;
    Ok(())
}
