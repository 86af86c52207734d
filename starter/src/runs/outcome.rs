//! How a run ended: its exit code, its document, its words. Nothing in here talks to anybody.

use std::iter;

use serde_json::{Map, Value, json};
use temporalio_common::error::IncomingError;
use workflows::input::Problem;
use workflows::report::{Progress, Report, UndoRecord};

use super::steps::step_table;
use super::subject::Subject;
use crate::terminal::exit::Exit;
use crate::terminal::output::{Paint, duration, facts};

/// The words about a run that ended without a say.
pub(crate) const NOTHING_UNDONE: &str =
    "nothing was undone: what the run did so far still stands; its history says what that is";

/// Of a result that this program cannot read.
const UNREADABLE: &str = "the result cannot be read, so what became of its rows is unknown here; is this program \
                          older than the worker?";

/// How a run ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The workflow returned this.
    Completed(Value),
    /// The workflow failed.
    Failed {
        /// The failure type: `PaymentDeclined`.
        kind: String,
        /// The failure's first line.
        message: String,
        /// The failure's details.
        details: Option<Value>,
    },
    /// Temporal's own cancel.
    Canceled {
        /// The details that the workflow gave.
        details: Option<Value>,
    },
    /// Somebody terminated it: the workflow had no say.
    Terminated {
        /// The reason that this person gave.
        reason: Option<String>,
    },
    /// The workflow's own time limit passed: it had no say.
    TimedOut,
}

impl End {
    /// Finds what the workflow itself said in what Temporal wrapped around it.
    pub(crate) fn failed(error: &IncomingError) -> Self {
        let said = iter::successors(Some(error), |error| error.cause()).find_map(|error| match error {
            IncomingError::Application(application) => Some((application, error.failure())),
            _ => None,
        });
        match said {
            Some((application, failure)) => Self::Failed {
                kind: application.type_name().unwrap_or_default().to_owned(),
                message: failure.message.clone(),
                details: application.details().ok().flatten(),
            },
            None => {
                Self::Failed { kind: String::new(), message: error.failure().message.clone(), details: None }
            }
        }
    }

    /// The exit code of `--wait`, `result` and `watch`.
    pub(crate) fn exit(&self, subject: &Subject) -> Exit {
        // "Everything undone" would not be so.
        if self.report().is_some_and(|report| !report.left_standing.is_empty()) {
            return Exit::Failed;
        }
        match self {
            Self::Completed(result) if result.get("success") == Some(&Value::Bool(false)) => Exit::Undone,
            Self::Completed(result) => subject.process.map_or(Exit::Ok, |process| (process.worth)(result)),
            Self::Failed { kind, .. } => {
                let decided = subject.process.is_some_and(|process| process.decided.contains(&kind.as_str()));
                if decided { Exit::Undone } else { Exit::Failed }
            }
            Self::Canceled { .. } => Exit::Undone,
            Self::Terminated { .. } | Self::TimedOut => Exit::Failed,
        }
    }

