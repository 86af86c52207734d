//! The cursor test: whatever happens while syncs run, in the end the shop has what the ERP has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::shop::Shop;

/// Products that the writer changes.
const PRODUCTS: u64 = 40;
/// Syncs while it does.
const SYNCS: usize = 20;
/// How far the ERP's clocks are apart, and how late it may commit.
const SKEW: i64 = 300;

/// A random sequence that a seed repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Changes products until it is told to stop: several at one moment, stamped by clocks that are up to five minutes off.
async fn write(shop: &Shop, stop: &AtomicBool, mut dice: Dice) -> anyhow::Result<u64> {
    let mut changes = 0;
    while !stop.load(Ordering::Relaxed) {
        let skew = i64::try_from(dice.roll(2 * SKEW.unsigned_abs()))? - SKEW;
        let moment = Timestamp::now().checked_add(SignedDuration::from_secs(skew))?;
        let records: Vec<Value> = (0..=dice.roll(5))
            .map(|_| {
                let n = dice.roll(PRODUCTS);
                changes += 1;
                json!({ "entity": "products", "id": format!("C{n}"), "updated_at": moment, "fields": {
                    "item_code": format!("CUR-{n:03}"), "item_description": format!("Change {changes}"),
                    "unit_price": 1_000 + dice.roll(200) } })
            })
            .collect();
        // Of one id named twice in a request the sandbox keeps the later, as a database would.
        shop.put("erp/records", json!(records)).await?;
        tokio::time::sleep(Duration::from_millis(5 + dice.roll(30))).await;
    }
    Ok(changes)
}

/// Name and price by SKU.
type Catalogue = BTreeMap<String, (String, String)>;

fn catalogue(rows: &Value, sku: &str, name: &str, price: &str) -> anyhow::Result<Catalogue> {
    let rows = rows.as_array().context("no list")?;
    let row = |row: &Value| {
        let text = |path: &str| row.pointer(path).map(Value::to_string).unwrap_or_default();
        (text(sku), (text(name), text(price)))
    };
    Ok(rows.iter().map(row).filter(|(sku, _)| sku.contains("CUR-")).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_all_the_time_is_never_lost() -> anyhow::Result<()> {
    let erp = ErpWorld::without_worker().await?;
    let settings = erp.settings();
    let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    settings.push("--bulk-rate=1000");
    let mut worker = erp.world.spawn_worker(&settings)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (shop, told) = (Shop::at(&erp.world.shop.url()), stop.clone());
    let writer = tokio::spawn(async move { write(&shop, &told, Dice(0x5EED)).await });
    let mut dice = Dice(0xD1CE);
    // Pages of three, so that moments with several records lie across the edges.
    let config = json!({ "sync_entities": ["products"], "page_size": 3, "lookback": "15m",
        "limits": { "price_change_percent": 1_000_000 } });
    for n in 0..SYNCS {
        let run = erp.start(config.clone()).await?;
        if n % 5 == 4 {
            tokio::time::sleep(Duration::from_millis(dice.roll(400))).await;
            worker.kill()?;
            worker = erp.world.spawn_worker(&settings)?;
        }
        run.ended().await?.completed()?;
    }
    stop.store(true, Ordering::Relaxed);
    let changes = writer.await??;
    anyhow::ensure!(changes > 100, "the writer wrote too little to prove anything: {changes}");
    erp.sync(config).await?.completed()?;
    let source = erp.world.shop.get("erp/records?entity=products").await?;
    let shop = erp.world.shop.get("catalog").await?;
    let source = catalogue(&source, "/fields/item_code", "/fields/item_description", "/fields/unit_price")?;
    let shop = catalogue(&shop, "/sku", "/name", "/price")?;
    assert_eq!(source.len(), usize::try_from(PRODUCTS)?, "every product was changed at least once");
    assert_eq!(shop, source, "nothing is missing, nothing is stale");
    drop(worker);
    Ok(())
}
