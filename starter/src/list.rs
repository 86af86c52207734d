//! Lists runs from Temporal's visibility store, which trails the runs themselves by a moment.

use clap::ValueEnum;
use futures::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::{WorkflowExecution, WorkflowExecutionStatus, WorkflowListOptions};
use workflows::search_attributes::{CUSTOMER_REF, NEEDS_HUMAN, OUTCOME, SOURCE, STAGE};

use crate::cli::erp::ErpListArgs;
use crate::cli::onboarding::OnboardingListArgs;
use crate::cli::order::OrderListArgs;
use crate::cli::{Global, ListArgs};
use crate::connect::connect;
use crate::exit::{Exit, Failure};
use crate::output::{Out, table};
use crate::processes::{self, ERP, FOLLOW_UP, ONBOARDING, ORDER};
use crate::run::status_name;

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
    started_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
}

/// `starter order list`.
pub(crate) async fn orders(global: &Global, out: &Out, args: OrderListArgs) -> Result<Exit, Failure> {
    let mut filters = vec![format!("WorkflowType = '{}'", ORDER.workflow_type)];
    if let Some(stage) = args.stage {
        filters.push(format!("{} = '{}'", STAGE.name(), value_name(&stage)));
    }
    if let Some(outcome) = args.outcome {
        filters.push(format!("{} = '{}'", OUTCOME.name(), value_name(&outcome)));
    }
    if args.needs_human {
        filters.push(needs_human());
    }
    ours(global, out, &filters.join(" AND "), args.limit.get()).await
}

/// `starter erp list`.
pub(crate) async fn syncs(global: &Global, out: &Out, args: ErpListArgs) -> Result<Exit, Failure> {
    let mut filters = vec![format!("WorkflowType = '{}'", ERP.workflow_type)];
    if let Some(integration) = args.integration {
        filters.push(format!("{} = '{integration}'", SOURCE.name()));
    }
    if args.needs_human {
        filters.push(needs_human());
    }
    ours(global, out, &filters.join(" AND "), args.limit.get()).await
}

/// `starter onboarding list`: onboardings, and with `--mails` the series of follow-up mails instead.
pub(crate) async fn onboardings(
    global: &Global,
    out: &Out,
    args: OnboardingListArgs,
) -> Result<Exit, Failure> {
    let process = if args.mails { FOLLOW_UP } else { ONBOARDING };
    let mut filters = vec![format!("WorkflowType = '{}'", process.workflow_type)];
    if let Some(customer) = args.customer {
        filters.push(format!("{} = '{}'", CUSTOMER_REF.name(), customer.customer_ref()?));
    }
    if let Some(outcome) = args.outcome {
        filters.push(format!("{} = '{}'", OUTCOME.name(), value_name(&outcome)));
    }
    if args.needs_human {
        filters.push(needs_human());
    }
    ours(global, out, &filters.join(" AND "), args.limit.get()).await
}

/// Lists by a filter of ours, which is right: what it names may not be there yet.
async fn ours(global: &Global, out: &Out, filter: &str, limit: usize) -> Result<Exit, Failure> {
    list(global, out, filter, limit).await.map_err(|failure| match failure.exit {
        Exit::Usage => failure.with_exit(Exit::Failed).fix(
            "'starter doctor' says which search attributes are missing; a worker registers them at its start",
        ),
        _ => failure,
    })
}

/// `starter list`.
pub(crate) async fn runs(global: &Global, out: &Out, args: ListArgs) -> Result<Exit, Failure> {
    let types: Vec<_> = processes::ALL
        .iter()
        .filter(|process| args.process.as_deref().is_none_or(|name| name == process.name))
        .map(|process| format!("'{}'", process.workflow_type))
        .collect();
    let ours = format!("WorkflowType IN ({})", types.join(", "));
    let mut filters = vec![ours];
    filters.extend(args.query.map(|query| format!("({query})")));
    filters.extend(args.needs_human.then(needs_human));
    list(global, out, &filters.join(" AND "), args.limit.get()).await
}

/// A run that was ended by force while it waited keeps the attribute, and nobody can answer it.
fn needs_human() -> String {
    format!("{} = true AND ExecutionStatus = 'Running'", NEEDS_HUMAN.name())
}

async fn list(global: &Global, out: &Out, filter: &str, limit: usize) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let options = WorkflowListOptions::builder().limit(limit).build();
    let found: Vec<WorkflowExecution> = session
        .client
        .list_workflows(filter, options)
        .try_collect()
        .await
        .map_err(|error| Failure::from(error).during(format!("cannot list with the filter {filter}")))?;
    let lines: Vec<Line> = found.iter().map(Line::of).collect();
    out.list(&lines, |paint| {
        let header = ["workflow id", "status", "stage", "outcome", "started", ""].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(header).chain(lines.iter().map(Line::cells)).collect();
        table(&rows, |row, column, cell| match (row, column) {
            (0, _) => paint.faint(cell),
            (_, 5) => paint.bad(cell),
            _ => cell,
        })
    })?;
    if lines.is_empty() {
        out.say("no run matches; a run that was just started may take a second to be listed");
    }
    if lines.len() >= limit {
        out.say(format!("the first {limit} are shown; --limit shows more"));
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
            if self.needs_human { "needs a person".to_owned() } else { String::new() },
        ]
    }
}

fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
