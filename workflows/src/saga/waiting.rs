//! Waits of the forward path: for the state, for a moment, or until a deadline stops the run.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use temporalio_workflow::{CancellableFuture, TimerOptions, TimerResult, WaitConditionOptions};

use super::{Halt, Process, Saga, StoppedBy, Token};
use crate::report::timestamp;

impl<W: Process> Saga<W> {
    /// Waits until the workflow's state says so, or the run is stopped.
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the run was stopped first.
    pub async fn wait_for(&self, condition: impl FnMut(&W) -> bool) -> Result<(), Halt> {
        let options = WaitConditionOptions::builder().cancellation_token(self.forward.clone()).build();
        let waited = self.ctx.wait_condition_with_options(condition, options).await;
        waited.map_err(|_| self.stopped())
    }

    /// Runs `body` with a durable deadline: when it passes, the run is stopped as [`StoppedBy::Deadline`]. The
    /// body always ends by itself, so the outcome of what it started is known.
    pub async fn within<T>(
        &self,
        limit: Duration,
        summary: &str,
        reason: &str,
        body: impl Future<Output = T>,
    ) -> T {
        let mut body = pin!(body);
        let mut timer = pin!(self.timer(limit, summary));
        let mut armed = true;
        std::future::poll_fn(|cx| {
            if armed && self.ctx.cancellation_token().is_cancelled() {
                timer.as_ref().cancel();
                armed = false;
            }
            if let Poll::Ready(result) = body.as_mut().poll(cx) {
                if armed {
                    timer.as_ref().cancel();
                }
                return Poll::Ready(result);
            }
            if armed && let Poll::Ready(timer) = timer.as_mut().poll(cx) {
                armed = false;
                if timer == TimerResult::Fired {
                    let token = self.ctx.cancellation_token();
                    self.scribe.change(|saga| saga.stop(&token, StoppedBy::Deadline, reason));
                    return body.as_mut().poll(cx);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The time is over, for a process that knows it by itself: stops the run as the deadline of [`Saga::within`] does,
    /// unless somebody stopped it before.
    pub fn expire(&self, reason: &str) -> Halt {
        let token = self.ctx.cancellation_token();
        self.scribe.change(|saga| saga.stop(&token, StoppedBy::Deadline, reason));
        self.stopped()
    }

    /// A timer that only its owner cancels.
    ///
    /// Not by the token of the run, nor by one below it:
    /// - A worker that was away may find the run's cancel and the timer's end in one task. The SDK takes the timer off
    ///   its list with the token, then does not know whose end it was told of, and panics, at every attempt of the
    ///   task, for ever.
    /// - The SDK hangs the run on the token of a timer until the timer's end is seen. Nobody sees that of a timer that
    ///   the body was faster than, or of a run that is put away: the run would hold itself, its input included, in the
    ///   worker's memory for ever.
    fn timer<'s>(
        &'s self,
        limit: Duration,
        summary: &str,
    ) -> impl CancellableFuture<Output = TimerResult> + use<'s, W> {
        let timer = TimerOptions::builder(limit).summary(summary.to_owned());
        self.ctx.timer(timer.cancellation_token(Token::new()).build())
    }

    /// Waits for a moment, unless the state says so first, or the run is stopped. A moment that has passed is awaited
    /// all the same, by a timer of a millisecond: a replay must see the same commands whatever the moment was made of.
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the run was stopped first.
    pub async fn wait_until(
        &self,
        moment: Timestamp,
        summary: &str,
        condition: impl FnMut(&W) -> bool,
    ) -> Result<(), Halt> {
        let now = timestamp(self.ctx.workflow_time()).unwrap_or(moment);
        let rest = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
        let mut timer = pin!(self.timer(rest.max(Duration::from_millis(1)), summary));
        let mut waiting = pin!(self.wait_for(condition));
        std::future::poll_fn(|cx| {
            if let Poll::Ready(waited) = waiting.as_mut().poll(cx) {
                timer.as_ref().cancel();
                return Poll::Ready(waited);
            }
            timer.as_mut().poll(cx).map(|timer| match timer {
                TimerResult::Fired => Ok(()),
                TimerResult::Cancelled => Err(self.stopped()),
            })
        })
        .await
    }
}
