//! The row that names the columns. Above it a title may stand, in one cell of one row; so the heading is the first row
//! with two cells, or with one where no row has more. Of several rows above it nobody can say whether they are titles
//! or rows of a table with one column; `header_row` says it there, and where the rest is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cells::{At, Cells, Merged};
use super::value::Meaning;
use super::{SAVE_AS_CSV, place, too_long};
use crate::header::name_of;
use crate::{Flaw, RECORD_BYTES_MAX, unfit};
use text::Problem;

/// All that has to be known of a sheet before its first row is given.
pub(crate) struct Survey {
    told: Option<u32>,
    /// The row that is the heading if none has two cells.
    first: Option<(u32, Cells)>,
    found: Option<(u32, Cells)>,
    /// The rows with something in them: above the heading, and behind it.
    above: u64,
    behind: u64,
}

/// The most cells under a heading, empty ones counted: each row has a value for each column.
const CELLS_MAX: u64 = 20_000_000;

impl Survey {
    pub(crate) fn new(told: Option<u32>) -> Self {
        Self { told, first: None, found: None, above: 0, behind: 0 }
    }

    /// Takes note of a row, of which the filled cells are given.
    pub(crate) fn note(&mut self, row: u32, cells: Cells) {
        if cells.is_empty() {
            return;
        }
        if self.found.is_some() {
            self.behind += 1;
            return;
        }
        let is_heading = self.told.map_or(cells.len() >= 2, |told| told == row);
        if is_heading {
            self.found = Some((row, cells));
            return;
        }
        self.above += 1;
        if self.first.is_none() {
            self.first = Some((row, cells));
        }
    }

    /// The rows behind the heading.
    pub(crate) fn rows(&self) -> u64 {
        if self.found.is_some() { self.behind } else { self.above.saturating_sub(1) }
    }
}

/// The names of the columns.
#[derive(Default)]
pub(crate) struct Heading {
    pub(crate) row: u32,
    pub(crate) names: BTreeMap<u32, String>,
    pub(crate) columns: Arc<BTreeMap<String, u32>>,
}

impl Heading {
    pub(crate) fn read(
        survey: Survey,
        merged: &[Merged],
        meaning: &Meaning,
        sheet: &str,
    ) -> Result<Self, Flaw> {
        let (rows, above) = (survey.rows(), survey.above);
        let (row, cells) = match (survey.found, survey.told, survey.first) {
            (Some((row, _)), None, Some((first, _))) if above > 1 => {
                let problem = format!(
                    "has {above} rows with one value above row {row}, the first one with more: they may be titles, or \
                     the table's"
                );
                let cell = format!("{first}:{first}");
                return wrong(
                    sheet,
                    cell,
                    &problem,
                    "set option header_row to the row that names the columns",
                );
            }
            (Some(found), ..) => found,
            (None, None, Some(first)) => first,
            (None, Some(told), Some(_)) => {
                return unfit(
                    format!("has nothing in row {told}"),
                    "set option header_row to the row that names the columns",
                );
            }
            // An export of nothing.
            (None, _, None) => return Ok(Self::default()),
        };
        one_line(row, &cells, merged, survey.told, sheet)?;
        if meaning.bytes(cells.values()) > RECORD_BYTES_MAX {
            return too_long(sheet, row);
        }
        if rows.saturating_mul(cells.len() as u64) > CELLS_MAX {
            let columns = cells.len();
            return unfit(
                format!("has {columns} columns and {rows} rows, more than {CELLS_MAX} cells"),
                format!("remove the columns that nobody needs, or {SAVE_AS_CSV}"),
            );
        }
        let mut names = BTreeMap::new();
        let mut columns = BTreeMap::new();
        for (column, cell) in &cells {
            let at = At { row, column: *column }.name();
            let Some(name) = meaning.text(cell).map(|text| name_of(&text)) else {
                return wrong(
                    sheet,
                    at,
                    "has a heading that is no text",
                    "set option header_row to the row that names the columns; if this row does, store the name as text \
                     (format the cell as text, and type it anew)",
                );
            };
            let name = match name {
                Ok(name) => name,
                Err(refusal) => return wrong(sheet, at, &refusal.problem, &refusal.fix),
            };
            if columns.insert(name.clone(), *column).is_some() {
                return wrong(sheet, at, "has two columns of one name", "give each its own");
            }
            names.insert(*column, name);
        }
        Ok(Self { row, names, columns: Arc::new(columns) })
    }
}

/// Refuses a heading of two lines: of which lines a name is made, nobody has said.
fn one_line(row: u32, cells: &Cells, merged: &[Merged], told: Option<u32>, sheet: &str) -> Result<(), Flaw> {
    let first = cells.keys().next().copied().unwrap_or_default();
    let last = cells.keys().next_back().copied().unwrap_or_default();
    // A title begins with the first column; a name over some of the columns does not.
    let is_above = |merged: &&Merged| {
        told.is_none()
            && merged.to.row + 1 == row
            && merged.is_wide()
            && merged.from.column > first
            && merged.from.column <= last
    };
    let meets = |merged: &&Merged| merged.has_row(row) && merged.from.column <= last;
    match merged.iter().find(|merged| meets(merged) || is_above(merged)) {
        Some(merged) => wrong(
            sheet,
            merged.name(),
            "has a heading of merged cells",
            "unmerge them, and write the name of each column into one cell of one row (option header_row says which)",
        ),
        None => Ok(()),
    }
}

fn wrong<T>(sheet: &str, cell: String, problem: &str, fix: &str) -> Result<T, Flaw> {
    Err(Flaw::Wrong(Box::new(Problem::new("", problem, fix).at(place(sheet, cell)))))
}
