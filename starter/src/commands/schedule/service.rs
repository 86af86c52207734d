//! Temporal's schedule service, raw: with the conflict token, which the client's own schedules leave out.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use temporalio_client::Client;
use temporalio_common::protos::proto_ts_to_system_time;
use temporalio_common::protos::temporal::api::common::v1::Memo;
use temporalio_common::protos::temporal::api::schedule::v1::{
    Schedule, ScheduleInfo, ScheduleListEntry, SchedulePatch,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DeleteScheduleRequest, DescribeScheduleRequest, DescribeScheduleResponse,
    ListScheduleMatchingTimesRequest, ListSchedulesRequest, PatchScheduleRequest, UpdateScheduleRequest,
};
use tonic::{Code, IntoRequest as _, Request, Status};

use crate::runs::connect::Session;
use crate::terminal::exit::{Exit, Failure, is_run_missing};
use crate::terminal::program::command;

/// How long one request may take.
const ASK_LIMIT: Duration = Duration::from_secs(15);
/// How often, and how long after one another, a schedule is asked again that had no time to answer.
const BUSY_TRIES: usize = 20;
const BUSY: Duration = Duration::from_millis(250);
const PAGE: i32 = 100;

/// A schedule as Temporal has it.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) schedule: Schedule,
    pub(crate) info: ScheduleInfo,
    pub(crate) memo: Option<Memo>,
    /// Changes with every change of the schedule.
    pub(crate) token: Vec<u8>,
}

impl Live {
    pub(crate) fn is_paused(&self) -> bool {
        self.schedule.state.as_ref().is_some_and(|state| state.paused)
    }

    /// The note, or the reason of a pause.
    pub(crate) fn notes(&self) -> &str {
        self.schedule.state.as_ref().map_or("", |state| &state.notes)
    }

    pub(crate) fn zone(&self) -> &str {
        match self.schedule.spec.as_ref().map_or("", |spec| &spec.timezone_name) {
            "" => "UTC",
            zone => zone,
        }
    }
}

/// The service, for one session.
#[derive(Clone, Copy)]
pub(crate) struct Schedules<'s> {
    session: &'s Session,
}

impl<'s> Schedules<'s> {
    pub(crate) fn of(session: &'s Session) -> Self {
        Self { session }
    }

