//! Writes of a sync to the shop: batches, watermarks and the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entity, RowOutcome, SyncReport, SyncState, is_false, is_zero};
use crate::objects::ObjectRef;
use crate::values::{IdempotencyKey, IntegrationId};

/// A staged batch to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyBatch {
    /// Names the writes; each has `<key>/<record's key>`.
    pub key: IdempotencyKey,
    /// The integration.
    pub integration_id: IntegrationId,
    /// The kind of records.
    pub entity: Entity,
    /// The staged batch.
    pub batch: ObjectRef,
    /// Where to put the list of what was written, if it is long.
    pub folder: String,
    /// Where to put what the shop refuses.
    pub quarantine: String,
    /// Whether to note what came from this integration, so that a later scan can miss it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub note_keys: bool,
}

/// The outcome of writing a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Written anew.
    pub created: u64,
    /// Changed.
    pub updated: u64,
    /// Taken out of sale, because they are gone at the source.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deactivated: u64,
    /// Refused by the shop; they are in the quarantine.
    pub failed: u64,
    /// Every row, when there are few ([`INLINE_MAX`](crate::bulk::INLINE_MAX)); else none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowOutcome>,
    /// Every row, as JSON lines of [`RowOutcome`]: one list, however long.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ObjectRef>,
    /// Records that the shop refused, as JSON lines of [`QuarantinedRow`](super::QuarantinedRow).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<ObjectRef>,
    /// Why, and how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub causes: BTreeMap<String, u64>,
}

/// How a sync went, for whoever looks at the integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// It reached its end.
    Success,
    /// It did not.
    Failed,
}

/// How far an integration is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveState {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The integration.
    pub integration_id: IntegrationId,
    /// How it went.
    pub status: SyncStatus,
    /// Why it failed, without personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// How far it is: replaces what was remembered. `None` leaves that as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SyncState>,
}

/// A report to save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaveReport {
    /// Names this report.
    pub key: IdempotencyKey,
    /// The integration.
    pub integration_id: IntegrationId,
    /// The report.
    pub report: SyncReport,
}
