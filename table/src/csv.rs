//! Records of CSV, read strictly: what can be read in two ways is refused at its byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use serde_json::value::to_raw_value;

use crate::format::{Escape, Format};
use crate::header::Header;
use crate::row::{Places, byte};
use crate::source::Source;
use crate::{Flaw, RECORD_BYTES_MAX, Row, errors, unfit, wrong};

const CLOSE_IT: &str = "close it; a quote that belongs to the value is written twice";

/// A file of CSV, from its header on.
pub(crate) struct Table<R> {
    records: Records<R>,
    header: Header,
    /// Where the first record begins.
    first: u64,
}

impl<R: Read + Seek> Table<R> {
    pub(crate) fn open(source: Source<R>, format: &Format) -> Result<Self, Flaw> {
        let mut records = Records { source, format: format.clone(), columns: None };
        records.read_separator_line()?;
        records.skip_lines(format.header_row.unwrap_or(1).saturating_sub(1))?;
        let header = match records.next_record()? {
            Some(record) => Header::read(&record.values, records.format.delimiter)?,
            // An export of nothing.
            None => Header::default(),
        };
        records.columns = Some(header.width());
        let first = records.source.position();
        Ok(Self { records, header, first })
    }

    pub(crate) fn seek(&mut self, byte: u64) -> io::Result<()> {
        self.records.source.seek(byte.max(self.first))
    }

    pub(crate) fn next_byte(&self) -> u64 {
        self.records.source.position()
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, Flaw> {
        loop {
            let Some(record) = self.records.next_record()? else { return Ok(None) };
            if record.values.iter().all(|value| value.text.trim().is_empty()) {
                continue;
            }
            return self.row(record).map(Some);
        }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.names()
    }

    fn row(&self, record: Record) -> Result<Row, Flaw> {
        let at = record.at;
        let (mut fields, mut begins, mut problems) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (name, value) in self.header.names().zip(self.header.fit(record)?) {
            begins.insert(name.to_owned(), value.at);
            match errors::check(&value.text) {
                Err(refusal) => problems.push(refusal.of(name).at(byte(value.at))),
                Ok(()) => {
                    let json = to_raw_value(&value.text).map_err(|error| Flaw::Io(error.into()))?;
                    fields.insert(name.to_owned(), json);
                }
            }
        }
        Ok(Row { at, fields, problems, percents: BTreeSet::new(), places: Places::Bytes(begins) })
    }
}

/// The values of one record.
pub(crate) struct Record {
    /// The byte where it begins.
    pub(crate) at: u64,
    pub(crate) values: Vec<Value>,
    /// The byte of the last quote that took in a line break.
    pub(crate) wide_quote: Option<u64>,
}

/// One value.
pub(crate) struct Value {
    /// The byte where it begins.
    pub(crate) at: u64,
    pub(crate) text: String,
}

struct Records<R> {
    source: Source<R>,
    format: Format,
    /// How many values a record has; not known yet of the header.
    columns: Option<usize>,
}

/// A record while it is read.
struct Draft {
    at: u64,
    values: Vec<Value>,
    value: String,
    /// The byte where the value begins.
    value_at: u64,
    /// The lines that the record takes in.
    lines: Vec<Line>,
    wide_quote: Option<u64>,
}

/// One line of a record.
#[derive(Clone, Copy)]
struct Line {
    /// Delimiters in it, those in quotes included.
    delimiters: usize,
    /// Whether all of it stands in quotes.
    is_inside: bool,
}

/// The end of a value: another one follows, or the record is complete.
enum End {
    Value,
    Record,
}

impl Draft {
    fn new(at: u64) -> Self {
        Self {
            at,
            values: Vec::new(),
            value: String::new(),
            value_at: at,
            lines: vec![Line { delimiters: 0, is_inside: false }],
            wide_quote: None,
        }
    }

    fn count_delimiter(&mut self, is_inside: bool) {
        if let Some(line) = self.lines.last_mut() {
            line.delimiters += 1;
            line.is_inside &= is_inside;
        }
    }

    fn end_value(&mut self) {
        self.values.push(Value { at: self.value_at, text: std::mem::take(&mut self.value) });
    }

    /// Whether each of the lines could be a record of its own, and one of them stands in quotes altogether: then a
    /// quote was left open, and closed by another row's.
    fn takes_in_rows(&self, columns: usize) -> bool {
        let are_rows = self.lines.iter().all(|line| line.delimiters + 1 == columns);
        columns > 1 && are_rows && self.lines.iter().any(|line| line.is_inside)
    }
}

impl<R: Read + Seek> Records<R> {
    /// `sep=;` is what spreadsheet programs write to one another. It says the delimiter.
    fn read_separator_line(&mut self) -> Result<(), Flaw> {
        let begins = self.source.position();
        let mut line = String::new();
        while line.len() < 8 {
            match self.source.next()? {
                None | Some('\n') => break,
                Some(sign) => line.push(sign),
            }
        }
        let said = line.trim_end_matches('\r');
        let is_said = said.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
        match said.get(4..).map(|sign| sign.chars().collect::<Vec<_>>()) {
            Some(sign) if is_said && sign.len() == 1 => self.format.delimiter = sign[0],
            _ => self.source.seek(begins)?,
        }
        Ok(())
    }

    /// Passes over the lines above the heading, whatever stands in them.
    fn skip_lines(&mut self, lines: u32) -> Result<(), Flaw> {
        for _ in 0..lines {
            while self.source.next()?.is_some_and(|sign| sign != '\n') {}
        }
        Ok(())
    }

