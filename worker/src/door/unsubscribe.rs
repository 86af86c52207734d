//! One click out of the marketing mails (RFC 8058): `/unsubscribe/<pseudonym>/<platform's id>/<token>`.
//!
//! | request | answer | effect |
//! |---|---|---|
//! | `POST`, whatever its body | 200 | [`Unsubscription`] is started, or runs already |
//! | `GET`, `HEAD` | 200, a page with one button, which posts | none: scanners follow every link in a mail |
//! | a token that is another customer's, or nobody's | 404 | none |
//! | Temporal is away | 503 | none; a second click does it |
//!
//! The token is all that is asked for, as the RFC wants it: no cookie, no login, no redirect. It names no address. The
//! RFC's form, `List-Unsubscribe=One-Click`, comes in whatever encoding a provider has made of it, or not at all:
//! nobody posts to such a link who does not mean it. A slash at the end of the link is passed over.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use contracts::values::{CustomerId, CustomerRef};
use pseudonym::RefKey;
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{Client, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions};
use temporalio_common::search_attributes::SearchAttributes;
use workflows::input::Unchecked;
use workflows::unsubscription::{self, Unsubscription, UnsubscriptionData};

/// As much of a body is read, politely, and not looked at; the rest is not waited for.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a click waits for Temporal.
const START_LIMIT: Duration = Duration::from_secs(8);

const ASK: &str = include_str!("ask.html");
const DONE: &str = include_str!("done.html");

#[derive(Clone)]
struct Links {
    key: RefKey,
    client: Client,
    task_queue: String,
}

/// The links that marketing mails hold.
pub(super) fn routes(key: RefKey, client: Client, task_queue: String) -> Router {
    let link = || get(ask).post(unsubscribe);
    Router::new()
        .route("/unsubscribe/{customer_ref}/{customer_id}/{token}", link())
        .route("/unsubscribe/{customer_ref}/{customer_id}/{token}/", link())
        .with_state(Links { key, client, task_queue })
}

type Link = Path<(String, String, String)>;

async fn ask(State(links): State<Links>, Path(link): Link) -> Response {
    match links.whose(link) {
        Some(_) => page(StatusCode::OK, ASK),
        None => unknown(),
    }
}

async fn unsubscribe(State(links): State<Links>, Path(link): Link, body: Body) -> Response {
    let Some(data) = links.whose(link) else { return unknown() };
    drop(to_bytes(body, BODY_BYTES_MAX).await);
    let customer = data.customer_ref.clone();
    match tokio::time::timeout(START_LIMIT, links.start(data)).await {
        Ok(Ok(())) => {
            tracing::info!(%customer, "a customer wants no more marketing mail");
            page(StatusCode::OK, DONE)
        }
        Ok(Err(error)) => {
            tracing::error!(%customer, %error, "an unsubscription could not be written down");
            again_later()
        }
        Err(_) => {
            tracing::error!(%customer, "an unsubscription could not be written down: Temporal does not answer");
            again_later()
        }
    }
}

impl Links {
    /// Whose link it is; `None` unless its token is right.
    fn whose(
        &self,
        (customer_ref, customer_id, token): (String, String, String),
    ) -> Option<UnsubscriptionData> {
        let customer_ref = CustomerRef::new(customer_ref).ok()?;
        let customer_id = CustomerId::new(customer_id).ok()?;
        let is_right = self.key.is_unsubscribe_token(&customer_ref, &customer_id, &token);
        is_right.then_some(UnsubscriptionData { customer_ref, customer_id })
    }

    async fn start(&self, data: UnsubscriptionData) -> Result<(), String> {
        let customer = &data.customer_ref;
        let workflow_id = unsubscription::workflow_id(customer, &data.customer_id);
        let options = WorkflowStartOptions::new(self.task_queue.clone(), workflow_id)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .static_summary(format!("Customer {customer} wants no more marketing mail"))
            .search_attributes(SearchAttributes::new(unsubscription::search_attributes(customer)))
            .enable_eager_workflow_start(true)
            .build();
        let input = Unchecked::of(&data).map_err(|error| error.to_string())?;
        match self.client.start_workflow(Unsubscription::run, input, options).await {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
            Err(WorkflowStartError::Rpc(status)) => Err(format!("{:?}: {}", status.code(), status.message())),
            Err(other) => Err(other.to_string()),
        }
    }
}

/// The link is the only secret: no page is stored, framed, indexed, or told to whom the link leads next.
fn page(status: StatusCode, html: &'static str) -> Response {
    const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (ROBOTS, HeaderValue::from_static("noindex")),
    ];
    (status, headers, html).into_response()
}

/// The same for a wrong token as for a path that leads nowhere.
fn unknown() -> Response {
    (StatusCode::NOT_FOUND, "this link is not known here\n").into_response()
}

fn again_later() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "60")], "try again\n").into_response()
}
