//! Workbooks (`.xlsx`): the rows of one sheet, each value with its cell.
//!
//! - `package`: the zip, whose directory is believed in nothing;
//! - `xml`: a part's XML, node by node;
//! - `book`, `strings`, `styles`, `look`: sheets, shared texts, how numbers look;
//! - `cells`: the cells of a sheet as they are stored; `value`: their meaning;
//! - `heading`: the row that names the columns; `merged`: cells that are shown as one.
//!
//! A sheet is read twice: first for its length, its merged cells, its heading and the checksum of the part; then row by
//! row. So no row is given of a file that is damaged behind it, and memory holds the shared texts and one row.
//!
//! **A cell that shows no value is a problem of its row** ([`crate::Row::into_fields`]): an error (`#N/A`), a formula
//! without a stored result, a date that never was.
//!
//! The reader is our own, on `quick-xml` and `flate2`: `calamine` keeps a sheet's reader inside the workbook's borrow,
//! reserves as much memory as a file asks for, gives a formula or a look but not both, and ends the file at an error
//! code that it does not know.

mod book;
mod cells;
mod heading;
mod look;
mod merged;
mod package;
mod strings;
mod styles;
mod value;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};
use text::{Place, Problem, Refusal};

use crate::format::Format;
use crate::row::Places;
use crate::{Flaw, RECORD_BYTES_MAX, Row, unfit};
use book::Book;
use cells::{At, Cells, Sheet};
use heading::{Heading, Survey};
use merged::Shown;
use package::Package;
use strings::Strings;
use styles::Styles;
use value::{Meaning, Value};
use xml::Xml;

pub(crate) const SAVE_AS_CSV: &str = "save as CSV";

/// The most rows of a sheet.
pub(crate) const ROWS_MAX: u64 = 100_000;

