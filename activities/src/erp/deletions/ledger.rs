//! The memory of an integration's records. The shop does not say where a product comes from, so it is noted
//! here, and what nobody noted is the shop's own: it is never touched.
//!
//! Two folders of the object store, below `integrations/<integration>/<entity>/`:
//! - `keys/<hash>.jsonl`: lists of keys that came from the integration. A key is in some list from the write that
//!   brought it on; a scan puts what the ERP has now in place of them. Losing them is losing nothing but deletions
//!   meanwhile;
//! - `gone/<hash of the key>`: taken out of sale, because it was gone. One that is read again is sold again; one that a
//!   person took out of sale is not in here, and stays as it is.

use std::collections::{BTreeSet, HashMap};

use contracts::erp::{Entity, Record};
use contracts::objects::ObjectRef;
use contracts::values::IntegrationId;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use store::{Lines, LinesWriter, Store, StoreError};

use crate::bulk::Trouble;
use crate::erp::compare::Existing;

/// Marks that are looked for at once.
const SIDE_BY_SIDE: usize = 16;

/// The memory of an integration's records of one kind.
pub(in crate::erp) struct Ledger<'s> {
    store: &'s Store,
    folder: String,
}

impl<'s> Ledger<'s> {
    pub(in crate::erp) fn of(store: &'s Store, integration: &IntegrationId, entity: Entity) -> Self {
        Self { store, folder: format!("integrations/{integration}/{}", entity.name()) }
    }

    fn keys(&self) -> String {
        format!("{}/keys", self.folder)
    }

    fn mark(&self, key: &str) -> String {
        format!("{}/gone/{}", self.folder, short_hash(key))
    }

    /// Notes what came from the integration.
    pub(in crate::erp) async fn note(&self, keys: LinesWriter) -> Result<(), StoreError> {
        keys.put(self.store, &self.keys()).await.map(drop)
    }

    /// The lists of what came from the integration until now, listed in `folder`.
    pub(super) async fn lists(&self, folder: &str) -> Result<Option<ObjectRef>, Trouble> {
        let mut lists = LinesWriter::default();
        for list in self.store.list(&self.keys()).await? {
            let name = list.key.rsplit('/').next().unwrap_or_default();
            let sha256 = name.split('.').next().unwrap_or_default().to_owned();
            lists.push(&ObjectRef { key: list.key, bytes: list.bytes, sha256 })?;
        }
        Ok(lists.put(self.store, folder).await?)
    }

    /// Remembers these lists; forgets the `former` ones that are not among them. A repetition finds nothing left to do.
    pub(in crate::erp) async fn replace(
        &self,
        present: Option<&ObjectRef>,
        former: Option<&ObjectRef>,
    ) -> Result<(), StoreError> {
        let mut kept = BTreeSet::new();
        for list in listed(self.store, present).await? {
            let content = self.store.get(&list).await?;
            kept.insert(self.store.put(&self.keys(), "jsonl", content).await?.key);
        }
        for list in listed(self.store, former).await? {
            if !kept.contains(&list.key) {
                self.store.remove(&list.key).await?;
            }
        }
        Ok(())
    }

    /// Notes that a record is taken out of sale because it is gone.
    pub(super) async fn bury(&self, key: &str) -> Result<(), StoreError> {
        self.store.create(&self.mark(key), key.as_bytes().to_vec()).await.map(drop)
    }

    /// Removes the mark of one record.
    pub(in crate::erp) async fn dig_up(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove(&self.mark(key)).await
    }

    /// Forgets it of all that are on sale: whoever takes one of them out from now on has reasons of their own.
    pub(super) async fn forget_marks_of(
        &self,
        on_sale: impl Iterator<Item = &str>,
    ) -> Result<(), StoreError> {
        let marks: BTreeSet<String> = self
            .store
            .list(&format!("{}/gone", self.folder))
            .await?
            .into_iter()
            .map(|mark| mark.key)
            .collect();
        if marks.is_empty() {
            return Ok(());
        }
        for mark in on_sale.map(|key| self.mark(key)).filter(|mark| marks.contains(mark)) {
            self.store.remove(&mark).await?;
        }
        Ok(())
    }

    pub(super) async fn is_buried(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.store.read(&self.mark(key)).await?.is_some())
    }

    /// Has those records sold again that were taken out of sale here and are back. Where the ERP itself says whether a
    /// product is sold, it decides.
    pub(in crate::erp) async fn revive(
        &self,
        records: &mut [(Timestamp, Record)],
        existing: &HashMap<String, Existing>,
    ) -> Result<(), StoreError> {
        let is_candidate = |record: &Record| {
            let is_out = matches!(existing.get(&record.key()), Some(Existing::Product { active: false, .. }));
            is_out && matches!(record, Record::Product(product) if product.active.is_none())
        };
        let out: Vec<(usize, String)> = (0..)
            .zip(records.iter())
            .filter(|(_, (_, record))| is_candidate(record))
            .map(|(place, (_, record))| (place, record.key()))
            .collect();
        let looks: Vec<BoxFuture<'_, Result<Option<usize>, StoreError>>> = out
            .iter()
            .map(|(place, key)| async move { Ok(self.is_buried(key).await?.then_some(*place)) }.boxed())
            .collect();
        let found: Vec<Option<usize>> =
            futures::stream::iter(looks).buffered(SIDE_BY_SIDE).try_collect().await?;
        for place in found.into_iter().flatten() {
            if let Some((_, Record::Product(product))) = records.get_mut(place) {
                product.active = Some(true);
            }
        }
        Ok(())
    }
}

/// The lists that a list of lists names.
pub(super) async fn listed(store: &Store, lists: Option<&ObjectRef>) -> Result<Vec<ObjectRef>, StoreError> {
    match lists {
        Some(lists) => Lines::get(store, lists).await?.records(),
        None => Ok(Vec::new()),
    }
}

/// A record's key may be longer than a file's name or a header, or hold letters that neither can.
pub(in crate::erp) fn short_hash(key: &str) -> String {
    Sha256::digest(key).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
