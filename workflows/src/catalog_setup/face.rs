//! How Temporal reaches a setup: its state, its result, `run`, and the cancel that may take everything back.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use std::collections::BTreeMap;

use contracts::bulk::Rows;
use contracts::catalog::{Kind, RowOutcome, StageCounts};
use contracts::prices::PriceMove;
use contracts::values::CatalogId;
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult, workflow};

use super::outcome::Work;
use super::run::{SetupRun, TakeBack};
use super::{CatalogSetupData, RowPolicy, brake};
use crate::face;
use crate::input::Unchecked;
use crate::report::Report;
use crate::saga::{CancelAccepted, CancelRequest, Saga, SagaState, UpdateError, check_stop, request_stop};
use crate::search_attributes::{SOURCE, STAGE, Stage};

/// The search attributes of a setup that begins.
#[must_use]
pub fn search_attributes(catalog: &CatalogId) -> [SearchAttributeUpdate; 2] {
    [SOURCE.value_set(catalog.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

/// The result of a setup: the seed's `CatalogSetupResult`, and fields that it lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogSetupResult {
    /// Whether the run reached its end; rows may have failed all the same.
    pub success: bool,
    /// Every category, with its id.
    pub categories: Rows<RowOutcome>,
    /// Every product.
    pub products: Rows<RowOutcome>,
    /// Every pricing rule.
    pub pricing_rules: Rows<RowOutcome>,
    /// Every picture, with where the shop serves it.
    pub uploaded_images: Rows<RowOutcome>,
    /// This run's workflow id.
    pub workflow_id: String,
    /// Milliseconds of workflow time from start to end.
    pub execution_time: i64,
    /// Rows that are not in the shop as the file says.
    pub failed_rows: u64,
    /// `completed`, `expired` (nobody answered in time) or `cancelled`.
    pub outcome: String,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nothing was written because that was asked for.
    #[serde(default)]
    pub dry_run: bool,
    /// The rows that would be written, or were to be, by kind.
    pub compared: BTreeMap<Kind, StageCounts>,
    /// The largest changes of price, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub largest_price_moves: Vec<PriceMove>,
    /// Names exactly the changes that were found: `--approve` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The limits that made the run ask, if it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_exceeded: Vec<String>,
    /// Every step with its outcome.
    pub steps: Report,
}

/// A setup has no pivot, so this is said of one that has ended.
const TOO_LATE: &str = "the setup has ended: run another file to change the shop again";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct CatalogSetup {
    saga: SagaState,
    /// Whether what was written is taken back if the run ends early: by its policy, or because whoever stopped it
    /// wants that.
    pub(super) undo: bool,
}

face! {
pub impl CatalogSetup {
    /// Runs a setup from start to end.
    #[run(name = "CatalogSetup")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<CatalogSetupData>,
    ) -> WorkflowResult<CatalogSetupResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        ctx.state_mut(|setup| setup.undo = data.policy == RowPolicy::AllOrNothing);
        let run = SetupRun::new(ctx, &data);
        let mut work = Work::default();
        let story = run.forward(&saga, &mut work).await;
        let mut ended = saga.end(story, &TakeBack { run: &run }).await?;
        ended.report.notes.extend(brake::preview(&data, &work));
        Ok(CatalogSetupResult {
            success: ended.is_success(),
            categories: work.rows(Kind::Category),
            products: work.rows(Kind::Product),
            pricing_rules: work.rows(Kind::PricingRule),
            uploaded_images: work.rows(Kind::Image),
            workflow_id: ctx.workflow_id().to_owned(),
            execution_time: ended.took_ms,
            failed_rows: work.all_failed(),
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            dry_run: data.dry_run,
            compared: work.counts,
            largest_price_moves: work.largest,
            receipt: work.receipt.map(|receipt| receipt.to_string()),
            limits_exceeded: work.limits_exceeded,
            steps: ended.report,
        })
    }

    /// Somebody stops the setup. The rows that were written stay under `keep_good_rows`, and are taken back under
    /// `all_or_nothing`.
    #[update]
    pub async fn cancel_setup(
        ctx: &mut WorkflowContext<Self>,
        request: CancelRequest,
    ) -> Result<CancelAccepted, UpdateError> {
        let accepted = request_stop(ctx, &request, TOO_LATE).await?;
        Ok(if ctx.state(|setup| setup.undo) { accepted } else { CancelAccepted { will_undo: Vec::new() } })
    }

    #[update_validator(cancel_setup)]
    fn check_cancel(&self, _ctx: &WorkflowContextView, request: &CancelRequest) -> Result<(), UpdateError> {
        check_stop(self, request, TOO_LATE)
    }

    /// Somebody stops the setup, and what was written is taken back.
    #[update]
    pub async fn undo_setup(
        ctx: &mut WorkflowContext<Self>,
        request: CancelRequest,
    ) -> Result<CancelAccepted, UpdateError> {
        ctx.state_mut(|setup| setup.undo = true);
        request_stop(ctx, &request, TOO_LATE).await
    }

    #[update_validator(undo_setup)]
    fn check_undo(&self, _ctx: &WorkflowContextView, request: &CancelRequest) -> Result<(), UpdateError> {
        check_stop(self, request, TOO_LATE)
    }
}
}
