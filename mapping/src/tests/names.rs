//! Names and words that look alike, and objects that say two things.

use contracts::erp::{Entity, Record};
use contracts::money::Currency;

use super::{mistakes, source};
use crate::Rules;

/// A product of a record, as JSON; or what is wrong with it.
fn made(rules: &str, record: &str) -> Result<serde_json::Value, String> {
    let rules = Rules::parse(rules).expect("right rules");
    let made = rules.of(Entity::Products, Currency::VND).apply(&source(record));
    made.map(|(made, _)| serde_json::to_value(made).expect("JSON")).map_err(|defect| defect.cause())
}

fn with_price(rule: &str) -> String {
    format!(r#"{{"product_sku": "s", "product_name": "s", "product_price": {rule}}}"#)
}

/// O8, of names: composed or not, with a sign that nobody sees or a blank of typesetters, it is that field.
#[test]
fn a_field_is_found_by_how_its_name_looks() {
    for name in ["giá bán", "gia\u{301} ba\u{301}n", "giá\u{a0}bán", "\u{feff}giá bán\u{200b}"] {
        for field in ["giá bán", "gia\u{301} ba\u{301}n\u{200b}"] {
            let record = format!(r#"{{"s": "A", "{field}": 5}}"#);
            let price = made(&with_price(&format!("\"{name}\"")), &record)
                .map(|made| made["price"]["amount"].clone());
            assert_eq!(price, Ok("5".into()), "{name:?} of {field:?}");
            let nested = format!(r#"{{"s": "A", "x": {{"{field}": 5}}}}"#);
            let price = made(&with_price(&format!("\"x.{name}\"")), &nested)
                .map(|made| made["price"]["amount"].clone());
            assert_eq!(price, Ok("5".into()), "x.{name:?} of {field:?}");
            let rules = Rules::parse(&with_price(&format!("\"{name}\""))).expect("right rules");
            let record = source(&record);
            assert_eq!(rules.of(Entity::Products, Currency::VND).unknown_fields(&record), [""; 0]);
        }
    }
}

#[test]
fn a_word_of_the_erp_is_found_by_how_it_looks() {
    let rules = |word: &str| {
        format!(
            r#"{{"product_sku": "s", "product_name": "s", "product_price": "p",
                "product_active": {{"from": "state", "lookup": {{"{word}": true, "Hết": false}}, "default": false}}}}"#
        )
    };
    let words =
        ["Còn hàng", "Co\u{300}n ha\u{300}ng", "Còn\u{a0}hàng", "Còn hàng\u{200b}", "Còn ha\u{ad}\u{300}ng "];
    for written in words {
        for word in words {
            let record = format!(r#"{{"s": "A", "p": 1, "state": "{word}"}}"#);
            let active = made(&rules(written), &record).map(|made| made["active"].clone());
            assert_eq!(active, Ok(true.into()), "{written:?} of {word:?}");
        }
    }
    let twice = rules("Còn hàng").replace("Hết", "Còn\u{a0}hàng");
    assert_eq!(mistakes(&twice)[0].problem, "lookup: has a value of the ERP twice");
}

#[test]
fn an_object_that_says_two_things_is_named() {
    let rules = with_price("\"price.amount\"");
    let twice = made(&rules, r#"{"s": "A", "price": {"amount": 1, "amount": 2}}"#);
    assert_eq!(twice, Err("product_price is made of an object that has 'amount' twice".to_owned()));
    // One that nobody asks for costs nothing.
    let other = made(&rules, r#"{"s": "A", "price": {"tax": 1, "tax": 2, "amount": 3}}"#);
    assert_eq!(other.map(|made| made["price"]["amount"].clone()), Ok("3".into()));
    assert_eq!(made(&rules, r#"{"s": "A", "price": {"a": 1}}"#), Err("product_price is missing".to_owned()));
    assert_eq!(made(&rules, r#"{"s": "A", "price": [1]}"#), Err("product_price is missing".to_owned()));
}

#[test]
fn a_record_with_a_field_twice_names_it() {
    let named = |json: &str| crate::record(json).map(|(record, twice)| (record.len(), twice));
    assert_eq!(named(r#"{"a": 1, "b": {"c": 1, "c": 2}}"#), Some((2, None)));
    assert_eq!(named(r#"{"a": 1, "b": 2, "a": 3}"#), Some((2, Some("a".to_owned()))));
    let alike = "{\"giá\": 1, \"gia\u{301}\": 2}";
    assert_eq!(named(alike), Some((2, Some("gia\u{301}".to_owned()))));
    assert_eq!(named("[]"), None);
}

#[test]
fn half_a_sign_is_named_as_that() {
    let said = made(&with_price("\"p\""), r#"{"s": "\ud83d", "p": 1}"#).expect_err("no text");
    assert!(said.starts_with("product_sku holds half a sign"), "{said}");
}

/// O7: an order with that number is taken, and so is the customer of an ERP.
#[test]
fn a_phone_is_international_wherever_its_plus_stands() {
    let phone = |written: &str| {
        let record = source(&format!(
            r#"{{"external_id": "7", "email": "a@example.com", "first_name": "L", "phone": "{written}"}}"#
        ));
        let made =
            Rules::default().of(Entity::Customers, Currency::VND).apply(&record).expect("a customer").0;
        let Record::Customer(customer) = made else { panic!("another entity") };
        customer.phone
    };
    for written in ["(+84) 901 234 567", "( +84 ) 0901 234 567", "-+84901234567", "＋84 901 234 567"] {
        assert_eq!(phone(written).as_deref(), Some("+84901234567"), "{written}");
    }
    assert_eq!(phone("(0901) 234 567").as_deref(), Some("(0901) 234 567"));
}

/// A name that an order or a catalogue would refuse is none for an ERP either; a blank is a blank.
#[test]
fn names_have_the_limits_and_the_blanks_of_every_door() {
    let product = |name: &str, category: &str| {
        made("{}", &format!(r#"{{"sku": "A", "name": "{name}", "price": 1, "category": "{category}"}}"#))
    };
    let longest = "x".repeat(255);
    assert!(product(&longest, "Phones").is_ok());
    let long = product(&format!("{longest}x"), "Phones");
    assert_eq!(long, Err("product_name is longer than 255 characters".to_owned()));
    let made = product("A", "Điện\u{a0}thoại").map(|made| made["category"].clone());
    assert_eq!(made, Ok("Điện thoại".into()));
}

/// The reader of the text knows the fix, and whoever shows the record can say it.
#[test]
fn a_defect_of_a_text_comes_with_its_fix() {
    let customer = |email: &str, name: &str| {
        let json = format!(r#"{{"external_id": "7", "email": "{email}", "first_name": "{name}"}}"#);
        let made = Rules::default().of(Entity::Customers, Currency::VND).apply(&source(&json));
        made.map(drop).map_err(|defect| (defect.field, defect.fix))
    };
    let (field, fix) = customer("nobody", "Linh").expect_err("no address");
    let wanted = text::mail_address("nobody").expect_err("no address").fix;
    assert_eq!((field.as_str(), fix), ("customer_email", Some(wanted)));
    let long = customer("a@example.com", &"x".repeat(101)).expect_err("too long");
    assert_eq!(long, ("customer_first_name".to_owned(), Some("shorten it".to_owned())));
}

/// A cell in which nothing is seen is empty: a person sees no reason why it should cost the record.
#[test]
fn a_value_of_invisible_signs_alone_says_nothing() {
    for unseen in ["\\u200b", " \\u00a0", "\\ufeff\\u200d ", "\\ufe0f"] {
        let product = |rules: &str| {
            made(rules, &format!(r#"{{"sku": "A", "name": "B", "price": 1, "category": "{unseen}"}}"#))
                .map(|made| made.get("category").cloned().unwrap_or_default())
        };
        assert_eq!(product("{}"), Ok(serde_json::Value::Null), "{unseen}");
        let rules = r#"{"product_sku": "sku", "product_name": "name", "product_price": "price",
                        "product_category": {"from": "category", "default": "Phones"}}"#;
        assert_eq!(product(rules), Ok("Phones".into()), "{unseen}");
        let record = source(&format!(
            r#"{{"external_id": "7", "email": "a@example.com", "first_name": "Linh", "last_name": "{unseen}"}}"#
        ));
        let made =
            Rules::default().of(Entity::Customers, Currency::VND).apply(&record).expect("a customer").0;
        let Record::Customer(customer) = made else { panic!("another entity") };
        assert_eq!((customer.first_name.as_str(), customer.last_name.as_str()), ("Linh", ""), "{unseen}");
    }
    let active = made("{}", r#"{"sku": "A", "name": "B", "price": 1, "active": "\u200byes"}"#);
    assert_eq!(active.map(|made| made["active"].clone()), Ok(true.into()));
}

#[test]
fn a_format_or_a_zone_that_no_time_can_be_read_by_is_refused_with_the_rules() {
    let with = |keys: &str| {
        format!(
            r#"{{"order_external_id": "n", "order_status": "n", "order_total": "p",
                "order_ordered_at": {{"from": "at", {keys}}}}}"#
        )
    };
    for (keys, problem) in [
        (r#""format": "%K%""#, "format: is a format that no date can be read by"),
        (r#""format": "%d/%m""#, "format: is a format that no date can be read by"),
        (r#""format": "%d/%m/%Y %Z""#, "format: is a format that no date can be read by"),
        (r#""format": "dd/mm/yyyy""#, "format: is no date format"),
        (r#""zone": "ICT-7""#, "zone: is not a time zone"),
        (
            r#""zone": "Etc/GMT+7""#,
            "zone: means the opposite of what it says: the clocks of Etc/GMT+7 are seven hours behind",
        ),
        (r#""zone": 7"#, "zone: is not text"),
    ] {
        assert_eq!(mistakes(&with(keys))[0].problem, problem, "{keys}");
    }
    let read = |keys: &str, at: &str| {
        let rules = Rules::parse(&with(keys)).map_err(|found| found[0].what())?;
        let record = source(&format!(r#"{{"n": "x", "p": 1, "at": "{at}"}}"#));
        match rules.of(Entity::Orders, Currency::VND).apply(&record) {
            Ok((Record::Order(order), _)) => Ok(order.ordered_at.expect("a moment").to_string()),
            Ok(_) => panic!("another entity"),
            Err(defect) => Err(defect.cause()),
        }
    };
    // As people mean it: the clocks of Hanoi.
    for zone in ["GMT+7", "UTC+7", "+07:00", "+0700"] {
        let made = read(&format!(r#""zone": "{zone}""#), "2026-11-24 06:30");
        assert_eq!(made.as_deref(), Ok("2026-11-23T23:30:00Z"), "{zone}");
    }
    for (format, at) in [
        ("%d/%m/%Y %H:%M", "24/11/2026 06:30"),
        ("%d/%m/%y %I:%M %p", "24/11/26 06:30 AM"),
        ("%A, %d %B %Y %H:%M", "Tuesday, 24 November 2026 06:30"),
        ("%Y-%m-%dT%H:%M:%S%.f", "2026-11-24T06:30:00.5"),
        ("%s", "1795476600"),
        ("%Y%m%d%H%M%S", "20261124063000"),
        ("%e.%m.%Y %k:%M", "24.11.2026  6:30"),
        ("%FT%T%z", "2026-11-24T06:30:00+0700"),
    ] {
        let made = read(&format!(r#""format": "{format}", "zone": "Asia/Ho_Chi_Minh""#), at);
        assert!(
            made.as_deref().is_ok_and(|made| made.starts_with("2026-11-23T23:30:00")),
            "{format}: {made:?}"
        );
    }
}
