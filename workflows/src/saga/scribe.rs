//! The writing hand of a saga: the step table, the questions, and what the Web UI and the search show of them.

use temporalio_workflow::WorkflowContext;

use super::Process;
use super::people::{AnswerOutcome, Question};
use super::state::SagaState;
use crate::report::{StepStatus, timestamp};
use crate::search_attributes::{NEEDS_HUMAN, QUESTION};

/// Writes down where a run stands. Cheap to clone: what runs beside the story carries one of its own.
pub(super) struct Scribe<W> {
    pub(super) ctx: WorkflowContext<W>,
}

impl<W> Clone for Scribe<W> {
    fn clone(&self) -> Self {
        Self { ctx: self.ctx.clone() }
    }
}

impl<W: Process> Scribe<W> {
    pub(super) fn state<R>(&self, look: impl FnOnce(&SagaState) -> R) -> R {
        self.ctx.state(|w| look(w.saga()))
    }

    pub(super) fn change<R>(&self, change: impl FnOnce(&mut SagaState) -> R) -> R {
        self.ctx.state_mut(|w| change(w.saga_mut()))
    }

    pub(super) fn mark(&self, name: &'static str, status: StepStatus, detail: Option<&str>) {
        self.mark_part(name, None, status, detail);
    }

    /// Notes where a step, or one part of it, stands.
    pub(super) fn mark_part(
        &self,
        name: &'static str,
        part: Option<&'static str>,
        status: StepStatus,
        detail: Option<&str>,
    ) {
        let now = self.ctx.workflow_time();
        let took = self.change(|saga| saga.mark(name, part, status, detail, now));
        self.show();
        if let Some(took) = took
            && !self.ctx.is_replaying()
            && let Some(observer) = crate::observe::observer()
        {
            observer.step_ended(W::NAME, name, status, took);
        }
    }

    /// Shows the questions and the step table in the Web UI.
    pub(super) fn show(&self) {
        let details = self.state(SagaState::details);
        self.ctx.set_current_details(details);
    }

    /// Asks a person; the run can be found by it from now on. Returns the question's id.
    pub(super) fn ask(&self, question: Question) -> String {
        let since = timestamp(self.ctx.workflow_time());
        let id = self.change(|saga| saga.people.ask(Question { since, ..question }));
        self.publish();
        if !self.ctx.is_replaying()
            && let Some(observer) = crate::observe::observer()
            && let Some(question) = self.state(|saga| saga.people.find(&id).ok().cloned())
        {
            observer.asked(W::NAME, self.ctx.workflow_id(), &question);
        }
        id
    }

    /// Changes an open question.
    pub(super) fn amend(&self, id: &str, change: impl FnOnce(&mut Question)) {
        self.change(|saga| saga.people.question_mut(id).map(change));
        self.publish();
    }

    /// Closes a question; `how` is for whoever answers it too late.
    pub(super) fn close(&self, id: &str, how: &str) {
        self.change(|saga| saga.people.close(id, how));
        self.publish();
    }

    pub(super) fn reply(&self, ticket: u64, id: &str, outcome: AnswerOutcome, detail: Option<String>) {
        self.change(|saga| saga.people.reply(ticket, id, outcome, detail));
    }

    /// Search attributes and details say what is open: one event, and only where that is something else than before.
    fn publish(&self) {
        self.show();
        let Some(open) = self.change(|saga| saga.people.news()) else { return };
        // An empty list, not `value_unset`: the payload without data that the SDK makes of that fails the workflow
        // task.
        self.ctx
            .upsert_search_attributes([NEEDS_HUMAN.value_set(!open.is_empty()), QUESTION.value_set(open)]);
    }
}
