//! The stock of an order: holds that are lost and had again, and more lines than the stock system takes in a second.

use serde_json::{Value, json};
use tests::orders;
use tests::world::{Order, WorkerProcess, World};
use workflows::report::StepStatus;
use workflows::saga::{Action, AnswerOutcome};

const LAPTOP: &str = "LAPTOP-001-16GB-512GB";
const MOUSE: &str = "MOUSE-001-BLACK";

/// A world whose stock system takes lines in one call, or one by one.
async fn world(is_batch: bool) -> anyhow::Result<World> {
    let world = World::with(&[&format!("--inventory-batch-reserve={is_batch}")]).await?;
    world.shop.put("switches", json!({ "batch_reserve": is_batch, "tombstones": false })).await?;
    Ok(world)
}

/// An order of two lines that is being charged for a second.
async fn paying_slowly(world: &World) -> anyhow::Result<Order<'_>> {
    let slow = json!([{ "operation": "payments.create", "kind": "latency", "latency_ms": 1_000 }]);
    world.shop.faults(slow).await?;
    let order = world.start(&orders::two_lines()).await?;
    world.shop.requested("payments.create").await?;
    Ok(order)
}

async fn fulfilled(world: &World, order: Order<'_>, reserves: u64) -> anyhow::Result<()> {
    order.ended().await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    let money = (&totals["charges"], &totals["refunds"], &totals["holds"]);
    assert_eq!(money, (&json!(1), &json!(0), &json!(0)));
    assert_eq!(world.shop.stock(LAPTOP).await?, (49, 0));
    assert_eq!(world.shop.stock(MOUSE).await?, (198, 0));
    assert_eq!(world.shop.requests("inventory.reserve").await?, reserves);
    Ok(())
}

#[tokio::test]
async fn a_paid_order_whose_holds_ran_out_is_had_again() -> anyhow::Result<()> {
    for (is_batch, reserves) in [(true, 2), (false, 4)] {
        let world = world(is_batch).await?;
        let order = paying_slowly(&world).await?;
        world.shop.holds_run_out().await?;
        assert_eq!(world.shop.stock(LAPTOP).await?, (50, 0), "the hold is lost");
        fulfilled(&world, order, reserves).await?;
    }
    Ok(())
}

/// Only what was lost is held once more; one by one, the other line is sold already, and is not sold again.
#[tokio::test]
async fn a_hold_that_somebody_released_by_hand_is_had_again() -> anyhow::Result<()> {
    for (is_batch, reserves, sales) in [(true, 2, 2), (false, 3, 3)] {
        let world = world(is_batch).await?;
        let order = paying_slowly(&world).await?;
        let by_hand = json!({ "variant_id": LAPTOP, "quantity": 1, "reference_id": order.order_id });
        let released = world.shop.ask("inventory/release", Some(&by_hand)).await?;
        assert_eq!(released["released"], json!(1));
        fulfilled(&world, order, reserves).await?;
        assert_eq!(world.shop.requests("inventory.confirm").await?, sales);
    }
    Ok(())
}

/// The holds were lost and had again, and the stock system went away before they were sold. The parcel is under way,
/// and a person keeps it: the holds of the second round are sold, under keys that nobody has used.
#[tokio::test]
async fn a_parcel_that_is_kept_after_a_second_hold_is_sold() -> anyhow::Result<()> {
    let slow = ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--undo-patience=10m"];
    let (world, _worker) = World::apart(&slow).await?;
    let order = paying_slowly(&world).await?;
    let slow = json!({ "operation": "inventory.reserve", "kind": "latency", "latency_ms": 1_500 });
    world.shop.faults(json!([slow])).await?;
    world.shop.holds_run_out().await?;
    world.shop.requested_again("inventory.reserve", 1).await?;
    let down = json!({ "operation": "inventory.confirm", "kind": "status", "status": 503 });
    world.shop.faults(json!([slow, down])).await?;
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.put(&format!("shipments/{}", order.order_id), json!({ "status": "in_transit" })).await?;
    world.shop.requested_again("inventory.confirm", 1).await?;
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    order.until("needs a person", |p| p.needs_human == ["create-shipping"]).await?;
    world.shop.mend().await?;
    let kept = order.answer("create-shipping", Action::Keep, "the customer wants it").await;
    assert_eq!(kept, Ok(AnswerOutcome::Kept));
    let result = order.ended().await?.fulfilled()?;
    let sold = result.report.step("sell-kept-goods").map(|step| step.status);
    assert_eq!(sold, Some(StepStatus::Completed), "{:?}", result.report);
    assert_eq!(world.shop.clean().await?["holds"], json!(0));
    assert_eq!((world.shop.stock(LAPTOP).await?, world.shop.stock(MOUSE).await?), ((49, 0), (198, 0)));
    // Twice while it was paid, and not once more: what was held again is still held.
    assert_eq!(world.shop.requests("inventory.reserve").await?, 2);
    Ok(())
}

