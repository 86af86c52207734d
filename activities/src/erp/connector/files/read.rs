//! Records of one file, from a place in it on, so that a page costs its own records and no others.

use std::io::{self, BufRead as _, BufReader, Read, Seek};
use std::sync::{Mutex, PoisonError};

use table::{Flaw, Format, Kind, Reader, Row};

use super::folder::{Claimed, Folder};
use super::place::Content;

/// Some records of a file.
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    /// Where to go on; `None`: its end was seen.
    pub(super) next: Option<u64>,
}

type Open = Reader<Box<dyn Content>>;

/// Reads files. A workbook has to be read from its beginning, so the one that a page ended in stays open for the next
/// page; claimed files never change.
#[derive(Default)]
pub(super) struct Readers(Mutex<Option<(String, u64, Open)>>);

impl Readers {
    /// Reads up to `limit` records from a place on; 0 is the beginning, whatever stands there.
    pub(super) fn read(
        &self,
        folder: &Folder,
        file: &Claimed,
        format: &Format,
        at: u64,
        limit: usize,
    ) -> Result<Part, Flaw> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut reader = match kept {
            Some((name, next, reader)) if name == file.name && next == at => reader,
            _ => {
                // Some systems export nothing as a file of nothing.
                if at == 0 && is_blank(folder.open(file)?)? {
                    return Ok(Part { rows: Vec::new(), next: None });
                }
                let mut reader = Reader::open(folder.open(file)?, file.kind, format)?;
                reader.seek(at)?;
                reader
            }
        };
        let mut rows = Vec::new();
        while rows.len() < limit {
            match reader.next_row()? {
                Some(row) => rows.push(row),
                None => return Ok(Part { rows, next: None }),
            }
        }
        let next = reader.next_at();
        if file.kind == Kind::Xlsx {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((file.name.clone(), next, reader));
        }
        Ok(Part { rows, next: Some(next) })
    }
}

/// A longer file says something.
const BLANK_MAX: u64 = 1024;

/// Whether a file holds nothing but blanks, and perhaps a byte-order mark.
fn is_blank(file: impl Read) -> io::Result<bool> {
    let mut begin = Vec::new();
    file.take(BLANK_MAX).read_to_end(&mut begin)?;
    let rest = [&[0xEF, 0xBB, 0xBF][..], &[0xFF, 0xFE], &[0xFE, 0xFF]]
        .into_iter()
        .find_map(|mark| begin.strip_prefix(mark))
        .unwrap_or(&begin);
    let is_nothing = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    Ok((begin.len() as u64) < BLANK_MAX && rest.iter().all(is_nothing))
}

/// How many records a file has at most: an estimate that never is too low, at the price of reading through it.
pub(super) fn records_at_most(file: impl Read + Seek, kind: Kind, format: &Format) -> io::Result<u64> {
    if kind == Kind::Xlsx {
        return match Reader::open(file, kind, format) {
            Ok(reader) => Ok(reader.rows().unwrap_or(u64::MAX)),
            Err(Flaw::Io(error)) => Err(error),
            // It is refused when it is read, which is when it is the only one.
            Err(Flaw::Wrong(_)) => Ok(u64::MAX),
        };
    }
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
