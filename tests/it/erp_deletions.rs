//! Products that are gone at the source.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Context as _;
use contracts::erp::{Entity, EntityCounts, Rows};
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use workflows::erp_sync::ErpSyncResult;

/// Products only; due at every run.
fn each_time() -> Value {
    json!({ "sync_entities": ["products"], "deletions": { "action": "deactivate", "every": "1ms" } })
}

/// The same, due once a day.
fn daily() -> Value {
    json!({ "sync_entities": ["products"], "deletions": { "action": "deactivate" } })
}

fn with(mut config: Value, name: &str, value: Value) -> Value {
    config[name] = value;
    config
}

/// An ERP of 20 generated products and the seed's 3; the shop has 6 of its own.
async fn stocked(erp: &ErpWorld) -> anyhow::Result<()> {
    erp.world.shop.post("erp/generate", json!({ "products": 20, "inventory": false, "seed": 7 })).await?;
    Ok(())
}

fn id(n: u32) -> String {
    format!("ERP-{n:06}")
}

async fn delete(erp: &ErpWorld, numbers: impl IntoIterator<Item = u32>) -> anyhow::Result<()> {
    let gone: Vec<Value> =
        numbers.into_iter().map(|n| json!({ "entity": "products", "id": id(n) })).collect();
    erp.world.shop.delete("erp/records", json!(gone)).await.map(drop)
}

async fn put(erp: &ErpWorld, n: u32, price: i64) -> anyhow::Result<()> {
    let fields = json!({ "item_code": id(n), "item_description": "Back again", "unit_price": price });
    erp.erp(json!([{ "entity": "products", "id": id(n), "fields": fields }])).await
}

/// The keys of one list come in pages that are quicker than a heartbeat, and there are more of them than fit into the
/// time after which a silent worker is given up.
#[tokio::test]
async fn many_quick_pages_of_keys_do_not_look_like_a_dead_worker() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 41, "inventory": false, "seed": 7 })).await?;
    erp.sync(with(daily(), "page_size", json!(500))).await?.completed()?;
    let quick = json!([{ "operation": "erp.keys", "kind": "latency", "latency_ms": 300 }]);
    erp.world.shop.faults(quick).await?;
    let result = erp.sync(with(each_time(), "page_size", json!(2))).await?.completed()?;
    assert!(result.success, "{result:?}");
    Ok(())
}

/// A list of keys that takes longer than a worker lives would else never come to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_goes_on_where_a_lost_worker_was() -> anyhow::Result<()> {
    let erp = ErpWorld::without_worker().await?;
    let shop = &erp.world.shop;
    let mut worker = erp.spawn_worker(&["--bulk-rate=1000"])?;
    shop.post("erp/generate", json!({ "products": 61, "inventory": false, "seed": 7 })).await?;
    erp.sync(daily()).await?.completed()?;
    shop.faults(json!([{ "operation": "erp.keys", "kind": "latency", "latency_ms": 300 }])).await?;
    let before = shop.requests("erp.keys").await?;
    let run = erp.start(with(each_time(), "page_size", json!(2))).await?;
    shop.requested_again("erp.keys", before + 22).await?;
    worker.kill()?;
    worker = erp.spawn_worker(&["--bulk-rate=1000"])?;
    run.ended().await?.completed()?;
    // 32 pages; a scan from the beginning would be 22 more.
    let asked = shop.requests("erp.keys").await? - before;
    assert!((32..50).contains(&asked), "{asked} pages were asked for");
    drop(worker);
    Ok(())
}

/// The SKUs that the shop does not sell any more.
async fn out_of_sale(erp: &ErpWorld) -> anyhow::Result<BTreeSet<String>> {
    let catalog = erp.world.shop.get("catalog").await?;
    let rows = catalog.as_array().context("no list")?;
    let out = rows.iter().filter(|row| row["active"] == false);
    Ok(out.filter_map(|row| row["sku"].as_str()).map(str::to_owned).collect())
}

fn set(skus: &[&str]) -> BTreeSet<String> {
    skus.iter().map(|sku| (*sku).to_owned()).collect()
}

fn products(result: &ErpSyncResult) -> EntityCounts {
    result.report.summary.entities[&Entity::Products]
}

async fn remembered(erp: &ErpWorld) -> anyhow::Result<BTreeSet<String>> {
    let objects = erp.store.list(&format!("integrations/{}", erp.integration())).await?;
    Ok(objects.into_iter().map(|object| object.key).collect())
}

