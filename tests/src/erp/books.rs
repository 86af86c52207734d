//! The ERP's records beside the shop's, one by one.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use contracts::erp::{Entity, QuarantinedRow};
use serde_json::{Value, json};
use store::Lines;

use super::ErpWorld;

/// The records of every entity as the shop should have them, by natural key.
pub type Books = BTreeMap<Entity, BTreeMap<String, Value>>;

/// How many records each entity has, in the order in which they are written.
pub type PerEntity = [usize; 4];

impl ErpWorld {
    /// The ERP's records in the shop's words, by the sample's mapping.
    pub async fn source(&self) -> anyhow::Result<Books> {
        let records = self.world.shop.get("erp/records").await?;
        let mut books: Books = Entity::ALL.map(|entity| (entity, BTreeMap::new())).into();
        for record in records.as_array().context("the ERP's records are no list")? {
            let entity = record["entity"].as_str().and_then(Entity::from_name).context("no entity")?;
            let fields = &record["fields"];
            let (key, row) = match entity {
                Entity::Products => (
                    fields["item_code"].clone(),
                    json!({ "name": fields["item_description"], "price": fields["unit_price"] }),
                ),
                Entity::Inventory => (level_key(fields), json!({ "quantity": fields["quantity"] })),
                Entity::Customers | Entity::Orders => {
                    (fields["external_id"].clone(), picked(fields, known(entity)))
                }
            };
            let key = key.as_str().context("a record without its key")?.to_owned();
            books.entry(entity).or_default().insert(key, row);
        }
        Ok(books)
    }

    /// The shop's side of these records.
    pub async fn in_shop(&self, source: &Books) -> anyhow::Result<Books> {
        let mut books = Books::new();
        let catalog = self.world.shop.get("catalog").await?;
        let (mut products, mut levels) = (BTreeMap::new(), BTreeMap::new());
        for product in catalog.as_array().context("the catalogue is no list")? {
            let sku = product["sku"].as_str().unwrap_or_default();
            for level in product["levels"].as_array().into_iter().flatten() {
                let key = format!("{sku}@{}", level["location"].as_str().unwrap_or_default());
                levels.insert(key, json!({ "quantity": level["quantity"] }));
            }
            products.insert(sku.to_owned(), json!({ "name": product["name"], "price": product["price"] }));
        }
        books.insert(Entity::Products, products);
        books.insert(Entity::Inventory, levels);
        for entity in [Entity::Customers, Entity::Orders] {
            let ids: Vec<&String> = source.get(&entity).into_iter().flat_map(BTreeMap::keys).collect();
            let found = match ids.as_slice() {
                [] => Vec::new(),
                ids => self.looked_up(entity, json!({ "external_ids": ids })).await?,
            };
            let row = |row: &Value| {
                let id = row["external_id"].as_str().unwrap_or_default().to_owned();
                (id, picked(row, known(entity)))
            };
            books.insert(entity, found.iter().map(row).collect());
        }
        Ok(books)
    }

    async fn looked_up(&self, entity: Entity, ask: Value) -> anyhow::Result<Vec<Value>> {
        let found = self.world.shop.ask(&format!("{}/lookup", entity.name()), Some(&ask)).await?;
        let rows = found[entity.name()].as_array();
        Ok(rows.with_context(|| format!("the shop's look-up answered {found}"))?.clone())
    }

    /// How many of the ERP's records the shop has exactly so.
    pub async fn alike(&self) -> anyhow::Result<PerEntity> {
        let source = self.source().await?;
        let shop = self.in_shop(&source).await?;
        Ok(Entity::ALL.map(|entity| {
            let (Some(source), Some(shop)) = (source.get(&entity), shop.get(&entity)) else { return 0 };
            source.iter().filter(|(key, row)| shop.get(*key) == Some(*row)).count()
        }))
    }

    /// Compares shop and ERP in full.
    pub async fn is_equal(&self) -> anyhow::Result<()> {
        let source = self.source().await?;
        let shop = self.in_shop(&source).await?;
        for (entity, records) in &source {
            for (key, row) in records {
                let there = shop.get(entity).and_then(|shop| shop.get(key));
                ensure!(there == Some(row), "{} {key}: the ERP has {row}, the shop {there:?}", entity.name());
            }
        }
        Ok(())
    }

    /// The rows in the integration's quarantine.
    pub async fn quarantined(&self) -> anyhow::Result<Vec<QuarantinedRow>> {
        let mut rows = Vec::new();
        for object in self.store.list(&format!("quarantine/{}", self.integration())).await? {
            rows.extend(Lines::read(&self.store, &object.key).await?.records::<QuarantinedRow>()?);
        }
        Ok(rows)
    }

    /// How many reports of syncs the shop has.
    pub async fn reports(&self) -> anyhow::Result<usize> {
        let list = format!("sync-reports?integration_id={}", self.integration());
        let found = self.world.shop.ask(&format!("integrations/{list}"), None).await?;
        Ok(found.as_array().with_context(|| format!("no list: {found}"))?.len())
    }
}

fn level_key(fields: &Value) -> Value {
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    json!(format!("{}@{}", text("sku"), text("location")))
}

/// The fields that both sides know of an entity that goes by the ERP's ids.
fn known(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Customers => &["email", "first_name", "last_name", "phone"],
        _ => &["status", "total", "customer_external_id", "ordered_at"],
    }
}

fn picked(row: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), row[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
