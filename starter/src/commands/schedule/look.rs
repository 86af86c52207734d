//! `starter schedule list` and `show`: what runs when, how the last runs went, and which did not come to be.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, json};
use temporalio_client::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::enums::v1 as enums;
use temporalio_common::protos::temporal::api::schedule::v1::{
    ScheduleActionResult, ScheduleInfo, ScheduleListEntry,
};
use workflows::search_attributes::OUTCOME;

use super::proto::is_marked;
use super::service::{Live, Schedules};
use super::view::View;
use crate::cli::schedule::ScheduleListArgs;
use crate::commands::call::Call;
use crate::processes;
use crate::runs::connect::Session;
use crate::runs::subject::{Subject, status_name};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Paint, facts, table};

/// One schedule in a list.
#[derive(Serialize)]
struct Line {
    id: String,
    workflow_type: String,
    ours: bool,
    paused: bool,
    note: String,
    zone: String,
    /// In the schedule's zone.
    next: Option<String>,
    next_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
}

/// `starter schedule list`.
pub(crate) async fn list(call: &Call<'_>, args: ScheduleListArgs) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    let mut lines = Vec::new();
    for entry in schedules.list().await? {
        let ours = is_marked(schedules.client(), entry.memo.as_ref()).await;
        if ours || !args.ours {
            lines.push(Line::of(entry, ours));
        }
    }
    call.out.list(&lines, |paint| {
        let header = ["schedule", "starts", "next", "zone", ""].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(header).chain(lines.iter().map(Line::cells)).collect();
        table(&rows, |row, column, cell| match (row, column) {
            (0, _) => paint.faint(cell),
            (_, 4) if cell.starts_with("paused") => paint.bad(cell),
            _ => cell,
        })
    })?;
    if lines.is_empty() {
        call.out.say("no schedule; one that was just made may take a second to be listed");
    }
    Ok(Exit::Ok)
}

impl Line {
    fn of(entry: ScheduleListEntry, ours: bool) -> Self {
        let info = entry.info.unwrap_or_default();
        let zone = info.spec.map(|spec| spec.timezone_name).filter(|zone| !zone.is_empty());
        let zone = zone.unwrap_or_else(|| "UTC".to_owned());
        let next_at = to_come(&info.future_action_times).next();
        let last = info.recent_actions.last().and_then(|action| action.schedule_time.as_ref());
        Self {
            id: entry.schedule_id,
            workflow_type: info.workflow_type.map(|kind| kind.name).unwrap_or_default(),
            ours,
            paused: info.paused,
            note: info.notes,
            next: next_at.map(|time| in_zone(time, &zone)),
            next_at,
            last_at: last.and_then(timestamp),
            zone,
        }
    }

    fn cells(&self) -> [String; 5] {
        let process = processes::of_type(&self.workflow_type).map(|process| process.name);
        let note = if self.ours { self.note.clone() } else { format!("not made by this tool {}", self.note) };
        [
            self.id.clone(),
            process.unwrap_or(&self.workflow_type).to_owned(),
            if self.paused { String::new() } else { self.next.clone().unwrap_or_else(|| "never".to_owned()) },
            self.zone.clone(),
            if self.paused { format!("paused: {note}") } else { note.trim().to_owned() },
        ]
    }
}

/// The document of `show`.
#[derive(Serialize)]
struct Shown {
    id: String,
    ours: bool,
    paused: bool,
    note: String,
    settings: Map<String, serde_json::Value>,
    zone: String,
    next: Vec<Next>,
    runs: Vec<Ran>,
    counts: Counts,
    /// Workflow ids under way.
    under_way: Vec<String>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

/// A time to come.
#[derive(Serialize)]
struct Next {
    /// As the zone's clocks show it, with the offset.
    local: String,
    at: Timestamp,
}

/// A run that was started.
#[derive(Serialize)]
struct Ran {
    planned_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    workflow_id: String,
    run_id: String,
    workflow_status: &'static str,
    outcome: Option<String>,
}

/// The counts of the times so far, by their outcome.
#[derive(Serialize)]
struct Counts {
    /// Runs started.
    started: i64,
    /// Times that came too late for the catch-up window: no run.
    missed: i64,
    /// Times at which the run before was under way: no run.
    skipped: i64,
    /// Times for which there was no room to wait: no run.
    dropped: i64,
    /// Runs that wait for the one under way.
    waiting: i64,
}

impl Counts {
    fn of(info: &ScheduleInfo) -> Self {
        Self {
            started: info.action_count,
            missed: info.missed_catchup_window,
            skipped: info.overlap_skipped,
            dropped: info.buffer_dropped,
            waiting: info.buffer_size,
        }
    }
}

/// `starter schedule show`.
pub(crate) async fn show(call: &Call<'_>, id: &str) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    let live = schedules.get(id).await?;
    let view = View::of(schedules.client(), &live.schedule).await;
    let mut runs = Vec::new();
    for action in live.info.recent_actions.iter().rev() {
        runs.push(Ran::of(&session, action).await);
    }
    let zone = live.zone().to_owned();
    let times = to_come(&live.info.future_action_times).take(10);
    let settings = view.settings.iter().map(|(name, words)| (*name, words)).chain(view.others());
    let settings = settings.map(|(name, words)| (name.replace([' ', '-'], "_"), json!(words)));
    let under_way = live.info.running_workflows.iter().map(|run| run.workflow_id.clone()).collect();
    let shown = Shown {
        id: id.to_owned(),
        ours: is_marked(schedules.client(), live.memo.as_ref()).await,
        paused: live.is_paused(),
        note: live.notes().to_owned(),
        settings: settings.collect(),
        next: times.map(|at| Next { local: in_zone(at, &zone), at }).collect(),
        zone,
        runs,
        counts: Counts::of(&live.info),
        under_way,
        created_at: live.info.create_time.as_ref().and_then(timestamp),
        updated_at: live.info.update_time.as_ref().and_then(timestamp),
    };
    call.out.document(&shown, |paint| shown.text(&view, &live, paint))?;
    Ok(Exit::Ok)
}

impl Ran {
    /// The schedule notes how a run ended with a delay, and no outcome: the run itself knows.
    async fn of(session: &Session, action: &ScheduleActionResult) -> Self {
        let execution = action.start_workflow_result.clone().unwrap_or_default();
        let subject = Subject {
            workflow_id: execution.workflow_id.clone(),
            run_id: execution.run_id.clone(),
            process: None,
        };
        let (workflow_status, outcome) = match session.known(subject).describe().await {
            Ok(run) => (status_name(run.status()), run.search_attributes().get(&OUTCOME)),
            Err(_) => (noted(action.start_workflow_status()), None),
        };
        Self {
            planned_at: action.schedule_time.as_ref().and_then(timestamp),
            started_at: action.actual_time.as_ref().and_then(timestamp),
            workflow_id: execution.workflow_id,
            run_id: execution.run_id,
            workflow_status,
            outcome,
        }
    }

