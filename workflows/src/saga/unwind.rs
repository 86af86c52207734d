//! The way back: undos newest first, past failed ones; a person is asked about what stuck.

use std::cell::Cell;
use std::rc::Rc;

use temporalio_common::ActivityDefinition;
use temporalio_workflow::{WaitConditionOptions, WorkflowCancellationToken as Token, WorkflowContext};

use super::failure::{is_final, reason};
use super::state::Phase;
use super::{Halt, LocalFuture, Process, Resolution, ResolveUndo, Saga, Shared};
use crate::policy;
use crate::report::{StepClass, StepStatus};
use crate::search_attributes::NEEDS_HUMAN;

/// How one step, or one part of it, is undone. `Fn`, not a future: a person may have it run again.
pub(super) struct Undo {
    step: &'static str,
    part: Option<&'static str>,
    run: Box<dyn Fn() -> LocalFuture<Result<(), Unsettled>>>,
}

/// Why an undo stuck.
pub(super) struct Unsettled {
    /// In words.
    pub(super) reason: String,
    /// Whether the outside system will not have it, now or later.
    pub(super) is_refused: bool,
}

impl Undo {
    pub(super) fn by(
        step: &'static str,
        part: Option<&'static str>,
        run: impl Fn() -> LocalFuture<Result<(), Unsettled>> + 'static,
    ) -> Self {
        Self { step, part, run: Box::new(run) }
    }

    pub(super) fn by_activity<W, U>(
        ctx: &WorkflowContext<W>,
        step: &'static str,
        part: Option<&'static str>,
        undo: U,
        input: U::Input,
    ) -> Self
    where
        W: 'static,
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Clone,
    {
        let (ctx, undo) = (ctx.clone(), Rc::new(undo));
        let name = name(step, part);
        Self::by(step, part, move || {
            let options = policy::undo().regular(format!("undo {name}"), Token::new());
            let (ctx, undo, input) = (ctx.clone(), undo.clone(), input.clone());
            Box::pin(async move {
                let undone = ctx.execute_activity(Shared(undo), input, options).await;
                undone.map_err(|error| Unsettled { reason: reason(&error), is_refused: is_final(&error) })
            })
        })
    }

    /// What a person calls it: the step, or `step/part`.
    fn name(&self) -> String {
        name(self.step, self.part)
    }
}

fn name(step: &str, part: Option<&str>) -> String {
    part.map_or_else(|| step.to_owned(), |part| format!("{step}/{part}"))
}

/// The change after which a run that asks a person hears news meanwhile.
const NEWS_WHILE_ASKING: &str = "news-while-asking";

/// The answer to whoever was slower.
const ALREADY_RESOLVED: &str = "already resolved";

/// A wait that nobody cancels.
pub(super) fn never() -> WaitConditionOptions {
    WaitConditionOptions::builder().cancellation_token(Token::new()).build()
}

