//! Moments. A time that names no zone is read in the zone of its rule.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

/// Reads a moment; a date alone is its first one. A zone is the rule's, or stands in the text.
///
/// # Errors
/// The problem with the text, to be read after its field's name.
pub fn moment(text: &str, format: Option<&str>, zone: Option<&TimeZone>) -> Result<Timestamp, String> {
    let read = match format {
        Some(format) => formatted(text, format)?,
        None => standard(text)?,
    };
    let moment = match read {
        Read::Moment(moment) => Ok(moment),
        Read::Local(local) => match zone {
            Some(zone) => local_in(local, zone),
            None => Err("has no zone: say it in the rule (zone)".to_owned()),
        },
        Read::Day(day) => {
            let begins = day.to_zoned(zone.cloned().unwrap_or(TimeZone::UTC));
            begins.map(|begins| begins.timestamp()).map_err(|_| "is out of range".to_owned())
        }
    }?;
    // Databases and programs have a first day of all, for where nobody said one: `0001-01-01`.
    match moment.to_zoned(TimeZone::UTC).year() < FIRST_YEAR {
        true => Err(format!("is before the year {FIRST_YEAR}: leave it out where no date is meant")),
        false => Ok(moment),
    }
}

/// Nobody's orders are older.
const FIRST_YEAR: i16 = 1000;

/// Whether a format can be read at all: a date that is written by it must be read by it.
pub(crate) fn can_be_read(format: &str) -> bool {
    let sample =
        DateTime::constant(2026, 11, 24, 18, 30, 45, 0).to_zoned(TimeZone::fixed(Offset::constant(7)));
    let written = sample.ok().and_then(|sample| strtime::format(format, &sample).ok());
    // Half past six in the evening, or no hour at all: `%I` without `%p` would make a morning of it.
    let hour = |read: Read| match read {
        Read::Moment(moment) => Some(Offset::constant(7).to_datetime(moment).hour()),
        Read::Local(local) => Some(local.hour()),
        Read::Day(_) => None,
    };
    let read = written.and_then(|written| formatted(&written, format).ok());
    read.is_some_and(|read| hour(read).is_none_or(|hour| hour == 18))
}

/// A time as a text gives it, before its rule's zone is applied.
enum Read {
    Moment(Timestamp),
    Local(DateTime),
    Day(Date),
}

fn formatted(text: &str, format: &str) -> Result<Read, String> {
    let no_date = || "is no date in the format of its rule".to_owned();
    let parsed = strtime::parse(format, text).map_err(|_| no_date())?;
    // `%Y` takes two digits as well.
    if parsed.year().is_some_and(|year| year < 1000) {
        return Err("has a year of fewer than four digits: say %y in the rule's format".to_owned());
    }
    let zone = parsed.iana_time_zone().map(text::named_zone).transpose();
    let zone =
        zone.map_err(|refusal| format!("names a zone that cannot be used: that name {}", refusal.problem))?;
    let read = match (parsed.timestamp(), parsed.offset(), zone) {
        // With an offset and a zone, the two have to agree; a moment by its seconds has no need of either.
        (Some(_), None, None) => parsed.to_timestamp().ok().map(Read::Moment),
        (Some(_), _, _) | (None, Some(_), _) => match parsed.to_zoned() {
            Ok(zoned) => Some(Read::Moment(zoned.timestamp())),
            Err(_) if parsed.iana_time_zone().is_some() && parsed.to_datetime().is_ok() => {
                return Err("names an offset that its zone does not have at that time".to_owned());
            }
            Err(_) => None,
        },
        (None, None, Some(zone)) if parsed.hour().is_none() => {
            let begins = parsed.to_date().and_then(|day| day.to_zoned(zone));
            begins.ok().map(|begins| Read::Moment(begins.timestamp()))
        }
        (None, None, Some(zone)) => {
            let local = parsed.to_datetime().map_err(|_| no_date())?;
            Some(Read::Moment(local_in(local, &zone)?))
        }
        // A format without an hour says a day.
        (None, None, None) => match parsed.hour() {
            Some(_) => parsed.to_datetime().ok().map(Read::Local),
            None => parsed.to_date().ok().map(Read::Day),
        },
    };
    read.ok_or_else(no_date)
}

fn standard(text: &str) -> Result<Read, String> {
    if let Some(moment) = text::moment(text) {
        return moment.map(Read::Moment).map_err(|refusal| refusal.problem);
    }
    // A datetime's reader takes a day, too, as its midnight.
    let day = || text.parse().ok().map(Read::Day).filter(|_| !text.contains([':', 'T', 't', ' ']));
    let local = || text.parse().ok().map(Read::Local);
    day().or_else(local).ok_or_else(|| "is no date: give its format in the rule".to_owned())
}

/// Clocks that are put back show an hour twice; put forward, they leave one out.
fn local_in(local: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let zoned = zone.to_ambiguous_zoned(local);
    if zoned.is_ambiguous() {
        return Err("is a time that its zone has twice, or never: export it with its offset".to_owned());
    }
    zoned.unambiguous().map(|zoned| zoned.timestamp()).map_err(|_| "is out of range".to_owned())
}
