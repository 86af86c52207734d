//! Temporal servers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression};
use temporalio_common::protos::temporal::api::namespace::v1::NamespaceConfig;
use temporalio_common::protos::temporal::api::testservice::v1::{
    LockTimeSkippingRequest, SleepRequest, UnlockTimeSkippingRequest,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::UpdateNamespaceRequest;
use tonic::IntoRequest as _;
use workflows::search_attributes;

use crate::processes::{Leashed, free_port, tool};

const START_LIMIT: Duration = Duration::from_secs(60);
/// In a durable server's folder.
const SERVER_LOG: &str = "temporal.log";

struct DevServer {
    address: String,
    _process: Leashed,
}

static DEV_SERVER: Mutex<OnceLock<DevServer>> = Mutex::new(OnceLock::new());

/// Addresses of the servers that were started with the search attributes.
static HAVE_ATTRIBUTES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The address of the dev server that all tests of this run share; started by the first.
pub fn dev_server() -> anyhow::Result<String> {
    let server = DEV_SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = server.get() {
        return Ok(server.address.clone());
    }
    let port = free_port()?;
    let process = another_dev_server(port)?;
    let address = format!("127.0.0.1:{port}");
    server.get_or_init(|| DevServer { address: address.clone(), _process: process });
    Ok(address)
}

/// A dev server of a test's own.
pub struct OwnServer {
    /// Where it listens.
    pub address: String,
    _process: Leashed,
}

/// A dev server of a test's own that knows none of our search attributes.
pub fn bare_dev_server() -> anyhow::Result<OwnServer> {
    let port = free_port()?;
    let process = dev_server_on(port, false, None)?;
    Ok(OwnServer { address: format!("127.0.0.1:{port}"), _process: process })
}

/// A dev server of a test's own, in memory.
pub fn another_dev_server(port: u16) -> anyhow::Result<Leashed> {
    dev_server_on(port, true, None)
}

/// With a folder it works on a database file there, and says there what it has to say.
fn dev_server_on(port: u16, knows_attributes: bool, folder: Option<&Path>) -> anyhow::Result<Leashed> {
    if knows_attributes {
        HAVE_ATTRIBUTES.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("127.0.0.1:{port}"));
    }
    let (port, ui) = (port.to_string(), free_port()?.to_string());
    let mut args = vec!["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"];
    // The stock dev server dispatches on a 50 ms grid.
    args.extend(["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"]);
    args.extend(["--port", &port, "--http-port", &ui]);
    let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    for (name, kind) in search_attributes::all().into_iter().filter(|_| knows_attributes) {
        args.extend(["--search-attribute".to_owned(), format!("{name}={kind:?}")]);
    }
    let program = tool("TEMPORAL_CLI")?;
    let Some(folder) = folder else {
        return Leashed::start(&program, &args);
    };
    args.extend(["--db-filename".to_owned(), folder.join("temporal.db").display().to_string()]);
    Leashed::start_logging(&program, &args, &folder.join(SERVER_LOG))
}

/// Whether the server at this address was started with the search attributes. A test server of its own knows none
/// before a worker has registered them.
#[must_use]
pub fn has_attributes(address: &str) -> bool {
    HAVE_ATTRIBUTES.lock().unwrap_or_else(PoisonError::into_inner).contains(address)
}

/// A dev server on a database file: killed and started again, it goes on where it was.
pub struct Durable {
    port: u16,
    folder: PathBuf,
    process: Option<Leashed>,
}

impl Durable {
    /// Starts one on a file of its own.
    pub fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let folder = std::env::temp_dir().join(format!("sunflow-temporal-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let process = Some(dev_server_on(port, true, Some(&folder))?);
        Ok(Self { port, folder, process })
    }

    /// Where it listens, before and after a restart.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Bytes of its database, with what is on its way into it.
    pub fn bytes(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for file in std::fs::read_dir(&self.folder)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("temporal.db") {
                bytes += file.metadata()?.len();
            }
        }
        Ok(bytes)
    }

    /// `kill -9`; returns when it is gone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), Leashed::kill)
    }

    /// Starts it on its file; returns when it answers.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.process = Some(dev_server_on(self.port, true, Some(&self.folder))?);
        client(&self.address()).await.map(drop).with_context(|| {
            let log = std::fs::read_to_string(self.folder.join(SERVER_LOG)).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(5).collect();
            format!("Temporal did not come back; its last words, newest first: {last:#?}")
        })
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        let removed = self.kill().and_then(|()| Ok(std::fs::remove_dir_all(&self.folder)?));
        if let Err(error) = removed {
            eprintln!("{} is left behind: {error:#}", self.folder.display());
        }
    }
}

/// A client of a server that may still be starting.
pub async fn client(address: &str) -> anyhow::Result<Client> {
    install_crypto();
    let until = Instant::now() + START_LIMIT;
    loop {
        let target = reqwest::Url::parse(&format!("http://{address}"))?;
        let options = ConnectionOptions::new(target).grpc_compression(GrpcCompression::None).build();
        match Connection::connect(options).await {
            Ok(connection) => return Ok(Client::new(connection, ClientOptions::new("default").build())?),
            Err(error) if Instant::now() > until => {
                return Err(error).with_context(|| format!("no Temporal server at {address}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Has the server keep closed runs for so long; a dev server keeps them for a day.
pub async fn keep_closed_runs(client: &Client, time: Duration) -> anyhow::Result<()> {
    let config =
        NamespaceConfig { workflow_execution_retention_ttl: Some(time.try_into()?), ..Default::default() };
    let namespace = "default".to_owned();
    let update = UpdateNamespaceRequest { namespace, config: Some(config), ..Default::default() };
    client.connection().workflow_service().update_namespace(update.into_request()).await?;
    Ok(())
}

/// The retention that `starter doctor` wants.
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The one TLS provider, which every HTTP client asks for when it is built.
pub fn install_crypto() {
    // All install the same one, so it does not matter which is first.
    let _first = rustls::crypto::ring::default_provider().install_default().is_ok();
}

/// A time-skipping server of a test's own: its clock is shared by all its runs.
pub struct TimeSkipping {
    /// Where it listens.
    pub address: String,
    _process: Leashed,
}

impl TimeSkipping {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let process = Leashed::start(&tool("TEMPORAL_TEST_SERVER")?, &[port.to_string()])?;
        Ok(Self { address: format!("127.0.0.1:{port}"), _process: process })
    }

    /// Lets time jump while nothing but timers is pending, until `work` is done.
    pub async fn skipping<T>(&self, client: &Client, work: impl Future<Output = T>) -> anyhow::Result<T> {
        let mut time = client.connection().test_service();
        time.unlock_time_skipping(UnlockTimeSkippingRequest {}.into_request()).await?;
        let done = work.await;
        time.lock_time_skipping(LockTimeSkippingRequest {}.into_request()).await?;
        Ok(done)
    }

    /// Lets this much time pass.
    pub async fn sleep(&self, client: &Client, time: Duration) -> anyhow::Result<()> {
        let sleep = SleepRequest { duration: Some(time.try_into()?) };
        client.connection().test_service().unlock_time_skipping_with_sleep(sleep.into_request()).await?;
        Ok(())
    }
}
