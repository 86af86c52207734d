//! The start that would be made.

use serde_json::{Map, Value};
use temporalio_common::search_attributes::SearchAttributeUpdate;

/// The start that would be made, in words without personal data.
pub(crate) struct Plan {
    /// The workflow id.
    pub(crate) workflow_id: String,
    /// One line for lists and the Web UI.
    pub(crate) summary: String,
    /// Search attributes to start with.
    pub(crate) attributes: Vec<SearchAttributeUpdate>,
    /// The facts that a dry run shows.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Plan {
    /// The facts as JSON.
    pub(crate) fn facts_json(&self) -> Map<String, Value> {
        self.facts.iter().map(|(name, fact)| (name.replace(' ', "_"), Value::from(fact.as_str()))).collect()
    }
}
