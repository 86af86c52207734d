//! How a value is read. Numbers come from their digits, never through floating point.

use std::borrow::Cow;

use contracts::money::{Currency, Money, exponent};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use text::json;

use crate::rule::Rule;
use crate::targets::Kind;
use crate::{SourceRecord, date, number};

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
    /// A text with half a sign in it.
    Broken,
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

/// A field by its name as it is seen: a record's names may be written in another form, or hold signs that nobody sees.
pub(crate) fn field<'s>(source: &'s SourceRecord, name: &str) -> Option<&'s RawValue> {
    let as_written = source.get(name);
    let other = || source.iter().find(|(written, _)| *text::as_seen(written) == *name).map(|(_, raw)| raw);
    as_written.or_else(other).map(|raw| &**raw)
}

/// Whether a path may lead into a value: it is an object, or nothing was said in its place.
pub(crate) fn has_parts(raw: &RawValue) -> bool {
    matches!(raw.get().as_bytes().first(), Some(b'{' | b'n'))
}

/// Whether a record has the field at a path. Where `null` stands on the way, or two of one name, it might.
pub(crate) fn is_there(source: &SourceRecord, path: &[String]) -> bool {
    let is_nothing = |raw: &RawValue| raw.get() == "null";
    !matches!(raw(source, path), Ok(None))
        || (1..path.len())
            .any(|level| matches!(raw(source, &path[..level]), Ok(Some(raw)) if is_nothing(raw)))
}

/// The value at a path of a record.
///
/// # Errors
/// As [`raw`].
pub(crate) fn scalar<'s>(source: &'s SourceRecord, path: &[String]) -> Result<Option<Value<'s>>, String> {
    Ok(raw(source, path)?.map(Value::of))
}

/// The value at a path of a record, as it is written.
///
/// # Errors
/// When an object on the way has two fields of that name: which of the two is meant, nobody can say.
pub(crate) fn raw<'s>(source: &'s SourceRecord, path: &[String]) -> Result<Option<&'s RawValue>, String> {
    let Some((first, rest)) = path.split_first() else { return Ok(None) };
    // A field that has a dot in its name is that field.
    if !rest.is_empty()
        && let Some(raw) = field(source, &path.join("."))
    {
        return Ok(Some(raw));
    }
    let Some(mut raw) = field(source, first) else { return Ok(None) };
    for name in rest {
        let fields = json::fields(raw.get()).unwrap_or_default();
        let mut named = fields.into_iter().filter(|(written, _)| *text::as_seen(written) == **name);
        raw = match (named.next(), named.next()) {
            (None, _) => return Ok(None),
            (Some((_, field)), None) => field.value,
            (Some(_), Some(_)) => return Err(format!("is made of an object that has '{name}' twice")),
        };
    }
    Ok(Some(raw))
}

impl<'a> Value<'a> {
    /// Reads JSON.
    #[must_use]
    pub fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => match serde_json::from_str(text) {
                Ok(text) => Self::Text(Cow::Owned(text)),
                Err(_) => Self::Broken,
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
            Self::Text(text) | Self::Own(text) => text::shows_nothing(text),
            _ => false,
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// When it is a list or an object, or a text with half a sign.
    pub fn text(&self) -> Result<String, String> {
        match self {
            Self::Nothing => Ok(String::new()),
            Self::Text(text) | Self::Own(text) => Ok(text.trim().to_owned()),
            Self::Number(digits) => Ok((*digits).to_owned()),
            Self::Bool(value) => Ok(value.to_string()),
            Self::Other => Err("is a list or an object".to_owned()),
            Self::Broken => {
                Err("holds half a sign (\\ud800 to \\udfff, one of a pair alone), which no text can hold"
                    .to_owned())
            }
        }
    }

    /// The value as a field of the shop holds it.
    ///
    /// # Errors
    /// The problem with it, without repeating the value.
    pub fn convert(&self, kind: Kind, rule: Option<&Rule>, currency: Currency) -> Result<Converted, String> {
        let text = self.text()?;
        // JSON numbers and the rules' own values are written with a point, whatever the ERP does in texts.
        let foreign = rule.filter(|_| matches!(self, Self::Text(_)));
        let theirs = rule.filter(|_| !matches!(self, Self::Own(_)));
        if kind == Kind::Key && !theirs.is_some_and(|rule| rule.exact) {
            self.refuse_made()?;
        }
        match kind {
            Kind::Text | Kind::Key => match theirs.is_some_and(|rule| rule.plain) {
                true => Ok(Converted::Text(text::plain_sku(&text))),
                false => Ok(Converted::Text(text)),
            },
            Kind::Bool => boolean(&text::as_seen(&text)).map(Converted::Bool),
            Kind::Date => {
                let format = foreign.and_then(|rule| rule.format.as_deref());
                date::moment(&text::as_seen(&text), format, theirs.and_then(|rule| rule.zone.as_ref()))
                    .map(Converted::Date)
            }
            Kind::Integer => whole(self.number(&text, rule, 0)?),
            Kind::Money => {
                let amount = self.number(&text, rule, u32::from(exponent(currency)))?;
                let amount = Money::parse(&amount.normalize().to_string(), currency);
                amount.map(Converted::Money).map_err(|error| error.to_string())
            }
        }
    }

    fn number(&self, text: &str, rule: Option<&Rule>, decimals: u32) -> Result<Decimal, String> {
        let (amount, rule) = match self {
            Self::Text(_) => (number::written(text, rule, decimals)?, rule),
            Self::Own(_) => (number::plain(text)?, None),
            _ => (number::plain(text)?, rule),
        };
        rule.map_or(Ok(amount), |rule| number::calculated(amount, rule, decimals))
    }

    /// Refuses a number, a date or a truth value that was a key ([`text::is_made_of_a_key`],
    /// [`text::is_shown_for_a_key`]).
    ///
    /// # Errors
    /// The problem, with what to do.
    pub fn refuse_made(&self) -> Result<(), String> {
        match self {
            Self::Text(text) if text::is_made_of_a_key(text, false) => Err(MADE.to_owned()),
            Self::Number(digits) if text::is_made_of_a_key(digits, true) => Err(MADE.to_owned()),
            Self::Text(text) if text::is_shown_for_a_key(text) => Err(SHOWN.to_owned()),
            Self::Bool(_) => Err(SHOWN.to_owned()),
            _ => Ok(()),
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

const MADE: &str = "is a number that a spreadsheet made of a key, and its digits may be lost: export the column as text, or, \
                    if keys are written so, set exact in its rule";

const SHOWN: &str = "is a date, a time, a percentage, a truth value or a formula, as a spreadsheet makes them of keys: export the \
                     column as text, or, if keys are written so, set exact in its rule";

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
