//! Orders that somebody cancels. The business's cancel during each step is a column of `order_faults`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::orders;
use tests::world::{Ended, Order, World};
use workflows::report::StepStatus;

const CONFIRM: &str = "confirm-inventory";
const SHIP: &str = "create-shipping";

struct Case {
    /// The call during which the cancel comes; it takes a while.
    during: &'static str,
    /// The undos after it, newest first.
    undone: &'static [&'static str],
    charges: u64,
}

const CASES: [Case; 2] = [
    Case { during: "inventory.reserve", undone: &["reserve-inventory", "update-order"], charges: 0 },
    Case {
        during: "payments.create",
        undone: &["process-payment", "reserve-inventory", "update-order"],
        charges: 1,
    },
];

#[tokio::test]
async fn temporals_cancel_during_each_step_undoes_everything_and_stays_canceled() -> anyhow::Result<()> {
    for Case { during, undone, charges } in CASES {
        let world = World::new().await?;
        world.shop.faults(json!([{ "operation": during, "kind": "latency", "latency_ms": 800 }])).await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested(during).await?;
        order.temporal_cancel().await?;
        let Ended::Canceled(report) = order.ended().await? else { anyhow::bail!("{during}: not canceled") };
        assert_eq!(tests::world::in_words(&report.undone), undone, "{during}");
        let totals = world.shop.clean().await?;
        assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(charges), &json!(charges)), "{during}");
    }
    Ok(())
}

/// Stock is sold and the label bought side by side; either may be the one that takes its time.
#[tokio::test]
async fn temporals_cancel_while_both_are_under_way_comes_too_late_when_both_go_through() -> anyhow::Result<()>
{
    for (during, beside) in [("inventory.confirm", SHIP), ("shipments.create", CONFIRM)] {
        let world = World::new().await?;
        world.shop.faults(json!([{ "operation": during, "kind": "latency", "latency_ms": 1_200 }])).await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested(during).await?;
        order.until_step(beside, StepStatus::Completed).await?;
        order.temporal_cancel().await?;
        let result = order.ended().await?.fulfilled()?;
        let note = "Temporal's cancel came too late: the run went on to its end";
        assert_eq!(result.report.notes, [note], "{during}");
        let totals = world.shop.clean().await?;
        assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(0)), "{during}");
    }
    Ok(())
}

/// The second attempt comes after longer than the test waits.
const PATIENT: [&str; 4] =
    ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--carrier-patience=10m"];

/// The label is there, the stock cannot be sold yet: the order can still be cancelled, and nobody waits for the outage.
#[tokio::test]
async fn a_cancel_while_the_stock_is_down_is_accepted_and_the_label_is_voided() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&PATIENT).await?;
    world
        .shop
        .faults(json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503, "count": 1 }]))
        .await?;
    let order = world.start(&orders::order()).await?;
    order.until_step(SHIP, StepStatus::Completed).await?;
    let begun = Instant::now();
    let accepted = order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    assert_eq!(
        accepted.will_undo,
        ["create-shipping", "confirm-inventory", "process-payment", "reserve-inventory"]
    );
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert!(begun.elapsed() < Duration::from_secs(20), "waited for the outage: {:?}", begun.elapsed());
    assert_eq!(result.reason.as_deref(), Some("the customer called"));
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["refunds"], &totals["shipments"], &totals["voided_shipments"]),
        (&json!(1), &json!(1), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn a_cancel_while_the_label_is_made_is_refused_when_it_was_made() -> anyhow::Result<()> {
    let world = World::new().await?;
    let slow = json!([{ "operation": "shipments.create", "kind": "latency", "latency_ms": 1_200 }]);
    let order = sold_and_being_labelled(&world, slow).await?;
    let refusal = order.cancel_order("the customer called").await.err().unwrap_or_default();
    assert!(refusal.contains("take it back as a return"), "{refusal}");
    let result = order.ended().await?.fulfilled()?;
    assert_eq!(result.report.notes, ["came too late to cancel: the customer called"]);
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["shipments"], &totals["voided_shipments"], &totals["mails"]),
        (&json!(1), &json!(0), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn a_cancel_while_the_label_is_refused_is_accepted() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "shipments.create", "kind": "latency", "latency_ms": 800 },
            { "operation": "shipments.create", "kind": "status", "status": 503 }
        ]))
        .await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("shipments.create").await?;
    let accepted = order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    assert!(accepted.will_undo.contains(&"process-payment".to_owned()), "{accepted:?}");
    order.ended().await?.stopped_as("cancelled")?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["shipments"]), (&json!(1), &json!(0)));
    Ok(())
}

