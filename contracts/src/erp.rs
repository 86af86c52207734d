//! An ERP, and the shop's side of a sync with it.
//!
//! Lists never cross this border: they travel as references into the object store ([`crate::objects`]). Personal data
//! of customers and orders stays in there; what stands in a history are counts, keys and codes.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

mod deletions;
mod records;
mod refused;
mod report;
mod writes;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

pub use deletions::{Deactivate, FindGone, Gone, GoneProduct, KeepKeys, ScanKeys, ScannedKeys};
pub use records::{
    CustomerRecord, Entity, OrderRecord, ProductRecord, QuarantinedRow, Record, StagedRow, StockRecord, Write,
};
pub use refused::{KeepRefused, RefusedRow, StageRefused, StillRefused};
pub use report::{EntityCounts, RowOutcome, Rows, SyncDetails, SyncReport, SyncSummary};
pub use writes::{Applied, ApplyBatch, SaveReport, SaveState, SyncStatus};

use crate::objects::ObjectRef;
use crate::values::IntegrationId;

/// The activities of a sync.
pub struct Erp;

#[activity_definitions]
impl Erp {
    /// Takes the right to synchronise an integration, which one run has at a time: until it has closed.
    #[activity(name = "erp.take_lease")]
    pub fn take_lease(input: Lease) -> LeaseAnswer {
        unimplemented!()
    }

    /// Logs in to the ERP. The session stays in the worker.
    #[activity(name = "erp.authenticate")]
    pub fn authenticate(input: Source) -> Authentication {
        unimplemented!()
    }

    /// Reads what the shop knows of earlier syncs.
    #[activity(name = "erp.load_state")]
    pub fn load_state(input: IntegrationId) -> SyncState {
        unimplemented!()
    }

    /// Reads some pages from the ERP, maps, validates and compares them with the shop, and puts what is to be written
    /// into the object store. Writes nothing to the shop.
    #[activity(name = "erp.stage")]
    pub fn stage(input: StagePages) -> Staged {
        unimplemented!()
    }

    /// Compares what the shop refused in earlier runs with the shop, and stages what still differs.
    #[activity(name = "erp.stage_refused")]
    pub fn stage_refused(input: StageRefused) -> Staged {
        unimplemented!()
    }

    /// Remembers what the shop refused, so that the next runs try it again.
    #[activity(name = "erp.keep_refused")]
    pub fn keep_refused(input: KeepRefused) -> StillRefused {
        unimplemented!()
    }

    /// Counts what the shop has: the measure of the limits.
    #[activity(name = "erp.count_shop")]
    pub fn count_shop(input: IntegrationId) -> ShopCounts {
        unimplemented!()
    }

    /// Writes one staged batch to the shop. Each write has a key of its own and is repeated safely.
    #[activity(name = "erp.apply")]
    pub fn apply(input: ApplyBatch) -> Applied {
        unimplemented!()
    }

    /// Reads the keys of everything that the ERP has, and nothing else of it. Changes nothing.
    #[activity(name = "erp.scan_keys")]
    pub fn scan_keys(input: ScanKeys) -> ScannedKeys {
        unimplemented!()
    }

    /// Finds what the shop sells that came from this integration and that the ERP has no longer. Changes nothing.
    #[activity(name = "erp.find_gone")]
    pub fn find_gone(input: FindGone) -> Gone {
        unimplemented!()
    }

    /// Takes products out of the shop's sale that are gone at the source. Repeated safely.
    #[activity(name = "erp.deactivate")]
    pub fn deactivate(input: Deactivate) -> Applied {
        unimplemented!()
    }

    /// Remembers what a scan found, in place of what the ones before did.
    #[activity(name = "erp.keep_keys")]
    pub fn keep_keys(input: KeepKeys) {
        unimplemented!()
    }

    /// Writes to the shop how far the integration is.
    #[activity(name = "erp.save_state")]
    pub fn save_state(input: SaveState) {
        unimplemented!()
    }

    /// Saves the report of a run at the shop.
    #[activity(name = "erp.save_report")]
    pub fn save_report(input: SaveReport) {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::erp::*;
}

/// The right to synchronise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The integration that the lease is for.
    pub integration_id: IntegrationId,
    /// The workflow that asks for the lease.
    pub workflow_id: String,
    /// The first run of its chain.
    pub first_run_id: String,
}

/// Whether the right was free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lease", rename_all = "snake_case")]
pub enum LeaseAnswer {
    /// It is ours.
    Taken,
    /// Another run has it.
    HeldBy {
        /// Its workflow id.
        workflow_id: String,
    },
}

/// Where the data comes from. The credentials themselves stay in the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The shop's name of the integration.
    pub integration_id: IntegrationId,
    /// The ERP's address; must be on the worker's list for the credential.
    pub endpoint: String,
    /// Which credential: `env:NAME` or `file:name`.
    pub credentials_ref: String,
}

/// The ERP's answer to our credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "authentication", rename_all = "snake_case")]
pub enum Authentication {
    /// We are let in.
    Accepted {
        /// Which connector speaks to it, and where, for the report.
        connector: String,
        /// The moments of change that it gives to records.
        #[serde(default)]
        stamps: Stamps,
        /// Why it cannot list the keys of everything that there is; `None`: it can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_keys: Option<String>,
    },
    /// We are not, or the worker has no such credential.
    Refused {
        /// Why, and the fix; without a secret.
        reason: String,
    },
}

