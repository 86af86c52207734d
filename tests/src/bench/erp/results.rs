//! The figures that were measured, and the limits that must hold.

use std::fmt;

use serde::Serialize;

use super::super::machine::Machine;
use super::{CHANGES, INVALID_EVERY, Options};

/// Bytes of one payload that a history may hold.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// Events of one run.
pub const EVENTS_MAX: usize = 10_000;
/// The most memory at the largest size, in shares of the most at the smallest one.
const GROWTH_MAX: f64 = 1.3;
/// The same as a difference.
const GROWTH_MIB_MAX: f64 = 20.0;
/// Products that the sandbox's ERP has by itself.
const PLANTED: u64 = 3;

/// One sync.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Which.
    pub name: &'static str,
    /// From its start to its end.
    pub seconds: f64,
    /// Records read.
    pub read: u64,
    /// Records that are invalid.
    pub quarantined: u64,
    /// Requests that write, as the shop counted them.
    pub writes: u64,
    /// CPU seconds of the worker.
    pub worker_cpu: f64,
    /// Runs of its chain.
    pub runs: usize,
    /// Events of the run that has the most.
    pub events: usize,
    /// The largest payload in its histories.
    pub payload_bytes: usize,
    /// Memory of the worker after it, MiB.
    pub rss_mib: f64,
    /// The most so far, MiB.
    pub peak_mib: f64,
}

impl Step {
    /// Records a second, read and written together.
    fn records_per_second(&self) -> f64 {
        (self.read + self.writes) as f64 / self.seconds
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<20}{:>8}{:>8}{:>9}{:>9.1}{:>9.0}{:>8.1}{:>6}{:>8}{:>10}{:>8.1}{:>8.1}",
            self.name,
            self.read,
            self.writes,
            self.quarantined,
            self.seconds,
            self.records_per_second(),
            self.worker_cpu,
            self.runs,
            self.events,
            self.payload_bytes,
            self.rss_mib,
            self.peak_mib,
        )
    }
}

/// The syncs of one size.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Products generated.
    pub products: u32,
    /// Whether each has a stock level.
    pub levels: bool,
    /// Memory of the worker before the first sync, MiB.
    pub idle_mib: f64,
    /// The most that it ever held, MiB.
    pub peak_mib: f64,
    /// In the order in which they ran.
    pub steps: Vec<Step>,
}

impl Size {
    /// Records that the ERP has.
    fn records(&self) -> u64 {
        (u64::from(self.products) + PLANTED) * if self.levels { 2 } else { 1 }
    }

    fn misses(&self) -> Vec<String> {
        let Self { products, steps, .. } = self;
        let mut misses = Vec::new();
        let mut want = |step: &Step, what: &str, found: u64, wanted: u64| {
            if found != wanted {
                misses.push(format!("{products} products, {}: {found} {what}, not {wanted}", step.name));
            }
        };
        let all = self.records();
        let invalid = u64::from(products / INVALID_EVERY);
        for (step, writes) in steps.iter().zip([Some(all), Some(0), Some(CHANGES.into()), None]) {
            match writes {
                Some(writes) => want(step, "writes", step.writes, writes),
                // The ten changes are taken back, but for the invalid ones among them.
                None => want(step, "writes", step.writes, u64::from(CHANGES - CHANGES / INVALID_EVERY)),
            }
            let is_last = writes.is_none();
            want(step, "invalid", step.quarantined, if is_last { invalid } else { 0 });
            if step.name != "ten changes" {
                want(step, "read", step.read, all);
            }
        }
        for step in steps {
            if step.payload_bytes >= PAYLOAD_BYTES_MAX {
                misses.push(format!(
                    "{products} products, {}: a payload of {} bytes (limit {PAYLOAD_BYTES_MAX})",
                    step.name, step.payload_bytes
                ));
            }
            if step.events >= EVENTS_MAX {
                misses.push(format!(
                    "{products} products, {}: {} events in one run (limit {EVENTS_MAX})",
                    step.name, step.events
                ));
            }
        }
        misses
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    /// How much was measured.
    pub options: Options,
    /// One for each size.
    pub sizes: Vec<Size>,
}

impl Results {
    /// How much more memory the largest size took than the smallest: as a share, and in MiB.
    #[must_use]
    pub fn growth(&self) -> Option<(f64, f64)> {
        let (smallest, largest) = (self.sizes.first()?, self.sizes.last()?);
        Some((largest.peak_mib / smallest.peak_mib, largest.peak_mib - smallest.peak_mib))
    }

