//! Lines that people and shops write, and texts that are compared.

use std::borrow::Cow;

use crate::sign::{hidden, is_invisible, refuse_first, trimmed};
use crate::{Refusal, composed, refuse};

/// A line that a person wrote: a name, a street, a city; 1 to `max` characters. Every kind of blank becomes a plain
/// one.
///
/// # Errors
/// When it is empty, too long, or holds line breaks, control characters or invisible signs.
pub fn line(text: &str, max: usize) -> Result<String, Refusal> {
    let text = composed(text);
    let text = sized(trimmed(&text), max)?;
    no_controls(text)?;
    // A sign may belong behind a typographic blank and not behind a plain one.
    let text: String = text.chars().map(plain_blank).collect();
    refuse_first(hidden(&text))?;
    Ok(text)
}

/// A line that a shop wrote: the name of a product; 1 to `max` characters. Invisible signs in it are dropped and line
/// breaks become blanks, because an order must not be refused for the wording of a catalogue.
///
/// # Errors
/// When it is empty, too long, or holds control characters.
pub fn title(text: &str, max: usize) -> Result<String, Refusal> {
    let text = shown(text, |text| {
        let parts = text.split(['\r', '\n', '\t']).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" ").chars().map(plain_blank).collect()
    });
    no_controls(&text)?;
    sized(&text, max).map(str::to_owned)
}

/// The characters that a description of a product or of a category may have. By all doors the same: a text that one
/// lets in and another refuses could not be changed where it was not made.
pub const DESCRIPTION_MAX: usize = 20_000;

/// A text of any number of lines, 1 to `max` characters. Invisible signs in it are dropped.
///
/// # Errors
/// When it is empty, too long, or holds control characters other than line breaks and tabs.
pub fn prose(text: &str, max: usize) -> Result<String, Refusal> {
    let text = shown(text, str::to_owned);
    let text = sized(&text, max)?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return refuse("holds control characters", "remove them; line breaks and tabs may stay");
    }
    Ok(text.to_owned())
}

/// A text that is compared with others, 1 to `max` characters: a SKU, an id, the name of a category. Every kind of
/// blank becomes a plain one.
///
/// # Errors
/// When it is empty, too long, or holds control characters or invisible signs.
pub fn key(text: &str, max: usize) -> Result<String, Refusal> {
    let text = composed(text);
    let text = sized(trimmed(&text), max)?;
    no_controls(text)?;
    refuse_first(text.chars().enumerate().filter(|(_, sign)| is_invisible(*sign)))?;
    Ok(text.chars().map(plain_blank).collect())
}

/// A text as it is seen, for comparing it with another one: two that look alike are one. Names of fields and the words
/// of an ERP are compared so. Nothing is refused.
#[must_use]
pub fn as_seen(text: &str) -> Cow<'_, str> {
    // Most names are plain, and are asked for in every record.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain && !text.starts_with(' ') && !text.ends_with(' ') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(shown(text, |text| text.chars().map(plain_blank).collect()))
}

/// Whether a text is blanks and invisible signs alone: nobody who looks at it sees that something is there.
#[must_use]
pub fn shows_nothing(text: &str) -> bool {
    text.chars().all(is_unseen)
}

/// Whether a sign is a blank, or one that nobody sees.
#[must_use]
pub fn is_unseen(sign: char) -> bool {
    sign.is_whitespace() || is_invisible(sign)
}

/// As it is read: composed, without hidden signs, its blanks as they are `set`. A sign that goes may leave one behind
/// that has no place any more, or an accent that joins its letter now.
fn shown(text: &str, set: impl Fn(&str) -> String) -> String {
    let mut text = composed(text).into_owned();
    loop {
        let whole = set(trimmed(&text));
        let mut stray = hidden(&whole).map(|(at, _)| at).peekable();
        let kept = whole.chars().enumerate().filter(|(at, _)| stray.next_if_eq(at).is_none());
        let kept: String = kept.map(|(_, sign)| sign).collect();
        let next = composed(&kept).into_owned();
        if next == text {
            return text;
        }
        text = next;
    }
}

fn sized(text: &str, max: usize) -> Result<&str, Refusal> {
    if text.is_empty() {
        refuse("is empty", "fill it in")
    } else if text.chars().count() > max {
        refuse(format!("is longer than {max} characters"), "shorten it")
    } else {
        Ok(text)
    }
}

fn no_controls(text: &str) -> Result<(), Refusal> {
    match text.chars().any(char::is_control) {
        true => refuse("holds control characters", "remove line breaks and other control characters"),
        false => Ok(()),
    }
}

