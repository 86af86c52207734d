//! Moments. A time that names no zone is read in the zone of its rule.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

/// Reads a moment; a date alone is its first one. A zone is the rule's, or stands in the text.
pub(crate) fn moment(text: &str, format: Option<&str>, zone: Option<&TimeZone>) -> Result<Timestamp, String> {
    let read = match format {
        Some(format) => formatted(text, format).ok_or("is no date in the format of its rule")?,
        None => standard(text).ok_or("is no date: give its format in the rule")?,
    };
    match read {
        Read::Moment(moment) => Ok(moment),
        Read::Local(local) => match zone {
            Some(zone) => local_in(local, zone),
            None => Err("has no zone: say it in the rule (zone)".to_owned()),
        },
        Read::Day(day) => {
            let begins = day.to_zoned(zone.cloned().unwrap_or(TimeZone::UTC));
            begins.map(|begins| begins.timestamp()).map_err(|_| "is out of range".to_owned())
        }
    }
}

/// Whether a format can be read at all: a date that is written by it must be read by it.
pub(crate) fn can_be_read(format: &str) -> bool {
    let sample =
        DateTime::constant(2026, 11, 24, 18, 30, 45, 0).to_zoned(TimeZone::fixed(Offset::constant(7)));
    let written = sample.ok().and_then(|sample| strtime::format(format, &sample).ok());
    written.is_some_and(|written| formatted(&written, format).is_some())
}

/// A time as a text gives it, before its rule's zone is applied.
enum Read {
    Moment(Timestamp),
    Local(DateTime),
    Day(Date),
}

fn formatted(text: &str, format: &str) -> Option<Read> {
    let parsed = strtime::parse(format, text).ok()?;
    if let Ok(zoned) = parsed.to_zoned() {
        return Some(Read::Moment(zoned.timestamp()));
    }
    if let Ok(moment) = parsed.to_timestamp() {
        return Some(Read::Moment(moment));
    }
    // A format without an hour says a day.
    match parsed.hour() {
        Some(_) => parsed.to_datetime().ok().map(Read::Local),
        None => parsed.to_date().ok().map(Read::Day),
    }
}

fn standard(text: &str) -> Option<Read> {
    let moment = || text.parse().ok().map(Read::Moment);
    // A datetime's reader takes a day, too, as its midnight.
    let day = || text.parse().ok().map(Read::Day).filter(|_| !text.contains([':', 'T', 't', ' ']));
    let local = || text.parse().ok().map(Read::Local);
    moment().or_else(day).or_else(local)
}

/// Clocks that are put back show an hour twice; put forward, they leave one out.
fn local_in(local: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let zoned = zone.to_ambiguous_zoned(local);
    if zoned.is_ambiguous() {
        return Err("is a time that its zone has twice, or never: export it with its offset".to_owned());
    }
    zoned.unambiguous().map(|zoned| zoned.timestamp()).map_err(|_| "is out of range".to_owned())
}
