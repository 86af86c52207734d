//! One attempt at a message: where it runs, and how long it may take.
//!
//! A mail server and Twilio know no keys, so a second attempt is a second message. None may begin while the first may
//! still deliver: an attempt ends by itself before Temporal counts it as lost, and one that is not wanted any more does
//! not begin to send. A message handed over without a reply is handed over once more by the next ([`Doubts`]).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use contracts::failure;
use contracts::notification::Delivery;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// The part that is kept back of an attempt's time for saying what came of it.
const MARGIN_MAX: Duration = Duration::from_secs(1);
/// So often a message is handed over without a reply; then it is not sent again.
pub(super) const DOUBTS_MAX: u32 = 2;
/// The code of a message that ends so.
pub(super) const NO_REPLY: &str = "no_reply";
/// How long a message without a reply is remembered: longer than any is tried.
const DOUBTS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Messages without a reply that are remembered, at most.
const DOUBTFUL_MAX: usize = 10_000;

/// One attempt at a message.
#[derive(Clone, Copy)]
pub struct Attempt<'c> {
    ctx: &'c ActivityContext,
    told: &'c Told,
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
    pub(crate) fn of(ctx: &'c ActivityContext, told: &'c Told) -> Self {
        Self { ctx, told, began: Instant::now() }
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

    /// How often attempts before this one handed the message over without a reply.
    pub(super) fn doubts(&self) -> u32 {
        self.told.doubts()
    }

    /// Tells the attempts after this one how often the message was handed over without a reply.
    pub(super) async fn tell(&self, doubts: u32) {
        self.told.0.store(doubts, Ordering::Relaxed);
        if let Err(error) = self.ctx.record_heartbeat(doubts).await {
            tracing::warn!(%error, "a heartbeat could not be recorded");
        }
    }

    /// Refuses to hand over what would be cut off, or what nobody wants. `timeout`: the sender's limit of one message.
    ///
    /// # Errors
    /// When that is so, with the reason.
    pub(super) fn may_hand_over(&self, timeout: Duration) -> Result<(), &'static str> {
        if !self.is_wanted() {
            return Err("it is not wanted any more");
        }
        let info = self.ctx.info();
        let patience = info.deadline.zip(info.scheduled_time);
        let patience = patience.and_then(|(end, scheduled)| end.duration_since(scheduled).ok());
        match is_enough(self.left(), patience.unwrap_or(Duration::MAX), timeout) {
            true => Ok(()),
            false => Err("too little of this attempt's time is left; it is tried again"),
        }
    }

    /// How long the reply to a message that was handed over is awaited: at most `longest`.
    pub(super) fn reply(&self, longest: Duration) -> Duration {
        usable(self.left()).min(longest)
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
        let usable = usable(left);
        let talk = timeout.min(usable);
        Self { wait: usable.saturating_sub(talk), talk }
    }
}

/// The part of an attempt's time that sending may take.
fn usable(left: Duration) -> Duration {
    left.saturating_sub(MARGIN_MAX.min(left / 10))
}

/// Whether what is left of an attempt is half of what a message may take. `patience`: the whole time of the activity,
/// which may be less than that.
fn is_enough(left: Duration, patience: Duration, timeout: Duration) -> bool {
    left >= timeout.min(patience) / 2
}

/// How often a message was handed over without a reply, as the attempts of an activity tell each other by their
/// heartbeats: another worker goes on counting.
#[derive(Debug)]
pub(crate) struct Told(AtomicU32);

impl Told {
    /// The last word of the attempts before this one.
    pub(crate) fn before(ctx: &ActivityContext) -> Self {
        // Another version's heartbeat says nothing of it.
        let told = ctx.heartbeat_details().deserialize::<u32>().ok().flatten();
        Self(AtomicU32::new(told.unwrap_or_default()))
    }

    pub(crate) fn doubts(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The messages that this process handed over without a reply, by name: how often, and when last.
#[derive(Debug, Default)]
pub(super) struct Doubts(Mutex<HashMap<String, (u32, Instant)>>);

impl Doubts {
    /// How often one was.
    pub(super) fn of(&self, name: &str) -> u32 {
        self.with(|known| known.get(name).map_or(0, |(times, _)| *times))
    }

    /// Notes that one was, so often by now.
    pub(super) fn note(&self, name: &str, times: u32) {
        self.note_at(name, times, Instant::now());
    }

    fn note_at(&self, name: &str, times: u32, now: Instant) {
        self.with(|known| {
            known.retain(|_, (_, last)| now.duration_since(*last) < DOUBTS_KEPT);
            if known.len() < DOUBTFUL_MAX || known.contains_key(name) {
                known.insert(name.to_owned(), (times, now));
            }
        });
    }

    /// Forgets one that was taken.
    pub(super) fn forget(&self, name: &str) {
        self.with(|known| _ = known.remove(name));
    }

    fn with<R>(&self, change: impl FnOnce(&mut HashMap<String, (u32, Instant)>) -> R) -> R {
        // Nothing that could panic happens under the lock.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The end of a message that was handed over twice without a reply: the recipient has it, once or twice, or never will.
pub(super) fn no_reply() -> Delivery {
    Delivery::Refused { code: NO_REPLY.to_owned() }
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
    fn what_would_be_cut_off_is_not_handed_over() {
        let seconds = Duration::from_secs;
        for (left, patience, timeout, is_sent) in [
            (seconds(35), seconds(600), seconds(30), true),
            (seconds(15), seconds(600), seconds(30), true),
            (seconds(14), seconds(600), seconds(30), false),
            // Somebody who has no more patience than that gets the mail all the same.
            (seconds(2), seconds(2), seconds(30), true),
            (Duration::from_millis(900), seconds(2), seconds(30), false),
            (Duration::ZERO, seconds(2), seconds(30), false),
            (Duration::MAX, Duration::MAX, seconds(30), true),
        ] {
            assert_eq!(is_enough(left, patience, timeout), is_sent, "{left:?} of {patience:?}");
        }
    }

    #[test]
    fn doubts_are_kept_for_a_day() {
        let (doubts, start) = (Doubts::default(), Instant::now());
        doubts.note_at("a", 1, start);
        doubts.note_at("a", 2, start + DOUBTS_KEPT / 2);
        doubts.note_at("b", 1, start + DOUBTS_KEPT);
        assert_eq!((doubts.of("a"), doubts.of("b"), doubts.of("c")), (2, 1, 0));
        doubts.note_at("c", 1, start + DOUBTS_KEPT * 3 / 2);
        assert_eq!((doubts.of("a"), doubts.of("b")), (0, 1));
        doubts.forget("b");
        assert_eq!(doubts.of("b"), 0);
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
