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

impl Results {
    fn rows(&self) -> Vec<[String; 5]> {
        let (a, b, r) = (&self.shipped, &self.sequential, &self.ratios);
        let row = |name: &str, figure: &dyn Fn(&Figures) -> String| {
            [name.to_owned(), figure(a), figure(b), String::new(), String::new()]
        };
        let one = |figure: f64| format!("{figure:.1}");
        let whole = |figure: f64| format!("{figure:.0}");
        let most = |(usual, most): (i64, i64)| {
            if usual == most { usual.to_string() } else { format!("{usual} (max {most})") }
        };
        let waits = |f: &Figures, figure: &dyn Fn(&Waiting) -> Option<f64>| {
            f.waiting.as_ref().and_then(figure).map_or("-".to_owned(), one)
        };
        let with = |[name, a, b, ..]: [String; 5], ratio: Option<f64>, target: String| {
            [name, a, b, ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(), target]
        };
        let waiting = a.waiting.map(|waiting| at_most(waiting.kib, 50.0)).unwrap_or_default();
        let (few, all) = (self.options.waiting.min(FEW), self.options.waiting);
        let in_flight = self.options.in_flight;
        let mut rows = vec![
            with(row("history events", &|f| most(f.events)), None, at_most(a.events.0 as f64, 38.0)),
            with(
                row("state transitions", &|f| most(f.transitions)),
                None,
                at_most(a.transitions.0 as f64, 14.0),
            ),
            row("history bytes", &|f| f.history_bytes.0.to_string()),
            with(
                row("alone: p50 ms", &|f| whole(f.alone_ms.p50)),
                Some(r.alone_p50),
                at_most(r.alone_p50, 0.5),
            ),
            row("alone: p95 ms", &|f| whole(f.alone_ms.p95)),
            row("alone: p99 ms", &|f| whole(f.alone_ms.p99)),
            row(&format!("{in_flight} in flight: p50 ms"), &|f| whole(f.crowd_ms.p50)),
            row(&format!("{in_flight} in flight: p95 ms"), &|f| whole(f.crowd_ms.p95)),
            row(&format!("{in_flight} in flight: p99 ms"), &|f| whole(f.crowd_ms.p99)),
            with(
                row("orders per second", &|f| one(f.orders_per_second)),
                Some(r.orders_per_second),
                at_least(r.orders_per_second, 1.8),
            ),
            with(
                row("worker CPU s per 1,000 orders", &|f| one(f.worker_cpu)),
                Some(r.worker_cpu),
                at_most(a.worker_cpu, 6.0),
            ),
            [
                "  at the speed where targets were set".to_owned(),
                one(self.worker_cpu_at_target_speed),
                String::new(),
                String::new(),
                at_most(self.worker_cpu_at_target_speed, 6.0),
            ],
            row("sandbox CPU s per 1,000 orders", &|f| one(f.sandbox_cpu)),
            with(
                row("server CPU s per 1,000 orders", &|f| one(f.server_cpu)),
                Some(r.server_cpu),
                at_most(r.server_cpu, 0.55),
            ),
            row("worker memory MiB", &|f| one(f.worker_rss_mib)),
        ];
        if all > 0 {
            rows.extend([
                row(&format!("KiB per order, {few} waiting"), &|f| waits(f, &|w| Some(w.few_kib))),
                with(
                    row(&format!("KiB per order, {all} waiting"), &|f| waits(f, &|w| Some(w.kib))),
                    None,
                    waiting,
                ),
                row("settled: newest, ms to its end", &|f| waits(f, &|w| w.newest_ms)),
                row("settled: oldest, ms to its end", &|f| waits(f, &|w| w.oldest_ms)),
            ]);
        }
        rows
    }
}

fn at_most(figure: f64, limit: f64) -> String {
    format!("≤ {limit} {}", if figure <= limit { "met" } else { "MISSED" })
}

fn at_least(figure: f64, limit: f64) -> String {
    format!("≥ {limit} {}", if figure >= limit { "met" } else { "MISSED" })
}
