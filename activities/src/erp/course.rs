//! The course of a read: whether its pages go on, and how far their moments of change bring the watermark.

use std::collections::HashSet;

use contracts::erp::Stamps;
use jiff::{SignedDuration, Timestamp};

use crate::http::CallError;

/// Records ahead of their time that a result names.
const AHEAD_MAX: usize = 10;

/// Pages without a record, one after the other, after which a list counts as one that does not end.
const EMPTY_MAX: u32 = 10;

/// The cursors of the pages so far: a list that does not go on would be read for ever.
pub(super) struct Turns {
    seen: HashSet<String>,
    empty: u32,
    /// Whether each page of a list that goes on has records. Tryton may have none to show of what moved.
    is_filled: bool,
}

impl Turns {
    pub(super) fn of(stamps: Stamps) -> Self {
        Self { seen: HashSet::new(), empty: 0, is_filled: stamps == Stamps::InOrder }
    }

    /// The cursor to go on with, if the list goes on at all. An empty one ends it, as some systems say so.
    pub(super) fn next(
        &mut self,
        asked: Option<&str>,
        next: Option<String>,
        is_empty: bool,
    ) -> Result<Option<String>, CallError> {
        let unusable = |why: String| Err(CallError::Unusable { system: "erp", why });
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(None) };
        self.seen.extend(asked.map(str::to_owned));
        if self.seen.contains(&next) {
            return unusable("its list does not go on: a page ends where one before it did".to_owned());
        }
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        if self.is_filled && self.empty >= EMPTY_MAX {
            return unusable(format!(
                "its list does not end: {EMPTY_MAX} pages without a record, and a cursor each"
            ));
        }
        Ok(Some(next))
    }
}

/// The moments of change of the records that were read.
pub(super) struct Moments {
    /// How far a stamp may be ahead of now.
    tolerance: Option<SignedDuration>,
    pub(super) newest: Option<Timestamp>,
    pub(super) is_disordered: bool,
    /// Records whose stamps are further ahead.
    pub(super) count: u64,
    pub(super) ahead: Vec<String>,
}

impl Moments {
    pub(super) fn new(ahead_seconds: Option<u64>) -> Self {
        let seconds = ahead_seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        let tolerance = seconds.map(SignedDuration::from_secs);
        Self { tolerance, newest: None, is_disordered: false, count: 0, ahead: Vec::new() }
    }

    /// Whether a stamp is further ahead than clocks are apart. A watermark that went there would have everything that
    /// changes until then count as read.
    pub(super) fn is_ahead(&mut self, changed_at: Timestamp) -> bool {
        let is_ahead = self.tolerance.is_some_and(|most| changed_at.duration_since(Timestamp::now()) > most);
        if is_ahead {
            self.count += 1;
        } else {
            self.is_disordered |= self.newest.is_some_and(|newest| changed_at < newest);
            self.newest = self.newest.max(Some(changed_at));
        }
        is_ahead
    }

    pub(super) fn name(&mut self, key: &str, changed_at: Timestamp) {
        if self.ahead.len() < AHEAD_MAX {
            self.ahead.push(format!("{key} ({changed_at})"));
        }
    }
}
