//! A system that asks to slow down.

use std::future::Future;
use std::time::Duration;

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
/// a cancelled run from ending, and write after it has ended.
pub async fn patiently<T, F>(ctx: &ActivityContext, ask: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    loop {
        match ask().await {
            Err(CallError::PutOff { system, after }) => {
                let pause = after.unwrap_or(PAUSE).clamp(PAUSE, PAUSE_MAX);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = ctx.cancelled() => return Err(CallError::PutOff { system, after }),
                }
            }
            outcome => return outcome,
        }
    }
}
