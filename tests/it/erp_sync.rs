//! Syncs with the sandbox's ERP, end to end.

use contracts::erp::{Entity, RowOutcome, Rows};
use serde_json::{Value, json};
use store::Lines;
use tests::erp::{ErpWorld, PASSWORD};

fn product(n: u32, price: i64) -> Value {
    json!({ "entity": "products", "id": format!("P{n}"), "fields": {
        "item_code": format!("NEW-{n:03}"), "item_description": format!("New product {n}"), "unit_price": price } })
}

#[tokio::test]
async fn the_seeds_sync_goes_through_and_what_is_the_same_costs_no_write() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let first = erp.sync(json!({})).await?.completed()?;
    assert!(first.success);
    let summary = &first.report.summary;
    assert_eq!((summary.products_processed, summary.products_failed, summary.inventory_failed), (3, 0, 0));
    assert_eq!(summary.products_created + summary.products_updated, 3);
    assert_eq!(summary.inventory_updated, 3);
    let Rows::Inline(rows) = &first.report.details.products else { panic!("few rows are inline") };
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.success && row.sku.is_some() && row.product_id.is_some()));
    let written = erp.writes().await?;
    assert_eq!(written, 8);
    let state = erp.state().await?;
    assert_eq!(state["last_sync_status"], "success");

    let second = erp.sync(json!({ "full": true })).await?.completed()?;
    assert_eq!(second.report.summary.entities[&Entity::Products].unchanged, 3);
    assert_eq!(erp.writes().await?, written, "a full sync of what is the same writes nothing");

    erp.erp((0..10).map(|n| product(n, 1_000)).collect()).await?;
    let third = erp.sync(json!({})).await?.completed()?;
    assert_eq!(third.report.summary.products_created, 10);
    assert_eq!(erp.writes().await?, written + 10);
    erp.world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_written_and_writes_nothing() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let dry = erp.sync(json!({ "dry_run": true })).await?.completed()?;
    assert!(dry.success && dry.dry_run);
    let products = dry.report.summary.entities[&Entity::Products];
    assert_eq!(products.created + products.updated, 3);
    let Rows::Listed { count, refs } = &dry.report.details.products else {
        panic!("the list is in the store")
    };
    assert_eq!((*count, refs.len()), (3, 1));
    assert_eq!(erp.store.get(&refs[0]).await?.split(|byte| *byte == b'\n').count(), 4);
    assert_eq!(erp.writes().await?, 0);
    assert_eq!(erp.state().await?, Value::Null, "the shop has not heard of the integration");
    Ok(())
}

#[tokio::test]
async fn one_invalid_record_stops_everything_unless_it_may() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.erp(json!([product(1, 5), { "entity": "products", "id": "P2", "fields": {
        "item_code": "NEW-002", "item_description": "No price", "unit_price": "cheap" } }]))
        .await?;
    let (message, report) = erp.sync(json!({ "max_invalid": "none" })).await?.failed_as("DataInvalid")?;
    assert!(message.contains("product_price is not a number (1×)"), "{message}");
    assert!(!message.contains("cheap"), "{message}");
    assert_eq!(report.step("transform-data").map(|step| step.status.name()), Some("failed"));
    assert_eq!(erp.writes().await?, 0);
    let state = erp.state().await?;
    assert_eq!((&state["last_sync_status"], &state["watermarks"]), (&json!("failed"), &json!({})));
    assert!(state["last_error"].as_str().is_some_and(|error| error.contains("product_price")));

    let quarantine = erp.store.list(&format!("quarantine/{}", erp.integration())).await?;
    assert_eq!(quarantine.len(), 1);

    let result = erp.sync(json!({ "max_invalid": 1 })).await?.completed()?;
    let products = result.report.summary.entities[&Entity::Products];
    assert_eq!((products.read, products.quarantined), (5, 1));
    assert!(products.created >= 1);
    Ok(())
}

