//! The payment provider, and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use activities::http::{Credential, Endpoint};
use activities::payment::stripe::StripeEndpoint;
use clap::{Args, ValueEnum};
use reqwest::Url;

use super::check::{base_url, secret};

/// The provider's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Provider {
    /// The platform, or what speaks like it at SUN_PAYMENT_API_URL.
    Platform,
    /// Stripe: cards only.
    Stripe,
}

/// Who takes the money.
#[derive(Debug, Args)]
#[command(next_help_heading = "Payment provider")]
pub(super) struct ProviderArgs {
    /// Who takes the money.
    #[arg(long, env = "SUN_PAYMENT_PROVIDER", default_value = "platform", value_enum, value_name = "NAME")]
    payment_provider: Provider,
    /// Stripe's secret key: sk_…, or a restricted rk_… that may write PaymentIntents and refunds.
    #[arg(long, env = "SUN_STRIPE_SECRET_KEY", value_name = "KEY", hide_env_values = true)]
    stripe_secret_key: Option<String>,
    /// File that holds Stripe's secret key.
    #[arg(long, env = "SUN_STRIPE_SECRET_KEY_FILE", value_name = "FILE")]
    stripe_secret_key_file: Option<PathBuf>,
    /// Base URL of Stripe's API.
    #[arg(long, env = "SUN_STRIPE_API_URL", default_value = "https://api.stripe.com", value_name = "URL")]
    stripe_api_url: String,
    /// Where Stripe sends customers back to after 3-D Secure; without it the shop's checkout goes through it with
    /// Stripe's client library.
    #[arg(long, env = "SUN_STRIPE_RETURN_URL", value_name = "URL")]
    stripe_return_url: Option<String>,
}

/// The payment provider, checked.
#[derive(Clone, Debug)]
pub enum Payment {
    /// The platform, or what speaks like it.
    Platform(Endpoint),
    /// Stripe.
    Stripe(StripeEndpoint),
}

impl Payment {
    /// Requests that one attempt of a payment step makes, one after the other, at most: at the platform a void,
    /// a look for a payment it left out, a refund and a look at what is left; at Stripe a look-up (two), and twice
    /// reading, looking for failed refunds and acting.
    pub(super) fn requests_max(&self) -> u32 {
        match self {
            Self::Platform(_) => 4,
            Self::Stripe(_) => 8,
        }
    }
}

impl ProviderArgs {
    /// Chooses. `platform` is the endpoint where `SUN_PAYMENT_API_URL` (or the platform) is; `is_platform_set`
    /// whether it was set by hand.
    pub(super) fn check(
        self,
        platform: Option<Endpoint>,
        is_platform_set: bool,
        (timeout, response_bytes_max): (Duration, usize),
        problems: &mut Vec<String>,
    ) -> Option<Payment> {
        let key = self.stripe_secret_key.filter(|key| !key.trim().is_empty());
        let is_stripe_set = key.is_some() || self.stripe_secret_key_file.is_some();
        if self.payment_provider == Provider::Platform {
            if is_stripe_set {
                problems.push(
                    "SUN_STRIPE_SECRET_KEY is set, but SUN_PAYMENT_PROVIDER is platform, so that Stripe would \
                     not be used: set SUN_PAYMENT_PROVIDER to stripe, or remove the key"
                        .to_owned(),
                );
            }
            return platform.map(Payment::Platform);
        }
        if is_platform_set {
            problems.push(
                "SUN_PAYMENT_API_URL or its token is set, but SUN_PAYMENT_PROVIDER is stripe, so that they would \
                 not be used: remove them, or set SUN_PAYMENT_PROVIDER to platform"
                    .to_owned(),
            );
        }
        let base = base_url("SUN_STRIPE_API_URL", &self.stripe_api_url, problems);
        let return_url = self.stripe_return_url.filter(|url| !url.is_empty());
        let return_url = return_url.and_then(|url| base_url("SUN_STRIPE_RETURN_URL", &url, problems));
        let Some(key) = secret("SUN_STRIPE_SECRET_KEY", key, self.stripe_secret_key_file, problems) else {
            if !is_stripe_set {
                problems.push(
                    "SUN_STRIPE_SECRET_KEY is missing: set it, or SUN_STRIPE_SECRET_KEY_FILE, to the secret key of \
                     Stripe's dashboard (sk_… or rk_…)"
                        .to_owned(),
                );
            }
            return None;
        };
        if let Some(problem) = flaw(&key) {
            problems.push(problem.to_owned());
        }
        let base = base?;
        let is_live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        if is_live && is_readable_by_others(&base) {
            problems.push(
                "SUN_STRIPE_API_URL is not https: a live key would travel in the open; write it as https://…"
                    .to_owned(),
            );
        }
        let secret_key = Credential::new(key);
        Some(Payment::Stripe(StripeEndpoint { base, secret_key, return_url, timeout, response_bytes_max }))
    }
}

/// The fault of a key, with the fix; never the key itself.
fn flaw(key: &str) -> Option<&'static str> {
    if key.starts_with("pk_") {
        Some("SUN_STRIPE_SECRET_KEY is a publishable key (pk_…): use the secret one, sk_… or rk_…")
    } else if !key.starts_with("sk_") && !key.starts_with("rk_") {
        Some("SUN_STRIPE_SECRET_KEY is no secret key of Stripe: they begin with sk_ or rk_")
    } else {
        None
    }
}

/// Whether what is sent there travels in the open, off this machine.
pub(super) fn is_readable_by_others(url: &Url) -> bool {
    let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() != "https" && !is_loopback
}
