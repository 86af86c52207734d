//! Looks at a run that is being followed: what its steps do, and whether it waits for a person.
//!
//! It looks when something was written, by the one built-in query that every worker answers (current details), and at
//! most every half second. Where nothing happens, nothing is asked, but for one thing: on a terminal a long step that
//! counts has a bar, and Temporal is asked for its heartbeats.

use std::future;
use std::time::{Duration, Instant};

use temporalio_client::WorkflowExecutionStatus;
use tokio::time::{sleep, sleep_until, timeout_at};
use workflows::report::table::{Table, TableError};
use workflows::report::{Count, Progress, StepReport, StepStatus};
use workflows::search_attributes::NEEDS_HUMAN;

use super::follow::Followed;
use super::run::Run;
use super::steps::Seen;
use crate::terminal::bar::Bar;
use crate::terminal::output::Out;
use crate::terminal::program::command;

/// Between two looks, at least.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Before the next look where the last one got no answer.
const RETRY: Duration = Duration::from_secs(2);
/// Between two updates of the terminal's open line.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks at the heartbeats of a step that counts.
const BETWEEN_BEATS: Duration = Duration::from_secs(3);
/// Looks in a row without an answer that are worth a word; one may be a worker's restart.
const SILENCE: u32 = 2;

/// How much is told while waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Each step as it changes.
    Steps,
    /// Only what keeps the run from ending.
    Quiet,
}

/// The steps that wait for an answer.
pub(crate) struct Stuck {
    pub(crate) steps: Vec<String>,
    pub(crate) progress: Option<Progress>,
}

pub(crate) struct Watcher<'o> {
    out: &'o Out,
    talk: Talk,
    seen: Seen,
    /// Looks in a row that no worker answered.
    unanswered: u32,
    /// Whether it was said what a quiet wait waits for.
    is_announced: bool,
    /// Whether it was said that the step table cannot be read.
    is_unreadable: bool,
    /// When to look again, though nothing was written.
    again: Option<tokio::time::Instant>,
    /// The step that the terminal's open line is about.
    busy: Option<Busy>,
}

/// The step under way.
struct Busy {
    step: String,
    since: Instant,
    /// How much of it is done, if it counts.
    bar: Option<Counted>,
}

/// A step that counts.
struct Counted {
    bar: Bar,
    /// As the step table has it.
    count: Count,
    /// When to look at the heartbeats.
    next: tokio::time::Instant,
}

/// The work that is due.
enum Due {
    /// A look at the run.
    Look,
    /// A look at its heartbeats.
    Beat,
    /// Nothing any more.
    Enough,
}

impl<'o> Watcher<'o> {
    pub(crate) fn new(out: &'o Out, talk: Talk) -> Self {
        Self {
            out,
            talk,
            seen: Seen::default(),
            unanswered: 0,
            is_announced: false,
            is_unreadable: false,
            again: None,
            busy: None,
        }
    }

    /// Looks until a person is needed or it is enough. A look that was begun is finished: an answer that nobody takes
    /// is a warning in the worker's log.
    pub(crate) async fn look(&mut self, followed: &Followed) -> Option<Stuck> {
        loop {
            let run = match self.until_due(followed).await {
                Due::Enough => return None,
                Due::Look => followed.run(),
                Due::Beat => {
                    self.beat(&followed.run()).await;
                    continue;
                }
            };
            let begun = tokio::time::Instant::now();
            self.again = None;
            if self.talk == Talk::Steps || !self.is_announced {
                self.read(&run).await;
            }
            if followed.asks.get()
                && let Some(stuck) = self.stuck(&run).await
            {
                return Some(stuck);
            }
            if timeout_at(begun + BETWEEN_LOOKS, followed.enough.notified()).await.is_ok() {
                return None;
            }
        }
    }

