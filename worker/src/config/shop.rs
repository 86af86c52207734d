//! The shop's systems that have one place each: the platform, the stock system, the message senders, the loyalty
//! programme.

use std::path::PathBuf;
use std::time::Duration;

use activities::http::{Credential, Endpoint, Names};
use activities::inventory::Lines;
use activities::provider::api_url;
use clap::Args;
use reqwest::Url;
use text::Problem;

use super::problems::Problems;
use super::secret::secret;

/// One outside system: where it is, and the token for it.
macro_rules! system_args {
    ($name:ident, $system:literal, $flag:literal, $variable:literal, $words:literal) => {
        #[derive(Debug, Args)]
        pub(super) struct $name {
            #[arg(id = concat!($flag, "-url"), long = concat!($flag, "-url"), env = concat!($variable, "_URL"),
                  value_name = "URL", help = concat!("Base URL of ", $words))]
            url: Option<String>,
            #[arg(id = concat!($flag, "-token"), long = concat!($flag, "-token"),
                  env = concat!($variable, "_TOKEN"), value_name = "TOKEN", hide_env_values = true,
                  help = concat!("Bearer token for ", $words))]
            token: Option<String>,
            #[arg(id = concat!($flag, "-token-file"), long = concat!($flag, "-token-file"),
                  env = concat!($variable, "_TOKEN_FILE"), value_name = "FILE",
                  help = concat!("File that holds the token for ", $words))]
            token_file: Option<PathBuf>,
        }

        impl $name {
            fn read(self, problems: &mut Problems) -> Read {
                Read {
                    system: $system,
                    names: Names::of(concat!($variable, "_URL"), concat!($variable, "_TOKEN")),
                    url: url(concat!($variable, "_URL"), self.url, problems),
                    token: token(concat!($variable, "_TOKEN"), self.token, self.token_file, problems),
                }
            }
        }
    };
}

system_args!(
    EcommerceArgs,
    "commerce",
    "ecommerce-api",
    "SUN_ECOMMERCE_API",
    "the Sun eCommerce platform (required)"
);
system_args!(
    InventoryArgs,
    "inventory",
    "inventory-api",
    "SUN_INVENTORY_API",
    "the stock system; default: the platform"
);
system_args!(
    NotificationArgs,
    "notification",
    "notification-api",
    "SUN_NOTIFICATION_API",
    "the message senders; default: the platform"
);
system_args!(
    LoyaltyArgs,
    "loyalty",
    "loyalty-api",
    "SUN_LOYALTY_API",
    "the loyalty programme; default: the platform"
);

/// The shop's systems. One that is not configured is taken to be the platform, with the platform's token; one
/// with a URL of its own never gets the platform's token.
#[derive(Debug, Args)]
#[command(next_help_heading = "The shop's systems")]
pub(super) struct ShopArgs {
    #[command(flatten)]
    ecommerce: EcommerceArgs,
    #[command(flatten)]
    inventory: InventoryArgs,
    #[command(flatten)]
    notification: NotificationArgs,
    #[command(flatten)]
    loyalty: LoyaltyArgs,
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

/// The shop's systems, checked.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The platform.
    pub commerce: Endpoint,
    /// The stock system.
    pub inventory: Endpoint,
    /// The message senders.
    pub notification: Endpoint,
    /// The loyalty programme.
    pub loyalty: Endpoint,
    /// How the stock system takes several lines.
    pub lines: Lines,
}

/// The limits of every request, whatever the system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Limit of one request, and of one mail.
    pub(super) timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub(super) response_bytes_max: usize,
    /// Attempts of a step before the point of no return, at most; 0: as many as its patience allows.
    pub(super) attempts_max: u32,
}

impl ShopArgs {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            timeout: Duration::from_millis(self.ecommerce_api_timeout),
            response_bytes_max: self.response_bytes_max as usize,
            attempts_max: self.ecommerce_api_retries,
        }
    }

    pub(super) fn check(self, problems: &mut Problems) -> Option<Shop> {
        let Limits { timeout, response_bytes_max, .. } = self.limits();
        let is_url_given = self.ecommerce.url.as_ref().is_some_and(|url| !url.trim().is_empty());
        if !is_url_given {
            problems.add(Problem::new(
                "SUN_ECOMMERCE_API_URL",
                "is missing",
                "set it to the base URL of the Sun eCommerce platform, such as http://127.0.0.1:8484 of a sandbox",
            ));
        }
        let platform = self.ecommerce.read(problems);
        let [inventory, notification, loyalty] =
            [self.inventory.read(problems), self.notification.read(problems), self.loyalty.read(problems)];
        let commerce = Endpoint {
            system: platform.system,
            base: platform.url?,
            version: self.ecommerce_api_version,
            token: platform.token,
            timeout,
            response_bytes_max,
            names: platform.names,
        };
        let of = |read: Read| commerce.elsewhere(read.system, read.url, read.token, read.names);
        let (inventory, notification, loyalty) = (of(inventory), of(notification), of(loyalty));
        let lines = if self.inventory_batch_reserve { Lines::Batch } else { Lines::OneByOne };
        Some(Shop { commerce, inventory, notification, loyalty, lines })
    }
}

/// One outside system as it was given.
struct Read {
    system: &'static str,
    names: Names,
    url: Option<Url>,
    token: Option<Credential>,
}

fn url(variable: &str, given: Option<String>, problems: &mut Problems) -> Option<Url> {
    let given = given.filter(|url| !url.trim().is_empty())?;
    problems.take(api_url(variable, given.trim()))
}

fn token(
    variable: &str,
    given: Option<String>,
    file: Option<PathBuf>,
    problems: &mut Problems,
) -> Option<Credential> {
    let token = problems.take(secret(variable, given.as_deref(), file.as_deref()));
    token.flatten().map(Credential::new)
}
