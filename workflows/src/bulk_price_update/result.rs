//! The result of a price run: the seed's `BulkUpdateResult`, and what it leaves out.

use std::collections::BTreeMap;

use contracts::bulk::{Causes, Rows};
use contracts::objects::ObjectRef;
use contracts::prices::{
    PriceAction, PriceBatch, PriceCounts, PriceMove, PriceOutcome, RevertedPrices, RowError, ValueChange,
    folder,
};
use serde::{Deserialize, Serialize};

use super::steps::PriceRun;
use super::tally::Work;
use crate::report::Report;
use crate::saga::Ended;

/// The result of a price run. The fields up to `batch_results` are the seed's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BulkUpdateResult {
    /// Whether the run reached its end. Rows may have failed: see `summary`.
    pub success: bool,
    /// This run's workflow id.
    pub workflow_id: String,
    /// The figures.
    pub summary: BulkUpdateSummary,
    /// Batch by batch.
    pub batch_results: BatchResults,
    /// `completed`, `expired` (nobody answered the brake in time) or `cancelled`.
    pub outcome: String,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nothing was written because that was asked for.
    #[serde(default)]
    pub dry_run: bool,
    /// The figures of the check; `None`: it was not reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// Names exactly the changes of the preview: `--approve` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The reasons for which the brake asked, or would.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_exceeded: Vec<String>,
    /// Rows that cannot be used.
    #[serde(default)]
    pub invalid_rows: WrongRows,
    /// The prices that a cancel has put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted: Option<RevertedPrices>,
    /// The folder of the object store with every row's outcome.
    pub folder: String,
    /// The steps, each with what it did.
    pub report: Report,
}

/// A run in figures: the seed's seven, and some more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkUpdateSummary {
    /// Rows of the list.
    pub total_items: u64,
    /// Rows with an outcome.
    pub total_processed: u64,
    /// Rows whose price the shop has now.
    pub successful_updates: u64,
    /// Rows whose price it has not: refused, or with another price than expected.
    pub failed_updates: u64,
    /// Batches in which at least one row was taken.
    pub successful_batches: u64,
    /// Batches in which none was.
    pub failed_batches: u64,
    /// Milliseconds of workflow time.
    pub execution_time: i64,
    /// Of the successful ones: prices that this run has written.
    pub applied: u64,
    /// Of the successful ones: prices that were so already.
    pub unchanged: u64,
    /// Of the failed ones: prices that were not the expected ones, and are left as they are.
    pub conflicts: u64,
    /// Rows that cannot be used.
    pub invalid: u64,
    /// Whether prices were written over whatever they were.
    pub forced: bool,
    /// Whether the shop compares a price before it sets it. Otherwise the price was read, then written: somebody else's
    /// in between is lost.
    pub compare_and_set: bool,
}

/// Few batches as a list; many by reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BatchResults {
    /// Up to a hundred.
    Inline(Vec<BatchResult>),
    /// More.
    Listed {
        /// How many.
        count: u64,
        /// Where: JSON lines of [`BatchResult`], without rows.
        #[serde(rename = "ref")]
        list: Vec<ObjectRef>,
        /// Batches that a stop has left in their middle: they are in no list.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        open: Vec<BatchResult>,
    },
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchResult {
    /// From 1.
    pub batch_number: u64,
    /// Whether at least one row was taken.
    pub success: bool,
    /// Rows with an outcome.
    pub processed_count: u64,
    /// Its rows, where the whole run has few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<PriceOutcome>,
}

/// Rows that cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WrongRows {
    /// How many.
    pub count: u64,
    /// Why, and how often.
    #[serde(default, skip_serializing_if = "Causes::is_empty")]
    pub causes: Causes,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<RowError>,
    /// All of them as they were written, as JSON lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ObjectRef>,
}

/// The changes to come, in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Rows.
    pub counts: PriceCounts,
    /// The ten largest changes, by their share of the old price.
    pub largest: Vec<PriceMove>,
    /// The effect on the list value, for each currency.
    pub list_value: Vec<ValueChange>,
}

impl BulkUpdateResult {
    pub(super) fn of(
        run: &PriceRun<'_>,
        mut work: Work,
        reverted: Option<RevertedPrices>,
        ended: Ended<()>,
    ) -> Self {
        let open = work.close();
        let summary = summary(run, &work, ended.took_ms);
        let staged = work.staged.as_ref();
        let preview = staged.map(|staged| Preview {
            counts: staged.counts,
            largest: staged.largest.clone(),
            list_value: staged.value.clone(),
        });
        let invalid_rows = staged.map(|staged| WrongRows {
            count: staged.counts.invalid,
            causes: staged.causes.clone(),
            first: staged.first_errors.clone(),
            lists: staged.errors.clone(),
        });
        Self {
            success: ended.is_success(),
            workflow_id: run.workflow_id(),
            summary,
            receipt: staged.map(|staged| staged.receipt.clone()),
            preview,
            invalid_rows: invalid_rows.unwrap_or_default(),
            limits_exceeded: work.limits_exceeded.clone(),
            batch_results: batches(work, open),
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            dry_run: run.data.dry_run,
            reverted,
            folder: folder(&run.data.batch_id),
            report: ended.report,
        }
    }
}

pub(super) fn summary(run: &PriceRun<'_>, work: &Work, took_ms: i64) -> BulkUpdateSummary {
    let counts = work.staged.as_ref().map(|staged| staged.counts).unwrap_or_default();
    let (applied, conflicts) = (work.count(PriceAction::Applied), work.count(PriceAction::Conflict));
    let unchanged = work.count(PriceAction::Unchanged) + counts.unchanged;
    let failed = work.count(PriceAction::Failed) + conflicts;
    BulkUpdateSummary {
        total_items: counts.read,
        total_processed: work.processed() + counts.unchanged,
        successful_updates: applied + unchanged,
        failed_updates: failed,
        successful_batches: work.successful_batches,
        failed_batches: work.failed_batches,
        execution_time: took_ms,
        applied,
        unchanged,
        conflicts,
        invalid: counts.invalid,
        forced: run.data.force,
        compare_and_set: work.compares.unwrap_or(true),
    }
}

fn batches(work: Work, open: Vec<PriceBatch>) -> BatchResults {
    let count = work.successful_batches + work.failed_batches;
    if !work.is_short {
        let open = open.into_iter().map(|batch| batch_of(batch, Vec::new())).collect();
        return BatchResults::Listed { count, list: work.batch_lists, open };
    }
    let has_all = matches!(work.written.into_rows(), Rows::Inline(_));
    let mut rows = if has_all { work.rows } else { BTreeMap::new() };
    let results = work.batches.into_iter().map(|batch| {
        let own = rows.remove(&batch.batch_number).unwrap_or_default();
        batch_of(batch, own)
    });
    BatchResults::Inline(results.collect())
}

fn batch_of(batch: PriceBatch, results: Vec<PriceOutcome>) -> BatchResult {
    let PriceBatch { batch_number, success, processed_count, .. } = batch;
    BatchResult { batch_number, success, processed_count, results }
}
