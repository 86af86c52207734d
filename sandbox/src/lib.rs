//! A strict, stateful little shop over HTTP: platform, payment provider, carrier, mail and an ERP in one.
//!
//! It is what a newcomer, the tests and the benchmarks run against. It shares no types with the code it
//! serves, on purpose: a field that is named wrongly there is refused here.
//!
//! # Layout
//!
//! - `server` accepts connections, `http` has the routes, `service` is the way of a request: counted, struck
//!   by faults, carried out once, answered. `call` is the request, `operation` its name, `body`, `multipart` and
//!   `paging` read it strictly, `answer` is what goes back.
//! - `store` begins and ends transactions; `shop` is the shop inside one. An effect, its idempotency record
//!   and its line in the effects log are one transaction. `idempotency` keeps the records, and what was undone.
//! - `handlers` has the endpoints, one file per outside system.
//! - `erp` is the other system in the house: an ERP with records of its own, read under `/erp`.
//! - `smtp` receives mail, which goes the way of every request; `mailbox` shows it;
//!   `storefront` shows the shelves, both as pages of `html`.
//! - `control` is the interface under `/_sandbox`: `audit`, `effects`, `faults`, `switches`, `clock`, `seed`; `random`
//!   makes numbers that come again in the same order.
//! - `ledger` has every change of a price.
//! - `money` counts in whole minor units; `shutdown` hears that the sandbox is to stop.
//!
//! ```no_run
//! # async fn example() -> Result<(), sandbox::StartError> {
//! let running = sandbox::Sandbox::start(sandbox::Options::default()).await?;
//! println!("the shop is open at {}", running.url());
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod audit;
mod body;
mod call;
mod clock;
mod control;
mod effects;
mod erp;
mod faults;
mod handlers;
mod html;
mod http;
mod idempotency;
mod ledger;
mod mailbox;
mod money;
mod multipart;
mod operation;
mod paging;
mod random;
mod seed;
mod server;
mod service;
mod shop;
mod shutdown;
mod smtp;
mod store;
mod storefront;
mod switches;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use service::Service;
use shutdown::Shutdown;

pub use seed::Seed;
pub use store::{Database, StoreError};

/// How to run a sandbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to listen for mail by SMTP, if at all; port 0 takes a free one.
    pub smtp_listen: Option<SocketAddr>,
    /// Where the books are kept.
    pub database: Database,
    /// The bearer token the shop's endpoints ask for, if any.
    pub token: Option<String>,
    /// The content of a new database.
    pub seed: Seed,
}

impl Default for Options {
    /// A seeded shop in memory on a free port of the loopback interface, without a token and without SMTP.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            smtp_listen: None,
            database: Database::Memory,
            token: None,
            seed: Seed::Shop,
        }
    }
}

impl fmt::Debug for Options {
    /// Says whether there is a token, but not which.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listen, smtp_listen, database, token, seed } = self;
        let token = token.as_ref().map(|_| "…");
        let mut shown = formatter.debug_struct("Options");
        shown
            .field("listen", listen)
            .field("smtp_listen", smtp_listen)
            .field("database", database)
            .field("token", &token)
            .field("seed", seed);
        shown.finish()
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not one of this machine.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error("cannot open the database: {0}")]
    Database(#[from] StoreError),
    /// The thread that opens the database ended early.
    #[error("cannot open the database: {0}")]
    Thread(#[from] JoinError),
}

/// The sandbox.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Opens the books and starts to serve.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let Options { listen, smtp_listen, database, token, seed } = options;
        let (listener, address) = bind(listen).await?;
        let smtp = match smtp_listen {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        let base_url = format!("http://{}", reachable(address));
        let store =
            tokio::task::spawn_blocking(move || store::Store::open(&database, seed, base_url)).await??;

        let stop = watch::Sender::new(false);
        let shutdown = Shutdown::new(stop.subscribe());
        let service = Arc::new(Service::new(store, token, shutdown.clone()));
        let sweeper = tokio::spawn(server::sweep(Arc::clone(&service), shutdown.clone()));
        let mut tasks = vec![sweeper];
        let smtp_address = smtp.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = smtp {
            tasks.push(tokio::spawn(smtp::serve(listener, Arc::clone(&service), shutdown.clone())));
        }
        tasks.push(tokio::spawn(server::serve(listener, http::router(service), shutdown)));
        Ok(Running { address, smtp_address, stop, tasks })
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let unheard = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(unheard)?;
    let bound = listener.local_addr().map_err(unheard)?;
    Ok((listener, bound))
}

/// An address to send requests to: "any address" is reached on the loopback interface.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if address.ip().is_unspecified() { loopback } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// A sandbox that serves; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    smtp_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, such as `http://127.0.0.1:8484`.
    pub fn url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// Its mail server, such as `smtp://127.0.0.1:1025`, if it has one.
    pub fn smtp_url(&self) -> Option<String> {
        self.smtp_address.map(|address| format!("smtp://{}", reachable(address)))
    }

    /// Stops it: open requests get a moment to finish, replies that are withheld are lost.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            // A task that panicked has stopped, too.
            drop(task.await);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
