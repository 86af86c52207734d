//! Marks of the rows that a write was begun for. Before-images are kept for a whole group at once, long before its last
//! row is sent: they do not tell which of its rows this run has touched.
//!
//! A mark is an empty object, `<folder>/<group>/<first row>-<row behind the last>-<due>-<pass>`, put before its rows
//! are sent. `due` is when the row behind them may go by the rate, in milliseconds since 1970 (0: there is no rate): a
//! worker that dies leaves it behind, and the next attempt owes the time of what was sent. A pass that ends in good
//! order makes the mark of its last rows as short as what it has sent. A row beyond all marks was never sent: it is
//! judged by its look now, and a revert leaves it alone.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use contracts::objects::ObjectRef;
use jiff::{SignedDuration, Timestamp};
use store::Store;
use temporalio_sdk::activities::ActivityContext;

use super::Trouble;

/// A mark's time is not exact.
const SLACK: SignedDuration = SignedDuration::from_millis(100);

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
    let marks = marks(store, folder).await?;
    let ranges: Vec<Range<u64>> = marks.into_iter().map(|mark| mark.rows).collect();
    Ok(if ranges.is_empty() { Begun::Unmarked } else { Begun::Marked(ranges) })
}

/// A mark as its name says it.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    rows: Range<u64>,
    due: Option<Timestamp>,
    pass: String,
}

async fn marks(store: &Store, folder: &str) -> Result<Vec<Mark>, Trouble> {
    let read = |key: String| mark(&key).ok_or_else(|| Trouble::Final(format!("{key} is no mark of rows")));
    store.list(folder).await?.into_iter().map(|mark| read(mark.key)).collect()
}

fn mark(key: &str) -> Option<Mark> {
    let (_, name) = key.rsplit_once('/')?;
    let mut parts = name.splitn(4, '-');
    let (first, behind) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let due: i64 = parts.next().and_then(|due| due.parse().ok()).unwrap_or_default();
    let due = if due == 0 { None } else { Some(Timestamp::from_millisecond(due).ok()?) };
    Some(Mark { rows: first..behind, due, pass: parts.next().unwrap_or_default().to_owned() })
}

/// The last mark of an attempt.
#[derive(Clone, Default)]
struct Last {
    name: String,
    due: Option<Timestamp>,
}

/// The marks of one attempt in one group.
pub(super) struct Marks<'s> {
    store: &'s Store,
    folder: String,
    /// Names the attempt.
    attempt: String,
    /// The pass of it through this group: another one does not make its marks shorter.
    pass: u32,
    /// The last one.
    last: Mutex<Last>,
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
        let attempt = format!("{}-{}-", info.activity_id, info.attempt);
        let folder = format!("{folder}/{}-{first}", batch.sha256);
        Self { store, folder, attempt, pass, last: Mutex::default() }
    }

    /// The rows that an attempt before this pass may have sent, and when the next row may go by the marks of other
    /// attempts. This one knows its own pace.
    pub(super) async fn before(&self) -> Result<(Begun, Option<Timestamp>), Trouble> {
        let marks = marks(self.store, &self.folder).await?;
        let others = marks.iter().filter(|mark| !mark.pass.starts_with(&self.attempt));
        let due = others.filter_map(|mark| mark.due).max();
        let ranges: Vec<Range<u64>> = marks.into_iter().map(|mark| mark.rows).collect();
        Ok((if ranges.is_empty() { Begun::Unmarked } else { Begun::Marked(ranges) }, due))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps in mind that every row of the group may have been sent: its first writer made no marks, and the first mark
    /// would say otherwise.
    pub(super) async fn unmarked(&self, rows: usize) -> Result<(), Trouble> {
        self.store.create(&format!("{}/0-{rows}-0-unmarked", self.folder), Vec::new()).await?;
        Ok(())
    }

    /// Marks rows that are about to be sent; `due`: when the row behind them may go.
    pub(super) async fn begin(&self, rows: &Range<usize>, due: Option<Timestamp>) -> Result<(), Trouble> {
        let (folder, attempt, pass) = (&self.folder, &self.attempt, self.pass);
        let ms = due.map_or(0, |due| due.as_millisecond());
        let name = format!("{folder}/{}-{}-{ms}-{attempt}{pass}", rows.start, rows.end);
        self.store.create(&name, Vec::new()).await?;
        *self.last() = Last { name, due };
        Ok(())
    }

    /// Whether the last mark makes the next attempt wait for rows that were not sent after all.
    pub(super) fn waits_longer_than(&self, due: Option<Timestamp>) -> bool {
        let marked = self.last().due;
        marked.zip(due).is_some_and(|(marked, due)| marked.duration_since(due) > SLACK)
    }

    /// Corrects the last mark: these rows were sent at most, and the next one may go then.
    pub(super) async fn correct(&self, rows: &Range<usize>, due: Option<Timestamp>) -> Result<(), Trouble> {
        let wrong = self.last().name.clone();
        self.begin(rows, due).await?;
        let right = self.last().name.clone();
        if wrong != right {
            self.store.remove(&wrong).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_its_rows_and_when_the_next_one_may_go() {
        let name = |name: &str| mark(&format!("prices/b/begun/0000/abc-0/{name}"));
        let due = Timestamp::from_millisecond(1_780_000_000_000).ok();
        let wanted = |due| Some(Mark { rows: 100..200, due, pass: "7-1-0".to_owned() });
        assert_eq!(name("100-200-1780000000000-7-1-0"), wanted(due));
        assert_eq!(name("100-200-0-7-1-0"), wanted(None));
        assert_eq!(name("odd"), None);
    }

    #[test]
    fn rows_beyond_all_marks_were_never_sent() {
        let begun = Begun::Marked(vec![0..100, 100..120]);
        assert!(begun.has(0) && begun.has(119) && !begun.has(120));
        assert!(Begun::Unmarked.has(7), "a run of a worker that made no marks");
        assert!(!Begun::nothing().has(0));
    }
}
