//! Syncs with a folder of exports.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use contracts::erp::Entity;
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::erp::ErpWorld;

struct Exports<'e> {
    erp: &'e ErpWorld,
    folder: PathBuf,
}

impl<'e> Exports<'e> {
    fn new(erp: &'e ErpWorld) -> anyhow::Result<Self> {
        let folder = erp.folder().join("exports");
        fs::create_dir_all(&folder)?;
        let endpoint = format!("file://{}", folder.display());
        let credential = json!({ "endpoints": [endpoint], "connector": "files",
            "options": { "quiet_seconds": 0, "delimiter": ";" } });
        fs::write(erp.folder().join("secrets/files.json"), credential.to_string())?;
        Ok(Self { erp, folder })
    }

    fn config(&self) -> Value {
        json!({
            "erp_endpoint": format!("file://{}", self.folder.display()),
            "credentials_ref": "file:files.json",
            "sync_entities": ["products", "inventory"],
            "mapping_rules": {
                "product_sku": "item", "product_name": "name",
                "product_price": { "from": "price", "thousands": ".", "decimal": "," },
            },
            "limits": { "price_change_percent": 1_000_000 },
        })
    }

    fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.join(name), content)?)
    }

    fn count(&self, folder: &str) -> anyhow::Result<usize> {
        let below =
            |entry: &Path| entry.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
        let entries: Result<Vec<_>, _> = fs::read_dir(self.folder.join(folder))?.collect();
        let is_file = |path: &Path| path.is_file() && below(path);
        Ok(entries?.iter().filter(|entry| is_file(&entry.path())).count())
    }

    async fn price(&self, sku: &str) -> anyhow::Result<Value> {
        let catalogue = self.erp.world.shop.get("catalog").await?;
        let products = catalogue.as_array().context("no list")?;
        let found = products.iter().find(|product| product["sku"] == sku);
        Ok(found.context("no such product")?["price"].clone())
    }
}

#[tokio::test]
async fn exports_come_into_the_shop_once_and_are_put_away_after() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let exports = Exports::new(&erp)?;
    exports.write("products-0300.csv", "item;name;price\nFILE-1;Áo dài;1.250.000\nFILE-2;Nón lá;90.000\n")?;
    exports.write("inventory-0300.jsonl", "{\"sku\":\"FILE-1\",\"quantity\":7,\"location\":\"HCM\"}\n")?;
    let first = erp.sync(exports.config()).await?.completed()?;
    assert_eq!((first.report.summary.products_created, first.report.summary.inventory_updated), (2, 1));
    assert_eq!((exports.count("claimed")?, exports.count("done")?), (2, 0));
    let written = erp.writes().await?;

    // A broken file ends the run by name, nothing of it is written, and what came with it is not lost.
    exports.write("products-0400.csv", "item;name;price\nFILE-1;Áo dài;1.300.000\n")?;
    exports.write("products-0401.csv", "item;name;price\nFILE-2;half")?;
    let (message, _) = erp.sync(exports.config()).await?.failed_as("StepFailed")?;
    assert!(message.contains("products-0401.csv") && message.contains("failed/"), "{message}");
    assert_eq!((erp.writes().await?, exports.count("failed")?), (written, 1));

    let third = erp.sync(exports.config()).await?.completed()?;
    assert_eq!(third.report.summary.products_updated, 1);
    assert_eq!(erp.writes().await?, written + 1);
    assert_eq!(exports.price("FILE-1").await?.to_string(), "1300000");
    let fourth = erp.sync(exports.config()).await?.completed()?;
    assert_eq!(fourth.report.summary.products_processed, 0);
    assert_eq!((exports.count("claimed")?, exports.count("done")?), (0, 3));
    Ok(())
}

/// X1 and E14: a value that is none costs its record, and is told with its place; a phone that is none costs the phone.
#[tokio::test]
async fn a_bad_value_costs_its_record_and_a_bad_phone_the_phone() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let exports = Exports::new(&erp)?;
    exports.write("products.csv", "item;name;price\nFILE-1;Áo dài;1.000\nFILE-2;Nón lá;#N/A\n")?;
    let customers = "external_id;email;first_name;phone\nC-1;an@example.com;An;+84901234567\nC-2;;Binh;\n\
                     C-3;chi@example.com, dung@example.com;Chi;\n\
                     C-4;em@example.com;Em;0123456789012345678901234567890123456789\n";
    exports.write("customers.csv", customers)?;
    exports.write("products-0500.csv.gz", "packed")?;
    let mut config = exports.config();
    config["sync_entities"] = json!(["products", "customers"]);
    config["max_invalid"] = json!(3);
    let result = erp.sync(config).await?.completed()?;
    let counts = |entity| {
        let counts = result.report.summary.entities[&entity];
        (counts.read, counts.created, counts.quarantined)
    };
    assert_eq!((counts(Entity::Products), counts(Entity::Customers)), ((2, 1, 1), (4, 2, 2)));
    let words = result.steps.step("transform-data").and_then(|step| step.detail.clone()).unwrap_or_default();
    assert!(
        words.contains("taken without a field: customer_phone is longer than 30 characters (1×)"),
        "{words}"
    );
    assert!(words.contains("files left lying: products-0500.csv.gz: it is packed"), "{words}");
    let mut causes = Vec::new();
    for listed in erp.store.list(&format!("quarantine/{}", erp.integration())).await? {
        let lines = erp.store.read(&listed.key).await?.context("it is listed")?;
        for line in String::from_utf8(lines)?.lines() {
            let row: Value = serde_json::from_str(line)?;
            causes.push(row["cause"].as_str().context("no cause")?.to_owned());
        }
    }
    causes.sort();
    let expected = [
        "customer_email holds more than one address",
        "customer_email is missing",
        "price shows #N/A in place of a value (byte 54)",
    ];
    assert_eq!(causes, expected);
    Ok(())
}

