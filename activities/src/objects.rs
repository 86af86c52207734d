//! The object store's housekeeping. Whether a run has closed, and when, is Temporal's to say.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use contracts::objects::{CleanUp, CleanedUp, ObjectRef, Sight, defs};
use futures::FutureExt as _;
use store::clean_up::{LeftBehind, RunState, clean_up, clean_up_prices, empty_quarantine};
use store::{Store, StoreError};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{
    Client, NamespacedClient as _, UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionInfo,
    WorkflowHandle,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::bulk::Trouble;
use crate::effect::alive;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Temporal's number for a run that goes on.
const RUNNING: i32 = 1;

/// The activities of the object store.
pub struct ObjectActivities {
    store: Store,
    /// How long after its last write a price run can be reverted.
    revertible: Duration,
}

impl ObjectActivities {
    /// On a store, in which price runs are kept for so long.
    #[must_use]
    pub fn new(store: Store, revertible: Duration) -> Self {
        Self { store, revertible }
    }
}

#[activities]
impl ObjectActivities {
    /// See [`contracts::objects::Objects`].
    #[activity(definition = defs::SeeProbe)]
    pub async fn see_probe(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ObjectRef,
    ) -> Result<Sight, ActivityError> {
        let place = self.store.place().to_owned();
        Ok(match alive(&ctx, self.store.get(&input)).await {
            Ok(_) => Sight::Seen,
            Err(StoreError::Gone { .. }) => Sight::NotSeen { place },
            // The person who asks wants to know now: no second attempt.
            Err(error) => Sight::Unreadable { place, why: error.to_string() },
        })
    }

    /// See [`contracts::objects::Objects`].
    #[activity(definition = defs::CleanUp)]
    pub async fn clean_up(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CleanUp,
    ) -> Result<CleanedUp, ActivityError> {
        let now = SystemTime::now();
        let cleaned = async {
            let of_runs = clean_up(&self.store, DAY * input.keep_days, now, |run| {
                state(ctx.client(), run.clone()).boxed()
            });
            let runs = of_runs.await?;
            let price_runs = clean_up_prices(&self.store, self.revertible, now, |run| {
                state(ctx.client(), run.clone()).boxed()
            });
            let price_runs = price_runs.await?;
            let quarantined = empty_quarantine(&self.store, DAY * input.keep_quarantine_days, now).await?;
            Ok::<_, Trouble>(CleanedUp { quarantined, price_runs, ..runs })
        };
        alive(&ctx, cleaned).await.map_err(Trouble::into_failure)
    }
}

async fn state(client: Client, run: LeftBehind) -> Result<RunState, Trouble> {
    let info = WorkflowExecutionInfo::builder()
        .namespace(client.namespace())
        .workflow_id(run.workflow_id.clone())
        .run_id(run.run_id)
        .build();
    let handle: WorkflowHandle<Client, UntypedWorkflow> = WorkflowHandle::new(client, info);
    match handle.describe(WorkflowDescribeOptions::default()).await {
        Ok(description) => {
            let info = description.raw().workflow_execution_info.clone().unwrap_or_default();
            if info.status == RUNNING {
                return Ok(RunState::Open);
            }
            let closed = info.close_time.and_then(|time| SystemTime::try_from(time).ok());
            // A run that has closed at no known time is one that nobody knows any more.
            Ok(closed.map_or(RunState::Forgotten, RunState::Closed))
        }
        Err(WorkflowInteractionError::NotFound(_)) => Ok(RunState::Forgotten),
        // A folder that is not a run's, such as one somebody made by hand.
        Err(WorkflowInteractionError::Rpc(status)) if status.code() == tonic::Code::InvalidArgument => {
            Ok(RunState::Forgotten)
        }
        Err(error) => Err(Trouble::Again(format!(
            "Temporal does not say whether {} has closed: {error}",
            run.workflow_id
        ))),
    }
}
