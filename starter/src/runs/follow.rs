//! Follows a run to its end: through a restart of the server, from run to run where it continues as new, and on to the
//! run that a reset made of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use temporalio_client::WorkflowExecutionDescription;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
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
/// Between two tries while Temporal is away.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// Between two polls where nothing is new. A server that holds them, as it should, is asked again at once.
const BETWEEN_POLLS: Duration = Duration::from_secs(1);

/// A run that is being followed, and the news of it.
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
        // A run that went on as another one while nobody looked says so in its history, as one that was watched does.
        let changes = match run.described(out).await?.close_time() {
            None => Changes::of(session, &run.subject),
            Some(_) => Changes::of_closed(session, &run.subject),
        };
        if let Some(run_id) = until_closed(changes, followed, out).await? {
            followed.turn_to(session, run_id);
            continue;
        }
        let end = run.ended(out).await?;
        // A reset ends the run and makes another one of it, which goes on.
        let reset = match end {
            End::Terminated { .. } => reset_as(&run.described(out).await?),
            _ => None,
        };
        let Some(run_id) = reset else { return Ok(end) };
        out.say(format!("{} was reset; it goes on as run {run_id}", run.subject.title()));
        followed.turn_to(session, run_id);
    }
}

/// Reads the history to its end; returns the run as which it goes on, if it does.
async fn until_closed(
    mut changes: Changes,
    followed: &Followed,
    out: &Out,
) -> Result<Option<String>, Failure> {
    let subject = followed.run().subject.clone();
    let mut outage = Outage::new(&subject);
    loop {
        let next_poll = Instant::now() + BETWEEN_POLLS;
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
            News::Nothing => sleep_until(next_poll).await,
            News::Written => followed.written.notify_one(),
            News::GoesOnAs(run_id) => return Ok(Some(run_id)),
            News::Closed => return Ok(None),
        }
    }
}

/// Temporal does not answer for a while.
struct Outage<'s> {
    subject: &'s Subject,
    /// When it was first found to be away; only an answer ends that.
    since: Option<Instant>,
}

impl<'s> Outage<'s> {
    fn new(subject: &'s Subject) -> Self {
        Self { subject, since: None }
    }

    fn is_over(&mut self) {
        self.since = None;
    }

    /// Waits a moment before the next try; gives up when Temporal is away for too long, or when it says no.
    async fn note(&mut self, out: &Out, status: Status) -> Result<(), Failure> {
        if !may_come_back(status.code()) {
            return Err(status.into());
        }
        let since = *self.since.get_or_insert_with(|| {
            out.say("Temporal does not answer; waiting for it");
            Instant::now()
        });
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
            match self.end().await {
                Ok(end) => return Ok(end),
                Err(WorkflowGetResultError::Rpc(status)) => outage.note(out, status).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The description of the run by Temporal; waits for that through a restart of the server.
    async fn described(&self, out: &Out) -> Result<WorkflowExecutionDescription, Failure> {
        let mut outage = Outage::new(&self.subject);
        loop {
            match self.describe().await {
                Ok(description) => return Ok(description),
                Err(WorkflowInteractionError::Rpc(status)) => outage.note(out, status).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The run that a reset made of another one, if that is why it was terminated.
fn reset_as(description: &WorkflowExecutionDescription) -> Option<String> {
    let extended = description.raw().workflow_extended_info.as_ref()?;
    Some(extended.reset_run_id.clone()).filter(|run_id| !run_id.is_empty())
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

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;
    use crate::terminal::exit::Exit;
    use crate::terminal::output::{Format, When};

    /// Notes failures, each after the server held the call for a while, until it is enough; says how long that took.
    async fn until_given_up(outage: &mut Outage<'_>, held: Duration) -> Result<(Duration, Failure), Error> {
        let begun = Instant::now();
        let out = Out::new(Format::Text, When::Never);
        while begun.elapsed() < SERVER_PATIENCE * 10 {
            sleep(held).await;
            if let Err(failure) = outage.note(&out, Status::unavailable("away")).await {
                return Ok((begun.elapsed(), failure));
            }
        }
        Err(Error::other("it never gave up"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_nothing_is_given_up_however_long_it_holds_a_call() -> Result<(), Error> {
        let subject = Subject { workflow_id: "order/1".into(), run_id: "run-1".into(), process: None };
        for held in [0, 20, 45].map(Duration::from_secs) {
            let mut outage = Outage::new(&subject);
            let (took, failure) = until_given_up(&mut outage, held).await?;
            assert_eq!(failure.exit, Exit::NoConnection);
            assert!(took > SERVER_PATIENCE, "{took:?}");
            assert!(
                took <= SERVER_PATIENCE + (held + BETWEEN_TRIES) * 2,
                "{took:?}, each call held {held:?}"
            );
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_an_outage() -> Result<(), Error> {
        let subject = Subject { workflow_id: "order/1".into(), run_id: "run-1".into(), process: None };
        let (out, mut outage) = (Out::new(Format::Text, When::Never), Outage::new(&subject));
        assert!(outage.note(&out, Status::unavailable("away")).await.is_ok());
        sleep(SERVER_PATIENCE).await;
        outage.is_over();
        assert!(outage.note(&out, Status::unavailable("away")).await.is_ok());
        let (took, _) = until_given_up(&mut outage, Duration::ZERO).await?;
        assert!(took >= SERVER_PATIENCE - BETWEEN_TRIES, "{took:?}");
        Ok(())
    }
}
