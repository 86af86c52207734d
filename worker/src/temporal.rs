//! The connection to Temporal: waited for with back-off, search attributes registered, version checked.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use reach::{Reason, Switches};
use temporalio_client::envconfig::LoadClientConfigProfileOptions;
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression, NamespacedClient as _,
};
use temporalio_common::protos::temporal::api::deployment::v1::WorkerDeploymentVersion;
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, ListSearchAttributesRequest,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeWorkerDeploymentRequest,
};
use tonic::{Code, IntoRequest as _, Status};
use workflows::search_attributes::{self, Kind};

use crate::config::{Deployment, Settings};
use crate::metrics::Exporter;

const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LONGEST: Duration = Duration::from_secs(15);

/// Connects; waits with back-off for as long as the server is away.
///
/// # Errors
/// When the configuration cannot work: waiting would not mend it.
pub(crate) async fn connect(settings: &Settings, exporter: &Exporter) -> anyhow::Result<Client> {
    let (mut connection, client) = options(settings)?;
    connection.metrics_meter = Some(exporter.temporal_meter());
    let mut pause = BACKOFF_FIRST;
    loop {
        match attempt(&connection, &client).await {
            Ok(client) => {
                tracing::info!(address = %connection.target, namespace = %client.namespace(), "connected to Temporal");
                return Ok(client);
            }
            Err(Refusal::Final(error)) => return Err(error),
            Err(Refusal::Away(error)) => {
                tracing::warn!(address = %connection.target, ?pause, "waiting for Temporal: {error:#}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(BACKOFF_LONGEST);
            }
        }
    }
}

enum Refusal {
    Away(anyhow::Error),
    Final(anyhow::Error),
}

fn options(settings: &Settings) -> anyhow::Result<(ConnectionOptions, ClientOptions)> {
    let mut load = LoadClientConfigProfileOptions::default();
    load.config_file_profile = settings.temporal.profile.clone();
    let (mut connection, mut client) = ClientOptions::load_from_config(load)
        .map_err(|e| anyhow!("Temporal's settings (TEMPORAL_*, temporal.toml) cannot be read: {e}"))?;
    connection.api_key = connection.api_key.as_deref().map(api_key).transpose()?;
    if let Some(address) = &settings.temporal.address {
        let scheme = if connection.tls_options.is_some() { "https" } else { "http" };
        let url = if address.contains("://") { address.clone() } else { format!("{scheme}://{address}") };
        connection.target = url.parse().with_context(|| format!("--address '{address}' is not host:port"))?;
    }
    if connection.target.scheme() == "http" {
        // In the open, Temporal is near: compressing costs more there than the bytes it saves.
        connection.grpc_compression = GrpcCompression::None;
    }
    if let Some(namespace) = &settings.temporal.namespace {
        client.namespace.clone_from(namespace);
    }
    Ok((connection, client))
}

/// Temporal's key as it can be sent: a line end behind it would not be, and without a word neither would the key.
fn api_key(written: &str) -> anyhow::Result<String> {
    text::secret(written).map_err(|refusal| {
        anyhow!("TEMPORAL_API_KEY (or api_key in temporal.toml) {}: {}", refusal.problem, refusal.fix)
    })
}

async fn attempt(connection: &ConnectionOptions, options: &ClientOptions) -> Result<Client, Refusal> {
    if let Some(reason) = reach::contradiction(connection) {
        return Err(Refusal::Final(anyhow!(not_connected(connection, &reason))));
    }
    let connected = Connection::connect(connection.clone()).await;
    let connection = connected.map_err(|error| {
        Refusal::Away(match reach::reason(connection, &error) {
            Some(reason) => anyhow!(not_connected(connection, &reason)),
            None => anyhow!(error).context("no connection"),
        })
    })?;
    let client = Client::new(connection, options.clone()).map_err(|e| Refusal::Final(anyhow!(e)))?;
    let namespace = client.namespace();
    let describe = DescribeNamespaceRequest { namespace: namespace.clone(), ..Default::default() };
    match client.connection().workflow_service().describe_namespace(describe.into_request()).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::NotFound => {
            return Err(Refusal::Away(anyhow!(
                "namespace '{namespace}' does not exist: create it (temporal operator namespace create \
                 --namespace {namespace}) or set TEMPORAL_NAMESPACE"
            )));
        }
        Err(status) if status.code() == Code::PermissionDenied || status.code() == Code::Unauthenticated => {
            return Err(Refusal::Final(anyhow!(
                "Temporal refuses this worker ({}): check TEMPORAL_API_KEY or the client certificate",
                status.message()
            )));
        }
        Err(status) => return Err(Refusal::Away(anyhow!("namespace '{namespace}': {}", status.message()))),
    }
    register_search_attributes(&client).await.map_err(Refusal::Away)?;
    Ok(client)
}

