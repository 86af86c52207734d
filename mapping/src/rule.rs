//! What can be written on the right side of a rule.
//!
//! | key | meaning |
//! |---|---|
//! | `from` | the ERP's field; `a.b` looks into an object; a list of fields is joined |
//! | `join` | what stands between joined fields (default: a blank) |
//! | `const` | this value, whatever the ERP says |
//! | `default` | this value where the ERP's is missing, `null` or empty, or `lookup` does not know it |
//! | `lookup` | a table from the ERP's value to the shop's |
//! | `decimal`, `thousands` | how the ERP writes numbers as text: `","`, `"."` |
//! | `factor` | multiplies a number: `"1000"` from thousands, `"0.001"` to them |
//! | `round` | `true`: round half up to what the field can hold; else more decimals are a defect |
//! | `plain` | `true`: a SKU of other signs is rewritten, always the same way: `ÁO 1` is `AO-1` |
//! | `format` | how the ERP writes dates, in `strptime`'s letters: `"%d/%m/%Y"` |

use std::collections::BTreeMap;

use contracts::money::is_number;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::SourceRecord;
use crate::targets::{Kind, Target};
use crate::value::{Value, scalar};

/// A mistake in the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The shop's field whose rule it is.
    pub target: String,
    /// Where it stands: the byte in the text of the rules.
    pub at: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Mistake {
    pub(crate) fn new(target: &str, at: usize, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { target: target.to_owned(), at, problem: problem.into(), fix: fix.into() }
    }
}

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
    pub(crate) factor: Option<Decimal>,
    pub(crate) round: bool,
    pub(crate) plain: bool,
    pub(crate) format: Option<String>,
}

const KEYS: [&str; 11] = [
    "from",
    "join",
    "const",
    "default",
    "lookup",
    "decimal",
    "thousands",
    "factor",
    "round",
    "plain",
    "format",
];

/// The names, places and values of an object, in the order of the text.
pub(crate) fn pairs(json: &str) -> Result<Vec<(String, usize, &RawValue)>, serde_json::Error> {
    struct Pairs<'a>(Vec<(String, &'a RawValue)>);
    impl<'de> Deserialize<'de> for Pairs<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Reader;
            impl<'de> serde::de::Visitor<'de> for Reader {
                type Value = Vec<(String, &'de RawValue)>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut pairs = Vec::new();
                    while let Some(pair) = map.next_entry()? {
                        pairs.push(pair);
                    }
                    Ok(pairs)
                }
            }
            deserializer.deserialize_map(Reader).map(Self)
        }
    }
    let Pairs(pairs) = serde_json::from_str(json)?;
    Ok(pairs.into_iter().map(|(name, raw)| (name, place(json, raw.get()), raw)).collect())
}

