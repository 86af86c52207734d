//! The figures that were measured, and the limits that must hold.

use std::fmt;

use serde::Serialize;

use super::super::limits::Compared;
use super::super::machine::Machine;
use super::{Options, Pace};

/// Events of a run of a million rows.
const EVENTS_MAX: i64 = 300;
/// Look-ups of a row.
const LOOK_UPS_MAX: f64 = 0.003;

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Rows of its list.
    pub rows: u32,
    /// From the call of the starter to its end.
    pub seconds: f64,
    /// Requests to the shop; of these, those that write and those that look prices up.
    pub requests: u64,
    pub writes: u64,
    pub look_ups: u64,
    /// Events of the run, bytes of its history, and bytes by which Temporal's database grew.
    pub events: i64,
    pub history_bytes: i64,
    pub database_bytes: u64,
    /// CPU seconds of the worker.
    pub worker_cpu: f64,
    /// Memory of worker and shop before the run, and the most that worker, starter and shop held in it, MiB.
    pub idle_mib: f64,
    pub worker_mib: f64,
    pub starter_mib: f64,
    pub shop_idle_mib: f64,
    pub shop_mib: f64,
}

impl Size {
    fn a_row(&self, figure: f64) -> f64 {
        figure / f64::from(self.rows)
    }

    fn misses(&self) -> Vec<String> {
        let mut misses = Vec::new();
        if self.events > EVENTS_MAX {
            misses.push(format!("{} rows: {} events (limit {EVENTS_MAX})", self.rows, self.events));
        }
        let share = self.a_row(self.look_ups as f64);
        if share > LOOK_UPS_MAX {
            misses.push(format!("{} rows: {share:.4} look-ups a row (limit {LOOK_UPS_MAX})", self.rows));
        }
        misses
    }

