//! A long way through many records: staying alive, telling how far it is, going on there after a crash.
//!
//! One activity does the work of thousands of requests, so that a run costs few events. Its heartbeats tell what it has
//! done; the attempt after a lost worker begins with what the last one said. Work in between is done twice, so each
//! piece of work must be safe to repeat.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::Instant;

/// Records between two breaths.
const BREATH: usize = 128;

/// To be awaited after each of many records that are worked on without waiting for anybody: else no heartbeat goes out
/// until the last one, and Temporal takes the worker for dead.
pub async fn breathe(record: usize) {
    if record.is_multiple_of(BREATH) {
        tokio::task::yield_now().await;
    }
}

/// A way through records, `P` being how far it is.
///
/// `P` should refuse fields that it does not know and want all that it has: what another version of the worker told in
/// other words is then a beginning instead of half an answer.
pub struct Walk<'c, P> {
    ctx: &'c ActivityContext,
    progress: P,
    beats: Option<Beats>,
}

/// When the next heartbeat is due. It counts from the last heartbeat, never from the beginning of a piece of work: a
/// thousand quick pieces would else go by without one.
struct Beats {
    every: Duration,
    last: Mutex<Instant>,
}

impl Beats {
    /// Three times within the time after which Temporal gives the worker up.
    fn within(limit: Duration) -> Self {
        Self { every: limit / 3, last: Mutex::new(Instant::now()) }
    }

    fn due(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) + self.every
    }

    fn beaten(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl<'c, P> Walk<'c, P>
where
    P: Serialize + DeserializeOwned + Default + Clone + Send + Sync + 'static,
{
    /// Begins where the attempt before ended, or at the beginning.
    #[must_use]
    pub fn resume(ctx: &'c ActivityContext) -> Self {
        let progress = ctx.heartbeat_details().deserialize::<P>().unwrap_or_else(|error| {
            tracing::info!(%error, "another version's heartbeat cannot be read: begins anew");
            None
        });
        let limit = ctx.info().heartbeat_timeout.filter(|limit| !limit.is_zero());
        Self { ctx, progress: progress.unwrap_or_default(), beats: limit.map(Beats::within) }
    }

    /// How far it is.
    pub fn progress(&self) -> &P {
        &self.progress
    }

    /// Awaits `work` and heartbeats meanwhile. A cancel is answered between two pieces of work ([`Self::advance`]):
    /// a request that was sent is finished.
    pub async fn alive<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(beats) = &self.beats else {
            return work.await;
        };
        let mut work = std::pin::pin!(work);
        loop {
            let due = beats.due();
            // Work that is ready at once would win every race against a timer.
            if due <= Instant::now() {
                self.beat().await;
                continue;
            }
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep_until(due) => {}
            }
        }
    }

    /// Notes how far it is now; an attempt after this one goes on from here.
    pub async fn note(&mut self, progress: P) {
        self.progress = progress;
        self.beat().await;
    }

    /// The same, unless the run was stopped.
    ///
    /// # Errors
    /// When the run was stopped: then the way ends here.
    pub async fn advance(&mut self, progress: P) -> Result<(), ActivityError> {
        self.note(progress).await;
        if self.ctx.is_cancelled() { Err(ActivityError::cancelled()) } else { Ok(()) }
    }

    async fn beat(&self) {
        if let Some(beats) = &self.beats {
            beats.beaten();
        }
        if let Err(error) = self.ctx.record_heartbeat(self.progress.clone()).await {
            tracing::warn!(%error, "a heartbeat could not be recorded");
        }
    }
}
