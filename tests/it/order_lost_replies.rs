//! Replies that are lost, wrong or late: the effect still happens once, or is undone once.

use serde_json::json;
use tests::orders;
use tests::world::World;

/// Every effect on the way of an order.
const EFFECTS: [&str; 10] = [
    "orders.validate",
    "inventory.reserve",
    "payments.create",
    "inventory.confirm",
    "shipments.create",
    "orders.update",
    "notifications.email",
    "notifications.sms",
    "notifications.push",
    "events.track",
];

#[tokio::test]
async fn each_reply_garbled_once_changes_nothing() -> anyhow::Result<()> {
    for operation in EFFECTS {
        let world = World::new().await?;
        world.shop.faults(json!([{ "operation": operation, "kind": "malformed", "count": 1 }])).await?;
        world.run(&orders::order()).await?.fulfilled()?;
        let totals = world.shop.clean().await?;
        assert_eq!(
            totals,
            json!({
                "charges": 1, "refunds": 0, "net_money": { "VND": 25_000_000 }, "holds": 0, "shipments": 1,
                "voided_shipments": 0, "mails": 1, "sms": 1, "pushes": 1, "events": 1
            }),
            "{operation}"
        );
        assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (49, 0), "{operation}");
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_that_asks_to_slow_down_is_asked_later() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([{ "operation": "*", "kind": "rate_limit", "probability": 0.3, "seed": 7 }]))
        .await?;
    world.run(&orders::order()).await?.fulfilled()?;
    world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn the_tokens_that_lose_an_answer_charge_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    for token in ["card_processing_error", "card_charged_reply_lost"] {
        world.run(&orders::paid_with(token)).await?.fulfilled()?;
    }
    let totals = world.shop.clean().await?;
    assert_eq!(totals["charges"], json!(2));
    Ok(())
}

/// A provider that repeats its 500 under the key (as Stripe does) would be asked for ever.
#[tokio::test]
async fn a_repeated_500_is_looked_up_and_undone() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.put("switches", json!({ "replay_errors": true })).await?;
    world
        .shop
        .faults(json!([{ "operation": "payments.create", "kind": "status", "status": 500, "count": 1 }]))
        .await?;
    let (message, report) = world.run(&orders::order()).await?.failed_as("StepFailed")?;
    assert!(message.contains("repeats it: HTTP 500"), "{message}");
    assert_eq!(
        tests::world::in_words(&report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    let totals = world.shop.clean().await?;
    assert_eq!(totals["charges"], json!(0));
    assert_eq!(world.shop.requests("payments.create").await?, 2);
    Ok(())
}

/// The charge lands after its undo found nothing: the key is barred, or the undo looks a second time.
#[tokio::test]
async fn a_charge_that_lands_after_its_undo_does_not_stand() -> anyhow::Result<()> {
    for tombstones in [true, false] {
        let (world, _worker) = World::apart(&[
            "--ecommerce-api-retries=1",
            "--ecommerce-api-timeout=500",
            "--second-look=1500ms",
        ])
        .await?;
        world.shop.put("switches", json!({ "tombstones": tombstones })).await?;
        world
            .shop
            .faults(json!([{ "operation": "payments.create", "kind": "latency", "latency_ms": 1_200, "count": 1 }]))
            .await?;
        let (_, report) = world.run(&orders::order()).await?.failed_as("StepFailed")?;
        assert_eq!(
            tests::world::in_words(&report.undone),
            ["process-payment", "reserve-inventory", "update-order"]
        );
        // Until the late charge has landed, if it does.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let totals = world.shop.clean().await?;
        let charges = if tombstones { 0 } else { 1 };
        assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(charges), &json!(charges)));
    }
    Ok(())
}
