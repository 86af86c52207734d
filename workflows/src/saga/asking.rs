//! The time while a question about an effect is open: answers are acted on, and an effect that got no answer is tried
//! on.
//!
//! An effect that got *no answer* from its system is tried on, slowly and without end, as one activity that costs no
//! events while it waits (a refund as one for each round, about ten a day); its success closes the question. An effect
//! that was *refused* is not: somebody who does it by hand could be doubled by a try in between, and a refund that came
//! back would come back again. A read that was refused, because two payments hold money, is: it changes nothing, and
//! closes the question when there is nothing left to decide. A person's answer always wins, also against another
//! person's `retry`: the try under way is ended, and its outcome awaited, before the answer is acted on.
//!
//! News that the run hears meanwhile does not wait in silence ([`Heed`]): the question says it, or is over.

mod heed;

use std::task::Poll;

use temporalio_workflow::WorkflowCancellationToken as Token;

use super::failure::NO_ANSWER;
use super::people::{Action, Answer, AnswerOutcome, Choice, Question, Subject, SubjectKind};
use super::scribe::Scribe;
use super::updates::never;
use super::{LocalFuture, Process};
use crate::report::{StepSpec, StepStatus};
pub use heed::Heed;
pub(super) use heed::Heeding;

/// How an effect is brought about while somebody is asked about it. `Fn`, not a future: it may run more than once.
pub(super) struct Tries<T> {
    /// Once more with full patience, or until the token is cancelled.
    pub(super) patient: Try<T>,
    /// Once more because a person says so, who waits for the outcome; `None`: as patiently as by itself.
    pub(super) told: Option<Try<T>>,
    /// On and on, until it goes through, is refused, its round is over, or the token is cancelled. `None` where nothing
    /// may be tried before somebody has said so.
    pub(super) endless: Option<Try<T>>,
    /// Whether it is a read, which changes nothing: it is tried on although it was refused, and can be done twice.
    pub(super) is_read: bool,
}

pub(super) type Try<T> = Box<dyn Fn(Token) -> LocalFuture<Result<T, Unsettled>>>;

/// Why an effect is not there.
#[derive(Clone, Debug)]
pub(super) struct Unsettled {
    /// In words.
    pub(super) reason: String,
    /// A short code, for people who look at many.
    pub(super) cause: String,
    /// Whether the outside system will not have it, now or later.
    pub(super) is_refused: bool,
    /// Whether the outside system answered at all: it is there, and another try may well bring the same.
    pub(super) is_answered: bool,
    /// Whether it may be there all the same: the last request got no answer.
    pub(super) may_be_there: bool,
}

impl Unsettled {
    /// Nothing was tried: a person is asked first.
    pub(super) fn untried(cause: &str, news: &str) -> Self {
        let (reason, cause) = (news.to_owned(), cause.to_owned());
        Self { reason, cause, is_refused: true, is_answered: true, may_be_there: false }
    }

    /// Whether the system repeats for ever, under this key, that nobody knows what became of it.
    pub(super) fn is_repeated(&self) -> bool {
        self.is_refused && self.may_be_there
    }

    /// The same for what will be sent under another key: it counts as no answer.
    pub(super) fn without_answer(self) -> Self {
        Self { cause: NO_ANSWER.to_owned(), is_refused: false, is_answered: false, ..self }
    }
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
    /// Somebody keeps it, and all that it needs; why.
    Kept(String),
    /// Nobody answered before the question was over ([`Heed::Over`]).
    Overtaken {
        /// Whether somebody was doing it by hand.
        by_hand: bool,
    },
}

/// The matter of a question about an effect.
#[derive(Clone, Copy)]
pub(super) struct Matter {
    pub(super) kind: SubjectKind,
    pub(super) spec: StepSpec,
    pub(super) part: Option<&'static str>,
    /// Whether everything that it needs is still there, so that it can be kept.
    pub(super) can_be_kept: bool,
}

