//! Keys that are others than they were, and columns that are not there.

use contracts::erp::{Entity, Record};
use contracts::money::Currency;

use super::source;
use crate::Rules;

fn sku(rule: &str, record: &str) -> Result<String, String> {
    let rules = format!(r#"{{"product_sku": {rule}, "product_name": "n", "product_price": "p"}}"#);
    let rules = Rules::parse(&rules).expect("right rules");
    match rules.of(Entity::Products, Currency::VND).apply(&source(record)) {
        Ok((Record::Product(product), _)) => Ok(product.sku.to_string()),
        Ok(_) => panic!("another entity"),
        Err(defect) => Err(defect.cause()),
    }
}

/// E8, as a workbook gives them: `1-2` became a day, `1:30` a time, TRUE a truth, 100000 a power of ten.
#[test]
fn a_key_that_a_spreadsheet_took_for_something_else_is_a_defect() {
    for code in [
        "\"2026-02-01\"",
        "\"2026-02-01T01:30:00\"",
        "\"01:30:00\"",
        "\"10%\"",
        "\"1-Feb\"",
        "\"01/02/2026\"",
        "true",
        "1.00E+05",
        "0.5",
    ] {
        let record = format!(r#"{{"c": {code}, "d": "x", "n": "x", "p": 1}}"#);
        let cause = sku("\"c\"", &record).expect_err(code);
        assert!(cause.contains("a spreadsheet ma") && cause.contains("set exact"), "{cause}");
        let exact = sku(r#"{"from": "c", "exact": true}"#, &record);
        assert_eq!(exact.as_deref(), Ok(code.trim_matches('"')));
        let joined = sku(r#"{"from": ["c", "d"], "join": "-"}"#, &record);
        assert_eq!(joined, Err(cause), "{code}");
    }
    assert_eq!(sku("\"c\"", r#"{"c": "TRUE", "n": "x", "p": 1}"#).as_deref(), Ok("TRUE"));
    // As an amount it is one.
    let rules = r#"{"product_sku": "c", "product_name": "n", "product_price": "p"}"#;
    let rules = Rules::parse(rules).expect("right rules");
    let record = source(r#"{"c": "A", "n": "x", "p": 1.23456E+05}"#);
    let made = rules.of(Entity::Products, Currency::VND).apply(&record).map(|(record, _)| record);
    let Ok(Record::Product(product)) = made else { panic!("{made:?}") };
    assert_eq!(product.price.to_string(), "123456 VND");
}

/// A level lies at a place, and a place of another name is another one.
#[test]
fn a_place_of_stock_is_a_key() {
    let rules = r#"{"inventory_sku": "s", "inventory_quantity": "q", "inventory_location": {"from": ["site", "bin"], "join": "/"}}"#;
    let rules = Rules::parse(rules).expect("right rules");
    let level = |record: &str| {
        let made = rules.of(Entity::Inventory, Currency::VND).apply(&source(record));
        made.map(drop).map_err(|defect| defect.cause())
    };
    assert_eq!(level(r#"{"s": "A", "q": 1, "site": "HCM", "bin": "7"}"#), Ok(()));
    let lacks = "inventory_location lacks a part: bin says nothing".to_owned();
    assert_eq!(level(r#"{"s": "A", "q": 1, "site": "HCM", "bin": " "}"#), Err(lacks));
}

/// `TEE-M` without its size would be `TEE`, which may be another product.
#[test]
fn a_joined_key_without_one_of_its_parts_is_a_defect() {
    let joined = r#"{"from": ["model", "size"], "join": "-"}"#;
    let whole = r#"{"model": "TEE", "size": "M", "n": "x", "p": 1}"#;
    assert_eq!(sku(joined, whole).as_deref(), Ok("TEE-M"));
    for size in ["\"size\": \"\",", "\"size\": null,", "\"size\": \"\u{200b}\",", ""] {
        let record = format!(r#"{{"model": "TEE", {size} "n": "x", "p": 1}}"#);
        let lacks = "product_sku lacks a part: size says nothing".to_owned();
        assert_eq!(sku(joined, &record), Err(lacks), "{size}");
        let default = r#"{"from": ["model", "size"], "join": "-", "default": "NONE"}"#;
        assert_eq!(sku(default, &record).as_deref(), Ok("NONE"), "{size}");
    }
    assert_eq!(sku(joined, r#"{"n": "x", "p": 1}"#), Err("product_sku is missing".to_owned()));
    // A name of which a part is missing is a name.
    let name = r#"{"product_sku": "s", "product_name": {"from": ["brand", "title"]}, "product_price": "p"}"#;
    let name = Rules::parse(name).expect("right rules");
    assert!(
        name.of(Entity::Products, Currency::VND)
            .apply(&source(r#"{"s": "A", "title": "T", "p": 1}"#))
            .is_ok()
    );
}

#[test]
fn a_rule_for_a_column_that_a_table_does_not_have_is_told() {
    let rules = r#"{"product_sku": "s", "product_name": {"from": ["brand", "title"]}, "product_price": "price.gross",
        "product_description": "text.lang", "product_active": "aktiv", "product_category": {"from": "c", "default": "x"}}"#;
    let rules = Rules::parse(rules).expect("right rules");
    let mapping = rules.of(Entity::Products, Currency::VND);
    let missing = |columns: &[&str]| -> Vec<String> {
        mapping.missing(|column| columns.contains(&column)).iter().map(crate::Defect::cause).collect()
    };
    let of =
        |field: &str, column: &str| format!("{field} is made of the column '{column}', and there is none");
    assert_eq!(
        missing(&["s", "title", "price", "text"]),
        [
            of("product_name", "brand"),
            of("product_price", "price.gross"),
            of("product_description", "text.lang"),
            of("product_active", "aktiv"),
        ]
    );
    assert_eq!(missing(&["s", "title", "brand", "price.gross", "text.lang", "aktiv"]), [""; 0]);
    assert_eq!(Rules::default().of(Entity::Products, Currency::VND).missing(|_| false), []);
    // A column with a point in its name is one that a rule asks for, and the place of its value is known.
    let row = source(r#"{"s": "A", "price.gross": "1", "text": {"lang": "x"}, "price.net": 1}"#);
    assert_eq!(mapping.unknown_fields(&row), ["price.net"]);
    assert_eq!(mapping.source_of("product_price").as_deref(), Some("price.gross"));
    // No rule reads a cell of which a path begins with the name.
    let cells = source(r#"{"s": "A", "price": "1", "price.gross": "1", "text": "x"}"#);
    assert_eq!(mapping.unknown_fields(&cells), ["price", "text"]);
    assert_eq!(
        mapping.unknown_fields(&source(r#"{"s": "A", "price": {"gross": 1}, "text": null}"#)),
        [""; 0]
    );
}
