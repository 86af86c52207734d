//! The reasons why bulk work cannot go on, and whether trying again helps.

use contracts::failure;
use store::StoreError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use thiserror::Error;

use crate::http::CallError;

/// A reason why bulk work cannot go on. A row that is refused is not trouble: it is that row's outcome.
#[derive(Debug, Error)]
pub enum Trouble {
    /// The object store did not give or take something.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An outside system did not answer, or asks for something that no row can mend.
    #[error(transparent)]
    Call(#[from] CallError),
    /// An outside system, or something before it, did not take one row. Whether it is about that row alone is seen by
    /// the others: where one of them is taken, this one is refused by `cause`.
    #[error("{error}")]
    OneRow {
        /// The cause of the refusal, if it is one: `http_403`.
        cause: String,
        /// The trouble, if it is not.
        error: CallError,
    },
    /// Something that another attempt may find otherwise.
    #[error("{0}")]
    Again(String),
    /// Something that no further attempt can change, with the fix.
    #[error("{0}")]
    Final(String),
}

impl From<serde_json::Error> for Trouble {
    /// A line that cannot be written.
    fn from(error: serde_json::Error) -> Self {
        Self::Store(StoreError::Damaged { key: "(new)".to_owned(), why: error.to_string() })
    }
}

impl Trouble {
    /// The trouble with a call about one row, which may be about that row alone.
    #[must_use]
    pub fn of_row(error: CallError) -> Self {
        match error.of_one_row() {
            Some(cause) => Self::OneRow { cause, error },
            None => Self::Call(error),
        }
    }

    /// Turns it into what Temporal retries, or does not.
    #[must_use]
    pub fn into_failure(self) -> ActivityError {
        match self {
            Self::Call(error) | Self::OneRow { error, .. } => error.into_failure(),
            // An object that is gone or damaged does not come back by asking again.
            Self::Store(error @ (StoreError::Gone { .. } | StoreError::Damaged { .. })) => {
                failure(failure::REFUSED, true, error.to_string())
            }
            Self::Store(error) => failure(failure::UNAVAILABLE, false, error.to_string()),
            Self::Again(why) => failure(failure::UNAVAILABLE, false, why),
            Self::Final(why) => failure(failure::REFUSED, true, why),
        }
    }
}

fn failure(kind: &str, is_final: bool, why: String) -> ActivityError {
    let failure = ApplicationFailure::builder(why).type_name(kind.to_owned()).non_retryable(is_final);
    ActivityError::application(failure.build())
}