    /// The figures that grow from a size to the next, tenfold one, although they must not.
    fn misses_after(&self, smaller: &Self) -> Vec<String> {
        let both = |figure: fn(&Self) -> f64| (smaller.a_row(figure(smaller)), self.a_row(figure(self)));
        let mut compared = Compared::of(smaller.rows, self.rows);
        for (what, (from, to)) in [
            ("requests", both(|size| size.requests as f64)),
            ("events", both(|size| size.events as f64)),
            ("bytes of history", both(|size| size.history_bytes as f64)),
            ("bytes in Temporal's database", both(|size| size.database_bytes as f64)),
        ] {
            compared = compared.flat(what, from, to);
        }
        let (from, to) = both(|size| size.seconds);
        compared = compared.time(from, to);
        for (who, from, to) in [
            ("worker", smaller.worker_mib, self.worker_mib),
            ("starter", smaller.starter_mib, self.starter_mib),
            ("sandbox", smaller.shop_mib, self.shop_mib),
        ] {
            compared = compared.memory(who, from, to);
        }
        compared.misses()
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    pub options: Options,
    /// One for each size.
    pub sizes: Vec<Size>,
    /// Events by the default pace, if they were counted.
    pub pace: Option<Pace>,
}

impl Results {
    /// Every limit that does not hold, in words.
    #[must_use]
    pub fn misses(&self) -> Vec<String> {
        let mut misses: Vec<String> = self.sizes.iter().flat_map(Size::misses).collect();
        let pairs = self.sizes.windows(2);
        misses.extend(pairs.filter_map(|pair| pair.first().zip(pair.last())).flat_map(
            |(smaller, larger)| match smaller.rows < larger.rows {
                true => larger.misses_after(smaller),
                false => Vec::new(),
            },
        ));
        misses.extend(self.pace.iter().flat_map(Pace::misses));
        misses
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9} rows {:>8.1} s {:>7.0} rows/s {:>6} requests {:>6} writes {:>6} look-ups {:>5} events {:>9} bytes \
             {:>7.2} bytes a row in the database {:>7.1} CPU s; worker {:.1} to {:.1} MiB, starter {:.1} MiB, sandbox \
             {:.1} to {:.1} MiB",
            self.rows,
            self.seconds,
            f64::from(self.rows) / self.seconds,
            self.requests,
            self.writes,
            self.look_ups,
            self.events,
            self.history_bytes,
            self.a_row(self.database_bytes as f64),
            self.worker_cpu,
            self.idle_mib,
            self.worker_mib,
            self.starter_mib,
            self.shop_idle_mib,
            self.shop_mib,
        )
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(f, "{} cores ({}), load {:.2} before", machine.cores, machine.processor, machine.load)?;
        self.sizes.iter().try_for_each(|size| writeln!(f, "{size}"))?;
        self.pace.iter().try_for_each(|pace| writeln!(f, "{pace}"))?;
        match self.misses().as_slice() {
            [] => writeln!(f, "everything holds"),
            misses => misses.iter().try_for_each(|miss| writeln!(f, "MISSED: {miss}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(rows: u32) -> Size {
        let times = u64::from(rows / 1_000);
        Size {
            rows,
            seconds: f64::from(rows) / 2_000.0,
            requests: 3 * times,
            writes: times,
            look_ups: 2 * times,
            events: 60 + i64::from(rows / 10_000),
            history_bytes: 40_000,
            database_bytes: 400_000,
            worker_cpu: 1.0,
            idle_mib: 24.0,
            worker_mib: 40.0,
            starter_mib: 20.0,
            shop_idle_mib: 12.0,
            shop_mib: 15.0,
        }
    }

    fn misses(change: impl FnOnce(&mut [Size; 3])) -> Vec<String> {
        let mut sizes = [10_000, 100_000, 1_000_000].map(size);
        change(&mut sizes);
        let options = Options { sizes: Vec::new(), pace: false, worker_settings: Vec::new() };
        let machine = Machine { cores: 2, processor: "any".to_owned(), load: 0.0 };
        let results = Results { machine, options, sizes: sizes.into(), pace: None };
        let (misses, shown) = (results.misses(), results.to_string());
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
        let of_last = |change: fn(&mut Size)| misses(move |sizes| change(&mut sizes[2]));
        let memory = |who: &str, from: f64, to: f64| {
            format!(
                "from 100000 to 1000000, the {who}'s memory grew from {from:.1} to {to:.1} MiB \
                 (limits 1.3 × and 20 MiB)"
            )
        };
        let flat = |what: &str, times: &str, limit: &str| {
            format!("from 100000 to 1000000, a row has {times} × as many {what} (limit {limit} ×)")
        };
        for (found, wanted) in [
            (of_last(|size| size.events = 301), "1000000 rows: 301 events (limit 300)".to_owned()),
            (
                of_last(|size| size.look_ups = 3_100),
                "1000000 rows: 0.0031 look-ups a row (limit 0.003)".to_owned(),
            ),
            (of_last(|size| size.requests = 3_600), flat("requests", "1.20", "1.1")),
            (of_last(|size| size.history_bytes = 600_000), flat("bytes of history", "1.50", "1.1")),
            (
                of_last(|size| size.database_bytes = 6_000_000),
                flat("bytes in Temporal's database", "1.50", "1.1"),
            ),
            (of_last(|size| size.seconds = 800.0), flat("seconds", "1.60", "1.5")),
            (of_last(|size| size.worker_mib = 53.0), memory("worker", 40.0, 53.0)),
            (of_last(|size| size.starter_mib = 41.0), memory("starter", 20.0, 41.0)),
            (of_last(|size| size.shop_mib = 20.0), memory("sandbox", 15.0, 20.0)),
        ] {
            assert_eq!(found, [wanted]);
        }
        assert_eq!(
            misses(|sizes| sizes[1].shop_mib = 20.0).len(),
            1,
            "each size is compared with the one before"
        );
    }
}
