//! Tryton's JSON-RPC: a session, calls, and its tagged values.
//!
//! Since 8.0 calls go to `POST {database}/rpc/`. A wrong password or a worn session is a 401; what a call itself
//! refuses comes as HTTP 200 with an `error`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::http::channel::Channel;
use crate::http::{CallError, Credential, Refused};

/// One database of a Tryton server.
pub(super) struct Rpc {
    channel: Channel,
    url: Url,
    username: String,
    password: Credential,
    /// Held while somebody logs in, so that a session that ended under many requests is asked for once.
    session: tokio::sync::Mutex<Option<Arc<HeaderValue>>>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    result: Option<Box<RawValue>>,
    /// The kind of the error, then its words, which may quote a record.
    #[serde(default)]
    error: Option<Vec<Value>>,
}

impl Rpc {
    pub(super) fn new(channel: Channel, database: &Url, username: String, password: Credential) -> Self {
        let mut url = database.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("rpc").push("");
        }
        Self { channel, url, username, password, session: tokio::sync::Mutex::default() }
    }

    /// Another session than the one in use.
    pub(super) async fn log_in(&self) -> Result<(), CallError> {
        let worn = self.session.lock().await.clone();
        self.session(worn.as_ref()).await.map(drop)
    }

    async fn session(&self, worn: Option<&Arc<HeaderValue>>) -> Result<Arc<HeaderValue>, CallError> {
        let mut session = self.session.lock().await;
        if let Some(session) = session.as_ref()
            && worn.is_none_or(|worn| !Arc::ptr_eq(worn, session))
        {
            return Ok(session.clone());
        }
        let parameters = json!([self.username, { "password": self.password.reveal() }, "en"]);
        let given: Vec<Value> = self.send("common.db.login", &parameters, None).await?;
        let (Some(Value::Number(user)), Some(Value::String(token))) = (given.first(), given.get(1)) else {
            return Err(self.channel.unknown("a login without a session".to_owned()));
        };
        let header = format!("Session {}", STANDARD.encode(format!("{}:{user}:{token}", self.username)));
        let mut header = HeaderValue::from_str(&header)
            .map_err(|_| self.channel.unknown("a session that cannot be sent".to_owned()))?;
        header.set_sensitive(true);
        Ok(session.insert(Arc::new(header)).clone())
    }

    /// Calls a method; a session that has ended is replaced once.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: &Value,
    ) -> Result<T, CallError> {
        let session = self.session(None).await?;
        match self.send(method, parameters, Some(&session)).await {
            Err(error) if error.is_not_let_in() => {
                let session = self.session(Some(&session)).await?;
                self.send(method, parameters, Some(&session)).await
            }
            answer => answer,
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: &Value,
        session: Option<&Arc<HeaderValue>>,
    ) -> Result<T, CallError> {
        let body = json!({ "id": 1, "method": method, "params": parameters }).to_string();
        let mut request = self
            .channel
            .request(Method::POST, self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        if let Some(session) = session {
            request = request.header(AUTHORIZATION, HeaderValue::clone(session));
        }
        let answer = self.channel.call(request).await?;
        let refused = |code: &str| {
            let refusal =
                Refused { status: answer.status.as_u16(), code: code.to_owned(), details: Value::Null };
            CallError::Refused { system: self.channel.system(), refusal: Box::new(refusal) }
        };
        let shape = |error: serde_json::Error| self.channel.other_shape(&error);
        let reply: Reply = serde_json::from_slice(&answer.body).map_err(shape)?;
        if let Some(error) = reply.error {
            // Its kind alone: the words quote records.
            let kind = error.first().and_then(Value::as_str).unwrap_or("UNSPECIFIED");
            let is_word = kind.chars().all(|c| c.is_ascii_alphanumeric());
            return Err(refused(if is_word { kind } else { "UNSPECIFIED" }));
        }
        let result = reply.result.as_ref().map_or("null", |raw| raw.get());
        serde_json::from_str(result).map_err(shape)
    }

    pub(super) fn unknown(&self, why: &str) -> CallError {
        self.channel.unknown(why.to_owned())
    }
}

/// A moment as Tryton writes it: UTC, with microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Moment {
    year: i16,
    month: i8,
    day: i8,
    #[serde(default)]
    hour: i8,
    #[serde(default)]
    minute: i8,
    #[serde(default)]
    second: i8,
    #[serde(default)]
    microsecond: i32,
}

impl Moment {
    pub(super) fn timestamp(self) -> Option<Timestamp> {
        let Self { year, month, day, hour, minute, second, microsecond } = self;
        let civil =
            DateTime::new(year, month, day, hour, minute, second, microsecond.checked_mul(1_000)?).ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }
}

/// A moment as a domain takes it; what is below a microsecond is cut off, so that nothing at it is passed over.
pub(super) fn tagged(moment: Timestamp) -> Value {
    let civil = TimeZone::UTC.to_datetime(moment);
    json!({
        "__class__": "datetime", "year": civil.year(), "month": civil.month(), "day": civil.day(),
        "hour": civil.hour(), "minute": civil.minute(), "second": civil.second(),
        "microsecond": civil.subsec_nanosecond() / 1_000,
    })
}

/// A value as plain JSON: a `Decimal` becomes a number with the digits it has; everything else stays as it is.
pub(super) fn plain(raw: &RawValue) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Tagged {
        #[serde(rename = "__class__")]
        class: String,
        decimal: String,
    }
    match serde_json::from_str::<Tagged>(raw.get()) {
        Ok(tagged) if tagged.class == "Decimal" => RawValue::from_string(tagged.decimal).ok(),
        Ok(_) => None,
        Err(_) => Some(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits_and_moments_their_microseconds() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        let decimal = raw(r#"{"__class__":"Decimal","decimal":"12345678901234567890.10"}"#);
        assert_eq!(plain(&decimal).expect("plain").get(), "12345678901234567890.10");
        assert_eq!(plain(&raw("10.0")).expect("plain").get(), "10.0");
        assert_eq!(plain(&raw("null")).expect("plain").get(), "null");
        assert!(plain(&raw(r#"{"__class__":"Decimal","decimal":"NaN"}"#)).is_none());

        let moment: Timestamp = "2026-11-23T02:50:13.436831Z".parse().expect("a moment");
        let back: Moment = serde_json::from_value(tagged(moment)).expect("a moment");
        assert_eq!(back.timestamp(), Some(moment));
    }
}