/// The way back has begun, though the other step's attempt is still under way: whoever cancels is told why the order
/// ends.
#[tokio::test]
async fn a_cancel_after_a_refusal_is_told_that_the_order_is_being_undone() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "inventory.confirm", "kind": "latency", "latency_ms": 1_500 },
            { "operation": "shipments.create", "kind": "status", "status": 422 }
        ]))
        .await?;
    let order = world.start(&orders::order()).await?;
    order.until_step(SHIP, StepStatus::Failed).await?;
    let refusal = order.cancel_order("the customer called").await.err().unwrap_or_default();
    assert!(refusal.contains("already being undone (the carrier refused"), "{refusal}");
    order.ended().await?.failed_as("ShippingFailed")?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["holds"]), (&json!(1), &json!(0)));
    Ok(())
}

/// The cancel was taken first, but what ended the order is the carrier's refusal: the caller is told, and it is noted.
#[tokio::test]
async fn a_cancel_before_a_refusal_is_told_of_it_and_noted() -> anyhow::Result<()> {
    let world = World::new().await?;
    let slow_to_refuse = json!([
        { "operation": "shipments.create", "kind": "latency", "latency_ms": 1_200 },
        { "operation": "shipments.create", "kind": "status", "status": 422 }
    ]);
    let order = sold_and_being_labelled(&world, slow_to_refuse).await?;
    let refusal = order.cancel_order("the customer called").await.err().unwrap_or_default();
    assert!(refusal.contains("already being undone (the carrier refused"), "{refusal}");
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(report.notes, ["stopped while it failed: the customer called"]);
    world.shop.clean().await?;
    Ok(())
}

/// The reply to the label was lost, and the cancel comes before the second attempt: the label is looked up.
#[tokio::test]
async fn a_cancel_with_an_unknown_label_is_decided_by_the_carrier() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--retry-first=3s", "--retry-longest=3s"]).await?;
    let lost = json!([{ "operation": "shipments.create", "kind": "reply_lost", "count": 1 }]);
    let order = sold_and_being_labelled(&world, lost).await?;
    let refusal = order.cancel_order("the customer called").await.err().unwrap_or_default();
    assert!(refusal.contains("has a shipping label"), "{refusal}");
    order.ended().await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["shipments"], &totals["refunds"]), (&json!(1), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn after_the_label_every_cancel_is_refused_and_the_order_goes_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    // Longer than a local attempt: the step becomes an activity of its own, so the update gets its turn. That reads
    // first, and finds what the local attempt has written.
    let slow = ["orders.get", "orders.update"]
        .map(|operation| json!({ "operation": operation, "kind": "latency", "latency_ms": 1_500 }));
    world.shop.faults(json!(slow)).await?;
    let order = world.start(&orders::order()).await?;
    order.reaches("update-order-status").await?;
    let refusal = order.cancel_order("too late").await.err().unwrap_or_default();
    assert!(refusal.contains("has a shipping label"), "{refusal}");
    order.temporal_cancel().await?;
    let result = order.ended().await?.fulfilled()?;
    assert_eq!(result.report.notes, ["Temporal's cancel came too late: the run went on to its end"]);
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["mails"], &totals["events"]), (&json!(1), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn a_cancel_needs_a_reason() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.reaches("process-payment").await?;
    let refusal = order.cancel_order(" ").await.err().unwrap_or_default();
    assert!(refusal.contains("reason must have"), "{refusal}");
    order.cancel_order("enough").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    Ok(())
}

/// An order whose stock is sold, and whose label is under way with these faults.
async fn sold_and_being_labelled<'w>(world: &'w World, faults: Value) -> anyhow::Result<Order<'w>> {
    world.shop.faults(faults).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("shipments.create").await?;
    order.until_step(CONFIRM, StepStatus::Completed).await?;
    Ok(order)
}
