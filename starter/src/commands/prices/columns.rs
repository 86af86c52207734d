//! The meaning of a list's columns.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::value::RawValue;
use text::{Problem, did_you_mean};

use super::sheet;
use crate::terminal::exit::{Exit, Failure};

/// The fields of a row.
const FIELDS: [&str; 7] =
    ["sku", "variant", "old_price", "new_price", "currency", "effective_date", "reason"];
/// The name that an export gives to a price.
const EXPORTED_PRICE: &str = "price";
/// Columns that our own lists have, and that say nothing.
const PASSED_OVER: [&str; 3] = ["line", "causes", "name"];

/// Which column is which field.
pub(super) struct Columns {
    /// Field by column, as somebody has said it; empty: they have their own names.
    said: BTreeMap<String, String>,
}

impl Columns {
    /// Reads what somebody has said, if anything.
    pub(super) fn read(map: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = map else { return Ok(Self { said: BTreeMap::new() }) };
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::because(Exit::Usage, error, format!("cannot read {name}"))
                .fix("give the path of a JSON file such as {\"new_price\": \"gia moi\"}; nothing was started")
        })?;
        let fields: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| {
            Failure::new(Exit::Usage, format!("{name} is no map of columns (line {})", error.line()))
                .fix("write an object of fields and their columns: {\"new_price\": \"gia moi\"}; nothing was started")
        })?;
        if let Some(unknown) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
            return Err(Failure::new(Exit::Usage, format!("{name}: '{unknown}' is no field of a price row"))
                .fix(format!("{}; nothing was started", did_you_mean(unknown, &FIELDS))));
        }
        // Columns are compared as the table reader reads them.
        let column = |column: &String| text::key(column, usize::MAX).unwrap_or_else(|_| column.clone());
        Ok(Self { said: fields.iter().map(|(field, name)| (column(name), field.clone())).collect() })
    }

    /// Columns that mean these fields; others say nothing.
    #[cfg(test)]
    pub(super) fn of<const N: usize>(said: [(&str, &str); N]) -> Self {
        Self { said: said.map(|(column, field)| (column.to_owned(), field.to_owned())).into() }
    }

    /// A row by its fields.
    ///
    /// # Errors
    /// When a column means nothing, or two mean the same.
    pub(super) fn row(
        &self,
        fields: BTreeMap<String, Box<RawValue>>,
        is_sheet: bool,
    ) -> Result<BTreeMap<String, Box<RawValue>>, Problem> {
        let mut row = BTreeMap::new();
        for (column, value) in fields {
            let Some(field) = self.field(&column)? else { continue };
            let value = match is_sheet && ["sku", "variant"].contains(&field) {
                true => sheet::unguarded(value),
                false => value,
            };
            if row.insert(field.to_owned(), value).is_some() {
                let fix =
                    "keep one of them, or say with --map which column is new_price and which is old_price";
                return Err(Problem::new(field, "has two columns", fix));
            }
        }
        Ok(row)
    }

    /// The field that a column means; `None`: it says nothing.
    ///
    /// # Errors
    /// When nothing is known of such a column.
    pub(super) fn field<'c>(&'c self, column: &'c str) -> Result<Option<&'c str>, Problem> {
        if let Some(field) = self.said.get(column) {
            return Ok(Some(field));
        }
        match column {
            EXPORTED_PRICE if !self.said.values().any(|field| field == "new_price") => Ok(Some("new_price")),
            known if FIELDS.contains(&known) => Ok(Some(known)),
            other if PASSED_OVER.contains(&other) || !self.said.is_empty() => Ok(None),
            other => {
                let fix =
                    format!("{}, or say with --map which columns are meant", did_you_mean(other, &FIELDS));
                Err(Problem::new(other, "is not a column of a price list", fix))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: &Columns, json: &str) -> Result<String, String> {
        let fields = serde_json::from_str(json).expect("an object");
        let row = columns.row(fields, true).map_err(|problem| problem.to_string())?;
        serde_json::to_string(&row).map_err(|error| error.to_string())
    }

    #[test]
    fn a_column_means_a_field_or_is_named() {
        let own = Columns { said: BTreeMap::new() };
        let exported = r#"{"sku":"'=1+1","variant":"A","price":"5","currency":"VND","line":"7"}"#;
        let read = r#"{"currency":"VND","new_price":"5","sku":"=1+1","variant":"A"}"#;
        assert_eq!(row(&own, exported).as_deref(), Ok(read));
        let twice = row(&own, r#"{"sku":"A","price":"5","new_price":"6"}"#);
        assert!(twice.is_err_and(|said| said.contains("new_price has two columns")));
        let typo = row(&own, r#"{"sku":"A","newprice":"5"}"#);
        assert!(typo.is_err_and(|said| said.contains("did you mean 'new_price'?")));
        let said = Columns { said: [("gia moi".to_owned(), "new_price".to_owned())].into() };
        let mapped = row(&said, r#"{"sku":"A","gia moi":"5","price":"6","ghi chu":"x"}"#);
        assert_eq!(mapped.as_deref(), Ok(r#"{"new_price":"5","sku":"A"}"#));
    }
}
