//! The keys that can be written on the right side of a rule.
//!
//! | key | meaning |
//! |---|---|
//! | `from` | the ERP's field; `a.b` looks into an object; a list of fields is joined |
//! | `join` | what stands between joined fields (default: a blank) |
//! | `const` | this value, whatever the ERP says |
//! | `default` | this value where the ERP's is missing, `null` or empty, or `lookup` does not know it |
//! | `lookup` | a table from the ERP's value to the shop's; both are compared as they are seen ([`text::as_seen`]) |
//! | `decimal`, `thousands` | how the ERP writes numbers as text: `","`, `"."` |
//! | `grouping` | `"indian"`: `12,34,567`; else groups of three |
//! | `strip` | words and signs around a number that are dropped: `["VND", "₫"]` |
//! | `factor` | multiplies a number: `"1000"` from thousands, `"0.001"` to them |
//! | `round` | `true`: half up to what the field can hold; `"down"`: to the lower; else more decimals are a defect |
//! | `min` | what is below becomes this: `0` |
//! | `plain` | `true`: a SKU of other signs is rewritten, always the same way: `ÁO 1` is `AO-1` |
//! | `exact` | `true`: a key that looks like a spreadsheet's number (`100045.0`) is the key |
//! | `format` | how the ERP writes dates, in `strptime`'s letters: `"%d/%m/%Y"` |
//! | `zone` | where times without a zone are: `"Asia/Ho_Chi_Minh"`, `"+07:00"`, `"GMT+7"` ([`text::zone`]) |

mod keys;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::SourceRecord;
use crate::targets::Kind;
use crate::value::{Value, scalar};

pub(crate) use keys::read;

/// How one field of the shop is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The ERP's fields, each a path.
    from: Vec<Vec<String>>,
    join: String,
    constant: Option<String>,
    default: Option<String>,
    lookup: Option<BTreeMap<String, String>>,
    pub(crate) decimal: Option<char>,
    pub(crate) thousands: Option<char>,
    pub(crate) grouping: Grouping,
    pub(crate) strip: Vec<String>,
    pub(crate) factor: Option<Decimal>,
    pub(crate) round: Option<Round>,
    pub(crate) min: Option<Decimal>,
    pub(crate) plain: bool,
    pub(crate) exact: bool,
    pub(crate) format: Option<String>,
    pub(crate) zone: Option<TimeZone>,
}

/// How many digits stand between two signs for thousands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// Three.
    #[default]
    Thousands,
    /// Three at the end, two before.
    Indian,
}

/// The treatment of decimals that the field cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// To the nearer; the half away from zero.
    HalfUp,
    /// To the lower.
    Down,
}

impl Rule {
    /// Checks that the keys make sense together, and for this field.
    fn check(&self, kind: Kind, mut wrong: impl FnMut(&str, &str)) {
        match (self.from.is_empty(), self.constant.is_some()) {
            (true, false) => wrong("names no field", "add \"from\", or \"const\""),
            (false, true) => wrong("has both \"from\" and \"const\"", "keep one"),
            _ => {}
        }
        let is_number = matches!(kind, Kind::Money | Kind::Integer);
        if self.has_keys_for_numbers() && !is_number {
            wrong("has keys for numbers, and the field is none", "remove them: see the list of keys");
        }
        // A decimal sign that is not said is a point.
        if self.thousands.is_some_and(|thousands| thousands == self.decimal.unwrap_or('.')) {
            wrong("has one sign for decimals and thousands", "write both signs that the ERP uses");
        }
        if self.grouping == Grouping::Indian && self.thousands.is_none() {
            wrong("says how digits are grouped, and not by which sign", "add thousands");
        }
        if self.plain && !matches!(kind, Kind::Text | Kind::Key) {
            wrong("rewrites text, and the field is none", "remove plain");
        }
        if self.exact && kind != Kind::Key {
            wrong("takes a key as it is, and the field is none", "remove exact");
        }
        if self.format.is_some() && kind != Kind::Date {
            wrong("has a date format, and the field is no date", "remove format");
        }
        if self.zone.is_some() && kind != Kind::Date {
            wrong("has a zone, and the field is no date", "remove zone");
        }
        let fixed = [self.constant.as_ref(), self.default.as_ref()].into_iter().flatten();
        let results = self.lookup.iter().flat_map(BTreeMap::values);
        // The shop's own values are written as the shop writes them: no format of the ERP's is read into them.
        for given in fixed.chain(results) {
            if let Err(problem) = Value::Own(given.into()).convert_plainly(kind) {
                wrong(&format!("gives a value that {problem}"), "write a value that the field can hold");
                break;
            }
        }
    }