/// The moments of change that a connector gives to records: how far a read that has not come to its end has brought the
/// shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamps {
    /// The source's own, and pages come in their order: what was read is everything up to its newest change.
    #[default]
    InOrder,
    /// The source's own, and pages come in another order (by id): only a read that came to its end says how far it is.
    AnyOrder,
    /// The connector's own: when it claimed a file, which all records of the file share.
    Claims,
}

/// How far an integration is, as the shop remembers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// The newest change that is safely in the shop, by the source's own clock.
    #[serde(default)]
    pub watermarks: BTreeMap<Entity, Timestamp>,
    /// How many records the last full read found.
    #[serde(default)]
    pub full_counts: BTreeMap<Entity, u64>,
    /// When what is gone at the source was looked for last, by workflow time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scanned_at: BTreeMap<Entity, Timestamp>,
}

/// The fate of an ERP's field that no rule asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownFields {
    /// Nothing: an ERP has many.
    #[default]
    Ignore,
    /// Its name is in the report.
    Warn,
    /// The record is invalid.
    Stop,
}

/// Which pages to stage, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagePages {
    /// The ERP, and the credential for it.
    pub source: Source,
    /// The kind of records.
    pub entity: Entity,
    /// Changes since then, the lookback taken off already; `None`: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The watermark itself: up to here everything is in the shop. `None`: nothing is, or it is to be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Timestamp>,
    /// Where the pages before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Records a page.
    pub page_size: u32,
    /// Pages at most.
    pub pages: u32,
    /// The mapping rules as JSON text; `None`: names are the same on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// ISO-4217 code of amounts without one.
    pub currency: String,
    /// The fate of fields that no rule asks for.
    #[serde(default)]
    pub unknown_fields: UnknownFields,
    /// A change of price beyond this share, in percent of the old one, is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_change_percent: Option<u32>,
    /// Whether what was taken out of sale because it was gone at the source, and is read again, is sold again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub revive: bool,
    /// Whether nothing at all is to be changed, at the source either.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// By how many seconds a record's stamp may be ahead of the worker's clock and still be a moment of change. `None`:
    /// stamps are the connector's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead_seconds: Option<u64>,
    /// Where in the object store to put what is to be written.
    pub folder: String,
    /// Where to put what is invalid.
    pub quarantine: String,
}

/// The outcome of staging some pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// Records to write; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<ObjectRef>,
    /// Invalid records; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<ObjectRef>,
    /// Where to go on; `None`: nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether these records must be in the shop before it goes on there: the pages behind may change them once more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_cut: bool,
    /// The newest change seen, by the source's clock; records that are [ahead](StageCounts::ahead) left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// Whether a record came after one that had changed later: its pages are in no order of change after all.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_disordered: bool,
    /// Some of the records that are ahead, by their keys, with their stamps. No mail address is among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<String>,
    /// Counts of the records.
    pub counts: StageCounts,
    /// Causes of invalid records, without their values, and how often each was met.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub causes: BTreeMap<String, u64>,
    /// Why records were taken without one of their fields, and how often: a phone that is none costs the phone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, u64>,
    /// Each thing that was meant for the shop and could not be read, by its name, with what to do: a packed file, say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_lying: Vec<String>,
    /// Records that the shop refused in earlier runs, and that wait to be tried again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused_before: u64,
    /// The keys of those among them that these pages hold too, as a list of JSON strings; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<ObjectRef>,
    /// Fields that no rule asks for, when asked to warn of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_fields: Vec<String>,
    /// Rules that read a field which none of these records has, each in words. Of no record nothing can be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen_fields: Vec<String>,
}

/// Staged records in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageCounts {
    /// Read from the ERP.
    pub read: u64,
    /// The shop has it so already.
    pub unchanged: u64,
    /// The shop does not have it.
    pub to_create: u64,
    /// The shop has it otherwise.
    pub to_update: u64,
    /// Replaced by a later record of the same key in the same pages.
    pub superseded: u64,
    /// Cannot be mapped.
    pub unmapped: u64,
    /// Mapped, but not what the shop can take.
    pub invalid: u64,
    /// Prices that would become zero.
    pub prices_to_zero: u64,
    /// Prices that would change beyond the limit.
    pub prices_jump: u64,
    /// Levels that would fall to zero.
    pub levels_to_zero: u64,
    /// Stamped later than now and the lookback together, by the worker's clock: written, but no watermark moves there.
    pub ahead: u64,
}

impl StageCounts {
    /// Adds further pages.
    pub fn add(&mut self, more: &Self) {
        self.read += more.read;
        self.unchanged += more.unchanged;
        self.to_create += more.to_create;
        self.to_update += more.to_update;
        self.superseded += more.superseded;
        self.unmapped += more.unmapped;
        self.invalid += more.invalid;
        self.prices_to_zero += more.prices_to_zero;
        self.prices_jump += more.prices_jump;
        self.levels_to_zero += more.levels_to_zero;
        self.ahead += more.ahead;
    }

    /// Records that go to the quarantine.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.unmapped + self.invalid
    }

    /// Records that are to be written.
    #[must_use]
    pub fn to_write(&self) -> u64 {
        self.to_create + self.to_update
    }
}

/// Counts of what the shop has before a sync writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopCounts {
    /// Levels above zero.
    pub levels_in_stock: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !*value
}
