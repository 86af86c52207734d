//! Fields that hold a language of their own, and objects that may be left out.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use contracts::money::Currency;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;

use text::json;

use super::{Fields, Problem, Refusal, Unchecked, refuse, text};

impl<T> Unchecked<T> {
    /// The same input with one field replaced or added; the others keep their text.
    ///
    /// # Errors
    /// When it is not a JSON object, or the value is not JSON.
    pub fn with(&self, name: &str, value: &str) -> Result<Self, serde_json::Error> {
        let value: &RawValue = serde_json::from_str(value)?;
        let text = self.json.as_ref().map_or("", |json| json.get());
        let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
        fields.insert(name.to_owned(), value);
        Ok(Self { json: Ok(serde_json::value::to_raw_value(&fields)?), claims: PhantomData })
    }
}

impl Fields<'_> {
    /// A field whose JSON text has a reader of its own. The bytes of its problems are those of that text; here they
    /// become line and column of the whole input.
    pub fn parsed<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, Vec<Problem>>) -> Option<T> {
        let value = self.take(name)?;
        let problems = match read(value.get()) {
            Ok(value) => return Some(value),
            Err(problems) => problems,
        };
        let (input, field) = (self.found.text, self.path_of(name));
        let begins = json::place(input, value.get());
        let whole = problems.into_iter().map(|problem| problem.below(&field).in_whole(input, begins));
        self.found.problems.borrow_mut().extend(whole);
        None
    }

    /// A nested object that may be left out.
    pub fn maybe_nested<T>(&self, name: &str, read: impl FnOnce(&Fields<'_>) -> Option<T>) -> Option<T> {
        let value = self.take(name)?;
        self.nest(self.path_of(name), value, read)
    }

    /// A field that must not be given, because it would stand where it does not belong. Its value is not repeated.
    pub fn forbidden(&self, name: &str, problem: &str, fix: &str) {
        if self.take(name).is_some() {
            self.problem(name, problem, fix);
        }
    }
}

/// A span of time such as `15m`, `24h` or `1h 30m`; above zero.
pub fn span(value: &RawValue) -> Result<std::time::Duration, Refusal> {
    let written: Option<jiff::SignedDuration> = text(40)(value)?.parse().ok();
    match written.and_then(|span| std::time::Duration::try_from(span).ok()) {
        Some(span) if !span.is_zero() => Ok(span),
        _ => refuse("is not a span of time", "write it as \"30s\", \"15m\" or \"24h\""),
    }
}

/// A moment.
pub fn moment(value: &RawValue) -> Result<jiff::Timestamp, Refusal> {
    let text = text(40)(value)?;
    text.parse().or_else(|_| refuse("is not a moment", "write it as \"2026-01-31T00:00:00Z\""))
}

/// A time zone, by its name or as an offset ([`text::zone`]).
pub fn zone(value: &RawValue) -> Result<TimeZone, Refusal> {
    ::text::zone(&text(60)(value)?)
}

/// The same, handed on as it is written, because its reader is elsewhere.
pub fn zone_as_written(value: &RawValue) -> Result<String, Refusal> {
    let written = text(60)(value)?;
    ::text::zone(&written).map(|_| written)
}

/// A whole number in `0..=max`.
pub fn at_most(max: u32) -> impl Fn(&RawValue) -> Result<u32, Refusal> {
    move |value| {
        let number = super::digits(value)?;
        match u32::try_from(number.normalize()) {
            Ok(n) if number.is_integer() && n <= max => Ok(n),
            _ => refuse(format!("is {number}"), format!("send a whole number from 0 to {max}")),
        }
    }
}

/// An ISO-4217 code.
pub fn currency(value: &RawValue) -> Result<Currency, Refusal> {
    let code = text(10)(value)?;
    Currency::from_code(&code).map_or_else(
        || refuse("is not an ISO-4217 currency code", "use the three capital letters, such as VND or USD"),
        Ok,
    )
}
