//! Rules for a list that becomes no record of a sync, such as a list of prices: the same language, for the list's own
//! fields.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use contracts::money::Currency;
use jiff::tz::{Offset, TimeZone};
use serde_json::value::{RawValue, to_raw_value};
use text::{Place, Problem, did_you_mean, json};

use crate::rule::{self, Rule};
use crate::targets::Kind;
use crate::value::{self, Converted};
use crate::{SourceRecord, Unseen};

/// A field of a list, and the kind of its values. A name that ends with a point stands for every name that begins with
/// it: `attributes.` for `attributes.ram`.
pub type Field = (&'static str, Kind);

/// The field of a list that a name means.
#[must_use]
pub fn known(fields: &[Field], name: &str) -> Option<Field> {
    let is_meant = |field: &str| match field.ends_with('.') {
        true => name.len() > field.len() && name.starts_with(field),
        false => field == name,
    };
    fields.iter().copied().find(|(field, _)| is_meant(field))
}

/// The rules for fields of a list. Fields without a rule are the list's own concern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldRules {
    rules: BTreeMap<String, (Kind, Rule)>,
}

impl FieldRules {
    /// Reads rules for some of these fields, and checks each.
    ///
    /// # Errors
    /// Every mistake; its place is the byte in `rules`, or the line in a text that is not JSON.
    pub fn parse(rules: &str, fields: &[Field]) -> Result<Self, Vec<Problem>> {
        json::value(rules).map_err(|problem| vec![problem])?;
        let Some(given) = json::fields(rules) else {
            let fix = "write an object of fields and their columns: {\"new_price\": \"gia moi\"}";
            return Err(vec![Problem::new("", "is no map of columns", fix).at(Place::Byte { byte: 0 })]);
        };
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let (mut parsed, mut mistakes) = (BTreeMap::new(), Vec::new());
        for (name, field) in &given {
            let mut wrong = |problem: &str, fix: String| {
                mistakes.push(Problem::new(name.as_str(), problem, fix).at(Place::Byte { byte: field.at }));
            };
            let Some((_, kind)) = known(fields, name) else {
                wrong("is no field of the list", did_you_mean(name, &names));
                continue;
            };
            if parsed.contains_key(name) {
                wrong("is given twice", "keep one".to_owned());
                continue;
            }
            if let Some(rule) = rule::read(name, field.at, field.value, kind, &mut mistakes) {
                parsed.insert(name.clone(), (kind, rule));
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let rules = Self { rules: parsed };
        if let Some((one, other)) = rules.copied() {
            let fix = "name a column of its own for each, or write how one of them is made of it";
            let at = given.iter().find(|(name, _)| *name == other).map_or(0, |(_, field)| field.at);
            let problem = format!("is made of a column that {one} is made of");
            return Err(vec![Problem::new(other, problem, fix).at(Place::Byte { byte: at })]);
        }
        Ok(rules)
    }

    /// Two fields that would have the same value: one of them is a slip.
    fn copied(&self) -> Option<(&str, &str)> {
        let mut seen = BTreeMap::new();
        let bare = self.rules.iter().filter_map(|(name, (_, rule))| Some((name.as_str(), rule.bare()?)));
        for (name, column) in bare {
            if let Some(other) = seen.insert(column, name) {
                return Some((other, name));
            }
        }
        None
    }

    /// The same for a list whose times without a zone are meant in this one. A rule's own zone comes first.
    #[must_use]
    pub fn in_zone(mut self, zone: &TimeZone) -> Self {
        let dates =
            self.rules.values_mut().filter(|(kind, rule)| *kind == Kind::Date && rule.bare().is_none());
        for (_, rule) in dates {
            rule.zone.get_or_insert_with(|| zone.clone());
        }
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a value is taken as it is written, wherever there is a rule: each names a column and no more.
    #[must_use]
    pub fn are_all_bare(&self) -> bool {
        self.rules.values().all(|(_, rule)| rule.bare().is_some())
    }

    /// Whether a field has a rule.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.rules.contains_key(field)
    }

    /// The fields that are made of a column, or of a part of its value where that is an object. `None`: it is a cell of
    /// a table, which has no parts.
    pub fn made_of<'r>(
        &'r self,
        column: &str,
        value: Option<&RawValue>,
    ) -> impl Iterator<Item = &'r str> + use<'r> {
        let column = text::as_seen(column).into_owned();
        let has_parts = value.is_some_and(value::has_parts);
        let is_read = move |(_, (_, rule)): &(&String, &(Kind, Rule))| rule.reads(&column, has_parts);
        self.rules.iter().filter(is_read).map(|(name, _)| name.as_str())
    }

    /// The fields that have a rule.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// The first field that is made of a column which a table of these columns does not have, and that column: the
    /// whole of a name with points, because no cell is an object. A rule with a default may do without.
    #[must_use]
    pub fn missing<'r>(&'r self, columns: &[&str]) -> Option<(&'r str, String)> {
        // A table without a heading is one of nothing.
        if columns.is_empty() {
            return None;
        }
        let columns: BTreeSet<Cow<'_, str>> = columns.iter().map(|column| text::as_seen(column)).collect();
        let mut rules = self.rules.iter();
        rules.find_map(|(field, (_, rule))| {
            Some((field.as_str(), rule.missing(|column| columns.contains(column))?))
        })
    }

