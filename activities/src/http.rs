//! HTTP to an outside system: one call, one outcome. The only place that decides retry or give up.
//!
//! | what came back | [`CallError`] | what Temporal does |
//! |---|---|---|
//! | no connection | `NotSent` | retries: nothing happened |
//! | 429 | `PutOff` | retries after `Retry-After`: nothing happened |
//! | 401 | `NotLetIn` | retries: nothing happened, and a worker with a new token goes on where this one stopped |
//! | timeout, connection lost, 5xx, 408, an answer that is no JSON or too large | `Unknown` | retries, after the adapter looked up what became of it |
//! | the same 5xx again under the same key (`Idempotent-Replayed`) | `UnknownForGood` | gives up, and the process looks it up: the provider would repeat it for ever |
//! | what no program can mend by asking again: an unreadable file, a refund that came back | `Unusable` | gives up: a person has to look at it |
//! | other 4xx, or `success: false` | `Refused` | gives up, unless the adapter has a word for it (declined, out of stock) |
//!
//! The envelope is read as tolerantly as the platform writes it: `data` or top level, `error` as text or object,
//! a 2xx without a body. Failure texts name system, status and code, never the provider's message: it may hold
//! personal data.

pub(crate) mod channel;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use contracts::failure;
use contracts::values::IdempotencyKey;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use text::Problem;
use thiserror::Error;

use channel::{Answer, Channel, Login};

/// Where an outside system is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The system's name, for failure texts: `payment`.
    pub system: &'static str,
    /// Base URL; paths are appended after `/api/<version>`.
    pub base: Url,
    /// The API version in the path, `v1`.
    pub version: String,
    /// Bearer token, if the system wants one.
    pub token: Option<Credential>,
    /// Limit of one request, from connecting to the last byte.
    pub timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub response_bytes_max: usize,
}

impl Endpoint {
    /// The same place for another system, or a place of its own: with a URL of its own a system never gets this one's
    /// token.
    #[must_use]
    pub fn elsewhere(&self, system: &'static str, base: Option<Url>, token: Option<Credential>) -> Self {
        let token = match &base {
            Some(_) => token,
            None => token.or_else(|| self.token.clone()),
        };
        Self { system, base: base.unwrap_or_else(|| self.base.clone()), token, ..self.clone() }
    }
}

/// A secret of an outside system. `Debug` does not show it.
#[derive(Clone)]
pub struct Credential(String);

impl Credential {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one place that sends or checks with it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(hidden)")
    }
}

/// A client of one outside system; cheap to clone, connections are pooled.
#[derive(Clone, Debug)]
pub struct Api {
    endpoint: Endpoint,
    channel: Channel,
}

/// Why a client cannot be built.
#[derive(Debug, Error)]
pub enum ApiError {
    /// The token cannot be sent in a header.
    #[error("the token of {0} holds characters that cannot be sent in a header: check for line breaks")]
    Token(&'static str),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

impl ApiError {
    /// The error as a problem of the setting that holds the token.
    #[must_use]
    pub fn of(self, token_setting: &str) -> Problem {
        match self {
            Self::Token(_) => Problem::new(
                token_setting,
                "holds characters that cannot be sent in a header",
                "check for line breaks, and set it anew",
            ),
            error @ Self::Client(_) => {
                Problem::new("", error.to_string(), "see whether this machine lets programs use TLS")
            }
        }
    }
}

/// What a call came to, if not to an answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CallError {
    /// Not sent: nothing happened.
    #[error("{system} cannot be reached: {why}")]
    NotSent {
        /// Which system.
        system: &'static str,
        /// The connection's error.
        why: String,
    },
    /// Put off by the system: nothing happened.
    #[error("{system} asks to slow down (429)")]
    PutOff {
        /// Which system.
        system: &'static str,
        /// When to ask again.
        after: Option<Duration>,
    },
    /// Turned away at the door: nothing happened. Retried, because a new token mends it.
    #[error("{system} does not accept our credentials (401): the worker needs a valid token")]
    NotLetIn {
        /// Which system.
        system: &'static str,
    },
    /// Refused for what a setting mends: nothing happened.
    #[error("{system} refuses: {fix}")]
    Setting {
        /// Which system.
        system: &'static str,
        /// What is wrong, with the fix.
        fix: String,
    },
    /// Sent, and nobody knows what became of it.
    #[error("{system} gave no usable answer: {why}")]
    Unknown {
        /// Which system.
        system: &'static str,
        /// What came instead.
        why: String,
    },
    /// Sent, nobody knows, and the system repeats that answer for this key.
    #[error("{system} gave no usable answer and repeats it: {why}")]
    UnknownForGood {
        /// Which system.
        system: &'static str,
        /// What came instead.
        why: String,
    },
    /// What the system offers cannot be used as it is, and asking again does not change that.
    #[error("{system}: {why}")]
    Unusable {
        /// Which system.
        system: &'static str,
        /// What is wrong, and the fix.
        why: String,
    },
    /// The system said no.
    #[error("{system} refused: {} {}", .refusal.status, .refusal.code)]
    Refused {
        /// Which system.
        system: &'static str,
        /// What it said.
        refusal: Box<Refused>,
    },
}

/// A refusal as the system put it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// The system's code, or `UNSPECIFIED`.
    pub code: String,
    /// The system's details, whatever their shape.
    pub details: Value,
}

impl Api {
    /// Sets up a client.
    ///
    /// # Errors
    /// When the token cannot be sent or the HTTP client cannot be set up.
    pub fn new(endpoint: Endpoint) -> Result<Self, ApiError> {
        let Endpoint { system, timeout, response_bytes_max, .. } = endpoint;
        let channel =
            Channel::open(system, endpoint.token.as_ref().map(Login::Bearer), timeout, response_bytes_max)?;
        Ok(Self { endpoint, channel })
    }

