//! Temporal servers.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};
use temporalio_common::protos::temporal::api::testservice::v1::{
    LockTimeSkippingRequest, SleepRequest, UnlockTimeSkippingRequest,
};
use tonic::IntoRequest as _;
use workflows::search_attributes;

use crate::processes::{Leashed, free_port, tool};

const START_LIMIT: Duration = Duration::from_secs(60);

struct DevServer {
    address: String,
    _process: Leashed,
}

static DEV_SERVER: Mutex<OnceLock<DevServer>> = Mutex::new(OnceLock::new());

/// The address of the dev server that all tests of this run share; started by the first.
///
/// # Errors
/// When it cannot be started.
pub fn dev_server() -> anyhow::Result<String> {
    let server = DEV_SERVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(server) = server.get() {
        return Ok(server.address.clone());
    }
    let port = free_port()?;
    let process = another_dev_server(port)?;
    let address = format!("127.0.0.1:{port}");
    server.get_or_init(|| DevServer { address: address.clone(), _process: process });
    Ok(address)
}

/// A dev server of a test's own, in memory.
///
/// # Errors
/// When it cannot be started.
pub fn another_dev_server(port: u16) -> anyhow::Result<Leashed> {
    let (port, ui) = (port.to_string(), free_port()?.to_string());
    let mut args = vec!["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"];
    // The stock dev server dispatches on a 50 ms grid.
    args.extend(["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"]);
    args.extend(["--port", &port, "--http-port", &ui]);
    let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    for (name, kind) in search_attributes::all() {
        args.extend(["--search-attribute".to_owned(), format!("{name}={kind:?}")]);
    }
    Leashed::start(&tool("TEMPORAL_CLI")?, &args)
}

/// The address of the dev server, if it was started; else empty.
#[must_use]
pub fn dev_server_known() -> String {
    let server = DEV_SERVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    server.get().map(|server| server.address.clone()).unwrap_or_default()
}

/// A client of a server that may still be starting.
///
/// # Errors
/// When it does not answer in time.
pub async fn client(address: &str) -> anyhow::Result<Client> {
    install_crypto();
    let until = Instant::now() + START_LIMIT;
    loop {
        let target = reqwest::Url::parse(&format!("http://{address}"))?;
        match Connection::connect(ConnectionOptions::new(target).build()).await {
            Ok(connection) => return Ok(Client::new(connection, ClientOptions::new("default").build())?),
            Err(error) if Instant::now() > until => {
                return Err(error).with_context(|| format!("no Temporal server at {address}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The one TLS provider, which every HTTP client asks for when it is built.
pub fn install_crypto() {
    // Whoever is first; all install the same one.
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
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let process = Leashed::start(&tool("TEMPORAL_TEST_SERVER")?, &[port.to_string()])?;
        Ok(Self { address: format!("127.0.0.1:{port}"), _process: process })
    }

    /// Lets time jump while nothing but timers is pending, until `work` is done.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn skipping<T>(&self, client: &Client, work: impl Future<Output = T>) -> anyhow::Result<T> {
        let mut time = client.connection().test_service();
        time.unlock_time_skipping(UnlockTimeSkippingRequest {}.into_request()).await?;
        let done = work.await;
        time.lock_time_skipping(LockTimeSkippingRequest {}.into_request()).await?;
        Ok(done)
    }

    /// Lets this much time pass.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn sleep(&self, client: &Client, time: Duration) -> anyhow::Result<()> {
        let sleep = SleepRequest { duration: Some(time.try_into()?) };
        client.connection().test_service().unlock_time_skipping_with_sleep(sleep.into_request()).await?;
        Ok(())
    }
}
