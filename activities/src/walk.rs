//! A long way through many records: staying alive, telling how far it is, going on there after a crash.
//!
//! One activity does the work of thousands of requests, so that a run costs few events. What it has done is told by
//! its heartbeats; the attempt after a lost worker begins with what the last one said. What lies between is done
//! twice, so each piece of work must be safe to repeat.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::http::CallError;

/// A way through records, `P` being how far it is.
pub(crate) struct Walk<'c, P> {
    ctx: &'c ActivityContext,
    progress: P,
}

impl<'c, P> Walk<'c, P>
where
    P: Serialize + DeserializeOwned + Default + Clone + Send + Sync + 'static,
{
    /// Begins where the attempt before ended, or at the beginning.
    pub(crate) fn resume(ctx: &'c ActivityContext) -> Self {
        // What another version of this worker wrote and this one cannot read is a beginning, too.
        let progress = ctx.heartbeat_details().deserialize::<P>().ok().flatten().unwrap_or_default();
        Self { ctx, progress }
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> &P {
        &self.progress
    }

    /// Awaits `work` and heartbeats meanwhile. A cancel is answered between two pieces of work ([`Self::advance`]):
    /// a request that was sent is finished.
    pub(crate) async fn alive<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(limit) = self.ctx.info().heartbeat_timeout.filter(|limit| !limit.is_zero()) else {
            return work.await;
        };
        let mut work = std::pin::pin!(work);
        let mut beat = tokio::time::interval(limit / 3);
        beat.tick().await;
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = beat.tick() => self.beat().await,
            }
        }
    }

    /// Notes how far it is now; an attempt after this one goes on from here.
    pub(crate) async fn note(&mut self, progress: P) {
        self.progress = progress;
        self.beat().await;
    }

    /// The same, unless the run was stopped.
    ///
    /// # Errors
    /// When the run was stopped: then the way ends here.
    pub(crate) async fn advance(&mut self, progress: P) -> Result<(), ActivityError> {
        self.note(progress).await;
        if self.ctx.is_cancelled() { Err(ActivityError::cancelled()) } else { Ok(()) }
    }

    async fn beat(&self) {
        if let Err(error) = self.ctx.record_heartbeat(self.progress.clone()).await {
            tracing::warn!(%error, "a heartbeat could not be recorded");
        }
    }
}

/// Waits at most this long when a system asks to slow down without saying for how long, or for very long.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Asks again for as long as the system asks to slow down (429, with `Retry-After`). One of many requests of an activity
/// is not a reason to fail the activity and to begin the others again: a limit that is lower than their number would
/// never let it through. Every other outcome is the activity's, and so is that one once the run was stopped or has given
/// this attempt up: who asked on would keep a cancelled run from ending, and write after it has ended.
pub(crate) async fn patiently<T, F>(ctx: &ActivityContext, ask: impl Fn() -> F) -> Result<T, CallError>
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
