//! Watermarks: one stamp that is wrong loses nothing, and what is lost can be read again.

use contracts::erp::Entity;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::starter::starter;
use workflows::erp_sync::ErpSyncResult;

fn product(id: &str, changed: Option<Timestamp>) -> Value {
    let mut record = json!({ "entity": "products", "id": id, "fields": {
        "item_code": format!("WM-{id}"), "item_description": "A product", "unit_price": 1_000 } });
    if let Some(changed) = changed {
        record["updated_at"] = json!(changed);
    }
    record
}

fn config() -> Value {
    json!({ "sync_entities": ["products"], "limits": { "price_change_percent": 1_000_000 } })
}

fn words(result: &ErpSyncResult, step: &str) -> String {
    result.steps.step(step).and_then(|step| step.detail.clone()).unwrap_or_default()
}

async fn watermark(erp: &ErpWorld) -> anyhow::Result<Timestamp> {
    Ok(serde_json::from_value(erp.state().await?["watermarks"]["products"].clone())?)
}

/// E2: a date of 2099, or one that is 20 minutes ahead, counts for its record only.
#[tokio::test]
async fn a_stamp_that_is_to_come_is_named_and_later_changes_come() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let soon = Timestamp::now().checked_add(SignedDuration::from_mins(20))?;
    erp.erp(json!([product("BAD", Some("2099-01-01T00:00:00Z".parse()?)), product("SOON", Some(soon))]))
        .await?;
    let first = erp.sync(config()).await?.completed()?;
    assert_eq!(first.report.summary.entities[&Entity::Products].read, 5, "they are written all the same");
    let said = words(&first, "transform-data");
    assert!(said.contains("stamped later than now") && said.contains(": 2: WM-SOON ("), "{said}");
    assert!(said.contains("WM-BAD (2099-01-01T00:00:00Z)"), "{said}");
    let now = Timestamp::now();
    assert!(watermark(&erp).await? <= now, "{}", erp.state().await?);

    erp.erp(json!([product("NEW", None)])).await?;
    let second = erp.sync(config()).await?.completed()?;
    assert_eq!(second.report.summary.products_created, 1);
    erp.erp(json!([product("BAD", None), product("SOON", None)])).await?;
    let third = erp.sync(config()).await?.completed()?;
    assert_eq!(words(&third, "transform-data").find("stamped later"), None);
    Ok(())
}

/// A watermark that an earlier version has moved there reads nothing: that is said, and there is a way back.
#[tokio::test]
async fn a_watermark_that_is_to_come_fails_until_it_is_put_back() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.sync(config()).await?.completed()?;
    erp.remember("products", "2099-01-01T00:00:00Z").await?;
    erp.erp(json!([product("NEW", None)])).await?;
    let (message, _) = erp.sync(config()).await?.failed_as("WatermarkAhead")?;
    assert!(message.contains("2099-01-01T00:00:00Z") && message.contains("starter erp rewind"), "{message}");
    assert_eq!(erp.state().await?["last_sync_status"], "failed");

    let to = "2026-01-01T00:00:00Z";
    let name = erp.integration().to_owned();
    let rewind = ["erp", "rewind", &name, "--input", "-", "--entity", "products", "--to", to, "-o", "json"];
    let done = starter(&erp.world, &rewind, Some(&erp.config(config())?)).await?;
    assert_eq!(done.code, Some(0), "{} {}", done.out, done.err);
    assert_eq!(watermark(&erp).await?, to.parse()?);
    assert_eq!(erp.sync(config()).await?.completed()?.report.summary.products_created, 1);

    // It goes back only.
    let again = [&rewind[..8], &["2090-01-01T00:00:00Z", "-o", "json"]].concat();
    let again = starter(&erp.world, &again, Some(&erp.config(config())?)).await?;
    assert_eq!(again.code, Some(1), "{} {}", again.out, again.err);
    assert!(again.out.contains("name an earlier time"), "{} {}", again.out, again.err);
    Ok(())
}

#[tokio::test]
async fn a_read_of_everything_puts_a_watermark_right() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.remember("products", "2099-01-01T00:00:00Z").await?;
    let mut all = config();
    all["full"] = json!(true);
    erp.sync(all).await?.completed()?;
    assert!(watermark(&erp).await? <= Timestamp::now());
    erp.erp(json!([product("NEW", None)])).await?;
    assert_eq!(erp.sync(config()).await?.completed()?.report.summary.products_created, 1);
    Ok(())
}
