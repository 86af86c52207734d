//! Columns that rules read, and that no row of a list has had so far. A table names its columns in a heading; a list of
//! objects (JSON lines, a JSON list) names them in its rows alone, so a slip is known behind the last one.

use std::collections::BTreeSet;

use text::{Problem, did_you_mean};

use crate::rule::Rule;
use crate::{SourceRecord, value};

/// Names of fields that are remembered, to say which one was probably meant.
const NAMES_MAX: usize = 100;
/// Rows whose names are looked at.
const ROWS_MAX: u64 = 1_000;

/// The columns that no row has had so far, each with the field that is made of it.
#[derive(Clone, Debug)]
pub struct Unseen<'r> {
    waiting: Vec<(String, &'r [String])>,
    /// Of the first rows' fields on the first level.
    names: BTreeSet<String>,
    rows: u64,
}

impl<'r> Unseen<'r> {
    /// Of fields and their rules, before the first row. A rule with a default may do without its columns.
    pub(crate) fn of(rules: impl Iterator<Item = (String, &'r Rule)>) -> Self {
        let needed = rules.filter(|(_, rule)| !rule.has_default());
        let paths =
            needed.flat_map(|(field, rule)| rule.paths().map(move |path| (field.clone(), path.as_slice())));
        Self { waiting: paths.collect(), names: BTreeSet::new(), rows: 0 }
    }

    /// Notes a row. A column that says `null`, or whose object does, is there.
    pub fn note(&mut self, row: &SourceRecord) {
        self.waiting.retain(|(_, path)| !value::is_there(row, path));
        self.rows += 1;
        if self.rows <= ROWS_MAX && self.names.len() < NAMES_MAX {
            self.names.extend(row.keys().map(|name| text::as_seen(name).into_owned()));
        }
    }

    /// The problem of each column that no row had: a slip, of the rules or of whoever exports. Of no rows nothing can
    /// be said.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        if self.rows == 0 {
            return Vec::new();
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let problem = |(field, path): &(String, &[String])| {
            let column = path.join(".");
            let fix = format!("{}, or give the rule a default", did_you_mean(&column, &names));
            Problem::new(field.as_str(), format!("is made of the column '{column}', and no row has it"), fix)
        };
        self.waiting.iter().map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use contracts::erp::Entity;
    use contracts::money::Currency;

    use crate::Rules;

    fn unseen(rows: &[&str]) -> Vec<String> {
        let rules = r#"{"product_sku": "s", "product_name": {"from": ["brand", "title"]},
            "product_price": "price.gross", "product_category": {"from": "c", "default": "x"}}"#;
        let rules = Rules::parse(rules).expect("right rules");
        let mapping = rules.of(Entity::Products, Currency::VND);
        let mut unseen = mapping.unseen();
        for row in rows {
            unseen.note(&serde_json::from_str(row).expect("an object"));
        }
        unseen.problems().into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_column_that_no_row_has_is_told_with_what_was_probably_meant() {
        let said =
            unseen(&[r#"{"s": "A", "titel": "T", "brand": "B"}"#, r#"{"s": "B", "price": {"net": 1}}"#]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("product_name is made of the column 'title', and no row has it"),
            "{said:?}"
        );
        assert!(said[0].contains("did you mean 'titel'?"), "{said:?}");
        assert!(said[1].starts_with("product_price is made of the column 'price.gross'"), "{said:?}");
    }

    #[test]
    fn one_row_that_has_a_column_is_enough_and_null_is_there() {
        for rows in [
            &[r#"{"s": "A"}"#, r#"{"title": "T", "brand": null}"#, r#"{"price": {"gross": 1}}"#][..],
            &[r#"{"s": null, "title": "", "brand": "", "price.gross": 1}"#],
            &[r#"{"s": 1, "title": 1, "brand": 1, "price": null}"#],
            &[],
        ] {
            assert_eq!(unseen(rows), [""; 0], "{rows:?}");
        }
    }
}
