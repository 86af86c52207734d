//! The right to go on, where only one run may. Whether the holder still runs is Temporal's to say.

use contracts::erp::LeaseAnswer;
use futures::FutureExt as _;
use store::Store;
use store::lease::{Attempt, Holder};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{Client, UntypedWorkflow, WorkflowDescribeOptions};
use temporalio_sdk::activities::ActivityContext;

use crate::bulk::Trouble;

/// Takes the lease of this name for a chain of runs.
pub(crate) async fn take(
    ctx: &ActivityContext,
    store: &Store,
    name: &str,
    workflow_id: &str,
    first_run_id: &str,
) -> Result<LeaseAnswer, Trouble> {
    let wanted = Holder { workflow_id: workflow_id.to_owned(), first_run_id: first_run_id.to_owned() };
    let taken =
        store::lease::take(store, name, &wanted, |holder| still_runs(ctx.client(), holder.clone()).boxed());
    match taken.await? {
        Attempt::Taken => Ok(LeaseAnswer::Taken),
        Attempt::HeldBy(holder) => Ok(LeaseAnswer::HeldBy { workflow_id: holder.workflow_id }),
    }
}

/// Whether the chain of runs that a lease was taken by has not ended.
async fn still_runs(client: Client, holder: Holder) -> Result<bool, Trouble> {
    let handle = client.get_workflow_handle::<UntypedWorkflow>(holder.workflow_id.clone());
    match handle.describe(WorkflowDescribeOptions::default()).await {
        Ok(description) => {
            let info = description.raw().workflow_execution_info.clone().unwrap_or_default();
            let is_running = info.status == 1;
            Ok(is_running && info.first_run_id == holder.first_run_id)
        }
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => {
            Err(Trouble::Again(format!("Temporal does not say whether {} runs: {error}", holder.workflow_id)))
        }
    }
}
