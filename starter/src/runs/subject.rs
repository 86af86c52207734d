//! Which run is meant, and what people call it.

use temporalio_client::WorkflowExecutionStatus;
use workflows::saga::{Action, Question, SubjectKind};

use crate::processes::Process;
use crate::terminal::program::{command, word};

/// Which run is meant.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) workflow_id: String,
    pub(crate) run_id: String,
    /// The process it is a run of, if it is one of ours.
    pub(crate) process: Option<&'static Process>,
}

impl Subject {
    /// The business key: `ORDER-001`.
    pub(crate) fn key(&self) -> &str {
        self.process.map_or(&self.workflow_id, |process| process.key(&self.workflow_id))
    }

    /// The word for it: `order`.
    pub(crate) fn noun(&self) -> &str {
        self.process.map_or("run", |process| process.noun)
    }

    /// `order ORDER-001`, or the workflow id of what is not ours.
    pub(crate) fn title(&self) -> String {
        self.process
            .map_or_else(|| self.workflow_id.clone(), |process| format!("{} {}", process.noun, self.key()))
    }

    /// A command of ours about this run: `starter order watch ORDER-001`.
    pub(crate) fn command(&self, verb: &str) -> String {
        match self.process {
            Some(process) if process.has_commands => {
                command!("{} {verb} {}", process.noun, word(self.key()))
            }
            _ => command!("show {}", word(&self.workflow_id)),
        }
    }

    /// The command that answers one of its questions.
    pub(crate) fn answer(&self, question: &Question, action: Action) -> String {
        let (run, id) = (word(&self.workflow_id), word(&question.id));
        // A process that runs again asks about other figures under the same name.
        let since = question.since.filter(|_| question.about.kind == SubjectKind::Decision);
        let command = command!("answer {run} {id} --action {} --reason '…'", action.name());
        since.map(|since| format!("{command} --since {since}")).unwrap_or(command)
    }
}

/// The status as Temporal's API writes it.
pub(crate) fn status_name(status: WorkflowExecutionStatus) -> &'static str {
    match status {
        WorkflowExecutionStatus::Running => "RUNNING",
        WorkflowExecutionStatus::Completed => "COMPLETED",
        WorkflowExecutionStatus::Failed => "FAILED",
        WorkflowExecutionStatus::Canceled => "CANCELED",
        WorkflowExecutionStatus::Terminated => "TERMINATED",
        WorkflowExecutionStatus::ContinuedAsNew => "CONTINUED_AS_NEW",
        WorkflowExecutionStatus::TimedOut => "TIMED_OUT",
        WorkflowExecutionStatus::Paused => "PAUSED",
        _ => "UNKNOWN",
    }
}
