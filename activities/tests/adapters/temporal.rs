//! Temporal, as far as a worker of activities needs it: hands out tasks, takes what came of them.
//!
//! The worker is the SDK's own, with its own conversions; only the server's side of the protocol is played here, by a
//! function per request, without a network.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};
use temporalio_common::ActivityDefinition;
use temporalio_common::protos::temporal::api::common::v1::{
    ActivityType, Payload, Payloads, WorkflowExecution,
};
use temporalio_common::protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    PollActivityTaskQueueResponse, RecordActivityTaskHeartbeatRequest, RecordActivityTaskHeartbeatResponse,
    RespondActivityTaskCanceledRequest, RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest,
};
use temporalio_sdk::activities::ActivityImplementer;
use temporalio_sdk::runtime::{Runtime, RuntimeOptions};
use temporalio_sdk::{Worker, WorkerOptions};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::TestResult;

/// A failure as Temporal's server sees it.
#[derive(Debug, PartialEq)]
pub(crate) struct Failed {
    pub(crate) kind: String,
    pub(crate) message: String,
    /// Not tried again.
    pub(crate) is_final: bool,
    pub(crate) next_retry_delay: Option<Duration>,
}

/// How a task is handed out.
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    /// 1 is the first.
    pub(crate) number: i32,
    /// How long ago the activity was scheduled.
    pub(crate) scheduled: Duration,
    /// How soon Temporal would miss a heartbeat; zero asks for none.
    pub(crate) heartbeat: Duration,
    /// A person reset the activity, so that its attempts are counted anew.
    pub(crate) is_reset: bool,
}

impl Attempt {
    /// Whether another attempt came before, whatever its number says.
    fn is_again(self) -> bool {
        self.number > 1 || self.is_reset
    }
}

pub(crate) const FIRST: Attempt =
    Attempt { number: 1, scheduled: Duration::ZERO, heartbeat: Duration::ZERO, is_reset: false };
pub(crate) const SECOND: Attempt = Attempt { number: 2, ..FIRST };
/// After a reset in the Web UI.
pub(crate) const RESET: Attempt = Attempt { scheduled: Duration::from_secs(5), is_reset: true, ..FIRST };

type Outcome = Result<Option<Payload>, Failure>;

/// The server's memory.
#[derive(Default)]
struct Books {
    tokens: u64,
    open: HashMap<Vec<u8>, oneshot::Sender<Outcome>>,
    cancels: bool,
    /// The words of the last heartbeat, for the attempt after it.
    details: Option<Payloads>,
    /// The details of the last activity that was cancelled.
    cancelled: Option<Payloads>,
}

/// A worker with activities, and the Temporal it polls.
pub(crate) struct Temporal {
    tasks: mpsc::UnboundedSender<PollActivityTaskQueueResponse>,
    books: Arc<Mutex<Books>>,
    heartbeats: Arc<Notify>,
    shut_down: Box<dyn Fn() + Send>,
}

impl Drop for Temporal {
    fn drop(&mut self) {
        (self.shut_down)();
    }
}

