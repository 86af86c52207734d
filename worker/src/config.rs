//! The settings. `worker --help` is made from this file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use activities::customers::Pseudonyms;
use activities::http::Endpoint;
use activities::inventory::Lines;
use activities::mail::MailServer;
use activities::notification::TwilioEndpoint;
use clap::{Args, Parser, ValueEnum};
use reqwest::Url;
use workflows::policy::Figures;

use crate::door::DoorSettings;

mod bulk;
mod check;
mod door;
mod erp;
mod mail;
mod onboarding;
mod payment;
mod sms;
#[cfg(test)]
mod tests;
mod tuning;

pub use bulk::BulkSettings;
pub use check::Problems;
pub use erp::ErpSettings;
pub use payment::Payment;
pub use tuning::Tuning;

/// Runs Sunflow's business processes: polls Temporal, calls the shop's systems.
///
/// How to reach Temporal is read as every Temporal tool reads it: the variables `TEMPORAL_ADDRESS`,
/// `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS*` and the profiles of `temporal.toml`.
/// Secrets can be given by file: `SUN_…_TOKEN_FILE` instead of `SUN_…_TOKEN`.
#[derive(Debug, Parser)]
#[command(name = "worker", version, term_width = 100)]
pub struct Config {
    #[command(flatten)]
    temporal: TemporalArgs,
    #[command(flatten)]
    shop: ShopArgs,
    #[command(flatten)]
    provider: payment::ProviderArgs,
    #[command(flatten)]
    mail: mail::MailArgs,
    #[command(flatten)]
    sms: sms::SmsArgs,
    #[command(flatten)]
    onboarding: onboarding::OnboardingArgs,
    #[command(flatten)]
    patience: PatienceArgs,
    #[command(flatten)]
    operation: OperationArgs,
    #[command(flatten)]
    erp: erp::ErpArgs,
    #[command(flatten)]
    bulk: bulk::BulkArgs,
    #[command(flatten)]
    tuning: tuning::TuningArgs,
}

/// Which Temporal.
#[derive(Debug, Args)]
#[command(next_help_heading = "Temporal")]
struct TemporalArgs {
    /// Profile of temporal.toml to use (TEMPORAL_PROFILE).
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Temporal's address, host:port; wins over the profile (TEMPORAL_ADDRESS).
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Temporal's namespace; wins over the profile (TEMPORAL_NAMESPACE).
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Task queue to poll.
    #[arg(long, env = "SUN_TASK_QUEUE", default_value = workflows::TASK_QUEUE, value_name = "NAME")]
    task_queue: String,
    /// Name of the worker deployment; set it to switch worker versioning on.
    #[arg(long, env = "TEMPORAL_DEPLOYMENT_NAME", value_name = "NAME")]
    deployment_name: Option<String>,
    /// Build id of this worker within the deployment; default: a hash of the executable.
    #[arg(long, env = "TEMPORAL_WORKER_BUILD_ID", value_name = "ID")]
    build_id: Option<String>,
}

/// One outside system.
macro_rules! system_args {
    ($name:ident, $url:literal, $url_env:literal, $token:literal, $token_env:literal, $file:literal, $file_env:literal, $words:literal) => {
        #[derive(Debug, Args)]
        struct $name {
            #[arg(id = $url, long = $url, env = $url_env, value_name = "URL", help = concat!("Base URL of ", $words))]
            url: Option<String>,
            #[arg(id = $token, long = $token, env = $token_env, value_name = "TOKEN", hide_env_values = true,
                  help = concat!("Bearer token for ", $words))]
            token: Option<String>,
            #[arg(id = $file, long = $file, env = $file_env, value_name = "FILE",
                  help = concat!("File that holds the token for ", $words))]
            token_file: Option<PathBuf>,
        }
    };
}

system_args!(
    EcommerceArgs,
    "ecommerce-api-url",
    "SUN_ECOMMERCE_API_URL",
    "ecommerce-api-token",
    "SUN_ECOMMERCE_API_TOKEN",
    "ecommerce-api-token-file",
    "SUN_ECOMMERCE_API_TOKEN_FILE",
    "the Sun eCommerce platform (required)"
);
system_args!(
    InventoryArgs,
    "inventory-api-url",
    "SUN_INVENTORY_API_URL",
    "inventory-api-token",
    "SUN_INVENTORY_API_TOKEN",
    "inventory-api-token-file",
    "SUN_INVENTORY_API_TOKEN_FILE",
    "the stock system; default: the platform"
);
system_args!(
    PaymentArgs,
    "payment-api-url",
    "SUN_PAYMENT_API_URL",
    "payment-api-token",
    "SUN_PAYMENT_API_TOKEN",
    "payment-api-token-file",
    "SUN_PAYMENT_API_TOKEN_FILE",
    "payments that speak like the platform's; default: the platform"
);
system_args!(
    ShippingArgs,
    "shipping-api-url",
    "SUN_SHIPPING_API_URL",
    "shipping-api-token",
    "SUN_SHIPPING_API_TOKEN",
    "shipping-api-token-file",
    "SUN_SHIPPING_API_TOKEN_FILE",
    "the carrier; default: the platform"
);
system_args!(
    NotificationArgs,
    "notification-api-url",
    "SUN_NOTIFICATION_API_URL",
    "notification-api-token",
    "SUN_NOTIFICATION_API_TOKEN",
    "notification-api-token-file",
    "SUN_NOTIFICATION_API_TOKEN_FILE",
    "the message senders; default: the platform"
);

