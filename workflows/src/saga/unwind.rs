//! The way back: undos newest first, past failed ones; a person is asked about what stuck.

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{WaitConditionOptions, WorkflowCancellationToken as Token, WorkflowContext};

use super::state::Phase;
use super::{Halt, LocalFuture, Process, Saga, Shared, StoppedBy, is_final, reason};
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

/// A person's answer about an undo that stuck: the input of the update `resolve_undo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveUndo {
    /// The step whose undo stuck, or the part of one: `send-welcome-emails/coupon`.
    pub step: String,
    /// What to do about it.
    pub action: Resolution,
    /// Why, for the report.
    pub reason: String,
}

/// What to do about an undo that stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Try it once more, with full patience.
    Retry,
    /// Somebody did it by hand.
    MarkDone,
    /// Leave the effect standing.
    Skip,
}

impl Resolution {
    fn words(self) -> &'static str {
        match self {
            Self::Retry => "undone",
            Self::MarkDone => "done by hand",
            Self::Skip => "left standing",
        }
    }
}

/// A request of the business to stop a run: the input of `cancel_order` and its like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// Why; goes into the report.
    pub reason: String,
}

/// The answer to a [`CancelRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelAccepted {
    /// Steps that will be undone, newest first.
    pub will_undo: Vec<String>,
}

/// Characters of the reason for a stop, at most.
const STOP_REASON_MAX: usize = 500;

/// The answer to whoever was slower.
const ALREADY_RESOLVED: &str = "already resolved";

fn never() -> WaitConditionOptions {
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
        self.ctx.state_mut(|w| w.saga_mut().phase = Phase::Unwinding);
        let mut stuck = Vec::new();
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
                        self.ask_a_person(std::mem::take(&mut stuck)).await;
                    }
                }
            }
        }
        if !stuck.is_empty() {
            self.ask_a_person(stuck).await;
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

    async fn ask_a_person(&self, mut stuck: Vec<Undo>) {
        while !stuck.is_empty() {
            self.name_stuck(&stuck);
            // Cannot be cancelled: the token is its own.
            if self
                .ctx
                .wait_condition_with_options(|w: &W| !w.saga().answers.is_empty(), never())
                .await
                .is_err()
            {
                continue;
            }
            let Some((ticket, answer)) = self.ctx.state_mut(|w| w.saga_mut().answers.pop_front()) else {
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

type UpdateError = Box<dyn Error + Send + Sync>;

/// The body of an update that stops the run for the business. While it is open whether there is a way back, it waits.
///
/// # Errors
/// When the run turned out to be past its pivot (says what to do instead), or goes back for another reason.
pub async fn request_stop<W: Process>(
    ctx: &WorkflowContext<W>,
    request: &CancelRequest,
    instead: &str,
) -> Result<CancelAccepted, UpdateError> {
    let token = ctx.cancellation_token();
    ctx.state_mut(|w| w.saga_mut().stop(&token, StoppedBy::Request, &request.reason));
    ctx.wait_condition_with_options(|w: &W| w.saga().phase != Phase::AtPivot, never()).await?;
    ctx.state(|w| {
        let saga = w.saga();
        if saga.is_past_pivot() {
            return Err(instead.into());
        }
        if let Some(why) = saga.goes_back_because() {
            return Err(format!("it is {why}").into());
        }
        Ok(CancelAccepted { will_undo: saga.undoable.iter().rev().map(|step| (*step).to_owned()).collect() })
    })
}

/// The validator of an update that asks to stop the run ([`request_stop`]).
///
/// # Errors
/// When the run is past its pivot (`instead` says what to do), goes back already for another reason, or is given none.
pub fn check_stop<W: Process>(
    process: &W,
    request: &CancelRequest,
    instead: &str,
) -> Result<(), UpdateError> {
    let reason = &request.reason;
    if process.saga().is_past_pivot() {
        return Err(instead.into());
    }
    if let Some(why) = process.saga().goes_back_because() {
        return Err(format!("it is {why}").into());
    }
    if reason.trim().is_empty() || reason.chars().count() > STOP_REASON_MAX {
        return Err(
            format!("reason must have 1 to {STOP_REASON_MAX} characters: it goes into the report").into()
        );
    }
    Ok(())
}

/// The validator of `resolve_undo`: only what is stuck can be resolved, and only with a reason.
///
/// # Errors
/// Says what is stuck.
pub fn check_resolution<W: Process>(process: &W, answer: &ResolveUndo) -> Result<(), UpdateError> {
    let stuck = &process.saga().stuck;
    if !stuck.contains(&answer.step) {
        let known = if stuck.is_empty() { "nothing".to_owned() } else { stuck.join(", ") };
        return Err(format!("the undo of '{}' is not stuck; stuck: {known}", answer.step).into());
    }
    if answer.reason.trim().is_empty() {
        return Err("give a reason: it goes into the report".into());
    }
    Ok(())
}

/// The body of the update `resolve_undo`; answers when the run has acted on it.
///
/// # Errors
/// Never by itself; the wait cannot be cancelled.
pub async fn resolve_undo<W: Process>(
    ctx: &WorkflowContext<W>,
    answer: ResolveUndo,
) -> Result<String, UpdateError> {
    let ticket = ctx.state_mut(|w| {
        let saga = w.saga_mut();
        saga.tickets += 1;
        saga.answers.push_back((saga.tickets, answer));
        saga.tickets
    });
    ctx.wait_condition_with_options(|w: &W| w.saga().answered.contains_key(&ticket), never()).await?;
    Ok(ctx.state(|w| w.saga().answered.get(&ticket).cloned()).unwrap_or_default())
}
