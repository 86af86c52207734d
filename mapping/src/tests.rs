use contracts::erp::{Entity, Record};
use contracts::money::Currency;

use text::{Place, Problem};

use crate::{DefectKind, Rules, SourceRecord};

mod keys;
mod names;
mod written;

const SEED: &str =
    r#"{"product_name": "item_description", "product_sku": "item_code", "product_price": "unit_price"}"#;

fn source(json: &str) -> SourceRecord {
    serde_json::from_str(json).expect("an object")
}

fn product(rules: &str, json: &str, currency: Currency) -> Result<serde_json::Value, (DefectKind, String)> {
    let rules = Rules::parse(rules).expect("right rules");
    match rules.of(Entity::Products, currency).apply(&source(json)) {
        Ok((record, _)) => Ok(serde_json::to_value(record).expect("JSON")),
        Err(defect) => Err((defect.kind, defect.cause())),
    }
}

/// A product whose price is made by one rule.
fn price(rule: &str, unit_price: &str, currency: Currency) -> Result<String, String> {
    let rules = format!(r#"{{"product_sku": "s", "product_name": "s", "product_price": {rule}}}"#);
    let made = product(&rules, &format!(r#"{{"s": "A", "p": {unit_price}}}"#), currency);
    made.map(|made| made["price"]["amount"].as_str().expect("text").to_owned()).map_err(|(_, cause)| cause)
}

fn mistakes(rules: &str) -> Vec<Problem> {
    Rules::parse(rules).expect_err("wrong rules")
}

#[test]
fn the_seeds_rules_make_the_shops_product() {
    let made = product(
        SEED,
        r#"{"id": 7, "item_code": "LAPTOP-001", "item_description": " Laptop ", "unit_price": 25000000}"#,
        Currency::VND,
    );
    let wanted = serde_json::json!({
        "entity": "product", "sku": "LAPTOP-001", "name": "Laptop",
        "price": { "amount": "25000000", "currency": "VND" }
    });
    assert_eq!(made, Ok(wanted));
}

#[test]
fn an_entity_without_rules_maps_by_identity() {
    let rules = Rules::parse(SEED).expect("right rules");
    let inventory = rules.of(Entity::Inventory, Currency::VND);
    let level = source(r#"{"sku": "A", "quantity": "12", "location": "HCM", "bin": "x", "updated_at": "…"}"#);
    let Ok((Record::Stock(stock), _)) = inventory.apply(&level) else { panic!("no level") };
    assert_eq!((stock.sku.as_str(), stock.quantity, stock.location.as_str()), ("A", 12, "HCM"));
    assert_eq!(inventory.unknown_fields(&level), ["bin"]);
}

#[test]
fn numbers_are_read_as_the_erp_writes_them() {
    let german = r#"{"from": "p", "decimal": ",", "thousands": "."}"#;
    for (rule, given, currency, made) in [
        (r#""p""#, "19.90", Currency::USD, Ok("19.90")),
        (r#""p""#, "\"0.1\"", Currency::USD, Ok("0.10")),
        (
            r#""p""#,
            "1.2345678901234567e7",
            Currency::USD,
            Err("product_price has more decimals than USD allows (2)"),
        ),
        (german, "\"1.234.567,5\"", Currency::USD, Ok("1234567.50")),
        (german, "\"25.000\"", Currency::VND, Ok("25000")),
        // A JSON number is a JSON number, whatever the texts look like.
        (german, "25.5", Currency::USD, Ok("25.50")),
        (
            german,
            "\"12.34\"",
            Currency::USD,
            Err("product_price has a sign for thousands where none belongs"),
        ),
        (
            r#"{"from": "p", "decimal": ","}"#,
            "\"12.5\"",
            Currency::USD,
            Err("product_price is written with another decimal sign than its rule says"),
        ),
        (r#"{"from": "p", "factor": 1000}"#, "\"25\"", Currency::VND, Ok("25000")),
        (
            r#"{"from": "p", "factor": "0.001"}"#,
            "25500",
            Currency::VND,
            Err("product_price has more decimals than VND allows (0)"),
        ),
        (r#"{"from": "p", "factor": "0.001", "round": true}"#, "25500", Currency::VND, Ok("26")),
        (r#"{"from": "p", "default": 5}"#, "null", Currency::VND, Ok("5")),
        (r#"{"const": 7}"#, "1", Currency::VND, Ok("7")),
        (r#""p""#, "\"cheap\"", Currency::VND, Err("product_price is not a number")),
        (r#""p""#, "-1", Currency::VND, Err("product_price is negative")),
        // No digit is rounded away, neither of a power nor of a product.
        (
            r#""p""#,
            "1.19999999999999999999999999999999e1",
            Currency::VND,
            Err("product_price has too many digits"),
        ),
        (r#""p""#, "1000000000000000000000000000000e-30", Currency::VND, Ok("1")),
        (
            r#"{"from": "p", "factor": "1e-28"}"#,
            "0.1",
            Currency::VND,
            Err("product_price has too many digits"),
        ),
        (r#"{"from": "p", "factor": "1e-28", "round": true}"#, "0.1", Currency::VND, Ok("0")),
        (r#"{"from": "p", "factor": 1e3}"#, "\"25\"", Currency::VND, Ok("25000")),
        (r#""p""#, "1e400", Currency::VND, Err("product_price has too many digits")),
        (r#""p""#, "[1]", Currency::VND, Err("product_price is a list or an object")),
        (r#""p""#, "\"\"", Currency::VND, Err("product_price is missing")),
    ] {
        let wanted = made.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(price(rule, given, currency), wanted, "{rule} of {given}");
    }
}

#[test]
fn tables_joins_paths_and_dates() {
    let rules = Rules::parse(
        r#"{"order_external_id": "no", "order_total": "sum.gross",
            "order_status": {"from": "state", "lookup": {"10": "confirmed", "A": "failed"}},
            "order_customer_external_id": {"from": ["area", "customer"], "join": "-"},
            "order_ordered_at": {"from": "day", "format": "%d/%m/%Y"}}"#,
    )
    .expect("right rules");
    let mapping = rules.of(Entity::Orders, Currency::VND);
    let order =
        r#"{"no": 7, "sum": {"gross": 5}, "state": 10, "area": "VN", "customer": 12, "day": "01/02/2026"}"#;
    let made = serde_json::to_value(mapping.apply(&source(order)).expect("an order").0).expect("JSON");
    let wanted = serde_json::json!({
        "entity": "order", "external_id": "7", "status": "confirmed", "customer_external_id": "VN-12",
        "total": { "amount": "5", "currency": "VND" }, "ordered_at": "2026-02-01T00:00:00Z"
    });
    assert_eq!(made, wanted);
    for (broken, cause) in [
        (order.replace("10,", "11,"), "order_status is not in the table of its rule"),
        (order.replace("01/02/2026", "2026-02-01"), "order_ordered_at is no date in the format of its rule"),
        (order.replace("{\"gross\": 5}", "5"), "order_total is missing"),
    ] {
        let defect = mapping.apply(&source(&broken)).expect_err("broken");
        assert_eq!((defect.kind, defect.cause().as_str()), (DefectKind::Unmapped, cause));
    }
}

#[test]
fn what_the_shop_cannot_take_is_invalid_and_nobodys_value_is_repeated() {
    let rules = Rules::default();
    for (entity, record, cause) in [
        (
            Entity::Products,
            r#"{"sku": "A B", "name": "x", "price": 1}"#,
            "product_sku holds a character other than printable ASCII characters without blanks",
        ),
        (
            Entity::Inventory,
            r#"{"sku": "A", "quantity": -1, "location": "x"}"#,
            "inventory_quantity is negative",
        ),
        (
            Entity::Customers,
            r#"{"external_id": "7", "email": "lan(at)example.com", "first_name": "Lan", "last_name": "N"}"#,
            "customer_email is not a mail address",
        ),
    ] {
        let defect = rules.of(entity, Currency::VND).apply(&source(record)).expect_err("invalid");
        assert_eq!((defect.kind, defect.cause().as_str()), (DefectKind::Invalid, cause));
    }
}

#[test]
fn every_mistake_is_found_with_its_place() {
    let rules = r#"{
  "product_sku": "item_code",
  "product_nam": "x",
  "product_price": {"from": "p", "faktor": 2, "decimal": ";"},
  "sku": "x"
}"#;
    let found: Vec<(String, usize, String)> = mistakes(rules)
        .into_iter()
        .map(|mistake| {
            let Some(Place::Byte { byte }) = mistake.at else { panic!("no place") };
            (mistake.field, rules[..byte].lines().count(), mistake.problem)
        })
        .collect();
    let at = |target: &str, line, problem: &str| (target.to_owned(), line, problem.to_owned());
    let wanted = [
        at("product_nam", 3, "is not a field of the shop"),
        at("product_price", 4, "faktor: is not a key of rules"),
        at("product_price", 4, "decimal: is not one of the known signs"),
        at("sku", 5, "is not a field of the shop"),
        at("product_name", 0, "has no rule, and the shop needs it"),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let with = |rule: &str| {
        let rules = format!(r#"{{"product_sku": "a", "product_name": "b", "product_price": {rule}}}"#);
        mistakes(&rules).into_iter().map(|mistake| mistake.problem).next().expect("one")
    };
    for (rule, problem) in [
        ("5", "is neither a field's name nor a rule"),
        ("\"\"", "names no field"),
        ("{}", "names no field"),
        (r#"{"from": "p", "const": 1}"#, "has both \"from\" and \"const\""),
        (r#"{"from": "p", "decimal": ",", "thousands": ","}"#, "has one sign for decimals and thousands"),
        (r#"{"from": "p", "thousands": "."}"#, "has one sign for decimals and thousands"),
        (r#"{"from": "p", "format": "%d/%m/%Y"}"#, "has a date format, and the field is no date"),
        (r#"{"from": "p", "default": "cheap"}"#, "gives a value that is not a number"),
        (r#"{"from": "p", "lookup": {"a": "cheap"}}"#, "gives a value that is not a number"),
        (r#"{"from": [], "round": "yes"}"#, "from: names no field"),
        (r#"{"from": "p", "factor": "0"}"#, "factor: is no number"),
        (r#"{"from": "p", "factor": "1_000"}"#, "factor: is no number"),
    ] {
        assert_eq!(with(rule), problem, "{rule}");
    }
    let text = r#"{"product_sku": "a", "product_price": "p", "product_name": {"from": "n", "factor": 2}}"#;
    assert_eq!(mistakes(text)[0].problem, "has keys for numbers, and the field is none");
    assert_eq!(mistakes("[]")[0].problem, "is not a JSON object");
    let broken = &mistakes("{\"product_sku\": \"a\",\n \"product_name\" \"b\"}")[0];
    assert_eq!(broken.what(), "is not JSON: expected `:` (line 2, column 17)");
    assert_eq!(
        mistakes(r#"{"product_sku": "a", "product_sku": "b", "product_name": "n", "product_price": "p"}"#)[0]
            .problem,
        "is given twice"
    );
}

#[test]
fn a_key_alone_makes_the_sku_that_the_whole_record_makes() {
    let with =
        |rule: &str| format!(r#"{{"product_sku": {rule}, "product_name": "n", "product_price": "p"}}"#);
    for (rules, field, key, sku) in [
        (SEED.to_owned(), "item_code", " LAPTOP-001 ", Ok("LAPTOP-001")),
        ("{}".to_owned(), "sku", "A", Ok("A")),
        (with(r#"{"from": "no.code", "lookup": {"7": "SEVEN"}}"#), "no.code", "7", Ok("SEVEN")),
        (
            with(r#"{"from": "code", "lookup": {"7": "SEVEN"}}"#),
            "code",
            "8",
            Err("product_sku is not in the table of its rule"),
        ),
        (SEED.to_owned(), "item_code", "", Err("product_sku is missing")),
    ] {
        let rules = Rules::parse(&rules).expect("right rules");
        assert_eq!(rules.sku_field().as_deref(), Some(field));
        let made = rules.of(Entity::Products, Currency::VND).sku_of_key(key);
        let made = made.map(|sku| sku.to_string()).map_err(|defect| defect.cause());
        assert_eq!(made, sku.map(str::to_owned).map_err(str::to_owned), "{key}");
    }
    for of_several in [r#"{"from": ["brand", "code"]}"#, r#"{"const": "A"}"#] {
        assert_eq!(Rules::parse(&with(of_several)).expect("right rules").sku_field(), None);
    }
}

/// O8, O10, M1, M5, M7, M8 and E13, as an ERP sends them.
#[test]
fn texts_are_read_as_at_every_other_door() {
    let rules = Rules::default();
    let customer = |fields: &str| {
        let record = source(&format!(r#"{{"external_id": "7", {fields}}}"#));
        let made = rules.of(Entity::Customers, Currency::VND).apply(&record);
        made.map(|(made, _)| serde_json::to_value(made).expect("JSON")).map_err(|defect| defect.cause())
    };
    let made = customer(
        r#""email": "\ufeffLan@thử.example.com", "first_name": "Pha\u0323m\u00a0", "phone": "\u202d+84 (0)901 234 567\u202c""#,
    );
    let wanted = serde_json::json!({
        "entity": "customer", "external_id": "7", "email": "Lan@xn--th-yct.example.com", "first_name": "Phạm",
        "last_name": "", "phone": "+84901234567"
    });
    assert_eq!(made, Ok(wanted));
    let named =
        |fields: &str| customer(fields).map(|made| [made["first_name"].clone(), made["last_name"].clone()]);
    let only_last = named(r#""email": "a@example.com", "last_name": "Suharto""#);
    assert_eq!(only_last, Ok([serde_json::json!("Suharto"), serde_json::json!("")]));
    for (fields, cause) in [
        (r#""email": "a@example.com", "first_name": " ""#, "customer_first_name is missing"),
        (
            r#""email": "Lan <lan@example.com>", "first_name": "L""#,
            "customer_email holds more than the address",
        ),
        (
            r#""email": "a..b@example.com", "first_name": "L""#,
            "customer_email has a dot where none can stand",
        ),
        (
            r#""email": "a@example.com", "first_name": "L\u202ex""#,
            "customer_first_name holds an invisible sign, U+202E (a turn of the writing direction), as character 2",
        ),
        (
            r#""email": "a@example.com, b@example.com", "first_name": "L""#,
            "customer_email holds more than one address",
        ),
        (r#""first_name": "L""#, "customer_email is missing"),
    ] {
        assert_eq!(customer(fields), Err(cause.to_owned()), "{fields}");
    }
    // A number of the ERP's own country says nothing of the country.
    let own = customer(r#""email": "a@example.com", "first_name": "L", "phone": "0901 234\u200b 567""#);
    assert_eq!(own.map(|made| made["phone"].clone()), Ok(serde_json::json!("0901 234 567")));
}

/// E14: the phone costs the phone.
#[test]
fn a_phone_that_is_none_is_left_out_and_told() {
    let rules = r#"{"customer_external_id": "id", "customer_email": "m", "customer_first_name": "n", "customer_phone":
        {"from": "p", "lookup": {"7": "+84901234567"}}}"#;
    let looked_up = Rules::parse(rules).expect("right rules");
    let plain = Rules::default();
    for (rules, phone, cause) in [
        (&plain, "+36 (0)1 555", "customer_phone has a 0 behind +36, where none belongs"),
        (&plain, "0123456789012345678901234567890123456789", "customer_phone is longer than 30 characters"),
        (&plain, "not a phone", "customer_phone holds a sign that no phone number has"),
        (&plain, "8.4901E+10", "customer_phone holds a sign that no phone number has"),
        (&plain, "901234567.0", "customer_phone is a number with decimals, as a spreadsheet makes them"),
        (&plain, "0901234567 0902345678", "customer_phone holds more digits than one phone number"),
        (&looked_up, "8", "customer_phone is not in the table of its rule"),
    ] {
        let record = source(&format!(
            r#"{{"id": 7, "external_id": 7, "m": "a@example.com", "email": "a@example.com", "n": "L", "first_name": "L",
                "p": "{phone}", "phone": "{phone}"}}"#
        ));
        let (made, left_out) = rules.of(Entity::Customers, Currency::VND).apply(&record).expect("a customer");
        assert_eq!(left_out.iter().map(crate::Defect::cause).collect::<Vec<_>>(), [cause]);
        let Record::Customer(customer) = made else { panic!("another entity") };
        assert_eq!((customer.phone, customer.external_id.as_str()), (None, "7"));
    }
}

/// E13
#[test]
fn a_sku_of_other_signs_is_refused_or_rewritten_by_one_rule() {
    let with =
        |rule: &str| format!(r#"{{"product_sku": {rule}, "product_name": "n", "product_price": "p"}}"#);
    let sku = |rule: &str, code: &str| {
        let record = format!(r#"{{"code": "{code}", "n": "\u00adName\nin two\u200b lines", "p": 1}}"#);
        let made = product(&with(rule), &record, Currency::VND);
        made.map(|made| {
            format!("{} {}", made["sku"].as_str().expect("text"), made["name"].as_str().expect("text"))
        })
        .map_err(|(_, cause)| cause)
    };
    let plain = r#"{"from": "code", "plain": true}"#;
    for (code, made) in [("123456 Oaktree", "123456-Oaktree"), ("ÁO-01/M", "AO-01/M"), ("A\u{301}O", "AO")] {
        assert_eq!(sku(plain, code), Ok(format!("{made} Name in two lines")));
        let refusal = "product_sku holds a character other than printable ASCII characters without blanks";
        assert_eq!(sku("\"code\"", code), Err(refusal.to_owned()));
    }
    let named = "product_sku holds an invisible sign, U+200B (zero width space), as character 2";
    assert_eq!(sku("\"code\"", "A\u{200b}B"), Err(named.to_owned()));
    assert_eq!(
        sku(plain, "电"),
        Err("product_sku holds a character other than printable ASCII characters without blanks".to_owned())
    );
    // The list of keys that is looked through for what is gone makes the same SKU.
    let rules = Rules::parse(&with(plain)).expect("right rules");
    let made = rules.of(Entity::Products, Currency::VND).sku_of_key("ÁO 1").map(|sku| sku.to_string());
    assert_eq!(made.map_err(|defect| defect.cause()), Ok("AO-1".to_owned()));
    let of_numbers =
        r#"{"product_sku": "a", "product_name": "n", "product_price": {"from": "p", "plain": true}}"#;
    assert_eq!(mistakes(of_numbers)[0].problem, "rewrites text, and the field is none");
}
