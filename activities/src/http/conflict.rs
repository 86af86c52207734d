//! Conflicts (409) that refuse nothing. An API that keeps idempotency keys answers so while another request under the
//! key is still under way; there is no word for it that all of them use.

use super::{Api, CallError};

/// The platform's codes of a conflict that is its last word: the effect was undone, or the key names another one.
const LAST_WORDS: [&str; 2] = ["KEY_UNDONE", "IDEMPOTENCY_KEY_REUSED"];

impl Api {
    /// The error of an effect under a key. A conflict in a code that nobody here knows says nothing of its outcome: it
    /// is looked up and asked for again. `known`: the codes of the adapter.
    pub(crate) fn of_conflict(&self, error: CallError, known: &[&str]) -> CallError {
        match error.refusal() {
            Some(refusal) if refusal.status == 409 => {
                let code = refusal.code.as_str();
                match LAST_WORDS.contains(&code) || known.contains(&code) {
                    true => error,
                    false => self.unknown(format!(
                        "HTTP 409 {code}: is another request under this key still under way?"
                    )),
                }
            }
            _ => error,
        }
    }
}
