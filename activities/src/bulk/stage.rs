//! Pages become rows to write: read, checked, one for each key, compared with what there is. Nothing is written but to
//! the object store, so an attempt that is repeated begins anew and comes to the same.

use std::collections::HashMap;

use contracts::bulk::{Causes, count_cause};
use contracts::objects::ObjectRef;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::value::RawValue;
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::{BATCH_MAX, Trouble, Walk};

/// Records that are compared at once.
const COMPARED_AT_ONCE: usize = 500;

/// How rows are read.
pub trait Reading: Send + Sync {
    /// A record as its source has it.
    type Record: Send;
    /// A record that can be used.
    type Fit: Send;
    /// A row to write: a line of the batch.
    type Row: Serialize + Send;

    /// One page, from where the page before ended.
    ///
    /// # Errors
    /// When it cannot be read; the whole part is then tried again.
    fn page<'a>(&'a self, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page<Self::Record>, Trouble>>;

    /// Whether a record can be used.
    ///
    /// # Errors
    /// When it fails for a reason that no record is to blame for.
    fn check(&mut self, record: Self::Record) -> Result<Checked<Self::Fit>, Trouble>;

    /// Compares some records with what there is, and says which of them are to be written. A record that turns out to
    /// be unfit only here, such as a product that nobody has, goes to the quarantine, too.
    ///
    /// # Errors
    /// When what there is cannot be read.
    fn compare(&mut self, fit: Vec<Self::Fit>) -> BoxFuture<'_, Result<Compared<Self::Row>, Trouble>>;
}

/// Some records.
#[derive(Debug)]
pub struct Page<R> {
    /// In their order.
    pub records: Vec<R>,
    /// Where the next page begins; `None`: these were the last.
    pub next: Option<String>,
    /// Whether the part ends here, although there are more: the pages behind may change the same rows once more.
    pub is_cut: bool,
}

/// The outcome of a check.
#[derive(Debug)]
pub enum Checked<F> {
    /// It can be used.
    Fit {
        /// The key that tells it from all others.
        key: String,
        /// The record.
        fit: F,
    },
    /// It cannot.
    Unfit(Unfit),
}

/// A record that cannot be used.
#[derive(Debug)]
pub struct Unfit {
    /// Why, without a value of it: many records share a cause.
    pub cause: String,
    /// Its line in the quarantine.
    pub line: Box<RawValue>,
}

/// The outcome of a comparison.
#[derive(Debug)]
pub struct Compared<R> {
    /// Rows to write; those that are as they should be are not among them.
    pub rows: Vec<R>,
    /// Records that cannot be used after all.
    pub unfit: Vec<Unfit>,
}

/// Which pages, and where to put what comes of them.
#[derive(Clone, Copy, Debug)]
pub struct Pages<'p> {
    /// Where the pages before ended.
    pub cursor: Option<&'p str>,
    /// Pages at most.
    pub at_most: u32,
    /// The folder of the batch.
    pub folder: &'p str,
    /// The folder of what cannot be used.
    pub quarantine: &'p str,
}

/// The outcome of some pages.
#[derive(Debug, Default)]
pub struct StagedRows {
    /// Rows to write, as JSON lines; `None`: none.
    pub batch: Option<ObjectRef>,
    /// Records that cannot be used, as JSON lines; `None`: none.
    pub quarantined: Option<ObjectRef>,
    /// Why, and how often.
    pub causes: Causes,
    /// Records that a later one of the same key has replaced.
    pub superseded: u64,
    /// Where to go on; `None`: nothing is left.
    pub next: Option<String>,
    /// Whether these rows are to be written before it goes on there.
    pub is_cut: bool,
}

/// Stages some pages.
///
/// # Errors
/// When something cannot be read or put into the object store, more than [`BATCH_MAX`] rows are to be written, or the
/// run was stopped between two pages.
pub async fn stage<R: Reading>(
    ctx: &ActivityContext,
    store: &Store,
    reading: &mut R,
    pages: &Pages<'_>,
) -> Result<StagedRows, ActivityError> {
    let mut walk: Walk<'_, u32> = Walk::resume(ctx);
    let mut gathered = Gathered::default();
    let mut cursor = pages.cursor.map(str::to_owned);
    for number in 1..=pages.at_most {
        let page = walk.alive(reading.page(cursor.as_deref())).await.map_err(Trouble::into_failure)?;
        for record in page.records {
            let checked = reading.check(record).map_err(Trouble::into_failure)?;
            gathered.add(checked).map_err(Trouble::into_failure)?;
        }
        cursor = page.next;
        walk.advance(number).await?;
        gathered.staged.is_cut = page.is_cut;
        if cursor.is_none() || page.is_cut {
            break;
        }
    }
    gathered.staged.next = cursor;
    walk.alive(gathered.finish(store, reading, pages)).await.map_err(Trouble::into_failure)
}

/// The outcome of some pages so far.
struct Gathered<F> {
    /// In the order in which they came; a later one of the same key replaces an earlier one.
    fit: Vec<Option<F>>,
    place_of: HashMap<String, usize>,
    quarantine: LinesWriter,
    staged: StagedRows,
}

impl<F> Default for Gathered<F> {
    fn default() -> Self {
        let (fit, place_of) = (Vec::new(), HashMap::new());
        Self { fit, place_of, quarantine: LinesWriter::default(), staged: StagedRows::default() }
    }
}

impl<F> Gathered<F> {
    fn add(&mut self, checked: Checked<F>) -> Result<(), Trouble> {
        match checked {
            Checked::Fit { key, fit } => {
                if let Some(earlier) = self.place_of.insert(key, self.fit.len()) {
                    self.fit[earlier] = None;
                    self.staged.superseded += 1;
                }
                self.fit.push(Some(fit));
            }
            Checked::Unfit(unfit) => self.turn_away(&unfit)?,
        }
        Ok(())
    }

    fn turn_away(&mut self, unfit: &Unfit) -> Result<(), Trouble> {
        count_cause(&mut self.staged.causes, &unfit.cause);
        Ok(self.quarantine.push(&unfit.line)?)
    }

    /// Has them compared, and puts what is to be written into the store.
    async fn finish<R>(
        mut self,
        store: &Store,
        reading: &mut R,
        pages: &Pages<'_>,
    ) -> Result<StagedRows, Trouble>
    where
        R: Reading<Fit = F>,
    {
        let mut rows = LinesWriter::default();
        let mut fit = std::mem::take(&mut self.fit).into_iter().flatten().peekable();
        while fit.peek().is_some() {
            let some: Vec<F> = fit.by_ref().take(COMPARED_AT_ONCE).collect();
            let compared = reading.compare(some).await?;
            for row in &compared.rows {
                rows.push(row)?;
            }
            for unfit in &compared.unfit {
                self.turn_away(unfit)?;
            }
        }
        if rows.count() > BATCH_MAX as u64 {
            let found = rows.count();
            let why =
                format!("{found} rows are to be written; stage fewer pages: a batch has at most {BATCH_MAX}");
            return Err(Trouble::Final(why));
        }
        let batch = rows.put(store, pages.folder).await?;
        let quarantined = self.quarantine.put(store, pages.quarantine).await?;
        Ok(StagedRows { batch, quarantined, ..self.staged })
    }
}
