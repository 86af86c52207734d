//! Secrets: by value or by file, and the same from both.

use std::path::Path;

use text::Problem;

/// A secret that is given by value or by file; `None`: it is not given.
///
/// # Errors
/// When it is given twice, cannot be read, or holds something that would be sent along. It is not repeated.
pub(super) fn secret(
    variable: &str,
    value: Option<&str>,
    file: Option<&Path>,
) -> Result<Option<String>, Problem> {
    let value = value.filter(|value| !value.trim().is_empty());
    match (value, file) {
        (Some(_), Some(_)) => {
            let both = format!("{variable} and {variable}_FILE");
            Err(Problem::new(both, "are both set", "keep one of them"))
        }
        (Some(value), None) => text::secret(value).map(Some).map_err(|refusal| refusal.of(variable)),
        (None, Some(path)) => read(path).map(Some).map_err(|(problem, fix)| {
            Problem::new(
                format!("{variable}_FILE"),
                format!("names {}, which {problem}", path.display()),
                fix,
            )
        }),
        (None, None) => Ok(None),
    }
}

fn read(path: &Path) -> Result<String, (String, String)> {
    let bytes = std::fs::read(path).map_err(|error| {
        (format!("cannot be read ({error})"), "point it at the file that holds the secret".to_owned())
    })?;
    let text = text::json::decoded(&bytes).map_err(|problem| (problem.what(), problem.fix))?;
    text::secret(text).map_err(|refusal| (refusal.problem, refusal.fix))
}
