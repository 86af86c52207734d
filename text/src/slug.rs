//! The part of a link that names something: `dua-hau` of "Dưa hấu".

use crate::plain_sku;

/// A readable slug: letters without their accents, in lower case, and digits; every run of other signs is one `-`.
/// Two texts may become one slug. `None` where nothing readable is left, or a letter has no plain form (`电`): half a
/// name would be another name.
#[must_use]
pub fn slug(text: &str) -> Option<String> {
    let plain = plain_sku(text);
    if plain.chars().any(|sign| sign.is_alphanumeric() && !sign.is_ascii()) {
        return None;
    }
    let parts: Vec<String> = plain
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    (!parts.is_empty()).then(|| parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_names_are_written_without_their_marks() {
        // C1
        for (name, link) in [
            ("Dưa", Some("dua")),
            ("Dừa", Some("dua")),
            ("Dứa", Some("dua")),
            ("Điện thoại & Phụ kiện", Some("dien-thoai-phu-kien")),
            (" LAPTOPS ", Some("laptops")),
            ("TV / Audio (4K)", Some("tv-audio-4k")),
            ("A\u{301}o da\u{300}i", Some("ao-dai")),
            ("电脑", None),
            ("Pin 电", None),
            ("&", None),
            ("", None),
        ] {
            assert_eq!(slug(name).as_deref(), link, "{name}");
        }
    }
}
