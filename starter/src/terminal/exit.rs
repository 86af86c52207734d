//! Exit codes, and the errors that carry one.
//!
//! Every error a person sees is a [`Failure`]: what happened, and where it is known, the fix.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};
use temporalio_client::WorkflowHistoryError;
use temporalio_client::errors::{
    ClientError, WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError,
    WorkflowUpdateError,
};
use temporalio_common::protos::temporal::api::errordetails::v1::NamespaceNotFoundFailure;
use temporalio_common::protos::utilities::decode_status_detail;
use tonic::{Code, Status};
use workflows::input::Problem;

use super::program::command;

/// How a command ends; the numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// The run failed, was terminated or timed out, or a request was refused.
    Failed = 1,
    /// Wrong usage or input; nothing was started.
    Usage = 2,
    /// Temporal cannot be reached, or does not let us in.
    NoConnection = 3,
    /// There is no such run.
    NotFound = 4,
    /// Ended as the business decided, with everything undone.
    Undone = 5,
    /// A question is open: somebody has to answer.
    NeedsPerson = 6,
    /// Done, but some rows failed or were refused: the report and the quarantine say which.
    RowsFailed = 7,
    /// A dry run that, without being one, would ask a person before its first write.
    WouldAsk = 8,
    /// Ctrl-C while waiting; the run goes on.
    Interrupted = 130,
}

impl Exit {
    /// The `type` of an error in a JSON document.
    fn kind(self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::Failed => "Failed",
            Self::Usage => "Usage",
            Self::NoConnection => "NoConnection",
            Self::NotFound => "NotFound",
            Self::Undone => "Undone",
            Self::NeedsPerson => "NeedsPerson",
            Self::RowsFailed => "RowsFailed",
            Self::WouldAsk => "WouldAsk",
            Self::Interrupted => "Interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    error: anyhow::Error,
    fix: Option<String>,
    /// The problems of an input, field by field.
    problems: Vec<Problem>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, error: anyhow::Error::msg(message.into()), fix: None, problems: Vec::new() }
    }

    /// The same, with what caused it.
    pub(crate) fn because(exit: Exit, error: impl Into<anyhow::Error>, doing: impl Into<String>) -> Self {
        Self { exit, error: error.into().context(doing.into()), fix: None, problems: Vec::new() }
    }

    /// Says what to do about it.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Says which fields of an input are wrong, each with its own fix.
    pub(crate) fn problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    /// The same under another exit code.
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Says what was being done when it happened.
    pub(crate) fn during(mut self, doing: impl Into<String>) -> Self {
        self.error = self.error.context(doing.into());
        self
    }

    /// The failure and its cause in words, without the fix.
    pub(crate) fn message(&self) -> String {
        format!("{:#}", self.error)
    }

    /// The document of `-o json`, with the keys of a run that failed.
    pub(crate) fn document(&self) -> Value {
        let mut error = json!({ "type": self.exit.kind(), "message": self.message() });
        if let Some(fix) = &self.fix {
            error["fix"] = json!(fix);
        }
        if !self.problems.is_empty() {
            error["problems"] = json!(self.problems);
        }
        json!({ "success": false, "exit_code": self.exit as u8, "error": error })
    }

    /// Temporal's answer, in terms of the person who asked.
    pub(crate) fn of_status(status: &Status) -> Self {
        let said = status.message();
        if let Some(missing) = missing_namespace(status) {
            return Self::new(Exit::NoConnection, format!("Temporal has no namespace '{missing}'")).fix(
                "correct --namespace (TEMPORAL_NAMESPACE, or the profile), or create it: \
                 temporal operator namespace create",
            );
        }
        match status.code() {
            Code::NotFound => Self::new(Exit::NotFound, format!("not found: {said}")),
            Code::Unauthenticated | Code::PermissionDenied => {
                Self::new(Exit::NoConnection, format!("Temporal refuses access: {said}"))
                    .fix("check the API key or client certificate, and its rights in this namespace")
            }
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
                Self::new(Exit::NoConnection, format!("Temporal does not answer: {said}"))
                    .fix(format!("is it running and reachable? '{}' looks closer", command!("doctor")))
            }
            Code::InvalidArgument => Self::new(Exit::Usage, format!("Temporal rejects the request: {said}")),
            code => Self::new(Exit::Failed, format!("Temporal answers {code:?}: {said}")),
        }
    }
}

