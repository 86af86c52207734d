//! The loyalty programme: accounts with welcome points, which can be taken back.

use rusqlite::{Params, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::customers::existing;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::operation::Operation;
use crate::shop::Shop;

const TIERS: [&str; 4] = ["bronze", "silver", "gold", "platinum"];
const POINTS_MAX: u32 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    customer_id: Text,
    tier: Text,
    welcome_bonus_points: u32,
}

/// An undo: of what was given to the customer under the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UndoByKey {
    pub(super) customer_id: Text,
    pub(super) idempotency_key: Text,
    pub(super) reason: Option<String>,
}

/// A loyalty account, as one grant of points made it.
#[derive(Debug, Serialize)]
struct Account {
    account_id: String,
    customer_id: String,
    tier: String,
    points: i64,
    reversed: bool,
    idempotency_key: Option<String>,
}

fn select(shop: &Shop<'_>, condition: &str, params: impl Params) -> rusqlite::Result<Vec<Account>> {
    let sql = format!(
        "SELECT grant_id, customer_id, tier, points,
                EXISTS (SELECT 1 FROM reversals WHERE reversals.grant_id = grants.grant_id), idempotency_key
         FROM grants WHERE {condition} ORDER BY id"
    );
    shop.list(&sql, params, |row| {
        Ok(Account {
            account_id: row.get(0)?,
            customer_id: row.get(1)?,
            tier: row.get(2)?,
            points: row.get(3)?,
            reversed: row.get(4)?,
            idempotency_key: row.get(5)?,
        })
    })
}

/// Opens an account with its points. There is one per customer, unless keys mean nothing and every request has its
/// effect.
pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Create { customer_id, tier, welcome_bonus_points } = body::parse(&call.body)?;
    if !TIERS.contains(&&*tier) {
        return Err(Refusal::invalid("tier", format!("must be one of {}", TIERS.join(", "))).into());
    }
    if welcome_bonus_points > POINTS_MAX {
        return Err(Refusal::invalid("welcome_bonus_points", format!("must be at most {POINTS_MAX}")).into());
    }
    existing(shop, &customer_id)?;
    let standing = select(shop, "customer_id = ?1", [&*customer_id])?.iter().any(|account| !account.reversed);
    if standing && shop.switches.keys_count() {
        let message = format!("{} has a loyalty account", &*customer_id);
        return Err(Refusal::new(409, "LOYALTY_ACCOUNT_EXISTS", message).into());
    }
    let grant_id = shop.next_id("loy")?;
    shop.run(
        "INSERT INTO grants (grant_id, customer_id, idempotency_key, tier, points, time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![grant_id, &*customer_id, call.key, &*tier, welcome_bonus_points, shop.now],
    )?;
    let account = select(shop, "grant_id = ?1", [&grant_id])?.pop();
    let answer = Answer::success(201, &account)?;
    Ok(answer.with_effect(format!("gave {welcome_bonus_points} points as {grant_id}")))
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let accounts = match call.lookup(&["idempotency_key", "customer_id"])? {
        ("customer_id", customer) => select(shop, "customer_id = ?1", [customer])?,
        (_, key) => select(shop, "idempotency_key = ?1", [key])?,
    };
    Answer::list(&accounts)
}

/// Takes back the points given under a key and bars it, found or not.
pub(super) fn reverse(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: UndoByKey = body::parse(&call.body)?;
    let accounts = select(
        shop,
        "idempotency_key = ?1 AND customer_id = ?2",
        [&*request.idempotency_key, &*request.customer_id],
    )?;
    let barred = shop.switches.keys_barred();
    if barred {
        shop.bar(Operation::LoyaltyCreate, &request.idempotency_key, "")?;
    }
    let mut reversed = Vec::new();
    for account in accounts.iter().filter(|account| !account.reversed) {
        shop.run(
            "INSERT INTO reversals (grant_id, points, reason, time) VALUES (?1, ?2, ?3, ?4)",
            params![account.account_id, account.points, request.reason, shop.now],
        )?;
        reversed.push(account.account_id.as_str());
    }
    let outcome = if accounts.is_empty() { "nothing" } else { "reversed" };
    let answer = Answer::success(200, &json!({ "outcome": outcome, "barred": barred }))?;
    Ok(if reversed.is_empty() {
        answer
    } else {
        answer.with_effect(format!("took back the points of {}", reversed.join(", ")))
    })
}
