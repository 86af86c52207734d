//! Temporal is killed in the middle of an order and started again on its database file.

use serde_json::json;
use tests::orders;
use tests::servers::Durable;
use tests::world::World;

/// The charge is made and its reply is on its way when Temporal dies: the worker reports it to the next Temporal, or
/// that one has it tried again; charged once.
#[tokio::test]
async fn a_server_killed_during_a_charge_leaves_one_charge() -> anyhow::Result<()> {
    let mut server = Durable::start()?;
    let world = World::without_worker(&server.address()).await?;
    let hold =
        json!([{ "operation": "payments.create", "kind": "hold_reply", "latency_ms": 1_000, "count": 1 }]);
    world.shop.faults(hold).await?;
    let _worker = world.spawn_worker(&["--payment-patience=60s"])?;
    let order = world.start(&orders::two_lines()).await?;
    world.shop.requested("payments.create").await?;
    server.kill()?;
    // The charge's reply arrives while there is no Temporal to report it to.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    server.restart().await?;
    order.ended().await?.fulfilled()?;
    effects_once(&world, 1).await
}

/// The order waits for its customer when Temporal dies: the wait goes on afterwards.
#[tokio::test]
async fn a_server_killed_while_an_order_waits_forgets_nothing() -> anyhow::Result<()> {
    let mut server = Durable::start()?;
    let world = World::without_worker(&server.address()).await?;
    let _worker = world.spawn_worker(&[])?;
    let mut bank_transfer = orders::two_lines();
    bank_transfer["payment_method"] = json!({ "type": "bank_transfer" });
    let order = world.start(&bank_transfer).await?;
    order.until("waits for the customer", |p| p.steps.iter().any(|s| s.detail.is_some())).await?;
    server.kill()?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    server.restart().await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    order.ended().await?.fulfilled()?;
    // The invitation to pay, and the confirmation.
    effects_once(&world, 2).await
}

async fn effects_once(world: &World, mails: u32) -> anyhow::Result<()> {
    let totals = world.shop.clean().await?;
    assert_eq!(
        totals,
        json!({
            "charges": 1, "refunds": 0, "net_money": { "VND": 26_000_000 }, "holds": 0, "shipments": 1,
            "voided_shipments": 0, "mails": mails, "sms": 1, "pushes": 1, "events": 1
        })
    );
    Ok(())
}
