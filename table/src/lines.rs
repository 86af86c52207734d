//! JSON lines: one object a line, its values as they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use text::json;

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
            if !line.trim().is_empty() {
                let fields = object(&line, at)?;
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
}

/// The fields of an object; bytes of values are not known, as the line was decoded.
fn object(line: &str, at: u64) -> Result<Fields, Flaw> {
    let Some(pairs) = json::fields(line.trim()) else {
        return wrong(at, "has a line that is not a JSON object", "write one object on each line");
    };
    let mut fields = BTreeMap::new();
    for (name, field) in pairs {
        // Which of the two is meant, nobody can say. Two that look alike are one.
        let name = name_of(&name);
        if fields.contains_key(&name) {
            let shown: String = name.chars().take(NAME_SHOWN).collect();
            let problem = format!("has a line with the field '{shown}' twice");
            return wrong(at, problem, "keep one of the two");
        }
        fields.insert(name, field.value.to_owned());
    }
    Ok(fields)
}
