//! The outline of a workbook: its sheets, how its dates are counted, and where its other parts are.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::SAVE_AS_CSV;
use super::package::Package;
use super::xml::{Node, Xml, not_xml};
use crate::{Flaw, unfit};

/// The most parts that one part may name.
const RELATIONS_MAX: usize = 10_000;

/// A workbook without the content of its sheets.
#[derive(Default)]
pub(crate) struct Book {
    /// The sheets that hold cells, in their order.
    pub(crate) sheets: Vec<Sheet>,
    /// Whether days are counted from 1904, as old Macintosh programs did.
    pub(crate) counts_from_1904: bool,
    /// Whether the results of formulas are still to be calculated: programs that cannot calculate write 0 and say so.
    pub(crate) is_uncalculated: bool,
    /// The part with the texts of cells.
    pub(crate) strings: Option<String>,
    /// The part that says how numbers look.
    pub(crate) styles: Option<String>,
}

/// A sheet of cells.
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) part: String,
    pub(crate) is_hidden: bool,
}

/// Part names by the ids that other parts call them by, with the last word of their type.
type Relations = BTreeMap<String, (String, String)>;

impl Book {
    pub(crate) fn read<R: Read + Seek>(package: &Package<R>) -> Result<Self, Flaw> {
        let Some(root) = relations(package, "_rels/.rels", "")? else { return not_a_workbook(package) };
        let part = root.into_values().find(|(kind, _)| kind == "officeDocument").map(|(_, part)| part);
        let Some(part) = part.filter(|part| package.has(part)) else { return not_a_workbook(package) };
        if part.to_lowercase().ends_with(".bin") {
            return unfit("is a binary workbook (.xlsb)", "save it as .xlsx or as CSV");
        }
        let (folder, file) =
            part.rsplit_once('/').map_or(("", part.as_str()), |(folder, file)| (folder, file));
        let of_book = if folder.is_empty() {
            format!("_rels/{file}.rels")
        } else {
            format!("{folder}/_rels/{file}.rels")
        };
        let Some(relations) = relations(package, &of_book, folder)? else { return not_xml() };
        let of_kind = |wanted: &str| {
            let mut parts = relations.values().filter(|(kind, _)| kind == wanted).map(|(_, part)| part);
            parts.find(|part| package.has(part)).cloned()
        };
        let mut book =
            Self { strings: of_kind("sharedStrings"), styles: of_kind("styles"), ..Self::default() };
        book.read_part(package, &part, &relations)?;
        Ok(book)
    }

    fn read_part<R: Read + Seek>(
        &mut self,
        package: &Package<R>,
        part: &str,
        relations: &Relations,
    ) -> Result<(), Flaw> {
        let Some(part) = package.part(part)? else { return not_xml() };
        let mut xml = Xml::new(part);
        let says = |value: Option<String>| value.is_some_and(|value| value == "1" || value == "true");
        loop {
            let tag = match xml.next()? {
                Node::Start(tag) => tag,
                Node::Done => return Ok(()),
                _ => continue,
            };
            match tag.name() {
                "workbookPr" => self.counts_from_1904 |= says(tag.get("date1904")?),
                "calcPr" => self.is_uncalculated |= says(tag.get("fullCalcOnLoad")?),
                "sheet" => {
                    let (Some(name), Some(id)) = (tag.get("name")?, tag.get("id")?) else { return not_xml() };
                    let Some((kind, part)) = relations.get(&id) else { return not_xml() };
                    // Charts and macros of old stand among the sheets, too.
                    if kind == "worksheet" {
                        // Two sheets of one part would have it read twice, a thousand sheets a thousand times.
                        if self.sheets.iter().any(|sheet| sheet.part == *part) {
                            return not_xml();
                        }
                        let is_hidden = tag.get("state")?.is_some_and(|state| state != "visible");
                        self.sheets.push(Sheet { name, part: part.clone(), is_hidden });
                    }
                }
                _ => {}
            }
        }
    }

    /// The sheet that is meant: the named one, or the only one that people see and that `holds` something.
    pub(crate) fn choose(
        &self,
        named: Option<&str>,
        holds: impl Fn(&Sheet) -> Result<bool, Flaw>,
    ) -> Result<Option<&Sheet>, Flaw> {
        if let Some(named) = named {
            let meant = |sheet: &&Sheet| text::composed(&sheet.name).trim() == text::composed(named).trim();
            return match self.sheets.iter().find(meant) {
                Some(sheet) => Ok(Some(sheet)),
                None => unfit(
                    "has no sheet of that name",
                    format!("set option sheet to one of {}", self.named(|_| true)),
                ),
            };
        }
        let mut found = None;
        for sheet in self.sheets.iter().filter(|sheet| !sheet.is_hidden) {
            if !holds(sheet)? {
                continue;
            }
            if found.is_some() {
                let names = self.named(|sheet| !sheet.is_hidden);
                return unfit("has several sheets", format!("set option sheet to one of {names}"));
            }
            found = Some(sheet);
        }
        if found.is_some() {
            return Ok(found);
        }
        for sheet in self.sheets.iter().filter(|sheet| sheet.is_hidden) {
            if holds(sheet)? {
                let names = self.named(|sheet| sheet.is_hidden);
                let fix = format!("set option sheet to one of {names}, or show it in a spreadsheet program");
                return unfit("holds something in hidden sheets only", fix);
            }
        }
        Ok(None)
    }

    fn named(&self, is_meant: impl Fn(&Sheet) -> bool) -> String {
        let named = self.sheets.iter().filter(|sheet| is_meant(sheet)).take(20);
        named.map(|sheet| format!("\"{}\"", shown(&sheet.name))).collect::<Vec<_>>().join(", ")
    }
}

/// A sheet's name as it can stand in a message.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|sign| !sign.is_control()).take(40).collect()
}

fn not_a_workbook<T, R: Read + Seek>(package: &Package<R>) -> Result<T, Flaw> {
    if package.has("content.xml") {
        return unfit("is a workbook of another kind (.ods)", "save it as .xlsx or as CSV");
    }
    unfit("is packed, and not a workbook", SAVE_AS_CSV)
}

fn relations<R: Read + Seek>(
    package: &Package<R>,
    part: &str,
    folder: &str,
) -> Result<Option<Relations>, Flaw> {
    let Some(part) = package.part(part)? else { return Ok(None) };
    let mut xml = Xml::new(part);
    let mut relations = Relations::new();
    loop {
        let tag = match xml.next()? {
            Node::Start(tag) if tag.name() == "Relationship" => tag,
            Node::Done => return Ok(Some(relations)),
            _ => continue,
        };
        let (Some(id), Some(kind), Some(target)) = (tag.get("Id")?, tag.get("Type")?, tag.get("Target")?)
        else {
            return not_xml();
        };
        let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
        relations.insert(id, (kind, resolved(folder, &target)));
        if relations.len() > RELATIONS_MAX {
            return not_xml();
        }
    }
}

/// A part's name, from the folder of the one that names it.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let (begin, rest) = match target.strip_prefix('/') {
        Some(rest) => ("", rest),
        None => (folder, target.as_str()),
    };
    let mut path: Vec<&str> = begin.split('/').filter(|part| !part.is_empty()).collect();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}
