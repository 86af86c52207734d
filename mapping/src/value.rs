//! How a value is read. Numbers come from their digits, never through floating point.

use std::borrow::Cow;
use std::collections::BTreeMap;

use contracts::money::{Currency, Money, exponent, is_number};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::value::RawValue;

use crate::SourceRecord;
use crate::rule::Rule;
use crate::targets::Kind;

/// A value on its way from the ERP to the shop.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Not there, or `null`.
    Nothing,
    /// Text.
    Text(Cow<'a, str>),
    /// A JSON number, by its digits.
    Number(&'a str),
    /// True or false.
    Bool(bool),
    /// Written in the rules, in the shop's own way.
    Own(Cow<'a, str>),
    /// A list or an object.
    Other,
}

/// A value as the shop's field holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Converted {
    /// Text, without blanks around it.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// An amount.
    Money(Money),
    /// True or false.
    Bool(bool),
    /// A moment.
    Date(Timestamp),
}

/// The value at a path of a record.
pub(crate) fn scalar<'s>(source: &'s SourceRecord, path: &[String]) -> Option<Value<'s>> {
    let (first, rest) = path.split_first()?;
    // A field that has a dot in its name is that field.
    if let Some(raw) = source.get(path.join(".").as_str()) {
        return Some(Value::of(raw));
    }
    let mut raw: &RawValue = source.get(first)?;
    for name in rest {
        let object: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
        raw = *object.get(name)?;
    }
    Some(Value::of(raw))
}

impl<'a> Value<'a> {
    /// Reads JSON.
    #[must_use]
    pub fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => match serde_json::from_str(text) {
                Ok(text) => Self::Text(Cow::Owned(text)),
                Err(_) => Self::Other,
            },
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Nothing,
            Some(b'{' | b'[') | None => Self::Other,
            Some(_) => Self::Number(text),
        }
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(text) | Self::Own(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// When it is a list or an object.
    pub fn text(&self) -> Result<String, String> {
        match self {
            Self::Nothing => Ok(String::new()),
            Self::Text(text) | Self::Own(text) => Ok(text.trim().to_owned()),
            Self::Number(digits) => Ok((*digits).to_owned()),
            Self::Bool(value) => Ok(value.to_string()),
            Self::Other => Err("is a list or an object".to_owned()),
        }
    }

    /// The value as a field of the shop holds it.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn convert(&self, kind: Kind, rule: Option<&Rule>, currency: Currency) -> Result<Converted, String> {
        let text = self.text()?;
        // JSON numbers and the rules' own values are written with a point, whatever the ERP does in texts.
        let foreign = rule.filter(|_| matches!(self, Self::Text(_)));
        let calculated = rule.filter(|_| !matches!(self, Self::Own(_)));
        match kind {
            Kind::Text if calculated.is_some_and(|rule| rule.plain) => {
                Ok(Converted::Text(text::plain_sku(&text)))
            }
            Kind::Text => Ok(Converted::Text(text)),
            Kind::Bool => boolean(&text).map(Converted::Bool),
            Kind::Date => date(&text, foreign.and_then(|r| r.format.as_deref())).map(Converted::Date),
            Kind::Integer => whole(number(&text, foreign, calculated, 0)?),
            Kind::Money => {
                let amount = number(&text, foreign, calculated, u32::from(exponent(currency)))?;
                let amount = Money::parse(&amount.normalize().to_string(), currency);
                amount.map(Converted::Money).map_err(|error| error.to_string())
            }
        }
    }

    /// Whether a value of the rules can be held by the field at all.
    pub(crate) fn convert_plainly(&self, kind: Kind) -> Result<(), String> {
        match self.convert(kind, None, Currency::VND) {
            // Which currency it will be is not known yet.
            Err(problem) if kind == Kind::Money && problem.contains("decimals") => Ok(()),
            other => other.map(drop),
        }
    }
}

fn number(
    text: &str,
    foreign: Option<&Rule>,
    calculated: Option<&Rule>,
    decimals: u32,
) -> Result<Decimal, String> {
    let mut digits = text.to_owned();
    if let Some(rule) = foreign {
        if let Some(thousands) = rule.thousands {
            digits = ungrouped(&digits, thousands, rule.decimal.unwrap_or('.'))?;
        }
        if let Some(decimal) = rule.decimal {
            if decimal != '.' && digits.contains('.') {
                return Err("is written with another decimal sign than its rule says".to_owned());
            }
            digits = digits.replace(decimal, ".");
        }
    }
    let digits = digits.strip_prefix('+').unwrap_or(&digits);
    if !is_number(digits) {
        return Err("is not a number".to_owned());
    }
    let parsed = Decimal::from_str_exact(digits).or_else(|_| Decimal::from_scientific(digits));
    let mut amount = parsed.map_err(|_| "has too many digits".to_owned())?;
    if let Some(factor) = calculated.and_then(|rule| rule.factor) {
        amount = amount.checked_mul(factor).ok_or("is too large")?;
    }
    if calculated.is_some_and(|rule| rule.round) {
        amount = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    }
    Ok(amount)
}

/// Takes the signs between thousands out, if they stand where they belong: `1.234.567,5` and not `12.34`.
fn ungrouped(text: &str, thousands: char, decimal: char) -> Result<String, String> {
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let mut groups = unsigned.split(thousands);
    let is_first_right = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
    let has_groups = unsigned.contains(thousands);
    if has_groups && !(is_first_right && groups.all(|group| group.len() == 3)) {
        return Err("has a sign for thousands where none belongs".to_owned());
    }
    let whole = whole.replace(thousands, "");
    Ok(fraction.map_or(whole.clone(), |fraction| format!("{whole}{decimal}{fraction}")))
}

fn whole(amount: Decimal) -> Result<Converted, String> {
    let whole = amount.normalize();
    if !whole.is_integer() {
        return Err("is not a whole number".to_owned());
    }
    i64::try_from(whole).map(Converted::Integer).map_err(|_| "is too large".to_owned())
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" => Ok(true),
        "false" | "0" | "no" | "n" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    }
}

/// A moment; a date alone is its first moment, and what has no zone is UTC.
fn date(text: &str, format: Option<&str>) -> Result<Timestamp, String> {
    let utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let parsed = match format {
        Some(format) => Timestamp::strptime(format, text)
            .or_else(|_| DateTime::strptime(format, text).and_then(utc))
            .or_else(|_| {
                Date::strptime(format, text).and_then(|date| utc(date.to_datetime(Default::default())))
            }),
        None => text
            .parse::<Timestamp>()
            .or_else(|_| text.parse::<DateTime>().and_then(utc))
            .or_else(|_| text.parse::<Date>().and_then(|date| utc(date.to_datetime(Default::default())))),
    };
    parsed.map_err(|_| match format {
        Some(_) => "is no date in the format of its rule".to_owned(),
        None => "is no date: give its format in the rule".to_owned(),
    })
}
