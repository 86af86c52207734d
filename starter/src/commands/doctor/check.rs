//! One thing that was looked at, what came of it, and how Temporal is asked about it.

use std::time::Duration;

use serde::Serialize;
use tonic::{IntoRequest as _, Request};

use crate::terminal::exit::Failure;

/// One thing looked at.
#[derive(Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) ok: bool,
    pub(super) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: true, detail: detail.into(), fix: None }
    }

    pub(super) fn failed(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: false, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// A failure in two parts: its first line, and its fix.
pub(super) fn failed(name: &str, failure: &Failure) -> Check {
    let words = failure.to_string();
    let (detail, fix) = words.split_once("\n  fix: ").unwrap_or((&words, "see the server's log"));
    Check::failed(name, detail, fix)
}

/// How long one question may take.
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(10);

/// A request that does not wait longer.
pub(super) fn asking<T>(message: T) -> Request<T> {
    let mut request = message.into_request();
    request.set_timeout(ASK_LIMIT);
    request
}
