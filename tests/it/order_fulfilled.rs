//! Orders that go through.

use serde_json::json;
use tests::orders;
use tests::world::World;
use workflows::report::StepStatus;

const LAPTOP: &str = "LAPTOP-001-16GB-512GB";

#[tokio::test]
async fn the_seeds_order_goes_through_and_every_effect_happens_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::order();
    let result = world.run(&order).await?.fulfilled()?;
    assert_eq!(result.order_id.as_str(), orders::id(&order));
    assert_eq!(result.workflow_id, format!("order/{}", orders::id(&order)));
    assert!(result.payment_id.is_some() && result.tracking_number.is_some());
    assert!(
        result.report.steps.iter().all(|step| step.status == StepStatus::Completed),
        "{:?}",
        result.report
    );
    let totals = world.shop.clean().await?;
    assert_eq!(
        totals,
        json!({
            "charges": 1, "refunds": 0, "net_money": { "VND": 25_000_000 }, "holds": 0, "shipments": 1,
            "voided_shipments": 0, "mails": 1, "sms": 1, "pushes": 1, "events": 1
        })
    );
    assert_eq!(world.shop.stock(LAPTOP).await?, (49, 0));
    Ok(())
}

#[tokio::test]
async fn cash_on_delivery_charges_nothing_now() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::paid_by("cash_on_delivery");
    let result = world.run(&order).await?.fulfilled()?;
    assert_eq!(result.payment_id, None);
    assert_eq!(serde_json::to_value(result.payment_status)?, json!("pending"));
    assert_eq!(result.report.step("process-payment").map(|s| s.status), Some(StepStatus::Skipped));
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["shipments"]), (&json!(0), &json!(1)));
    let labels = world.shop.ask(&format!("shipments?order_id={}", orders::id(&order)), None).await?;
    let sum = json!({ "amount": 25_000_000, "currency": "VND" });
    assert_eq!((&labels[0]["cash_on_delivery"], &labels[0]["declared_value"]), (&sum, &sum));
    Ok(())
}

/// A voucher pays for all of it: nothing is charged, collected or asked of a card, and everything else happens.
#[tokio::test]
async fn an_order_that_costs_nothing_is_sent() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut free = orders::paid_by("credit_card");
    (free["discount"], free["total_amount"]) = (json!(25_000_000), json!(0));
    let result = world.run(&free).await?.fulfilled()?;
    assert_eq!(serde_json::to_value(result.payment_status)?, json!("paid"));
    assert_eq!(result.report.step("process-payment").map(|s| s.status), Some(StepStatus::Skipped));
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["shipments"], &totals["mails"]), (&json!(1), &json!(1)));
    assert_eq!(world.shop.requests("payments.create").await?, 0);
    let labels = world.shop.ask(&format!("shipments?order_id={}", orders::id(&free)), None).await?;
    assert_eq!(labels[0]["cash_on_delivery"], json!(null));
    assert_eq!(labels[0]["declared_value"]["amount"], json!(25_000_000), "the goods are worth their price");

    world.shop.faults(json!([{ "operation": "shipments.create", "kind": "status", "status": 422 }])).await?;
    let mut refused = orders::paid_by("cash_on_delivery");
    (refused["discount"], refused["total_amount"]) = (json!(25_000_000), json!(0));
    let (_, report) = world.run(&refused).await?.failed_as("ShippingFailed")?;
    assert!(!report.undone.iter().any(|undo| undo.step == "process-payment"), "{:?}", report.undone);
    world.shop.clean().await?;
    Ok(())
}

/// A parcel to the United States goes nowhere without its ZIP.
#[tokio::test]
async fn postal_code_and_state_reach_the_carrier() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::order();
    order["shipping_address"]["country"] = json!("United States");
    let (message, _) = world.run(&order).await?.failed_as("OrderInvalid")?;
    for field in ["shipping_address.postal_code", "shipping_address.state"] {
        assert!(message.contains(field), "{message}");
    }
    let mut order = orders::order();
    let address = &mut order["shipping_address"];
    (address["country"], address["state"], address["postal_code"]) =
        (json!("US"), json!("CA"), json!("94103"));
    world.run(&order).await?.fulfilled()?;
    world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn two_lines_in_one_call_and_one_by_one() -> anyhow::Result<()> {
    for batch in ["true", "false"] {
        let world = World::with(&[&format!("--inventory-batch-reserve={batch}")]).await?;
        if batch == "false" {
            world.shop.put("switches", json!({ "batch_reserve": false })).await?;
        }
        world.run(&orders::two_lines()).await?.fulfilled()?;
        let totals = world.shop.clean().await?;
        assert_eq!(totals["net_money"], json!({ "VND": 26_000_000 }), "batch {batch}");
        assert_eq!(world.shop.stock(LAPTOP).await?, (49, 0), "batch {batch}");
        assert_eq!(world.shop.stock("MOUSE-001-BLACK").await?, (198, 0), "batch {batch}");
        let calls = if batch == "true" { 1 } else { 2 };
        assert_eq!(world.shop.requests("inventory.reserve").await?, calls, "batch {batch}");
    }
    Ok(())
}

