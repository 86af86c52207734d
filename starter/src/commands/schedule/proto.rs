//! A schedule in the form that Temporal takes. Raw, because the client's own schedules know neither summary nor search
//! attributes, nor a catch-up window at creation.

use std::time::Duration;

use jiff::SignedDuration;
use temporalio_client::Client;
use temporalio_common::data_converters::SerializationContextData;
use temporalio_common::protos::temporal::api::common::v1::{Memo, Payload, Payloads, WorkflowType};
use temporalio_common::protos::temporal::api::schedule::v1::{
    IntervalSpec, Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec, ScheduleState, schedule_action,
};
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_common::search_attributes::SearchAttributes;

use super::calendar::Calendar;
use super::file::Wanted;
use crate::terminal::exit::{Exit, Failure};

/// In the memo of every schedule that this tool made: only these are ever pruned.
const MARK: (&str, &str) = ("sun_made_by", "starter");

/// The memo of a schedule of ours.
pub(crate) async fn marked(client: &Client) -> Result<Memo, Failure> {
    let mark = payload(client, &MARK.1.to_owned()).await?;
    Ok(Memo { fields: [(MARK.0.to_owned(), mark)].into() })
}

/// Whether this tool made it.
pub(crate) async fn is_marked(client: &Client, memo: Option<&Memo>) -> bool {
    let Some(mark) = memo.and_then(|memo| memo.fields.get(MARK.0)) else { return false };
    text(client, mark).await.as_deref() == Some(MARK.1)
}

/// The schedule that a file asks for.
pub(crate) async fn schedule(
    client: &Client,
    wanted: &Wanted,
    task_queue: &str,
) -> Result<Schedule, Failure> {
    let plan = &wanted.plan;
    let input: Box<serde_json::value::RawValue> = serde_json::from_str(&wanted.json)
        .map_err(|error| Failure::because(Exit::Usage, error, "the input is not JSON"))?;
    let summary = Some(payload(client, &plan.summary).await?);
    let details = match wanted.note.as_str() {
        "" => None,
        _ => Some(payload(client, &wanted.note).await?),
    };
    let attributes = SearchAttributes::new(plan.attributes.iter().cloned());
    let run = NewWorkflowExecutionInfo {
        workflow_id: plan.workflow_id.clone(),
        workflow_type: Some(WorkflowType { name: wanted.process.workflow_type.to_owned() }),
        task_queue: Some(TaskQueue { name: task_queue.to_owned(), ..TaskQueue::default() }),
        input: Some(Payloads { payloads: vec![payload(client, &input).await?] }),
        search_attributes: (!plan.attributes.is_empty()).then(|| attributes.into_proto()),
        // The note stands on every run's page, and is found here again when a pause has taken its place.
        user_metadata: Some(UserMetadata { summary, details }),
        ..NewWorkflowExecutionInfo::default()
    };
    Ok(Schedule {
        spec: Some(ScheduleSpec {
            structured_calendar: wanted.calendars.iter().map(Calendar::to_proto).collect(),
            interval: wanted
                .interval
                .map(|(every, offset)| IntervalSpec { interval: proto(every), phase: proto(offset) })
                .into_iter()
                .collect(),
            jitter: proto(wanted.jitter),
            timezone_name: wanted.zone.clone(),
            ..ScheduleSpec::default()
        }),
        action: Some(ScheduleAction { action: Some(schedule_action::Action::StartWorkflow(run)) }),
        policies: Some(SchedulePolicies {
            overlap_policy: wanted.overlap.policy().into(),
            catchup_window: proto(wanted.catch_up),
            pause_on_failure: wanted.pause_on_failure,
            ..SchedulePolicies::default()
        }),
        state: Some(ScheduleState { notes: wanted.note.clone(), ..ScheduleState::default() }),
    })
}

/// The run that a schedule starts; `None` if it has no action.
pub(crate) fn run_of(schedule: &Schedule) -> Option<&NewWorkflowExecutionInfo> {
    match schedule.action.as_ref()?.action.as_ref()? {
        schedule_action::Action::StartWorkflow(run) => Some(run),
    }
}

/// For Temporal; none of ours is below zero.
pub(crate) fn proto<T: TryFrom<Duration>>(duration: SignedDuration) -> Option<T> {
    Duration::try_from(duration).ok()?.try_into().ok()
}

/// From Temporal; what is missing is zero, as the server takes it.
pub(crate) fn signed<T: Copy>(duration: Option<&T>) -> SignedDuration
where
    Duration: TryFrom<T>,
{
    let duration = duration.and_then(|duration| Duration::try_from(*duration).ok());
    duration.and_then(|duration| duration.try_into().ok()).unwrap_or(SignedDuration::ZERO)
}

/// A value as the client's own converter writes it, encrypted where that does.
async fn payload<T: serde::Serialize + 'static>(client: &Client, value: &T) -> Result<Payload, Failure> {
    let converter = &client.options().data_converter;
    converter
        .to_payload(&SerializationContextData::None, value)
        .await
        .map_err(|error| Failure::because(Exit::Failed, error, "cannot write a payload"))
}

/// A payload's JSON, if it can be read here.
pub(crate) async fn json(client: &Client, payload: &Payload) -> Option<serde_json::Value> {
    let converter = &client.options().data_converter;
    converter.from_payload(&SerializationContextData::None, payload.clone()).await.ok()
}

/// A payload's text, if it is one.
pub(crate) async fn text(client: &Client, payload: &Payload) -> Option<String> {
    json(client, payload).await?.as_str().map(str::to_owned)
}
