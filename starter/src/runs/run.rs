//! One run of any process: what Temporal knows of it, what its workflow says of itself, and its end.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::payment::CustomerAction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError};
use temporalio_client::{
    Client, HistoryEventFilterType, RetryOptions, RpcOptions, WorkflowDescribeOptions,
    WorkflowExecutionDescription, WorkflowExecutionInfo, WorkflowFetchHistoryOptions,
    WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions,
};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::{HasWorkflowDefinition, QueryDefinition, WorkflowDefinition};
use tonic::Code;
use workflows::report::Progress;

use super::connect::Session;
use super::outcome::End;
use super::subject::Subject;
use super::task::FailingTask;
use crate::processes;
use crate::terminal::exit::{Exit, Failure, is_run_missing};
use crate::terminal::program::command;

/// How long a worker may take to answer a query.
const QUERY_LIMIT: Duration = Duration::from_secs(3);

/// A workflow of which only the JSON is known.
pub(crate) struct AnyProcess;

impl WorkflowDefinition for AnyProcess {
    type Input = Value;
    type Output = Value;
    fn name(&self) -> &str {
        "AnyProcess"
    }
}

impl HasWorkflowDefinition for AnyProcess {
    type Run = Self;
}

/// The query that every workflow of every SDK answers by itself.
struct MetadataQuery;

impl QueryDefinition for MetadataQuery {
    type Workflow = AnyProcess;
    type Input = ();
    type Output = Metadata;
    fn name(&self) -> &str {
        "__temporal_workflow_metadata"
    }
}

/// The part of its answer that is read.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    current_details: String,
}

struct ProgressQuery;

impl QueryDefinition for ProgressQuery {
    type Workflow = AnyProcess;
    type Input = ();
    type Output = Progress;
    fn name(&self) -> &str {
        "progress"
    }
}

struct CustomerActionQuery;

impl QueryDefinition for CustomerActionQuery {
    type Workflow = AnyProcess;
    type Input = ();
    type Output = Option<CustomerAction>;
    fn name(&self) -> &str {
        "customer_action"
    }
}

/// A run that exists.
pub(crate) struct Run {
    pub(crate) subject: Subject,
    handle: WorkflowHandle<Client, AnyProcess>,
}

impl Session {
    /// Finds the latest run of a workflow id.
    pub(crate) async fn find(
        &self,
        workflow_id: &str,
    ) -> Result<(Run, WorkflowExecutionDescription), Failure> {
        let described =
            self.handle::<AnyProcess>(workflow_id, None).describe(WorkflowDescribeOptions::default()).await;
        let description = described.map_err(|error| self.not_found(workflow_id, error))?;
        let run = self.known(Subject {
            workflow_id: workflow_id.to_owned(),
            run_id: description.run_id().to_owned(),
            process: processes::of_type(description.workflow_type()),
        });
        Ok((run, description))
    }

    /// A run that is known to exist: just started, attached to, or found.
    pub(crate) fn known(&self, subject: Subject) -> Run {
        Run { handle: self.handle(&subject.workflow_id, Some(subject.run_id.clone())), subject }
    }

    pub(crate) fn handle<W: HasWorkflowDefinition>(
        &self,
        workflow_id: &str,
        run_id: Option<String>,
    ) -> WorkflowHandle<Client, W> {
        let info = WorkflowExecutionInfo::builder()
            .namespace(self.namespace())
            .workflow_id(workflow_id)
            .maybe_run_id(run_id)
            .build();
        WorkflowHandle::new(self.client.clone(), info)
    }

    /// Names the run that is missing; leaves other errors as they are.
    pub(crate) fn not_found(&self, workflow_id: &str, error: WorkflowInteractionError) -> Failure {
        match error {
            WorkflowInteractionError::NotFound(status) if is_run_missing(&status) => {
                let namespace = self.namespace();
                let missing =
                    format!("there is no run with workflow id '{workflow_id}' in namespace '{namespace}'");
                Failure::new(Exit::NotFound, missing).fix(format!(
                    "'{}' shows what there is; closed runs are kept for the namespace's retention time",
                    command!("list")
                ))
            }
            other => other.into(),
        }
    }
}

impl Run {
    pub(crate) async fn describe(&self) -> Result<WorkflowExecutionDescription, WorkflowInteractionError> {
        self.handle.describe(WorkflowDescribeOptions::default()).await
    }

    /// Why the run cannot go on, if it cannot.
    pub(crate) async fn failing_task(&self) -> Option<FailingTask> {
        FailingTask::of(self.handle.client(), &self.describe().await.ok()?).await
    }

