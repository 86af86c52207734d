//! The ERP's password and its tokens stay in the worker: whatever happens, nothing that it writes anywhere has them.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::erp::{ErpWorld, PASSWORD, Sync};

/// The beginning of the sandbox's tokens; then come digits.
const TOKEN: &str = "erp_";

/// The texts that were written, by where.
type Written = BTreeMap<String, String>;

/// Whether a text holds the password, or something that is a token.
fn holds_a_secret(text: &str) -> bool {
    let is_token = |rest: &str| rest.len() > 9 && rest.bytes().take(10).all(|byte| byte.is_ascii_digit());
    text.contains(PASSWORD) || text.split(TOKEN).skip(1).any(is_token) || text.contains("Bearer ")
}

/// The run's history, and what its caller is told.
async fn keep(erp: &ErpWorld, written: &mut Written, run: &Sync<'_>) -> anyhow::Result<()> {
    let ended = run.ended().await?;
    written.insert(format!("the end of {}", run.run_id), format!("{ended:?}"));
    written.insert(format!("the history of {}", run.run_id), run.history_text().await?);
    written.insert(format!("the state after {}", run.run_id), erp.state().await?.to_string());
    Ok(())
}

#[tokio::test]
async fn no_password_and_no_token_is_in_a_log_or_anything_else_that_is_written() -> anyhow::Result<()> {
    let erp = ErpWorld::without_worker().await?;
    let log = erp.folder().join("worker.log");
    let _worker = erp.spawn_logging_worker(&["--log=debug", "--bulk-rate=1000"], &log)?;
    let mut written = Written::new();

    // Outages, tokens that expire, an answer of the log-in that cannot be read, a record that is wrong and one that is
    // refused.
    erp.world.shop.put("erp", json!({ "token_requests": 1 })).await?;
    erp.world
        .shop
        .faults(json!([
            { "operation": "erp.auth", "kind": "status", "count": 1 },
            { "operation": "erp.auth", "kind": "malformed", "count": 1 },
            { "operation": "erp.products", "kind": "reply_lost", "count": 1 },
            { "operation": "erp.inventory", "kind": "status", "status": 401, "count": 3 },
            { "operation": "erp.customers", "kind": "malformed", "count": 1 },
            { "operation": "customers.upsert", "kind": "status", "status": 422, "count": 1 }
        ]))
        .await?;
    let wrong = json!({ "item_code": "NEW-001", "item_description": "No price", "unit_price": "cheap" });
    erp.erp(json!([{ "entity": "products", "id": "P1", "fields": wrong }])).await?;
    let run = erp.start(json!({ "max_invalid": 1, "page_size": 2 })).await?;
    keep(&erp, &mut written, &run).await?;

    // The password is refused; the worker sends it to nobody else; and nobody answers.
    erp.world.shop.put("erp", json!({ "password": "another" })).await?;
    let run = erp.start(json!({})).await?;
    keep(&erp, &mut written, &run).await?;
    let elsewhere = format!("{}/elsewhere", erp.world.shop.url());
    let run = erp.start(json!({ "erp_endpoint": elsewhere })).await?;
    keep(&erp, &mut written, &run).await?;
    erp.world.shop.faults(json!([{ "operation": "erp.auth", "kind": "status", "status": 403 }])).await?;
    let run = erp.start(json!({})).await?;
    keep(&erp, &mut written, &run).await?;

    for object in erp.store.list("").await? {
        let content = erp.store.read(&object.key).await?.unwrap_or_default();
        written.insert(format!("the object {}", object.key), String::from_utf8_lossy(&content).into_owned());
    }
    let reports = format!("integrations/sync-reports?integration_id={}", erp.integration());
    written.insert("the shop's reports".to_owned(), erp.world.shop.ask(&reports, None).await?.to_string());
    written.insert("the log".to_owned(), std::fs::read_to_string(&log)?);

    is_complete(&erp, &written).await?;
    let leaks: Vec<&String> =
        written.iter().filter(|(_, text)| holds_a_secret(text)).map(|(place, _)| place).collect();
    ensure!(leaks.is_empty(), "a secret is in {leaks:?}");
    Ok(())
}

/// The search finds what is there, and everything was searched.
async fn is_complete(erp: &ErpWorld, written: &Written) -> anyhow::Result<()> {
    let has = |place: &str, text: &str| written.iter().any(|(p, t)| p.contains(place) && t.contains(text));
    for (place, text) in [
        ("the log", "DEBUG"),
        ("the history", "file:erp.json"),
        ("the end", "refuses user and password"),
        ("the end", "is not on the worker's list"),
        ("the state", "failed"),
        ("the object quarantine", "cheap"),
        ("the object quarantine", "@example.com"),
        ("the object runs", "ERP-DESK"),
        ("the object leases", "first_run_id"),
        ("the shop's reports", "products"),
    ] {
        ensure!(has(place, text), "{place} does not hold {text}");
    }
    erp.world.shop.put("erp", json!({ "password": PASSWORD, "token_requests": Value::Null })).await?;
    erp.world.shop.mend().await?;
    let log_in = json!({ "username": "api_user", "password": PASSWORD }).to_string();
    let request = reqwest::Client::new().post(format!("{}/erp/auth", erp.world.shop.url()));
    let answer = request.header("content-type", "application/json").body(log_in).send().await?.text().await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let token = answer["data"]["token"].as_str().context("no token")?;
    ensure!(holds_a_secret(&format!("with {token} in it")), "{token} would not be found");
    ensure!(holds_a_secret(&format!("with {PASSWORD} in it")), "the password would not be found");
    Ok(())
}
