//! The sandbox clock: real time plus an offset that the control interface sets.

use jiff::Timestamp;
use serde::Deserialize;

use crate::answer::{Refusal, Stop};
use crate::body;
use crate::shop::Shop;

const OFFSET_SETTING: &str = "clock_offset_millis";

/// Real time, in milliseconds since 1970.
pub(crate) fn wall_millis() -> i64 {
    Timestamp::now().as_millisecond()
}

/// The sandbox's time, in milliseconds since 1970.
pub(crate) fn now(shop: &Shop<'_>) -> rusqlite::Result<i64> {
    let offset = shop.setting(OFFSET_SETTING)?.and_then(|text| text.parse::<i64>().ok());
    Ok(wall_millis().saturating_add(offset.unwrap_or(0)))
}

/// RFC 3339 in UTC.
pub(crate) fn text(millis: i64) -> String {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A change of the clock: exactly one of the two fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockChange {
    /// The new time; null goes back to real time.
    #[serde(default, deserialize_with = "body::present")]
    now: Option<Option<Timestamp>>,
    advance_seconds: Option<i64>,
}

/// Sets the clock and answers the new time; it keeps running from there.
pub(crate) fn change(shop: &Shop<'_>, change: &ClockChange) -> Result<i64, Stop> {
    let wall = wall_millis();
    let now = match (change.now, change.advance_seconds) {
        (Some(Some(now)), None) => now.as_millisecond(),
        (Some(None), None) => wall,
        (None, Some(seconds)) => shop.now.saturating_add(seconds.saturating_mul(1000)),
        _ => return Err(Refusal::invalid("now", "give either now or advance_seconds").into()),
    };
    if Timestamp::from_millisecond(now).is_err() {
        return Err(Refusal::invalid("advance_seconds", "leads out of the calendar").into());
    }
    shop.set_setting(OFFSET_SETTING, &(now - wall).to_string())?;
    Ok(now)
}
