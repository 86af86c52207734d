//! Settings of price runs: patience, and what the shop can do with prices.

use std::time::Duration;

use activities::prices::Abilities;
use clap::{ArgAction, Args};

use super::duration;

/// Price runs.
#[derive(Clone, Copy, Debug, Args)]
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
}

/// Settings of price runs.
#[derive(Clone, Copy, Debug)]
pub struct PriceSettings {
    /// The shop's abilities with prices.
    pub abilities: Abilities,
    /// How long a run can be reverted.
    pub revertible: Duration,
}

impl PriceArgs {
    pub(super) fn read(self) -> PriceSettings {
        let abilities = Abilities { compares: self.prices_compare, batches: self.prices_batch };
        PriceSettings { abilities, revertible: self.prices_revertible }
    }
}

/// A duration that may be written in days.
fn days(text: &str) -> Result<Duration, String> {
    match text.trim().strip_suffix('d').map(str::parse::<u64>) {
        Some(Ok(days)) if (1..=3_650).contains(&days) => Ok(Duration::from_secs(days * 24 * 60 * 60)),
        Some(_) => Err("write 1d to 3650d".to_owned()),
        None => duration(text),
    }
}
