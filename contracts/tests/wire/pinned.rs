//! A type's JSON is pinned: the fields it writes, their names, and the ones it can read without.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::TestResult;

/// The value writes the golden JSON, and the golden JSON reads as the value. Exactly the `optional` fields (JSON
/// pointers) may be left out, and are left out again when written. Fields of a later version are passed over.
pub(crate) fn pinned<T>(value: &T, golden: &Value, optional: &[&str]) -> TestResult
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(&serde_json::to_value(value)?, golden);
    assert_eq!(&read::<T>(golden)?, value);
    let mut may_be_absent = BTreeSet::new();
    for (object, field) in fields(golden) {
        let mut without = golden.clone();
        change(&mut without, &object, |fields| drop(fields.remove(&field)));
        if let Ok(partial) = read::<T>(&without) {
            assert_eq!(serde_json::to_value(partial)?, without, "{object}/{field} is written when absent");
            may_be_absent.insert(format!("{object}/{field}"));
        }
        let mut newer = golden.clone();
        let added = ("added_in_a_later_version".to_owned(), json!({ "a": [1] }));
        change(&mut newer, &object, |fields| fields.extend([added]));
        assert_eq!(&read::<T>(&newer)?, value, "a new field of '{object}' is not passed over");
    }
    let expected: BTreeSet<String> = optional.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(may_be_absent, expected, "the fields of {golden} that may be absent");
    Ok(())
}

/// From text, as payloads are read: a `Value` would forgive what a text does not.
fn read<T: DeserializeOwned>(json: &Value) -> serde_json::Result<T> {
    serde_json::from_str(&json.to_string())
}

fn change(json: &mut Value, object: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    if let Some(fields) = json.pointer_mut(object).and_then(Value::as_object_mut) {
        change(fields);
    }
}

/// Every field of every object in the JSON, as the pointer to its object and its name.
fn fields(json: &Value) -> Vec<(String, String)> {
    let entries: Vec<(String, &Value)> = match json {
        Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(entries) => (0..).zip(entries).map(|(i, v): (usize, _)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (name, value) in entries {
        if json.is_object() {
            found.push((String::new(), name.clone()));
        }
        let below = fields(value).into_iter();
        found.extend(below.map(|(object, field)| (format!("/{name}{object}"), field)));
    }
    found
}

#[test]
fn fields_are_found_at_every_depth() {
    let json = json!({ "a": { "b": 1 }, "c": [{ "d": null }] });
    let found: Vec<String> = fields(&json).into_iter().map(|(object, f)| format!("{object}/{f}")).collect();
    assert_eq!(found, ["/a", "/a/b", "/c", "/c/0/d"]);
}
