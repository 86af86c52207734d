//! The part of HTTP that every adapter needs, whatever its provider's format: send, limit, classify.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, InvalidHeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode, Url};

use super::envelope::IsOwn;
use super::{ApiError, CallError, Credential, Names, Wrong, address, proxy};

/// Waits at most this long for `Retry-After`; longer ones are asked again sooner.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// As whom a system is spoken to.
#[derive(Clone, Copy)]
pub(crate) enum Login<'a> {
    /// A token.
    Bearer(&'a Credential),
    /// A name and a password.
    Basic {
        /// The name.
        user: &'a str,
        /// The password.
        password: &'a Credential,
    },
}

impl Login<'_> {
    fn header(self) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = match self {
            Self::Bearer(token) => HeaderValue::from_str(&format!("Bearer {}", token.reveal())),
            Self::Basic { user, password } => {
                let both = BASE64_STANDARD.encode(format!("{user}:{}", password.reveal()));
                HeaderValue::from_str(&format!("Basic {both}"))
            }
        }?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Whom a channel is opened to.
pub(crate) struct Peer<'p> {
    /// The system's name, for failure texts.
    pub(crate) system: &'static str,
    /// Where it is.
    pub(crate) base: &'p Url,
    /// The settings that say so.
    pub(crate) names: Names,
    /// Tells its own errors from those of something before it.
    pub(crate) is_own: IsOwn,
    /// The limit of one request.
    pub(crate) timeout: Duration,
    /// The largest answer that is read.
    pub(crate) response_bytes_max: usize,
}

/// A connection to one outside system; cheap to clone, connections are pooled. The login is marked as sensitive, so
/// that `Debug` does not show it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    system: &'static str,
    http: reqwest::Client,
    authorization: Option<HeaderValue>,
    names: Names,
    is_own: IsOwn,
    /// The proxy before the system, as a failure's text ends with it.
    pub(super) way: String,
    /// Where the system is, for the log.
    address: String,
    timeout: Duration,
    response_bytes_max: usize,
}

/// An answer that says something: a success or a refusal.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    /// Whether the system says that it had stored this answer under the request's key.
    pub(crate) is_replay: bool,
}

impl Channel {
    pub(crate) fn open(peer: Peer<'_>, login: Option<Login<'_>>) -> Result<Self, ApiError> {
        let Peer { system, base, names, is_own, timeout, response_bytes_max } = peer;
        let http = proxy::client_for(base)
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            // A redirect would repeat an effect at an address nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sunflow/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let authorization = login.map(|login| login.header().map_err(|_| ApiError::Token(system)));
        let (authorization, way) = (authorization.transpose()?, proxy::on_the_way(base));
        let address = address::origin(base);
        Ok(Self { system, http, authorization, names, is_own, way, address, timeout, response_bytes_max })
    }

