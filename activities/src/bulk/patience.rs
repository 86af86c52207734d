//! A system that asks to slow down.

use std::future::Future;
use std::time::{Duration, SystemTime};

use temporalio_sdk::activities::ActivityContext;

use crate::http::CallError;

/// Waits at most this long when a system asks to slow down without saying for how long, or for very long.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Asks again for as long as the system asks to slow down (429, with `Retry-After`). One of many requests of an
/// activity is not a reason to fail the activity and to begin the others again: a limit that is lower than their number
/// would never let it through.
///
/// # Errors
/// Every other outcome. And the 429 itself once the run was stopped or has given this attempt up: asking on would keep
/// a cancelled run from ending, and write after it has ended. An attempt whose time is over asks nothing more: the
/// answer to a heartbeat, which would tell it that the run has given it up, may be seconds away.
pub async fn patiently<T, F>(ctx: &ActivityContext, ask: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    loop {
        if is_over(ctx) {
            let why = "the time of this attempt is over, by this machine's clock".to_owned();
            return Err(CallError::NotSent { system: "Sunflow", why });
        }
        match ask().await {
            Err(CallError::PutOff { system, way, after }) => {
                let pause = after.unwrap_or(PAUSE).clamp(PAUSE, PAUSE_MAX);
                // The attempt would be cut off meanwhile, and nobody would hear why.
                if ctx.info().deadline.is_some_and(|deadline| SystemTime::now() + pause >= deadline) {
                    return Err(CallError::PutOff { system, way, after });
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = ctx.cancelled() => return Err(CallError::PutOff { system, way, after }),
                }
            }
            outcome => return outcome,
        }
    }
}

/// Pauses before a question is put again that got no usable answer. Together they are shorter than any patience.
const AGAIN: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];

/// The same for a question that changes nothing: one that gets no usable answer is put again, a few times and by
/// itself. One page of many that fails is not a reason to read the others anew.
///
/// # Errors
/// As [`patiently`]; and the last failure, when none of the tries got an answer.
pub async fn persistently<T, F>(ctx: &ActivityContext, ask: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    for pause in AGAIN {
        match patiently(ctx, &ask).await {
            Err(error @ (CallError::Unknown { .. } | CallError::NotSent { .. })) => {
                if ctx.is_cancelled() || !has_time(ctx, pause) {
                    return Err(error);
                }
                tracing::debug!(%error, "a page is asked for again");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = ctx.cancelled() => return Err(error),
                }
            }
            outcome => return outcome,
        }
    }
    patiently(ctx, ask).await
}

/// Whether a pause, and as much time for an answer, fit into what is left of this attempt.
fn has_time(ctx: &ActivityContext, pause: Duration) -> bool {
    ctx.info().deadline.is_none_or(|deadline| SystemTime::now() + 2 * pause < deadline)
}

/// Whether Temporal waits for this attempt no longer.
fn is_over(ctx: &ActivityContext) -> bool {
    ctx.info().deadline.is_some_and(|deadline| deadline <= SystemTime::now())
}
