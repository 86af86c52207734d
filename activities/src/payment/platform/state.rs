//! The words for a payment's state at the platform, and what follows from each.

/// The meaning of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The money is captured, at least in part.
    Captured,
    /// Holds no money and never will.
    Void,
    /// Refused, or its settlement failed: no money, and none will come.
    Failed,
    /// No money yet, and it may still come: the customer or a bank has it in hand.
    Waiting,
}

const WORDS: [(&str, State); 15] = [
    ("paid", State::Captured),
    ("captured", State::Captured),
    ("partially_refunded", State::Captured),
    ("voided", State::Void),
    ("refunded", State::Void),
    ("reversed", State::Void),
    ("cancelled", State::Void),
    ("canceled", State::Void),
    ("expired", State::Void),
    ("declined", State::Failed),
    ("failed", State::Failed),
    ("requires_action", State::Waiting),
    ("pending", State::Waiting),
    ("processing", State::Waiting),
    ("authorized", State::Waiting),
];

impl State {
    /// The state of a word; `None`: nobody here knows it.
    pub(super) fn of(word: &str) -> Option<Self> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, state)| *state)
    }
}