    /// The columns that the rules read, of which rows of a list of objects are to be noted.
    #[must_use]
    pub fn unseen(&self) -> Unseen<'_> {
        Unseen::of(self.rules.iter().map(|(field, (_, rule))| (field.clone(), rule)))
    }

    /// Makes a field of a row. `None`: it has no rule, or the row says nothing of it. A value that a bare rule names is
    /// given as it is written; others as the shop writes them: amounts as numbers, moments as RFC 3339 in UTC.
    /// `currency`: of amounts.
    ///
    /// # Errors
    /// The problem with the value, without repeating it.
    pub fn make(
        &self,
        field: &str,
        row: &SourceRecord,
        currency: Currency,
    ) -> Result<Option<Box<RawValue>>, String> {
        let Some((kind, rule)) = self.rules.get(field) else { return Ok(None) };
        if rule.bare().is_some() {
            let path: Vec<String> = rule.paths().flatten().cloned().collect();
            return Ok(value::raw(row, &path)?.map(ToOwned::to_owned));
        }
        let found = rule.value(row, *kind)?.filter(|value| !value.is_nothing());
        let Some(value) = found else { return Ok(None) };
        let made = value.convert(*kind, Some(rule), currency)?;
        if *kind == Kind::Date && rule.zone.is_none() {
            // Read in another zone it would be another moment: none is said.
            let mut elsewhere = rule.clone();
            elsewhere.zone = Some(TimeZone::fixed(Offset::constant(1)));
            if value.convert(*kind, Some(&elsewhere), currency)? != made {
                return Err("has no zone: say it in the rule (zone)".to_owned());
            }
        }
        raw(&made).map(Some).map_err(|_| "cannot be written".to_owned())
    }
}

