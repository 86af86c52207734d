//! Whether a run may go on: a person decides.

use std::time::Duration;

use temporalio_workflow::WaitConditionOptions;

use super::people::{Action, Answer, AnswerOutcome, Choice, Fact, Question, Subject, SubjectKind};
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

impl<W: Process> Saga<W> {
    /// Asks a person whether the run may go on, and waits for the answer until the deadline. Returns why it may.
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the answer was no, the deadline passed, or the run was stopped.
    pub async fn decide(&self, decision: Decision) -> Result<String, Halt> {
        let Decision { step, cause, reason, facts, approve, reject, patience } = decision;
        self.scribe.mark(step, StepStatus::Asking, Some(&reason));
        let now = timestamp(self.ctx.workflow_time());
        let late = format!("nobody answered within {patience:?}: {reason}");
        let id = self.scribe.ask(Question {
            id: String::new(),
            about: Subject { kind: SubjectKind::Decision, step: step.to_owned(), part: None },
            cause: cause.to_owned(),
            reason,
            since: None,
            deadline: now.and_then(|now| now.checked_add(patience).ok()),
            facts,
            answers: vec![
                Choice { action: Action::Approve, effect: approve },
                Choice { action: Action::Reject, effect: reject },
            ],
            hands_off: false,
        });
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
