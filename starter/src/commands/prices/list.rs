//! Reads a list of prices, whatever it is written in, and puts it into the object store part by part: a million rows
//! take the memory of ten thousand.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use contracts::objects::{ListPart, ObjectRef};
use contracts::prices::GivenRow;
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use store::{LinesWriter, Store};
use table::{Flaw, Format, Kind, LineFinder, Reader, Row};
use text::{Place, Problem};

use super::columns::{Columns, Mapped};
use crate::cli::prices::{ListFormat, UpdateArgs};
use crate::terminal::exit::{Exit, Failure};

/// Rows of a part.
const PART: u64 = 10_000;
/// A JSON list up to this size travels in the input.
const INLINE_BYTES: u64 = 64 * 1024;
/// Hex digits of a hash that name a run.
const NAME_DIGITS: usize = 12;

/// A list as a file that can be read twice.
pub(super) struct ListFile {
    /// For messages.
    pub(super) name: String,
    file: File,
    format: ListFormat,
    /// How a table is written.
    table: Format,
}

/// A list on its way to a run.
pub(super) enum Given {
    /// A JSON list, as it was written.
    Inline(String),
    /// A list of its parts.
    Listed(ObjectRef),
}

/// Opens what was named: a file, stdin, or a place in an object store.
pub(super) async fn open(args: &UpdateArgs) -> Result<ListFile, Failure> {
    let path = &args.input;
    let text = path.display().to_string();
    let table = args.file.read().map_err(|problem| {
        Failure::new(Exit::Usage, problem.what()).fix(format!("{}; nothing was started", problem.fix))
    })?;
    let unread = |error: io::Error| {
        Failure::because(Exit::Usage, error, format!("cannot read {text}"))
            .fix("give the path of a list of prices, or - for stdin; nothing was started")
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
    let format = match args.format.or_else(|| named(path)) {
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
fn sniffed(file: &mut File) -> io::Result<ListFormat> {
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
    pub(super) fn hash(&self) -> Result<String, Failure> {
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
    fn again(&self) -> Result<File, Failure> {
        let again = self.file.try_clone().and_then(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        });
        again.map_err(|error| self.lost(error))
    }

    fn lost(&self, error: io::Error) -> Failure {
        Failure::because(Exit::Usage, error, format!("cannot read {}", self.name)).fix("nothing was started")
    }

    fn wrong(&self, problem: &Problem) -> Failure {
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
    fn place(&self, byte: u64) -> Option<Place> {
        LineFinder::open(self.again().ok()?, &self.table).ok()?.place(byte).ok()
    }

    /// The file behind its byte-order mark.
    fn behind_mark(&self) -> Result<File, Failure> {
        let mut file = self.again()?;
        let mut first = Vec::new();
        file.by_ref().take(8).read_to_end(&mut first).map_err(|error| self.lost(error))?;
        let mark = text::json::mark(&first).map_err(|problem| self.wrong(&problem))?;
        file.seek(SeekFrom::Start(mark as u64)).map_err(|error| self.lost(error))?;
        Ok(file)
    }
}

/// Reads a list. Rows whose fields are wrong are the run's to judge; a list that cannot be read is refused here.
pub(super) async fn read(
    file: &ListFile,
    columns: &Columns,
    store: &Store,
    folder: &str,
) -> Result<Given, Failure> {
    if let Some(inline) = inline(file, columns)? {
        return Ok(Given::Inline(inline));
    }
    let mut parts = Parts { store, folder, held: LinesWriter::default(), parts: LinesWriter::default() };
    match file.format {
        ListFormat::Json => read_json(file, columns, &mut parts).await?,
        ListFormat::Csv => read_table(file, Kind::Csv, columns, &mut parts).await?,
        ListFormat::Jsonl => read_table(file, Kind::JsonLines, columns, &mut parts).await?,
        ListFormat::Xlsx => read_table(file, Kind::Xlsx, columns, &mut parts).await?,
    }
    parts.put().await?;
    let list = parts.parts.put(store, folder).await?;
    list.map(Given::Listed).ok_or_else(|| empty(file))
}

fn empty(file: &ListFile) -> Failure {
    Failure::new(Exit::Usage, format!("{} has no rows", file.name)).fix("add some; nothing was started")
}

/// A short JSON list; its values are as they were written.
fn inline(file: &ListFile, columns: &Columns) -> Result<Option<String>, Failure> {
    // A value that is not what its rule says is told with its row, which then has to be one of a list.
    if file.format != ListFormat::Json || !columns.keep_values() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = file.again()?.take(INLINE_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(|error| file.lost(error))? as u64 > INLINE_BYTES {
        return Ok(None);
    }
    let json =
        text::json::decoded(&bytes).and_then(text::json::value).map_err(|problem| file.wrong(&problem))?;
    let Some(entries) = text::json::entries(json.get()) else {
        return Err(Failure::new(Exit::Usage, format!("{} is not a JSON list", file.name))
            .fix("write [{\"sku\": …, \"new_price\": …}, …]; nothing was started"));
    };
    if entries.is_empty() {
        return Err(empty(file));
    }
    let rows = (1..).zip(entries).map(|(number, entry)| Ok(row_of(file, columns, number, entry)?.row));
    let rows: Vec<BTreeMap<String, Box<RawValue>>> = rows.collect::<Result<_, Failure>>()?;
    serde_json::to_string(&rows).map(Some).map_err(unwritten)
}

/// A row of a JSON list.
fn row_of(file: &ListFile, columns: &Columns, number: u64, entry: &RawValue) -> Result<Mapped, Failure> {
    let here = |problem: Problem| {
        let field = format!("row {number} {}", problem.field).trim_end().to_owned();
        file.wrong(&Problem { field, ..problem })
    };
    match mapping::record(entry.get()) {
        Some((fields, None)) => columns.row(fields, false).map_err(here),
        Some((_, Some(name))) => Err(here(Problem::new(name, "is given twice", "keep one"))),
        None => Err(here(Problem::new("", "is not an object", "write {\"sku\": …}"))),
    }
}

/// Rows on their way into the store.
struct Parts<'s> {
    store: &'s Store,
    folder: &'s str,
    held: LinesWriter,
    parts: LinesWriter,
}

impl Parts<'_> {
    async fn add(&mut self, row: &GivenRow) -> Result<(), Failure> {
        self.held.push(row).map_err(unwritten)?;
        if self.held.count() >= PART { self.put().await } else { Ok(()) }
    }

    async fn put(&mut self) -> Result<(), Failure> {
        let held = std::mem::take(&mut self.held);
        let rows = held.count();
        if let Some(list) = held.put(self.store, self.folder).await? {
            self.parts.push(&ListPart { list, rows }).map_err(unwritten)?;
        }
        Ok(())
    }
}

fn unwritten(error: serde_json::Error) -> Failure {
    Failure::because(Exit::Failed, error, "a row cannot be written as JSON")
}

async fn read_table(
    file: &ListFile,
    kind: Kind,
    columns: &Columns,
    parts: &mut Parts<'_>,
) -> Result<(), Failure> {
    let flawed = |flaw: Flaw| match flaw {
        Flaw::Io(error) => file.lost(error),
        Flaw::Wrong(problem) => file.wrong(&problem),
    };
    // Two readers of one file: each sets its own place, so the lines are counted by a file of their own.
    let mut spool = tempfile::tempfile().map_err(|error| file.lost(error))?;
    if kind != Kind::Xlsx {
        io::copy(&mut file.again()?, &mut spool).map_err(|error| file.lost(error))?;
    }
    let mut lines = match kind {
        Kind::Xlsx => None,
        _ => Some(LineFinder::open(spool, &file.table).map_err(flawed)?),
    };
    let mut reader = Reader::open(file.again()?, kind, &file.table).map_err(flawed)?;
    if kind != Kind::JsonLines
        && let Some(problem) = columns.missing(&reader.columns())
    {
        return Err(file.wrong(&problem));
    }
    while let Some(row) = reader.next_row().map_err(flawed)? {
        let line = match lines.as_mut().map(|lines| lines.place(row.at)).transpose().map_err(flawed)? {
            Some(Place::Line { line, .. }) => line as u64,
            _ => row.at,
        };
        let place = row.place();
        let here = |problem: Problem| file.wrong(&problem.at(place.clone()));
        let mut cells = BTreeMap::new();
        let mut flaws = percentages(&row, columns, &mut cells).map_err(here)?;
        let (fields, problems) = row.into_parts();
        for problem in problems {
            // One that is of no value is the file's; one in a column that says nothing is nobody's.
            if problem.field.is_empty() {
                return Err(file.wrong(&problem));
            }
            for field in columns.fields(&problem.field).map_err(here)? {
                flaws.insert(field.to_owned(), problem.problem.clone());
                if let Some(cell @ Place::Cell { .. }) = &problem.at {
                    cells.insert(field.to_owned(), cell.to_string());
                }
            }
        }
        refuse_nul(&fields).map_err(here)?;
        let mapped = columns.row(fields, kind != Kind::JsonLines).map_err(here)?;
        let row = mapped.row;
        // What the file itself says of a value comes first.
        flaws.extend(
            mapped.flaws.into_iter().filter(|(field, _)| !flaws.contains_key(field)).collect::<Vec<_>>(),
        );
        parts.add(&GivenRow { line, row, flaws, cells }).await?;
    }
    Ok(())
}

const PRICES: [&str; 2] = ["new_price", "old_price"];

/// The prices of a row that are shown as a percentage, and their cells.
fn percentages(
    row: &Row,
    columns: &Columns,
    cells: &mut BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Problem> {
    let mut flaws = BTreeMap::new();
    for column in row.readable().keys().filter(|column| row.is_percent(column)) {
        let fields = columns.fields(column)?.into_iter().filter(|field| PRICES.contains(field));
        for field in fields {
            flaws.insert(field.to_owned(), "shows a percentage, and no price".to_owned());
            cells.insert(field.to_owned(), row.place_of(column).to_string());
        }
    }
    Ok(flaws)
}

/// A sign that no program writes on purpose: the file is damaged, or not a text.
fn refuse_nul(fields: &BTreeMap<String, Box<RawValue>>) -> Result<(), Problem> {
    match fields.values().any(|value| value.get().contains("\\u0000")) {
        true => Err(Problem::new("", "has a NUL byte in a value", "let it be exported as text")),
        false => Ok(()),
    }
}

/// Reads a JSON list of any length, some rows at a time: serde calls back, and the store is awaited.
async fn read_json(file: &ListFile, columns: &Columns, parts: &mut Parts<'_>) -> Result<(), Failure> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Box<RawValue>>(256);
    let source = file.behind_mark()?;
    let reading = tokio::task::spawn_blocking(move || {
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(source));
        let read = json.deserialize_seq(Elements(sender));
        read.and_then(|()| json.end()).map_err(|error| (error.line(), error.column(), error.to_string()))
    });
    let mut number = 0;
    while let Some(element) = receiver.recv().await {
        number += 1;
        let Mapped { row, flaws } = row_of(file, columns, number, &element)?;
        parts.add(&GivenRow { line: number, row, flaws, cells: BTreeMap::new() }).await?;
    }
    let ended =
        reading.await.map_err(|error| Failure::because(Exit::Failed, error, "the list was not read"))?;
    ended.map_err(|(line, column, error)| {
        let what = error.split(" at line ").next().unwrap_or(&error).to_owned();
        Failure::new(Exit::Usage, format!("{}:{line}:{column} is not a JSON list: {what}", file.name))
            .fix("correct that place; nothing was started")
    })
}

/// Hands the elements of a list over, one after the other.
struct Elements(tokio::sync::mpsc::Sender<Box<RawValue>>);

impl<'de> Visitor<'de> for Elements {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element_seed(Element)? {
            // Nobody listens any more: the rows before this one were wrong.
            if self.0.blocking_send(element).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

struct Element;

impl<'de> DeserializeSeed<'de> for Element {
    type Value = Box<RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}