fn raw(made: &Converted) -> serde_json::Result<Box<RawValue>> {
    match made {
        Converted::Text(text) => to_raw_value(text),
        Converted::Integer(number) => to_raw_value(number),
        Converted::Bool(truth) => to_raw_value(truth),
        Converted::Money(money) => RawValue::from_string(money.amount().to_string()),
        Converted::Date(moment) => to_raw_value(&moment.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [Field; 4] = [
        ("sku", Kind::Key),
        ("old_price", Kind::Money),
        ("new_price", Kind::Money),
        ("effective_date", Kind::Date),
    ];

    fn said(rules: &str) -> Vec<String> {
        let mistakes = FieldRules::parse(rules, &FIELDS).expect_err("refused");
        mistakes.into_iter().map(|mistake| mistake.in_whole(rules, 0).what()).collect()
    }

    fn made(rules: &str, row: &str, currency: &str) -> Vec<Result<Option<String>, String>> {
        let rules = FieldRules::parse(rules, &FIELDS).expect("rules");
        let row: SourceRecord = serde_json::from_str(row).expect("a row");
        let currency = Currency::from_code(currency).expect("a currency");
        let make = |name| rules.make(name, &row, currency).map(|made| made.map(|raw| raw.get().to_owned()));
        rules.rules.keys().map(|name| make(name)).collect()
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        for (rules, problem) in [
            ("{\"sku\": \"a\",\n \"sku\": \"b\"}", "sku is given twice (line 2, column 9)"),
            ("{\"newprice\": \"a\"}", "newprice is no field of the list (line 1, column 14)"),
            ("{\"sku\": 7}", "sku is neither a field's name nor a rule (line 1, column 9)"),
            ("{\"sku\": \" \"}", "sku names no field (line 1, column 9)"),
            (
                "{\"sku\": {\"from\": \"a\", \"decimal\": \",\"}}",
                "sku has keys for numbers, and the field is none (line 1, column 9)",
            ),
            (
                "{\"new_price\": \"giá\", \"old_price\": \"gia\u{301}\"}",
                "old_price is made of a column that new_price is made of (line 1, column 35)",
            ),
            ("[]", "is no map of columns (line 1, column 1)"),
            ("{\"sku\" 7}", "is not JSON: expected `:` (line 1, column 8)"),
        ] {
            assert_eq!(said(rules), [problem], "{rules}");
        }
    }

    #[test]
    fn a_field_may_have_names_that_only_the_rules_know() {
        let fields = [("sku", Kind::Key), ("attributes.", Kind::Text)];
        let rules = FieldRules::parse(r#"{"attributes.ram": "RAM", "sku": "Mã"}"#, &fields).expect("rules");
        assert_eq!(rules.made_of("RAM", None).collect::<Vec<_>>(), ["attributes.ram"]);
        assert_eq!(rules.names().collect::<Vec<_>>(), ["attributes.ram", "sku"]);
        let nameless = FieldRules::parse(r#"{"attributes.": "RAM"}"#, &fields).expect_err("refused");
        assert!(nameless[0].what().starts_with("attributes. is no field of the list"), "{nameless:?}");
    }

    /// One language: what a sync's rule says of a value, it says of a list's.
    #[test]
    fn a_value_is_made_as_its_rule_says() {
        let rules = r#"{"new_price": {"from": "Preis", "decimal": ",", "thousands": ".", "strip": ["€"]},
                        "effective_date": {"from": "ab", "format": "%d.%m.%Y", "zone": "Europe/Berlin"}}"#;
        let row = r#"{"Preis": "1.299,50 €", "ab": "01.12.2026"}"#;
        let ok = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(made(rules, row, "EUR"), [ok("\"2026-11-30T23:00:00Z\""), ok("1299.50")]);
        let wrong = made(rules, r#"{"Preis": "12.99", "ab": "2026-12-01"}"#, "EUR");
        assert!(wrong.iter().all(Result::is_err), "{wrong:?}");
        let no_zone = made(r#"{"effective_date": {"from": "ab", "format": "%d.%m.%Y"}}"#, row, "EUR");
        assert_eq!(no_zone, [Err("has no zone: say it in the rule (zone)".to_owned())]);
        let nothing = made(rules, r#"{"Preis": " "}"#, "EUR");
        assert_eq!(nothing, [Ok(None), Ok(None)]);
        let factor = r#"{"new_price": {"from": "gia", "factor": "1000"}, "old_price": "gia"}"#;
        assert_eq!(made(factor, r#"{"gia": "199"}"#, "VND"), [ok("199000"), ok("\"199\"")]);
    }

    /// Of a table `a.b` is one name; of an object it is the part `b` of `a`. A column is not another one's beginning.
    #[test]
    fn a_path_reads_into_an_object_and_into_no_cell() {
        let rules = FieldRules::parse(r#"{"old_price": "price.old", "sku": "ma"}"#, &FIELDS).expect("rules");
        let made_of = |column: &str, value: Option<&str>| {
            let value = value.map(|json| serde_json::from_str::<&RawValue>(json).expect("JSON"));
            rules.made_of(column, value).map(str::to_owned).collect::<Vec<_>>()
        };
        for value in [None, Some("5"), Some("\"5\""), Some("[5]")] {
            assert_eq!(made_of("price", value), [""; 0], "{value:?}");
            assert_eq!(made_of("price.old", value), ["old_price"], "{value:?}");
        }
        for value in ["{\"old\": 5}", "null"] {
            assert_eq!(made_of("price", Some(value)), ["old_price"], "{value}");
        }
        assert_eq!(made_of("price.", None), [""; 0]);
        assert_eq!(made_of("price.old.net", None), [""; 0]);
    }

    #[test]
    fn a_column_says_which_fields_it_makes() {
        let rules =
            r#"{"new_price": {"from": "gia", "factor": "1000"}, "old_price": "gia", "sku": "ma.hang"}"#;
        let rules = FieldRules::parse(rules, &FIELDS).expect("rules");
        assert_eq!(rules.made_of("gia", None).collect::<Vec<_>>(), ["new_price", "old_price"]);
        assert_eq!(rules.made_of("ma.hang", None).collect::<Vec<_>>(), ["sku"]);
        assert_eq!(rules.made_of("ghi chu", None).count(), 0);
        assert_eq!(rules.missing(&["gia", "ma.hang", "x"]), None);
        // No cell is an object.
        assert_eq!(rules.missing(&["gia", "ma"]), Some(("sku", "ma.hang".to_owned())));
        assert_eq!(rules.missing(&[]), None);
        assert_eq!(rules.missing(&["Gia", "ma"]), Some(("new_price", "gia".to_owned())));
        let joined =
            r#"{"sku": {"from": ["ma", "co"], "join": "-"}, "old_price": {"from": "gia", "default": 1}}"#;
        let joined = FieldRules::parse(joined, &FIELDS).expect("rules");
        assert_eq!(joined.missing(&["ma"]), Some(("sku", "co".to_owned())));
        assert_eq!(joined.missing(&["ma", "co"]), None);
    }
}
