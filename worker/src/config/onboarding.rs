//! The settings of customer onboarding: the key of the pseudonyms, the links in the mails, and their moments.

use std::path::PathBuf;
use std::time::Duration;

use activities::customers::Pseudonyms;
use activities::provider::{base_url, is_readable_by_others};
use clap::Args;
use pseudonym::{KEY_BYTES_MIN, RefKey};
use text::Problem;

use super::duration;
use super::problems::Problems;
use super::secret::secret;

const UNSUBSCRIBE_URL: &str = "SUN_UNSUBSCRIBE_URL";

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
    pub(super) fn pseudonyms(&self, problems: &mut Problems) -> Pseudonyms {
        let read = secret("SUN_REF_KEY", self.ref_key.as_deref(), self.ref_key_file.as_deref());
        let key = read.and_then(|key| key.map(|key| taken(&key)).transpose());
        let is_key_given = !matches!(key, Ok(None));
        let key = problems.take(key).flatten();
        let url = self.unsubscribe_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        let unsubscribe = url.and_then(|url| problems.take(base_url(UNSUBSCRIBE_URL, url)));
        if unsubscribe.is_some() && !is_key_given {
            problems.add(Problem::new(
                UNSUBSCRIBE_URL,
                "is set, but SUN_REF_KEY is not, so that no link could be made",
                "set the key, or remove the URL",
            ));
        }
        if let Some(url) = unsubscribe.as_ref().filter(|url| is_readable_by_others(url)) {
            let scheme = url.scheme();
            let what = format!("is {scheme}, and mail providers take one click over https only (RFC 8058)");
            problems.add(Problem::new(UNSUBSCRIBE_URL, what, "write it as https://…"));
        }
        if self.follow_up_recommendations <= self.follow_up_tips {
            problems.add(Problem::new(
                "SUN_FOLLOW_UP_RECOMMENDATIONS",
                "is not longer than SUN_FOLLOW_UP_TIPS, and the mails go out one after the other",
                "lengthen it",
            ));
        }
        Pseudonyms { key, unsubscribe }
    }
}

fn taken(key: &str) -> Result<RefKey, Problem> {
    RefKey::new(key).map_err(|problem| {
        let fix = format!("use at least {KEY_BYTES_MIN} random bytes, such as `openssl rand -hex 32` writes");
        Problem::new("SUN_REF_KEY", problem.to_string(), fix)
    })
}
