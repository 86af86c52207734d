//! Events of a run's history, while they are written: one long poll that Temporal itself answers. It needs no worker
//! and costs no query.

use std::time::Duration;

use temporalio_client::Client;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;
use tonic::{Code, IntoRequest as _, Status};
use workflows::search_attributes::NEEDS_HUMAN;

use super::connect::Session;
use super::subject::Subject;

/// Temporal answers an idle poll after 20 s; an answer that takes longer than this is not on its way.
const POLL_LIMIT: Duration = Duration::from_secs(45);
/// Events that one answer holds at most: what is caught up with at the beginning comes in pieces of this size.
const PAGE: i32 = 250;

/// The news in one answer of the poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing, for as long as a poll lasts.
    Nothing,
    /// Something was written.
    Written,
    /// The run goes on as another one: its id.
    GoesOnAs(String),
    /// The run has closed.
    Closed,
}

/// The history of one run, from its beginning.
pub(crate) struct Changes {
    client: Client,
    namespace: String,
    execution: WorkflowExecution,
    /// Which of its events are read.
    filter: HistoryEventFilterType,
    /// Where the next answer begins.
    token: Vec<u8>,
    /// The id of the last event read.
    last: i64,
    /// Whether the run said last that it waits for a person.
    asks: bool,
}

impl Changes {
    /// The history of an open run: every event, as it is written.
    pub(crate) fn of(session: &Session, subject: &Subject) -> Self {
        Self::read_by(session, subject, HistoryEventFilterType::AllEvent)
    }

    /// The history of a closed run: its last event says how it goes on, and the others tell nothing new.
    pub(crate) fn of_closed(session: &Session, subject: &Subject) -> Self {
        Self::read_by(session, subject, HistoryEventFilterType::CloseEvent)
    }

    fn read_by(session: &Session, subject: &Subject, filter: HistoryEventFilterType) -> Self {
        let Subject { workflow_id, run_id, .. } = subject;
        Self {
            client: session.client.clone(),
            namespace: session.namespace().to_owned(),
            execution: WorkflowExecution { workflow_id: workflow_id.clone(), run_id: run_id.clone() },
            filter,
            token: Vec::new(),
            last: 0,
            asks: false,
        }
    }

    /// Whether the run waits for a person, by what was written so far.
    pub(crate) fn asks(&self) -> bool {
        self.asks
    }

    /// Waits for what is written next; begins with what is there already.
    pub(crate) async fn next(&mut self) -> Result<News, Status> {
        let asked = self.poll().await;
        let (events, token) = match asked {
            // The server no longer knows the place (the history took another branch): from the beginning again.
            Err(status) if status.code() == Code::InvalidArgument && !self.token.is_empty() => {
                self.token.clear();
                self.last = 0;
                self.poll().await?
            }
            asked => asked?,
        };
        self.token = token;
        Ok(self.read(&events))
    }

    async fn poll(&self) -> Result<(Vec<HistoryEvent>, Vec<u8>), Status> {
        let message = GetWorkflowExecutionHistoryRequest {
            namespace: self.namespace.clone(),
            execution: Some(self.execution.clone()),
            maximum_page_size: PAGE,
            next_page_token: self.token.clone(),
            wait_new_event: true,
            history_event_filter_type: self.filter.into(),
            skip_archival: true,
        };
        let mut request = message.into_request();
        request.set_timeout(POLL_LIMIT);
        let mut service = self.client.connection().workflow_service();
        let answer = service.get_workflow_execution_history(request).await?.into_inner();
        Ok((answer.history.unwrap_or_default().events, answer.next_page_token))
    }

    fn read(&mut self, events: &[HistoryEvent]) -> News {
        for attributes in events.iter().filter_map(|event| event.attributes.as_ref()) {
            if let Some(asks) = asks(attributes) {
                self.asks = asks;
            }
        }
        let Some(last) = events.last() else { return News::Nothing };
        let is_known = last.event_id <= self.last;
        self.last = self.last.max(last.event_id);
        let closing = last.attributes.as_ref().and_then(closing);
        closing.unwrap_or(if is_known { News::Nothing } else { News::Written })
    }
}

