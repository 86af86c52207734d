//! The figures that were measured, and the limits that must hold.

use std::fmt;

use serde::Serialize;

use super::super::limits::Compared;
use super::super::machine::Machine;
use super::Options;

/// Requests for a product that is made, with its picture, and for one that is as it should be.
const REQUESTS_MAX: [f64; 2] = [5.2, 0.05];
/// Products a second, in shares of those of the plain client.
const SPEED_MIN: f64 = 0.7;
/// Events of a run.
const EVENTS_MAX: usize = 400;
/// Bytes of one payload that a history may hold.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// One run of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Which: the `first`, which makes everything, or the same `again`.
    pub name: &'static str,
    /// From the call of the starter to its end.
    pub seconds: f64,
    /// Requests to the shop.
    pub requests: u64,
    /// Events, and the largest payload among them.
    pub events: usize,
    pub payload_bytes: usize,
    /// CPU seconds of the worker.
    pub worker_cpu: f64,
    /// The most memory so far of the worker, and of this run's starter, MiB.
    pub worker_mib: f64,
    pub starter_mib: f64,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, seconds, requests, events, payload_bytes, worker_cpu, worker_mib, starter_mib } =
            self;
        write!(
            f,
            "{name}: {seconds:.1} s, {requests} requests, {events} events, largest payload {payload_bytes} bytes, \
             {worker_cpu:.1} CPU s; worker {worker_mib:.1} MiB at most, starter {starter_mib:.1} MiB"
        )
    }
}

/// The two runs of a file of one size.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Products of the file, each with a picture.
    pub products: u32,
    /// How long a plain client took to make as many.
    pub plain_seconds: f64,
    /// The first run, and the same file again.
    pub steps: [Step; 2],
    /// Memory of the worker before the runs, and the most that it held, MiB.
    pub idle_mib: f64,
    pub worker_mib: f64,
}

impl Size {
    /// Products a second, in shares of those of the plain client.
    fn speed(&self) -> f64 {
        self.plain_seconds / self.steps[0].seconds
    }

    fn misses(&self) -> Vec<String> {
        let Self { products, steps, .. } = self;
        let mut misses = Vec::new();
        for (step, limit) in steps.iter().zip(REQUESTS_MAX) {
            let name = step.name;
            let a_row = step.requests as f64 / f64::from(*products);
            if a_row > limit {
                misses.push(format!("{products} products, {name}: {a_row:.3} requests each (limit {limit})"));
            }
            if step.events > EVENTS_MAX {
                let events = step.events;
                misses.push(format!("{products} products, {name}: {events} events (limit {EVENTS_MAX})"));
            }
            if step.payload_bytes >= PAYLOAD_BYTES_MAX {
                let bytes = step.payload_bytes;
                misses.push(format!(
                    "{products} products, {name}: a payload of {bytes} bytes (limit {PAYLOAD_BYTES_MAX})"
                ));
            }
        }
        let speed = self.speed();
        if speed < SPEED_MIN {
            misses.push(format!(
                "{products} products: {speed:.2} × a plain client's speed (limit {SPEED_MIN} ×)"
            ));
        }
        misses
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = f64::from(self.products);
        let [first, again] = &self.steps;
        writeln!(
            f,
            "{} products: {:.0} a second, {:.2} × a plain client's {:.0}; {:.3} requests for each that is made, {:.3} \
             for each that is unchanged; worker {:.1} to {:.1} MiB",
            self.products,
            rows / first.seconds,
            self.speed(),
            rows / self.plain_seconds,
            first.requests as f64 / rows,
            again.requests as f64 / rows,
            self.idle_mib,
            self.worker_mib,
        )?;
        write!(f, "  {first}\n  {again}")
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    pub options: Options,
    /// One for each size.
    pub sizes: Vec<Size>,
}

impl Results {
    /// Every limit that does not hold, in words.
    #[must_use]
    pub fn misses(&self) -> Vec<String> {
        let mut misses: Vec<String> = self.sizes.iter().flat_map(Size::misses).collect();
        for pair in self.sizes.windows(2) {
            if let [smaller, larger] = pair
                && smaller.products < larger.products
            {
                let compared = Compared::of(smaller.products, larger.products);
                misses.extend(compared.memory("worker", smaller.worker_mib, larger.worker_mib).misses());
            }
        }
        misses
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(f, "{} cores ({}), load {:.2} before", machine.cores, machine.processor, machine.load)?;
        self.sizes.iter().try_for_each(|size| writeln!(f, "{size}"))?;
        match self.misses().as_slice() {
            [] => writeln!(f, "everything holds"),
            misses => misses.iter().try_for_each(|miss| writeln!(f, "MISSED: {miss}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(products: u32) -> Size {
        let step = |name, requests| Step {
            name,
            seconds: f64::from(products) / 100.0,
            requests,
            events: 80,
            payload_bytes: 3_000,
            worker_cpu: 1.0,
            worker_mib: 40.0,
            starter_mib: 30.0,
        };
        let rows = u64::from(products);
        Size {
            products,
            plain_seconds: f64::from(products) / 110.0,
            steps: [step("first", rows * 5), step("again", rows / 25)],
            idle_mib: 24.0,
            worker_mib: 40.0,
        }
    }

    fn misses(change: impl FnOnce(&mut [Size; 2])) -> Vec<String> {
        let mut sizes = [1_000, 10_000].map(size);
        change(&mut sizes);
        let options = Options { sizes: Vec::new(), worker_settings: Vec::new() };
        let machine = Machine { cores: 2, processor: "any".to_owned(), load: 0.0 };
        let results = Results { machine, options, sizes: sizes.into() };
        let (misses, shown) = (results.misses(), results.to_string());
        assert_eq!(shown.contains("everything holds"), misses.is_empty(), "{shown}");
        assert!(misses.iter().all(|miss| shown.contains(miss)), "{shown}");
        misses
    }

    #[test]
    fn every_miss_is_named_with_its_figures() {
        assert_eq!(misses(|_| {}), Vec::<String>::new());
        let of_last = |change: fn(&mut Size)| misses(move |sizes| change(&mut sizes[1]));
        for (found, wanted) in [
            (
                of_last(|size| size.steps[0].requests = 53_000),
                "10000 products, first: 5.300 requests each (limit 5.2)",
            ),
            (
                of_last(|size| size.steps[1].requests = 600),
                "10000 products, again: 0.060 requests each (limit 0.05)",
            ),
            (of_last(|size| size.steps[1].events = 401), "10000 products, again: 401 events (limit 400)"),
            (
                of_last(|size| size.steps[0].payload_bytes = 262_144),
                "10000 products, first: a payload of 262144 bytes (limit 262144)",
            ),
            (
                of_last(|size| size.plain_seconds = 60.0),
                "10000 products: 0.60 × a plain client's speed (limit 0.7 ×)",
            ),
            (
                of_last(|size| size.worker_mib = 53.0),
                "from 1000 to 10000, the worker's memory grew from 40.0 to 53.0 MiB (limits 1.3 × and 20 MiB)",
            ),
        ] {
            assert_eq!(found, [wanted]);
        }
    }
}
