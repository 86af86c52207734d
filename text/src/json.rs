//! JSON as it was written: every value keeps its digits and its place, and a field that is given twice is seen twice.
//!
//! Numbers must not pass through floating point, `null` is not the same as nothing, and of two fields of one name
//! nobody can say which is meant; so a value is its text ([`RawValue`]) until a reader knows what it should be.

mod kept;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{Place, Problem};
use crate::{Refusal, refuse};

pub use kept::kept;

const SAVE_AS_UTF8: &str = "save it as UTF-8";
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The bytes before the text of a file, whose first bytes are given: 0, or the length of its byte-order mark.
///
/// # Errors
/// When it is UTF-16 or UTF-32, which is named.
pub fn mark(first: &[u8]) -> Result<usize, Problem> {
    let text = first.strip_prefix(MARK).unwrap_or(first);
    if is_utf32(text) {
        return Err(Problem::new("", "is UTF-32 text", SAVE_AS_UTF8));
    }
    let is_wide = |first: u8, second: u8| first != 0 && second == 0;
    if matches!(text, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
        || matches!(text, [a, b, ..] if is_wide(*a, *b) || is_wide(*b, *a))
    {
        return Err(Problem::new("", "is UTF-16 text", SAVE_AS_UTF8));
    }
    Ok(first.len() - text.len())
}

/// Whether a text of which these are the first bytes has four bytes for each sign.
#[must_use]
pub fn is_utf32(first: &[u8]) -> bool {
    match first {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => true,
        [0, 0, 0, sign, ..] | [sign, 0, 0, 0, ..] => *sign != 0,
        _ => false,
    }
}

/// The text of a file, without its byte-order mark.
///
/// # Errors
/// When it is not UTF-8, with the place; UTF-16 is named.
pub fn decoded(bytes: &[u8]) -> Result<&str, Problem> {
    let bytes = &bytes[mark(bytes)?..];
    std::str::from_utf8(bytes).map_err(|error| {
        let right = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        Problem::new("", "is not UTF-8 text", SAVE_AS_UTF8).at(Place::in_text(right, right.len()))
    })
}

/// Reads a text as one JSON value, with or without a byte-order mark.
///
/// # Errors
/// When it is not JSON, with the place.
pub fn value(text: &str) -> Result<&RawValue, Problem> {
    serde_json::from_str(without_mark(text)).map_err(|error| {
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or(&said);
        let place = Place::Line { line: error.line(), column: error.column() };
        Problem::new("", format!("is not JSON: {what}"), "correct that place").at(place)
    })
}

/// A text without its byte-order mark.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The value as it was written.
    pub value: &'a RawValue,
    /// The byte of the object's text where the value begins.
    pub at: usize,
}

impl Field<'_> {
    /// Whether it says `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value.get() == "null"
    }
}

/// The fields of an object in the order in which they stand, one that is given twice twice. `None`: it is not an
/// object.
#[must_use]
pub fn fields(object: &str) -> Option<Vec<(String, Field<'_>)>> {
    let Pairs(pairs) = serde_json::from_str(object).ok()?;
    let placed =
        pairs.into_iter().map(|(name, value)| (name, Field { value, at: place(object, value.get()) }));
    Some(placed.collect())
}

/// The text of a JSON string.
///
/// # Errors
/// When it is not a string, or is one with half a sign: JSON can name a surrogate alone, and no text can hold it.
pub fn text(value: &RawValue) -> Result<String, Refusal> {
    let written = value.get();
    serde_json::from_str(written).or_else(|_| match written.starts_with('"') {
        true => refuse(HALF_A_SIGN, "write the whole sign, or leave it out"),
        false => refuse("is not text", "send a JSON string"),
    })
}

const HALF_A_SIGN: &str =
    "holds half a sign (\\ud800 to \\udfff, one of a pair alone), which no text can hold";

/// The entries of a list. `None`: it is not a list.
#[must_use]
pub fn entries(list: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list).ok()
}

