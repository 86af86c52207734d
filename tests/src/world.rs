//! One shop with a worker of its own on a task queue of its own.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser as _;
use contracts::values::OrderId;
use sandbox::{Options, Running, Sandbox};
use serde::Serialize;
use serde_json::{Value, json};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowStartError, WorkflowUpdateError};
use temporalio_client::{
    Client, NamespacedClient as _, WorkflowCancelOptions, WorkflowDescribeOptions,
    WorkflowExecuteUpdateOptions, WorkflowFetchHistoryOptions, WorkflowGetResultOptions,
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowStartOptions,
    WorkflowTerminateOptions,
};
use temporalio_common::error::IncomingError;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeTaskQueueRequest;
use temporalio_common::search_attributes::SearchAttributes;
use tokio::sync::oneshot;
use tonic::IntoRequest as _;
use workflows::input::Unchecked;
use workflows::order_processing::{self, OrderData, OrderProcessing, OrderProcessingResult, PaymentSettled};
use workflows::policy::ERP_QUEUE;
use workflows::report::{Progress, Report};
use workflows::saga::{CancelAccepted, CancelRequest, Resolution, ResolveUndo};

use crate::processes::Leashed;
use crate::{orders, processes, servers};

/// A test waits at most this long for anything.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Figures short enough for a test. The first in-process worker sets the policies for all; so all use these.
const SHORT: [&str; 15] = [
    "--ecommerce-api-timeout=2000",
    "--undo-patience=3s",
    "--second-look=500ms",
    "--retry-first=100ms",
    "--retry-longest=500ms",
    "--heartbeat-timeout=2s",
    "--listen=127.0.0.1:0",
    "--grace-period=2s",
    "--sticky-timeout=1s",
    "--stock-patience=20s",
    "--payment-patience=20s",
    "--carrier-patience=20s",
    "--account-patience=20s",
    "--erp-patience=20s",
    "--ref-key=a key for tests only",
];

/// A shop, a worker and a client.
pub struct World {
    /// The shop.
    pub shop: Shop,
    /// The client.
    pub client: Client,
    /// The worker's task queue.
    pub task_queue: String,
    /// How soon a workflow task is given to another worker when the one that took it is gone; `None`: Temporal's 10 s.
    pub task_timeout: Option<Duration>,
    address: String,
    _worker: Option<oneshot::Sender<()>>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// Completed, with its result.
    Completed(Box<OrderProcessingResult>),
    /// Failed.
    Failed {
        /// The failure's type.
        kind: String,
        /// The failure's first line.
        message: String,
        /// The failure's details, if they are a report.
        report: Report,
    },
    /// Canceled, with its details.
    Canceled(Report),
}

