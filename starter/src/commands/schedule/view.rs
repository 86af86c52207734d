//! Two schedules compared: everything Temporal holds of one, in words that are equal if and only if it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::schedule::v1::{Schedule, ScheduleSpec};
use temporalio_common::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;

use super::calendar::Calendar;
use super::proto::{json, run_of, signed, text};
use crate::cli::schedule::Overlap;
use crate::processes;

/// A schedule's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct View {
    /// Name and words, in the order in which they are shown.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// The input of the runs; `None`: it cannot be read here.
    input: Option<Value>,
    /// Settings that a file cannot hold, by name: somebody set them another way.
    others: BTreeMap<&'static str, String>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) setting: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl View {
    pub(crate) async fn of(client: &Client, schedule: &Schedule) -> Self {
        let spec = schedule.spec.clone().unwrap_or_default();
        let policies = schedule.policies.unwrap_or_default();
        let state = schedule.state.clone().unwrap_or_default();
        let run = run_of(schedule).cloned().unwrap_or_default();
        let metadata = run.user_metadata.clone().unwrap_or_default();
        let summary = match &metadata.summary {
            Some(payload) => text(client, payload).await.unwrap_or_else(|| "unreadable here".to_owned()),
            None => String::new(),
        };
        let details = match &metadata.details {
            Some(payload) => text(client, payload).await.unwrap_or_else(|| "unreadable here".to_owned()),
            None => String::new(),
        };
        let input = match run.input.as_ref().map(|input| input.payloads.as_slice()) {
            Some([payload]) => json(client, payload).await,
            Some([]) | None => Some(Value::Null),
            Some(_) => None,
        };
        let workflow_type = run.workflow_type.as_ref().map_or("", |kind| kind.name.as_str());
        let process = match processes::of_type(workflow_type) {
            Some(process) => format!("{} ({workflow_type})", process.name),
            None => workflow_type.to_owned(),
        };
        let note = match state.notes == details {
            true => details,
            // A pause puts its reason in the place of the note.
            false => format!("{} (on the runs: {})", or_none(&state.notes), or_none(&details)),
        };
        let settings = vec![
            ("times", times(&spec)),
            (
                "zone",
                if spec.timezone_name.is_empty() { "UTC".to_owned() } else { spec.timezone_name.clone() },
            ),
            ("jitter", format!("{:#}", signed(spec.jitter.as_ref()))),
            ("overlap", Overlap::of(policies.overlap_policy()).name()),
            ("catch-up", format!("{:#}", signed(policies.catchup_window.as_ref()))),
            ("pause on failure", yes_no(policies.pause_on_failure)),
            ("process", process),
            ("workflow id", format!("{}-<time>", run.workflow_id)),
            ("task queue", run.task_queue.as_ref().map(|queue| queue.name.clone()).unwrap_or_default()),
            ("summary", summary),
            ("search attributes", attributes(&run)),
            ("note", note),
        ];
        let mut others = others_of_run(run);
        others.extend(others_of_spec(spec));
        if policies.keep_original_workflow_id {
            others.insert("the runs' id", "without the time".to_owned());
        }
        if state.limited_actions {
            others.insert("limit", format!("{} more runs", state.remaining_actions));
        }
        Self { settings, input, others }
    }

    /// The changes by which this becomes `wanted`, in words.
    pub(crate) fn changes_to(&self, wanted: &Self) -> Vec<Change> {
        let change = |setting: &str, from: &str, to: &str| Change {
            setting: setting.to_owned(),
            from: or_none(from).to_owned(),
            to: or_none(to).to_owned(),
        };
        let mut changes: Vec<Change> = Vec::new();
        for ((name, from), (_, to)) in self.settings.iter().zip(&wanted.settings) {
            if from != to {
                changes.push(change(name, from, to));
            }
        }
        match (&self.input, &wanted.input) {
            (Some(from), Some(to)) => {
                let mut paths = BTreeSet::new();
                differing(from, to, "", &mut paths);
                // An input can hold a customer's data: which fields, but not what is in them.
                let paths: Vec<String> = paths.into_iter().collect();
                if !paths.is_empty() {
                    changes.push(change(
                        "input",
                        "other values",
                        &format!("the file's {}", paths.join(", ")),
                    ));
                }
            }
            (None, _) => changes.push(change("input", "unreadable here", "the file's")),
            (_, None) => {}
        }
        for (name, from) in &self.others {
            if wanted.others.get(name) != Some(from) {
                changes.push(change(name, from, ""));
            }
        }
        changes
    }

    /// The settings that no file holds, for display.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.others.iter().map(|(name, words)| (*name, words))
    }
}

fn or_none(words: &str) -> &str {
    if words.is_empty() { "none" } else { words }
}

fn yes_no(flag: bool) -> String {
    if flag { "yes".to_owned() } else { "no".to_owned() }
}

fn times(spec: &ScheduleSpec) -> String {
    let intervals = spec.interval.iter().map(|interval| {
        let (every, offset) = (signed(interval.interval.as_ref()), signed(interval.phase.as_ref()));
        if offset.is_zero() {
            format!("every {every:#}")
        } else {
            format!("every {every:#}, offset {offset:#}")
        }
    });
    let calendars = spec.structured_calendar.iter().map(|calendar| Calendar::of_proto(calendar).words());
    intervals.chain(calendars).collect::<Vec<_>>().join("; ")
}

fn attributes(run: &NewWorkflowExecutionInfo) -> String {
    let fields = run.search_attributes.iter().flat_map(|attributes| &attributes.indexed_fields);
    // The server adds a type to what it is given: only the value counts.
    let fields: BTreeMap<_, _> =
        fields.map(|(name, payload)| (name, String::from_utf8_lossy(&payload.data))).collect();
    fields.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}

