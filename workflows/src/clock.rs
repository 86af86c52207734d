//! A run's own clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use temporalio_workflow::WorkflowContext;

use crate::report::timestamp;

/// The present, by the run's own clock.
pub(crate) fn now<W>(ctx: &WorkflowContext<W>) -> Timestamp {
    timestamp(ctx.workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment this much later; the end of time where that is nearer.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
