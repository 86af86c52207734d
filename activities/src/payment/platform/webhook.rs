//! The platform's events: `{"id": …, "type": …, "data": {"order_id": …}}`.

use std::time::SystemTime;

use serde::Deserialize;

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
}

/// Reads an event that the platform signed.
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
    event(id, data.order_id, kind)
}
