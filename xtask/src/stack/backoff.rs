//! How long to wait before a dead process is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A process that lived this long died of something new.
const STABLE: Duration = Duration::from_secs(60);

/// 1 s, 2 s, 4 s … 30 s, and from the start again after a life of a minute.
#[derive(Default)]
pub(super) struct Backoff {
    deaths_in_a_row: u32,
}

impl Backoff {
    /// The wait after a death, given how long the life before it was.
    pub(super) fn after_death(&mut self, lived: Duration) -> Duration {
        if lived >= STABLE {
            self.deaths_in_a_row = 0;
        }
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.deaths_in_a_row));
        self.deaths_in_a_row += 1;
        wait.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(backoff: &mut Backoff, lives: &[u64]) -> Vec<u64> {
        lives.iter().map(|seconds| backoff.after_death(Duration::from_secs(*seconds)).as_secs()).collect()
    }

    #[test]
    fn the_wait_doubles_up_to_half_a_minute() {
        assert_eq!(waits(&mut Backoff::default(), &[0; 8]), [1, 2, 4, 8, 16, 30, 30, 30]);
        let mut long_suffering = Backoff { deaths_in_a_row: 1_000 };
        assert_eq!(waits(&mut long_suffering, &[0]), [30]);
    }

    #[test]
    fn a_minute_alive_is_forgiven() {
        assert_eq!(waits(&mut Backoff::default(), &[0, 0, 59, 60, 0]), [1, 2, 4, 1, 2]);
    }
}
