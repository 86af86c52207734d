//! A list as a file that can be read more than once, and its rows, each with its place.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use mapping::SourceRecord;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use store::Store;
use table::{Flaw, Format, Kind, LineFinder, Reader, Row};
use text::{Place, Problem};

use super::columns::Columns;
use crate::cli::prices::ListFormat;
use crate::cli::table::FormatArgs;
use crate::terminal::exit::{Exit, Failure};

/// Hex digits of a hash that name a run.
const NAME_DIGITS: usize = 12;

/// A list as a file that can be read twice.
pub(crate) struct ListFile {
    /// For messages.
    pub(crate) name: String,
    pub(crate) file: File,
    pub(crate) format: ListFormat,
    /// How a table is written.
    pub(crate) table: Format,
}

/// Opens what was named: a file, stdin, or a place in an object store.
pub(crate) async fn open(
    path: &Path,
    format: Option<ListFormat>,
    options: &FormatArgs,
) -> Result<ListFile, Failure> {
    let text = path.display().to_string();
    let table = options.read().map_err(|problem| {
        Failure::new(Exit::Usage, problem.what()).fix(format!("{}; nothing was started", problem.fix))
    })?;
    let unread = |error: io::Error| {
        Failure::because(Exit::Usage, error, format!("cannot read {text}"))
            .fix("give the path of a list, or - for stdin; nothing was started")
    };
    let (name, mut file) = if text == "-" {
        let mut spooled = tempfile::tempfile().map_err(unread)?;
        io::copy(&mut io::stdin().lock(), &mut spooled).map_err(unread)?;
        ("stdin".to_owned(), spooled)
    } else if let Some((place, key)) = text.split_once("://").and(text.rsplit_once('/')) {
        let mut fetched = tempfile::tempfile().map_err(unread)?;
        if !Store::open(place)?.fetch(key, &mut fetched).await? {
            return Err(Failure::new(Exit::Usage, format!("{text} is not there")).fix("nothing was started"));
        }
        (text.clone(), fetched)
    } else {
        (text.clone(), File::open(path).map_err(unread)?)
    };
    let format = match format.or_else(|| named(path)) {
        Some(format) => format,
        None => sniffed(&mut file).map_err(unread)?,
    };
    Ok(ListFile { name, file, format, table })
}

fn named(path: &Path) -> Option<ListFormat> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    match Kind::of_name(&name) {
        Some(Kind::Csv) => Some(ListFormat::Csv),
        Some(Kind::JsonLines) => Some(ListFormat::Jsonl),
        Some(Kind::Xlsx) => Some(ListFormat::Xlsx),
        None => name.ends_with(".json").then_some(ListFormat::Json),
    }
}

/// A list without a name says by its first sign what it is.
pub(crate) fn sniffed(file: &mut File) -> io::Result<ListFormat> {
    let mut first = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(1_024).read_to_end(&mut first)?;
    let sign = first.iter().find(|byte| !byte.is_ascii_whitespace() && ![0xEF, 0xBB, 0xBF].contains(*byte));
    Ok(match sign {
        Some(b'[') => ListFormat::Json,
        Some(b'{') => ListFormat::Jsonl,
        // A workbook is a packed folder.
        Some(b'P') if first.starts_with(b"PK\x03\x04") => ListFormat::Xlsx,
        _ => ListFormat::Csv,
    })
}

impl ListFile {
    /// The name of a run of this list.
    pub(crate) fn hash(&self) -> Result<String, Failure> {
        let mut file = self.again()?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
        loop {
            match file.read(&mut buffer).map_err(|error| self.lost(error))? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
        let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(digits.chars().take(NAME_DIGITS).collect())
    }

    /// The file at its beginning. Handles of one file share their place: only one is read at a time.
    pub(crate) fn again(&self) -> Result<File, Failure> {
        let again = self.file.try_clone().and_then(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        });
        again.map_err(|error| self.lost(error))
    }

    pub(crate) fn lost(&self, error: io::Error) -> Failure {
        Failure::because(Exit::Usage, error, format!("cannot read {}", self.name)).fix("nothing was started")
    }

