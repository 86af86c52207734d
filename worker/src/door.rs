//! The webhook door: payment events, pushed by the provider, and clicks on the links that end marketing mails
//! (`door/unsubscribe.rs`). Off unless configured, on a port of its own, because it is the one that the internet
//! reaches; `door/connections.rs` keeps it answerable.
//!
//! An event is believed in one thing only: that somebody who knows the secret sent it, lately. Then the order reads
//! its payment again (`settlement`); of an order that has ended, or has its money, the payment is looked at here
//! (`door/look.rs`), and nothing starts for what is not ours. Answers tell the provider whether to send it again: 2xx
//! no, 503 yes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use activities::http::Credential;
use activities::payment::Provider;
use activities::webhook::{PaymentEvent, WebhookError};
use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use pseudonym::RefKey;
use settlement::{Found, Heard, News, SettleError, begin, bring};
use temporalio_client::Client;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

mod connections;
mod look;
mod unsubscribe;

use connections::{BODY_BYTES_MAX, serve};

/// Providers wait for some ten seconds before they give up and send the event again.
const SETTLE_LIMIT: Duration = Duration::from_secs(8);

/// How the door is set up: what is not there answers 404.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Payment events.
    pub payments: Option<PaymentEvents>,
    /// The key that the links which end marketing mails are made with.
    pub unsubscribe: Option<RefKey>,
}

/// Which payment events are taken.
#[derive(Clone, Debug)]
pub struct PaymentEvents {
    /// The secret that they are signed with.
    pub secret: Credential,
    /// Whose events they are.
    pub provider: Arc<dyn Provider>,
}

#[derive(Clone)]
struct Door {
    events: Arc<PaymentEvents>,
    client: Client,
    task_queue: String,
}

/// Opens the door; it closes with the handle's `abort`.
pub(crate) async fn open(
    settings: DoorSettings,
    client: Client,
    task_queue: String,
) -> anyhow::Result<AbortHandle> {
    let DoorSettings { listen, payments, unsubscribe } = settings;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("SUN_WEBHOOK_LISTEN: cannot listen on {listen}; choose a free port"))?;
    let mut routes = Router::new();
    if let Some(key) = unsubscribe {
        routes = routes.merge(unsubscribe::routes(key, client.clone(), task_queue.clone()));
    }
    if let Some(events) = payments {
        let door = Door { events: Arc::new(events), client, task_queue };
        let payments = Router::new().route("/webhooks/payments", post(payment));
        routes = routes.merge(payments.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(door));
    }
    tracing::info!(%listen, "the webhook door is open");
    Ok(tokio::spawn(serve(listener, routes)).abort_handle())
}

async fn payment(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let event = match read(&door.events, &headers, &body) {
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
    let PaymentEvent { event_id, order_id, payment_id, kind } = event;
    let Some(order_id) = order_id else {
        // Somebody else's payment at the same provider: not ours to answer for, and no reason to send it again.
        tracing::info!(kind, "a payment event that is not about an order of ours");
        return (StatusCode::OK, "not ours\n");
    };
    let news = News { order_id, event_id, payment_id };
    let heard = hear(&door, &news, &kind).await;
    let News { order_id, event_id, .. } = news;
    match heard {
        Ok(heard) => {
            tracing::info!(%order_id, %event_id, kind, answer = heard.words(), "a payment event");
            (StatusCode::OK, heard.words())
        }
        Err(error) if error.is_worth_a_retry() => {
            tracing::warn!(%order_id, %event_id, %error, "a payment event could not be brought; it will come again");
            (StatusCode::SERVICE_UNAVAILABLE, "try again\n")
        }
        Err(error) => {
            // Signed by the provider, and nothing here can act on it: somebody has to look at that payment.
            tracing::error!(%order_id, %event_id, kind, %error, "a payment event that needs a person");
            (StatusCode::OK, "no open order\n")
        }
    }
}

/// Brings news, and looks at the provider once before anything starts because of it.
async fn hear(door: &Door, news: &News, kind: &str) -> Result<Heard, SettleError> {
    let says_paid = look::says_paid(kind);
    let provider = door.events.provider.as_ref();
    match bring(&door.client, news, SETTLE_LIMIT).await {
        Ok(Found::Open(heard)) => Ok(heard),
        Ok(Found::Paid) => match look::is_paid_twice(provider, news).await? {
            true => begin(&door.client, &door.task_queue, news, true).await,
            false => Ok(Heard::AlreadyPaid),
        },
        Ok(Found::Undone) if look::is_nothing(provider, news, says_paid).await => Ok(Heard::Nothing),
        Ok(Found::Undone) => begin(&door.client, &door.task_queue, news, false).await,
        Err(error) if error.is_worth_a_retry() => Err(error),
        // Nobody can act on it here; it takes a person, unless it is about nothing.
        Err(error) => match look::is_nothing(provider, news, says_paid).await {
            true => Ok(Heard::Nothing),
            false => Err(error),
        },
    }
}

fn read(events: &PaymentEvents, headers: &HeaderMap, body: &[u8]) -> Result<PaymentEvent, WebhookError> {
    let signature = headers.get(events.provider.signature_header());
    let signature = signature.and_then(|value| value.to_str().ok()).unwrap_or_default();
    events.provider.read_event(signature, body, &events.secret, SystemTime::now())
}
