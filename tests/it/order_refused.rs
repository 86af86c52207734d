//! Orders that somebody refuses: everything is undone, the failure names step and reason.

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::orders;
use tests::world::{Order, World};
use workflows::report::{Report, StepStatus};

/// No money, no label, no hold, stock as before.
async fn nothing_stands(world: &World) -> anyhow::Result<Value> {
    let totals = world.shop.clean().await?;
    let net: i64 =
        totals["net_money"].as_object().into_iter().flatten().filter_map(|(_, v)| v.as_i64()).sum();
    assert_eq!(net, 0, "money is left: {totals}");
    assert_eq!(totals["holds"], json!(0), "{totals}");
    assert_eq!(totals["shipments"], totals["voided_shipments"], "{totals}");
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (50, 0));
    assert_eq!(world.shop.stock("MOUSE-001-BLACK").await?, (200, 0));
    Ok(totals)
}

/// An order that is being charged for a second.
async fn paying_slowly<'w>(world: &'w World, order: &Value) -> anyhow::Result<Order<'w>> {
    let slow = json!([{ "operation": "payments.create", "kind": "latency", "latency_ms": 1_000 }]);
    world.shop.faults(slow).await?;
    let order = world.start(order).await?;
    world.shop.requested("payments.create").await?;
    Ok(order)
}

fn undone(report: &Report) -> Vec<&str> {
    report.undone.iter().map(|undo| undo.step.as_str()).collect()
}

#[tokio::test]
async fn every_decline_ends_the_order_and_releases_the_stock() -> anyhow::Result<()> {
    let world = World::new().await?;
    for (token, code) in [
        ("card_declined", "card_declined"),
        ("card_insufficient_funds", "insufficient_funds"),
        ("card_expired", "expired_card"),
    ] {
        let (message, report) = world.run(&orders::paid_with(token)).await?.failed_as("PaymentDeclined")?;
        assert_eq!(message, format!("Workflow step 'process-payment' failed: payment declined: {code}"));
        assert_eq!(undone(&report), ["process-payment", "reserve-inventory", "update-order"]);
        assert_eq!(report.step("create-shipping").map(|s| s.status), Some(StepStatus::Pending));
    }
    let totals = nothing_stands(&world).await?;
    assert_eq!((&totals["charges"], &totals["mails"]), (&json!(0), &json!(3)));
    Ok(())
}

#[tokio::test]
async fn a_shortage_on_the_second_line_leaves_no_hold_on_the_first() -> anyhow::Result<()> {
    for batch in [true, false] {
        let world = World::with(&[&format!("--inventory-batch-reserve={batch}")]).await?;
        world.shop.put("switches", json!({ "batch_reserve": batch })).await?;
        let mut order = orders::two_lines();
        order["items"][1]["quantity"] = json!(201);
        order["total_amount"] = json!(25_000_000 + 201 * 500_000);
        let (message, report) = world.run(&order).await?.failed_as("OutOfStock")?;
        assert_eq!(
            message,
            "Workflow step 'reserve-inventory' failed: out of stock: MOUSE-001-BLACK (201 wanted, 200 there)"
        );
        assert_eq!(undone(&report), ["reserve-inventory", "update-order"], "batch {batch}");
        nothing_stands(&world).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_shortage_that_the_shop_notices_first_is_a_shortage_too() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.put("switches", json!({ "validate_counts_stock": true })).await?;
    let mut order = orders::order();
    order["items"][0]["quantity"] = json!(51);
    order["total_amount"] = json!(51 * 25_000_000_i64);
    let (message, _) = world.run(&order).await?.failed_as("OutOfStock")?;
    assert_eq!(message, "Workflow step 'validate-order' failed: out of stock: LAPTOP-001-16GB-512GB");
    assert_eq!(world.shop.requests("inventory.reserve").await?, 0);
    nothing_stands(&world).await?;
    Ok(())
}

#[tokio::test]
async fn an_order_that_the_shop_refuses_is_only_marked_as_failed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::order();
    order["items"][0]["price"] = json!(1);
    order["total_amount"] = json!(1);
    let run = world.start(&order).await?;
    let (message, report) = run.ended().await?.failed_as("OrderInvalid")?;
    assert!(
        message.starts_with("Workflow step 'validate-order' failed: the shop refuses the order: "),
        "{message}"
    );
    assert!(message.contains("items[0].price (pricing_accuracy)"), "{message}");
    assert_eq!(undone(&report), ["update-order"]);
    let requests = world.shop.get("requests").await?;
    let requests = requests.as_object().context("requests is no object")?;
    let mut called: Vec<_> =
        requests.iter().filter(|(_, n)| *n != &json!(0)).map(|(name, _)| name.as_str()).collect();
    called.sort_unstable();
    assert_eq!(called, ["orders.get", "orders.update", "orders.validate"]);
    Ok(())
}

