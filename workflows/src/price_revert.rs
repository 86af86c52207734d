//! Price revert: the prices that a run has written go back to what they were, unless somebody has changed them since.
//!
//! 1. `revert-prices`: the before-images of the run are gone through, the last write first. A price that is still what
//!    the run wrote gets its old one; any other stays, and is listed.
//!
//! A revert that failed or was cancelled may be started again; one that is completed is final. Before-images are kept
//! for some time (the worker's `SUN_PRICES_REVERTIBLE`); afterwards nothing can be put back, and the run says so. A dry
//! run says what would be put back.

mod face;

use contracts::prices::{Prices, RevertPrices, RevertedPrices};
use contracts::values::{IdempotencyKey, PriceBatchId};

pub use face::{PriceRevert, PriceRevertData, PriceRevertResult};

use crate::bulk_price_update;
use crate::input::Problem;
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, named_exactly};
use crate::search_attributes::SOURCE;

/// The workflow id of a run's revert.
#[must_use]
pub fn workflow_id(batch: &PriceBatchId) -> String {
    format!("{}/revert", bulk_price_update::workflow_id(batch))
}

/// The workflow id of its dry run.
#[must_use]
pub fn dry_run_id(batch: &PriceBatchId) -> String {
    format!("{}/dry-run", workflow_id(batch))
}

const REVERT: &str = "revert-prices";

impl Process for PriceRevert {
    const NAME: &'static str = "PriceRevert";
    const INVALID: &'static str = "RevertInvalid";
    const STEPS: &'static [StepSpec] = &[StepSpec::compensable(REVERT, "put prices back")];
    type Input = PriceRevertData;

    fn named(workflow_id: &str, data: &PriceRevertData) -> Result<About, Problem> {
        let own = if data.dry_run { dry_run_id(&data.batch_id) } else { self::workflow_id(&data.batch_id) };
        named_exactly(workflow_id, &own)?;
        Ok(Some((SOURCE, data.batch_id.to_string())))
    }
}

async fn forward(saga: &Saga<PriceRevert>, data: &PriceRevertData) -> Result<RevertedPrices, Halt> {
    let run = format!("{}/{}", saga.ctx().workflow_id(), saga.ctx().run_id());
    let revert = RevertPrices {
        key: IdempotencyKey::new(&run, REVERT),
        batch_id: data.batch_id.clone(),
        by_its_own_run: false,
        dry_run: data.dry_run,
        rate: data.rate,
    };
    let step = saga.step(REVERT, Prices::revert, revert, policy::prices());
    let reverted = step.nothing_to_undo("a revert is not taken back: start the run's list again").await?;
    if reverted.is_running {
        let reason =
            "the run still writes: cancel it first ('prices cancel'), with --revert it is taken back as well";
        return Err(saga.refused(REVERT, "StillRunning", reason.to_owned()));
    }
    if reverted.was_reverted {
        let reason = "the run was taken back before, to the end: that is final, as prices may have been set anew since";
        return Err(saga.refused(REVERT, "RevertedBefore", reason.to_owned()));
    }
    if !reverted.has_images {
        let reason =
            "there are no before-images: the run has written nothing, or is older than SUN_PRICES_REVERTIBLE";
        return Err(saga.refused(REVERT, "NothingToRevert", reason.to_owned()));
    }
    let count = |action: &str| reverted.written.count(action);
    let words = format!(
        "{} put back, {} changed since, {} refused",
        count("restored"),
        count("changed_since"),
        count("failed")
    );
    saga.done(REVERT, &words);
    Ok(reverted)
}
