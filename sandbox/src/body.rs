//! Strict reading of request bodies: a wrong or missing field is named in the answer.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::answer::{Refusal, Stop};

/// How many entries a lookup may have.
const LOOKUP_MAX: usize = 500;

/// Reads a JSON body; a failure is 400 with the field's path in `details`.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Stop> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        unreadable(&path, error.inner())
    })?;
    reader.end().map_err(|error| unreadable(".", &error))?;
    Ok(value)
}

fn unreadable(path: &str, error: &serde_json::Error) -> Refusal {
    let message = without_position(&error.to_string());
    if !error.is_data() {
        return Refusal::new(400, "INVALID_REQUEST", format!("the body is not JSON: {message}"));
    }
    Refusal::invalid(&field_path(path, &message), message)
}

/// Reads JSON that is itself a text in a body; `field` names it in a refusal.
pub(crate) fn parse_text<T: DeserializeOwned>(field: &str, text: &str) -> Result<T, Stop> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let message = without_position(&error.inner().to_string());
        if !error.inner().is_data() {
            return Refusal::invalid(field, format!("must be JSON: {message}"));
        }
        match field_path(&error.path().to_string(), &message).as_str() {
            "body" => Refusal::invalid(field, message),
            path => Refusal::invalid(&format!("{field}.{path}"), message),
        }
    })?;
    reader.end().map_err(|error| Refusal::invalid(field, format!("must be JSON: {error}")))?;
    Ok(value)
}

/// serde names a missing field in the message only; the path then ends at its parent.
fn field_path(path: &str, message: &str) -> String {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    match (path, named) {
        (".", Some(field)) => field.to_owned(),
        (".", None) => "body".to_owned(),
        (path, Some(field)) if path == field || path.ends_with(&format!(".{field}")) => path.to_owned(),
        (path, Some(field)) => format!("{path}.{field}"),
        (path, None) => path.to_owned(),
    }
}

fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// Whether the body is an object with that field (to tell two forms of one endpoint apart).
pub(crate) fn has_field(bytes: &[u8], field: &str) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|body| body.get(field).is_some())
}

/// Tells an explicit null from an absent field.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A list of a lookup: as many as one request may ask for.
pub(crate) fn asked_for<'a, T>(list: &'a [T], field: &str) -> Result<&'a [T], Refusal> {
    if (1..=LOOKUP_MAX).contains(&list.len()) {
        return Ok(list);
    }
    Err(Refusal::invalid(field, format!("must have 1 to {LOOKUP_MAX} entries")))
}

/// A JSON object that is kept as it was written.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Box<RawValue>")]
pub(crate) struct Object(Box<RawValue>);

impl TryFrom<Box<RawValue>> for Object {
    type Error = &'static str;

    fn try_from(raw: Box<RawValue>) -> Result<Self, Self::Error> {
        if raw.get().starts_with('{') { Ok(Self(raw)) } else { Err("must be an object") }
    }
}

impl Object {
    pub(crate) fn text(&self) -> &str {
        self.0.get()
    }
}

/// A text that is not empty.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(String);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() { Err("must not be empty") } else { Ok(Self(text)) }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A text of 1 to `MAX` characters.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Short<const MAX: usize>(String);

impl<const MAX: usize> TryFrom<String> for Short<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Text(text) = Text::try_from(text)?;
        match text.chars().count() {
            length if length > MAX => Err(format!("has {length} characters, at most {MAX} are allowed")),
            _ => Ok(Self(text)),
        }
    }
}

impl<const MAX: usize> Deref for Short<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A name in an address: 1 to 255 letters, digits, hyphens, dots and underscores.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Slug(Short<255>);

impl TryFrom<String> for Slug {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let short = Short::try_from(text)?;
        if short.chars().all(|letter| letter.is_alphanumeric() || "-._".contains(letter)) {
            Ok(Self(short))
        } else {
            Err("may have letters, digits, hyphens, dots and underscores only".to_owned())
        }
    }
}

impl Deref for Slug {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is under test")]
    struct Outer {
        name: Text,
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is under test")]
    struct Inner {
        quantity: u32,
    }

    fn refused_field(body: &str) -> String {
        match parse::<Outer>(body.as_bytes()) {
            Err(Stop::Refused(refusal)) => {
                let details = refusal.details.unwrap_or_default();
                details.as_object().and_then(|map| map.keys().next().cloned()).unwrap_or(refusal.code.into())
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn the_wrong_field_is_named_with_its_path() {
        assert_eq!(refused_field(r#"{"items":[]}"#), "name");
        assert_eq!(refused_field(r#"{"name":"a","items":[{}]}"#), "items[0].quantity");
        assert_eq!(refused_field(r#"{"name":"a","items":[{"quantity":1,"x":2}]}"#), "items[0].x");
        assert_eq!(refused_field(r#"{"name":"a","items":[{"quantity":"1"}]}"#), "items[0].quantity");
        assert_eq!(refused_field(r#"{"name":" ","items":[]}"#), "name");
        assert_eq!(refused_field(r#"{"name":"a","items":[],"extra":1}"#), "extra");
        assert_eq!(refused_field("[]x"), "body");
        assert_eq!(refused_field("{"), "INVALID_REQUEST");
    }
}
