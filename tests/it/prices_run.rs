//! Price runs from end to end: the seed's list, wrong rows, prices of somebody else, and lost replies.

use serde_json::{Value, json};
use store::Lines;
use tests::matrix::is;
use tests::orders;
use tests::prices::{PriceWorld, SAMPLE, dearer};
use workflows::bulk_price_update::{BatchResults, BulkUpdateResult};

fn sample() -> anyhow::Result<Value> {
    Ok(serde_json::from_str(SAMPLE)?)
}

/// The outcomes of a run whose result tells them itself, as `(line, action)`.
fn actions(result: &BulkUpdateResult) -> Vec<(u64, &'static str)> {
    let BatchResults::Inline(batches) = &result.batch_results else { return Vec::new() };
    let rows = batches.iter().flat_map(|batch| &batch.results);
    rows.map(|row| (row.line, row.action.name())).collect()
}

#[tokio::test]
async fn the_seeds_list_is_written_at_once_and_the_team_is_told() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let run = world.start(sample()?, json!({})).await?;
    let result = run.ended().await?.completed()?;
    assert!(result.success);
    assert_eq!(actions(&result), [(1, "applied"), (2, "applied")]);
    let summary = result.summary;
    assert_eq!((summary.total_items, summary.total_processed), (2, 2));
    assert_eq!((summary.successful_updates, summary.failed_updates), (2, 0));
    assert_eq!((summary.successful_batches, summary.failed_batches), (1, 0));
    // The laptop of 25 million; the one of 32 million is another variant.
    is("16GB", &world.price("LAPTOP-001-16GB-512GB").await?, &23_000_000)?;
    is("32GB", &world.price("LAPTOP-001-32GB-1TB").await?, &32_000_000)?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &450_000)?;
    let ledger = world.ledger(&run).await?;
    is("ledger", &ledger, &json!({ "changes": 2, "variants": 2, "variants_changed_again": 0 }))?;
    is("notes", &world.erp.world.shop.clean().await?["notes"], &json!(1))?;
    let backdated = result.preview.map(|preview| preview.counts.backdated);
    is("backdated", &backdated, &Some(2))
}

#[tokio::test]
async fn in_an_empty_shop_both_are_unknown_and_nothing_is_written() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.erp.world.shop.post("reset", json!({ "seed": "empty" })).await?;
    let (message, _) = world.run(sample()?, json!({})).await?.failed_as("RowsInvalid")?;
    for line in [1, 2] {
        assert!(message.contains(&format!("line {line}: sku: the shop has no such product")), "{message}");
    }
    is("writes", &world.erp.world.shop.requests("prices.batch").await?, &0)?;
    is("notes", &world.erp.world.shop.requests("notifications.team").await?, &0)
}

fn wrong_rows() -> Value {
    json!([
        { "sku": "MOUSE-001", "new_price": 450_000 },
        { "sku": "GHOST", "new_price": 1 },
        { "sku": "KEYBOARD-001", "new_price": 0 },
        { "sku": "KEYBOARD-001", "new_price": "" },
        { "sku": "HEADSET-001", "new_price": 1.5 },
        { "sku": "TSHIRT-001", "new_price": 5, "currency": "VND" },
        { "sku": "LAPTOP-001", "new_price": 5 },
        { "sku": "LIMITED-001", "new_price": 900_000 },
        { "sku": "LIMITED-001", "variant": "LIMITED-001-RED", "new_price": 900_000 },
        { "sku": "KEYBOARD-001", "new_price": 1_100_000, "effective_date": "soon" },
    ])
}