    /// Waits until something is due.
    async fn until_due(&mut self, followed: &Followed) -> Due {
        let at = async |time: Option<tokio::time::Instant>| match time {
            Some(time) => sleep_until(time).await,
            None => future::pending().await,
        };
        loop {
            let (again, beat) = (self.again, self.counted().map(|counted| counted.next));
            tokio::select! {
                biased;
                () = followed.enough.notified() => return Due::Enough,
                () = followed.written.notified() => return Due::Look,
                () = at(again) => return Due::Look,
                () = at(beat) => return Due::Beat,
                () = sleep(TICK), if self.busy.is_some() => self.tick(),
            }
        }
    }

    fn counted(&mut self) -> Option<&mut Counted> {
        self.busy.as_mut()?.bar.as_mut()
    }

    /// Looks at the heartbeats of a step that counts.
    async fn beat(&mut self, run: &Run) {
        let told = run.rows_told().await.unwrap_or_default();
        if let Some(counted) = self.counted() {
            let Count { done, of, failed } = counted.count;
            let now = Count { done: done + told.rows, of, failed: failed + told.failed };
            counted.bar.note(Instant::now(), now);
            counted.next = tokio::time::Instant::now() + BETWEEN_BEATS;
        }
        self.tick();
    }

    /// Reads the current details and tells what changed.
    async fn read(&mut self, run: &Run) {
        let Ok(details) = run.current_details().await else { return self.no_answer(run).await };
        if self.unanswered >= SILENCE {
            self.say("a worker answers again");
        }
        self.unanswered = 0;
        match Table::read(&details) {
            Ok(Some(table)) => {
                self.announce(run, &table);
                self.tell(&table.steps, table.total());
                self.show_busy(table.current());
            }
            // The run has not begun with its steps.
            Ok(None) => {}
            Err(error) => self.unreadable(&error),
        }
    }

    /// Says once that no worker answers; Temporal itself still says when something is written.
    async fn no_answer(&mut self, run: &Run) {
        self.again = Some(tokio::time::Instant::now() + RETRY);
        self.unanswered += 1;
        if self.unanswered != SILENCE {
            return;
        }
        if let Some(task) = run.failing_task().await {
            let subject = &run.subject;
            return self.say(&format!(
                "{} cannot go on: {}\n  fix: {}",
                subject.title(),
                task.words(),
                task.fix(subject)
            ));
        }
        let Ok(description) = run.describe().await else { return };
        if description.status() == WorkflowExecutionStatus::Running {
            self.say(&format!(
                "no worker answers on task queue '{}'; waiting ('{}' looks closer)",
                description.task_queue(),
                command!("doctor")
            ));
        }
    }

    fn unreadable(&mut self, error: &TableError) {
        if !self.is_unreadable {
            self.is_unreadable = true;
            self.say(&format!("the steps cannot be told: {error}; is this program older than the worker?"));
        }
    }

    /// The steps that wait for a person, if Temporal says so too: the history may tell of a question that was answered
    /// since.
    async fn stuck(&mut self, run: &Run) -> Option<Stuck> {
        let Ok(description) = run.describe().await else {
            self.again = Some(tokio::time::Instant::now() + RETRY);
            return None;
        };
        let is_open = description.status() == WorkflowExecutionStatus::Running;
        if !is_open || description.search_attributes().get(&NEEDS_HUMAN) != Some(true) {
            return None;
        }
        match run.progress().await {
            Ok(progress) if progress.needs_human.is_empty() => None,
            Ok(progress) => {
                self.tell(&progress.steps, progress.steps.len());
                Some(Stuck { steps: progress.needs_human.clone(), progress: Some(progress) })
            }
            Err(_) => Some(Stuck { steps: Vec::new(), progress: None }),
        }
    }

    /// A quiet wait says once what it waits for.
    fn announce(&mut self, run: &Run, table: &Table) {
        if let Some(step) = table.current()
            && self.talk == Talk::Quiet
            && !self.is_announced
        {
            self.say(&format!("waiting for the end of {}, now at {}", run.subject.title(), step.step));
        }
        self.is_announced = true;
    }

