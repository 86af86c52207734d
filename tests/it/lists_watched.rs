//! A long list is watched: a bar on a terminal, lines elsewhere.

use anyhow::{Context as _, ensure};
use serde_json::json;
use tests::catalog::CatalogWorld;
use tests::matrix::{is, slow};
use tests::prices::{PriceWorld, dearer};
use tests::starter::{Called, on_terminal, starter};
use tests::world::World;

/// Watches a run on a terminal and in a pipe, at the same time.
async fn watched(world: &World, noun: &str, id: &str) -> anyhow::Result<(Called, Called)> {
    let args = [noun, "watch", id];
    let (terminal, pipe) = tokio::join!(on_terminal(world, &args), starter(world, &args, None));
    Ok((terminal?, pipe?))
}

/// A line that is drawn anew says how much is done, how fast it goes, and how long the rest takes.
fn has_bar(terminal: &Called, step: &str, of: &str) -> anyhow::Result<()> {
    let drawn: Vec<&str> = terminal.out.split("\r\u{1b}[2K").filter(|line| line.contains(step)).collect();
    let is_bar = |line: &&&str| line.contains(&format!("{step} [#")) && line.contains(of);
    let bars: Vec<&&str> = drawn.iter().filter(is_bar).collect();
    ensure!(bars.len() > 1, "no bar of {step} was drawn anew: {drawn:#?}");
    let is_whole = |bar: &&&str| bar.contains(" a second, ") && bar.contains(" left");
    ensure!(bars.iter().any(is_whole), "no speed, or no time that is left: {bars:#?}");
    Ok(())
}

fn has_lines(pipe: &Called, line: &str) -> anyhow::Result<()> {
    ensure!(pipe.err.contains(line), "{line:?} was not said: {}", pipe.err);
    ensure!(!pipe.err.contains(['\r', '\u{1b}']), "a line is drawn anew: {:?}", pipe.err);
    ensure!(!pipe.err.contains("[#") && !pipe.err.contains("[-"), "a bar: {}", pipe.err);
    Ok(())
}

#[tokio::test]
async fn prices_are_watched_by_a_bar_on_a_terminal_and_by_lines_elsewhere() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(2_400).await?;
    let rows = dearer(&world, 2_400).await?;
    // A thousand rows are told at a time: five batches.
    let pace = json!({ "batch_id": "watched", "batch_size": 200, "delay": "1s" });
    let run = world.start_listed(&rows, pace).await?;
    let (terminal, pipe) = watched(&world.erp.world, "prices", "watched").await?;
    is("exit codes", &(terminal.code, pipe.code), &(Some(0), Some(0))).context(terminal.out.clone())?;
    has_bar(&terminal, "process-batches", "of 2400")?;
    has_lines(&pipe, "process-batches running: 0 of 2400")?;
    is("applied", &run.ended().await?.completed()?.summary.applied, &2_400)
}

#[tokio::test]
async fn a_catalogue_is_watched_by_a_bar_on_a_terminal_and_by_lines_elsewhere() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    shop.world.shop.faults(json!([slow("products.create", 120)])).await?;
    let product =
        |row: u32| json!({ "sku": format!("S-{row}"), "name": format!("Product {row}"), "price": 1_000 });
    let mut products: Vec<_> = (1..=600).map(product).collect();
    // It cannot be made: it has no name.
    products[3] = json!({ "sku": "S-4", "price": 1_000 });
    let list = shop.folder().join("catalog.json");
    std::fs::write(&list, json!({ "products": products }).to_string())?;
    let store = shop.folder().join("store").display().to_string();
    let args = ["catalog", "setup", "--catalog-id", shop.catalog(), "--store", &store, "--input"];
    let started = starter(&shop.world, &[&args[..], &[&list.display().to_string()]].concat(), None).await?;
    is("started", &started.code, &Some(0)).context(started.err)?;
    let (terminal, pipe) = watched(&shop.world, "catalog", shop.catalog()).await?;
    is("exit codes", &(terminal.code, pipe.code), &(Some(7), Some(7))).context(terminal.out.clone())?;
    has_bar(&terminal, "create-products", "of 600, 1 failed")?;
    has_lines(&pipe, "create-products running: 1 of 600, 1 failed")
}
