//! The fault matrix of a catalogue's setup: each call of each step under each fault leads to the same shop.
//!
//! A setup that a row's refusal ends, or a person, is in `catalog_rollback`.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES, SAMPLE};
use tests::matrix::{
    KILLS_SIDE_BY_SIDE, SIDE_BY_SIDE, column_in, down_twice, effected, garbled, is, put_off, rate_limited,
    refused, reply_held, reply_lost,
};
use tests::world::WorkerProcess;
use workflows::catalog_setup::CatalogSetup;

/// A call of a step.
#[derive(Clone, Copy)]
struct Row {
    step: &'static str,
    operation: &'static str,
}

const fn row(step: &'static str, operation: &'static str) -> Row {
    Row { step, operation }
}

const ROWS: [Row; 12] = [
    row("create-categories", "categories.list"),
    row("create-categories", "categories.create"),
    row("create-categories", "categories.update"),
    row("upload-images", "media.list"),
    row("upload-images", "media.upload"),
    row("create-products", "products.list"),
    row("create-products", "products.create"),
    row("create-products", "inventory.create"),
    row("setup-pricing-rules", "rules.name"),
    row("setup-pricing-rules", "rules.create"),
    row("generate-seo", "products.seo"),
    row("generate-seo", "products.update"),
];

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(ROWS, CatalogSetup);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.operation)
    }
}

/// A world, and what a setup that nothing disturbs makes of its shop.
struct Place {
    shop: CatalogWorld,
    worker: Option<WorkerProcess>,
    shelf: Value,
    writes: BTreeMap<String, usize>,
}

impl Place {
    async fn open() -> anyhow::Result<Self> {
        Self::of(CatalogWorld::new().await?, None).await
    }

    /// With a worker of its own, to be killed.
    async fn apart() -> anyhow::Result<Self> {
        let shop = CatalogWorld::without_worker("empty").await?;
        let worker = shop.spawn_worker(&[])?;
        Self::of(shop, Some(worker)).await
    }

    async fn of(shop: CatalogWorld, worker: Option<WorkerProcess>) -> anyhow::Result<Self> {
        let mut place = Self { shop, worker, shelf: Value::Null, writes: BTreeMap::new() };
        place.renew().await?;
        place.shop.start(&place.input().await?).await?.ended().await?.completed()?;
        (place.shelf, place.writes) = (place.shop.shelf_by_names().await?, place.shop.writes().await?);
        Ok(place)
    }

    /// A new shop that has one of the categories already, otherwise described.
    async fn renew(&mut self) -> anyhow::Result<()> {
        self.shop.renew("empty").await?;
        let category = json!({ "name": "Electronics", "slug": "electronics", "description": "Old words" });
        self.shop.world.shop.ask("categories", Some(&category)).await.map(drop)
    }

    async fn input(&self) -> anyhow::Result<Value> {
        let mut input: Value = serde_json::from_str(SAMPLE)?;
        let picture = std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?;
        input["images"][0]["content"] = self.shop.keep(&picture).await?;
        Ok(input)
    }

    /// The shop is as if nothing had disturbed the run, and nothing was written twice.
    async fn whole(&self) -> anyhow::Result<()> {
        is("the shop", &self.shop.shelf_by_names().await?, &self.shelf)?;
        is("writes", &self.shop.writes().await?, &self.writes)?;
        self.shop.world.shop.clean().await.map(drop)
    }
}

/// Rows go by their natural keys, so a shop that ignores ours has each of them once all the same.
#[tokio::test]
async fn each_call_down_then_rate_limited_then_lost_then_garbled() -> anyhow::Result<()> {
    column_in(ROWS, SIDE_BY_SIDE, Place::open, async |row, place| {
        place.renew().await?;
        let shop = &place.shop.world.shop;
        shop.put("switches", json!({ "dedupe": "off" })).await?;
        let faults = [down_twice, rate_limited, reply_lost, garbled].map(|fault| fault(row.operation));
        shop.faults(json!(faults)).await?;
        let run = place.shop.start(&place.input().await?).await?;
        let result = run.ended().await?.completed()?;
        is("failed rows", &result.failed_rows, &0)?;
        let met = shop.get("faults").await?;
        let met = met.as_array().context("the faults are no list")?;
        ensure!(met.iter().any(|fault| fault["hits"] != json!(0)), "no fault was met");
        shop.mend().await?;
        place.whole().await
    })
    .await
}

