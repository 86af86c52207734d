//! One run of a process: how it begins, and what it marks in its table.

use std::cell::RefCell;

use contracts::rounds::Tried;
use temporalio_common::ActivityDefinition;
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowCancellationToken as Token, WorkflowContext, WorkflowResult};

use super::ending::invalid_input;
use super::scribe::Scribe;
use super::unwind::{Questions, Undo, undo_policy};
use super::{Halt, Process};
use crate::input::Unchecked;
use crate::policy;
use crate::report::StepStatus;
use crate::search_attributes::{STAGE, Stage};

/// One run of a process: schedules its steps, remembers their undos.
pub struct Saga<W> {
    pub(super) ctx: WorkflowContext<W>,
    pub(super) scribe: Scribe<W>,
    pub(super) forward: Token,
    pub(super) undos: RefCell<Vec<Undo>>,
    /// Questions about undos that stuck.
    pub(super) questions: Questions,
}

impl<W: Process> Saga<W> {
    /// Opens a run: checks its input and its name, without calling anybody, and begins the step table.
    ///
    /// # Errors
    /// The failure of a run whose input is wrong or that carries another name than its own.
    pub fn open(ctx: &WorkflowContext<W>, input: &Unchecked<W::Input>) -> WorkflowResult<(W::Input, Self)> {
        let input = input.check().map_err(|problems| invalid_input(W::INVALID, problems))?;
        let about = W::named(ctx.workflow_id(), &input);
        let about = about.map_err(|problem| invalid_input(W::INVALID, vec![problem]))?;
        // A program that starts a run sets them with the start, which costs no event; a schedule, or somebody by hand,
        // may not.
        if let Some((key, value)) = about
            && ctx.search_attributes().get(&key).as_deref() != Some(value.as_str())
        {
            let stage: SearchAttributeUpdate = STAGE.value_set(Stage::Processing.name().to_owned());
            ctx.upsert_search_attributes([key.value_set(value), stage]);
        }
        Ok((input, Self::begin(ctx)))
    }

    fn begin(ctx: &WorkflowContext<W>) -> Self {
        let now = ctx.workflow_time();
        let forward = ctx.state_mut(|w| {
            let saga = w.saga_mut();
            saga.begin(W::STEPS, now);
            saga.forward_token(&ctx.cancellation_token())
        });
        if !ctx.is_replaying()
            && let Some(observer) = crate::observe::observer()
        {
            observer.process_started(&ctx.state(|w| w.saga().progress(&ctx.info())));
        }
        let scribe = Scribe { ctx: ctx.clone() };
        Self { ctx: ctx.clone(), scribe, forward, undos: RefCell::default(), questions: Questions::default() }
    }

    /// Marks a step that this run does not need.
    pub fn skip(&self, name: &'static str, why: &str) {
        self.scribe.mark(name, StepStatus::Skipped, Some(why));
    }

    /// Marks a step as done that has no activity of its own.
    pub fn done(&self, name: &'static str, what: &str) {
        self.scribe.mark(name, StepStatus::Completed, Some(what));
    }

    /// Marks a step as failed for good.
    pub fn failed(&self, name: &'static str, why: &str) {
        self.scribe.mark(name, StepStatus::Failed, Some(why));
    }

    /// One part of a step, to mark it.
    pub fn part(&self, name: &'static str, part: &'static str) -> Part<'_, W> {
        Part { scribe: &self.scribe, name, part }
    }

    /// Marks a step that waits for somebody outside; `what` is shown in the Web UI.
    pub fn waits(&self, name: &'static str, what: &str) {
        self.scribe.mark(name, StepStatus::Waiting, Some(what));
    }

    /// Notes what is known about a step (`payment_id`, `tracking_number`), for a person who may be asked about it. No
    /// personal data.
    pub fn fact(&self, name: &'static str, fact: &str, value: impl Into<String>) {
        self.scribe.change(|saga| saga.people.note(name, fact, value.into()));
    }

    /// The point of no return: the effect of the pivot step, and of what ran beside it, is known. The undos are
    /// forgotten; from here on no cancel reaches a step. A stop that came while it was under way was too late, and is
    /// noted.
    pub fn pivot(&mut self) {
        self.undos.get_mut().clear();
        self.forward = Token::new();
        let temporal_cancel = self.ctx.cancellation_token();
        self.ctx.state_mut(|w| w.saga_mut().pass_pivot(&temporal_cancel));
    }

    /// From here on no stop reaches a step; one that came before is kept. For what is owed to somebody however the run
    /// ends.
    pub fn shield(&mut self) {
        self.forward = Token::new();
    }

    /// The workflow's context.
    pub fn ctx(&self) -> &WorkflowContext<W> {
        &self.ctx
    }

    /// Whether the run may go on: a step does it by itself; say it before a [`Saga::pivot`] that comes before its
    /// effect (a mail that is about to leave).
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the run was stopped.
    pub fn check(&self) -> Result<(), Halt> {
        if self.forward.is_cancelled() { Err(self.stopped()) } else { Ok(()) }
    }

    /// The step has answered: its undo knows more from now on.
    pub fn amend_undo<U>(&self, step: &'static str, undo: U, input: U::Input)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
    {
        let mut undos = self.undos.borrow_mut();
        let registered = undos.iter_mut().find(|undo| undo.is_of(step));
        debug_assert!(registered.is_some(), "{step} has no undo");
        if let Some(registered) = registered {
            let policy = undo_policy::<W>(step, policy::undo());
            *registered = Undo::by_policy(&self.ctx, (step, None), undo, input, policy);
        }
    }

    pub(super) fn stopped(&self) -> Halt {
        let token = self.ctx.cancellation_token();
        Halt::Stopped(self.ctx.state(|w| w.saga().stopped_as(&token)))
    }
}

/// One part of a step, to mark it.
pub struct Part<'s, W> {
    scribe: &'s Scribe<W>,
    name: &'static str,
    part: &'static str,
}

impl<W: Process> Part<'_, W> {
    /// Marks it as failed for good.
    pub fn failed(&self, why: &str) {
        self.scribe.mark_part(self.name, Some(self.part), StepStatus::Failed, Some(why));
    }

    /// Marks it as not needed.
    pub fn skip(&self, why: &str) {
        self.scribe.mark_part(self.name, Some(self.part), StepStatus::Skipped, Some(why));
    }
}
