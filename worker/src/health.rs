//! `/healthz` (alive), `/readyz` (gets work; probes every outside system) and `/metrics`, on one port.
//!
//! `/readyz?read=true` asks each outside system for a read as well, which takes the worker's credentials: `starter
//! doctor` does, and what asks every few seconds whether this worker is ready need not.
//!
//! Ready means connected, polling, not draining and, with versioning on, of a current version. An outside system
//! that is down is reported but does not make the worker unready: its steps are retried, the others go on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use temporalio_client::Client;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{Deployment, Settings, way_out};
use crate::systems::Probe;
use crate::temporal;

const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// The limit of a probe that reads.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// Where the worker stands.
#[derive(Default)]
pub(crate) struct Status {
    client: OnceLock<Client>,
    polling: AtomicBool,
    draining: AtomicBool,
}

impl Status {
    pub(crate) fn connected(&self, client: Client) {
        self.client.get_or_init(|| client);
    }

    pub(crate) fn polling(&self) {
        self.polling.store(true, Ordering::Relaxed);
    }

    pub(crate) fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct Server {
    status: Arc<Status>,
    probes: Arc<Vec<Probe>>,
    deployment: Option<Deployment>,
    /// Whether marketing mails can leave, if customers are onboarded here.
    way_out: Option<Result<&'static str, &'static str>>,
    exporter: SocketAddr,
    http: reqwest::Client,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: String,
    ok: bool,
    /// Whether the worker is unready without it.
    required: bool,
    detail: String,
}

impl Check {
    fn required(name: &str, outcome: Result<String, String>) -> Self {
        Self::new(name.to_owned(), true, outcome)
    }

    fn new(name: String, required: bool, outcome: Result<String, String>) -> Self {
        let ok = outcome.is_ok();
        let detail = match outcome {
            Ok(detail) | Err(detail) => detail,
        };
        Self { name, ok, required, detail }
    }
}

/// A running health server.
pub(crate) struct Health {
    address: SocketAddr,
    task: AbortHandle,
}

impl Health {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

/// Starts the server.
pub(crate) async fn serve(
    settings: &Settings,
    status: Arc<Status>,
    probes: Vec<Probe>,
    exporter: SocketAddr,
) -> anyhow::Result<Health> {
    let listener = TcpListener::bind(settings.operation.listen).await.with_context(|| {
        format!("SUN_WORKER_LISTEN: cannot listen on {}; choose a free port", settings.operation.listen)
    })?;
    let address = listener.local_addr()?;
    // Asks this process only, and through no proxy.
    let http = reqwest::Client::builder().no_proxy().timeout(PROBE_LIMIT).build()?;
    let deployment = settings.temporal.deployment.clone();
    let (probes, way_out) = (Arc::new(probes), way_out(&settings.pseudonyms));
    let server = Server { status, probes, deployment, way_out, exporter, http };
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(server);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "the health server stopped");
        }
    });
    Ok(Health { address, task: task.abort_handle() })
}

/// The wishes of whoever asks at `/readyz`.
#[derive(Deserialize)]
struct Asked {
    /// Whether each outside system is to be asked for a read.
    #[serde(default)]
    read: bool,
}

async fn ready(State(server): State<Server>, Query(Asked { read }): Query<Asked>) -> Response {
    let mut checks = vec![temporal_check(&server).await];
    let flag = |set: bool, yes: &str, no: &str| if set { Ok(yes.to_owned()) } else { Err(no.to_owned()) };
    let polling = server.status.polling.load(Ordering::Relaxed);
    let working = !server.status.draining.load(Ordering::Relaxed);
    checks.push(Check::required("pollers", flag(polling, "started", "not started yet")));
    checks.push(Check::required("draining", flag(working, "no", "yes: this worker is shutting down")));
    if let (Some(deployment), Some(client)) = (&server.deployment, server.status.client.get()) {
        let current = limited(temporal::version_is_current(client, deployment)).await;
        checks.push(Check::required("version", current));
    }
    let mut probes = JoinSet::new();
    for (i, probe) in server.probes.iter().cloned().enumerate() {
        probes.spawn(async move {
            let answer = match read {
                true => within(READ_LIMIT, probe.lets_us_in()).await,
                false => limited(probe.health()).await,
            };
            (i, Check::new(probe.system.to_owned(), false, answer))
        });
    }
    let mut probed = probes.join_all().await;
    probed.sort_by_key(|(i, _)| *i);
    checks.extend(probed.into_iter().map(|(_, check)| check));
    if let Some(way_out) = server.way_out {
        let outcome = way_out.map(str::to_owned).map_err(str::to_owned);
        checks.push(Check::new("marketing mails".to_owned(), false, outcome));
    }
    let ready = checks.iter().all(|check| check.ok || !check.required);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks })).into_response()
}

async fn temporal_check(server: &Server) -> Check {
    let answer = match server.status.client.get() {
        None => Err("not connected yet".to_owned()),
        Some(client) => limited(temporal::answers(client)).await.map(|()| "answers".to_owned()),
    };
    Check::required("temporal", answer)
}

async fn limited<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    within(PROBE_LIMIT, answer).await
}

async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let answer = tokio::time::timeout(limit, answer).await;
    answer.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")))
}

/// The SDK serves its registry itself, on a loopback port of its own; this door adds it to the one port.
async fn metrics(State(server): State<Server>) -> Response {
    let scraped = async {
        let url = format!("http://{}/metrics", server.exporter);
        server.http.get(url).send().await?.error_for_status()?.text().await
    };
    match scraped.await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the metrics cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
