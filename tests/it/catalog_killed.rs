//! A setup whose worker is killed at random moments leaves the shop as an undisturbed one does.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::CatalogWorld;
use tests::matrix::{is, slow};

/// As many rows as the shop lists on one page.
const ROWS: u32 = 60;
/// Longer than three times the time after which Temporal gives a worker up: one that is killed sooner never gets on.
const BETWEEN: Duration = Duration::from_millis(6_500);
const LIMIT: Duration = Duration::from_secs(240);

/// Rounds: the long suite has more of them.
fn rounds() -> usize {
    if std::env::var_os("SUNFLOW_TEST_ALL").is_some() { 10 } else { 2 }
}

/// A picture of one pixel, in a colour of its own.
fn picture(number: u32) -> Vec<u8> {
    let [_, a, b, c] = number.to_be_bytes();
    [&b"GIF89a\x01\0\x01\0\x80\0\0"[..], &[a, b, c], b"\xFF\xFF\xFF;"].concat()
}

async fn input(shop: &CatalogWorld) -> anyhow::Result<Value> {
    let (mut images, mut products) = (Vec::new(), Vec::new());
    for number in 1..=ROWS {
        let path = format!("{number}.gif");
        images.push(json!({ "file_path": path, "content": shop.keep(&picture(number)).await? }));
        products.push(json!({
            "sku": format!("S-{number}"), "name": format!("Product {number}"), "price": 1_000 + number,
            "category_name": "Inner", "images": [path], "initial_stock": number,
        }));
    }
    let rule = json!({ "name": "R", "type": "percentage", "value": 10,
        "conditions": { "category_names": ["Outer > Inner"] } });
    Ok(json!({
        "categories": [{ "name": "Outer" }, { "name": "Inner", "parent_name": "Outer" }],
        "images": images, "products": products, "pricing_rules": [rule],
    }))
}

/// A product is made, gets its stock and its text: each takes a while, so that a kill finds something half done.
async fn slow_down(shop: &CatalogWorld) -> anyhow::Result<()> {
    let slow = ["categories.create", "media.upload", "products.create", "inventory.create", "products.seo"]
        .map(|operation| slow(operation, 500));
    shop.world.shop.faults(json!(slow)).await
}

/// A pause of its own each time. A failing round says how long its pauses were.
fn random(most: Duration) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    most.mul_f64(f64::from(now.subsec_nanos() % 1_000_003) / 1_000_003.0)
}

#[tokio::test]
async fn a_setup_that_is_killed_again_and_again_leaves_what_an_undisturbed_one_leaves() -> anyhow::Result<()>
{
    let mut shop = CatalogWorld::without_worker("empty").await?;
    let mut worker = shop.spawn_worker(&[])?;
    let run = shop.start(&input(&shop).await?).await?;
    is("failed", &run.ended_within(LIMIT).await?.completed()?.failed_rows, &0)?;
    let (shelf, writes) = (shop.shelf_by_names().await?, shop.writes().await?);
    is("products", &shelf["products"].as_array().map(Vec::len), &Some(ROWS as usize))?;
    for round in 1..=rounds() {
        shop.renew("empty").await?;
        slow_down(&shop).await?;
        let run = shop.start(&input(&shop).await?).await?;
        shop.world.shop.requested("categories.create").await?;
        let mut pauses = Vec::new();
        for _ in 0..2 {
            let pause = BETWEEN + random(Duration::from_secs(3));
            pauses.push(pause);
            tokio::time::sleep(pause).await;
            worker.kill()?;
            worker = shop.spawn_worker(&[])?;
        }
        shop.world.shop.mend().await?;
        let told = || format!("round {round}, killed after {pauses:?}");
        let result = run.ended_within(LIMIT).await?.completed().with_context(told)?;
        is("failed", &result.failed_rows, &0).with_context(told)?;
        ensure!(result.execution_time > 13_000, "{}: it ended before it was killed", told());
        is("the shop", &shop.shelf_by_names().await?, &shelf).with_context(told)?;
        is("writes", &shop.writes().await?, &writes).with_context(told)?;
        shop.world.shop.clean().await.with_context(told)?;
    }
    worker.kill()
}
