//! The options of a file: facts that have to be said about it, because no file says them.
//!
//! | option | meaning | unless it is said |
//! |---|---|---|
//! | `delimiter` | `","`, `";"`, `"\|"` or a tab | `","`; a first line `sep=;` says it, too |
//! | `encoding` | `"utf-8"`, `"utf-16"`, `"windows-1252"`, `"windows-1258"` | `"utf-8"` |
//! | `escape` | `"\\"`: the sign behind it is the value's, and `\N` alone is none; `"none"`: it is a sign like others | `"none"`, but never before a quote |
//! | `quote` | `"none"`: a quote is a sign like others | a quote opens a value |
//! | `line_breaks` | `true`: a value in quotes may take in lines that look like rows | such a file is refused |
//! | `sheet` | the sheet of a workbook, by its name | the only one that is shown and holds something |
//! | `header_row` | the row (in CSV: the line) that names the columns | the first line; in a workbook the first row with two cells |

use serde_json::Value;
use text::{Refusal, did_you_mean, refuse};

/// The options of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pub(crate) delimiter: char,
    pub(crate) encoding: Encoding,
    pub(crate) escape: Escape,
    pub(crate) has_quotes: bool,
    pub(crate) has_line_breaks: bool,
    pub(crate) sheet: Option<String>,
    pub(crate) header_row: Option<u32>,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            delimiter: ',',
            encoding: Encoding::Utf8,
            escape: Escape::Unsaid,
            has_quotes: true,
            has_line_breaks: false,
            sheet: None,
            header_row: None,
        }
    }
}

/// How signs are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16,
    Windows1252,
    Windows1258,
}

/// Whether a backslash takes a quote's meaning away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    Unsaid,
    Backslash,
    None,
}

impl Format {
    /// The names of the options.
    pub const OPTIONS: [&'static str; 7] =
        ["delimiter", "encoding", "escape", "quote", "line_breaks", "sheet", "header_row"];

    /// Sets one option.
    ///
    /// # Errors
    /// When it is not known, or its value is not.
    pub fn set(&mut self, option: &str, value: &Value) -> Result<(), Refusal> {
        match (option, value.as_str()) {
            ("delimiter", Some(signs)) if delimiter(signs).is_some() => {
                self.delimiter = delimiter(signs).unwrap_or(',');
            }
            ("encoding", Some(name)) if encoding(name).is_some() => {
                self.encoding = encoding(name).unwrap_or(Encoding::Utf8);
            }
            ("escape", Some("\\")) => self.escape = Escape::Backslash,
            ("escape", Some("none")) => self.escape = Escape::None,
            ("quote", Some("\"")) => self.has_quotes = true,
            ("quote", Some("none")) => self.has_quotes = false,
            ("line_breaks", _) if value.is_boolean() => self.has_line_breaks = value == &Value::Bool(true),
            ("sheet", Some(name)) if !name.trim().is_empty() => self.sheet = Some(name.to_owned()),
            ("header_row", _) if row(value).is_some() => self.header_row = row(value),
            _ => return unknown(option),
        }
        Ok(())
    }
}

/// The signs that may stand between values.
pub(crate) const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

fn delimiter(signs: &str) -> Option<char> {
    let mut signs = signs.chars();
    signs.next().filter(|sign| DELIMITERS.contains(sign) && signs.next().is_none())
}

/// Rows are counted from 1, as spreadsheet programs show them.
fn row(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|row| u32::try_from(row).ok()).filter(|row| *row > 0)
}

fn encoding(name: &str) -> Option<Encoding> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Some(Encoding::Utf8),
        "utf-16" | "utf16" => Some(Encoding::Utf16),
        "windows-1252" => Some(Encoding::Windows1252),
        "windows-1258" => Some(Encoding::Windows1258),
        _ => None,
    }
}

fn unknown(option: &str) -> Result<(), Refusal> {
    let fix = match option {
        "delimiter" => "write \",\", \";\", \"|\" or a tab",
        "encoding" => "write \"utf-8\", \"utf-16\", \"windows-1252\" or \"windows-1258\"",
        "escape" => "write \"\\\\\" or \"none\"",
        "quote" => "write \"none\", or leave it out",
        "line_breaks" => "write true, or leave it out",
        "sheet" => "write the name of the sheet",
        "header_row" => "write the number of the row, from 1",
        other => return refuse("is not an option of tables", did_you_mean(other, &Format::OPTIONS)),
    };
    refuse("is not what it can be", fix)
}
