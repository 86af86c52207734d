//! Prices that are put back.

use serde::{Deserialize, Serialize};

use super::VariantPrice;
use crate::bulk::{Rate, Written};
use crate::money::Money;
use crate::values::{IdempotencyKey, PriceBatchId, ProductId, VariantId};

/// A row's product before its first write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceImage {
    /// The row's line in the file.
    pub line: u64,
    /// The product.
    pub sku: ProductId,
    /// The variant that the row is about; `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// The price that the row sets.
    pub price: Money,
    /// The price of each variant; empty where the shop has no such product.
    pub before: Vec<VariantPrice>,
    /// The price that the write expects, so that it is the one that is written over; `None`: what `before` says, as the
    /// row is written over any price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Money>,
    /// Why the shop's answer about the product cannot be read: then its price is not touched, as nobody could put it
    /// back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// A run to take back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevertPrices {
    /// Names the writes; each has `<key>/<its line>`.
    pub key: IdempotencyKey,
    /// The run.
    pub batch_id: PriceBatchId,
    /// Whether the run itself asks, which has stopped writing.
    #[serde(default)]
    pub by_its_own_run: bool,
    /// Whether to say what would be put back, and write nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Prices a second; `None`: as fast as they are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// The outcome of taking a run back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RevertedPrices {
    /// Whether the run still writes: then nothing is put back.
    pub is_running: bool,
    /// Whether it was taken back to the end before: then nothing is put back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_reverted: bool,
    /// Whether the run has before-images at all.
    pub has_images: bool,
    /// The rows' outcomes. Long lists of them lie in the run's folder and are not named here.
    pub written: Written<RevertOutcome>,
}

/// The fate of a price on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevertAction {
    /// It is what it was before the run; in a dry run: would be.
    Restored,
    /// Somebody has changed it since: left as it is.
    ChangedSince,
    /// The shop refused it.
    Failed,
}

impl RevertAction {
    /// The word under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::ChangedSince => "changed_since",
            Self::Failed => "failed",
        }
    }
}

/// The outcome of one price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevertOutcome {
    /// The row's line in the file.
    pub line: u64,
    /// The product.
    pub sku: ProductId,
    /// The variant, where the row is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// Its fate.
    pub action: RevertAction,
    /// The price that the run had written, or was about to write when it was stopped.
    pub run_price: Money,
    /// The price that the run wrote over.
    pub restored_price: Money,
    /// The shop's code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
