//! Stripe's events.

use std::time::SystemTime;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::http::Credential;
use crate::webhook::{PaymentEvent, WebhookError, event, verify};

/// The header that holds the signature.
pub const HEADER: &str = "Stripe-Signature";

#[derive(Deserialize)]
struct EventBody {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    object: Object,
}

/// An intent, or a charge or refund of one: they carry the metadata they were given.
#[derive(Default, Deserialize)]
struct Object {
    #[serde(default)]
    id: Option<Value>,
    /// Of a refund: the intent that it gives back.
    #[serde(default)]
    payment_intent: Option<Value>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    order_id: Option<String>,
    #[serde(default)]
    idempotency_key: Option<IgnoredAny>,
}

/// Events of an intent are news: after one, an order may find its payment otherwise than before, and one that nobody
/// here knows makes it look for itself. Others (of charges, disputes) repeat these, or tell of what we did ourselves.
const OF_INTENTS: &str = "payment_intent.";
/// But for those that tell of what we asked for, or of what nobody here asks for.
const NO_NEWS: [&str; 4] = [
    "payment_intent.amount_capturable_updated",
    "payment_intent.created",
    "payment_intent.partially_funded",
    "payment_intent.requires_action",
];

/// The events of a refund; news unless it goes its way: when it failed, which may be days after it was made, and in any
/// state that nobody here knows, because then the order looks for itself.
const OF_REFUNDS: [&str; 3] = ["charge.refund.updated", "refund.failed", "refund.updated"];
const ON_ITS_WAY: [&str; 2] = ["pending", "succeeded"];

/// Reads an event that Stripe signed. One that brings no news is about no order.
///
/// # Errors
/// When Stripe did not sign it, or not lately, or it is not an event.
pub fn verify_and_read(
    header: &str,
    body: &[u8],
    secret: &Credential,
    now: SystemTime,
) -> Result<PaymentEvent, WebhookError> {
    verify(header, body, secret, now)?;
    let EventBody { id, kind, data } = serde_json::from_slice(body).map_err(|_| WebhookError::Body)?;
    let Object { id: object, payment_intent, metadata, status } = data.object;
    let is_of_intent = kind.starts_with(OF_INTENTS);
    // Each intent of ours carries its key; another one is another shop's, whatever number it gives the order.
    let is_ours = metadata.as_ref().is_some_and(|metadata| metadata.idempotency_key.is_some());
    let is_news = is_of_intent && is_ours && !NO_NEWS.contains(&kind.as_str())
        || OF_REFUNDS.contains(&kind.as_str())
            && status.is_some_and(|status| !ON_ITS_WAY.contains(&status.as_str()));
    let order_id = metadata.and_then(|metadata| metadata.order_id);
    let payment_id = if is_of_intent { object } else { payment_intent };
    event(id, order_id.filter(|_| is_news), payment_id.as_ref(), kind)
}
