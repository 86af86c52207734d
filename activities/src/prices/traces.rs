//! The traces of a run in its folder: before-images, marks of what was begun, outcomes; and whether it was taken back.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use contracts::objects::ObjectRef;
use contracts::prices::{PriceAction, PriceImage, PriceOutcome};
use contracts::values::IdempotencyKey;
use store::{Lines, Store, StoreError};

use crate::bulk::{Begun, Trouble, begun};

/// The names of the before-images of a run, the last ones first.
pub(super) async fn groups(store: &Store, folder: &str) -> Result<Vec<String>, Trouble> {
    let listed = store.list(&format!("{folder}/images")).await?;
    let names = listed.into_iter().map(|object| object.key).filter(|key| key.ends_with(".json"));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.reverse();
    Ok(names)
}

/// Rows that were looked at together.
pub(super) struct Group {
    pub(super) images: Vec<PriceImage>,
    /// By line. A row without one may have been written if it was begun.
    pub(super) outcomes: BTreeMap<u64, PriceOutcome>,
    /// By their places among the images.
    pub(super) begun: Begun,
}

impl Group {
    /// `name` is the name of its before-images.
    pub(super) async fn read(store: &Store, folder: &str, name: &str) -> Result<Self, Trouble> {
        let group = name.strip_prefix(&format!("{folder}/images")).unwrap_or(name);
        let group = group.trim_end_matches(".json");
        Ok(Self {
            images: images(store, name).await?,
            outcomes: outcomes(store, &format!("{folder}/outcomes{group}")).await?,
            begun: begun(store, &format!("{folder}/begun{group}")).await?,
        })
    }
}

async fn images(store: &Store, name: &str) -> Result<Vec<PriceImage>, Trouble> {
    let found = store.read(name).await?;
    let found = found.ok_or_else(|| StoreError::Gone { key: name.to_owned() })?;
    let list: ObjectRef = serde_json::from_slice(&found).map_err(|error| StoreError::Damaged {
        key: name.to_owned(),
        why: format!("it names no list of before-images ({:?} error)", error.classify()),
    })?;
    Ok(Lines::get(store, &list).await?.records()?)
}

async fn outcomes(store: &Store, folder: &str) -> Result<BTreeMap<u64, PriceOutcome>, Trouble> {
    let mut outcomes: BTreeMap<u64, PriceOutcome> = BTreeMap::new();
    for object in store.list(folder).await? {
        for outcome in Lines::read(store, &object.key).await?.records::<PriceOutcome>()? {
            // A second attempt may have found it as the first one had left it.
            let is_applied = outcome.action == PriceAction::Applied;
            if is_applied || !outcomes.contains_key(&outcome.line) {
                outcomes.insert(outcome.line, outcome);
            }
        }
    }
    Ok(outcomes)
}

/// The mark that a run is being taken back: from then on it writes nothing ([`super::fence`]).
fn begin_mark(folder: &str) -> String {
    format!("{folder}/reverting.json")
}

/// Whether a run is being taken back, or was.
pub(super) async fn is_reverting(store: &Store, folder: &str) -> Result<bool, StoreError> {
    Ok(store.about(&begin_mark(folder)).await?.is_some())
}

/// Marks a run as being taken back, before anything of it is looked at. A look for the mark holds for so long.
pub(super) async fn begin_revert(store: &Store, folder: &str, holds: Duration) -> Result<(), Trouble> {
    store.create(&begin_mark(folder), b"true".to_vec()).await?;
    tokio::time::sleep(holds).await;
    Ok(())
}

/// Another run may write under this name: the one before it has written nothing that could be taken back.
pub(super) async fn forget_revert(store: &Store, folder: &str) -> Result<(), Trouble> {
    Ok(store.remove(&begin_mark(folder)).await?)
}

/// The mark that prices of a group may have been put back. `group` is the name of its before-images.
fn put_back_mark(folder: &str, group: &str) -> String {
    let name = group.strip_prefix(&format!("{folder}/images/")).unwrap_or(group);
    format!("{folder}/put-back/{name}")
}

/// Whether prices of a group may have been put back.
pub(super) async fn is_put_back(store: &Store, folder: &str, group: &str) -> Result<bool, StoreError> {
    Ok(store.about(&put_back_mark(folder, group)).await?.is_some())
}

/// Marks a group, before the first of its prices is put back.
pub(super) async fn begin_group(store: &Store, folder: &str, group: &str) -> Result<(), Trouble> {
    store.create(&put_back_mark(folder, group), b"true".to_vec()).await?;
    Ok(())
}

/// Keeps in mind that a variant has a price of somebody else, whatever it is.
pub(super) async fn leave(store: &Store, folder: &str, variant: u64) -> Result<(), Trouble> {
    store.create(&format!("{folder}/left/{variant:016x}"), b"true".to_vec()).await?;
    Ok(())
}

/// The variants that are kept in mind.
pub(super) async fn left(store: &Store, folder: &str) -> Result<HashSet<u64>, Trouble> {
    let read = |key: &str| {
        let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
        let variant = u64::from_str_radix(name, 16);
        variant.map_err(|_| Trouble::Final(format!("{key} is no mark of a variant")))
    };
    store.list(&format!("{folder}/left")).await?.iter().map(|mark| read(&mark.key)).collect()
}

/// The mark that a run was taken back to the end: then that is final, also when nobody remembers the revert.
fn mark(folder: &str) -> String {
    format!("{folder}/reverted.json")
}

/// The key of the revert that took a run back to the end; `None`: none did.
pub(super) async fn reverted_by(store: &Store, folder: &str) -> Result<Option<String>, Trouble> {
    let key = mark(folder);
    let Some(found) = store.read(&key).await? else { return Ok(None) };
    let by = serde_json::from_slice(&found).map_err(|error| StoreError::Damaged {
        key,
        why: format!("it names no revert ({:?} error)", error.classify()),
    })?;
    Ok(Some(by))
}

/// Marks a run as taken back to the end.
pub(super) async fn end_revert(store: &Store, folder: &str, by: &IdempotencyKey) -> Result<(), Trouble> {
    store.create(&mark(folder), serde_json::to_vec(by.as_str())?).await?;
    Ok(())
}
