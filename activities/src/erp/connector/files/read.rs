//! Records of one file, from a byte on, so that a page costs its own records and no others.

use std::io::{self, BufRead as _, BufReader, Read, Seek};

use mapping::SourceRecord;
use table::{Flaw, Format, Kind, Reader};

/// Some records of a file.
pub(super) struct Part {
    pub(super) records: Vec<SourceRecord>,
    /// Where to go on; `None`: its end was seen.
    pub(super) next: Option<u64>,
}

/// Reads up to `limit` records from a byte on; 0 is the beginning, whatever stands there.
pub(super) fn read(
    file: impl Read + Seek,
    kind: Kind,
    format: &Format,
    byte: u64,
    limit: usize,
) -> Result<Part, Flaw> {
    let mut reader = Reader::open(file, kind, format)?;
    reader.seek(byte)?;
    let mut records = Vec::new();
    while records.len() < limit {
        match reader.next_row()? {
            Some(row) => records.push(row.fields),
            None => return Ok(Part { records, next: None }),
        }
    }
    Ok(Part { records, next: Some(reader.next_byte()) })
}

/// How many records a file has at most: an estimate that never is too low, at the price of reading through it.
pub(super) fn records_at_most(file: impl Read) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let mut lines = 1;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(lines);
        }
        // A carriage return alone ends a CSV record, too. In every encoding a line's end has one of these bytes.
        lines += chunk.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
        let length = chunk.len();
        reader.consume(length);
    }
}