#[tokio::test]
async fn every_wrong_row_is_named_and_the_good_ones_may_be_written() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let (message, _) = world.run(wrong_rows(), json!({})).await?.failed_as("RowsInvalid")?;
    assert!(message.contains("9 of 10 rows cannot be used, nothing was written"), "{message}");
    is("changes", &world.changes().await?, &0)?;

    let kept = json!({ "on_invalid": "keep_good_rows" });
    let result = world.run(wrong_rows(), kept).await?.completed()?;
    assert_eq!(actions(&result), [(1, "applied")]);
    let said: Vec<(u64, String)> =
        result.invalid_rows.first.iter().map(|row| (row.line, row.causes.join("; "))).collect();
    let twice = "sku: is given more than once for one time: also line";
    let wanted = [
        (2, "sku: the shop has no such product".to_owned()),
        (3, "new_price: is zero".to_owned()),
        (4, "new_price: no price given".to_owned()),
        (5, "new_price: has more decimals than VND allows (0)".to_owned()),
        (6, "currency: the shop's price is in another one: USD".to_owned()),
        (
            7,
            "variant: the variants have different prices, name one: LAPTOP-001-16GB-512GB (25000000 VND), \
             LAPTOP-001-32GB-1TB (32000000 VND)"
                .to_owned(),
        ),
        (8, format!("{twice} 9")),
        (9, format!("{twice} 8")),
        (10, "effective_date: is not a date: write it as 2026-01-31T00:00:00Z".to_owned()),
    ];
    assert_eq!(said, wanted);
    let lists = &result.invalid_rows.lists;
    let rows: Vec<Value> = Lines::get(&world.erp.store, &lists[0]).await?.records()?;
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().any(|row| row["row"]["new_price"] == 1.5 && row["line"] == 5), "{rows:?}");
    is("changes", &world.changes().await?, &1)
}

/// P4: of a key that is a number, as a workbook has it, too.
#[tokio::test]
async fn the_product_that_a_number_means_is_told() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let body = json!({ "sku": "0017", "name": "Tube", "price": 5_000 });
    world.erp.world.shop.ask("products", Some(&body)).await?;
    let (message, _) =
        world.run(json!([{ "sku": 17, "new_price": 1 }]), json!({})).await?.failed_as("RowsInvalid")?;
    assert!(message.contains("the shop has no such product: probably 0017"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_price_of_somebody_else_is_a_conflict_and_stays_unless_it_is_forced() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let rows = json!([
        { "sku": "MOUSE-001", "old_price": 499_000, "new_price": 450_000 },
        { "sku": "KEYBOARD-001", "old_price": 1_200_000, "new_price": 1_100_000 },
        { "sku": "HEADSET-001", "old_price": 7, "new_price": 1_800_000 },
    ]);
    let result = world.run(rows.clone(), json!({})).await?.completed()?;
    assert_eq!(actions(&result), [(1, "conflict"), (2, "applied")]);
    let summary = result.summary;
    assert_eq!((summary.successful_updates, summary.failed_updates, summary.conflicts), (2, 1, 1));
    assert_eq!((summary.total_items, summary.total_processed, summary.unchanged), (3, 3, 1));
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &500_000)?;
    is("other old price", &result.preview.map(|preview| preview.counts.other_old_price), &Some(2))?;

    let result = world.run(rows, json!({ "force": true })).await?.completed()?;
    assert_eq!(actions(&result), [(1, "applied")]);
    assert!(result.summary.forced);
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &450_000)
}

/// A shop that ignores idempotency keys and one that takes single prices only: after a lost reply
/// nothing is written twice, and its row counts as applied.
#[tokio::test]
async fn a_lost_reply_counts_as_applied_and_is_written_once() -> anyhow::Result<()> {
    for batches in ["true", "false"] {
        let world = PriceWorld::with(&[&format!("--prices-batch={batches}")]).await?;
        world.erp.world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        world.fill(30).await?;
        let rows = dearer(&world, 30).await?;
        let operation = if batches == "true" { "prices.batch" } else { "prices.set" };
        let lost = |kind: &str| json!({ "operation": operation, "kind": kind, "count": 2 });
        world.erp.world.shop.faults(json!([lost("reply_lost"), lost("status"), lost("rate_limit")])).await?;
        let run = world.start(json!(rows), json!({ "batch_size": 10 })).await?;
        let result = run.ended().await?.completed()?;
        assert_eq!(result.summary.applied, 30, "{:?}", result.summary);
        is("ledger", &world.ledger(&run).await?["changes"], &json!(30))?;
        is("again", &world.ledger(&run).await?["variants_changed_again"], &json!(0))?;
    }
    Ok(())
}