#[tokio::test]
async fn what_is_gone_is_taken_out_of_sale_once_and_the_shops_own_stays() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    let first = erp.sync(each_time()).await?.completed()?;
    assert_eq!((products(&first).created, products(&first).deactivated), (23, 0));
    assert_eq!(out_of_sale(&erp).await?, set(&[]), "what never came from this ERP is none of its business");
    delete(&erp, [3, 4]).await?;
    let before = erp.writes().await?;

    let second = erp.sync(each_time()).await?.completed()?;
    assert_eq!((products(&second).deactivated, products(&second).updated), (2, 0));
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000003", "ERP-000004"]));
    assert_eq!(erp.writes().await?, before + 2);
    let Rows::Inline(rows) = &second.report.details.products else { panic!("few rows are inline") };
    let said: Vec<_> =
        rows.iter().map(|row| (row.sku.as_deref(), row.action.as_str(), row.success)).collect();
    let wanted = [(Some("ERP-000003"), "deactivated", true), (Some("ERP-000004"), "deactivated", true)];
    assert_eq!(said, wanted);
    let validated = second.steps.step("validate-data").and_then(|step| step.detail.clone());
    assert_eq!(validated.as_deref(), Some("0 differ from the shop, 21 do not, 2 gone at the source"));
    let written = second.steps.step("sync-products").and_then(|step| step.detail.clone());
    assert_eq!(written.as_deref(), Some("0 created, 0 updated, 2 deactivated"));

    let third = erp.sync(each_time()).await?.completed()?;
    assert_eq!(products(&third).deactivated, 0);
    assert_eq!(erp.writes().await?, before + 2);
    erp.world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn what_comes_back_is_sold_again_and_what_a_person_took_out_is_not() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    erp.sync(daily()).await?.completed()?;
    delete(&erp, [5]).await?;
    let full = with(daily(), "full", json!(true));
    assert_eq!(products(&erp.sync(full.clone()).await?.completed()?).deactivated, 1);

    put(&erp, 5, 50_000).await?;
    let limits = json!({ "price_change_percent": 1_000_000 });
    let back = erp.sync(with(daily(), "limits", limits.clone())).await?.completed()?;
    assert_eq!((products(&back).updated, products(&back).deactivated), (1, 0));
    assert_eq!(out_of_sale(&erp).await?, set(&[]));

    // A person takes it out; the ERP changes it: it has no say in that.
    let url = format!("{}/api/v1/products/{}", erp.world.shop.url(), id(5));
    let body = json!({ "active": false }).to_string();
    let request = reqwest::Client::new().put(url).header("content-type", "application/json").body(body);
    request.send().await?.error_for_status()?;
    put(&erp, 5, 60_000).await?;
    let changed = erp.sync(with(daily(), "limits", limits)).await?.completed()?;
    assert_eq!(products(&changed).updated, 1);
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000005"]));
    // And a scan leaves alone what is there.
    assert_eq!(products(&erp.sync(full).await?.completed()?).deactivated, 0);
    Ok(())
}

/// Made and gone between two scans: no scan has ever seen its key.
#[tokio::test]
async fn what_no_scan_has_seen_is_missed_all_the_same() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    erp.sync(daily()).await?.completed()?;
    put(&erp, 99, 10_000).await?;
    assert_eq!(products(&erp.sync(daily()).await?.completed()?).created, 1);
    assert_eq!(erp.world.shop.requests("erp.keys").await?, 1, "not due: nobody looks");
    delete(&erp, [99]).await?;
    let last = erp.sync(with(daily(), "full", json!(true))).await?.completed()?;
    assert_eq!(products(&last).deactivated, 1);
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000099"]));
    Ok(())
}

#[tokio::test]
async fn nobody_looks_before_it_is_due_or_unless_asked() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    let usual = json!({ "sync_entities": ["products"] });
    erp.sync(with(usual.clone(), "full", json!(true))).await?.completed()?;
    assert_eq!(erp.world.shop.requests("erp.keys").await?, 0, "the default is to ignore");
    assert_eq!(remembered(&erp).await?, set(&[]));
    erp.sync(daily()).await?.completed()?;
    assert_eq!(erp.world.shop.requests("erp.keys").await?, 1);
    let state = erp.state().await?;
    let scanned_at = state["watermarks"]["products.scanned_at"].clone();
    assert!(scanned_at.is_string(), "{state}");
    delete(&erp, [1]).await?;
    let second = erp.sync(daily()).await?.completed()?;
    assert_eq!((erp.world.shop.requests("erp.keys").await?, products(&second).deactivated), (1, 0));
    assert_eq!(erp.state().await?["watermarks"]["products.scanned_at"], scanned_at);
    // A run that nobody told of it keeps what the others remember.
    erp.sync(usual).await?.completed()?;
    assert_eq!(erp.state().await?["watermarks"]["products.scanned_at"], scanned_at);
    Ok(())
}

