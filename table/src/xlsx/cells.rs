//! The cells of a sheet, in the order in which they stand; and, behind them, which ones are merged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Seek};

use super::SAVE_AS_CSV;
use super::strings::Runs;
use super::xml::{Node, Tag, Xml, not_xml};
use crate::{Flaw, RECORD_BYTES_MAX, unfit};

/// The rows and columns that a sheet can have.
const ROWS_MAX: u32 = 1_048_576;
const COLUMNS_MAX: u32 = 16_384;
/// The most merged cells.
const MERGED_MAX: usize = 100_000;

/// A cell's place, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) row: u32,
    pub(crate) column: u32,
}

impl At {
    /// Reads `C7`.
    fn parse(text: &str) -> Option<Self> {
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (letters, digits) = text.split_at(letters);
        // More than three letters are not a column, and would be no number.
        if !(1..=3).contains(&letters.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let add = |sum: u32, letter: u8| sum * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        let column = letters.bytes().fold(0, add);
        let row = digits.parse().ok()?;
        let is_there = (1..=ROWS_MAX).contains(&row) && (1..=COLUMNS_MAX).contains(&column);
        is_there.then_some(Self { row, column })
    }

    /// As programs show it: `C7`.
    pub(crate) fn name(self) -> String {
        let mut letters = Vec::new();
        let mut column = self.column;
        while column > 0 {
            column -= 1;
            letters.push(char::from(b'A' + u8::try_from(column % 26).unwrap_or_default()));
            column /= 26;
        }
        let mut name: String = letters.into_iter().rev().collect();
        write!(name, "{}", self.row).ok();
        name
    }
}

/// Cells that are shown as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) from: At,
    pub(crate) to: At,
}

impl Merged {
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once(':').unwrap_or((text, text));
        let (from, to) = (At::parse(from)?, At::parse(to)?);
        (from.row <= to.row && from.column <= to.column).then_some(Self { from, to })
    }

    /// As programs show it: `A2:A6`.
    pub(crate) fn name(self) -> String {
        format!("{}:{}", self.from.name(), self.to.name())
    }

    pub(crate) fn is_wide(self) -> bool {
        self.from.column < self.to.column
    }

    pub(crate) fn has_row(self, row: u32) -> bool {
        (self.from.row..=self.to.row).contains(&row)
    }
}

/// The content of a cell, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Nothing,
    Number(String),
    /// A text of those that sheets share.
    Shared(usize),
    Text(String),
    Bool(bool),
    /// The code of an error, such as `#N/A`.
    Error(String),
    /// A moment in ISO 8601.
    Iso(String),
    /// A formula that nobody has calculated.
    Formula,
    /// Content that no program is known to write.
    Unknown,
}

/// A cell with its look.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) style: usize,
    pub(crate) stored: Stored,
    /// Whether it is the result of a formula.
    pub(crate) is_result: bool,
}

/// The cells of one row by column, the empty ones left out.
pub(crate) type Cells = BTreeMap<u32, Cell>;

/// A sheet as a stream of rows.
pub(crate) struct Sheet<R: Read + Seek> {
    xml: Xml<R>,
    row: u32,
    is_over: bool,
}

impl<R: Read + Seek> Sheet<R> {
    pub(crate) fn new(xml: Xml<R>) -> Self {
        Self { xml, row: 0, is_over: false }
    }

