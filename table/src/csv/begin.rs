//! The lines above the heading.

use std::io::{Read, Seek};

use super::Records;
use crate::format::DELIMITERS;
use crate::{Flaw, wrong};

/// The longest line that may say the delimiter: programs that know nothing of it fill it up to as many values as there
/// are columns.
const SIGNS_MAX: usize = 20_000;

impl<R: Read + Seek> Records<R> {
    /// `sep=;` is what spreadsheet programs write to one another. It says the delimiter, and is a line of the file like
    /// others; it may stand in quotes, and delimiters may stand behind it. Whether it is there.
    pub(super) fn read_separator_line(&mut self) -> Result<bool, Flaw> {
        let begins = self.source.position();
        let mut said = String::new();
        let is_whole = loop {
            if self.ends_line()? {
                break true;
            }
            said.extend(self.source.next()?);
            if said.len() > SIGNS_MAX || !may_say_it(&said) {
                break false;
            }
        };
        match is_whole.then(|| said_by(&said)).flatten() {
            Some(Some(sign)) => {
                self.format.delimiter = sign;
                Ok(true)
            }
            Some(None) => wrong(
                begins,
                "says another delimiter (sep=) than there are",
                "let it be exported with one of , ; | or a tab, or take that line away",
            ),
            None => {
                self.source.seek(begins)?;
                Ok(false)
            }
        }
    }

    /// Passes over the lines above the heading, whatever stands in them.
    pub(super) fn skip_lines(&mut self, lines: u32) -> Result<(), Flaw> {
        for _ in 0..lines {
            while !self.ends_line()? {
                self.source.next()?;
            }
        }
        Ok(())
    }
}

const SAYS: &str = "sep=";

/// Whether a line that begins so may still say the delimiter.
fn may_say_it(begin: &str) -> bool {
    let begin = begin.strip_prefix('"').unwrap_or(begin);
    begin.bytes().zip(SAYS.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
}

/// The delimiter that a whole line says; `Some(None)`: one that there is not; `None`: it is another line.
fn said_by(line: &str) -> Option<Option<char>> {
    let line = line.strip_prefix('"').unwrap_or(line);
    let mut behind = line.get(SAYS.len()..)?.chars();
    let sign = behind.next().filter(|sign| DELIMITERS.contains(sign));
    let is_all = behind.all(|other| other == ' ' || other == '"' || Some(other) == sign);
    is_all.then_some(sign)
}
