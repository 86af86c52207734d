//! Orders of another system, kept as records: nothing is reserved, charged or shipped for them here.

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::money::{Amount, Currency, Major};
use crate::shop::Shop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    external_ids: Vec<Text>,
}

/// The whole record: what is absent is not known there. The status is the other system's word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upsert {
    status: Text,
    total: Amount,
    currency: Currency,
    customer_external_id: Option<Text>,
    ordered_at: Option<Timestamp>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Order {
    external_id: String,
    order_id: String,
    customer_external_id: Option<String>,
    status: String,
    total: Major,
    currency: String,
    ordered_at: Option<String>,
}

#[derive(Serialize)]
struct Upserted {
    #[serde(flatten)]
    order: Order,
    created: bool,
}

/// Not `json!`, which would take the totals through floating point.
#[derive(Serialize)]
struct Found {
    orders: Vec<Order>,
}

fn find(shop: &Shop<'_>, external_id: &str) -> rusqlite::Result<Option<Order>> {
    shop.find(
        "SELECT external_id, order_id, customer_external_id, status, total, currency, ordered_at
         FROM external_orders WHERE external_id = ?1",
        [external_id],
        |row| {
            let currency: String = row.get(5)?;
            Ok(Order {
                external_id: row.get(0)?,
                order_id: row.get(1)?,
                customer_external_id: row.get(2)?,
                status: row.get(3)?,
                total: Major::new(row.get(4)?, &currency),
                currency,
                ordered_at: row.get(6)?,
            })
        },
    )
}

pub(super) fn lookup(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Lookup { external_ids } = body::parse(&call.body)?;
    let mut orders = Vec::with_capacity(external_ids.len());
    for external_id in body::asked_for(&external_ids, "external_ids")? {
        orders.extend(find(shop, external_id)?);
    }
    Answer::success(200, &Found { orders })
}

pub(super) fn upsert(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let external_id = call.path_id()?;
    let request: Upsert = body::parse(&call.body)?;
    let currency = request.currency.code();
    let total = request.total.minor(currency, "total")?;
    let before = find(shop, external_id)?;
    let order_id = match &before {
        Some(known) => known.order_id.clone(),
        None => shop.next_id("ord")?,
    };
    let after = Order {
        external_id: external_id.to_owned(),
        order_id,
        customer_external_id: request.customer_external_id.map(|id| id.to_string()),
        status: request.status.to_string(),
        total: Major::new(total, currency),
        currency: currency.to_owned(),
        ordered_at: request.ordered_at.map(|time| time.to_string()),
    };
    write(shop, &after, total)?;
    let created = before.is_none();
    let is_new = before.as_ref() != Some(&after);
    let verb = if created { "recorded" } else { "changed" };
    let effect = format!("{verb} external order {external_id} as {}", after.status);
    let answer = Answer::success(200, &Upserted { order: after, created })?;
    Ok(if is_new { answer.with_effect(effect) } else { answer })
}

fn write(shop: &Shop<'_>, order: &Order, total: i64) -> rusqlite::Result<()> {
    shop.run(
        "INSERT INTO external_orders
             (external_id, order_id, customer_external_id, status, total, currency, ordered_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (external_id) DO UPDATE SET customer_external_id = excluded.customer_external_id,
             status = excluded.status, total = excluded.total, currency = excluded.currency,
             ordered_at = excluded.ordered_at",
        params![
            order.external_id,
            order.order_id,
            order.customer_external_id,
            order.status,
            total,
            order.currency,
            order.ordered_at,
        ],
    )?;
    Ok(())
}
