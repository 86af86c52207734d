//! Reading the failure of an activity.

use contracts::failure;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::protos::temporal::api::failure::v1::{
    ApplicationFailureInfo, Failure, failure::FailureInfo,
};
use temporalio_workflow::ActivityExecutionError;

use super::asking::Unsettled;

/// The adapter's own failure, if there is one: a regular activity wraps it once, a local one not at all.
fn application_failure(error: &ActivityExecutionError) -> Option<(&ApplicationFailureInfo, &Failure)> {
    let mut failure = error.failure();
    while let Some(current) = failure {
        if let Some(FailureInfo::ApplicationFailureInfo(info)) = &current.failure_info {
            return Some((info, current));
        }
        failure = current.cause.as_deref();
    }
    None
}

/// Whether the last attempt was cut off by a limit: what the attempt before it said is not the last word then. Where
/// the limit only leaves no time for another attempt, the last one has answered.
fn is_cut_off(error: &ActivityExecutionError) -> bool {
    let mut chain = std::iter::successors(error.failure(), |failure| failure.cause.as_deref());
    chain.any(is_of_an_attempt)
}

fn is_of_an_attempt(failure: &Failure) -> bool {
    matches!(&failure.failure_info, Some(FailureInfo::TimeoutFailureInfo(_)))
        && !failure.message.starts_with(NO_TIME_FOR_ANOTHER)
}

/// Temporal's words, the only sign of the difference; where they are others, a refusal counts as no answer and is tried
/// on beside the person who is asked.
const NO_TIME_FOR_ANOTHER: &str = "Not enough time to schedule next retry";

/// Whether the adapter does not know what became of the effect; final all the same when the system repeats its answer.
pub(super) fn is_unknown(error: &ActivityExecutionError) -> bool {
    let types = [failure::OUTCOME_UNKNOWN, failure::NEW_WORD];
    application_failure(error).is_some_and(|(info, _)| types.contains(&info.r#type.as_str()))
}

/// Whether the adapter will not be asked again: the system said no, or repeats its answer for ever.
pub(super) fn is_final(error: &ActivityExecutionError) -> bool {
    application_failure(error).is_some_and(|(info, _)| info.non_retryable)
}

/// The work that an activity had done when it was cancelled, if it said so. Details of another shape come from a worker
/// of another version: they are not counted, and the step's line has no words.
pub(super) fn done_until_stopped<T: TemporalDeserializable + 'static>(
    error: &ActivityExecutionError,
) -> Option<T> {
    error.as_cancelled()?.details().ok().flatten()
}

/// Why an effect is not there, for a person who is asked about it.
pub(super) fn unsettled(error: &ActivityExecutionError) -> Unsettled {
    let reason = reason(error);
    let failure_type = application_failure(error).map(|(info, _)| info.r#type.as_str());
    // Refusals of an undo are tried for its patience; refusals they are all the same.
    let is_cut_off = is_cut_off(error);
    let is_refused = !is_cut_off && (is_final(error) || failure_type == Some(failure::REFUSED));
    let cause = match failure_type {
        _ if is_refused => code(&reason).unwrap_or_else(|| REFUSED.to_owned()),
        Some(failure::SETTING) => SETTING.to_owned(),
        Some(failure::NEW_WORD) => NEW_WORD.to_owned(),
        _ => NO_ANSWER.to_owned(),
    };
    let is_answered = cause != NO_ANSWER;
    // An adapter that says nothing was cut off; one that was asked to stop in time sent nothing.
    let is_silent = application_failure(error).is_none() && error.as_cancelled().is_none();
    Unsettled {
        reason,
        cause,
        is_refused,
        is_answered,
        may_be_there: is_unknown(error) || is_silent || is_cut_off,
    }
}

/// The cause of a question about what got no answer for all its patience.
pub(super) const NO_ANSWER: &str = "no_answer";
/// The cause of a question about what a setting mends.
const SETTING: &str = "setting";
/// The cause of a question about an answer that this version does not know.
const NEW_WORD: &str = "new_word";
/// The cause of a question about what was refused without a code of its own.
const REFUSED: &str = "refused";

/// The code in what an adapter says: before its words (`payments: refund_failed: …`), or as the system's own word
/// behind the status (`the carrier refused: 409 in_transit`).
fn code(reason: &str) -> Option<String> {
    let mut pieces: Vec<&str> = reason.split(": ").collect();
    let last = pieces.pop()?;
    let named = pieces.into_iter().find(|piece| piece.contains('_') && is_code(piece));
    let behind_status = || {
        let (status, code) = last.split_once(' ')?;
        (status.len() == 3 && status.parse::<u16>().is_ok() && code != "UNSPECIFIED").then_some(code)
    };
    let code = named.or_else(|| behind_status().filter(|code| is_code(code)))?;
    Some(code.to_ascii_lowercase())
}

fn is_code(piece: &str) -> bool {
    (1..=40).contains(&piece.len()) && piece.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Why a step failed, in one line: the adapter's own words rather than "Activity task failed".
pub(super) fn reason(error: &ActivityExecutionError) -> String {
    match application_failure(error) {
        Some((_, failure)) => failure.message.clone(),
        None => match error.failure() {
            Some(failure) => {
                let root = std::iter::successors(Some(failure), |f| f.cause.as_deref()).last();
                root.unwrap_or(failure).message.clone()
            }
            None => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use temporalio_common::protos::temporal::api::failure::v1::TimeoutFailureInfo;

    use super::*;

    /// A refusal before a last attempt that nobody answered is not the last word about a refund; one behind which there
    /// was no time for another attempt is.
    #[test]
    fn an_attempt_that_was_cut_off_is_told_from_one_that_has_no_successor() {
        let of = |message: &str, info| Failure {
            message: message.to_owned(),
            failure_info: Some(info),
            ..Failure::default()
        };
        let limit = || FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo::default());
        let no_time = "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying";
        for (failure, is_cut_off) in [
            (of("activity ScheduleToClose timeout", limit()), true),
            (of("activity Heartbeat timeout", limit()), true),
            (of(no_time, limit()), false),
            (
                of(
                    "shop refused: 422",
                    FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default()),
                ),
                false,
            ),
        ] {
            assert_eq!(is_of_an_attempt(&failure), is_cut_off, "{}", failure.message);
        }
    }

    #[test]
    fn a_code_is_the_adapters_or_the_systems() {
        for (reason, wanted) in [
            ("payments: refund_failed: a refund came back", Some("refund_failed")),
            ("charged_twice: two payments under one key hold money", Some("charged_twice")),
            ("the carrier refused: 409 IN_TRANSIT", Some("in_transit")),
            ("payments refused: 422 UNSPECIFIED", None),
            ("stripe: charged_twice", None),
            ("Timeout: no answer", None),
            ("payments refused: 422 no such payment", None),
            ("", None),
        ] {
            assert_eq!(code(reason).as_deref(), wanted, "{reason}");
        }
    }
}
