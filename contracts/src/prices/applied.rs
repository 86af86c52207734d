//! Rows that were written.

use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bulk::{Rate, Written};
use crate::money::Money;
use crate::objects::ObjectRef;
use crate::values::{IdempotencyKey, PriceBatchId, ProductId, VariantId};

/// A staged list to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyPrices {
    /// Names the writes; each has `<key>/<its line>`.
    pub key: IdempotencyKey,
    /// The run's list.
    pub batch_id: PriceBatchId,
    /// JSON lines of [`ListPart`](crate::objects::ListPart), lists of [`PriceRow`](super::PriceRow).
    pub list: ObjectRef,
    /// The number of this list within the run, from 0: its before-images and outcomes have folders of their own.
    pub moment: u32,
    /// Rows of this list that have their outcome already.
    pub from: u64,
    /// Rows behind those that have their outcome, too: a row before them was not answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Range<u64>>,
    /// Batches that were left in their middle, as far as they were told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<PriceBatch>,
    /// Batches of the lists before this one.
    pub batches_before: u64,
    /// Rows of one batch.
    pub batch_size: u32,
    /// Batches under way at once.
    pub parallel: u32,
    /// Milliseconds between two batches.
    pub delay_ms: u64,
    /// Rows a second; `None`: as fast as they are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// When the next row may go by the rate, as the stretch before this one told it; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace_due: Option<Timestamp>,
    /// Whether prices are written over whatever they are by now.
    #[serde(default)]
    pub force: bool,
    /// Milliseconds after which no further batch is begun.
    pub at_most_ms: u64,
    /// When these rows were due; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The business's now.
    pub now: Timestamp,
    /// Whether the result tells rows and batches itself, as long as they are few.
    pub is_inline: bool,
}

/// The outcome of some batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppliedPrices {
    /// Rows of the list that have their outcome now, those before included.
    pub rows: u64,
    /// Whether the list is done.
    pub is_whole: bool,
    /// Rows behind the first one without an outcome that have theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Range<u64>>,
    /// The rows' outcomes. Long lists of them lie in the run's folder and are not named here.
    pub written: Written<PriceOutcome>,
    /// The batches that have ended, when they are few; else none. A batch that was begun by a stretch before counts
    /// with all of its rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<PriceBatch>,
    /// The batches that have ended, as JSON lines of [`PriceBatch`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch_lists: Vec<ObjectRef>,
    /// Batches that were left in their middle, as far as they were told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<PriceBatch>,
    /// Batches that have ended, and in which at least one row was taken.
    pub successful_batches: u64,
    /// Batches that have ended, and in which none was.
    pub failed_batches: u64,
    /// Whether the shop compares a price before it sets it; else it was read, then written.
    pub compares: bool,
    /// When the next row may go by the rate; `None`: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace_due: Option<Timestamp>,
}

/// A batch: the seed's `batch_results`, without its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBatch {
    /// From 1.
    pub batch_number: u64,
    /// Whether at least one row was taken.
    pub success: bool,
    /// Rows with an outcome.
    pub processed_count: u64,
    /// Rows that were refused, or had another price than expected.
    pub failed_count: u64,
}

/// The end of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceAction {
    /// It was written.
    Applied,
    /// The shop had that price already.
    Unchanged,
    /// The shop had another price than expected: left as it is.
    Conflict,
    /// The shop refused it.
    Failed,
}

impl PriceAction {
    /// The word under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }

    /// Whether the shop has the price.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Applied | Self::Unchanged)
    }
}

/// The outcome of a row: the seed's `PriceUpdateResult`, and what it leaves out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceOutcome {
    /// The row's line in the file.
    pub line: u64,
    /// The product.
    pub sku: ProductId,
    /// The variant, where the row is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// Whether the shop has the price.
    pub success: bool,
    /// How it ended.
    pub action: PriceAction,
    /// The price that was expected.
    pub old_price: Money,
    /// The price that it should get.
    pub new_price: Money,
    /// The shop's id of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// The shop's code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Seconds after its time, where it was due later than the start and came more than a minute late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_seconds: Option<u64>,
}
