//! The fault matrix of a catalogue's setup: each call of each step under each fault leads to the same shop. A setup
//! that is ended by a row's refusal, or by a person, is in `catalog_rollback`.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES, SAMPLE, Setup};
use tests::matrix::{
    Cell, HERE, Opened, PASSING, Process, forbidden_twice, is, killed, put_off, refused_for_good, struck,
    struck_without_keys, under_way,
};
use tokio::sync::OnceCell;
use workflows::catalog_setup::CatalogSetup;

/// A call that only asks.
const fn question(step: &'static str, operation: &'static str) -> Cell<Setups> {
    Cell { step, operation, way: (), expected: 0, is_looked_up: false }
}

/// A call that has an effect, which lies under a natural key: it is looked up.
const fn write(step: &'static str, operation: &'static str) -> Cell<Setups> {
    Cell { is_looked_up: true, ..question(step, operation) }
}

const ROWS: [Cell<Setups>; 12] = [
    question("create-categories", "categories.list"),
    write("create-categories", "categories.create"),
    write("create-categories", "categories.update"),
    question("upload-images", "media.list"),
    write("upload-images", "media.upload"),
    question("create-products", "products.list"),
    write("create-products", "products.create"),
    write("create-products", "inventory.create"),
    question("setup-pricing-rules", "rules.name"),
    write("setup-pricing-rules", "rules.create"),
    question("generate-seo", "products.seo"),
    write("generate-seo", "products.update"),
];

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(ROWS, CatalogSetup);

struct Setups;

impl Process for Setups {
    type Place = CatalogWorld;
    type Run<'w> = Setup<'w>;
    type Way = ();
    /// Products that are made without their picture and get it by a change.
    type Expected = usize;

    async fn meet<'w>(world: &'w CatalogWorld, _: &Cell<Self>, faults: Value) -> anyhow::Result<Setup<'w>> {
        furnish(world).await?;
        world.world.shop.faults(faults).await?;
        start(world).await
    }

    async fn ends(world: &CatalogWorld, cell: &Cell<Self>, run: &Setup<'_>) -> anyhow::Result<()> {
        is("failed rows", &run.ended().await?.completed()?.failed_rows, &0)?;
        is_whole(world, cell).await
    }
}

/// An empty shop has one of the categories already, otherwise described.
async fn furnish(world: &CatalogWorld) -> anyhow::Result<()> {
    let category = json!({ "name": "Electronics", "slug": "electronics", "description": "Old words" });
    world.world.shop.ask("categories", Some(&category)).await.map(drop)
}

async fn start(world: &CatalogWorld) -> anyhow::Result<Setup<'_>> {
    let mut input: Value = serde_json::from_str(SAMPLE)?;
    let picture = std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?;
    input["images"][0]["content"] = world.keep(&picture).await?;
    world.start(&input).await
}

/// A shop after a setup that nothing disturbed, and what was written there.
async fn undisturbed() -> anyhow::Result<&'static (Value, BTreeMap<String, usize>)> {
    static UNDISTURBED: OnceCell<(Value, BTreeMap<String, usize>)> = OnceCell::const_new();
    let make = async || {
        let Opened { place, .. } = Opened::<CatalogWorld>::new(HERE).await?;
        furnish(&place).await?;
        start(&place).await?.ended().await?.completed()?;
        anyhow::Ok((place.shelf_by_names().await?, place.writes().await?))
    };
    UNDISTURBED.get_or_try_init(make).await
}

/// The shop is as if nothing had disturbed the run, and nothing was written twice.
async fn is_whole(world: &CatalogWorld, cell: &Cell<Setups>) -> anyhow::Result<()> {
    world.world.shop.mend().await?;
    let (shelf, mut writes) = undisturbed().await?.clone();
    is("the shop", &world.shelf_by_names().await?, &shelf)?;
    *writes.entry("products.update".to_owned()).or_default() += cell.expected;
    is("writes", &world.writes().await?, &writes)?;
    world.world.shop.clean().await.map(drop)
}

/// The next run, with nothing in its way, makes the shop whole.
async fn goes_on(world: &CatalogWorld, cell: &Cell<Setups>) -> anyhow::Result<()> {
    world.world.shop.mend().await?;
    Setups::ends(world, cell, &start(world).await?).await
}

/// Rows go by their natural keys, so a shop that ignores ours has each of them once all the same.
#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    struck_without_keys(ROWS, HERE, &PASSING).await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    killed(ROWS, &[]).await
}

/// A right that the token lacks is a setting: the run waits, and goes on when it is there.
#[tokio::test]
async fn each_call_forbidden_waits_for_the_right() -> anyhow::Result<()> {
    struck(ROWS, HERE, &[forbidden_twice]).await
}

/// A shop that asks to slow down for ever does not keep a cancelled run from ending.
#[tokio::test]
async fn each_call_cancelled_while_it_is_put_off() -> anyhow::Result<()> {
    under_way(ROWS, HERE, &[put_off], async |world, cell, run| {
        run.cancel("later").await.map_err(anyhow::Error::msg)?;
        is("outcome", &run.ended().await?.completed()?.outcome.as_str(), &"cancelled")?;
        goes_on(world, cell).await.context("the next run")
    })
    .await
}

/// A category that is refused ends the run, as products hang on it; another row costs itself.
#[tokio::test]
async fn each_write_refused() -> anyhow::Result<()> {
    let later = |cell: &Cell<Setups>| usize::from(cell.operation == "media.upload");
    let writes =
        ROWS.into_iter().filter(|cell| cell.is_looked_up).map(|cell| Cell { expected: later(&cell), ..cell });
    under_way(writes, HERE, &[refused_for_good], async |world, cell, run| {
        match cell.step {
            "create-categories" => drop(run.ended().await?.failed_as("RowsRefused")?),
            _ => ensure!(run.ended().await?.completed()?.failed_rows > 0, "no row failed"),
        }
        goes_on(world, cell).await.context("the next run")
    })
    .await
}
