//! Does somebody poll each task queue, now?

use std::time::Duration;

use jiff::Timestamp;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueRequest, DescribeTaskQueueResponse,
};
use tonic::Status;
use workflows::policy::BULK_QUEUE;

use super::check::{Check, asking, failed};
use crate::runs::connect::Session;
use crate::terminal::exit::Failure;
use crate::terminal::output::duration;

/// A poll is answered, with a task or without one, within a minute or so, and the next one follows at once. Temporal
/// goes on listing a poller that is gone for five minutes.
const ALIVE: Duration = Duration::from_secs(75);

/// The work of a queue, and who polls for it.
struct Polled {
    kind: &'static str,
    /// Pollers that are there now.
    alive: usize,
    /// Seconds since the last poll of anybody.
    last: Option<i64>,
    waiting: i64,
}

/// A check for each queue: the one of processes, and the one of bulk work.
pub(super) async fn check(session: &Session, task_queue: &str) -> Vec<Check> {
    let bulk = format!("{task_queue}{BULK_QUEUE}");
    vec![
        of_queue(
            session,
            task_queue,
            &[(TaskQueueType::Workflow, "workflows"), (TaskQueueType::Activity, "activities")],
        )
        .await,
        of_queue(session, &bulk, &[(TaskQueueType::Activity, "bulk work")]).await,
    ]
}

async fn of_queue(session: &Session, queue: &str, kinds: &[(TaskQueueType, &'static str)]) -> Check {
    let name = format!("task queue {queue}");
    let mut polled = Vec::new();
    for &(kind, words) in kinds {
        match described(session, queue, kind).await {
            Ok(described) => polled.push(Polled::of(words, &described, Timestamp::now().as_second())),
            Err(status) => return failed(&name, &Failure::of_status(&status)),
        }
    }
    let detail = polled.iter().map(Polled::words).collect::<Vec<_>>().join("; ");
    if polled.iter().any(|polled| polled.alive == 0) {
        let fix = "start a worker for this task queue and namespace; 'cargo xtask up' starts one";
        return Check::failed(&name, detail, fix);
    }
    Check::ok(&name, detail)
}

impl Polled {
    fn of(kind: &'static str, described: &DescribeTaskQueueResponse, now: i64) -> Self {
        let since = |poller: &PollerInfo| Some(now - poller.last_access_time.as_ref()?.seconds);
        let limit = i64::try_from(ALIVE.as_secs()).unwrap_or(i64::MAX);
        let sinces = || described.pollers.iter().filter_map(since);
        Self {
            kind,
            alive: sinces().filter(|since| *since <= limit).count(),
            last: sinces().min(),
            waiting: described.stats.as_ref().map_or(0, |stats| stats.approximate_backlog_count),
        }
    }

    fn words(&self) -> String {
        let Self { kind, alive, last, waiting } = self;
        let tasks = if *waiting == 1 { "task waits" } else { "tasks wait" };
        let seen = last.filter(|_| *alive == 0).map(|last| duration(last.max(0) * 1_000));
        match seen {
            Some(seen) => {
                format!("nobody polls for {kind} now, the last one did {seen} ago; {waiting} {tasks}")
            }
            None if *alive == 0 => format!("nobody polls for {kind}; {waiting} {tasks}"),
            None => {
                let pollers = if *alive == 1 { "worker polls" } else { "workers poll" };
                format!("{alive} {pollers} for {kind}, {waiting} {tasks}")
            }
        }
    }
}

async fn described(
    session: &Session,
    task_queue: &str,
    kind: TaskQueueType,
) -> Result<DescribeTaskQueueResponse, Status> {
    let request = DescribeTaskQueueRequest {
        namespace: session.namespace().to_owned(),
        task_queue: Some(TaskQueue { name: task_queue.to_owned(), ..Default::default() }),
        task_queue_type: kind.into(),
        report_stats: true,
        ..Default::default()
    };
    let mut service = session.client.connection().workflow_service();
    Ok(service.describe_task_queue(asking(request)).await?.into_inner())
}

#[cfg(test)]
mod tests {
    use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueueStats;

    use super::*;

    fn described(ago: &[i64], waiting: i64) -> DescribeTaskQueueResponse {
        let poller = |ago: &i64| {
            let mut poller =
                PollerInfo { last_access_time: Some(Default::default()), ..PollerInfo::default() };
            if let Some(time) = &mut poller.last_access_time {
                time.seconds = 1_000 - ago;
            }
            poller
        };
        DescribeTaskQueueResponse {
            pollers: ago.iter().map(poller).collect(),
            stats: Some(TaskQueueStats { approximate_backlog_count: waiting, ..TaskQueueStats::default() }),
            ..DescribeTaskQueueResponse::default()
        }
    }

    /// L27
    #[test]
    fn a_poller_that_is_gone_is_not_counted_although_it_is_listed() {
        let words = |ago: &[i64], waiting| Polled::of("workflows", &described(ago, waiting), 1_000).words();
        assert_eq!(words(&[3, 200], 0), "1 worker polls for workflows, 0 tasks wait");
        assert_eq!(words(&[3, 60], 1), "2 workers poll for workflows, 1 task waits");
        let gone = "nobody polls for workflows now, the last one did 3 min 20 s ago; 2 tasks wait";
        assert_eq!(words(&[200, 280], 2), gone);
        assert_eq!(words(&[], 0), "nobody polls for workflows; 0 tasks wait");
    }
}