impl World {
    /// A world whose worker runs in this process.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// The same, with further settings of the worker; not its policies, which one process shares.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn with(settings: &[&str]) -> anyhow::Result<Self> {
        Self::on(&servers::dev_server()?, settings).await
    }

    /// The same, on another Temporal server.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn on(address: &str, settings: &[&str]) -> anyhow::Result<Self> {
        let mut world = Self::without_worker(address).await?;
        world.start_worker(settings)?;
        Ok(world)
    }

    /// Starts this world's worker in this process.
    ///
    /// # Errors
    /// When its settings are wrong.
    pub fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        self._worker = Some(start_worker(&self.worker_args(settings))?);
        Ok(())
    }

    /// A world whose worker is a process of its own, for other policies than those all tests here share.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn apart(settings: &[&str]) -> anyhow::Result<(Self, WorkerProcess)> {
        let world = Self::without_worker(&servers::dev_server()?).await?;
        let worker = world.spawn_worker(settings)?;
        Ok((world, worker))
    }

    /// A world whose worker the test starts itself.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn without_worker(address: &str) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let client = servers::client(address).await?;
        let shop = Shop::open().await?;
        let task_queue = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self { shop, client, task_queue, task_timeout: None, address: address.to_owned(), _worker: None })
    }

    /// Waits until a worker polls both of its queues. Before that it gives up when Temporal goes away: it has not begun.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn is_polled(&self) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        for (ending, kind) in [("", TaskQueueType::Workflow), (ERP_QUEUE, TaskQueueType::Activity)] {
            let request = DescribeTaskQueueRequest {
                namespace: self.client.namespace(),
                task_queue: Some(TaskQueue {
                    name: format!("{}{ending}", self.task_queue),
                    ..TaskQueue::default()
                }),
                task_queue_type: kind.into(),
                ..DescribeTaskQueueRequest::default()
            };
            loop {
                let mut temporal = self.client.connection().workflow_service();
                let described = temporal.describe_task_queue(request.clone().into_request()).await?;
                if !described.into_inner().pollers.is_empty() {
                    break;
                }
                anyhow::ensure!(Instant::now() < until, "no worker polls {}{ending}", self.task_queue);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// The Temporal server's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// An order that somebody else started.
    #[must_use]
    pub fn attach(&self, order: &Value) -> Order<'_> {
        Order { world: self, workflow_id: workflow_id(order), order_id: orders::id(order) }
    }

    /// A run by its workflow id; for what every process answers alike.
    #[must_use]
    pub fn attach_run(&self, workflow_id: &str) -> Order<'_> {
        Order { world: self, workflow_id: workflow_id.to_owned(), order_id: String::new() }
    }

    fn worker_args(&self, settings: &[&str]) -> Vec<String> {
        let own = [
            format!("--address={}", self.address),
            format!("--task-queue={}", self.task_queue),
            format!("--ecommerce-api-url={}", self.shop.url()),
        ];
        let is_given = |short: &str| {
            let name = short.split('=').next().unwrap_or_default();
            settings.iter().any(|setting| setting.split('=').next() == Some(name))
        };
        let defaults = own.into_iter().chain(SHORT.map(str::to_owned)).filter(|default| !is_given(default));
        let program = std::iter::once("worker".to_owned());
        program.chain(defaults).chain(settings.iter().map(|s| (*s).to_owned())).collect()
    }

    /// Starts a worker as a process of its own, to be killed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        self.spawn_worker_into(settings, [Stdio::null(), Stdio::null()])
    }

    /// The same; everything it says goes into a file.
    ///
    /// # Errors
    /// When it does not start.
    pub fn spawn_logging_worker(&self, settings: &[&str], log: &Path) -> anyhow::Result<WorkerProcess> {
        let log = File::options().create(true).append(true).open(log)?;
        let ends = [Stdio::from(log.try_clone()?), Stdio::from(log)];
        self.spawn_worker_into(settings, ends)
    }

    fn spawn_worker_into(&self, settings: &[&str], [out, err]: [Stdio; 2]) -> anyhow::Result<WorkerProcess> {
        let child = Command::new(processes::binary("worker")?)
            .args(self.worker_args(settings).into_iter().skip(1))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()?;
        Ok(WorkerProcess { child })
    }

    /// Starts a worker that dies with this program, however that ends.
    ///
    /// # Errors
    /// When it does not start.
    pub fn leashed_worker(&self, settings: &[&str]) -> anyhow::Result<Leashed> {
        let args: Vec<String> = self.worker_args(settings).into_iter().skip(1).collect();
        Leashed::start(&processes::binary("worker")?, &args)
    }

    /// Starts an order, or attaches to its run.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn start(&self, order: &Value) -> anyhow::Result<Order<'_>> {
        let mut options = start_options(order, &self.task_queue, servers::has_attributes(&self.address));
        options.task_timeout = self.task_timeout;
        let input = Unchecked::<OrderData>::from_json(&order.to_string())?;
        match self.client.start_workflow(OrderProcessing::run, input, options).await {
            // Closed already: whoever asks reads its result.
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.attach(order))
    }

    /// Runs an order to its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn run(&self, order: &Value) -> anyhow::Result<Ended> {
        self.start(order).await?.ended().await
    }
}

