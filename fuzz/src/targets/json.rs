//! The JSON reader.

use serde_json::Value;
use text::Place;
use text::json;

use super::{Target, texts};
use crate::mutate::Random;

pub(super) const TARGET: Target =
    Target { name: "json", corpus, is_right: |bytes| holds(bytes) == Ok(true), check, rounds: 20_000 };

fn corpus() -> Vec<Vec<u8>> {
    texts(&[
        "\u{feff}{\"order_id\": \"ORDER-001\", \"total\": 25000000.00, \"note\": null}",
        "{\"a\": [1, 2.50, \"\\u00e9\\n\"], \"a\": {\"b\": true}, \"\": 1e400}",
        "[{\"sku\": \"Áo-01\"}, {}, [], \"x\", -0.0]",
        "\"text\"",
    ])
}

fn check(bytes: &[u8], _: &mut Random) -> Result<(), String> {
    holds(bytes).map(drop)
}

/// Whether it is JSON; and if so, whether it is read as another reader reads it, and every field stands where it is
/// said to.
fn holds(bytes: &[u8]) -> Result<bool, String> {
    let Ok(text) = json::decoded(bytes) else { return Ok(false) };
    let value = match json::value(text) {
        Ok(value) => value.get(),
        Err(problem) => {
            return match problem.at {
                Some(Place::Line { line, .. }) if line <= text.lines().count() + 1 => Ok(false),
                other => Err(format!("is refused at {other:?}")),
            };
        }
    };
    for (name, field) in json::fields(value).unwrap_or_default() {
        if value.get(field.at..).is_none_or(|rest| !rest.starts_with(field.value.get())) {
            return Err(format!("field {name:?} is said to be at {}", field.at));
        }
    }
    // A number that no 64 bits hold is a number all the same; the other reader refuses it.
    let Ok(known) = serde_json::from_str::<Value>(value) else { return Ok(true) };
    let names = |fields: Vec<(String, json::Field<'_>)>| {
        let mut names: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        names
    };
    let wanted = known.as_object().map(|object| {
        let mut names: Vec<String> = object.keys().cloned().collect();
        names.sort();
        names
    });
    if json::fields(value).map(names) != wanted {
        return Err("fields are not those that another reader finds".to_owned());
    }
    if json::entries(value).map(|entries| entries.len()) != known.as_array().map(Vec::len) {
        return Err("entries are not those that another reader finds".to_owned());
    }
    Ok(true)
}