/// `<what happened>: <why>`, then what is wrong field by field, then the fix on a line of its own.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)?;
        for problem in &self.problems {
            write!(f, "\n  {}\n    fix: {}", problem.what(), problem.fix)?;
        }
        match &self.fix {
            Some(fix) => write!(f, "\n  fix: {fix}"),
            None => Ok(()),
        }
    }
}

fn missing_namespace(status: &Status) -> Option<String> {
    if status.code() != Code::NotFound {
        return None;
    }
    // The decoder does not look at the name of what it decodes; the name stands in the details as text.
    let name = b"NamespaceNotFoundFailure";
    if !status.details().windows(name.len()).any(|window| window == name) {
        return None;
    }
    Some(decode_status_detail::<NamespaceNotFoundFailure>(status.details())?.namespace)
}

/// Whether a run could not be found, and not only the namespace it should be in.
pub(crate) fn is_run_missing(status: &Status) -> bool {
    status.code() == Code::NotFound && missing_namespace(status).is_none()
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::of_status(&status)
    }
}

/// Errors of the client differ in type and agree in what they hold: Temporal's status, or something of its own.
macro_rules! failure_from {
    ($($error:ident { $($status:ident),+ })*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$status(status) => Self::of_status(&status),)+
                    other => Self::because(Exit::Failed, other, "the Temporal client failed"),
                }
            }
        }
    )*};
}

failure_from! {
    ClientError { Rpc }
    WorkflowGetResultError { NotFound, Rpc }
    WorkflowInteractionError { NotFound, Rpc }
    WorkflowQueryError { NotFound, Rpc }
    WorkflowStartError { Rpc }
    WorkflowUpdateError { NotFound, Rpc }
}

impl From<WorkflowHistoryError> for Failure {
    fn from(error: WorkflowHistoryError) -> Self {
        match error {
            WorkflowHistoryError::Fetch(error) => error.into(),
            other => Self::because(Exit::Failed, other, "the history cannot be written as JSON"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_becomes_the_promised_exit_code() {
        let exit = |code| Failure::of_status(&Status::new(code, "said")).exit;
        assert_eq!(exit(Code::NotFound), Exit::NotFound);
        assert_eq!(exit(Code::Unavailable), Exit::NoConnection);
        assert_eq!(exit(Code::DeadlineExceeded), Exit::NoConnection);
        assert_eq!(exit(Code::PermissionDenied), Exit::NoConnection);
        assert_eq!(exit(Code::Unauthenticated), Exit::NoConnection);
        assert_eq!(exit(Code::InvalidArgument), Exit::Usage);
        assert_eq!(exit(Code::FailedPrecondition), Exit::Failed);
    }

    #[test]
    fn a_failure_is_a_document_too() {
        let problem = Problem::new("currency", "is missing", "send VND");
        let failure =
            Failure::new(Exit::Usage, "order.json has 1 problem").problems(vec![problem]).fix("correct it");
        let document = json!({
            "success": false,
            "exit_code": 2,
            "error": {
                "type": "Usage",
                "message": "order.json has 1 problem",
                "fix": "correct it",
                "problems": [{ "field": "currency", "problem": "is missing", "fix": "send VND" }],
            },
        });
        assert_eq!(failure.document(), document);
        let words = "order.json has 1 problem\n  currency is missing\n    fix: send VND\n  fix: correct it";
        assert_eq!(failure.to_string(), words);
    }

    #[test]
    fn a_failure_says_what_why_and_the_fix() {
        let failure =
            Failure::new(Exit::Failed, "no such file").during("cannot read order.json").fix("check the path");
        assert_eq!(failure.to_string(), "cannot read order.json: no such file\n  fix: check the path");
    }
}
