//! Limits that more than one bench has: what a size may cost, compared with the size before it.

/// The most memory with the larger list, in shares of the most with the smaller one.
const GROWTH_MAX: f64 = 1.3;
/// The same as a difference.
const GROWTH_MIB_MAX: f64 = 20.0;
/// A figure of one row with the larger list, in shares of that with the smaller one.
const FLAT: f64 = 1.1;
/// The same of the time that a row takes.
const SLOWER_MAX: f64 = 1.5;

/// Misses of a comparison of two sizes; `between` names them.
pub(super) struct Compared {
    between: String,
    misses: Vec<String>,
}

impl Compared {
    pub(super) fn of(smaller: u32, larger: u32) -> Self {
        Self { between: format!("from {smaller} to {larger}"), misses: Vec::new() }
    }

    /// Memory, in MiB.
    pub(super) fn memory(mut self, who: &str, from: f64, to: f64) -> Self {
        if to > from * GROWTH_MAX || to - from >= GROWTH_MIB_MAX {
            self.misses.push(format!(
                "{}, the {who}'s memory grew from {from:.1} to {to:.1} MiB (limits {GROWTH_MAX} × and \
                 {GROWTH_MIB_MAX} MiB)",
                self.between
            ));
        }
        self
    }

    /// A figure of one row.
    pub(super) fn flat(self, what: &str, from: f64, to: f64) -> Self {
        self.at_most(what, from, to, FLAT)
    }

    /// The time of one row.
    pub(super) fn time(self, from: f64, to: f64) -> Self {
        self.at_most("seconds", from, to, SLOWER_MAX)
    }

    fn at_most(mut self, what: &str, from: f64, to: f64, limit: f64) -> Self {
        if to > from * limit {
            let (between, times) = (&self.between, to / from);
            self.misses.push(format!("{between}, a row has {times:.2} × as many {what} (limit {limit} ×)"));
        }
        self
    }

    pub(super) fn misses(self) -> Vec<String> {
        self.misses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_missed_by_the_figure_above_it() {
        let compared = || Compared::of(10, 100);
        let holds = compared().memory("worker", 60.0, 78.0).flat("events", 1.0, 1.1).time(2.0, 3.0);
        assert_eq!(holds.misses(), Vec::<String>::new());
        for (missed, words) in [
            (
                compared().memory("worker", 60.0, 79.0),
                "from 10 to 100, the worker's memory grew from 60.0 to 79.0 MiB (limits 1.3 × and 20 MiB)",
            ),
            (
                compared().memory("shop", 100.0, 120.0),
                "from 10 to 100, the shop's memory grew from 100.0 to 120.0 MiB (limits 1.3 × and 20 MiB)",
            ),
            (
                compared().flat("events", 1.0, 1.2),
                "from 10 to 100, a row has 1.20 × as many events (limit 1.1 ×)",
            ),
            (compared().time(1.0, 1.6), "from 10 to 100, a row has 1.60 × as many seconds (limit 1.5 ×)"),
        ] {
            assert_eq!(missed.misses(), [words]);
        }
    }
}
