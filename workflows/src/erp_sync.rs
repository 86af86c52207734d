//! ERP sync: what changed in an ERP comes into the shop. It runs a hundred times a day with nobody watching, so it
//! loses nothing, repeats safely, and stops before it does something strange.
//!
//! 0. **Shape check**: the input is complete, and so are its mapping rules. Wrong input ends the run before any call.
//! 1. `authenticate-erp`: the right to synchronise this integration is taken (a second run at the same time ends as
//!    `AlreadyRunning`), the ERP lets us in, and the shop says how far it is. The credentials stay in the worker.
//! 2. `fetch-erp-data`, 3. `transform-data`, 4. `validate-data`: page by page, what changed since the watermark is
//!    read, mapped, checked and compared with the shop; what is to be written lies in the object store. When it is time
//!    (`deletions`), the keys of everything are read, to see which products are gone at the source. Nothing is written
//!    yet. More invalid records than allowed end the run (`DataInvalid`); they lie in the quarantine. Then the brake: a
//!    run that would change more than its limits allow asks a person, and waits (`approve`, `reject`).
//! 5. `sync-products`, 6. `sync-inventory`, 7. `sync-customers`, 8. `sync-orders`: what is staged is written, batch by
//!    batch. A record that the shop refuses goes to the quarantine, the others go on. Products that are gone at the source
//!    are taken out of sale.
//! 9. `update-sync-timestamp`: the watermark moves to the newest change that is safely in the shop, by the *source's*
//!    clock. The next run begins a lookback before it, so that what was committed late or stamped by a slow clock is
//!    seen again; what the shop has already costs no write.
//! 10. `generate-report`: what was done, row by row, is saved at the shop.
//!
//! Nothing is undone: a write brings the shop nearer to the ERP, and a run that ends early leaves the watermark where
//! it truly is, so that the next one goes on from there.
//!
//! Deliberately absent: deciding who is right. The ERP is; what the shop changed by itself is overwritten when the ERP
//! changes the same record, and kept until then.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

mod brake;
mod config;
mod deletions;
mod run;
mod work;

use std::error::Error;

use contracts::erp::SyncReport;
use contracts::values::IntegrationId;
use serde::{Deserialize, Serialize};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination, workflow, workflow_methods,
};

pub use config::{Deletions, ErpSyncConfig, Limits, Resume};

use crate::input::{Problem, Unchecked};
use crate::report::{Progress, Report, StepClass, StepSpec};
use crate::saga::{self, Outcome, Process, Saga, SagaState};
use crate::search_attributes::{SOURCE, STAGE, Stage};
use run::SyncRun;
use work::Work;

/// What stands before the integration's id in a workflow id.
pub const ID_PREFIX: &str = "erp/";

/// The workflow id of an integration's sync. A schedule adds the time of its slot.
#[must_use]
pub fn workflow_id(integration: &IntegrationId) -> String {
    format!("{ID_PREFIX}{integration}")
}

/// The workflow id of a dry run, which may go beside a real one.
#[must_use]
pub fn dry_run_id(integration: &IntegrationId) -> String {
    format!("{}/dry-run", workflow_id(integration))
}

