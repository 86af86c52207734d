//! Lists runs from Temporal's visibility store, which trails the runs themselves by a moment.

use clap::ValueEnum;
use futures::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::{WorkflowExecution, WorkflowExecutionStatus, WorkflowListOptions};
use workflows::search_attributes::{NEEDS_HUMAN, OUTCOME, STAGE};

use crate::cli::ListArgs;
use crate::commands::call::Call;
use crate::processes;
use crate::runs::subject::status_name;
use crate::runs::task::reported;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::table;
use crate::terminal::program::command;

/// One run in a list.
#[derive(Serialize)]
struct Line {
    workflow_id: String,
    run_id: String,
    workflow_type: String,
    workflow_status: &'static str,
    stage: Option<String>,
    outcome: Option<String>,
    needs_human: bool,
    /// Whether Temporal reports that its workflow task fails again and again.
    task_fails: bool,
    started_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
}

/// Lists by a filter of ours, which is right: what it names may not be there yet.
pub(crate) async fn ours(call: &Call<'_>, filter: &str, limit: usize) -> Result<Exit, Failure> {
    list(call, filter, limit).await.map_err(|failure| match failure.exit {
        Exit::Usage => failure.with_exit(Exit::Failed).fix(format!(
            "'{}' says which search attributes are missing; a worker registers them at its start",
            command!("doctor")
        )),
        _ => failure,
    })
}

/// `starter list`.
pub(crate) async fn run(call: &Call<'_>, args: ListArgs) -> Result<Exit, Failure> {
    let types: Vec<_> = processes::ALL
        .iter()
        .filter(|process| args.process.as_deref().is_none_or(|name| name == process.name))
        .map(|process| format!("'{}'", process.workflow_type))
        .collect();
    let ours = format!("WorkflowType IN ({})", types.join(", "));
    let mut filters = vec![ours];
    filters.extend(args.query.map(|query| format!("({query})")));
    filters.extend(args.needs_human.then(needs_human));
    list(call, &filters.join(" AND "), args.limit.get()).await
}

/// A run that was ended by force while it waited keeps the attribute, and nobody can answer it.
pub(crate) fn needs_human() -> String {
    format!("{} = true AND ExecutionStatus = 'Running'", NEEDS_HUMAN.name())
}

async fn list(call: &Call<'_>, filter: &str, limit: usize) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let options = WorkflowListOptions::builder().limit(limit).build();
    let found: Vec<WorkflowExecution> = session
        .client
        .list_workflows(filter, options)
        .try_collect()
        .await
        .map_err(|error| Failure::from(error).during(format!("cannot list with the filter {filter}")))?;
    let lines: Vec<Line> = found.iter().map(Line::of).collect();
    call.out.list(&lines, |paint| {
        let header = ["workflow id", "status", "stage", "outcome", "started", "note"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(header).chain(lines.iter().map(Line::cells)).collect();
        table(&rows, |row, column, cell| match (row, column) {
            (0, _) => paint.faint(cell),
            (_, 5) => paint.bad(cell),
            _ => cell,
        })
    })?;
    if lines.is_empty() {
        call.out.say("no run matches; a run that was just started may take a second to be listed");
    }
    if lines.len() >= limit {
        call.out.say(format!("the first {limit} are shown; --limit shows more"));
    }
    Ok(Exit::Ok)
}

impl Line {
    fn of(run: &WorkflowExecution) -> Self {
        let attributes = run.search_attributes();
        let time = |time: Option<std::time::SystemTime>| time.and_then(|time| Timestamp::try_from(time).ok());
        Self {
            workflow_id: run.id().to_owned(),
            run_id: run.run_id().to_owned(),
            workflow_type: run.workflow_type().to_owned(),
            workflow_status: status_name(run.status()),
            stage: attributes.get(&STAGE),
            outcome: attributes.get(&OUTCOME),
            // A run that was terminated while it waited keeps the attribute, and nobody can answer it.
            needs_human: run.status() == WorkflowExecutionStatus::Running
                && attributes.get(&NEEDS_HUMAN) == Some(true),
            task_fails: run.status() == WorkflowExecutionStatus::Running
                && attributes.get(&reported()).is_some_and(|problems| !problems.is_empty()),
            started_at: time(run.start_time()),
            closed_at: time(run.close_time()),
        }
    }

    fn cells(&self) -> [String; 6] {
        [
            self.workflow_id.clone(),
            self.workflow_status.to_owned(),
            self.stage.clone().unwrap_or_default(),
            self.outcome.clone().unwrap_or_default(),
            self.started_at.map(|time| format!("{time:.0}")).unwrap_or_default(),
            match (self.task_fails, self.needs_human) {
                (true, _) => "cannot go on: its workflow task fails".to_owned(),
                (false, true) => "needs a person".to_owned(),
                (false, false) => String::new(),
            },
        ]
    }
}

pub(crate) fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