impl Matter {
    fn question(self, unsettled: &Unsettled) -> Question {
        let Self { kind, spec, part, can_be_kept } = self;
        let effect = if kind == SubjectKind::Undo && !spec.undo.is_empty() { spec.undo } else { spec.words };
        let left = if spec.left.is_empty() { "it stays as it is" } else { spec.left };
        let choice = |action, effect: String| Choice { action, effect };
        let mut answers = vec![
            choice(Action::Retry, format!("tried again now: {effect}")),
            choice(
                Action::HandsOff,
                format!("nothing is tried while you do it by hand ({effect}); the question stays open"),
            ),
            choice(Action::DoneByHand, format!("nothing is sent: you did it by hand ({effect})")),
            choice(Action::Leave, format!("nothing is sent: {left}")),
        ];
        if can_be_kept && !spec.kept.is_empty() {
            answers.push(choice(Action::Keep, spec.kept.to_owned()));
        }
        Question {
            id: String::new(),
            about: Subject { kind, step: spec.name.to_owned(), part: part.map(str::to_owned) },
            cause: unsettled.cause.clone(),
            reason: unsettled.reason.clone(),
            since: None,
            deadline: None,
            facts: Vec::new(),
            answers,
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

const TWICE: &str = "a try that was under way went through as well: look whether it was done twice";
const EARLIER: &str =
    "an earlier try may have gone through although its answer was lost: look before you do it by hand";
const UNKNOWN: &str = "a try that was under way got no answer: look whether it went through";

enum Heard<T> {
    Answer(u64, Answer),
    /// With the ticket of whoever asked for the try.
    Tried(Option<u64>, Result<T, Unsettled>),
    News(Heed),
}

/// A question that is open.
struct Open<W, T> {
    scribe: Scribe<W>,
    matter: Matter,
    id: String,
    tries: Tries<T>,
    trying: Option<Trying<T>>,
    heeding: Option<Heeding<W>>,
    /// The question's words about it.
    heeded: Heed,
}

/// A try under way.
struct Trying<T> {
    /// Ends it.
    token: Token,
    outcome: LocalFuture<Result<T, Unsettled>>,
    /// The ticket of whoever asked for it; `None`: it is tried on by itself.
    asked_for: Option<u64>,
}

/// The outcome of a try that was ended for an answer.
enum Meanwhile<T> {
    /// Nothing was under way, or nothing could have come of it.
    Nothing,
    /// It was tried on by itself, and ended between two attempts. None of them is known to have gone through.
    Between,
    /// It went through.
    Done(T),
    /// It was under way and got no answer.
    Unknown,
}

/// Asks about an effect; the question stands when this returns. The future ends when the effect is settled.
pub(super) fn ask<W: Process, T: 'static>(
    scribe: Scribe<W>,
    matter: Matter,
    unsettled: &Unsettled,
    tries: Tries<T>,
    heeding: Option<Heeding<W>>,
) -> LocalFuture<Settled<T>> {
    scribe.mark_part(matter.spec.name, matter.part, matter.asking(), Some(&unsettled.reason));
    let id = scribe.ask(matter.question(unsettled));
    let is_refused = unsettled.is_refused;
    let mut open = Open { scribe, matter, id, tries, trying: None, heeding, heeded: Heed::Nothing };
    Box::pin(async move {
        if !is_refused || open.tries.is_read {
            open.try_on();
        }
        open.until_settled().await
    })
}

impl<W: Process, T: 'static> Open<W, T> {
    fn try_on(&mut self) {
        let token = Token::new();
        let outcome = self.tries.endless.as_ref().map(|endless| endless(token.clone()));
        self.trying = outcome.map(|outcome| Trying { token, outcome, asked_for: None });
    }

    async fn until_settled(&mut self) -> Settled<T> {
        loop {
            let settled = match self.listen().await {
                Heard::Tried(asked_for, tried) => self.tried(asked_for, tried),
                Heard::Answer(ticket, answer) => self.act_on(ticket, answer).await,
                Heard::News(heed) => self.heed(heed).await,
            };
            if let Some(settled) = settled {
                return settled;
            }
        }
    }

    /// Waits for an answer, for news, and for the try under way; of several at once the answer counts.
    async fn listen(&mut self) -> Heard<T> {
        let (id, heeding, heeded) = (self.id.clone(), self.heeding.clone(), self.heeded.clone());
        let news = move |w: &W| heeding.as_ref().map(|heeding| heeding(w)).filter(|heed| *heed != heeded);
        let is_called = {
            let news = news.clone();
            move |w: &W| w.saga().people.has_answer(&id) || news(w).is_some()
        };
        let mut called = Box::pin(self.scribe.ctx.wait_condition_with_options(is_called, never()));
        std::future::poll_fn(|cx| {
            if called.as_mut().poll(cx).is_ready() {
                if let Some((ticket, answer)) = self.scribe.change(|saga| saga.people.next_answer(&self.id)) {
                    return Poll::Ready(Heard::Answer(ticket, answer));
                }
                if let Some(heed) = self.scribe.ctx.state(&news) {
                    return Poll::Ready(Heard::News(heed));
                }
            }
            let Some(trying) = &mut self.trying else { return Poll::Pending };
            let Poll::Ready(tried) = trying.outcome.as_mut().poll(cx) else { return Poll::Pending };
            let asked_for = trying.asked_for;
            self.trying = None;
            Poll::Ready(Heard::Tried(asked_for, tried))
        })
        .await
    }

    /// A try came to its end by itself.
    fn tried(&mut self, asked_for: Option<u64>, tried: Result<T, Unsettled>) -> Option<Settled<T>> {
        match (tried, asked_for) {
            (Ok(done), Some(ticket)) => {
                self.settle(ticket, AnswerOutcome::Done, "it was tried again and went through", None);
                Some(Settled::Done(done))
            }
            (Ok(done), None) => {
                let how = match self.tries.is_read {
                    true => "there is nothing left to decide",
                    false => "it went through by itself meanwhile",
                };
                self.scribe.close(&self.id, how);
                Some(Settled::Done(done))
            }
            (Err(unsettled), asked_for) => {
                self.note_failure(&unsettled);
                if let Some(ticket) = asked_for {
                    let why = Some(unsettled.reason.clone());
                    self.scribe.reply(ticket, &self.id, AnswerOutcome::FailedAgain, why);
                }
                // The tries beside the question end by a refusal, or with their round; those of a read, which a person
                // had read in between, go on.
                if !unsettled.is_refused || self.tries.is_read && asked_for.is_some() {
                    self.try_on();
                }
                None
            }
        }
    }

    /// Ends the try under way, and awaits its outcome: the effect may be there by now. The person who asked for the try
    /// is told why.
    async fn stop_trying(&mut self, why: String) -> Meanwhile<T> {
        let Some(Trying { token, outcome, asked_for }) = self.trying.take() else {
            return Meanwhile::Nothing;
        };
        token.cancel();
        let tried = outcome.await;
        if let Some(ticket) = asked_for {
            let (outcome, detail) = match &tried {
                Ok(_) => (AnswerOutcome::Done, None),
                Err(_) => (AnswerOutcome::AlreadyAnswered, Some(why)),
            };
            self.scribe.reply(ticket, &self.id, outcome, detail);
        }
        match tried {
            Ok(done) => Meanwhile::Done(done),
            Err(_) if self.tries.is_read => Meanwhile::Nothing,
            Err(unsettled) if unsettled.may_be_there => Meanwhile::Unknown,
            Err(_) if asked_for.is_none() => Meanwhile::Between,
            Err(_) => Meanwhile::Nothing,
        }
    }

    /// Acts on an answer; says how that settles the matter, if it does.
    async fn act_on(&mut self, ticket: u64, answer: Answer) -> Option<Settled<T>> {
        let why = format!("somebody answered {} meanwhile", answer.action.name());
        let meanwhile = self.stop_trying(why).await;
        let warning = match &meanwhile {
            Meanwhile::Nothing | Meanwhile::Between => None,
            Meanwhile::Done(_) => (!self.tries.is_read).then_some(TWICE),
            Meanwhile::Unknown => Some(UNKNOWN),
        };
        let is_between = matches!(meanwhile, Meanwhile::Between);
        let Answer { action, reason, .. } = answer;
        let outcome = match (action, meanwhile) {
            (Action::DoneByHand, _) => AnswerOutcome::DoneByHand,
            (_, Meanwhile::Done(done)) => {
                let detail = "a try that was under way went through: nothing is left to do";
                self.settle(ticket, AnswerOutcome::Done, detail, Some(detail.to_owned()));
                return Some(Settled::Done(done));
            }
            (Action::Leave, _) => AnswerOutcome::Left,
            (Action::Keep, _) => AnswerOutcome::Kept,
            (Action::Retry, _) => {
                self.retry(ticket);
                return None;
            }
            // Those that a question about an effect does not take were refused by the validator.
            (Action::HandsOff | Action::Approve | Action::Reject | Action::Wait, _) => {
                AnswerOutcome::HandsOff
            }
        };
        // The person's word stands, and the world is said as it is.
        if let Some(warning) = warning {
            self.scribe.change(|saga| saga.report.notes.push(format!("{}: {warning}", self.id)));
        }
        let detail = warning.or(is_between.then_some(EARLIER)).map(str::to_owned);
        if outcome == AnswerOutcome::HandsOff {
            self.scribe.amend(&self.id, |question| question.hands_off = true);
            self.scribe.reply(ticket, &self.id, outcome, detail);
            return None;
        }
        self.settle(ticket, outcome, &format!("{}: {reason}", outcome.words()), detail);
        Some(match outcome {
            AnswerOutcome::Left => Settled::Left(reason),
            AnswerOutcome::Kept => Settled::Kept(reason),
            _ => Settled::ByHand(reason),
        })
    }

    /// Tries once more, because a person says so. The question goes on listening: somebody else may answer meanwhile.
    fn retry(&mut self, ticket: u64) {
        self.scribe.amend(&self.id, |question| question.hands_off = false);
        let token = Token::new();
        let outcome = self.tries.told.as_ref().unwrap_or(&self.tries.patient)(token.clone());
        self.trying = Some(Trying { token, outcome, asked_for: Some(ticket) });
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
