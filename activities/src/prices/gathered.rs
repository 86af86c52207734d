//! The outcome of staging so far: rows to write by the time they are due, rows that cannot be used, and the figures.

use std::collections::BTreeMap;

use contracts::bulk::{Causes, count_cause};
use contracts::money::{Currency, Money};
use contracts::objects::ObjectRef;
use contracts::prices::{
    GivenRow, Moment, PriceCounts, PriceOutcome, RowError, StagePrices, StagedPrices, ValueChange,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use store::{LinesWriter, Store};

use super::held::Rows;
use super::resolve::Change;
use super::row::Defect;
use crate::bulk::{Largest, Trouble};

/// Wrong rows that a result names; the list has all.
const ERRORS_SHOWN: usize = 20;
/// Wrong rows, or unchanged ones, that are held before they go into the store.
const TOLD_HELD: u64 = 10_000;
/// Different times of one list: each is a timer, and a list of its own.
const MOMENTS_MAX: usize = 100;
/// Rows that are held before parts are put into the store.
const HELD: usize = 20_000;

/// When rows are due: at once one after the other, or at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    AtOnce(usize),
    At(Timestamp),
}

/// A wrong row as it was written, with what is wrong with it.
#[derive(Serialize)]
struct WrongRow<'r> {
    line: u64,
    causes: &'r [String],
    row: &'r BTreeMap<String, Box<RawValue>>,
}

/// Rows that are told and not written: some held, some put away.
#[derive(Default)]
pub(super) struct ToldRows {
    held: LinesWriter,
    pub(super) lists: Vec<ObjectRef>,
}

impl ToldRows {
    /// Puts them into the store when there are many, or when no more come.
    pub(super) async fn put(&mut self, store: &Store, folder: &str, is_last: bool) -> Result<(), Trouble> {
        if is_last || self.held.count() >= TOLD_HELD {
            let held = std::mem::take(&mut self.held);
            self.lists.extend(held.put(store, folder).await?);
        }
        Ok(())
    }
}

pub(super) struct Gathered {
    pub(super) counts: PriceCounts,
    batch_size: usize,
    asked: Sha256,
    moments: BTreeMap<Due, Rows>,
    held: usize,
    causes: Causes,
    first_errors: Vec<RowError>,
    /// Rows that cannot be used.
    pub(super) errors: ToldRows,
    /// Rows whose price is that already; of a dry run none.
    pub(super) unchanged: ToldRows,
    is_dry_run: bool,
    largest: Largest,
    /// The currency by its code.
    value: BTreeMap<&'static str, (Currency, i64, i64)>,
}

impl Gathered {
    pub(super) fn new(input: &StagePrices) -> Self {
        let mut gathered = Self {
            counts: PriceCounts::default(),
            batch_size: usize::try_from(input.batch_size.max(1)).unwrap_or(1),
            asked: Sha256::new(),
            moments: BTreeMap::new(),
            held: 0,
            causes: Causes::new(),
            first_errors: Vec::new(),
            errors: ToldRows::default(),
            unchanged: ToldRows::default(),
            is_dry_run: input.dry_run,
            largest: Largest::default(),
            value: BTreeMap::new(),
        };
        gathered.asked(input.terms.as_bytes());
        gathered.asked(serde_json::to_string(&input.checks).unwrap_or_default().as_bytes());
        gathered
    }

    /// Adds something that the receipt is about.
    pub(super) fn asked(&mut self, what: &[u8]) {
        self.asked.update(what);
        self.asked.update([0]);
    }

    pub(super) fn turn_away(
        &mut self,
        given: GivenRow,
        sku: Option<String>,
        defects: Vec<Defect>,
    ) -> Result<(), Trouble> {
        self.counts.invalid += 1;
        for defect in &defects {
            count_cause(&mut self.causes, &defect.cause);
        }
        let causes: Vec<String> = defects.iter().map(Defect::words).collect();
        self.errors.held.push(&WrongRow { line: given.line, causes: &causes, row: &given.row })?;
        // Those that are named are the first of the file, whichever bucket they were in.
        self.first_errors.push(RowError { line: given.line, sku, causes });
        if self.first_errors.len() > 2 * ERRORS_SHOWN {
            self.first_errors.sort_by_key(|error| error.line);
            self.first_errors.truncate(ERRORS_SHOWN);
        }
        Ok(())
    }