#[tokio::test]
async fn each_call_with_its_worker_killed() -> anyhow::Result<()> {
    column_in(ROWS, KILLS_SIDE_BY_SIDE, Place::apart, async |row, place| {
        place.renew().await?;
        place.shop.world.shop.faults(json!([reply_held(row.operation)])).await?;
        let run = place.shop.start(&place.input().await?).await?;
        effected(&place.shop.world, row.operation).await?;
        place.worker.as_mut().context("the worker is no process of its own")?.kill()?;
        place.shop.world.shop.mend().await?;
        place.worker = Some(place.shop.spawn_worker(&[])?);
        let result = run.ended().await?.completed()?;
        is("failed rows", &result.failed_rows, &0)?;
        place.whole().await
    })
    .await
}

/// A right that the token lacks is a setting: the run waits, and goes on when it is there.
#[tokio::test]
async fn each_call_forbidden_waits_for_the_right() -> anyhow::Result<()> {
    column_in(ROWS, SIDE_BY_SIDE, Place::open, async |row, place| {
        place.renew().await?;
        let shop = &place.shop.world.shop;
        let forbidden = json!({ "operation": row.operation, "kind": "status", "status": 403, "count": 2 });
        shop.faults(json!([forbidden])).await?;
        let run = place.shop.start(&place.input().await?).await?;
        let result = run.ended().await?.completed()?;
        is("failed rows", &result.failed_rows, &0)?;
        shop.mend().await?;
        place.whole().await
    })
    .await
}

/// A shop that asks to slow down for ever does not keep a cancelled run from ending.
#[tokio::test]
async fn each_call_cancelled_while_it_is_put_off() -> anyhow::Result<()> {
    column_in(ROWS, SIDE_BY_SIDE, Place::open, async |row, place| {
        place.renew().await?;
        let shop = &place.shop.world.shop;
        shop.faults(json!([put_off(row.operation)])).await?;
        let run = place.shop.start(&place.input().await?).await?;
        shop.requested(row.operation).await?;
        run.cancel("later").await.map_err(anyhow::Error::msg)?;
        let result = run.ended().await?.completed()?;
        is("outcome", &result.outcome.as_str(), &"cancelled")?;
        shop.mend().await?;
        let again = place.shop.start(&place.input().await?).await?.ended().await?.completed()?;
        is("failed rows of the next run", &again.failed_rows, &0)?;
        place.whole().await
    })
    .await
}

/// A category that is refused ends the run, as products hang on it; another row costs itself.
#[tokio::test]
async fn each_write_refused() -> anyhow::Result<()> {
    let writes = ROWS
        .into_iter()
        .filter(|row| ["create", "update", "upload"].iter().any(|verb| row.operation.ends_with(verb)));
    column_in(writes, SIDE_BY_SIDE, Place::open, async |row, place| {
        place.renew().await?;
        let shop = &place.shop.world.shop;
        shop.faults(json!([refused(row.operation, 422)])).await?;
        let run = place.shop.start(&place.input().await?).await?;
        let ended = run.ended().await?;
        match row.step {
            "create-categories" => drop(ended.failed_as("RowsRefused")?),
            _ => ensure!(ended.completed()?.failed_rows > 0, "no row failed"),
        }
        shop.mend().await?;
        let again = place.shop.start(&place.input().await?).await?.ended().await?.completed()?;
        is("failed rows of the next run", &again.failed_rows, &0)?;
        // A product that was made without its picture gets it by a change.
        let is_later = row.operation == "media.upload";
        *place.writes.entry("products.update".to_owned()).or_default() += usize::from(is_later);
        let whole = place.whole().await;
        *place.writes.entry("products.update".to_owned()).or_default() -= usize::from(is_later);
        whole
    })
    .await
}