/// The search attributes of a sync that begins.
#[must_use]
pub fn search_attributes(integration: &IntegrationId) -> [SearchAttributeUpdate; 2] {
    [SOURCE.value_set(integration.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

const AUTHENTICATE: &str = "authenticate-erp";
const FETCH: &str = "fetch-erp-data";
const TRANSFORM: &str = "transform-data";
const VALIDATE: &str = "validate-data";
const PRODUCTS: &str = "sync-products";
const INVENTORY: &str = "sync-inventory";
const CUSTOMERS: &str = "sync-customers";
const ORDERS: &str = "sync-orders";
const UPDATE: &str = "update-sync-timestamp";
const REPORT: &str = "generate-report";

/// What a sync returns: the seed's `SyncResult`, and what it leaves out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErpSyncResult {
    /// Whether the sync reached its end.
    pub success: bool,
    /// `<workflow id>/<run id>`.
    pub sync_id: String,
    /// What was done, in figures and rows; in a dry run, what would be.
    pub report: SyncReport,
    /// `completed`, `expired` (nobody answered the brake in time) or `cancelled` (somebody rejected it).
    pub outcome: String,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nothing was written because that was asked for.
    #[serde(default)]
    pub dry_run: bool,
    /// What made the brake ask, if it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_exceeded: Vec<String>,
    /// This run's workflow id.
    pub workflow_id: String,
    /// What every step did.
    pub steps: Report,
}

/// A person's answer to the brake: the input of `approve` and `reject`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Why; goes into the report.
    pub reason: String,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct ErpSync {
    saga: SagaState,
    /// Whether the brake waits for an answer.
    is_asking: bool,
    /// The answer: whether it was approved, and why.
    decision: Option<(bool, String)>,
}

impl Process for ErpSync {
    const NAME: &'static str = "ErpSync";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: AUTHENTICATE, words: "log in to the ERP", class: StepClass::Compensable },
        StepSpec { name: FETCH, words: "read, map and compare what changed", class: StepClass::Compensable },
        StepSpec { name: TRANSFORM, words: "make the shop's records of it", class: StepClass::Compensable },
        StepSpec { name: VALIDATE, words: "check them, and the limits", class: StepClass::Compensable },
        StepSpec { name: PRODUCTS, words: "write products", class: StepClass::Compensable },
        StepSpec { name: INVENTORY, words: "write stock levels", class: StepClass::Compensable },
        StepSpec { name: CUSTOMERS, words: "write customers", class: StepClass::Compensable },
        StepSpec { name: ORDERS, words: "write orders", class: StepClass::Compensable },
        StepSpec { name: UPDATE, words: "remember how far it is", class: StepClass::Compensable },
        StepSpec { name: REPORT, words: "save the report", class: StepClass::Compensable },
    ];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

#[workflow_methods]
impl ErpSync {
    /// Runs a sync from start to end.
    #[run(name = "ErpSync")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<ErpSyncConfig>,
    ) -> WorkflowResult<ErpSyncResult> {
        let config = input.check().map_err(|problems| saga::invalid_input(INVALID, problems))?;
        let integration = &config.source.integration_id;
        check_name(ctx.workflow_id(), integration).map_err(|p| saga::invalid_input(INVALID, vec![p]))?;
        // The starter sets them with the start, which costs no event; a schedule's runs come without.
        if ctx.search_attributes().get(&SOURCE).as_deref() != Some(integration.as_str()) {
            ctx.upsert_search_attributes(search_attributes(integration));
        }
        let mut saga = Saga::begin(ctx);
        let run = SyncRun::new(ctx, &config);
        let mut work = Work::default();
        let forward = run.forward(&mut saga, &mut work).await;
        if let (Ok(()), Some(resume)) = (&forward, &work.resume) {
            // Whatever was read is in the shop; the rest is another run's, under the same lease.
            match ctx.continue_as_new(rest(&input, resume)?, ContinueAsNewOptions::default())? {}
        }
        let (ended, reason, steps) = match forward {
            Ok(()) => (Outcome::Completed, None, saga.completed().await),
            Err(halt) => {
                saga.turn_back(&halt);
                run.note_failure(&saga, &halt, &work).await;
                let (ending, steps) =
                    saga.halted(halt, |_| "StepFailed", |ending, steps| (ending, steps)).await?;
                (ending.outcome, Some(ending.reason), steps)
            }
        };
        Ok(ErpSyncResult {
            success: ended == Outcome::Completed,
            sync_id: run.sync_id(),
            report: run.report(&work),
            outcome: ended.name().to_owned(),
            reason,
            dry_run: config.dry_run,
            limits_exceeded: work.limits_exceeded,
            workflow_id: ctx.workflow_id().to_owned(),
            steps,
        })
    }

    /// A person lets a run go on that the brake has stopped.
    #[update]
    pub fn approve(&mut self, _ctx: &mut SyncWorkflowContext<Self>, decision: Decision) -> String {
        self.decide(true, decision)
    }

    #[update_validator(approve)]
    fn check_approve(
        &self,
        _ctx: &WorkflowContextView,
        decision: &Decision,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.check_decision(decision)
    }

    /// A person ends a run that the brake has stopped. Nothing was written.
    #[update]
    pub fn reject(&mut self, _ctx: &mut SyncWorkflowContext<Self>, decision: Decision) -> String {
        self.decide(false, decision)
    }

    #[update_validator(reject)]
    fn check_reject(
        &self,
        _ctx: &WorkflowContextView,
        decision: &Decision,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.check_decision(decision)
    }

    /// How far the sync is.
    #[query]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        self.saga.progress(ctx)
    }

    /// What every step did so far.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.saga.report()
    }
}

impl ErpSync {
    fn decide(&mut self, is_approved: bool, decision: Decision) -> String {
        // Two answers in one moment: the first one counts.
        let (is_approved, reason) =
            self.decision.get_or_insert((is_approved, decision.reason.trim().to_owned())).clone();
        format!("{}: {reason}", if is_approved { "approved" } else { "rejected" })
    }

    fn check_decision(&self, decision: &Decision) -> Result<(), Box<dyn Error + Send + Sync>> {
        if !self.is_asking {
            return Err("nothing waits for an answer: the sync is within its limits, or was answered".into());
        }
        if decision.reason.trim().is_empty() || decision.reason.chars().count() > REASON_MAX {
            return Err(
                format!("reason must have 1 to {REASON_MAX} characters: it goes into the report").into()
            );
        }
        Ok(())
    }
}

const INVALID: &str = "SyncInvalid";
const REASON_MAX: usize = 500;

/// The input of the run that reads on.
fn rest(
    input: &Unchecked<ErpSyncConfig>,
    resume: &Resume,
) -> Result<Unchecked<ErpSyncConfig>, WorkflowTermination> {
    let rest = serde_json::to_string(resume).and_then(|resume| input.with("resume", &resume));
    rest.map_err(|error| PayloadConversionError::EncodingError(error.into()).into())
}

/// A run is named by its integration, alone or with what a schedule adds.
fn check_name(workflow_id: &str, integration: &IntegrationId) -> Result<(), Problem> {
    let own = self::workflow_id(integration);
    let is_named_so = workflow_id
        .strip_prefix(&own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || rest.starts_with('/'));
    if is_named_so {
        return Ok(());
    }
    let fix = "start the run with the starter, or name it by its integration";
    Err(Problem::new("(workflow id)", format!("is not {own}, alone or with a time behind it"), fix))
}