/// Where a part of a text begins in it.
fn place(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// Reads one rule; what is wrong goes into `mistakes`.
pub(crate) fn read(
    name: &str,
    at: usize,
    raw: &RawValue,
    target: &Target,
    mistakes: &mut Vec<Mistake>,
) -> Option<Rule> {
    let before = mistakes.len();
    let mut wrong = |at, problem: &str, fix: &str| mistakes.push(Mistake::new(name, at, problem, fix));
    if let Ok(field) = serde_json::from_str::<String>(raw.get()) {
        if field.is_empty() {
            wrong(at, "names no field", "write the ERP's field");
            return None;
        }
        return Some(Rule { from: vec![path(&field)], ..Rule::default() });
    }
    let Ok(keys) = pairs(raw.get()) else {
        wrong(at, "is neither a field's name nor a rule", "write \"field\" or {\"from\": \"field\"}");
        return None;
    };
    let mut rule = Rule { join: " ".to_owned(), ..Rule::default() };
    for (key, offset, raw) in keys {
        let at = at + offset;
        match rule.set(&key, raw) {
            Ok(()) => {}
            Err((problem, fix)) => wrong(at, &format!("{key}: {problem}"), &fix),
        }
    }
    rule.check(target.kind, |problem, fix| wrong(at, problem, fix));
    (mistakes.len() == before).then_some(rule)
}

type Refusal = (String, String);

fn refuse<T>(problem: &str, fix: &str) -> Result<T, Refusal> {
    Err((problem.to_owned(), fix.to_owned()))
}

impl Rule {
    fn set(&mut self, key: &str, raw: &RawValue) -> Result<(), Refusal> {
        let text = || serde_json::from_str::<String>(raw.get());
        let one_of = |allowed: &[char]| match text().ok().filter(|t| t.chars().count() == 1) {
            Some(text) if text.chars().all(|c| allowed.contains(&c)) => Ok(text.chars().next()),
            _ => refuse("is not one of the known signs", &format!("write one of {allowed:?}")),
        };
        match key {
            "from" => self.from = fields(raw)?,
            "join" => match text() {
                Ok(join) => self.join = join,
                Err(_) => return refuse("is not text", "write what stands between the fields"),
            },
            "const" => self.constant = Some(plain(raw)?),
            "default" => self.default = Some(plain(raw)?),
            "lookup" => self.lookup = Some(table(raw)?),
            "decimal" => self.decimal = one_of(&[',', '.'])?,
            "thousands" => self.thousands = one_of(&[',', '.', ' ', '\'', '\u{a0}', '\u{202f}'])?,
            "factor" => self.factor = Some(factor(raw)?),
            "round" => self.round = flag(raw)?,
            "plain" => self.plain = flag(raw)?,
            "format" => match text() {
                Ok(format) if format.contains('%') => self.format = Some(format),
                _ => return refuse("is no date format", "write it as \"%d/%m/%Y\""),
            },
            _ => return refuse("is not a key of rules", &format!("known: {}", KEYS.join(", "))),
        }
        Ok(())
    }

    /// What makes sense together, and for this field.
    fn check(&self, kind: Kind, mut wrong: impl FnMut(&str, &str)) {
        match (self.from.is_empty(), self.constant.is_some()) {
            (true, false) => wrong("names no field", "add \"from\", or \"const\""),
            (false, true) => wrong("has both \"from\" and \"const\"", "keep one"),
            _ => {}
        }
        let is_number = matches!(kind, Kind::Money | Kind::Integer);
        let of_numbers = self.decimal.is_some() || self.thousands.is_some();
        if (of_numbers || self.factor.is_some() || self.round) && !is_number {
            wrong("has keys for numbers, and the field is none", "remove decimal, thousands, factor, round");
        }
        // What is not said is a point.
        if self.thousands.is_some_and(|thousands| thousands == self.decimal.unwrap_or('.')) {
            wrong("has one sign for decimals and thousands", "write both signs that the ERP uses");
        }
        if self.plain && kind != Kind::Text {
            wrong("rewrites text, and the field is none", "remove plain");
        }
        if self.format.is_some() && kind != Kind::Date {
            wrong("has a date format, and the field is no date", "remove format");
        }
        let fixed = [self.constant.as_ref(), self.default.as_ref()].into_iter().flatten();
        let results = self.lookup.iter().flat_map(BTreeMap::values);
        // The shop's own values are written as the shop writes them: no format of the ERP's is read into them.
        for given in fixed.chain(results) {
            if let Err(problem) = Value::Text(given.into()).convert_plainly(kind) {
                wrong(&format!("gives a value that {problem}"), "write a value that the field can hold");
                break;
            }
        }
    }

    /// The ERP's fields that the rule reads, on the first level.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.from.iter().filter_map(|path| path.first()).map(String::as_str)
    }

    /// The path of the one field that the rule reads; `None` when it reads several, or none.
    pub(crate) fn only_source(&self) -> Option<&[String]> {
        match self.from.as_slice() {
            [path] => Some(path),
            _ => None,
        }
    }

    /// The value before it is converted; the shop's own values are marked, so that no format is read into them.
    pub(crate) fn value<'s>(&'s self, source: &'s SourceRecord) -> Result<Option<Value<'s>>, String> {
        if let Some(constant) = &self.constant {
            return Ok(Some(Value::Own(constant.into())));
        }
        let found: Vec<Value<'s>> =
            self.from.iter().filter_map(|path| scalar(source, path)).filter(|v| !v.is_nothing()).collect();
        let own_default = || self.default.as_ref().map(|default| Value::Own(default.into()));
        let joined = match found.len() {
            0 => return Ok(own_default()),
            1 => found.into_iter().next(),
            _ => {
                let parts: Result<Vec<String>, String> = found.iter().map(Value::text).collect();
                Some(Value::Text(parts?.join(&self.join).into()))
            }
        };
        let (Some(table), Some(value)) = (&self.lookup, &joined) else { return Ok(joined) };
        match table.get(&value.text()?) {
            Some(entry) => Ok(Some(Value::Own(entry.into()))),
            None => match own_default() {
                Some(default) => Ok(Some(default)),
                None => Err("is not in the table of its rule".to_owned()),
            },
        }
    }
}

/// A record with one field, at a path.
pub(crate) fn nested(path: &[&str], text: &str) -> SourceRecord {
    let inmost = serde_json::Value::String(text.to_owned());
    let Some((first, rest)) = path.split_first() else { return SourceRecord::new() };
    let value = rest.iter().rev().fold(inmost, |value, name| serde_json::json!({ *name: value }));
    let raw = serde_json::value::to_raw_value(&value).ok();
    raw.map(|raw| ((*first).to_owned(), raw)).into_iter().collect()
}

fn flag(raw: &RawValue) -> Result<bool, Refusal> {
    serde_json::from_str(raw.get()).or_else(|_| refuse("is not true or false", "write true, or leave it out"))
}

fn path(field: &str) -> Vec<String> {
    field.split('.').map(str::to_owned).collect()
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
    if names.is_empty() || names.iter().any(String::is_empty) {
        return refuse("names no field", "write the ERP's field");
    }
    Ok(names.iter().map(|name| path(name)).collect())
}

/// A value written in the rules, as text.
fn plain(raw: &RawValue) -> Result<String, Refusal> {
    match Value::of(raw) {
        Value::Nothing | Value::Other => refuse("is no plain value", "write text, a number, true or false"),
        value => value.text().or_else(|problem| refuse(&problem, "write text, a number, true or false")),
    }
}

fn table(raw: &RawValue) -> Result<BTreeMap<String, String>, Refusal> {
    let Ok(entries) = pairs(raw.get()) else {
        return refuse("is no table", "write {\"the ERP's value\": \"the shop's\"}");
    };
    if entries.is_empty() {
        return refuse("is empty", "add an entry");
    }
    entries.into_iter().map(|(name, _, raw)| Ok((name, plain(raw)?))).collect()
}

fn factor(raw: &RawValue) -> Result<Decimal, Refusal> {
    let digits = serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    let parsed = Decimal::from_str_exact(&digits).ok().filter(|factor| !factor.is_zero());
    match parsed {
        Some(factor) if is_number(&digits) => Ok(factor),
        _ => refuse("is no number", "write it as \"1000\" or \"0.001\""),
    }
}
