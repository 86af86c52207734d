//! The work of a run so far.

use std::collections::BTreeMap;
use std::ops::Range;

use contracts::bulk::{Causes, Written};
use contracts::objects::ObjectRef;
use contracts::prices::{AppliedPrices, PriceAction, PriceBatch, PriceOutcome, StagedPrices};
use jiff::Timestamp;

/// Rows and batches that a result tells itself.
pub(super) const INLINE_MAX: u64 = 100;

/// The work of a run so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// The rows to write; `None`: the list is not checked yet.
    pub(super) staged: Option<StagedPrices>,
    /// Whether the result tells every batch itself.
    pub(super) is_short: bool,
    /// The reasons for which the brake asked.
    pub(super) limits_exceeded: Vec<String>,
    pub(super) written: Written<PriceOutcome>,
    /// The batches that have ended, where the whole run has few.
    pub(super) batches: Vec<PriceBatch>,
    /// Batches that a stretch has left in their middle, as far as they were told.
    pub(super) open: Vec<PriceBatch>,
    /// The rows by the numbers of their batches, where the whole run has few.
    pub(super) rows: BTreeMap<u64, Vec<PriceOutcome>>,
    /// Rows of the list that was written last that were answered before those before them.
    pub(super) ahead: Vec<Range<u64>>,
    pub(super) batch_lists: Vec<ObjectRef>,
    pub(super) successful_batches: u64,
    pub(super) failed_batches: u64,
    /// Whether the shop compares prices before it sets them; `None`: nothing was written.
    pub(super) compares: Option<bool>,
    /// When the next row may go by the rate; `None`: at once.
    pub(super) pace_due: Option<Timestamp>,
}

impl Work {
    /// Adds a stretch.
    pub(super) fn add(&mut self, applied: AppliedPrices) {
        self.successful_batches += applied.successful_batches;
        self.failed_batches += applied.failed_batches;
        self.compares = Some(applied.compares);
        self.pace_due = applied.pace_due;
        self.add_rows(&applied);
        self.written.add(applied.written);
        self.batch_lists.extend(applied.batch_lists);
        self.batches.extend(applied.batches);
        self.batches.sort_by_key(|batch| batch.batch_number);
        self.open = applied.open;
        self.ahead = applied.ahead;
    }

    /// A stretch tells its rows batch by batch; a batch counts those of the stretches before, too.
    fn add_rows(&mut self, applied: &AppliedPrices) {
        let mut told: Vec<&PriceBatch> = applied.batches.iter().chain(&applied.open).collect();
        told.sort_by_key(|batch| batch.batch_number);
        let mut rows = applied.written.rows.iter().cloned();
        for batch in told {
            let number = batch.batch_number;
            let before = self.open.iter().find(|open| open.batch_number == number);
            let own = batch.processed_count - before.map_or(0, |open| open.processed_count);
            let own = rows.by_ref().take(usize::try_from(own).unwrap_or(usize::MAX));
            self.rows.entry(number).or_default().extend(own);
        }
    }

    /// Counts what a run that was stopped has left in the middle. Returns it, where the batches lie in lists.
    pub(super) fn close(&mut self) -> Vec<PriceBatch> {
        let open = std::mem::take(&mut self.open);
        let successful = open.iter().filter(|batch| batch.success).count() as u64;
        self.successful_batches += successful;
        self.failed_batches += open.len() as u64 - successful;
        if !self.is_short {
            return open;
        }
        self.batches.extend(open);
        self.batches.sort_by_key(|batch| batch.batch_number);
        Vec::new()
    }

    pub(super) fn count(&self, action: PriceAction) -> u64 {
        self.written.count(action.name())
    }

    /// Rows with an outcome.
    pub(super) fn processed(&self) -> u64 {
        self.written.counts.values().sum()
    }

    /// Rows that were not written although they should have been.
    pub(super) fn failed(&self) -> u64 {
        self.count(PriceAction::Conflict) + self.count(PriceAction::Failed)
    }

    pub(super) fn to_write(&self) -> u64 {
        self.staged.as_ref().map_or(0, |staged| staged.counts.to_write)
    }