    /// Tells what changed since the last time.
    pub(crate) fn tell(&mut self, steps: &[StepReport], total: usize) {
        if self.talk == Talk::Quiet {
            return;
        }
        // On a terminal the open line shows what runs; elsewhere it gets a line of its own.
        for line in self.seen.changes(steps, total, !self.out.is_live(), self.out.paint()) {
            self.say(&line);
        }
    }

    fn show_busy(&mut self, step: Option<&StepReport>) {
        if self.talk == Talk::Quiet || !self.out.is_live() {
            return;
        }
        let Some(step) = step else { return self.close_line() };
        let known = self.busy.take().filter(|busy| busy.step == step.step);
        let mut busy =
            known.unwrap_or_else(|| Busy { step: step.step.clone(), since: Instant::now(), bar: None });
        let count = step.detail.as_deref().filter(|_| step.status == StepStatus::Running);
        busy.bar = count.and_then(Count::read).map(|count| {
            let (mut bar, next) = match busy.bar.take() {
                Some(Counted { bar, next, .. }) => (bar, next),
                None => (Bar::default(), tokio::time::Instant::now() + BETWEEN_BEATS),
            };
            bar.note(Instant::now(), count);
            Counted { bar, count, next }
        });
        self.busy = Some(busy);
        self.tick();
    }

    /// Writes the open line anew.
    fn tick(&self) {
        if let Some(line) = self.open_line(Instant::now()) {
            self.out.say_over(&self.out.paint().busy(line));
        }
    }

    /// The line about the step under way.
    fn open_line(&self, now: Instant) -> Option<String> {
        let Busy { step, since, bar } = self.busy.as_ref()?;
        Some(match bar {
            Some(Counted { bar, .. }) => format!("… {step} {}", bar.line(now)),
            None => format!("… {step} ({} s)", now.duration_since(*since).as_secs()),
        })
    }

    fn say(&self, line: &str) {
        if self.busy.is_some() {
            self.out.say_over(line);
            self.out.say("");
        } else {
            self.out.say(line);
        }
    }

    pub(crate) fn close_line(&mut self) {
        if self.busy.take().is_some() {
            self.out.say_over("");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(status: StepStatus, detail: &str) -> StepReport {
        StepReport {
            step: "process-batches".to_owned(),
            status,
            started_at: None,
            ended_at: None,
            detail: Some(detail.to_owned()).filter(|detail| !detail.is_empty()),
            parts: vec![],
            facts: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_step_that_counts_has_a_bar_on_a_terminal() {
        let out = Out::on_terminal();
        let mut watcher = Watcher::new(&out, Talk::Steps);
        let line = |watcher: &Watcher<'_>| watcher.open_line(Instant::now()).unwrap_or_default();
        watcher.show_busy(Some(&step(StepStatus::Running, "")));
        assert_eq!(line(&watcher), "… process-batches (0 s)");
        watcher.show_busy(Some(&step(StepStatus::Running, "0 of 200")));
        assert_eq!(line(&watcher), "… process-batches [--------------------] 0 %, 0 of 200");
        watcher.show_busy(Some(&step(StepStatus::Running, "100 of 200")));
        let shown = line(&watcher);
        assert!(shown.starts_with("… process-batches [##########----------] 50 %, 100 of 200"), "{shown}");
        watcher.show_busy(Some(&step(StepStatus::Running, "150 of 200, 3 failed")));
        assert!(line(&watcher).contains("75 %, 150 of 200, 3 failed"), "{}", line(&watcher));
        // A step that waits does not count on.
        watcher.show_busy(Some(&step(StepStatus::Waiting, "paused: 3 of 4")));
        assert_eq!(line(&watcher), "… process-batches (0 s)");
        watcher.show_busy(None);
        assert_eq!(watcher.open_line(Instant::now()), None);
    }

    #[tokio::test]
    async fn elsewhere_there_is_no_line_to_draw_anew() {
        let out = Out::new(crate::terminal::output::Format::Text, crate::terminal::output::When::Never);
        let mut watcher = Watcher::new(&out, Talk::Quiet);
        watcher.show_busy(Some(&step(StepStatus::Running, "0 of 200")));
        assert_eq!(watcher.open_line(Instant::now()), None);
    }
}
