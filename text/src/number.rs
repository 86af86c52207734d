//! Numbers that somebody wrote as text.

use crate::sign;

/// The signs of a number that somebody wrote, without blanks at the ends and invisible signs anywhere.
#[must_use]
pub fn number(text: &str) -> String {
    let signs: String = text.chars().filter(|sign| !sign::is_invisible(*sign)).collect();
    signs.trim().to_owned()
}

/// Whether a number, as it was written in a text, may be meant in two ways: `25.000` is twenty-five in one country and
/// twenty-five thousand in another. Where three `decimals` are usual (a currency has them) it is the first, and `0.125`
/// cannot be thousands; `025.000` is nobody's way to write either. A number in JSON is never of two minds: this is for
/// texts.
#[must_use]
pub fn is_of_two_minds(text: &str, decimals: u32) -> bool {
    if decimals >= 3 {
        return false;
    }
    let digits = number(text);
    let digits = digits.trim_start_matches(['+', '-', '\u{2212}']).trim();
    let mut parts = digits.split(['.', ',']);
    let (Some(whole), Some(behind), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_a_group = (1..=3).contains(&whole.len()) && whole != "0";
    is_a_group && behind.len() == 3 && are_digits(whole) && are_digits(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sign_with_three_digits_behind_it_is_of_two_minds() {
        for doubtful in [
            "25.000",
            "25,000",
            "+25.000",
            "-1.250",
            "\u{2212} 1.250",
            " 025.000 ",
            "999.999",
            "1\u{200b}.250",
        ] {
            assert!(is_of_two_minds(doubtful, 0) && is_of_two_minds(doubtful, 2), "{doubtful:?}");
            assert!(!is_of_two_minds(doubtful, 3), "{doubtful:?}");
        }
        for clear in [
            "0.125",
            "-0.500",
            "25000",
            "1250.500",
            "25.00",
            "1.250.000",
            "25.000,5",
            ".500",
            "a.bcd",
            "2.5e3",
            "",
        ] {
            assert!(!is_of_two_minds(clear, 0), "{clear:?}");
        }
    }
}
