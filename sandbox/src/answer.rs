//! The answer of a handler: the platform's envelope and error model.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::paging::Numbered;

/// A finished answer of a shop endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The change that the request made, in words; absent when nothing was changed.
    pub(crate) effect: Option<String>,
    /// The answer is lost on the way: the connection is dropped instead.
    pub(crate) hang_up: bool,
    /// The answer comes from the idempotency record.
    pub(crate) replayed: bool,
    /// Seconds for the `Retry-After` header.
    pub(crate) retry_after_seconds: Option<u32>,
}

#[derive(Serialize)]
struct Success<'a, T> {
    success: bool,
    data: &'a T,
}

#[derive(Serialize)]
struct SuccessPage<'a, T> {
    success: bool,
    data: &'a [T],
    pagination: Pagination,
}

/// Lists without pages are one page.
#[derive(Serialize)]
struct Pagination {
    page: usize,
    page_size: usize,
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_pages: Option<usize>,
}

#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    error: FailureBody<'a>,
}

#[derive(Serialize)]
struct FailureBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
}

impl Answer {
    /// An answer with a body made elsewhere.
    pub(crate) fn raw(status: u16, body: String) -> Self {
        Self { status, body, effect: None, hang_up: false, replayed: false, retry_after_seconds: None }
    }

    /// Success with `data`.
    pub(crate) fn success(status: u16, data: &impl Serialize) -> Result<Self, Stop> {
        Ok(Self::raw(status, serde_json::to_string(&Success { success: true, data })?))
    }

    /// A list in the platform's form A.
    pub(crate) fn list<T: Serialize>(data: &[T]) -> Result<Self, Stop> {
        let (page_size, total) = (data.len(), data.len());
        let pagination = Pagination { page: 1, page_size, total, total_pages: None };
        Ok(Self::raw(200, serde_json::to_string(&SuccessPage { success: true, data, pagination })?))
    }

    /// A page of a list that has `total` entries.
    pub(crate) fn page<T: Serialize>(data: &[T], page: Numbered, total: i64) -> Result<Self, Stop> {
        let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let (page, page_size) = (whole(page.page), whole(page.size));
        let total = usize::try_from(total).unwrap_or(0);
        let total_pages = Some(total.div_ceil(page_size));
        let pagination = Pagination { page, page_size, total, total_pages };
        Ok(Self::raw(200, serde_json::to_string(&SuccessPage { success: true, data, pagination })?))
    }

    /// 204: done, and nothing to say.
    pub(crate) fn gone() -> Self {
        Self::raw(204, String::new())
    }

    /// Says what the request changed.
    pub(crate) fn with_effect(mut self, effect: String) -> Self {
        self.effect = Some(effect);
        self
    }
}

/// A refusal in the error model; whatever the handler wrote before it is undone.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None }
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// 400 `VALIDATION_ERROR` about one field.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let details: BTreeMap<&str, [&str; 1]> = BTreeMap::from([(field, [message.as_str()])]);
        let details = serde_json::json!(details);
        Self::new(400, "VALIDATION_ERROR", format!("{field}: {message}")).with_details(details)
    }

    /// 404 `RESOURCE_NOT_FOUND`.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(404, "RESOURCE_NOT_FOUND", what)
    }

    /// 409 `KEY_UNDONE`: the effect arrives after its own undo.
    pub(crate) fn key_undone(what: &str) -> Self {
        Self::new(409, "KEY_UNDONE", format!("{what} was undone and takes no further effect"))
    }

    /// The refusal as an answer.
    pub(crate) fn answer(&self) -> Answer {
        let failure = Failure {
            success: false,
            error: FailureBody { code: self.code, message: &self.message, details: self.details.as_ref() },
        };
        // Strings and JSON values always serialise; an empty body would still carry the status.
        Answer::raw(self.status, serde_json::to_string(&failure).unwrap_or_default())
    }
}

/// Why a handler stopped before a successful answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The request is refused; the refusal is the answer.
    #[error("{}: {}", .0.code, .0.message)]
    Refused(Box<Refusal>),
    /// The sandbox itself failed; everything is rolled back.
    #[error("the sandbox's database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A value could not be written as JSON or read back.
    #[error("the sandbox's JSON failed: {0}")]
    Json(#[from] serde_json::Error),
    /// The thread of the request ended early.
    #[error("the sandbox's request thread failed: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Stop {
    /// The answer to give: the refusal itself, or 500 for a failure of the sandbox.
    pub(crate) fn answer(&self) -> Answer {
        match self {
            Self::Refused(refusal) => refusal.answer(),
            broken => Refusal::new(500, "SERVER_ERROR", broken.to_string()).answer(),
        }
    }
}
