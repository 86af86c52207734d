//! Settings of price runs: patience, and what the shop can do with prices.

use std::time::Duration;

use activities::prices::Abilities;
use clap::{ArgAction, Args};
use contracts::values::{Locale, Recipient};
use text::Problem;

use super::duration;
use super::problems::Problems;

/// Price runs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Price runs (durations: 500ms, 20s, 15m, 24h, 90d)")]
pub(super) struct PriceArgs {
    /// How long a minute of batches, or the check of a list, is retried: a run waits so long for a shop that is away or
    /// a token that is refused.
    #[arg(long, env = "SUN_PRICES_PATIENCE", default_value = "24h", value_parser = duration, value_name = "TIME")]
    pub(super) prices_patience: Duration,
    /// How long after its last write a run can be reverted: so long its before-images and outcomes are kept.
    #[arg(long, env = "SUN_PRICES_REVERTIBLE", default_value = "90d", value_parser = days, value_name = "TIME")]
    prices_revertible: Duration,
    /// Whether the shop compares a price with the expected one before it sets it. Otherwise the price is read, then
    /// written, and somebody else's in between is lost.
    #[arg(long, env = "SUN_PRICES_COMPARE", default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    prices_compare: bool,
    /// Whether the shop takes up to 1,000 prices with one request.
    #[arg(long, env = "SUN_PRICES_BATCH", default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    prices_batch: bool,
    /// Mail address of the shop's team, which hears of every run that went through. Without it only `/notifications` of
    /// the message senders is told.
    #[arg(long, env = "SUN_PRICES_TEAM_MAIL", value_name = "ADDRESS")]
    prices_team_mail: Option<String>,
    /// Language of that mail: vi-VN or en-US.
    #[arg(long, env = "SUN_PRICES_TEAM_LOCALE", default_value = "vi-VN", value_parser = locale, value_name = "LOCALE")]
    prices_team_locale: Locale,
}

/// Settings of price runs.
#[derive(Clone, Debug)]
pub struct PriceSettings {
    /// The shop's abilities with prices.
    pub abilities: Abilities,
    /// How long a run can be reverted.
    pub revertible: Duration,
    /// The team's mail address and language, if it wants mails.
    pub team: Option<(Recipient, Locale)>,
}

impl PriceArgs {
    pub(super) fn check(self, problems: &mut Problems) -> PriceSettings {
        let abilities = Abilities { compares: self.prices_compare, batches: self.prices_batch };
        let address = self.prices_team_mail.as_deref().map(str::trim).filter(|address| !address.is_empty());
        let address = address.and_then(|address| match text::mail_address(address) {
            Ok(address) => Some(address),
            Err(_) => {
                let fix = "write it as prices@shop.example.com, or leave it out";
                problems.add(Problem::new("SUN_PRICES_TEAM_MAIL", "is not a mail address", fix));
                None
            }
        });
        let team = address.map(|address| (Recipient::new(address), self.prices_team_locale));
        PriceSettings { abilities, revertible: self.prices_revertible, team }
    }
}

fn locale(tag: &str) -> Result<Locale, String> {
    Locale::from_tag(tag.trim()).ok_or_else(|| "there are texts in vi-VN and in en-US".to_owned())
}

/// A duration that may be written in days.
fn days(text: &str) -> Result<Duration, String> {
    match text.trim().strip_suffix('d').map(str::parse::<u64>) {
        Some(Ok(days)) if (1..=3_650).contains(&days) => Ok(Duration::from_secs(days * 24 * 60 * 60)),
        Some(_) => Err("write 1d to 3650d".to_owned()),
        None => duration(text),
    }
}
