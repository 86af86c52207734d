//! A run that cannot go on, because its workflow task fails or times out again and again.
//!
//! A worker takes such a task each time, so it is not a worker that is missing, and while it lasts the run takes no
//! update and answers no query. Only the first failure in a row is an event of the history; it has the worker's
//! message.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::{Client, NamespacedClient as _, WorkflowExecutionDescription};
use temporalio_common::protos::proto_ts_to_system_time;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::TimeoutType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryReverseRequest;
use temporalio_common::search_attributes::SearchAttributeKey;
use tonic::IntoRequest as _;

use super::subject::Subject;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::program::word;

/// A workflow task that failed this often is not a hiccup: a worker that is stopped leaves one that times out.
const ATTEMPTS_WORRYING: i32 = 3;
/// The failure stands among the last events: a run that cannot go on gets no others, but for news from outside.
const EVENTS_LOOKED_AT: i32 = 50;
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// The filter for such runs; Temporal sets the attribute after some failures in a row, and takes it back.
pub(crate) const FILTER: &str = "TemporalReportedProblems IS NOT NULL";
const REPORTED: &str = "TemporalReportedProblems";

/// The problems that Temporal reports of a run: `category=WorkflowTaskFailed`, `cause=…`.
pub(crate) fn reported() -> SearchAttributeKey<Vec<String>> {
    SearchAttributeKey::keyword_list(REPORTED)
}

/// The end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// The worker said that it cannot go on.
    Failed,
    /// The worker took it and did not answer in time.
    TimedOut,
    /// The history does not say.
    Unknown,
}

/// A workflow task that is tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailingTask {
    /// The attempt under way or waited for.
    pub(crate) attempts: i32,
    pub(crate) how: How,
    /// When the first of them ended.
    pub(crate) since: Option<Timestamp>,
    /// Temporal's word for the cause.
    pub(crate) cause: Option<String>,
    /// The worker's words.
    pub(crate) message: Option<String>,
}

impl FailingTask {
    /// Looks whether a run's task is tried in vain, and why.
    pub(crate) async fn of(client: &Client, description: &WorkflowExecutionDescription) -> Option<Self> {
        let attempts = description.raw().pending_workflow_task.as_ref()?.attempt;
        if attempts < ATTEMPTS_WORRYING {
            return None;
        }
        let unknown = Self { attempts, how: How::Unknown, since: None, cause: None, message: None };
        // Without its history, that it fails is still worth saying.
        let events = last_events(client, description).await.unwrap_or_default();
        Some(events.iter().find_map(|event| Self::read(event, attempts)).unwrap_or(unknown))
    }

    /// The failure in an event, if that is one.
    fn read(event: &HistoryEvent, attempts: i32) -> Option<Self> {
        let since = event.event_time.as_ref().and_then(proto_ts_to_system_time);
        let since = since.and_then(|time| Timestamp::try_from(time).ok());
        match event.attributes.as_ref()? {
            Attributes::WorkflowTaskFailedEventAttributes(failed) => Some(Self {
                attempts,
                how: How::Failed,
                since,
                cause: Some(failed.cause().as_str_name().to_owned()),
                message: failed.failure.as_ref().map(|failure| failure.message.clone()),
            }),
            Attributes::WorkflowTaskTimedOutEventAttributes(late)
                if late.timeout_type() != TimeoutType::ScheduleToStart =>
            {
                Some(Self { attempts, how: How::TimedOut, since, cause: None, message: None })
            }
            _ => None,
        }
    }

    /// The trouble in one line.
    pub(crate) fn words(&self) -> String {
        let Self { attempts, how, since, message, .. } = self;
        let since = since.map(|time| format!(" since {time:.0}")).unwrap_or_default();
        match (how, message) {
            (How::Failed, Some(message)) => {
                format!("its workflow task fails{since} (attempt {attempts}): {message}")
            }
            (How::TimedOut, _) => format!(
                "its workflow task times out{since} (attempt {attempts}): a worker takes it and does not answer in time"
            ),
            _ => format!("its workflow task fails{since} (attempt {attempts})"),
        }
    }

