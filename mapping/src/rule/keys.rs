//! Reads rules out of JSON; every mistake is named with its place.

use std::collections::BTreeMap;

use contracts::number::decimal;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use text::{Place, Problem, Refusal, did_you_mean, json, refuse};

use super::{Grouping, Round, Rule};
use crate::date;
use crate::targets::Kind;
use crate::value::Value;

const KEYS: [&str; 16] = [
    "from",
    "join",
    "const",
    "default",
    "lookup",
    "decimal",
    "thousands",
    "grouping",
    "strip",
    "factor",
    "round",
    "min",
    "plain",
    "exact",
    "format",
    "zone",
];
const TRUE_OR_OUT: &str = "write true, or leave it out";

/// Reads one rule, which begins at a byte of all rules; what is wrong goes into `problems`.
pub(crate) fn read(
    name: &str,
    at: usize,
    raw: &RawValue,
    kind: Kind,
    problems: &mut Vec<Problem>,
) -> Option<Rule> {
    let before = problems.len();
    let mut wrong = |at, problem: &str, fix: &str| {
        problems.push(Problem::new(name, problem, fix).at(Place::Byte { byte: at }));
    };
    if let Ok(field) = serde_json::from_str::<String>(raw.get()) {
        if text::as_seen(&field).is_empty() {
            wrong(at, "names no field", "write the ERP's field");
            return None;
        }
        return Some(Rule { from: vec![path(&field)], ..Rule::default() });
    }
    let Some(keys) = json::fields(raw.get()) else {
        wrong(at, "is neither a field's name nor a rule", "write \"field\" or {\"from\": \"field\"}");
        return None;
    };
    let mut rule = Rule { join: " ".to_owned(), ..Rule::default() };
    let mut given: Vec<&str> = Vec::new();
    for (key, field) in &keys {
        let at = at + field.at;
        if given.contains(&key.as_str()) {
            wrong(at, &format!("{key}: is given twice"), "keep one");
        }
        given.push(key);
        if let Err(Refusal { problem, fix }) = rule.set(key, field.value) {
            wrong(at, &format!("{key}: {problem}"), &fix);
        }
    }
    rule.check(kind, |problem, fix| wrong(at, problem, fix));
    (problems.len() == before).then_some(rule)
}

impl Rule {
    fn set(&mut self, key: &str, raw: &RawValue) -> Result<(), Refusal> {
        match key {
            "from" => self.from = fields(raw)?,
            "join" => self.join = words(raw, "write what stands between the fields")?,
            "const" => self.constant = Some(plain(raw)?),
            "default" => self.default = Some(plain(raw)?),
            "lookup" => self.lookup = Some(table(raw)?),
            "decimal" => self.decimal = Some(one_of(raw, &[',', '.'])?),
            "thousands" => {
                self.thousands = Some(one_of(raw, &[',', '.', ' ', '\'', '\u{2019}', '\u{a0}', '\u{202f}'])?);
            }
            "grouping" => self.grouping = grouping(raw)?,
            "strip" => self.strip = strip(raw)?,
            "factor" => self.factor = Some(factor(raw)?),
            "round" => self.round = round(raw)?,
            "min" => self.min = Some(number(raw, "write it as 0 or \"0.5\"")?),
            "plain" => self.plain = flag(raw)?,
            "exact" => self.exact = flag(raw)?,
            "format" => self.format = Some(format(raw)?),
            "zone" => self.zone = Some(zone(raw)?),
            _ => return refuse("is not a key of rules", did_you_mean(key, &KEYS)),
        }
        Ok(())
    }
}

fn words(raw: &RawValue, fix: &str) -> Result<String, Refusal> {
    serde_json::from_str(raw.get()).or_else(|_| refuse("is not text", fix))
}

fn flag(raw: &RawValue) -> Result<bool, Refusal> {
    serde_json::from_str(raw.get()).or_else(|_| refuse("is not true or false", TRUE_OR_OUT))
}

fn one_of(raw: &RawValue, allowed: &[char]) -> Result<char, Refusal> {
    let signs: Vec<char> =
        serde_json::from_str(raw.get()).map(|t: String| t.chars().collect()).unwrap_or_default();
    match signs.as_slice() {
        [sign] if allowed.contains(sign) => Ok(*sign),
        _ => refuse("is not one of the known signs", format!("write one of {allowed:?}")),
    }
}

