//! One phone number, in the international form (E.164): `+`, then 8 to 15 digits.
//!
//! The zero that is dialled inside a country before the number (`0901…` in Vietnam) does not belong to the
//! international form. Where a country's zero is known to be that and nothing else, it is left out; a few countries'
//! numbers really begin with 0; elsewhere the number is refused, because nobody can say what was meant. That is all
//! that is needed to reach a phone, so there is no table of each country's numbers here (the crates that have one bring
//! 50 others).

mod codes;

use crate::sign::narrow;
use crate::{Refusal, refuse};
use codes::Zero;

/// A phone number, without whatever stands between its digits.
///
/// # Errors
/// When it is not in the international form, has a 0 behind the country's code that cannot belong there, or is a number
/// of a spreadsheet, or two numbers.
pub fn phone(text: &str) -> Result<String, Refusal> {
    if crate::sign::trimmed(text).is_empty() {
        return refuse("is empty", "fill it in");
    }
    let Some(digits) = digits(text) else { return not_international() };
    if digits.starts_with('0') {
        return not_international();
    }
    let written: String = crate::number(text).chars().map(narrow).collect();
    of_one_number(&written, "send one, as +84901234567", "send it as +84901234567")?;
    let (code, number) = digits.split_at(codes::length(&digits));
    let number = match (number.strip_prefix('0'), codes::zero(code)) {
        (None, _) | (Some(_), Zero::Kept) => number,
        (Some(rest), Zero::LeftOut) if !rest.starts_with('0') => rest,
        (Some(_), _) => {
            let problem = format!("has a 0 behind +{code}, where none belongs");
            return refuse(problem, format!("leave out the 0 behind +{code}"));
        }
    };
    match (8..=15).contains(&(code.len() + number.len())) {
        true => Ok(format!("+{code}{number}")),
        false => not_international(),
    }
}

/// A phone number inside a country that nobody has said: as it is written, if it is one number; at most `max` signs.
///
/// # Errors
/// When it is too long or too short, holds words, or is a number of a spreadsheet, or several numbers.
pub fn local_phone(text: &str, max: usize) -> Result<String, Refusal> {
    const SEND: &str = "write one number, of digits with blanks or hyphens among them";
    let text: String = crate::number(text).chars().map(narrow).collect();
    let text = crate::line(&text, max)?;
    let is_of_one = |sign: char| sign.is_ascii_digit() || is_between(sign) || sign == '/';
    if text.contains([',', ';', '|', '&']) {
        return refuse("holds more than one phone number, or something else", SEND);
    }
    if !text.chars().all(is_of_one) {
        return refuse("holds a sign that no phone number has", SEND);
    }
    of_one_number(&text, SEND, "export the column as text")?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits > 15 {
        return refuse(TOO_MANY, SEND);
    }
    if digits < SHORT || text.chars().all(|sign| sign == '0' || !sign.is_ascii_digit()) {
        return refuse("is not a phone number", SEND);
    }
    Ok(text)
}

const TOO_MANY: &str = "holds more digits than one phone number";

/// Refuses what would become somebody else's number if its digits were put together: `901234567.0` (and not
/// `090.123.4567`), and two numbers.
fn of_one_number(text: &str, send_one: &str, send_it: &str) -> Result<(), Refusal> {
    let text = text.trim_matches(|sign| sign == '+' || is_between(sign));
    if text.split_once('.').is_some_and(|(whole, behind)| {
        whole.len() >= LONG
            && (1..=2).contains(&behind.len())
            && crate::sku::are_digits(&format!("{whole}{behind}"))
    }) {
        return refuse("is a number with decimals, as a spreadsheet makes them", send_it);
    }
    let runs = text.split(|sign: char| !sign.is_ascii_digit());
    match runs.filter(|run| run.len() >= LONG).count() {
        0 | 1 => Ok(()),
        _ => refuse(TOO_MANY, send_one),
    }
}

/// Digits of a number that is whole without any other.
const LONG: usize = 7;
/// The fewest digits of a customer's number.
const SHORT: usize = 5;

/// Whether a number is meant in the international form, rightly or not: whatever stands around its `+`, as in `(+84)`.
#[must_use]
pub fn is_international(text: &str) -> bool {
    text.chars().filter(|sign| !is_between(*sign)).map(narrow).next() == Some('+')
}

fn not_international<T>() -> Result<T, Refusal> {
    refuse("is not a phone number in international form", "send it as +84901234567")
}

