//! The readers of data about people. The text of a problem never repeats the data.

use contracts::values::{Locale, Recipient};
use jiff::civil::Date;
use serde_json::value::RawValue;

use super::values::string;
use super::{Fields, Refusal, name, refuse, text};

/// A mail address ([`text::mail_address`]).
pub fn mail_address(value: &RawValue) -> Result<Recipient, Refusal> {
    text::mail_address(&string(value)?).map(Recipient::new)
}

/// A phone number in the international form ([`text::phone`]).
pub fn phone(value: &RawValue) -> Result<String, Refusal> {
    text::phone(&string(value)?)
}

/// A person's first and last name, of at most `max` characters each. A person who has one name may give it as either;
/// it comes back as the first name, with which letters begin, and the last name is empty. Each goes into mails.
pub fn names(fields: &Fields<'_>, max: usize) -> Option<(String, String)> {
    let (first, last) = ("first_name", "last_name");
    if fields.says(first) || !fields.says(last) {
        let first = fields.required(first, name(max));
        let last = if fields.says(last) { Some(fields.required(last, name(max))?) } else { None };
        fields.pass_over("last_name");
        return Some((first?, last.unwrap_or_default()));
    }
    fields.pass_over(first);
    Some((fields.required(last, name(max))?, String::new()))
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
        let Some(entries) = text::json::entries(value.get()) else {
            return refuse("is not a list", "send a JSON list of texts");
        };
        if entries.len() > max {
            return refuse(format!("has {} entries", entries.len()), format!("send at most {max}"));
        }
        let mut words: Vec<String> = Vec::new();
        for entry in entries {
            let Refusal { problem, fix } = match text(max_chars)(entry) {
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

#[cfg(test)]
mod tests;
