//! Starts any process: check first, connect second, start or attach, and wait if that is wished.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Map, Value, json};
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{
    WorkflowExecutionStatus, WorkflowFetchHistoryOptions, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::history::v1::WorkflowExecutionStartedEventAttributes;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::search_attributes::SearchAttributes;
use tonic::Code;

use super::connect::{Session, Settings};
use super::progress::{self, Talk};
use super::run::AnyProcess;
use super::subject::{Subject, status_name};
use crate::processes::plan::Plan;
use crate::processes::{Process, Repeats};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputText};
use crate::terminal::output::{Out, facts};

/// Temporal's answer to a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// A new run.
    Started,
    /// The run was open already.
    Attached,
    /// One of the two: the history that would tell could not be read.
    StartedOrAttached,
    /// The run has ended already; there is never a second one.
    Ended,
}

/// The input to be started, and whether its end is waited for.
pub(crate) struct Wanted {
    pub(crate) process: &'static Process,
    pub(crate) text: InputText,
    /// The task queue that its workers poll.
    pub(crate) task_queue: String,
    /// Whether its end is waited for.
    pub(crate) is_waiting: bool,
    /// How long; for ever without.
    pub(crate) timeout: Option<Duration>,
}

/// Checks an input, then connects and starts what it asks for.
pub(crate) async fn run(settings: Settings, out: &Out, wanted: Wanted) -> Result<Exit, Failure> {
    let Wanted { process, text: InputText { name, json }, task_queue, is_waiting, timeout } = wanted;
    let plan = (process.plan)(&json).map_err(|error| input::refused(&name, &error))?;
    let session = settings.connect().await?;
    let (start, subject) = start(&session, &task_queue, process, &plan, json).await?;
    let status = match start {
        Start::Ended => session.known(subject.clone()).describe().await?.status(),
        _ => WorkflowExecutionStatus::Running,
    };
    let link = session.link(&subject.workflow_id, &subject.run_id);
    say_started(out, start, &subject, status, link.as_deref());
    if is_waiting {
        return progress::wait(&session, session.known(subject), out, Talk::Steps, timeout).await;
    }
    let verb = if start == Start::Ended { "result" } else { "watch" };
    out.say(format!("next: {}", subject.command(verb)));
    started_document(out, start, &subject, status, link)
}

fn started_document(
    out: &Out,
    start: Start,
    subject: &Subject,
    status: WorkflowExecutionStatus,
    link: Option<String>,
) -> Result<Exit, Failure> {
    let started = match start {
        Start::Started => Some(true),
        Start::Attached | Start::Ended => Some(false),
        Start::StartedOrAttached => None,
    };
    let document = json!({
        "workflow_id": subject.workflow_id,
        "run_id": subject.run_id,
        "workflow_status": status_name(status),
        "started": started,
        "web_ui": link,
    });
    out.document(&document, |paint| {
        facts(
            paint,
            &[
                ("workflow id", Some(subject.workflow_id.clone())),
                ("run id", Some(subject.run_id.clone())),
                ("status", Some(status_name(status).to_owned())),
            ],
        )
    })?;
    Ok(Exit::Ok)
}

async fn start(
    session: &Session,
    task_queue: &str,
    process: &'static Process,
    plan: &Plan,
    json: String,
) -> Result<(Start, Subject), Failure> {
    // One run per business key at a time: an open one is attached to; whether an ended one may be repeated is the
    // process's own.
    let is_dry_run = plan.workflow_id.ends_with("/dry-run");
    let reuse = match process.repeats {
        Repeats::Always => WorkflowIdReusePolicy::AllowDuplicate,
        Repeats::DryRuns | Repeats::AfterFailure if is_dry_run => WorkflowIdReusePolicy::AllowDuplicate,
        Repeats::AfterFailure => WorkflowIdReusePolicy::AllowDuplicateFailedOnly,
        Repeats::Never | Repeats::DryRuns => WorkflowIdReusePolicy::RejectDuplicate,
    };
    let options = |attributes| {
        WorkflowStartOptions::new(task_queue.to_owned(), plan.workflow_id.clone())
            .id_reuse_policy(reuse)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .static_summary(plan.summary.clone())
            .maybe_search_attributes(attributes)
            .build()
    };
    let subject = |run_id| Subject { workflow_id: plan.workflow_id.clone(), run_id, process: Some(process) };
    let attributes = SearchAttributes::new(plan.attributes.iter().cloned());
    let mut answer = (process.start)(session.client.clone(), json.clone(), options(Some(attributes))).await;
    if answer.as_ref().err().is_some_and(are_attributes_unknown) {
        // No worker has registered them yet; the run sets them itself as soon as one works on it.
        answer = (process.start)(session.client.clone(), json.clone(), options(None)).await;
    }
    let (subject, has_ended) = match answer {
        Ok(run_id) => (subject(run_id), false),
        Err(WorkflowStartError::AlreadyStarted { run_id: Some(run_id), .. }) => (subject(run_id), true),
        Err(WorkflowStartError::AlreadyStarted { run_id: None, .. }) => {
            (session.find(&plan.workflow_id).await?.0.subject, true)
        }
        Err(error) => return Err(error.into()),
    };
    let first = first_event(session, &subject).await;
    let start = match &first {
        _ if has_ended => Start::Ended,
        None => Start::StartedOrAttached,
        Some(first) if first.identity == session.identity => Start::Started,
        Some(_) => Start::Attached,
    };
    match first.map(|first| differing(process, &first, &json)) {
        Some(fields) if start != Start::Started && !fields.is_empty() => Err(other_input(&subject, &fields)),
        _ => Ok((start, subject)),
    }
}

