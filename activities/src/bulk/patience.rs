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
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = ctx.cancelled() => return Err(CallError::PutOff { system, way, after }),
                }
            }
            outcome => return outcome,
        }
    }
}

/// Whether Temporal waits for this attempt no longer.
fn is_over(ctx: &ActivityContext) -> bool {
    ctx.info().deadline.is_some_and(|deadline| deadline <= SystemTime::now())
}
