//! Rows a second, across the attempts of an activity.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use contracts::bulk::Rate;
use jiff::Timestamp;
use temporalio_sdk::activities::ActivityContext;
use tokio::time::Instant;

/// Turns that were missed within this time are caught up with: waiting is never exact, and the rate is meant on
/// average.
const CATCH_UP: Duration = Duration::from_millis(200);
/// A time that is further ahead than this was told by a clock that is wrong.
const AHEAD_MAX: Duration = Duration::from_secs(60);

/// Lets one row through at a time.
pub(super) struct Pace {
    between: Option<Duration>,
    /// When the next row may go.
    due: Mutex<Instant>,
}

impl Pace {
    /// Goes on where the attempt before was, so that a new attempt writes no row too early.
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
        self.turns(ctx, 1).await
    }

    /// Waits for the turn of some rows that go together; `false` when the run was stopped meanwhile.
    pub(super) async fn turns(&self, ctx: &ActivityContext, rows: usize) -> bool {
        let Some(at) = self.take_some(Instant::now(), rows) else {
            return !ctx.is_cancelled();
        };
        tokio::select! {
            biased;
            () = ctx.cancelled() => false,
            () = tokio::time::sleep_until(at) => true,
        }
    }

    /// Takes the next turns; `None` without a rate. Rows that go together take the time of all of them behind them.
    fn take_some(&self, now: Instant, rows: usize) -> Option<Instant> {
        let between = self.between?;
        let mut due = self.lock();
        let at = (*due).max(now.checked_sub(CATCH_UP).unwrap_or(now));
        *due = at + between * u32::try_from(rows).unwrap_or(u32::MAX);
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

    /// When the next turns are, in milliseconds after `begun`, for who asks `late` after it.
    fn turns<const N: usize>(pace: &Pace, begun: Instant, late: Duration) -> [u128; N] {
        [(); N].map(|()| {
            let turn = pace.take_some(begun + late, 1).expect("a rate");
            turn.saturating_duration_since(begun).as_millis()
        })
    }

    #[tokio::test]
    async fn turns_are_a_rates_time_apart() {
        let pace = Pace::resume(rate(10), None);
        let begun = *pace.lock();
        assert_eq!(turns(&pace, begun, Duration::ZERO), [0, 100, 200, 300]);
    }

    #[tokio::test]
    async fn a_long_pause_is_caught_up_with_by_a_moment_only() {
        let pace = Pace::resume(rate(10), None);
        let begun = *pace.lock();
        assert_eq!(turns(&pace, begun, Duration::ZERO), [0]);
        assert_eq!(turns(&pace, begun, Duration::from_secs(60)), [59_800, 59_900, 60_000, 60_100]);
    }

    #[tokio::test]
    async fn the_attempt_after_waits_for_what_the_one_before_took() {
        let pace = Pace::resume(rate(1), None);
        let begun = *pace.lock();
        assert_eq!(turns(&pace, begun, Duration::ZERO), [0, 1_000, 2_000, 3_000]);
        let next = Pace::resume(rate(1), pace.due());
        let [waits] = turns(&next, begun, Duration::ZERO);
        assert!((3_900..=4_100).contains(&waits), "{waits} ms");
    }

    #[tokio::test]
    async fn a_clock_that_is_far_ahead_is_not_waited_for() {
        let ahead = Timestamp::try_from(SystemTime::now() + Duration::from_secs(86_400)).expect("a time");
        let begun = Instant::now();
        let [waits] = turns(&Pace::resume(rate(1), Some(ahead)), begun, Duration::ZERO);
        assert!((59_900..=60_100).contains(&waits), "{waits} ms");
    }

    #[tokio::test]
    async fn without_a_rate_nothing_waits_and_nothing_is_told() {
        let pace = Pace::resume(None, None);
        assert_eq!((pace.take_some(Instant::now(), 1), pace.due()), (None, None));
    }
}
