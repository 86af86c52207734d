//! The connection to Temporal: its own environment variables and profiles, flags on top.

use std::env;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reach::{Reason, Switches};
use temporalio_client::errors::ClientConnectError;
use temporalio_client::{Client, ClientOptions, ConnectionOptions, Url};
use temporalio_common::envconfig::{
    ClientConfigProfile, ConfigError, LoadClientConfigProfileOptions, load_client_config_profile,
};

use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::Out;

/// How long a connection may take before it counts as impossible.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The dev server's Web UI.
const LOCAL_WEB_UI: &str = "http://localhost:8233";
/// Names that other programs and old samples use, and what is read instead.
const OLD_NAMES: [(&str, &str); 3] = [
    ("TEMPORAL_SERVICE_ADDRESS", "TEMPORAL_ADDRESS"),
    ("TEMPORAL_TLS_CERT", "TEMPORAL_TLS_CLIENT_CERT_PATH"),
    ("TEMPORAL_TLS_KEY", "TEMPORAL_TLS_CLIENT_KEY_PATH"),
];

/// The connection flags that were typed; they win over the environment and the profile.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    /// Which profile of temporal.toml.
    pub(crate) profile_name: Option<String>,
    /// Its settings that were typed.
    pub(crate) profile: ClientConfigProfile,
    /// Where the Web UI is.
    pub(crate) web_ui: Option<Url>,
}

/// Where to connect, and how.
pub(crate) struct Settings {
    connection: ConnectionOptions,
    client: ClientOptions,
    web_ui: Option<Url>,
}

/// A connection.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) identity: String,
    web_ui: Option<Url>,
}

impl Settings {
    /// Reads environment, profile and flags; connects to nothing.
    pub(crate) fn load(typed: Typed, out: &Out) -> Result<Self, Failure> {
        say_what_is_not_read(out);
        let options =
            LoadClientConfigProfileOptions::builder().maybe_config_file_profile(typed.profile_name).build();
        let mut profile = load_client_config_profile(options, None).map_err(bad_settings)?;
        say_what_has_no_effect(&profile, out);
        lay_over(&mut profile, typed.profile);
        profile.api_key = profile.api_key.as_deref().map(api_key).transpose()?;
        let namespace = profile.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let mut connection = ConnectionOptions::try_from(profile).map_err(bad_settings)?;
        // Unique, so that the first event of a run tells whether it was this call that started it.
        connection.identity = format!(
            "starter {} pid {} at {}",
            env!("CARGO_PKG_VERSION"),
            std::process::id(),
            Timestamp::now()
        );
        connection.connect_timeout = Some(CONNECT_LIMIT);
        // One short-lived connection has nothing to balance; without it a dead server is noticed at once.
        connection.dns_load_balancing = None;
        let web_ui = typed.web_ui.or_else(|| local_web_ui(&connection.target));
        Ok(Self { connection, client: ClientOptions::new(namespace).build(), web_ui })
    }

    /// Host and port, as a person would write them.
    pub(crate) fn address(&self) -> String {
        let target = &self.connection.target;
        let host = target.host_str().unwrap_or_default();
        target.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.client.namespace
    }

    pub(crate) fn uses_tls(&self) -> bool {
        self.connection.tls_options.is_some()
    }

    pub(crate) async fn connect(self) -> Result<Session, Failure> {
        let address = self.address();
        let identity = self.connection.identity.clone();
        if let Some(reason) = reach::contradiction(&self.connection) {
            return Err(unreached(&address, &reason));
        }
        let connecting = Client::connect(self.connection.clone(), self.client);
        let client = match tokio::time::timeout(CONNECT_LIMIT, connecting).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(not_connected(&address, &self.connection, &error)),
            Err(_) => {
                let silence = format!("no answer within {} s", CONNECT_LIMIT.as_secs());
                return Err(unreachable(&address, &silence));
            }
        };
        Ok(Session { client, identity, web_ui: self.web_ui })
    }
}

impl Session {
    pub(crate) fn namespace(&self) -> &str {
        &self.client.options().namespace
    }

    /// The page of one run in the Web UI, if it is known where that is.
    pub(crate) fn link(&self, workflow_id: &str, run_id: &str) -> Option<String> {
        link(self.web_ui.as_ref()?, self.namespace(), workflow_id, run_id)
    }
}

fn link(web_ui: &Url, namespace: &str, workflow_id: &str, run_id: &str) -> Option<String> {
    let mut link = web_ui.clone();
    link.path_segments_mut().ok()?.pop_if_empty().extend([
        "namespaces",
        namespace,
        "workflows",
        workflow_id,
        run_id,
        "history",
    ]);
    Some(link.into())
}

fn local_web_ui(target: &Url) -> Option<Url> {
    let host = target.host_str()?.trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if is_local { LOCAL_WEB_UI.parse().ok() } else { None }
}

