//! One row: its values, their places, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::value::RawValue;
use text::{Place, Problem};

use crate::xlsx;

/// Values by column.
pub type Fields = BTreeMap<String, Box<RawValue>>;

/// One row. Values of CSV are texts, those of JSON lines are as they were written; those of a workbook are numbers,
/// texts (percentages among them), true or false, and moments as texts in ISO 8601.
#[derive(Debug)]
pub struct Row {
    /// Where it begins, for [`crate::Reader::seek`].
    pub at: u64,
    pub(crate) fields: Fields,
    pub(crate) problems: Vec<Problem>,
    pub(crate) percents: BTreeSet<String>,
    pub(crate) places: Places,
}

/// Where the values of a row stand.
#[derive(Debug)]
pub(crate) enum Places {
    /// The bytes at which values begin; a column that is not in it begins with the row.
    Bytes(BTreeMap<String, u64>),
    /// The cells of a sheet.
    Cells { sheet: Arc<str>, row: u32, columns: Arc<BTreeMap<String, u32>> },
}

impl Row {
    /// The values by column, every column of the table among them.
    ///
    /// # Errors
    /// When one of them cannot be read: an error of a spreadsheet, such as `#N/A`, is not a value, and the row is not
    /// to be taken without it. All that is wrong, each with its place.
    pub fn into_fields(self) -> Result<Fields, Vec<Problem>> {
        if self.problems.is_empty() { Ok(self.fields) } else { Err(self.problems) }
    }

    /// The values that can be read, and all that is wrong: for whoever reports a row with what is known of it.
    #[must_use]
    pub fn into_parts(self) -> (Fields, Vec<Problem>) {
        (self.fields, self.problems)
    }

    /// The values that can be read, for showing them.
    #[must_use]
    pub fn readable(&self) -> &Fields {
        &self.fields
    }

    /// The problems of single values; the field of a problem is the column.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether the cell shows a percentage. Its value is the text that is shown: `10%`, where 0.1 is stored; so it is
    /// taken for no amount.
    #[must_use]
    pub fn is_percent(&self, column: &str) -> bool {
        self.percents.contains(column)
    }

    /// The same; if every column says its own name, with that as its problem. Files that were put together have the
    /// heading once for each. Of one column nobody can say.
    pub(crate) fn unless_heading(mut self) -> Self {
        let is_name = |name: &String, value: &RawValue| {
            serde_json::from_str::<String>(value.get()).is_ok_and(|text| text::as_seen(&text) == *name)
        };
        if self.fields.len() > 1
            && self.fields.iter().all(|(name, value)| is_name(name, value))
            && let Some(name) = self.fields.keys().next()
        {
            let fix = "take that row away; were files put together?";
            self.problems
                .push(Problem::new(name, "repeats the heading, as its whole row does", fix).at(self.place()));
        }
        self
    }

    /// Where the row begins.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.places {
            Places::Bytes(_) => byte(self.at),
            Places::Cells { sheet, row, .. } => {
                Place::Cell { sheet: xlsx::shown(sheet), cell: format!("{row}:{row}") }
            }
        }
    }

    /// Where the value of a column stands; of a column that the table does not have, where the row begins.
    #[must_use]
    pub fn place_of(&self, column: &str) -> Place {
        match &self.places {
            Places::Bytes(begins) => byte(begins.get(column).copied().unwrap_or(self.at)),
            Places::Cells { sheet, row, columns } => match columns.get(column) {
                Some(column) => xlsx::place_at(sheet, *row, *column),
                None => self.place(),
            },
        }
    }
}

pub(crate) fn byte(at: u64) -> Place {
    Place::Byte { byte: usize::try_from(at).unwrap_or(usize::MAX) }
}
