//! The platform's events: `{"id": …, "type": …, "data": {"order_id": …, "payment_id": …}}`.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use crate::http::Credential;
use crate::webhook::{PaymentEvent, WebhookError, event, verify};

/// The header that holds the signature.
pub const HEADER: &str = "Sun-Signature";

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
    order_id: Option<String>,
    #[serde(default)]
    payment_id: Option<Value>,
}

/// Events that tell of what we asked for ourselves. Whatever else happened is news, also in a word that nobody here
/// knows: then the order looks for itself.
const NO_NEWS: [&str; 5] = [
    "payment.created",
    "payment.partially_refunded",
    "payment.refunded",
    "payment.requires_action",
    "payment.voided",
];

/// Reads an event that the platform signed. One that brings no news is about no order.
///
/// # Errors
/// When the platform did not sign it, or not lately, or it is not an event.
pub fn verify_and_read(
    header: &str,
    body: &[u8],
    secret: &Credential,
    now: SystemTime,
) -> Result<PaymentEvent, WebhookError> {
    verify(header, body, secret, now)?;
    let EventBody { id, kind, data } = serde_json::from_slice(body).map_err(|_| WebhookError::Body)?;
    let order_id = data.order_id.filter(|_| !NO_NEWS.contains(&kind.as_str()));
    event(id, order_id, data.payment_id.as_ref(), kind)
}