impl<W: Process> Saga<W> {
    /// Adds what has to be done after every other undo: telling the platform how the order ended.
    pub fn undo_last<U>(&self, step: &'static str, undo: U, input: U::Input)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Clone,
    {
        self.undos.borrow_mut().insert(0, Undo::by_activity(&self.ctx, step, None, undo, input));
    }

    /// The step has answered: its undo knows more from now on.
    pub fn amend_undo<U>(&self, step: &'static str, undo: U, input: U::Input)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Clone,
    {
        let mut undos = self.undos.borrow_mut();
        let registered = undos.iter_mut().find(|undo| undo.step == step && undo.part.is_none());
        debug_assert!(registered.is_some(), "{step} has no undo");
        if let Some(registered) = registered {
            *registered = Undo::by_activity(&self.ctx, step, None, undo, input);
        }
    }

    /// As [`Saga::undo_last`], for an undo that a person has decided about before: asks again, because of this news, before
    /// anything is done.
    pub fn ask_last<U>(&self, step: &'static str, undo: U, input: U::Input, news: &'static str)
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Clone,
    {
        let undo = Undo::by_activity(&self.ctx, step, None, undo, input);
        let is_asked = Cell::new(false);
        let ask_first = move || -> LocalFuture<Result<(), Unsettled>> {
            if is_asked.replace(true) {
                return (undo.run)();
            }
            Box::pin(async move { Err(Unsettled { reason: news.to_owned(), is_refused: false }) })
        };
        self.undos.borrow_mut().insert(0, Undo::by(step, None, ask_first));
    }

    /// Whether a person decided about the undo of a step: somebody did it by hand, or it was left standing.
    pub fn was_decided(&self, step: &str) -> bool {
        self.ctx.state(|w| w.saga().report.was_decided(step))
    }

    /// Turns back: from here on whoever asks is told why, and nobody can stop the run for another reason. A stop that
    /// was taken while the run failed by itself is noted.
    pub fn turn_back(&self, halt: &Halt) {
        self.ctx.state_mut(|w| w.saga_mut().turn_back(halt));
    }

    /// Undoes everything that may have happened, newest first. Returns when nothing is left to undo, which may
    /// take a person's answer. No cancel reaches it; terminating the run would leave effects standing.
    ///
    /// An undo that sticks holds up no other, with one exception: where the effect of the pivot step can no longer be
    /// taken back (the parcel is under way), a person decides before the money goes back.
    pub async fn unwind(&self) {
        self.unwind_or(|_| false).await;
    }

    /// As [`Saga::unwind`]; when all that is missing is a person's answer, returns for news, too. Called again, it goes on
    /// waiting for that answer.
    pub async fn unwind_or(&self, has_news: impl Fn(&W) -> bool) {
        self.ctx.state_mut(|w| w.saga_mut().phase = Phase::Unwinding);
        let mut stuck = self.unanswered.take();
        loop {
            let Some(undo) = self.undos.borrow_mut().pop() else { break };
            match (undo.run)().await {
                Ok(()) => self.note(&undo, StepStatus::Undone, None),
                Err(Unsettled { reason, is_refused }) => {
                    self.note(&undo, StepStatus::UndoStuck, Some(&reason));
                    if !self.ctx.is_replaying()
                        && let Some(observer) = crate::observe::observer()
                    {
                        observer.undo_failed(W::NAME, self.ctx.workflow_id(), undo.step, &reason);
                    }
                    let decides = is_refused && is_pivot::<W>(undo.step);
                    stuck.push(undo);
                    // At once: the other undos may take their whole patience too.
                    if stuck.len() == 1 {
                        self.ctx.upsert_search_attributes([NEEDS_HUMAN.value_set(true)]);
                    }
                    self.name_stuck(&stuck);
                    if decides {
                        self.ask_a_person(std::mem::take(&mut stuck), |_| false).await;
                    }
                }
            }
        }
        if !stuck.is_empty() {
            self.ask_a_person(stuck, has_news).await;
        }
    }

    fn note(&self, undo: &Undo, status: StepStatus, detail: Option<&str>) {
        self.mark_part(undo.step, undo.part, status, detail);
        let name = undo.name();
        let line = detail.map_or_else(|| name.clone(), |detail| format!("{name} ({detail})"));
        self.ctx.state_mut(|w| {
            let report = &mut w.saga_mut().report;
            match status {
                StepStatus::Undone | StepStatus::Resolved => report.undone.push(line),
                StepStatus::LeftStanding => report.left_standing.push(line),
                _ => {}
            }
        });
    }

    /// Says which undos are stuck and how to answer.
    fn name_stuck(&self, stuck: &[Undo]) {
        let names: Vec<String> = stuck.iter().map(Undo::name).collect();
        let details = self.ctx.state_mut(|w| {
            let saga = w.saga_mut();
            saga.say(format!(
                "**Needs a person.** Not undone: {}. Answer with the update `resolve_undo`: `retry`, `mark_done` or \
                 `skip`, with a reason.",
                names.join(", ")
            ));
            saga.stuck = names;
            saga.details()
        });
        self.ctx.set_current_details(details);
    }

    async fn ask_a_person(&self, mut stuck: Vec<Undo>, has_news: impl Fn(&W) -> bool) {
        let mut listens = true;
        while !stuck.is_empty() {
            self.name_stuck(&stuck);
            let wakes = |w: &W| !w.saga().answers.is_empty() || listens && has_news(w);
            // Cannot be cancelled: the token is its own.
            if self.ctx.wait_condition_with_options(wakes, never()).await.is_err() {
                continue;
            }
            let Some((ticket, answer)) = self.ctx.state_mut(|w| w.saga_mut().answers.pop_front()) else {
                // Runs that were asking before there was this did not hear.
                listens = self.ctx.patched(NEWS_WHILE_ASKING);
                if listens {
                    self.unanswered.replace(stuck);
                    return;
                }
                continue;
            };
            let outcome = self.act_on(&mut stuck, &answer).await;
            self.ctx.state_mut(|w| w.saga_mut().answered.insert(ticket, outcome));
        }
        self.ctx.state_mut(|w| {
            let saga = w.saga_mut();
            saga.stuck.clear();
            saga.say("");
            // A second answer, given while the first one was acted on, gets its own; left here it would keep the run open
            // for ever, or be taken for an answer about something that sticks later.
            while let Some((ticket, _)) = saga.answers.pop_front() {
                saga.answered.insert(ticket, ALREADY_RESOLVED.to_owned());
            }
        });
        self.ctx.upsert_search_attributes([NEEDS_HUMAN.value_set(false)]);
    }

    async fn act_on(&self, stuck: &mut Vec<Undo>, answer: &ResolveUndo) -> String {
        // Two answers about one undo may arrive in the same workflow task.
        let Some(i) = stuck.iter().position(|undo| undo.name() == answer.step) else {
            return ALREADY_RESOLVED.to_owned();
        };
        if answer.action == Resolution::Retry {
            if let Err(Unsettled { reason, .. }) = (stuck[i].run)().await {
                self.note(&stuck[i], StepStatus::UndoStuck, Some(&reason));
                return format!("failed again: {reason}");
            }
            self.note(&stuck[i], StepStatus::Undone, None);
        } else {
            let status = match answer.action {
                Resolution::Skip => StepStatus::LeftStanding,
                _ => StepStatus::Resolved,
            };
            let detail = format!("{}: {}", answer.action.words(), answer.reason);
            self.note(&stuck[i], status, Some(&detail));
        }
        stuck.remove(i);
        answer.action.words().to_owned()
    }
}

fn is_pivot<W: Process>(step: &str) -> bool {
    W::STEPS.iter().any(|spec| spec.name == step && spec.class == StepClass::Pivot)
}
