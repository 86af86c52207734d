//! The sale of the stock and the label, made side by side, when more than one thing goes wrong with them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::orders;
use tests::world::{LIMIT, Order, World};
use workflows::report::{Progress, Report, StepStatus};

const EVERYTHING: [&str; 5] =
    ["create-shipping", "confirm-inventory", "process-payment", "reserve-inventory", "update-order"];

fn down(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 503 })
}

/// An order whose stock is sold to somebody else between its payment and its sale.
async fn started_and_losing_its_hold<'w>(world: &'w World, faults: &[Value]) -> anyhow::Result<Order<'w>> {
    let slow = json!({ "operation": "payments.create", "kind": "latency", "latency_ms": 1_000 });
    let faults: Vec<Value> = faults.iter().cloned().chain([slow]).collect();
    world.shop.faults(json!(faults)).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("payments.create").await?;
    world.shop.put("clock", json!({ "advance_seconds": 86_400 })).await?;
    Ok(order)
}

/// Everything was undone in order: the money is back, the stock as before, and of `labels` labels none stands.
async fn nothing_stands(world: &World, report: &Report, labels: u64) -> anyhow::Result<()> {
    assert_eq!(report.undone, EVERYTHING);
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)), "{totals}");
    assert_eq!(
        (&totals["shipments"], &totals["voided_shipments"]),
        (&json!(labels), &json!(labels)),
        "{totals}"
    );
    assert_eq!((&totals["holds"], world.shop.stock("LAPTOP-001-16GB-512GB").await?), (&json!(0), (50, 0)));
    Ok(())
}

#[tokio::test]
async fn stock_that_cannot_be_sold_for_all_patience_takes_the_label_back() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--stock-patience=3s"]).await?;
    world.shop.faults(json!([down("inventory.confirm")])).await?;
    let order = world.start(&orders::order()).await?;
    let (message, report) = order.ended().await?.failed_as("StepFailed")?;
    assert!(
        message.starts_with("Workflow step 'confirm-inventory' failed: inventory gave no usable answer"),
        "{message}"
    );
    nothing_stands(&world, &report, 1).await
}

#[tokio::test]
async fn of_two_refusals_the_first_one_is_the_reason() -> anyhow::Result<()> {
    let world = World::new().await?;
    // Until both have begun.
    let begun = json!({ "operation": "inventory.confirm", "kind": "latency", "latency_ms": 500 });
    let late = json!({ "operation": "shipments.create", "kind": "latency", "latency_ms": 1_500 });
    let refused = json!({ "operation": "shipments.create", "kind": "status", "status": 422 });
    let order = started_and_losing_its_hold(&world, &[begun, late, refused]).await?;
    let (message, report) = order.ended().await?.failed_as("OutOfStock")?;
    assert!(message.contains("the hold was gone before it was confirmed"), "{message}");
    let second = report.step("create-shipping").and_then(|step| step.detail.as_deref());
    assert!(second.is_some_and(|detail| detail.contains("the carrier refused")), "{second:?}");
    nothing_stands(&world, &report, 0).await
}

#[tokio::test]
async fn a_label_that_a_look_up_found_is_voided_when_the_hold_was_lost() -> anyhow::Result<()> {
    let (world, _worker) =
        World::apart(&["--carrier-patience=2s", "--stock-patience=60s", "--undo-patience=60s"]).await?;
    let unheard = json!({ "operation": "shipments.create", "kind": "reply_lost" });
    // The adapter asks before it tries again: it must get no answer either.
    let faults = [unheard, down("shipments.get"), down("inventory.confirm")];
    let order = started_and_losing_its_hold(&world, &faults).await?;
    let until = Instant::now() + LIMIT;
    while order.scheduled("shipping.find_shipment").await? == 0 {
        anyhow::ensure!(Instant::now() < until, "the label was never looked up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.shop.faults(json!([down("inventory.confirm")])).await?;
    let labelled = |p: &Progress| is(p, "create-shipping", StepStatus::Completed);
    order.until("labelled", labelled).await?;
    world.shop.mend().await?;
    let (_, report) = order.ended().await?.failed_as("OutOfStock")?;
    nothing_stands(&world, &report, 1).await
}

fn is(progress: &Progress, name: &str, status: StepStatus) -> bool {
    progress.steps.iter().any(|step| step.step == name && step.status == status)
}