#[tokio::test]
async fn an_erp_that_lists_nothing_does_not_empty_the_shop() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    erp.sync(each_time()).await?.completed()?;
    delete(&erp, 1..=20).await?;
    let before = (erp.writes().await?, remembered(&erp).await?, erp.state().await?["watermarks"].clone());
    let run = erp.start(each_time()).await?;
    run.asks().await?;
    assert!(run.decide(false, "the ERP is being repaired").await.is_ok());
    let result = run.ended().await?.completed()?;
    let wanted = "20 of the 23 products on sale that came from this ERP would be deactivated: it lists 3 now (limit 10 %)";
    assert_eq!(result.limits_exceeded, [wanted]);
    assert_eq!((result.success, products(&result).deactivated), (false, 0));
    let after = (erp.writes().await?, remembered(&erp).await?, erp.state().await?["watermarks"].clone());
    assert_eq!(after, before, "nothing was done, nothing was forgotten, and the next run looks again");

    let run = erp.start(each_time()).await?;
    run.asks().await?;
    assert!(run.decide(true, "they are gone").await.is_ok());
    let result = run.ended().await?.completed()?;
    assert_eq!((result.success, products(&result).deactivated), (true, 20));
    assert_eq!(out_of_sale(&erp).await?.len(), 20);
    // The keys of the three that are left, and a mark for each that is gone.
    assert_eq!(remembered(&erp).await?.len(), 21);
    Ok(())
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_taken_out_and_leaves_everything() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    erp.sync(each_time()).await?.completed()?;
    delete(&erp, [7]).await?;
    let before = (erp.writes().await?, remembered(&erp).await?, erp.state().await?);
    let dry = erp.sync(with(each_time(), "dry_run", json!(true))).await?.completed()?;
    assert_eq!(products(&dry).deactivated, 1);
    let Rows::Listed { count: 1, refs } = &dry.report.details.products else { panic!("one would go") };
    let list = erp.store.get(&refs[0]).await?;
    assert!(String::from_utf8_lossy(&list).contains("ERP-000007"));
    let said = dry.steps.step("sync-products").and_then(|step| step.detail.clone());
    assert_eq!(said.as_deref(), Some("0 would be written, 1 deactivated (dry run)"));
    assert_eq!((erp.writes().await?, remembered(&erp).await?, erp.state().await?), before);
    Ok(())
}

#[tokio::test]
async fn what_the_shop_refuses_is_tried_again_by_the_next_scan() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    erp.sync(each_time()).await?.completed()?;
    delete(&erp, [8, 9]).await?;
    let refused = json!([{ "operation": "products.update", "kind": "status", "status": 422, "count": 1 }]);
    erp.world.shop.faults(refused).await?;
    let first = erp.sync(each_time()).await?.completed()?;
    assert_eq!((products(&first).deactivated, products(&first).failed), (1, 1));
    assert_eq!(erp.store.list("quarantine").await?.len(), 0);
    let second = erp.sync(each_time()).await?.completed()?;
    assert_eq!((products(&second).deactivated, products(&second).failed), (1, 0));
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000008", "ERP-000009"]));
    Ok(())
}

#[tokio::test]
async fn a_worker_killed_while_it_takes_out_is_gone_on_from() -> anyhow::Result<()> {
    let erp = ErpWorld::without_worker().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 400, "inventory": false, "seed": 7 })).await?;
    let settings = erp.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut worker = erp.world.spawn_worker(&settings)?;
    erp.sync(each_time()).await?.completed()?;
    delete(&erp, 1..=300).await?;
    let before = erp.writes().await?;
    let slow = json!([{ "operation": "products.update", "kind": "latency", "latency_ms": 20 }]);
    erp.world.shop.faults(slow).await?;
    let config = with(each_time(), "limits", json!({ "deactivate_percent": 100 }));
    let run = erp.start(config).await?;
    let until = std::time::Instant::now() + tests::world::LIMIT;
    while erp.world.shop.requests("products.update").await? < 60 {
        anyhow::ensure!(std::time::Instant::now() < until, "nothing was taken out");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    worker.kill()?;
    let _second = erp.world.spawn_worker(&settings)?;
    let result = run.ended().await?.completed()?;
    assert_eq!((products(&result).deactivated, products(&result).failed), (300, 0));
    assert_eq!((erp.writes().await?, out_of_sale(&erp).await?.len()), (before + 300, 300));
    Ok(())
}

