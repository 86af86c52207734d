//! Records of one file, from a byte on, so that a page costs its own records and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom};

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};
use mapping::SourceRecord;
use serde_json::value::{RawValue, to_raw_value};

/// A record longer than this is a file that was meant otherwise.
const RECORD_BYTES_MAX: u64 = 1 << 20;
const MARK: &[u8] = b"\xEF\xBB\xBF";
const NOT_UTF8: &str = "is not UTF-8: let the ERP export it as UTF-8";

/// Why a file gives no records.
#[derive(Debug)]
pub(super) enum Flaw {
    /// It could not be read.
    Io(io::Error),
    /// It is not what it should be; without a value of it.
    Wrong(String),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Some records of a file.
pub(super) struct Part {
    pub(super) records: Vec<SourceRecord>,
    /// Where to go on; `None`: its end was seen.
    pub(super) next: Option<u64>,
}

/// Reads up to `limit` records from a byte on; 0 is the beginning, whatever stands there.
pub(super) fn read(
    file: impl Read + Seek,
    is_csv: bool,
    delimiter: u8,
    byte: u64,
    limit: usize,
) -> Result<Part, Flaw> {
    match is_csv {
        true => csv(file, delimiter, byte, limit),
        false => lines(file, byte, limit),
    }
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
        // A carriage return alone ends a CSV record, too.
        lines += chunk.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
        let length = chunk.len();
        reader.consume(length);
    }
}

fn csv(file: impl Read + Seek, delimiter: u8, byte: u64, limit: usize) -> Result<Part, Flaw> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let names: Vec<String> =
        reader.headers().map_err(flaw)?.iter().map(|name| name.trim().to_owned()).collect();
    check_header(&names)?;
    if byte > 0 {
        let mut position = Position::new();
        position.set_byte(byte);
        reader.seek(position).map_err(flaw)?;
    }
    let mut records = Vec::new();
    let mut record = StringRecord::new();
    while records.len() < limit {
        let at = reader.position().byte();
        if !reader.read_record(&mut record).map_err(flaw)? {
            return Ok(Part { records, next: None });
        }
        let texts = names.iter().zip(&record).map(|(name, value)| Ok((name.clone(), to_raw_value(value)?)));
        let texts: Result<SourceRecord, serde_json::Error> = texts.collect();
        records.push(texts.map_err(|_| Flaw::Wrong(format!("holds what is no text, at byte {at}")))?);
    }
    Ok(Part { records, next: Some(reader.position().byte()) })
}

fn check_header(names: &[String]) -> Result<(), Flaw> {
    let mut seen = BTreeSet::new();
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(Flaw::Wrong("has a column without a name: its first line must name them all".to_owned()));
    }
    match names.iter().all(|name| seen.insert(name)) {
        true => Ok(()),
        false => Err(Flaw::Wrong("has two columns of one name: give each its own".to_owned())),
    }
}

fn flaw(error: csv::Error) -> Flaw {
    let byte = error.position().map_or(0, Position::byte);
    match error.into_kind() {
        ErrorKind::Io(error) => Flaw::Io(error),
        ErrorKind::Utf8 { .. } => Flaw::Wrong(NOT_UTF8.to_owned()),
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Flaw::Wrong(format!("has a record of {len} values for {expected_len} columns, at byte {byte}"))
        }
        _ => Flaw::Wrong("is no CSV".to_owned()),
    }
}

fn lines(mut file: impl Read + Seek, byte: u64, limit: usize) -> Result<Part, Flaw> {
    file.seek(SeekFrom::Start(byte))?;
    let mut reader = BufReader::new(file);
    let (mut at, mut records, mut line) = (byte, Vec::new(), Vec::new());
    while records.len() < limit {
        line.clear();
        let read = reader.by_ref().take(RECORD_BYTES_MAX).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(Part { records, next: None });
        }
        if read == RECORD_BYTES_MAX && line.last() != Some(&b'\n') {
            return Err(Flaw::Wrong(format!(
                "has a line longer than {RECORD_BYTES_MAX} bytes, at byte {at}"
            )));
        }
        let text = if at == 0 { line.strip_prefix(MARK).unwrap_or(&line) } else { &line };
        let text = std::str::from_utf8(text).map_err(|_| Flaw::Wrong(NOT_UTF8.to_owned()))?;
        if !text.trim().is_empty() {
            let record = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text.trim());
            let wrong = |_| Flaw::Wrong(format!("has a line that is no JSON object, at byte {at}"));
            records.push(record.map_err(wrong)?);
        }
        at += read;
    }
    Ok(Part { records, next: Some(at) })
}
