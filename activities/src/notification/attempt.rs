//! One attempt at a message: where it runs, and how long it may take.
//!
//! A mail server and Twilio know no keys, so a second attempt is a second message. None may begin while the first may
//! still deliver: an attempt ends by itself before Temporal counts it as lost, and one that is not wanted any more does
//! not begin to send.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use contracts::failure;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// The part that is kept back of an attempt's time for saying what came of it.
const MARGIN_MAX: Duration = Duration::from_secs(1);

/// One attempt at a message.
#[derive(Clone, Copy)]
pub struct Attempt<'c> {
    ctx: &'c ActivityContext,
    began: Instant,
}

/// How long the parts of an attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Waiting for a connection that is free.
    pub(super) wait: Duration,
    /// Handing the message over.
    pub(super) talk: Duration,
}

impl<'c> Attempt<'c> {
    /// The attempt that begins now.
    #[must_use]
    pub fn of(ctx: &'c ActivityContext) -> Self {
        Self { ctx, began: Instant::now() }
    }

    /// Refuses to send inside a workflow task by a sender without keys, before anything is sent.
    ///
    /// # Errors
    /// When that is so: the activity of its own sends.
    pub(super) fn elsewhere_unless(&self, knows_keys: bool) -> Result<(), ActivityError> {
        if knows_keys || !self.ctx.info().is_local {
            return Ok(());
        }
        let why = "not here: the sender knows no keys, so the activity of its own sends".to_owned();
        let failure = ApplicationFailure::builder(why).type_name(failure::NOT_HERE.to_owned()).build();
        Err(ActivityError::application(failure))
    }

    /// Whether somebody still waits for what comes of it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.ctx.is_cancelled()
    }

    /// The limits of its parts, for a sender that gives one message `timeout`.
    pub(super) fn limits(&self, timeout: Duration) -> Limits {
        Limits::of(self.left(), timeout)
    }

    /// How long it is until Temporal counts it as lost and begins another one, by the server's clock.
    pub(super) fn left(&self) -> Duration {
        let info = self.ctx.info();
        let ends = info.deadline.zip(info.started_time);
        let whole = ends.and_then(|(end, start)| end.duration_since(start).ok());
        whole.map_or(Duration::MAX, |whole| whole.saturating_sub(self.began.elapsed()))
    }
}

impl Limits {
    fn of(left: Duration, timeout: Duration) -> Self {
        let usable = left.saturating_sub(MARGIN_MAX.min(left / 10));
        let talk = timeout.min(usable);
        Self { wait: usable.saturating_sub(talk), talk }
    }
}

/// The messages that this process is handing over, by name: a second attempt at one of them does not begin.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<HashSet<String>>);

/// A message that is being handed over, for as long as this lives.
#[derive(Debug)]
pub(super) struct Turn<'u> {
    under_way: &'u UnderWay,
    name: String,
}

impl UnderWay {
    /// Begins with a message; `None`: an attempt at it is under way.
    pub(super) fn begin(&self, name: &str) -> Option<Turn<'_>> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        is_new.then(|| Turn { under_way: self, name: name.to_owned() })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_ends_before_temporal_counts_it_as_lost() {
        let seconds = Duration::from_secs;
        for (left, timeout, wait, talk) in [
            (seconds(65), seconds(30), seconds(34), seconds(30)),
            (seconds(35), seconds(30), seconds(4), seconds(30)),
            (seconds(10), seconds(30), Duration::ZERO, seconds(9)),
            (seconds(1), seconds(30), Duration::ZERO, Duration::from_millis(900)),
            (Duration::ZERO, seconds(30), Duration::ZERO, Duration::ZERO),
        ] {
            assert_eq!(Limits::of(left, timeout), Limits { wait, talk }, "{left:?}");
        }
        assert_eq!(Limits::of(Duration::MAX, seconds(30)).talk, seconds(30));
    }

    #[test]
    fn a_message_is_under_way_once_until_its_attempt_has_ended() {
        let under_way = UnderWay::default();
        let first = under_way.begin("a");
        assert!(first.is_some() && under_way.begin("a").is_none() && under_way.begin("b").is_some());
        drop(first);
        assert!(under_way.begin("a").is_some());
    }
}
