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
    assert!(result.report.steps.iter().all(|step| step.status == StepStatus::Completed), "{:?}", result.report);
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
