//! The words of a server about a picture, kept with the hash of its content.

use contracts::objects::ObjectRef;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{INPUTS, Store, StoreError};

/// A picture that was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The picture.
    pub(super) content: ObjectRef,
    /// The server's name for this version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// When the server last changed it, as it writes times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    /// The folder of the run that asked last.
    pub(super) run: String,
}

impl Kept {
    /// An address may hold a password of its own kind, so the object is called by its hash.
    fn key(address: &str) -> String {
        format!("{INPUTS}/web-{}.json", hash(address.as_bytes()))
    }

    pub(super) async fn read(store: &Store, address: &str) -> Result<Option<Self>, StoreError> {
        let found = store.read(&Self::key(address)).await?;
        // One that cannot be read is fetched again.
        Ok(found.and_then(|json| serde_json::from_slice(&json).ok()))
    }

    pub(super) async fn write(&self, store: &Store, address: &str) -> Result<(), StoreError> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        store.replace(&Self::key(address), json).await
    }
}

/// The place of a content in the store.
pub(super) fn object(content: &[u8]) -> ObjectRef {
    let sha256 = hash(content);
    ObjectRef { key: format!("{INPUTS}/{sha256}"), bytes: content.len() as u64, sha256 }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
