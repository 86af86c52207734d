//! The payments as they are written down.

use rusqlite::{Params, Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::card;
use crate::answer::{Refusal, Stop};
use crate::money::Major;
use crate::shop::Shop;

/// A payment about to be opened.
pub(super) struct NewPayment<'a> {
    pub(super) order_id: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) amount: i64,
    pub(super) currency: &'a str,
}

impl NewPayment<'_> {
    pub(super) fn major(&self) -> Major {
        Major::new(self.amount, self.currency)
    }
}

/// A payment in the books, as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Payment {
    pub(super) payment_id: String,
    pub(super) order_id: String,
    pub(super) status: String,
    pub(super) amount: Major,
    pub(super) currency: String,
    refunded_amount: Major,
    refunds: Vec<Refund>,
    pub(super) idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_may_retry: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<Box<RawValue>>,
    #[serde(skip)]
    pub(super) captured_minor: i64,
    #[serde(skip)]
    pub(super) refunded_minor: i64,
}

/// A refund, as it is shown with its payment.
#[derive(Debug, Serialize)]
struct Refund {
    refund_id: String,
    amount: Major,
    status: &'static str,
}

const COLUMNS: &str = "payment_id, order_id, status, currency, amount, captured, refunded, \
    idempotency_key, decline_code, action";

fn read(row: &Row<'_>) -> rusqlite::Result<Payment> {
    let currency: String = row.get(3)?;
    let refunded_minor = row.get(6)?;
    let status: String = row.get(2)?;
    let decline_code: Option<String> = row.get(8)?;
    // The action is of interest only as long as it can be taken.
    let action: Option<String> = row.get::<_, Option<String>>(9)?.filter(|_| status == "requires_action");
    Ok(Payment {
        payment_id: row.get(0)?,
        order_id: row.get(1)?,
        status,
        amount: Major::new(row.get(4)?, &currency),
        refunded_amount: Major::new(refunded_minor, &currency),
        refunds: Vec::new(),
        currency,
        idempotency_key: row.get(7)?,
        customer_may_retry: decline_code.as_deref().map(card::customer_may_retry),
        decline_code,
        action: action.and_then(|action| RawValue::from_string(action).ok()),
        captured_minor: row.get(5)?,
        refunded_minor,
    })
}

fn select(shop: &Shop<'_>, condition: &str, params: impl Params) -> rusqlite::Result<Vec<Payment>> {
    let sql = format!("SELECT {COLUMNS} FROM payments WHERE {condition} ORDER BY id");
    let mut payments = shop.list(&sql, params, read)?;
    for payment in &mut payments {
        payment.refunds = refunds_of(shop, payment)?;
    }
    Ok(payments)
}

/// The refunds of a payment, in the order in which they were made.
fn refunds_of(shop: &Shop<'_>, payment: &Payment) -> rusqlite::Result<Vec<Refund>> {
    shop.list(
        "SELECT refund_id, amount FROM refunds WHERE payment_id = ?1 ORDER BY time, refund_id",
        [&payment.payment_id],
        |row| {
            let amount = Major::new(row.get(1)?, &payment.currency);
            Ok(Refund { refund_id: row.get(0)?, amount, status: "refunded" })
        },
    )
}

pub(super) fn of_order(shop: &Shop<'_>, order_id: &str) -> rusqlite::Result<Vec<Payment>> {
    select(shop, "order_id = ?1", [order_id])
}

pub(super) fn of_key(shop: &Shop<'_>, key: &str) -> rusqlite::Result<Vec<Payment>> {
    select(shop, "idempotency_key = ?1", [key])
}

/// The payment of that id, or 404.
pub(super) fn existing(shop: &Shop<'_>, payment_id: &str) -> Result<Payment, Stop> {
    let found = select(shop, "payment_id = ?1", [payment_id])?.pop();
    found.ok_or_else(|| Refusal::not_found(format!("there is no payment {payment_id}")).into())
}

/// Writes a new payment down; one that is opened as paid is captured at once.
pub(super) fn open(
    shop: &Shop<'_>,
    payment: &NewPayment<'_>,
    payment_id: &str,
    status: &str,
    action: Option<&str>,
) -> rusqlite::Result<()> {
    let captured = if status == "paid" { payment.amount } else { 0 };
    shop.run(
        "INSERT INTO payments
             (payment_id, order_id, idempotency_key, status, currency, amount, captured, action, asked, asked_in)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6, ?5)",
        params![
            payment_id,
            payment.order_id,
            payment.key,
            status,
            payment.currency,
            payment.amount,
            captured,
            action
        ],
    )?;
    Ok(())
}

pub(super) fn note_decline(shop: &Shop<'_>, payment_id: &str, code: &str) -> rusqlite::Result<()> {
    shop.run("UPDATE payments SET decline_code = ?2 WHERE payment_id = ?1", [payment_id, code])?;
    Ok(())
}

pub(super) fn set_status(shop: &Shop<'_>, payment_id: &str, status: &str) -> rusqlite::Result<()> {
    shop.run("UPDATE payments SET status = ?2 WHERE payment_id = ?1", [payment_id, status])?;
    Ok(())
}

/// The money has come in: so much in all, in that currency.
pub(super) fn capture(
    shop: &Shop<'_>,
    payment_id: &str,
    (amount, currency): (i64, &str),
) -> rusqlite::Result<()> {
    shop.run(
        "UPDATE payments SET status = 'paid', captured = ?2, amount = ?2, currency = ?3 WHERE payment_id = ?1",
        params![payment_id, amount, currency],
    )?;
    Ok(())
}

/// Gives money back and says under which id; the caller has checked that there is enough.
pub(super) fn refund(
    shop: &Shop<'_>,
    payment: &Payment,
    amount: i64,
    reason: Option<&str>,
) -> rusqlite::Result<String> {
    let refund_id = shop.next_id("ref")?;
    shop.run(
        "INSERT INTO refunds (refund_id, payment_id, amount, reason, time) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![refund_id, payment.payment_id, amount, reason, shop.now],
    )?;
    shop.run(
        "UPDATE payments SET refunded = refunded + ?2,
             status = CASE WHEN refunded + ?2 = captured THEN 'refunded' ELSE 'partially_refunded' END
         WHERE payment_id = ?1",
        params![payment.payment_id, amount],
    )?;
    Ok(refund_id)
}
