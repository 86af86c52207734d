//! May a marketing mail be sent now? The platform's facts about a customer, and what follows from them.

use contracts::customers::KeptBack;
use contracts::values::Recipient;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;
use thiserror::Error;

use super::absent::{Unsubscribed, or_absent};
use crate::http::word;

/// The platform's facts. Everything that would allow more is absent unless it is said, and `null` says nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Facts {
    #[serde(default, deserialize_with = "or_absent")]
    marketing_consent: bool,
    #[serde(default)]
    unsubscribed: Unsubscribed,
    /// `bounce` or `complaint`.
    #[serde(default)]
    suppressed: Option<String>,
    #[serde(default, deserialize_with = "or_absent")]
    orders_placed: u64,
    /// `active`, `incomplete_onboarding` or `closed`.
    #[serde(default)]
    status: Option<String>,
    /// An IANA name, an offset, or the name that Windows has.
    #[serde(default)]
    time_zone: Option<String>,
    /// The customer's address, as it is now.
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    quiet_hours: Option<QuietHours>,
}

/// From one time of the day to another, possibly over midnight; the end is no longer quiet.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct QuietHours {
    from: String,
    until: String,
}

/// The verdict at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Yes,
    Later(Timestamp),
    No(KeptBack),
}

/// Facts from which nothing follows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Unclear {
    #[error("the platform calls the account's state by a word that this version does not know: {0}")]
    Status(String),
    #[error("the platform keeps mails back for a reason that this version does not know: {0}")]
    Suppression(String),
    #[error("the platform does not say whether the customer has unsubscribed")]
    Unsubscribed,
    #[error("the platform gives quiet hours that are no times of a day, or that end when they begin")]
    Hours,
}

impl Facts {
    /// The verdict at a moment. `home`: the zone of quiet hours for which the platform names none that is known.
    pub(super) fn at(&self, now: Timestamp, home: &TimeZone) -> Result<Said, Unclear> {
        if let Some(reason) = self.reason_against()? {
            return Ok(Said::No(reason));
        }
        let Some(QuietHours { from, until }) = &self.quiet_hours else { return Ok(Said::Yes) };
        let zone = self.zone().unwrap_or_else(|| home.clone());
        let time = |text: &str| time_of_day(text).ok_or(Unclear::Hours);
        let (begin, end) = (time(from)?, time(until)?);
        if begin == end {
            // From midnight to midnight is the whole day; from 22:00 to 22:00 may be that, or nothing at all.
            let is_whole_day = !is_end_of_day(from) && is_end_of_day(until);
            return if is_whole_day { Ok(Said::No(KeptBack::AlwaysQuiet)) } else { Err(Unclear::Hours) };
        }
        Ok(quiet_until(now, &zone, begin, end).map_or(Said::Yes, Said::Later))
    }

    /// Whether a welcome may be sent, and whether it may promote anything; else why it may not be sent.
    pub(super) fn welcome(&self) -> Result<Result<bool, KeptBack>, Unclear> {
        Ok(match self.reason_against()? {
            Some(reason @ (KeptBack::NoCustomer | KeptBack::Bounced | KeptBack::Complained)) => Err(reason),
            Some(KeptBack::Ordered) => Ok(self.marketing_consent),
            Some(_) => Ok(false),
            None => Ok(true),
        })
    }

    fn zone(&self) -> Option<TimeZone> {
        text::zone(self.time_zone.as_deref()?).ok()
    }

    /// The customer's address, if the platform says it. One that cannot be read goes on as it is: the sender refuses
    /// it, and no other one is meant.
    pub(super) fn email(&self) -> Option<Recipient> {
        let email = self.email.as_deref().filter(|email| !email.trim().is_empty())?;
        Some(Recipient::new(text::mail_address(email).unwrap_or_else(|_| email.to_owned())))
    }

    /// A remark for the report.
    pub(super) fn note(&self) -> Option<String> {
        let is_guessed = self.quiet_hours.is_some() && self.zone().is_none();
        is_guessed.then(|| match self.time_zone {
            Some(_) => {
                "the platform's time zone is not known: quiet hours as in the shop's own zone".to_owned()
            }
            None => "the platform names no time zone: quiet hours as in the shop's own zone".to_owned(),
        })
    }

