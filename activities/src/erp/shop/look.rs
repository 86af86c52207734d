//! The shop's records are looked up, many at once. One that cannot be read is told, and the others count.

use std::collections::{BTreeSet, HashMap};

use contracts::erp::{Entity, Record};
use contracts::money::{Currency, Money};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Shop;
use crate::erp::compare::Existing;
use crate::http::CallError;
use crate::http::wire::money;

/// The answer to a look-up.
#[derive(Debug, Default)]
pub(in crate::erp) struct Looked {
    /// The records that the shop has, by key.
    pub(in crate::erp) existing: HashMap<String, Existing>,
    /// Keys of records that it has and that cannot be read.
    pub(in crate::erp) odd: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Rows {
    #[serde(alias = "products", alias = "levels", alias = "customers", alias = "orders")]
    rows: Vec<Box<RawValue>>,
}

/// The names of a record of any kind.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    sku: Option<String>,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    external_id: Option<String>,
}

impl Named {
    fn key(self) -> Option<String> {
        match (self.sku, self.location, self.external_id) {
            (Some(sku), None, _) => Some(sku),
            (Some(sku), Some(location), _) => Some(format!("{sku}@{location}")),
            (None, _, external_id) => external_id,
        }
    }
}

#[derive(Deserialize)]
struct ProductBody {
    #[serde(alias = "id")]
    product_id: String,
    sku: String,
    name: String,
    price: Box<RawValue>,
    currency: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct LevelBody {
    sku: String,
    location: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct CustomerBody {
    external_id: String,
    email: String,
    first_name: String,
    last_name: String,
    #[serde(default)]
    phone: Option<String>,
}

#[derive(Deserialize)]
struct OrderBody {
    external_id: String,
    status: String,
    total: Box<RawValue>,
    currency: String,
    #[serde(default)]
    customer_external_id: Option<String>,
    #[serde(default)]
    ordered_at: Option<Timestamp>,
}

impl From<ProductBody> for (String, Existing) {
    fn from(body: ProductBody) -> Self {
        let price = read_money(&body.price, &body.currency);
        let ProductBody { product_id: id, sku, name, description, category, active, .. } = body;
        (sku, Existing::Product { id, name, price, description, category, active })
    }
}

impl From<LevelBody> for (String, Existing) {
    fn from(body: LevelBody) -> Self {
        (format!("{}@{}", body.sku, body.location), Existing::Level { quantity: body.quantity })
    }
}

impl From<CustomerBody> for (String, Existing) {
    fn from(body: CustomerBody) -> Self {
        let CustomerBody { external_id, email, first_name, last_name, phone } = body;
        (external_id, Existing::Customer { email, first_name, last_name, phone })
    }
}

impl From<OrderBody> for (String, Existing) {
    fn from(body: OrderBody) -> Self {
        let total = read_money(&body.total, &body.currency);
        let OrderBody { external_id, status, customer_external_id, ordered_at, .. } = body;
        (external_id, Existing::Order { status, total, customer_external_id, ordered_at })
    }
}

impl Shop {
    /// Those of these records that the shop has.
    pub(in crate::erp) async fn look_up(
        &self,
        entity: Entity,
        records: &[(Timestamp, Record)],
    ) -> Result<Looked, CallError> {
        let keys = || -> Vec<String> { records.iter().map(|(_, record)| record.key()).collect() };
        match entity {
            Entity::Products => self.look_up_products(&keys()).await,
            Entity::Inventory => {
                let item = |(_, record): &(Timestamp, Record)| match record {
                    Record::Stock(stock) => Some(json!({ "sku": stock.sku, "location": stock.location })),
                    _ => None,
                };
                let items: Vec<Value> = records.iter().filter_map(item).collect();
                self.rows::<LevelBody>("inventory", &json!({ "items": items })).await
            }
            Entity::Customers => {
                self.rows::<CustomerBody>("customers", &json!({ "external_ids": keys() })).await
            }
            Entity::Orders => self.rows::<OrderBody>("orders", &json!({ "external_ids": keys() })).await,
        }
    }

    /// Whether the shop answers look-ups of an entity at all: a refusal of other keys is about those keys then.
    pub(in crate::erp) async fn answers_look_ups(&self, entity: Entity) -> Result<bool, CallError> {
        let key = "SUNFLOW-PROBE";
        let asked = match entity {
            Entity::Products => json!({ "skus": [key] }),
            Entity::Inventory => json!({ "items": [{ "sku": key, "location": key }] }),
            Entity::Customers | Entity::Orders => json!({ "external_ids": [key] }),
        };
        match self.ask::<Value>(&[entity.name(), "lookup"], &asked).await {
            Err(CallError::Refused { .. }) => Ok(false),
            answered => answered.map(|_| true),
        }
    }

    pub(in crate::erp) async fn products(
        &self,
        skus: &[String],
    ) -> Result<HashMap<String, Existing>, CallError> {
        Ok(self.look_up_products(skus).await?.existing)
    }

    async fn look_up_products(&self, skus: &[String]) -> Result<Looked, CallError> {
        self.rows::<ProductBody>("products", &json!({ "skus": skus })).await
    }

    async fn rows<T>(&self, list: &str, asked: &Value) -> Result<Looked, CallError>
    where
        T: DeserializeOwned + Into<(String, Existing)>,
    {
        let Rows { rows } = self.ask(&[list, "lookup"], asked).await?;
        let unnamed = || self.api.unknown(format!("one of the {list} that it was asked for has no key"));
        read::<T>(&rows).ok_or_else(unnamed)
    }
}

/// Reads rows one by one; `None` when one of them cannot be read and does not say which it is.
fn read<T>(rows: &[Box<RawValue>]) -> Option<Looked>
where
    T: DeserializeOwned + Into<(String, Existing)>,
{
    let mut looked = Looked::default();
    for row in rows {
        match serde_json::from_str::<T>(row.get()) {
            Ok(body) => {
                let (key, existing) = body.into();
                looked.existing.insert(key, existing);
            }
            Err(_) => {
                let named: Named = serde_json::from_str(row.get()).ok()?;
                looked.odd.insert(named.key()?);
            }
        }
    }
    Some(looked)
}

fn read_money(json: &RawValue, currency: &str) -> Option<Money> {
    money(json, Currency::from_code(currency)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_levels(rows: &str) -> Option<Looked> {
        let Rows { rows } = serde_json::from_str(rows).expect("JSON");
        read::<LevelBody>(&rows)
    }

    /// A level that the shop has oversold stands below zero there.
    #[test]
    fn an_odd_record_of_the_shop_costs_itself() {
        let rows = r#"{"levels": [{"sku": "A", "location": "HCM", "quantity": 3},
            {"sku": "B", "location": "HCM", "quantity": -1}, {"sku": "C", "location": "HN", "quantity": null}]}"#;
        let looked = read_levels(rows).expect("each has a key");
        assert_eq!(looked.existing.get("A@HCM"), Some(&Existing::Level { quantity: 3 }));
        assert_eq!(looked.odd.into_iter().collect::<Vec<_>>(), ["B@HCM", "C@HN"]);
        assert!(read_levels(r#"{"levels": [{"quantity": -1}]}"#).is_none());
        let named = |json| serde_json::from_str::<Named>(json).expect("JSON").key();
        assert_eq!(named(r#"{"external_id": "7", "email": null}"#).as_deref(), Some("7"));
        assert_eq!(named(r#"{"sku": "A", "name": null}"#).as_deref(), Some("A"));
    }
}
