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

/// Lets one row through at a time.
pub(super) struct Pace {
    between: Option<Duration>,
    /// When the next row may go.
    due: Mutex<Instant>,
    /// The longest wait that anybody leaves behind.
    most: Duration,
}

impl Pace {
    /// Goes on where the attempt or the stretch before was, so that a new one writes no row too early. `at_once` are
    /// the rows that are sent at the same time at most: nobody leaves a longer wait behind than for these, and a time
    /// that is further ahead was told by a clock that is wrong, or at a lower rate.
    pub(super) fn resume(rate: Option<Rate>, due: Option<Timestamp>, at_once: usize) -> Self {
        let between = rate.map(Rate::between);
        let most = between.map_or(Duration::ZERO, |between| times(between, at_once));
        let pace = Self { between, due: Mutex::new(Instant::now()), most };
        pace.wait_for(due);
        pace
    }

    /// No row goes before this time, which another attempt has left behind.
    pub(super) fn wait_for(&self, due: Option<Timestamp>) {
        let ahead = due.and_then(|due| SystemTime::from(due).duration_since(SystemTime::now()).ok());
        let earliest = Instant::now() + ahead.unwrap_or_default().min(self.most);
        let mut due = self.lock();
        *due = earliest.max(*due);
    }

    /// When the next row may go, for the attempt after this one; `None` without a rate.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due_behind(0)
    }

    /// The same behind so many more rows.
    pub(super) fn due_behind(&self, rows: usize) -> Option<Timestamp> {
        let between = self.between?;
        let ahead = self.lock().saturating_duration_since(Instant::now()) + times(between, rows);
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
            () = ctx.cancelled() => {
                self.give_back(rows);
                false
            }
            () = tokio::time::sleep_until(at) => true,
        }
    }

    /// These rows are not sent after all.
    fn give_back(&self, rows: usize) {
        let Some(between) = self.between else { return };
        let mut due = self.lock();
        *due = due.checked_sub(times(between, rows)).unwrap_or(*due);
    }

    /// Takes the next turns; `None` without a rate. Rows that go together take the time of all of them behind them.
    fn take_some(&self, now: Instant, rows: usize) -> Option<Instant> {
        let between = self.between?;
        let mut due = self.lock();
        let at = (*due).max(now.checked_sub(CATCH_UP).unwrap_or(now));
        *due = at + times(between, rows);
        Some(at)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn times(between: Duration, rows: usize) -> Duration {
    between.saturating_mul(u32::try_from(rows).unwrap_or(u32::MAX))
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
        let pace = Pace::resume(rate(10), None, 8);
        let begun = *pace.lock();
        assert_eq!(turns(&pace, begun, Duration::ZERO), [0, 100, 200, 300]);
    }

    #[tokio::test]
    async fn a_long_pause_is_caught_up_with_by_a_moment_only() {
        let pace = Pace::resume(rate(10), None, 8);
        let begun = *pace.lock();
        assert_eq!(turns(&pace, begun, Duration::ZERO), [0]);
        assert_eq!(turns(&pace, begun, Duration::from_secs(60)), [59_800, 59_900, 60_000, 60_100]);
    }

    #[tokio::test]
    async fn the_attempt_after_waits_for_what_the_one_before_took() {
        let pace = Pace::resume(rate(1), None, 8);
        let begun = *pace.lock();
        assert_eq!(turns(&pace, begun, Duration::ZERO), [0, 1_000, 2_000, 3_000]);
        let next = Pace::resume(rate(1), pace.due(), 8);
        let [waits] = turns(&next, begun, Duration::ZERO);
        assert!((3_900..=4_100).contains(&waits), "{waits} ms");
    }

    #[tokio::test]
    async fn a_clock_that_is_far_ahead_is_not_waited_for() {
        let ahead = Timestamp::try_from(SystemTime::now() + Duration::from_secs(86_400)).expect("a time");
        let begun = Instant::now();
        let [waits] = turns(&Pace::resume(rate(1), Some(ahead), 60), begun, Duration::ZERO);
        assert!((59_900..=60_100).contains(&waits), "{waits} ms");
    }

    /// A crash behind a batch of a hundred at one a second, and a run that was given a higher rate meanwhile.
    #[tokio::test]
    async fn a_batch_is_waited_for_by_whoever_comes_next() {
        let pace = Pace::resume(rate(1), None, 100);
        let begun = *pace.lock();
        pace.take_some(begun, 100);
        let [waits] = turns(&Pace::resume(rate(1), pace.due(), 100), begun, Duration::ZERO);
        assert!((99_900..=100_100).contains(&waits), "{waits} ms");
        let [waits] = turns(&Pace::resume(rate(50), pace.due(), 100), begun, Duration::ZERO);
        assert!((1_900..=2_100).contains(&waits), "{waits} ms");
    }

    /// The mark that a worker has left behind before it died.
    #[tokio::test]
    async fn rows_that_another_attempt_was_about_to_send_are_waited_for() {
        let died = Pace::resume(rate(10), None, 20);
        let begun = *died.lock();
        let pace = Pace::resume(rate(10), None, 20);
        pace.wait_for(died.due_behind(20));
        let [waits] = turns(&pace, begun, Duration::ZERO);
        assert!((1_900..=2_100).contains(&waits), "{waits} ms");
        pace.wait_for(died.due());
        let [waits] = turns(&pace, begun, Duration::ZERO);
        assert!((2_000..=2_200).contains(&waits), "an earlier time changes nothing: {waits} ms");
    }

    #[tokio::test]
    async fn rows_that_were_not_sent_are_not_waited_for() {
        let pace = Pace::resume(rate(10), None, 8);
        let begun = *pace.lock();
        pace.take_some(begun, 20);
        pace.take_some(begun, 20);
        pace.give_back(20);
        assert_eq!(turns(&pace, begun, Duration::ZERO), [2_000]);
    }

    #[tokio::test]
    async fn without_a_rate_nothing_waits_and_nothing_is_told() {
        let pace = Pace::resume(None, None, 8);
        assert_eq!((pace.take_some(Instant::now(), 1), pace.due()), (None, None));
    }
}