    /// The next row in which a cell holds something, with its number.
    pub(crate) fn next_row(&mut self) -> Result<Option<(u32, Cells)>, Flaw> {
        while !self.is_over {
            match self.xml.next()? {
                Node::Start(tag) if tag.name() == "row" => {
                    let row = match tag.get("r")? {
                        Some(row) => row.parse().ok(),
                        None => self.row.checked_add(1),
                    };
                    // A row that comes twice, or late, would be another row in another program.
                    match row.filter(|row| *row > self.row && *row <= ROWS_MAX) {
                        Some(row) => self.row = row,
                        None => return out_of_order(),
                    }
                    let cells = self.cells()?;
                    if !cells.is_empty() {
                        return Ok(Some((self.row, cells)));
                    }
                }
                Node::End(tag) if tag.name() == "sheetData" => self.is_over = true,
                Node::Done => return not_xml(),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The merged cells, which stand behind all others; reads up to the end of the part.
    pub(crate) fn merged(&mut self) -> Result<Vec<Merged>, Flaw> {
        let mut merged = Vec::new();
        loop {
            match self.xml.next()? {
                Node::Start(tag) if tag.name() == "mergeCell" => {
                    let Some(read) = tag.get("ref")?.and_then(|range| Merged::parse(&range)) else {
                        return not_xml();
                    };
                    merged.push(read);
                }
                Node::Done => break,
                _ => {}
            }
            if merged.len() > MERGED_MAX {
                return unfit(format!("has more than {MERGED_MAX} merged cells"), SAVE_AS_CSV);
            }
        }
        merged.sort_by_key(|merged| merged.from);
        Ok(merged)
    }

    fn cells(&mut self) -> Result<Cells, Flaw> {
        let mut cells = Cells::new();
        let (mut column, mut bytes) = (0, 0);
        loop {
            let begun = match self.xml.next()? {
                Node::Start(tag) if tag.name() == "c" => Begun::read(&tag, self.row, column)?,
                Node::End(tag) if tag.name() == "row" => return Ok(cells),
                Node::Done => return not_xml(),
                _ => continue,
            };
            column = begun.column;
            let cell = self.cell(begun)?;
            bytes += match &cell.stored {
                Stored::Nothing => continue,
                Stored::Number(text) | Stored::Text(text) | Stored::Error(text) | Stored::Iso(text) => {
                    text.len()
                }
                _ => 0,
            };
            if bytes as u64 > RECORD_BYTES_MAX {
                return unfit(format!("has a row longer than {RECORD_BYTES_MAX} bytes"), SAVE_AS_CSV);
            }
            cells.insert(column, cell);
        }
    }

    /// The rest of a cell: its formula, its value, its text.
    fn cell(&mut self, begun: Begun) -> Result<Cell, Flaw> {
        let (mut value, mut inline) = (String::new(), None::<String>);
        let (mut is_value, mut is_result, mut has_value) = (false, false, false);
        let mut runs = Runs::default();
        loop {
            match self.xml.next()? {
                Node::Start(tag) => match tag.name() {
                    "v" => (is_value, has_value) = (true, true),
                    "f" => is_result = true,
                    "is" => inline = Some(String::new()),
                    name => runs.begin(name),
                },
                Node::Text(text) if is_value => value.push_str(&text),
                Node::Text(text) if runs.is_shown() => inline.get_or_insert_default().push_str(&text),
                Node::End(tag) => match tag.name() {
                    "v" => is_value = false,
                    "c" => break,
                    name => runs.end(name),
                },
                Node::Done => return not_xml(),
                _ => {}
            }
            if value.len().max(inline.as_ref().map_or(0, String::len)) as u64 > RECORD_BYTES_MAX {
                return unfit(format!("has a cell longer than {RECORD_BYTES_MAX} bytes"), SAVE_AS_CSV);
            }
        }
        let stored = stored(&begun.kind, value, inline, has_value, is_result);
        Ok(Cell { style: begun.style, stored, is_result })
    }
}

/// A cell of which the content is still to come.
/// Refuses a sheet of which two programs would show unlike rows.
fn out_of_order<T>() -> Result<T, Flaw> {
    unfit(
        "has rows or cells out of their order, twice, or where a sheet has none",
        "open it in a spreadsheet program and save it there, or save it as CSV",
    )
}

struct Begun {
    column: u32,
    style: usize,
    kind: String,
}

impl Begun {
    /// Cells need not say their place: they stand behind the one before.
    fn read(tag: &Tag<'_>, row: u32, before: u32) -> Result<Self, Flaw> {
        let at = match tag.get("r")? {
            Some(name) => At::parse(&name).filter(|at| at.row == row),
            None => Some(At { row, column: before + 1 }),
        };
        let Some(At { column, .. }) = at.filter(|at| at.column > before && at.column <= COLUMNS_MAX) else {
            return out_of_order();
        };
        let style = tag.get("s")?.and_then(|style| style.parse().ok()).unwrap_or(0);
        Ok(Self { column, style, kind: tag.get("t")?.unwrap_or_default() })
    }
}

fn stored(kind: &str, value: String, inline: Option<String>, has_value: bool, is_result: bool) -> Stored {
    let is_nothing = value.trim().is_empty();
    match (kind, inline) {
        ("inlineStr", Some(text)) => Stored::Text(text),
        // A formula may well give a text of nothing.
        ("str", _) if has_value => Stored::Text(value),
        _ if is_nothing && is_result => Stored::Formula,
        _ if is_nothing => Stored::Nothing,
        ("" | "n", _) => Stored::Number(value),
        ("s", _) => value.trim().parse().map_or(Stored::Unknown, Stored::Shared),
        ("b", _) => match value.trim() {
            "1" | "true" => Stored::Bool(true),
            "0" | "false" => Stored::Bool(false),
            _ => Stored::Unknown,
        },
        ("e", _) => Stored::Error(value),
        ("d", _) => Stored::Iso(value),
        _ => Stored::Unknown,
    }
}
