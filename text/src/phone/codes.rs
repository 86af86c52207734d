//! The calling codes of countries (ITU-T E.164), and what a 0 behind each of them is. A test compares every code with
//! the numbering plans as libphonenumber 9.0.43 has them.

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

/// Italy and the Vatican, San Marino; Côte d'Ivoire, Burkina Faso, Benin, Gabon and the Congo; Tajikistan; numbers of
/// no country.
#[rustfmt::skip]
const KEPT: [&str; 11] = ["39", "225", "226", "229", "241", "242", "378", "800", "881", "888", "992"];

/// Where the zero is dialled inside the country alone and no number begins with one.
#[rustfmt::skip]
const LEFT_OUT: [&str; 102] = [
    "20", "27", "31", "32", "33", "40", "41", "43", "44", "46", "49", "51", "53", "54", "55", "57", "58",
    "60", "61", "62", "63", "64", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
    "211", "212", "213", "218", "231", "232", "233", "234", "243", "249", "251", "252", "254", "255", "256",
    "260", "261", "262", "263", "264", "265", "291", "353", "355", "358", "359", "370", "373", "374", "377",
    "380", "381", "382", "383", "385", "386", "387", "389", "421", "423", "508", "590", "591", "593", "594",
    "595", "596", "598", "686", "850", "855", "856", "880", "886", "961", "962", "963", "964", "966", "967",
    "970", "971", "972", "976", "977", "994", "995", "996",
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

    /// Every code that is given out. `p`: 0 is dialled before a number inside the country; `z`: numbers of its phones
    /// (of no country: of anything) begin with 0.
    const PLANS: &str = "\
        1 20p 211p 212p 213p 216 218p 220 221 222 223 224 225z 226z 227 228 229z 230 231p 232p 233p 234p 235 \
        236 237 238 239 240 241z 242z 243p 244 245 246 247 248 249p 250pz 251p 252p 253 254p 255p 256p 257 \
        258 260p 261p 262p 263p 264p 265p 266 267 268 269 27p 290 291p 297 298 299 30 31p 32p 33p 34 350 351 \
        352 353p 354 355p 356 357 358p 359p 36 370p 371 372 373p 374p 375 376 377p 378z 380p 381p 382p 383p \
        385p 386p 387p 389p 39z 40p 41p 420 421p 423p 43p 44p 45 46p 47 48 49p 500 501 502 503 504 505 506 \
        507 508p 509 51p 52 53p 54p 55p 56 57p 58p 590p 591p 592 593p 594p 595p 596p 597 598p 599 60p 61p \
        62p 63p 64p 65 66p 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686p 687 688 689 690 691 \
        692 7 800z 808 81p 82p 84p 850p 852 853 855p 856p 86p 870 878 880p 881z 882 883 886p 888z 90p 91p \
        92p 93p 94p 95p 960 961p 962p 963p 964p 965 966p 967p 968 970p 971p 972p 973 974 975 976p 977p 979 \
        98p 992z 993 994p 995p 996p 998";

    #[test]
    fn every_code_is_found_and_its_zero_is_what_its_country_says() {
        for plan in PLANS.split_ascii_whitespace() {
            let code = plan.trim_end_matches(['p', 'z']);
            assert_eq!(length(&format!("{code}123456789")), code.len(), "+{code}");
            let right = match &plan[code.len()..] {
                "p" => Zero::LeftOut,
                "z" => Zero::Kept,
                // Of Rwanda's numbers, two that differ in the 0 alone may both be somebody's.
                "" | "pz" => Zero::Wrong,
                other => panic!("{other}"),
            };
            assert_eq!(zero(code), right, "+{code}");
        }
        let codes = PLANS.split_ascii_whitespace().map(|plan| plan.trim_end_matches(['p', 'z']));
        let codes: Vec<&str> = codes.collect();
        for code in TWO.iter().chain(&KEPT).chain(&LEFT_OUT) {
            assert!(codes.contains(code), "+{code} is given to nobody");
        }
    }
}