/// The other settings of a spec: all but those that [`View::of`] has words for.
fn others_of_spec(mut spec: ScheduleSpec) -> BTreeMap<&'static str, String> {
    let mut others = BTreeMap::new();
    if spec.start_time.is_some() || spec.end_time.is_some() {
        others.insert("from or until", format!("{:?} to {:?}", spec.start_time.take(), spec.end_time.take()));
    }
    if !spec.exclude_structured_calendar.is_empty() {
        let excluded = std::mem::take(&mut spec.exclude_structured_calendar);
        let words: Vec<_> = excluded.iter().map(|calendar| Calendar::of_proto(calendar).words()).collect();
        others.insert("except", words.join("; "));
    }
    spec.structured_calendar.clear();
    spec.interval.clear();
    spec.jitter = None;
    spec.timezone_name.clear();
    if spec != ScheduleSpec::default() {
        others.insert("other times", format!("{spec:?}"));
    }
    others
}

/// The same of a run.
fn others_of_run(run: NewWorkflowExecutionInfo) -> BTreeMap<&'static str, String> {
    let mut others = BTreeMap::new();
    for (name, limit) in [
        ("limit of all runs", run.workflow_execution_timeout),
        ("limit of a run", run.workflow_run_timeout),
        ("limit of a task", run.workflow_task_timeout),
    ] {
        let limit = signed(limit.as_ref());
        if !limit.is_zero() {
            others.insert(name, format!("{limit:#}"));
        }
    }
    if let Some(retry) = run.retry_policy {
        others.insert("retries", format!("{retry:?}"));
    }
    // Settings that have words of their own are taken out, and so are those that are empty however they are written.
    let rest = NewWorkflowExecutionInfo {
        workflow_id: String::new(),
        workflow_type: None,
        task_queue: None,
        input: None,
        workflow_execution_timeout: None,
        workflow_run_timeout: None,
        workflow_task_timeout: None,
        retry_policy: None,
        // Unset and the server's default are the same; the time in the id makes either meaningless.
        workflow_id_reuse_policy: if run.workflow_id_reuse_policy == 1 {
            0
        } else {
            run.workflow_id_reuse_policy
        },
        memo: run.memo.filter(|memo| !memo.fields.is_empty()),
        search_attributes: None,
        header: run.header.filter(|header| !header.fields.is_empty()),
        user_metadata: None,
        ..run
    };
    if rest != NewWorkflowExecutionInfo::default() {
        others.insert("other settings of the runs", "memo, headers, cron, version or priority".to_owned());
    }
    others
}

/// The paths at which two inputs differ.
fn differing(from: &Value, to: &Value, path: &str, found: &mut BTreeSet<String>) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            for key in from.keys().chain(to.keys()).collect::<BTreeSet<_>>() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let none = &Value::Null;
                match (from.get(key), to.get(key)) {
                    (Some(a), Some(b)) => differing(a, b, &path, found),
                    (a, b) if a.unwrap_or(none) != b.unwrap_or(none) || a.is_some() != b.is_some() => {
                        found.insert(path);
                    }
                    _ => {}
                }
            }
        }
        (from, to) if from != to => {
            found.insert(if path.is_empty() { "input".to_owned() } else { path.to_owned() });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn view(settings: &[(&'static str, &str)], input: Value) -> View {
        let settings = settings.iter().map(|(name, words)| (*name, (*words).to_owned())).collect();
        View { settings, input: Some(input), others: BTreeMap::new() }
    }

    #[test]
    fn only_what_differs_is_told_and_an_inputs_values_are_not() {
        let live = view(
            &[("times", "every 1h"), ("zone", "UTC")],
            json!({ "a": { "b": 1, "c": 2 }, "mail": "x@y.z" }),
        );
        let file = view(
            &[("times", "every 1h"), ("zone", "Asia/Ho_Chi_Minh")],
            json!({ "a": { "b": 1, "c": 3 }, "mail": "p@q.r", "new": true }),
        );
        assert_eq!(live.changes_to(&live), []);
        let changes = live.changes_to(&file);
        let said = |change: &Change| (change.setting.clone(), change.from.clone(), change.to.clone());
        let expected = [
            ("zone".to_owned(), "UTC".to_owned(), "Asia/Ho_Chi_Minh".to_owned()),
            ("input".to_owned(), "other values".to_owned(), "the file's a.c, mail, new".to_owned()),
        ];
        assert_eq!(changes.iter().map(said).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_a_file_cannot_hold_is_a_change_too() {
        let mut live = view(&[], Value::Null);
        live.others.insert("limit", "3 more runs".to_owned());
        let changes = live.changes_to(&view(&[], Value::Null));
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].setting.as_str(), changes[0].to.as_str()), ("limit", "none"));
    }

    #[test]
    fn timeouts_and_ends_set_elsewhere_are_seen() {
        let mut spec = ScheduleSpec { timezone_name: "UTC".to_owned(), ..ScheduleSpec::default() };
        assert!(others_of_spec(spec.clone()).is_empty());
        spec.end_time = Some(Default::default());
        assert!(others_of_spec(spec).contains_key("from or until"));
        assert!(others_of_run(NewWorkflowExecutionInfo::default()).is_empty());
        let mut run = NewWorkflowExecutionInfo { workflow_id_reuse_policy: 1, ..Default::default() };
        assert!(others_of_run(run.clone()).is_empty());
        run.cron_schedule = "* * * * *".to_owned();
        assert!(others_of_run(run).contains_key("other settings of the runs"));
    }
}