    /// A row that needs no write.
    pub(super) fn pass_over(&mut self, outcome: &PriceOutcome, is_other_old: bool) -> Result<(), Trouble> {
        self.counts.unchanged += 1;
        self.counts.other_old_price += u64::from(is_other_old);
        // A dry run leaves the rows as they are that a run before it has told under the name.
        if !self.is_dry_run {
            self.unchanged.held.push(outcome)?;
        }
        Ok(())
    }

    pub(super) fn add(&mut self, change: Change, now: Timestamp) -> Result<(), Trouble> {
        let Change { row, from, rank, is_below_cost, is_jump, is_other_old, is_later_step } = change;
        let (old, new) = (from.minor_units(), row.price.minor_units());
        let due = match row.effective_date.filter(|at| *at > now) {
            Some(at) => Due::At(at),
            None => Due::AtOnce(rank),
        };
        let counts = &mut self.counts;
        counts.to_write += 1;
        counts.up += u64::from(new > old);
        counts.down += u64::from(new < old);
        counts.below_cost += u64::from(is_below_cost);
        counts.jumps += u64::from(is_jump);
        counts.other_old_price += u64::from(is_other_old);
        counts.later += u64::from(matches!(due, Due::At(_)));
        counts.backdated += u64::from(row.effective_date.is_some_and(|at| at <= now));
        if new != old {
            let value = self.value.entry(from.currency().code()).or_insert((from.currency(), 0, 0));
            // A later step of a product moves the same price on.
            value.1 = value.1.saturating_add(if is_later_step { 0 } else { old });
            value.2 = value.2.saturating_add(if is_later_step { new.saturating_sub(old) } else { new });
            self.largest.note(row.line, (&row.sku, row.variant.as_ref()), (from, row.price));
        }
        if !self.moments.contains_key(&due) && self.moments.len() == MOMENTS_MAX {
            let why = format!("the list has more than {MOMENTS_MAX} different times: divide it by them");
            return Err(Trouble::Final(why));
        }
        let rows = self.moments.entry(due).or_default();
        rows.hash.update(serde_json::to_vec(&row)?);
        // A receipt is consent to the change from this price, whatever price the list expects.
        rows.hash.update(from.minor_units().to_be_bytes());
        rows.hash.update([u8::from(is_below_cost)]);
        rows.held.push(row);
        rows.count += 1;
        self.held += 1;
        Ok(())
    }

    /// Puts rows to write into the store when there are many.
    pub(super) async fn put_rows(&mut self, store: &Store, folder: &str) -> Result<(), Trouble> {
        if self.held < HELD {
            return Ok(());
        }
        self.put_whole_batches(store, folder, false).await
    }

    async fn put_whole_batches(&mut self, store: &Store, folder: &str, is_last: bool) -> Result<(), Trouble> {
        let size = self.batch_size;
        for rows in self.moments.values_mut() {
            if is_last || rows.spilled_rows + rows.held.len() >= size {
                let before = rows.held.len();
                rows.unspill(store).await?;
                rows.put_parts(store, folder, size, is_last).await?;
                self.held = self.held + rows.held.len() - before;
            }
        }
        if !is_last && self.held >= HELD {
            for rows in self.moments.values_mut() {
                self.held -= rows.held.len();
                rows.spill(store, folder).await?;
            }
        }
        Ok(())
    }

    /// The hashes of the list with its terms, and of the changes that come of it.
    pub(super) fn hashes(&self) -> (String, String) {
        let mut changes = Sha256::new();
        for (due, rows) in &self.moments {
            changes.update(format!("{due:?} {} ", rows.count));
            changes.update(rows.hash.clone().finalize());
        }
        let hex = |hash: Sha256| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (hex(self.asked.clone()), hex(changes))
    }

    pub(super) async fn into_staged(
        mut self,
        store: &Store,
        folder: &str,
        receipt: String,
    ) -> Result<StagedPrices, Trouble> {
        self.put_whole_batches(store, folder, true).await?;
        let mut moments = Vec::with_capacity(self.moments.len());
        for (due, rows) in self.moments {
            let mut parts = LinesWriter::default();
            for part in &rows.parts {
                parts.push(part)?;
            }
            let at = match due {
                Due::AtOnce(_) => None,
                Due::At(at) => Some(at),
            };
            if let Some(list) = parts.put(store, folder).await? {
                moments.push(Moment { at, rows: rows.count, list });
            }
        }
        self.first_errors.sort_by_key(|error| error.line);
        self.first_errors.truncate(ERRORS_SHOWN);
        let value = |(currency, before, after): (Currency, i64, i64)| ValueChange {
            before: Money::from_minor_units(before, currency),
            after: Money::from_minor_units(after, currency),
        };
        Ok(StagedPrices {
            counts: self.counts,
            causes: self.causes,
            first_errors: self.first_errors,
            errors: self.errors.lists,
            moments,
            largest: self.largest.into_moves(),
            value: self.value.into_values().map(value).collect(),
            team_mail: false,
            receipt,
        })
    }
}

