//! Records of CSV, read strictly: what can be read in two ways is refused at its byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use serde_json::value::to_raw_value;

use crate::format::{Escape, Format};
use crate::header::Header;
use crate::row::{Places, byte};
use crate::source::Source;
use crate::{Flaw, RECORD_BYTES_MAX, Row, errors, wrong};

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
        let mut records = Records { source, format: format.clone(), width: None };
        let passed = u32::from(records.read_separator_line()?);
        records.skip_lines(format.header_row.unwrap_or(1).saturating_sub(1 + passed))?;
        let header = match records.next_record()? {
            Some(record) => Header::read(&record.values, records.format.delimiter)?,
            // An export of nothing.
            None => Header::default(),
        };
        records.width = Some(header.width());
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
            if record.values.iter().all(|value| text::shows_nothing(&value.text)) {
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
    width: Option<Width>,
}

/// How many values a record has.
#[derive(Clone, Copy)]
pub(crate) struct Width {
    pub(crate) columns: usize,
    /// Whether a delimiter stands at each line's end, too.
    pub(crate) has_open_end: bool,
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
    /// Whether nothing but blanks stands behind the last of them.
    is_open: bool,
    /// Whether nothing but blanks stands in it: then it would be passed over.
    is_blank: bool,
}

impl Line {
    const BLANK: Self = Self { delimiters: 0, is_open: false, is_blank: true };

    /// Whether it has the values of a record, with or without a delimiter at its end; with one, if the heading has it.
    fn is_row(self, width: Width) -> bool {
        let is_closed = !width.has_open_end && self.delimiters + 1 == width.columns;
        is_closed || (self.is_open && self.delimiters == width.columns)
    }
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
            lines: vec![Line::BLANK],
            wide_quote: None,
        }
    }

    /// Takes note of a sign of the present line, in quotes or not.
    fn note(&mut self, sign: char, delimiter: char) {
        if let Some(line) = self.lines.last_mut() {
            let is_delimiter = sign == delimiter;
            line.delimiters += usize::from(is_delimiter);
            line.is_open = is_delimiter || (line.is_open && sign.is_whitespace());
            line.is_blank &= sign.is_whitespace() && !is_delimiter;
        }
    }

    fn end_value(&mut self) {
        self.values.push(Value { at: self.value_at, text: std::mem::take(&mut self.value) });
    }

    /// A value whose quotes stand in one line is quoted rightly, and its delimiters are its own.
    fn forget_delimiters_since(&mut self, (lines, delimiters): (usize, usize)) {
        if self.lines.len() == lines
            && let Some(line) = self.lines.last_mut()
        {
            line.delimiters = delimiters;
        }
    }

    /// Whether each of its lines could be a record of its own: then a quote was left open, and closed by another
    /// row's. Where in them the quotes stand says nothing: that is what is wrong. In a file of one column every line
    /// could be.
    fn takes_in_rows(&self, width: Width) -> bool {
        let mut lines = self.lines.iter().filter(|line| !line.is_blank).peekable();
        let are_several = self.lines.len() > 1 && lines.peek().is_some();
        are_several && (width.columns == 1 || lines.all(|line| line.is_row(width)))
    }
}

impl<R: Read + Seek> Records<R> {
    /// `sep=;` is what spreadsheet programs write to one another. It says the delimiter, and is a line of the file like
    /// others. Whether it is there.
    fn read_separator_line(&mut self) -> Result<bool, Flaw> {
        let begins = self.source.position();
        let mut said = String::new();
        while said.len() < 8 && !self.ends_line()? {
            said.extend(self.source.next()?);
        }
        let is_said = said.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
        match said.get(4..).map(|sign| sign.chars().collect::<Vec<_>>()) {
            Some(sign) if is_said && sign.len() == 1 => {
                self.format.delimiter = sign[0];
                Ok(true)
            }
            _ => {
                self.source.seek(begins)?;
                Ok(false)
            }
        }
    }

    /// Passes over the lines above the heading, whatever stands in them.
    fn skip_lines(&mut self, lines: u32) -> Result<(), Flaw> {
        for _ in 0..lines {
            while !self.ends_line()? {
                self.source.next()?;
            }
        }
        Ok(())
    }

    /// Takes the end of a line, if it is here: `\n`, `\r\n`, a `\r` alone, or the end of the file.
    fn ends_line(&mut self) -> Result<bool, Flaw> {
        match self.source.peek()? {
            Some('\r') => {
                self.source.next()?;
                self.skip_line_feed()?;
            }
            Some('\n') => drop(self.source.next()?),
            None => {}
            Some(_) => return Ok(false),
        }
        Ok(true)
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
            draft.note(self.format.delimiter, self.format.delimiter);
        }
        // A heading's own line says how many columns there are.
        let width = self.width.unwrap_or(Width { columns: draft.values.len(), has_open_end: false });
        if !self.format.has_line_breaks && draft.takes_in_rows(width) {
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
                    draft.note('"', self.format.delimiter);
                    let line = (draft.lines.len(), draft.lines.last().map_or(0, |line| line.delimiters));
                    self.quoted(draft, at)?;
                    draft.forget_delimiters_since(line);
                    return self.behind_quote(at);
                }
                Some(sign) if sign == self.format.delimiter => return Ok(End::Value),
                None | Some('\n') => return Ok(End::Record),
                Some('\r') => {
                    self.skip_line_feed()?;
                    return Ok(End::Record);
                }
                Some(sign) => {
                    draft.note(sign, self.format.delimiter);
                    draft.value.push(sign);
                }
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
                    draft.note('"', self.format.delimiter);
                }
                Some('"') => {
                    draft.note('"', self.format.delimiter);
                    return Ok(());
                }
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

    /// Counts what could be a record's own sign, were the quote not there; the value ends with that sign.
    fn note(&self, draft: &mut Draft, sign: char, opened: u64) {
        match sign {
            // The line has ended already.
            '\n' if draft.value.ends_with("\r\n") => {}
            '\n' | '\r' => {
                draft.lines.push(Line::BLANK);
                draft.wide_quote = Some(opened);
            }
            sign => draft.note(sign, self.format.delimiter),
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
