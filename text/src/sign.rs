//! Signs that nobody sees: they come with copied text, and make two texts differ that look the same.

use crate::{Refusal, refuse};

/// Whether nothing shows where the sign stands. Joiners and selectors, which shape their neighbours, are not meant.
pub(crate) fn is_hidden(sign: char) -> bool {
    matches!(sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// Joiners, which some scripts need inside words, and selectors, which choose the look of the sign before them.
fn is_shaping(sign: char) -> bool {
    matches!(sign, '\u{200c}' | '\u{200d}' | '\u{180b}'..='\u{180d}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Whether the sign has no look of its own.
pub(crate) fn is_invisible(sign: char) -> bool {
    is_hidden(sign) || is_shaping(sign)
}

/// East Asian keyboards have a wide form of each sign of ASCII.
pub(crate) fn narrow(sign: char) -> char {
    match sign {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(sign) - 0xfee0).unwrap_or(sign),
        other => other,
    }
}

/// Without blanks and hidden signs at the ends.
pub(crate) fn trimmed(text: &str) -> &str {
    let is_nothing = |c: char| c.is_whitespace() || is_hidden(c) || matches!(c, '\u{200c}' | '\u{200d}');
    text.trim_matches(is_nothing)
}

/// The hidden signs of a text that people read. Shaping signs belong to it behind letters of scripts that have them.
pub(crate) fn hidden(text: &str) -> impl Iterator<Item = (usize, char)> {
    let before = std::iter::once('a').chain(text.chars());
    let stray = |(_, (before, sign)): &(usize, (char, char))| {
        is_hidden(*sign) || (is_shaping(*sign) && before.is_ascii() && !is_keycap(*before, *sign))
    };
    before.zip(text.chars()).enumerate().filter(stray).map(|(at, (_, sign))| (at, sign))
}

/// `1️⃣` is a digit, a selector and a sign around them.
fn is_keycap(before: char, sign: char) -> bool {
    sign == '\u{fe0f}' && (before.is_ascii_digit() || matches!(before, '#' | '*'))
}

/// Refuses a text that holds one of these signs; `found` has its place, counted in characters from 0.
pub(crate) fn refuse_first(mut found: impl Iterator<Item = (usize, char)>) -> Result<(), Refusal> {
    let Some((at, sign)) = found.next() else { return Ok(()) };
    let problem = format!("holds an invisible sign, {}, as character {}", called(sign), at + 1);
    refuse(problem, "remove that sign; it often comes with copied text, so type the place anew")
}

/// The sign's number, with the name of those that are met.
fn called(sign: char) -> String {
    let name = match sign {
        '\u{ad}' => "soft hyphen",
        '\u{200b}' => "zero width space",
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{200e}' => "left-to-right mark",
        '\u{200f}' => "right-to-left mark",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "a turn of the writing direction",
        '\u{2060}' => "word joiner",
        '\u{feff}' => "byte-order mark",
        _ => return number(sign),
    };
    format!("{} ({name})", number(sign))
}

fn number(sign: char) -> String {
    format!("U+{:04X}", u32::from(sign))
}