fn workflow_id(order: &Value) -> String {
    format!("order/{}", orders::id(order))
}

/// How an order is started, as the starter does it.
pub(crate) fn start_options(order: &Value, task_queue: &str, attributes: bool) -> WorkflowStartOptions {
    let id = OrderId::new(orders::id(order)).ok().filter(|_| attributes);
    let attributes = id.map(|id| SearchAttributes::new(order_processing::search_attributes(&id)));
    WorkflowStartOptions::new(task_queue.to_owned(), workflow_id(order))
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
        .maybe_search_attributes(attributes)
        .build()
}

/// A worker on a thread of its own; it drains when the sender goes.
fn start_worker(args: &[String]) -> anyhow::Result<oneshot::Sender<()>> {
    let settings = worker::Config::try_parse_from(args)?;
    let settings = settings.check().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::Builder::new().name("worker".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let stop = async move {
            let _dropped = stopped.await.is_err();
        };
        match runtime.map(|runtime| runtime.block_on(worker::run(settings, stop))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("the worker ended: {error:#}"),
            Err(error) => eprintln!("no runtime for the worker: {error}"),
        }
    })?;
    Ok(stop)
}

/// A worker in a process of its own; dies with this value.
pub struct WorkerProcess {
    child: Child,
}

impl WorkerProcess {
    /// `kill -9`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl WorkerProcess {
    /// SIGTERM.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        anyhow::ensure!(status.success(), "kill -TERM was refused");
        Ok(())
    }

    /// Whether it ended by itself, with success, in this time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn ended_within(&mut self, limit: Duration) -> anyhow::Result<bool> {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("a worker could not be ended: {error}");
        }
    }
}

/// A started order.
pub struct Order<'w> {
    world: &'w World,
    /// Its workflow id.
    pub workflow_id: String,
    /// Its number.
    pub order_id: String,
}