#[cfg(test)]
mod tests {
    use contracts::objects::ListPart;
    use contracts::prices::{PriceChecks, PriceList, PriceRow};
    use contracts::values::{PriceBatchId, ProductId};
    use store::Lines;

    use super::*;

    fn dong(amount: i64) -> Money {
        Money::from_minor_units(amount, Currency::VND)
    }

    fn input(batch_size: u32) -> StagePrices {
        StagePrices {
            batch_id: PriceBatchId::new("b").expect("a name"),
            list: PriceList::Inline("[]".to_owned()),
            checks: PriceChecks {
                currency: "VND".to_owned(),
                zone: None,
                max_change_percent: None,
                jump_percent: 50,
                max_backdate_seconds: None,
                allow_below_cost: false,
            },
            terms: String::new(),
            now: Timestamp::UNIX_EPOCH,
            batch_size,
            folder: "runs/x/y".to_owned(),
            dry_run: false,
        }
    }

    fn change(line: u64, second: i64, (from, to): (i64, i64), is_later_step: bool) -> Change {
        let row = PriceRow {
            line,
            sku: ProductId::new(format!("SKU-{line}")).expect("a SKU"),
            variant: None,
            expected: dong(from),
            price: dong(to),
            effective_date: Timestamp::from_second(second).ok(),
            reason: None,
        };
        let from = dong(from);
        Change {
            row,
            from,
            rank: 0,
            is_below_cost: false,
            is_jump: false,
            is_other_old: false,
            is_later_step,
        }
    }

    /// Batches of thousands at many times: no time has a whole batch for long.
    #[tokio::test]
    async fn rows_of_many_times_are_not_held() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_str().expect("a path")).expect("a store");
        let mut gathered = Gathered::new(&input(10_000));
        let mut most = 0;
        for line in 1..=60_000 {
            let second = i64::try_from(line % 50).expect("small") + 1;
            gathered.add(change(line, second, (100, 90), false), Timestamp::UNIX_EPOCH).expect("a row");
            if line % 1_000 == 0 {
                gathered.put_rows(&store, "runs/x/y").await.expect("put");
                most = most.max(gathered.held);
            }
        }
        assert!(most < HELD, "{most} rows are held");
        let staged = gathered.into_staged(&store, "runs/x/y", String::new()).await.expect("staged");
        assert_eq!(staged.moments.len(), 50);
        for moment in &staged.moments {
            assert_eq!(moment.rows, 1_200);
            let parts = Lines::get(&store, &moment.list).await.expect("a list");
            let mut lines = Vec::new();
            for part in parts.records::<ListPart>().expect("parts") {
                let rows = Lines::get(&store, &part.list).await.expect("a part");
                lines.extend(rows.records::<PriceRow>().expect("rows").into_iter().map(|row| row.line));
            }
            assert_eq!(lines.len(), 1_200);
            assert!(lines.is_sorted(), "in the order of the file");
        }
    }

    /// P3
    #[tokio::test]
    async fn two_steps_of_a_product_are_one_price_of_the_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_str().expect("a path")).expect("a store");
        let mut gathered = Gathered::new(&input(100));
        gathered.add(change(1, 1, (120, 90), false), Timestamp::UNIX_EPOCH).expect("a row");
        gathered.add(change(2, 2, (90, 100), true), Timestamp::UNIX_EPOCH).expect("a row");
        let staged = gathered.into_staged(&store, "runs/x/y", String::new()).await.expect("staged");
        assert_eq!(staged.value, [ValueChange { before: dong(120), after: dong(100) }]);
    }

    #[tokio::test]
    async fn a_price_that_is_so_already_and_due_later_moves_no_figure() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_str().expect("a path")).expect("a store");
        let mut gathered = Gathered::new(&input(100));
        gathered.add(change(1, 1, (100, 100), false), Timestamp::UNIX_EPOCH).expect("a row");
        let staged = gathered.into_staged(&store, "runs/x/y", String::new()).await.expect("staged");
        let counts = staged.counts;
        assert_eq!((counts.to_write, counts.later, counts.up, counts.down), (1, 1, 0, 0));
        assert_eq!((staged.value, staged.largest, staged.moments.len()), (Vec::new(), Vec::new(), 1));
    }
}
