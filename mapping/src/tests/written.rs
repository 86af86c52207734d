//! Values as ERPs and spreadsheets write them.

use contracts::erp::{Entity, Record};
use contracts::money::Currency;

use super::{mistakes, price, source};
use crate::Rules;

/// A level that is made by one rule; what is wrong with it comes without the field's name.
fn level(rule: &str, quantity: &str) -> Result<u32, String> {
    let rules =
        format!(r#"{{"inventory_sku": "s", "inventory_location": "s", "inventory_quantity": {rule}}}"#);
    let rules = Rules::parse(&rules).expect("right rules");
    let made = rules
        .of(Entity::Inventory, Currency::VND)
        .apply(&source(&format!(r#"{{"s": "A", "q": {quantity}}}"#)));
    match made {
        Ok((Record::Stock(stock), _)) => Ok(stock.quantity),
        Ok(_) => panic!("another entity"),
        Err(defect) => Err(defect.cause().trim_start_matches("inventory_quantity ").to_owned()),
    }
}

fn amount(rule: &str, unit_price: &str, currency: Currency) -> Result<String, String> {
    price(rule, unit_price, currency).map_err(|cause| cause.trim_start_matches("product_price ").to_owned())
}

/// E11
#[test]
fn levels_below_zero_and_parts_of_pieces_are_what_the_rule_says() {
    let min = r#"{"from": "q", "min": 0}"#;
    let down = r#"{"from": "q", "round": "down", "min": 0}"#;
    for (written, plain, with_min, with_down) in [
        ("\"-3\"", Err("is negative"), Ok(0), Ok(0)),
        ("-3", Err("is negative"), Ok(0), Ok(0)),
        ("\"-0.5\"", Err("is not a whole number"), Ok(0), Ok(0)),
        ("\"3-\"", Err("is negative"), Ok(0), Ok(0)),
        ("\"(3)\"", Err("is negative"), Ok(0), Ok(0)),
        ("\"− 3\"", Err("is negative"), Ok(0), Ok(0)),
        ("2.5", Err("is not a whole number"), Err("is not a whole number"), Ok(2)),
        ("\"2.5\"", Err("is not a whole number"), Err("is not a whole number"), Ok(2)),
        ("\"7\"", Ok(7), Ok(7), Ok(7)),
        ("\"7.0\"", Ok(7), Ok(7), Ok(7)),
    ] {
        let wanted = |read: Result<u32, &str>| read.map_err(str::to_owned);
        assert_eq!(level("\"q\"", written), wanted(plain), "{written}");
        assert_eq!(level(min, written), wanted(with_min), "{written}");
        assert_eq!(level(down, written), wanted(with_down), "{written}");
    }
    // Down is to the lower, so what is owed does not become nothing.
    assert_eq!(level(r#"{"from": "q", "round": "down"}"#, "\"-0.5\""), Err("is negative".to_owned()));
    assert_eq!(level(r#"{"from": "q", "factor": "0.5", "round": "down"}"#, "5"), Ok(2));
}

/// E12
#[test]
fn words_and_signs_around_a_number_are_dropped_if_the_rule_names_them() {
    let dong = r#"{"from": "p", "decimal": ",", "thousands": ".", "strip": ["VND", "₫", "đ", ",-"]}"#;
    for written in [
        "1.250.000 ₫",
        "1.250.000đ",
        "VND 1.250.000",
        "1.250.000,-",
        "\u{a0}VND\u{a0}1.250.000\u{202f}₫\u{200b}",
    ] {
        assert_eq!(
            amount(dong, &format!("\"{written}\""), Currency::VND),
            Ok("1250000".to_owned()),
            "{written}"
        );
    }
    let german = r#"{"from": "p", "decimal": ",", "thousands": "."}"#;
    for (written, sign) in [
        ("1.250.000 ₫", "'₫'"),
        ("25.000đ", "'đ'"),
        ("VND 25.000", "'V'"),
        ("25.000,-", "'-'"),
        ("12 cái", "'c'"),
    ] {
        let said = format!("is not a number: {sign} is in the way (see strip, decimal and thousands)");
        assert_eq!(amount(german, &format!("\"{written}\""), Currency::VND), Err(said), "{written}");
    }
    let indian = r#"{"from": "p", "thousands": ",", "grouping": "indian"}"#;
    let western = r#"{"from": "p", "thousands": ","}"#;
    let misplaced = Err("has a sign for thousands where none belongs".to_owned());
    assert_eq!(amount(indian, "\"12,34,567.50\"", Currency::INR), Ok("1234567.50".to_owned()));
    assert_eq!(amount(indian, "\"1,234.50\"", Currency::INR), Ok("1234.50".to_owned()));
    assert_eq!(amount(indian, "\"1,234,567.50\"", Currency::INR), misplaced);
    assert_eq!(amount(western, "\"12,34,567.50\"", Currency::INR), misplaced);
    for apostrophe in ["1'234.50", "1\u{2019}234.50"] {
        let swiss = r#"{"from": "p", "thousands": "'"}"#;
        assert_eq!(amount(swiss, &format!("\"{apostrophe}\""), Currency::CHF), Ok("1234.50".to_owned()));
    }
    for blank in ["1 234,50", "1\u{a0}234,50", "1\u{202f}234,50"] {
        let french = r#"{"from": "p", "thousands": " ", "decimal": ","}"#;
        assert_eq!(amount(french, &format!("\"{blank}\""), Currency::EUR), Ok("1234.50".to_owned()));
    }
    let dollars = r#"{"from": "p", "strip": ["$", "USD"], "min": -99}"#;
    for (written, read) in [
        ("-$25.00", Err("is negative")),
        ("($25.00)", Err("is negative")),
        ("$-25.00", Err("is negative")),
        ("(25.00 USD)", Err("is negative")),
        ("-USD 25.00", Err("is negative")),
        ("+$25.00", Ok("25.00")),
        ("$25.00", Ok("25.00")),
        ("--$25.00", Err("is not a number: '-' is in the way (see strip, decimal and thousands)")),
    ] {
        let wanted = read.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(amount(dollars, &format!("\"{written}\""), Currency::USD), wanted, "{written}");
    }
    // Half a dollar does not become five for the sign behind other amounts.
    let points = r#"{"from": "p", "strip": [".", "USD"]}"#;
    assert_eq!(amount(points, "\"5. USD\"", Currency::USD).as_deref(), Ok("5.00"));
    assert!(amount(points, "\".5\"", Currency::USD).is_err());
    // `,-` is not a minus, whatever the rule strips.
    let commas = r#"{"from": "p", "strip": [","], "decimal": "."}"#;
    assert!(amount(commas, "\"25,-\"", Currency::USD).is_err());
    let pieces = r#"{"from": "q", "strip": "cái"}"#;
    assert_eq!(level(pieces, "\"12 ca\u{301}i\""), Ok(12));
    assert_eq!(
        level("\"q\"", "\"12 3\""),
        Err("is not a number: a blank is in the way (see strip, decimal and thousands)".to_owned())
    );
}

/// One sign with three digits behind it is thousands to some and decimals to others.
#[test]
fn a_number_that_can_be_meant_in_two_ways_is_refused_until_the_rule_names_its_signs() {
    let doubt =
        Err("may be written in thousands or with decimals: say decimal or thousands in its rule".to_owned());
    for (written, currency) in [
        ("25.000", Currency::VND),
        ("25,000", Currency::VND),
        ("1.250", Currency::USD),
        ("-1.250", Currency::USD),
        ("+25.000", Currency::VND),
        ("+1.250", Currency::USD),
        ("(1.250)", Currency::USD),
        ("025.000", Currency::VND),
    ] {
        assert_eq!(amount("\"p\"", &format!("\"{written}\""), currency), doubt, "{written}");
    }
    assert_eq!(level("\"q\"", "\"1.000\"").map(|level| level.to_string()), doubt);
    // A rule that names another sign says nothing about this one.
    for (thousands, written) in
        [(" ", "25.000"), ("'", "25.000"), (",", "25.000"), (" ", "25,000"), ("'", "-25,000")]
    {
        let rule = format!(r#"{{"from": "p", "thousands": "{thousands}"}}"#);
        assert_eq!(amount(&rule, &format!("\"{written}\""), Currency::VND), doubt, "{rule} of {written}");
        let of_pieces = rule.replace("\"p\"", "\"q\"");
        let pieces = level(&of_pieces, &format!("\"{written}\""));
        assert_eq!(pieces.map(|level| level.to_string()), doubt, "{rule} of {written}");
    }
    for (signs, written) in
        [(r#""decimal": ",""#, "25.000"), (r#""decimal": ",", "thousands": " ""#, "25.000")]
    {
        let refused = Err("is written with another decimal sign than its rule says".to_owned());
        let rule = format!(r#"{{"from": "p", {signs}}}"#);
        assert_eq!(amount(&rule, &format!("\"{written}\""), Currency::VND), refused, "{rule} of {written}");
    }
    for (rule, written, currency, made) in [
        (r#"{"from": "p", "decimal": "."}"#, "\"25.000\"", Currency::VND, "25"),
        (r#"{"from": "p", "decimal": ",", "thousands": "."}"#, "\"25.000\"", Currency::VND, "25000"),
        (r#"{"from": "p", "thousands": ","}"#, "\"25,000\"", Currency::VND, "25000"),
        // Three decimals are right where the currency has them, and so is what cannot be thousands.
        ("\"p\"", "\"1.250\"", Currency::KWD, "1.250"),
        ("\"p\"", "\"0.500\"", Currency::USD, "0.50"),
        ("\"p\"", "\"1250.500\"", Currency::USD, "1250.50"),
        ("\"p\"", "\"+25\"", Currency::VND, "25"),
        (r#"{"from": "p", "decimal": ",", "thousands": "."}"#, "\"+25.000\"", Currency::VND, "25000"),
        // A JSON number is a JSON number.
        ("\"p\"", "25.000", Currency::VND, "25"),
    ] {
        assert_eq!(amount(rule, written, currency), Ok(made.to_owned()), "{rule} of {written}");
    }
}

/// A group of thousands that begins with 0 is none.
#[test]
fn half_a_dong_is_never_five_hundred() {
    let misplaced = Err("has a sign for thousands where none belongs".to_owned());
    for written in ["0.500", "025.000", "-0.500", "+0.500", "00.500"] {
        let german = r#"{"from": "p", "decimal": ",", "thousands": "."}"#;
        assert_eq!(amount(german, &format!("\"{written}\""), Currency::USD), misplaced, "{written}");
    }
    let french = r#"{"from": "p", "decimal": ",", "thousands": " "}"#;
    assert_eq!(amount(french, "\"0,50\"", Currency::EUR), Ok("0.50".to_owned()));
}

/// A file's percentage is shown with its sign, and is neither an amount nor a number of pieces.
#[test]
fn a_percentage_is_neither_an_amount_nor_pieces() {
    let said = "is not a number: '%' is in the way (see strip, decimal and thousands)".to_owned();
    assert_eq!(amount("\"p\"", "\"10%\"", Currency::VND), Err(said.clone()));
    assert_eq!(level("\"q\"", "\"7.5%\""), Err(said));
    assert_eq!(level(r#"{"from": "q", "strip": "%"}"#, "\"10%\""), Ok(10));
}

/// E8
#[test]
fn keys_that_a_spreadsheet_made_are_defects() {
    let sku = |rule: &str, code: &str| {
        let rules = format!(r#"{{"product_sku": {rule}, "product_name": "n", "product_price": "p"}}"#);
        let rules = Rules::parse(&rules).expect("right rules");
        let record = source(&format!(r#"{{"c": {code}, "n": "x", "p": 1}}"#));
        let made = rules.of(Entity::Products, Currency::VND).apply(&record);
        made.map(|(made, _)| {
            serde_json::to_value(made).expect("JSON")["sku"].as_str().expect("text").to_owned()
        })
        .map_err(|defect| defect.cause())
    };
    for code in [
        "\"8.93462E+12\"",
        "8.93462e+12",
        "\"9E+12\"",
        "\"100045.0\"",
        "100045.0",
        // In countries of the comma, and as other programs write it.
        "\"8,93462E+12\"",
        "\"8.93462E12\"",
        "\"8,93462e12\"",
        "\"100045.00\"",
        "\"100045,0\"",
        "\" 100045,000 \"",
        "\"1.2345678E7\"",
        "9E12",
        "1e5",
    ] {
        let cause = sku("\"c\"", code).expect_err(code);
        assert!(cause.starts_with("product_sku is a number that a spreadsheet made of a key"), "{cause}");
        let exact = sku(r#"{"from": "c", "exact": true}"#, code);
        let signs = code.trim_matches('"').trim();
        assert_eq!(exact.as_deref(), Ok(signs));
        // A part of a key is one, too, and what is joined to it does not hide it.
        let joined = r#"{"from": ["c", "n"], "join": "-"}"#;
        assert_eq!(sku(joined, code), Err(cause), "{code}");
        let exact = sku(&joined.replace("}", r#", "exact": true}"#), code);
        assert_eq!(exact, Ok(format!("{signs}-x")));
    }
    assert_eq!(sku(r#"{"from": ["c", "n"], "join": "-"}"#, "\"A-1\"").as_deref(), Ok("A-1-x"));
    for code in
        ["\"1E5\"", "\"0017\"", "\"90.750\"", "\"TUBE-3/4\"", "\"E+12\"", "\"12.0.0\"", "100045", "\"1.5E3\""]
    {
        assert_eq!(sku("\"c\"", code).as_deref(), Ok(code.trim_matches('"')));
    }
}

const MINUTES: &str = "%d/%m/%Y %H:%M";

/// The moment of an order that is made by one rule; what is wrong with it comes without the field's name.
fn ordered(rule: &str, at: &str) -> Result<String, String> {
    let rules = format!(
        r#"{{"order_external_id": "n", "order_status": "n", "order_total": "p", "order_ordered_at": {rule}}}"#
    );
    let rules = Rules::parse(&rules).expect("right rules");
    let record = source(&format!(r#"{{"n": "x", "p": 1, "at": "{at}"}}"#));
    match rules.of(Entity::Orders, Currency::VND).apply(&record) {
        Ok((Record::Order(order), _)) => Ok(order.ordered_at.expect("a moment").to_string()),
        Ok(_) => panic!("another entity"),
        Err(defect) => Err(defect.cause().trim_start_matches("order_ordered_at ").to_owned()),
    }
}

fn in_zone(format: &str, zone: &str) -> String {
    format!(r#"{{"from": "at", "format": "{format}", "zone": "{zone}"}}"#)
}

/// E15
#[test]
fn a_time_without_a_zone_is_read_in_the_declared_one() {
    for (rule, at, made) in [
        (in_zone(MINUTES, "Asia/Ho_Chi_Minh"), "24/11/2026 06:30", Ok("2026-11-23T23:30:00Z")),
        (in_zone(MINUTES, "+07:00"), "24/11/2026 06:30", Ok("2026-11-23T23:30:00Z")),
        (
            r#"{"from": "at", "zone": "Asia/Ho_Chi_Minh"}"#.to_owned(),
            "2026-11-24T06:30",
            Ok("2026-11-23T23:30:00Z"),
        ),
        (
            r#"{"from": "at", "zone": "Asia/Ho_Chi_Minh"}"#.to_owned(),
            "2026-11-24 06:30:00",
            Ok("2026-11-23T23:30:00Z"),
        ),
        (in_zone("%d/%m/%Y", "Asia/Ho_Chi_Minh"), "24/11/2026", Ok("2026-11-23T17:00:00Z")),
        // A time that names its zone is read in that zone, whatever the rule says.
        (
            r#"{"from": "at", "zone": "Asia/Ho_Chi_Minh"}"#.to_owned(),
            "2026-11-24T06:30:00Z",
            Ok("2026-11-24T06:30:00Z"),
        ),
        (
            r#"{"from": "at", "format": "%d/%m/%Y %H:%M %z"}"#.to_owned(),
            "24/11/2026 06:30 +0700",
            Ok("2026-11-23T23:30:00Z"),
        ),
        (
            r#"{"from": "at", "format": "%d/%m/%Y %H:%M %Q"}"#.to_owned(),
            "24/11/2026 06:30 Asia/Ho_Chi_Minh",
            Ok("2026-11-23T23:30:00Z"),
        ),
        (
            r#"{"from": "at", "zone": "Asia/Ho_Chi_Minh"}"#.to_owned(),
            "2026-11-24T06:30[Europe/Berlin]",
            Ok("2026-11-24T05:30:00Z"),
        ),
        (
            r#"{"from": "at", "format": "%d/%m/%Y %H:%M %z %Q"}"#.to_owned(),
            "25/10/2026 02:30 +0100 Europe/Berlin",
            Ok("2026-10-25T01:30:00Z"),
        ),
        // A day has no zone that could be wrong by more than hours.
        ("\"at\"".to_owned(), "2026-11-24", Ok("2026-11-24T00:00:00Z")),
        (r#"{"from": "at", "format": "%d/%m/%Y"}"#.to_owned(), "24/11/2026", Ok("2026-11-24T00:00:00Z")),
    ] {
        assert_eq!(
            ordered(&rule, at),
            made.map(str::to_owned).map_err(|said: &str| said.to_owned()),
            "{rule} of {at}"
        );
    }
}

/// E15
#[test]
fn a_time_that_nobody_can_place_is_a_defect() {
    let no_zone = Err("has no zone: say it in the rule (zone)".to_owned());
    let twice_or_never =
        Err("is a time that its zone has twice, or never: export it with its offset".to_owned());
    assert_eq!(ordered(&format!(r#"{{"from": "at", "format": "{MINUTES}"}}"#), "24/11/2026 06:30"), no_zone);
    assert_eq!(ordered("\"at\"", "2026-11-24 06:30:00"), no_zone);
    assert_eq!(ordered(&in_zone(MINUTES, "Europe/Berlin"), "25/10/2026 02:30"), twice_or_never);
    assert_eq!(ordered(&in_zone(MINUTES, "Europe/Berlin"), "29/03/2026 02:30"), twice_or_never);
    // A zone in the text is as strict as one in the rule.
    let named = r#"{"from": "at", "format": "%d/%m/%Y %H:%M %Q"}"#;
    for never in ["25/10/2026 02:30 Europe/Berlin", "29/03/2026 02:30 Europe/Berlin"] {
        assert_eq!(ordered(named, never), twice_or_never, "{never}");
    }
    for (rule, at, said) in [
        (named, "24/11/2026 06:30 Europe/Atlantis", "names a zone that cannot be used"),
        (
            r#"{"from": "at", "format": "%d/%m/%Y %H:%M %z %Q"}"#,
            "25/10/2026 02:30 +0700 Europe/Berlin",
            "names an offset that its zone does not have at that time",
        ),
        ("\"at\"", "2026-10-25T02:30[Europe/Berlin]", "is a time that its zone has twice, or never"),
        // The first day of all, which programs write where nobody said one.
        ("\"at\"", "0001-01-01T00:00:00Z", "is before the year 1000"),
        ("\"at\"", "0001-01-01", "is before the year 1000"),
        ("\"at\"", "-002026-11-24", "is before the year 1000"),
        ("\"at\"", "2026-11-24T06:30+07:00[Europe/Berlin]", "is a time that its zone has twice, or never"),
    ] {
        assert!(ordered(rule, at).is_err_and(|words| words.starts_with(said)), "{at}");
    }
    assert_eq!(
        ordered(&in_zone(MINUTES, "Europe/Berlin"), "25/10/2026 03:30"),
        Ok("2026-10-25T02:30:00Z".to_owned())
    );
}

#[test]
fn keys_of_rules_that_make_no_sense_are_named_with_the_fix() {
    let with = |rule: &str| {
        let rules = format!(r#"{{"product_sku": "a", "product_name": "b", "product_price": {rule}}}"#);
        let mistake = mistakes(&rules).into_iter().next().expect("one");
        (mistake.problem, mistake.fix)
    };
    for (rule, problem, fix) in [
        (
            r#"{"from": "p", "grouping": "indian"}"#,
            "says how digits are grouped, and not by which sign",
            "thousands",
        ),
        (r#"{"from": "p", "thousands": ",", "grouping": "lakh"}"#, "grouping: is not known", "indian"),
        (r#"{"from": "p", "round": "up"}"#, "round: is neither true nor \"down\"", "half up"),
        (r#"{"from": "p", "strip": ["25"]}"#, "strip: is not a list of words without digits", "VND"),
        (r#"{"from": "p", "strip": []}"#, "strip: is not a list of words without digits", "VND"),
        (r#"{"from": "p", "strip": ["VND", "-"]}"#, "strip: drops the sign of a number", "by themselves"),
        (r#"{"from": "p", "strip": "("}"#, "strip: drops the sign of a number", "by themselves"),
        (r#"{"from": "p", "min": "none"}"#, "min: is no number", "0"),
        (
            r#"{"from": "p", "zone": "Asia/Ho_Chi_Minh"}"#,
            "has a zone, and the field is no date",
            "remove zone",
        ),
        (r#"{"from": "p", "exact": true}"#, "takes a key as it is, and the field is none", "remove exact"),
        (r#"{"from": "p", "facter": 2}"#, "facter: is not a key of rules", "did you mean 'factor'?"),
        (r#"{"from": "p", "min": 1, "min": 2}"#, "min: is given twice", "keep one"),
        (r#"{"from": "p", "lookup": {"a": 1, "a": 2}}"#, "lookup: has a value of the ERP twice", "keep one"),
    ] {
        let (said, said_fix) = with(rule);
        assert_eq!(said, problem, "{rule}");
        assert!(said_fix.contains(fix), "{rule}: {said_fix}");
    }
    let zone = r#"{"order_external_id": "n", "order_status": "n", "order_total": "p", "order_ordered_at": {"from": "a", "zone": "Saigon"}}"#;
    assert_eq!(mistakes(zone)[0].what(), "order_ordered_at zone: is not a time zone (byte 110)");
    assert_eq!(mistakes(r#"{"produkt_sku": "a"}"#)[0].fix, "did you mean 'product_sku'?");
}
