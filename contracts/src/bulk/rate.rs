//! How fast rows are written.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Rows a second, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Rate(NonZeroU32);

/// No row would ever be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("0 rows a second would never end: give 1 or more, or leave the rate out for no limit")]
pub struct RateError;

impl Rate {
    /// A hundred rows a second: batches of a hundred with a second between them.
    pub const DEFAULT: Self = Self(NonZeroU32::MIN.saturating_add(99));

    /// From one row of one to the next.
    #[must_use]
    pub fn between(self) -> Duration {
        Duration::from_secs(1) / self.0.get()
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<u32> for Rate {
    type Error = RateError;

    fn try_from(rows_per_second: u32) -> Result<Self, RateError> {
        NonZeroU32::new(rows_per_second).map(Self).ok_or(RateError)
    }
}

impl From<Rate> for u32 {
    fn from(rate: Rate) -> Self {
        rate.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rows_a_second_is_refused_with_the_fix() {
        let refused = serde_json::from_str::<Rate>("0").expect_err("refused").to_string();
        assert!(refused.contains("give 1 or more"), "{refused}");
        assert!(serde_json::from_str::<Rate>("-1").is_err());
    }

    #[test]
    fn a_rate_is_a_number_on_the_wire() -> Result<(), Box<dyn std::error::Error>> {
        let rate: Rate = serde_json::from_str("250")?;
        assert_eq!(rate, Rate::try_from(250)?);
        assert_eq!(serde_json::to_string(&rate)?, "250");
        assert_eq!(rate.between(), Duration::from_millis(4));
        assert_eq!(u32::from(Rate::default()), 100);
        Ok(())
    }
}