    fn has_keys_for_numbers(&self) -> bool {
        let of_signs = self.decimal.is_some() || self.thousands.is_some() || !self.strip.is_empty();
        let of_amounts = self.factor.is_some() || self.round.is_some() || self.min.is_some();
        of_signs || of_amounts || self.grouping == Grouping::Indian
    }

    /// The first of its fields that says nothing.
    fn empty_part(&self, source: &SourceRecord) -> Result<String, String> {
        for path in &self.from {
            if scalar(source, path)?.is_none_or(|value| value.is_nothing()) {
                return Ok(path.join("."));
            }
        }
        Ok(String::new())
    }

    /// Whether the rule reads a field on the first level, which may have points in its name. `has_parts`: its value may
    /// be an object; a path leads into no other value, and into no cell of a table.
    pub(crate) fn reads(&self, field: &str, has_parts: bool) -> bool {
        let begins = |path: &[String]| has_parts && path.first().is_some_and(|first| first == field);
        self.from.iter().any(|path| begins(path) || is_named(path, field))
    }

    /// The first of its fields that a table does not have. No cell is an object, so a path is the name of one column.
    /// A rule with a default may do without.
    pub(crate) fn missing(&self, is_there: impl Fn(&str) -> bool) -> Option<String> {
        let mut columns = self.from.iter().map(|path| path.join("."));
        columns.find(|column| !is_there(column)).filter(|_| !self.has_default())
    }

    /// Whether the rule says a value for where the ERP's is missing.
    pub(crate) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// The paths of the ERP's fields that the rule reads.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Vec<String>> {
        self.from.iter()
    }

    /// The path of the one field whose value is taken as it is; `None`: the rule says more than a field's name.
    pub(crate) fn bare(&self) -> Option<&[String]> {
        let path = self.only_source()?;
        let nothing_more = Self { from: self.from.clone(), join: self.join.clone(), ..Self::default() };
        (*self == nothing_more).then_some(path)
    }

    /// The path of the one field that the rule reads; `None` when it reads several, or none.
    pub(crate) fn only_source(&self) -> Option<&[String]> {
        match self.from.as_slice() {
            [path] => Some(path),
            _ => None,
        }
    }

    /// The value before it is converted; the shop's own values are marked, so that no format is read into them.
    pub(crate) fn value<'s>(
        &'s self,
        source: &'s SourceRecord,
        kind: Kind,
    ) -> Result<Option<Value<'s>>, String> {
        if let Some(constant) = &self.constant {
            return Ok(Some(Value::Own(constant.into())));
        }
        let mut found = Vec::new();
        for path in &self.from {
            found.extend(scalar(source, path)?.filter(|value| !value.is_nothing()));
        }
        let own_default = || self.default.as_ref().map(|default| Value::Own(default.into()));
        // Without one of its parts a key is another one.
        if kind == Kind::Key && !found.is_empty() && found.len() < self.from.len() {
            let missing = self.empty_part(source)?;
            return own_default().map(Some).ok_or_else(|| format!("lacks a part: {missing} says nothing"));
        }
        let joined = match found.len() {
            0 => return Ok(own_default()),
            1 => found.into_iter().next(),
            _ => {
                // The joined text would hide that a part of it is a spreadsheet's number.
                if kind == Kind::Key && !self.exact {
                    found.iter().try_for_each(Value::refuse_made)?;
                }
                let parts: Result<Vec<String>, String> = found.iter().map(Value::text).collect();
                Some(Value::Text(parts?.join(&self.join).into()))
            }
        };
        let (Some(table), Some(value)) = (&self.lookup, &joined) else { return Ok(joined) };
        match table.get(&*text::as_seen(&value.text()?)) {
            Some(entry) => Ok(Some(Value::Own(entry.into()))),
            None => match own_default() {
                Some(default) => Ok(Some(default)),
                None => Err("is not in the table of its rule".to_owned()),
            },
        }
    }
}

/// Whether a name is that of a path, without making it.
fn is_named(path: &[String], name: &str) -> bool {
    let mut rest = Some(name);
    for (nth, part) in path.iter().enumerate() {
        let behind = if nth == 0 { rest } else { rest.and_then(|rest| rest.strip_prefix('.')) };
        rest = behind.and_then(|rest| rest.strip_prefix(part.as_str()));
    }
    rest == Some("")
}

/// A record with one field, at a path.
pub(crate) fn nested(path: &[&str], text: &str) -> SourceRecord {
    let inmost = serde_json::Value::String(text.to_owned());
    let Some((first, rest)) = path.split_first() else { return SourceRecord::new() };
    let value = rest.iter().rev().fold(inmost, |value, name| serde_json::json!({ *name: value }));
    let raw = serde_json::value::to_raw_value(&value).ok();
    raw.map(|raw| ((*first).to_owned(), raw)).into_iter().collect()
}
