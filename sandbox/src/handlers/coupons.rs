//! Coupons: percent off, for one customer.

use jiff::Timestamp;
use rusqlite::{Params, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::customers::existing;
use super::loyalty::UndoByKey;
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::clock;
use crate::operation::Operation;
use crate::shop::Shop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    code: Text,
    #[serde(rename = "type")]
    kind: Text,
    value: u32,
    usage_limit: std::num::NonZeroU32,
    customer_id: Text,
    expiry_date: Timestamp,
}

#[derive(Debug, Serialize)]
struct Coupon {
    coupon_id: String,
    code: String,
    customer_id: String,
    status: String,
    value: i64,
    usage_limit: i64,
    expiry_date: String,
    idempotency_key: Option<String>,
}

fn select(shop: &Shop<'_>, condition: &str, params: impl Params) -> rusqlite::Result<Vec<Coupon>> {
    let sql = format!(
        "SELECT coupon_id, code, customer_id, status, percent, usage_limit, expires_at, idempotency_key
         FROM coupons WHERE {condition} ORDER BY id"
    );
    shop.list(&sql, params, |row| {
        Ok(Coupon {
            coupon_id: row.get(0)?,
            code: row.get(1)?,
            customer_id: row.get(2)?,
            status: row.get(3)?,
            value: row.get(4)?,
            usage_limit: row.get(5)?,
            expiry_date: clock::text(row.get(6)?),
            idempotency_key: row.get(7)?,
        })
    })
}

/// Makes a coupon. A code belongs to one live coupon, unless keys mean nothing and every request has its effect.
pub(super) fn create(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Create = body::parse(&call.body)?;
    if &*request.kind != "percentage" {
        return Err(Refusal::invalid("type", "must be percentage").into());
    }
    if !(1..=100).contains(&request.value) {
        return Err(Refusal::invalid("value", "must be 1 to 100 percent").into());
    }
    if request.expiry_date.as_millisecond() <= shop.now {
        return Err(Refusal::invalid("expiry_date", "must be in the future").into());
    }
    existing(shop, &request.customer_id)?;
    let live = select(shop, "code = ?1 AND status = 'active'", [&*request.code])?;
    let own = |coupon: &Coupon| coupon.customer_id == *request.customer_id;
    let is_taken = live.iter().any(|coupon| shop.switches.keys_count() || !own(coupon));
    if is_taken || shop.switches.coupon_codes_taken {
        let message = format!("the code {} belongs to another coupon", &*request.code);
        return Err(Refusal::new(409, "COUPON_CODE_TAKEN", message).into());
    }
    let coupon_id = shop.next_id("cpn")?;
    shop.run(
        "INSERT INTO coupons
             (coupon_id, code, customer_id, idempotency_key, status, percent, usage_limit, expires_at)
         VALUES (?1, ?2, ?3, ?4, 'active', ?5, ?6, ?7)",
        params![
            coupon_id,
            &*request.code,
            &*request.customer_id,
            call.key,
            request.value,
            request.usage_limit.get(),
            request.expiry_date.as_millisecond(),
        ],
    )?;
    let coupon = select(shop, "coupon_id = ?1", [&coupon_id])?.pop();
    Ok(Answer::success(201, &coupon)?.with_effect(format!("made coupon {coupon_id}")))
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let coupons = match call.lookup(&["idempotency_key", "code"])? {
        ("code", code) => select(shop, "code = ?1", [code])?,
        (_, key) => select(shop, "idempotency_key = ?1", [key])?,
    };
    Answer::list(&coupons)
}

/// Revokes the coupons made under a key and bars it, found or not.
pub(super) fn revoke(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: UndoByKey = body::parse(&call.body)?;
    let coupons = select(
        shop,
        "idempotency_key = ?1 AND customer_id = ?2",
        [&*request.idempotency_key, &*request.customer_id],
    )?;
    let barred = shop.switches.keys_barred();
    if barred {
        shop.bar(Operation::CouponsCreate, &request.idempotency_key, "")?;
    }
    let revoked = shop.run(
        "UPDATE coupons SET status = 'revoked'
         WHERE idempotency_key = ?1 AND customer_id = ?2 AND status = 'active'",
        [&*request.idempotency_key, &*request.customer_id],
    )?;
    let outcome = if coupons.is_empty() { "nothing" } else { "revoked" };
    let answer = Answer::success(200, &json!({ "outcome": outcome, "barred": barred }))?;
    Ok(if revoked == 0 { answer } else { answer.with_effect(format!("revoked {revoked} coupons")) })
}
