//! From rounds to figures: what was measured, the middle of it, and the ratios that are judged.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::empty::SERVER_CPU_OF_THE_TARGET;
use super::machine::Machine;
use super::site::Cost;
use super::{Options, Variant, Waiting};

/// Orders that ran at one degree of concurrency.
pub(super) struct Phase {
    pub(super) ids: Vec<String>,
    pub(super) latencies: Vec<Duration>,
    pub(super) orders_per_second: f64,
    /// CPU seconds per 1,000 orders.
    pub(super) worker_cpu: f64,
    pub(super) sandbox_cpu: f64,
    pub(super) server_cpu: f64,
}

/// One round of one process.
pub(super) struct Round {
    pub(super) alone: Phase,
    pub(super) crowd: Phase,
    pub(super) costs: Vec<Cost>,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (alone, crowd) = (Percentiles::of(&self.alone.latencies), Percentiles::of(&self.crowd.latencies));
        write!(
            f,
            "alone p50 {:.0} ms; {:.1} orders/s, p50 {:.0} ms, p95 {:.0} ms, server {:.1} s per 1,000",
            alone.p50, self.crowd.orders_per_second, crowd.p50, crowd.p95, self.crowd.server_cpu
        )
    }
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentiles {
    /// Half are faster.
    pub p50: f64,
    /// 95 of 100 are faster.
    pub p95: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
}

impl Percentiles {
    pub(super) fn of(latencies: &[Duration]) -> Self {
        let mut sorted: Vec<f64> = latencies.iter().map(|latency| latency.as_secs_f64() * 1_000.0).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            // The nearest rank: the smallest that at least so many per cent do not exceed.
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
        };
        Self { p50: at(50), p95: at(95), p99: at(99) }
    }
}

/// The figures of one process.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The process.
    pub process: Variant,
    /// History events of an order: the most common number, and the largest.
    pub events: (i64, i64),
    /// State transitions of an order, likewise.
    pub transitions: (i64, i64),
    /// Bytes of an order's history, likewise.
    pub history_bytes: (i64, i64),
    /// One in flight, all rounds together.
    pub alone_ms: Percentiles,
    /// Many in flight, all rounds together.
    pub crowd_ms: Percentiles,
    /// Many in flight, the middle round.
    pub orders_per_second: f64,
    /// CPU seconds per 1,000 orders with many in flight, the middle round.
    pub worker_cpu: f64,
    /// The sandbox's, likewise.
    pub sandbox_cpu: f64,
    /// Temporal's, likewise.
    pub server_cpu: f64,
    /// The worker's memory after the last round, MiB.
    pub worker_rss_mib: f64,
    /// Orders that wait for their payment.
    pub waiting: Option<Waiting>,
}

/// The shipped process against the sequential one: made within each round, the middle one.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ratios {
    pub orders_per_second: f64,
    /// The server's CPU.
    pub server_cpu: f64,
    /// The worker's CPU.
    pub worker_cpu: f64,
    /// The median latency of one in flight.
    pub alone_p50: f64,
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    /// Cores that processes other than the bench's used meanwhile.
    pub others_cores: f64,
    /// How much was measured.
    pub options: Options,
    /// How many times the CPU that an empty workflow costs Temporal where the absolute targets were set it costs here.
    pub empty_workflow_ratio: f64,
    /// CPU seconds of the worker per 1,000 shipped orders, at the speed that the empty workflow had where the absolute
    /// targets were set: made within each round, the middle one.
    pub worker_cpu_at_target_speed: f64,
    /// The shipped process.
    pub shipped: Figures,
    pub sequential: Figures,
    /// One against the other.
    pub ratios: Ratios,
}

/// Rounds, the worker's memory in KiB, and orders that wait.
type Measured = (Vec<Round>, f64, Option<Waiting>);

impl Results {
    pub(super) fn of(
        machine: Machine,
        others: f64,
        options: Options,
        empty: &[Phase],
        measured: Vec<Measured>,
    ) -> Self {
        let [shipped, sequential] = [0, 1].map(|i| figures(Variant::BOTH[i], &measured[i]));
        let ratio = |figure: fn(&Round) -> f64| {
            let rounds = measured[0].0.iter().zip(&measured[1].0);
            median(rounds.map(|(shipped, sequential)| figure(shipped) / figure(sequential)))
        };
        let ratios = Ratios {
            orders_per_second: ratio(|round| round.crowd.orders_per_second),
            server_cpu: ratio(|round| round.crowd.server_cpu),
            worker_cpu: ratio(|round| round.crowd.worker_cpu),
            alone_p50: ratio(|round| Percentiles::of(&round.alone.latencies).p50),
        };
        let slower: Vec<f64> =
            empty.iter().map(|phase| phase.server_cpu / SERVER_CPU_OF_THE_TARGET).collect();
        let scaled = measured[0].0.iter().zip(&slower).map(|(round, slower)| round.crowd.worker_cpu / slower);
        Self {
            machine,
            others_cores: others,
            options,
            worker_cpu_at_target_speed: median(scaled),
            empty_workflow_ratio: median(slower.into_iter()),
            shipped,
            sequential,
            ratios,
        }
    }
}

fn figures(process: Variant, (rounds, rss_kib, waiting): &Measured) -> Figures {
    let costs = || rounds.iter().flat_map(|round| &round.costs);
    let all = |phase: fn(&Round) -> &Phase| {
        let latencies: Vec<Duration> =
            rounds.iter().flat_map(|round| phase(round).latencies.clone()).collect();
        Percentiles::of(&latencies)
    };
    let middle = |figure: fn(&Phase) -> f64| median(rounds.iter().map(|round| figure(&round.crowd)));
    Figures {
        process,
        events: usual_and_largest(costs().map(|cost| cost.events)),
        transitions: usual_and_largest(costs().map(|cost| cost.transitions)),
        history_bytes: usual_and_largest(costs().map(|cost| cost.bytes)),
        alone_ms: all(|round| &round.alone),
        crowd_ms: all(|round| &round.crowd),
        orders_per_second: middle(|phase| phase.orders_per_second),
        worker_cpu: middle(|phase| phase.worker_cpu),
        sandbox_cpu: middle(|phase| phase.sandbox_cpu),
        server_cpu: middle(|phase| phase.server_cpu),
        worker_rss_mib: rss_kib / 1024.0,
        waiting: *waiting,
    }
}

pub(super) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle)) {
        (0, Some(upper)) => (sorted[middle - 1] + upper) / 2.0,
        (_, middle) => middle.copied().unwrap_or(f64::NAN),
    }
}

fn usual_and_largest(numbers: impl Iterator<Item = i64>) -> (i64, i64) {
    let mut sorted: Vec<i64> = numbers.collect();
    sorted.sort_unstable();
    (sorted.get(sorted.len() / 2).copied().unwrap_or(0), sorted.last().copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let latencies: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let Percentiles { p50, p95, p99 } = Percentiles::of(&latencies);
        assert_eq!([p50, p95, p99].map(|ms| ms.round() as i64), [100, 190, 198]);
        assert!(Percentiles::of(&[]).p50.is_nan());
    }

    #[test]
    fn the_middle_of_rounds_forgets_the_disturbed_one() {
        assert!((median([9.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([1.0, 2.0, 3.0, 90.0].into_iter()) - 2.5).abs() < f64::EPSILON);
        assert_eq!(usual_and_largest([38, 41, 38, 38].into_iter()), (38, 41));
    }
}
