use contracts::catalog::{Discount, Given};
use serde_json::{Value, json};

use super::*;

fn rule(fields: &Value) -> Result<Rule, Vec<String>> {
    let mut rule =
        json!({ "name": "R", "type": "percentage", "value": 10, "conditions": { "applies_to_all": true } });
    for (name, value) in fields.as_object().into_iter().flatten() {
        rule[name] = value.clone();
    }
    with("pricing_rules", &json!([rule])).map(|data| data.rules[0].clone())
}

/// C7
#[test]
fn a_percentage_is_written_as_people_say_it() {
    for (value, percent) in [
        (json!(10), "10"),
        (json!(7.5), "7.5"),
        (json!("10%"), "10"),
        (json!("0.1%"), "0.1"),
        (json!("7.50"), "7.5"),
    ] {
        let wanted = Discount::Percentage { percent: percent.to_owned() };
        assert_eq!(rule(&json!({ "value": value })).map(|rule| rule.discount), Ok(wanted), "{value}");
    }
    for (value, said) in [
        (
            json!(0.1),
            "pricing_rules[0].value is 0.1 (fix: 10 percent is written 10, a tenth of a percent \"0.1%\")",
        ),
        (
            json!("1_0%"),
            "pricing_rules[0].value is not a percentage (fix: 10 percent is written 10, a tenth of a percent \"0.1%\")",
        ),
        (json!(1000), "pricing_rules[0].value is 1000 (fix: at most 100 percent can be taken off)"),
        (json!(0), "pricing_rules[0].value is 0 (fix: a rule takes something off: write a number above 0)"),
        (json!(-5), "pricing_rules[0].value is -5 (fix: a rule takes something off: write a number above 0)"),
    ] {
        assert_eq!(rule(&json!({ "value": value })).expect_err("refused"), [said]);
    }
    let fixed = rule(&json!({ "type": "fixed", "value": 0 })).expect_err("refused");
    assert!(fixed[0].starts_with("pricing_rules[0].value is 0 (fix"), "{fixed:?}");
}

/// C8
#[test]
fn a_day_is_the_whole_day_in_the_shops_zone() {
    let at = |text: &str| text.parse().expect("a moment");
    let december = rule(&json!({ "start_date": "2026-12-01", "end_date": "2026-12-31" })).expect("right");
    assert_eq!(december.from, Some(at("2026-11-30T17:00:00Z")));
    assert_eq!(december.until, Given::Value(at("2026-12-31T17:00:00Z")));
    let january = rule(&json!({ "start_date": "2027-01-01" })).expect("right");
    assert_eq!(january.from.map(Given::Value), Some(december.until), "at no moment both, or neither");
    let timed = rule(&json!({ "end_date": "2026-12-31T12:00:00+07:00" })).expect("right");
    assert_eq!(timed.until, Given::Value(at("2026-12-31T05:00:00Z")));
    let named = rule(&json!({ "end_date": "2026-12-31T12:00[Asia/Ho_Chi_Minh]" })).expect("right");
    assert_eq!(named.until, timed.until);
    let another = rule(&json!({ "end_date": "2026-12-31T12:00+07:00[Europe/Berlin]" })).expect_err("refused");
    assert!(another[0].contains("not with that offset"), "{another:?}");
    let one_day = rule(&json!({ "start_date": "2026-12-01", "end_date": "2026-12-01" }));
    assert!(one_day.is_ok(), "{one_day:?}");

    let backwards =
        rule(&json!({ "start_date": "2026-12-02", "end_date": "2026-12-01" })).expect_err("refused");
    assert!(backwards[0].starts_with("pricing_rules[0].end_date is before start_date"), "{backwards:?}");
    for no_day in ["31.12.2026", "2026-12-31 12:00", "2026-13-01"] {
        let said = rule(&json!({ "end_date": no_day })).expect_err("refused");
        assert!(said[0].contains("is neither a day nor a time with its offset"), "{said:?}");
    }
    let zone = check(&json!({ "catalog_id": "a", "time_zone": "Hanoi" })).expect_err("refused");
    assert!(zone[0].starts_with("time_zone is not a time zone"), "{zone:?}");
}

#[test]
fn a_rule_says_what_it_holds_for() {
    for (conditions, said) in [
        (json!({ "min_quantity": 2 }), "pricing_rules[0].conditions.category_ids is missing"),
        (json!({ "category_names": [] }), "pricing_rules[0].conditions.category_names is empty"),
        (json!(null), "pricing_rules[0].conditions are missing"),
        (
            json!({ "category_names": ["A"], "applies_to_all": true }),
            "pricing_rules[0].conditions.applies_to_all is true",
        ),
    ] {
        let problems = rule(&json!({ "conditions": conditions })).expect_err("refused");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(said), "{problems:?}");
    }
    let one =
        json!({ "name": "R", "type": "percentage", "value": 10, "conditions": { "applies_to_all": true } });
    let twice = problems("pricing_rules", &json!([one, one]));
    assert_eq!(twice, ["pricing_rules[1].name is that of row 1 (fix: keep one of them, or rename one)"]);
}
