//! The events of a run with the default batches and delay: one that is some stretches long says what a stretch costs.

use std::fmt;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use temporalio_client::{UntypedWorkflow, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use super::{Bench, Options, start, write_list};

/// Batches of a hundred with a second between them: a stretch lasts a minute, so three of them begin.
const ROWS: u32 = 13_000;
/// Rows for which the events are reckoned.
const MILLION: i64 = 1_000_000;
/// Events of so many rows.
const EVENTS_MAX: i64 = 1_500;

/// Events by the default pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Rows of the run that was counted, and its events.
    pub rows: u32,
    pub events: i64,
    /// Rows that one stretch has written, and the events that it cost.
    pub stretch_rows: i64,
    pub stretch_events: i64,
}

pub(super) async fn measure(options: &Options) -> anyhow::Result<Pace> {
    let bench = Bench::open(ROWS, options).await?;
    let (world, batch) = (&bench.world, "bench-pace");
    let list = world.erp.folder().join("prices.csv");
    write_list(world, ROWS as usize, &list).await?;
    start(world, &list, batch, &[]).await?;
    let run = world.erp.world.client.get_workflow_handle::<UntypedWorkflow>(format!("prices/{batch}"));
    let history = run.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
    let pace = Pace::of(ROWS, &history)?;
    eprintln!("{pace}");
    Ok(pace)
}

/// Where a stretch begins, if the event is the start of one: the row, and the event's place.
fn stretch(event: &HistoryEvent) -> Option<(i64, i64)> {
    let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = &event.attributes else {
        return None;
    };
    let input: Value = serde_json::from_slice(&scheduled.input.as_ref()?.payloads.first()?.data).ok()?;
    input.get("batch_size")?;
    Some((input.get("from")?.as_i64()?, event.event_id))
}

impl Pace {
    fn of(rows: u32, history: &[HistoryEvent]) -> anyhow::Result<Self> {
        let stretches: Vec<(i64, i64)> = history.iter().filter_map(stretch).collect();
        let (first, last) = stretches.first().zip(stretches.last()).context("no stretch has begun")?;
        let count = i64::try_from(stretches.len())? - 1;
        anyhow::ensure!(count > 0, "one stretch has written all {rows} rows: nothing can be reckoned");
        Ok(Self {
            rows,
            events: i64::try_from(history.len())?,
            stretch_rows: (last.0 - first.0) / count,
            stretch_events: (last.1 - first.1) / count,
        })
    }

    /// The events of a million rows.
    fn reckoned(&self) -> i64 {
        let stretches = (MILLION - i64::from(self.rows)) / self.stretch_rows.max(1) + 1;
        self.events + stretches * self.stretch_events
    }

    pub(super) fn misses(&self) -> Vec<String> {
        let events = self.reckoned();
        if events <= EVENTS_MAX {
            return Vec::new();
        }
        vec![format!("a million rows by the default pace have {events} events (limit {EVENTS_MAX})")]
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, events, stretch_rows, stretch_events } = self;
        write!(
            f,
            "default pace: {rows} rows {events} events, a stretch {stretch_rows} rows and {stretch_events} events; \
             a million rows {} events",
            self.reckoned()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_rows_are_reckoned_from_what_a_stretch_costs() {
        let pace = Pace { rows: 13_000, events: 60, stretch_rows: 5_800, stretch_events: 6 };
        assert_eq!(pace.reckoned(), 60 + 171 * 6);
        assert_eq!(pace.misses(), Vec::<String>::new());
        let dear = Pace { stretch_events: 9, ..pace };
        assert_eq!(dear.misses(), ["a million rows by the default pace have 1599 events (limit 1500)"]);
    }
}
