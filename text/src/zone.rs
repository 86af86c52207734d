//! Time zones, as people, databases and Windows name them, and moments that name theirs.

mod windows;

use jiff::Timestamp;
use jiff::fmt::temporal::{DateTimeParser, Pieces, TimeZoneAnnotationKind};
use jiff::tz::{Disambiguation, Offset, OffsetConflict, TimeZone};

use crate::{Refusal, key, refuse};

const NOT_ONE: &str = "is not a time zone";
const NAME: &str = "write an IANA name, such as Asia/Ho_Chi_Minh";
const NAME_OR_OFFSET: &str = "write an IANA name, such as Asia/Ho_Chi_Minh, or an offset, such as +07:00";
/// How far clocks are from that of Greenwich, in minutes.
const OFFSETS: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// A time zone: a name of the database that is built in (a text means the same on every machine), or how far its clocks
/// are ahead of Greenwich: `+07:00`, `+0700`, `+7`, `UTC+7`, `GMT+07:00`; or the name that Windows has, such as
/// `SE Asia Standard Time`.
///
/// `GMT+7` is read as people mean it: the clocks of Hanoi. In the language of POSIX, and in the database's `Etc/GMT+7`,
/// the same sign means the opposite, so such names are refused.
///
/// # Errors
/// When there is no such zone, or the name means the opposite of its look.
pub fn zone(text: &str) -> Result<TimeZone, Refusal> {
    let name = key(text, 60)?;
    match offset(&name) {
        Some(offset) => Ok(offset.to_time_zone()),
        None => named_zone(windows::iana(&name).unwrap_or(&name))
            .map_err(|refusal| Refusal { fix: NAME_OR_OFFSET.to_owned(), ..refusal }),
    }
}

/// The same where only a name is understood: a server, or a run, is given it as it is.
///
/// # Errors
/// When the database does not know it, or it means the opposite of its look.
pub fn named_zone(text: &str) -> Result<TimeZone, Refusal> {
    let name = key(text, 60)?;
    let small = name.to_ascii_lowercase();
    let is_inverted = small.strip_prefix("etc/gmt").is_some_and(|rest| {
        rest.starts_with(['+', '-']) && rest.bytes().any(|digit| matches!(digit, b'1'..=b'9'))
    });
    if is_inverted {
        return refuse(
            "means the opposite of what it says: the clocks of Etc/GMT+7 are seven hours behind",
            NAME,
        );
    }
    // The database knows these two, as names of no zone.
    if ["etc/unknown", "factory"].contains(&small.as_str()) {
        return refuse(NOT_ONE, NAME);
    }
    TimeZone::get(&name).or_else(|_| refuse(NOT_ONE, NAME))
}

/// A moment whose text says where its clock hangs: by an offset (`2026-11-24T06:30+07:00`, `…Z`), by a zone in brackets
/// (`2026-11-24T06:30[Europe/Berlin]`, RFC 9557), or by both. `None`: it says neither, or is not a time.
///
/// # Errors
/// When the zone is not known, has that time twice or never, or has another offset then.
pub fn moment(text: &str) -> Option<Result<Timestamp, Refusal>> {
    let pieces = Pieces::parse(text).ok();
    let Some(zone) = pieces.as_ref().and_then(Pieces::time_zone_annotation) else {
        return text.parse().ok().map(Ok);
    };
    if pieces.as_ref().is_some_and(|pieces| pieces.time().is_none()) {
        return Some(refuse("is a day with a zone", "write the day alone, or a time of it"));
    }
    if let TimeZoneAnnotationKind::Named(name) = zone.kind()
        && let Err(refusal) = named_zone(name.as_str())
    {
        let problem = format!("names a zone that cannot be used: that name {}", refusal.problem);
        return Some(refuse(problem, refusal.fix));
    }
    let read = STRICT.parse_zoned(text).map(|zoned| zoned.timestamp());
    Some(read.or_else(|_| refuse(NOT_THERE, "write the offset that the clock had")))
}

const STRICT: DateTimeParser =
    DateTimeParser::new().disambiguation(Disambiguation::Reject).offset_conflict(OffsetConflict::Reject);
const NOT_THERE: &str = "is a time that its zone has twice, or never, or not with that offset";

