//! The connector `tryton` against Tryton itself, seeded with 500 products, their stock, and customers.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use contracts::erp::Entity;
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::processes::{Leashed, free_port, tool};

const PRODUCTS: usize = 500;
const CUSTOMERS: usize = 20;
/// Making the database is a minute of work, more beside other tests.
const DATABASE: Duration = Duration::from_secs(600);

struct Tryton {
    endpoint: String,
    http: reqwest::Client,
    _process: Leashed,
}

impl Tryton {
    async fn start(erp: &ErpWorld) -> anyhow::Result<Self> {
        let program = tool("SUNFLOW_TRYTON").context("only `cargo xtask test --all` installs Tryton")?;
        let folder = erp.folder().join("tryton");
        fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let number = |name: &str, value: usize| [name.to_owned(), value.to_string()];
        let mut arguments = vec!["--folder".to_owned(), folder.display().to_string()];
        arguments.extend(number("--port", port.into()));
        arguments.extend(number("--products", PRODUCTS));
        arguments.extend(number("--customers", CUSTOMERS));
        let log = folder.join("log");
        let process = Leashed::start_logging(&program, &arguments, &log)?;
        let endpoint = format!("http://127.0.0.1:{port}/shop");
        let tryton = Self { endpoint, http: reqwest::Client::new(), _process: process };
        let until = Instant::now() + DATABASE;
        while let Err(error) = tryton.call("model.product.product.search_count", json!([[], {}])).await {
            if Instant::now() > until {
                let said = fs::read_to_string(&log).unwrap_or_default();
                bail!("Tryton does not answer: {error}\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(tryton)
    }

    async fn call(&self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        let body = json!({ "id": 1, "method": method, "params": parameters }).to_string();
        let request = self.http.post(format!("{}/rpc/", self.endpoint)).basic_auth("admin", Some("admin"));
        let request = request.header("content-type", "application/json").body(body);
        let answer: Value = serde_json::from_str(&request.send().await?.text().await?)?;
        anyhow::ensure!(answer["error"].is_null(), "{method}: {answer}");
        Ok(answer["result"].clone())
    }

    /// Price and stock by code, as Tryton has them.
    async fn products(&self, store: i64) -> anyhow::Result<Catalogue> {
        let rows = self
            .call("model.product.product.search_read", json!([
                [], 0, null, null, ["code", "list_price_used", "quantity"], { "company": 1, "locations": [store] },
            ]))
            .await?;
        let rows = rows.as_array().context("no list")?;
        let product = |row: &Value| {
            let price = row["list_price_used"]["decimal"].as_str()?.to_owned();
            Some((row["code"].as_str()?.to_owned(), (price, row["quantity"].as_f64()?.to_string())))
        };
        rows.iter().map(product).collect::<Option<Catalogue>>().context("a product of another shape")
    }

    async fn store(&self) -> anyhow::Result<i64> {
        let found = self.call("model.stock.location.search", json!([[["code", "=", "STO"]], 0, 1, null, {}]));
        found.await?[0].as_i64().context("no storage location")
    }
}

/// Price and stock by SKU.
type Catalogue = BTreeMap<String, (String, String)>;

async fn shop(erp: &ErpWorld) -> anyhow::Result<Catalogue> {
    let rows = erp.world.shop.get("catalog").await?;
    let rows = rows.as_array().context("no list")?;
    let product = |row: &Value| {
        let sku = row["sku"].as_str()?.to_owned();
        let levels = row["levels"].as_array()?;
        let stock = levels.iter().find(|level| level["location"] == "STO");
        Some((sku, (row["price"].to_string(), stock.map(|level| level["quantity"].to_string())?)))
    };
    Ok(rows.iter().filter_map(product).filter(|(sku, _)| sku.starts_with("TRY-")).collect())
}

fn config(tryton: &Tryton) -> Value {
    json!({
        "erp_endpoint": tryton.endpoint, "credentials_ref": "file:tryton.json",
        "sync_entities": ["products", "inventory", "customers"],
        "mapping_rules": {
            "product_sku": "code", "product_name": "name", "product_price": "list_price", "product_active": "active",
            "inventory_sku": "code", "inventory_quantity": "quantity", "inventory_location": "location",
            "customer_external_id": "party_code", "customer_email": "email", "customer_first_name": "first_name",
            "customer_last_name": "last_name",
        },
        "lookback": "1s", "page_size": 200,
    })
}

#[tokio::test]
async fn the_shop_becomes_what_tryton_is_and_follows_it() -> anyhow::Result<()> {
    // A page of products is seconds of work to this ERP where others use the machine, too; so the worker is one of its
    // own, with the time that a shop's worker would have.
    let erp = ErpWorld::without_worker().await?;
    let settings =
        [erp.settings(), ["--ecommerce-api-timeout=30000", "--erp-patience=10m"].map(String::from).to_vec()]
            .concat();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let _worker = erp.world.spawn_worker(&settings)?;
    let tryton = Tryton::start(&erp).await?;
    let credential = json!({ "username": "admin", "password": "admin", "endpoints": [tryton.endpoint],
        "connector": "tryton", "options": { "locations": ["STO"] } });
    fs::write(erp.folder().join("secrets/tryton.json"), credential.to_string())?;
    let config = config(&tryton);
    let store = tryton.store().await?;

    let first = erp.sync(config.clone()).await?.completed()?.report.summary;
    assert_eq!((first.products_created, first.inventory_updated), (500, 500));
    assert_eq!(first.entities[&Entity::Customers].created, 20);
    assert_eq!(shop(&erp).await?, tryton.products(store).await?);
    let written = erp.writes().await?;
    erp.sync(config.clone()).await?.completed()?;
    assert_eq!(erp.writes().await?, written, "what is the same costs no write");

    // A price, which is the template's; a stock move, which touches no product; a party.
    let price = json!({ "__class__": "Decimal", "decimal": "1100" });
    tryton
        .call("model.product.template.write", json!([[2], { "list_price": price }, { "company": 1 }]))
        .await?;
    let lines = json!([["create", [{ "product": 3, "quantity": 42.0 }]]]);
    let counted = json!([[{ "location": store, "lines": lines }], { "company": 1 }]);
    let counted = tryton.call("model.stock.inventory.create", counted).await?;
    tryton.call("model.stock.inventory.confirm", json!([counted, { "company": 1 }])).await?;
    let mail = json!([["create", [{ "type": "email", "value": "moi@example.vn" }]]]);
    let party = json!([[{ "name": "Pham Van Moi", "contact_mechanisms": mail }], {}]);
    tryton.call("model.party.party.create", party).await?;

    let second = erp.sync(config.clone()).await?.completed()?.report.summary;
    assert_eq!((second.products_updated, second.inventory_updated), (1, 1));
    assert_eq!(second.entities[&Entity::Customers].created, 1);
    assert_eq!(erp.writes().await?, written + 3);
    let now = shop(&erp).await?;
    assert_eq!(now, tryton.products(store).await?);
    assert!(now.values().any(|(price, _)| price == "1100") && now.values().any(|(_, stock)| stock == "42"));
    let customers = erp.world.shop.get("customers").await?.to_string();
    assert!(customers.contains("moi@example.vn") && customers.contains("lan19@example.vn"));
    erp.sync(config.clone()).await?.completed()?;
    assert_eq!(erp.writes().await?, written + 3);
    what_is_deleted_is_taken_out(&erp, &tryton, config).await
}

/// Three pages of codes; of two products more, one is deleted and one only inactive.
async fn what_is_deleted_is_taken_out(
    erp: &ErpWorld,
    tryton: &Tryton,
    mut config: Value,
) -> anyhow::Result<()> {
    config["deletions"] = json!({ "action": "deactivate" });
    config["full"] = json!(true);
    config["mapping_rules"].as_object_mut().context("rules")?.remove("product_active");
    let context = json!({ "company": 1 });
    let like = tryton.call("model.product.template.read", json!([[2], ["default_uom"], context])).await?;
    let template = |code: &str| {
        let products = json!([["create", [{}]]]);
        json!({ "name": code, "code": code, "type": "goods", "default_uom": like[0]["default_uom"], "products": products,
            "list_price": { "__class__": "Decimal", "decimal": "5" } })
    };
    let made = json!([[template("TRY-GONE"), template("TRY-ASLEEP")], context]);
    let made = tryton.call("model.product.template.create", made).await?;
    erp.sync(config.clone()).await?.completed()?;
    tryton.call("model.product.template.delete", json!([[made[0]], context])).await?;
    tryton.call("model.product.template.write", json!([[made[1]], { "active": false }, context])).await?;
    let last = erp.sync(config).await?.completed()?.report.summary;
    assert_eq!(last.entities[&Entity::Products].deactivated, 1);
    let catalog = erp.world.shop.get("catalog").await?;
    let active = |sku: &str| {
        let row = catalog.as_array().into_iter().flatten().find(|row| row["sku"] == sku);
        row.map(|row| row["active"] == true)
    };
    assert_eq!((active("TRY-GONE"), active("TRY-ASLEEP")), (Some(false), Some(true)));
    Ok(())
}
