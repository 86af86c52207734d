//! The results as a table, each target with its verdict.

use std::fmt;

use super::figures::{Figures, Results};
use super::waiting::{FEW, Waiting};

/// Other processes that use more of the machine than this make the figures doubtful.
const OTHERS_MAX: f64 = 0.15;

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, options) = (&self.machine, &self.options);
        writeln!(
            f,
            "{} cores ({}), load {:.2} before, other processes used {:.2} cores meanwhile",
            machine.cores, machine.processor, machine.load, self.others_cores
        )?;
        writeln!(
            f,
            "an empty workflow costs Temporal {:.2} × the CPU that it does where absolute targets were set",
            self.empty_workflow_ratio
        )?;
        if self.others_cores > OTHERS_MAX {
            writeln!(f, "WARNING: the machine was not quiet; believe the ratios, not the absolute figures")?;
        }
        writeln!(
            f,
            "{} rounds of each, interleaved: {} orders alone, {} with {} in flight; two lines, three messages\n",
            options.rounds, options.alone, options.orders, options.in_flight
        )?;
        line(f, ["", "OrderProcessing", "SequentialOrder", "ratio", "target"].map(str::to_owned))?;
        for row in self.rows() {
            line(f, row)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, [name, shipped, sequential, ratio, target]: [String; 5]) -> fmt::Result {
    let line = format!("{name:<38}{shipped:>16}{sequential:>17}{ratio:>8}  {target}");
    writeln!(f, "{}", line.trim_end())
}

type Row = [String; 5];

fn one(figure: f64) -> String {
    format!("{figure:.1}")
}

fn whole(figure: f64) -> String {
    format!("{figure:.0}")
}

/// The usual figure, and the greatest where that is another.
fn most((usual, most): (i64, i64)) -> String {
    if usual == most { usual.to_string() } else { format!("{usual} (max {most})") }
}

/// A row of both, with its verdict.
fn with([name, a, b, ..]: Row, ratio: Option<f64>, target: String) -> Row {
    [name, a, b, ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(), target]
}

impl Results {
    fn row(&self, name: &str, figure: impl Fn(&Figures) -> String) -> Row {
        [name.to_owned(), figure(&self.shipped), figure(&self.sequential), String::new(), String::new()]
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::from(self.rows_of_histories());
        rows.extend(self.rows_of_time());
        rows.extend(self.rows_of_the_machine());
        if self.options.waiting > 0 {
            rows.extend(self.rows_of_waiting());
        }
        rows
    }

    fn rows_of_histories(&self) -> [Row; 3] {
        let (events, transitions) = (self.shipped.events.0 as f64, self.shipped.transitions.0 as f64);
        [
            with(self.row("history events", |f| most(f.events)), None, at_most(events, 38.0)),
            with(self.row("state transitions", |f| most(f.transitions)), None, at_most(transitions, 14.0)),
            self.row("history bytes", |f| f.history_bytes.0.to_string()),
        ]
    }

    fn rows_of_time(&self) -> [Row; 7] {
        let (r, in_flight) = (&self.ratios, self.options.in_flight);
        let alone = self.row("alone: p50 ms", |f| whole(f.alone_ms.p50));
        let orders = self.row("orders per second", |f| one(f.orders_per_second));
        [
            with(alone, Some(r.alone_p50), at_most(r.alone_p50, 0.5)),
            self.row("alone: p95 ms", |f| whole(f.alone_ms.p95)),
            self.row("alone: p99 ms", |f| whole(f.alone_ms.p99)),
            self.row(&format!("{in_flight} in flight: p50 ms"), |f| whole(f.crowd_ms.p50)),
            self.row(&format!("{in_flight} in flight: p95 ms"), |f| whole(f.crowd_ms.p95)),
            self.row(&format!("{in_flight} in flight: p99 ms"), |f| whole(f.crowd_ms.p99)),
            with(orders, Some(r.orders_per_second), at_least(r.orders_per_second, 1.8)),
        ]
    }

    fn rows_of_the_machine(&self) -> [Row; 5] {
        let (r, at_target) = (&self.ratios, self.worker_cpu_at_target_speed);
        let worker = self.row("worker CPU s per 1,000 orders", |f| one(f.worker_cpu));
        let server = self.row("server CPU s per 1,000 orders", |f| one(f.server_cpu));
        [
            with(worker, Some(r.worker_cpu), at_most(self.shipped.worker_cpu, 6.0)),
            [
                "  at the speed where targets were set".to_owned(),
                one(at_target),
                String::new(),
                String::new(),
                at_most(at_target, 6.0),
            ],
            self.row("sandbox CPU s per 1,000 orders", |f| one(f.sandbox_cpu)),
            with(server, Some(r.server_cpu), at_most(r.server_cpu, 0.55)),
            self.row("worker memory MiB", |f| one(f.worker_rss_mib)),
        ]
    }

    fn rows_of_waiting(&self) -> [Row; 4] {
        let waits = |f: &Figures, figure: fn(&Waiting) -> Option<f64>| {
            f.waiting.as_ref().and_then(figure).map_or("-".to_owned(), one)
        };
        let (few, all) = (self.options.waiting.min(FEW), self.options.waiting);
        let target = self.shipped.waiting.map(|waiting| at_most(waiting.kib, 50.0)).unwrap_or_default();
        let kib = self.row(&format!("KiB per order, {all} waiting"), |f| waits(f, |w| Some(w.kib)));
        [
            self.row(&format!("KiB per order, {few} waiting"), |f| waits(f, |w| Some(w.few_kib))),
            with(kib, None, target),
            self.row("settled: newest, ms to its end", |f| waits(f, |w| w.newest_ms)),
            self.row("settled: oldest, ms to its end", |f| waits(f, |w| w.oldest_ms)),
        ]
    }
}

fn at_most(figure: f64, limit: f64) -> String {
    format!("≤ {limit} {}", if figure <= limit { "met" } else { "MISSED" })
}

fn at_least(figure: f64, limit: f64) -> String {
    format!("≥ {limit} {}", if figure >= limit { "met" } else { "MISSED" })
}
