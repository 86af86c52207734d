//! The object store: what clearing up in it, and looking into it, would start.

use workflows::store_clean_up::{StoreCleanUpData, WORKFLOW_ID};
use workflows::store_probe::StoreProbeData;

use super::plan::Plan;
use crate::terminal::input::{InputError, check};

/// Checks a clean-up's input and says what would be started.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let StoreCleanUpData { keep_days, keep_quarantine_days } = check(json)?;
    Ok(Plan {
        workflow_id: WORKFLOW_ID.to_owned(),
        summary: format!("Clean-up of the object store: {keep_days} days are kept"),
        attributes: Vec::new(),
        facts: vec![
            ("keeps", format!("objects of runs that closed within {keep_days} days")),
            ("quarantine", format!("{keep_quarantine_days} days")),
        ],
    })
}

/// Checks which object is to be looked for.
pub(crate) fn plan_probe(json: &str) -> Result<Plan, InputError> {
    let data: StoreProbeData = check(json)?;
    Ok(Plan {
        workflow_id: data.workflow_id(),
        summary: "A look into the object store".to_owned(),
        attributes: Vec::new(),
        facts: vec![("object", data.object.key)],
    })
}
