//! The wire between worker and Stripe: what was sent, and what goes wrong on the way.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Largest request of a test, in bytes.
const BODY_MAX: usize = 1 << 20;

/// A request as the worker sent it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When it arrived here.
    pub at: Instant,
    /// `POST /v1/payment_intents`
    pub what: String,
    /// The query, as sent.
    pub query: String,
    /// `Idempotency-Key`, or empty.
    pub key: String,
    /// `Authorization`, or empty.
    pub authorization: String,
    /// `Stripe-Version`, or empty.
    pub version: String,
    /// The body, as sent.
    pub body: String,
}

/// The trouble that a request meets.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// It arrives and has its effect; the connection breaks before the answer is read.
    ReplyLost,
    /// It arrives late.
    Late(Duration),
    /// It never arrives: somebody answers this status with these headers.
    Answered(u16, &'static [(&'static str, &'static str)]),
    /// It arrives and has its effect; the answer is this status.
    DoneThenAnswered(u16),
}

/// The answer of the search, which localstripe does not have. Emulated by what Stripe documents of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// 404, as localstripe answers.
    Absent,
    /// Finds all there is.
    Current,
    /// Has not seen anything yet.
    Lagging,
}

struct Shared {
    upstream: Url,
    http: reqwest::Client,
    sent: Mutex<Vec<Sent>>,
    troubles: Mutex<Vec<(String, Trouble)>>,
    search: Mutex<Search>,
}

/// Stands between worker and Stripe.
pub struct Wire {
    url: String,
    shared: Arc<Shared>,
}

impl Wire {
    /// A wire to a Stripe.
    pub async fn to(upstream: &str) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            upstream: Url::parse(upstream)?,
            http: reqwest::Client::new(),
            sent: Mutex::default(),
            troubles: Mutex::default(),
            search: Mutex::new(Search::Absent),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().fallback(carry).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { url, shared })
    }

    /// The settings of a worker that is paid through it.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        vec![
            "--payment-provider=stripe".to_owned(),
            format!("--stripe-secret-key={}", super::SECRET_KEY),
            format!("--stripe-api-url={}", self.url),
        ]
    }

    /// The next request of this kind (`POST /v1/refunds`) gets into trouble; more than one, one after the other.
    pub fn trouble(&self, what: &str, trouble: Trouble) {
        held(&self.shared.troubles).push((what.to_owned(), trouble));
    }

    /// Sets the answer of the search from now on.
    pub fn search(&self, search: Search) {
        *held(&self.shared.search) = search;
    }

    /// The requests that were sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        held(&self.shared.sent).clone()
    }

    /// The requests of one kind that were sent so far.
    #[must_use]
    pub fn sent_as(&self, what: &str) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.what == what).collect()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The oldest trouble that waits for such a request.
    fn trouble_of(&self, what: &str) -> Option<Trouble> {
        let mut troubles = held(&self.troubles);
        let i = troubles.iter().position(|(kind, _)| kind == what)?;
        Some(troubles.remove(i).1)
    }
}

async fn carry(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    // A request that has arrived runs to its end, even when the worker has hung up meanwhile.
    let carried = tokio::spawn(async move { carried(&shared, request).await }).await;
    match carried {
        Ok(Ok(answer)) => answer,
        other => panic!("the wire is broken: {:?}", other.map(|carried| carried.err())),
    }
}

async fn carried(shared: &Shared, request: Request) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_MAX).await?;
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let what = format!("{} {}", head.method, head.uri.path());
    held(&shared.sent).push(Sent {
        at: Instant::now(),
        what: what.clone(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        key: header("idempotency-key"),
        authorization: header("authorization"),
        version: header("stripe-version"),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let search = *held(&shared.search);
    if head.uri.path().ends_with("/search") && search != Search::Absent {
        return found(shared, search, head.uri.query().unwrap_or_default(), &header("authorization")).await;
    }
    let trouble = shared.trouble_of(&what);
    match &trouble {
        Some(Trouble::Answered(status, headers)) => {
            let mut answer = (StatusCode::from_u16(*status)?, "{}").into_response();
            for (name, value) in *headers {
                answer.headers_mut().insert(*name, value.parse()?);
            }
            return Ok(answer);
        }
        Some(Trouble::Late(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let mut url = shared.upstream.clone();
    url.set_path(head.uri.path());
    url.set_query(head.uri.query());
    let mut forward = shared.http.request(head.method.clone(), url).body(body);
    for name in ["authorization", "content-type", "idempotency-key"] {
        if let Some(value) = head.headers.get(name) {
            forward = forward.header(name, value);
        }
    }
    let answer = forward.send().await?;
    let (status, body) = (answer.status(), answer.bytes().await?);
    Ok(match trouble {
        Some(Trouble::ReplyLost) => {
            let broken = futures::stream::iter([Err::<Bytes, _>(io::Error::other("the connection broke"))]);
            Response::new(Body::from_stream(broken))
        }
        Some(Trouble::DoneThenAnswered(status)) => (StatusCode::from_u16(status)?, "{}").into_response(),
        _ => (status, body).into_response(),
    })
}

/// A search by the metadata `idempotency_key`, the only one there is.
async fn found(shared: &Shared, search: Search, query: &str, auth: &str) -> anyhow::Result<Response<Body>> {
    let mut url = shared.upstream.clone();
    url.set_query(Some(query));
    let asked = url.query_pairs().find(|(name, _)| name == "query").map(|(_, value)| value.into_owned());
    let asked = asked.unwrap_or_default();
    let key = asked.strip_prefix(r#"metadata["idempotency_key"]:""#).and_then(|rest| rest.strip_suffix('"'));
    let Some(key) = key else {
        return Ok((StatusCode::BAD_REQUEST, "{}").into_response());
    };
    url.set_path("/v1/payment_intents");
    url.set_query(Some("limit=10000"));
    let all = shared.http.get(url).header("authorization", auth).send().await?.bytes().await?;
    let all: Value = serde_json::from_slice(&all)?;
    let is_found =
        |intent: &&Value| search == Search::Current && intent["metadata"]["idempotency_key"] == key;
    let data: Vec<_> = all["data"].as_array().into_iter().flatten().filter(is_found).collect();
    let page = json!({ "object": "search_result", "data": data, "has_more": false });
    Ok((StatusCode::OK, page.to_string()).into_response())
}
