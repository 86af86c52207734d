//! The ends of a call that are not an answer, and what Temporal does with each.

use std::time::Duration;

use contracts::failure;
use reqwest::StatusCode;
use serde_json::Value;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use thiserror::Error;

/// The end of a call that is not an answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CallError {
    /// Not sent: nothing happened.
    #[error("{system} cannot be reached: {why}")]
    NotSent {
        /// Which system.
        system: &'static str,
        /// The connection's error.
        why: String,
    },
    /// Put off by the system: nothing happened.
    #[error("{system} asks to slow down (429, or 503 with Retry-After){way}")]
    PutOff {
        /// Which system.
        system: &'static str,
        /// The proxy on the way, which may be who asks: ` (through the proxy …)`, or nothing.
        way: String,
        /// When to ask again.
        after: Option<Duration>,
    },
    /// Not sent: what came of the request before may still show.
    #[error("{system} is not asked again yet: what came of the request before may still show")]
    TooSoon {
        /// Which system.
        system: &'static str,
        /// When to ask.
        after: Duration,
    },
    /// Turned away for what a setting mends: nothing happened. Retried, because a worker with the right one goes on.
    #[error("{system} {wrong}: {fix}{way}")]
    Setting {
        /// Which system.
        system: &'static str,
        /// Which setting.
        wrong: Wrong,
        /// The settings to look at.
        fix: String,
        /// The proxy on the way, which may be who turns us away: ` (through the proxy …)`, or nothing.
        way: String,
    },
    /// Sent, and nobody knows what became of it.
    #[error("{system} gave no usable answer: {why}")]
    Unknown {
        /// Which system.
        system: &'static str,
        /// The sign of it.
        why: String,
    },
    /// Answered at greater length than is read. Of a question, a smaller one may be answered.
    #[error("{system} gave no usable answer: more than {bytes} bytes (SUN_RESPONSE_BYTES_MAX){way}")]
    TooLarge {
        /// Which system.
        system: &'static str,
        /// The limit.
        bytes: usize,
        /// The proxy on the way: ` (through the proxy …)`, or nothing.
        way: String,
    },
    /// Answered, with a word that this version does not know.
    #[error("{system} gave no usable answer: {why}")]
    NewWord {
        /// Which system.
        system: &'static str,
        /// The word.
        why: String,
    },
    /// Answered with a 4xx by something before the system, which knows nothing of what was asked.
    #[error("{system} gave no usable answer: {why}")]
    Foreign {
        /// Which system.
        system: &'static str,
        /// HTTP status.
        status: u16,
        /// The setting to look at.
        why: String,
    },
    /// Sent, nobody knows, and the system repeats that answer for this key.
    #[error("{system} gave no usable answer and repeats it: {why}")]
    UnknownForGood {
        /// Which system.
        system: &'static str,
        /// The sign of it.
        why: String,
    },
    /// The system's offer cannot be used as it is, and asking again does not change that.
    #[error("{system}: {why}")]
    Unusable {
        /// Which system.
        system: &'static str,
        /// The flaw, and the fix.
        why: String,
    },
    /// The system said no.
    #[error("{system} refused: {} {}", .refusal.status, .refusal.code)]
    Refused {
        /// Which system.
        system: &'static str,
        /// Its words.
        refusal: Box<Refused>,
    },
}

/// The faults that a setting mends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Wrong {
    /// 401.
    #[error("does not accept our credentials (401)")]
    Login,
    /// 403.
    #[error("does not let us do that (403)")]
    Permission,
    /// 404 or 405, and not in the API's own words, or without a code in them.
    #[error("has nothing at that path ({0})")]
    Path(u16),
    /// Another one, which only this API has; the fix says it.
    #[error("refuses")]
    Other,
}

/// A refusal as the system put it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// The system's code, or `UNSPECIFIED`.
    pub code: String,
    /// The system's details, whatever their shape.
    pub details: Value,
}

/// The code of a refusal that has none of its own.
const UNSPECIFIED: &str = "UNSPECIFIED";

impl Refused {
    /// Whether it is about the path: of a thing that it does not have, an API says so in a code of its own. An answer
    /// about a path that is not there may come in an error object, too, and has no code.
    pub(crate) fn is_about_the_path(&self) -> bool {
        matches!(self.status, 404 | 405) && self.code == UNSPECIFIED
    }
}

