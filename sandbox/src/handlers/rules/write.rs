//! Rules made, changed, switched on and off, and deleted.

use std::num::NonZeroU32;

use jiff::Timestamp;
use rusqlite::params;
use serde::Deserialize;
use serde_json::json;

use super::fields::{Conditions, Discount, Kind, actions, check_window};
use super::read::{Rule, existing};
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Short, Text};
use crate::call::Call;
use crate::handlers::columns::{self, Table, given};
use crate::money::Amount;
use crate::paging;
use crate::shop::Shop;

const TABLE: Table = Table { name: "pricing_rules", id: "rule_id" };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Short<255>,
    description: Option<String>,
    rule_type: Kind,
    discount_type: Kind,
    discount_value: Amount,
    conditions: Text,
    actions: Option<Text>,
    #[serde(default)]
    priority: i32,
    start_date: Option<Timestamp>,
    end_date: Option<Timestamp>,
    usage_limit: Option<NonZeroU32>,
    #[serde(default = "yes")]
    is_active: bool,
}

fn yes() -> bool {
    true
}

/// Absent fields stay; a null takes an optional one away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    name: Option<Short<255>>,
    #[serde(default, deserialize_with = "body::present")]
    description: Option<Option<String>>,
    rule_type: Option<Kind>,
    discount_type: Option<Kind>,
    discount_value: Option<Amount>,
    conditions: Option<Text>,
    #[serde(default, deserialize_with = "body::present")]
    actions: Option<Option<Text>>,
    priority: Option<i32>,
    #[serde(default, deserialize_with = "body::present")]
    start_date: Option<Option<Timestamp>>,
    #[serde(default, deserialize_with = "body::present")]
    end_date: Option<Option<Timestamp>>,
    #[serde(default, deserialize_with = "body::present")]
    usage_limit: Option<Option<NonZeroU32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    #[serde(rename = "isActive")]
    is_active: bool,
}

fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_millisecond)
}

fn must_be_one_kind(rule: Kind, discount: Kind) -> Result<(), Refusal> {
    if rule == discount {
        return Ok(());
    }
    Err(Refusal::invalid("discount_type", format!("must be {}, as rule_type is", rule.name())))
}

/// 409 `RULE_NAME_TAKEN`.
fn must_be_free(shop: &Shop<'_>, name: &str, own: Option<&str>) -> Result<(), Stop> {
    let taken = shop.find(
        "SELECT rule_id FROM pricing_rules WHERE name = ?1 AND rule_id IS NOT ?2",
        [Some(name), own],
        |row| row.get::<_, String>(0),
    )?;
    let Some(rule_id) = taken else { return Ok(()) };
    let refusal = Refusal::new(409, "RULE_NAME_TAKEN", format!("there is a pricing rule {name} already"));
    Err(refusal.with_details(json!({ "rule_id": rule_id })).into())
}

pub(crate) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    must_be_one_kind(request.rule_type, request.discount_type)?;
    let discount = Discount::read(&request.discount_value, request.rule_type)?;
    let conditions = Conditions::read(shop, &request.conditions, request.rule_type)?;
    let (start, end) = (millis(request.start_date), millis(request.end_date));
    check_window(start, end)?;
    must_be_free(shop, &request.name, None)?;
    let rule_id = shop.next_id("rule")?;
    shop.run(
        "INSERT INTO pricing_rules (rule_id, name, description, rule_type, discount_value, conditions, actions,
                                    priority, start_date, end_date, usage_limit, is_active,
                                    idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14, ?14)",
        params![
            rule_id,
            &*request.name,
            request.description,
            request.rule_type.name(),
            discount.0,
            serde_json::to_string(&conditions)?,
            actions(request.actions.as_ref())?,
            request.priority,
            start,
            end,
            request.usage_limit.map(NonZeroU32::get),
            request.is_active,
            call.key,
            shop.now,
        ],
    )?;
    let answer = Answer::success(201, &existing(shop, &rule_id)?)?;
    Ok(answer.with_effect(format!("created pricing rule {}", &*request.name)))
}

pub(crate) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let rule_id = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    let before = existing(shop, rule_id)?;
    let changed = change(shop, &request, &before)?;
    if changed.is_empty() {
        return Answer::success(200, &before);
    }
    columns::stamp(shop, TABLE, rule_id, call)?;
    let answer = Answer::success(200, &existing(shop, rule_id)?)?;
    Ok(answer.with_effect(format!("changed {} of pricing rule {}", changed.join(", "), before.name)))
}

fn change(shop: &Shop<'_>, request: &Update, before: &Rule) -> Result<Vec<&'static str>, Stop> {
    let known = Kind::from_name(&before.rule_type).unwrap_or(Kind::Percentage);
    let kind = request.rule_type.unwrap_or(known);
    must_be_one_kind(kind, request.discount_type.unwrap_or(kind))?;
    if kind != known && (request.discount_value.is_none() || request.conditions.is_none()) {
        let message = "another kind needs discount_value and conditions";
        return Err(Refusal::invalid("rule_type", message).into());
    }
    let discount = request.discount_value.as_ref().map(|value| Discount::read(value, kind)).transpose()?;
    let conditions = match &request.conditions {
        Some(text) => Some(serde_json::to_string(&Conditions::read(shop, text, kind)?)?),
        None => None,
    };
    let actions = request.actions.as_ref().map(|text| actions(text.as_ref())).transpose()?;
    let (start, end) = (request.start_date.map(millis), request.end_date.map(millis));
    check_window(start.unwrap_or(before.starts), end.unwrap_or(before.ends))?;
    let name = request.name.as_deref();
    if let Some(name) = name {
        must_be_free(shop, name, Some(&before.rule_id))?;
    }
    let (kind, discount) = (Some(kind.name()), discount.map(|discount| discount.0));
    let limit = request.usage_limit.map(|limit| limit.map(NonZeroU32::get));
    let columns = [
        ("name", "name", given(&name)),
        ("description", "description", given(&request.description)),
        ("rule_type", "rule_type", given(&kind)),
        ("discount_value", "discount_value", given(&discount)),
        ("conditions", "conditions", given(&conditions)),
        ("actions", "actions", given(&actions)),
        ("priority", "priority", given(&request.priority)),
        ("start_date", "start_date", given(&start)),
        ("end_date", "end_date", given(&end)),
        ("usage_limit", "usage_limit", given(&limit)),
    ];
    Ok(columns::set(shop, TABLE, &before.rule_id, &columns)?)
}

pub(crate) fn set_status(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let rule_id = call.path_id()?;
    let Switch { is_active } = body::parse(&call.body)?;
    let before = existing(shop, rule_id)?;
    let is_active = Some(is_active);
    let column = ("isActive", "is_active", given(&is_active));
    if columns::set(shop, TABLE, rule_id, &[column])?.is_empty() {
        return Answer::success(200, &before);
    }
    columns::stamp(shop, TABLE, rule_id, call)?;
    let answer = Answer::success(200, &existing(shop, rule_id)?)?;
    let word = if is_active == Some(true) { "on" } else { "off" };
    Ok(answer.with_effect(format!("switched pricing rule {} {word}", before.name)))
}

pub(crate) fn delete(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    let rule_id = call.path_id()?;
    let rule = existing(shop, rule_id)?;
    shop.run("DELETE FROM pricing_rules WHERE rule_id = ?1", [rule_id])?;
    Ok(Answer::gone().with_effect(format!("deleted pricing rule {}", rule.name)))
}
