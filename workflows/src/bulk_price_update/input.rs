//! The input of a price run.

use std::time::Duration;

use contracts::bulk::{Rate, Receipt};
use contracts::money::Currency;
use contracts::objects::ObjectRef;
use contracts::prices::{PriceChecks, PriceList};
use contracts::values::PriceBatchId;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::consent;
use crate::input::parsed::{at_most, currency, span, zone_as_written};
use crate::input::people::yes_or_no;
use crate::input::{Checked, Fields, Problem, Refusal, count, id, refuse, text};

/// The input of a price run.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkPriceUpdateData {
    /// `batch_id`: names the run; a second run of the same list needs another one.
    pub batch_id: PriceBatchId,
    /// `updates`: few rows, the seed's `PriceUpdate` each; or `list`: a reference to lists of them.
    pub list: PriceList,
    /// `currency`, `zone`, `max_change_percent`, `max_backdate`, `allow_below_cost`: how rows are checked.
    pub checks: PriceChecks,
    /// `on_invalid`: what becomes of a list with wrong rows.
    pub on_invalid: OnInvalid,
    /// `batch_size`: rows of one batch (default 100, at most 10,000).
    pub batch_size: u32,
    /// `parallel`: batches under way at once (default 1, at most 8).
    pub parallel: u32,
    /// `delay`: between two batches (default 1 s; 0s for none; at most an hour: it passes inside an activity).
    pub delay: Duration,
    /// `max_per_second`: rows a second (default: no limit but the delay).
    pub rate: Option<Rate>,
    /// `force`: prices are written over whatever they are by then.
    pub force: bool,
    /// `limits`: what a run may change before a person is asked.
    pub limits: Limits,
    /// `approval_deadline`: how long a person has to answer (default 24 h).
    pub approval_deadline: Duration,
    /// `approve`: the receipt of a dry run, as consent to what it has shown.
    pub approve: Option<Receipt>,
    /// `dry_run`: say what would be written, and write nothing.
    pub dry_run: bool,
}

/// The fate of a list with wrong rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// Nothing is written, as in the seed.
    #[default]
    StopOnInvalid,
    /// The others are written.
    KeepGoodRows,
}

/// The changes that a run may make before a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// `rows`: prices that may change (default: any number).
    pub rows: Option<u32>,
    /// `price_change_percent`: by which one price may rise or fall (default 50).
    pub price_change: u32,
    /// `below_cost`: prices that may be below the product's cost (default 0).
    pub below_cost: u32,
    /// `list_value_percent`: by which the sum of the prices that change may rise or fall, in any currency (default 30).
    pub list_value: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: None, price_change: 50, below_cost: 0, list_value: 30 }
    }
}

impl BulkPriceUpdateData {
    /// The subject of a receipt, beside the list and its checks.
    pub(super) fn terms(&self) -> String {
        let terms = (self.on_invalid, self.force, self.limits);
        serde_json::to_string(&terms).unwrap_or_default()
    }
}

const HOUR: u64 = 60 * 60;
/// An activity that waits for longer would run into its own end (`SUN_PRICES_PATIENCE`).
const DELAY_MAX: Duration = Duration::from_secs(HOUR);

impl Checked for BulkPriceUpdateData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let batch_id = fields.required("batch_id", id);
        let list = list(fields);
        let limits = fields.maybe_nested("limits", limits).unwrap_or_default();
        let checks = PriceChecks {
            currency: fields.optional("currency", currency).unwrap_or(Currency::VND).code().to_owned(),
            zone: fields.optional("zone", zone_as_written),
            max_change_percent: fields.optional("max_change_percent", at_most(1_000_000)),
            jump_percent: limits.price_change,
            max_backdate_seconds: fields.optional("max_backdate", span).map(|span| span.as_secs()),
            allow_below_cost: fields.optional("allow_below_cost", yes_or_no).unwrap_or(false),
        };
        let on_invalid = fields.optional("on_invalid", on_invalid).unwrap_or_default();
        let batch_size = fields.optional("batch_size", count(10_000)).unwrap_or(100);
        let parallel = fields.optional("parallel", count(8)).unwrap_or(1);
        let delay = fields.optional("delay", pause).unwrap_or(Duration::from_secs(1));
        let rate = fields.optional("max_per_second", count(1_000_000));
        let force = fields.optional("force", yes_or_no).unwrap_or(false);
        let deadline = fields.optional("approval_deadline", span);
        let (approve, dry_run) = consent::read(fields);
        Some(Self {
            batch_id: batch_id?,
            list: list?,
            checks,
            on_invalid,
            batch_size,
            parallel,
            delay,
            rate: rate.and_then(|rows| Rate::try_from(rows).ok()),
            force,
            limits,
            approval_deadline: deadline.unwrap_or(Duration::from_secs(24 * HOUR)),
            approve,
            dry_run,
        })
    }
}

