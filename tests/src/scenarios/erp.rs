//! One run of each way in which a sync can go.

use serde_json::{Value, json};

use super::{Scenario, slow};
use crate::erp::ErpWorld;

/// Those of syncs.
pub(super) const SYNCS: &[Scenario] = &[
    scenario!("erp-complete", _world => { synced(&ErpWorld::new().await?, json!({})).await? }),
    scenario!("erp-full-of-what-is-there", _world => {
        let erp = ErpWorld::new().await?;
        synced(&erp, json!({})).await?;
        synced(&erp, json!({ "full": true })).await?
    }),
    scenario!("erp-dry-run", _world => { synced(&ErpWorld::new().await?, json!({ "dry_run": true })).await? }),
    scenario!("erp-invalid-record", _world => {
        let erp = ErpWorld::new().await?;
        erp.erp(json!([{ "entity": "products", "id": "P1", "fields": { "item_code": "NEW-001" } }])).await?;
        synced(&erp, json!({ "max_invalid": "none" })).await?
    }),
    scenario!("erp-approved", _world => { braked(true).await? }),
    scenario!("erp-rejected", _world => { braked(false).await? }),
    scenario!("erp-nobody-answers", _world => {
        let erp = free_product().await?;
        synced(&erp, json!({ "approval_deadline": "1s" })).await?
    }),
    scenario!("erp-password-refused", _world => {
        let erp = ErpWorld::new().await?;
        erp.world.shop.put("erp", json!({ "password": "another" })).await?;
        synced(&erp, json!({})).await?
    }),
    scenario!("erp-long-read", _world => {
        let erp = ErpWorld::new().await?;
        erp.world.shop.post("erp/generate", json!({ "products": 60, "inventory": false, "seed": 1 })).await?;
        let config = json!({ "page_size": 2, "batches_per_run": 1, "sync_entities": ["products"] });
        synced(&erp, config).await?
    }),
    scenario!("erp-cancelled-while-it-writes", _world => {
        let erp = ErpWorld::new().await?;
        cancelled_at(&erp, "products.create", json!({})).await?
    }),
    scenario!("erp-cancelled-while-it-asks", _world => {
        let erp = free_product().await?;
        let run = erp.start(json!({})).await?;
        run.asks().await?;
        run.temporal_cancel().await?;
        run.ended().await?;
        run.workflow_id.clone()
    }),
    scenario!("erp-long-read-cancelled-at-the-end-of-a-run", _world => {
        let erp = ErpWorld::new().await?;
        erp.world.shop.post("erp/generate", json!({ "products": 60, "inventory": false, "seed": 1 })).await?;
        let config = json!({ "page_size": 2, "batches_per_run": 1, "sync_entities": ["products"] });
        cancelled_at(&erp, "integrations.report", config).await?
    }),
    scenario!("erp-gone-at-the-source", _world => {
        let erp = gone(1).await?;
        synced(&erp, deactivating()).await?
    }),
    scenario!("erp-gone-and-a-dry-run", _world => {
        let mut config = deactivating();
        config["dry_run"] = json!(true);
        let erp = gone(1).await?;
        synced(&erp, config).await?
    }),
    scenario!("erp-nearly-everything-gone-and-rejected", _world => {
        let erp = gone(18).await?;
        let run = erp.start(deactivating()).await?;
        run.asks().await?;
        run.decide(false, "looked at").await.map_err(anyhow::Error::msg)?;
        run.ended().await?;
        run.workflow_id.clone()
    }),
    scenario!("erp-without-a-list-of-keys", _world => {
        let erp = ErpWorld::new().await?;
        let folder = erp.folder().join("exports");
        std::fs::create_dir_all(&folder)?;
        let endpoint = format!("file://{}", folder.display());
        let credential = json!({ "endpoints": [endpoint], "connector": "files" });
        std::fs::write(erp.folder().join("secrets/files.json"), credential.to_string())?;
        let mut config = deactivating();
        config["erp_endpoint"] = json!(endpoint);
        config["credentials_ref"] = json!("file:files.json");
        synced(&erp, config).await?
    }),
];

/// Runs a sync to its end, whatever that is.
async fn synced(erp: &ErpWorld, changes: Value) -> anyhow::Result<String> {
    let run = erp.start(changes).await?;
    run.ended().await?;
    Ok(run.workflow_id.clone())
}

/// Runs a sync that Temporal cancels while an operation is under way.
async fn cancelled_at(erp: &ErpWorld, operation: &str, changes: Value) -> anyhow::Result<String> {
    slow(&erp.world, operation).await?;
    let run = erp.start(changes).await?;
    erp.world.shop.requested(operation).await?;
    run.temporal_cancel().await?;
    run.ended().await?;
    Ok(run.workflow_id.clone())
}

/// An ERP that gives something away, which makes the brake ask.
async fn free_product() -> anyhow::Result<ErpWorld> {
    let erp = ErpWorld::new().await?;
    let fields = json!({ "item_code": "FREE-001", "item_description": "For nothing", "unit_price": 0 });
    erp.erp(json!([{ "entity": "products", "id": "P1", "fields": fields }])).await?;
    Ok(erp)
}

/// Products only, and what is gone is looked for at every run.
fn deactivating() -> Value {
    json!({ "sync_entities": ["products"], "deletions": { "action": "deactivate", "every": "1ms" } })
}

/// An ERP that has lost some of its products since the last sync.
async fn gone(products: u32) -> anyhow::Result<ErpWorld> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 20, "inventory": false, "seed": 7 })).await?;
    synced(&erp, deactivating()).await?;
    let id = |n| json!({ "entity": "products", "id": format!("ERP-{n:06}") });
    erp.world.shop.delete("erp/records", (1..=products).map(id).collect()).await?;
    Ok(erp)
}

async fn braked(is_approved: bool) -> anyhow::Result<String> {
    let erp = free_product().await?;
    let run = erp.start(json!({})).await?;
    run.asks().await?;
    run.decide(is_approved, "looked at").await.map_err(anyhow::Error::msg)?;
    run.ended().await?;
    Ok(run.workflow_id.clone())
}
