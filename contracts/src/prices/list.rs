//! A list as somebody wrote it, and how it is checked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::objects::ObjectRef;
use crate::values::PriceBatchId;

/// A row as it was written: every value keeps its digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GivenRow {
    /// Its line in the file; in a JSON list its number, from 1.
    pub line: u64,
    /// Its values by the names of [`PriceRow`](super::PriceRow)'s fields.
    pub row: BTreeMap<String, Box<RawValue>>,
    /// Its values that could not be read, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flaws: BTreeMap<String, String>,
    /// Where those stand, in a workbook: `Prices!C7`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<String, String>,
}

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceList {
    /// Few of them: a JSON list.
    Inline(String),
    /// JSON lines of [`ListPart`](crate::objects::ListPart), lists of [`GivenRow`].
    Listed(ObjectRef),
}

/// How rows are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChecks {
    /// ISO-4217 code of amounts without one.
    pub currency: String,
    /// IANA name of the zone of dates without an offset; `None`: such a date is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// A row that changes a price by more than so many percent is an error; `None`: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_change_percent: Option<u32>,
    /// A price that changes by more than so many percent is counted.
    pub jump_percent: u32,
    /// A date that is longer ago than so many seconds is an error; `None`: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_backdate_seconds: Option<u64>,
    /// Whether a price below the product's cost is counted instead of being an error.
    #[serde(default)]
    pub allow_below_cost: bool,
}

/// A list to check and compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagePrices {
    /// The run's list.
    pub batch_id: PriceBatchId,
    /// The rows.
    pub list: PriceList,
    /// How they are checked.
    pub checks: PriceChecks,
    /// Everything else that a receipt is about, as text: what is done with wrong rows, the limits.
    pub terms: String,
    /// The business's now.
    pub now: Timestamp,
    /// Rows of one batch: parts of a staged list end where a batch does.
    pub batch_size: u32,
    /// Where in the object store to put lists that the run alone needs.
    pub folder: String,
    /// Whether nothing will be written: then the batch's name may be that of a run before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}
