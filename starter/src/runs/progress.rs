//! Waits for a run's end, with live progress on stderr, and stops at once when a person is needed.
//!
//! Two things run side by side: the wait for the end (a long poll of Temporal's, needs no worker) and a look at the
//! run's progress (a query, needs a worker). Neither a worker nor a server that is away for a while ends the wait.

use std::future;
use std::pin::pin;
use std::time::{Duration, Instant};

use temporalio_client::WorkflowExecutionStatus;
use temporalio_client::errors::WorkflowGetResultError;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tonic::Code;
use workflows::report::{Progress, StepReport};
use workflows::search_attributes::NEEDS_HUMAN;

use super::outcome::{End, stuck_document};
use super::people::stuck_words;
use super::run::Run;
use super::steps::Seen;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Out, duration};
use crate::terminal::program::command;

/// Between two looks with live progress.
const LOOK_LIVE: Duration = Duration::from_millis(400);
/// Between two looks without it: only to notice that a person is needed.
const LOOK_QUIET: Duration = Duration::from_secs(2);
/// How long Temporal may be away before the wait gives up.
const SERVER_PATIENCE: Duration = Duration::from_secs(120);
/// A poll that failed after longer than this was held by a server that was there.
const HELD: Duration = Duration::from_secs(30);

/// Queries in a row without an answer that are worth a word; one may be a worker's restart.
const SILENCE: u32 = 2;

/// How much is told while waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Each step as it changes.
    Steps,
    /// Only what keeps the run from ending.
    Quiet,
}

/// How a wait ended.
enum Waited {
    Ended(End),
    NeedsPerson(Box<Stuck>),
    GaveUp(Duration),
    Interrupted,
}

/// Undos that wait for an answer.
struct Stuck {
    steps: Vec<String>,
    progress: Option<Progress>,
}

/// Waits, then prints the run's document; returns the exit code that its end is promised.
pub(crate) async fn wait(run: &Run, out: &Out, talk: Talk, limit: Option<Duration>) -> Result<Exit, Failure> {
    let mut watcher =
        Watcher { run, out, talk, seen: Seen::default(), unanswered: 0, is_announced: false, busy: None };
    let waited = watcher.wait(limit).await;
    watcher.close_line();
    let subject = &run.subject;
    match waited? {
        Waited::Ended(end) => {
            if let Some(report) = end.report() {
                watcher.tell(&report.steps);
            }
            out.document(&end.document(subject), |paint| end.text(subject, paint))?;
            Ok(end.exit(subject))
        }
        Waited::NeedsPerson(stuck) => {
            let Stuck { steps, progress } = &*stuck;
            for line in stuck_words(subject, steps, progress.as_ref().map_or(&[], |progress| &progress.steps))
            {
                out.say(line);
            }
            out.document(&stuck_document(subject, steps, progress.as_ref()), |paint| {
                format!("{} {}", paint.strong(subject.title()), paint.bad("needs a person"))
            })?;
            Ok(Exit::NeedsPerson)
        }
        Waited::GaveUp(limit) => {
            let limit = duration(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
            Err(Failure::new(Exit::Failed, format!("{} still runs after {limit}", subject.title()))
                .fix(format!("it goes on by itself; '{}' watches it again", subject.command("watch"))))
        }
        Waited::Interrupted => {
            let watch = subject.command("watch");
            out.say(format!("{} goes on by itself; watch it again: {watch}", subject.title()));
            Ok(Exit::Interrupted)
        }
    }
}

struct Watcher<'a> {
    run: &'a Run,
    out: &'a Out,
    talk: Talk,
    seen: Seen,
    /// Queries in a row that no worker answered.
    unanswered: u32,
    /// Whether it was said what a quiet wait waits for.
    is_announced: bool,
    /// The step that the terminal's open line is about, and since when.
    busy: Option<(String, Instant)>,
}

