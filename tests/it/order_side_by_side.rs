//! The sale of the stock and the label, made side by side, when more than one thing goes wrong with them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::orders;
use tests::world::{LIMIT, Order, World};
use workflows::report::{Report, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

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
    world.shop.holds_run_out().await?;
    world.shop.laptops(0).await?;
    Ok(order)
}

/// Everything was undone in order, and nothing is left; so many labels had been made.
async fn nothing_stands(world: &World, report: &Report, labels: u64) -> anyhow::Result<()> {
    assert_eq!(tests::world::in_words(&report.undone), EVERYTHING);
    nothing_is_left(world, labels).await
}

/// The money is back, the stock as it was, or gone to others, and of `labels` labels none stands.
async fn nothing_is_left(world: &World, labels: u64) -> anyhow::Result<()> {
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)), "{totals}");
    assert_eq!(
        (&totals["shipments"], &totals["voided_shipments"]),
        (&json!(labels), &json!(labels)),
        "{totals}"
    );
    assert_eq!(totals["holds"], json!(0), "{totals}");
    let (on_hand, held) = world.shop.stock("LAPTOP-001-16GB-512GB").await?;
    assert!(held == 0 && [0, 50].contains(&on_hand), "{on_hand} on hand, {held} held");
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
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.mend().await?;
    let (_, report) = order.ended().await?.failed_as("OutOfStock")?;
    nothing_stands(&world, &report, 1).await
}

/// The second attempt comes after longer than the test waits.
const PATIENT: [&str; 4] =
    ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--carrier-patience=10m"];

#[tokio::test]
async fn a_refused_label_does_not_wait_for_the_outage_of_the_stock() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&PATIENT).await?;
    let refused = json!({ "operation": "shipments.create", "kind": "status", "status": 422 });
    world.shop.faults(json!([once_down("inventory.confirm"), refused])).await?;
    let order = world.start(&orders::order()).await?;
    let report = refused_at_once(&order, "ShippingFailed").await?;
    assert_eq!(report.step("confirm-inventory").map(|step| step.status), Some(StepStatus::Undone));
    nothing_stands(&world, &report, 0).await
}

#[tokio::test]
async fn a_lost_hold_does_not_wait_for_the_outage_of_the_carrier() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&PATIENT).await?;
    let order = started_and_losing_its_hold(&world, &[once_down("shipments.create")]).await?;
    let report = refused_at_once(&order, "OutOfStock").await?;
    assert_eq!(report.step("create-shipping").map(|step| step.status), Some(StepStatus::Undone));
    nothing_stands(&world, &report, 0).await
}

fn once_down(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 503, "count": 1 })
}

/// Before the step beside it tries again.
async fn refused_at_once(order: &Order<'_>, failure: &str) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let (_, report) = order.ended().await?.failed_as(failure)?;
    assert!(begun.elapsed() < Duration::from_secs(20), "{failure} waited: {:?}", begun.elapsed());
    Ok(report)
}

/// Nothing of the carrier's answers, for as long as it takes: the refund waits for one undo's patience, the label for a
/// person, and nobody looks up a label that is to be voided anyway.
#[tokio::test]
async fn a_lost_hold_is_refunded_while_the_whole_carrier_is_down() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--undo-patience=3s"]).await?;
    let faults = ["shipments.create", "shipments.get", "shipments.cancel"].map(down);
    let order = started_and_losing_its_hold(&world, &faults).await?;
    let progress = order.until_step("process-payment", StepStatus::Undone).await?;
    assert_eq!(progress.needs_human, ["create-shipping"]);
    assert_eq!(progress.error_message.as_deref().map(|e| e.contains("the hold was gone")), Some(true));
    assert_eq!(order.scheduled("shipping.find_shipment").await?, 0, "the label was looked up");

    order.tried_on(1).await?;
    world.shop.mend().await?;
    let retried = order.answer("create-shipping", Action::Retry, "the carrier is back").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("OutOfStock")?;
    nothing_is_left(&world, 0).await
}