/// The watermark is past them, so nothing would read them again by itself.
#[tokio::test]
async fn a_record_that_the_shop_refuses_is_quarantined_and_the_others_go_on() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.erp(json!([{ "entity": "inventory", "id": "L9", "fields": {
        "sku": "NOBODY-SELLS-IT", "quantity": 5, "location": "HCM" } }]))
        .await?;
    let result = erp.sync(json!({})).await?.completed()?;
    assert!(result.success);
    let summary = result.report.summary;
    assert_eq!((summary.inventory_updated, summary.inventory_failed), (3, 1));
    let Rows::Inline(rows) = result.report.details.inventory else { panic!("few rows are inline") };
    let failed: Vec<_> = rows.iter().filter(|row| !row.success).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].sku.as_deref(), failed[0].error.as_deref()),
        (Some("NOBODY-SELLS-IT"), Some("PRODUCT_NOT_FOUND"))
    );
    let quarantine = erp.store.list(&format!("quarantine/{}", erp.integration())).await?;
    assert_eq!(quarantine.len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_the_erp_refuses_ends_the_run_with_the_fix() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.put("erp", json!({ "password": "another" })).await?;
    let (message, _) = erp.sync(json!({})).await?.failed_as("ErpRefused")?;
    assert!(message.contains("refuses user and password of file:erp.json"), "{message}");
    let elsewhere = format!("{}/elsewhere", erp.world.shop.url());
    let (message, _) = erp.sync(json!({ "erp_endpoint": elsewhere })).await?.failed_as("ErpRefused")?;
    assert!(message.contains("is not on the worker's list"), "{message}");
    let (message, _) = erp.sync(json!({ "credentials_ref": "env:NONE" })).await?.failed_as("ErpRefused")?;
    assert!(message.contains("set SUN_ERP_CREDENTIALS_NONE"), "{message}");
    Ok(())
}

#[tokio::test]
async fn of_two_runs_of_one_integration_the_second_is_told_of_the_first() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world
        .shop
        .faults(json!([{ "operation": "erp.products", "kind": "latency", "latency_ms": 1_500, "count": 1 }]))
        .await?;
    let first = erp.start(json!({})).await?;
    erp.world.shop.requested("erp.products").await?;
    let scheduled = format!("erp/{}-2026-11-23T03:00:00Z", erp.integration());
    // A failure would pause the schedule, and the other run does the work.
    let second = erp.start_as(&scheduled, json!({})).await?.ended().await?.completed()?;
    assert_eq!((second.success, second.outcome.as_str()), (true, "skipped"));
    assert!(second.reason.is_some_and(|reason| reason.contains(&first.workflow_id)));
    assert_eq!(second.report.summary.entities.len(), 0);
    first.ended().await?.completed()?;
    // The first one has ended: nobody had to give anything back.
    let third = erp.start_as(&scheduled, json!({})).await?;
    third.ended().await?.completed()?;
    assert_eq!(erp.state().await?["last_sync_status"], "success");
    Ok(())
}

/// A person who types is told by the exit code.
#[tokio::test]
async fn a_person_is_told_that_a_scheduled_run_is_at_it() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let slow = json!([{ "operation": "erp.products", "kind": "latency", "latency_ms": 1_500, "count": 1 }]);
    erp.world.shop.faults(slow).await?;
    let scheduled = format!("erp/{}-2026-11-23T03:00:00Z", erp.integration());
    let first = erp.start_as(&scheduled, json!({})).await?;
    erp.world.shop.requested("erp.products").await?;
    let (message, _) = erp.sync(json!({})).await?.failed_as("AlreadyRunning")?;
    assert!(message.contains(&scheduled), "{message}");
    first.ended().await?.completed()?;
    Ok(())
}

#[tokio::test]
async fn expired_tokens_rate_limits_and_lost_replies_lose_nothing() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.put("erp", json!({ "token_requests": 2, "page_max": 2 })).await?;
    erp.world
        .shop
        .faults(json!([
            { "operation": "erp.products", "kind": "rate_limit", "count": 1 },
            { "operation": "erp.inventory", "kind": "malformed", "count": 1 },
            { "operation": "products.create", "kind": "reply_lost", "count": 2 },
            { "operation": "products.update", "kind": "reply_lost", "count": 1 },
            { "operation": "inventory.level", "kind": "status", "count": 3 },
            { "operation": "customers.upsert", "kind": "malformed", "count": 1 }
        ]))
        .await?;
    erp.erp((0..20).map(|n| product(n, 1_000)).collect()).await?;
    let result = erp.sync(json!({ "page_size": 2 })).await?.completed()?;
    let products = result.report.summary.entities[&Entity::Products];
    assert_eq!((products.read, products.created + products.updated, products.failed), (23, 23, 0));
    assert_eq!(erp.writes().await?, 28, "each effect once");
    let second = erp.sync(json!({ "full": true, "page_size": 2 })).await?.completed()?;
    assert_eq!(second.report.summary.entities[&Entity::Products].unchanged, 23);
    Ok(())
}

