//! How far a list is that is written a stretch at a time: its heartbeat, and what the activity tells.

use contracts::bulk::Written;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ahead, Format};

/// A batch in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCount {
    /// Its place in the list, from 0.
    pub number: u64,
    /// Rows with an outcome.
    pub rows: u64,
    /// Of those: refused.
    pub refused: u64,
    /// Rows that a stretch before has told.
    pub before: u64,
}

/// How far a list is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretched<O> {
    format: Format<2>,
    /// Rows that have their outcome; `None`: nobody has begun.
    pub(super) rows: Option<u64>,
    /// Rows behind them that have theirs, too.
    pub ahead: Ahead,
    /// The outcomes of this stretch; those that are inline batch by batch.
    pub written: Written<O>,
    /// Its batches, in their order.
    pub batches: Vec<BatchCount>,
    /// When the next row may go.
    pub(super) due: Option<Timestamp>,
}

impl<O> Default for Stretched<O> {
    fn default() -> Self {
        let (ahead, batches) = (Ahead::default(), Vec::new());
        Self { format: Format, rows: None, ahead, written: Written::default(), batches, due: None }
    }
}

impl<O> Stretched<O> {
    /// Rows of the list that have their outcome.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.unwrap_or_default()
    }

    /// When the next row may go; `None`: at once.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Rows that this stretch has told.
    pub(super) fn told(&self) -> u64 {
        self.written.counts.values().sum()
    }

    /// Counts a row of a batch.
    pub(super) fn count_batch(&mut self, number: u64, is_refused: bool) {
        let at = self.batches.partition_point(|batch| batch.number < number);
        if self.batches.get(at).is_none_or(|batch| batch.number != number) {
            self.batches.insert(at, BatchCount { number, ..BatchCount::default() });
        }
        let batch = &mut self.batches[at];
        batch.rows += 1;
        batch.refused += u64::from(is_refused);
    }

    /// Tells an outcome inline, behind the rows of its batch. The row is counted already.
    pub(super) fn tell_inline(&mut self, number: u64, outcome: O) {
        let own = |batch: &BatchCount| batch.rows - batch.before;
        let upto: u64 = self.batches.iter().filter(|batch| batch.number <= number).map(own).sum();
        let rows = &mut self.written.rows;
        let at = usize::try_from(upto.saturating_sub(1)).unwrap_or(usize::MAX);
        rows.insert(at.min(rows.len()), outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two batches that are written at the same time the second one is answered first.
    #[test]
    fn rows_are_told_batch_by_batch_whatever_comes_first() {
        let batches = vec![BatchCount { number: 3, rows: 5, refused: 5, before: 5 }];
        let mut told = Stretched::<u64> { batches, ..Stretched::default() };
        for (number, row) in [(4, 41), (4, 42), (3, 36), (5, 51), (3, 37), (4, 43)] {
            told.count_batch(number, false);
            told.tell_inline(number, row);
        }
        assert_eq!(told.written.rows, [36, 37, 41, 42, 43, 51]);
        let counts: Vec<_> =
            told.batches.iter().map(|batch| (batch.number, batch.rows, batch.refused)).collect();
        assert_eq!(counts, [(3, 7, 5), (4, 3, 0), (5, 1, 0)]);
    }
}
