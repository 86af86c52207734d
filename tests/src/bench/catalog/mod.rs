//! The cost of a catalogue, and whether more rows cost more than time: products with a picture each, the starter that
//! reads them, the shipped worker and a shop, each as a process of its own, anew for each size.
//!
//! The file is set up twice: the first run makes everything, the second one finds everything as it should be. Beside
//! them a plain client makes as many products with the same requests in a shop of its own (`plain`), so that the
//! speed of the machine does not matter.

mod plain;
mod results;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::ensure;
use serde::Serialize;
use serde_json::{Value, json};
use temporalio_client::{UntypedWorkflow, WorkflowFetchHistoryOptions};
use tokio::process::Command;

use super::machine::{Machine, cpu_seconds, memory_of, peak_rss_kib, rss_kib};
use super::own_shop::{OwnShop, requests};
use crate::catalog::CatalogWorld;
use crate::processes::{Leashed, binary};
use crate::world::World;
use crate::{clear, servers};

pub use results::{Results, Size, Step};

/// The shipped worker's own settings, in place of those that short tests shorten.
const WORKER: [&str; 3] = ["--erp-patience=24h", "--heartbeat-timeout=10s", "--bulk-rate=100"];
/// Bytes of a picture, about as many as a small one has.
const PICTURE_BYTES: usize = 4_096;
/// The operations that make a product with its picture, its stock and its text.
const MAKING: [&str; 5] =
    ["media.upload", "products.create", "inventory.create", "products.seo", "products.update"];

/// How much to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Products of the files, in rising order; each size is compared with the one before it.
    pub sizes: Vec<u32>,
    /// Further settings of the workers.
    pub worker_settings: Vec<String>,
}

/// Measures.
pub async fn run(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::look()?;
    let mut sizes = Vec::new();
    for products in &options.sizes {
        let size = measure(*products, options).await?;
        eprintln!("{size}");
        sizes.push(size);
    }
    Ok(Results { machine, options: options.clone(), sizes })
}

/// A shop that gets the products, and its worker.
struct Bench {
    products: u32,
    world: CatalogWorld,
    worker: Leashed,
    input: PathBuf,
    images: PathBuf,
}

async fn measure(products: u32, options: &Options) -> anyhow::Result<Size> {
    let shop = OwnShop::open().await?;
    let world = World::with_shop(&servers::dev_server()?, shop.shop()).await?;
    let world = CatalogWorld::of(world)?;
    let (input, images) = (world.folder().join("catalog.json"), world.folder().join("images"));
    write_input(products, &input, &images)?;
    let plain_seconds = plain::measure(products, &images).await?;

    // A worker takes each setting once.
    let name_of = |setting: &str| setting.split('=').next().map(str::to_owned);
    let is_shipped = |setting: &str| WORKER.iter().any(|shipped| name_of(shipped) == name_of(setting));
    let own = world.settings();
    let settings: Vec<&str> = own
        .iter()
        .map(String::as_str)
        .filter(|setting| !is_shipped(setting))
        .chain(WORKER)
        .chain(options.worker_settings.iter().map(String::as_str))
        .collect();
    let worker = world.world.leashed_worker(&settings)?;
    world.world.is_polled().await?;
    let idle = rss_kib(worker.pid())?;
    let bench = Bench { products, world, worker, input, images };
    let first = bench.step("first").await?;
    let again = bench.step("again").await?;
    let pid = bench.worker.pid();
    Ok(Size {
        products,
        plain_seconds,
        steps: [first, again],
        idle_mib: idle / 1024.0,
        worker_mib: peak_rss_kib(pid)? / 1024.0,
    })
}

/// The name of a product's picture.
fn picture_name(number: u32) -> String {
    format!("{number}.gif")
}

/// A picture of one pixel in a colour of its own, with a remark that makes it as long as a small picture is.
fn picture(number: u32) -> Vec<u8> {
    let [_, a, b, c] = number.to_be_bytes();
    let mut bytes = [&b"GIF89a\x01\0\x01\0\x80\0\0"[..], &[a, b, c], b"\xFF\xFF\xFF\x21\xFE"].concat();
    while bytes.len() < PICTURE_BYTES {
        bytes.push(250);
        bytes.extend([b'.'; 250]);
    }
    bytes.extend(b"\0;");
    bytes
}

fn product(number: u32) -> Value {
    json!({
        "sku": format!("SKU-{number:06}"), "name": format!("Product {number}"), "price": 10_000 + number,
        "description": "Good for many years, and quiet under load.", "category_name": "Inner",
        "images": [picture_name(number)], "initial_stock": 10, "attributes": { "colour": "red", "size": "XL" },
    })
}

fn write_input(products: u32, input: &Path, images: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(images)?;
    for number in 1..=products {
        std::fs::write(images.join(picture_name(number)), picture(number))?;
    }
    let catalogue = json!({
        "categories": [{ "name": "Outer" }, { "name": "Inner", "parent_name": "Outer" }],
        "images": (1..=products).map(|number| json!({ "file_path": picture_name(number) })).collect::<Vec<_>>(),
        "products": (1..=products).map(product).collect::<Vec<_>>(),
    });
    Ok(std::fs::write(input, catalogue.to_string())?)
}

impl Bench {
    async fn step(&self, name: &'static str) -> anyhow::Result<Step> {
        let (shop, pid) = (&self.world.world.shop, self.worker.pid());
        let (asked, made, cpu) = (requests(shop).await?, self.made().await?, cpu_seconds(pid)?);
        let begun = Instant::now();
        let starter_kib = self.start().await?;
        let seconds = begun.elapsed().as_secs_f64();
        let (requests, worker_cpu) = (requests(shop).await? - asked, cpu_seconds(pid)? - cpu);
        let written: Vec<u64> =
            made.iter().zip(self.made().await?).map(|(before, after)| after - before).collect();
        let wanted = u64::from(if name == "first" { self.products } else { 0 });
        ensure!(written == [wanted; MAKING.len()], "{name}: {MAKING:?} were asked for {written:?} times");
        let id = format!("catalog/{}", self.world.catalog());
        let run = self.world.world.client.get_workflow_handle::<UntypedWorkflow>(id);
        let events = run.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
        let payloads: anyhow::Result<Vec<usize>> = events.iter().map(clear::largest_payload).collect();
        let step = Step {
            name,
            seconds,
            requests,
            events: events.len(),
            payload_bytes: payloads?.into_iter().max().unwrap_or_default(),
            worker_cpu,
            worker_mib: peak_rss_kib(pid)? / 1024.0,
            starter_mib: starter_kib / 1024.0,
        };
        eprintln!("{} products, {step}", self.products);
        Ok(step)
    }

    /// Requests of each operation so far that makes a part of a product.
    async fn made(&self) -> anyhow::Result<[u64; MAKING.len()]> {
        let counted = self.world.world.shop.get("requests").await?;
        Ok(MAKING.map(|operation| counted[operation].as_u64().unwrap_or_default()))
    }

    /// Runs the starter to its end; returns the most memory that it held, in KiB.
    async fn start(&self) -> anyhow::Result<f64> {
        let world = &self.world.world;
        let mut starter = Command::new(binary("starter")?);
        starter
            .args(["catalog", "setup", "--wait", "--catalog-id", self.world.catalog(), "--input"])
            .arg(&self.input)
            .arg("--images")
            .arg(&self.images)
            .args(["--store", self.world.store.place(), "--address", world.address()])
            .args(["--task-queue", &world.task_queue]);
        memory_of(starter).await
    }
}