impl Order<'_> {
    fn handle(&self) -> temporalio_client::WorkflowHandle<Client, OrderProcessing> {
        self.world.client.get_workflow_handle::<OrderProcessing>(self.workflow_id.clone())
    }

    /// How it ended.
    ///
    /// # Errors
    /// When it does not end in time, or in a way no test expects.
    pub async fn ended(&self) -> anyhow::Result<Ended> {
        let handle = self.handle();
        let result = handle.get_result(WorkflowGetResultOptions::default());
        let result = tokio::time::timeout(LIMIT, result).await;
        match result.with_context(|| format!("{} did not end within {LIMIT:?}", self.workflow_id))? {
            Ok(result) => Ok(Ended::Completed(Box::new(result))),
            Err(WorkflowGetResultError::Failed(error)) => match *error {
                IncomingError::Application(failure) => Ok(Ended::Failed {
                    kind: failure.type_name().unwrap_or_default().to_owned(),
                    message: failure.to_string(),
                    report: failure.details().ok().flatten().unwrap_or_default(),
                }),
                other => bail!("{} failed without an application failure: {other}", self.workflow_id),
            },
            Err(WorkflowGetResultError::Cancelled { details }) => Ok(Ended::Canceled(details.deserialize()?)),
            Err(other) => bail!("{} ended as {other}", self.workflow_id),
        }
    }

    /// The query `progress`.
    ///
    /// # Errors
    /// When no worker answers.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(OrderProcessing::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Waits until the progress is as wanted.
    ///
    /// # Errors
    /// When it does not become so in time.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        let until = Instant::now() + LIMIT;
        loop {
            let progress = self.progress().await;
            match progress {
                Ok(progress) if wanted(&progress) => return Ok(progress),
                other if Instant::now() > until => bail!("{}: never {what}: {other:?}", self.workflow_id),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until a step is under way or done.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn reaches(&self, step: &str) -> anyhow::Result<Progress> {
        self.until(step, |p| p.current_step.as_deref() == Some(step)).await
    }

    /// The update `cancel_order`.
    ///
    /// # Errors
    /// The refusal's message.
    pub async fn cancel_order(&self, reason: &str) -> Result<CancelAccepted, String> {
        let request = CancelRequest { reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle().execute_update(OrderProcessing::cancel_order, request, options).await.map_err(refusal)
    }

    /// The update `payment_settled`.
    ///
    /// # Errors
    /// The refusal's message.
    pub async fn payment_settled(&self, event_id: &str) -> Result<String, String> {
        let event = PaymentSettled { event_id: event_id.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle().execute_update(OrderProcessing::payment_settled, event, options).await.map_err(refusal)
    }

    /// The update `resolve_undo`.
    ///
    /// # Errors
    /// The refusal's message.
    pub async fn resolve(&self, step: &str, action: Resolution, reason: &str) -> Result<String, String> {
        let answer = ResolveUndo { step: step.to_owned(), action, reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle().execute_update(OrderProcessing::resolve_undo, answer, options).await.map_err(refusal)
    }

    /// Temporal's own cancel.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// Temporal's terminate.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn terminate(&self, reason: &str) -> anyhow::Result<()> {
        Ok(self.handle().terminate(WorkflowTerminateOptions::builder().reason(reason).build()).await?)
    }

    /// The history.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn history(&self) -> anyhow::Result<Vec<HistoryEvent>> {
        Ok(self.handle().fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?)
    }

    /// The history as the replayer reads it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn history_json(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.handle().fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?)
    }

    /// Events and state transitions so far.
    ///
    /// # Errors
    /// When the run cannot be described.
    pub async fn cost(&self) -> anyhow::Result<(i64, i64)> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let info = description.raw().workflow_execution_info.clone().unwrap_or_default();
        Ok((info.history_length, info.state_transition_count))
    }

    /// What the activities that wait for another attempt failed with.
    ///
    /// # Errors
    /// When the run cannot be described.
    pub async fn pending_failures(&self) -> anyhow::Result<Vec<String>> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let pending = &description.raw().pending_activities;
        Ok(pending
            .iter()
            .filter_map(|waiting| Some(waiting.last_failure.as_ref()?.message.clone()))
            .collect())
    }

    /// Whether the search attribute `SunNeedsHuman` is set.
    ///
    /// # Errors
    /// When the run cannot be described.
    pub async fn needs_human(&self) -> anyhow::Result<bool> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        Ok(description.search_attributes().get(&workflows::search_attributes::NEEDS_HUMAN).unwrap_or(false))
    }
}

fn refusal(error: WorkflowUpdateError) -> String {
    match error {
        WorkflowUpdateError::Failed(failure) => failure.message.clone(),
        other => other.to_string(),
    }
}

/// The sandbox shop and its control interface.
pub struct Shop {
    url: String,
    http: reqwest::Client,
    _running: Option<Running>,
}

impl Shop {
    async fn open() -> anyhow::Result<Self> {
        let running = Sandbox::start(Options::default()).await?;
        let url = running.url();
        Ok(Self { _running: Some(running), ..Self::at(&url) })
    }

