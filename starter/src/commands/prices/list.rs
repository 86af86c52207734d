//! Reads a list of prices, whatever it is written in, and puts it into the object store part by part: a million rows
//! take the memory of ten thousand.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use contracts::objects::{ListPart, ObjectRef};
use contracts::prices::GivenRow;
use mapping::Unseen;
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use store::{LinesWriter, Store};
use table::{Kind, RECORD_BYTES_MAX, Row};
use text::{Place, Problem};

use crate::cli::prices::ListFormat;
use crate::commands::lists::columns::{Columns, Mapped};
use crate::commands::lists::file::{ListFile, Numbered, TableRows, refuse_nul};
use crate::terminal::exit::{Exit, Failure};

/// Rows of a part.
const PART: u64 = 10_000;
/// A JSON list up to this size travels in the input.
const INLINE_BYTES: u64 = 64 * 1024;

/// A list on its way to a run.
pub(super) enum Given {
    /// A JSON list, as it was written.
    Inline(String),
    /// A list of its parts.
    Listed(ObjectRef),
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
    let mut unseen = columns.unseen();
    let rows = (1..).zip(entries).map(|(number, entry)| row_of(file, columns, &mut unseen, number, entry));
    let rows: Vec<Mapped> = rows.collect::<Result<_, Failure>>()?;
    refuse_unseen(file, &unseen)?;
    if rows.iter().any(|mapped| !mapped.flaws.is_empty()) {
        return Ok(None);
    }
    let rows: Vec<_> = rows.into_iter().map(|mapped| mapped.row).collect();
    serde_json::to_string(&rows).map(Some).map_err(unwritten)
}

/// A list of objects names its columns in its rows. One that a rule reads and no row has is a slip, which would cost
/// every row.
fn refuse_unseen(file: &ListFile, unseen: &Unseen<'_>) -> Result<(), Failure> {
    unseen.problems().first().map_or(Ok(()), |problem| Err(file.wrong(problem)))
}

/// A row of a JSON list.
fn row_of(
    file: &ListFile,
    columns: &Columns,
    unseen: &mut Unseen<'_>,
    number: u64,
    entry: &RawValue,
) -> Result<Mapped, Failure> {
    let here = |problem: Problem| {
        let field = format!("row {number} {}", problem.field).trim_end().to_owned();
        file.wrong(&Problem { field, ..problem })
    };
    match mapping::record(entry.get()) {
        Some((fields, None)) => {
            refuse_nul(&fields).map_err(here)?;
            unseen.note(&fields);
            columns.row(fields, false).map_err(here)
        }
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
    let mut rows = TableRows::open(file, kind, columns)?;
    let mut unseen = columns.unseen();
    while let Some(Numbered { number: line, row }) = rows.next()? {
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
            for field in columns.fields(&problem.field, None).map_err(here)? {
                flaws.insert(field.clone(), problem.problem.clone());
                if let Some(cell @ Place::Cell { .. }) = &problem.at {
                    cells.insert(field, cell.to_string());
                }
            }
        }
        if kind == Kind::JsonLines {
            unseen.note(&fields);
        }
        let mapped = columns.row(fields, kind != Kind::JsonLines).map_err(here)?;
        let row = mapped.row;
        // The flaw that the file itself shows in a value comes first.
        flaws.extend(
            mapped.flaws.into_iter().filter(|(field, _)| !flaws.contains_key(field)).collect::<Vec<_>>(),
        );
        parts.add(&GivenRow { line, row, flaws, cells }).await?;
    }
    refuse_unseen(file, &unseen)
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
        let fields =
            columns.fields(column, None)?.into_iter().filter(|field| PRICES.contains(&field.as_str()));
        for field in fields {
            flaws.insert(field.clone(), "shows a percentage, and no price".to_owned());
            cells.insert(field, row.place_of(column).to_string());
        }
    }
    Ok(flaws)
}

/// Reads a JSON list of any length, some rows at a time: serde calls back, and the store is awaited.
async fn read_json(file: &ListFile, columns: &Columns, parts: &mut Parts<'_>) -> Result<(), Failure> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Box<RawValue>>(256);
    let source = file.behind_mark()?;
    let reading = tokio::task::spawn_blocking(move || {
        let held = Rc::new(Cell::new(0));
        let source = Bounded { source, held: held.clone() };
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(source));
        let read = json.deserialize_seq(Elements { sender, held });
        read.and_then(|()| json.end()).map_err(|error| (error.line(), error.column(), error.to_string()))
    });
    let (mut number, mut unseen) = (0, columns.unseen());
    while let Some(element) = receiver.recv().await {
        number += 1;
        let Mapped { row, flaws } = row_of(file, columns, &mut unseen, number, &element)?;
        parts.add(&GivenRow { line: number, row, flaws, cells: BTreeMap::new() }).await?;
    }
    let ended =
        reading.await.map_err(|error| Failure::because(Exit::Failed, error, "the list was not read"))?;
    ended.map_err(|(line, column, error)| {
        let what = error.split(" at line ").next().unwrap_or(&error).to_owned();
        Failure::new(Exit::Usage, format!("{}:{line}:{column} is not a JSON list: {what}", file.name))
            .fix("correct that place; nothing was started")
    })?;
    refuse_unseen(file, &unseen)
}

/// Hands the elements of a list over, one after the other.
struct Elements {
    sender: tokio::sync::mpsc::Sender<Box<RawValue>>,
    held: Rc<Cell<u64>>,
}

/// A reader that holds no element of any size.
struct Bounded<R> {
    source: R,
    /// Bytes since the last element.
    held: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.held.set(self.held.get() + read as u64);
        // The bytes that are read ahead belong to the next one.
        if self.held.get() > 2 * RECORD_BYTES_MAX {
            let why =
                format!("a row is longer than {} MiB, or a quote is never closed", RECORD_BYTES_MAX >> 20);
            return Err(io::Error::other(why));
        }
        Ok(read)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element_seed(Element)? {
            self.held.set(0);
            // Nobody listens any more: the rows before this one were wrong.
            if self.sender.blocking_send(element).is_err() {
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
