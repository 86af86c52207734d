//! Rows that have their outcome though a row before them has none: they were written at the same time, and the one
//! before was not answered. They are told at once, as a run that is stopped now never comes to them again.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Ranges at most: heartbeats and the next stretch carry them. A row beyond is told when the rows before it are.
const RANGES_MAX: usize = 100;

/// Places of rows in their list, as ranges in their order that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ahead(Vec<Range<u64>>);

impl Ahead {
    /// As a stretch before has told them.
    #[must_use]
    pub fn of(ranges: &[Range<u64>]) -> Self {
        Self(ranges.to_vec())
    }

    /// To be told to the next stretch.
    #[must_use]
    pub fn into_ranges(self) -> Vec<Range<u64>> {
        self.0
    }

    pub(super) fn has(&self, row: u64) -> bool {
        self.0.iter().any(|range| range.contains(&row))
    }

    /// Adds a row; `false`: there is no room for it.
    pub(super) fn add(&mut self, row: u64) -> bool {
        let at = self.0.partition_point(|range| range.end < row);
        let is_full = self.0.len() == RANGES_MAX;
        match self.0.get_mut(at) {
            Some(range) if range.contains(&row) => {}
            Some(range) if range.end == row => {
                range.end += 1;
                let end = range.end;
                if self.0.get(at + 1).is_some_and(|next| next.start == end) {
                    let next = self.0.remove(at + 1);
                    self.0[at].end = next.end;
                }
            }
            Some(range) if range.start == row + 1 => range.start = row,
            _ if is_full => return false,
            _ => self.0.insert(at, row..row + 1),
        }
        true
    }

    /// Forgets the rows before one.
    pub(super) fn forget_before(&mut self, row: u64) {
        self.0.retain(|range| range.end > row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_as_few_ranges() {
        let mut ahead = Ahead::default();
        for row in [5, 6, 9, 8, 3, 7] {
            assert!(ahead.add(row) && ahead.add(row), "{row}");
        }
        assert_eq!(ahead, Ahead(vec![3..4, 5..10]));
        assert!(ahead.add(4) && ahead.has(4) && !ahead.has(10));
        let whole = 3..10;
        assert_eq!(ahead.clone().into_ranges(), std::slice::from_ref(&whole));
        ahead.forget_before(9);
        assert_eq!(ahead.0, std::slice::from_ref(&whole), "a range that goes on behind the row stays");
        ahead.forget_before(10);
        assert_eq!(ahead, Ahead::default());
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let mut ahead = Ahead::default();
        assert!((0..100).all(|number| ahead.add(number * 2)));
        assert!(!ahead.add(500), "another range");
        assert!(ahead.add(1), "a row between two");
    }
}
