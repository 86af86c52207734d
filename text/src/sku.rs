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
/// may be a code; as a JSON number (`is_number`) it is none.
#[must_use]
pub fn is_made_of_a_key(text: &str, is_number: bool) -> bool {
    let text = trimmed(text);
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
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
        is_number || (is_mantissa && is_long && (has_sign || !fraction.is_empty()))
    });
    is_whole || is_power
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
