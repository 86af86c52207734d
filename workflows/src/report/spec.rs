//! The steps of a process, as it declares them.

use serde::{Deserialize, Serialize};

/// A step as a process declares it, in the order of the seed.
#[derive(Clone, Copy, Debug)]
pub struct StepSpec {
    /// The seed's name, the users' contract: `process-payment`.
    pub name: &'static str,
    /// The step's effect in words, for the Web UI.
    pub words: &'static str,
    /// How it stands to the pivot.
    pub class: StepClass,
    /// The effect of its undo in words, for a person who is asked about it; empty where there is nothing to undo.
    pub undo: &'static str,
    /// The consequence in words when a person leaves its undo (or, of a step that has to happen, the step itself)
    /// undone.
    pub left: &'static str,
    /// The consequence in words when a person keeps its effect, because it cannot be undone any more, and the run goes
    /// on to its goal; empty where that is not an answer.
    pub kept: &'static str,
    /// Whether a refusal of its undo holds up the undos of earlier steps until a person has answered.
    pub holds_up_others: bool,
}

impl StepSpec {
    const fn new(name: &'static str, words: &'static str, class: StepClass) -> Self {
        Self { name, words, class, undo: "", left: "", kept: "", holds_up_others: false }
    }

    /// A step before the pivot.
    #[must_use]
    pub const fn compensable(name: &'static str, words: &'static str) -> Self {
        Self::new(name, words, StepClass::Compensable)
    }

    /// The pivot.
    #[must_use]
    pub const fn pivot(name: &'static str, words: &'static str) -> Self {
        Self::new(name, words, StepClass::Pivot)
    }

    /// A step after the pivot.
    #[must_use]
    pub const fn retriable(name: &'static str, words: &'static str) -> Self {
        Self::new(name, words, StepClass::Retriable)
    }

    /// Adds the words for its undo, and for the consequence when the undo is left.
    #[must_use]
    pub const fn undo(self, undo: &'static str, left: &'static str) -> Self {
        Self { undo, left, ..self }
    }

    /// A refusal of its undo changes what has to become of earlier steps: while a parcel is under way, nobody gives
    /// the money back before a person has decided. The person may also keep it, in these words; the process says how it
    /// goes on then ([`WayBack::keep`](crate::saga::WayBack::keep)).
    #[must_use]
    pub const fn holds_up_others(self, kept: &'static str) -> Self {
        Self { holds_up_others: true, kept, ..self }
    }

    /// Adds the words for the consequence when a person leaves a step that has to happen.
    #[must_use]
    pub const fn if_left(self, left: &'static str) -> Self {
        Self { left, ..self }
    }
}

/// How a step stands to the point of no return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepClass {
    /// Before the pivot: can be undone.
    Compensable,
    /// The pivot itself: once its effect is known, there is no way back.
    Pivot,
    /// After the pivot: retried until done, or its failure is reported; nothing is rolled back.
    Retriable,
}
