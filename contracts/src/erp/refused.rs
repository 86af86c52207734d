//! Records that the shop refused. The watermark has passed them, so nothing would read them again by itself: they are
//! kept, and the next runs try them again until they are taken or the ERP sends something newer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entity, Record};
use crate::objects::ObjectRef;
use crate::values::IntegrationId;

/// A record that the shop refused: one line of the list in `integrations/<integration>/<entity>/refused/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The record as the shop is to have it.
    pub record: Record,
    /// When the ERP changed it, by its own clock.
    pub changed_at: Timestamp,
    /// Why it was refused last.
    pub cause: String,
    /// How often it was refused.
    pub attempts: u32,
    /// When it was refused first, by workflow time.
    pub since: Timestamp,
    /// When it was refused last, by workflow time.
    pub tried_at: Timestamp,
    /// The run that it was refused in last.
    pub run: String,
}

/// Refused records to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRefused {
    /// The integration.
    pub integration_id: IntegrationId,
    /// The kind of records.
    pub entity: Entity,
    /// Keys that this run has read again: lists of JSON strings. The value read is newer.
    pub again: Vec<ObjectRef>,
    /// A change of price beyond this share, in percent of the old one, is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_change_percent: Option<u32>,
    /// Where in the object store to put what is to be written.
    pub folder: String,
}

/// The refused records of an entity once a run has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepRefused {
    /// The integration.
    pub integration_id: IntegrationId,
    /// The kind of records.
    pub entity: Entity,
    /// Keys that were read again or tried again: lists of JSON strings. They are dropped from the list.
    pub settled: Vec<ObjectRef>,
    /// Records that this run has seen refused, as JSON lines of [`QuarantinedRow`](super::QuarantinedRow).
    pub refused: Vec<ObjectRef>,
    /// This run.
    pub run: String,
    /// Now, by workflow time.
    pub at: Timestamp,
}

/// The records that wait to be tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillRefused {
    /// How many.
    pub count: u64,
    /// When the oldest of them was refused first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How often the one that was tried most often was refused.
    #[serde(default)]
    pub attempts: u32,
}
