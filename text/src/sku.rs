//! A SKU is 1 to 100 printable ASCII signs without blanks (`ProductId` in `contracts`). SKUs stand in URLs and in HTTP
//! headers, so what an ERP writes otherwise has to be rewritten, by one rule and always the same way.

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::sign::trimmed;

/// A SKU of plain signs: accents are dropped (`ÁO-01/Đ` is `AO-01/D`), each run of blanks becomes one `-`. Other signs
/// stay, for the check to name them. Two texts may become one SKU: whoever writes the rule decides that none do.
#[must_use]
pub fn plain_sku(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join("-");
    let letters = DecomposingNormalizerBorrowed::new_nfd().normalize(&text);
    let is_accent = |c: &char| matches!(c, '\u{300}'..='\u{36f}');
    letters.chars().filter(|c| !is_accent(c)).map(without_stroke).collect()
}

/// Whether a text is a number that a spreadsheet made of a key: `8.93462E+12` was an article number before it was taken
/// for an amount, and so was `100045.0`; in other countries `8,93462E+12` and `100045,00`. A text such as `1E5`
/// may be a code, and `1.5E3`; `1.2345678E7` is how other programs write an article number of eight digits. As a JSON
/// number (`is_number`) none is a code, and neither is one with decimals: `90.750` became 90.75.
#[must_use]
pub fn is_made_of_a_key(text: &str, is_number: bool) -> bool {
    let text = trimmed(text);
    let are_zeros = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte == b'0');
    let is_whole =
        text.split_once(['.', ',']).is_some_and(|(whole, behind)| are_digits(whole) && are_zeros(behind));
    let is_power = text.split_once(['E', 'e']).is_some_and(|(mantissa, power)| {
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
        let has_sign = digits.len() < power.len();
        let is_mantissa =
            whole.len() == 1 && are_digits(whole) && (fraction.is_empty() || are_digits(fraction));
        let is_long = digits.len() >= 2 && are_digits(digits);
        // From ten million on, some programs show each number so.
        let is_of_millions = matches!(digits, "7" | "8" | "9") && !fraction.is_empty();
        is_number || (is_mantissa && ((is_long && (has_sign || !fraction.is_empty())) || is_of_millions))
    });
    is_whole || is_power || (is_number && text.contains('.'))
}

/// Whether a text is what a spreadsheet shows for a key that it took for something else: the day 2026-02-01 was `1-2`,
/// the time 01:30:00 was `1:30`, and `10%` was typed so. Days and times are meant as tables are read, in ISO 8601, and
/// as a spreadsheet shows them in CSV: `1-Feb`, `Feb-26`, `01/02/2026`. A text behind a formula's sign (`="0012"`) is
/// how CSV keeps a spreadsheet from doing so; the key is what stands in it.
#[must_use]
pub fn is_shown_for_a_key(text: &str) -> bool {
    let text = trimmed(text);
    let is_day = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        matches!(parts.as_slice(), [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2)
            && parts.iter().all(|part| are_digits(part))
    };
    let is_time = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let parts: Vec<&str> = whole.split(':').collect();
        matches!(parts.as_slice(), [hours, minutes, seconds]
            if (2..=8).contains(&hours.len()) && minutes.len() == 2 && seconds.len() == 2)
            && parts.iter().chain([&fraction]).all(|part| are_digits(part))
    };
    let is_moment = || text.split_once(['T', ' ']).is_some_and(|(day, time)| is_day(day) && is_time(time));
    let is_percentage = || {
        let digits = text.strip_suffix('%').map(str::trim_end).unwrap_or_default();
        let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
        are_digits(whole.strip_prefix('-').unwrap_or(whole)) && are_digits(fraction)
    };
    let is_formula = text.strip_prefix("=\"").is_some_and(|rest| rest.ends_with('"'));
    is_day(text)
        || is_time(text)
        || is_moment()
        || is_percentage()
        || is_formula
        || is_day_of_a_month(text)
        || is_written_day(text)
}

/// `1-Feb`, `Feb-26`, as spreadsheets show a day or a month; `FEB-26` may be a code.
fn is_day_of_a_month(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let is_pair = |month: &str, digits: &str| {
        MONTHS.contains(&month) && (1..=2).contains(&digits.len()) && are_digits(digits)
    };
    text.split_once('-').is_some_and(|(one, other)| is_pair(one, other) || is_pair(other, one))
}

/// `1/2/2026`, `01.02.2026`, `2026/02/01`: a day of this century or the last one.
fn is_written_day(text: &str) -> bool {
    let is_year = |part: &str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    let is_short = |part: &str| part.parse::<u8>().is_ok_and(|number| (1..=31).contains(&number));
    ['/', '.'].into_iter().any(|sign| {
        let parts: Vec<&str> = text.split(sign).collect();
        parts.iter().all(|part| are_digits(part))
            && match parts.as_slice() {
                [one, two, year] if is_year(year) => is_short(one) && is_short(two),
                [year, one, two] if is_year(year) => is_short(one) && is_short(two),
                _ => false,
            }
    })
}

pub(crate) fn are_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// A stroke is not an accent of its own in Unicode.
fn without_stroke(letter: char) -> char {
    match letter {
        'Đ' => 'D',
        'đ' => 'd',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E8
    #[test]
    fn a_key_that_a_spreadsheet_took_for_something_else_is_told() {
        for text in [
            "2026-02-01",
            "2026-02-01T01:30:00",
            "2026-02-01 01:30:00.5",
            "01:30:00",
            "130:00:00",
            "10%",
            " 7.5 % ",
            "-3,5%",
            // As CSV has them.
            "1-Feb",
            "01-Feb",
            "Feb-26",
            "1/2/2026",
            "01.02.2026",
            "2026/02/01",
            "=\"0012\"",
        ] {
            assert!(is_shown_for_a_key(text), "{text}");
        }
        for text in [
            "1-2",
            "2026-2-1",
            "20260201",
            "A-2026-02-01",
            "01:30",
            "100",
            "%",
            "A%",
            "TRUE",
            "2026-02-01-1",
            "FEB-26",
            "Feb-026",
            "1-Foo",
            "1/2/3",
            "10.20.3026",
            "99/99/2026",
            "1.2.2026.4",
            "=1+1",
        ] {
            assert!(!is_shown_for_a_key(text), "{text}");
        }
        for text in ["1.2345678E7", "8,93462E9", "1.0e8"] {
            assert!(is_made_of_a_key(text, false), "{text}");
        }
        assert!(!is_made_of_a_key("1.5E3", false) && !is_made_of_a_key("1E7", false));
        assert!(is_made_of_a_key("90.75", true) && !is_made_of_a_key("90.75", false));
        assert!(is_made_of_a_key("1.00E+05", true) && !is_made_of_a_key("100000", true));
    }

    #[test]
    fn accents_and_blanks_are_written_plainly() {
        // E13
        for (written, plain) in [
            ("ÁO-01/M", "AO-01/M"),
            ("123456 Oaktree", "123456-Oaktree"),
            ("  Đầm\u{a0} đỏ ", "Dam-do"),
            ("A\u{301}O", "AO"),
            ("MUG-1", "MUG-1"),
            ("电-1", "电-1"),
        ] {
            assert_eq!(plain_sku(written), plain);
        }
    }
}