    fn next_record(&mut self) -> Result<Option<Record>, Flaw> {
        let mut draft = Draft::new(self.source.position());
        if self.source.peek()?.is_none() {
            return Ok(None);
        }
        loop {
            draft.value_at = self.source.position();
            let end = self.value(&mut draft)?;
            draft.end_value();
            if matches!(end, End::Record) {
                break;
            }
            draft.count_delimiter(false);
        }
        if let (Some(columns), false) = (self.columns, self.format.has_line_breaks)
            && draft.takes_in_rows(columns)
        {
            return wrong(
                draft.wide_quote.unwrap_or(draft.at),
                "has a quote that takes in whole rows",
                "close it; if that value really holds such lines, set option line_breaks to true",
            );
        }
        let Draft { at, values, wide_quote, .. } = draft;
        Ok(Some(Record { at, values, wide_quote }))
    }

    /// Reads one value and what ends it.
    fn value(&mut self, draft: &mut Draft) -> Result<End, Flaw> {
        loop {
            let at = self.source.position();
            self.check_length(draft, None)?;
            match self.source.next()? {
                Some('"') if self.format.has_quotes => {
                    // Blanks before a quote are nobody's.
                    if !draft.value.trim().is_empty() {
                        return wrong(
                            at,
                            "has a quote inside a value",
                            "put the value in quotes and write that quote twice",
                        );
                    }
                    draft.value.clear();
                    self.quoted(draft, at)?;
                    return self.behind_quote(at);
                }
                Some(sign) if sign == self.format.delimiter => return Ok(End::Value),
                None | Some('\n') => return Ok(End::Record),
                Some('\r') => {
                    self.skip_line_feed()?;
                    return Ok(End::Record);
                }
                Some(sign) => draft.value.push(sign),
            }
        }
    }

    /// Reads a value up to its closing quote.
    fn quoted(&mut self, draft: &mut Draft, opened: u64) -> Result<(), Flaw> {
        loop {
            let at = self.source.position();
            self.check_length(draft, Some(opened))?;
            match self.source.next()? {
                None => return wrong(opened, "has a quote that is never closed", CLOSE_IT),
                Some('"') if draft.value.ends_with('\\') && self.format.escape == Escape::Unsaid => {
                    return wrong(
                        at - 1,
                        "has a backslash before a quote",
                        "set option escape to \"\\\\\" if the backslash makes it a quote of the value, else to \"none\"",
                    );
                }
                Some('"') if self.source.peek()? == Some('"') => {
                    self.source.next()?;
                    draft.value.push('"');
                }
                Some('"') => return Ok(()),
                Some('\\') if self.format.escape == Escape::Backslash => {
                    draft.value.extend(self.source.next()?);
                }
                Some(sign) => {
                    draft.value.push(sign);
                    self.note(draft, sign, opened);
                }
            }
        }
    }

    /// Counts what could be a record's own sign, were the quote not there.
    fn note(&self, draft: &mut Draft, sign: char, opened: u64) {
        if sign == self.format.delimiter {
            draft.count_delimiter(true);
        } else if sign == '\n' {
            draft.lines.push(Line { delimiters: 0, is_inside: true });
            draft.wide_quote = Some(opened);
        }
    }

    /// Behind a closing quote only blanks may stand before the next delimiter.
    fn behind_quote(&mut self, opened: u64) -> Result<End, Flaw> {
        loop {
            match self.source.next()? {
                Some(sign) if sign == self.format.delimiter => return Ok(End::Value),
                None | Some('\n') => return Ok(End::Record),
                Some('\r') => {
                    self.skip_line_feed()?;
                    return Ok(End::Record);
                }
                Some(' ' | '\t') => {}
                Some(_) => {
                    return wrong(
                        opened,
                        "has a quote whose value goes on behind the closing quote",
                        "a quote that belongs to the value is written twice, or see option escape",
                    );
                }
            }
        }
    }

    fn skip_line_feed(&mut self) -> Result<(), Flaw> {
        if self.source.peek()? == Some('\n') {
            self.source.next()?;
        }
        Ok(())
    }

    /// Memory holds one record: a file whose quotes do not match would else be one.
    fn check_length(&self, draft: &Draft, opened: Option<u64>) -> Result<(), Flaw> {
        if self.source.position() - draft.at < RECORD_BYTES_MAX {
            return Ok(());
        }
        match opened {
            Some(opened) => wrong(
                opened,
                format!("has a quote that is not closed within {RECORD_BYTES_MAX} bytes"),
                CLOSE_IT,
            ),
            None => {
                wrong(draft.at, format!("has a record longer than {RECORD_BYTES_MAX} bytes"), "is it CSV?")
            }
        }
    }
}

/// Other delimiters than the declared one, in a header of one column.
pub(crate) fn another_delimiter(name: &str, delimiter: char) -> Result<(), Flaw> {
    let other = [';', '\t', '|', ','].into_iter().find(|sign| *sign != delimiter && name.contains(*sign));
    match other {
        Some(sign) => unfit(
            format!("has one column, whose name holds {}", shown(sign)),
            format!("set option delimiter to {}", shown(sign)),
        ),
        None => Ok(()),
    }
}

fn shown(sign: char) -> String {
    if sign == '\t' { "a tab (\"\\t\")".to_owned() } else { format!("\"{sign}\"") }
}
