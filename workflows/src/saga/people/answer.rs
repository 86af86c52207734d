//! Answers of people, and what comes of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Question;

/// The actions that a person can answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Try it once more now, for a minute, or for one attempt if that takes longer.
    Retry,
    /// Stop trying: somebody does it by hand. The question stays open until that is done.
    HandsOff,
    /// Somebody did it by hand.
    DoneByHand,
    /// Leave it as it is.
    Leave,
    /// Keep the effect that cannot be taken back, and with it everything that it needs: the run reaches its goal.
    Keep,
    /// Go on.
    Approve,
    /// Do not go on.
    Reject,
}

impl Action {
    /// Every answer there is.
    pub const ALL: [Self; 7] =
        [Self::Retry, Self::HandsOff, Self::DoneByHand, Self::Leave, Self::Keep, Self::Approve, Self::Reject];

    /// The answer as it is written: `done_by_hand`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::HandsOff => "hands_off",
            Self::DoneByHand => "done_by_hand",
            Self::Leave => "leave",
            Self::Keep => "keep",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// A person's answer: the input of the update `answer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's id; or the step, where only one open question is about it.
    pub question: String,
    /// The action to take; the question must offer it.
    pub action: Action,
    /// Why; goes into the report.
    pub reason: String,
    /// `since` of the question that is meant, where the id alone could name a later one: of a sync that goes on as
    /// another run under the same workflow id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether somebody did it by hand when the question was looked at. Where that is otherwise by now, the answer is
    /// refused: `retry` would do once more what somebody is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands_off: Option<bool>,
}

impl Answer {
    /// An answer to whatever the question is by now.
    #[must_use]
    pub fn new(question: &str, action: Action, reason: &str) -> Self {
        Self {
            question: question.to_owned(),
            action,
            reason: reason.to_owned(),
            since: None,
            hands_off: None,
        }
    }

    /// An answer to a question as it was seen.
    #[must_use]
    pub fn to(seen: &Question, action: Action, reason: &str) -> Self {
        let (since, hands_off) = (seen.since, Some(seen.hands_off));
        Self { since, hands_off, ..Self::new(&seen.id, action, reason) }
    }
}

/// The outcome of an answer: the result of the update `answer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The question's id.
    pub question: String,
    /// Whether the action went through, failed again, or came too late.
    pub outcome: AnswerOutcome,
    /// More words about it: why it failed again, what somebody else answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The possible outcomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// It went through.
    Done,
    /// It was tried and failed once more; the question stays open.
    FailedAgain,
    /// Nothing is tried any more; the question stays open.
    HandsOff,
    /// It counts as done by hand.
    DoneByHand,
    /// It is left as it is.
    Left,
    /// It is kept, and the run goes on to its goal.
    Kept,
    /// The run goes on.
    Approved,
    /// The run ends.
    Rejected,
    /// The question had been answered, or settled itself, before.
    AlreadyAnswered,
}

impl AnswerOutcome {
    /// The outcome in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::FailedAgain => "failed again",
            Self::HandsOff => "nothing is tried any more until somebody answers",
            Self::DoneByHand => "done by hand",
            Self::Left => "left as it is",
            Self::Kept => "kept",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::AlreadyAnswered => "answered before",
        }
    }
}
