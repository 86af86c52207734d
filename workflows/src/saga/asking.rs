//! What happens while a question about an effect is open: answers are acted on, and what got no answer is tried on.
//!
//! What got *no answer* from its system is tried on, slowly and without end, as one activity that costs no events while it
//! waits; its success closes the question. What was *refused* is not: somebody who does it by hand could be doubled by a
//! try in between, and a refund that came back would come back again. A person's answer always wins: the try under way is
//! ended, and its outcome awaited, before the answer is acted on.

use std::task::Poll;

use temporalio_workflow::WorkflowCancellationToken as Token;

use super::people::{Action, Answer, AnswerOutcome, Choice, Question, Subject, SubjectKind};
use super::scribe::Scribe;
use super::updates::never;
use super::{LocalFuture, Process};
use crate::report::{StepSpec, StepStatus};

/// How an effect is brought about while somebody is asked about it. `Fn`, not a future: it may run more than once.
pub(super) struct Tries<T> {
    /// Once more with full patience.
    pub(super) patient: Try<T>,
    /// On and on, until it goes through, is refused, or the token is cancelled. `None` where nothing may be tried before
    /// somebody has said so.
    pub(super) endless: Option<Endless<T>>,
}

pub(super) type Try<T> = Box<dyn Fn() -> LocalFuture<Result<T, Unsettled>>>;
pub(super) type Endless<T> = Box<dyn Fn(Token) -> LocalFuture<Result<T, Unsettled>>>;

/// Why an effect is not there.
#[derive(Clone, Debug)]
pub(super) struct Unsettled {
    /// In words.
    pub(super) reason: String,
    /// A short code, for people who look at many.
    pub(super) cause: String,
    /// Whether the outside system will not have it, now or later.
    pub(super) is_refused: bool,
}

/// How an effect that somebody was asked about was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled<T> {
    /// It is there, by a try.
    Done(T),
    /// Somebody did it by hand; why.
    ByHand(String),
    /// Somebody left it; why.
    Left(String),
}

/// The matter of a question about an effect.
#[derive(Clone, Copy)]
pub(super) struct Matter {
    pub(super) kind: SubjectKind,
    pub(super) spec: StepSpec,
    pub(super) part: Option<&'static str>,
}

impl Matter {
    fn question(self, unsettled: &Unsettled) -> Question {
        let Self { kind, spec, part } = self;
        let effect = if kind == SubjectKind::Undo && !spec.undo.is_empty() { spec.undo } else { spec.words };
        let left = if spec.left.is_empty() { "it stays as it is" } else { spec.left };
        let choice = |action, effect: String| Choice { action, effect };
        Question {
            id: String::new(),
            about: Subject { kind, step: spec.name.to_owned(), part: part.map(str::to_owned) },
            cause: unsettled.cause.clone(),
            reason: unsettled.reason.clone(),
            since: None,
            deadline: None,
            facts: Vec::new(),
            answers: vec![
                choice(Action::Retry, format!("tried again now: {effect}")),
                choice(
                    Action::HandsOff,
                    format!("nothing is tried while you do it by hand ({effect}); the question stays open"),
                ),
                choice(Action::DoneByHand, format!("nothing is sent: you did it by hand ({effect})")),
                choice(Action::Leave, format!("nothing is sent: {left}")),
            ],
            hands_off: false,
        }
    }

    /// The status of the step while somebody is asked.
    fn asking(self) -> StepStatus {
        match self.kind {
            SubjectKind::Undo => StepStatus::UndoStuck,
            SubjectKind::Step | SubjectKind::Decision => StepStatus::Asking,
        }
    }
}

enum Heard<T> {
    Answer(u64, Answer),
    Tried(Result<T, Unsettled>),
}

/// A question that is open.
struct Open<W, T> {
    scribe: Scribe<W>,
    matter: Matter,
    id: String,
    tries: Tries<T>,
    /// The endless try under way, with what ends it.
    trying: Option<(Token, LocalFuture<Result<T, Unsettled>>)>,
}

/// Asks about an effect; the question stands when this returns. The future ends when the effect is settled.
pub(super) fn ask<W: Process, T: 'static>(
    scribe: Scribe<W>,
    matter: Matter,
    unsettled: &Unsettled,
    tries: Tries<T>,
) -> LocalFuture<Settled<T>> {
    scribe.mark_part(matter.spec.name, matter.part, matter.asking(), Some(&unsettled.reason));
    let id = scribe.ask(matter.question(unsettled));
    let is_refused = unsettled.is_refused;
    let mut open = Open { scribe, matter, id, tries, trying: None };
    Box::pin(async move {
        if !is_refused {
            open.try_on();
        }
        open.until_settled().await
    })
}

