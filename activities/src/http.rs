//! HTTP to an outside system: one call, one outcome. The only place that decides retry or give up.
//!
//! | what came back | [`CallError`] | what Temporal does |
//! |---|---|---|
//! | no connection | `NotSent` | retries: nothing happened |
//! | 429 | `PutOff` | retries after `Retry-After`: nothing happened |
//! | nothing was sent: what came of the request before may still show | `TooSoon` | retries when that time is over |
//! | 401, 403, and a path that is not there (404 or 405 without the API's own words, or without a code in them) |
//! `Setting` | retries: nothing happened. The failure names the settings to look at, and a worker with the right ones
//! goes on where this one stopped |
//! | timeout, connection lost, 5xx, 408, 3xx, an answer that is no JSON | `Unknown` | retries, after the adapter looked
//! up what became of it |
//! | an answer that is larger than is read | `TooLarge` | the same; a list of products is asked for in smaller parts |
//! | any other 4xx without the API's own words | `Foreign` | the same; of bulk work whose other rows are taken, it
//! costs its row |
//! | a word of the API that nobody here knows | `NewWord` | the same; the failure names the word |
//! | 409 to an effect under a key, in a code that its adapter does not know | `Unknown` | the same (`conflict.rs`) |
//! | the same 5xx again under the same key (`Idempotent-Replayed`) | `UnknownForGood` | gives up: the provider would
//! repeat it for ever. The process looks it up, or asks under another key |
//! | what no program can mend by asking again: an unreadable file, a refund that came back | `Unusable` | gives up: a
//! person has to look at it |
//! | other 4xx in the API's own words, or `success: false` | `Refused` | gives up, unless the adapter has a word for it
//! (declined, out of stock) |
//!
//! The API's own words are its error envelope (`envelope.rs`). A page of a proxy, a captive portal or a gateway has
//! none, and refuses nothing. A failure that came through a proxy names it ([`proxy`]).
//!
//! The envelope is read as tolerantly as the platform writes it: `data` or top level, `error` as text or object,
//! a 2xx without a body. Failure texts name system, status and code, never the provider's message: it may hold
//! personal data.

pub mod address;
#[cfg(test)]
pub(crate) mod behind_proxy;
pub(crate) mod channel;
mod conflict;
mod credential;
pub(crate) mod envelope;
mod form;
mod outcome;
pub mod proxy;
pub(crate) mod wire;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use contracts::values::IdempotencyKey;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use text::Problem;
use thiserror::Error;

use channel::{Answer, Channel, Login, Peer};
pub use credential::Credential;
pub(crate) use form::Form;
pub use outcome::{CallError, Refused, Wrong};
pub(crate) use outcome::{is_code, refusal, word};

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
    /// The settings that say so.
    pub names: Names,
}

/// The settings that lead to a system, as a failure names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Where it is: `SUN_PAYMENT_API_URL`.
    pub url: Cow<'static, str>,
    /// As whom it is spoken to: `SUN_PAYMENT_API_TOKEN`.
    pub token: Cow<'static, str>,
}

impl Names {
    /// Names that are known when this is compiled.
    #[must_use]
    pub const fn of(url: &'static str, token: &'static str) -> Self {
        Self { url: Cow::Borrowed(url), token: Cow::Borrowed(token) }
    }
}

impl Endpoint {
    /// The same place for another system, or a place of its own: with a URL of its own a system never gets this one's
    /// token. `names` are its own settings; a failure names those that were used.
    #[must_use]
    pub fn elsewhere(
        &self,
        system: &'static str,
        base: Option<Url>,
        token: Option<Credential>,
        names: Names,
    ) -> Self {
        let (is_own_place, is_own_token) = (base.is_some(), base.is_some() || token.is_some());
        let names = Names {
            url: if is_own_place { names.url } else { self.names.url.clone() },
            token: if is_own_token { names.token } else { self.names.token.clone() },
        };
        let token = if is_own_token { token } else { self.token.clone() };
        Self { system, base: base.unwrap_or_else(|| self.base.clone()), token, names, ..self.clone() }
    }
}

