//! The border between a process and an outside system: the activities' names, inputs and outcomes, and the values
//! they share.
//!
//! - [`values`]: ids, quantities, idempotency keys;
//! - [`number`]: numbers in texts, exactly;
//! - [`money`]: amounts in a currency's minor units;
//! - [`objects`]: claim checks;
//! - [`bulk`]: long lists of rows;
//! - [`rounds`]: an effect that is tried again under the next idempotency key;
//! - [`catalog`], [`commerce`], [`customers`], [`erp`], [`inventory`], [`loyalty`], [`payment`], [`prices`],
//!   [`shipping`], [`notification`]: one module per outside system.
//!
//! Two rules. An expected outcome (declined, out of stock) is a variant; an outage is an error. And a running
//! workflow holds yesterday's shape of everything in here: only add fields, with `#[serde(default)]`, never
//! rename or remove one. `tests/wire/` pins the JSON of each type.
//!
//! Deliberately absent: I/O of any kind, HTTP shapes (they stay in `activities/<system>/client.rs`), and
//! the inputs and results of processes (they sit at the top of each process file).

pub mod bulk;
pub mod catalog;
pub mod commerce;
pub mod customers;
pub mod erp;
pub mod inventory;
pub mod loyalty;
pub mod money;
pub mod notification;
pub mod number;
pub mod objects;
pub mod payment;
pub mod prices;
pub mod rounds;
pub mod shipping;
pub mod values;

/// The failure types that adapters give to outages; see `activities/src/http.rs` for who decides which.
pub mod failure {
    /// The request was sent and nobody knows what became of it: look it up before any retry or undo.
    pub const OUTCOME_UNKNOWN: &str = "OutcomeUnknown";
    /// The request did not reach the system, or was put off by it: nothing happened.
    pub const UNAVAILABLE: &str = "Unavailable";
    /// Turned away for what a setting mends (credentials, rights, a path that is not there): nothing happened, and no
    /// try will fare better before the setting is mended.
    pub const SETTING: &str = "Setting";
    /// The system answered with a word that this version does not know. The outcome of the request is not guessed.
    pub const NEW_WORD: &str = "NewWord";
    /// The system said no in a way the process has no word for: asking again is pointless.
    pub const REFUSED: &str = "Refused";
    /// A sender that cannot tell a second attempt from the first does not send inside a workflow task, where an attempt
    /// is given up while it goes on: nothing happened, and the activity of its own sends.
    pub const NOT_HERE: &str = "NotHere";
    /// An undo found nothing to undo and looks a second time before believing it.
    pub const NOTHING_YET: &str = "NothingYet";
}
