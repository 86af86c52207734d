//! Claim checks: what stands in a history in place of a list that can grow.

use serde::{Deserialize, Serialize};

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