/// A read that is too long for one run: the keys are read once, when all of it is in the shop.
#[tokio::test]
async fn a_long_read_is_followed_by_one_scan() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 100, "inventory": false, "seed": 1 })).await?;
    erp.sync(each_time()).await?.completed()?;
    delete(&erp, [50]).await?;
    erp.world.shop.put("erp", json!({ "token_requests": 3, "page_max": 40 })).await?;
    let scans = erp.world.shop.requests("erp.keys").await?;
    let long = with(with(each_time(), "full", json!(true)), "batches_per_run", json!(1));
    let run = erp.start(with(long, "page_size", json!(2))).await?;
    let last = run.ended().await?.completed()?;
    assert!(!last.sync_id.contains(&run.run_id), "the run that ended is another one");
    assert_eq!(products(&last).deactivated, 1);
    // 102 keys, two a page; a token that has expired costs one more request each.
    let scans = erp.world.shop.requests("erp.keys").await? - scans;
    assert!((51..=51 + 26).contains(&scans), "{scans}");
    Ok(())
}

#[tokio::test]
async fn a_connector_that_lists_no_keys_is_refused_with_the_fix() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let folder = erp.folder().join("exports");
    fs::create_dir_all(&folder)?;
    let endpoint = format!("file://{}", folder.display());
    let credential = json!({ "endpoints": [endpoint], "connector": "files" });
    fs::write(erp.folder().join("secrets/files.json"), credential.to_string())?;
    let config = with(daily(), "erp_endpoint", json!(endpoint));
    let config = with(config, "credentials_ref", json!("file:files.json"));
    let (message, _) = erp.sync(config.clone()).await?.failed_as("ErpRefused")?;
    let wanted = "deletions.action cannot be deactivate: a folder of exports does not say everything that the ERP has; \
                  write ignore";
    assert!(message.contains(wanted), "{message}");
    erp.sync(with(config, "deletions", json!({ "action": "ignore" }))).await?.completed()?;
    Ok(())
}

/// A mark outlives neither a person who sells the product again, nor a person who takes it out while somebody is asked.
#[tokio::test]
async fn what_a_person_took_out_later_stays_out_whatever_was_noted_before() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    stocked(&erp).await?;
    let sell = async |is_sold: bool| -> anyhow::Result<()> {
        let url = format!("{}/api/v1/products/{}", erp.world.shop.url(), id(6));
        let body = json!({ "active": is_sold }).to_string();
        let request = reqwest::Client::new().put(url).header("content-type", "application/json").body(body);
        request.send().await?.error_for_status()?;
        Ok(())
    };
    erp.sync(each_time()).await?.completed()?;
    delete(&erp, [6]).await?;
    erp.sync(each_time()).await?.completed()?;
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000006"]));
    // It is sold again by hand, is back in the ERP, and is looked for; then a person takes it out.
    sell(true).await?;
    put(&erp, 6, 50_000).await?;
    let loose = || with(each_time(), "limits", json!({ "price_change_percent": 1_000_000 }));
    erp.sync(loose()).await?.completed()?;
    assert_eq!(out_of_sale(&erp).await?, set(&[]));
    sell(false).await?;
    put(&erp, 6, 60_000).await?;
    erp.sync(loose()).await?.completed()?;
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000006"]), "a person's decision");

    // Asked, and meanwhile a person takes out what is gone: no mark says that it was us.
    sell(true).await?;
    delete(&erp, [6]).await?;
    let run = erp.start(with(each_time(), "limits", json!({ "deactivate_percent": 0 }))).await?;
    run.asks().await?;
    sell(false).await?;
    run.decide(true, "looked at").await.map_err(anyhow::Error::msg)?;
    assert_eq!(products(&run.ended().await?.completed()?).deactivated, 0);
    put(&erp, 6, 60_000).await?;
    erp.sync(loose()).await?.completed()?;
    assert_eq!(out_of_sale(&erp).await?, set(&["ERP-000006"]), "a person's decision");
    Ok(())
}