/// A limit that is lower than the number of pages an activity reads slows it down, and does not make it begin again.
#[tokio::test]
async fn a_limit_lower_than_the_pages_of_a_batch_lets_it_through() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.erp((0..30).map(|n| product(n, 1_000)).collect()).await?;
    erp.world.shop.put("erp", json!({ "rate_per_second": 4 })).await?;
    let config = json!({ "page_size": 2, "sync_entities": ["products"] });
    let result = erp.sync(config).await?.completed()?;
    assert_eq!(result.report.summary.products_processed, 33);
    // 17 pages and the log-in, each asked for again at most once: the batch was read once.
    assert!(erp.world.shop.requests("erp.products").await? <= 34);
    Ok(())
}

#[tokio::test]
async fn a_worker_killed_while_it_writes_is_gone_on_from_and_nothing_is_written_twice() -> anyhow::Result<()>
{
    let erp = ErpWorld::without_worker().await?;
    erp.erp((0..400).map(|n| product(n, 1_000)).collect()).await?;
    let settings = erp.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut worker = erp.world.spawn_worker(&settings)?;
    erp.world
        .shop
        .faults(json!([{ "operation": "products.create", "kind": "latency", "latency_ms": 20 }]))
        .await?;
    let run = erp.start(json!({ "sync_entities": ["products"] })).await?;
    let until = std::time::Instant::now() + tests::world::LIMIT;
    while erp.world.shop.requests("products.create").await? < 60 {
        anyhow::ensure!(std::time::Instant::now() < until, "nothing was written");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    worker.kill()?;
    let _second = erp.world.spawn_worker(&settings)?;
    let result = run.ended().await?.completed()?;
    let products = result.report.summary.entities[&Entity::Products];
    assert_eq!((products.created + products.updated, products.failed), (403, 0));
    assert_eq!(erp.writes().await?, 403);
    // One list, although it was written in parts: a report that names every part grows with the ERP.
    let Rows::Listed { count, refs } = &result.report.details.products else {
        panic!("many rows are listed")
    };
    assert_eq!((*count, refs.len()), (403, 1));
    assert_eq!(Lines::get(&erp.store, &refs[0]).await?.records::<RowOutcome>()?.len(), 403);
    Ok(())
}

/// Neither the password nor the token is anywhere but in the worker.
#[tokio::test]
async fn no_secret_and_no_person_is_in_a_history() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.faults(json!([{ "operation": "erp.customers", "kind": "status", "count": 1 }])).await?;
    let run = erp.start(json!({})).await?;
    run.ended().await?.completed()?;
    let history = run.history_text().await?;
    for secret in [PASSWORD, "api_user", "@example.com", "Bearer"] {
        assert!(!history.contains(secret), "{secret} is in the history");
    }
    assert!(history.contains("file:erp.json"), "the search finds what is there");
    // The lists in the store may name people, but hold no secret.
    for object in erp.store.list("").await? {
        let content = erp.store.read(&object.key).await?.unwrap_or_default();
        assert!(!String::from_utf8_lossy(&content).contains(PASSWORD), "{} holds the password", object.key);
    }
    Ok(())
}

/// A read that is too long for one run: each writes what it has, and the next goes on at the watermark.
#[tokio::test]
async fn a_long_read_goes_on_as_a_new_run() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 150, "inventory": true, "seed": 1 })).await?;
    let run = erp
        .start(json!({ "full": true, "page_size": 2, "batches_per_run": 1,
            "sync_entities": ["products", "inventory"] }))
        .await?;
    let last = run.ended().await?.completed()?;
    assert!(!last.sync_id.contains(&run.run_id), "the run that ended is another one");
    let source = erp.world.shop.get("erp/records?entity=products").await?;
    let shop = erp.world.shop.get("catalog").await?;
    let generated = |row: &&Value| row["sku"].as_str().is_some_and(|sku| sku.starts_with("ERP-"));
    let rows: Vec<&Value> = shop.as_array().into_iter().flatten().filter(generated).collect();
    assert_eq!(rows.len(), source.as_array().map_or(0, Vec::len));
    assert!(rows.iter().all(|row| row["levels"].as_array().is_some_and(|levels| levels.len() == 1)));
    let again =
        erp.sync(json!({ "full": true, "sync_entities": ["products", "inventory"] })).await?.completed()?;
    assert_eq!(again.report.summary.products_created + again.report.summary.products_updated, 0);
    Ok(())
}
