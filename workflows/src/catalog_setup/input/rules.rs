//! The pricing rules of a file. All of them must be right: one that is not could discount everything.

use std::collections::BTreeMap;

use contracts::catalog::{Discount, Given, Rule};
use contracts::money::Currency;
use contracts::number;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::{RULES_MAX, all_right};
use crate::input::parsed::at_most;
use crate::input::people::{words, yes_or_no};
use crate::input::{Fields, Refusal, count, digits, money, refuse, text, title};

/// Reads the list; `None` when something is wrong with it.
pub(super) fn read(fields: &Fields<'_>, currency: Currency, zone: &TimeZone) -> Option<Vec<Rule>> {
    let read = fields.rows("pricing_rules", "name", |row, fields| one(row, fields, currency, zone));
    let rules = all_right(fields, read)?;
    if rules.len() > RULES_MAX {
        let problem = format!("has {} entries", rules.len());
        fields.problem("pricing_rules", problem, format!("send at most {RULES_MAX}"));
    }
    let mut rows: BTreeMap<&str, u32> = BTreeMap::new();
    for rule in &rules {
        if let Some(first) = rows.insert(&rule.name, rule.row) {
            let field = format!("pricing_rules[{}].name", rule.row - 1);
            fields.problem(&field, format!("is that of row {first}"), "keep one of them, or rename one");
        }
    }
    Some(rules)
}

/// The conditions of a rule.
#[derive(Default)]
struct Conditions {
    category_names: Vec<String>,
    category_ids: Vec<String>,
    applies_to_all: bool,
    min_quantity: Option<u32>,
}

fn one(row: u32, fields: &Fields<'_>, currency: Currency, zone: &TimeZone) -> Option<Rule> {
    let name = fields.required("name", title(255));
    let discount = match fields.required("type", kind) {
        Some(Type::Percentage) => fields.required("value", percentage),
        Some(Type::Fixed) => fields.required("value", fixed(currency)),
        None => {
            fields.pass_over("value");
            None
        }
    };
    if !fields.says("conditions") {
        fields.problem(
            "conditions",
            "are missing: the rule would take something off every product",
            NO_CATEGORY,
        );
    }
    let conditions = fields.maybe_nested("conditions", conditions);
    let from = fields.optional("start_date", |value| moment(value, zone, Edge::Begins));
    let until = fields.given("end_date", |value| moment(value, zone, Edge::Ends));
    if let (Some(from), Given::Value(until)) = (from, &until)
        && *until <= from
    {
        fields.problem("end_date", "is before start_date", "exchange them, or correct one");
    }
    let priority = fields.optional("priority", at_most(1_000_000));
    let is_active = fields.optional("is_active", yes_or_no);
    let Conditions { category_names, category_ids, applies_to_all, min_quantity } =
        conditions.unwrap_or_default();
    Some(Rule {
        row,
        name: name?,
        discount: discount?,
        category_names,
        category_ids,
        applies_to_all,
        min_quantity,
        from,
        until,
        priority,
        is_active,
    })
}

const NO_CATEGORY: &str =
    "name its categories, such as \"category_names\": [\"Laptops\"], or write \"applies_to_all\": true";

fn conditions(fields: &Fields<'_>) -> Option<Conditions> {
    let names = fields.optional("category_names", words(200, 1_000));
    let ids = fields.optional("category_ids", words(200, 255));
    let min_quantity = fields.optional("min_quantity", count(1_000_000));
    let applies_to_all = fields.optional("applies_to_all", yes_or_no).unwrap_or(false);
    let is_empty = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    match (is_empty(&names) && is_empty(&ids), applies_to_all) {
        (true, false) => {
            let field = if names.is_some() && ids.is_none() { "category_names" } else { "category_ids" };
            let state = if names.is_none() && ids.is_none() { "is missing" } else { "is empty" };
            fields.problem(
                field,
                format!("{state}: the rule would take something off every product"),
                NO_CATEGORY,
            );
        }
        (false, true) => fields.problem("applies_to_all", "is true beside categories", "keep one of them"),
        _ => {}
    }
    let (category_names, category_ids) = (names.unwrap_or_default(), ids.unwrap_or_default());
    Some(Conditions { category_names, category_ids, applies_to_all, min_quantity })
}

enum Type {
    Percentage,
    Fixed,
}

fn kind(value: &RawValue) -> Result<Type, Refusal> {
    match text(40)(value)?.as_str() {
        "percentage" => Ok(Type::Percentage),
        "fixed" | "fixed_amount" => Ok(Type::Fixed),
        _ => refuse("is not known", "write percentage or fixed"),
    }
}

/// `10`, `"10%"`, `7.5`; a share of one is not a percentage.
fn percentage(value: &RawValue) -> Result<Discount, Refusal> {
    let written: Option<String> = serde_json::from_str(value.get()).ok();
    let with_sign = written.as_deref().and_then(|text| text.trim().strip_suffix('%'));
    let percent = match with_sign {
        Some(number) => {
            number::decimal(&::text::number(number)).or_else(|_| refuse("is not a percentage", TEN))?
        }
        None => digits(value)?,
    };
    let percent = percent.normalize();
    if percent <= Decimal::ZERO {
        refuse(format!("is {percent}"), "a rule takes something off: write a number above 0")
    } else if percent > Decimal::ONE_HUNDRED {
        refuse(format!("is {percent}"), "at most 100 percent can be taken off")
    } else if percent < Decimal::ONE && with_sign.is_none() {
        refuse(format!("is {percent}"), TEN)
    } else {
        Ok(Discount::Percentage { percent: percent.to_string() })
    }
}

const TEN: &str = "10 percent is written 10, a tenth of a percent \"0.1%\"";

fn fixed(currency: Currency) -> impl Fn(&RawValue) -> Result<Discount, Refusal> {
    move |value| {
        let amount = money(currency)(value)?;
        match amount.minor_units() {
            0 => refuse("is 0", "a rule takes something off: write an amount above 0"),
            _ => Ok(Discount::Fixed { amount }),
        }
    }
}

/// Which edge of a day is meant.
#[derive(Clone, Copy)]
enum Edge {
    Begins,
    Ends,
}

/// A day is the whole day in the shop's zone, the last one included; a time with an offset is meant as it is written.
fn moment(value: &RawValue, zone: &TimeZone, edge: Edge) -> Result<Timestamp, Refusal> {
    let written = text(40)(value)?;
    if let Some(moment) = text::moment(&written) {
        return moment;
    }
    let day: Option<Date> = written.parse().ok().filter(|_| !written.contains([':', 'T', 't', ' ']));
    let day = day.and_then(|day| match edge {
        Edge::Begins => Some(day),
        Edge::Ends => day.checked_add(1.day()).ok(),
    });
    let begins = day.and_then(|day| day.to_zoned(zone.clone()).ok());
    begins.map_or_else(
        || {
            refuse(
                "is neither a day nor a time with its offset",
                "write \"2026-12-31\" or \"2026-12-31T12:00:00+07:00\"",
            )
        },
        |begins| Ok(begins.timestamp()),
    )
}
