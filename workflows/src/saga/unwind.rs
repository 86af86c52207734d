//! The way back: undos newest first, past failed ones; a person is asked about what stuck.

mod questions;
mod reading;

use std::cell::RefCell;
use std::rc::Rc;

use contracts::rounds::Tried;
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{WorkflowCancellationToken as Token, WorkflowContext};

use super::asking::{Heed, Heeding, Matter, Settled, Tries, Try, Unsettled, ask};
use super::failure::unsettled;
use super::people::SubjectKind;
use super::scribe::Scribe;
use super::state::Phase;
use super::tries::Effect;
use super::updates::never;
use super::{LocalFuture, Process, Saga, Step};
use crate::policy::{self, Policy};
use crate::report::{StepSpec, StepStatus, UndoOutcome};
pub(super) use questions::Questions;

/// How one step, or one part of it, is undone.
pub(super) struct Undo {
    step: &'static str,
    part: Option<&'static str>,
    tries: Tries<()>,
    /// The question to a person, where one must be answered before it runs at all.
    first: Option<Unsettled>,
}

impl Undo {
    /// An undo that is not an activity: it is tried when somebody says so, never by itself a second time.
    pub(super) fn by(step: &'static str, part: Option<&'static str>, run: Try<()>) -> Self {
        Self {
            step,
            part,
            tries: Tries { patient: run, told: None, endless: None, is_read: false },
            first: None,
        }
    }

    pub(super) fn by_activity<W, U>(
        ctx: &WorkflowContext<W>,
        step: &'static str,
        part: Option<&'static str>,
        undo: U,
        input: U::Input,
    ) -> Self
    where
        W: Process,
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        Self::by_policy(ctx, (step, part), undo, input, policy::undo())
    }

    pub(super) fn by_policy<W, U>(
        ctx: &WorkflowContext<W>,
        (step, part): (&'static str, Option<&'static str>),
        undo: U,
        input: U::Input,
        policy: Policy,
    ) -> Self
    where
        W: Process,
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        let effect = Effect {
            ctx: ctx.clone(),
            step,
            summary: format!("undo {}", name(step, part)),
            activity: Rc::new(undo),
            input,
        };
        Self { step, part, tries: effect.tries(policy), first: None }
    }

    pub(super) fn is_of(&self, step: &str) -> bool {
        self.step == step && self.part.is_none()
    }
}

fn name(step: &str, part: Option<&str>) -> String {
    part.map_or_else(|| step.to_owned(), |part| format!("{step}/{part}"))
}

impl<W, A: ActivityDefinition> Step<'_, W, A> {
    /// Gives the undo a policy of its own: one that goes through thousands of rows is bulk work.
    pub fn undo_with(mut self, policy: Policy) -> Self {
        self.undo_policy = policy;
        self
    }
}

/// The way back of one run, for a process that has something of its own to do on it ([`super::WayBack`]).
pub struct Back<'s, W> {
    saga: &'s Saga<W>,
    /// A step, and what the run hears while a person is asked about its undo.
    heeding: RefCell<Option<(&'static str, Heeding<W>)>>,
}

impl<'s, W: Process> Back<'s, W> {
    pub(super) fn of(saga: &'s Saga<W>) -> Self {
        Self { saga, heeding: RefCell::default() }
    }

    /// Says to a person who is asked about the undo of a step what the run has heard since ([`Heed::News`]).
    pub fn heeding(&self, step: &'static str, heed: impl Fn(&W) -> Heed + 'static) {
        let heed: Heeding<W> = Rc::new(heed);
        self.heeding.replace(Some((step, heed)));
    }

    /// The workflow's context.
    #[must_use]
    pub fn ctx(&self) -> &WorkflowContext<W> {
        self.saga.ctx()
    }

    /// Whether something may have happened that is to be undone.
    #[must_use]
    pub fn has_undos(&self) -> bool {
        !self.saga.undos.borrow().is_empty()
    }

    /// Whether a step has begun that is to be undone.
    #[must_use]
    pub fn has_undo_of(&self, step: &str) -> bool {
        self.saga.undos.borrow().iter().any(|undo| undo.is_of(step))
    }

    /// Adds what has to be done after every other undo.
    pub fn undo_last<U>(&self, step: &'static str, undo: U, input: U::Input)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        self.undo_last_with(step, undo, input, policy::undo());
    }