impl Temporal {
    /// Starts a worker with these activities.
    pub(crate) async fn with<A: ActivityImplementer + Send + 'static>(activities: A) -> TestResult<Self> {
        let (tasks, polled) = mpsc::unbounded_channel();
        let (books, heartbeats) = (Arc::new(Mutex::new(Books::default())), Arc::new(Notify::new()));
        let server = Server {
            tasks: tokio::sync::Mutex::new(polled),
            books: books.clone(),
            heartbeats: heartbeats.clone(),
        };
        let server = Arc::new(server);
        let service = CallbackBasedGrpcService {
            callback: Arc::new(move |request| {
                let server = Arc::clone(&server);
                async move {
                    Ok(GrpcSuccessResponse {
                        headers: Default::default(),
                        proto: server.answer(request).await,
                    })
                }
                .boxed()
            }),
        };
        let (started, shut_down) = oneshot::channel();
        // A worker's future stays on one thread; it gets one of its own, which ends with it.
        std::thread::spawn(move || run_worker(service, activities, started));
        Ok(Self { tasks, books, heartbeats, shut_down: shut_down.await? })
    }

    /// Hands out a task and waits for what comes of it.
    pub(crate) async fn run<A>(
        &self,
        activity: A,
        attempt: Attempt,
        input: &A::Input,
    ) -> TestResult<Result<A::Output, Failed>>
    where
        A: ActivityDefinition,
        A::Input: Serialize,
        A::Output: DeserializeOwned,
    {
        let (done, outcome) = oneshot::channel();
        let (task_token, heartbeat_details) = {
            let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
            books.tokens += 1;
            let token = books.tokens.to_be_bytes().to_vec();
            books.open.insert(token.clone(), done);
            (token, books.details.clone().filter(|_| attempt.is_again()))
        };
        let now = SystemTime::now();
        let scheduled = now - attempt.scheduled;
        self.tasks.send(PollActivityTaskQueueResponse {
            task_token,
            workflow_namespace: "default".to_owned(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: "order/ORDER-001".to_owned(),
                run_id: "run".to_owned(),
            }),
            activity_type: Some(ActivityType { name: activity.name().to_owned() }),
            activity_id: "1".to_owned(),
            input: Some(Payloads { payloads: vec![payload(input)?] }),
            heartbeat_details,
            attempt: attempt.number,
            scheduled_time: Some(scheduled.into()),
            started_time: Some(now.into()),
            // The first one may have waited for a worker.
            current_attempt_scheduled_time: Some(if attempt.is_again() { now } else { scheduled }.into()),
            heartbeat_timeout: Some(attempt.heartbeat.try_into()?),
            start_to_close_timeout: Some(Duration::from_secs(60).try_into()?),
            // None, in a server's words.
            schedule_to_close_timeout: Some(Duration::ZERO.try_into()?),
            ..Default::default()
        })?;
        // Longer than any test takes: an activity that is never answered has to fail its test.
        Ok(match tokio::time::timeout(Duration::from_secs(30), outcome).await?? {
            Ok(payload) => Ok(read(payload)?),
            Err(failure) => Err(failure.try_into()?),
        })
    }

    /// From now on every heartbeat is answered with "cancel".
    pub(crate) fn cancel(&self) {
        self.books.lock().unwrap_or_else(PoisonError::into_inner).cancels = true;
    }

    /// No longer.
    pub(crate) fn cancel_no_more(&self) {
        self.books.lock().unwrap_or_else(PoisonError::into_inner).cancels = false;
    }

    /// The last heartbeat told this, whoever sent it.
    pub(crate) fn told(&self, details: &impl Serialize) -> TestResult {
        let details = Payloads { payloads: vec![payload(details)?] };
        self.books.lock().unwrap_or_else(PoisonError::into_inner).details = Some(details);
        Ok(())
    }

    /// The details of the last activity that was cancelled; an error when none was.
    pub(crate) fn told_when_cancelled<T: DeserializeOwned>(&self) -> TestResult<T> {
        let told = self.books.lock().unwrap_or_else(PoisonError::into_inner).cancelled.take();
        let told = told.and_then(|told| told.payloads.into_iter().next()).ok_or("it told nothing")?;
        Ok(serde_json::from_slice(&told.data)?)
    }

    /// Waits for the next heartbeat.
    pub(crate) async fn heartbeat(&self) -> TestResult {
        Ok(tokio::time::timeout(Duration::from_secs(30), self.heartbeats.notified()).await?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run_worker<A: ActivityImplementer + Send + 'static>(
    service: CallbackBasedGrpcService,
    activities: A,
    started: oneshot::Sender<Box<dyn Fn() + Send>>,
) {
    let worker = async {
        let runtime = Runtime::from_current_tokio(RuntimeOptions::builder().build()?)?;
        let target: Url = "http://temporal.invalid:7233".parse()?;
        let connection =
            ConnectionOptions::new(target).service_override(service).dns_load_balancing(None).build();
        let connection = Connection::connect(connection).await?;
        let client = Client::new(connection, ClientOptions::new("default").build())?;
        let options = WorkerOptions::new("tests").register_activities(activities).build();
        TestResult::Ok((Worker::new(&runtime, client, options)?, runtime))
    };
    let (mut worker, _runtime) = worker.await.expect("a worker starts");
    // A test that has gone already needs no worker.
    if started.send(Box::new(worker.shutdown_handle())).is_ok() {
        worker.run().await.expect("a worker runs to its end");
    }
}

struct Server {
    tasks: tokio::sync::Mutex<mpsc::UnboundedReceiver<PollActivityTaskQueueResponse>>,
    books: Arc<Mutex<Books>>,
    heartbeats: Arc<Notify>,
}

impl Server {
    /// The bytes of the answer. Empty bytes are an answer without any field set, which is right for all the rest.
    async fn answer(&self, request: GrpcRequest) -> Vec<u8> {
        match request.rpc.as_str() {
            "PollActivityTaskQueue" => {
                let task = self.tasks.lock().await.recv().await;
                task.map(|task| task.encode_to_vec()).unwrap_or_default()
            }
            "RespondActivityTaskCompleted" => {
                let done: RespondActivityTaskCompletedRequest = decode(&request);
                self.close(
                    &done.task_token,
                    Ok(done.result.and_then(|result| result.payloads.into_iter().next())),
                )
            }
            "RespondActivityTaskFailed" => {
                let failed: RespondActivityTaskFailedRequest = decode(&request);
                self.close(&failed.task_token, Err(failed.failure.unwrap_or_default()))
            }
            "RespondActivityTaskCanceled" => {
                let cancelled: RespondActivityTaskCanceledRequest = decode(&request);
                self.books().cancelled = cancelled.details;
                self.close(&cancelled.task_token, Err(Failure::default()))
            }
            "RecordActivityTaskHeartbeat" => {
                let beat: RecordActivityTaskHeartbeatRequest = decode(&request);
                let cancel_requested = {
                    let mut books = self.books();
                    books.details = beat.details;
                    books.cancels
                };
                self.heartbeats.notify_one();
                RecordActivityTaskHeartbeatResponse { cancel_requested, ..Default::default() }.encode_to_vec()
            }
            _ => Vec::new(),
        }
    }

    fn close(&self, task_token: &[u8], outcome: Outcome) -> Vec<u8> {
        if let Some(waiting) = self.books().open.remove(task_token) {
            // A test that waits no longer has failed for a reason of its own.
            drop(waiting.send(outcome));
        }
        Vec::new()
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode<T: Message + Default>(request: &GrpcRequest) -> T {
    T::decode(request.proto.as_ref()).expect("the SDK writes protobufs")
}

fn payload(value: &impl Serialize) -> serde_json::Result<Payload> {
    Ok(Payload {
        metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
        data: serde_json::to_vec(value)?,
        ..Default::default()
    })
}

/// A payload without JSON is a unit.
fn read<T: DeserializeOwned>(payload: Option<Payload>) -> serde_json::Result<T> {
    let payload = payload.unwrap_or_default();
    serde_json::from_slice(if payload.data.is_empty() { b"null" } else { &payload.data })
}

impl TryFrom<Failure> for Failed {
    type Error = Box<dyn std::error::Error>;

    fn try_from(failure: Failure) -> TestResult<Self> {
        let Some(FailureInfo::ApplicationFailureInfo(info)) = failure.failure_info else {
            return Err(format!("not an application failure: {failure:?}").into());
        };
        Ok(Self {
            kind: info.r#type,
            message: failure.message,
            is_final: info.non_retryable,
            next_retry_delay: info.next_retry_delay.map(Duration::try_from).transpose()?,
        })
    }
}