    /// One that runs elsewhere.
    #[must_use]
    pub fn at(url: &str) -> Self {
        servers::install_crypto();
        Self { url: url.to_owned(), http: reqwest::Client::new(), _running: None }
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/_sandbox/{path}", self.url());
        let request = self.http.request(method, url).header("content-type", "application/json");
        let answer = request.body(serde_json::to_vec(body)?).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path}: {status} {text}");
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// Asks the shop itself, as the worker does: reads, or posts a question. The answer's `data`; null when it refuses.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn ask(&self, path: &str, question: Option<&Value>) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/{path}", self.url());
        let request = match question {
            None => self.http.get(url),
            Some(body) => {
                self.http.post(url).header("content-type", "application/json").body(body.to_string())
            }
        };
        let answer: Value = serde_json::from_str(&request.send().await?.text().await?)?;
        Ok(answer["data"].clone())
    }

    /// Reads from the control interface.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(reqwest::Method::GET, path, &Value::Null).await
    }

    /// Writes to the control interface.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::PUT, path, &body).await
    }

    /// Posts to the control interface.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::POST, path, &body).await
    }

    /// Removes by the control interface.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn delete(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::DELETE, path, &body).await
    }

    /// Sets the faults.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn faults(&self, faults: Value) -> anyhow::Result<()> {
        self.put("faults", faults).await.map(drop)
    }

    /// Clears the faults.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn mend(&self) -> anyhow::Result<()> {
        self.call(reqwest::Method::DELETE, "faults", &Value::Null).await.map(drop)
    }

    /// Settles an order's open payment.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn settle(&self, order_id: &str, outcome: &str) -> anyhow::Result<String> {
        let path = format!("payments/{order_id}/settle");
        let settled = self.call(reqwest::Method::POST, &path, &json!({ "outcome": outcome })).await?;
        Ok(settled["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// The customer pays after the payment was voided; returns the event's id.
    ///
    /// # Errors
    /// When there is no such payment.
    pub async fn settle_late(&self, order_id: &str) -> anyhow::Result<String> {
        let path = format!("payments/{order_id}/settle");
        let body = json!({ "outcome": "paid", "force": true });
        let settled = self.call(reqwest::Method::POST, &path, &body).await?;
        Ok(settled["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// The audit's totals; fails on any violation.
    ///
    /// # Errors
    /// When an invariant is violated.
    pub async fn clean(&self) -> anyhow::Result<Value> {
        let audit = self.get("audit").await?;
        if audit["ok"] != true {
            bail!("the audit found violations: {}", audit["violations"]);
        }
        Ok(audit["totals"].clone())
    }

    /// Stock of a variant: on hand, held.
    ///
    /// # Errors
    /// When there is no such variant.
    pub async fn stock(&self, variant: &str) -> anyhow::Result<(i64, i64)> {
        let stock = self.get("stock").await?;
        let rows = stock.as_array().context("stock is no list")?;
        let row = rows.iter().find(|row| row["variant_id"] == variant);
        let row = row.with_context(|| format!("no variant {variant}"))?;
        Ok((row["on_hand"].as_i64().unwrap_or(-1), row["held"].as_i64().unwrap_or(-1)))
    }

    /// Requests seen so far, per operation.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn requests(&self, operation: &str) -> anyhow::Result<u64> {
        Ok(self.get("requests").await?[operation].as_u64().unwrap_or(0))
    }

    /// Waits until an operation was requested.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn requested(&self, operation: &str) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        while self.requests(operation).await? == 0 {
            if Instant::now() > until {
                bail!("{operation} was never requested");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Ended {
    /// The result of a run that went through.
    ///
    /// # Errors
    /// When it did not.
    pub fn fulfilled(self) -> anyhow::Result<OrderProcessingResult> {
        match self {
            Self::Completed(result) if result.success => Ok(*result),
            other => bail!("not fulfilled: {other:?}"),
        }
    }

    /// The result of a run that the business stopped.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn stopped_as(self, outcome: &str) -> anyhow::Result<OrderProcessingResult> {
        match self {
            Self::Completed(result) if !result.success && result.outcome == outcome => Ok(*result),
            other => bail!("not {outcome}: {other:?}"),
        }
    }

    /// Message and report of a run that failed in one way.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub fn failed_as(self, wanted: &str) -> anyhow::Result<(String, Report)> {
        match self {
            Self::Failed { kind, message, report } if kind == wanted => Ok((message, report)),
            other => bail!("not failed as {wanted}: {other:?}"),
        }
    }
}
