//! Rows of files that other programs export: CSV, JSON lines and workbooks (`.xlsx`), as a stream, each row with its
//! place.
//!
//! A crate of its own, because the connector to exports, the commands that show a file and every process that takes a
//! list read files alike. The meaning of the columns is not decided here: crate `mapping` makes the shop's fields of a
//! row's.
//!
//! - [`format`](mod@format): what has to be said about a file, because no file says it;
//! - `source`: signs of a file in its encoding, with their bytes;
//! - `csv`, `header`: records, and what their columns are called;
//! - `lines`: JSON lines;
//! - `xlsx`: workbooks;
//! - `row`, `errors`: a row with its places; what spreadsheets show in place of a value.
//!
//! **Nothing is guessed and no row is swallowed.** A file that can be read in two ways is refused, at the byte where
//! the doubt begins, with the option that decides: a quote that opens inside a value, is never closed, or takes in
//! whole rows; a backslash before a quote; another delimiter than the declared one; another encoding.
//!
//! **Memory is bounded**: a record has at most [`RECORD_BYTES_MAX`], and that is checked while it is read. Of a
//! workbook, the texts that its cells share lie in memory, too.
//!
//! **A reader can go on at any row's end** ([`Reader::next_at`], [`Reader::seek`]): a page of a long file costs its
//! own rows. Only a workbook has to be read up to there.
//!
//! The parser is our own: `csv` reads what it can and says nothing about quotes inside values or rows inside quotes.

mod csv;
mod errors;
pub mod format;
mod header;
mod lines;
mod row;
mod source;
#[cfg(test)]
mod tests;
mod xlsx;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use text::{Place, Problem, Refusal};

pub use errors::is_error_code;
pub use format::Format;
pub use row::{Fields, Row};

/// The longest record, in bytes. A longer one is a file that was meant otherwise.
pub const RECORD_BYTES_MAX: u64 = 1 << 20;

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
    Err(Flaw::Wrong(Box::new(Problem::new("", problem, fix).at(row::byte(at)))))
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
    /// A workbook of sheets.
    Xlsx,
}

impl Kind {
    /// The kind of a file with that name, however its ending is spelt.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match ending(name)?.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "xlsx" | "xlsm" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// Why a file of that name is not read, and the fix; `None`: it is, or nothing is known of such files.
    #[must_use]
    pub fn why_not(name: &str) -> Option<Refusal> {
        const CALL_IT: &str = "call it .csv or, with one JSON object a line, .jsonl";
        let Some(ending) = ending(name) else {
            return Some(Refusal { problem: "has no ending".to_owned(), fix: CALL_IT.to_owned() });
        };
        let (problem, fix) = match ending.as_str() {
            "gz" | "zip" | "bz2" | "xz" | "zst" => ("is packed", "unpack it"),
            "xls" | "xlsb" | "ods" | "numbers" => {
                ("is a workbook of another kind than .xlsx", "save it as .xlsx or as CSV")
            }
            "txt" | "tsv" | "dat" | "json" => ("has an ending that says nothing about it", CALL_IT),
            _ => return None,
        };
        Some(Refusal { problem: problem.to_owned(), fix: fix.to_owned() })
    }
}

fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

/// Opens a file of any kind that is read, which its name says.
///
/// # Errors
/// When the name says nothing, or another kind; and as [`Reader::open`].
pub fn open<R: Read + Seek>(name: &str, file: R, format: &Format) -> Result<Reader<R>, Flaw> {
    match (Kind::of_name(name), Kind::why_not(name)) {
        (Some(kind), _) => Reader::open(file, kind, format),
        (None, Some(refusal)) => unfit(refusal.problem, refusal.fix),
        (None, None) => unfit("is no table by its name", "call it .csv, .jsonl or .xlsx, as it is written"),
    }
}

