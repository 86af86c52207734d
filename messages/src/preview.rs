//! A message's content from a file, for looking at it before it is sent to anybody.

use contracts::notification::Content;
use serde_json::Value;
use text::{Problem, json};
use thiserror::Error;

use crate::TEMPLATES;

/// Why a file does not fill a template.
#[derive(Debug, Error)]
pub enum DataError {
    /// There is no such template.
    #[error("there is no template `{name}`, there are: {known}")]
    Template {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The data is not a JSON object, or would not be the same when it is read.
    #[error("{}", .0.what())]
    Json(Problem),
    /// The data is of another template, or of another shape.
    #[error("the data does not fill the template `{template}`: {why}")]
    Shape {
        /// The template.
        template: String,
        /// The field that is missing or wrong.
        why: String,
    },
}

/// Reads the content of a template from JSON: the fields of [`Content`]; the field `template` may be left out.
///
/// # Errors
/// As [`DataError`].
pub fn read_content(template: &str, json: &str) -> Result<Content, DataError> {
    let known = known();
    if !known.contains(&template) {
        return Err(DataError::Template { name: template.to_owned(), known: known.join(", ") });
    }
    let shape = |why: String| DataError::Shape { template: template.to_owned(), why };
    let data = |problem: Problem| DataError::Json(problem.below("data"));
    let mut fields = match json::value(json).and_then(json::kept).map_err(data)? {
        Value::Object(fields) => fields,
        _ => return Err(data(Problem::new("", "is no JSON object", "write {\"order_id\": …}"))),
    };
    match fields.insert("template".to_owned(), template.into()) {
        Some(Value::String(other)) if other != template => {
            return Err(shape(format!("it says that it is for `{other}`")));
        }
        _ => {}
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| shape(error.to_string()))
}

/// The names of the messages, each once.
fn known() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        TEMPLATES.iter().filter_map(|(name, _)| name.rsplit_once('.').map(|(name, _)| name)).collect();
    names.dedup();
    names
}