    /// Rows that the shop had already when they were checked.
    pub(super) fn unchanged_before(&self) -> u64 {
        self.staged.as_ref().map_or(0, |staged| staged.counts.unchanged)
    }

    pub(super) fn words(&self) -> String {
        let refused = match (self.count(PriceAction::Conflict), self.count(PriceAction::Failed)) {
            (0, 0) => String::new(),
            (conflicts, failed) => format!(", {conflicts} conflicts, {failed} refused"),
        };
        let unchanged = self.count(PriceAction::Unchanged) + self.unchanged_before();
        format!("{} written, {unchanged} were so already{refused}", self.count(PriceAction::Applied))
    }
}

/// Reasons, the most frequent first.
pub(super) fn causes(causes: &Causes) -> String {
    let mut sorted: Vec<_> = causes.iter().collect();
    sorted.sort_by(|(a, na), (b, nb)| nb.cmp(na).then(a.cmp(b)));
    let listed: Vec<String> = sorted.iter().take(5).map(|(cause, n)| format!("{cause} ({n}×)")).collect();
    listed.join("; ")
}

#[cfg(test)]
mod tests {
    use contracts::money::{Currency, Money};
    use contracts::values::ProductId;

    use super::*;

    fn row(line: u64) -> PriceOutcome {
        let price = Money::from_minor_units(1, Currency::VND);
        PriceOutcome {
            line,
            sku: ProductId::new("A").expect("a SKU"),
            variant: None,
            success: true,
            action: PriceAction::Applied,
            old_price: price,
            new_price: price,
            product_id: None,
            error: None,
            late_seconds: None,
        }
    }

    fn batch(batch_number: u64, processed_count: u64, failed_count: u64) -> PriceBatch {
        let success = failed_count < processed_count;
        PriceBatch { batch_number, success, processed_count, failed_count }
    }

    fn told(batches: Vec<PriceBatch>, open: Vec<PriceBatch>, lines: &[u64]) -> AppliedPrices {
        let successful_batches = batches.iter().filter(|batch| batch.success).count() as u64;
        let failed_batches = batches.len() as u64 - successful_batches;
        let rows = lines.iter().map(|line| row(*line)).collect();
        let written = Written { rows, ..Written::default() };
        AppliedPrices {
            batches,
            open,
            written,
            successful_batches,
            failed_batches,
            ..AppliedPrices::default()
        }
    }

    fn lines(work: &Work) -> Vec<Vec<u64>> {
        work.rows.values().map(|rows| rows.iter().map(|row| row.line).collect()).collect()
    }

    /// Of batches that are written at the same time, one is left in its middle, and its other rows are refused later.
    #[test]
    fn a_batch_that_is_told_in_two_stretches_is_one_batch() {
        let mut work = Work { is_short: true, ..Work::default() };
        work.add(told(vec![batch(2, 2, 0)], vec![batch(1, 1, 0)], &[1, 3, 4]));
        assert_eq!((work.successful_batches, work.failed_batches), (1, 0));
        work.add(told(vec![batch(1, 2, 1), batch(3, 1, 1)], Vec::new(), &[2, 5]));
        assert_eq!((work.successful_batches, work.failed_batches), (2, 1));
        assert_eq!(work.batches, [batch(1, 2, 1), batch(2, 2, 0), batch(3, 1, 1)]);
        assert_eq!(lines(&work), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(work.close(), []);
    }

    #[test]
    fn what_a_stopped_run_leaves_in_the_middle_counts() {
        for is_short in [true, false] {
            let mut work = Work { is_short, ..Work::default() };
            work.add(told(Vec::new(), vec![batch(1, 2, 2), batch(2, 2, 1)], &[1, 2, 3, 4]));
            let left = work.close();
            assert_eq!((work.successful_batches, work.failed_batches), (1, 1));
            let (listed, shown) = if is_short { (0, 2) } else { (2, 0) };
            assert_eq!((left.len(), work.batches.len()), (listed, shown));
        }
    }
}
