//! Before-images: what rows looked like before they were written for the first time.
//!
//! They are kept by the first row of their segment: `<folder>/<hash of the batch>-<first row>.json` names a list with
//! one line for each row. The name is made once and never changed, so that the second of two attempts reads what the
//! first one saw, whatever became of the rows since. The list itself is under its hash, so that half a list is known as
//! such.
//!
//! All of it lies in the folder itself and none below it: [`store::clean_up`] takes the last folder before the objects
//! for a run id.

use std::ops::Range;

use contracts::objects::ObjectRef;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Lines, LinesWriter, Store, StoreError};

use super::Trouble;

/// The before-images of one batch.
pub(super) struct Images<'s> {
    store: &'s Store,
    folder: &'s str,
    batch: &'s str,
}

/// Before-images of some rows in a row.
pub(super) struct Kept<I> {
    pub(super) images: Vec<I>,
    pub(super) list: ObjectRef,
    /// Another attempt kept them.
    pub(super) is_earlier: bool,
}

impl<'s> Images<'s> {
    pub(super) fn of(store: &'s Store, folder: &'s str, batch: &'s ObjectRef) -> Self {
        Self { store, folder, batch: &batch.sha256 }
    }

    fn name(&self, first: usize) -> String {
        format!("{}/{}-{first}.json", self.folder, self.batch)
    }

    /// Those that begin with this row; `None` when none were kept.
    pub(super) async fn find<I: DeserializeOwned>(&self, first: usize) -> Result<Option<Kept<I>>, Trouble> {
        let name = self.name(first);
        let Some(found) = self.store.read(&name).await? else { return Ok(None) };
        let list: ObjectRef = serde_json::from_slice(&found).map_err(|error| StoreError::Damaged {
            key: name,
            why: format!("it names no list of before-images ({:?} error)", error.classify()),
        })?;
        let images = Lines::get(self.store, &list).await?.records()?;
        Ok(Some(Kept { images, list, is_earlier: true }))
    }

    /// Keeps them, unless another attempt was first: then those are the ones.
    pub(super) async fn keep<I>(&self, first: usize, images: Vec<I>) -> Result<Kept<I>, Trouble>
    where
        I: Serialize + DeserializeOwned,
    {
        let mut lines = LinesWriter::default();
        for image in &images {
            lines.push(image)?;
        }
        let list = lines.put(self.store, self.folder).await?;
        let list = list.ok_or_else(|| Trouble::Final("no rows have no before-images".to_owned()))?;
        if self.store.create(&self.name(first), serde_json::to_vec(&list)?).await? {
            return Ok(Kept { images, list, is_earlier: false });
        }
        let earlier = self.find(first).await?;
        earlier.ok_or_else(|| Trouble::Again(format!("{} is gone again", self.name(first))))
    }
}

/// The looks of some rows of a batch before their first write, in the order of the batch; the first of them begins a
/// part of it. Rows that nobody came to are not among them: the list ends there.
///
/// # Errors
/// When they cannot be read.
pub(crate) async fn before<I>(
    store: &Store,
    folder: &str,
    batch: &ObjectRef,
    rows: Range<usize>,
) -> Result<Vec<I>, Trouble>
where
    I: DeserializeOwned,
{
    let images = Images::of(store, folder, batch);
    let mut before = Vec::new();
    while before.len() < rows.len()
        && let Some(kept) = images.find(rows.start + before.len()).await?
        && !kept.images.is_empty()
    {
        before.extend(kept.images);
    }
    Ok(before)
}
