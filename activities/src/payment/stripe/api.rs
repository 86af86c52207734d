//! Stripe's HTTP: bearer key, form bodies, `Idempotency-Key`, one error shape.
//!
//! Outcomes are those of [`crate::http`], and one more: 409 means that another request with this key is still under
//! way, so nobody knows yet.

use std::time::Duration;

use contracts::values::IdempotencyKey;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::http::channel::{Answer, Channel, Login, Peer};
use crate::http::{ApiError, CallError, Credential, Names, Refused, envelope, is_code};

/// The API version this adapter was written for; without it an account's own default decides what comes back.
const VERSION: &str = "2024-06-20";

/// Where Stripe is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct StripeEndpoint {
    /// Base URL; paths are appended after `/v1`.
    pub base: Url,
    /// The secret key, `sk_…` or a restricted `rk_…`.
    pub secret_key: Credential,
    /// Where Stripe sends the customer back to after 3-D Secure; without it the shop's checkout goes through it
    /// with Stripe's client library.
    pub return_url: Option<Url>,
    /// Limit of one request, from connecting to the last byte.
    pub timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub response_bytes_max: usize,
}

/// A client of Stripe; cheap to clone, connections are pooled.
#[derive(Clone, Debug)]
pub struct StripeApi {
    base: Url,
    channel: Channel,
}

/// An answer, and whether it is one that was stored.
pub(super) struct Seen<T> {
    pub(super) answer: T,
    pub(super) is_replay: bool,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorFields,
}

/// The part of an error that is read; its message is not, it may hold personal data.
#[derive(Default, Deserialize)]
struct ErrorFields {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    payment_intent: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl StripeApi {
    /// Sets up a client.
    ///
    /// # Errors
    /// When the key cannot be sent or the HTTP client cannot be set up.
    pub fn new(endpoint: StripeEndpoint) -> Result<Self, ApiError> {
        let StripeEndpoint { base, secret_key, timeout, response_bytes_max, .. } = endpoint;
        let peer = Peer {
            system: "payment",
            base: &base,
            names: Names::of("SUN_STRIPE_API_URL", "SUN_STRIPE_SECRET_KEY"),
            is_own: envelope::of_stripe,
            timeout,
            response_bytes_max,
        };
        let channel = Channel::open(peer, Some(Login::Bearer(&secret_key)))?;
        Ok(Self { base, channel })
    }

    /// Asks whether Stripe is there and lets our key read payments.
    ///
    /// # Errors
    /// As [`CallError`].
    pub async fn health(&self) -> Result<(), CallError> {
        self.get::<super::wire::Ignored>(&["payment_intents"], &[("limit", "1")]).await.map(drop)
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`CallError`].
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.call(self.channel.request(Method::GET, url)).await.map(|seen| seen.answer)
    }

    /// Has an effect, under a key if the effect is not idempotent by nature.
    ///
    /// # Errors
    /// As [`CallError`]. A refusal's code is Stripe's `code`, else its `type` (`idempotency_error`).
    pub async fn post_form<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: Option<&IdempotencyKey>,
        form: &[(&str, &str)],
    ) -> Result<T, CallError> {
        self.post_form_seen(path, key, form).await.map(|seen| seen.answer)
    }

    /// As [`Self::post_form`]; says whether the answer is one that Stripe had stored under the key.
    pub(super) async fn post_form_seen<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: Option<&IdempotencyKey>,
        form: &[(&str, &str)],
    ) -> Result<Seen<T>, CallError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = self
            .channel
            .request(Method::POST, self.url(path))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key.as_str());
        }
        self.call(request).await
    }

    pub(super) fn system(&self) -> &'static str {
        self.channel.system()
    }

    /// The limit of one request.
    pub(super) fn timeout(&self) -> Duration {
        self.channel.timeout()
    }

    pub(super) fn unknown(&self, why: &str) -> CallError {
        self.channel.unknown(why)
    }

    /// See [`Channel::new_word`].
    pub(super) fn new_word(&self, of: &str, word: &str) -> CallError {
        self.channel.new_word(of, word)
    }

    /// Path segments are percent-encoded: an id with a slash or a blank must not become another path.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Seen<T>, CallError> {
        let request = request.header("Stripe-Version", HeaderValue::from_static(VERSION));
        let Answer { status, body, is_replay } = self.channel.call(request).await?;
        if status.is_success() {
            let answer = serde_json::from_slice(&body).map_err(|e| self.channel.other_shape(&e))?;
            return Ok(Seen { answer, is_replay });
        }
        if status == StatusCode::CONFLICT {
            return Err(self.unknown("HTTP 409: another request with this key is under way"));
        }
        let refusal = Box::new(refusal(status, &body));
        if is_about_the_path(&refusal) {
            return Err(self.channel.of_somebody_else(status));
        }
        Err(CallError::Refused { system: self.channel.system(), refusal })
    }
}

/// Whether Stripe has no such path: of a thing that it does not have, it says so in a code of its own
/// (`resource_missing`).
fn is_about_the_path(refusal: &Refused) -> bool {
    let says_no_more = ["UNSPECIFIED", "invalid_request_error"].contains(&refusal.code.as_str());
    matches!(refusal.status, 404 | 405) && says_no_more
}

fn refusal(status: StatusCode, body: &[u8]) -> Refused {
    let error = serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default();
    let word = |text: Option<String>| text.filter(|text| is_code(text));
    let (kind, code) = (word(error.kind), word(error.code));
    Refused {
        status: status.as_u16(),
        code: code.or_else(|| kind.clone()).unwrap_or_else(|| "UNSPECIFIED".to_owned()),
        details: json!({
            "type": kind,
            "decline_code": word(error.decline_code),
            "payment_intent": error.payment_intent.map(|intent| intent.id),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_by_code_else_by_type_and_its_message_is_dropped() {
        let body = br#"{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card",
            "message":"secret","payment_intent":{"id":"pi_1","status":"requires_payment_method"}}}"#;
        let read = refusal(StatusCode::PAYMENT_REQUIRED, body);
        assert_eq!((read.status, read.code.as_str()), (402, "card_declined"));
        assert_eq!(read.details["decline_code"], "lost_card");
        assert_eq!(read.details["payment_intent"], "pi_1");
        assert!(!format!("{read:?}").contains("secret"));
        let body = br#"{"error":{"type":"idempotency_error","message":"Keys for idempotent requests"}}"#;
        assert_eq!(refusal(StatusCode::BAD_REQUEST, body).code, "idempotency_error");
        for odd in [&b"<html>"[..], b"{}", br#"{"error":{"code":"a sentence with a name"}}"#] {
            assert_eq!(refusal(StatusCode::BAD_REQUEST, odd).code, "UNSPECIFIED");
        }
    }
}
