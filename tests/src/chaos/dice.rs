//! Random numbers that can be had again: the same seed, the same chaos.

use std::time::Duration;

/// `SplitMix64`: small, and good enough to decide who dies when.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From the least to the most, both included.
    pub(super) fn from(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(super) fn pause(&mut self, (shortest, longest): (Duration, Duration)) -> Duration {
        let nanoseconds = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.from((nanoseconds(shortest), nanoseconds(longest))))
    }
}
