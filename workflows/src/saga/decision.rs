//! Whether a run may go on: a person decides. The run waits for the answer ([`Saga::decide`]), or looks at the world
//! meanwhile, which may settle the matter by itself ([`Decision::ask`]).

use std::time::Duration;

use temporalio_workflow::WaitConditionOptions;

use super::people::{Action, Answer, AnswerOutcome, Choice, Fact, Question, Subject, SubjectKind};
use super::scribe::Scribe;
use super::{Halt, Process, Saga, Stop, StoppedBy};
use crate::report::{StepStatus, timestamp};

/// A decision that a person takes before anything is done.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The step at which the run asks.
    pub step: &'static str,
    /// Why it asks, as a short code: `limits`.
    pub cause: &'static str,
    /// Why it asks, in words.
    pub reason: String,
    /// The facts that the person needs for it. No personal data.
    pub facts: Vec<Fact>,
    /// The effect of approving, in words.
    pub approve: String,
    /// The effect of rejecting, in words.
    pub reject: String,
    /// How long the run waits for the answer; then it ends as expired.
    pub patience: Duration,
}

/// A decision that was asked for and is open while the run looks at the world.
pub struct Asked<W> {
    scribe: Scribe<W>,
    id: String,
}

/// The word of a person about an open decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Go on; why.
    Approved(String),
    /// Decide nothing yet; why.
    Waits(String),
    /// Do not go on: how the run ends.
    Rejected(Halt),
}

impl Decision {
    /// Asks, and does not wait. `wait` is the effect of [`Action::Wait`], in words.
    pub fn ask<W: Process>(self, saga: &Saga<W>, wait: &str) -> Asked<W> {
        saga.scribe.mark(self.step, StepStatus::Asking, Some(&self.reason));
        let mut question = self.question(saga);
        question.answers.push(Choice { action: Action::Wait, effect: wait.to_owned() });
        let id = saga.scribe.ask(question);
        Asked { scribe: saga.scribe.clone(), id }
    }

    fn question<W: Process>(self, saga: &Saga<W>) -> Question {
        let now = timestamp(saga.ctx.workflow_time());
        Question {
            id: String::new(),
            about: Subject { kind: SubjectKind::Decision, step: self.step.to_owned(), part: None },
            cause: self.cause.to_owned(),
            reason: self.reason,
            since: None,
            deadline: now.and_then(|now| now.checked_add(self.patience).ok()),
            facts: self.facts,
            answers: vec![
                Choice { action: Action::Approve, effect: self.approve },
                Choice { action: Action::Reject, effect: self.reject },
            ],
            hands_off: false,
        }
    }
}

impl<W: Process> Asked<W> {
    /// Whether somebody has answered, by the workflow's state.
    pub fn is_answered(&self, process: &W) -> bool {
        process.saga().people.has_answer(&self.id)
    }

    /// Takes the answer, if there is one, and closes the question with it.
    pub fn answered(&self) -> Option<Word> {
        let (ticket, answer) = self.scribe.change(|saga| saga.people.next_answer(&self.id))?;
        let Answer { action, reason, .. } = answer;
        let (outcome, how, word) = match action {
            Action::Approve => {
                (AnswerOutcome::Approved, format!("approved: {reason}"), Word::Approved(reason))
            }
            Action::Wait => (AnswerOutcome::Waits, format!("waits on: {reason}"), Word::Waits(reason)),
            // The others were refused by the validator.
            _ => {
                let how = format!("rejected: {reason}");
                let stop = Stop { by: StoppedBy::Request, reason: how.clone() };
                (AnswerOutcome::Rejected, how, Word::Rejected(Halt::Stopped(stop)))
            }
        };
        self.scribe.reply(ticket, &self.id, outcome, None);
        self.scribe.close(&self.id, &how);
        Some(word)
    }

    /// Closes the question: it has settled itself, or the run ends. `how` is for whoever answers it too late.
    pub fn close(self, how: &str) {
        self.scribe.close(&self.id, how);
    }
}

impl<W: Process> Saga<W> {
    /// Asks a person whether the run may go on, and waits for the answer until the deadline. Returns why it may.
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the answer was no, the deadline passed, or the run was stopped.
    pub async fn decide(&self, decision: Decision) -> Result<String, Halt> {
        let (step, patience) = (decision.step, decision.patience);
        self.scribe.mark(step, StepStatus::Asking, Some(&decision.reason));
        let late = format!("nobody answered within {patience:?}: {}", decision.reason);
        let id = self.scribe.ask(decision.question(self));
        let summary = format!("{step}: approve or reject");
        let answered = self.within(patience, &summary, &late, self.next_answer(&id)).await;
        let answered = match answered {
            // The run is stopped in the same moment: nobody is told that it goes on.
            Ok((ticket, _)) if self.forward.is_cancelled() => {
                let stopped = self.stopped();
                let why = Some(stopped.ending().reason);
                self.scribe.reply(ticket, &id, AnswerOutcome::AlreadyAnswered, why);
                Err(stopped)
            }
            answered => answered,
        };
        match answered {
            Ok((ticket, Answer { action: Action::Approve, reason, .. })) => {
                let words = format!("approved: {reason}");
                self.scribe.reply(ticket, &id, AnswerOutcome::Approved, None);
                self.scribe.close(&id, &words);
                self.scribe.mark(step, StepStatus::Completed, Some(&words));
                Ok(reason)
            }
            Ok((ticket, Answer { reason, .. })) => {
                let words = format!("rejected: {reason}");
                self.scribe.reply(ticket, &id, AnswerOutcome::Rejected, None);
                self.scribe.close(&id, &words);
                self.scribe.mark(step, StepStatus::Failed, Some(&words));
                Err(Halt::Stopped(Stop { by: StoppedBy::Request, reason: words }))
            }
            Err(halt) => {
                let why = halt.ending().reason;
                let is_cancelled = matches!(&halt, Halt::Stopped(stop) if stop.by == StoppedBy::Temporal);
                let status = if is_cancelled { StepStatus::Stopped } else { StepStatus::Failed };
                self.scribe.close(&id, &why);
                self.scribe.mark(step, status, Some(&why));
                Err(halt)
            }
        }
    }

    async fn next_answer(&self, id: &str) -> Result<(u64, Answer), Halt> {
        let options = WaitConditionOptions::builder().cancellation_token(self.forward.clone()).build();
        let is_answered = |w: &W| w.saga().people.has_answer(id);
        if self.ctx.wait_condition_with_options(is_answered, options).await.is_err() {
            return Err(self.stopped());
        }
        self.scribe.change(|saga| saga.people.next_answer(id)).ok_or_else(|| self.stopped())
    }
}
