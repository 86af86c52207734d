//! Looks at a run that is being followed: what its steps do, and whether it waits for a person.
//!
//! It looks when something was written, by the one built-in query that every worker answers (current details), and at
//! most every half second. Where nothing happens, nothing is asked.

use std::future;
use std::time::{Duration, Instant};

use temporalio_client::WorkflowExecutionStatus;
use tokio::time::{sleep, sleep_until, timeout_at};
use workflows::report::table::{Table, TableError};
use workflows::report::{Progress, StepReport};
use workflows::search_attributes::NEEDS_HUMAN;

use super::follow::Followed;
use super::run::Run;
use super::steps::Seen;
use crate::terminal::output::Out;
use crate::terminal::program::command;

/// Between two looks, at least.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Before the next look where the last one got no answer.
const RETRY: Duration = Duration::from_secs(2);
/// Between two updates of the terminal's open line.
const TICK: Duration = Duration::from_secs(1);
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
    /// The step that the terminal's open line is about, and since when.
    busy: Option<(String, Instant)>,
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
            if !self.until_due(followed).await {
                return None;
            }
            let begun = tokio::time::Instant::now();
            let run = followed.run();
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

    /// Waits until it is time to look; false: it is enough.
    async fn until_due(&mut self, followed: &Followed) -> bool {
        loop {
            let again = self.again;
            let retry = async {
                match again {
                    Some(time) => sleep_until(time).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = followed.enough.notified() => return false,
                () = followed.written.notified() => return true,
                () = retry => return true,
                () = sleep(TICK), if self.busy.is_some() => self.tick(),
            }
        }
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
                self.show_busy(table.current().map(|step| step.step.as_str()));
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

    fn show_busy(&mut self, step: Option<&str>) {
        if self.talk == Talk::Quiet || !self.out.is_live() {
            return;
        }
        let Some(step) = step else { return self.close_line() };
        let since = match self.busy.take() {
            Some((busy, since)) if busy == step => since,
            _ => Instant::now(),
        };
        self.busy = Some((step.to_owned(), since));
        self.tick();
    }

    /// Writes the open line anew.
    fn tick(&self) {
        if let Some((step, since)) = &self.busy {
            let line = format!("… {step} ({} s)", since.elapsed().as_secs());
            self.out.say_over(&self.out.paint().busy(line));
        }
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
