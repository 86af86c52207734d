//! Cursors: where a page ended. They look like nothing, so that nobody is tempted to make one up.

use std::collections::BTreeMap;

use crate::answer::Refusal;

/// The last record of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// In microseconds; 0 where the list is not ordered by time.
    pub(super) updated_at: i64,
    pub(super) id: String,
}

pub(super) fn write(list: &str, updated_at: i64, id: &str) -> String {
    format!("{list}\n{updated_at}\n{id}").bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The position in the query's `cursor`, which must be of the same list.
pub(super) fn read(query: &BTreeMap<String, String>, list: &str) -> Result<Option<Position>, Refusal> {
    let Some(given) = query.get("cursor") else { return Ok(None) };
    let position = decode(given, list);
    position.map(Some).ok_or_else(|| Refusal::invalid("cursor", "is not one of this list"))
}

fn decode(given: &str, list: &str) -> Option<Position> {
    let digits = given.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    let mut parts = text.splitn(3, '\n');
    if parts.next() != Some(list) {
        return None;
    }
    Some(Position { updated_at: parts.next()?.parse().ok()?, id: parts.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_by_its_own_list_only() {
        let cursor = write("products", 17, "Ä\n1");
        let position = Position { updated_at: 17, id: "Ä\n1".to_owned() };
        assert_eq!(decode(&cursor, "products"), Some(position));
        assert_eq!(decode(&cursor, "orders"), None);
        for wrong in ["", "1", "zz", "+1+2", "ff", "é1"] {
            assert_eq!(decode(wrong, "products"), None, "{wrong}");
        }
    }
}
