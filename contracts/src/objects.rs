//! Claim checks: what stands in a history in place of a list that can grow; and who clears up after them.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

/// The activities of the object store.
pub struct Objects;

#[activity_definitions]
impl Objects {
    /// Looks for an object that somebody else has put there.
    #[activity(name = "objects.see_probe")]
    pub fn see_probe(input: ObjectRef) -> Sight {
        unimplemented!()
    }

    /// Removes the objects of runs that closed long enough ago, and lists of the quarantine that nobody came for.
    #[activity(name = "objects.clean_up")]
    pub fn clean_up(input: CleanUp) -> CleanedUp {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::objects::*;
}

/// A thing in the object store (crate `store`). Its content never changes: the key is made of its hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Where it is, relative to the store's root: `runs/erp/erp-001/<run id>/<hash>.jsonl`.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in hex; compared when it is read.
    pub sha256: String,
}

/// A part of a list that is too long for one object: a line of the list of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPart {
    /// Its rows, as JSON lines.
    pub list: ObjectRef,
    /// How many.
    pub rows: u64,
}

/// How old objects have to be before they are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanUp {
    /// Days from the end of a run to the end of its objects.
    pub keep_days: u32,
    /// Days that a list waits in the quarantine.
    #[serde(default = "quarter")]
    pub keep_quarantine_days: u32,
}

/// Counts of a clean-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanedUp {
    /// Runs whose objects are gone now.
    pub runs: u64,
    /// Objects removed.
    pub objects: u64,
    /// Runs that are kept for now.
    pub kept: u64,
    /// Lists of the quarantine that are gone now.
    #[serde(default)]
    pub quarantined: u64,
    /// Price runs that can no longer be reverted: their before-images and outcomes are gone now.
    #[serde(default)]
    pub price_runs: u64,
}

/// The days that an input of an older version meant.
fn quarter() -> u32 {
    90
}

/// Whether the worker sees an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sight", rename_all = "snake_case")]
pub enum Sight {
    /// It is there, as it was written.
    Seen,
    /// It is not.
    NotSeen {
        /// The worker's object store.
        place: String,
    },
    /// The store does not say.
    Unreadable {
        /// The worker's object store.
        place: String,
        /// The failure of the look.
        why: String,
    },
}