impl<W: Process, T: 'static> Open<W, T> {
    fn try_on(&mut self) {
        let Some(endless) = &self.tries.endless else { return };
        let token = Token::new();
        self.trying = Some((token.clone(), endless(token)));
    }

    async fn until_settled(&mut self) -> Settled<T> {
        loop {
            match self.listen().await {
                Heard::Tried(Ok(done)) => {
                    self.scribe.close(&self.id, "it went through by itself meanwhile");
                    return Settled::Done(done);
                }
                Heard::Tried(Err(unsettled)) => self.note_failure(&unsettled),
                Heard::Answer(ticket, answer) => {
                    if let Some(settled) = self.act_on(ticket, answer).await {
                        return settled;
                    }
                }
            }
        }
    }

    /// Waits for an answer, and for the try under way; of two at once the answer counts.
    async fn listen(&mut self) -> Heard<T> {
        let id = self.id.clone();
        let mut answer = Box::pin(
            self.scribe
                .ctx
                .wait_condition_with_options(move |w: &W| w.saga().people.has_answer(&id), never()),
        );
        std::future::poll_fn(|cx| {
            if answer.as_mut().poll(cx).is_ready()
                && let Some((ticket, answer)) = self.scribe.change(|saga| saga.people.next_answer(&self.id))
            {
                return Poll::Ready(Heard::Answer(ticket, answer));
            }
            let Some((_, trying)) = &mut self.trying else { return Poll::Pending };
            match trying.as_mut().poll(cx) {
                Poll::Ready(tried) => {
                    self.trying = None;
                    Poll::Ready(Heard::Tried(tried))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Ends the try under way and awaits its outcome: the effect may be there by now.
    async fn stop_trying(&mut self) -> Option<T> {
        let (token, trying) = self.trying.take()?;
        token.cancel();
        trying.await.ok()
    }

    /// Acts on an answer; says how that settles the matter, if it does.
    async fn act_on(&mut self, ticket: u64, answer: Answer) -> Option<Settled<T>> {
        let Answer { action, reason, .. } = answer;
        let meanwhile = self.stop_trying().await;
        match (action, meanwhile) {
            (Action::DoneByHand, None) => {
                self.settle(ticket, AnswerOutcome::DoneByHand, &format!("done by hand: {reason}"), None);
                Some(Settled::ByHand(reason))
            }
            // Both happened. The person's word stands, and the world is said as it is.
            (Action::DoneByHand, Some(_)) => {
                let twice = "a try that was under way went through as well: look whether it was done twice";
                self.scribe.change(|saga| saga.report.notes.push(format!("{}: {twice}", self.id)));
                let detail = Some(twice.to_owned());
                self.settle(ticket, AnswerOutcome::DoneByHand, &format!("done by hand: {reason}"), detail);
                Some(Settled::ByHand(reason))
            }
            (_, Some(done)) => {
                let detail = "a try that was under way went through: nothing is left to do";
                self.settle(ticket, AnswerOutcome::Done, detail, Some(detail.to_owned()));
                Some(Settled::Done(done))
            }
            (Action::Leave, None) => {
                self.settle(ticket, AnswerOutcome::Left, &format!("left: {reason}"), None);
                Some(Settled::Left(reason))
            }
            (Action::Retry, None) => self.retry(ticket).await,
            // Those that a question about an effect does not take were refused by the validator.
            (Action::HandsOff | Action::Approve | Action::Reject, None) => {
                self.scribe.amend(&self.id, |question| question.hands_off = true);
                self.scribe.reply(ticket, &self.id, AnswerOutcome::HandsOff, None);
                None
            }
        }
    }

    async fn retry(&mut self, ticket: u64) -> Option<Settled<T>> {
        match (self.tries.patient)().await {
            Ok(done) => {
                self.settle(ticket, AnswerOutcome::Done, "it was tried again and went through", None);
                Some(Settled::Done(done))
            }
            Err(unsettled) => {
                self.note_failure(&unsettled);
                self.scribe.amend(&self.id, |question| question.hands_off = false);
                let why = Some(unsettled.reason.clone());
                self.scribe.reply(ticket, &self.id, AnswerOutcome::FailedAgain, why);
                if !unsettled.is_refused {
                    self.try_on();
                }
                None
            }
        }
    }

    fn note_failure(&self, unsettled: &Unsettled) {
        let (step, part, status) = (self.matter.spec.name, self.matter.part, self.matter.asking());
        self.scribe.mark_part(step, part, status, Some(&unsettled.reason));
        self.scribe.amend(&self.id, |question| {
            question.reason.clone_from(&unsettled.reason);
            question.cause.clone_from(&unsettled.cause);
        });
    }

    fn settle(&self, ticket: u64, outcome: AnswerOutcome, how: &str, detail: Option<String>) {
        self.scribe.reply(ticket, &self.id, outcome, detail);
        self.scribe.close(&self.id, how);
    }
}
