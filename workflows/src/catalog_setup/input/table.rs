//! Products that stand in a table beside the input: its rows are checked as those of the input are.

use std::collections::BTreeMap;

use contracts::catalog::{Product, WrongRow};
use contracts::money::Currency;
use serde_json::json;

use super::products;
use crate::input::parsed::currency;
use crate::input::rows::WrongEntry;
use crate::input::{Checked, Fields, Place, Problem, Unchecked};

/// A row of a table.
#[derive(Clone, Debug)]
pub struct TableRow {
    /// Its line, or the row of its sheet.
    pub row: u32,
    /// The product as an input has it: a JSON object.
    pub json: String,
    /// Where its fields stand.
    pub places: BTreeMap<String, Place>,
    /// Fields whose values could not be read, and why. They are not in the object.
    pub flaws: BTreeMap<String, String>,
}

/// The rows of a table, as an input has them.
struct Rows(Vec<Result<Product, WrongEntry>>);

impl Checked for Rows {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let currency = fields.required("currency", currency)?;
        Some(Self(fields.rows("rows", "sku", |row, fields| products::one(row, fields, currency))))
    }
}

/// Checks a table: the products that can be used, and the rows that cannot, each problem with its place. `shown`: a
/// place as people count it.
///
/// # Errors
/// When a field is given that no product has.
pub fn check_table(
    table: &[TableRow],
    currency: Currency,
    shown: impl Fn(&Place) -> Place,
) -> Result<(Vec<Product>, Vec<WrongRow>), Vec<Problem>> {
    let rows: Vec<&str> = table.iter().map(|row| row.json.as_str()).collect();
    let json = format!("{{\"currency\":{},\"rows\":[{}]}}", json!(currency.code()), rows.join(","));
    let read = Unchecked::<Rows>::from_json(&json).map_err(|problem| vec![problem])?.check_strictly()?;
    let entries = table.iter().zip(read.0).map(|(row, entry)| match entry {
        Ok(product) if row.flaws.is_empty() => Ok(Product { row: row.row, ..product }),
        Ok(product) => Err(row.wrong(Some(product.sku.to_string()), Vec::new(), &shown)),
        Err(WrongEntry { key, problems, .. }) => Err(row.wrong(key, problems, &shown)),
    });
    let mut wrong = Vec::new();
    let products = products::taken(entries.collect(), &mut wrong);
    Ok((products, wrong))
}

impl TableRow {
    fn wrong(
        &self,
        key: Option<String>,
        problems: Vec<Problem>,
        shown: impl Fn(&Place) -> Place,
    ) -> WrongEntry {
        let flaws =
            self.flaws.iter().map(|(field, problem)| Problem::new(field, problem, "correct the cell"));
        // The names of an input's list are not the table's.
        let found = problems.into_iter().map(|problem| match problem.field.split_once("].") {
            Some((_, field)) => Problem { field: field.to_owned(), ..problem },
            None => problem,
        });
        let found = found.filter(|problem| !self.flaws.contains_key(&problem.field));
        let placed = flaws.chain(found).map(|problem| match self.places.get(&problem.field) {
            Some(place) => problem.at(shown(place)),
            None => problem,
        });
        WrongEntry { row: self.row, key, problems: placed.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: u32, json: &str, flaws: &[(&str, &str)]) -> TableRow {
        let cell = |column: &str| Place::Cell { sheet: "S".to_owned(), cell: format!("{column}{row}") };
        let places = [("sku", "A"), ("price", "B"), ("variant", "C")];
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        TableRow {
            row,
            json: json.to_owned(),
            places: places.map(|(field, column)| (field.to_owned(), cell(column))).into(),
            flaws: flaws.iter().map(text).collect(),
        }
    }

    #[test]
    fn a_problem_has_its_cell_and_is_told_once() -> Result<(), Vec<Problem>> {
        let table = [
            row(2, r#"{"sku": "A", "price": 5}"#, &[]),
            row(4, r#"{"sku": "B", "price": "1.5"}"#, &[]),
            row(5, r#"{"price": 1}"#, &[("sku", "shows #N/A in place of a value")]),
            row(6, r#"{"sku": "A", "price": 6}"#, &[]),
            row(7, r#"{"sku": "C", "variant": "C-1", "price": 6}"#, &[]),
            row(8, r#"{"sku": "C", "variant": "C-2", "price": 7, "name": "Cap"}"#, &[]),
            row(9, r#"{"sku": "C", "variant": "C-2", "price": 8}"#, &[]),
            row(10, r#"{"sku": "C", "variant": "C-3", "price": 8, "name": "Hat"}"#, &[]),
            row(11, r#"{"sku": "D", "variant": "D-1"}"#, &[]),
        ];
        let (products, wrong) = check_table(&table, Currency::VND, Place::clone)?;
        let prices: Vec<String> =
            products[0].variants.iter().map(|(variant, price)| format!("{variant} {price}")).collect();
        assert_eq!(products.len(), 1);
        assert_eq!((products[0].row, products[0].name.as_deref()), (7, Some("Cap")));
        assert_eq!(prices, ["C-1 6 VND", "C-2 7 VND"]);
        let mut told: Vec<(u32, String)> =
            wrong.into_iter().map(|row| (row.row, row.problems.join("; "))).collect();
        told.sort();
        let begins = [
            (2, "row 6 has the same key"),
            (4, "price has more decimals than VND allows (0) (S!B4)"),
            (5, "sku shows #N/A in place of a value (S!A5)"),
            (6, "row 2 has the same key"),
            (9, "variant has another price in row 7"),
            (10, "variant is of a product about which row 7 says something else"),
            (11, "variant is named without a price (S!C11)"),
        ];
        assert_eq!(told.len(), begins.len(), "{told:?}");
        for ((row, said), (wanted, begin)) in told.iter().zip(begins) {
            assert_eq!(*row, wanted);
            assert!(said.starts_with(begin), "{said}");
        }
        assert!(!told[2].1.contains("missing"), "{}", told[2].1);
        Ok(())
    }
}
