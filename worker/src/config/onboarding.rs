//! The settings of customer onboarding: the key of the pseudonyms, the links in the mails, and their moments.

use std::path::PathBuf;
use std::time::Duration;

use activities::customers::Pseudonyms;
use activities::provider::{base_url, is_readable_by_others};
use clap::Args;
use jiff::tz::TimeZone;
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
    /// /unsubscribe of a worker's webhook door (SUN_WEBHOOK_LISTEN). Without it these mails are kept back.
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
    /// How long the last follow-up mail is tried, an hour apart at most; one before it until the next one is due.
    #[arg(long, env = "SUN_FOLLOW_UP_PATIENCE", default_value = "72h", value_parser = duration, value_name = "TIME")]
    pub(super) follow_up_patience: Duration,
    /// Time zone of the quiet hours of customers for whom the platform names none, or none that is known: an IANA name,
    /// an offset, or the name that Windows has.
    #[arg(long, env = "SUN_SHOP_ZONE", default_value = "Asia/Ho_Chi_Minh", value_name = "ZONE")]
    shop_zone: String,
}

impl OnboardingArgs {
    /// The shop's own time zone.
    pub(super) fn zone(&self, problems: &mut Problems) -> Option<TimeZone> {
        problems.take(text::zone(&self.shop_zone).map_err(|refusal| refusal.of("SUN_SHOP_ZONE")))
    }

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

/// Whether marketing mails can leave; else why not, with the fix. `None`: no customer is onboarded here at all.
#[must_use]
pub fn way_out(pseudonyms: &Pseudonyms) -> Option<Result<&'static str, &'static str>> {
    pseudonyms.key.as_ref()?;
    Some(match pseudonyms.unsubscribe {
        Some(_) => Ok("have a link that ends them"),
        None => Err(
            "kept back, they would have no link that ends them: set SUN_UNSUBSCRIBE_URL to the https address \
                     of /unsubscribe at a worker's webhook door (SUN_WEBHOOK_LISTEN)",
        ),
    })
}

fn taken(key: &str) -> Result<RefKey, Problem> {
    RefKey::new(key).map_err(|problem| {
        let fix = format!("use at least {KEY_BYTES_MIN} random bytes, such as `openssl rand -hex 32` writes");
        Problem::new("SUN_REF_KEY", problem.to_string(), fix)
    })
}