/// An answer, and whether it is one that was stored under the request's key.
pub(crate) struct Seen<T> {
    pub(crate) answer: T,
    pub(crate) is_replay: bool,
    /// Whether it has no body, and does not say that it has none (204): it may be anybody's.
    pub(crate) is_bare: bool,
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

/// The platform's code for a thing that it does not have.
pub(crate) const NOT_FOUND: &str = "RESOURCE_NOT_FOUND";

impl Api {
    /// Sets up a client.
    ///
    /// # Errors
    /// When the token cannot be sent or the HTTP client cannot be set up.
    pub fn new(endpoint: Endpoint) -> Result<Self, ApiError> {
        let Endpoint { system, timeout, response_bytes_max, .. } = endpoint;
        let peer = Peer {
            system,
            base: &endpoint.base,
            names: endpoint.names.clone(),
            is_own: envelope::of_the_platform,
            timeout,
            response_bytes_max,
        };
        let channel = Channel::open(peer, endpoint.token.as_ref().map(Login::Bearer))?;
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
        self.send_seen(method, path, key, body).await.map(|seen| seen.answer)
    }

    /// As [`Self::send`]; says whether the answer is one that was stored under the key.
    pub(crate) async fn send_seen<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        key: Option<&IdempotencyKey>,
        body: &B,
    ) -> Result<Seen<T>, CallError> {
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
        self.seen(request).await
    }

    /// Deletes, under a key.
    ///
    /// # Errors
    /// As [`CallError`].
    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        key: &IdempotencyKey,
    ) -> Result<T, CallError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.channel.request(Method::DELETE, url).header("Idempotency-Key", key.as_str());
        self.call(request).await
    }

    /// Sends a form with a file, under a key.
    ///
    /// # Errors
    /// As [`CallError`].
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &IdempotencyKey,
        form: Form,
    ) -> Result<T, CallError> {
        let (content_type, body) = form.finish();
        let request = self
            .channel
            .request(Method::POST, self.url(path))
            .header(CONTENT_TYPE, content_type)
            .header("Idempotency-Key", key.as_str())
            .body(body);
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
        self.only_of("idempotency key", key.as_str(), found, key_of)
    }

    /// The same of a look-up by anything else: what does not carry it is somebody else's.
    pub(crate) fn only_of<T>(
        &self,
        what: &str,
        wanted: &str,
        found: Vec<T>,
        of: impl Fn(&T) -> Option<&str>,
    ) -> Result<Vec<T>, CallError> {
        if found.iter().any(|found| of(found).is_none()) {
            return Err(self.channel.unknown(format!("a look-up whose answer names no {what}")));
        }
        Ok(found.into_iter().filter(|found| of(found) == Some(wanted)).collect())
    }

    /// The system answered, and its answer cannot be acted on.
    pub(crate) fn unknown(&self, why: impl Into<String>) -> CallError {
        self.channel.unknown(why)
    }

    /// The system turns us away for what a setting mends, in words of its own.
    pub(crate) fn setting(&self, wrong: Wrong, fix: String) -> CallError {
        self.channel.setting(wrong, fix)
    }

    /// The system asks for patience, in words of its own.
    pub(crate) fn put_off(&self) -> CallError {
        self.channel.put_off(None)
    }

    /// The system said a word that nobody here knows, of a payment's state, say. Its meaning is not guessed.
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
        self.seen(request).await.map(|seen| seen.answer)
    }

    async fn seen<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Seen<T>, CallError> {
        let Answer { status, body, is_replay } = self.channel.call(request).await?;
        let is_bare = body.is_empty() && status != StatusCode::NO_CONTENT;
        Ok(Seen { answer: self.read(status, &body)?, is_replay, is_bare })
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
            if refusal.is_about_the_path() {
                return Err(self.channel.of_somebody_else(status));
            }
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
