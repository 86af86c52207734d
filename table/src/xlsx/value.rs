//! The meaning of a cell: as JSON, the way that the other readers give values, or why it has none.

use std::borrow::Cow;

use jiff::civil::{DateTime, Time, date};
use jiff::{SignedDuration, Span};
use serde_json::value::{RawValue, to_raw_value};
use text::{Refusal, refuse};

use super::cells::{Cell, Stored};
use super::look::{self, Look};
use super::strings::{Strings, plain};
use super::styles::Styles;
use crate::errors;

/// The digits of a number that spreadsheet programs show, and keep.
const DIGITS: usize = 15;
/// The first whole number with more of them.
const TOO_LONG: f64 = 1e15;
const DAY_MILLISECONDS: i64 = 86_400_000;
/// The day behind 31 December 9999.
const DAYS_MAX: f64 = 2_958_466.0;

const TYPE_ANEW: &str = "type it anew";
const SAVE_IT: &str = "open the file in a spreadsheet program and save it there, so that it holds the result";

/// All that is needed to understand a cell.
#[derive(Default)]
pub(crate) struct Meaning {
    pub(crate) strings: Strings,
    pub(crate) styles: Styles,
    pub(crate) counts_from_1904: bool,
    pub(crate) is_uncalculated: bool,
}

/// A cell that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) json: Box<RawValue>,
    pub(crate) is_percent: bool,
}

impl Meaning {
    /// Whether there is anything to be seen in a cell.
    pub(crate) fn is_filled(&self, cell: &Cell) -> bool {
        match &cell.stored {
            Stored::Nothing => false,
            Stored::Text(_) | Stored::Shared(_) => {
                match self.raw(cell).map(|text| text.trim_start_matches(text::is_unseen)) {
                    // Only such a beginning may be nothing all the same; and a text may be long, and be in many cells.
                    Some(text) if text.starts_with("_x") => !text::shows_nothing(&plain(text)),
                    Some(text) => !text.is_empty(),
                    None => true,
                }
            }
            _ => true,
        }
    }