/// A second start must not be taken for a change of the first.
fn other_input(subject: &Subject, fields: &[String]) -> Failure {
    let message = format!(
        "{} was started with other data ({}): nothing was started, the run keeps its own",
        subject.title(),
        fields.join(", ")
    );
    Failure::new(Exit::Usage, message).fix(format!(
        "a new {} needs an id of its own; this one: {}",
        subject.noun(),
        subject.command("status")
    ))
}

/// The fields in which two inputs say something else; none when the first one cannot be read here (it may be
/// encrypted).
fn differing(process: &Process, first: &WorkflowExecutionStartedEventAttributes, json: &str) -> Vec<String> {
    let theirs = first.input.as_ref().and_then(|input| input.payloads.first());
    let theirs = theirs.and_then(|payload| std::str::from_utf8(&payload.data).ok());
    theirs.map(|theirs| (process.differing)(theirs, json)).unwrap_or_default()
}

/// Temporal refuses a start with search attributes that its namespace does not know.
fn are_attributes_unknown(error: &WorkflowStartError) -> bool {
    match error {
        WorkflowStartError::Rpc(status) => {
            status.code() == Code::InvalidArgument && status.message().contains("search attribute")
        }
        _ => false,
    }
}

/// The client keeps Temporal's "started or existing" to itself; the run's first event names who started it.
async fn first_event(
    session: &Session,
    subject: &Subject,
) -> Option<Box<WorkflowExecutionStartedEventAttributes>> {
    let handle = session.handle::<AnyProcess>(&subject.workflow_id, Some(subject.run_id.clone()));
    let first = handle.fetch_history(WorkflowFetchHistoryOptions::default()).next().await;
    match first.and_then(Result::ok).and_then(|event| event.attributes) {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) => Some(Box::new(started)),
        _ => None,
    }
}

fn say_started(
    out: &Out,
    start: Start,
    subject: &Subject,
    status: WorkflowExecutionStatus,
    link: Option<&str>,
) {
    let Subject { workflow_id, run_id, .. } = subject;
    let own_input = "the run keeps the input it was started with";
    out.say(match start {
        Start::Started => format!("started {workflow_id}, run {run_id}"),
        Start::Attached => format!("attached to {workflow_id}, already running as {run_id}; {own_input}"),
        Start::StartedOrAttached => format!("started or attached to {workflow_id}, run {run_id}"),
        Start::Ended => {
            let status = status_name(status);
            format!(
                "attached to {workflow_id}, already {status} as {run_id}; nothing was started, {own_input}"
            )
        }
    });
    if let Some(link) = link {
        out.say(format!("Web UI: {link}"));
    }
}

/// Checks an input and says what would be started; connects to nothing.
pub(crate) fn dry_run(
    out: &Out,
    process: &Process,
    text: &InputText,
    task_queue: &str,
) -> Result<Exit, Failure> {
    let plan = (process.plan)(&text.json).map_err(|error| input::refused(&text.name, &error))?;
    out.say("dry run: the input is right; nothing was started, nothing was asked");
    let mut document = Map::from_iter([
        ("dry_run".to_owned(), Value::Bool(true)),
        ("workflow_id".to_owned(), json!(plan.workflow_id)),
        ("workflow_type".to_owned(), json!(process.workflow_type)),
        ("task_queue".to_owned(), json!(task_queue)),
        ("summary".to_owned(), json!(plan.summary)),
    ]);
    document.extend(plan.facts_json());
    out.document(&document, |paint| {
        let mut rows = vec![
            ("would start", Some(plan.workflow_id.clone())),
            ("workflow type", Some(process.workflow_type.to_owned())),
            ("task queue", Some(task_queue.to_owned())),
        ];
        rows.extend(plan.facts.iter().map(|(name, fact)| (*name, Some(fact.clone()))));
        facts(paint, &rows)
    })?;
    Ok(Exit::Ok)
}
