//! The meaning of a list's columns.

use std::collections::BTreeMap;
use std::path::Path;

use contracts::money::Currency;
use jiff::tz::TimeZone;
use mapping::fields::{Field, FieldRules, known};
use mapping::value::Value;
use mapping::{SourceRecord, Unseen};
use serde_json::value::RawValue;
use text::{Problem, did_you_mean};

use super::sheet;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;

/// A kind of list.
pub(crate) struct ListKind {
    /// For messages: `a price list`.
    pub(crate) name: &'static str,
    /// The fields of a row.
    pub(crate) fields: &'static [Field],
    /// The fields that a spreadsheet program could take for a calculation.
    pub(crate) keys: &'static [&'static str],
    /// The field that says in which currency the row's amounts are.
    pub(crate) currency: Option<&'static str>,
    /// Names that our own lists give to a field.
    pub(crate) also: &'static [(&'static str, &'static str)],
    /// Columns that our own lists have, and that say nothing.
    pub(crate) passed_over: &'static [&'static str],
}

/// Which column is which field, and how it is read.
pub(crate) struct Columns {
    kind: &'static ListKind,
    /// As somebody has said it, in the language of a sync's rules; empty: the columns have their own names.
    said: FieldRules,
    /// Of amounts, where a row names none.
    currency: Currency,
}

/// A row by its fields.
#[derive(Debug, Default)]
pub(crate) struct Mapped {
    pub(crate) row: BTreeMap<String, Box<RawValue>>,
    /// Fields whose value is not what its rule says, and the problem.
    pub(crate) flaws: BTreeMap<String, String>,
}

impl Mapped {
    /// A key that a spreadsheet took for a number may have lost digits. A rule that says `exact` takes it all the same.
    fn refuse_made_keys(&mut self, keys: &[&str]) {
        for key in keys {
            let Some(value) = self.row.get(*key).map(|raw| Value::of(raw)) else { continue };
            if let Err(problem) = value.refuse_made() {
                self.flaws.insert((*key).to_owned(), problem);
            }
        }
    }
}

impl Columns {
    /// Reads what somebody has said, if anything. `currency`: of amounts, where a row names none. `zone`: of times
    /// without one.
    pub(crate) fn read(
        kind: &'static ListKind,
        map: Option<&Path>,
        currency: Currency,
        zone: Option<&TimeZone>,
    ) -> Result<Self, Failure> {
        let Some(path) = map else { return Ok(Self { kind, said: FieldRules::default(), currency }) };
        let text = input::read(path)?;
        let said = FieldRules::parse(&text.json, kind.fields).map_err(|problems| {
            let whole = problems.into_iter().map(|problem| problem.in_whole(&text.json, 0)).collect();
            Failure::new(Exit::Usage, format!("the rules of {} are wrong; nothing was started", text.name))
                .problems(whole)
        })?;
        let said = zone.map_or(said.clone(), |zone| said.in_zone(zone));
        Ok(Self { kind, said, currency })
    }

    /// Columns that mean what these rules say.
    #[cfg(test)]
    pub(crate) fn of(kind: &'static ListKind, rules: &str, currency: Currency) -> Self {
        Self { kind, said: FieldRules::parse(rules, kind.fields).expect("rules"), currency }
    }

    /// Whether values stay as they are written, whatever the columns are called.
    pub(crate) fn keep_values(&self) -> bool {
        self.said.are_all_bare()
    }

    /// The problem of a rule with a column that a table does not have: a slip, which would cost every row.
    pub(super) fn missing(&self, columns: &[&str]) -> Option<Problem> {
        let (field, column) = self.said.missing(columns)?;
        let fix = format!("{}, or give the rule a default", did_you_mean(&column, columns));
        Some(Problem::new(field, format!("is made of the column {column}, and there is none"), fix))
    }

