//! The settings of customer onboarding: the loyalty programme, the key of the pseudonyms, the moments of the mails.

use std::path::PathBuf;
use std::time::Duration;

use activities::customers::Pseudonyms;
use clap::Args;
use pseudonym::{KEY_BYTES_MIN, RefKey};

use super::check::{Given, base_url, secret};
use super::duration;
use super::payment::is_readable_by_others;

/// Onboarding.
#[derive(Debug, Args)]
#[command(next_help_heading = "Customer onboarding (durations: 500ms, 20s, 15m, 24h)")]
pub(super) struct OnboardingArgs {
    /// Key of the customers' pseudonyms, the starter's too, at least 16 bytes; without it no customer is onboarded.
    #[arg(long, env = "SUN_REF_KEY", value_name = "KEY", hide_env_values = true)]
    ref_key: Option<String>,
    /// File that holds that key.
    #[arg(long, env = "SUN_REF_KEY_FILE", value_name = "FILE")]
    ref_key_file: Option<PathBuf>,
    /// Where the one-click links in marketing mails lead: URL/<pseudonym>/<customer id>/<token>. Point it, https, at
    /// /unsubscribe of a worker's webhook door (SUN_WEBHOOK_LISTEN). Without it these mails have no link.
    #[arg(long, env = "SUN_UNSUBSCRIBE_URL", value_name = "URL")]
    unsubscribe_url: Option<String>,
    /// Base URL of the loyalty programme; default: the platform.
    #[arg(long, env = "SUN_LOYALTY_API_URL", value_name = "URL")]
    loyalty_api_url: Option<String>,
    /// Bearer token for the loyalty programme.
    #[arg(long, env = "SUN_LOYALTY_API_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    loyalty_api_token: Option<String>,
    /// File that holds the token for the loyalty programme.
    #[arg(long, env = "SUN_LOYALTY_API_TOKEN_FILE", value_name = "FILE")]
    loyalty_api_token_file: Option<PathBuf>,
    /// How long opening an account, giving points or a coupon is retried.
    #[arg(long, env = "SUN_ACCOUNT_PATIENCE", default_value = "10m", value_parser = duration, value_name = "TIME")]
    pub(super) account_patience: Duration,
    /// From the registration to the mail with tips.
    #[arg(long, env = "SUN_FOLLOW_UP_TIPS", default_value = "24h", value_parser = duration, value_name = "TIME")]
    pub(super) follow_up_tips: Duration,
    /// From the registration to the mail with recommendations.
    #[arg(long, env = "SUN_FOLLOW_UP_RECOMMENDATIONS", default_value = "168h", value_parser = duration,
          value_name = "TIME")]
    pub(super) follow_up_recommendations: Duration,
}

impl OnboardingArgs {
    /// The loyalty programme as it was configured.
    pub(super) fn loyalty(&self) -> Given {
        Given {
            system: "loyalty",
            variable: "SUN_LOYALTY_API",
            url: self.loyalty_api_url.clone(),
            token: self.loyalty_api_token.clone(),
            token_file: self.loyalty_api_token_file.clone(),
        }
    }

    pub(super) fn pseudonyms(&self, problems: &mut Vec<String>) -> Pseudonyms {
        let key = secret("SUN_REF_KEY", self.ref_key.clone(), self.ref_key_file.clone(), problems);
        let key = key.and_then(|key| {
            let taken = RefKey::new(&key).map_err(|problem| {
                problems.push(format!(
                    "SUN_REF_KEY {problem}: use at least {KEY_BYTES_MIN} random bytes, such as \
                     `openssl rand -hex 32` writes"
                ));
            });
            taken.ok()
        });
        let url = self.unsubscribe_url.clone().filter(|url| !url.is_empty());
        let unsubscribe = url.and_then(|url| base_url("SUN_UNSUBSCRIBE_URL", &url, problems));
        if unsubscribe.is_some() && self.ref_key.is_none() && self.ref_key_file.is_none() {
            problems.push(
                "SUN_UNSUBSCRIBE_URL is set, but SUN_REF_KEY is not, so that no link could be made: set the key, or \
                 remove the URL"
                    .to_owned(),
            );
        }
        if let Some(url) = unsubscribe.as_ref().filter(|url| is_readable_by_others(url)) {
            problems.push(format!(
                "SUN_UNSUBSCRIBE_URL is {}, and mail providers take one click over https only (RFC 8058): write it as \
                 https://…",
                url.scheme()
            ));
        }
        if self.follow_up_recommendations <= self.follow_up_tips {
            problems.push(
                "SUN_FOLLOW_UP_RECOMMENDATIONS is not longer than SUN_FOLLOW_UP_TIPS: the mails go out one after the \
                 other; lengthen it"
                    .to_owned(),
            );
        }
        Pseudonyms { key, unsubscribe }
    }
}