/// Whether an event says that the run waits for a person, or no longer does; `None`: it says nothing about it.
fn asks(attributes: &Attributes) -> Option<bool> {
    let written = match attributes {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => started.search_attributes.as_ref(),
        Attributes::UpsertWorkflowSearchAttributesEventAttributes(upsert) => {
            upsert.search_attributes.as_ref()
        }
        _ => None,
    };
    let value = written?.indexed_fields.get(NEEDS_HUMAN.name())?;
    Some(value.data == b"true")
}

/// The news of an event that is a run's last one; `None` for another.
fn closing(attributes: &Attributes) -> Option<News> {
    let next = match attributes {
        Attributes::WorkflowExecutionCompletedEventAttributes(end) => &end.new_execution_run_id,
        Attributes::WorkflowExecutionFailedEventAttributes(end) => &end.new_execution_run_id,
        Attributes::WorkflowExecutionTimedOutEventAttributes(end) => &end.new_execution_run_id,
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(end) => &end.new_execution_run_id,
        Attributes::WorkflowExecutionCanceledEventAttributes(_)
        | Attributes::WorkflowExecutionTerminatedEventAttributes(_) => return Some(News::Closed),
        _ => return None,
    };
    Some(if next.is_empty() { News::Closed } else { News::GoesOnAs(next.clone()) })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use temporalio_common::protos::temporal::api::common::v1::{Payload, SearchAttributes};
    use temporalio_common::protos::temporal::api::history::v1::{
        ActivityTaskCompletedEventAttributes, UpsertWorkflowSearchAttributesEventAttributes,
        WorkflowExecutionCompletedEventAttributes, WorkflowExecutionContinuedAsNewEventAttributes,
        WorkflowExecutionTerminatedEventAttributes,
    };

    use super::*;

    fn upsert(name: &str, value: &str) -> Attributes {
        let payload = Payload { data: value.as_bytes().to_vec(), ..Payload::default() };
        let fields = HashMap::from([(name.to_owned(), payload)]);
        Attributes::UpsertWorkflowSearchAttributesEventAttributes(
            UpsertWorkflowSearchAttributesEventAttributes {
                search_attributes: Some(SearchAttributes { indexed_fields: fields }),
                ..Default::default()
            },
        )
    }

    #[test]
    fn an_upsert_says_whether_a_person_is_needed() {
        assert_eq!(asks(&upsert("SunNeedsHuman", "true")), Some(true));
        assert_eq!(asks(&upsert("SunNeedsHuman", "false")), Some(false));
        assert_eq!(asks(&upsert("SunStage", "\"processing\"")), None);
    }

    #[test]
    fn the_last_event_says_how_a_run_goes_on() {
        let done = WorkflowExecutionCompletedEventAttributes::default();
        assert_eq!(closing(&Attributes::WorkflowExecutionCompletedEventAttributes(done)), Some(News::Closed));
        let next = WorkflowExecutionContinuedAsNewEventAttributes {
            new_execution_run_id: "run-2".to_owned(),
            ..Default::default()
        };
        let next = Attributes::WorkflowExecutionContinuedAsNewEventAttributes(next);
        assert_eq!(closing(&next), Some(News::GoesOnAs("run-2".to_owned())));
        let ended = WorkflowExecutionTerminatedEventAttributes::default();
        assert_eq!(
            closing(&Attributes::WorkflowExecutionTerminatedEventAttributes(ended)),
            Some(News::Closed)
        );
        let step = ActivityTaskCompletedEventAttributes::default();
        assert_eq!(closing(&Attributes::ActivityTaskCompletedEventAttributes(step)), None);
    }
}
