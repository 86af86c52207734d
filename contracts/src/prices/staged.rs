//! Rows to write, and the figures of a preview.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bulk::Causes;
use crate::money::Money;
use crate::objects::ObjectRef;
use crate::values::{ProductId, VariantId};

/// A row to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceRow {
    /// Its line in the file.
    pub line: u64,
    /// The product.
    pub sku: ProductId,
    /// The variant; `None`: every variant of the product, which all cost the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// The price that it must have at the write, or the row is a conflict.
    pub expected: Money,
    /// The price that it gets.
    pub price: Money,
    /// When it is due; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_date: Option<Timestamp>,
    /// Why, in the words of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The price of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantPrice {
    /// The variant.
    pub variant: VariantId,
    /// In minor units of the image's currency.
    pub price: i64,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Its line in the file.
    pub line: u64,
    /// The product, if there is one that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Everything that is wrong with it.
    pub causes: Vec<String>,
}

/// Rows that are due at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// How many.
    pub rows: u64,
    /// JSON lines of [`ListPart`](crate::objects::ListPart), lists of [`PriceRow`], each list but the last one a whole
    /// number of batches.
    pub list: ObjectRef,
}

/// A change of price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceMove {
    /// The row's line in the file.
    pub line: u64,
    /// The product.
    pub sku: ProductId,
    /// The variant, where the row is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
    /// The price now.
    pub from: Money,
    /// The price to be.
    pub to: Money,
}

/// The sum of the prices that change, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueChange {
    /// Before.
    pub before: Money,
    /// After.
    pub after: Money,
}

/// A list in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriceCounts {
    /// Rows of the list.
    pub read: u64,
    /// Rows that cannot be used.
    pub invalid: u64,
    /// Rows whose price the shop has already.
    pub unchanged: u64,
    /// Rows to write.
    pub to_write: u64,
    /// Of those: prices that rise.
    pub up: u64,
    /// Of those: prices that fall.
    pub down: u64,
    /// Of those: below the product's cost.
    pub below_cost: u64,
    /// Of those: beyond the limit for one price.
    pub jumps: u64,
    /// Of those: due later.
    pub later: u64,
    /// Rows that name a time in the past: they are due at once.
    pub backdated: u64,
    /// Rows whose `old_price` is not the shop's: each is a conflict unless the price is that by its write.
    pub other_old_price: u64,
}

/// The outcome of staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagedPrices {
    /// In figures.
    pub counts: PriceCounts,
    /// Why rows cannot be used, and how often.
    #[serde(default)]
    pub causes: Causes,
    /// The first rows that cannot be used.
    #[serde(default)]
    pub first_errors: Vec<RowError>,
    /// All of them, with every value as it was written, as JSON lines.
    #[serde(default)]
    pub errors: Vec<ObjectRef>,
    /// Rows to write, in the order of time.
    #[serde(default)]
    pub moments: Vec<Moment>,
    /// The largest changes, by their share of the old price.
    #[serde(default)]
    pub largest: Vec<PriceMove>,
    /// The effect on the list value, for each currency.
    #[serde(default)]
    pub value: Vec<ValueChange>,
    /// Whether the shop's team has a mail address, at which it hears of the run's end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub team_mail: bool,
    /// The name of exactly these changes under these terms ([`crate::bulk::Receipt`]).
    pub receipt: String,
}
