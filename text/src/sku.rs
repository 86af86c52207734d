//! A SKU is 1 to 100 printable ASCII signs without blanks (`ProductId` in `contracts`). SKUs stand in URLs and in HTTP
//! headers, so what an ERP writes otherwise has to be rewritten, by one rule and always the same way.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A SKU of plain signs: accents are dropped (`ÁO-01/Đ` is `AO-01/D`), each run of blanks becomes one `-`. Other signs
/// stay, for the check to name them. Two texts may become one SKU: whoever writes the rule decides that none do.
#[must_use]
pub fn plain_sku(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join("-");
    let letters = DecomposingNormalizerBorrowed::new_nfd().normalize(&text);
    let is_accent = |c: &char| matches!(c, '\u{300}'..='\u{36f}');
    letters.chars().filter(|c| !is_accent(c)).map(without_stroke).collect()
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
