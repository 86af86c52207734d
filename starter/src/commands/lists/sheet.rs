//! Rows as CSV that a spreadsheet program opens: it calculates nothing of them, and they come back as they were.

use serde_json::value::{RawValue, to_raw_value};

/// Signs at the beginning of a value that make a spreadsheet program calculate.
const CALCULATES: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// The sign that is put before such a value, and before one that begins with it.
const GUARD: char = '\'';

fn needs_guard(text: &str) -> bool {
    text.starts_with(CALCULATES) || text.starts_with(GUARD)
}

/// A value of a line.
pub(crate) fn value(text: &str, is_name: bool) -> String {
    let guarded = if is_name && needs_guard(text) { format!("{GUARD}{text}") } else { text.to_owned() };
    match guarded.contains(['"', ',', ';', '\n', '\r', '\t']) || guarded.trim() != guarded {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

/// A line of values.
pub(crate) fn line<'v>(values: impl IntoIterator<Item = (&'v str, bool)>) -> String {
    let values: Vec<String> = values.into_iter().map(|(text, is_name)| value(text, is_name)).collect();
    format!("{}\n", values.join(","))
}

/// A name as it was before it was guarded.
pub(crate) fn unguarded(value: Box<RawValue>) -> Box<RawValue> {
    let Ok(text) = serde_json::from_str::<String>(value.get()) else { return value };
    match text.strip_prefix(GUARD).filter(|rest| needs_guard(rest)) {
        Some(rest) => to_raw_value(rest).unwrap_or(value),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P4
    #[test]
    fn a_name_comes_back_as_it_was_and_calculates_nothing() {
        for name in ["0017", "17", "90.750", "1E5", "-10", "=1+1", "TUBE-3/4\"", "'quoted", "''", "a,b"] {
            let written = value(name, true);
            assert!(!written.trim_start_matches('"').starts_with(CALCULATES), "{written}");
            let read = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let read = read.map_or(written.clone(), |read| read.replace("\"\"", "\""));
            let raw = to_raw_value(&read).expect("JSON");
            let back: String = serde_json::from_str(unguarded(raw).get()).expect("text");
            assert_eq!(back, name);
        }
        assert_eq!(line([("-5", false), ("A", true)]), "-5,A\n");
    }
}