    /// The way out.
    pub(crate) fn fix(&self, subject: &Subject) -> String {
        let run = word(&subject.workflow_id);
        match self.how {
            How::TimedOut => {
                "the worker that takes it is frozen or overloaded: look at its machine, restart it; the run \
                              then goes on by itself"
                    .to_owned()
            }
            How::Failed | How::Unknown => format!(
                "it is not a missing worker. If a version was just rolled out, roll it back: the run then goes on by \
                 itself. To stop it as soon as it goes on: temporal workflow cancel -w {run}. One that was started by \
                 hand with a wrong input never goes on: temporal workflow terminate -w {run}"
            ),
        }
    }
}

impl FailingTask {
    /// The failure of a request that Temporal did not let through to such a run.
    pub(crate) fn not_taken(&self, subject: &Subject) -> Failure {
        let message =
            format!("nothing was taken: {} cannot hear anything now, {}", subject.title(), self.words());
        let again = "Then give the command again";
        Failure::new(Exit::Failed, message).fix(format!("{}. {again}", self.fix(subject)))
    }
}

async fn last_events(
    client: &Client,
    description: &WorkflowExecutionDescription,
) -> Result<Vec<HistoryEvent>, tonic::Status> {
    let execution = WorkflowExecution {
        workflow_id: description.id().to_owned(),
        run_id: description.run_id().to_owned(),
    };
    let mut request = GetWorkflowExecutionHistoryReverseRequest {
        namespace: client.namespace(),
        execution: Some(execution),
        maximum_page_size: EVENTS_LOOKED_AT,
        ..Default::default()
    }
    .into_request();
    request.set_timeout(ASK_LIMIT);
    let answer =
        client.connection().workflow_service().get_workflow_execution_history_reverse(request).await?;
    Ok(answer.into_inner().history.map(|history| history.events).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use temporalio_common::protos::temporal::api::enums::v1::WorkflowTaskFailedCause;
    use temporalio_common::protos::temporal::api::failure::v1::Failure;
    use temporalio_common::protos::temporal::api::history::v1::{
        WorkflowTaskFailedEventAttributes, WorkflowTaskTimedOutEventAttributes,
    };

    use super::*;

    fn event(attributes: Attributes) -> HistoryEvent {
        HistoryEvent { attributes: Some(attributes), ..HistoryEvent::default() }
    }

    #[test]
    fn a_failed_task_has_the_workers_words_and_a_late_one_the_workers_silence() {
        let failure = Failure { message: "no such step".to_owned(), ..Failure::default() };
        let failed =
            event(Attributes::WorkflowTaskFailedEventAttributes(WorkflowTaskFailedEventAttributes {
                cause: WorkflowTaskFailedCause::NonDeterministicError.into(),
                failure: Some(failure),
                ..Default::default()
            }));
        let failed = FailingTask::read(&failed, 7).expect("it is one");
        assert_eq!(failed.words(), "its workflow task fails (attempt 7): no such step");
        assert_eq!(failed.how, How::Failed);
        let late =
            event(Attributes::WorkflowTaskTimedOutEventAttributes(WorkflowTaskTimedOutEventAttributes {
                timeout_type: TimeoutType::StartToClose.into(),
                ..Default::default()
            }));
        let late = FailingTask::read(&late, 4).expect("it is one");
        assert!(late.words().contains("times out (attempt 4): a worker takes it"), "{}", late.words());
        // The task of a worker's own queue went back to the others: nobody took it, nobody failed.
        let moved =
            event(Attributes::WorkflowTaskTimedOutEventAttributes(WorkflowTaskTimedOutEventAttributes {
                timeout_type: TimeoutType::ScheduleToStart.into(),
                ..Default::default()
            }));
        assert_eq!(FailingTask::read(&moved, 4), None);
    }
}