    pub(crate) fn system(&self) -> &'static str {
        self.system
    }

    /// The limit of one request.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends; what is neither a success nor a refusal in the API's own words is an error.
    pub(crate) async fn call(&self, request: RequestBuilder) -> Result<Answer, CallError> {
        let answer = self.ask(request).await;
        match &answer {
            Ok(answer) if answer.status.is_success() => address::forget(),
            Ok(_) | Err(_) => address::note(&self.address),
        }
        answer
    }

    async fn ask(&self, mut request: RequestBuilder) -> Result<Answer, CallError> {
        request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.build().map_err(|e| self.transport(&e))?;
        let is_read = request.method() == Method::GET;
        let mut response = self.http.execute(request).await.map_err(|e| self.transport(&e))?;
        let status = response.status();
        self.classify(status, response.headers(), is_read)?;
        let is_replay = is_replay(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.transport(&e))? {
            if body.len() + chunk.len() > self.response_bytes_max {
                let (system, bytes, way) = (self.system, self.response_bytes_max, self.way.clone());
                return Err(CallError::TooLarge { system, bytes, way });
            }
            body.extend_from_slice(&chunk);
        }
        // Some systems put a byte-order mark before their JSON. Nobody behind this place has to know.
        if let Ok(mark) = text::json::mark(&body) {
            body.drain(..mark);
        }
        if status.is_client_error() && !(self.is_own)(&body) {
            return Err(self.of_somebody_else(status));
        }
        Ok(Answer { status, body, is_replay })
    }

    /// A 4xx of something before the API, or of the API about a path that it does not have.
    pub(crate) fn of_somebody_else(&self, status: StatusCode) -> CallError {
        let Names { url, .. } = &self.names;
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                let fix = format!("is {url} the API's own address?");
                self.setting(Wrong::Path(status.as_u16()), fix)
            }
            other => {
                let status = other.as_u16();
                let why = format!(
                    "HTTP {status} without the API's own words: does something before it answer, and is {url} right?"
                );
                CallError::Foreign { system: self.system, status, why: self.by_way_of(why) }
            }
        }
    }

    /// Decides by status and headers alone.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, is_read: bool) -> Result<(), CallError> {
        let system = self.system;
        let header = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        // Of a write, a 503 does not say that nothing happened.
        let is_away =
            || is_read && status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key(RETRY_AFTER);
        if status == StatusCode::TOO_MANY_REQUESTS || is_away() {
            return Err(self.put_off(header(RETRY_AFTER.as_str()).and_then(retry_after)));
        }
        let Names { url, token } = &self.names;
        match status {
            StatusCode::UNAUTHORIZED => {
                return Err(self.setting(Wrong::Login, format!("the worker needs a valid {token}")));
            }
            StatusCode::FORBIDDEN => {
                let fix =
                    format!("look at the rights of {token}, and whether {url} is the API's own address");
                return Err(self.setting(Wrong::Permission, fix));
            }
            redirect if redirect.is_redirection() => {
                let code = redirect.as_u16();
                return Err(self.unknown(format!(
                    "HTTP {code} leads elsewhere: does something before the API answer, and is {url} right?"
                )));
            }
            _ => {}
        }
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            let why = self.by_way_of(format!("HTTP {}", status.as_u16()));
            return Err(match is_replay(headers) {
                true => CallError::UnknownForGood { system, why },
                false => CallError::Unknown { system, why },
            });
        }
        Ok(())
    }

    fn transport(&self, error: &reqwest::Error) -> CallError {
        // `Display` of the error holds the URL; its kind and root cause say what is needed.
        let root = std::iter::successors(std::error::Error::source(error), |e| e.source()).last();
        let why = root.map_or_else(|| "the connection failed".to_owned(), ToString::to_string);
        if error.is_connect() || error.is_builder() {
            CallError::NotSent { system: self.system, why: self.by_way_of(why) }
        } else if error.is_timeout() {
            self.unknown(format!("nothing within {:?}", self.timeout))
        } else {
            self.unknown(why)
        }
    }

    /// An answer that is not what was asked for. serde's own text is left out: it quotes the answer.
    pub(crate) fn other_shape(&self, error: &serde_json::Error) -> CallError {
        address::note(&self.address);
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        self.unknown(format!("an answer of another shape ({kind:?} error, line {line}, column {column})"))
    }

    /// An error that only a setting mends.
    pub(crate) fn setting(&self, wrong: Wrong, fix: String) -> CallError {
        CallError::Setting { system: self.system, wrong, fix, way: self.way.clone() }
    }

    /// An error that asks for patience. `after`: when to ask again, where that was said.
    pub(crate) fn put_off(&self, after: Option<Duration>) -> CallError {
        CallError::PutOff { system: self.system, way: self.way.clone(), after }
    }

    /// The system, or something before it, lacks what cannot be done without.
    pub(crate) fn unusable(&self, why: String) -> CallError {
        CallError::Unusable { system: self.system, why: self.by_way_of(why) }
    }

    /// The proxy is named: it may be what failed.
    fn by_way_of(&self, why: String) -> String {
        why + &self.way
    }

    /// `of`: what was said so, such as `a payment in a state`.
    pub(crate) fn new_word(&self, of: &str, word: &str) -> CallError {
        address::note(&self.address);
        let why = format!("{of} that this version does not know: {}", super::word(word));
        CallError::NewWord { system: self.system, why: self.by_way_of(why) }
    }

    pub(crate) fn unknown(&self, why: impl Into<String>) -> CallError {
        address::note(&self.address);
        CallError::Unknown { system: self.system, why: self.by_way_of(why.into()) }
    }
}

impl super::Api {
    /// The system holds something otherwise than it has to be, and asking again does not change that.
    pub(crate) fn unusable(&self, why: String) -> CallError {
        self.channel.unusable(why)
    }
}

/// A number of seconds, or a date: the time until then by this machine's clock.
fn retry_after(said: &str) -> Option<Duration> {
    let said = said.trim();
    let after = match said.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(said).ok()?.timestamp();
            Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default()
        }
    };
    Some(after.min(RETRY_AFTER_MAX))
}

/// Stripe's header, which others have taken over.
fn is_replay(headers: &HeaderMap) -> bool {
    let said = headers.get("idempotent-replayed").and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_says_when_to_ask_again_in_seconds_or_by_a_date() {
        assert_eq!(retry_after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("3600"), Some(RETRY_AFTER_MAX));
        let soon = Timestamp::now() + Duration::from_secs(90);
        let date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let after = retry_after(&date).expect("a date");
        assert!((Duration::from_secs(85)..=Duration::from_secs(90)).contains(&after), "{date}: {after:?}");
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("soon"), None);
    }
}
