//! The shop's side on the wire: lookups of many, writes of one. The endpoints are ours (the seed names methods, no
//! paths); products and their update are the platform's.

mod level;
mod look;
mod sale;

use std::collections::BTreeMap;
use std::str::FromStr;

use contracts::erp::{
    Entity, ProductRecord, Record, SaveReport, SaveState, ShopCounts, StagedRow, SyncState, SyncStatus, Write,
};
use contracts::values::{IdempotencyKey, IntegrationId};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::Existing;
use crate::http::wire::{Amount, amount};
use crate::http::{Api, CallError};

pub(in crate::erp) use look::Looked;

pub(super) struct Shop {
    api: Api,
}

#[derive(Serialize)]
struct WriteProduct<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    name: &'a str,
    price: Amount,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
}

#[derive(Serialize)]
struct WriteOrder<'a> {
    status: &'a str,
    total: Amount,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordered_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Made {
    #[serde(alias = "id")]
    product_id: String,
}

#[derive(Deserialize)]
struct ConfigBody {
    #[serde(default)]
    watermarks: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct StatisticsBody {
    levels_in_stock: u64,
}

/// Stands behind an entity's name in the shop's `watermarks` for the size of its last full read.
const FULL_COUNT: &str = ".full_count";
/// And for when what is gone was looked for.
const SCANNED_AT: &str = ".scanned_at";

impl Shop {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    /// A question whose answer is too long a question for a `GET`.
    pub(in crate::erp) async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        path: &[&str],
        body: &Value,
    ) -> Result<T, CallError> {
        self.api.send(Method::POST, path, None, body).await
    }

    /// Writes a row; returns the shop's id of a product.
    pub(super) async fn write(
        &self,
        key: &IdempotencyKey,
        row: &StagedRow,
    ) -> Result<Option<String>, CallError> {
        match (&row.record, &row.write) {
            (Record::Product(product), Write::Create) => self.create_product(key, product).await.map(Some),
            (Record::Product(product), Write::Update { id, .. }) => {
                let id = id.as_deref().unwrap_or(product.sku.as_str());
                self.update_product(key, id, product).await.map(Some)
            }
            (Record::Stock(stock), _) => self.write_level(key, stock).await.map(|()| None),
            (Record::Customer(customer), _) => {
                let body = json!({
                    "email": customer.email, "first_name": customer.first_name, "last_name": customer.last_name,
                    "phone": customer.phone,
                });
                self.put(&["customers", "external", &customer.external_id], key, &body).await
            }
            (Record::Order(order), _) => {
                let body = WriteOrder {
                    status: &order.status,
                    total: amount(order.total),
                    currency: order.total.currency().code(),
                    customer_external_id: order.customer_external_id.as_deref(),
                    ordered_at: order.ordered_at,
                };
                self.put(&["orders", "external", &order.external_id], key, &body).await
            }
        }
    }

    async fn put(
        &self,
        path: &[&str],
        key: &IdempotencyKey,
        body: &impl Serialize,
    ) -> Result<Option<String>, CallError> {
        self.api.send::<_, Value>(Method::PUT, path, Some(key), body).await.map(|_| None)
    }