/// No-break and typographic blanks are typed by nobody and searched by nobody.
fn plain_blank(sign: char) -> char {
    if sign.is_whitespace() { ' ' } else { sign }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem<T: std::fmt::Debug>(read: Result<T, Refusal>) -> String {
        read.expect_err("refused").problem
    }

    #[test]
    fn what_differs_by_form_alone_is_one_text() {
        // Decomposed: letters, and accents of their own (O8).
        for (written, read) in [
            ("Vie\u{323}\u{302}t Nam", "Việt Nam"),
            ("  Thành phô\u{301}\u{a0}Hồ Chí Minh \u{2009}", "Thành phố Hồ Chí Minh"),
            ("\u{feff}\u{202a}Đà Nẵng\u{202c}\u{200b}", "Đà Nẵng"),
        ] {
            assert_eq!(line(written, 100).as_deref(), Ok(read));
            assert_eq!(key(written, 100).as_deref(), Ok(read));
            assert_eq!(as_seen(written), read);
        }
    }

    #[test]
    fn an_invisible_sign_inside_is_named_with_its_place() {
        // O10
        for (written, said) in [
            (
                "Nguyễn\u{202e} Văn A",
                "holds an invisible sign, U+202E (a turn of the writing direction), as character 7",
            ),
            ("Ha\u{200b}noi", "holds an invisible sign, U+200B (zero width space), as character 3"),
            ("A\u{ad}B", "holds an invisible sign, U+00AD (soft hyphen), as character 2"),
            ("A\u{200d}B", "holds an invisible sign, U+200D (zero width joiner), as character 2"),
            ("A\u{2062}B", "holds an invisible sign, U+2062, as character 2"),
        ] {
            assert_eq!(problem(line(written, 100)), said);
            assert_eq!(problem(key(written, 100)), said);
        }
    }

    #[test]
    fn scripts_and_pictures_keep_the_signs_that_they_are_written_with() {
        // A Persian name with its non-joiner, a keycap, a heart with its selector, a family.
        for kept in ["علی\u{200c}رضا", "Kho 1\u{fe0f}\u{20e3}", "Áo ❤\u{fe0f}", "👨\u{200d}👩\u{200d}👧"]
        {
            assert_eq!(line(kept, 100).as_deref(), Ok(kept));
            assert_eq!(title(kept, 100).as_deref(), Ok(kept));
        }
        assert_eq!(problem(key("علی\u{200c}رضا", 100)).split(',').next(), Some("holds an invisible sign"));
    }

    #[test]
    fn a_shops_own_words_are_cleaned_and_not_refused() {
        assert_eq!(title("\u{feff}Dampf\u{ad}schiff\u{200b}\n\tXL ", 100).as_deref(), Ok("Dampfschiff XL"));
        // One that goes takes along what has no place without it.
        assert_eq!(title("K 5\u{200b}\u{200c}x", 100).as_deref(), Ok("K 5x"));
        assert_eq!(title("Caffe\u{ad}\u{301}\u{a0}\u{200d}\t", 100).as_deref(), Ok("Caffé"));
        assert_eq!(prose("\u{a0}\u{fe0f}x", 100).as_deref(), Ok("x"));
        assert_eq!(problem(line("a\u{a0}\u{200c}b", 100)), problem(line("a \u{200c}b", 100)));
        assert_eq!(prose("Zwei\r\nZei\u{ad}len\u{200b}\n", 100).as_deref(), Ok("Zwei\r\nZeilen"));
        assert_eq!(problem(title("A\u{7}", 100)), "holds control characters");
        assert_eq!(problem(prose("A\u{7}", 100)), "holds control characters");
    }

    #[test]
    fn texts_that_look_alike_are_one() {
        for (one, other) in [
            ("Đã giao", "Đã\u{a0}giao\u{200b}"),
            ("gia\u{301}", "giá"),
            ("con\u{ad}firmed", "confirmed"),
            ("A\r\nB", "A  B"),
            (" A ", "A"),
            ("", "\u{feff}"),
        ] {
            assert_eq!(as_seen(one), as_seen(other), "{one:?}");
            assert_eq!(as_seen(&as_seen(one)), as_seen(one));
        }
        assert_ne!(as_seen("a"), as_seen("A"));
        assert_ne!(as_seen("A B"), as_seen("AB"));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        for nothing in ["", " \u{a0}", "\u{200b}\u{feff}"] {
            for read in [line(nothing, 5), title(nothing, 5), prose(nothing, 5), key(nothing, 5)] {
                assert_eq!(problem(read), "is empty");
            }
        }
        // Five characters, not five bytes.
        assert_eq!(line("Huế 1", 5).as_deref(), Ok("Huế 1"));
        for read in [line("123456", 5), title("123456", 5), prose("123456", 5), key("123456", 5)] {
            assert_eq!(problem(read), "is longer than 5 characters");
        }
        assert_eq!(problem(line("a\nb", 5)), "holds control characters");
    }
}