    /// The same with a policy of its own: telling the platform how the order ended.
    pub fn undo_last_with<U>(&self, step: &'static str, undo: U, input: U::Input, policy: Policy)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        let undo = Undo::by_policy(self.saga.ctx(), (step, None), undo, input, policy);
        self.saga.undos.borrow_mut().insert(0, undo);
    }

    /// An undo that is registered knows more by now.
    pub fn amend_undo<U>(&self, step: &'static str, undo: U, input: U::Input)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        if self.saga.undos.borrow().iter().any(|registered| registered.is_of(step)) {
            self.saga.amend_undo(step, undo, input);
        }
    }

    /// As [`Back::undo_last`], for an undo that a person has decided about before: asks again, because of this news,
    /// before anything is done.
    pub fn ask_last<U>(&self, step: &'static str, undo: U, input: U::Input, cause: &str, news: &str)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        let mut undo = Undo::by_activity(self.saga.ctx(), step, None, undo, input);
        undo.first = Some(Unsettled::untried(cause, news));
        self.saga.undos.borrow_mut().insert(0, undo);
    }

    /// Leaves a step alone that has said that it did nothing: there is nothing of it to undo, and nothing to claim.
    pub fn leave_alone(&self, step: &'static str) {
        self.saga.undos.borrow_mut().retain(|undo| !undo.is_of(step));
    }

    /// Notes something in the report, such as what an undo could not take back.
    pub fn note(&self, words: String) {
        self.saga.scribe.change(|saga| saga.report.notes.push(words));
    }

    /// Notes a finding of a step in the report, for other books.
    pub fn fact(&self, step: &'static str, name: &str, value: String) {
        self.saga.scribe.change(|saga| saga.report.note_fact(step, name, value));
    }

    /// Notes what an undo could not take back and nobody is asked about: the run did not undo everything.
    pub fn left(&self, what: &str, reason: &str) {
        self.saga.scribe.change(|saga| saga.report.note_left(what, None, reason));
    }

    /// Whether a person decided about the undo of a step: somebody did it by hand, or it was left standing.
    #[must_use]
    pub fn was_decided(&self, step: &str) -> bool {
        self.saga.scribe.state(|saga| saga.report.was_decided(step))
    }

    /// Whether a person keeps what could not be undone: nothing more goes back.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.saga.scribe.state(|saga| saga.is_kept)
    }

    /// Undoes everything that may have happened, newest first. Returns when nothing is left to undo, which may take a
    /// person's answer. No cancel reaches it; terminating the run would leave effects standing.
    ///
    /// An undo that sticks holds up no other, unless its step says so ([`StepSpec::holds_up_others`]) and the system
    /// has refused: then a person decides first.
    pub async fn undo_all(&self) {
        self.undo_until(|_| false).await;
    }

    /// As [`Back::undo_all`]; when all that is missing is a person's answer, returns for news, too. Called again, it
    /// goes on waiting for that answer.
    pub async fn undo_until(&self, has_news: impl Fn(&W) -> bool) {
        self.try_undos().await;
        let saga = self.saga;
        saga.questions.until_answered(saga.ctx.wait_condition_with_options(has_news, never())).await;
    }

    /// Tries every undo, newest first. Returns when each has gone through, or somebody is asked about it.
    pub async fn try_undos(&self) {
        let saga = self.saga;
        saga.scribe.change(|state| state.phase = Phase::Unwinding);
        loop {
            let Some(undo) = saga.undos.borrow_mut().pop() else { break };
            let asked = match &undo.first {
                Some(news) => Err(news.clone()),
                None => saga.questions.meanwhile((undo.tries.patient)(Token::new())).await,
            };
            match asked {
                Ok(()) => note(&saga.scribe, undo.step, undo.part, UndoOutcome::Undone, None),
                Err(unsettled) => self.ask(undo, unsettled).await,
            }
        }
    }

    /// Tells an outside system how the run ends early: nobody can stop that, and an outage that outlasts its patience
    /// is noted in the report instead of hiding why the run ended. Returns the answer, if there was one.
    pub async fn tell<A>(
        &self,
        name: &'static str,
        what: &str,
        activity: A,
        input: A::Input,
        policy: Policy,
    ) -> Option<A::Output>
    where
        A: ActivityDefinition + 'static,
    {
        let scribe = &self.saga.scribe;
        scribe.mark(name, StepStatus::Running, None);
        let mut options = policy.regular(format!("{name}: {what}"), Token::new());
        options.task_queue = policy.task_queue(self.ctx().task_queue());
        match self.ctx().execute_activity(activity, input, options).await {
            Ok(answer) => {
                scribe.mark(name, StepStatus::Completed, Some(what));
                Some(answer)
            }
            Err(error) => {
                let words = format!("{what}: {}", unsettled(&error).reason);
                scribe.mark(name, StepStatus::Failed, Some(&words));
                None
            }
        }
    }

    /// Adds something that runs beside the undos; the way back ends when it has ended.
    pub(super) fn add(&self, beside: LocalFuture<()>) {
        self.saga.questions.add(beside);
    }

    pub(super) fn scribe(&self) -> Scribe<W> {
        self.saga.scribe.clone()
    }

    /// Asks about an undo that stuck; waits for the answer only where it decides about the others.
    async fn ask(&self, undo: Undo, unsettled: Unsettled) {
        let Undo { step, part, tries, first } = undo;
        let scribe = self.saga.scribe.clone();
        if first.is_none()
            && !scribe.ctx.is_replaying()
            && let Some(observer) = crate::observe::observer()
        {
            observer.undo_failed(W::NAME, scribe.ctx.workflow_id(), step, &unsettled.reason);
        }
        let spec = spec_of::<W>(step);
        let decides = first.is_none() && unsettled.is_answered && spec.holds_up_others;
        let matter = Matter { kind: SubjectKind::Undo, spec, part, can_be_kept: decides };
        let heeding = self.heeding.borrow().clone().filter(|(heeds, _)| *heeds == step && part.is_none());
        let heeding = heeding.map(|(_, heeding)| heeding);
        let settled = ask(scribe.clone(), matter, &unsettled, tries, heeding);
        let noted = async move {
            let (outcome, reason) = match settled.await {
                Settled::Done(()) => (UndoOutcome::Undone, None),
                Settled::ByHand(reason) => (UndoOutcome::DoneByHand, Some(reason)),
                Settled::Left(reason) => {
                    if spec.holds_up_others {
                        // The others were undone all the same, which may be true on paper only.
                        let note = format!("{} was left: {}", name(step, part), spec.left);
                        scribe.change(|saga| saga.report.notes.push(note));
                    }
                    (UndoOutcome::Left, Some(reason))
                }
                Settled::Kept(reason) => {
                    scribe.mark_part(step, part, StepStatus::Resolved, Some(&format!("kept: {reason}")));
                    return scribe.change(|saga| saga.keep(step, &reason));
                }
                // Only for a question that heeds something else.
                Settled::Overtaken { .. } => return,
            };
            note(&scribe, step, part, outcome, reason);
        };
        if decides {
            self.saga.questions.meanwhile(noted).await;
            if self.is_kept() {
                // The effects that it needs stay.
                self.saga.undos.borrow_mut().clear();
            }
        } else {
            self.saga.questions.add(Box::pin(noted));
        }
    }
}