    /// Every limit that does not hold, in words.
    #[must_use]
    pub fn misses(&self) -> Vec<String> {
        let mut misses: Vec<String> = self.sizes.iter().flat_map(Size::misses).collect();
        if let Some((share, mib)) = self.growth()
            && (share > GROWTH_MAX || mib >= GROWTH_MIB_MAX)
        {
            misses.push(format!(
                "the worker's memory grew {share:.2} × and {mib:.1} MiB (limits {GROWTH_MAX} × and {GROWTH_MIB_MAX} MiB)"
            ));
        }
        misses
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(f, "{} cores ({}), load {:.2} before", machine.cores, machine.processor, machine.load)?;
        for size in &self.sizes {
            let levels = if size.levels { " and as many levels" } else { "" };
            writeln!(
                f,
                "\n{} products{levels}; the worker's memory: {:.1} MiB before, {:.1} at most",
                size.products, size.idle_mib, size.peak_mib
            )?;
            writeln!(
                f,
                "{:<20}{:>8}{:>8}{:>9}{:>9}{:>9}{:>8}{:>6}{:>8}{:>10}{:>8}{:>8}",
                "sync",
                "read",
                "writes",
                "invalid",
                "seconds",
                "records",
                "CPU s",
                "runs",
                "events",
                "payload",
                "MiB",
                "peak"
            )?;
            for step in &size.steps {
                writeln!(f, "{step}")?;
            }
        }
        if let Some((share, mib)) = self.growth().filter(|_| self.sizes.len() > 1) {
            writeln!(
                f,
                "\nthe worker's memory from the first size to the last: {share:.2} ×, {mib:+.1} MiB"
            )?;
        }
        match self.misses().as_slice() {
            [] => writeln!(f, "everything holds"),
            misses => misses.iter().try_for_each(|miss| writeln!(f, "MISSED: {miss}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, read: u64, writes: u64, quarantined: u64) -> Step {
        Step {
            name,
            seconds: 1.0,
            read,
            quarantined,
            writes,
            worker_cpu: 0.1,
            runs: 1,
            events: 60,
            payload_bytes: 2_000,
            rss_mib: 60.0,
            peak_mib: 60.0,
        }
    }

    fn size(products: u32, peak_mib: f64) -> Size {
        let all = u64::from(products) + 3;
        let steps = vec![
            step("first", all, all, 0),
            step("nothing changed", all, 0, 0),
            step("ten changes", 900, 10, 0),
            step("every tenth invalid", all, 9, u64::from(products / 10)),
        ];
        Size { products, levels: false, idle_mib: 50.0, peak_mib, steps }
    }

    fn misses(change: impl FnOnce(&mut [Size; 2])) -> Vec<String> {
        let mut sizes = [size(100, 60.0), size(1_000, 65.0)];
        change(&mut sizes);
        let input = serde_json::Map::new();
        let options = Options { sizes: vec![100, 1_000], levels: false, input, worker_settings: Vec::new() };
        let machine = Machine { cores: 2, processor: "any".to_owned(), load: 0.0 };
        let results = Results { machine, options, sizes: sizes.into() };
        let misses = results.misses();
        let shown = results.to_string();
        assert_eq!(shown.contains("everything holds"), misses.is_empty(), "{shown}");
        assert!(misses.iter().all(|miss| shown.contains(miss)), "{shown}");
        misses
    }

    #[test]
    fn what_holds_is_not_a_miss() {
        assert_eq!(misses(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn every_miss_is_named_with_its_figures() {
        let of_step = |change: fn(&mut Step), at: usize| misses(move |sizes| change(&mut sizes[1].steps[at]));
        for (found, wanted) in [
            (of_step(|s| s.writes -= 1, 0), "1000 products, first: 1002 writes, not 1003"),
            (of_step(|s| s.writes = 1, 1), "1000 products, nothing changed: 1 writes, not 0"),
            (of_step(|s| s.writes = 11, 2), "1000 products, ten changes: 11 writes, not 10"),
            (of_step(|s| s.writes = 10, 3), "1000 products, every tenth invalid: 10 writes, not 9"),
            (of_step(|s| s.quarantined = 99, 3), "1000 products, every tenth invalid: 99 invalid, not 100"),
            (of_step(|s| s.read = 1_000, 1), "1000 products, nothing changed: 1000 read, not 1003"),
            (
                of_step(|s| s.payload_bytes = 262_144, 0),
                "1000 products, first: a payload of 262144 bytes (limit 262144)",
            ),
            (
                of_step(|s| s.events = 10_000, 0),
                "1000 products, first: 10000 events in one run (limit 10000)",
            ),
            (
                misses(|sizes| sizes[1].peak_mib = 79.0),
                "the worker's memory grew 1.32 × and 19.0 MiB (limits 1.3 × and 20 MiB)",
            ),
            (
                misses(|sizes| *sizes = [size(100, 100.0), size(1_000, 120.0)]),
                "the worker's memory grew 1.20 × and 20.0 MiB (limits 1.3 × and 20 MiB)",
            ),
        ] {
            assert_eq!(found, [wanted]);
        }
    }
}
