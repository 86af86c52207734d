//! How Temporal reaches a price run: its state, `run` and updates.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::values::PriceBatchId;
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, workflow,
};

use super::brake;
use super::control::{CancelPrices, Control, PausePrices, SetRate, UpdateTaken};
use super::steps::{PriceRun, TakeBack};
use super::tally::Work;
use super::{BulkPriceUpdateData, BulkUpdateResult, PROCESS, workflow_id};
use crate::face;
use crate::input::{Problem, Unchecked};
use crate::saga::{self, CancelAccepted, CancelRequest, Saga, SagaState, UpdateError, named_exactly};

/// The workflow id of a dry run, which may go beside a real one.
#[must_use]
pub fn dry_run_id(batch: &PriceBatchId) -> String {
    format!("{}/dry-run", workflow_id(batch))
}

/// Checks the name of a run. A dry run has a name of its own, because it may be repeated and a real one may not.
pub(super) fn check_name(workflow_id: &str, batch: &PriceBatchId, is_dry_run: bool) -> Result<(), Problem> {
    let own = if is_dry_run { dry_run_id(batch) } else { self::workflow_id(batch) };
    named_exactly(workflow_id, &own)
}

const ENDED: &str = "the run has ended: nothing is written any more";
/// A price run has no point of no return.
const NEVER_TOO_LATE: &str = "the run is past its point of no return";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct BulkPriceUpdate {
    saga: SagaState,
    pub(super) control: Control,
}

face! {
pub impl BulkPriceUpdate {
    /// Runs a batch from start to end.
    #[run(name = "BulkPriceUpdate")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<BulkPriceUpdateData>,
    ) -> WorkflowResult<BulkUpdateResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let run = PriceRun::new(ctx, &data);
        let mut work = Work::default();
        let story = run.forward(&saga, &mut work).await;
        let back = TakeBack::new(&run);
        let mut ended = saga.end(story, &back).await?;
        ended.report.notes.extend(brake::preview(&run, &work));
        Ok(BulkUpdateResult::of(&run, work, back.taken(), ended))
    }

    /// Stops writing behind the batch in hand, until somebody resumes it.
    #[update]
    pub fn pause(&mut self, _ctx: &mut SyncWorkflowContext<Self>, pause: PausePrices) -> UpdateTaken {
        self.control.pause(pause.reason)
    }

    #[update_validator(pause)]
    fn check_pause(&self, _ctx: &WorkflowContextView, pause: &PausePrices) -> Result<(), UpdateError> {
        self.check_open()?;
        self.control.check_pause(pause)
    }

    /// Goes on.
    #[update]
    pub fn resume(&mut self, _ctx: &mut SyncWorkflowContext<Self>) -> UpdateTaken {
        self.control.resume()
    }

    #[update_validator(resume)]
    fn check_resume(&self, _ctx: &WorkflowContextView, _nothing: &()) -> Result<(), UpdateError> {
        self.check_open()?;
        self.control.check_resume()
    }

    /// Writes with another speed, from the batch after the one in hand.
    #[update]
    pub fn set_rate(&mut self, _ctx: &mut SyncWorkflowContext<Self>, rate: SetRate) -> UpdateTaken {
        self.control.set_rate(rate)
    }

    #[update_validator(set_rate)]
    fn check_rate(&self, _ctx: &WorkflowContextView, rate: &SetRate) -> Result<(), UpdateError> {
        self.check_open()?;
        match rate.max_per_second {
            Some(0) => Err("0 rows a second would never end: pause it instead".into()),
            _ => Ok(()),
        }
    }

    /// Stops the run behind the batch in hand, and puts prices back if that is asked for.
    #[update]
    pub async fn cancel(
        ctx: &mut WorkflowContext<Self>,
        request: CancelPrices,
    ) -> Result<CancelAccepted, UpdateError> {
        let CancelPrices { reason, revert } = request;
        ctx.state_mut(|w| w.control.reverts |= revert);
        let mut accepted = saga::request_stop(ctx, &CancelRequest { reason }, NEVER_TOO_LATE).await?;
        accepted.will_undo.extend(revert.then(|| PROCESS.to_owned()));
        Ok(accepted)
    }

    #[update_validator(cancel)]
    fn check_cancel(&self, _ctx: &WorkflowContextView, request: &CancelPrices) -> Result<(), UpdateError> {
        self.check_open()?;
        saga::check_stop(self, &CancelRequest { reason: request.reason.clone() }, NEVER_TOO_LATE)
    }
}
}

impl BulkPriceUpdate {
    fn check_open(&self) -> Result<(), UpdateError> {
        if self.saga.has_ended() { Err(ENDED.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_and_a_real_one_have_names_of_their_own() -> Result<(), Box<dyn std::error::Error>> {
        let batch = PriceBatchId::new("b-1")?;
        let check = |id: &str, is_dry_run| check_name(id, &batch, is_dry_run).is_ok();
        assert!(check("prices/b-1", false) && check("prices/b-1/dry-run", true));
        assert!(
            !check("prices/b-1/dry-run", false) && !check("prices/b-1", true) && !check("prices/b-2", false)
        );
        Ok(())
    }
}
