//! Where one run stands: what Temporal knows, what the workflow says of itself, what is being retried, what is stuck.

use contracts::payment::CustomerAction;
use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::{WorkflowExecutionDescription, WorkflowExecutionStatus};
use temporalio_common::protos::proto_ts_to_system_time;
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;
use workflows::report::{Progress, StepStatus};
use workflows::search_attributes::{NEEDS_HUMAN, OUTCOME, STAGE};

use crate::commands::call::Call;
use crate::processes;
use crate::runs::connect::Session;
use crate::runs::outcome::NOTHING_UNDONE;
use crate::runs::people::asked_words;
use crate::runs::run::{Run, said_by_worker};
use crate::runs::steps::step_table;
use crate::runs::subject::{Subject, status_name};
use crate::runs::task::FailingTask;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Out, Paint, duration, facts};
use crate::terminal::program::command;

/// The document of `show` and `status`.
#[derive(Serialize)]
struct Status {
    workflow_id: String,
    run_id: String,
    workflow_type: String,
    workflow_status: &'static str,
    started_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    stage: Option<String>,
    outcome: Option<String>,
    needs_human: bool,
    /// Whether Temporal's own cancel was asked for; a worker may have acted on it since.
    cancel_requested: bool,
    history_events: usize,
    /// Activities under way.
    activities: Vec<Activity>,
    /// The workflow task that is tried in vain: the worker cannot go on with this run.
    failing_task: Option<FailingTask>,
    /// `null` when no worker answered.
    progress: Option<Progress>,
    customer_action: Option<CustomerAction>,
    web_ui: Option<String>,
}

/// An activity under way, or between two tries.
#[derive(Serialize)]
struct Activity {
    activity: String,
    attempt: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try: Option<Timestamp>,
}

/// `starter show`: by a workflow id, or by what a noun would make one of (`ORDER-001`).
pub(crate) async fn show(call: &Call<'_>, name: &str) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let (mut found, mut missing) = (Vec::new(), None);
    for workflow_id in processes::meant(name)? {
        match session.find(&workflow_id).await {
            Ok(one) => found.push(one),
            Err(failure) if failure.exit == Exit::NotFound => missing = missing.or(Some(failure)),
            Err(failure) => return Err(failure),
        }
    }
    if found.len() > 1 {
        let ids: Vec<_> = found.iter().map(|(run, _)| run.subject.workflow_id.as_str()).collect();
        let message = format!("'{name}' may be any of {}", ids.join(", "));
        return Err(Failure::new(Exit::Usage, message).fix("give the workflow id"));
    }
    match found.pop() {
        Some(one) => told(call, &session, one).await,
        None => Err(missing.unwrap_or_else(|| Failure::new(Exit::NotFound, "no such run"))),
    }
}

/// `starter order status` and its like.
pub(crate) async fn run(call: &Call<'_>, workflow_id: &str) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let found = session.find(workflow_id).await?;
    told(call, &session, found).await
}

async fn told(
    call: &Call<'_>,
    session: &Session,
    (run, description): (Run, WorkflowExecutionDescription),
) -> Result<Exit, Failure> {
    let failing_task = FailingTask::of(&session.client, &description).await;
    let progress = match run.subject.process {
        // It would not answer, and the silence would be blamed on a worker.
        Some(_) if failing_task.is_none() => ask(&run, &description, call.out).await,
        _ => None,
    };
    let is_open = description.status() == WorkflowExecutionStatus::Running;
    let customer_action =
        if is_open && progress.as_ref().is_some_and(|progress| progress.has(StepStatus::Waiting)) {
            run.customer_action().await
        } else {
            None
        };
    let attributes = description.search_attributes();
    let status = Status {
        workflow_id: run.subject.workflow_id.clone(),
        run_id: run.subject.run_id.clone(),
        workflow_type: description.workflow_type().to_owned(),
        workflow_status: status_name(description.status()),
        started_at: description.start_time().and_then(|time| Timestamp::try_from(time).ok()),
        closed_at: description.close_time().and_then(|time| Timestamp::try_from(time).ok()),
        stage: attributes.get(&STAGE),
        outcome: attributes.get(&OUTCOME),
        needs_human: is_open && attributes.get(&NEEDS_HUMAN) == Some(true),
        cancel_requested: is_open
            && description.raw().workflow_extended_info.as_ref().is_some_and(|info| info.cancel_requested),
        history_events: description.history_length(),
        activities: description.raw().pending_activities.iter().map(Activity::of).collect(),
        failing_task,
        progress,
        customer_action,
        web_ui: session.link(&run.subject.workflow_id, &run.subject.run_id),
    };
    call.out.document(&status, |paint| status.text(&run.subject, paint))?;
    Ok(Exit::Ok)
}

