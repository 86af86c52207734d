//! Are there runs that cannot go on?

use futures::TryStreamExt as _;
use temporalio_client::{WorkflowExecution, WorkflowListOptions};

use super::check::{Check, failed};
use crate::processes;
use crate::runs::connect::Session;
use crate::runs::task::FILTER;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::program::command;

const NAME: &str = "runs";
/// So many runs are counted, and so many named.
const COUNTED: usize = 1_000;
const NAMED: usize = 3;

/// Looks for open runs of this task queue whose workflow task fails again and again.
pub(super) async fn check(session: &Session, task_queue: &str) -> Check {
    let types: Vec<_> = processes::ALL.iter().map(|process| format!("'{}'", process.workflow_type)).collect();
    let filter = format!(
        "WorkflowType IN ({}) AND TaskQueue = '{}' AND ExecutionStatus = 'Running' AND {FILTER}",
        types.join(", "),
        task_queue.replace('\'', "''"),
    );
    let options = WorkflowListOptions::builder().limit(COUNTED).build();
    let found: Result<Vec<WorkflowExecution>, _> =
        session.client.list_workflows(filter, options).try_collect().await;
    match found {
        Ok(found) if found.is_empty() => {
            Check::ok(NAME, "none has a workflow task that fails again and again")
        }
        Ok(found) => {
            let ids: Vec<&str> = found.iter().take(NAMED).map(WorkflowExecution::id).collect();
            let more = if found.len() > NAMED { ", …" } else { "" };
            let runs = if found.len() == 1 { "run" } else { "runs" };
            let why = format!(
                "{} {runs} cannot go on, the workflow task fails again and again: {}{more}",
                found.len(),
                ids.join(", ")
            );
            Check::failed(NAME, why, format!("'{}' has the message", command!("show {}", ids[0])))
        }
        Err(error) => {
            let failure = Failure::from(error);
            match failure.exit {
                // The filter is right; a server of before 1.29 has no such attribute.
                Exit::Usage => Check::ok(NAME, "this server does not report workflow tasks that fail"),
                _ => failed(NAME, &failure),
            }
        }
    }
}
