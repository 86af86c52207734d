//! Rows of files that other programs export: CSV and JSON lines, as a stream, each row with its place.
//!
//! A crate of its own, because the connector to exports, the commands that show a file and every process that takes a
//! list read files alike. The meaning of the columns is not decided here: crate `mapping` makes the shop's fields of a
//! row's.
//!
//! - [`format`](mod@format): what has to be said about a file, because no file says it;
//! - `source`: signs of a file in its encoding, with their bytes;
//! - `csv`, `header`: records, and what their columns are called;
//! - `lines`: JSON lines.
//!
//! **Nothing is guessed and no row is swallowed.** A file that can be read in two ways is refused, at the byte where
//! the doubt begins, with the option that decides: a quote that opens inside a value, is never closed, or takes in
//! whole rows; a backslash before a quote; another delimiter than the declared one; another encoding.
//!
//! **Memory is bounded**: a record has at most [`RECORD_BYTES_MAX`], and that is checked while it is read.
//!
//! **A reader can go on at any row's end** ([`Reader::next_byte`], [`Reader::seek`]): a page of a long file costs its
//! own rows.
//!
//! The parser is our own: `csv` reads what it can and says nothing about quotes inside values or rows inside quotes.

mod csv;
pub mod format;
mod header;
mod lines;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use serde_json::value::RawValue;
use text::{Place, Problem};

pub use format::Format;

/// The longest record, in bytes. A longer one is a file that was meant otherwise.
pub const RECORD_BYTES_MAX: u64 = 1 << 20;

/// One row. Values of CSV are texts, those of JSON lines are as they were written.
#[derive(Debug)]
pub struct Row {
    /// The byte where it begins.
    pub at: u64,
    /// Its values by column.
    pub fields: BTreeMap<String, Box<RawValue>>,
}

/// Why a file gives no more rows.
#[derive(Debug)]
pub enum Flaw {
    /// It could not be read.
    Io(io::Error),
    /// It is not what it should be; nothing of its values is repeated.
    Wrong(Box<Problem>),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A flaw at a byte of the file.
fn wrong<T>(at: u64, problem: impl Into<String>, fix: impl Into<String>) -> Result<T, Flaw> {
    let byte = usize::try_from(at).unwrap_or(usize::MAX);
    Err(Flaw::Wrong(Box::new(Problem::new("", problem, fix).at(Place::Byte { byte }))))
}

/// A flaw of the whole file.
fn unfit<T>(problem: impl Into<String>, fix: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw::Wrong(Box::new(Problem::new("", problem, fix))))
}

/// How a file's name says what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Values between delimiters, names in the first line.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl Kind {
    /// The kind of a file with that name, however its ending is spelt.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())?;
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// A stream of rows.
pub struct Reader<R>(Rows<R>);

enum Rows<R> {
    Csv(Box<csv::Table<R>>),
    Lines(Box<lines::Lines<R>>),
}

impl<R: Read + Seek> Reader<R> {
    /// Opens a file at its beginning; of CSV the header is read.
    ///
    /// # Errors
    /// When it is of another encoding or has no usable header.
    pub fn open(file: R, kind: Kind, format: &Format) -> Result<Self, Flaw> {
        let source = source::Source::open(file, format.encoding)?;
        Ok(Self(match kind {
            Kind::Csv => Rows::Csv(Box::new(csv::Table::open(source, format)?)),
            Kind::JsonLines => Rows::Lines(Box::new(lines::Lines::new(source))),
        }))
    }

    /// Goes on where [`Self::next_byte`] was; 0 is the first row.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn seek(&mut self, byte: u64) -> io::Result<()> {
        match (&mut self.0, byte) {
            (_, 0) => Ok(()),
            (Rows::Csv(table), byte) => table.seek(byte),
            (Rows::Lines(lines), byte) => lines.seek(byte),
        }
    }

    /// Where the next row is looked for.
    #[must_use]
    pub fn next_byte(&self) -> u64 {
        match &self.0 {
            Rows::Csv(table) => table.next_byte(),
            Rows::Lines(lines) => lines.next_byte(),
        }
    }

    /// The next row; `None` at the end. Rows of nothing are passed over.
    ///
    /// # Errors
    /// When the file cannot be read, or not understood from here on.
    pub fn next_row(&mut self) -> Result<Option<Row>, Flaw> {
        match &mut self.0 {
            Rows::Csv(table) => table.next_row(),
            Rows::Lines(lines) => lines.next_row(),
        }
    }
}
