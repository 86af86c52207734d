//! Is everything there that a process needs? One line for each thing, with the fix where it is missing.

mod check;
mod store;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use temporalio_client::Url;
use temporalio_common::protos::temporal::api::enums::v1::{NamespaceState, TaskQueueType};
use temporalio_common::protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeTaskQueueRequest, DescribeTaskQueueResponse, GetSystemInfoRequest,
};
use tonic::{IntoRequest, Request, Status};
use workflows::search_attributes::{self, Kind};

use crate::commands::call::Call;
use crate::runs::connect::Session;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Paint, duration, table};
use crate::terminal::program::word;
use check::{Check, failed};

/// How long one question may take.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// How long Temporal has to keep closed runs. A number that it has forgotten counts as new: an order that was shipped
/// could be started a second time, and news of its money would find nobody.
const RETENTION_MIN: Duration = Duration::from_secs(30 * 24 * 3_600);

/// `starter doctor`.
pub(crate) async fn run(
    call: &Call<'_>,
    worker_url: Option<Url>,
    store: Option<&str>,
) -> Result<Exit, Failure> {
    let settings = call.settings()?;
    let tls = if settings.uses_tls() { "TLS" } else { "no TLS" };
    let place = format!("{}, namespace {}, {tls}", settings.address(), settings.namespace());
    let mut checks = Vec::new();
    let is_reached = match settings.connect().await {
        Ok(session) => {
            checks.push(connection(&session, &place).await);
            let (namespace, exists) = namespace(&session).await;
            checks.push(namespace);
            if exists {
                checks.push(attributes(&session).await);
                let pollers = pollers(&session, call.task_queue()).await;
                // Without a worker nobody could look.
                let is_polled = pollers.ok;
                checks.push(pollers);
                if let Some(store) = store.filter(|_| is_polled) {
                    checks.push(store::check(&session, call.task_queue(), store).await);
                }
            }
            exists
        }
        Err(failure) => {
            checks.push(failed("temporal", &failure));
            false
        }
    };
    match worker_url {
        Some(url) => checks.extend(worker(&url).await),
        None => call.out.say("worker: not asked; give its address with --worker-url or SUN_WORKER_URL"),
    }
    let ok = checks.iter().all(|check| check.ok);
    call.out.document(&json!({ "ok": ok, "checks": checks }), |paint| text(&checks, paint))?;
    Ok(match (is_reached, ok) {
        (false, _) => Exit::NoConnection,
        (true, false) => Exit::Failed,
        (true, true) => Exit::Ok,
    })
}

fn text(checks: &[Check], paint: Paint) -> String {
    let rows: Vec<_> = checks
        .iter()
        .flat_map(|check| {
            let verdict = if check.ok { "ok" } else { "failed" };
            let fix = check.fix.iter().map(|fix| [String::new(), String::new(), format!("fix: {fix}")]);
            std::iter::once([verdict.to_owned(), check.name.clone(), check.detail.clone()]).chain(fix)
        })
        .collect();
    table(&rows, |_, column, cell| match (column, cell.as_str()) {
        (0, "ok") => paint.good(cell),
        (0, "failed") => paint.bad(cell),
        _ => cell,
    })
}

fn asking<T>(message: T) -> Request<T> {
    let mut request = message.into_request();
    request.set_timeout(ASK_LIMIT);
    request
}

async fn connection(session: &Session, place: &str) -> Check {
    let mut service = session.client.connection().workflow_service();
    match service.get_system_info(asking(GetSystemInfoRequest::default())).await {
        Ok(info) => Check::ok("temporal", format!("{place}, server {}", info.into_inner().server_version)),
        Err(status) => failed("temporal", &Failure::of_status(&status)),
    }
}

/// Whether the namespace can be used is asked of the namespace itself: connecting does not tell.
async fn namespace(session: &Session) -> (Check, bool) {
    let name = session.namespace();
    let request = DescribeNamespaceRequest { namespace: name.to_owned(), ..Default::default() };
    let mut service = session.client.connection().workflow_service();
    let namespace = match service.describe_namespace(asking(request)).await {
        Ok(response) => response.into_inner(),
        Err(status) => {
            let failure = Failure::of_status(&status);
            return (failed("namespace", &failure), failure.exit != Exit::NoConnection);
        }
    };
    let state = namespace.namespace_info.map(|info| info.state());
    if state != Some(NamespaceState::Registered) {
        let fix = "use a namespace that is registered, or register it again";
        return (Check::failed("namespace", format!("{name} is not in service: {state:?}"), fix), true);
    }
    let retention = namespace.config.and_then(|config| config.workflow_execution_retention_ttl);
    let seconds = retention.and_then(|time| u64::try_from(time.seconds).ok()).unwrap_or_default();
    (kept(name, Duration::from_secs(seconds)), true)
}