/// The digits behind the `+`; `None`: something else is there, too.
fn digits(text: &str) -> Option<String> {
    let mut signs = text.chars().filter(|sign| !is_between(*sign)).map(narrow);
    if signs.next() != Some('+') {
        return None;
    }
    let digits: String = signs.collect();
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// Signs that people write between digits, or copy along with them.
fn is_between(sign: char) -> bool {
    sign.is_whitespace()
        || crate::sign::is_invisible(sign)
        || matches!(
            sign,
            '.' | '-' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff08}' | '\u{ff09}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for (written, read) in [
            ("+84901234567", "+84901234567"),
            // O7
            ("+84 (0)901 234 567", "+84901234567"),
            ("+840901234567", "+84901234567"),
            ("+84\u{a0}901\u{202f}234\u{2009}567", "+84901234567"),
            ("+84 (901) 234.567", "+84901234567"),
            ("(+84) 901 234 567", "+84901234567"),
            // O10
            ("\u{202d}+84901234567\u{202c}", "+84901234567"),
            ("+84\u{200b}901\u{ad}234567\u{feff}", "+84901234567"),
            ("＋８４ ９０１‐２３４‐５６７", "+84901234567"),
            ("+44 (0)20 7946 0018", "+442079460018"),
            ("+380 (0)44 123 45 67", "+380441234567"),
            // Numbers that begin with 0: Italy, Côte d'Ivoire, Congo.
            ("+39 06 1234 5678", "+390612345678"),
            ("+39 (0)6 1234 5678", "+390612345678"),
            ("+225 01 02 03 04 05", "+2250102030405"),
            ("+242 06 612 3456", "+242066123456"),
            ("+1 202 555 0123", "+12025550123"),
        ] {
            assert_eq!(phone(written).as_deref(), Ok(read), "{written:?}");
            assert!(is_international(written), "{written:?}");
        }
    }

    #[test]
    fn a_number_of_a_country_stays_as_it_is_and_what_is_none_is_refused() {
        for (written, read) in [
            ("0901 234\u{200b} 567", "0901 234 567"),
            ("(0901) 234-567", "(0901) 234-567"),
            ("090.123.4567", "090.123.4567"),
            ("030/1234567", "030/1234567"),
            ("０９０１ ２３４ ５６７", "0901 234 567"),
            ("901234567", "901234567"),
        ] {
            assert_eq!(local_phone(written, 30).as_deref(), Ok(read), "{written}");
        }
        for (written, problem) in [
            ("not a phone", "holds a sign that no phone number has"),
            ("8.4901E+10", "holds a sign that no phone number has"),
            ("0901 234 567 ext 5", "holds a sign that no phone number has"),
            ("901234567.0", "is a number with decimals, as a spreadsheet makes them"),
            ("0901234567 0902345678", "holds more digits than one phone number"),
            ("3825123 3825124", "holds more digits than one phone number"),
            ("38251234/38251235", "holds more digits than one phone number"),
            ("0901234567; 0902345678", "holds more than one phone number, or something else"),
            ("0901234567,0902345678", "holds more than one phone number, or something else"),
            ("-", "is not a phone number"),
            ("0", "is not a phone number"),
            ("000 000 000", "is not a phone number"),
            ("0123456789012345678901234567890123456789", "is longer than 30 characters"),
        ] {
            assert_eq!(local_phone(written, 30).expect_err(written).problem, problem, "{written}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused_with_the_fix() {
        for written in [
            "+",
            "0901 234 567",
            "0084901234567",
            "84901234567",
            "+84",
            "+8490123456789012",
            "+84 901 234 567 ext 5",
            "+84901234567/+84901234568",
            "+84901234567, +84901234568",
            "++84901234567",
            "+0901234567",
            "+84x01234567",
        ] {
            let refusal = phone(written).expect_err(written);
            assert_eq!(refusal.problem, "is not a phone number in international form", "{written:?}");
            assert_eq!(refusal.fix, "send it as +84901234567");
        }
        assert!(
            ["0901 234 567", "(0901) 234567", "0084901234567", ""].iter().all(|own| !is_international(own))
        );
        // Put together, their digits would be somebody else's number.
        for written in ["+84901234567.0", "+84901234567.00", "(+84901234567.0)"] {
            let problem = phone(written).expect_err(written).problem;
            assert_eq!(problem, "is a number with decimals, as a spreadsheet makes them", "{written:?}");
        }
        for written in ["+1 5551234 5551235", "+1 5551234-5551235"] {
            let problem = phone(written).expect_err(written).problem;
            assert_eq!(problem, "holds more digits than one phone number", "{written:?}");
        }
        assert_eq!(phone("+33.6.12.34.56.78").as_deref(), Ok("+33612345678"));
        assert_eq!(phone(" \u{200b}").expect_err("nothing").problem, "is empty");
        for (written, code) in [
            ("+36 (06) 30 123 4567", "36"),
            ("+1 (0)202 555 0123", "1"),
            ("+8400901234567", "84"),
            ("+34 0912345678", "34"),
        ] {
            let refusal = phone(written).expect_err(written);
            assert_eq!(refusal.problem, format!("has a 0 behind +{code}, where none belongs"), "{written:?}");
            assert_eq!(refusal.fix, format!("leave out the 0 behind +{code}"));
        }
    }
}
