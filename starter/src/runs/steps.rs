//! The step table, and which of its lines changed.

use std::collections::BTreeMap;

use workflows::report::{StepReport, StepStatus};

use crate::terminal::output::{Paint, duration, table};

/// The table of a run's steps; empty when there are none.
pub(crate) fn step_table(steps: &[StepReport], paint: Paint) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let header = ["step", "status", "took", ""].map(str::to_owned);
    let row = |step: &StepReport| {
        [step.step.clone(), step.status.name().to_owned(), took(step).unwrap_or_default(), detail(step)]
    };
    let rows: Vec<_> = std::iter::once(header).chain(steps.iter().map(row)).collect();
    table(&rows, |r, c, cell| match (r, c) {
        (0, _) => paint.faint(cell),
        (_, 1) => colour(steps[r - 1].status, paint, cell),
        _ => cell,
    })
}

/// The states of a run's steps that were told so far.
#[derive(Default)]
pub(crate) struct Seen {
    steps: BTreeMap<String, (StepStatus, String)>,
}

impl Seen {
    /// One line for each step that changed since the last call, of `total` that there are. Steps that merely run are
    /// told only if `running`.
    pub(crate) fn changes(
        &mut self,
        steps: &[StepReport],
        total: usize,
        running: bool,
        paint: Paint,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, step) in (1..).zip(steps) {
            let now = (step.status, detail(step));
            let is_news = match step.status {
                StepStatus::Pending => false,
                StepStatus::Running => running,
                _ => true,
            };
            if is_news && self.steps.get(&step.step) != Some(&now) {
                lines.push(line(number, total, step, paint));
                self.steps.insert(step.step.clone(), now);
            }
        }
        lines
    }
}

fn line(number: usize, total: usize, step: &StepReport, paint: Paint) -> String {
    let place = format!("[{number}/{total}]");
    let status = colour(step.status, paint, step.status.name().to_owned());
    let mut line = format!("{} {} {status}", paint.faint(place), step.step);
    if let Some(took) = took(step) {
        line.push_str(&format!(" ({took})"));
    }
    let detail = detail(step);
    if !detail.is_empty() {
        line.push_str(&format!(": {detail}"));
    }
    line
}

fn took(step: &StepReport) -> Option<String> {
    if matches!(step.status, StepStatus::Running | StepStatus::Waiting | StepStatus::Skipped) {
        return None;
    }
    Some(duration(step.ended_at?.as_millisecond() - step.started_at?.as_millisecond()))
}

/// The remark about a step: its own words, or the parts that did not go well.
fn detail(step: &StepReport) -> String {
    if let Some(detail) = &step.detail {
        return detail.clone();
    }
    let parts = step.parts.iter().filter(|part| !part.status.is_done() && part.status != StepStatus::Running);
    let parts = parts.map(|part| match &part.detail {
        Some(detail) => format!("{} {}: {detail}", part.part, part.status.name()),
        None => format!("{} {}", part.part, part.status.name()),
    });
    parts.collect::<Vec<_>>().join("; ")
}

fn colour(status: StepStatus, paint: Paint, text: String) -> String {
    match status {
        StepStatus::Completed => paint.good(text),
        StepStatus::Failed | StepStatus::Asking | StepStatus::UndoStuck | StepStatus::LeftStanding => {
            paint.bad(text)
        }
        StepStatus::Running | StepStatus::Waiting => paint.busy(text),
        StepStatus::Pending | StepStatus::Skipped => paint.faint(text),
        StepStatus::Stopped | StepStatus::Undone | StepStatus::Resolved => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, status: StepStatus) -> StepReport {
        StepReport {
            step: name.to_owned(),
            status,
            started_at: None,
            ended_at: None,
            detail: None,
            parts: vec![],
            facts: Vec::new(),
        }
    }

    #[test]
    fn each_change_is_told_once() {
        let (mut seen, paint) = (Seen::default(), Paint::plain());
        let mut steps = vec![step("reserve", StepStatus::Running), step("pay", StepStatus::Pending)];
        assert_eq!(seen.changes(&steps, 2, true, paint), ["[1/2] reserve running"]);
        assert!(seen.changes(&steps, 2, true, paint).is_empty());
        steps[0].status = StepStatus::Completed;
        steps[1].status = StepStatus::Waiting;
        steps[1].detail = Some("waits for the customer".to_owned());
        let told = seen.changes(&steps, 2, false, paint);
        assert_eq!(told, ["[1/2] reserve completed", "[2/2] pay waiting: waits for the customer"]);
        steps[1].status = StepStatus::Running;
        assert!(seen.changes(&steps, 2, false, paint).is_empty());
    }

    #[test]
    fn the_table_has_a_row_for_each_step() {
        let text = step_table(&[step("reserve", StepStatus::UndoStuck)], Paint::plain());
        assert_eq!(text, "step     status      took\nreserve  undo stuck\n");
    }
}
