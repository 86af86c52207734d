//! The input of a catalogue setup: the seed's `CatalogSetupData`.
//!
//! Categories and pricing rules must all be right, or nothing starts: products hang on the ones, and every price on the
//! others. A product or picture that is wrong costs itself under `keep_good_rows`, and the start under
//! `all_or_nothing`.

mod categories;
mod images;
mod products;
mod rules;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::bulk::Receipt;
use contracts::catalog::{Category, Image, Kind, List, Product, Rule, Stored, WrongRow};
use contracts::money::Currency;
use contracts::objects::ObjectRef;
use contracts::values::CatalogId;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;

pub use table::{TableRow, check_table};

use crate::consent;
use crate::input::parsed::{at_most, currency, span, zone};
use crate::input::rows::WrongEntry;
use crate::input::{Checked, Fields, Refusal, digits, id, refuse, text};

/// Rows of a kind that stand in the input itself; more of them lie in the object store, where the starter puts them.
pub const INLINE_MAX: usize = 200;
/// Categories at most: they travel as one list.
pub(super) const CATEGORIES_MAX: usize = 1_000;
/// Pricing rules at most.
pub(super) const RULES_MAX: usize = 1_000;

/// Wrong rows that are left out at most: more of them speak for a column that is read wrongly.
pub const WRONG_MAX: usize = 100;

/// The input of a catalogue setup.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogSetupData {
    /// `catalog_id`: names the catalogue; one run of it at a time.
    pub catalog_id: CatalogId,
    /// `currency`: of amounts (default VND).
    pub currency: Currency,
    /// `policy`: what a wrong row costs (default `keep_good_rows`).
    pub policy: RowPolicy,
    /// `categories`: parents before their children, whatever the order in the file.
    pub categories: Vec<Category>,
    /// `images`.
    pub images: List<Image>,
    /// `products`.
    pub products: List<Product>,
    /// `pricing_rules`.
    pub rules: Vec<Rule>,
    /// Rows that cannot be used; those that the starter left out of stored lists, too (`left_out`).
    pub wrong: Vec<WrongRow>,
    /// `limits`: what a run may change before a person is asked.
    pub limits: Limits,
    /// `approval_deadline`: how long a person has to answer (default 24 h).
    pub approval_deadline: Duration,
    /// `approve`: the receipt of a dry run, as consent to what it has shown.
    pub approve: Option<Receipt>,
    /// `dry_run`: read, check and compare, but write nothing.
    pub dry_run: bool,
}

/// The cost of a wrong row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum RowPolicy {
    /// `keep_good_rows`: the row is reported, the others are kept. A category that fails stops the run.
    #[default]
    KeepGoodRows,
    /// `all_or_nothing`: nothing stays of a run of which a row failed.
    AllOrNothing,
}

/// The changes that a run may make before a person is asked. Shares are in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// `products_changed_percent`: of the products in the file that the shop has, which may be changed (default 100:
    /// a file that changes everything is a usual one).
    pub products_changed: u32,
    /// `price_change_percent`: by which one price may rise or fall (default 50).
    pub price_change: u32,
    /// `prices_to_zero`: prices that may become zero (default 0).
    pub prices_to_zero: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { products_changed: 100, price_change: 50, prices_to_zero: 0 }
    }
}

impl CatalogSetupData {
    /// The subject of a receipt: everything but the consent itself and how long it is waited for.
    pub(super) fn asked(&self) -> String {
        let rows = (&self.categories, &self.images, &self.products, &self.rules, &self.wrong);
        serde_json::to_string(&(rows, self.policy, self.limits)).unwrap_or_default()
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);
/// The seed's shop.
const ZONE: &str = "Asia/Ho_Chi_Minh";

impl Checked for CatalogSetupData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let catalog_id: Option<CatalogId> = fields.required("catalog_id", id);
        let currency = fields.optional("currency", currency).unwrap_or(Currency::VND);
        let zone = fields.optional("time_zone", zone).or_else(|| TimeZone::get(ZONE).ok());
        let policy = fields.optional("policy", policy).unwrap_or_default();
        let left_out = all_right(fields, fields.rows("left_out", "key", |_, fields| left_out(fields)));
        let mut wrong = left_out.unwrap_or_default();
        let categories = categories::read(fields);
        let images = images::read(fields, &mut wrong);
        let products = products::read(fields, currency, &mut wrong);
        let rules = rules::read(fields, currency, &zone.unwrap_or(TimeZone::UTC));
        if policy == RowPolicy::AllOrNothing || wrong.len() > WRONG_MAX {
            refuse_wrong(fields, policy, &wrong);
        }
        let limits = fields.maybe_nested("limits", limits).unwrap_or_default();
        let deadline = fields.optional("approval_deadline", span);
        let (approve, dry_run) = consent::read(fields);
        Some(Self {
            catalog_id: catalog_id?,
            currency,
            policy,
            categories: categories?,
            images: images?,
            products: products?,
            rules: rules?,
            wrong,
            limits,
            approval_deadline: deadline.unwrap_or(24 * HOUR),
            approve,
            dry_run,
        })
    }
}