/// The beginning of encrypted workbooks, and of all those before 2007.
const COMPOUND: &[u8; 8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// The rows of a sheet, from its heading on.
pub(crate) struct Workbook<R: Read + Seek> {
    package: Package<R>,
    meaning: Meaning,
    /// The name of the sheet; of a workbook without content, nothing.
    name: Arc<str>,
    part: Option<String>,
    heading: Heading,
    shown: Shown,
    rows: u64,
    sheet: Option<Sheet<R>>,
    /// The row from which on the next one is looked for.
    next: u32,
}

impl<R: Read + Seek> Workbook<R> {
    pub(crate) fn open(mut file: R, format: &Format) -> Result<Self, Flaw> {
        refuse_compound(&mut file)?;
        let package = Package::open(file)?;
        let book = Book::read(&package)?;
        let meaning = Meaning {
            strings: Strings::read(&package, book.strings.as_deref())?,
            styles: Styles::read(&package, book.styles.as_deref())?,
            counts_from_1904: book.counts_from_1904,
            is_uncalculated: book.is_uncalculated,
        };
        let holds = |sheet: &book::Sheet| {
            let Some(mut sheet) = opened(&package, &sheet.part)? else { return Ok(false) };
            while let Some((_, cells)) = sheet.next_row()? {
                if cells.values().any(|cell| meaning.is_filled(cell)) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let chosen = book.choose(format.sheet.as_deref(), holds)?;
        let (name, part) = match chosen {
            Some(sheet) => (Arc::from(sheet.name.as_str()), Some(sheet.part.clone())),
            None => (Arc::from(""), None),
        };
        let mut workbook = Self {
            package,
            meaning,
            name,
            part,
            heading: Heading::default(),
            shown: Shown::default(),
            rows: 0,
            sheet: None,
            next: 0,
        };
        workbook.survey(format.header_row)?;
        workbook.rewind()?;
        Ok(workbook)
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.heading.names.values().map(String::as_str)
    }

    /// How many rows there are behind the heading.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    fn opened(&self) -> Result<Option<Sheet<R>>, Flaw> {
        self.part.as_ref().map_or(Ok(None), |part| opened(&self.package, part))
    }

    /// Reads the whole sheet once.
    fn survey(&mut self, header_row: Option<u32>) -> Result<(), Flaw> {
        let Some(mut sheet) = self.opened()? else { return Ok(()) };
        let mut survey = Survey::new(header_row);
        while let Some((row, cells)) = sheet.next_row()? {
            let filled = cells.into_iter().filter(|(_, cell)| self.meaning.is_filled(cell)).collect();
            survey.note(row, filled);
            if survey.rows() > ROWS_MAX {
                return unfit(format!("has more than {ROWS_MAX} rows"), SAVE_AS_CSV);
            }
        }
        let merged = sheet.merged()?;
        if let Some(second) = merged::overlapping(&merged) {
            let problem = "has merged cells that overlap others, so that nobody can say which value is shown";
            let problem = Problem::new("", problem, "unmerge them, and write each value into its own cell");
            return Err(Flaw::Wrong(Box::new(problem.at(place(&self.name, second.name())))));
        }
        self.rows = survey.rows();
        self.heading = Heading::read(survey, &merged, &self.meaning, &self.name)?;
        self.shown = Shown::new(merged);
        Ok(())
    }

    fn rewind(&mut self) -> Result<(), Flaw> {
        self.sheet = self.opened()?;
        self.shown.rewind();
        self.next = self.heading.row + 1;
        Ok(())
    }

    /// Goes on at a row.
    pub(crate) fn seek(&mut self, row: u64) -> io::Result<()> {
        let row = u32::try_from(row).unwrap_or(u32::MAX).max(self.heading.row + 1);
        if row < self.next {
            self.rewind().map_err(|flaw| match flaw {
                Flaw::Io(error) => error,
                Flaw::Wrong(problem) => io::Error::other(problem.what()),
            })?;
        }
        self.next = row;
        Ok(())
    }

    pub(crate) fn next_at(&self) -> u64 {
        u64::from(self.next)
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, Flaw> {
        let Some(sheet) = &mut self.sheet else { return Ok(None) };
        while let Some((row, mut cells)) = sheet.next_row()? {
            if row <= self.heading.row {
                continue;
            }
            cells.retain(|_, cell| self.meaning.is_filled(cell));
            self.shown.enter(row, &cells)?;
            if row < self.next || cells.is_empty() {
                continue;
            }
            self.next = row + 1;
            // A text that cells share costs a file nothing, and memory as often as it is shown.
            let merged = self.shown.tall().filter(|(column, _)| !cells.contains_key(column));
            let bytes = self.meaning.bytes(cells.values().chain(merged.map(|(_, cell)| cell)));
            if bytes > RECORD_BYTES_MAX {
                return too_long(&self.name, row);
            }
            return Ok(Some(self.row(row, &cells).unless_heading()));
        }
        Ok(None)
    }

    fn row(&self, row: u32, cells: &Cells) -> Row {
        let mut read = Draft { row, ..Draft::default() };
        for (column, name) in &self.heading.names {
            let own = cells.get(column);
            match (self.shown.above(*column), own) {
                (Some((range, _)), Some(_)) if range.from.row != row => {
                    let hidden = Refusal {
                        problem: "holds a value that merged cells hide".to_owned(),
                        fix: "unmerge the cells, and clear those that mean nothing".to_owned(),
                    };
                    read.refuse(&self.name, name, range.name(), hidden);
                }
                (Some((range, cell)), _) => match self.meaning.value(cell) {
                    Ok(value) => read.take(name, value),
                    Err(refusal) => read.refuse(&self.name, name, range.name(), refusal),
                },
                (None, Some(cell)) => match self.meaning.value(cell) {
                    Ok(value) => read.take(name, value),
                    Err(refusal) => {
                        read.refuse(&self.name, name, At { row, column: *column }.name(), refusal)
                    }
                },
                (None, None) => read.leave(name),
            }
        }
        self.stray(&mut read, cells);
        let columns = self.heading.columns.clone();
        let places = Places::Cells { sheet: self.name.clone(), row, columns };
        Row {
            at: u64::from(row),
            fields: read.fields,
            problems: read.problems,
            percents: read.percents,
            places,
        }
    }

    /// Values that belong to no column, or to several.
    fn stray(&self, read: &mut Draft, cells: &Cells) {
        let row = read.row;
        for column in cells.keys().filter(|column| !self.heading.names.contains_key(*column)) {
            let refusal = Refusal {
                problem: "has a value in a column without a name".to_owned(),
                fix: "name the column in the heading, or clear the cell".to_owned(),
            };
            read.refuse(&self.name, "", At { row, column: *column }.name(), refusal);
        }
        for range in self.shown.wide() {
            let refusal = Refusal {
                problem: "has one value for several columns".to_owned(),
                fix: "unmerge the cells, and write each value into its own".to_owned(),
            };
            for (_, covered) in self.heading.names.range(range.from.column..=range.to.column) {
                read.fields.remove(covered);
            }
            let name = self.heading.names.get(&range.from.column).map_or("", String::as_str);
            read.refuse(&self.name, name, range.name(), refusal);
        }
    }
}

/// A row while it is read.
#[derive(Default)]
struct Draft {
    row: u32,
    fields: BTreeMap<String, Box<RawValue>>,
    problems: Vec<Problem>,
    percents: BTreeSet<String>,
}

impl Draft {
    fn take(&mut self, name: &str, value: Value) {
        if value.is_percent {
            self.percents.insert(name.to_owned());
        }
        self.fields.insert(name.to_owned(), value.json);
    }

    /// An empty cell is an empty text, as in the other tables.
    fn leave(&mut self, name: &str) {
        if let Ok(nothing) = to_raw_value("") {
            self.fields.insert(name.to_owned(), nothing);
        }
    }

    fn refuse(&mut self, sheet: &str, name: &str, cell: String, refusal: Refusal) {
        self.problems.push(refusal.of(name).at(place(sheet, cell)));
    }
}

pub(crate) use book::shown;

/// A cell of a sheet.
pub(crate) fn place_at(sheet: &str, row: u32, column: u32) -> Place {
    place(sheet, At { row, column }.name())
}

fn place(sheet: &str, cell: String) -> Place {
    Place::Cell { sheet: shown(sheet), cell }
}

/// Refuses a row whose texts are longer together than a record may be.
fn too_long<T>(sheet: &str, row: u32) -> Result<T, Flaw> {
    let problem = Problem::new("", format!("has a row longer than {RECORD_BYTES_MAX} bytes"), SAVE_AS_CSV);
    Err(Flaw::Wrong(Box::new(problem.at(place(sheet, format!("{row}:{row}"))))))
}

fn opened<R: Read + Seek>(package: &Package<R>, part: &str) -> Result<Option<Sheet<R>>, Flaw> {
    match package.part(part)? {
        Some(part) => Ok(Some(Sheet::new(Xml::new(part)))),
        None => xml::not_xml(),
    }
}

/// Names the two kinds of workbook that this is not, and that look alike from outside.
fn refuse_compound(file: &mut (impl Read + Seek)) -> Result<(), Flaw> {
    let mut first = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(COMPOUND.len() as u64).read_to_end(&mut first)?;
    if first != COMPOUND {
        return Ok(());
    }
    let mut rest = Vec::new();
    file.by_ref().take(package::PACKED_BYTES_MAX).read_to_end(&mut rest)?;
    let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    match rest.windows(encrypted.len()).any(|window| window == encrypted) {
        true => unfit("is encrypted", "save it without a password, or save it as CSV"),
        false => unfit("is a workbook of the old kind (.xls)", "save it as .xlsx or as CSV"),
    }
}