    fn cells(&self, zone: &str) -> [String; 3] {
        let status = self.workflow_status.to_lowercase().replace('_', " ");
        [
            self.planned_at.map(|time| in_zone(time, zone)).unwrap_or_default(),
            self.outcome.as_ref().map_or_else(|| status.clone(), |outcome| format!("{status}, {outcome}")),
            self.workflow_id.clone(),
        ]
    }
}

/// The state that the schedule remembers for a run whose history is gone.
fn noted(status: enums::WorkflowExecutionStatus) -> &'static str {
    status_name(match status {
        enums::WorkflowExecutionStatus::Running => WorkflowExecutionStatus::Running,
        enums::WorkflowExecutionStatus::Completed => WorkflowExecutionStatus::Completed,
        enums::WorkflowExecutionStatus::Failed => WorkflowExecutionStatus::Failed,
        enums::WorkflowExecutionStatus::Canceled => WorkflowExecutionStatus::Canceled,
        enums::WorkflowExecutionStatus::Terminated => WorkflowExecutionStatus::Terminated,
        enums::WorkflowExecutionStatus::TimedOut => WorkflowExecutionStatus::TimedOut,
        _ => return "UNKNOWN",
    })
}

impl Shown {
    fn text(&self, view: &View, live: &Live, paint: Paint) -> String {
        let state = match self.paused {
            true => paint.bad(format!("paused: {}", self.note)),
            false => paint.good("runs"),
        };
        let mut text = format!("{} {state}\n", paint.strong(&self.id));
        if !self.ours {
            text.push_str("not made by this tool: apply and --prune leave it alone\n");
        }
        let others = view.others().map(|(name, words)| (name, Some(words.clone())));
        let settings = view.settings.iter().filter(|(_, words)| !words.is_empty());
        let rows: Vec<_> = settings.map(|(name, words)| (*name, Some(words.clone()))).chain(others).collect();
        text.push_str(&facts(paint, &rows));
        let heading = match (self.next.is_empty(), self.paused) {
            (true, _) => "\nno time to come".to_owned(),
            (false, true) => format!("\nnext, once it is unpaused ({})", live.zone()),
            (false, false) => format!("\nnext ({})", live.zone()),
        };
        text.push_str(&format!("{}\n", paint.faint(heading)));
        text.extend(self.next.iter().map(|next| format!("  {}\n", next.local)));
        if !self.runs.is_empty() {
            text.push_str(&format!("{}\n", paint.faint("\nlast runs, newest first")));
            let rows: Vec<_> = self.runs.iter().map(|run| run.cells(live.zone())).collect();
            text.push_str(&table(&rows, |row, column, cell| {
                match (column, self.runs[row].workflow_status) {
                    (1, "COMPLETED") => paint.good(cell),
                    (1, "FAILED" | "TIMED_OUT" | "TERMINATED") => paint.bad(cell),
                    _ => cell,
                }
            }));
        }
        let Counts { started, missed, skipped, dropped, waiting } = self.counts;
        text.push_str(&format!(
            "\nstarted {started}, missed {missed} (no server within the catch-up window), skipped {skipped} (a run was \
             under way), waiting {waiting}\n"
        ));
        if dropped > 0 {
            text.push_str(&paint.bad(format!("{dropped} times found no room to wait, and were left out\n")));
        }
        text
    }
}

/// The times that are still to come. The server keeps its list until something runs, so it may hold some that passed.
pub(super) fn to_come<T: Copy>(times: &[T]) -> impl Iterator<Item = Timestamp>
where
    SystemTime: TryFrom<T>,
{
    let now = Timestamp::now();
    times.iter().filter_map(timestamp).filter(move |time| *time > now)
}

/// `Sun 2026-11-01 01:30:00 -04:00`
pub(super) fn in_zone(time: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    time.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string()
}

fn timestamp<T: Copy>(time: &T) -> Option<Timestamp>
where
    SystemTime: TryFrom<T>,
{
    Timestamp::try_from(SystemTime::try_from(*time).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_the_zones_clocks_show_them() {
        let time: Timestamp = "2026-11-01T06:30:00Z".parse().expect("a time");
        assert_eq!(in_zone(time, "America/New_York"), "Sun 2026-11-01 01:30:00 -05:00");
        assert_eq!(in_zone(time, "Asia/Ho_Chi_Minh"), "Sun 2026-11-01 13:30:00 +07:00");
    }
}
