//! Records of CSV, read strictly: what can be read in two ways is refused at its byte.
//!
//! - `begin`: what stands above the heading; `draft`: a record while it is read.

mod begin;
mod draft;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use serde_json::value::to_raw_value;

use crate::format::{DELIMITERS, Escape, Format};
use crate::header::{Header, shown};
use crate::row::{Places, byte};
use crate::source::Source;
use crate::{Flaw, RECORD_BYTES_MAX, Row, errors, unfit, wrong};
use draft::{Draft, End, Line};
pub(crate) use draft::{END_SIGN, Record, Value, Width};

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
        if let Some(kind) = records.source.foreign {
            return unfit(format!("is {kind}, and not CSV"), "export it as CSV, or call it what it is");
        }
        let passed = u32::from(records.read_separator_line()?);
        records.skip_lines(format.header_row.unwrap_or(1).saturating_sub(1 + passed))?;
        let mut heading = records.next_record()?;
        // Lines of nothing stand above it as they do below, unless somebody has counted.
        while format.header_row.is_none() && heading.as_ref().is_some_and(|record| record.says_nothing()) {
            heading = records.next_record()?;
        }
        let header = match heading {
            Some(record) => {
                record.refuse_nul()?;
                Header::read(&record.values, records.format.delimiter)?
            }
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
            if record.says_nothing() || (record.is_end_sign() && self.records.source.peek()?.is_none()) {
                continue;
            }
            return self.row(record).map(|row| Some(row.unless_heading()));
        }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.names()
    }

    fn row(&self, record: Record) -> Result<Row, Flaw> {
        record.refuse_nul()?;
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

struct Records<R> {
    source: Source<R>,
    format: Format,
    /// How many values a record has; not known yet of the header.
    width: Option<Width>,
}

impl<R: Read + Seek> Records<R> {
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
                    draft.is_quoted = true;
                    self.quoted(draft, at)?;
                    draft.forget_delimiters_since(line);
                    return self.behind_quote(at);
                }
                Some('\\') if self.format.escape == Escape::Backslash => {
                    let is_first = draft.value.is_empty();
                    self.escaped(draft, at)?;
                    // Databases write `\N` where there is no value.
                    if is_first && draft.value == "N" && self.ends_value()? {
                        draft.value.clear();
                    }
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

    /// Takes the sign behind a backslash, which is the value's whatever it is.
    fn escaped(&mut self, draft: &mut Draft, at: u64) -> Result<(), Flaw> {
        let Some(sign) = self.source.next()? else {
            return wrong(at, "has a backslash behind which nothing comes", "set option escape to \"none\"");
        };
        draft.value.push(sign);
        draft.note('\\', self.format.delimiter);
        if sign == '\r' && self.source.peek()? == Some('\n') {
            draft.value.extend(self.source.next()?);
        }
        Ok(())
    }

    fn ends_value(&mut self) -> Result<bool, Flaw> {
        Ok(match self.source.peek()? {
            Some(sign) => sign == self.format.delimiter || matches!(sign, '\r' | '\n'),
            None => true,
        })
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
                Some('\\') if self.format.escape == Escape::Backslash => self.escaped(draft, at)?,
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
        let mut tab = None;
        loop {
            match self.source.next()? {
                Some(sign) if sign == self.format.delimiter => return Ok(End::Value),
                None | Some('\n') => return Ok(End::Record),
                Some('\r') => {
                    self.skip_line_feed()?;
                    return Ok(End::Record);
                }
                Some(' ') => {}
                Some('\t') => tab = Some('\t'),
                Some(sign) => {
                    let fix = "a quote that belongs to the value is written twice, or see option escape";
                    let other = Some(sign).filter(|sign| DELIMITERS.contains(sign)).or(tab);
                    let other = other.map(|sign| format!("; or set option delimiter to {}", shown(sign)));
                    let delimiter = other.unwrap_or_default();
                    let problem = "has a quote whose value goes on behind the closing quote";
                    return wrong(opened, problem, format!("{fix}{delimiter}"));
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
