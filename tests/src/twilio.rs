//! A Twilio to test against, as far as sending SMS goes, written from Twilio's documentation of the Messages resource:
//! no idempotency keys, a list by recipient with the newest first, errors as `{"code": …, "status": …}`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The account that is known.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "a token of the tests";
/// The number that is the account's.
pub const FROM: &str = "+14155550100";
/// A recipient who has answered STOP.
pub const UNSUBSCRIBED: &str = "+84900000001";

/// `AC…:a token of the tests`, as HTTP's basic authentication has it.
const AUTHORIZATION: &str =
    "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjphIHRva2VuIG9mIHRoZSB0ZXN0cw==";

/// The trouble of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens: 429, to be tried again at once.
    Busy,
    /// Nothing happens: 503.
    Down,
    /// The message is taken, and the answer is 503.
    ReplyLost,
    /// The message is taken, and no answer comes until [`Twilio::release`].
    ReplyHeld,
    /// It thinks for 2.5 s before it takes the message.
    Slow,
}

#[derive(Default)]
struct Books {
    /// Newest first.
    messages: Vec<Value>,
    faults: Vec<Fault>,
}

#[derive(Clone, Default)]
struct Shared {
    books: Arc<Mutex<Books>>,
    release: Arc<Notify>,
}

/// A Twilio of a test's own.
pub struct Twilio {
    url: String,
    shared: Shared,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Twilio {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Twilio {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Shared::default();
        let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
        let routes = Router::new()
            .route(&format!("{account}/Messages.json"), get(list).post(send))
            .route(&format!("{account}.json"), get(account_of))
            .fallback(|| async { error(404, 20404) })
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            drop(axum::serve(listener, routes).await);
        });
        Ok(Self { url, shared, server })
    }

    /// A worker's settings for it, with one of them changed.
    #[must_use]
    pub fn settings_but(&self, name: &str, value: &str) -> Vec<String> {
        let right = [
            ("--sms-provider", "twilio"),
            ("--twilio-api-url", self.url.as_str()),
            ("--twilio-account-sid", ACCOUNT),
            ("--twilio-auth-token", TOKEN),
            ("--sms-from", FROM),
        ];
        right
            .iter()
            .map(|(known, right)| format!("{known}={}", if *known == name { value } else { right }))
            .collect()
    }

    /// The settings as they are right.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        self.settings_but("", "")
    }

    /// Lets these things go wrong, one per request to send.
    pub fn fails(&self, faults: &[Fault]) {
        self.shared.books().faults = faults.to_vec();
    }

    /// Lets go what is held.
    pub fn release(&self) {
        self.shared.release.notify_waiters();
    }

    /// The messages taken, newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        self.shared.books().messages.clone()
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error(status: u16, code: u32) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({
        "code": code, "message": "The 'To' number +84901234567 is somebody's", "status": status.as_u16(),
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
    });
    (status, body.to_string()).into_response()
}

fn is_let_in(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == AUTHORIZATION)
}

async fn account_of(headers: HeaderMap) -> Response {
    if is_let_in(&headers) {
        json!({ "sid": ACCOUNT }).to_string().into_response()
    } else {
        error(401, 20003)
    }
}

#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "To")]
    to: String,
    #[serde(rename = "PageSize")]
    page_size: usize,
}

async fn list(State(twilio): State<Shared>, headers: HeaderMap, Query(filter): Query<Filter>) -> Response {
    if !is_let_in(&headers) {
        return error(401, 20003);
    }
    let books = twilio.books();
    let to_them = books.messages.iter().filter(|message| message["to"] == filter.to.as_str());
    let messages: Vec<&Value> = to_them.take(filter.page_size).collect();
    json!({ "messages": messages, "next_page_uri": null }).to_string().into_response()
}

async fn send(State(twilio): State<Shared>, headers: HeaderMap, form: String) -> Response {
    if !is_let_in(&headers) {
        return error(401, 20003);
    }
    let form = reqwest::Url::parse(&format!("http://form/?{form}"));
    let Ok(form) = form else { return error(400, 20001) };
    let field =
        |name| form.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let (to, from, body) = (field("To"), field("From"), field("Body"));
    let (Some(to), Some(body)) = (to, body) else { return error(400, 21604) };
    let digits = to.strip_prefix('+').unwrap_or_default();
    if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return error(400, 21211);
    }
    if from.as_deref() != Some(FROM) {
        return error(400, 21606);
    }
    if to == UNSUBSCRIBED {
        return error(400, 21610);
    }
    if body.chars().count() > 1_600 {
        return error(400, 21617);
    }
    let fault = {
        let mut books = twilio.books();
        if books.faults.is_empty() { None } else { Some(books.faults.remove(0)) }
    };
    if fault == Some(Fault::Slow) {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
    let sid = {
        let mut books = twilio.books();
        let sid = format!("SM{:032x}", books.messages.len() + 1);
        if !matches!(fault, Some(Fault::Busy | Fault::Down)) {
            let message = json!({
                "sid": sid, "to": to, "from": FROM, "body": body, "direction": "outbound-api", "status": "queued",
            });
            books.messages.insert(0, message);
        }
        sid
    };
    match fault {
        Some(Fault::Busy) => {
            let mut answer = error(429, 20429);
            answer.headers_mut().insert("retry-after", 0.into());
            answer
        }
        Some(Fault::Down | Fault::ReplyLost) => error(503, 20503),
        Some(Fault::ReplyHeld) => {
            drop(tokio::time::timeout(Duration::from_secs(60), twilio.release.notified()).await);
            error(503, 20503)
        }
        None | Some(Fault::Slow) => {
            (StatusCode::CREATED, json!({ "sid": sid, "status": "queued" }).to_string()).into_response()
        }
    }
}
