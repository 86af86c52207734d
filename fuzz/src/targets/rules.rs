//! Mapping rules, and records that they are applied to.

use contracts::erp::Entity;
use contracts::money::Currency;
use mapping::fields::{Field, FieldRules};
use mapping::targets::Kind;
use mapping::{Rules, SourceRecord};
use text::{Place, Problem};

use super::{Target, texts};
use crate::mutate::{self, Random};

pub(super) const TARGET: Target = Target {
    name: "rules",
    corpus,
    is_right: |bytes| {
        let is_right = |text| Rules::parse(text).is_ok() || FieldRules::parse(text, &FIELDS).is_ok();
        std::str::from_utf8(bytes).is_ok_and(is_right)
    },
    check,
    rounds: 10_000,
};

fn corpus() -> Vec<Vec<u8>> {
    texts(&[
        "{\"product_sku\": {\"from\": \"code\", \"plain\": true}, \"product_name\": [\"brand\", \"title\"],\n\
          \"product_price\": {\"from\": \"price.gross\", \"decimal\": \",\", \"thousands\": \".\", \"factor\": \"1000\"}}"
            .replace("[\"brand\", \"title\"]", "{\"from\": [\"brand\", \"title\"], \"join\": \" \"}")
            .as_str(),
        "{\"inventory_sku\": {\"from\": \"code\", \"exact\": true}, \"inventory_location\": {\"const\": \"HCM\"},\n\
          \"inventory_quantity\": {\"from\": \"level\", \"min\": 0, \"round\": \"down\", \"strip\": [\"cái\"]}}",
        "{\"order_external_id\": \"code\", \"order_status\": {\"from\": \"state\", \"lookup\": {\"A\": \"new\"}, \
          \"default\": \"old\"}, \"order_total\": {\"from\": \"price.gross\", \"thousands\": \",\", \"grouping\": \
          \"indian\"}, \"order_ordered_at\": {\"from\": \"day\", \"format\": \"%d/%m/%Y %H:%M\", \"zone\": \
          \"Asia/Ho_Chi_Minh\"}}",
        "{\"customer_external_id\": \"code\", \"customer_email\": \"mail\", \"customer_first_name\": \"title\", \
          \"customer_phone\": \"phone\"}",
        "{\"sku\": {\"from\": [\"code\", \"brand\"], \"join\": \"-\"}, \"old_price\": \"price.gross\", \"reason\": \"title\",\n\
          \"new_price\": {\"from\": \"price.gross\", \"factor\": \"1.1\", \"round\": true, \"decimal\": \",\", \"thousands\": \".\"},\n\
          \"effective_date\": {\"from\": \"day\", \"format\": \"%d/%m/%Y %H:%M\", \"zone\": \"+07:00\"}}",
    ])
}

const RECORDS: &[&str] = &[
    "{\"code\": \"ÁO 1\", \"brand\": \"B\", \"title\": \"T\", \"price\": {\"gross\": \"1.250.000,5\"}, \"level\": \"(3) cái\"}",
    "{\"code\": 100045.0, \"state\": \"A\", \"day\": \"24/11/2026 06:30\", \"price\": {\"gross\": 12.5}, \"level\": -0.5}",
    "{\"code\": \"8.93462E+12\", \"mail\": \"Lan@thử.example.com\", \"title\": \"Lan\", \"phone\": \"+84 (0)901 234 567\"}",
];

/// Fields of a list, such as one of prices.
const FIELDS: [Field; 5] = [
    ("sku", Kind::Key),
    ("old_price", Kind::Money),
    ("new_price", Kind::Money),
    ("effective_date", Kind::Date),
    ("reason", Kind::Text),
];

/// The rules' problems have their places in them (a line and a column where they are not JSON at all).
fn are_placed(text: &str, problems: &[Problem]) -> Result<(), String> {
    let is_placed = |place: &Option<Place>| match place {
        Some(Place::Byte { byte }) => *byte <= text.len(),
        Some(Place::Line { line, .. }) => *line <= text.lines().count().max(1) + 1,
        _ => false,
    };
    match problems.iter().find(|problem| !is_placed(&problem.at)) {
        Some(problem) => Err(format!("a problem without a place: {problem}")),
        None if problems.is_empty() => Err("is refused without a problem".to_owned()),
        None => Ok(()),
    }
}

/// A problem of rules has its place, and a record becomes the same each time.
fn check(bytes: &[u8], random: &mut Random) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let records: Vec<Vec<u8>> = texts(RECORDS);
    match FieldRules::parse(text, &FIELDS) {
        Ok(rules) => check_fields(&rules, &records, random)?,
        Err(problems) => are_placed(text, &problems)?,
    }
    let rules = match Rules::parse(text) {
        Ok(rules) => rules,
        Err(problems) => return are_placed(text, &problems),
    };
    for _ in 0..4 {
        let record = mutate::changed(&records, random);
        let Ok(record) = serde_json::from_slice::<SourceRecord>(&record) else { continue };
        for (entity, currency) in
            Entity::ALL.into_iter().zip([Currency::VND, Currency::USD].into_iter().cycle())
        {
            let mapping = rules.of(entity, currency);
            let (once, twice) = (mapping.apply(&record), mapping.apply(&record));
            if once != twice {
                return Err(format!("makes {once:?}, then {twice:?}"));
            }
            if let Err(defect) = once
                && defect.problem.is_empty()
            {
                return Err("a defect says nothing".to_owned());
            }
        }
    }
    Ok(())
}

/// A field of a list is made the same each time, and of a column that is there.
fn check_fields(rules: &FieldRules, records: &[Vec<u8>], random: &mut Random) -> Result<(), String> {
    for _ in 0..4 {
        let record = mutate::changed(records, random);
        let Ok(record) = serde_json::from_slice::<SourceRecord>(&record) else { continue };
        let columns: Vec<&str> = record.keys().map(String::as_str).collect();
        let missing = rules.missing(&columns);
        for (field, _) in FIELDS {
            let make =
                || rules.make(field, &record, Currency::USD).map(|made| made.map(|raw| raw.get().to_owned()));
            let (once, twice) = (make(), make());
            if once != twice {
                return Err(format!("makes {once:?} of {field}, then {twice:?}"));
            }
            if once.is_err_and(|problem| problem.is_empty()) {
                return Err(format!("{field} is refused without a word"));
            }
        }
        if let Some((field, column)) = missing
            && (!rules.has(field) || columns.contains(&column.as_str()))
        {
            return Err(format!("misses {column}, which is there"));
        }
    }
    Ok(())
}
