//! JSON lines: one object a line, its values as they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use text::{Place, json};

use crate::csv::END_SIGN;
use crate::header::name_of;
use crate::row::{Fields, Places};
use crate::source::Source;
use crate::{Flaw, RECORD_BYTES_MAX, Row, wrong};

/// Characters of a field's name that a problem repeats.
const NAME_SHOWN: usize = 60;

pub(crate) struct Lines<R> {
    source: Source<R>,
}

impl<R: Read + Seek> Lines<R> {
    pub(crate) fn new(source: Source<R>) -> Self {
        Self { source }
    }

    pub(crate) fn seek(&mut self, byte: u64) -> io::Result<()> {
        self.source.seek(byte)
    }

    pub(crate) fn next_byte(&self) -> u64 {
        self.source.position()
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, Flaw> {
        loop {
            let at = self.source.position();
            let Some(line) = self.line(at)? else { return Ok(None) };
            let written = json::without_mark(&line).trim();
            let is_end = written == END_SIGN && self.source.peek()?.is_none();
            if !written.is_empty() && !is_end {
                let fields = self.object(&line, at)?;
                let places = Places::Bytes(BTreeMap::new());
                let (problems, percents) = (Vec::new(), BTreeSet::new());
                return Ok(Some(Row { at, fields, problems, percents, places }));
            }
        }
    }

    fn line(&mut self, at: u64) -> Result<Option<String>, Flaw> {
        if self.source.peek()?.is_none() {
            return Ok(None);
        }
        let mut line = String::new();
        while let Some(sign) = self.source.next()?.filter(|sign| *sign != '\n') {
            if sign == '\r' {
                if self.source.peek()? == Some('\n') {
                    self.source.next()?;
                }
                break;
            }
            line.push(sign);
            if self.source.position() - at >= RECORD_BYTES_MAX {
                return wrong(
                    at,
                    format!("has a line longer than {RECORD_BYTES_MAX} bytes"),
                    "is it JSON lines?",
                );
            }
        }
        Ok(Some(line))
    }

    /// The fields of an object; bytes of values are not known, as the line was decoded.
    fn object(&mut self, line: &str, at: u64) -> Result<Fields, Flaw> {
        // Files that were put together have a mark at the beginning of each.
        let Some(pairs) = json::fields(json::without_mark(line).trim()) else {
            return self.no_object(line, at);
        };
        let mut fields = BTreeMap::new();
        for (name, field) in pairs {
            let name = match name_of(&name) {
                Ok(name) => name,
                Err(refusal) => return wrong(at, refusal.problem, refusal.fix),
            };
            // Which of the two is meant, nobody can say. Two that look alike are one.
            if fields.contains_key(&name) {
                let shown: String = name.chars().take(NAME_SHOWN).collect();
                let problem = format!("has a line with the field '{shown}' twice");
                return wrong(at, problem, "keep one of the two");
            }
            fields.insert(name, field.value.to_owned());
        }
        Ok(fields)
    }

    /// Refuses a line, at the sign that is wrong in it.
    fn no_object(&mut self, line: &str, at: u64) -> Result<Fields, Flaw> {
        let written = json::without_mark(line);
        let Err(problem) = json::value(written) else {
            return match written.trim().starts_with('{') {
                true => wrong(at, "has a field whose name holds half a sign", "write the whole sign"),
                false => wrong(at, "has a line that is not a JSON object", "write one object on each line"),
            };
        };
        // The reader counts bytes of the line as it was decoded, up to the wrong one.
        let behind = match problem.at {
            Some(Place::Line { column, .. }) => column.saturating_sub(1),
            _ => 0,
        };
        let of_the_mark = usize::from(written.len() < line.len());
        let signs = of_the_mark + written.char_indices().take_while(|(byte, _)| *byte < behind).count();
        self.source.seek(at)?;
        for _ in 0..signs {
            self.source.next()?;
        }
        let here = self.source.position();
        wrong(here, format!("has a line that {}", problem.problem), "write one object on each line")
    }
}
