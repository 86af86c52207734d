//! How Temporal reaches a clean-up: its input, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::objects::CleanedUp;
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};

use super::forward;
use crate::face;
use crate::input::{Checked, Fields, Unchecked, count};
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};

/// The input of a clean-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCleanUpData {
    /// `keep_days`: from the end of a run to the end of its objects (default 14). Longer than anybody looks into a
    /// report's lists.
    pub keep_days: u32,
    /// `keep_quarantine_days`: how long a list waits in the quarantine (default 90).
    pub keep_quarantine_days: u32,
}

impl Checked for StoreCleanUpData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let days = |name, usual| fields.optional(name, count(3_650)).unwrap_or(usual);
        let (keep_days, keep_quarantine_days) = (days("keep_days", 14), days("keep_quarantine_days", 90));
        Some(Self { keep_days, keep_quarantine_days })
    }
}

/// The result of a clean-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCleanUpResult {
    /// Whether it reached its end.
    pub success: bool,
    /// Counts of the runs, objects and lists that are gone, and of the runs that are kept.
    #[serde(flatten)]
    pub cleaned_up: CleanedUp,
    /// Every step with its outcome.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct StoreCleanUp {
    saga: SagaState,
}

face! {
pub impl StoreCleanUp {
    /// Runs a clean-up.
    #[run(name = "StoreCleanUp")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<StoreCleanUpData>,
    ) -> WorkflowResult<StoreCleanUpResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let story = forward(&saga, data).await;
        let ended = saga.end(story, &UndoAll).await?;
        Ok(StoreCleanUpResult {
            success: ended.is_success(),
            cleaned_up: ended.value.unwrap_or_default(),
            report: ended.report,
        })
    }
}
}
