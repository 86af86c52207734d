//! Pages that are read and nothing else: work that only takes time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_workflow::{
    ActivityCancellationType, ActivityCloseTimeouts, ActivityOptions, WorkflowContext, WorkflowResult,
    workflow, workflow_methods,
};
use workflows::policy::BULK_QUEUE;

use super::{Repricing, options};

/// Pages that are read and nothing else, to see whether the worker stays alive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leaf {
    /// How many.
    pub pages: u32,
    /// How long one takes, in milliseconds.
    pub page_ms: u64,
}

/// Leafs through pages, in one attempt.
#[workflow]
#[derive(Default)]
pub struct LeafThrough;

#[workflow_methods]
impl LeafThrough {
    /// Runs to its end; returns how many pages there were.
    #[run(name = "LeafThrough")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, leaf: (Leaf, u64)) -> WorkflowResult<u32> {
        let queue = format!("{}{BULK_QUEUE}", ctx.task_queue());
        let (leaf, heartbeat_ms) = leaf;
        let options = options(&queue, Duration::from_millis(heartbeat_ms), 1);
        Ok(ctx.execute_activity(Repricing::leaf, leaf, options).await?)
    }
}

/// The same many times, as a long sync does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leafing {
    /// The work of each activity.
    pub leaf: Leaf,
    /// How many activities, one after the other.
    pub times: u32,
    /// How soon a worker that vanished is noticed, in milliseconds.
    pub heartbeat_ms: u64,
    /// How long an activity may take altogether, its waiting included, in milliseconds.
    pub patience_ms: u64,
}

/// Leafs on and on, each activity as soon as the one before has ended.
#[workflow]
#[derive(Default)]
pub struct LeafOn;

#[workflow_methods]
impl LeafOn {
    /// Runs to its end.
    #[run(name = "LeafOn")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, leafing: Leafing) -> WorkflowResult<()> {
        let queue = format!("{}{BULK_QUEUE}", ctx.task_queue());
        let patience = Duration::from_millis(leafing.patience_ms);
        for _ in 0..leafing.times {
            let timeouts = ActivityCloseTimeouts::ScheduleAndStartToClose {
                schedule_to_close: patience,
                start_to_close: patience,
            };
            let options = ActivityOptions::with_close_timeouts(timeouts)
                .heartbeat_timeout(Duration::from_millis(leafing.heartbeat_ms))
                .task_queue(queue.clone())
                .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
                .build();
            ctx.execute_activity(Repricing::leaf, leafing.leaf.clone(), options).await?;
        }
        Ok(())
    }
}
