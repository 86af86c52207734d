//! The meaning of a list's columns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::value::RawValue;
use text::{Place, Problem, did_you_mean, json};

use super::sheet;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputText};

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
        let InputText { name, json } = input::read(path)?;
        Self::parse(&json).map_err(|problem| {
            Failure::new(Exit::Usage, format!("{name}: {}", problem.what()))
                .fix(format!("{}; nothing was started", problem.fix))
        })
    }

    /// Reads a map; what is wrong with it has its place.
    fn parse(text: &str) -> Result<Self, Problem> {
        const MAP: &str = "write an object of fields and their columns: {\"new_price\": \"gia moi\"}";
        json::value(text)?;
        let fields = json::fields(text).ok_or_else(|| Problem::new("", "is no map of columns", MAP))?;
        let (mut said, mut mapped) = (BTreeMap::new(), BTreeSet::new());
        for (name, field) in fields {
            let at = Place::in_text(text, field.at);
            let here = |problem: &str, fix: String| Problem::new(name.as_str(), problem, fix).at(at.clone());
            if !FIELDS.contains(&name.as_str()) {
                return Err(here("is no field of a price row", did_you_mean(&name, &FIELDS)));
            }
            if !mapped.insert(name.clone()) {
                return Err(here("is given twice", "keep one".to_owned()));
            }
            let column = json::text(field.value).map_err(|refusal| here(&refusal.problem, MAP.to_owned()))?;
            // Columns are compared as the table reader reads them.
            let column = text::as_seen(&column).into_owned();
            if column.is_empty() {
                return Err(here("names no column", MAP.to_owned()));
            }
            if let Some(other) = said.insert(column, name.clone()) {
                let problem = format!("is made of a column that {other} is made of");
                return Err(here(&problem, "name a column of its own for each".to_owned()));
            }
        }
        Ok(Self { said })
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
    pub(super) fn field(&self, column: &str) -> Result<Option<&str>, Problem> {
        let column = &*text::as_seen(column);
        if let Some(field) = self.said.get(column) {
            return Ok(Some(field));
        }
        let known = FIELDS.into_iter().find(|field| *field == column);
        match column {
            EXPORTED_PRICE if !self.said.values().any(|field| field == "new_price") => Ok(Some("new_price")),
            _ if known.is_some() => Ok(known),
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

    /// S1; and nobody can say which of two is meant.
    #[test]
    fn a_map_says_one_column_for_each_field() {
        let parsed = |text: &str| Columns::parse(text).map(|columns| columns.said).map_err(|p| p.what());
        let one = parsed("{\"new_price\": \"gia\u{301}\u{a0}mới\", \"sku\": \"mã\"}").expect("a map");
        let said: Vec<(&str, &str)> =
            one.iter().map(|(column, field)| (column.as_str(), field.as_str())).collect();
        assert_eq!(said, [("giá mới", "new_price"), ("mã", "sku")]);
        for (text, problem) in [
            ("{\"sku\": \"a\",\n \"sku\": \"b\"}", "sku is given twice (line 2, column 9)"),
            (
                "{\"new_price\": \"giá\", \"old_price\": \"gia\u{301}\"}",
                "old_price is made of a column that new_price is made of (line 1, column 35)",
            ),
            ("{\"newprice\": \"a\"}", "newprice is no field of a price row (line 1, column 14)"),
            ("{\"sku\": 7}", "sku is not text (line 1, column 9)"),
            ("{\"sku\": \" \"}", "sku names no column (line 1, column 9)"),
            ("[]", "is no map of columns"),
            ("{\"sku\" 7}", "is not JSON: expected `:` (line 1, column 8)"),
        ] {
            assert_eq!(parsed(text), Err(problem.to_owned()), "{text}");
        }
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