    fn reason_against(&self) -> Result<Option<KeptBack>, Unclear> {
        match self.status.as_deref() {
            None | Some("active") => {}
            Some("incomplete_onboarding" | "closed") => return Ok(Some(KeptBack::NoCustomer)),
            Some(status) => return Err(Unclear::Status(word(status))),
        }
        Ok(match self.suppressed.as_deref() {
            Some("bounce") => Some(KeptBack::Bounced),
            Some("complaint") => Some(KeptBack::Complained),
            Some(why) => return Err(Unclear::Suppression(word(why))),
            None if self.unsubscribed == Unsubscribed::Yes => Some(KeptBack::Unsubscribed),
            None if self.unsubscribed == Unsubscribed::NotSaid => return Err(Unclear::Unsubscribed),
            None if self.orders_placed > 0 => Some(KeptBack::Ordered),
            None => (!self.marketing_consent).then_some(KeptBack::NoConsent),
        })
    }
}

/// A time of the day as people write it: `9:00`, `09:00`, `09:00:30`. `24:00` is the end of the day, which is the
/// beginning of the next.
fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.trim().split(':').map(|part| {
        let are_digits = (1..=2).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
        if are_digits { part.parse::<i8>().ok() } else { None }
    });
    let (hour, minute) = (parts.next()??, parts.next()?.filter(|_| text.trim().len() >= 4)?);
    let second = parts.next().unwrap_or(Some(0))?;
    match (hour, minute, second, parts.next()) {
        (24, 0, 0, None) => Some(Time::midnight()),
        (_, _, _, None) => Time::new(hour, minute, second, 0).ok(),
        _ => None,
    }
}

/// Whether a time of the day that was read is `24:00`.
fn is_end_of_day(text: &str) -> bool {
    text.trim().starts_with("24")
}