    pub(crate) fn client(&self) -> &'s Client {
        &self.session.client
    }

    fn namespace(&self) -> String {
        self.session.namespace().to_owned()
    }

    /// One change is taken once, even if it has to be sent twice.
    fn request_id(&self, id: &str) -> String {
        format!("{} {id} {}", self.session.identity, Timestamp::now().as_nanosecond())
    }

    pub(crate) async fn find(&self, id: &str) -> Result<Option<Live>, Failure> {
        let request = DescribeScheduleRequest { namespace: self.namespace(), schedule_id: id.to_owned() };
        let mut service = self.client().connection().workflow_service();
        let mut tries = 0..BUSY_TRIES;
        let described = loop {
            match service.describe_schedule(asking(request.clone())).await {
                Ok(described) => break described.into_inner(),
                Err(status) if is_missing(&status) => return Ok(None),
                // Several who ask at once about one schedule are too many for it, for a moment.
                Err(status) if status.code() == Code::ResourceExhausted && tries.next().is_some() => {
                    tokio::time::sleep(BUSY).await;
                }
                Err(status) => return Err(Failure::of_status(&status)),
            }
        };
        let DescribeScheduleResponse { schedule, info, memo, conflict_token, .. } = described;
        Ok(Some(Live {
            schedule: schedule.unwrap_or_default(),
            info: info.unwrap_or_default(),
            memo,
            token: conflict_token,
        }))
    }

    /// The same, where there has to be one.
    pub(crate) async fn get(&self, id: &str) -> Result<Live, Failure> {
        self.find(id).await?.ok_or_else(|| self.missing(id))
    }

    fn missing(&self, id: &str) -> Failure {
        let namespace = self.session.namespace();
        Failure::new(Exit::NotFound, format!("there is no schedule '{id}' in namespace '{namespace}'"))
            .fix(format!("'{}' shows what there is", command!("schedule list")))
    }

    /// Creates one; `false`: somebody else did, in this moment.
    pub(crate) async fn create(&self, id: &str, schedule: Schedule, memo: Memo) -> Result<bool, Failure> {
        let request = CreateScheduleRequest {
            namespace: self.namespace(),
            schedule_id: id.to_owned(),
            schedule: Some(schedule),
            identity: self.session.identity.clone(),
            request_id: self.request_id(id),
            memo: Some(memo),
            ..CreateScheduleRequest::default()
        };
        let mut service = self.client().connection().workflow_service();
        match service.create_schedule(asking(request)).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::AlreadyExists => Ok(false),
            Err(status) => Err(refused(&status).during(format!("schedule '{id}' was not created"))),
        }
    }

    /// Replaces one as it was described. That Temporal took it over has to be looked up: a server may drop a change
    /// that comes too late without a word.
    pub(crate) async fn update(&self, id: &str, schedule: Schedule, token: Vec<u8>) -> Result<bool, Failure> {
        let request = UpdateScheduleRequest {
            namespace: self.namespace(),
            schedule_id: id.to_owned(),
            schedule: Some(schedule),
            conflict_token: token,
            identity: self.session.identity.clone(),
            request_id: self.request_id(id),
            ..UpdateScheduleRequest::default()
        };
        let mut service = self.client().connection().workflow_service();
        match service.update_schedule(asking(request)).await {
            Ok(_) => Ok(true),
            Err(status) if [Code::FailedPrecondition, Code::Aborted].contains(&status.code()) => Ok(false),
            Err(status) => Err(refused(&status).during(format!("schedule '{id}' was not updated"))),
        }
    }

    pub(crate) async fn patch(&self, id: &str, patch: SchedulePatch) -> Result<(), Failure> {
        let request = PatchScheduleRequest {
            namespace: self.namespace(),
            schedule_id: id.to_owned(),
            patch: Some(patch),
            identity: self.session.identity.clone(),
            request_id: self.request_id(id),
        };
        let mut service = self.client().connection().workflow_service();
        match service.patch_schedule(asking(request)).await {
            Ok(_) => Ok(()),
            Err(status) if is_missing(&status) => Err(self.missing(id)),
            Err(status) => Err(Failure::of_status(&status)),
        }
    }

    /// Deletes one; `false`: it was not there.
    pub(crate) async fn delete(&self, id: &str) -> Result<bool, Failure> {
        let request = DeleteScheduleRequest {
            namespace: self.namespace(),
            schedule_id: id.to_owned(),
            identity: self.session.identity.clone(),
        };
        let mut service = self.client().connection().workflow_service();
        match service.delete_schedule(asking(request)).await {
            Ok(_) => Ok(true),
            Err(status) if is_missing(&status) => Ok(false),
            Err(status) => Err(Failure::of_status(&status)),
        }
    }

    /// All of the namespace; one that was just made may be missing for a moment.
    pub(crate) async fn list(&self) -> Result<Vec<ScheduleListEntry>, Failure> {
        let mut found = Vec::new();
        let mut next_page_token = Vec::new();
        loop {
            let request = ListSchedulesRequest {
                namespace: self.namespace(),
                maximum_page_size: PAGE,
                next_page_token,
                ..ListSchedulesRequest::default()
            };
            let mut service = self.client().connection().workflow_service();
            let page = service.list_schedules(asking(request)).await?.into_inner();
            found.extend(page.schedules);
            next_page_token = page.next_page_token;
            if next_page_token.is_empty() {
                found.sort_by(|a, b| a.schedule_id.cmp(&b.schedule_id));
                found.dedup_by(|a, b| a.schedule_id == b.schedule_id);
                return Ok(found);
            }
        }
    }

    /// The times of a schedule between two moments, both included.
    pub(crate) async fn times(
        &self,
        id: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Timestamp>, Failure> {
        let request = ListScheduleMatchingTimesRequest {
            namespace: self.namespace(),
            schedule_id: id.to_owned(),
            // The server takes what comes after the start.
            start_time: Some(SystemTime::from(just_before(from)).into()),
            end_time: Some(SystemTime::from(to).into()),
        };
        let mut service = self.client().connection().workflow_service();
        let times = service.list_schedule_matching_times(asking(request)).await?.into_inner().start_time;
        Ok(times.iter().filter_map(|time| Timestamp::try_from(proto_ts_to_system_time(time)?).ok()).collect())
    }
}

/// A moment too short to hold a second of its own.
pub(crate) fn just_before(time: Timestamp) -> Timestamp {
    time.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(time)
}

fn asking<T>(message: T) -> Request<T> {
    let mut request = message.into_request();
    request.set_timeout(ASK_LIMIT);
    request
}

/// Whether the schedule is missing, and not the namespace.
fn is_missing(status: &Status) -> bool {
    is_run_missing(status)
}

/// The file has been checked already, so a refusal by the server is not a wrong usage.
fn refused(status: &Status) -> Failure {
    let failure = Failure::of_status(status);
    match failure.exit {
        Exit::Usage => failure.with_exit(Exit::Failed),
        _ => failure,
    }
}
