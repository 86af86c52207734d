//! How Temporal reaches a sync: its state, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::erp::SyncReport;
use contracts::values::IntegrationId;
use serde::{Deserialize, Serialize};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{
    ContinueAsNewOptions, WorkflowContext, WorkflowResult, WorkflowTermination, workflow,
};

use super::run::{NoteFailure, SyncRun};
use super::tally::Work;
use super::{EarlierRuns, ErpSyncConfig, Resume, workflow_id};
use crate::face;
use crate::input::{Problem, Unchecked};
use crate::report::Report;
use crate::saga::{Saga, SagaState, named_with_slot};
use crate::search_attributes::{SOURCE, STAGE, Stage};

/// The workflow id of a dry run, which may go beside a real one.
#[must_use]
pub fn dry_run_id(integration: &IntegrationId) -> String {
    format!("{}/dry-run", workflow_id(integration))
}

/// The workflow id of a run that puts a watermark back: it must not be taken for a sync that runs already.
#[must_use]
pub fn rewind_id(integration: &IntegrationId) -> String {
    format!("{}/rewind", workflow_id(integration))
}

/// Checks the name of a run. A dry run may stand beside the real one, or in its place.
pub(super) fn check_name(workflow_id: &str, config: &ErpSyncConfig) -> Result<(), Problem> {
    let integration = &config.source.integration_id;
    let is_dry = config.dry_run && workflow_id == dry_run_id(integration);
    let is_rewind = config.rewind.is_some() && workflow_id == rewind_id(integration);
    if is_dry || is_rewind {
        return Ok(());
    }
    named_with_slot(workflow_id, &self::workflow_id(integration))
}

/// The search attributes of a sync that begins.
#[must_use]
pub fn search_attributes(integration: &IntegrationId) -> [SearchAttributeUpdate; 2] {
    [SOURCE.value_set(integration.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

/// The result of a sync: the seed's `SyncResult`, and the facts that it leaves out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErpSyncResult {
    /// Whether the sync reached its end.
    pub success: bool,
    /// `<workflow id>/<run id>`.
    pub sync_id: String,
    /// The work done, in figures and rows; in a dry run, the work that would be done.
    pub report: SyncReport,
    /// `completed`, `skipped` (a schedule started it while another run was at it), `expired` (nobody answered the brake
    /// in time) or `cancelled` (somebody rejected it).
    pub outcome: String,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nothing was written because that was asked for.
    #[serde(default)]
    pub dry_run: bool,
    /// The limits for which the brake asked, in words; absent if it did not ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_exceeded: Vec<String>,
    /// Records that the runs before this one have left out of the shop, where the sync was too long for one run.
    /// `report` is this run's alone.
    #[serde(default, skip_serializing_if = "EarlierRuns::is_empty")]
    pub earlier_runs: EarlierRuns,
    /// This run's workflow id.
    pub workflow_id: String,
    /// Every step with its outcome.
    pub steps: Report,
}

/// The input of the run that reads on.
fn rest(
    input: &Unchecked<ErpSyncConfig>,
    resume: &Resume,
) -> Result<Unchecked<ErpSyncConfig>, WorkflowTermination> {
    let rest = serde_json::to_string(resume).and_then(|resume| input.with("resume", &resume));
    rest.map_err(|error| PayloadConversionError::EncodingError(error.into()).into())
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct ErpSync {
    saga: SagaState,
}

face! {
pub impl ErpSync {
    /// Runs a sync from start to end.
    #[run(name = "ErpSync")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<ErpSyncConfig>,
    ) -> WorkflowResult<ErpSyncResult> {
        let (config, mut saga) = Saga::open(ctx, &input)?;
        let run = SyncRun::new(ctx, &config);
        let mut work = Work::default();
        let story = run.forward(&mut saga, &mut work).await;
        if let (Ok(()), Some(resume)) = (&story, work.resume()) {
            // Whatever was read is in the shop; the rest is another run's, under the same lease.
            match ctx.continue_as_new(rest(&input, &resume)?, ContinueAsNewOptions::default())? {}
        }
        let mut ended = saga.end(story, &NoteFailure { run: &run, work: &work }).await?;
        ended.report.notes.extend(config.earlier_runs().note().into_iter().chain(work.troubles()));
        Ok(ErpSyncResult {
            success: ended.is_success(),
            sync_id: run.sync_id(),
            report: run.report(&work),
            outcome: work.skipped.as_ref().map_or(ended.outcome.name(), |_| "skipped").to_owned(),
            reason: ended.reason.or(work.skipped),
            dry_run: config.dry_run,
            limits_exceeded: work.limits_exceeded,
            earlier_runs: config.earlier_runs(),
            workflow_id: ctx.workflow_id().to_owned(),
            steps: ended.report,
        })
    }
}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Unchecked;

    const SAMPLE: &str = include_str!("../../../starter/samples/erp.json");

    fn check(id: &str, more: &str) -> bool {
        let json = SAMPLE.replacen('{', &format!("{{{more}"), 1);
        let config: ErpSyncConfig =
            Unchecked::from_json(&json).expect("JSON").check_strictly().expect("right");
        check_name(id, &config).is_ok()
    }

    #[test]
    fn only_a_dry_run_goes_by_a_dry_runs_name() {
        let (dry, back) = (
            "\"dry_run\": true,",
            "\"rewind\": {\"entity\": \"products\", \"to\": \"2026-01-01T00:00:00Z\"},",
        );
        assert!(check("erp/erp-001/dry-run", dry) && check("erp/erp-001", dry) && check("erp/erp-001", ""));
        assert!(!check("erp/erp-001/dry-run", ""), "it would write beside the real one");
        assert!(!check("erp/erp-001-b", "") && !check("erp/erp-001-b/dry-run", dry));
        assert!(check("erp/erp-001/rewind", back) && !check("erp/erp-001/rewind", ""));
        assert!(!check("erp/erp-001/dry-run", back));
    }
}
