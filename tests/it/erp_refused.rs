//! Records that the shop refuses: the next runs try them again, although the watermark has passed them.

use anyhow::Context as _;
use contracts::erp::Entity;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::erp::ErpWorld;

/// A record that changed so many minutes after the beginning of 2025.
fn record(entity: &str, id: &str, minute: u32, fields: Value) -> Value {
    let changed = format!("2025-01-01T00:{minute:02}:00Z");
    json!({ "entity": entity, "id": id, "updated_at": changed, "fields": fields })
}

fn level(id: &str, minute: u32, sku: &str, quantity: u32) -> Value {
    record("inventory", id, minute, json!({ "sku": sku, "location": "HCM", "quantity": quantity }))
}

/// A lookback so short that nothing is read twice, and limits out of the way.
fn config() -> Value {
    json!({ "sync_entities": ["products", "inventory"], "lookback": "1s",
        "limits": { "price_change_percent": 1_000_000, "stock_to_zero_percent": 100 } })
}

/// An ERP with nothing in it, and a first sync behind it.
async fn begun() -> anyhow::Result<ErpWorld> {
    let erp = ErpWorld::new().await?;
    let seeded = erp.world.shop.get("erp/records").await?;
    let name = |record: &Value| json!({ "entity": record["entity"], "id": record["id"] });
    let seeded: Vec<Value> = seeded.as_array().into_iter().flatten().map(name).collect();
    erp.world.shop.delete("erp/records", json!(seeded)).await?;
    Ok(erp)
}

async fn on_sale(erp: &ErpWorld, sku: &str, location: &str) -> anyhow::Result<Value> {
    let catalogue = erp.world.shop.get("catalog").await?;
    let product = catalogue.as_array().into_iter().flatten().find(|product| product["sku"] == sku);
    let levels = product.with_context(|| format!("no {sku}"))?["levels"].clone();
    let level = levels.as_array().into_iter().flatten().find(|level| level["location"] == location).cloned();
    Ok(level.with_context(|| format!("no level of {sku} at {location}: {levels}"))?["quantity"].clone())
}

/// The level of a product that came into the shop a day later; the level itself did not change meanwhile.
#[tokio::test]
async fn what_the_shop_refused_is_tried_again_until_it_is_taken() -> anyhow::Result<()> {
    let erp = begun().await?;
    erp.erp(json!([level("L1", 1, "LATE-001", 7), level("L2", 9, "LAPTOP-001", 50)])).await?;
    let first = erp.sync(config()).await?.completed()?;
    assert_eq!(first.report.summary.entities[&Entity::Inventory].failed, 1);
    let state = erp.state().await?;
    let error = state["last_error"].as_str().context("a refusal is told")?;
    assert!(
        error.starts_with("refused by the shop and tried again by the next runs: 1 inventory since 2"),
        "{error}"
    );
    assert!(error.ends_with(", once (refused by the shop: PRODUCT_NOT_FOUND (1×))"), "{error}");
    assert_eq!(state["last_sync_status"], "success");

    let second = erp.sync(config()).await?.completed()?;
    let counts = second.report.summary.entities[&Entity::Inventory];
    assert_eq!(
        (counts.read, counts.failed),
        (1, 1),
        "the newest record is read again, the refused one is not"
    );
    let error = erp.state().await?["last_error"].to_string();
    assert!(error.contains(", up to 2 times ("), "{error}");
    assert_eq!(erp.quarantined().await?.len(), 1, "it lies in the quarantine once");

    let late = json!({ "item_code": "LATE-001", "item_description": "Late", "unit_price": 5 });
    erp.erp(json!([record("products", "P1", 10, late)])).await?;
    let third = erp.sync(config()).await?.completed()?;
    let counts = third.report.summary.entities[&Entity::Inventory];
    assert_eq!((counts.created, counts.failed), (1, 0));
    assert_eq!(on_sale(&erp, "LATE-001", "HCM").await?, 7);
    assert_eq!(erp.state().await?["last_error"], Value::Null);
    let fourth = erp.sync(config()).await?.completed()?;
    assert_eq!(fourth.report.summary.entities[&Entity::Inventory].unchanged, 1);
    Ok(())
}

/// A value read later is newer than one that was refused, whichever of the two the shop takes.
#[tokio::test]
async fn a_newer_record_takes_the_place_of_a_refused_one() -> anyhow::Result<()> {
    let erp = begun().await?;
    erp.erp(json!([level("L1", 1, "LATE-001", 7)])).await?;
    erp.sync(config()).await?.completed()?;
    let late = json!({ "item_code": "LATE-001", "item_description": "Late", "unit_price": 5 });
    erp.erp(json!([record("products", "P1", 10, late), level("L1", 11, "LATE-001", 3)])).await?;
    let second = erp.sync(config()).await?.completed()?;
    let counts = second.report.summary.entities[&Entity::Inventory];
    assert_eq!((counts.created, counts.failed), (1, 0));
    assert_eq!(on_sale(&erp, "LATE-001", "HCM").await?, 3);
    erp.sync(config()).await?.completed()?;
    assert_eq!(on_sale(&erp, "LATE-001", "HCM").await?, 3);
    Ok(())
}

/// E16: the ERP has sold what an order of the shop holds.
#[tokio::test]
async fn a_level_below_what_is_held_is_written_down_to_that_and_right_in_the_end() -> anyhow::Result<()> {
    let erp = begun().await?;
    let shop = &erp.world.shop;
    erp.erp(json!([record(
        "inventory",
        "L1",
        1,
        json!({ "sku": "MOUSE-001", "location": "default", "quantity": 12 })
    )]))
    .await?;
    erp.sync(config()).await?.completed()?;
    let hold = json!({ "variant_id": "MOUSE-001-BLACK", "quantity": 2, "reference_id": "ORDER-HOLD",
        "reservation_expires_at": Timestamp::now().checked_add(SignedDuration::from_hours(1))? });
    let held = shop.ask("inventory/reserve", Some(&hold)).await?;
    anyhow::ensure!(!held.is_null(), "nothing is held");
    erp.erp(json!([record(
        "inventory",
        "L1",
        9,
        json!({ "sku": "MOUSE-001", "location": "default", "quantity": 0 })
    )]))
    .await?;
    let below = erp.sync(config()).await?.completed()?;
    assert_eq!(below.report.summary.entities[&Entity::Inventory].failed, 1);
    assert_eq!(on_sale(&erp, "MOUSE-001", "default").await?, 2, "nothing more can be sold");
    erp.sync(config()).await?.completed()?;
    assert_eq!(on_sale(&erp, "MOUSE-001", "default").await?, 2);
    shop.holds_run_out().await?;
    erp.sync(config()).await?.completed()?;
    assert_eq!(on_sale(&erp, "MOUSE-001", "default").await?, 0);
    assert_eq!(erp.state().await?["last_error"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_run_stops_where_the_shop_refuses_more_than_it_may() -> anyhow::Result<()> {
    let erp = begun().await?;
    erp.erp(json!([level("L1", 1, "NOBODY-1", 7), level("L2", 2, "NOBODY-2", 7)])).await?;
    let mut strict = config();
    strict["limits"]["refused"] = json!(1);
    let (message, _) = erp.sync(strict).await?.failed_as("RowsRefused")?;
    assert!(message.contains("refused 2 records, 1 may be (limits.refused)"), "{message}");
    assert_eq!(erp.state().await?["watermarks"], json!({}), "the next run reads the same again");
    Ok(())
}
