//! The work of a run so far.

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
    pub(super) batches: Vec<PriceBatch>,
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
        self.written.add(applied.written);
        self.batch_lists.extend(applied.batch_lists);
        for batch in applied.batches {
            match self.batches.last_mut().filter(|last| last.batch_number == batch.batch_number) {
                // Interrupted in its middle.
                Some(last) => {
                    last.success |= batch.success;
                    last.processed_count += batch.processed_count;
                    last.failed_count += batch.failed_count;
                }
                None => self.batches.push(batch),
            }
        }
    }

    pub(super) fn count(&self, action: PriceAction) -> u64 {
        self.written.count(action.name())
    }

    /// Rows with an outcome.
    pub(super) fn processed(&self) -> u64 {
        self.written.counts.values().sum()
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