/// The workflow's own words; says so when there are none.
async fn ask(run: &Run, description: &WorkflowExecutionDescription, out: &Out) -> Option<Progress> {
    let error = match run.progress().await {
        Ok(progress) => return Some(progress),
        Err(error) => error,
    };
    let queue = description.task_queue();
    out.say(match said_by_worker(&error) {
        Some(words) => format!("a worker on task queue '{queue}' cannot answer: {words}"),
        None => {
            format!("no worker answers on task queue '{queue}' ('{}' looks closer)", command!("doctor"))
        }
    });
    out.say("what follows is what Temporal itself knows");
    None
}

impl Activity {
    fn of(pending: &PendingActivityInfo) -> Self {
        let next_try = pending.next_attempt_schedule_time.as_ref().and_then(proto_ts_to_system_time);
        Self {
            activity: pending.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
            attempt: pending.attempt,
            last_failure: pending.last_failure.as_ref().map(|failure| failure.message.clone()),
            next_try: next_try.and_then(|time| Timestamp::try_from(time).ok()),
        }
    }

    fn words(&self) -> String {
        let Self { activity, attempt, last_failure, next_try } = self;
        let mut words = format!("{activity}: attempt {attempt}");
        if let Some(failure) = last_failure {
            words.push_str(&format!(", last failure: {failure}"));
        }
        if let Some(time) = next_try {
            words.push_str(&format!(", next try at {time:.0}"));
        }
        words
    }
}

impl Status {
    fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    fn text(&self, subject: &Subject, paint: Paint) -> String {
        let is_open = self.is_open();
        let status = self.outcome.clone().unwrap_or_else(|| self.workflow_status.to_lowercase());
        let error = self.progress.as_ref().and_then(|progress| progress.error_message.clone());
        let mut text = match error {
            Some(error) => format!("{} {status}: {error}\n", paint.strong(subject.title())),
            None => format!("{} {status}\n", paint.strong(subject.title())),
        };
        let now = if is_open { Some(Timestamp::now()) } else { self.closed_at };
        let age =
            self.started_at.zip(now).map(|(from, to)| duration(to.as_millisecond() - from.as_millisecond()));
        let done = self.progress.as_ref().filter(|p| p.steps_total > 0).map(|p| {
            format!("{} of {} steps, {} %", p.steps_completed, p.steps_total, p.progress_percentage)
        });
        text.push_str(&facts(
            paint,
            &[
                ("workflow", Some(format!("{} ({})", self.workflow_id, self.workflow_type))),
                ("run id", Some(self.run_id.clone())),
                ("status", Some(self.workflow_status.to_owned())),
                ("stage", self.stage.clone()),
                ("started", self.started_at.map(|time| format!("{time:.0}"))),
                ("ended", self.closed_at.map(|time| format!("{time:.0}"))),
                (if is_open { "runs since" } else { "took" }, age),
                ("done", done),
                ("events", Some(self.history_events.to_string())),
                ("web ui", self.web_ui.clone()),
            ],
        ));
        if let Some(progress) = &self.progress {
            text.push('\n');
            text.push_str(&step_table(&progress.steps, paint));
        }
        self.what_keeps_it(subject, paint, &mut text);
        text
    }

    /// Adds lines about waits, retries, failures and questions, with the commands that follow from them.
    fn what_keeps_it(&self, subject: &Subject, paint: Paint, text: &mut String) {
        if let Some(action) = &self.customer_action {
            let what =
                action.url.as_deref().or(action.instruction.as_deref()).unwrap_or("no instruction given");
            text.push_str(&format!("the customer has to act ({}): {what}\n", action.kind));
        }
        for activity in self.activities.iter().filter(|activity| activity.attempt > 1) {
            text.push_str(&format!("{}\n", paint.busy(format!("retrying {}", activity.words()))));
        }
        if let Some(task) = &self.failing_task {
            text.push_str(&format!("{}\n  fix: {}\n", paint.bad(task.words()), task.fix(subject)));
        }
        if self.cancel_requested {
            text.push_str(
                "a cancel was asked for in Temporal: a worker acts on it while the run can be stopped\n",
            );
        }
        if ["TERMINATED", "TIMED_OUT"].contains(&self.workflow_status) {
            text.push_str(&format!("{}\n", paint.bad(NOTHING_UNDONE)));
        }
        if !self.is_open() && subject.process.is_some() {
            text.push_str(&format!("how it ended: {}\n", subject.command("result")));
        }
        let asks = self.progress.as_ref().is_some_and(|progress| !progress.questions.is_empty());
        if self.is_open() && self.failing_task.is_none() && (self.needs_human || asks) {
            for line in asked_words(subject, self.progress.as_ref()) {
                text.push_str(&format!("{}\n", paint.bad(line)));
            }
        }
    }
}
