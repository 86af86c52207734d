//! Messages to customers, which end in the outbox, and analytics events.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::clock;
use crate::money::{Amount, Currency};
use crate::shop::Shop;

type Data = Map<String, Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Email {
    to: Text,
    template: Text,
    #[serde(rename = "locale")]
    _locale: Option<Text>,
    #[serde(rename = "subject")]
    _subject: Option<String>,
    #[serde(rename = "text")]
    _text: Option<String>,
    #[serde(rename = "html")]
    _html: Option<String>,
    #[serde(rename = "headers")]
    _headers: Option<BTreeMap<String, String>>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sms {
    to: Text,
    message: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    user_id: Text,
    title: Text,
    #[serde(rename = "body")]
    _body: Text,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    event_type: Text,
    #[serde(rename = "customer_id")]
    _customer_id: Text,
    order_id: Option<Text>,
    revenue: Option<Amount>,
    currency: Option<Currency>,
    items: Option<Vec<EventItem>>,
    #[serde(rename = "properties")]
    _properties: Option<Data>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventItem {
    #[serde(rename = "product_id")]
    _product_id: Option<Text>,
    #[serde(rename = "quantity")]
    _quantity: Option<u32>,
    revenue: Option<Amount>,
}

/// A note to the shop's own people.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    r#type: Text,
    title: Text,
    #[serde(rename = "message")]
    _message: Text,
    data: Option<Data>,
}

/// A message for the outbox; `subject` is what makes two messages to one recipient the same.
struct Message<'a> {
    channel: &'static str,
    recipient: &'a str,
    subject: &'a str,
    order_id: Option<&'a str>,
}

fn order_id(data: Option<&Data>) -> Option<&str> {
    data?.get("order_id")?.as_str()
}

pub(super) fn email(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let mail: Email = body::parse(&call.body)?;
    let order_id = order_id(mail.data.as_ref());
    let message = Message { channel: "email", recipient: &mail.to, subject: &mail.template, order_id };
    send(shop, call, &message, &format!("sent email {}", &*mail.template))
}

pub(super) fn sms(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let sms: Sms = body::parse(&call.body)?;
    let message = Message { channel: "sms", recipient: &sms.to, subject: &sms.message, order_id: None };
    send(shop, call, &message, "sent sms")
}

pub(super) fn push(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let push: Push = body::parse(&call.body)?;
    let order_id = order_id(push.data.as_ref());
    let message = Message { channel: "push", recipient: &push.user_id, subject: &push.title, order_id };
    send(shop, call, &message, "sent push")
}

pub(super) fn team(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let note: Team = body::parse(&call.body)?;
    let order_id = order_id(note.data.as_ref());
    let message = Message { channel: "team", recipient: "team", subject: &note.title, order_id };
    send(shop, call, &message, &format!("told the team of {}", &*note.r#type))
}

fn send(shop: &Shop<'_>, call: &Call, message: &Message<'_>, effect: &str) -> Result<Answer, Stop> {
    let message_id = shop.next_id("msg")?;
    let whole = String::from_utf8_lossy(&call.body);
    shop.run(
        "INSERT INTO outbox
             (message_id, channel, order_id, idempotency_key, time, recipient, subject, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            message_id,
            message.channel,
            message.order_id,
            call.key,
            shop.now,
            message.recipient,
            message.subject,
            whole
        ],
    )?;
    Ok(Answer::success(202, &json!({ "message_id": message_id }))?.with_effect(effect.to_owned()))
}

pub(super) fn track(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let event: Event = body::parse(&call.body)?;
    // Without a currency nothing is known of the decimals: the one with the most allows them all.
    let currency = event.currency.as_ref().map_or("CLF", Currency::code);
    if let Some(revenue) = &event.revenue {
        revenue.minor(currency, "revenue")?;
    }
    for (index, item) in event.items.iter().flatten().enumerate() {
        if let Some(revenue) = &item.revenue {
            revenue.minor(currency, &format!("items[{index}].revenue"))?;
        }
    }
    let event_id = shop.next_id("trk")?;
    shop.run(
        "INSERT INTO events (event_id, event_type, order_id, time) VALUES (?1, ?2, ?3, ?4)",
        params![event_id, &*event.event_type, event.order_id.as_deref(), shop.now],
    )?;
    let effect = format!("tracked {}", &*event.event_type);
    Ok(Answer::success(201, &json!({ "event_id": event_id }))?.with_effect(effect))
}

/// A message in the outbox.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    message_id: String,
    channel: String,
    order_id: Option<String>,
    idempotency_key: Option<String>,
    time: String,
    message: Option<Box<RawValue>>,
}

/// The messages of one order, or all.
pub(crate) fn outbox(shop: &Shop<'_>, order_id: Option<&str>) -> rusqlite::Result<Vec<Sent>> {
    shop.list(
        "SELECT message_id, channel, order_id, idempotency_key, time, message FROM outbox
         WHERE ?1 IS NULL OR order_id = ?1 ORDER BY id",
        [order_id],
        |row| {
            Ok(Sent {
                message_id: row.get(0)?,
                channel: row.get(1)?,
                order_id: row.get(2)?,
                idempotency_key: row.get(3)?,
                time: clock::text(row.get(4)?),
                message: RawValue::from_string(row.get(5)?).ok(),
            })
        },
    )
}
