//! Products that are gone at the source. A change feed does not name them, so all keys are read now and then.
//!
//! Only products: a level that is gone is zero by the ERP's own word, and customers and orders are what happened.

use serde::{Deserialize, Serialize};

use super::{Entity, Source};
use crate::objects::ObjectRef;
use crate::values::{IdempotencyKey, IntegrationId};

/// Whose keys to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanKeys {
    /// The ERP, and the credential for it.
    pub source: Source,
    /// The kind of records.
    pub entity: Entity,
    /// Keys a page.
    pub page_size: u32,
    /// The mapping rules as JSON text: the shop's keys are made of the ERP's; `None`: they are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Where in the object store to put the lists.
    pub folder: String,
}

/// Keys as the shop writes them. They fill lists of JSON strings; what stands here are lists of those lists (JSON lines
/// of [`ObjectRef`]), so that a million keys fit into a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedKeys {
    /// Keys that the ERP has; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<ObjectRef>,
    /// Keys that came from this integration until now; `None`: none are remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<ObjectRef>,
    /// Records that the ERP has.
    pub count: u64,
    /// Those among them that have no key, or one that cannot be the shop's.
    pub without_key: u64,
}

/// A comparison of keys, one window of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindGone {
    /// The integration.
    pub integration_id: IntegrationId,
    /// The kind of records.
    pub entity: Entity,
    /// Keys that the ERP has, and keys that came from it.
    pub scanned: ScannedKeys,
    /// The key at which the part before ended; `None`: from the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Where to put the list of what is gone.
    pub folder: String,
}

/// One part of the shop's catalogue, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Gone products, as JSON lines of [`GoneProduct`]; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<ObjectRef>,
    /// How many are gone.
    pub gone: u64,
    /// Products on sale that came from this integration, those that are gone included.
    pub on_sale: u64,
    /// Where the next part begins; `None`: nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A product that is gone at the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneProduct {
    /// Its natural key.
    pub sku: String,
    /// The shop's id.
    pub product_id: String,
}

/// Products to take out of sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deactivate {
    /// Names the writes; each has `<key>/<product's key>`.
    pub key: IdempotencyKey,
    /// The integration.
    pub integration_id: IntegrationId,
    /// The kind of records.
    pub entity: Entity,
    /// JSON lines of [`GoneProduct`].
    pub batch: ObjectRef,
    /// Where to put the list of what was done, if it is long.
    pub folder: String,
}

/// Keys to remember until the next scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepKeys {
    /// The integration.
    pub integration_id: IntegrationId,
    /// The kind of records.
    pub entity: Entity,
    /// The keys that the scan found.
    pub scanned: ScannedKeys,
    /// Whether what was known before is forgotten. Not where the shop refused to take a product out of sale: the next
    /// scan has to miss it again.
    pub forget: bool,
}
