//! A real sync on a schedule: it takes the id with the time of its slot behind it.

use serde_json::json;
use tests::erp::ErpWorld;
use tests::schedules::Desk;
use tests::world::LIMIT;

#[tokio::test]
async fn a_scheduled_sync_runs_under_the_id_of_its_slot() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let desk = Desk::of(&erp.world)?;
    let config = erp.config(json!({}))?;
    let text = |field: &str| config[field].as_str().unwrap_or_default().to_owned();
    let file = format!(
        "[[schedule]]\nid = \"{}\"\nprocess = \"erp\"\nevery = \"24h\"\noffset = \"23h\"\n[schedule.input]\n\
         integration_id = \"{}\"\nerp_endpoint = \"{}\"\ncredentials_ref = \"{}\"\n\
         sync_entities = [\"products\", \"inventory\"]\nmapping_rules = {{ product_name = \"item_description\", \
         product_sku = \"item_code\", product_price = \"unit_price\" }}\n",
        desk.id("sync"),
        text("integration_id"),
        text("erp_endpoint"),
        text("credentials_ref"),
    );
    desk.apply(&file, &[]).await?.ok()?;
    desk.call(&["trigger", &desk.id("sync")]).await?.ok()?;
    let until = std::time::Instant::now() + LIMIT;
    while erp.state().await?["last_sync_status"] != "success" {
        anyhow::ensure!(std::time::Instant::now() < until, "the scheduled sync did not go through");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(erp.writes().await?, 6, "three products and three levels");
    let shown = desk.show("sync").await?;
    assert!(shown.to_string().contains(&format!("erp/{}-20", erp.integration())), "{shown:#}");
    desk.call(&["delete", &desk.id("sync")]).await?.ok()?;
    Ok(())
}
