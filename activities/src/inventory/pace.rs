//! One request per line: a few at a time, and as fast as the system lets us.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use temporalio_sdk::activities::ActivityContext;
use tokio::time::Instant;

use crate::effect::still_wanted;
use crate::http::CallError;

/// Requests under way at once.
const AT_ONCE: usize = 8;
/// The pause where a system asks to slow down and does not say for how long.
const PAUSE: Duration = Duration::from_secs(1);

/// The pace of one attempt. A system that takes ten requests a second would never let through an attempt that begins
/// anew with each 429, so the pause that it asks for is made here, as far as the attempt's time allows. No request
/// begins so late that Temporal would give the attempt up before its answer: whatever is left is for the next attempt.
pub(super) struct Pace<'c> {
    ctx: &'c ActivityContext,
    /// When the last request may begin; `None`: the attempt has no limit.
    latest: Option<Instant>,
    slow: Mutex<Slow>,
}

/// A system that asked to slow down.
#[derive(Clone)]
struct Slow {
    /// When it wants to be asked again.
    until: Instant,
    /// The proxy on the way, which may be who asks.
    way: String,
}

impl<'c> Pace<'c> {
    /// The pace of an attempt that begins now, of requests that take at most `request`.
    pub(super) fn of(ctx: &'c ActivityContext, request: Duration) -> Self {
        let (now, info) = (Instant::now(), ctx.info());
        // Both by the server's clock: this machine's may be ahead of it.
        let attempt = info.deadline.zip(info.started_time);
        let attempt = attempt.and_then(|(deadline, started)| deadline.duration_since(started).ok());
        let latest = attempt.map(|attempt| now + attempt.saturating_sub(request).max(attempt / 2));
        Self { ctx, latest, slow: Mutex::new(Slow { until: now, way: String::new() }) }
    }

    /// The context of the attempt.
    pub(super) fn ctx(&self) -> &'c ActivityContext {
        self.ctx
    }

    /// Sends one request per item. All of them, even when one fails; then the first failure.
    pub(super) async fn each<I, T, F>(
        &self,
        items: impl IntoIterator<Item = I>,
        send: impl Fn(I) -> F,
    ) -> Result<Vec<T>, CallError>
    where
        I: Copy,
        F: Future<Output = Result<T, CallError>>,
    {
        let requests: Vec<_> = items.into_iter().map(|item| self.send(item, &send)).collect();
        let answers: Vec<_> = stream::iter(requests).buffered(AT_ONCE).collect().await;
        answers.into_iter().collect()
    }

    async fn send<I: Copy, T, F>(&self, item: I, send: impl Fn(I) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        loop {
            self.wait().await?;
            match send(item).await {
                Err(CallError::PutOff { after, way, .. }) => self.slow_down(after.unwrap_or(PAUSE), way),
                outcome => return outcome,
            }
        }
    }

    /// One 429 is for all: whoever comes next waits as well.
    fn slow_down(&self, pause: Duration, way: String) {
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        *slow = Slow { until: slow.until.max(Instant::now() + pause), way };
    }

    async fn wait(&self) -> Result<(), CallError> {
        let system = "inventory";
        loop {
            still_wanted(self.ctx, system)?;
            let Slow { until, way } = self.slow.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let now = Instant::now();
            let pause = until.saturating_duration_since(now);
            if self.latest.is_some_and(|latest| now + pause > latest) {
                return Err(match pause.is_zero() {
                    true => CallError::NotSent { system, why: "no time is left in this attempt".to_owned() },
                    false => CallError::PutOff { system, way, after: Some(pause) },
                });
            }
            if pause.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.ctx.cancelled() => {}
            }
        }
    }
}
