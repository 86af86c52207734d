//! The webhook door: payment events, pushed by the provider. Off unless configured, on a port of its own, because
//! it is the one that the internet reaches.
//!
//! An event is believed in one thing only: that somebody who knows the secret sent it, lately. Then the order reads
//! its payment again (`settlement`). Answers tell the provider whether to send it again: 2xx no, 503 yes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use activities::http::Credential;
use activities::payment::{platform, stripe};
use activities::webhook::{PaymentEvent, WebhookError};
use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use contracts::values::EventId;
use settlement::settle;
use temporalio_client::Client;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// Payment events are small; whatever is larger is not one.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Providers wait for some ten seconds before they give up and send the event again.
const SETTLE_LIMIT: Duration = Duration::from_secs(8);

/// How the door is set up.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The secret that payment events are signed with.
    pub secret: Credential,
    /// Whose events they are.
    pub provider: Provider,
}

/// Whose events come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The platform's.
    Platform,
    /// Stripe's.
    Stripe,
}

#[derive(Clone)]
struct Door {
    settings: Arc<DoorSettings>,
    client: Client,
    task_queue: String,
}

/// Opens the door; it closes with the handle's `abort`.
pub(crate) async fn open(
    settings: DoorSettings,
    client: Client,
    task_queue: String,
) -> anyhow::Result<AbortHandle> {
    let listen = settings.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("SUN_WEBHOOK_LISTEN: cannot listen on {listen}; choose a free port"))?;
    let door = Door { settings: Arc::new(settings), client, task_queue };
    let routes = Router::new()
        .route("/webhooks/payments", post(payment))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(door);
    tracing::info!(%listen, "the webhook door is open");
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "the webhook door closed");
        }
    });
    Ok(task.abort_handle())
}

async fn payment(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let event = match read(&door.settings, &headers, &body) {
        Ok(event) => event,
        Err(error) => {
            // Nothing of the body: whoever sent it may not be who they say.
            tracing::warn!(%error, "a payment event was refused");
            let status = match error {
                WebhookError::Body => StatusCode::BAD_REQUEST,
                _ => StatusCode::UNAUTHORIZED,
            };
            return (status, "refused\n");
        }
    };
    let PaymentEvent { event_id, order_id, kind } = event;
    let (Some(order_id), Ok(event_id)) = (order_id, EventId::new(event_id)) else {
        // Somebody else's payment at the same provider: not ours to answer for, and no reason to send it again.
        tracing::info!(kind, "a payment event that is not about an order of ours");
        return (StatusCode::OK, "not ours\n");
    };
    match settle(&door.client, &door.task_queue, &order_id, &event_id, SETTLE_LIMIT).await {
        Ok(heard) => {
            tracing::info!(%order_id, %event_id, kind, answer = heard.words(), "a payment event");
            (StatusCode::OK, heard.words())
        }
        Err(error) if error.is_worth_a_retry() => {
            tracing::warn!(%order_id, %event_id, %error, "a payment event could not be brought; it will come again");
            (StatusCode::SERVICE_UNAVAILABLE, "try again\n")
        }
        Err(error) => {
            tracing::warn!(%order_id, %event_id, %error, "a payment event without an order");
            (StatusCode::OK, "no such order\n")
        }
    }
}

fn read(settings: &DoorSettings, headers: &HeaderMap, body: &[u8]) -> Result<PaymentEvent, WebhookError> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = SystemTime::now();
    match settings.provider {
        Provider::Platform => {
            platform::webhook::verify_and_read(header(platform::webhook::HEADER), body, &settings.secret, now)
        }
        Provider::Stripe => {
            stripe::webhook::verify_and_read(header(stripe::webhook::HEADER), body, &settings.secret, now)
        }
    }
}
