//! Follows a run to its end: through a restart of the server, from run to run where it continues as new, and on to the
//! run that a reset made of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError};
use tokio::sync::Notify;
use tokio::time::sleep;
use tonic::{Code, Status};

use super::changes::{Changes, News};
use super::connect::Session;
use super::outcome::End;
use super::run::Run;
use super::subject::Subject;
use crate::terminal::exit::Failure;
use crate::terminal::output::Out;

/// How long Temporal may be away before the wait gives up.
const SERVER_PATIENCE: Duration = Duration::from_secs(120);
/// A poll that failed after longer than this was held by a server that was there.
const HELD: Duration = Duration::from_secs(15);
/// Between two tries while Temporal is away.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What is known of a run that is being followed.
pub(crate) struct Followed {
    run: RefCell<Rc<Run>>,
    /// Something was written since the last look.
    pub(crate) written: Notify,
    /// It has ended, or nobody wants to know any more.
    pub(crate) enough: Notify,
    /// Whether the run says that it waits for a person.
    pub(crate) asks: Cell<bool>,
}

impl Followed {
    pub(crate) fn new(run: Run) -> Self {
        Self {
            run: RefCell::new(Rc::new(run)),
            written: Notify::new(),
            enough: Notify::new(),
            asks: Cell::new(false),
        }
    }

    /// The run that is followed now.
    pub(crate) fn run(&self) -> Rc<Run> {
        Rc::clone(&self.run.borrow())
    }

    fn turn_to(&self, session: &Session, run_id: String) {
        let subject = Subject { run_id, ..self.run().subject.clone() };
        *self.run.borrow_mut() = Rc::new(session.known(subject));
        self.asks.set(false);
    }
}

/// Follows until the last run has ended.
pub(crate) async fn follow(session: &Session, followed: &Followed, out: &Out) -> Result<End, Failure> {
    loop {
        let run = followed.run();
        if run.is_open(out).await? {
            let next = until_closed(session, followed, out).await?;
            if let Some(run_id) = next {
                followed.turn_to(session, run_id);
                continue;
            }
        }
        let end = run.ended(out).await?;
        // A reset ends the run and makes another one of it, which goes on.
        let reset = match end {
            End::Terminated { .. } => run.reset_as().await,
            _ => None,
        };
        let Some(run_id) = reset else { return Ok(end) };
        out.say(format!("{} was reset; it goes on as run {run_id}", run.subject.title()));
        followed.turn_to(session, run_id);
    }
}

/// Reads the history to its end; returns the run as which it goes on, if it does.
async fn until_closed(session: &Session, followed: &Followed, out: &Out) -> Result<Option<String>, Failure> {
    let subject = followed.run().subject.clone();
    let mut changes = Changes::of(session, &subject);
    let mut outage = Outage::new(&subject);
    loop {
        outage.asking();
        let news = match changes.next().await {
            Ok(news) => news,
            Err(status) => {
                outage.note(out, status).await?;
                continue;
            }
        };
        outage.is_over();
        followed.asks.set(changes.asks());
        match news {
            News::Nothing => {}
            News::Written => followed.written.notify_one(),
            News::GoesOnAs(run_id) => return Ok(Some(run_id)),
            News::Closed => return Ok(None),
        }
    }
}

/// Temporal does not answer for a while.
struct Outage<'s> {
    subject: &'s Subject,
    asked: Instant,
    since: Option<Instant>,
}

impl<'s> Outage<'s> {
    fn new(subject: &'s Subject) -> Self {
        Self { subject, asked: Instant::now(), since: None }
    }

    fn asking(&mut self) {
        self.asked = Instant::now();
    }

    fn is_over(&mut self) {
        self.since = None;
    }

    /// Waits a moment before the next try; gives up when Temporal is away for too long, or when it says no.
    async fn note(&mut self, out: &Out, status: Status) -> Result<(), Failure> {
        if !may_come_back(status.code()) {
            return Err(status.into());
        }
        let since = match self.since {
            Some(since) if self.asked.elapsed() < HELD => since,
            _ => {
                out.say("Temporal does not answer; waiting for it");
                Instant::now()
            }
        };
        self.since = Some(since);
        if since.elapsed() > SERVER_PATIENCE {
            let watch = self.subject.command("watch");
            return Err(Failure::of_status(&status)
                .fix(format!("the run goes on once the server is back; then: {watch}")));
        }
        sleep(BETWEEN_TRIES).await;
        Ok(())
    }
}

impl Run {
    /// How it ended; waits for that, also through a restart of the server.
    async fn ended(&self, out: &Out) -> Result<End, Failure> {
        let mut outage = Outage::new(&self.subject);
        loop {
            outage.asking();
            match self.end().await {
                Ok(end) => return Ok(end),
                Err(WorkflowGetResultError::Rpc(status)) => outage.note(out, status).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether it is still open.
    async fn is_open(&self, out: &Out) -> Result<bool, Failure> {
        let mut outage = Outage::new(&self.subject);
        loop {
            outage.asking();
            match self.describe().await {
                Ok(description) => return Ok(description.close_time().is_none()),
                Err(WorkflowInteractionError::Rpc(status)) => outage.note(out, status).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn may_come_back(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
            | Code::ResourceExhausted
    )
}
