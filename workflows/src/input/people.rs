//! What inputs say about people. No problem text repeats it.

use contracts::values::{Locale, Recipient};
use email_address::EmailAddress;
use jiff::civil::Date;
use serde_json::value::RawValue;

use super::{Refusal, refuse, text};

/// A mail address.
pub fn mail_address(value: &RawValue) -> Result<Recipient, Refusal> {
    let address = text(254)(value)?;
    if EmailAddress::is_valid(&address) && address.rsplit('@').next().is_some_and(|d| d.contains('.')) {
        Ok(Recipient::new(address))
    } else {
        refuse("is not a mail address", "send it as name@example.com")
    }
}

/// The international form (E.164): `+`, then 8 to 15 digits; blanks, dots and dashes are dropped.
pub fn phone(value: &RawValue) -> Result<String, Refusal> {
    let number: String =
        text(40)(value)?.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    if (8..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        Ok(number)
    } else {
        refuse("is not a phone number in international form", "send it as +84901234567")
    }
}

/// A locale that there are texts for.
pub fn locale(value: &RawValue) -> Result<Locale, Refusal> {
    let known: Vec<_> = Locale::ALL.iter().map(|locale| locale.tag()).collect();
    Locale::from_tag(&text(20)(value)?)
        .map_or_else(|| refuse("has no texts", format!("use one of {}", known.join(", "))), Ok)
}

/// A day of birth, `YYYY-MM-DD`.
pub fn birthday(value: &RawValue) -> Result<String, Refusal> {
    let day = text(20)(value)?;
    let is_day = day.len() == 10 && day.parse::<Date>().is_ok_and(|date| date.year() >= 1900);
    if is_day { Ok(day) } else { refuse("is not a day", "send it as 1990-01-31") }
}

/// Words of `1..=max_chars` characters, each once, at most `max` of them.
pub fn words(max: usize, max_chars: usize) -> impl Fn(&RawValue) -> Result<Vec<String>, Refusal> {
    move |value| {
        let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            return refuse("is not a list", "send a JSON list of texts");
        };
        if entries.len() > max {
            return refuse(format!("has {} entries", entries.len()), format!("send at most {max}"));
        }
        let mut words: Vec<String> = Vec::new();
        for entry in entries {
            let (problem, fix) = match text(max_chars)(entry) {
                Ok(word) if words.contains(&word) => continue,
                Ok(word) => {
                    words.push(word);
                    continue;
                }
                Err(refusal) => refusal,
            };
            return refuse(format!("has an entry that {problem}"), fix);
        }
        Ok(words)
    }
}

/// `true` or `false`.
pub fn yes_or_no(value: &RawValue) -> Result<bool, Refusal> {
    serde_json::from_str(value.get()).or_else(|_| refuse("is neither true nor false", "send a JSON boolean"))
}
