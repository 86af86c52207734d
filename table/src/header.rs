//! The names of the columns of a file, and whether a record fits them.

use std::collections::BTreeSet;

use crate::csv::{Record, Value, Width};
use crate::{Flaw, wrong};
use text::Refusal;

/// The longest name of a column, in characters. Messages repeat names.
const NAME_MAX: usize = 500;

/// The name of a column, or of a field. Names are compared with those in rules, so they have the one form of names.
///
/// # Errors
/// When nobody could show it: it holds signs that command a terminal, or is a text and no name.
pub(crate) fn name_of(text: &str) -> Result<String, Refusal> {
    let name = text::as_seen(text);
    let commands = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\r' | '\t');
    if name.chars().any(commands) {
        return text::refuse("has a name with control characters", "write the name without them");
    }
    if name.chars().count() > NAME_MAX {
        let problem = format!("has a name of more than {NAME_MAX} characters");
        return text::refuse(
            problem,
            "shorten the name; is this row the one that names the columns (header_row)?",
        );
    }
    Ok(name.into_owned())
}

/// The names of the columns.
#[derive(Default)]
pub(crate) struct Header {
    names: Vec<String>,
    /// Whether each line ends with a delimiter, behind which nothing comes.
    has_open_end: bool,
    /// The sign between values.
    delimiter: char,
}

impl Header {
    pub(crate) fn read(values: &[Value], delimiter: char) -> Result<Self, Flaw> {
        let mut names = Vec::with_capacity(values.len());
        for value in values {
            match name_of(&value.text) {
                Ok(name) => names.push(name),
                Err(refusal) => return wrong(value.at, refusal.problem, refusal.fix),
            }
        }
        let has_open_end = names.len() > 1 && names.last().is_some_and(String::is_empty);
        if has_open_end {
            names.pop();
        }
        // A delimiter in quotes is the name's own.
        if let ([_], [value, ..]) = (names.as_slice(), values)
            && !value.is_quoted
        {
            another_delimiter(value, delimiter)?;
        }
        let mut seen = BTreeSet::new();
        for (name, value) in names.iter().zip(values) {
            if name.is_empty() {
                return wrong(value.at, "has a column without a name", "name all columns in the first line");
            }
            if !seen.insert(name) {
                return wrong(value.at, "has two columns of one name", "give each its own");
            }
        }
        Ok(Self { names, has_open_end, delimiter })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Values in each record, for telling rows in quotes.
    pub(crate) fn width(&self) -> Width {
        Width { columns: self.names.len(), has_open_end: self.has_open_end }
    }

    /// The values of a record, as many as there are names. One more that is empty is the delimiter at a line's end,
    /// unless it may as well be an empty last value behind a number that holds a delimiter: `1,250,`.
    pub(crate) fn fit(&self, record: Record) -> Result<Vec<Value>, Flaw> {
        let Record { at, mut values, wide_quote } = record;
        if values.len() == self.names.len() + 1
            && values.last().is_some_and(|last| last.text.trim().is_empty())
        {
            let of_one_number = if self.has_open_end { None } else { self.of_one_number(&values) };
            if let Some((at, text)) = of_one_number {
                return wrong(
                    at,
                    format!("has more values than there are columns, and {text}, which may be one number"),
                    "put numbers that hold the delimiter in quotes, or end the first line with the delimiter as well",
                );
            }
            values.pop();
        }
        let (count, wanted) = (values.len(), self.names.len());
        if count == wanted {
            return Ok(values);
        }
        if self.has_open_end && count == wanted + 1 {
            return wrong(at, "has a value in a column without a name", "name the column in the first line");
        }
        let problem = format!("has a record of {count} values for {wanted} columns");
        match wide_quote {
            Some(quote) => {
                wrong(quote, format!("{problem}, and a quote that takes in line breaks"), "close the quote")
            }
            None => wrong(
                at,
                problem,
                "give each record a value for each column, or say what is meant (options delimiter and escape)",
            ),
        }
    }
}

impl Header {
    /// Two values side by side that may be one number whose thousands or decimals are behind the delimiter.
    fn of_one_number(&self, values: &[Value]) -> Option<(u64, String)> {
        if self.delimiter != ',' {
            return None;
        }
        let is_number = |value: &Value| {
            let text = value.text.trim();
            !value.is_quoted && text.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-')
        };
        let is_rest = |value: &Value| {
            let digits = value.text.trim().split('.').next().unwrap_or_default();
            !value.is_quoted && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let pair = values.windows(2).find(|pair| is_number(&pair[0]) && is_rest(&pair[1]))?;
        Some((pair[0].at, format!("\"{},{}\"", pair[0].text.trim(), pair[1].text.trim())))
    }
}

/// Other delimiters than the declared one, in a header of one column.
fn another_delimiter(name: &Value, delimiter: char) -> Result<(), Flaw> {
    let other =
        [';', '\t', '|', ','].into_iter().find(|sign| *sign != delimiter && name.text.trim().contains(*sign));
    match other {
        Some(sign) => wrong(
            name.at,
            format!("has one column, whose name holds {}", shown(sign)),
            format!("set option delimiter to {}", shown(sign)),
        ),
        None => Ok(()),
    }
}

/// A delimiter as options are given it.
pub(crate) fn shown(sign: char) -> String {
    if sign == '\t' { "a tab (\"\\t\")".to_owned() } else { format!("\"{sign}\"") }
}
