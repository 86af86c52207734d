//! The worker: the one crate that knows every process and every outside system.
//!
//! - [`config`]: the settings, each with its environment variable; the reference is `worker --help`;
//! - `systems`: the connections to the outside systems;
//! - `registry`: two visible lists, processes and activities;
//! - `slots`: slots for each kind of bulk work;
//! - `temporal`: the connection to Temporal, waited for with back-off; search attributes; versioning;
//! - [`door`]: payment events from outside, signed, and clicks that end marketing mails; off unless configured;
//! - `health`: `/healthz`, `/readyz`, `/metrics` on one port;
//! - `metrics`: what is counted;
//! - `failing`: activities that fail, counted and logged;
//! - `waiting`: runs that wait for a person, counted once a minute;
//! - `webhook`: the optional metrics webhook;
//! - [`log`]: logs, on stderr.

pub mod config;
pub mod door;
mod failing;
mod health;
pub mod log;
mod metrics;
mod registry;
mod slots;
mod systems;
mod temporal;
mod waiting;
mod webhook;

use std::future::Future;
use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use temporalio_client::Client;
use temporalio_sdk::{Worker, WorkerOptions};
use tokio::runtime::{self, Runtime};

pub use config::{Config, Settings};

/// The runtime that a worker runs on. Workflows run on the thread that blocks on it, Temporal's core brings one of its
/// own; activities, HTTP and gRPC run on as many as [`config::Tuning`] says.
///
/// # Errors
/// When the operating system gives no threads.
pub fn runtime(settings: &Settings) -> io::Result<Runtime> {
    runtime::Builder::new_multi_thread().worker_threads(settings.tuning.io_threads).enable_all().build()
}

/// Runs a worker until `stop` is ready, then drains: what is under way may finish within the grace period.
///
/// # Errors
/// When it cannot listen, or Temporal refuses it for a reason that waiting does not mend.
pub async fn run(settings: Settings, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    // On the heap: it holds the settings and every connection.
    Box::pin(run_with(settings, stop, |_, _| Ok(()))).await
}

/// As [`run`]; `adjust` may add to what the worker does, or change how, before it starts: first the options of
/// processes and the shop's activities, then those of bulk work. For programs that embed the worker: the bench
/// registers processes of its own this way.
///
/// # Errors
/// As [`run`], and what `adjust` returns.
pub async fn run_with(
    settings: Settings,
    stop: impl Future<Output = ()> + Send + 'static,
    adjust: impl FnOnce(&mut WorkerOptions, &mut WorkerOptions) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    install_crypto();
    workflows::policy::install(settings.patience.policies.clone());
    if settings.pseudonyms.key.is_none() {
        tracing::warn!("SUN_REF_KEY is not set: no customer can be onboarded here");
    }
    if let Some(Err(why)) = config::way_out(&settings.pseudonyms) {
        tracing::warn!("marketing mails are {why}");
    }
    let systems = systems::Systems::connect(&settings)?;
    let exporter = metrics::Exporter::start().context("the metrics exporter cannot be started")?;
    let webhook = settings.operation.metrics_webhook.clone().map(webhook::Webhook::start).transpose()?;
    let counted = registry::counted();
    metrics::observe(&exporter, webhook, &counted);
    let waiting = waiting::Waiting::new(&exporter, &counted, settings.temporal.task_queue.clone());
    let status = Arc::new(health::Status::default());
    let server = health::serve(&settings, status.clone(), systems.probes(), exporter.address()).await?;

    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let asked = stopping.clone();
    tokio::spawn(async move {
        stop.await;
        asked.send_replace(true);
    });
    let runtime = exporter.runtime()?;
    let client = tokio::select! {
        client = temporal::connect(&settings, &exporter) => client?,
        _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
    };
    status.connected(client.clone());
    let door = match settings.door.clone() {
        Some(door) => Some(door::open(door, client.clone(), settings.temporal.task_queue.clone()).await?),
        None => None,
    };
    let (mut worker, mut bulk) = workers(&settings, systems, &client, &exporter, &runtime, adjust)?;
    let (shut_down, shut_down_bulk) = (worker.shutdown_handle(), bulk.shutdown_handle());
    let draining = status.clone();
    tokio::spawn(async move {
        let _stopped = stopped.wait_for(|stopped| *stopped).await.map(|_| ());
        draining.draining();
        shut_down();
        shut_down_bulk();
    });
    let counting = tokio::spawn(waiting.count(client)).abort_handle();
    status.polling();
    tracing::info!(task_queue = %settings.temporal.task_queue, health = %server.address(), "polling");
    let drain = || {
        stopping.send_replace(true);
    };
    let ran = together(Box::pin(worker.run()), Box::pin(bulk.run()), drain).await;
    let ran = ran.context("the worker stopped");
    if let Some(door) = door {
        door.abort();
    }
    counting.abort();
    server.stop();
    tracing::info!("stopped");
    ran
}

/// The worker of processes and the one of bulk work, not yet running.
fn workers(
    settings: &Settings,
    systems: systems::Systems,
    client: &Client,
    exporter: &metrics::Exporter,
    runtime: &temporalio_sdk::Runtime,
    adjust: impl FnOnce(&mut WorkerOptions, &mut WorkerOptions) -> anyhow::Result<()>,
) -> anyhow::Result<(Worker, Worker)> {
    let (mut options, mut bulk) = registry::options(settings, systems, client, exporter)?;
    adjust(&mut options, &mut bulk)?;
    let worker = Worker::new(runtime, client.clone(), options).context("the worker cannot be set up")?;
    let bulk =
        Worker::new(runtime, client.clone(), bulk).context("the worker of bulk work cannot be set up")?;
    Ok((worker, bulk))
}

/// Runs both to their ends. When one fails, the other is told to drain: dropped, it would leave requests under way.
async fn together<E>(
    one: impl Future<Output = Result<(), E>>,
    other: impl Future<Output = Result<(), E>>,
    drain: impl Fn(),
) -> Result<(), E> {
    let ended = |ran: Result<(), E>| {
        if ran.is_err() {
            drain();
        }
        ran
    };
    let (one, other) = tokio::join!(async { ended(one.await) }, async { ended(other.await) });
    one.and(other)
}

/// Two TLS stacks are linked in (gRPC's and HTTP's); both use the one provider installed here.
pub(crate) fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another worker in this operating-system process may have been first; then it is installed all the same.
        let _first = rustls::crypto::ring::default_provider().install_default().is_ok();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn when_one_worker_fails_the_other_drains() {
        for fails_first in [true, false] {
            let (drains, drained) = (tokio::sync::Notify::new(), Cell::new(false));
            let failing = async { Err("not let in") };
            let working = async {
                drains.notified().await;
                drained.set(true);
                Ok(())
            };
            let drain = || drains.notify_one();
            let ran = async {
                if fails_first {
                    together(failing, working, drain).await
                } else {
                    together(working, failing, drain).await
                }
            };
            let ran = tokio::time::timeout(Duration::from_secs(10), ran).await;
            assert_eq!((ran, drained.get()), (Ok(Err("not let in")), true));
        }
    }
}
