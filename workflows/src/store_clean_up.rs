//! Clearing up: lists that runs put into the object store go some days after the run has closed.
//!
//! 1. `clean-up`: every run with objects is looked up in Temporal. What belongs to an open run stays; what belongs to one
//!    that closed longer ago than `keep_days`, or that Temporal has forgotten, goes. The quarantine waits for a person
//!    for `keep_quarantine_days`.
//!
//! Meant for a schedule, once a day.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::objects::{CleanUp, CleanedUp, Objects};
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult, workflow, workflow_methods};

use crate::input::{Checked, Fields, Unchecked, count};
use crate::policy;
use crate::report::{Progress, Report, StepClass, StepSpec};
use crate::saga::{self, Process, Saga, SagaState};

/// What stands before the name in a workflow id.
pub const ID_PREFIX: &str = "store/";

/// The workflow id. A schedule adds the time of its slot.
pub const WORKFLOW_ID: &str = "store/clean-up";

const CLEAN_UP: &str = "clean-up";

/// What a clean-up is told.
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

/// What a clean-up did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCleanUpResult {
    /// Whether it reached its end.
    pub success: bool,
    /// What is gone, and what is kept.
    #[serde(flatten)]
    pub cleaned_up: CleanedUp,
    /// What every step did.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct StoreCleanUp {
    saga: SagaState,
}

impl Process for StoreCleanUp {
    const NAME: &'static str = "StoreCleanUp";
    const STEPS: &'static [StepSpec] = &[StepSpec {
        name: CLEAN_UP,
        words: "remove what closed runs left behind",
        class: StepClass::Compensable,
    }];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

#[workflow_methods]
impl StoreCleanUp {
    /// Runs a clean-up.
    #[run(name = "StoreCleanUp")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<StoreCleanUpData>,
    ) -> WorkflowResult<StoreCleanUpResult> {
        let data = input.check().map_err(|problems| saga::invalid_input("CleanUpInvalid", problems))?;
        let saga = Saga::begin(ctx);
        let StoreCleanUpData { keep_days, keep_quarantine_days } = data;
        let order = CleanUp { keep_days, keep_quarantine_days };
        let step = saga.step(CLEAN_UP, Objects::clean_up, order, policy::erp());
        match step.nothing_to_undo("what is gone is nobody's any more").await {
            Ok(cleaned_up) => {
                Ok(StoreCleanUpResult { success: true, cleaned_up, report: saga.completed().await })
            }
            Err(halt) => {
                saga.turn_back(&halt);
                let none = CleanedUp::default();
                let result = |_, report| StoreCleanUpResult { success: false, cleaned_up: none, report };
                saga.halted(halt, |_| "StepFailed", result).await
            }
        }
    }

    /// How far it is.
    #[query]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        self.saga.progress(ctx)
    }

    /// What its step did so far.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.saga.report()
    }
}