    /// The columns that the rules read, of which rows of a list of objects are to be noted.
    pub(crate) fn unseen(&self) -> Unseen<'_> {
        self.said.unseen()
    }

    /// A row by its fields.
    ///
    /// # Errors
    /// When a column means nothing, or two mean the same.
    pub(crate) fn row(&self, mut fields: SourceRecord, is_sheet: bool) -> Result<Mapped, Problem> {
        let mut mapped = Mapped::default();
        let columns: Vec<String> = fields.keys().cloned().collect();
        for column in columns {
            let value = fields.get(&column).map(|value| &**value).filter(|_| !is_sheet);
            let means = self.fields(&column, value)?;
            if is_sheet && means.iter().any(|field| self.kind.keys.contains(&field.as_str())) {
                fields.entry(column.clone()).and_modify(|value| *value = sheet::unguarded(value.clone()));
            }
            for field in means.into_iter().filter(|field| !self.said.has(field)) {
                let Some(value) = fields.get(&column) else { continue };
                if mapped.row.insert(field.clone(), value.clone()).is_some() {
                    let fix = "keep one of them, or say with --map which column is which field";
                    return Err(Problem::new(field, "has two columns", fix));
                }
            }
        }
        mapped.refuse_made_keys(self.kind.keys);
        let mut currency = self.currency;
        if let Some(field) = self.kind.currency {
            self.make(field, &fields, currency, &mut mapped);
            let named = mapped.row.get(field).and_then(|raw| Value::of(raw).text().ok());
            let code = named.map(|code| code.to_ascii_uppercase());
            currency = code.and_then(|code| Currency::from_code(&code)).unwrap_or(currency);
        }
        let others = self.said.names().filter(|field| Some(*field) != self.kind.currency);
        others.for_each(|field| self.make(field, &fields, currency, &mut mapped));
        Ok(mapped)
    }

    /// Makes a field that has a rule.
    fn make(&self, field: &str, fields: &SourceRecord, currency: Currency, mapped: &mut Mapped) {
        match self.said.make(field, fields, currency) {
            Ok(Some(value)) => drop(mapped.row.insert(field.to_owned(), value)),
            Ok(None) => {}
            Err(problem) => drop(mapped.flaws.insert(field.to_owned(), problem)),
        }
    }

    /// The fields that a column means; none: it says nothing. `value`: of a list of objects, where it may have parts.
    ///
    /// # Errors
    /// When nothing is known of such a column.
    pub(crate) fn fields(&self, column: &str, value: Option<&RawValue>) -> Result<Vec<String>, Problem> {
        let column = &*text::as_seen(column);
        let made: Vec<String> = self.said.made_of(column, value).map(str::to_owned).collect();
        if !made.is_empty() {
            return Ok(made);
        }
        let ListKind { fields, also, passed_over, .. } = self.kind;
        let own = also.iter().find(|(name, _)| *name == column).map_or(column, |(_, field)| *field);
        match known(fields, own) {
            // A rule says what the field is made of, and it is not this column.
            Some(_) => Ok(if self.said.has(own) { Vec::new() } else { vec![own.to_owned()] }),
            None if passed_over.contains(&column) || !self.said.is_empty() => Ok(Vec::new()),
            None => {
                let names: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
                let fix =
                    format!("{}, or say with --map which columns are meant", did_you_mean(column, &names));
                Err(Problem::new(column, format!("is not a column of {}", self.kind.name), fix))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::prices::PRICES;

    fn row(columns: &Columns, json: &str) -> Result<String, String> {
        let fields = serde_json::from_str(json).expect("an object");
        let mapped = columns.row(fields, true).map_err(|problem| problem.to_string())?;
        if !mapped.flaws.is_empty() {
            return Err(format!("{:?}", mapped.flaws));
        }
        serde_json::to_string(&mapped.row).map_err(|error| error.to_string())
    }

    fn said(rules: &str) -> Columns {
        Columns::of(&PRICES, rules, Currency::VND)
    }

    #[test]
    fn a_column_means_a_field_or_is_named() {
        let own = said("{}");
        let exported = r#"{"sku":"'=1+1","variant":"A","price":"5","currency":"VND","line":"7"}"#;
        let read = r#"{"currency":"VND","new_price":"5","sku":"=1+1","variant":"A"}"#;
        assert_eq!(row(&own, exported).as_deref(), Ok(read));
        let twice = row(&own, r#"{"sku":"A","price":"5","new_price":"6"}"#);
        assert!(twice.is_err_and(|said| said.contains("new_price has two columns")));
        let typo = row(&own, r#"{"sku":"A","newprice":"5"}"#);
        assert!(typo.is_err_and(|said| said.contains("did you mean 'new_price'?")));
        let mapped = said(r#"{"new_price": "giá mới"}"#);
        assert!(mapped.keep_values());
        let read = row(&mapped, r#"{"sku":"A","giá mới":"5","price":"6","ghi chu":"x"}"#);
        assert_eq!(read.as_deref(), Ok(r#"{"new_price":"5","sku":"A"}"#));
    }

    #[test]
    fn a_column_is_not_made_of_the_beginning_of_its_name() {
        let columns = said(r#"{"old_price": "price.old", "sku": "sku"}"#);
        // As a heading of a table, `price` is a column of its own: our word for new_price.
        let read = row(&columns, r#"{"sku":"A","price":"5","price.old":"4"}"#);
        assert_eq!(read.as_deref(), Ok(r#"{"new_price":"5","old_price":"4","sku":"A"}"#));
    }

    /// E8
    #[test]
    fn a_key_that_a_spreadsheet_made_is_a_flaw_unless_a_rule_takes_it() {
        let made = row(&said("{}"), r#"{"sku":"8.93462E+12","variant":"100045.0","new_price":"5"}"#);
        assert!(made.is_err_and(|said| said.contains("sku") && said.contains("variant")));
        let exact = said(r#"{"sku": {"from": "sku", "exact": true}}"#);
        let read = row(&exact, r#"{"sku":"100045.0","new_price":"5"}"#);
        assert_eq!(read.as_deref(), Ok(r#"{"new_price":"5","sku":"100045.0"}"#));
    }

    /// A list of the ERP's needs no other program before it: the rules of a sync say how its values are written.
    #[test]
    fn a_value_is_read_as_its_rule_says_in_the_currency_of_its_row() {
        let rules = r#"{"sku": {"from": "Artikel", "plain": true}, "currency": {"const": "EUR"},
            "new_price": {"from": "Preis", "decimal": ",", "thousands": "."}}"#;
        let columns = said(rules);
        assert!(!columns.keep_values());
        let read = row(&columns, r#"{"Artikel":"'+A 1","Preis":"1.299,50","Menge":"3"}"#);
        assert_eq!(read.as_deref(), Ok(r#"{"currency":"EUR","new_price":1299.50,"sku":"+A-1"}"#));
        // By the list's own reading it would be twelve euros.
        let wrong = row(&columns, r#"{"Artikel":"A","Preis":"12.99"}"#);
        assert!(wrong.is_err_and(|said| said.contains("new_price")));
        let missing = columns.missing(&["Artikel", "Peris"]).expect("a slip");
        assert_eq!(missing.what(), "new_price is made of the column Preis, and there is none");
        assert!(missing.fix.contains("did you mean 'Peris'?"), "{missing:?}");
        // One column can make two prices.
        let up =
            said(r#"{"old_price": "gia", "new_price": {"from": "gia", "factor": "1.1", "round": true}}"#);
        let read = row(&up, r#"{"sku":"A","gia":"19999"}"#);
        assert_eq!(read.as_deref(), Ok(r#"{"new_price":21999,"old_price":"19999","sku":"A"}"#));
    }
}