/// All records of a file changed when it was claimed, so a part of it says nothing of how far the shop is.
#[tokio::test]
async fn a_file_that_is_read_by_several_runs_is_lost_by_no_cancel_between_them() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let exports = Exports::new(&erp)?;
    let rows: String = (0..45).map(|n| format!("LONG-{n:02};Row {n};1.000\n")).collect();
    exports.write("products-0300.csv", &format!("item;name;price\n{rows}"))?;
    let mut config = exports.config();
    config["sync_entities"] = json!(["products"]);
    (config["page_size"], config["batches_per_run"]) = (json!(1), json!(1));
    let slow =
        json!([{ "operation": "integrations.report", "kind": "latency", "latency_ms": 1_000, "count": 1 }]);
    erp.world.shop.faults(slow).await?;
    let run = erp.start(config.clone()).await?;
    erp.world.shop.requested("integrations.report").await?;
    run.temporal_cancel().await?;
    let ended = run.ended().await?;
    anyhow::ensure!(matches!(ended, Ended::Canceled(_)), "the chain went on: {ended:?}");
    assert_eq!(erp.writes().await?, 20);
    erp.world.shop.mend().await?;
    // The last run of the chain settles the file, with what the ones before have read.
    erp.sync(config.clone()).await?.completed()?;
    assert_eq!(erp.writes().await?, 45);
    assert_eq!((exports.count("claimed")?, exports.count("done")?), (1, 0));
    erp.sync(config.clone()).await?.completed()?;
    assert_eq!((erp.writes().await?, exports.count("done")?), (45, 1));

    config["rewind"] = json!({ "entity": "products", "to": "2026-01-01T00:00:00Z" });
    let (message, _) = erp.sync(config).await?.failed_as("RewindRefused")?;
    assert!(message.contains("from done/ back into the folder"), "{message}");
    Ok(())
}

/// Twenty records are one part here. Files that one part does not hold are read by the same sync all the same, once
/// that part is written: a value that two files change one after the other ends as the later one says.
#[tokio::test]
async fn a_sync_reads_every_file_that_is_there() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let exports = Exports::new(&erp)?;
    for (file, price) in [(1, "1.000"), (2, "2.000"), (3, "1.000")] {
        let rows: String = (0..12).map(|n| format!("FILE-{n:02};Row {n};{price}\n")).collect();
        exports.write(&format!("products-{file}.csv"), &format!("item;name;price\n{rows}"))?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut config = exports.config();
    (config["sync_entities"], config["page_size"]) = (json!(["products"]), json!(1));
    let mut dry = config.clone();
    dry["dry_run"] = json!(true);
    let would = erp.sync(dry).await?.completed()?;
    assert_eq!(would.report.summary.products_processed, 36);
    assert_eq!((exports.count(".")?, erp.writes().await?), (3, 0), "a dry run claims nothing");
    erp.sync(config.clone()).await?.completed()?;
    assert_eq!(erp.writes().await?, 36);
    assert_eq!(exports.price("FILE-07").await?, 1_000);
    assert_eq!((exports.count("claimed")?, exports.count(".")?), (3, 0));
    exports.write("products-4.csv", "")?;
    let empty = erp.sync(config).await?.completed()?;
    assert_eq!(empty.report.summary.products_processed, 0);
    assert_eq!((exports.count("done")?, exports.count("failed")?), (3, 0));
    Ok(())
}

/// A slip in the rules, or a column that is exported no more: an optional field would be lost, and nobody told.
#[tokio::test]
async fn a_column_that_a_rule_reads_and_nobody_exports_costs_its_records() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let exports = Exports::new(&erp)?;
    exports.write("products.csv", "item;name;price\nFILE-1;Áo dài;1.000\n")?;
    let mut config = exports.config();
    config["mapping_rules"]["product_active"] = json!("aktiv");
    config["max_invalid"] = json!("none");
    let (message, _) = erp.sync(config.clone()).await?.failed_as("DataInvalid")?;
    assert!(message.contains("product_active is made of the column 'aktiv', and there is none"), "{message}");
    // JSON lines may leave out what they have nothing to say of.
    for entry in fs::read_dir(exports.folder.join("claimed"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            fs::remove_file(path)?;
        }
    }
    exports.write("products.jsonl", "{\"item\":\"FILE-1\",\"name\":\"Áo dài\",\"price\":1000}\n")?;
    let result = erp.sync(config).await?.completed()?;
    assert_eq!(result.report.summary.products_created, 1);
    Ok(())
}