    /// Temporal's name of the status.
    fn status(&self) -> &'static str {
        match self {
            Self::Completed(_) => "COMPLETED",
            Self::Failed { .. } => "FAILED",
            Self::Canceled { .. } => "CANCELED",
            Self::Terminated { .. } => "TERMINATED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// How it ended, in one word.
    fn outcome(&self) -> &str {
        match self {
            Self::Completed(result) => result.get("outcome").and_then(Value::as_str).unwrap_or("completed"),
            Self::Failed { .. } => "failed",
            Self::Canceled { .. } => "cancelled",
            Self::Terminated { .. } => "terminated",
            Self::TimedOut => "timed_out",
        }
    }

    /// Why, where the run did not simply go through.
    fn error(&self) -> Option<(&str, &str)> {
        match self {
            Self::Completed(_) => None,
            Self::Failed { kind, message, .. } => Some((kind, message)),
            Self::Canceled { .. } => Some(("Canceled", "cancelled in Temporal")),
            Self::Terminated { reason } => {
                Some(("Terminated", reason.as_deref().unwrap_or("terminated without a reason")))
            }
            Self::TimedOut => Some(("TimedOut", "the run's own time limit passed")),
        }
    }

    /// Whether the workflow says that all went well, in a result that this program cannot read.
    fn is_unreadable(&self, subject: &Subject) -> bool {
        match (self, subject.process) {
            (Self::Completed(result), Some(process)) => (process.worth)(result) == Exit::Failed,
            _ => false,
        }
    }

    fn details(&self) -> Option<&Value> {
        match self {
            Self::Completed(result) => result.get("report"),
            Self::Failed { details, .. } | Self::Canceled { details } => details.as_ref(),
            Self::Terminated { .. } | Self::TimedOut => None,
        }
    }

    /// Every step with its outcome, if the run could tell.
    pub(crate) fn report(&self) -> Option<Report> {
        let read = |value: &Value| serde_json::from_value(value.clone()).ok();
        self.details().and_then(read).or_else(|| match self {
            // A sync's report is the seed's; what its steps did stands beside it.
            Self::Completed(result) => result.get("steps").and_then(read),
            _ => None,
        })
    }

    fn problems(&self) -> Option<Vec<Problem>> {
        self.details().and_then(|details| serde_json::from_value(details.clone()).ok())
    }

    /// The document of `-o json`. A completed run's is what its workflow returned, and two keys more.
    pub(crate) fn document(&self, subject: &Subject) -> Value {
        let mut document = match self {
            Self::Completed(Value::Object(result)) => result.clone(),
            Self::Completed(result) => Map::from_iter([("result".to_owned(), result.clone())]),
            _ => self.failed_document(subject),
        };
        document.insert("run_id".to_owned(), json!(subject.run_id));
        document.insert("workflow_status".to_owned(), json!(self.status()));
        if self.is_unreadable(subject) {
            document.insert("error".to_owned(), json!({ "type": "ResultUnreadable", "message": UNREADABLE }));
        }
        Value::Object(document)
    }

    fn failed_document(&self, subject: &Subject) -> Map<String, Value> {
        let mut document = subject_document(subject);
        document.insert("success".to_owned(), json!(false));
        document.insert("outcome".to_owned(), json!(self.outcome()));
        if let Some((kind, message)) = self.error() {
            document.insert("error".to_owned(), json!({ "type": kind, "message": message }));
        }
        if let Some(report) = self.report() {
            document.insert("report".to_owned(), json!(report));
        } else if let Some(problems) = self.problems() {
            document.insert("problems".to_owned(), json!(problems));
        }
        document
    }

    /// The same for people.
    pub(crate) fn text(&self, subject: &Subject, paint: Paint) -> String {
        let exit = self.exit(subject);
        let mut text = format!("{} {}", paint.strong(subject.title()), self.headline(exit, paint));
        if let Self::Completed(Value::Object(result)) = self {
            text.push_str(&result_facts(result, paint));
        }
        if self.is_unreadable(subject) {
            text.push_str(&format!("{}\n", paint.bad(UNREADABLE)));
        }
        match (self.report(), self.problems()) {
            (Some(report), _) => {
                text.push('\n');
                text.push_str(&step_table(&report.steps, paint));
                if !report.undone.is_empty() {
                    text.push_str(&format!("undone: {}\n", listed(&report.undone)));
                }
                if !report.left_standing.is_empty() {
                    let standing = format!("left standing: {}", listed(&report.left_standing));
                    text.push_str(&format!("{}\n", paint.bad(standing)));
                }
                text.extend(report.notes.iter().map(|note| format!("note: {note}\n")));
            }
            (None, Some(problems)) => {
                text.extend(
                    problems.iter().map(|p| format!("  {} {}\n    fix: {}\n", p.field, p.problem, p.fix)),
                );
            }
            (None, None) => {}
        }
        if matches!(self, Self::Terminated { .. } | Self::TimedOut) {
            let doubt =
                "nothing was undone: what the run did so far still stands; its history says what that is\n";
            text.push_str(&paint.bad(doubt));
        }
        text
    }

    fn headline(&self, exit: Exit, paint: Paint) -> String {
        let outcome = self.outcome().replace('_', " ");
        let outcome = match exit {
            Exit::Ok => paint.good(outcome),
            Exit::Undone | Exit::RowsFailed | Exit::WouldAsk => paint.busy(outcome),
            _ => paint.bad(outcome),
        };
        match self {
            Self::Completed(result) => match result.get("reason").and_then(Value::as_str) {
                Some(reason) => format!("{outcome}: {reason}\n"),
                None => format!("{outcome}\n"),
            },
            Self::Failed { kind, .. } if self.problems().is_some() => {
                format!("{outcome} ({kind}): the input was wrong, and no step was begun\n")
            }
            Self::Failed { kind, message, .. } if !kind.is_empty() => {
                format!("{outcome} ({kind}): {message}\n")
            }
            Self::Failed { message, .. } => format!("{outcome}: {message}\n"),
            Self::Canceled { .. } => format!("{outcome} in Temporal\n"),
            Self::Terminated { reason: Some(reason) } => format!("{outcome}: {reason}\n"),
            Self::Terminated { reason: None } => format!("{outcome}, no reason given\n"),
            Self::TimedOut => format!("{outcome}: the run's own time limit passed\n"),
        }
    }
}

fn subject_document(subject: &Subject) -> Map<String, Value> {
    let mut document = Map::new();
    if let Some(process) = subject.process {
        document.insert(format!("{}_id", process.noun), json!(subject.key()));
    }
    document.insert("workflow_id".to_owned(), json!(subject.workflow_id));
    document
}

/// The document of a run that stopped waiting for a person: it is open, and nobody needs to wait for it now.
pub(crate) fn stuck_document(subject: &Subject, steps: &[String], progress: Option<&Progress>) -> Value {
    let mut document = subject_document(subject);
    document.insert("success".to_owned(), json!(false));
    document.insert("outcome".to_owned(), json!("needs_person"));
    document.insert("run_id".to_owned(), json!(subject.run_id));
    document.insert("workflow_status".to_owned(), json!("RUNNING"));
    document.insert("needs_human".to_owned(), json!(steps));
    document.insert("progress".to_owned(), json!(progress));
    Value::Object(document)
}

/// The plain values of a result; those that the headline and the step table tell already are left out.
fn result_facts(result: &Map<String, Value>, paint: Paint) -> String {
    const SAID: [&str; 6] = ["success", "outcome", "reason", "report", "workflow_id", "order_id"];
    const UNUSUAL: [&str; 1] = ["dry_run"];
    let fact = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Number(ms) if name == "execution_time" => duration(ms.as_i64()?),
            Value::String(text) => text.clone(),
            // A flag that is false, and false in nearly every run, is not worth a line.
            Value::Bool(false) if UNUSUAL.contains(&name.as_str()) => return None,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((name.replace('_', " "), Some(value)))
    };
    let rows: Vec<_> =
        result.iter().filter(|(name, _)| !SAID.contains(&name.as_str())).filter_map(fact).collect();
    let rows: Vec<_> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    facts(paint, &rows)
}

/// Undos in one line.
fn listed(undos: &[UndoRecord]) -> String {
    undos.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
