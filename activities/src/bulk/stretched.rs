//! How far a list is that is written a stretch at a time: its heartbeat, and what the activity tells.

use contracts::bulk::Written;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Format;

/// A batch in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCount {
    /// Its place in the list, from 0.
    pub number: u64,
    /// Rows with an outcome.
    pub rows: u64,
    /// Of those: refused.
    pub refused: u64,
}

/// How far a list is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretched<O> {
    format: Format<1>,
    /// Rows that have their outcome; `None`: nobody has begun.
    pub(super) rows: Option<u64>,
    /// The outcomes of this stretch.
    pub written: Written<O>,
    /// Its batches.
    pub batches: Vec<BatchCount>,
    /// When the next row may go.
    pub(super) due: Option<Timestamp>,
}

impl<O> Default for Stretched<O> {
    fn default() -> Self {
        Self { format: Format, rows: None, written: Written::default(), batches: Vec::new(), due: None }
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

    pub(super) fn count_batch(&mut self, number: u64, is_refused: bool) {
        match self.batches.last_mut() {
            Some(last) if last.number == number => {
                last.rows += 1;
                last.refused += u64::from(is_refused);
            }
            _ => self.batches.push(BatchCount { number, rows: 1, refused: u64::from(is_refused) }),
        }
    }
}