/// When the quiet hours end that `now` is in.
fn quiet_until(now: Timestamp, zone: &TimeZone, from: Time, until: Time) -> Option<Timestamp> {
    let local = now.to_zoned(zone.clone());
    let time = local.time();
    let is_quiet = if from <= until { from <= time && time < until } else { time >= from || time < until };
    if !is_quiet {
        return None;
    }
    let date = if time < until { local.date() } else { local.date().tomorrow().ok()? };
    let end = date.to_datetime(until).to_zoned(zone.clone()).ok()?.timestamp();
    // Where a clock is set back the end may come a second time: never answer a moment that has passed.
    Some(if end > now { end } else { now.saturating_add(1.minute()).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: TimeZone = TimeZone::UTC;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn allowed() -> Facts {
        Facts { marketing_consent: true, status: Some("active".to_owned()), ..Facts::default() }
    }

    fn quiet(zone: &str, from: &str, until: &str) -> Facts {
        let hours = QuietHours { from: from.to_owned(), until: until.to_owned() };
        Facts { time_zone: Some(zone.to_owned()), quiet_hours: Some(hours), ..allowed() }
    }

    #[test]
    fn what_is_not_said_is_not_allowed() -> TestResult {
        let now = "2026-03-01T12:00:00Z".parse()?;
        assert_eq!(Facts::default().at(now, &UTC), Ok(Said::No(KeptBack::NoConsent)));
        assert_eq!(allowed().at(now, &UTC), Ok(Said::Yes));
        let cases = [
            (Facts { unsubscribed: Unsubscribed::Yes, ..allowed() }, KeptBack::Unsubscribed),
            (Facts { suppressed: Some("bounce".to_owned()), ..allowed() }, KeptBack::Bounced),
            (Facts { suppressed: Some("complaint".to_owned()), ..allowed() }, KeptBack::Complained),
            (Facts { orders_placed: 1, ..allowed() }, KeptBack::Ordered),
            (Facts { status: Some("incomplete_onboarding".to_owned()), ..allowed() }, KeptBack::NoCustomer),
        ];
        for (facts, reason) in cases {
            assert_eq!(facts.at(now, &UTC), Ok(Said::No(reason)));
        }
        Ok(())
    }

    #[test]
    fn a_welcome_asks_what_marketing_asks_but_for_consent() {
        for (facts, welcome) in [
            (allowed(), Ok(true)),
            (Facts { marketing_consent: false, ..allowed() }, Ok(false)),
            (Facts { unsubscribed: Unsubscribed::Yes, ..allowed() }, Ok(false)),
            (Facts { orders_placed: 1, ..allowed() }, Ok(true)),
            (Facts { orders_placed: 1, marketing_consent: false, ..allowed() }, Ok(false)),
            (Facts { suppressed: Some("complaint".to_owned()), ..allowed() }, Err(KeptBack::Complained)),
            (Facts { suppressed: Some("bounce".to_owned()), ..allowed() }, Err(KeptBack::Bounced)),
            (Facts { status: Some("closed".to_owned()), ..allowed() }, Err(KeptBack::NoCustomer)),
        ] {
            assert_eq!(facts.welcome(), Ok(welcome), "{facts:?}");
        }
    }

    #[test]
    fn quiet_hours_are_the_customers_own_and_go_over_midnight() -> TestResult {
        // M9: a zone as people write it, too.
        let hanoi = ["Asia/Ho_Chi_Minh", "GMT+7", "+07:00"].map(|zone| quiet(zone, "21:00", "08:00"));
        let cases = [
            // 20:59, 21:00, 00:30, 07:59:59 and 08:00 in Vietnam, seven hours ahead of UTC.
            ("2026-03-01T13:59:00Z", None),
            ("2026-03-01T14:00:00Z", Some("2026-03-02T01:00:00Z")),
            ("2026-03-01T17:30:00Z", Some("2026-03-02T01:00:00Z")),
            ("2026-03-02T00:59:59Z", Some("2026-03-02T01:00:00Z")),
            ("2026-03-02T01:00:00Z", None),
        ];
        for (now, until) in cases {
            let said = until.map_or(Ok(Said::Yes), |until: &str| until.parse().map(Said::Later))?;
            for facts in &hanoi {
                assert_eq!(facts.at(now.parse()?, &UTC), Ok(said.clone()), "{now}");
            }
        }
        let midday = quiet("Europe/Berlin", "12:00", "14:00");
        assert_eq!(
            midday.at("2026-07-01T11:00:00Z".parse()?, &UTC),
            Ok(Said::Later("2026-07-01T12:00:00Z".parse()?))
        );
        assert_eq!(
            midday.at("2026-01-01T11:00:00Z".parse()?, &UTC),
            Ok(Said::Later("2026-01-01T13:00:00Z".parse()?))
        );
        Ok(())
    }

    #[test]
    fn a_clock_that_is_set_back_or_forward_gives_no_moment_that_has_passed() -> TestResult {
        // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC; the quiet hours end at 02:30, twice.
        let night = quiet("Europe/Berlin", "01:00", "02:30");
        for now in ["2026-10-25T00:10:00Z", "2026-10-25T01:10:00Z"] {
            let now: Timestamp = now.parse()?;
            assert!(matches!(night.at(now, &UTC), Ok(Said::Later(until)) if until > now), "{now}");
        }
        // Berlin, 29 March 2026: 02:00 becomes 03:00; 02:30 does not happen.
        let now: Timestamp = "2026-03-29T00:30:00Z".parse()?;
        assert_eq!(night.at(now, &UTC), Ok(Said::Later("2026-03-29T01:30:00Z".parse()?)));
        Ok(())
    }

    /// A word that nobody knows is neither "bounced" nor "no such customer", and not a permission either.
    #[test]
    fn a_word_that_nobody_knows_is_named() -> TestResult {
        let now = "2026-03-01T12:00:00Z".parse()?;
        let frozen = Facts { status: Some("frozen".to_owned()), ..allowed() };
        let legal = Facts { suppressed: Some("legal_hold".to_owned()), ..allowed() };
        let closed = Facts { status: Some("closed".to_owned()), ..allowed() };
        assert_eq!(frozen.at(now, &UTC), Err(Unclear::Status("\"frozen\"".to_owned())));
        assert_eq!(legal.at(now, &UTC), Err(Unclear::Suppression("\"legal_hold\"".to_owned())));
        assert_eq!(closed.at(now, &UTC), Ok(Said::No(KeptBack::NoCustomer)));
        let sentence = Facts { suppressed: Some("asked by Lan Pham".to_owned()), ..allowed() };
        assert!(sentence.at(now, &UTC).is_err_and(|unclear| !unclear.to_string().contains("Lan")));
        Ok(())
    }

    /// M9
    #[test]
    fn times_of_a_day_are_read_as_people_write_them() {
        for (written, read) in [
            ("9:00", Some("09:00:00")),
            ("09:00", Some("09:00:00")),
            (" 21:30 ", Some("21:30:00")),
            ("08:00:30", Some("08:00:30")),
            ("24:00", Some("00:00:00")),
            ("24:00:00", Some("00:00:00")),
            ("24:01", None),
            ("25:00", None),
            ("9", None),
            ("9:0", None),
            ("9:60", None),
            ("+9:00", None),
            ("9:00 pm", None),
            ("1:2:3:4", None),
            ("late", None),
        ] {
            let time = time_of_day(written).map(|time| time.to_string());
            assert_eq!(time.as_deref(), read, "{written}");
        }
    }

    #[test]
    fn quiet_hours_until_midnight_end_then() -> TestResult {
        let evening = quiet("Europe/Berlin", "9:00", "24:00");
        assert_eq!(
            evening.at("2026-01-01T12:00:00Z".parse()?, &UTC),
            Ok(Said::Later("2026-01-01T23:00:00Z".parse()?))
        );
        assert_eq!(evening.at("2026-01-01T23:30:00Z".parse()?, &UTC), Ok(Said::Yes));
        let night = quiet("Europe/Berlin", "24:00", "6:00");
        assert_eq!(
            night.at("2026-01-01T23:30:00Z".parse()?, &UTC),
            Ok(Said::Later("2026-01-02T05:00:00Z".parse()?))
        );
        Ok(())
    }

    #[test]
    fn a_whole_day_is_never_and_no_time_at_all_is_unclear() -> TestResult {
        let now = "2026-01-01T12:00:00Z".parse()?;
        let never = Ok(Said::No(KeptBack::AlwaysQuiet));
        for (from, until, said) in [
            ("00:00", "24:00", &never),
            ("0:00", "24:00:00", &never),
            ("22:00", "22:00", &Err(Unclear::Hours)),
            ("00:00", "00:00", &Err(Unclear::Hours)),
            ("24:00", "24:00", &Err(Unclear::Hours)),
            ("24:00", "00:00", &Err(Unclear::Hours)),
        ] {
            assert_eq!(&quiet("Europe/Berlin", from, until).at(now, &UTC), said, "{from} to {until}");
        }
        Ok(())
    }

    #[test]
    fn null_says_nothing_and_of_a_customer_who_may_have_unsubscribed_it_is_unclear() -> TestResult {
        let now = "2026-03-01T12:00:00Z".parse()?;
        let facts = |said: &str| serde_json::from_str::<Facts>(said);
        for (said, verdict) in [
            (
                r#"{"marketing_consent":true,"orders_placed":null,"status":null,"suppressed":null}"#,
                Ok(Said::Yes),
            ),
            (r#"{"marketing_consent":null}"#, Ok(Said::No(KeptBack::NoConsent))),
            (r#"{"marketing_consent":true,"quiet_hours":null,"unsubscribed":false}"#, Ok(Said::Yes)),
            (r#"{"marketing_consent":true,"unsubscribed":true}"#, Ok(Said::No(KeptBack::Unsubscribed))),
            (r#"{"marketing_consent":true,"unsubscribed":null}"#, Err(Unclear::Unsubscribed)),
        ] {
            assert_eq!(facts(said)?.at(now, &UTC), verdict, "{said}");
        }
        assert!(facts(r#"{"marketing_consent":"yes"}"#).is_err());
        Ok(())
    }

    #[test]
    fn a_zone_that_nobody_knows_is_the_shops_own_with_a_note() -> TestResult {
        let home = text::zone("Asia/Ho_Chi_Minh").map_err(|refusal| refusal.problem)?;
        let (now, until) = ("2026-03-01T17:30:00Z".parse()?, "2026-03-02T01:00:00Z".parse()?);
        let mut nowhere = quiet("Asia/Atlantis", "21:00", "08:00");
        assert_eq!(nowhere.at(now, &home), Ok(Said::Later(until)));
        assert!(nowhere.note().is_some_and(|note| note.contains("is not known")));
        nowhere.time_zone = None;
        assert_eq!(nowhere.at(now, &home), Ok(Said::Later(until)));
        assert!(nowhere.note().is_some_and(|note| note.contains("names no time zone")));
        assert_eq!((quiet("+07:00", "21:00", "08:00").note(), allowed().note()), (None, None));
        Ok(())
    }

    #[test]
    fn quiet_hours_that_cannot_be_told_are_no_permission() -> TestResult {
        let now = "2026-03-01T12:00:00Z".parse()?;
        assert_eq!(quiet("Asia/Tokyo", "late", "08:00").at(now, &UTC), Err(Unclear::Hours));
        Ok(())
    }
}
