//! How numbers look, as far as that says what they are: a day, a time, a percentage, a number with its zeros.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::SAVE_AS_CSV;
use super::look::{Look, Looks, always, of_code};
use super::package::Package;
use super::xml::{Node, Xml};
use crate::{Flaw, unfit};

/// The most looks that a workbook has; spreadsheet programs stop at 65,490.
const LOOKS_MAX: usize = 100_000;
/// The most codes of looks that a workbook brings along; spreadsheet programs stop at some hundreds.
const OWN_MAX: usize = 10_000;

/// The looks of cells, by the number that cells name them by.
#[derive(Default)]
pub(crate) struct Styles(Vec<Looks>);

impl Styles {
    pub(crate) fn read<R: Read + Seek>(package: &Package<R>, part: Option<&str>) -> Result<Self, Flaw> {
        let Some(part) = part.map(|part| package.part(part)).transpose()?.flatten() else {
            return Ok(Self::default());
        };
        let mut xml = Xml::new(part);
        let mut own: BTreeMap<u32, Looks> = BTreeMap::new();
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
                        looks.push(own.get(&id).cloned().unwrap_or_else(|| always(built_in(id))));
                    }
                    _ => {}
                },
                Node::End(tag) if tag.name() == "cellXfs" => is_of_cells = false,
                Node::Done => return Ok(Self(looks)),
                _ => {}
            }
            if looks.len() > LOOKS_MAX || own.len() > OWN_MAX {
                return unfit("has more formats of cells than any program makes", SAVE_AS_CSV);
            }
        }
    }

    /// The looks of a style; none: numbers are numbers.
    pub(crate) fn looks(&self, style: usize) -> Option<&Looks> {
        self.0.get(style)
    }
}

/// The looks that every program knows by number.
fn built_in(id: u32) -> Look {
    match id {
        9 | 10 => Look::Percent,
        11 => Look::Power(2),
        48 => Look::Power(1),
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Look::Date { has_time: false },
        22 => Look::Date { has_time: true },
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Look::Time,
        46 => Look::Elapsed,
        _ => Look::Plain,
    }
}
