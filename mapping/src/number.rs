//! How numbers are written. They come from their digits, never through floating point.

use contracts::number::{NumberError, decimal, product};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::rule::{Grouping, Round, Rule};

const MINUS: [char; 2] = ['-', '\u{2212}'];

/// Reads a number that an ERP wrote as text, as its rule says.
pub(crate) fn written(text: &str, rule: Option<&Rule>, decimals: u32) -> Result<Decimal, String> {
    let strip = rule.map_or(&[][..], |rule| &rule.strip);
    let stripped = stripped(&text::composed(&text::number(text)), strip);
    let (digits, is_negative) = unsigned(&stripped, strip);
    let digits = digits.as_str();
    if is_of_two_minds(digits, rule, decimals) {
        return Err(
            "may be written in thousands or with decimals: say decimal or thousands in its rule".to_owned()
        );
    }
    let amount = by_rule(digits, rule).map_err(|problem| match in_the_way(digits, rule, &problem) {
        Some(sign) => format!("{NOT_A_NUMBER}: {sign} is in the way (see strip, decimal and thousands)"),
        None => problem,
    })?;
    Ok(if is_negative { -amount } else { amount })
}

fn by_rule(digits: &str, rule: Option<&Rule>) -> Result<Decimal, String> {
    let Some(rule) = rule else { return plain(digits) };
    let mut digits = digits.to_owned();
    if let Some(thousands) = rule.thousands {
        digits = ungrouped(&digits, thousands, rule)?;
    }
    match rule.decimal {
        Some(decimal) if decimal != '.' && digits.contains('.') => {
            Err("is written with another decimal sign than its rule says".to_owned())
        }
        Some(decimal) => plain(&digits.replace(decimal, ".")),
        None => plain(&digits),
    }
}

const NOT_A_NUMBER: &str = "is not a number";

/// Reads digits with a decimal point, as JSON has them.
pub(crate) fn plain(digits: &str) -> Result<Decimal, String> {
    decimal(digits).map_err(|error| match error {
        NumberError::NotANumber => NOT_A_NUMBER.to_owned(),
        NumberError::TooLarge | NumberError::TooFine => "has too many digits".to_owned(),
    })
}

/// Applies a rule to a number, whoever wrote it: `factor`, then `round`, then `min`.
pub(crate) fn calculated(amount: Decimal, rule: &Rule, decimals: u32) -> Result<Decimal, String> {
    let mut amount = amount;
    if let Some(factor) = rule.factor {
        let rounded = || amount.checked_mul(factor).filter(|_| rule.round.is_some());
        amount = product(amount, factor).or_else(rounded).ok_or("has too many digits")?;
    }
    amount = match rule.round {
        None => amount,
        Some(Round::HalfUp) => {
            amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
        }
        // Half a piece is none; half a piece too few is one too few.
        Some(Round::Down) => amount.round_dp_with_strategy(decimals, RoundingStrategy::ToNegativeInfinity),
    };
    Ok(rule.min.map_or(amount, |min| amount.max(min)))
}

/// Without the words and signs that its rule names at both ends: `VND`, `₫`, `,-`.
fn stripped(text: &str, strip: &[String]) -> String {
    let mut rest = text.trim();
    loop {
        let before = rest;
        for word in strip {
            // Before the digits it is where decimals begin: `.5`.
            if !matches!(word.as_str(), "." | ",") {
                rest = rest.strip_prefix(word.as_str()).unwrap_or(rest).trim();
            }
            rest = rest.strip_suffix(word.as_str()).unwrap_or(rest).trim();
        }
        if rest == before {
            return rest.to_owned();
        }
    }
}

/// A minus may stand behind the digits, and books write `(3)`. A plus says nothing. Between the sign and the digits the
/// words of the rule may stand: `-$25`, `(25 kg)`.
fn unsigned(text: &str, strip: &[String]) -> (String, bool) {
    let begins_with_digit = |rest: &String| rest.starts_with(|c: char| c.is_ascii_digit());
    let inside = |rest: &str| Some(stripped(rest, strip)).filter(begins_with_digit);
    if let Some(rest) = text.strip_prefix('+').and_then(inside) {
        return (rest, false);
    }
    let in_brackets = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let behind = text.strip_suffix(MINUS).filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit()));
    let before = text.strip_prefix(MINUS);
    match in_brackets.or(behind).or(before).and_then(inside) {
        Some(rest) => (rest, true),
        None => (text.to_owned(), false),
    }
}

/// Whether nobody can say what was meant. A rule says it that names the very sign; one that names another sign for
/// decimals has no use for it, and the number is refused for that.
fn is_of_two_minds(digits: &str, rule: Option<&Rule>, decimals: u32) -> bool {
    let stands = |known: char| digits.contains(|sign| is_between_groups(sign, known));
    let is_said = rule.is_some_and(|rule| rule.decimal.is_some() || rule.thousands.is_some_and(stands));
    !is_said && text::is_of_two_minds(digits, decimals)
}

/// Takes the signs between thousands out, if they stand where they belong: `1.234.567,5` and not `12.34`.
fn ungrouped(text: &str, thousands: char, rule: &Rule) -> Result<String, String> {
    let decimal = rule.decimal.unwrap_or('.');
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let is_sign = |sign| is_between_groups(sign, thousands);
    let groups: Vec<&str> = whole.split(is_sign).collect();
    let are_right = match groups.as_slice() {
        [] | [_] => true,
        [first, middle @ .., last] => {
            let of_a_group = match rule.grouping {
                Grouping::Thousands => 3,
                Grouping::Indian => 2,
            };
            // `0.500` is not a way to write five hundred.
            (1..=of_a_group).contains(&first.len())
                && !first.starts_with('0')
                && middle.iter().all(|group| group.len() == of_a_group)
                && last.len() == 3
        }
    };
    if !are_right {
        return Err("has a sign for thousands where none belongs".to_owned());
    }
    let whole: String = whole.chars().filter(|sign| !is_sign(*sign)).collect();
    Ok(fraction.map_or(whole.clone(), |fraction| format!("{whole}{decimal}{fraction}")))
}

/// A word processor's apostrophe and the blanks of typesetters are the signs that they are meant for.
fn is_between_groups(sign: char, thousands: char) -> bool {
    match thousands {
        '\'' | '\u{2019}' => matches!(sign, '\'' | '\u{2019}'),
        ' ' | '\u{a0}' | '\u{202f}' => matches!(sign, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        other => sign == other,
    }
}

/// The first sign that cannot belong to a number, as messages name it; a text without digits is none in any case.
fn in_the_way(digits: &str, rule: Option<&Rule>, problem: &str) -> Option<String> {
    if !digits.contains(|sign: char| sign.is_ascii_digit()) {
        return None;
    }
    let is_known = |sign: char| {
        let of_groups =
            rule.and_then(|rule| rule.thousands).is_some_and(|known| is_between_groups(sign, known));
        sign.is_ascii_digit() || matches!(sign, '.' | ',') || of_groups
    };
    let is_blank = |sign: &char| sign.is_whitespace();
    let mut odd = digits.chars().filter(|sign| !is_known(*sign)).peekable();
    let has_blank = odd.peek().is_some_and(is_blank);
    if let Some(sign) = odd.find(|sign| !is_blank(sign)) {
        return Some(format!("'{sign}'"));
    }
    if has_blank {
        return Some("a blank".to_owned());
    }
    // A comma, or a second point, where no rule says what it is.
    let sign = if digits.contains(',') { "','" } else { "'.'" };
    (problem == NOT_A_NUMBER).then(|| sign.to_owned())
}