fn list(fields: &Fields<'_>) -> Option<PriceList> {
    let given = (fields.says("updates"), fields.says("list"));
    let updates = fields.parsed("updates", updates);
    let list = fields.maybe_nested("list", reference);
    match given {
        (true, false) => updates.map(PriceList::Inline),
        (false, true) => list.map(PriceList::Listed),
        (true, true) => {
            fields.problem("list", "is given beside updates", "keep one of them");
            None
        }
        (false, false) => {
            fields.problem("updates", "is missing", "add the rows; the starter makes them of a file");
            None
        }
    }
}

/// Rows are checked with the shop at hand; here only that there are some.
fn updates(json: &str) -> Result<String, Vec<Problem>> {
    let wrong = |problem: &str, fix: &str| Err(vec![Problem::new("", problem, fix)]);
    let Some(rows) = ::text::json::entries(json) else {
        return wrong("is not a list", "send a JSON list of rows");
    };
    if rows.is_empty() {
        return wrong("is empty", "add at least one row");
    }
    match rows.iter().position(|row| ::text::json::fields(row.get()).is_none()) {
        Some(place) => {
            wrong(&format!("has a row that is not an object, number {}", place + 1), "write {\"sku\": …}")
        }
        None => Ok(json.to_owned()),
    }
}

fn reference(fields: &Fields<'_>) -> Option<ObjectRef> {
    let key = fields.required("key", text(500));
    let bytes = fields.required("bytes", at_most(u32::MAX));
    let sha256 = fields.required("sha256", text(64));
    Some(ObjectRef { key: key?, bytes: bytes?.into(), sha256: sha256? })
}

fn limits(fields: &Fields<'_>) -> Option<Limits> {
    let usual = Limits::default();
    let number = |name, usual| fields.optional(name, at_most(1_000_000)).unwrap_or(usual);
    Some(Limits {
        rows: fields.optional("rows", at_most(u32::MAX)),
        price_change: number("price_change_percent", usual.price_change),
        below_cost: number("below_cost", usual.below_cost),
        list_value: number("list_value_percent", usual.list_value),
    })
}

fn on_invalid(value: &RawValue) -> Result<OnInvalid, Refusal> {
    match text(40)(value)?.as_str() {
        "stop_on_invalid" => Ok(OnInvalid::StopOnInvalid),
        "keep_good_rows" => Ok(OnInvalid::KeepGoodRows),
        _ => refuse("is not known", "write stop_on_invalid or keep_good_rows"),
    }
}

/// A span that may be none.
fn pause(value: &RawValue) -> Result<Duration, Refusal> {
    let pause = match text(40)(value)?.as_str() {
        "0" | "0s" | "0ms" => Duration::ZERO,
        _ => span(value)?,
    };
    match pause <= DELAY_MAX {
        true => Ok(pause),
        false => refuse("is longer than an hour", "send several lists, each at its time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Unchecked;

    fn problems(json: &str) -> Vec<String> {
        let input = Unchecked::<BulkPriceUpdateData>::from_json(json).expect("JSON");
        let problems = input.check_strictly().err().unwrap_or_default();
        problems.iter().map(|problem| format!("{} {}", problem.field, problem.problem)).collect()
    }

    #[test]
    fn a_run_needs_a_name_and_rows() -> Result<(), Vec<Problem>> {
        let json = r#"{"batch_id": "b", "updates": [{"sku": "A", "new_price": 1}]}"#;
        let data = Unchecked::<BulkPriceUpdateData>::from_json(json).expect("JSON").check()?;
        assert_eq!((data.batch_size, data.delay, data.rate), (100, Duration::from_secs(1), None));
        assert_eq!(data.on_invalid, OnInvalid::StopOnInvalid);
        assert_eq!(problems(r#"{}"#), ["batch_id is missing", "updates is missing"]);
        assert_eq!(problems(r#"{"batch_id": "b", "updates": []}"#)[0], "updates is empty");
        assert_eq!(
            problems(r#"{"batch_id": "b", "updates": [{}, 7]}"#)[0],
            "updates has a row that is not an object, number 2"
        );
        Ok(())
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let with = |more: &str| problems(&format!(r#"{{"batch_id": "b", "updates": [{{}}], {more}}}"#));
        assert_eq!(with(r#""delay": "0s""#), [""; 0]);
        assert_eq!(with(r#""delay": "soon""#), ["delay is not a span of time"]);
        assert_eq!(with(r#""delay": "1h""#), [""; 0]);
        assert_eq!(with(r#""delay": "30h""#), ["delay is longer than an hour"]);
        assert_eq!(with(r#""max_per_second": 0"#), ["max_per_second is 0"]);
        assert!(with(r#""approve": "yes""#)[0].starts_with("approve is not a receipt"));
        let both = r#""dry_run": true, "approve": "0123456789abcdef-0123456789abcdef""#;
        assert_eq!(with(both), ["approve is given beside dry_run, which writes nothing"]);
        assert_eq!(with(r#""on_invalid": "ignore""#), ["on_invalid is not known"]);
        assert_eq!(with(r#""batchsize": 1"#), ["batchsize is not a known field"]);
    }
}