/// Where a part of a text begins in it.
#[must_use]
pub fn place(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S1
    #[test]
    fn a_mark_is_skipped_and_another_encoding_is_named_with_its_place() {
        assert_eq!(decoded("\u{feff}{\"a\": 1}".as_bytes()), Ok("{\"a\": 1}"));
        assert_eq!(decoded(b""), Ok(""));
        assert_eq!(value("\u{feff}{\"a\": 1}").map(RawValue::get), Ok("{\"a\": 1}"));
        for wide in [&b"\xFF\xFE{\0}\0"[..], b"\xFE\xFF\0{\0}", b"{\0}\0", b"\0{\0}"] {
            assert_eq!(
                decoded(wide).expect_err("UTF-16").to_string(),
                "is UTF-16 text (fix: save it as UTF-8)"
            );
        }
        for wide in [&b"\xFF\xFE\0\0{\0\0\0"[..], b"\0\0\xFE\xFF\0\0\0{", b"{\0\0\0}\0\0\0", b"\0\0\0{"] {
            let said = decoded(wide).expect_err("UTF-32").to_string();
            assert_eq!(said, "is UTF-32 text (fix: save it as UTF-8)");
        }
        assert_eq!(mark(b"\xEF\xBB\xBF[1"), Ok(3));
        assert_eq!(mark(b"[1, 2"), Ok(0));
        assert!(mark(b"\xEF\xBB\xBF[\0").is_err());
        let latin = decoded(b"{\n\"name\": \"Ren\xE9\"}").expect_err("Latin-1");
        assert_eq!(latin.to_string(), "is not UTF-8 text (line 2, column 13) (fix: save it as UTF-8)");
    }

    #[test]
    fn half_a_sign_is_named_as_that() {
        let raw = |json: &'static str| value(json).expect("JSON");
        assert_eq!(text(raw(r#""\ud83d\udc58 \u00e9""#)).as_deref(), Ok("👘 é"));
        for half in [r#""\ud800""#, r#""a\udc58b""#, r#""\ud83dx""#] {
            let refusal = text(raw(half)).expect_err(half);
            assert!(refusal.problem.starts_with("holds half a sign"), "{half}: {refusal:?}");
        }
        for other in ["7", "null", "[\"x\"]"] {
            assert_eq!(text(raw(other)).expect_err(other).problem, "is not text");
        }
    }

    #[test]
    fn what_is_not_json_is_named_with_its_place() {
        for (text, said) in [
            ("", "is not JSON: EOF while parsing a value (line 1, column 0)"),
            ("{\n  \"name\": ,\n}", "is not JSON: expected value (line 2, column 11)"),
            ("{} {}", "is not JSON: trailing characters (line 1, column 4)"),
        ] {
            assert_eq!(value(text).expect_err(text).what(), said);
        }
    }

    #[test]
    fn fields_keep_their_order_their_digits_their_places_and_their_doubles() {
        let object = "{\"b\": 2.50,\n \"a\": null, \"b\": [1e400, \"\\u00e9\"]}";
        let read = fields(object).expect("an object");
        let shown: Vec<(&str, &str, bool)> = read
            .iter()
            .map(|(name, field)| (name.as_str(), &object[field.at..][..2], field.is_null()))
            .collect();
        assert_eq!(shown, [("b", "2.", false), ("a", "nu", true), ("b", "[1", false)]);
        assert_eq!(read[2].1.value.get(), "[1e400, \"\\u00e9\"]");
        let list = entries(read[2].1.value.get()).expect("a list");
        assert_eq!(list.iter().map(|entry| entry.get()).collect::<Vec<_>>(), ["1e400", "\"\\u00e9\""]);
        for other in ["[]", "7", "null", "{", "\"{}\""] {
            assert!(fields(other).is_none(), "{other}");
        }
        assert!(entries("{}").is_none());
    }
}