/// A cluster pays for events and transitions: they must not creep up unnoticed. Two steps run side by side; where the
/// second one's end comes after the first one's was handled, that costs a workflow task more, whatever the process
/// does. So the least of some orders is the measure, and no order costs more than that one task on top.
#[tokio::test]
async fn an_order_of_two_lines_costs_at_most_35_events_and_13_transitions_or_a_task_more()
-> anyhow::Result<()> {
    let world = World::new().await?;
    world.run(&orders::order()).await?.fulfilled()?;
    let mut costs = Vec::new();
    for _ in 0..10 {
        let order = world.start(&orders::two_lines()).await?;
        order.ended().await?.fulfilled()?;
        costs.push(order.cost().await?);
    }
    println!("two lines, three messages: events and state transitions {costs:?}");
    let is_least = |cost: &(i64, i64)| cost.0 <= 35 && cost.1 <= 13;
    assert!(costs.iter().any(is_least), "{costs:?}");
    assert!(costs.iter().all(|(events, transitions)| *events <= 38 && *transitions <= 15), "{costs:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_phone_there_is_no_sms() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::order();
    order["customer_phone"] = json!(null);
    world.run(&order).await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["mails"], &totals["sms"], &totals["pushes"]), (&json!(1), &json!(0), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn a_message_that_fails_is_reported_and_rolls_nothing_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([{ "operation": "notifications.sms", "kind": "status", "status": 422 }])).await?;
    let result = world.run(&orders::order()).await?.fulfilled()?;
    let step = result.report.step("send-notifications").cloned();
    let step = step.ok_or_else(|| anyhow::anyhow!("no step send-notifications"))?;
    assert_eq!(step.status, StepStatus::Failed);
    let status = |part: &str| step.parts.iter().find(|p| p.part == part).map(|p| p.status);
    assert_eq!(
        (status("email"), status("sms"), status("push")),
        (Some(StepStatus::Completed), Some(StepStatus::Failed), Some(StepStatus::Completed))
    );
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["sms"], &totals["mails"], &totals["events"]), (&json!(0), &json!(1), &json!(1)));
    Ok(())
}

/// After the label nothing waits for anything: the customer hears of the parcel, and the sale is counted, while the
/// shop cannot be told.
#[tokio::test]
async fn an_outage_of_the_shop_keeps_no_message_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([{ "operation": "orders.update", "kind": "status", "status": 503 }])).await?;
    let order = world.start(&orders::order()).await?;
    order.until_step("send-notifications", StepStatus::Completed).await?;
    let progress = order.until_step("update-analytics", StepStatus::Completed).await?;
    let told = progress.step("update-order-status").map(|step| step.status);
    assert_eq!(told, Some(StepStatus::Running), "{progress:?}");
    world.shop.mend().await?;
    order.ended().await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["sms"], &totals["mails"], &totals["events"]), (&json!(1), &json!(1), &json!(1)));
    Ok(())
}

/// The quick steps run inside the workflow task; when they fail there, they become activities of their own.
#[tokio::test]
async fn a_quick_step_that_is_down_goes_on_as_a_regular_activity() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "orders.validate", "kind": "status", "status": 503, "count": 3 },
            { "operation": "events.track", "kind": "reply_lost", "count": 2 }
        ]))
        .await?;
    world.run(&orders::order()).await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!(totals["events"], json!(1));
    assert_eq!(world.shop.requests("orders.validate").await?, 4);
    Ok(())
}

/// Screws by the thousand and cloth by the centimetre: the shop hears the exact price of one piece, the customer pays
/// lines that are rounded half up.
#[tokio::test]
async fn a_price_below_the_coin_is_rounded_per_line() -> anyhow::Result<()> {
    let world = World::new().await?;
    let shelf = |sku: &str, price: f64| json!({ "sku": sku, "variant_id": sku, "price": price, "stock": 5_000, "currency": "USD" });
    world.shop.put("products", json!([shelf("SCREW-M3", 0.0125), shelf("CLOTH-CM", 0.0199)])).await?;
    let line = |sku: &str, quantity: u32, price: f64| json!({ "product_id": sku, "product_name": sku, "quantity": quantity, "price": price });
    let mut order = orders::order();
    order["items"] =
        json!([line("SCREW-M3", 1_000, 0.0125), line("CLOTH-CM", 50, 0.0199), line("SCREW-M3", 3, 0.0125)]);
    order["currency"] = json!("USD");
    // 12.50 + 0.995 + 0.0375, each line rounded by itself.
    order["total_amount"] = json!(13.54);
    let order_id = orders::id(&order);
    world.run(&order).await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!(totals["net_money"], json!({ "USD": 1_354 }));
    let known = world.shop.ask(&format!("orders/{order_id}"), None).await?;
    assert_eq!((&known["total_amount"], &known["items"][0]["price"]), (&json!(13.54), &json!(0.0125)));
    let parcels = world.shop.ask(&format!("shipments?order_id={order_id}"), None).await?;
    assert_eq!(parcels[0]["declared_value"], json!({ "amount": 13.54, "currency": "USD" }));
    assert_eq!(world.shop.stock("SCREW-M3").await?, (5_000 - 1_003, 0));
    let outbox = world.shop.get("outbox").await?;
    let mail = outbox.as_array().into_iter().flatten().find(|sent| sent["channel"] == "email");
    let text = mail.map(|mail| mail["message"]["text"].to_string()).unwrap_or_default();
    assert!(text.contains("1000 × SCREW-M3: 0,0125 USD") && text.contains("13,54 USD"), "{text}");
    Ok(())
}
