//! The order book.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::money::{Major, UnitPrice};
use crate::shop::Shop;

/// Every status that an order can have.
const STATUSES: [&str; 10] = [
    "pending",
    AWAITING_PAYMENT,
    "confirmed",
    "processing",
    "shipped",
    "delivered",
    "failed",
    "cancelled",
    "expired",
    "refunded",
];

/// The words for where the money of an order is.
const PAYMENT_STATUSES: [&str; 6] = ["pending", "unpaid", "voided", "paid", "partially_refunded", "refunded"];

/// The status of an order whose customer has to act.
const AWAITING_PAYMENT: &str = "awaiting_payment";

/// The action that the customer has to take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    r#type: Text,
    url: Option<Text>,
    instruction: Option<Text>,
}

impl Action {
    fn json(&self) -> Value {
        let mut action = json!({ "type": &*self.r#type });
        for (name, text) in [("url", &self.url), ("instruction", &self.instruction)] {
            if let Some(text) = text {
                action[name] = json!(&**text);
            }
        }
        action
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    status: Option<String>,
    payment_action: Option<Action>,
    payment_status: Option<String>,
    payment_id: Option<Text>,
    refund_ids: Option<Vec<Text>>,
    shipping_status: Option<String>,
    tracking_number: Option<String>,
    estimated_delivery: Option<String>,
    failure_reason: Option<String>,
}

impl Update {
    /// Refuses words that nobody here knows, and fields that do not go with each other.
    fn check(&self) -> Result<(), Refusal> {
        let one_of =
            |field, words: &[&str]| Refusal::invalid(field, format!("must be one of {}", words.join(", ")));
        match (&self.status, &self.payment_status) {
            (None, None) => {
                return Err(Refusal::invalid("status", "is missing, and so is payment_status"));
            }
            (Some(status), _) if !STATUSES.contains(&status.as_str()) => {
                return Err(one_of("status", &STATUSES));
            }
            (_, Some(money)) if !PAYMENT_STATUSES.contains(&money.as_str()) => {
                return Err(one_of("payment_status", &PAYMENT_STATUSES));
            }
            _ => {}
        }
        if self.payment_action.is_some() && self.status.as_deref() != Some(AWAITING_PAYMENT) {
            return Err(Refusal::invalid("payment_action", format!("is of orders in {AWAITING_PAYMENT}")));
        }
        let money = self.payment_status.as_deref();
        if self.payment_id.is_some() && money.is_none() {
            return Err(Refusal::invalid("payment_id", "goes with payment_status"));
        }
        let went_back = matches!(money, Some("refunded" | "partially_refunded"));
        if self.refund_ids.as_ref().is_some_and(|ids| !ids.is_empty()) && !went_back {
            return Err(Refusal::invalid("refund_ids", "goes with refunded or partially_refunded"));
        }
        Ok(())
    }
}

/// An order in the book.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Order {
    order_id: String,
    pub(super) customer_id: String,
    status: String,
    pub(super) total_amount: Major,
    pub(super) currency: String,
    payment_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_ids: Option<Value>,
    shipping_status: Option<String>,
    tracking_number: Option<String>,
    estimated_delivery: Option<String>,
    failure_reason: Option<String>,
    /// There while the order waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_action: Option<Value>,
    items: Vec<OrderLine>,
    #[serde(skip)]
    pub(super) total: i64,
}

#[derive(Debug, PartialEq, Serialize)]
struct OrderLine {
    product_id: String,
    variant_id: String,
    quantity: i64,
    /// Of one piece.
    price: Option<UnitPrice>,
}

/// The order of that id.
pub(super) fn find(shop: &Shop<'_>, order_id: &str) -> rusqlite::Result<Option<Order>> {
    let order = shop.find(
        "SELECT order_id, customer_id, status, total, currency, payment_status, shipping_status,
                tracking_number, estimated_delivery, failure_reason, payment_action, payment_id, refund_ids
         FROM orders WHERE order_id = ?1",
        [order_id],
        |row| {
            let (total, currency) = (row.get(3)?, row.get::<_, String>(4)?);
            let json = |column: usize| -> rusqlite::Result<Option<Value>> {
                let text: Option<String> = row.get(column)?;
                Ok(text.and_then(|json| serde_json::from_str(&json).ok()))
            };
            Ok(Order {
                order_id: row.get(0)?,
                customer_id: row.get(1)?,
                status: row.get(2)?,
                total_amount: Major::new(total, &currency),
                currency,
                payment_status: row.get(5)?,
                shipping_status: row.get(6)?,
                tracking_number: row.get(7)?,
                estimated_delivery: row.get(8)?,
                failure_reason: row.get(9)?,
                payment_action: json(10)?,
                payment_id: row.get(11)?,
                refund_ids: json(12)?,
                items: Vec::new(),
                total,
            })
        },
    )?;
    let Some(mut order) = order else { return Ok(None) };
    order.items = shop.list(
        "SELECT product_id, variant_id, quantity, price FROM order_lines WHERE order_id = ?1 ORDER BY line",
        [order_id],
        |row| {
            Ok(OrderLine {
                product_id: row.get(0)?,
                variant_id: row.get(1)?,
                quantity: row.get(2)?,
                price: UnitPrice::stored(&row.get::<_, String>(3)?),
            })
        },
    )?;
    Ok(Some(order))
}

fn existing(shop: &Shop<'_>, order_id: &str) -> Result<Order, Stop> {
    find(shop, order_id)?.ok_or_else(|| Refusal::not_found(format!("there is no order {order_id}")).into())
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    Answer::success(200, &existing(shop, call.path_id()?)?)
}

/// Changes the given fields; the others stay.
pub(super) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let order_id = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    request.check()?;
    let action = request.payment_action.as_ref().map(|action| action.json().to_string());
    let refund_ids = request.refund_ids.as_ref().filter(|ids| !ids.is_empty());
    let refund_ids = refund_ids.map(|ids| json!(ids.iter().map(|id| &**id).collect::<Vec<_>>()).to_string());
    let before = existing(shop, order_id)?;
    shop.run(
        "UPDATE orders SET status = coalesce(?2, status),
             payment_status = coalesce(?3, payment_status),
             shipping_status = coalesce(?4, shipping_status),
             tracking_number = coalesce(?5, tracking_number),
             estimated_delivery = coalesce(?6, estimated_delivery),
             failure_reason = coalesce(?7, failure_reason),
             payment_action = CASE WHEN coalesce(?2, status) = 'awaiting_payment'
                                   THEN coalesce(?8, payment_action) END,
             payment_id = coalesce(?9, payment_id),
             refund_ids = coalesce(?10, refund_ids)
         WHERE order_id = ?1",
        params![
            order_id,
            request.status,
            request.payment_status,
            request.shipping_status,
            request.tracking_number,
            request.estimated_delivery,
            request.failure_reason,
            action,
            request.payment_id.as_deref(),
            refund_ids,
        ],
    )?;
    let after = existing(shop, order_id)?;
    let answer = Answer::success(200, &after)?;
    // The same words twice change nothing.
    let what = match &request.status {
        Some(status) => format!("set order to {status}"),
        None => format!("set the order's money to {}", after.payment_status.as_deref().unwrap_or_default()),
    };
    Ok(if after == before { answer } else { answer.with_effect(what) })
}