    /// Rows that its activities under way have told of since they began, by their heartbeats.
    pub(crate) async fn rows_told(&self) -> Result<Told, WorkflowInteractionError> {
        let description = self.describe().await?;
        let beats = description.raw().pending_activities.iter();
        let details = beats.filter_map(|activity| activity.heartbeat_details.as_ref());
        let mut told = Told::default();
        for payload in details.flat_map(|details| &details.payloads) {
            let Told { rows, failed } = rows_in(&payload.data);
            told = Told { rows: told.rows + rows, failed: told.failed + failed };
        }
        Ok(told)
    }

    /// The text that the run shows in every user interface; fails when no worker answers in time.
    pub(crate) async fn current_details(&self) -> Result<String, WorkflowQueryError> {
        Ok(self.handle.query(MetadataQuery, (), once()).await?.current_details)
    }

    /// How far the run is, as a worker says it; fails when none answers in time.
    pub(crate) async fn progress(&self) -> Result<Progress, WorkflowQueryError> {
        self.handle.query(ProgressQuery, (), once()).await
    }

    /// The customer's part, if the process knows such a thing and waits for it.
    pub(crate) async fn customer_action(&self) -> Option<CustomerAction> {
        self.handle.query(CustomerActionQuery, (), once()).await.ok().flatten()
    }

    /// Waits for the end of this run, not of those as which it may go on: who follows turns to them one by one.
    pub(crate) async fn end(&self) -> Result<End, WorkflowGetResultError> {
        let this_run = WorkflowGetResultOptions::builder().follow_runs(false).build();
        match self.handle.get_result(this_run).await {
            Ok(result) => Ok(End::Completed(result)),
            Err(WorkflowGetResultError::Failed(error)) => Ok(End::failed(&error)),
            Err(WorkflowGetResultError::Cancelled { details }) => {
                Ok(End::Canceled { details: details.deserialize().ok() })
            }
            Err(WorkflowGetResultError::Terminated { .. }) => {
                Ok(End::Terminated { reason: self.why_terminated().await })
            }
            Err(WorkflowGetResultError::TimedOut) => Ok(End::TimedOut),
            Err(error) => Err(error),
        }
    }

    /// The client's result leaves the reason out; the close event has it.
    async fn why_terminated(&self) -> Option<String> {
        let options = WorkflowFetchHistoryOptions::builder()
            .skip_archival(true)
            .event_filter_type(HistoryEventFilterType::CloseEvent)
            .build();
        let event = self.handle.fetch_history(options).into_events().await.ok()?.pop()?;
        match event.attributes? {
            Attributes::WorkflowExecutionTerminatedEventAttributes(end) if !end.reason.is_empty() => {
                Some(end.reason)
            }
            _ => None,
        }
    }
}

/// Rows that have their outcome, as heartbeats tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// All of them.
    pub(crate) rows: u64,
    /// Those that were not written although they should have been.
    pub(crate) failed: u64,
}

/// Outcomes of a row that was not written although it should have been, in the words of the bulk work's users.
const FAILURES: [&str; 2] = ["failed", "conflict"];

/// The rows that a heartbeat tells of; another process's says something else.
fn rows_in(heartbeat: &[u8]) -> Told {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Beat {
        written: Written,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Written {
        counts: BTreeMap<String, u64>,
    }
    let beat: Beat = serde_json::from_slice(heartbeat).unwrap_or_default();
    let counts = &beat.written.counts;
    let failed = FAILURES.iter().filter_map(|action| counts.get(*action)).sum();
    Told { rows: counts.values().sum(), failed }
}

/// The words of a worker about a query that failed, if there was one to say something.
pub(crate) fn said_by_worker(error: &WorkflowQueryError) -> Option<String> {
    match error {
        WorkflowQueryError::Rpc(status) => match status.code() {
            Code::DeadlineExceeded | Code::Cancelled | Code::FailedPrecondition | Code::Unavailable => None,
            _ => Some(status.message().to_owned()),
        },
        other => Some(other.to_string()),
    }
}

fn once() -> WorkflowQueryOptions {
    let rpc = RpcOptions::builder().timeout(QUERY_LIMIT).retry_options(RetryOptions::no_retries()).build();
    WorkflowQueryOptions::builder().rpc_options(rpc).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_tells_of_rows_or_of_something_else() {
        let beat = br#"{"format":2,"rows":70,"written":{"counts":{"applied":40,"conflict":2}},"batches":[]}"#;
        assert_eq!(rows_in(beat), Told { rows: 42, failed: 2 });
        let beat = br#"{"format":1,"rows":70,"written":{"counts":{"created":67,"failed":3}},"due":null}"#;
        assert_eq!(rows_in(beat), Told { rows: 70, failed: 3 });
        for other in [&b"\"page 7\""[..], b"{}", b"not JSON"] {
            assert_eq!(rows_in(other), Told::default());
        }
    }
}
