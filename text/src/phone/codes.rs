//! The calling codes of countries (ITU-T E.164), and what a 0 behind each of them is.

/// The meaning of a 0 directly behind a calling code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    /// A part of the number.
    Kept,
    /// A sign that is dialled inside the country, and left out from abroad.
    LeftOut,
    /// Neither: a mistake.
    Wrong,
}

/// How long the calling code is that the digits begin with. Codes of one digit and of two are these; all others have
/// three.
pub(super) fn length(digits: &str) -> usize {
    let two = digits.get(..2).unwrap_or(digits);
    match digits.as_bytes().first() {
        Some(b'1' | b'7') => 1,
        _ if TWO.contains(&two) => 2,
        _ => digits.len().min(3),
    }
}

pub(super) fn zero(code: &str) -> Zero {
    if KEPT.contains(&code) {
        Zero::Kept
    } else if LEFT_OUT.contains(&code) {
        Zero::LeftOut
    } else {
        Zero::Wrong
    }
}

#[rustfmt::skip]
const TWO: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
    "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
    "91", "92", "93", "94", "95", "98",
];

/// Italy, San Marino and the Vatican; Côte d'Ivoire, Burkina Faso, Niger, Benin, Gabon and the Congo; numbers of no
/// country.
#[rustfmt::skip]
const KEPT: [&str; 12] = ["39", "225", "226", "227", "229", "241", "242", "378", "379", "800", "808", "979"];

/// Where the zero is dialled inside the country alone and no number begins with one.
#[rustfmt::skip]
const LEFT_OUT: [&str; 95] = [
    "20", "27", "31", "32", "33", "40", "41", "43", "44", "46", "49", "51", "54", "55", "58", "60", "61", "62", "63",
    "64", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
    "211", "212", "213", "218", "231", "232", "233", "234", "243", "249", "250", "251", "252", "254", "255", "256",
    "260", "261", "262", "263", "264", "291", "353", "355", "358", "359", "370", "373", "374", "380", "381", "382",
    "383", "385", "386", "387", "389", "421", "590", "593", "594", "595", "596", "598", "850", "855", "856", "880",
    "886", "961", "962", "963", "964", "966", "967", "970", "971", "972", "976", "977", "994", "995", "996",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_whatever_follows() {
        for (digits, length_of_code) in [
            ("12025550123", 1),
            ("7900", 1),
            ("84901", 2),
            ("98912", 2),
            ("380441", 3),
            ("852", 3),
            ("99", 2),
            ("9", 1),
        ] {
            assert_eq!(length(digits), length_of_code, "{digits}");
        }
    }

    /// A code that stands in no list by mistake, or in two, would be read in two ways.
    #[test]
    fn the_lists_do_not_contradict_each_other() {
        for code in KEPT.iter().chain(&LEFT_OUT) {
            assert_eq!(length(&format!("{code}123")), code.len(), "{code}");
            assert!(!(KEPT.contains(code) && LEFT_OUT.contains(code)), "{code}");
        }
    }
}