/// A number that is another customer's, or one of this customer's that was sent long ago (Temporal may have forgotten
/// it): nothing begins, and nothing is written over it.
#[tokio::test]
async fn a_number_that_was_used_before_is_left_as_it_is() -> anyhow::Result<()> {
    let world = World::new().await?;
    let fulfilled = orders::order();
    world.run(&fulfilled).await?.fulfilled()?;
    let order_id = orders::id(&fulfilled);
    let mut stranger = fulfilled.clone();
    stranger["customer_id"] = json!("CUSTOMER-777");
    for (second, why) in
        [(&fulfilled, "order_id (held_as_confirmed)"), (&stranger, "order_id (another_customers)")]
    {
        let before = world.shop.get("requests").await?;
        let (message, report) = world.run_anew(second).await?.failed_as("OrderInvalid")?;
        assert!(message.ends_with(why), "{message}");
        assert_eq!(undone(&report), ["update-order"]);
        let order = world.shop.ask(&format!("orders/{order_id}"), None).await?;
        assert_eq!(order["status"], json!("confirmed"));
        let after = world.shop.get("requests").await?;
        for untouched in ["inventory.reserve", "payments.create", "payments.void", "orders.update"] {
            assert_eq!(after[untouched], before[untouched], "{untouched}");
        }
    }
    world.shop.clean().await?;
    Ok(())
}

/// An order that is older than its run, at a provider that ignores keys: a run that nobody remembers charged it.
#[tokio::test]
async fn an_older_order_is_not_charged_a_second_time() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.put("switches", json!({ "dedupe": "off" })).await?;
    let order = orders::order();
    // The first run is terminated while it cannot go on.
    world.shop.faults(json!([{ "operation": "shipments.create", "kind": "status", "status": 503 }])).await?;
    let first = world.start(&order).await?;
    first.until_step("process-payment", StepStatus::Completed).await?;
    first.terminate("its namespace was lost").await?;
    world.shop.mend().await?;
    let second = world.run_anew(&order).await?.fulfilled()?;
    assert!(second.success);
    assert_eq!(world.shop.get("audit").await?["totals"]["charges"], json!(1));
    Ok(())
}

#[tokio::test]
async fn input_of_the_wrong_shape_fails_before_any_call_and_names_every_field() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::order();
    order["items"][0]["quantity"] = json!(-1);
    order["currency"] = json!("VIE");
    order["customer_email"] = json!("nobody");
    let (message, _) = world.run(&order).await?.failed_as("OrderInvalid")?;
    for field in
        ["items[0].quantity is -1", "currency is not an ISO-4217", "customer_email is not a mail address"]
    {
        assert!(message.contains(field), "{field} is not in: {message}");
    }
    assert!(!message.contains("nobody"), "a personal value is repeated: {message}");
    let requests = world.shop.get("requests").await?;
    let calls: u64 = requests.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
    assert_eq!(calls, 0, "{requests}");
    Ok(())
}

#[tokio::test]
async fn a_carrier_that_refuses_undoes_everything_newest_first() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([{ "operation": "shipments.create", "kind": "status", "status": 422 }])).await?;
    let (message, report) = world.run(&orders::two_lines()).await?.failed_as("ShippingFailed")?;
    assert!(
        message.starts_with("Workflow step 'create-shipping' failed: the carrier refused: "),
        "{message}"
    );
    assert_eq!(
        undone(&report),
        ["create-shipping", "confirm-inventory", "process-payment", "reserve-inventory", "update-order"]
    );
    let totals = nothing_stands(&world).await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn a_carrier_that_stays_down_undoes_everything() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--ecommerce-api-retries=2"]).await?;
    world.shop.faults(json!([{ "operation": "shipments.create", "kind": "status", "status": 503 }])).await?;
    let (message, _) = world.run(&orders::order()).await?.failed_as("ShippingFailed")?;
    assert_eq!(message, "Workflow step 'create-shipping' failed: shipping gave no usable answer: HTTP 503");
    nothing_stands(&world).await?;
    Ok(())
}

/// Between payment and confirmation the hold is swept, and somebody else buys the stock.
#[tokio::test]
async fn a_hold_that_was_swept_ends_in_a_refund_if_the_stock_is_gone() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = paying_slowly(&world, &orders::order()).await?;
    world.shop.holds_run_out().await?;
    world.shop.laptops(0).await?;
    let (message, report) = order.ended().await?.failed_as("OutOfStock")?;
    assert_eq!(
        message,
        "Workflow step 'confirm-inventory' failed: the hold was gone before it was confirmed: LAPTOP-001-16GB-512GB; \
         out of stock meanwhile: LAPTOP-001-16GB-512GB (1 wanted, 0 there)"
    );
    assert_eq!(
        undone(&report),
        ["create-shipping", "confirm-inventory", "process-payment", "reserve-inventory", "update-order"]
    );
    assert_eq!(world.shop.stock("LAPTOP-001-16GB-512GB").await?, (0, 0));
    world.shop.laptops(50).await?;
    let totals = nothing_stands(&world).await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    Ok(())
}
