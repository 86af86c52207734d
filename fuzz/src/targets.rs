//! The readers: from which examples they read, and the rules that must hold.

mod address;
mod csv;
mod json;
mod rules;
mod workbook;

use std::collections::BTreeMap;
use std::io::Cursor;

use table::{Flaw, Format, Kind, Reader};

use crate::mutate::Random;

/// One reader.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Right inputs.
    pub(crate) corpus: fn() -> Vec<Vec<u8>>,
    /// Whether an input is read as it is meant.
    #[cfg_attr(not(test), expect(dead_code, reason = "asked of the examples, by a test"))]
    pub(crate) is_right: fn(&[u8]) -> bool,
    /// Refuses an input that breaks a rule.
    pub(crate) check: Check,
    /// Rounds of a test.
    #[cfg_attr(not(test), expect(dead_code, reason = "played by a test"))]
    pub(crate) rounds: u64,
}

type Check = fn(&[u8], &mut Random) -> Result<(), String>;

pub(crate) const ALL: &[Target] =
    &[json::TARGET, csv::TARGET, workbook::TARGET, rules::TARGET, address::TARGET];

fn texts(examples: &[&str]) -> Vec<Vec<u8>> {
    examples.iter().map(|example| example.as_bytes().to_vec()).collect()
}

/// A row as it was read: its place, its values, what is wrong.
type Seen = (u64, BTreeMap<String, String>, Vec<String>);

/// All rows up to the end or the first flaw, which is told. With `goes_on`, each row by a reader of its own.
fn rows(bytes: &[u8], kind: Kind, format: &Format, goes_on: bool) -> (Vec<Seen>, Option<String>) {
    let said = |flaw| match flaw {
        Flaw::Wrong(problem) => problem.to_string(),
        Flaw::Io(error) => format!("I/O: {error}"),
    };
    let open = || Reader::open(Cursor::new(bytes), kind, format);
    let mut rows = Vec::new();
    let mut reader = match open() {
        Ok(reader) => reader,
        Err(flaw) => return (rows, Some(said(flaw))),
    };
    loop {
        match reader.next_row() {
            Ok(None) => return (rows, None),
            Err(flaw) => return (rows, Some(said(flaw))),
            Ok(Some(row)) => {
                let problems = row.problems().iter().map(ToString::to_string).collect();
                let fields =
                    row.readable().iter().map(|(name, value)| (name.clone(), value.get().to_owned()));
                rows.push((row.at, fields.collect(), problems));
            }
        }
        if goes_on {
            let next = reader.next_at();
            let moved = open().and_then(|mut reader| Ok(reader.seek(next).map(|()| reader)?));
            reader = match moved {
                Ok(reader) => reader,
                Err(flaw) => return (rows, Some(said(flaw))),
            };
        }
    }
}

/// Whether a file is read the same in one go and page by page, forwards, and without an error of the disk.
fn holds_of_tables(bytes: &[u8], kind: Kind, format: &Format) -> Result<(), String> {
    let (rows_at_once, flaw) = rows(bytes, kind, format, false);
    if !rows_at_once.is_sorted_by(|(a, ..), (b, ..)| a < b) {
        return Err("rows go backwards".to_owned());
    }
    if flaw.as_ref().is_some_and(|flaw| flaw.starts_with("I/O")) {
        return Err(format!("the disk is blamed: {flaw:?}"));
    }
    let (row_by_row, other_flaw) = rows(bytes, kind, format, true);
    if (&rows_at_once, &flaw) != (&row_by_row, &other_flaw) {
        return Err(format!(
            "read at once {rows_at_once:?}, {flaw:?}; page by page {row_by_row:?}, {other_flaw:?}"
        ));
    }
    Ok(())
}