/// Under `all_or_nothing` a wrong row is a wrong input; very many of them are in any case.
fn refuse_wrong(fields: &Fields<'_>, policy: RowPolicy, wrong: &[WrongRow]) {
    let fix = match policy {
        RowPolicy::AllOrNothing => "correct the row, or choose \"policy\": \"keep_good_rows\"".to_owned(),
        RowPolicy::KeepGoodRows => {
            let count = wrong.len();
            format!(
                "correct it: {count} rows are wrong, which is too many to leave out (at most {WRONG_MAX})"
            )
        }
    };
    for row in wrong {
        let name = format!("{}s", row.kind.name());
        let who = row.key.as_deref().map(|key| format!(" ({key})")).unwrap_or_default();
        let problem = format!("row {}{who} is wrong: {}", row.row, row.problems.join("; "));
        fields.problem(&name, problem, fix.clone());
    }
}

fn limits(fields: &Fields<'_>) -> Option<Limits> {
    let usual = Limits::default();
    let or = |name, max, usual| fields.optional(name, at_most(max)).unwrap_or(usual);
    Some(Limits {
        products_changed: or("products_changed_percent", 100, usual.products_changed),
        price_change: or("price_change_percent", 1_000_000, usual.price_change),
        prices_to_zero: or("prices_to_zero", 1_000_000, usual.prices_to_zero),
    })
}

fn policy(value: &RawValue) -> Result<RowPolicy, Refusal> {
    match text(40)(value)?.as_str() {
        "keep_good_rows" => Ok(RowPolicy::KeepGoodRows),
        "all_or_nothing" => Ok(RowPolicy::AllOrNothing),
        _ => refuse("is not known", "write keep_good_rows or all_or_nothing"),
    }
}

/// A row that the starter has left out of a stored list.
fn left_out(fields: &Fields<'_>) -> Option<WrongRow> {
    let kind = fields.required("kind", |value| {
        let name = text(20)(value)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.map_or_else(|| refuse("is not a kind of row", "leave left_out to the starter"), Ok)
    });
    let row = fields.required("row", at_most(u32::MAX));
    let key = fields.optional("key", text(100));
    let problems = fields.required("problems", crate::input::people::words(100, 2_000));
    Some(WrongRow { kind: kind?, row: row?, key, problems: problems? })
}

/// A list that lies in the object store: `{"count": 10000, "ref": {…}}` in place of the list; `None`: it does not.
fn stored(fields: &Fields<'_>, name: &str) -> Option<Stored> {
    if !fields.is_object(name) {
        return None;
    }
    fields.maybe_nested(name, |fields| {
        let count = fields.required("count", at_most(u32::MAX)).map(u64::from);
        let list = fields.nested("ref", object);
        Some(Stored { count: count?, list: list? })
    })
}

/// A reference into the object store.
fn object(fields: &Fields<'_>) -> Option<ObjectRef> {
    let key = fields.required("key", text(500));
    let bytes = fields.required("bytes", |value| {
        let bytes = digits(value)?;
        u64::try_from(bytes).or_else(|_| refuse("is not a number of bytes", "leave it to the starter"))
    });
    let sha256 = fields.required("sha256", |value| {
        let hash = text(64)(value)?;
        let is_hex = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex { Ok(hash) } else { refuse("is not a SHA-256 in hex", "leave it to the starter") }
    });
    Some(ObjectRef { key: key?, bytes: bytes?, sha256: sha256? })
}

/// The entries of a list that must all be right.
fn all_right<T>(fields: &Fields<'_>, read: Vec<Result<T, WrongEntry>>) -> Option<Vec<T>> {
    let mut right = Some(Vec::with_capacity(read.len()));
    for entry in read {
        match entry {
            Ok(value) => {
                if let Some(right) = &mut right {
                    right.push(value);
                }
            }
            Err(wrong) => {
                fields.problems(wrong.problems);
                right = None;
            }
        }
    }
    right
}

/// The rows that can be used, and those that cannot: wrong ones, and all of those that have one key.
fn sorted_out<R>(
    kind: Kind,
    read: Vec<Result<R, WrongEntry>>,
    key_of: impl Fn(&R) -> (u32, String),
    wrong: &mut Vec<WrongRow>,
) -> Vec<R> {
    let mut rows_of: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (row, key) in read.iter().flatten().map(&key_of) {
        rows_of.entry(key).or_default().insert(row);
    }
    let mut good = Vec::with_capacity(read.len());
    for entry in read {
        match entry {
            Ok(row) => {
                let (number, key) = key_of(&row);
                let others: Vec<String> = rows_of
                    .get(&key)
                    .into_iter()
                    .flatten()
                    .filter(|other| **other != number)
                    .map(u32::to_string)
                    .collect();
                if others.is_empty() {
                    good.push(row);
                    continue;
                }
                let problem = format!("row {} has the same key (fix: keep one of them)", others.join(", "));
                wrong.push(WrongRow { kind, row: number, key: Some(key), problems: vec![problem] });
            }
            Err(WrongEntry { row, key, problems }) => {
                let problems = problems.iter().map(ToString::to_string).collect();
                wrong.push(WrongRow { kind, row, key, problems });
            }
        }
    }
    good
}
