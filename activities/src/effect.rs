//! Common to all adapters with effects: staying alive while a request is under way, and the second look.

use std::future::Future;
use std::time::Duration;

use contracts::failure;
use serde::Serialize;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::http::CallError;

/// Awaits `work` to its end and heartbeats meanwhile, so that a worker that vanishes is noticed soon. A cancel is
/// not answered: a request that was sent is finished, because only its outcome says what to undo.
pub(crate) fn alive<T>(ctx: &ActivityContext, work: impl Future<Output = T>) -> impl Future<Output = T> {
    alive_saying(ctx, || (), work)
}

/// The same, with words for the attempt after this one in every heartbeat.
pub(crate) async fn alive_saying<T, D>(
    ctx: &ActivityContext,
    details: impl Fn() -> D,
    work: impl Future<Output = T>,
) -> T
where
    D: Serialize + Send + Sync + 'static,
{
    let Some(limit) = ctx.info().heartbeat_timeout.filter(|limit| !limit.is_zero()) else {
        return work.await;
    };
    let mut work = std::pin::pin!(work);
    let mut beat = tokio::time::interval(limit / 3);
    beat.tick().await;
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = beat.tick() => {
                if let Err(error) = ctx.record_heartbeat(details()).await {
                    tracing::warn!(%error, "a heartbeat could not be recorded");
                }
            }
        }
    }
}

/// Whether this attempt follows one whose outcome is unknown, so that the effect is looked up before it is asked
/// for again. A person who resets an activity (a button of the Web UI) has its attempts counted from 1 anew; that it
/// was scheduled before shows all the same.
pub(crate) fn is_repeated(ctx: &ActivityContext) -> bool {
    let info = ctx.info();
    let scheduled = info.scheduled_time.zip(info.current_attempt_scheduled_time);
    info.attempt > 1 || scheduled.is_some_and(|(first, this)| this > first)
}

/// Nobody waits for an attempt that was given up on or cancelled: an effect that was not asked for yet must not be
/// asked for then. The process looks up or undoes what there is, perhaps already now.
///
/// # Errors
/// When that is so.
pub(crate) fn still_wanted(ctx: &ActivityContext, system: &'static str) -> Result<(), CallError> {
    if ctx.is_cancelled() {
        let why = "cancelled before it was asked for".to_owned();
        return Err(CallError::NotSent { system, why });
    }
    Ok(())
}

/// An undo found nothing, and the provider did not bar the key: a request given up on may still be on its way.
/// Fails, to look again after `second_look`; believes it once that much time has passed.
pub(crate) fn believe_nothing(ctx: &ActivityContext, second_look: Duration) -> Result<(), ActivityError> {
    // Both by the server's clock: this machine's may be ahead of it.
    let info = ctx.info();
    let since = info.current_attempt_scheduled_time.zip(info.scheduled_time);
    let since = since.and_then(|(attempt, first)| attempt.duration_since(first).ok());
    if since.is_some_and(|since| since >= second_look) {
        return Ok(());
    }
    let failure = ApplicationFailure::builder(String::from("nothing to undo yet: looks a second time"))
        .type_name(failure::NOTHING_YET.to_owned())
        .next_retry_delay(second_look)
        .build();
    Err(ActivityError::application(failure))
}