/// The shop's systems. One that is not configured is taken to be the platform, with the platform's token; one
/// with a URL of its own never gets the platform's token.
#[derive(Debug, Args)]
#[command(next_help_heading = "The shop's systems")]
struct ShopArgs {
    #[command(flatten)]
    ecommerce: EcommerceArgs,
    #[command(flatten)]
    inventory: InventoryArgs,
    #[command(flatten)]
    payment: PaymentArgs,
    #[command(flatten)]
    shipping: ShippingArgs,
    #[command(flatten)]
    notification: NotificationArgs,
    /// API version in the path: {base}/api/VERSION/…
    #[arg(long, env = "SUN_ECOMMERCE_API_VERSION", default_value = "v1", value_name = "VERSION")]
    ecommerce_api_version: String,
    /// Limit of one HTTP request, and of one mail, in milliseconds.
    #[arg(long, env = "SUN_ECOMMERCE_API_TIMEOUT", default_value_t = 30_000, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(100..=300_000))]
    ecommerce_api_timeout: u64,
    /// Attempts of a step before the point of no return, at most; 0: as many as its patience allows.
    #[arg(long, env = "SUN_ECOMMERCE_API_RETRIES", default_value_t = 0, value_name = "N")]
    ecommerce_api_retries: u32,
    /// Whether the stock system takes all lines of an order in one atomic call.
    #[arg(long, env = "SUN_INVENTORY_BATCH_RESERVE", default_value_t = true, action = clap::ArgAction::Set,
          value_name = "BOOL")]
    inventory_batch_reserve: bool,
    /// Largest answer that is read from an outside system, in bytes.
    #[arg(long, env = "SUN_RESPONSE_BYTES_MAX", default_value_t = 4 * 1024 * 1024, value_name = "BYTES",
          value_parser = clap::value_parser!(u32).range(65_536..))]
    response_bytes_max: u32,
}

/// How long a step is retried. Durations: 500ms, 20s, 15m, 24h.
#[derive(Debug, Args)]
#[command(next_help_heading = "Patience (durations: 500ms, 20s, 15m, 24h)")]
struct PatienceArgs {
    /// Undo: how long one undo is retried before a person is asked.
    #[arg(long, env = "SUN_UNDO_PATIENCE", default_value = "15m", value_parser = duration, value_name = "TIME")]
    undo_patience: Duration,
    /// Checks and bookkeeping before the point of no return.
    #[arg(long, env = "SUN_BOOKKEEPING_PATIENCE", default_value = "10m", value_parser = duration, value_name = "TIME")]
    bookkeeping_patience: Duration,
    /// Holding and confirming stock.
    #[arg(long, env = "SUN_STOCK_PATIENCE", default_value = "10m", value_parser = duration, value_name = "TIME")]
    stock_patience: Duration,
    /// Charging the customer.
    #[arg(long, env = "SUN_PAYMENT_PATIENCE", default_value = "15m", value_parser = duration, value_name = "TIME")]
    payment_patience: Duration,
    /// Buying a shipping label.
    #[arg(long, env = "SUN_CARRIER_PATIENCE", default_value = "30m", value_parser = duration, value_name = "TIME")]
    carrier_patience: Duration,
    /// What must be written after the point of no return.
    #[arg(long, env = "SUN_AFTERMATH_PATIENCE", default_value = "24h", value_parser = duration, value_name = "TIME")]
    aftermath_patience: Duration,
    /// Messages to the customer.
    #[arg(long, env = "SUN_NOTICE_PATIENCE", default_value = "6h", value_parser = duration, value_name = "TIME")]
    notice_patience: Duration,
    /// Pause before the second attempt; doubles from there.
    #[arg(long, env = "SUN_RETRY_FIRST", default_value = "1s", value_parser = duration, value_name = "TIME")]
    retry_first: Duration,
    /// Longest pause between attempts.
    #[arg(long, env = "SUN_RETRY_LONGEST", default_value = "60s", value_parser = duration, value_name = "TIME")]
    retry_longest: Duration,
    /// While a person is asked about something that got no answer: pause before the second try; doubles from there.
    #[arg(long, env = "SUN_ASKED_RETRY_FIRST", default_value = "5m", value_parser = duration, value_name = "TIME")]
    asked_retry_first: Duration,
    /// Longest pause between two such tries.
    #[arg(long, env = "SUN_ASKED_RETRY_LONGEST", default_value = "1h", value_parser = duration, value_name = "TIME")]
    asked_retry_longest: Duration,
    /// How soon a worker that vanished in the middle of a call is noticed.
    #[arg(long, env = "SUN_HEARTBEAT_TIMEOUT", default_value = "10s", value_parser = duration, value_name = "TIME")]
    heartbeat_timeout: Duration,
    /// How long an undo that found nothing waits before it believes that, where the provider cannot bar the key;
    /// default: the HTTP limit, at most a quarter of the undo's patience.
    #[arg(long, env = "SUN_SECOND_LOOK", value_parser = duration, value_name = "TIME")]
    second_look: Option<Duration>,
    /// One attempt of a quick step inside the workflow task, before it becomes an activity of its own.
    #[arg(long, env = "SUN_LOCAL_ATTEMPT", default_value = "1s", value_parser = duration, value_name = "TIME")]
    local_attempt: Duration,
}