/// How patient the undo of a step is. While others wait for it, no later answer may hide that it was refused.
pub(super) fn undo_policy<W: Process>(step: &'static str, policy: Policy) -> Policy {
    if spec_of::<W>(step).holds_up_others { policy.refusal_is_final() } else { policy }
}

/// Notes what became of an undo.
fn note<W: Process>(
    scribe: &Scribe<W>,
    step: &'static str,
    part: Option<&'static str>,
    outcome: UndoOutcome,
    reason: Option<String>,
) {
    let status = match outcome {
        UndoOutcome::Undone => StepStatus::Undone,
        UndoOutcome::DoneByHand => StepStatus::Resolved,
        UndoOutcome::Left => StepStatus::LeftStanding,
    };
    let detail = reason.as_ref().map(|reason| format!("{}: {reason}", outcome.words()));
    scribe.mark_part(step, part, status, detail.as_deref());
    scribe.change(|saga| saga.report.note_undo(name(step, part), outcome, reason));
}

/// A step as its process declares it; a step that only exists on the way back (telling the shop) is compensable.
pub(super) fn spec_of<W: Process>(step: &'static str) -> StepSpec {
    let declared = W::STEPS.iter().chain(W::UNDO_STEPS).find(|spec| spec.name == step).copied();
    declared.unwrap_or_else(|| StepSpec::compensable(step, ""))
}