    /// How long the texts of these cells are together, in bytes.
    pub(crate) fn bytes<'c>(&self, cells: impl IntoIterator<Item = &'c Cell>) -> u64 {
        cells.into_iter().filter_map(|cell| self.raw(cell)).map(|text| text.len() as u64).sum()
    }

    /// The text of a cell that holds one, as it is stored.
    fn raw<'s>(&'s self, cell: &'s Cell) -> Option<&'s str> {
        match &cell.stored {
            Stored::Text(text) => Some(text.as_str()),
            Stored::Shared(nth) => self.strings.get(*nth),
            _ => None,
        }
    }

    /// The text of a cell that holds one.
    pub(crate) fn text<'s>(&'s self, cell: &'s Cell) -> Option<Cow<'s, str>> {
        let text = self.raw(cell)?;
        Some(if text.contains("_x") { Cow::Owned(plain(text)) } else { Cow::Borrowed(text) })
    }

    /// The value of a cell.
    ///
    /// # Errors
    /// When it shows an error, or holds what cannot be read.
    pub(crate) fn value(&self, cell: &Cell) -> Result<Value, Refusal> {
        if cell.is_result && self.is_uncalculated {
            return refuse("is a formula whose result is still to be calculated", SAVE_IT);
        }
        match &cell.stored {
            Stored::Nothing => json(&""),
            Stored::Text(_) | Stored::Shared(_) => match self.text(cell) {
                Some(text) => errors::check(&text).and_then(|()| json(&text)),
                None => refuse("names a text that the workbook does not hold", TYPE_ANEW),
            },
            Stored::Bool(value) => json(value),
            Stored::Error(code) => errors::refuse_code(code),
            Stored::Formula => refuse("is a formula without a stored result", SAVE_IT),
            Stored::Unknown => refuse("holds a kind of value that is not known", TYPE_ANEW),
            Stored::Iso(moment) => json(&iso(moment)?),
            Stored::Number(digits) => self.number(cell, digits),
        }
    }

    fn number(&self, cell: &Cell, digits: &str) -> Result<Value, Refusal> {
        let digits = digits.trim();
        let is_written =
            digits.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        let number = digits.parse::<f64>().ok().filter(|number| is_written && number.is_finite());
        let Some(number) = number else { return refuse("holds a number that is none", TYPE_ANEW) };
        let section = match self.styles.looks(cell.style) {
            Some(looks) => match look::section(looks, number) {
                Some(section) => Some(section),
                None => {
                    return refuse(
                        "holds a number that its format shows as #####",
                        "give the cell another format",
                    );
                }
            },
            None => None,
        };
        let look = section.map_or(&Look::Plain, |section| &section.look);
        if matches!(look, Look::Plain | Look::Key(_)) && number.abs().round() >= TOO_LONG {
            return refuse(
                format!("holds a number of more than {DIGITS} digits, of which a workbook keeps {DIGITS}"),
                "if it is a key, store it as text: format the column as text, and type it anew",
            );
        }
        match look {
            Look::Plain => json_number(&decimal(number, 0)),
            Look::Percent => percent(&decimal(number, 2)),
            Look::Power(decimals) => json_number(&power(number, *decimals)),
            Look::Key(pattern) => {
                let digits = decimal(number, 0);
                let shown = pattern.shown(digits.trim_start_matches('-'));
                let minus =
                    if number < 0.0 && !section.is_some_and(|section| section.has_sign) { "-" } else { "" };
                // Of a number that has more than is shown, nobody knows that it is a key.
                shown.map_or_else(|| json_number(&digits), |shown| json(&format!("{minus}{shown}")))
            }
            Look::Date { .. } | Look::Time | Look::Elapsed => json(&self.moment(number, look)?),
        }
    }

    /// Days since the beginning of 1900, or of 1904, and parts of a day.
    fn moment(&self, days: f64, look: &Look) -> Result<String, Refusal> {
        let no_date = || refuse("holds a date that is none", "type the date anew");
        if !(0.0..DAYS_MAX).contains(&days) {
            return no_date();
        }
        #[expect(clippy::cast_possible_truncation, reason = "in range: it was compared with the last day")]
        let milliseconds = (days * 86_400_000.0).round() as i64;
        let begins = match days {
            _ if *look == Look::Elapsed => return Ok(elapsed(milliseconds)),
            ..1.0 if *look == Look::Time => date(1900, 1, 1),
            _ if self.counts_from_1904 => date(1904, 1, 1),
            // A day 0 is an empty cell that was formatted; and programs count a 29 February 1900, which never was.
            ..1.0 | 60.0..61.0 => return no_date(),
            ..60.0 => date(1899, 12, 31),
            _ => date(1899, 12, 30),
        };
        let (whole, rest) = (milliseconds / DAY_MILLISECONDS, milliseconds % DAY_MILLISECONDS);
        let day = Span::new().try_days(whole).and_then(|days| begins.checked_add(days));
        let moment = day
            .and_then(|day| day.to_datetime(Time::midnight()).checked_add(SignedDuration::from_millis(rest)));
        let Ok(moment) = moment else { return no_date() };
        Ok(if *look == Look::Time && days < 1.0 {
            moment.time().to_string()
        } else if *look == (Look::Date { has_time: false }) && moment.time() == Time::midnight() {
            moment.date().to_string()
        } else {
            moment.to_string()
        })
    }
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<Value, Refusal> {
    let json = to_raw_value(value).or_else(|_| refuse("cannot be written as JSON", TYPE_ANEW))?;
    Ok(Value { json, is_percent: false })
}

fn json_number(digits: &str) -> Result<Value, Refusal> {
    let json = RawValue::from_string(digits.to_owned());
    let json = json.or_else(|_| refuse("holds a number that is none", TYPE_ANEW))?;
    Ok(Value { json, is_percent: false })
}

/// A percentage as it is shown, with its sign: as a number it would be taken for an amount, or for pieces.
fn percent(digits: &str) -> Result<Value, Refusal> {
    let Value { json, .. } = json(&format!("{digits}%"))?;
    Ok(Value { json, is_percent: true })
}

/// A number times a power of ten, with as many decimals as are shown, and more where it has them: `1.00E+05`.
fn power(number: f64, decimals: usize) -> String {
    let written = format!("{number:.*e}", DIGITS - 1);
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = format!("{:0<decimals$}", fraction.trim_end_matches('0'));
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{whole}{point}{fraction}E{sign}{:02}", exponent.unsigned_abs())
}

