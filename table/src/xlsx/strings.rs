//! The texts of cells, which all sheets share.

use std::io::{Read, Seek};

use super::SAVE_AS_CSV;
use super::package::Package;
use super::xml::{Node, Xml};
use crate::{Flaw, RECORD_BYTES_MAX, unfit};

/// The most text that cells may share, in bytes: it is the one part of a workbook that lies in memory.
pub(crate) const TEXT_BYTES_MAX: usize = 128 << 20;
/// The most texts.
const TEXTS_MAX: usize = 10_000_000;

/// All texts, one behind the other.
#[derive(Default)]
pub(crate) struct Strings {
    all: String,
    ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn read<R: Read + Seek>(package: &Package<R>, part: Option<&str>) -> Result<Self, Flaw> {
        let Some(part) = part.map(|part| package.part(part)).transpose()?.flatten() else {
            return Ok(Self::default());
        };
        let mut xml = Xml::new(part);
        let mut strings = Self::default();
        let mut runs = Runs::default();
        loop {
            match xml.next()? {
                Node::Start(tag) => runs.begin(tag.name()),
                Node::Text(text) if runs.is_shown() => strings.all.push_str(&text),
                Node::End(tag) => {
                    let name = tag.name();
                    runs.end(name);
                    if name == "si" {
                        strings.ends.push(u32::try_from(strings.all.len()).unwrap_or(u32::MAX));
                    }
                }
                Node::Done => return Ok(strings),
                _ => {}
            }
            let begins = strings.ends.last().map_or(0, |at| *at as usize);
            if strings.all.len() - begins > usize::try_from(RECORD_BYTES_MAX).unwrap_or(usize::MAX) {
                return unfit(format!("has a cell longer than {RECORD_BYTES_MAX} bytes"), SAVE_AS_CSV);
            }
            if strings.all.len() > TEXT_BYTES_MAX || strings.ends.len() > TEXTS_MAX {
                return unfit("holds more text than is read at once", SAVE_AS_CSV);
            }
        }
    }

    pub(crate) fn get(&self, nth: usize) -> Option<&str> {
        let ends = *self.ends.get(nth)? as usize;
        let begins = nth.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |at| *at as usize);
        self.all.get(begins..ends)
    }
}

/// Where in a text of several runs a reader is. Readings (furigana) stand beside the text, and are not part of it.
#[derive(Default)]
pub(crate) struct Runs {
    is_text: bool,
    readings: u32,
}

impl Runs {
    pub(crate) fn begin(&mut self, name: &str) {
        match name {
            "t" => self.is_text = true,
            "rPh" => self.readings += 1,
            _ => {}
        }
    }

    pub(crate) fn end(&mut self, name: &str) {
        match name {
            "t" => self.is_text = false,
            "rPh" => self.readings = self.readings.saturating_sub(1),
            _ => {}
        }
    }

    pub(crate) fn is_shown(&self) -> bool {
        self.is_text && self.readings == 0
    }
}

/// A text without the way in which workbooks write signs that XML cannot hold: `_x000D_` is a carriage return.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let sign = rest.get(at + 2..at + 6).filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_'));
        let sign = sign.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let sign = sign.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        let ends = match sign {
            Some(_) => at + 7,
            None => at + 2,
        };
        plain.push_str(&rest[..at]);
        match sign {
            Some(sign) => plain.push(sign),
            None => plain.push_str("_x"),
        }
        rest = &rest[ends..];
    }
    plain.push_str(rest);
    plain
}