fn grouping(raw: &RawValue) -> Result<Grouping, Refusal> {
    match raw.get() {
        "\"indian\"" => Ok(Grouping::Indian),
        _ => refuse("is not known", "write \"indian\", or leave it out for groups of three"),
    }
}

fn round(raw: &RawValue) -> Result<Option<Round>, Refusal> {
    match raw.get() {
        "true" => Ok(Some(Round::HalfUp)),
        "false" => Ok(None),
        "\"down\"" => Ok(Some(Round::Down)),
        _ => refuse("is neither true nor \"down\"", "write true (half up) or \"down\", or leave it out"),
    }
}

fn strip(raw: &RawValue) -> Result<Vec<String>, Refusal> {
    let given = serde_json::from_str::<Vec<String>>(raw.get());
    let given =
        given.or_else(|_| serde_json::from_str(raw.get()).map(|one: String| vec![one])).unwrap_or_default();
    let has_digits = |word: &String| word.chars().any(|sign| sign.is_ascii_digit());
    if given.is_empty() || given.iter().any(|word| word.trim().is_empty() || has_digits(word)) {
        return refuse("is not a list of words without digits", "write it as [\"VND\", \"₫\"]");
    }
    // Without its minus, or one of its brackets, a number is another one.
    if given.iter().any(|word| word.trim().chars().all(|sign| "+-\u{2212}()".contains(sign))) {
        return refuse(
            "drops the sign of a number",
            "a minus and brackets are read by themselves: leave them out",
        );
    }
    Ok(given.iter().map(|word| text::composed(word.trim()).into_owned()).collect())
}

fn format(raw: &RawValue) -> Result<String, Refusal> {
    let fix = "write it as \"%d/%m/%Y\", or as \"%d/%m/%Y %H:%M\"";
    match serde_json::from_str::<String>(raw.get()) {
        Ok(format) if !format.contains('%') => refuse("is no date format", fix),
        Ok(format) if date::can_be_read(&format) => Ok(format),
        Ok(_) => refuse("is a format that no date can be read by", fix),
        Err(_) => refuse("is no date format", fix),
    }
}

fn zone(raw: &RawValue) -> Result<TimeZone, Refusal> {
    json::text(raw).and_then(|name| text::zone(&name))
}

/// Names of fields are compared as they are seen.
fn path(field: &str) -> Vec<String> {
    text::as_seen(field).split('.').map(str::to_owned).collect()
}

fn fields(raw: &RawValue) -> Result<Vec<Vec<String>>, Refusal> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum From {
        One(String),
        Several(Vec<String>),
    }
    let names = match serde_json::from_str(raw.get()) {
        Ok(From::One(name)) => vec![name],
        Ok(From::Several(names)) => names,
        Err(_) => return refuse("is no field", "write \"field\" or [\"field\", \"field\"]"),
    };
    if names.is_empty() || names.iter().any(|name| text::as_seen(name).is_empty()) {
        return refuse("names no field", "write the ERP's field");
    }
    Ok(names.iter().map(|name| path(name)).collect())
}

/// A value written in the rules, as text.
fn plain(raw: &RawValue) -> Result<String, Refusal> {
    let fix = "write text, a number, true or false";
    match Value::of(raw) {
        Value::Nothing | Value::Other | Value::Broken => refuse("is no plain value", fix),
        value => value.text().or_else(|problem| refuse(problem, fix)),
    }
}

fn table(raw: &RawValue) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(entries) = json::fields(raw.get()) else {
        return refuse("is no table", "write {\"the ERP's value\": \"the shop's\"}");
    };
    if entries.is_empty() {
        return refuse("is empty", "add an entry");
    }
    let mut table = BTreeMap::new();
    for (name, field) in entries {
        if table.insert(text::as_seen(&name).into_owned(), plain(field.value)?).is_some() {
            return refuse("has a value of the ERP twice", "keep one of the two");
        }
    }
    Ok(table)
}

fn factor(raw: &RawValue) -> Result<Decimal, Refusal> {
    let fix = "write it as \"1000\" or \"0.001\"";
    match number(raw, fix)? {
        zero if zero.is_zero() => refuse("is no number", fix),
        factor => Ok(factor),
    }
}

fn number(raw: &RawValue, fix: &str) -> Result<Decimal, Refusal> {
    let digits = serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    decimal(&digits).or_else(|_| refuse("is no number", fix))
}