    /// Creates a product. One that is there after all (made meanwhile, or by an attempt whose answer was lost at a shop
    /// that keeps no keys) is brought up to date instead.
    async fn create_product(
        &self,
        key: &IdempotencyKey,
        product: &ProductRecord,
    ) -> Result<String, CallError> {
        let body = WriteProduct { sku: Some(product.sku.as_str()), ..body(product) };
        let made: Result<Made, CallError> =
            self.api.send(Method::POST, &["products"], Some(key), &body).await;
        match made {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 409) => {
                let sku = product.sku.to_string();
                match self.products(std::slice::from_ref(&sku)).await?.remove(&sku) {
                    Some(Existing::Product { id, .. }) => {
                        self.update_product(&key.part("update"), &id, product).await
                    }
                    _ => Err(error),
                }
            }
            made => made.map(|made| made.product_id),
        }
    }

    async fn update_product(
        &self,
        key: &IdempotencyKey,
        id: &str,
        product: &ProductRecord,
    ) -> Result<String, CallError> {
        let made: Made = self.api.send(Method::PUT, &["products", id], Some(key), &body(product)).await?;
        Ok(made.product_id)
    }

    /// Counts what the shop has.
    pub(super) async fn counts(&self) -> Result<ShopCounts, CallError> {
        let found: StatisticsBody = self.api.get(&["inventory", "statistics"], &[]).await?;
        Ok(ShopCounts { levels_in_stock: found.levels_in_stock })
    }

    /// How far an integration is; one that the shop has never heard of is at its beginning.
    pub(super) async fn state(&self, integration: &IntegrationId) -> Result<SyncState, CallError> {
        let path = ["integrations", integration.as_str(), "config"];
        let found: Result<ConfigBody, CallError> = self.api.get(&path, &[]).await;
        let config = match found {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => {
                return Ok(SyncState::default());
            }
            found => found?,
        };
        let mut state = SyncState::default();
        for (name, value) in config.watermarks {
            let (name, kind) = name
                .split_once('.')
                .map_or((name.as_str(), ""), |(entity, _)| (entity, &name[entity.len()..]));
            let Some(entity) = Entity::from_name(name) else { continue };
            let is_read = match kind {
                FULL_COUNT => keep(&mut state.full_counts, entity, &value),
                SCANNED_AT => keep(&mut state.scanned_at, entity, &value),
                "" => keep(&mut state.watermarks, entity, &value),
                // A later version's.
                _ => true,
            };
            if !is_read {
                // A watermark that nobody can read is as good as missing: more is read again, nothing is lost.
                tracing::warn!(%integration, name, "a watermark of the shop cannot be read");
            }
        }
        Ok(state)
    }

    pub(super) async fn save_state(&self, save: &SaveState) -> Result<(), CallError> {
        let status = match save.status {
            SyncStatus::Success => "success",
            SyncStatus::Failed => "failed",
        };
        let mut body = json!({ "last_sync_status": status, "last_error": save.last_error });
        if let Some(state) = &save.state {
            let mut watermarks: BTreeMap<String, String> = BTreeMap::new();
            for (entity, watermark) in &state.watermarks {
                watermarks.insert(entity.name().to_owned(), watermark.to_string());
            }
            for (entity, count) in &state.full_counts {
                watermarks.insert(format!("{}{FULL_COUNT}", entity.name()), count.to_string());
            }
            for (entity, at) in &state.scanned_at {
                watermarks.insert(format!("{}{SCANNED_AT}", entity.name()), at.to_string());
            }
            // The oldest: before it everything is in the shop, whatever the entity.
            if let Some(oldest) = state.watermarks.values().min() {
                body["last_sync_timestamp"] = json!(oldest);
            }
            body["watermarks"] = json!(watermarks);
        }
        let path = ["integrations", save.integration_id.as_str(), "config"];
        self.api.send::<_, Value>(Method::PUT, &path, Some(&save.key), &body).await.map(drop)
    }

    /// A run has one report: one that is there already is this one, whose answer was lost at a shop that keeps no keys.
    pub(super) async fn save_report(&self, save: &SaveReport) -> Result<(), CallError> {
        let report = &save.report;
        let body = json!({
            "sync_id": report.sync_id, "integration_id": save.integration_id, "timestamp": report.timestamp,
            "duration": report.duration, "summary": report.summary, "details": report.details,
        });
        let path = ["integrations", "sync-reports"];
        match self.api.send::<_, Value>(Method::POST, &path, Some(&save.key), &body).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 409) => Ok(()),
            saved => saved.map(drop),
        }
    }
}

fn body(product: &ProductRecord) -> WriteProduct<'_> {
    WriteProduct {
        sku: None,
        name: &product.name,
        price: amount(product.price),
        currency: product.price.currency().code(),
        description: product.description.as_deref(),
        category: product.category.as_deref(),
        active: product.active,
    }
}

/// Whether a value of the shop's memory could be read.
fn keep<T: FromStr>(known: &mut BTreeMap<Entity, T>, entity: Entity, value: &str) -> bool {
    value.parse().map(|value| known.insert(entity, value)).is_ok()
}
