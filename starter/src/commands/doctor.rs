//! Is everything there that a process needs? One line for each thing, with the fix where it is missing.

mod check;
mod queues;
mod runs;
mod store;

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use temporalio_client::Url;
use temporalio_common::protos::temporal::api::enums::v1::{IndexedValueType, NamespaceState};
use temporalio_common::protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, GetSystemInfoRequest,
};
use workflows::search_attributes::{self, Kind};

use crate::commands::call::Call;
use crate::runs::connect::Session;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Paint, table};
use crate::terminal::program::word;
use check::{ASK_LIMIT, Check, asking, failed};

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
                let queues = queues::check(&session, call.task_queue()).await;
                // Without a worker nobody could look.
                let is_polled = queues.iter().all(|queue| queue.ok);
                checks.extend(queues);
                checks.push(runs::check(&session, call.task_queue()).await);
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
    let others: Vec<_> =
        all.iter().filter_map(|(name, kind)| of_another_type(&registered, name, *kind)).collect();
    if !others.is_empty() {
        let fix = "Temporal changes no type: register ours in a namespace of its own, where nobody has used the names";
        return Check::failed(NAME, others.join(", "), fix);
    }
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

/// Says so where a name of ours is registered, and with another type: every run would hang on its first task.
fn of_another_type(registered: &HashMap<String, i32>, name: &str, kind: Kind) -> Option<String> {
    let wanted = match kind {
        Kind::Keyword => IndexedValueType::Keyword,
        Kind::KeywordList => IndexedValueType::KeywordList,
        Kind::Bool => IndexedValueType::Bool,
    };
    let has = *registered.get(name)?;
    let words =
        IndexedValueType::try_from(has).map_or("a type that is not known here", |has| has.as_str_name());
    (has != i32::from(wanted)).then(|| format!("{name} is {words}, not {}", wanted.as_str_name()))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Keyword => "Keyword",
        Kind::KeywordList => "KeywordList",
        Kind::Bool => "Bool",
    }
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
    /// Whether the worker is unready without it; the outside systems are not.
    #[serde(default)]
    required: bool,
    #[serde(default)]
    detail: String,
}

impl Probe {
    /// A worker from before `?read=true` asks the outside systems for their health alone.
    fn words(&self) -> String {
        match self.detail.as_str() {
            "answers" if !self.required => "answers; credentials not checked, the worker is older".to_owned(),
            detail => detail.to_owned(),
        }
    }
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
    checks.extend(readiness.checks.into_iter().map(|probe| {
        let (name, detail, ok) = (format!("{NAME}: {}", probe.name), probe.words(), probe.ok);
        let log = "correct what the line names, and restart the worker; its log has each step that failed so";
        if ok { Check::ok(&name, detail) } else { Check::failed(&name, detail, log) }
    }));
    checks
}

async fn ask_worker(url: &Url) -> anyhow::Result<Readiness> {
    let client = reqwest::Client::builder().timeout(ASK_LIMIT);
    // A worker of this machine is asked through no proxy.
    let is_here = url.host_str().is_some_and(text::is_this_machine);
    let client = if is_here { client.no_proxy() } else { client }.build()?;
    // Not ready is an answer too: 503 with the same body.
    // An older worker does not read what is asked, and says "answers" where it did not check the credentials.
    let body = client.get(url.join("/readyz?read=true")?).send().await?.bytes().await?;
    Ok(serde_json::from_slice(&body)?)
}
