//! How much of a long step is done, as its line in the step table says it.

use std::fmt;

/// How much of a long step is done. `1200 of 5000` as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// So much is done.
    pub done: u64,
    /// Of how much.
    pub of: u64,
}

impl Count {
    /// Reads the remark about a step, if it is such a count.
    #[must_use]
    pub fn read(detail: &str) -> Option<Self> {
        let (done, of) = detail.split_once(" of ")?;
        Some(Self { done: done.parse().ok()?, of: of.parse().ok()? })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.done, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_as_it_is_written() {
        let count = Count { done: 1_200, of: 5_000 };
        assert_eq!(count.to_string(), "1200 of 5000");
        assert_eq!(Count::read("1200 of 5000"), Some(count));
        for other in ["1200 of 5000 rows", "paused: 3 of 4", "12 orders", ""] {
            assert_eq!(Count::read(other), None, "{other}");
        }
    }
}