    pub(crate) fn wrong(&self, problem: &Problem) -> Failure {
        let problem = match problem.at {
            Some(Place::Byte { byte }) => Problem { at: self.place(byte as u64), ..problem.clone() },
            _ => problem.clone(),
        };
        let at = match &problem.at {
            Some(Place::Line { line, column }) => format!("{}:{line}:{column}", self.name),
            Some(place) => format!("{} {place}", self.name),
            None => self.name.clone(),
        };
        let field = if problem.field.is_empty() { String::new() } else { format!(" {}", problem.field) };
        Failure::new(Exit::Usage, format!("{at}{field} {}", problem.problem))
            .fix(format!("{}; nothing was started", problem.fix))
    }

    /// Line and column of a byte.
    pub(crate) fn place(&self, byte: u64) -> Option<Place> {
        LineFinder::open(self.again().ok()?, &self.table).ok()?.place(byte).ok()
    }

    /// The file behind its byte-order mark.
    pub(crate) fn behind_mark(&self) -> Result<File, Failure> {
        let mut file = self.again()?;
        let mut first = Vec::new();
        file.by_ref().take(8).read_to_end(&mut first).map_err(|error| self.lost(error))?;
        let mark = text::json::mark(&first).map_err(|problem| self.wrong(&problem))?;
        file.seek(SeekFrom::Start(mark as u64)).map_err(|error| self.lost(error))?;
        Ok(file)
    }
}

/// The rows of a table, from the first to the last.
pub(crate) struct TableRows<'f> {
    file: &'f ListFile,
    reader: Reader<File>,
    lines: Option<LineFinder<File>>,
}

/// A row, and its number: the line where it begins, or the row of the sheet.
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) row: Row,
}

impl<'f> TableRows<'f> {
    /// Opens a table at its first row.
    ///
    /// # Errors
    /// When it cannot be read as one, or lacks a column of which a field is made.
    pub(crate) fn open(file: &'f ListFile, kind: Kind, columns: &Columns) -> Result<Self, Failure> {
        let flawed = |flaw| file.flawed(flaw);
        let mut lines = None;
        if kind != Kind::Xlsx {
            // Two readers of one file: each sets its own place, so the lines are counted by a file of their own.
            let mut spool = tempfile::tempfile().map_err(|error| file.lost(error))?;
            io::copy(&mut file.again()?, &mut spool).map_err(|error| file.lost(error))?;
            lines = Some(LineFinder::open(spool, &file.table).map_err(flawed)?);
        }
        let reader = Reader::open(file.again()?, kind, &file.table).map_err(flawed)?;
        if kind != Kind::JsonLines
            && let Some(problem) = columns.missing(&reader.columns())
        {
            return Err(file.wrong(&problem));
        }
        Ok(Self { file, reader, lines })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// When the table cannot be read, or not understood from here on.
    pub(crate) fn next(&mut self) -> Result<Option<Numbered>, Failure> {
        let flawed = |flaw| self.file.flawed(flaw);
        let Some(row) = self.reader.next_row().map_err(flawed)? else { return Ok(None) };
        let place = self.lines.as_mut().map(|lines| lines.place(row.at)).transpose().map_err(flawed)?;
        let number = match place {
            Some(Place::Line { line, .. }) => line as u64,
            _ => row.at,
        };
        refuse_nul(row.readable()).map_err(|problem| self.file.wrong(&problem.at(row.place())))?;
        Ok(Some(Numbered { number, row }))
    }
}

impl ListFile {
    fn flawed(&self, flaw: Flaw) -> Failure {
        match flaw {
            Flaw::Io(error) => self.lost(error),
            Flaw::Wrong(problem) => self.wrong(&problem),
        }
    }
}

/// A sign that no program writes on purpose: the file is damaged, or not a text.
pub(crate) fn refuse_nul(fields: &SourceRecord) -> Result<(), Problem> {
    let has_nul = |value: &RawValue| {
        let text = Some(value.get()).filter(|json| json.contains("\\u0000"));
        // A backslash before `u0000` may stand in the text itself.
        text.is_some_and(|json| serde_json::from_str::<String>(json).is_ok_and(|text| text.contains('\0')))
    };
    match fields.iter().find(|(_, value)| has_nul(value)) {
        Some((name, _)) => {
            Err(Problem::new(name.as_str(), "has a NUL byte in its value", "let it be exported as text"))
        }
        None => Ok(()),
    }
}