impl Watcher<'_> {
    async fn wait(&mut self, limit: Option<Duration>) -> Result<Waited, Failure> {
        let (run, out) = (self.run, self.out);
        let deadline = async {
            match limit {
                Some(limit) => {
                    sleep(limit).await;
                    limit
                }
                None => future::pending().await,
            }
        };
        let enough = Notify::new();
        let both = async {
            let mut ending = pin!(end(run, out));
            let mut looking = pin!(self.look(&enough));
            tokio::select! {
                biased;
                end = &mut ending => {
                    // A query that is dropped on its way back is a warning in the worker's log: let it arrive.
                    enough.notify_one();
                    looking.await;
                    end.map(Waited::Ended)
                }
                stuck = &mut looking => match stuck {
                    Some(stuck) => Ok(Waited::NeedsPerson(Box::new(stuck))),
                    None => ending.await.map(Waited::Ended),
                },
            }
        };
        tokio::select! {
            biased;
            interrupted = tokio::signal::ctrl_c() => match interrupted {
                Ok(()) => Ok(Waited::Interrupted),
                Err(error) => Err(Failure::because(Exit::Failed, error, "cannot listen for Ctrl-C")),
            },
            waited = both => waited,
            limit = deadline => Ok(Waited::GaveUp(limit)),
        }
    }

    /// Looks again and again, until a person is needed or it is enough.
    async fn look(&mut self, enough: &Notify) -> Option<Stuck> {
        let pause = if self.talk == Talk::Steps { LOOK_LIVE } else { LOOK_QUIET };
        loop {
            match self.run.progress().await {
                Ok(progress) => {
                    if self.unanswered >= SILENCE {
                        self.say("a worker answers again");
                    }
                    self.unanswered = 0;
                    self.announce(&progress);
                    self.tell(&progress.steps);
                    self.show_busy(progress.current_step.as_deref());
                    if !progress.needs_human.is_empty() {
                        return Some(Stuck { steps: progress.needs_human.clone(), progress: Some(progress) });
                    }
                }
                Err(_) => {
                    if self.look_without_worker().await {
                        return Some(Stuck { steps: Vec::new(), progress: None });
                    }
                }
            }
            if timeout(pause, enough.notified()).await.is_ok() {
                return None;
            }
        }
    }

    /// Temporal itself knows whether a person is needed. Says once that no worker answers.
    async fn look_without_worker(&mut self) -> bool {
        let Ok(description) = self.run.describe().await else { return false };
        let is_open = description.status() == WorkflowExecutionStatus::Running;
        self.unanswered += u32::from(is_open);
        if self.unanswered == SILENCE {
            self.say(&format!(
                "no worker answers on task queue '{}'; waiting ('{}' looks closer)",
                description.task_queue(),
                command!("doctor")
            ));
        }
        is_open && description.search_attributes().get(&NEEDS_HUMAN) == Some(true)
    }

    /// A quiet wait says once what it waits for.
    fn announce(&mut self, progress: &Progress) {
        if let Some(step) = &progress.current_step
            && self.talk == Talk::Quiet
            && !self.is_announced
        {
            self.is_announced = true;
            self.say(&format!("waiting for the end of {}, now at {step}", self.run.subject.title()));
        }
    }

    fn tell(&mut self, steps: &[StepReport]) {
        if self.talk == Talk::Quiet {
            return;
        }
        // On a terminal the open line shows what runs; elsewhere it gets a line of its own.
        for line in self.seen.changes(steps, !self.out.is_live(), self.out.paint()) {
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
        self.out.say_over(&self.out.paint().busy(format!("… {step} ({} s)", since.elapsed().as_secs())));
        self.busy = Some((step.to_owned(), since));
    }

    fn say(&self, line: &str) {
        if self.busy.is_some() {
            self.out.say_over(line);
            self.out.say("");
        } else {
            self.out.say(line);
        }
    }

    fn close_line(&mut self) {
        if self.busy.take().is_some() {
            self.out.say_over("");
        }
    }
}

/// Waits for the end through a restart of the server.
async fn end(run: &Run, out: &Out) -> Result<End, Failure> {
    let mut lost_since: Option<Instant> = None;
    loop {
        let asked = Instant::now();
        let error = match run.end().await {
            Ok(end) => return Ok(end),
            Err(WorkflowGetResultError::Rpc(status)) if may_come_back(status.code()) => status,
            Err(error) => return Err(error.into()),
        };
        let since = match lost_since {
            Some(since) if asked.elapsed() < HELD => since,
            _ => {
                out.say("Temporal does not answer; waiting for it");
                Instant::now()
            }
        };
        lost_since = Some(since);
        if since.elapsed() > SERVER_PATIENCE {
            let watch = run.subject.command("watch");
            return Err(Failure::of_status(&error)
                .fix(format!("the run goes on once the server is back; then: {watch}")));
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn may_come_back(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Internal
    )
}
