//! News from a payment provider, pushed to us: who sent it, and what it says.
//!
//! Stripe and the platform sign alike: the header holds `t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, and each `v1` is
//! HMAC-SHA256 over `<t>.<body as sent>` with the endpoint's secret (several while a secret is being replaced). The
//! headers differ ([`stripe::webhook::HEADER`], [`platform::webhook::HEADER`]), and so do the bodies.
//!
//! The words of an event about money are not believed: it only tells the order to read its payment again. Repeated
//! events are told apart by their id, by whoever takes them.
//!
//! [`stripe::webhook::HEADER`]: crate::payment::stripe::webhook::HEADER
//! [`platform::webhook::HEADER`]: crate::payment::platform::webhook::HEADER

use std::time::{Duration, SystemTime};

use contracts::values::{EventId, OrderId};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::http::Credential;

/// A signature older than this, or this far in the future, is refused: an event that was overheard must not be
/// played back later.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The longest id of a payment that is taken.
const PAYMENT_ID_MAX: usize = 255;

/// The matter of an event of a payment provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// The provider's id of the event, or what stands for it; the same id is the same event.
    pub event_id: EventId,
    /// The order that was paid; `None` when the event is about something that is not one of our payments.
    pub order_id: Option<OrderId>,
    /// The provider's id of the payment, where the event names it: that one can be read without a search.
    pub payment_id: Option<String>,
    /// The provider's word for what happened: `payment_intent.succeeded`.
    pub kind: String,
}

/// Why an event is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// The header is not `t=…,v1=…`.
    #[error("the signature header is not t=<seconds>,v1=<hex>")]
    Header,
    /// Nobody who knows the secret signed this body at this time.
    #[error("the signature does not match")]
    Signature,
    /// Signed too long ago, or in the future.
    #[error("the signature's time is more than {} s from now", TOLERANCE.as_secs())]
    Time,
    /// Signed, and not an event.
    #[error("the body is not an event with an id and a type")]
    Body,
    /// The endpoint has no secret: anybody could sign.
    #[error("no secret is configured for this endpoint")]
    NoSecret,
}

/// Checks that a body was signed with the secret, and lately.
///
/// # Errors
/// When it was not.
pub fn verify(header: &str, body: &[u8], secret: &Credential, now: SystemTime) -> Result<(), WebhookError> {
    let Signed { time, signatures } = Signed::read(header)?;
    if secret.reveal().is_empty() {
        return Err(WebhookError::NoSecret);
    }
    let mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes());
    let mac =
        mac.map_err(|_| WebhookError::NoSecret)?.chain_update(time).chain_update(".").chain_update(body);
    // `verify_slice` compares in constant time.
    if !signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()) {
        return Err(WebhookError::Signature);
    }
    let signed_at = time
        .parse()
        .ok()
        .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let signed_at = signed_at.ok_or(WebhookError::Header)?;
    // Whole seconds, as the header has them.
    let apart = now.duration_since(signed_at).unwrap_or_else(|ahead| ahead.duration());
    if apart.as_secs() > TOLERANCE.as_secs() { Err(WebhookError::Time) } else { Ok(()) }
}

/// An event, if it can be one.
pub(crate) fn event(
    event_id: String,
    order_id: Option<String>,
    payment_id: Option<&Value>,
    kind: String,
) -> Result<PaymentEvent, WebhookError> {
    if event_id.trim().is_empty() || kind.is_empty() {
        return Err(WebhookError::Body);
    }
    let event_id = EventId::new(event_id.as_str()).unwrap_or_else(|_| stand_in(&event_id));
    // A number that none of our orders can have did not come from us.
    let order_id = order_id.and_then(|id| OrderId::new(id).ok());
    // An id of another shape is none: the payment is looked for by its key.
    let payment_id = payment_id.and_then(Value::as_str).filter(|id| is_id(id)).map(str::to_owned);
    Ok(PaymentEvent { event_id, order_id, payment_id, kind })
}

/// Whether a text can be a provider's id of a payment: it becomes part of a path, and of a process' input.
fn is_id(text: &str) -> bool {
    (1..=PAYMENT_ID_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.starts_with('.')
}

/// An id of ours for an event whose own would not fit into a workflow id; the same one for the same event.
fn stand_in(event_id: &str) -> EventId {
    let digest: String = Sha256::digest(event_id).iter().map(|byte| format!("{byte:02x}")).collect();
    EventId::new(format!("sha256-{digest}")).unwrap_or_else(|_| unreachable!("hexadecimal digits are an id"))
}

/// The parts of the header.
struct Signed<'h> {
    /// As sent: the signature is over these digits.
    time: &'h str,
    signatures: Vec<[u8; 32]>,
}

impl<'h> Signed<'h> {
    /// Schemes other than `v1` (Stripe sends a `v0` in test mode) are passed over.
    fn read(header: &'h str) -> Result<Self, WebhookError> {
        let (mut time, mut signatures) = (None, Vec::new());
        for part in header.split(',') {
            match part.trim().split_once('=').ok_or(WebhookError::Header)? {
                ("t", _) if time.is_some() => return Err(WebhookError::Header),
                ("t", digits) => time = Some(digits),
                ("v1", hex) => signatures.push(bytes(hex).ok_or(WebhookError::Header)?),
                _ => {}
            }
        }
        let time = time.filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()));
        match time {
            Some(time) if !signatures.is_empty() => Ok(Self { time, signatures }),
            _ => Err(WebhookError::Header),
        }
    }
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests;
