//! One run of each way in which a catalogue's setup can go.

use serde_json::{Value, json};

use super::{Scenario, slow};
use crate::catalog::{CatalogWorld, IMAGES, SAMPLE};

/// Those of catalogues.
pub(super) const SETUPS: &[Scenario] = &[
    scenario!("catalog-complete", _world => { set_up(&CatalogWorld::new().await?, json!({})).await? }),
    scenario!("catalog-once-more", _world => {
        let shop = CatalogWorld::new().await?;
        set_up(&shop, json!({})).await?;
        set_up(&shop, json!({})).await?
    }),
    scenario!("catalog-dry-run", _world => {
        set_up(&CatalogWorld::new().await?, json!({ "dry_run": true })).await?
    }),
    scenario!("catalog-all-or-nothing-of-a-refused-rule", _world => {
        let shop = CatalogWorld::new().await?;
        let refused = json!({ "operation": "rules.create", "kind": "status", "status": 422 });
        shop.world.shop.faults(json!([refused])).await?;
        set_up(&shop, json!({ "policy": "all_or_nothing" })).await?
    }),
    scenario!("catalog-undone-by-a-person", _world => {
        let shop = CatalogWorld::new().await?;
        slow(&shop.world, "products.seo").await?;
        let run = shop.start(&input(&shop, json!({})).await?).await?;
        shop.world.shop.requested("products.seo").await?;
        run.undo("wrong file").await.map_err(anyhow::Error::msg)?;
        run.ended().await?;
        run.workflow_id.clone()
    }),
];

async fn input(shop: &CatalogWorld, changes: Value) -> anyhow::Result<Value> {
    let mut input: Value = serde_json::from_str(SAMPLE)?;
    let picture = std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?;
    input["images"][0]["content"] = shop.keep(&picture).await?;
    for (name, value) in changes.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    Ok(input)
}

/// Runs a setup to its end, whatever that is.
async fn set_up(shop: &CatalogWorld, changes: Value) -> anyhow::Result<String> {
    let run = shop.start(&input(shop, changes).await?).await?;
    run.ended().await?;
    Ok(run.workflow_id.clone())
}
