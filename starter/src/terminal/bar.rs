//! A bar: how much of something is done, how fast it goes, and how long the rest takes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use workflows::report::Count;

use super::output::duration;

/// The speed is that of this long.
const WINDOW: Duration = Duration::from_secs(60);
/// Signs of the bar itself.
const WIDTH: u64 = 20;

/// The progress of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bar {
    /// How much was done when.
    seen: VecDeque<(Instant, u64)>,
    of: u64,
    failed: u64,
}

impl Bar {
    /// Takes note of how much is done by now. Less than before is older news.
    pub(crate) fn note(&mut self, now: Instant, Count { done, of, failed }: Count) {
        self.of = of;
        self.failed = self.failed.max(failed);
        if self.seen.back().is_some_and(|(_, known)| done <= *known) {
            return;
        }
        self.seen.push_back((now, done));
        // One that is older than the window is where the speed is measured from.
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.seen.pop_front();
        }
    }

    fn done(&self) -> u64 {
        self.seen.back().map_or(0, |(_, done)| *done).min(self.of)
    }

    /// Thousandths a second; `None`: not known yet.
    fn speed(&self) -> Option<u128> {
        let ((from, before), (to, after)) = (self.seen.front()?, self.seen.back()?);
        let ms = to.duration_since(*from).as_millis();
        (ms > 0).then(|| u128::from(after - before) * 1_000_000 / ms).filter(|speed| *speed > 0)
    }

    /// The line: `[##########----------] 50 %, 1200 of 2400, 3 failed, 40 a second, 30 s left`.
    pub(crate) fn line(&self, now: Instant) -> String {
        let done = self.done();
        let share =
            |whole: u64| u64::try_from(u128::from(done) * u128::from(whole) / u128::from(self.of.max(1)));
        let filled = usize::try_from(share(WIDTH).unwrap_or(WIDTH)).unwrap_or_default();
        let empty = usize::try_from(WIDTH).unwrap_or_default().saturating_sub(filled);
        let percent = share(100).unwrap_or(100);
        let bar = "#".repeat(filled) + &"-".repeat(empty);
        let count = Count { done, of: self.of, failed: self.failed };
        let mut line = format!("[{bar}] {percent} %, {count}");
        if let Some(speed) = self.speed() {
            let since = self.seen.back().map_or(0, |(at, _)| now.duration_since(*at).as_millis());
            let left = (u128::from(self.of - done) * 1_000_000 / speed).saturating_sub(since);
            let left = duration(i64::try_from(left / 1_000 * 1_000).unwrap_or(i64::MAX));
            line.push_str(&format!(", {} a second, {left} left", figure(speed)));
        }
        line
    }
}

/// Thousandths in words: `40`, and below ten with a decimal.
fn figure(thousandths: u128) -> String {
    match thousandths {
        ..10_000 => format!("{}.{}", thousandths / 1_000, thousandths % 1_000 / 100),
        _ => (thousandths / 1_000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_much_how_fast_and_how_long() {
        let (begun, mut bar) = (Instant::now(), Bar::default());
        let at = |seconds| begun + Duration::from_secs(seconds);
        let count = |done, failed| Count { done, of: 2_400, failed };
        bar.note(at(0), count(0, 0));
        assert_eq!(bar.line(at(1)), "[--------------------] 0 %, 0 of 2400");
        bar.note(at(30), count(1_200, 0));
        assert_eq!(bar.line(at(30)), "[##########----------] 50 %, 1200 of 2400, 40 a second, 30 s left");
        assert_eq!(
            bar.line(at(35)),
            "[##########----------] 50 %, 1200 of 2400, 40 a second, 25 s left",
            "time goes by without news"
        );
        bar.note(at(36), count(900, 0));
        assert!(bar.line(at(36)).contains("1200 of 2400"), "older news");
        bar.note(at(60), count(2_400, 3));
        let line = bar.line(at(60));
        assert_eq!(line, "[####################] 100 %, 2400 of 2400, 3 failed, 40 a second, 0 ms left");
    }

    #[test]
    fn the_speed_is_that_of_the_last_minute() {
        let (begun, mut bar) = (Instant::now(), Bar::default());
        for second in 0..=300_u64 {
            // It was quick at first.
            let done = if second < 100 { second * 100 } else { 10_000 + (second - 100) * 2 };
            bar.note(begun + Duration::from_secs(second), Count { done, of: 20_000, failed: 0 });
        }
        let line = bar.line(begun + Duration::from_secs(300));
        assert!(line.contains("10400 of 20000, 2.0 a second, 1 h 20 min left"), "{line}");
    }
}
