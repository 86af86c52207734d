//! What the failure of an activity says.

use contracts::failure;
use temporalio_common::protos::temporal::api::failure::v1::{
    ApplicationFailureInfo, Failure, failure::FailureInfo,
};
use temporalio_workflow::ActivityExecutionError;

/// What the adapter said, if it said something: a regular activity wraps it once, a local one not at all.
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

/// Whether the adapter does not know what became of the effect; final all the same when the system repeats its answer.
pub(super) fn is_unknown(error: &ActivityExecutionError) -> bool {
    application_failure(error).is_some_and(|(info, _)| info.r#type == failure::OUTCOME_UNKNOWN)
}

/// Whether the adapter will not be asked again: the system said no, or repeats its answer for ever.
pub(super) fn is_final(error: &ActivityExecutionError) -> bool {
    application_failure(error).is_some_and(|(info, _)| info.non_retryable)
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