/// A sale that got no answer may have landed: whoever tries it once more, under whatever activity, looks first.
#[tokio::test]
async fn a_sale_that_is_tried_on_looks_before_it_sells() -> anyhow::Result<()> {
    let slow = ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--undo-patience=2s"];
    let (world, _worker) = World::apart(&slow).await?;
    world.shop.put("switches", json!({ "tombstones": false })).await?;
    let order = paying_slowly(&world).await?;
    let down = |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503 });
    world.shop.holds_run_out().await?;
    world.shop.faults(json!([down("inventory.reserve")])).await?;
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.put(&format!("shipments/{}", order.order_id), json!({ "status": "in_transit" })).await?;
    world.shop.requested_again("inventory.reserve", 1).await?;
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    order.until("needs a person", |p| p.needs_human == ["create-shipping"]).await?;
    world.shop.faults(json!([down("inventory.confirm")])).await?;
    let kept = order.answer("create-shipping", Action::Keep, "the customer wants it").await;
    assert_eq!(kept, Ok(AnswerOutcome::Kept));
    order.until("asks about the sale", |p| p.needs_human == ["sell-kept-goods"]).await?;
    order.tried_on(1).await?;
    world.shop.mend().await?;
    let looks = world.shop.requests("inventory.get").await?;
    let sold = order.answer("sell-kept-goods", Action::Retry, "the stock system is back").await;
    assert_eq!(sold, Ok(AnswerOutcome::Done));
    order.ended().await?.fulfilled()?;
    // Before the sale, and because of its refusal: the holds had run out, and were had once more.
    assert_eq!(world.shop.requests("inventory.get").await?, looks + 2);
    assert_eq!(world.shop.clean().await?["holds"], json!(0));
    assert_eq!((world.shop.stock(LAPTOP).await?, world.shop.stock(MOUSE).await?), ((49, 0), (198, 0)));
    Ok(())
}

/// A stock system that remembers what was released does not hold it again for the same order.
#[tokio::test]
async fn a_hold_that_is_barred_ends_in_a_refund() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = paying_slowly(&world).await?;
    let by_hand = json!({ "variant_id": LAPTOP, "quantity": 1, "reference_id": order.order_id });
    world.shop.ask("inventory/release", Some(&by_hand)).await?;
    let (message, _) = order.ended().await?.failed_as("OutOfStock")?;
    assert!(message.ends_with("not held again: inventory refused: 409 KEY_UNDONE"), "{message}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"], &totals["holds"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!((world.shop.stock(LAPTOP).await?, world.shop.stock(MOUSE).await?), ((50, 0), (200, 0)));
    Ok(())
}

/// A shop without a list of holds works by key and reference, as the platform is documented.
#[tokio::test]
async fn a_shop_that_cannot_list_holds_sells_and_releases_all_the_same() -> anyhow::Result<()> {
    let world = world(false).await?;
    let no_list = json!({ "operation": "inventory.get", "kind": "status", "status": 404 });
    let lost = |operation: &str| json!({ "operation": operation, "kind": "reply_lost", "count": 1 });
    let faults = ["inventory.reserve", "inventory.confirm", "inventory.release"].map(lost);
    world.shop.faults(json!([&faults[..], &[no_list]].concat())).await?;
    world.run(&orders::two_lines()).await?.fulfilled()?;
    world.run(&orders::paid_with("card_declined")).await?.failed_as("PaymentDeclined")?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["holds"], &totals["charges"]), (&json!(0), &json!(1)));
    assert_eq!((world.shop.stock(LAPTOP).await?, world.shop.stock(MOUSE).await?), ((49, 0), (198, 0)));
    Ok(())
}

/// An order of sixty lines, and a shop that has them and takes so many requests in a second.
async fn sixty_lines(per_second: u32, settings: &[&str]) -> anyhow::Result<(World, WorkerProcess, Value)> {
    let settings: Vec<&str> =
        ["--inventory-batch-reserve=false", "--undo-patience=60s", "--stock-patience=60s"]
            .into_iter()
            .chain(settings.iter().copied())
            .collect();
    let (world, worker) = World::apart(&settings).await?;
    world.shop.put("switches", json!({ "batch_reserve": false })).await?;
    let names: Vec<String> = (1..=60).map(|n| format!("MANY-{n:03}")).collect();
    let product = |name: &String| json!({ "sku": name, "variant_id": name, "price": 1_000, "stock": 5 });
    world.shop.put("products", json!(names.iter().map(product).collect::<Vec<_>>())).await?;
    world.shop.faults(json!([{ "operation": "*", "kind": "rate_limit", "per_second": per_second }])).await?;
    let mut order = orders::order();
    let item = |name: &String| json!({ "product_id": name, "variant_id": name, "product_name": name, "quantity": 1, "price": 1_000 });
    order["items"] = json!(names.iter().map(item).collect::<Vec<_>>());
    order["total_amount"] = json!(60_000);
    Ok((world, worker, order))
}

#[tokio::test]
async fn sixty_lines_are_sold_at_ten_requests_a_second() -> anyhow::Result<()> {
    let (world, _worker, order) = sixty_lines(10, &[]).await?;
    world.run(&order).await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["holds"], &totals["charges"]), (&json!(0), &json!(1)));
    assert_eq!((world.shop.stock("MANY-001").await?, world.shop.stock("MANY-060").await?), ((4, 0), (4, 0)));
    Ok(())
}

/// An attempt has seven seconds, and sixty lines take ten: the next one goes on where it was.
#[tokio::test]
async fn sixty_lines_are_released_at_six_requests_a_second() -> anyhow::Result<()> {
    let (world, _worker, mut order) = sixty_lines(6, &["--ecommerce-api-timeout=500"]).await?;
    order["payment_method"]["card_token"] = json!("card_declined");
    world.run(&order).await?.failed_as("PaymentDeclined")?;
    let totals = world.shop.clean().await?;
    assert_eq!(totals["holds"], json!(0));
    assert_eq!((world.shop.stock("MANY-001").await?, world.shop.stock("MANY-060").await?), ((5, 0), (5, 0)));
    Ok(())
}
