//! The report of a sync: the seed's, and the figures that it leaves out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Entity;
use crate::bulk;

/// The report of one run. The fields up to `details` are the seed's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncReport {
    /// The workflow id and run id: `erp/erp-001/<run id>`.
    pub sync_id: String,
    /// When it was made, by workflow time.
    pub timestamp: Timestamp,
    /// Milliseconds of workflow time since the start.
    pub duration: i64,
    /// The counts of every entity.
    pub summary: SyncSummary,
    /// Row by row.
    pub details: SyncDetails,
}

/// A run in figures: the seed's six, and every entity's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSummary {
    /// Products read from the ERP.
    pub products_processed: u64,
    /// Products the shop did not have.
    pub products_created: u64,
    /// Products the shop had otherwise.
    pub products_updated: u64,
    /// Products that the shop refused.
    pub products_failed: u64,
    /// Stock levels written.
    pub inventory_updated: u64,
    /// Stock levels that the shop refused.
    pub inventory_failed: u64,
    /// Every entity.
    #[serde(default)]
    pub entities: BTreeMap<Entity, EntityCounts>,
}

/// One entity in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityCounts {
    /// Read from the ERP.
    pub read: u64,
    /// Written anew; in a dry run: would be.
    pub created: u64,
    /// Changed; in a dry run: would be.
    pub updated: u64,
    /// Taken out of sale because they are gone at the source; in a dry run: would be.
    pub deactivated: u64,
    /// Already as they should be: no write.
    pub unchanged: u64,
    /// Refused by the shop; they are in the quarantine, too.
    pub failed: u64,
    /// Not written because they are invalid.
    pub quarantined: u64,
    /// Replaced by a later record of the same key.
    pub skipped: u64,
}

/// Row by row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncDetails {
    /// Products.
    pub products: Rows,
    /// Stock levels.
    pub inventory: Rows,
    /// Customers.
    pub customers: Rows,
    /// Orders.
    pub orders: Rows,
}

impl SyncDetails {
    /// The rows of an entity.
    pub fn of(&mut self, entity: Entity) -> &mut Rows {
        match entity {
            Entity::Products => &mut self.products,
            Entity::Inventory => &mut self.inventory,
            Entity::Customers => &mut self.customers,
            Entity::Orders => &mut self.orders,
        }
    }
}

/// Few rows as a list; many as a reference to lists in the object store.
pub type Rows = bulk::Rows<RowOutcome>;

/// The outcome of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// The product, where the record is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The ERP's number, where the record has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Where stock lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// How much of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// `created`, `updated`, `deactivated` or `failed`.
    pub action: String,
    /// Whether the shop took it.
    pub success: bool,
    /// The shop's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// The shop's code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