/// How TLS is switched on and off here.
const SWITCHES: Switches = Switches { on: "set TEMPORAL_TLS=true", off: "set TEMPORAL_TLS=false" };

/// The reason and the fix.
fn not_connected(connection: &ConnectionOptions, reason: &Reason) -> String {
    let fix = reason.fix(SWITCHES).map(|fix| format!(": {fix}")).unwrap_or_default();
    format!("no connection to Temporal at {}: {reason}{fix}", connection.target)
}

/// Registers the search attributes that are missing: without them every run would hang on its first task.
async fn register_search_attributes(client: &Client) -> anyhow::Result<()> {
    let namespace = client.namespace();
    let mut operator = client.connection().operator_service();
    let list = ListSearchAttributesRequest { namespace: namespace.clone() };
    let is_not_offered =
        |status: &Status| matches!(status.code(), Code::Unimplemented | Code::PermissionDenied);
    let (known, is_listed) = match operator.list_search_attributes(list.into_request()).await {
        Ok(known) => (known.into_inner(), true),
        // Cloud and locked-down servers do not offer the operator service, and the test server none of it.
        Err(status) if is_not_offered(&status) => (Default::default(), false),
        Err(status) => bail!("search attributes cannot be listed: {}", status.message()),
    };
    let known = known.custom_attributes;
    let others = of_another_type(&known, &namespace);
    if !others.is_empty() {
        bail!("{}", others.join("\n  "));
    }
    let is_known = |name: &str| known.contains_key(name);
    let missing: Vec<_> = search_attributes::all().into_iter().filter(|(name, _)| !is_known(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let indexed = |(name, kind): &(&str, Kind)| ((*name).to_owned(), indexed(*kind).into());
    let add = AddSearchAttributesRequest {
        namespace: namespace.clone(),
        search_attributes: missing.iter().map(indexed).collect(),
    };
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    match operator.add_search_attributes(add.into_request()).await {
        Ok(_) => {
            tracing::info!(?names, "registered search attributes");
            Ok(())
        }
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => {
            let commands: Vec<_> = missing
                .iter()
                .map(|(name, kind)| {
                    format!(
                        "temporal operator search-attribute create --namespace {namespace} --name {name} \
                         --type {kind:?}"
                    )
                })
                .collect();
            if !is_listed && is_not_offered(&status) {
                // They may well be there: whoever may not look cannot tell.
                tracing::warn!(
                    "search attributes can be neither listed nor registered from here; if runs hang on their first task, \
                     run\n  {}",
                    commands.join("\n  ")
                );
                return Ok(());
            }
            bail!("{}", not_registered(&namespace, status.message(), &commands))
        }
    }
}

fn indexed(kind: Kind) -> IndexedValueType {
    match kind {
        Kind::Keyword => IndexedValueType::Keyword,
        Kind::KeywordList => IndexedValueType::KeywordList,
        Kind::Bool => IndexedValueType::Bool,
    }
}

/// The attributes that somebody has registered with another type, each with the fix. Their runs would hang, because the
/// server refuses the value.
fn of_another_type(known: &HashMap<String, i32>, namespace: &str) -> Vec<String> {
    let wrong = |(name, kind): (&'static str, Kind)| {
        let theirs = *known.get(name)?;
        (theirs != i32::from(indexed(kind))).then(|| {
            let theirs =
                IndexedValueType::try_from(theirs).map_or("another type", |theirs| theirs.as_str_name());
            format!(
                "search attribute {name} is registered as {theirs}, and has to be {kind:?}: see who uses it; then \
                 remove it, and the worker registers it anew: temporal operator search-attribute remove --namespace \
                 {namespace} --name {name} --yes"
            )
        })
    };
    search_attributes::all().into_iter().filter_map(wrong).collect()
}

/// The server's words about attributes that it does not register, and the fix. A namespace has room for a few of each
/// type; the same command again would make none.
fn not_registered(namespace: &str, said: &str, commands: &[String]) -> String {
    let commands = commands.join("\n  ");
    if said.contains("more than") {
        return format!(
            "search attributes are missing, and the namespace has no room for them ({said}): see which are there \
             (temporal operator search-attribute list --namespace {namespace}), and remove some that nobody uses, or \
             take another namespace; needed are\n  {commands}"
        );
    }
    format!("search attributes are missing and cannot be registered from here ({said}): run\n  {commands}")
}

/// Whether Temporal answers, by a cheap call.
pub(crate) async fn answers(client: &Client) -> Result<(), String> {
    let describe = DescribeNamespaceRequest { namespace: client.namespace(), ..Default::default() };
    let answer = client.connection().workflow_service().describe_namespace(describe.into_request()).await;
    answer.map(drop).map_err(|status| status.message().to_owned())
}

/// Whether this worker's version gets work: with versioning on, nothing is dispatched before a version is current.
pub(crate) async fn version_is_current(client: &Client, deployment: &Deployment) -> Result<String, String> {
    let describe = DescribeWorkerDeploymentRequest {
        namespace: client.namespace(),
        deployment_name: deployment.name.clone(),
    };
    let answer =
        client.connection().workflow_service().describe_worker_deployment(describe.into_request()).await;
    let answer = answer.map_err(|status| status.message().to_owned())?.into_inner();
    let routing = answer.worker_deployment_info.and_then(|info| info.routing_config).unwrap_or_default();
    let is_this = |version: &Option<WorkerDeploymentVersion>| {
        version.as_ref().is_some_and(|version| version.build_id == deployment.build_id)
    };
    if is_this(&routing.current_deployment_version) || is_this(&routing.ramping_deployment_version) {
        return Ok(format!("version {} gets work", deployment.build_id));
    }
    let fix = format!(
        "temporal worker deployment set-current-version --deployment-name {} --build-id {} --yes",
        deployment.name, deployment.build_id
    );
    Err(match routing.current_deployment_version {
        None => format!("no version of '{}' is current, so nothing is dispatched: {fix}", deployment.name),
        Some(current) => {
            format!("version {} is current, not {}: {fix}", current.build_id, deployment.build_id)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waiting does not mend settings that contradict each other; whoever reads the log learns what does.
    #[tokio::test]
    async fn an_https_address_without_tls_ends_the_worker_with_the_fix() {
        let address: temporalio_client::Url = "https://127.0.0.1:8233".parse().expect("a URL");
        let connection = ConnectionOptions::new(address).build();
        let refusal = attempt(&connection, &ClientOptions::new("default".to_owned()).build()).await;
        let Err(Refusal::Final(error)) = refusal else { panic!("it goes on") };
        let said = error.to_string();
        for words in [
            "no connection to Temporal at https://127.0.0.1:8233/",
            "TLS is off",
            "TEMPORAL_TLS=true",
            "7233",
        ] {
            assert!(said.contains(words), "{words:?} is missing in {said}");
        }
    }

    /// S6
    #[test]
    fn an_attribute_of_another_type_and_one_without_room_are_told_with_the_fix() {
        let all = search_attributes::all();
        let mut known: HashMap<String, i32> =
            all.iter().map(|(name, kind)| ((*name).to_owned(), indexed(*kind).into())).collect();
        assert_eq!(of_another_type(&known, "shop"), Vec::<String>::new());
        assert_eq!(of_another_type(&HashMap::new(), "shop"), Vec::<String>::new());
        known.insert("SunSource".to_owned(), IndexedValueType::Text.into());
        let said = of_another_type(&known, "shop");
        assert_eq!(said.len(), 1, "{said:?}");
        for words in [
            "SunSource is registered as INDEXED_VALUE_TYPE_TEXT, and has to be Keyword",
            "remove --namespace shop --name SunSource",
        ] {
            assert!(said[0].contains(words), "{words:?} is missing in {}", said[0]);
        }
        let commands = ["temporal operator search-attribute create …".to_owned()];
        let full = "cannot have more than 10 search attribute of type Keyword.";
        let said = not_registered("shop", full, &commands);
        for words in ["has no room for them", full, "remove some that nobody uses", "create …"] {
            assert!(said.contains(words), "{words:?} is missing in {said}");
        }
        assert!(!not_registered("shop", "no permission", &commands).contains("no room"));
    }

    /// S4
    #[test]
    fn temporals_key_is_trimmed_or_refused_by_name() {
        for written in ["key-1", "key-1\n", " key-1\r\n", "\u{feff}key-1"] {
            assert_eq!(api_key(written).ok().as_deref(), Some("key-1"), "{written:?}");
        }
        for wrong in ["key-1\nkey-2", "\"key-1\"", " \n"] {
            let said = api_key(wrong).expect_err("refused").to_string();
            assert!(said.starts_with("TEMPORAL_API_KEY") && !said.contains("key-1"), "{said}");
        }
    }
}