    /// The limit of one request.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.endpoint.timeout
    }

    /// Asks whether the system is there.
    ///
    /// # Errors
    /// As [`CallError`].
    pub async fn health(&self) -> Result<(), CallError> {
        self.get::<Value>(&["health"], &[]).await.map(drop)
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
        self.call(self.channel.request(Method::GET, url)).await
    }

    /// Has an effect, under a key if the effect is not idempotent by nature.
    ///
    /// # Errors
    /// As [`CallError`].
    pub async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        key: Option<&IdempotencyKey>,
        body: &B,
    ) -> Result<T, CallError> {
        let body = serde_json::to_vec(body).map_err(|e| CallError::NotSent {
            system: self.endpoint.system,
            why: format!("the request cannot be written: {e}"),
        })?;
        let mut request = self
            .channel
            .request(method, self.url(path))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key.as_str());
        }
        self.call(request).await
    }

    /// Of what a look-up by key found, what was made under that key. A system that passes over a filter it does not
    /// know answers with everybody's; taking the first would be taking a stranger's payment.
    pub(crate) fn only_under<T>(
        &self,
        key: &IdempotencyKey,
        found: Vec<T>,
        key_of: impl Fn(&T) -> Option<&str>,
    ) -> Result<Vec<T>, CallError> {
        if found.iter().any(|effect| key_of(effect).is_none()) {
            return Err(self.channel.unknown("a look-up whose answer names no idempotency key"));
        }
        Ok(found.into_iter().filter(|effect| key_of(effect) == Some(key.as_str())).collect())
    }

    /// The system answered, and its answer cannot be acted on.
    pub(crate) fn unknown(&self, why: impl Into<String>) -> CallError {
        self.channel.unknown(why)
    }

    /// The system said a word that nobody here knows, of a payment's state, say. What it means is not guessed.
    pub(crate) fn new_word(&self, of: &str, word: &str) -> CallError {
        self.channel.new_word(of, word)
    }

    /// Path segments are percent-encoded: an id with a slash or a blank must not become another path.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.endpoint.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").push(&self.endpoint.version).extend(path);
        }
        url
    }

    async fn call<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, CallError> {
        let Answer { status, body, .. } = self.channel.call(request).await?;
        self.read(status, &body)
    }

    fn read<T: DeserializeOwned>(&self, status: StatusCode, body: &[u8]) -> Result<T, CallError> {
        let body = if body.is_empty() { b"null" } else { body };
        let envelope = serde_json::from_slice::<Option<BTreeMap<String, &RawValue>>>(body);
        let field = |name| match &envelope {
            Ok(Some(fields)) => fields.get(name).map(|value: &&RawValue| value.get()),
            _ => None,
        };
        if !status.is_success() || field("success") == Some("false") {
            let body = serde_json::from_slice(body).unwrap_or(Value::Null);
            let refusal = Box::new(refusal(status, &body));
            return Err(CallError::Refused { system: self.endpoint.system, refusal });
        }
        // Straight from the text, so that amounts keep their digits.
        match field("data") {
            Some(data) => serde_json::from_str(data),
            None => serde_json::from_slice(body),
        }
        .map_err(|e| self.channel.other_shape(&e))
    }
}

/// The platform documents three shapes of an error; all are read.
fn refusal(status: StatusCode, body: &Value) -> Refused {
    let error = body.get("error").unwrap_or(body);
    let code = error.get("code").and_then(Value::as_str).or_else(|| error.as_str());
    let code = code.filter(|code| is_code(code));
    let details = error.get("details").or_else(|| body.get("details")).or_else(|| body.get("errors"));
    Refused {
        status: status.as_u16(),
        code: code.unwrap_or("UNSPECIFIED").to_owned(),
        details: details.cloned().unwrap_or(Value::Null),
    }
}

/// A word of a provider, as a failure text repeats it. What is not a word may be personal, and stays out.
pub(crate) fn word(text: &str) -> String {
    if is_code(text) { format!("\"{text}\"") } else { "something that is not a word".to_owned() }
}

/// Whether a provider's code can be repeated in a failure text: a word. A sentence, a mail address, a phone or card
/// number in its place is nobody's business; card networks do have codes of a few digits.
pub(crate) fn is_code(text: &str) -> bool {
    let is_of_a_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=60).contains(&text.len())
        && text.chars().all(is_of_a_word)
        && (text.len() <= 4 || text.starts_with(|first: char| first.is_ascii_alphabetic()))
}

impl CallError {
    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Turns the error into what Temporal retries, or does not.
    #[must_use]
    pub fn into_failure(self) -> ActivityError {
        let (failure_type, is_final, delay) = match &self {
            Self::NotSent { .. } | Self::NotLetIn { .. } | Self::Setting { .. } => {
                (failure::UNAVAILABLE, false, None)
            }
            Self::PutOff { after, .. } => (failure::UNAVAILABLE, false, *after),
            Self::Unknown { .. } => (failure::OUTCOME_UNKNOWN, false, None),
            Self::UnknownForGood { .. } => (failure::OUTCOME_UNKNOWN, true, None),
            Self::Refused { .. } | Self::Unusable { .. } => (failure::REFUSED, true, None),
        };
        let failure = ApplicationFailure::builder(self.to_string())
            .type_name(failure_type.to_owned())
            .non_retryable(is_final)
            .maybe_next_retry_delay(delay)
            .build();
        ActivityError::application(failure)
    }
}
