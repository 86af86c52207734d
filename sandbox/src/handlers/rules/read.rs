//! Rules as they are.

use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::{Discount, Kind};
use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::clock;
use crate::paging;
use crate::shop::Shop;

/// The rules of a page, unless the caller says otherwise.
const PAGE_SIZE: u32 = 20;

/// A rule; `conditions` and `actions` are JSON texts, as the platform's own callers write them.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    id: String,
    pub(super) rule_id: String,
    pub(super) name: String,
    description: Option<String>,
    pub(super) rule_type: String,
    discount_type: String,
    discount_value: Option<Box<RawValue>>,
    conditions: String,
    actions: Option<String>,
    priority: i64,
    start_date: Option<String>,
    end_date: Option<String>,
    usage_limit: Option<i64>,
    usage_count: i64,
    is_active: bool,
    created_at: String,
    updated_at: String,
    #[serde(skip)]
    pub(super) starts: Option<i64>,
    #[serde(skip)]
    pub(super) ends: Option<i64>,
}

const SELECT: &str =
    "SELECT rule_id, name, description, rule_type, discount_value, conditions, actions, priority,
                             start_date, end_date, usage_limit, usage_count, is_active, created_at, updated_at
                      FROM pricing_rules";

fn rule(row: &Row<'_>) -> rusqlite::Result<Rule> {
    let (rule_id, rule_type): (String, String) = (row.get(0)?, row.get(3)?);
    let (starts, ends): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(9)?);
    Ok(Rule {
        id: rule_id.clone(),
        rule_id,
        name: row.get(1)?,
        description: row.get(2)?,
        discount_type: rule_type.clone(),
        rule_type,
        discount_value: RawValue::from_string(Discount(row.get(4)?).text()).ok(),
        conditions: row.get(5)?,
        actions: row.get(6)?,
        priority: row.get(7)?,
        start_date: starts.map(clock::text),
        end_date: ends.map(clock::text),
        usage_limit: row.get(10)?,
        usage_count: row.get(11)?,
        is_active: row.get(12)?,
        created_at: clock::text(row.get(13)?),
        updated_at: clock::text(row.get(14)?),
        starts,
        ends,
    })
}

fn find_by(shop: &Shop<'_>, column: &str, value: &str) -> Result<Rule, Stop> {
    let found = shop.find(&format!("{SELECT} WHERE {column} = ?1"), [value], rule)?;
    let unknown = || Refusal::new(404, "RULE_NOT_FOUND", format!("there is no pricing rule {value}"));
    found.ok_or_else(|| unknown().into())
}

pub(super) fn existing(shop: &Shop<'_>, rule_id: &str) -> Result<Rule, Stop> {
    find_by(shop, "rule_id", rule_id)
}

pub(crate) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    Answer::success(200, &existing(shop, call.path_id()?)?)
}

pub(crate) fn by_name(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &[])?;
    Answer::success(200, &find_by(shop, "name", call.path_id()?)?)
}

/// A page in the order of creation; `active` are those that are switched on and whose window is open now.
pub(crate) fn list(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &["active", "ruleType", "page", "pageSize"])?;
    let page = paging::Numbered::read(&call.query, PAGE_SIZE)?;
    let active = match call.query.get("active").map(String::as_str) {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Refusal::invalid("active", "must be true or false").into()),
    };
    let kind = call.query.get("ruleType").map(String::as_str);
    if kind.is_some_and(|kind| Kind::from_name(kind).is_none()) {
        return Err(Refusal::invalid("ruleType", "must be percentage, fixed or buy_x_get_y").into());
    }
    let filter = "(?1 IS NULL OR ?1 = (is_active AND coalesce(start_date, ?3) <= ?3
                                       AND coalesce(end_date, ?3 + 1) > ?3))
                  AND (?2 IS NULL OR rule_type = ?2)";
    let total = shop.number(
        &format!("SELECT count(*) FROM pricing_rules WHERE {filter}"),
        params![active, kind, shop.now],
    )?;
    let found = shop.list(
        &format!("{SELECT} WHERE {filter} ORDER BY id LIMIT ?4 OFFSET ?5"),
        params![active, kind, shop.now, page.size, page.offset()],
        rule,
    )?;
    Answer::page(&found, page, total)
}
