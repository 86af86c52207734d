//! How Temporal reaches a revert: its input, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::bulk::{Rate, Rows};
use contracts::prices::RevertOutcome;
use contracts::values::PriceBatchId;
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};

use super::forward;
use crate::face;
use crate::input::people::yes_or_no;
use crate::input::{Checked, Fields, Unchecked, count, id};
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};

/// The input of a revert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRevertData {
    /// `batch_id`: the run to take back.
    pub batch_id: PriceBatchId,
    /// `dry_run`: say what would be put back, and write nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// `max_per_second`: prices a second (default: as fast as they are taken).
    #[serde(default, rename = "max_per_second", skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

impl Checked for PriceRevertData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let batch_id = fields.required("batch_id", id);
        let dry_run = fields.optional("dry_run", yes_or_no).unwrap_or(false);
        let rate = fields.optional("max_per_second", count(1_000_000));
        let rate = rate.and_then(|rows| Rate::try_from(rows).ok());
        Some(Self { batch_id: batch_id?, dry_run, rate })
    }
}

/// The result of a revert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceRevertResult {
    /// Whether it reached its end.
    pub success: bool,
    /// This run's workflow id.
    pub workflow_id: String,
    /// The run that was taken back.
    pub batch_id: PriceBatchId,
    /// Prices that are what they were before; in a dry run: would be.
    pub restored: u64,
    /// Prices that somebody has changed since: left as they are.
    pub changed_since: u64,
    /// Prices that the shop refused.
    pub failed: u64,
    /// Price by price.
    pub rows: Rows<RevertOutcome>,
    /// Whether nothing was written because that was asked for.
    pub dry_run: bool,
    /// `completed`, or `cancelled`.
    pub outcome: String,
    /// The steps, each with what it did.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct PriceRevert {
    saga: SagaState,
}

face! {
pub impl PriceRevert {
    /// Runs a revert.
    #[run(name = "PriceRevert")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<PriceRevertData>,
    ) -> WorkflowResult<PriceRevertResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let story = forward(&saga, &data).await;
        let ended = saga.end(story, &UndoAll).await?;
        let success = ended.is_success();
        let written = ended.value.unwrap_or_default().written;
        Ok(PriceRevertResult {
            success,
            workflow_id: ctx.workflow_id().to_owned(),
            batch_id: data.batch_id,
            restored: written.count("restored"),
            changed_since: written.count("changed_since"),
            failed: written.count("failed"),
            rows: written.into_rows(),
            dry_run: data.dry_run,
            outcome: ended.outcome.name().to_owned(),
            report: ended.report,
        })
    }
}
}
