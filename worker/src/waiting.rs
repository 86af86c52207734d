//! Counts, once a minute, the runs that wait for a person and those whose workflow task keeps failing.
//!
//! Temporal's list is asked, no run and no other worker. Every worker counts the same, so an alarm takes the maximum
//! over the workers, not the sum. The age is the run's own, from its start: the list does not know since when a run
//! asks.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::TryStreamExt as _;
use temporalio_client::{Client, WorkflowExecution, WorkflowListOptions};
use temporalio_common::telemetry::metrics::{CoreMeter, Gauge};
use workflows::search_attributes::NEEDS_HUMAN;

use crate::metrics::{Counted, Exporter, labels, named};

/// Between two counts. Temporal answers 30 lists a second in a namespace, for everybody; this takes two a minute.
const EVERY: Duration = Duration::from_secs(60);
/// The most runs that are counted: more are as many.
const MOST: usize = 10_000;
/// The ages by which runs are counted; a run counts in each that it has reached.
const AGES: [(&str, Duration); 3] =
    [("0s", Duration::ZERO), ("1h", Duration::from_secs(3_600)), ("1d", Duration::from_secs(24 * 3_600))];

/// The gauges, and which runs they count.
pub(crate) struct Waiting {
    meter: Arc<dyn CoreMeter>,
    asking: Gauge,
    failing_task: Gauge,
    counted_at: Gauge,
    processes: Vec<&'static str>,
    task_queue: String,
}

impl Waiting {
    /// Every gauge stands at 0 from now on, until the first count.
    pub(crate) fn new(exporter: &Exporter, processes: &[Counted], task_queue: String) -> Self {
        let meter = exporter.meter();
        let waiting = Self {
            asking: meter.gauge(named("sunflow_runs_asking", "Open runs that wait for a person")),
            failing_task: meter
                .gauge(named("sunflow_runs_failing_task", "Open runs whose workflow task keeps failing")),
            counted_at: meter
                .gauge(named("sunflow_runs_counted_at", "When open runs were last counted, in Unix seconds")),
            processes: processes.iter().map(|counted| counted.process).collect(),
            meter,
            task_queue,
        };
        let now = SystemTime::now();
        waiting.show(&waiting.asking, &[], now);
        waiting.show(&waiting.failing_task, &[], now);
        waiting.counted_at.record(0, &labels(&waiting.meter, []));
        waiting
    }

    /// Counts for as long as the worker runs.
    pub(crate) async fn count(self, client: Client) {
        let mut minutes = tokio::time::interval(EVERY);
        minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            minutes.tick().await;
            if let Err(error) = self.count_once(&client).await {
                tracing::warn!("the runs that wait for a person cannot be counted: {error:#}");
            }
        }
    }

    async fn count_once(&self, client: &Client) -> anyhow::Result<()> {
        let now = SystemTime::now();
        let asking = self.list(client, &format!("{} = true", NEEDS_HUMAN.name())).await?;
        self.show(&self.asking, &asking, now);
        // A server from before 1.29 does not know it; the other count is worth having all the same.
        match self.list(client, "TemporalReportedProblems IS NOT NULL").await {
            Ok(failing) => self.show(&self.failing_task, &failing, now),
            Err(error) => tracing::debug!("runs whose workflow task fails cannot be counted: {error:#}"),
        }
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.counted_at.record(seconds, &labels(&self.meter, []));
        Ok(())
    }

    async fn list(&self, client: &Client, filter: &str) -> anyhow::Result<Vec<Seen>> {
        let types: Vec<_> = self.processes.iter().map(|process| format!("'{process}'")).collect();
        let filter = format!(
            "WorkflowType IN ({}) AND TaskQueue = '{}' AND ExecutionStatus = 'Running' AND {filter}",
            types.join(", "),
            self.task_queue.replace('\'', "''"),
        );
        let options = WorkflowListOptions::builder().limit(MOST).build();
        Ok(client.list_workflows(filter, options).map_ok(|run| Seen::of(&run)).try_collect().await?)
    }

    fn show(&self, gauge: &Gauge, runs: &[Seen], now: SystemTime) {
        for process in &self.processes {
            for (older_than, age) in AGES {
                let runs = counted(runs, process, age, now);
                gauge.record(runs, &labels(&self.meter, [("process", process), ("older_than", older_than)]));
            }
        }
    }
}

/// A run as the list has it.
struct Seen {
    process: String,
    started_at: Option<SystemTime>,
}

impl Seen {
    fn of(run: &WorkflowExecution) -> Self {
        Self { process: run.workflow_type().to_owned(), started_at: run.start_time() }
    }
}

/// How many of these runs of a process are of an age. A start that lies ahead, by another clock, is just now.
fn counted(runs: &[Seen], process: &str, age: Duration, now: SystemTime) -> u64 {
    let is_of_age = |run: &&Seen| {
        let lived = run.started_at.and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
        lived >= age
    };
    let of_age = runs.iter().filter(|run| run.process == process).filter(is_of_age);
    u64::try_from(of_age.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_in_every_age_that_it_has_reached() {
        let now = SystemTime::now();
        let run = |process: &str, seconds: u64| Seen {
            process: process.to_owned(),
            started_at: now.checked_sub(Duration::from_secs(seconds)),
        };
        let ahead =
            Seen { process: "ErpSync".to_owned(), started_at: now.checked_add(Duration::from_secs(5)) };
        let runs =
            [run("ErpSync", 10), run("ErpSync", 3_600), run("ErpSync", 90_000), run("Other", 0), ahead];
        let by_age = AGES.map(|(_, age)| counted(&runs, "ErpSync", age, now));
        assert_eq!(by_age, [4, 2, 1]);
        assert_eq!(counted(&runs, "OrderProcessing", Duration::ZERO, now), 0);
    }
}
