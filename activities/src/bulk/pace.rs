//! Rows a second, across the attempts of an activity.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use contracts::bulk::Rate;
use jiff::Timestamp;
use temporalio_sdk::activities::ActivityContext;
use tokio::time::Instant;

/// What was missed within this time may be caught up with: waiting is never exact, and the rate is meant on average.
const CATCH_UP: Duration = Duration::from_millis(200);
/// A clock that is ahead by more than this is wrong, not early.
const AHEAD_MAX: Duration = Duration::from_secs(60);

/// Lets one row through at a time.
pub(super) struct Pace {
    between: Option<Duration>,
    /// When the next row may go.
    due: Mutex<Instant>,
}

impl Pace {
    /// Goes on where the attempt before was: a worker that dies does not buy the next one a row too early.
    pub(super) fn resume(rate: Option<Rate>, due: Option<Timestamp>) -> Self {
        let ahead = due.and_then(|due| SystemTime::from(due).duration_since(SystemTime::now()).ok());
        let ahead = ahead.unwrap_or_default().min(AHEAD_MAX);
        Self { between: rate.map(Rate::between), due: Mutex::new(Instant::now() + ahead) }
    }

    /// When the next row may go, for the attempt after this one; `None` without a rate.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.between?;
        let ahead = self.lock().saturating_duration_since(Instant::now());
        Timestamp::try_from(SystemTime::now() + ahead).ok()
    }

    /// Waits for the turn of one row; `false` when the run was stopped meanwhile.
    pub(super) async fn turn(&self, ctx: &ActivityContext) -> bool {
        let Some(at) = self.take() else {
            return !ctx.is_cancelled();
        };
        tokio::select! {
            biased;
            () = ctx.cancelled() => false,
            () = tokio::time::sleep_until(at) => true,
        }
    }

    /// Takes the next turn; `None` without a rate.
    fn take(&self) -> Option<Instant> {
        let between = self.between?;
        let now = Instant::now();
        let mut due = self.lock();
        let at = (*due).max(now.checked_sub(CATCH_UP).unwrap_or(now));
        *due = at + between;
        Some(at)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rows: u32) -> Option<Rate> {
        Rate::try_from(rows).ok()
    }

    fn after(pace: &Pace, begun: Instant) -> Duration {
        pace.take().expect("a rate").saturating_duration_since(begun)
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_a_rates_time_apart() {
        let (begun, pace) = (Instant::now(), Pace::resume(rate(10), None));
        let turns: Vec<u128> = (0..4).map(|_| after(&pace, begun).as_millis()).collect();
        assert_eq!(turns, [0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_is_caught_up_with_by_a_moment_only() {
        let (begun, pace) = (Instant::now(), Pace::resume(rate(10), None));
        assert_eq!(after(&pace, begun).as_millis(), 0);
        tokio::time::advance(Duration::from_secs(60)).await;
        let turns: Vec<u128> = (0..4).map(|_| after(&pace, begun).as_millis()).collect();
        assert_eq!(turns, [59_800, 59_900, 60_000, 60_100]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_attempt_after_waits_for_what_the_one_before_took() {
        let pace = Pace::resume(rate(1), None);
        for _ in 0..8 {
            pace.take().expect("a rate");
        }
        let (begun, next) = (Instant::now(), Pace::resume(rate(1), pace.due()));
        let waits = after(&next, begun).as_millis();
        assert!((7_500..=8_000).contains(&waits), "{waits} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_far_ahead_is_not_waited_for() {
        let ahead = Timestamp::try_from(SystemTime::now() + Duration::from_secs(86_400)).expect("a time");
        let (begun, pace) = (Instant::now(), Pace::resume(rate(1), Some(ahead)));
        assert_eq!(after(&pace, begun), AHEAD_MAX);
    }

    #[tokio::test]
    async fn without_a_rate_nothing_waits_and_nothing_is_told() {
        let pace = Pace::resume(None, None);
        assert_eq!((pace.take(), pace.due()), (None, None));
    }
}