/// A refusal in any of the shapes that the platform documents.
pub(crate) fn refusal(status: StatusCode, body: &Value) -> Refused {
    let error = body.get("error").unwrap_or(body);
    let code = error.get("code").and_then(Value::as_str).or_else(|| error.as_str());
    let code = code.filter(|code| is_code(code));
    let details = error.get("details").or_else(|| body.get("details")).or_else(|| body.get("errors"));
    Refused {
        status: status.as_u16(),
        code: code.unwrap_or(UNSPECIFIED).to_owned(),
        details: details.cloned().unwrap_or(Value::Null),
    }
}

/// A word of a provider, as a failure text repeats it. Anything else may be personal, and stays out.
pub(crate) fn word(text: &str) -> String {
    if is_code(text) { format!("\"{text}\"") } else { "something that is not a word".to_owned() }
}

/// Whether a provider's code can be repeated in a failure text: a word. A sentence, a mail address, a phone or card
/// number in its place is nobody's business; card networks do have codes of a few digits.
pub(crate) fn is_code(text: &str) -> bool {
    let is_of_a_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=60).contains(&text.len())
        && text.chars().all(is_of_a_word)
        && (text.len() <= 4 || text.starts_with(|first: char| first.is_ascii_alphabetic()))
}

impl CallError {
    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// The cause by which one row of many is left out, where the others are taken: something before the system dislikes
    /// what is in it, or the system itself lets nobody change it. `None`: the answer is not about one row.
    #[must_use]
    pub fn of_one_row(&self) -> Option<String> {
        match self {
            Self::Setting { wrong: Wrong::Permission, .. } => Some("http_403".to_owned()),
            Self::Setting { wrong: Wrong::Path(status), .. } | Self::Foreign { status, .. } => {
                Some(format!("http_{status}"))
            }
            _ => None,
        }
    }

    /// Whether the request went out and nothing came back at all: no HTTP status either.
    #[must_use]
    pub(crate) fn is_silence(&self) -> bool {
        // A text of our own: what came back begins with its status.
        matches!(self, Self::Unknown { why, .. } if !why.starts_with("HTTP "))
    }

    /// Whether user and password, or a token, were not accepted.
    #[must_use]
    pub fn is_not_let_in(&self) -> bool {
        matches!(self, Self::Setting { wrong: Wrong::Login, .. })
    }

    /// Turns the error into what Temporal retries, or does not.
    #[must_use]
    pub fn into_failure(self) -> ActivityError {
        self.into_failure_by(true)
    }

    /// The same for an undo. A system may take later what it refuses now (a refund waits until the bank has the charge
    /// in its books), and nobody wants it otherwise: it is tried for its patience before a person is asked. An outcome
    /// that has a code of ours is a last word all the same.
    #[must_use]
    pub fn into_failure_of_undo(self) -> ActivityError {
        self.into_failure_by(false)
    }

    fn into_failure_by(self, is_refusal_final: bool) -> ActivityError {
        let (failure_type, is_final, delay) = match &self {
            Self::NotSent { .. } => (failure::UNAVAILABLE, false, None),
            Self::Setting { .. } => (failure::SETTING, false, None),
            Self::NewWord { .. } => (failure::NEW_WORD, false, None),
            Self::PutOff { after, .. } => (failure::UNAVAILABLE, false, *after),
            Self::TooSoon { after, .. } => (failure::OUTCOME_UNKNOWN, false, Some(*after)),
            Self::Unknown { .. } | Self::TooLarge { .. } | Self::Foreign { .. } => {
                (failure::OUTCOME_UNKNOWN, false, None)
            }
            Self::UnknownForGood { .. } => (failure::OUTCOME_UNKNOWN, true, None),
            Self::Refused { .. } => (failure::REFUSED, is_refusal_final, None),
            Self::Unusable { .. } => (failure::REFUSED, true, None),
        };
        // A pause of nothing (`Retry-After: 0`) is the end of an activity to Temporal: the policy's own pause is meant.
        let delay = delay.filter(|delay| !delay.is_zero());
        let failure = ApplicationFailure::builder(self.to_string())
            .type_name(failure_type.to_owned())
            .non_retryable(is_final)
            .maybe_next_retry_delay(delay)
            .build();
        ActivityError::application(failure)
    }
}
