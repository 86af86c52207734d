//! One click out of the marketing mails (RFC 8058): `/unsubscribe/<pseudonym>/<platform's id>/<token>`.
//!
//! | request | answer | effect |
//! |---|---|---|
//! | `POST` with the form field `List-Unsubscribe=One-Click` | 200 | [`Unsubscription`] is started, or runs already |
//! | `GET` | 200, a page with one button, which posts that field | none: scanners follow every link in a mail |
//! | a token that is another customer's, or nobody's | 404 | none |
//! | `POST` with anything else | 400; above 4 KiB: 413 | none |
//! | Temporal is away | 503 | none; a second click does it |
//!
//! The token is all that is asked for, as the RFC wants it: no cookie, no login, no redirect. It names no address.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use contracts::values::{CustomerId, CustomerRef};
use pseudonym::RefKey;
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{Client, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions};
use temporalio_common::search_attributes::SearchAttributes;
use workflows::input::Unchecked;
use workflows::unsubscription::{self, Unsubscription, UnsubscriptionData};

/// One form field; whatever is larger is something else.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// The field of RFC 8058 and its only value.
const FIELD: &str = "List-Unsubscribe";
const ONE_CLICK: &str = "One-Click";
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
    Router::new()
        .route("/unsubscribe/{customer_ref}/{customer_id}/{token}", get(ask).post(unsubscribe))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Links { key, client, task_queue })
}

type Link = Path<(String, String, String)>;

async fn ask(State(links): State<Links>, Path(link): Link) -> Response {
    match links.whose(link) {
        Some(_) => page(StatusCode::OK, ASK),
        None => unknown(),
    }
}

async fn unsubscribe(
    State(links): State<Links>,
    Path(link): Link,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(data) = links.whose(link) else { return unknown() };
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !is_one_click(kind, &body) {
        return (StatusCode::BAD_REQUEST, "the form field List-Unsubscribe=One-Click is missing\n")
            .into_response();
    }
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
        let options =
            WorkflowStartOptions::new(self.task_queue.clone(), unsubscription::workflow_id(customer))
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

/// Whether a body is the form of RFC 8058, in either of the two encodings it may come in.
fn is_one_click(content_type: &str, body: &[u8]) -> bool {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return form_urlencoded::parse(body).any(|(name, value)| name == FIELD && value == ONE_CLICK);
    }
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return false;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"'))
    });
    let (Some(boundary), Ok(body)) = (boundary.filter(|b| !b.is_empty()), std::str::from_utf8(body)) else {
        return false;
    };
    body.split(&format!("--{boundary}")).any(|part| {
        let Some((head, value)) = part.split_once("\r\n\r\n") else { return false };
        head.contains(&format!("name=\"{FIELD}\"")) && value.strip_suffix("\r\n") == Some(ONE_CLICK)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn the_form_of_the_rfc_is_one_click_in_both_encodings() {
        let parts =
            "--B\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--B--\r\n";
        for (kind, body) in [
            (FORM, "List-Unsubscribe=One-Click"),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=b&List-Unsubscribe=One-Click"),
            (FORM, "List%2DUnsubscribe=One%2DClick"),
            ("multipart/form-data; boundary=B", parts),
            ("multipart/form-data; charset=utf-8; boundary=\"B\"", parts),
        ] {
            assert!(is_one_click(kind, body.as_bytes()), "{kind}: {body}");
        }
        for (kind, body) in [
            ("", "List-Unsubscribe=One-Click"),
            ("text/plain", "List-Unsubscribe=One-Click"),
            (FORM, ""),
            (FORM, "List-Unsubscribe=Two-Clicks"),
            (FORM, "list=One-Click"),
            (FORM, parts),
            ("multipart/form-data", parts),
            ("multipart/form-data; boundary=", parts),
            ("multipart/form-data; boundary=C", parts),
            ("multipart/form-data; boundary=B", "List-Unsubscribe=One-Click"),
        ] {
            assert!(!is_one_click(kind, body.as_bytes()), "{kind}: {body}");
        }
    }
}
