//! A sync that would do something strange asks a person before its first write.

use serde_json::json;
use tests::erp::ErpWorld;
use workflows::saga::AnswerOutcome;

async fn free_product(erp: &ErpWorld) -> anyhow::Result<()> {
    erp.erp(json!([{ "entity": "products", "id": "P1", "fields": {
        "item_code": "FREE-001", "item_description": "For nothing", "unit_price": 0 } }]))
        .await
}

#[tokio::test]
async fn a_price_of_zero_waits_for_a_person_who_approves() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    free_product(&erp).await?;
    let run = erp.start(json!({})).await?;
    let progress = run.asks().await?;
    assert_eq!(progress.current_step.as_deref(), Some("validate-data"));
    assert_eq!(erp.writes().await?, 0, "nothing is written before the answer");
    let nothing = run.decide(true, " ").await.err().unwrap_or_default();
    assert!(nothing.contains("reason"), "{nothing}");
    assert_eq!(run.decide(true, "a give-away").await, Ok(AnswerOutcome::Approved));
    let result = run.ended().await?.completed()?;
    assert!(result.success);
    assert_eq!(result.limits_exceeded, ["1 price would be zero (limit 0)"]);
    assert_eq!(erp.writes().await?, 9);
    let late = run.decide(false, "no").await.err().unwrap_or_default();
    assert!(!late.is_empty(), "an answer after the end is refused");
    Ok(())
}

#[tokio::test]
async fn what_a_person_rejects_is_not_written() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    free_product(&erp).await?;
    let run = erp.start(json!({})).await?;
    run.asks().await?;
    assert_eq!(run.decide(false, "a typing error").await, Ok(AnswerOutcome::Rejected));
    let result = run.ended().await?.completed()?;
    assert!(!result.success);
    assert_eq!(
        (result.outcome.as_str(), result.reason.as_deref()),
        ("cancelled", Some("rejected: a typing error"))
    );
    assert_eq!(erp.writes().await?, 0);
    let state = erp.state().await?;
    assert_eq!((&state["last_sync_status"], &state["watermarks"]), (&json!("failed"), &json!({})));
    Ok(())
}

#[tokio::test]
async fn nobody_answers_in_time_and_nothing_is_written() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    free_product(&erp).await?;
    let result = erp.sync(json!({ "approval_deadline": "1s" })).await?.completed()?;
    assert_eq!((result.success, result.outcome.as_str()), (false, "expired"));
    assert!(result.reason.is_some_and(|reason| reason.contains("nobody answered within 1s")));
    assert_eq!(erp.writes().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_shop_that_would_be_emptied_waits_too() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 20, "inventory": true, "seed": 7 })).await?;
    erp.sync(json!({ "limits": { "price_change_percent": 100000 } })).await?.completed()?;
    let levels = erp.world.shop.get("erp/records?entity=inventory").await?;
    let levels: Vec<serde_json::Value> = levels.as_array().into_iter().flatten().cloned().collect();
    let stocked: Vec<_> =
        levels.iter().filter(|level| level["fields"]["quantity"].as_i64().is_some_and(|n| n > 0)).collect();
    let emptied = stocked.iter().take(stocked.len() * 9 / 10).map(|level| {
        let mut fields = level["fields"].clone();
        fields["quantity"] = json!(0);
        json!({ "entity": "inventory", "id": level["id"], "fields": fields })
    });
    erp.erp(emptied.collect()).await?;
    let before = erp.writes().await?;
    let run = erp.start(json!({ "approval_deadline": "2s" })).await?;
    run.asks().await?;
    let result = run.ended().await?.completed()?;
    assert!(result.limits_exceeded[0].contains("levels in stock would fall to zero"), "{result:?}");
    assert_eq!(erp.writes().await?, before);
    Ok(())
}

#[tokio::test]
async fn half_the_records_gone_at_the_source_is_no_sync() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 20, "inventory": false, "seed": 7 })).await?;
    let only = json!({ "sync_entities": ["products"], "full": true });
    erp.sync(only.clone()).await?.completed()?;
    let gone: Vec<_> =
        (1..=12).map(|n| json!({ "entity": "products", "id": format!("ERP-{n:06}") })).collect();
    erp.world.shop.delete("erp/records", json!(gone)).await?;
    let run = erp.start(only).await?;
    run.asks().await?;
    assert!(run.decide(false, "the ERP is being migrated").await.is_ok());
    let result = run.ended().await?.completed()?;
    assert!(result.limits_exceeded[0].contains("a full read found"), "{result:?}");
    Ok(())
}
