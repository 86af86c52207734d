//! How the worker runs: where it listens, how it stops, what it logs.

use std::net::SocketAddr;
use std::time::Duration;

use activities::provider::base_url;
use clap::{Args, ValueEnum};
use reqwest::Url;

use super::door::DoorArgs;
use super::duration;
use super::problems::Problems;

/// How the worker runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct OperationArgs {
    /// Address of /healthz, /readyz and /metrics.
    #[arg(long, env = "SUN_WORKER_LISTEN", default_value = "127.0.0.1:9464", value_name = "HOST:PORT")]
    listen: SocketAddr,
    /// After SIGTERM: how long what is under way may take to finish.
    #[arg(long, env = "SUN_GRACE_PERIOD", default_value = "30s", value_parser = duration, value_name = "TIME")]
    grace_period: Duration,
    #[command(flatten)]
    pub(super) door: DoorArgs,
    /// Where to POST the seed's workflow metrics (…/api/workflow-metrics); off by default.
    #[arg(long, env = "SUN_METRICS_WEBHOOK_URL", value_name = "URL")]
    metrics_webhook_url: Option<String>,
    /// Log filter, as `tracing` reads it.
    #[arg(
        long,
        env = "SUN_LOG",
        default_value = "info,temporalio_sdk_core=warn,temporalio_client=warn",
        value_name = "FILTER"
    )]
    log: String,
    /// Log format.
    #[arg(long, env = "SUN_LOG_FORMAT", default_value = "text", value_enum, value_name = "FORMAT")]
    log_format: LogFormat,
}

/// Log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How the worker runs, checked.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Address of the health endpoints.
    pub listen: SocketAddr,
    /// How long a drain may take.
    pub grace_period: Duration,
    /// Where the seed's metrics go.
    pub metrics_webhook: Option<Url>,
    /// Log filter.
    pub log_filter: String,
    /// Log format.
    pub log_format: LogFormat,
}

impl OperationArgs {
    /// The door is a part of its own.
    pub(super) fn check(self, problems: &mut Problems) -> (Operation, DoorArgs) {
        let Self { listen, grace_period, door, metrics_webhook_url, log, log_format } = self;
        let url = metrics_webhook_url.filter(|url| !url.trim().is_empty());
        let metrics_webhook =
            url.and_then(|url| problems.take(base_url("SUN_METRICS_WEBHOOK_URL", url.trim())));
        (Operation { listen, grace_period, metrics_webhook, log_filter: log, log_format }, door)
    }
}
