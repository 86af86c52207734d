//! How numbers look, as far as that says what they are: a day, a time, a percentage, a number with its zeros.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::SAVE_AS_CSV;
use super::package::Package;
use super::xml::{Node, Xml};
use crate::{Flaw, unfit};

/// The most looks that a workbook has; spreadsheet programs stop at 65,490.
const LOOKS_MAX: usize = 100_000;
/// The longest code of a look, in bytes.
const CODE_BYTES_MAX: usize = 4_096;

/// The meaning of a number, by its look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// A number.
    #[default]
    Plain,
    /// A hundredth of what is shown.
    Percent,
    /// A day, or a moment.
    Date { has_time: bool },
    /// A time of the day.
    Time,
    /// Hours that may be more than a day's.
    Elapsed,
    /// A number that is shown with zeros in front, so many digits in all: a key.
    Zeros(u8),
}

/// The looks of cells, by the number that cells name them by.
#[derive(Default)]
pub(crate) struct Styles(Vec<Look>);

impl Styles {
    pub(crate) fn read<R: Read + Seek>(package: &Package<R>, part: Option<&str>) -> Result<Self, Flaw> {
        let Some(part) = part.map(|part| package.part(part)).transpose()?.flatten() else {
            return Ok(Self::default());
        };
        let mut xml = Xml::new(part);
        let mut own: BTreeMap<u32, Look> = BTreeMap::new();
        let mut looks = Vec::new();
        let mut is_of_cells = false;
        loop {
            match xml.next()? {
                Node::Start(tag) => match tag.name() {
                    "numFmt" => {
                        let (id, code) = (tag.get("numFmtId")?, tag.get("formatCode")?);
                        if let (Some(id), Some(code)) = (id.and_then(|id| id.parse().ok()), code) {
                            own.insert(id, of_code(&code));
                        }
                    }
                    "cellXfs" => is_of_cells = true,
                    "xf" if is_of_cells => {
                        let id = tag.get("numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or(0);
                        looks.push(own.get(&id).copied().unwrap_or_else(|| built_in(id)));
                    }
                    _ => {}
                },
                Node::End(tag) if tag.name() == "cellXfs" => is_of_cells = false,
                Node::Done => return Ok(Self(looks)),
                _ => {}
            }
            if looks.len() > LOOKS_MAX || own.len() > LOOKS_MAX {
                return unfit("has more formats of cells than any program makes", SAVE_AS_CSV);
            }
        }
    }

    pub(crate) fn look(&self, style: usize) -> Look {
        self.0.get(style).copied().unwrap_or_default()
    }
}

/// The looks that every program knows by number.
fn built_in(id: u32) -> Look {
    match id {
        9 | 10 => Look::Percent,
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Look::Date { has_time: false },
        22 => Look::Date { has_time: true },
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Look::Time,
        46 => Look::Elapsed,
        _ => Look::Plain,
    }
}

/// Reads a code like `dd/mm/yyyy`, `0.0%` or `#,##0 "đ"`. The parts behind its first `;` are for other numbers than
/// positive ones.
fn of_code(code: &str) -> Look {
    if code.len() > CODE_BYTES_MAX {
        return Look::Plain;
    }
    let (signs, is_elapsed) = significant(code);
    let has = |wanted: &[char]| signs.contains(wanted);
    if has(&['y', 'd']) {
        return Look::Date { has_time: has(&['h', 's']) };
    }
    if is_elapsed {
        return Look::Elapsed;
    }
    if has(&['h', 's']) {
        return Look::Time;
    }
    // Without hours and seconds, m is a month.
    if has(&['m']) {
        return Look::Date { has_time: false };
    }
    if signs.contains('%') {
        return Look::Percent;
    }
    match u8::try_from(signs.len()) {
        Ok(digits) if digits >= 2 && signs.bytes().all(|sign| sign == b'0') => Look::Zeros(digits),
        _ => Look::Plain,
    }
}

/// The signs of a code that stand for something, in small letters; and whether hours are counted on and on (`[h]`).
fn significant(code: &str) -> (String, bool) {
    let mut signs = code.chars();
    let mut kept = String::new();
    let mut is_elapsed = false;
    while let Some(sign) = signs.next() {
        match sign {
            ';' => break,
            '"' => {
                signs.by_ref().find(|sign| *sign == '"');
            }
            // The sign behind it stands for itself, is only as wide, or is repeated.
            '\\' | '_' | '*' => {
                signs.next();
            }
            '[' => {
                let inside: String = signs.by_ref().take_while(|sign| *sign != ']').collect();
                let inside = inside.to_ascii_lowercase();
                is_elapsed |=
                    !inside.is_empty() && inside.bytes().all(|sign| matches!(sign, b'h' | b'm' | b's'));
            }
            other => kept.push(other.to_ascii_lowercase()),
        }
    }
    // A word, and not a month or a day in it.
    (kept.replace("general", "").replace("am/pm", "").replace("a/p", "").trim().to_owned(), is_elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_a_number_is() {
        let day = Look::Date { has_time: false };
        for (code, look) in [
            ("General", Look::Plain),
            ("#,##0", Look::Plain),
            ("#,##0.00 \"đồng\"", Look::Plain),
            ("#,##0\\ [$₫-42A]", Look::Plain),
            ("[Red]-#,##0", Look::Plain),
            ("0.00E+00", Look::Plain),
            ("@", Look::Plain),
            ("0", Look::Plain),
            ("0.00", Look::Plain),
            ("_-* #,##0\\ _d_-;\\-* #,##0\\ _d_-", Look::Plain),
            ("0%", Look::Percent),
            ("0.0\\ %", Look::Percent),
            ("0.00\"%\"", Look::Plain),
            ("dd/mm/yyyy", day),
            ("[$-1010000]d/m/yyyy;@", day),
            ("mmm", day),
            ("yyyy\\-mm\\-dd\\ hh:mm:ss", Look::Date { has_time: true }),
            ("hh:mm AM/PM", Look::Time),
            ("mm:ss", Look::Time),
            ("[h]:mm:ss", Look::Elapsed),
            ("00000", Look::Zeros(5)),
        ] {
            assert_eq!(of_code(code), look, "{code}");
        }
    }
}
