//! An ERP that says whatever a test wants: pages that no good one would send.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::ErpWorld;

/// A question to it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `products`, or `products/keys`.
    pub path: String,
    /// The cursor that was sent.
    pub cursor: Option<String>,
    /// The place of this question among those with the same path and cursor, from 1.
    pub times: u32,
}

/// An answer of it.
#[derive(Clone, Debug)]
pub struct Said {
    status: u16,
    retry_after: Option<String>,
    body: String,
}

impl Said {
    /// A page with these records, and what it says of the next one.
    #[must_use]
    pub fn page(records: &[Value], next: &Value) -> Self {
        let data = json!({ "data": { "records": records, "next_cursor": next } });
        Self { status: 200, retry_after: None, body: data.to_string() }
    }

    /// A failure, with when to ask again.
    #[must_use]
    pub fn failure(status: u16, retry_after: Option<&str>) -> Self {
        let retry_after = retry_after.map(str::to_owned);
        Self { status, retry_after, body: "away".to_owned() }
    }
}

type Answers = Box<dyn Fn(&Asked) -> Said + Send + Sync>;

struct Inner {
    answers: Answers,
    asked: Mutex<BTreeMap<(String, Option<String>), u32>>,
}

/// An ERP that says whatever a test wants.
pub struct MockErp {
    address: String,
    inner: Arc<Inner>,
    served: JoinHandle<()>,
}

impl Drop for MockErp {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl MockErp {
    /// Starts one, and gives the world's worker a credential for it.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(
        erp: &ErpWorld,
        answers: impl Fn(&Asked) -> Said + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/erp", listener.local_addr()?);
        let inner = Arc::new(Inner { answers: Box::new(answers), asked: Mutex::default() });
        let token = || async { json!({ "data": { "token": "t" } }).to_string() };
        let router = Router::new()
            .route("/erp/auth", post(token))
            .route("/erp/{*path}", get(answer))
            .with_state(inner.clone());
        let served = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        let credential = json!({ "username": "u", "password": "p", "endpoints": [address] });
        std::fs::write(erp.folder().join("secrets/mock.json"), credential.to_string())?;
        Ok(Self { address, inner, served })
    }

    /// The input of a sync with it.
    #[must_use]
    pub fn config(&self, entities: &[&str]) -> Value {
        json!({ "erp_endpoint": self.address, "credentials_ref": "file:mock.json", "sync_entities": entities,
            "lookback": "1s", "limits": { "price_change_percent": 1_000_000 } })
    }

    /// How often it was asked for pages in all.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    Path(path): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> (StatusCode, HeaderMap, String) {
    let cursor = query.get("cursor").cloned();
    let times = {
        let mut asked = inner.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry((path.clone(), cursor.clone())).or_default();
        *times += 1;
        *times
    };
    let Said { status, retry_after, body } = (inner.answers)(&Asked { path, cursor, times });
    let mut headers = HeaderMap::new();
    let retry_after = retry_after.and_then(|after| HeaderValue::from_str(&after).ok());
    headers.extend(retry_after.map(|after| (header::RETRY_AFTER, after)));
    (StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT), headers, body)
}
