//! Clearing up: lists that runs put into the object store go some days after the run has closed.
//!
//! 1. `clean-up`: every run with objects is looked up in Temporal. The objects of an open run stay; those of a run that
//!    closed longer ago than `keep_days`, or that Temporal has forgotten, go. The quarantine waits for a person for
//!    `keep_quarantine_days`.
//!
//! Meant for a schedule, once a day.

mod face;

use contracts::objects::{CleanUp, CleanedUp, Objects};

pub use face::{StoreCleanUp, StoreCleanUpData, StoreCleanUpResult};

use crate::input::Problem;
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, named_with_slot};

/// The prefix of a workflow id, before the name.
pub const ID_PREFIX: &str = "store/";

/// The workflow id. A schedule adds the time of its slot.
pub const WORKFLOW_ID: &str = "store/clean-up";

const CLEAN_UP: &str = "clean-up";

impl Process for StoreCleanUp {
    const NAME: &'static str = "StoreCleanUp";
    const INVALID: &'static str = "CleanUpInvalid";
    const STEPS: &'static [StepSpec] =
        &[StepSpec::compensable(CLEAN_UP, "remove what closed runs left behind")];
    type Input = StoreCleanUpData;

    fn named(workflow_id: &str, _data: &StoreCleanUpData) -> Result<About, Problem> {
        named_with_slot(workflow_id, WORKFLOW_ID)?;
        Ok(None)
    }
}

async fn forward(saga: &Saga<StoreCleanUp>, data: StoreCleanUpData) -> Result<CleanedUp, Halt> {
    let StoreCleanUpData { keep_days, keep_quarantine_days } = data;
    let order = CleanUp { keep_days, keep_quarantine_days };
    saga.step(CLEAN_UP, Objects::clean_up, order, policy::erp())
        .nothing_to_undo("what is gone belongs to nobody any more")
        .await
}
