//! The traces of a sync in Temporal: all runs of its chain.

use contracts::erp::{StageCounts, Staged};
use temporalio_client::{NamespacedClient as _, WorkflowExecutionInfo, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::common::v1::Payloads;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::clear;
use crate::world::World;

/// A chain of runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) runs: usize,
    /// Of the run with the most.
    pub(super) events: usize,
    /// The largest of all.
    pub(super) payload_bytes: usize,
    /// Records read, as the activities counted that read them.
    pub(super) counts: StageCounts,
}

pub(super) async fn cost(world: &World, workflow_id: &str, run_id: &str) -> anyhow::Result<Cost> {
    let mut cost = Cost::default();
    let mut run = Some(run_id.to_owned());
    while let Some(run_id) = run.take() {
        let info = WorkflowExecutionInfo::builder()
            .namespace(world.client.namespace())
            .workflow_id(workflow_id)
            .run_id(run_id)
            .build();
        let handle = info.bind_untyped(world.client.clone());
        let events = handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
        cost.runs += 1;
        cost.events = cost.events.max(events.len());
        for event in events {
            cost.payload_bytes = cost.payload_bytes.max(clear::largest_payload(&event)?);
            match event.attributes {
                Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(next)) => {
                    run = Some(next.new_execution_run_id);
                }
                Some(Attributes::ActivityTaskCompletedEventAttributes(done)) => {
                    if let Some(staged) = staged(done.result) {
                        cost.counts.add(&staged.counts);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(cost)
}

/// Of the results of a sync's activities only one has such counts.
fn staged(result: Option<Payloads>) -> Option<Staged> {
    serde_json::from_slice(&result?.payloads.first()?.data).ok()
}