/// Hours and minutes ahead of Greenwich.
fn offset(name: &str) -> Option<Offset> {
    if name.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let is_prefix = |prefix: &&str| prefix.eq_ignore_ascii_case("utc") || prefix.eq_ignore_ascii_case("gmt");
    let rest = match name.get(..3).filter(is_prefix) {
        Some(_) => name[3..].trim_start(),
        None => name,
    };
    let (sign, digits) = match rest.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, rest.strip_prefix(['-', '\u{2212}'])?),
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some((hours, minutes)), _) => (hours, minutes),
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => (digits, "00"),
    };
    let number = |digits: &str, lengths: std::ops::RangeInclusive<usize>| {
        let are_digits =
            lengths.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        if are_digits { digits.parse::<i32>().ok() } else { None }
    };
    let (hours, minutes) = (number(hours, 1..=2)?, number(minutes, 2..=2).filter(|minutes| *minutes < 60)?);
    let ahead = sign * (hours * 60 + minutes);
    OFFSETS.contains(&ahead).then(|| Offset::from_seconds(ahead * 60).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(zone: Result<TimeZone, Refusal>) -> Result<f64, String> {
        let winter = "2026-01-15T00:00:00Z".parse::<jiff::Timestamp>().expect("a moment");
        zone.map(|zone| f64::from(zone.to_offset(winter).seconds()) / 3_600.0)
            .map_err(|refusal| refusal.problem)
    }

    #[test]
    fn a_zone_is_as_far_ahead_as_people_mean() {
        for (name, ahead) in [
            ("Asia/Ho_Chi_Minh", 7.0),
            (" asia/ho_chi_minh ", 7.0),
            ("GMT+7", 7.0),
            ("UTC+7", 7.0),
            ("utc +07:00", 7.0),
            ("+07:00", 7.0),
            ("+0700", 7.0),
            ("+7", 7.0),
            ("GMT-3", -3.0),
            ("\u{2212}03:30", -3.5),
            ("UTC+5:45", 5.75),
            ("UTC", 0.0),
            ("GMT", 0.0),
            ("GMT+0", 0.0),
            ("Etc/GMT+0", 0.0),
            ("Z", 0.0),
            ("EST5EDT", -5.0),
            // M9: the names of Windows, and an alias.
            ("SE Asia Standard Time", 7.0),
            ("se asia standard time", 7.0),
            ("W. Europe Standard Time", 1.0),
            ("Asia/Saigon", 7.0),
        ] {
            assert_eq!(hours(zone(name)), Ok(ahead), "{name}");
        }
    }

    #[test]
    fn a_name_that_means_the_opposite_and_one_that_means_nothing_are_refused() {
        for name in ["Etc/GMT+7", "etc/gmt-7", "Etc/GMT+12"] {
            let said = hours(zone(name)).expect_err(name);
            assert!(said.contains("the opposite"), "{name}: {said}");
        }
        // The language of POSIX: seven hours ahead, and behind.
        for name in [
            "ICT-7",
            "<+07>-7",
            "Saigon",
            "+",
            "GMT+",
            "+15",
            "-13:00",
            "+7:5",
            "+07:60",
            "+700",
            "++7",
            "7",
            "+07:00:30",
        ] {
            assert_eq!(hours(zone(name)), Err(NOT_ONE.to_owned()), "{name}");
        }
        assert!(named_zone("+07:00").is_err() && named_zone("Etc/GMT-7").is_err());
        assert!(named_zone("Asia/Ho_Chi_Minh").is_ok());
    }

    #[test]
    fn a_moment_means_what_its_zone_says_or_is_refused() {
        for (written, meant) in [
            ("2026-11-24T06:30:00Z", "2026-11-24T06:30:00Z"),
            ("2026-11-24 06:30+07:00", "2026-11-23T23:30:00Z"),
            ("2026-11-24T06:30[Europe/Berlin]", "2026-11-24T05:30:00Z"),
            ("2026-11-24T06:30[!Europe/Berlin]", "2026-11-24T05:30:00Z"),
            ("2026-11-24T06:30[+07:00]", "2026-11-23T23:30:00Z"),
            // The offset says which of the two is meant.
            ("2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T01:30:00Z"),
            ("2026-11-24T06:30Z[Europe/Berlin]", "2026-11-24T06:30:00Z"),
        ] {
            let read = moment(written).expect(written).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), Ok(meant), "{written}");
        }
        for written in [
            "2026-10-25T02:30[Europe/Berlin]",
            "2026-03-29T02:30[Europe/Berlin]",
            "2026-11-24T06:30+07:00[Europe/Berlin]",
        ] {
            let refusal = moment(written).expect(written).expect_err(written);
            assert_eq!(refusal.problem, NOT_THERE, "{written}");
        }
        for written in ["2026-11-24T06:30[Europe/Atlantis]", "2026-11-24T06:30[Etc/GMT+7]"] {
            let refusal = moment(written).expect(written).expect_err(written);
            assert!(refusal.problem.starts_with("names a zone that cannot be used"), "{refusal:?}");
        }
        for neither in ["2026-11-24T06:30", "2026-11-24", "24/11/2026", "2026-11-24T06:30[u-ca=gregory]", ""]
        {
            assert_eq!(moment(neither), None, "{neither}");
        }
    }
}
