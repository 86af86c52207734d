//! Marks of the rows that a write was begun for. Before-images are kept for a whole group at once, long before its last
//! row is sent: they do not tell which of its rows this run has touched.
//!
//! A mark is an empty object, `<folder>/<group>/<first row>-<row behind the last>-<pass>`, put before its rows are
//! sent. A pass that ends in good order makes the mark of its last rows as short as what it has sent. A row beyond
//! all marks was never sent: it is judged by its look now, and a revert leaves it alone.

use std::ops::Range;

use contracts::objects::ObjectRef;
use store::Store;
use temporalio_sdk::activities::ActivityContext;

use super::Trouble;

/// The rows of a group that may have been sent, by their places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nobody has made a mark: every row may have been sent.
    Unmarked,
    /// These.
    Marked(Vec<Range<u64>>),
}

impl Begun {
    /// No row.
    pub(super) fn nothing() -> Self {
        Self::Marked(Vec::new())
    }

    /// Whether a row may have been sent.
    #[must_use]
    pub fn has(&self, row: usize) -> bool {
        match self {
            Self::Unmarked => true,
            Self::Marked(ranges) => ranges.iter().any(|range| range.contains(&(row as u64))),
        }
    }
}

/// The rows of a group that may have been sent.
///
/// # Errors
/// When the store does not answer, or a mark has a name that no attempt has given it.
pub async fn begun(store: &Store, folder: &str) -> Result<Begun, Trouble> {
    let mut ranges = Vec::new();
    for mark in store.list(folder).await? {
        let range = range(&mark.key);
        ranges.push(range.ok_or_else(|| Trouble::Final(format!("{} is no mark of rows", mark.key)))?);
    }
    Ok(if ranges.is_empty() { Begun::Unmarked } else { Begun::Marked(ranges) })
}

fn range(mark: &str) -> Option<Range<u64>> {
    let (_, name) = mark.rsplit_once('/')?;
    let mut parts = name.splitn(3, '-');
    let (first, behind) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(first..behind)
}

/// The marks of one attempt in one group.
pub(super) struct Marks<'s> {
    store: &'s Store,
    pub(super) folder: String,
    /// Names the attempt, and the pass of it through this group: another one does not make its marks shorter.
    pass: String,
}

impl<'s> Marks<'s> {
    pub(super) fn of(
        ctx: &ActivityContext,
        store: &'s Store,
        folder: &str,
        batch: &ObjectRef,
        first: usize,
        pass: u32,
    ) -> Self {
        let info = ctx.info();
        let pass = format!("{}-{}-{pass}", info.activity_id, info.attempt);
        Self { store, folder: format!("{folder}/{}-{first}", batch.sha256), pass }
    }

    fn name(&self, rows: &Range<usize>) -> String {
        format!("{}/{}-{}-{}", self.folder, rows.start, rows.end, self.pass)
    }

    /// Keeps in mind that every row of the group may have been sent: its first writer made no marks, and the first mark
    /// would say otherwise.
    pub(super) async fn unmarked(&self, rows: usize) -> Result<(), Trouble> {
        self.store.create(&format!("{}/0-{rows}-unmarked", self.folder), Vec::new()).await?;
        Ok(())
    }

    /// Marks rows that are about to be sent.
    pub(super) async fn begin(&self, rows: &Range<usize>) -> Result<(), Trouble> {
        self.store.create(&self.name(rows), Vec::new()).await?;
        Ok(())
    }

    /// Only the first ones were sent, up to this row.
    pub(super) async fn shorten(&self, rows: &Range<usize>, sent: usize) -> Result<(), Trouble> {
        if sent < rows.end {
            self.begin(&(rows.start..sent)).await?;
            self.store.remove(&self.name(rows)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_its_rows() {
        assert_eq!(range("prices/b/begun/0000/abc-0/100-200-7-1"), Some(100..200));
        assert_eq!(range("prices/b/begun/0000/abc-0/odd"), None);
    }

    #[test]
    fn rows_beyond_all_marks_were_never_sent() {
        let begun = Begun::Marked(vec![0..100, 100..120]);
        assert!(begun.has(0) && begun.has(119) && !begun.has(120));
        assert!(Begun::Unmarked.has(7), "a run of a worker that made no marks");
        assert!(!Begun::nothing().has(0));
    }
}