/// The lines and columns of bytes of a text file, which are counted while the file is read once.
///
/// # Errors
/// When the file cannot be read up to there.
pub fn in_lines<R: Read + Seek>(
    file: R,
    format: &Format,
    bytes: &BTreeSet<u64>,
) -> Result<BTreeMap<u64, Place>, Flaw> {
    let mut finder = LineFinder::open(file, format)?;
    bytes.iter().map(|byte| Ok((*byte, finder.place(*byte)?))).collect()
}

/// Finds the lines and columns of bytes that only grow, while it reads a text file once.
pub struct LineFinder<R> {
    source: source::Source<R>,
    line: usize,
    column: usize,
}

impl<R: Read + Seek> LineFinder<R> {
    /// Opens a file at its beginning.
    ///
    /// # Errors
    /// When it cannot be read, or is in another encoding.
    pub fn open(file: R, format: &Format) -> Result<Self, Flaw> {
        Ok(Self { source: source::Source::open(file, format.encoding)?, line: 1, column: 1 })
    }

    /// Where a byte is. One that was passed already is where the finder is.
    ///
    /// # Errors
    /// When the file cannot be read up to there.
    pub fn place(&mut self, byte: u64) -> Result<Place, Flaw> {
        while self.source.position() < byte {
            let ends_line = match self.source.next()? {
                // The line ends with the line feed behind it.
                Some('\r') => self.source.peek()? != Some('\n'),
                Some(sign) => sign == '\n',
                None => break,
            };
            match ends_line {
                true => (self.line, self.column) = (self.line + 1, 1),
                false => self.column += 1,
            }
        }
        Ok(Place::Line { line: self.line, column: self.column })
    }
}

/// A stream of rows.
pub struct Reader<R: Read + Seek>(Rows<R>);

enum Rows<R: Read + Seek> {
    Csv(Box<csv::Table<R>>),
    Lines(Box<lines::Lines<R>>),
    Workbook(Box<xlsx::Workbook<R>>),
}

impl<R: Read + Seek> Reader<R> {
    /// Opens a file at its beginning; of CSV the header is read, a workbook is read through once.
    ///
    /// # Errors
    /// When it is of another kind or encoding, has no usable header, or is a workbook that is too large or damaged.
    pub fn open(file: R, kind: Kind, format: &Format) -> Result<Self, Flaw> {
        if kind == Kind::Xlsx {
            return Ok(Self(Rows::Workbook(Box::new(xlsx::Workbook::open(file, format)?))));
        }
        let source = source::Source::open(file, format.encoding)?;
        Ok(Self(match kind {
            Kind::JsonLines => Rows::Lines(Box::new(lines::Lines::new(source))),
            _ => Rows::Csv(Box::new(csv::Table::open(source, format)?)),
        }))
    }

    /// Goes on where [`Self::next_at`] was; 0 is the first row.
    ///
    /// # Errors
    /// When the file cannot be read there.
    pub fn seek(&mut self, at: u64) -> io::Result<()> {
        match (&mut self.0, at) {
            (_, 0) => Ok(()),
            (Rows::Csv(table), at) => table.seek(at),
            (Rows::Lines(lines), at) => lines.seek(at),
            (Rows::Workbook(workbook), at) => workbook.seek(at),
        }
    }

    /// Where the next row is looked for: a byte of the file, or a row of the sheet.
    #[must_use]
    pub fn next_at(&self) -> u64 {
        match &self.0 {
            Rows::Csv(table) => table.next_byte(),
            Rows::Lines(lines) => lines.next_byte(),
            Rows::Workbook(workbook) => workbook.next_at(),
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
            Rows::Workbook(workbook) => workbook.next_row(),
        }
    }

    /// The columns that the table names, in their order; of JSON lines nothing is known.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        match &self.0 {
            Rows::Csv(table) => table.columns().collect(),
            Rows::Lines(_) => Vec::new(),
            Rows::Workbook(workbook) => workbook.columns().collect(),
        }
    }

    /// How many rows there are behind the heading, where that is known without reading on.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        match &self.0 {
            Rows::Workbook(workbook) => Some(workbook.rows()),
            _ => None,
        }
    }
}
