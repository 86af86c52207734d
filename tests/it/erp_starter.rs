//! `starter erp sync` as a script sees it: what its exit code says of the rows.

use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::starter::{Called, starter};

const SYNC: [&str; 7] = ["erp", "sync", "--input", "-", "--wait", "-o", "json"];

async fn sync(erp: &ErpWorld, changes: Value, more: &[&str]) -> anyhow::Result<Called> {
    starter(&erp.world, &[&SYNC, more].concat(), Some(&erp.config(changes)?)).await
}

#[tokio::test]
async fn rows_that_were_refused_are_7() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let all = sync(&erp, json!({}), &[]).await?;
    assert_eq!(all.code, Some(0), "{}", all.err);
    erp.erp(json!([{ "entity": "products", "id": "BROKEN", "fields": { "item_code": "BROKEN-001" } }]))
        .await?;
    let some = sync(&erp, json!({ "max_invalid": 1 }), &[]).await?;
    assert_eq!(some.code, Some(7), "{}", some.err);
    let document = some.json()?;
    assert_eq!((&document["success"], &document["outcome"]), (&json!(true), &json!("completed")));
    Ok(())
}

#[tokio::test]
async fn rows_that_were_refused_in_an_earlier_run_of_the_same_sync_are_7_too() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 90, "inventory": false, "seed": 1 })).await?;
    // The oldest record comes on the first page.
    let broken = json!({ "item_code": "BROKEN-001" });
    let oldest = "2001-01-01T00:00:00Z";
    erp.erp(json!([{ "entity": "products", "id": "BROKEN", "updated_at": oldest, "fields": broken }]))
        .await?;
    let long = json!({ "full": true, "page_size": 2, "batches_per_run": 1, "sync_entities": ["products"],
        "max_invalid": 1 });
    let some = sync(&erp, long, &[]).await?;
    assert_eq!(some.code, Some(7), "{}", some.err);
    let document = some.json()?;
    assert_eq!(document["report"]["summary"]["entities"]["products"]["quarantined"], 0, "{document}");
    assert_eq!(document["earlier_runs"], json!({ "failed": 0, "quarantined": 1 }));
    let note =
        "records that earlier runs of this sync left out: 0 refused by the shop, 1 quarantined as invalid";
    assert_eq!(document["steps"]["notes"], json!([note]));
    Ok(())
}

#[tokio::test]
async fn a_dry_run_that_would_ask_a_person_is_8() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let dry = sync(&erp, json!({}), &["--dry-run"]).await?;
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    erp.erp(json!([{ "entity": "products", "id": "P1", "fields": {
        "item_code": "FREE-001", "item_description": "For nothing", "unit_price": 0 } }]))
        .await?;
    let dry = sync(&erp, json!({}), &["--dry-run"]).await?;
    assert_eq!(dry.code, Some(8), "{}", dry.err);
    assert_eq!(dry.json()?["limits_exceeded"], json!(["1 price would be zero (limit 0)"]));
    assert_eq!(erp.writes().await?, 0);
    Ok(())
}

/// Levels that nobody reads again are not forgotten with the products.
#[tokio::test]
async fn a_retry_of_the_quarantine_leaves_the_entities_that_it_does_not_read() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let level = json!({ "sku": "LAPTOP-001", "location": "HCM", "quantity": "many" });
    erp.erp(json!([
        { "entity": "products", "id": "BROKEN", "fields": { "item_code": "BROKEN-001" } },
        { "entity": "inventory", "id": "ODD", "fields": level }
    ]))
    .await?;
    erp.sync(json!({})).await?.completed()?;
    assert_eq!(erp.quarantined().await?.len(), 2);
    let (name, store) = (erp.integration().to_owned(), erp.folder().join("store").display().to_string());
    let fields = json!({ "item_code": "BROKEN-001", "item_description": "Mended", "unit_price": 5 });
    erp.erp(json!([{ "entity": "products", "id": "BROKEN", "fields": fields }])).await?;
    let retry = ["erp", "quarantine", "retry", &name, "--input", "-", "--store", &store];
    let products = erp.config(json!({ "sync_entities": ["products"] }))?;
    let done = starter(&erp.world, &retry, Some(&products)).await?;
    assert_eq!(done.code, Some(0), "{}", done.err);
    let rows: Vec<_> = erp.quarantined().await?.into_iter().map(|row| (row.entity.name(), row.key)).collect();
    assert_eq!(rows, [("inventory", Some("ODD".to_owned()))]);
    Ok(())
}