#[tokio::test]
async fn batches_of_any_size_leave_the_same_shop() -> anyhow::Result<()> {
    let mut seen = Vec::new();
    for size in [1, 7, 10_000] {
        let world = PriceWorld::new().await?;
        world.fill(40).await?;
        let mut rows = dearer(&world, 40).await?;
        rows[3]["new_price"] = json!(0);
        let more = json!({ "batch_size": size, "parallel": 3, "on_invalid": "keep_good_rows" });
        let result = world.run(json!(rows), more).await?.completed()?;
        let batches = result.summary.successful_batches;
        is("batches", &batches, &39_u64.div_ceil(size))?;
        let stock = world.erp.world.shop.get("stock").await?;
        let prices: Vec<Value> =
            stock.as_array().into_iter().flatten().map(|line| line["price"].clone()).collect();
        seen.push((result.summary.applied, result.summary.invalid, prices));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    Ok(())
}

/// A thousand products are asked for at once; where the answer is larger than is read, fewer are. The shop's answers to
/// the prices that are written, and the pages of an export, are not smaller.
#[tokio::test]
async fn an_answer_that_is_too_large_is_asked_for_in_parts() -> anyhow::Result<()> {
    let world = PriceWorld::with(&["--response-bytes-max=65536"]).await?;
    world.fill(900).await?;
    let rows = dearer(&world, 900).await?;
    let run = world.start_listed(&rows, json!({ "batch_size": 900 })).await?;
    let result = run.ended().await?.completed()?;
    is("applied, failed", &(result.summary.applied, result.summary.failed_updates), &(900, 0))?;
    let wanted = json!({ "changes": 900, "variants": 900, "variants_changed_again": 0 });
    is("ledger", &world.ledger(&run).await?, &wanted)?;
    let export = world.start_export().await?.ended().await?.completed()?;
    let lines = world.exported(&export).await?;
    is("exported", &lines.iter().filter(|line| line["price"].is_number()).count(), &lines.len())?;
    assert!(lines.len() > 900, "{} lines", lines.len());
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &back.restored, &900)
}

/// An order that the shop has checked keeps its price, also where the price changes before it is paid.
#[tokio::test]
async fn an_order_that_was_checked_before_the_prices_change_keeps_its_price() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let shop = &world.erp.world.shop;
    shop.faults(json!([{ "operation": "inventory.reserve", "kind": "latency", "latency_ms": 1_500 }]))
        .await?;
    let order = world.erp.world.start(&orders::order()).await?;
    shop.requested("inventory.reserve").await?;
    world.run(sample()?, json!({})).await?.completed()?;
    is("the laptop now", &world.price("LAPTOP-001-16GB-512GB").await?, &23_000_000)?;
    order.ended().await?.fulfilled()?;
    is("captured", &shop.clean().await?["net_money"], &json!({ "VND": 25_000_000 }))
}

/// An order is checked by the shop against the price of that moment.
#[tokio::test]
async fn an_order_that_was_priced_a_second_before_is_refused_and_a_new_one_goes_through() -> anyhow::Result<()>
{
    let world = PriceWorld::new().await?;
    let priced_before = orders::order();
    world.run(sample()?, json!({})).await?.completed()?;
    let (message, _) = world.erp.world.run(&priced_before).await?.failed_as("OrderInvalid")?;
    assert!(message.contains("items[0].price (pricing_accuracy)"), "{message}");
    let mut priced_now = orders::order();
    priced_now["items"][0]["price"] = json!(23_000_000);
    priced_now["total_amount"] = json!(23_000_000);
    world.erp.world.run(&priced_now).await?.fulfilled()?;
    Ok(())
}