/// The moments of ISO 8601 that a cell may hold: spreadsheet programs write them without a zone, other programs with
/// one.
fn iso(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let is_zoned = || text::moment(text).is_some_and(|moment| moment.is_ok());
    let is_moment = text.parse::<DateTime>().is_ok() || text.parse::<Time>().is_ok() || is_zoned();
    if is_moment { Ok(text.to_owned()) } else { refuse("holds a date that is none", "type the date anew") }
}

fn elapsed(milliseconds: i64) -> String {
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A number by its digits as programs show them, times a power of ten: `133.80000000000001` is `133.8`.
fn decimal(number: f64, power: i32) -> String {
    let written = format!("{number:.*e}", DIGITS - 1);
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0) + power;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |mantissa| ("-", mantissa));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    match usize::try_from(exponent) {
        _ if digits.is_empty() => "0".to_owned(),
        // 30 digits are more than any amount; the rest is physics.
        _ if !(-20..=30).contains(&exponent) => match digits.split_at(1) {
            (first, "") => format!("{sign}{first}e{exponent}"),
            (first, rest) => format!("{sign}{first}.{rest}e{exponent}"),
        },
        Ok(exponent) if digits.len() <= exponent + 1 => {
            format!("{sign}{digits:0<width$}", width = exponent + 1)
        }
        Ok(exponent) => {
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) => format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X2
    #[test]
    fn a_number_has_the_digits_that_programs_show() {
        for (stored, shown) in [
            ("133.80000000000001", "133.8"),
            ("18374.150000000001", "18374.15"),
            ("25000000.000000004", "25000000"),
            ("3.3000000000000003", "3.3"),
            ("133.805", "133.805"),
            ("0.10000000000000001", "0.1"),
            ("-0.001", "-0.001"),
            ("0", "0"),
            ("-0", "0"),
            ("123456789012345", "123456789012345"),
            ("8.93462E+12", "8934620000000"),
            ("1E-3", "0.001"),
            ("1e300", "1e300"),
            ("-1.5e-30", "-1.5e-30"),
        ] {
            assert_eq!(decimal(stored.parse().expect("a number"), 0), shown, "{stored}");
        }
        for (stored, shown) in
            [("0.1", "10"), ("7.4999999999999997E-2", "7.5"), ("0.001", "0.1"), ("1", "100")]
        {
            assert_eq!(decimal(stored.parse().expect("a number"), 2), shown, "{stored} in percent");
        }
    }

    #[test]
    fn a_power_of_ten_is_written_as_it_is_shown_and_loses_no_digit() {
        for (number, decimals, shown) in [
            (100_000.0, 2, "1.00E+05"),
            (123_456.0, 2, "1.23456E+05"),
            (8_934_620_123_456.0, 0, "8.934620123456E+12"),
            (1e20, 0, "1E+20"),
            (-0.000_12, 1, "-1.2E-04"),
            (0.0, 1, "0.0E+00"),
        ] {
            assert_eq!(power(number, decimals), shown);
        }
    }

    #[test]
    fn days_are_counted_as_programs_count_them() {
        let read = |days: f64, look, counts_from_1904| {
            let meaning = Meaning { counts_from_1904, ..Meaning::default() };
            meaning.moment(days, &look).map_err(|refusal| refusal.problem)
        };
        let day = || Look::Date { has_time: false };
        for (days, look, shown) in [
            (46_350.0, day(), "2026-11-24"),
            (46_350.0, Look::Date { has_time: true }, "2026-11-24T00:00:00"),
            (46_350.270_833_333_3, day(), "2026-11-24T06:30:00"),
            (1.0, day(), "1900-01-01"),
            (59.0, day(), "1900-02-28"),
            (61.0, day(), "1900-03-01"),
            (2_958_465.0, day(), "9999-12-31"),
            (0.270_833_333_333_333, Look::Time, "06:30:00"),
            (1.25, Look::Elapsed, "30:00:00"),
        ] {
            assert_eq!(read(days, look, false).as_deref(), Ok(shown), "{days}");
        }
        assert_eq!(read(44_888.0, day(), true).as_deref(), Ok("2026-11-24"));
        for none in [0.0, 60.0, -1.0, 2_958_466.0, 1e300] {
            assert_eq!(read(none, day(), false), Err("holds a date that is none".to_owned()), "{none}");
        }
    }
}
