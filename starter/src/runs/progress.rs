//! Waits for a run's end, with live progress on stderr, and stops at once when a person is needed.
//!
//! Two things run side by side: the run is followed to its end (`follow`: a long poll of Temporal's, which needs no
//! worker), and when something was written, it is looked at (`watcher`: a query, which needs one). Neither a worker nor
//! a server that is away for a while ends the wait.

use std::future;
use std::time::Duration;

use tokio::time::sleep;

use super::connect::Session;
use super::follow::{Followed, follow};
use super::outcome::{End, stuck_document};
use super::people::asked_words;
use super::run::Run;
use super::subject::Subject;
use super::watcher::{Stuck, Watcher};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Out, duration};

pub(crate) use super::watcher::Talk;

/// How a wait ended.
enum Waited {
    Ended(End),
    NeedsPerson(Box<Stuck>),
    GaveUp(Duration),
    Interrupted,
}

/// Waits, then prints the run's document; returns the exit code that its end is promised.
pub(crate) async fn wait(
    session: &Session,
    run: Run,
    out: &Out,
    talk: Talk,
    limit: Option<Duration>,
) -> Result<Exit, Failure> {
    let followed = Followed::new(run);
    let mut watcher = Watcher::new(out, talk);
    let waited = until_told(session, &followed, &mut watcher, out, limit).await;
    watcher.close_line();
    // The last one, where the run went on as others.
    let subject = &followed.run().subject;
    match waited? {
        Waited::Ended(end) => {
            if let Some(report) = end.report() {
                watcher.tell(&report.steps, report.steps.len());
            }
            out.document(&end.document(subject), |paint| end.text(subject, paint))?;
            Ok(end.exit(subject))
        }
        Waited::NeedsPerson(stuck) => needs_person(out, subject, &stuck),
        Waited::GaveUp(limit) => {
            let limit = duration(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
            let message = format!("{} still runs after {limit}", subject.title());
            Err(match followed.run().failing_task().await {
                Some(task) => {
                    Failure::new(Exit::Failed, format!("{message}; {}", task.words())).fix(task.fix(subject))
                }
                None => Failure::new(Exit::Failed, message)
                    .fix(format!("it goes on by itself; '{}' watches it again", subject.command("watch"))),
            })
        }
        Waited::Interrupted => {
            let watch = subject.command("watch");
            out.say(format!("{} goes on by itself; watch it again: {watch}", subject.title()));
            Ok(Exit::Interrupted)
        }
    }
}

fn needs_person(out: &Out, subject: &Subject, Stuck { steps, progress }: &Stuck) -> Result<Exit, Failure> {
    for line in asked_words(subject, progress.as_ref()) {
        out.say(line);
    }
    out.document(&stuck_document(subject, steps, progress.as_ref()), |paint| {
        format!("{} {}", paint.strong(subject.title()), paint.bad("needs a person"))
    })?;
    Ok(Exit::NeedsPerson)
}

async fn until_told(
    session: &Session,
    followed: &Followed,
    watcher: &mut Watcher<'_>,
    out: &Out,
    limit: Option<Duration>,
) -> Result<Waited, Failure> {
    let deadline = async {
        match limit {
            Some(limit) => {
                sleep(limit).await;
                limit
            }
            None => future::pending().await,
        }
    };
    let both = async {
        let mut ending = Box::pin(follow(session, followed, out));
        let mut looking = Box::pin(watcher.look(followed));
        tokio::select! {
            biased;
            end = &mut ending => {
                followed.enough.notify_one();
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
