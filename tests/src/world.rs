//! One shop with a worker of its own on a task queue of its own.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use clap::Parser as _;
use contracts::values::OrderId;
use serde_json::Value;
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{
    Client, NamespacedClient as _, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeTaskQueueRequest;
use temporalio_common::search_attributes::SearchAttributes;
use tokio::sync::oneshot;
use tonic::IntoRequest as _;
use workflows::input::Unchecked;
use workflows::order_processing::{self, OrderData, OrderProcessing};
use workflows::policy::BULK_QUEUE;
use workflows::report::Progress;

mod order;

pub use order::{Ended, Order, in_words};

use crate::processes::Leashed;
use crate::shop::Shop;
use crate::{orders, processes, servers};

/// A test waits at most this long for anything.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Figures short enough for a test. The first in-process worker sets the policies for all; so all use these.
const SHORT: [&str; 18] = [
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
    "--prices-patience=20s",
    "--ref-key=a key for tests only",
    "--follow-up-patience=3s",
    "--unsubscribe-url=https://shop.example.com/unsubscribe",
];

/// Waits until the progress of a run is as wanted.
///
/// # Errors
/// When it is not in time; names the run, and the progress at last.
pub async fn until(
    run: &str,
    what: &str,
    progress: impl AsyncFn() -> anyhow::Result<Progress>,
    wanted: impl Fn(&Progress) -> bool,
) -> anyhow::Result<Progress> {
    let until = Instant::now() + LIMIT;
    loop {
        match progress().await {
            Ok(progress) if wanted(&progress) => return Ok(progress),
            other if Instant::now() > until => anyhow::bail!("{run}: never {what}: {other:?}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A shop, a worker and a client.
pub struct World {
    pub shop: Shop,
    pub client: Client,
    /// The worker's task queue.
    pub task_queue: String,
    /// How soon a workflow task is given to another worker when the one that took it is gone; `None`: Temporal's 10 s.
    pub task_timeout: Option<Duration>,
    address: String,
    _worker: Option<oneshot::Sender<()>>,
}

impl World {
    /// A world whose worker runs in this process.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// The same, with further settings of the worker; not its policies, which one process shares.
    pub async fn with(settings: &[&str]) -> anyhow::Result<Self> {
        Self::on(&servers::dev_server()?, settings).await
    }

    /// The same, on another Temporal server.
    pub async fn on(address: &str, settings: &[&str]) -> anyhow::Result<Self> {
        let mut world = Self::without_worker(address).await?;
        world.start_worker(settings)?;
        Ok(world)
    }

    /// Starts this world's worker in this process.
    pub fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        self._worker = Some(start_worker(&self.worker_args(settings))?);
        Ok(())
    }

    /// A world whose worker is a process of its own, for other policies than those all tests here share.
    pub async fn apart(settings: &[&str]) -> anyhow::Result<(Self, WorkerProcess)> {
        let world = Self::without_worker(&servers::dev_server()?).await?;
        let worker = world.spawn_worker(settings)?;
        Ok((world, worker))
    }

    /// A world whose worker the test starts itself.
    pub async fn without_worker(address: &str) -> anyhow::Result<Self> {
        Self::with_shop(address, Shop::open().await?).await
    }

    /// The same with a shop that runs already.
    pub async fn with_shop(address: &str, shop: Shop) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let client = servers::client(address).await?;
        let task_queue = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self { shop, client, task_queue, task_timeout: None, address: address.to_owned(), _worker: None })
    }

    /// Waits until a worker polls both of its queues. Before that it gives up when Temporal goes away: it has not
    /// begun.
    pub async fn is_polled(&self) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        for (ending, kind) in [("", TaskQueueType::Workflow), (BULK_QUEUE, TaskQueueType::Activity)] {
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
    pub fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        self.spawn_program("worker", settings)
    }

    /// The same with another program of this workspace that takes a worker's settings.
    pub fn spawn_program(&self, program: &str, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        self.spawn_into(program, settings, &[], [Stdio::null(), Stdio::null()])
    }

    /// Starts a worker as a process of its own, with these variables in its environment.
    pub fn spawn_worker_in(
        &self,
        environment: &[(&str, &str)],
        settings: &[&str],
    ) -> anyhow::Result<WorkerProcess> {
        self.spawn_into("worker", settings, environment, [Stdio::null(), Stdio::null()])
    }

    /// The same; everything it says goes into a file.
    pub fn spawn_logging_worker(&self, settings: &[&str], log: &Path) -> anyhow::Result<WorkerProcess> {
        let log = File::options().create(true).append(true).open(log)?;
        let ends = [Stdio::from(log.try_clone()?), Stdio::from(log)];
        self.spawn_into("worker", settings, &[], ends)
    }

    fn spawn_into(
        &self,
        program: &str,
        settings: &[&str],
        environment: &[(&str, &str)],
        [out, err]: [Stdio; 2],
    ) -> anyhow::Result<WorkerProcess> {
        let child = Command::new(processes::binary(program)?)
            .args(self.worker_args(settings).into_iter().skip(1))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()?;
        Ok(WorkerProcess { child })
    }

    /// Starts a worker that dies with this program, however that ends.
    pub fn leashed_worker(&self, settings: &[&str]) -> anyhow::Result<Leashed> {
        let args: Vec<String> = self.worker_args(settings).into_iter().skip(1).collect();
        Leashed::start(&processes::binary("worker")?, &args)
    }

    /// Starts an order, or attaches to its run.
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

    /// Runs an order whose number has had a run before, as when Temporal has forgotten that one.
    pub async fn run_anew(&self, order: &Value) -> anyhow::Result<Ended> {
        self.start_anew(order).await?;
        self.attach(order).ended().await
    }

    /// Starts it, and does not wait for its end.
    pub async fn start_anew(&self, order: &Value) -> anyhow::Result<()> {
        let mut options = start_options(order, &self.task_queue, servers::has_attributes(&self.address));
        options.id_reuse_policy = WorkflowIdReusePolicy::AllowDuplicate;
        let input = Unchecked::<OrderData>::from_json(&order.to_string())?;
        self.client.start_workflow(OrderProcessing::run, input, options).await?;
        Ok(())
    }

    /// Runs an order to its end.
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
        let runtime = worker::runtime(&settings);
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
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl WorkerProcess {
    /// SIGTERM.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        anyhow::ensure!(status.success(), "kill -TERM was refused");
        Ok(())
    }

    /// Whether it ended by itself, with success, in this time.
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