/// How the worker runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
struct OperationArgs {
    /// Address of /healthz, /readyz and /metrics.
    #[arg(long, env = "SUN_WORKER_LISTEN", default_value = "127.0.0.1:9464", value_name = "HOST:PORT")]
    listen: SocketAddr,
    /// After SIGTERM: how long what is under way may take to finish.
    #[arg(long, env = "SUN_GRACE_PERIOD", default_value = "30s", value_parser = duration, value_name = "TIME")]
    grace_period: Duration,
    #[command(flatten)]
    door: door::DoorArgs,
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

/// The settings, checked: what a worker is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Profile of temporal.toml.
    pub profile: Option<String>,
    /// Temporal's address, if it is not to be taken from environment or profile.
    pub address: Option<String>,
    /// Temporal's namespace, if it is not to be taken from environment or profile.
    pub namespace: Option<String>,
    /// Task queue to poll.
    pub task_queue: String,
    /// Deployment name and build id, when worker versioning is on.
    pub deployment: Option<Deployment>,
    /// The platform.
    pub commerce: Endpoint,
    /// The stock system.
    pub inventory: Endpoint,
    /// The payment provider.
    pub payment: Payment,
    /// The carrier.
    pub shipping: Endpoint,
    /// The message senders.
    pub notification: Endpoint,
    /// The mail server, if mail does not go to the message senders.
    pub mail: Option<MailServer>,
    /// Twilio, if SMS do not go to the message senders.
    pub twilio: Option<TwilioEndpoint>,
    /// The loyalty programme.
    pub loyalty: Endpoint,
    /// The key of the customers' pseudonyms, and the address of the unsubscribe links.
    pub pseudonyms: Pseudonyms,
    /// The settings of syncs with ERPs.
    pub erp: ErpSettings,
    /// How much bulk work at once.
    pub bulk: BulkSettings,
    /// How the stock system takes several lines.
    pub lines: Lines,
    /// How long an undo that found nothing waits before it believes that.
    pub second_look: Duration,
    /// Timeouts and retries.
    pub policies: Figures,
    /// Address of the health endpoints.
    pub listen: SocketAddr,
    /// How long a drain may take.
    pub grace_period: Duration,
    /// The webhook door, if it is open.
    pub door: Option<DoorSettings>,
    /// Where the seed's metrics go.
    pub metrics_webhook: Option<Url>,
    /// Log filter.
    pub log_filter: String,
    /// Log format.
    pub log_format: LogFormat,
    /// How much at once.
    pub tuning: Tuning,
}

/// A worker version.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The deployment's name.
    pub name: String,
    /// This build's id within it.
    pub build_id: String,
}

fn duration(text: &str) -> Result<Duration, String> {
    let fix = "write a number and a unit: 500ms, 20s, 15m, 24h";
    let duration: jiff::SignedDuration = text.trim().parse().map_err(|_| fix.to_owned())?;
    let duration = Duration::try_from(duration).map_err(|_| format!("is negative; {fix}"))?;
    if duration.is_zero() { Err(format!("is zero; {fix}")) } else { Ok(duration) }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let text =
        std::fs::read_to_string(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(secret.to_owned())
}
