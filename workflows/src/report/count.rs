//! How much of a long step is done, as its line in the step table says it.

use std::fmt;

/// How much of a long step is done. `1200 of 5000` as text; `1200 of 5000, 3 failed` where some of it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// So much is done.
    pub done: u64,
    /// Of how much.
    pub of: u64,
    /// So much of what is done has failed.
    pub failed: u64,
}

impl Count {
    /// Reads the remark about a step, if it is such a count.
    #[must_use]
    pub fn read(detail: &str) -> Option<Self> {
        let (done, rest) = detail.split_once(" of ")?;
        let (of, failed) = match rest.split_once(", ") {
            None => (rest, "0"),
            Some((of, failed)) => (of, failed.strip_suffix(" failed")?),
        };
        Some(Self { done: done.parse().ok()?, of: of.parse().ok()?, failed: failed.parse().ok()? })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.done, self.of)?;
        if self.failed > 0 { write!(f, ", {} failed", self.failed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_as_it_is_written() {
        for (count, text) in [
            (Count { done: 1_200, of: 5_000, failed: 0 }, "1200 of 5000"),
            (Count { done: 1_200, of: 5_000, failed: 3 }, "1200 of 5000, 3 failed"),
        ] {
            assert_eq!(count.to_string(), text);
            assert_eq!(Count::read(text), Some(count));
        }
        for other in ["1200 of 5000 rows", "1200 of 5000, 3 slow", "paused: 3 of 4", "12 orders", ""] {
            assert_eq!(Count::read(other), None, "{other}");
        }
    }
}
