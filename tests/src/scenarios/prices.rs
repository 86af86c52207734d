//! One run of each way in which a list of prices can go.

use serde_json::{Value, json};

use super::Scenario;
use crate::prices::{PriceWorld, SAMPLE, dearer};

/// Those of price runs.
pub(super) const PRICES: &[Scenario] = &[
    scenario!("prices-complete", _world => { ran(&PriceWorld::new().await?, sample()?, json!({})).await? }),
    scenario!("prices-rows-invalid", _world => {
        let rows = json!([{ "sku": "GHOST", "new_price": 1 }, { "sku": "MOUSE-001", "new_price": 450_000 }]);
        ran(&PriceWorld::new().await?, rows, json!({})).await?
    }),
    scenario!("prices-dry-run", _world => {
        ran(&PriceWorld::new().await?, sample()?, json!({ "dry_run": true })).await?
    }),
    scenario!("prices-approved", _world => { braked(true).await? }),
    scenario!("prices-rejected", _world => { braked(false).await? }),
    scenario!("prices-paused-and-resumed", _world => {
        let world = filled().await?;
        let run = world.start(json!(dearer(&world, 60).await?), slow()).await?;
        world.erp.world.shop.requested("prices.batch").await?;
        run.pause("a call").await.map_err(anyhow::Error::msg)?;
        run.set_rate(None).await.map_err(anyhow::Error::msg)?;
        run.resume().await.map_err(anyhow::Error::msg)?;
        run.ended().await?;
        run.workflow_id
    }),
    scenario!("prices-cancelled-and-taken-back", _world => {
        let world = filled().await?;
        let run = world.start(json!(dearer(&world, 60).await?), slow()).await?;
        world.erp.world.shop.requested("prices.batch").await?;
        run.cancel("wrong list", true).await.map_err(anyhow::Error::msg)?;
        run.ended().await?;
        run.workflow_id
    }),
    scenario!("prices-due-later", _world => {
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
        let rows = json!([
            { "sku": "MOUSE-001", "new_price": 450_000 },
            { "sku": "MOUSE-001", "new_price": 470_000, "effective_date": soon.to_string() },
        ]);
        ran(&PriceWorld::new().await?, rows, json!({})).await?
    }),
    scenario!("prices-reverted", _world => {
        let world = PriceWorld::new().await?;
        let run = world.start(sample()?, json!({})).await?;
        run.ended().await?;
        world.revert(&run.batch, false).await?;
        workflows::price_revert::workflow_id(&run.batch)
    }),
];

fn sample() -> anyhow::Result<Value> {
    Ok(serde_json::from_str(SAMPLE)?)
}

fn slow() -> Value {
    json!({ "batch_size": 5, "max_per_second": 20 })
}

async fn filled() -> anyhow::Result<PriceWorld> {
    let world = PriceWorld::new().await?;
    world.fill(60).await?;
    Ok(world)
}

/// Runs a list to its end, whatever that is.
async fn ran(world: &PriceWorld, rows: Value, more: Value) -> anyhow::Result<String> {
    let run = world.start(rows, more).await?;
    run.ended().await?;
    Ok(run.workflow_id)
}

async fn braked(is_approved: bool) -> anyhow::Result<String> {
    let world = PriceWorld::new().await?;
    let run = world.start(json!([{ "sku": "MOUSE-001", "new_price": 50_000 }]), json!({})).await?;
    run.asks().await?;
    run.decide(is_approved, "looked at").await.map_err(anyhow::Error::msg)?;
    run.ended().await?;
    Ok(run.workflow_id)
}