/// Lays what was typed over what the environment and the profile say.
fn lay_over(profile: &mut ClientConfigProfile, typed: ClientConfigProfile) {
    replace(&mut profile.address, typed.address);
    replace(&mut profile.namespace, typed.namespace);
    replace(&mut profile.api_key, typed.api_key);
    if let Some(typed) = typed.tls {
        let tls = profile.tls.get_or_insert_default();
        replace(&mut tls.disabled, typed.disabled);
        replace(&mut tls.server_name, typed.server_name);
        replace(&mut tls.client_cert, typed.client_cert);
        replace(&mut tls.client_key, typed.client_key);
        replace(&mut tls.server_ca_cert, typed.server_ca_cert);
    }
}

/// Temporal's key as it can be sent: a line end behind it would not be, and without a word neither would the key.
fn api_key(written: &str) -> Result<String, Failure> {
    text::secret(written).map_err(|refusal| {
        let key = "TEMPORAL_API_KEY (or --api-key, or api_key in temporal.toml)";
        Failure::new(Exit::Usage, format!("{key} {}", refusal.problem)).fix(refusal.fix)
    })
}

fn replace<T>(setting: &mut Option<T>, typed: Option<T>) {
    if typed.is_some() {
        *setting = typed;
    }
}

fn say_what_is_not_read(out: &Out) {
    for (old, new) in OLD_NAMES {
        if env::var_os(old).is_some() {
            out.say(format!("note: {old} is not read; the name is {new}"));
        }
    }
    if let Some(file) = env::var_os("TEMPORAL_CONFIG_FILE").filter(|file| !file.is_empty())
        && !Path::new(&file).exists()
    {
        out.say(format!("note: TEMPORAL_CONFIG_FILE names {}, which does not exist", file.display()));
    }
}

fn say_what_has_no_effect(profile: &ClientConfigProfile, out: &Out) {
    if profile.codec.is_some() {
        out.say(
            "note: a codec endpoint is set, and this client does not use one: encrypted payloads stay unread",
        );
    }
    if profile.tls.as_ref().is_some_and(|tls| tls.disable_host_verification) {
        out.say("note: host verification is set to be off, and this client verifies anyway");
    }
}

fn bad_settings(error: ConfigError) -> Failure {
    Failure::new(Exit::Usage, format!("the connection settings are wrong: {error}"))
        .fix("check the --address, --profile and --tls-* flags, the TEMPORAL_* variables, and temporal.toml")
}

/// How TLS is switched on and off here.
const SWITCHES: Switches = Switches { on: "say --tls", off: "say --tls=false" };

fn not_connected(address: &str, options: &ConnectionOptions, error: &ClientConnectError) -> Failure {
    match (reach::reason(options, error), error) {
        (Some(reason), _) => unreached(address, &reason),
        (None, ClientConnectError::SystemInfoCallError(status)) => {
            Failure::of_status(status).during(format!("cannot connect to Temporal at {address}"))
        }
        (None, error) => unreachable(address, &error.to_string()),
    }
}

fn unreached(address: &str, reason: &Reason) -> Failure {
    match reason.fix(SWITCHES) {
        Some(fix) => {
            let message = format!("cannot connect to Temporal at {address}: {reason}");
            Failure::new(Exit::NoConnection, message).fix(fix)
        }
        None => unreachable(address, &reason.to_string()),
    }
}

fn unreachable(address: &str, why: &str) -> Failure {
    Failure::new(Exit::NoConnection, format!("cannot connect to Temporal at {address}: {why}")).fix(
        "is Temporal running? 'cargo xtask up' starts one; for another address use --address or TEMPORAL_ADDRESS",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a URL of this test")
    }

    #[test]
    fn a_link_encodes_the_workflow_id() {
        let linked = |base| link(&url(base), "default", "order/ORDER-001", "r-1");
        let expected = "http://localhost:8233/namespaces/default/workflows/order%2FORDER-001/r-1/history";
        assert_eq!(linked("http://localhost:8233").as_deref(), Some(expected));
        let expected =
            "https://ui.example.com/temporal/namespaces/default/workflows/order%2FORDER-001/r-1/history";
        assert_eq!(linked("https://ui.example.com/temporal/").as_deref(), Some(expected));
    }

    /// S4
    #[test]
    fn temporals_key_is_trimmed_or_refused_by_name() {
        for written in ["key-1", "key-1\n", " key-1\r\n", "\u{feff}key-1"] {
            assert_eq!(api_key(written).ok().as_deref(), Some("key-1"), "{written:?}");
        }
        for wrong in ["key-1\nkey-2", "'key-1'", " \n"] {
            let said = api_key(wrong).err().map(|failure| format!("{failure:?}")).unwrap_or_default();
            assert!(said.contains("TEMPORAL_API_KEY") && !said.contains("key-1"), "{said}");
        }
    }

    #[test]
    fn a_web_ui_is_assumed_on_this_machine_only() {
        for local in ["http://localhost:7233", "http://127.0.0.1:7233", "http://[::1]:7233"] {
            assert_eq!(local_web_ui(&url(local)), Some(url(LOCAL_WEB_UI)), "{local}");
        }
        assert_eq!(local_web_ui(&url("https://ns.tmprl.cloud:7233")), None);
    }
}
