//! Rows of one time while a list is staged: some held, some put away, whole batches in their parts.

use contracts::objects::{ListPart, ObjectRef};
use contracts::prices::PriceRow;
use sha2::Sha256;
use store::{Lines, LinesWriter, Store};

use crate::bulk::Trouble;

/// Rows of a part of the staged list, about.
const PART: usize = 10_000;

/// Rows that are due at the same time.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) held: Vec<PriceRow>,
    /// Rows before those that are held, in the store: of several times, each may hold almost a batch.
    pub(super) spilled: Vec<ObjectRef>,
    pub(super) spilled_rows: usize,
    pub(super) parts: Vec<ListPart>,
    pub(super) hash: Sha256,
    pub(super) count: u64,
}

impl Rows {
    /// Puts parts of whole batches into the store; the last part of the list may end in the middle of one.
    pub(super) async fn put_parts(
        &mut self,
        store: &Store,
        folder: &str,
        size: usize,
        is_last: bool,
    ) -> Result<(), Trouble> {
        let part = size * (PART / size).max(1);
        loop {
            let whole = self.held.len() / size * size;
            let count = if is_last && self.held.len() <= part { self.held.len() } else { whole.min(part) };
            if count == 0 {
                return Ok(());
            }
            if let Some(list) = put(store, folder, self.held.drain(..count)).await? {
                self.parts.push(ListPart { list, rows: count as u64 });
            }
        }
    }

    pub(super) async fn spill(&mut self, store: &Store, folder: &str) -> Result<(), Trouble> {
        self.spilled_rows += self.held.len();
        self.spilled.extend(put(store, folder, self.held.drain(..)).await?);
        Ok(())
    }

    pub(super) async fn unspill(&mut self, store: &Store) -> Result<(), Trouble> {
        let mut rows = Vec::with_capacity(self.spilled_rows + self.held.len());
        for spilled in self.spilled.drain(..) {
            rows.extend(Lines::get(store, &spilled).await?.records::<PriceRow>()?);
        }
        self.spilled_rows = 0;
        rows.append(&mut self.held);
        self.held = rows;
        Ok(())
    }
}

async fn put(
    store: &Store,
    folder: &str,
    rows: impl Iterator<Item = PriceRow>,
) -> Result<Option<ObjectRef>, Trouble> {
    let mut lines = LinesWriter::default();
    for row in rows {
        lines.push(&row)?;
    }
    Ok(lines.put(store, folder).await?)
}
