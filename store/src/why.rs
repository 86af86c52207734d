//! Why a store did not do as it was asked, in words of our own. A bucket's answer is repeated nowhere: it names the id
//! of the key that the request was signed with, and whatever else the one who keeps the bucket writes into it.

use std::error::Error as _;
use std::io;

use object_store::Error;

/// Behind these words an HTTP status stands in the client's own text, before the body of the answer.
const STATUS: &str = "non-2xx status code: ";

/// The kind of an error, in words.
pub(crate) fn why(error: &Error) -> String {
    match error {
        Error::PermissionDenied { .. } => {
            "permission denied: look at the rights of the store's key".to_owned()
        }
        Error::Unauthenticated { .. } => "the store's key is not accepted".to_owned(),
        Error::NotFound { .. } => "nothing is there: does the bucket exist?".to_owned(),
        Error::AlreadyExists { .. } => "something is there already".to_owned(),
        Error::Precondition { .. } | Error::NotModified { .. } => "it was changed meanwhile".to_owned(),
        Error::NotSupported { .. } | Error::NotImplemented { .. } => "the store cannot do that".to_owned(),
        Error::InvalidPath { .. } => "its key cannot be a path".to_owned(),
        other => {
            of_machine(other).or_else(|| of_status(other)).unwrap_or_else(|| "no usable answer".to_owned())
        }
    }
}

/// Whether the store does not let us in, or not do that.
pub(crate) fn is_denied(error: &Error) -> bool {
    matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. })
}

/// The words of this machine, where it is the one that failed: its disk, its network.
fn of_machine(error: &Error) -> Option<String> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            // Any other text may be somebody else's.
            let is_of_machine = error.raw_os_error().is_some();
            return Some(if is_of_machine { error.to_string() } else { error.kind().to_string() });
        }
        source = cause.source();
    }
    None
}

fn of_status(error: &Error) -> Option<String> {
    let text = error.to_string();
    let status = text.split_once(STATUS)?.1.get(..3)?;
    status.bytes().all(|digit| digit.is_ascii_digit()).then(|| format!("HTTP {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        "<Error><AWSAccessKeyId>AKIAEXAMPLE</AWSAccessKeyId><Message>status code: 200</Message></Error>";

    fn generic(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Generic { store: "S3", source: source.into() }
    }

    #[test]
    fn a_kind_is_said_and_nothing_of_an_answer() {
        let path = || "runs/1".to_owned();
        let status = format!("Server returned non-2xx status code: 503 Service Unavailable: {BODY}");
        let answer = format!("Server returned error response: {BODY}");
        for (error, said) in [
            (Error::PermissionDenied { path: path(), source: BODY.into() }, "permission denied"),
            (Error::Unauthenticated { path: path(), source: BODY.into() }, "is not accepted"),
            (Error::NotFound { path: path(), source: BODY.into() }, "does the bucket exist?"),
            (generic(status), "HTTP 503"),
            (generic(answer), "no usable answer"),
            (generic(io::Error::other(BODY)), "other error"),
            (generic(io::Error::from_raw_os_error(28)), "(os error 28)"),
        ] {
            let words = why(&error);
            assert!(words.contains(said), "{words}");
            assert!(!words.contains("AKIA") && !words.contains("Error>"), "{words}");
        }
    }
}