/// Whether closed runs are kept for long enough.
fn kept(namespace: &str, retention: Duration) -> Check {
    let hours = retention.as_secs() / 3_600;
    if retention >= RETENTION_MIN {
        return Check::ok("namespace", format!("{namespace}, keeps closed runs for {hours} h"));
    }
    Check::failed(
        "namespace",
        format!(
            "{namespace} keeps closed runs for {hours} h, less than 30 days: after that an order that was shipped can \
             be started a second time under its number, and late money finds no order"
        ),
        format!("temporal operator namespace update --namespace {} --retention 30d", word(namespace)),
    )
}

async fn attributes(session: &Session) -> Check {
    const NAME: &str = "search attributes";
    let namespace = session.namespace().to_owned();
    let request = ListSearchAttributesRequest { namespace: namespace.clone() };
    let mut service = session.client.connection().operator_service();
    let registered: HashMap<String, i32> = match service.list_search_attributes(asking(request)).await {
        Ok(response) => response.into_inner().custom_attributes,
        Err(status) => return failed(NAME, &Failure::of_status(&status)),
    };
    let all = search_attributes::all();
    let missing: Vec<_> = all.iter().filter(|(name, _)| !registered.contains_key(*name)).collect();
    if missing.is_empty() {
        return Check::ok(NAME, format!("all {} are registered", all.len()));
    }
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let flags: Vec<_> =
        missing.iter().map(|(name, kind)| format!("--name {name} --type {}", kind_name(*kind))).collect();
    Check::failed(
        NAME,
        format!("missing: {}", names.join(", ")),
        format!(
            "a worker registers them at its start, if it may; by hand: temporal operator search-attribute create \
             --namespace {namespace} {}",
            flags.join(" ")
        ),
    )
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Keyword => "Keyword",
        Kind::KeywordList => "KeywordList",
        Kind::Bool => "Bool",
    }
}

async fn pollers(session: &Session, task_queue: &str) -> Check {
    const NAME: &str = "pollers";
    let counted = async {
        let workflows = described(session, task_queue, TaskQueueType::Workflow).await?;
        let activities = described(session, task_queue, TaskQueueType::Activity).await?;
        Ok::<_, Status>((workflows, activities))
    };
    let (workflows, activities) = match counted.await {
        Ok(counted) => counted,
        Err(status) => return failed(NAME, &Failure::of_status(&status)),
    };
    let backlog = |queue: &DescribeTaskQueueResponse| {
        queue.stats.as_ref().map_or(0, |stats| stats.approximate_backlog_count)
    };
    // A poller that is gone stays listed for some minutes: when it was last seen is what tells.
    let seen =
        workflows.pollers.iter().chain(&activities.pollers).filter_map(|poller| poller.last_access_time);
    let seen = seen.map(|time| time.seconds).max().map(|last| Timestamp::now().as_second() - last);
    let detail = format!(
        "task queue '{task_queue}': {} for workflows ({} waiting), {} for activities ({} waiting){}",
        workflows.pollers.len(),
        backlog(&workflows),
        activities.pollers.len(),
        backlog(&activities),
        seen.map_or_else(String::new, |seconds| format!(
            ", last seen {} ago",
            duration(seconds.max(0) * 1_000)
        )),
    );
    if workflows.pollers.is_empty() || activities.pollers.is_empty() {
        let fix = "start a worker for this task queue and namespace; 'cargo xtask up' starts one";
        return Check::failed(NAME, detail, fix);
    }
    Check::ok(NAME, detail)
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

/// The worker's answer at `/readyz`.
#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    #[serde(default)]
    checks: Vec<Probe>,
}

#[derive(Deserialize)]
struct Probe {
    name: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

/// The worker knows how it is, and how the outside systems are that only it can reach.
async fn worker(url: &Url) -> Vec<Check> {
    const NAME: &str = "worker";
    let readiness = match ask_worker(url).await {
        Ok(readiness) => readiness,
        Err(error) => {
            let detail = format!("{url}: {}{}", error.root_cause(), proxy::on_the_way(url.as_str()));
            return vec![Check::failed(
                NAME,
                detail,
                "is it running, and is --worker-url its health address?",
            )];
        }
    };
    let mut checks = vec![if readiness.ready {
        Check::ok(NAME, format!("{url} is ready"))
    } else {
        Check::failed(NAME, format!("{url} is not ready"), "see the checks below and the worker's log")
    }];
    checks.extend(readiness.checks.into_iter().map(|Probe { name, ok, detail }| {
        let name = format!("{NAME}: {name}");
        if ok { Check::ok(&name, detail) } else { Check::failed(&name, detail, "see the worker's log") }
    }));
    checks
}

async fn ask_worker(url: &Url) -> anyhow::Result<Readiness> {
    let client = reqwest::Client::builder().timeout(ASK_LIMIT);
    // A worker of this machine is asked through no proxy.
    let is_here = url.host_str().is_some_and(text::is_this_machine);
    let client = if is_here { client.no_proxy() } else { client }.build()?;
    // Not ready is an answer too: 503 with the same body.
    let body = client.get(url.join("/readyz")?).send().await?.bytes().await?;
    Ok(serde_json::from_slice(&body)?)
}
