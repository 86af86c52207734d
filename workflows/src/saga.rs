//! What makes a process safe: a step and its undo in one statement.
//!
//! ```text
//! saga.step("process-payment", Payments::charge, charge, policy::money())
//!     .or_look_up(Payments::find, find)      // no answer? ask the provider before believing anything
//!     .undo_by(Payments::reverse, reverse)   // registered before the charge is sent, keyed by our key
//!     .await?
//! ```
//!
//! The rules, each of which costs money when it is broken:
//! 1. A [`Step`] is no future. Without `.undo_by(…)`, `.nothing_to_undo("why")` or `.or_report()` it cannot be
//!    awaited, and leaving it unused is a compile error.
//! 2. The undo is registered before the step runs: a timeout does not say whether the effect happened.
//! 3. One forward token per process. Temporal's cancel, the business's cancel and the expiry timer all cancel it;
//!    undos, look-ups and waits for a person use tokens of their own that nobody cancels.
//! 4. No `select!` around steps, and side by side only by `join!`, `join_all` or [`Saga::both`]: a started step is
//!    never dropped.
//! 5. At the pivot the undos are forgotten and the forward token is replaced by one that nobody cancels.
//! 6. The undo (`saga/unwind.rs`) goes newest first, keeps going past a failed one (but a pivot that cannot be taken
//!    back), asks a person about what stuck, and never hides why the run ended (`saga/ending.rs`).
//!
//! A stop that arrives while a step runs does not cut it off: see [`crate::policy::OnStop`].

mod both;
mod effect;
mod ending;
mod failure;
mod state;
mod unwind;
mod updates;
mod waiting;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{ActivityExecutionError, WorkflowCancellationToken as Token, WorkflowContext};

pub use ending::{Ending, Halt, Outcome, Refusal, invalid_input};
pub use state::{SagaState, Stop, StoppedBy};
pub use updates::{
    CancelAccepted, CancelRequest, Resolution, ResolveUndo, check_resolution, check_stop, request_stop,
    resolve_undo,
};

use crate::policy::{self, Policy};
use crate::report::{StepClass, StepSpec, StepStatus};
use failure::{is_final, is_unknown, reason};
use unwind::Undo;

/// A workflow that runs as a saga.
pub trait Process: Sized + 'static {
    /// The workflow type.
    const NAME: &'static str;
    /// The steps, in order.
    const STEPS: &'static [StepSpec];
    /// The saga's part of the workflow's state.
    fn saga(&self) -> &SagaState;
    /// The same, to change it.
    fn saga_mut(&mut self) -> &mut SagaState;
}

/// One run of a process: schedules its steps, remembers their undos.
pub struct Saga<W> {
    ctx: WorkflowContext<W>,
    forward: Token,
    undos: Rc<RefCell<Vec<Undo>>>,
    /// Undos that stuck, whose answer is still missing.
    unanswered: RefCell<Vec<Undo>>,
}

type LookUp<T> = Box<dyn FnOnce() -> LocalFuture<Result<Option<T>, ActivityExecutionError>>>;
type LocalFuture<T> = std::pin::Pin<Box<dyn Future<Output = T>>>;

/// A step that has not said yet how it is undone.
#[must_use = "say how this step is undone: .undo_by(…), .nothing_to_undo(\"why\") or, after the pivot, .or_report()"]
pub struct Step<'s, W, A: ActivityDefinition> {
    saga: &'s Saga<W>,
    name: &'static str,
    part: Option<&'static str>,
    activity: A,
    input: A::Input,
    policy: Policy,
    look_up: Option<LookUp<A::Output>>,
}

impl<W: Process> Saga<W> {
    /// Begins a run: the step table is filled, the forward token made.
    #[must_use]
    pub fn begin(ctx: &WorkflowContext<W>) -> Self {
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
        Self { ctx: ctx.clone(), forward, undos: Rc::default(), unanswered: RefCell::default() }
    }

    /// Names a step. It runs when its undo is said and it is awaited.
    pub fn step<A>(&self, name: &'static str, activity: A, input: A::Input, policy: Policy) -> Step<'_, W, A>
    where
        A: ActivityDefinition,
    {
        debug_assert!(W::STEPS.iter().any(|step| step.name == name), "{name} is not in STEPS");
        Step { saga: self, name, part: None, activity, input, policy, look_up: None }
    }

    /// Marks a step that this run does not need.
    pub fn skip(&self, name: &'static str, why: &str) {
        self.mark(name, StepStatus::Skipped, Some(why));
    }

    /// Marks a step whose undo was its whole purpose as done; what a person decided about it stays.
    pub fn settled(&self, name: &'static str, what: &str) {
        let is_undone =
            |saga: &SagaState| saga.report.step(name).is_some_and(|s| s.status == StepStatus::Undone);
        if self.ctx.state(|w| is_undone(w.saga())) {
            self.mark(name, StepStatus::Completed, Some(what));
        }
    }

    /// Marks a step as done that is no activity of its own.
    pub fn done(&self, name: &'static str, what: &str) {
        self.mark(name, StepStatus::Completed, Some(what));
    }

    /// Marks a step as failed for good.
    pub fn failed(&self, name: &'static str, why: &str) {
        self.mark(name, StepStatus::Failed, Some(why));
    }

    /// Marks a step that was stopped before it was done.
    pub fn cut_short(&self, name: &'static str, why: &str) {
        self.mark(name, StepStatus::Stopped, Some(why));
    }

    /// Marks one part of a step as failed for good.
    pub fn part_failed(&self, name: &'static str, part: &'static str, why: &str) {
        self.mark_part(name, Some(part), StepStatus::Failed, Some(why));
    }

    /// Marks one part of a step as not needed.
    pub fn part_skipped(&self, name: &'static str, part: &'static str, why: &str) {
        self.mark_part(name, Some(part), StepStatus::Skipped, Some(why));
    }

    /// Marks a step that waits for somebody outside; `what` is shown in the Web UI.
    pub fn waits(&self, name: &'static str, what: &str) {
        self.mark(name, StepStatus::Waiting, Some(what));
    }

    /// The point of no return: the effect of the pivot step, and of what ran beside it, is known. The undos are
    /// forgotten; from here on no cancel reaches a step. A stop that came while it was under way was too late, and is
    /// noted.
    pub fn pivot(&mut self) {
        self.undos.borrow_mut().clear();
        self.forward = Token::new();
        let temporal_cancel = self.ctx.cancellation_token();
        self.ctx.state_mut(|w| w.saga_mut().pass_pivot(&temporal_cancel));
    }

    /// From here on no stop reaches a step; one that came before is kept. For what is owed to somebody however the run ends.
    pub fn shield(&mut self) {
        self.forward = Token::new();
    }

    /// The workflow's context.
    pub fn ctx(&self) -> &WorkflowContext<W> {
        &self.ctx
    }

    /// Whether the run may go on: a step does it by itself; say it before a [`Saga::pivot`] that comes before its effect
    /// (a mail that is about to leave).
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the run was stopped.
    pub fn check(&self) -> Result<(), Halt> {
        if self.forward.is_cancelled() { Err(self.stopped()) } else { Ok(()) }
    }

    fn stopped(&self) -> Halt {
        let token = self.ctx.cancellation_token();
        Halt::Stopped(self.ctx.state(|w| w.saga().stopped_as(&token)))
    }

    fn mark(&self, name: &'static str, status: StepStatus, detail: Option<&str>) {
        self.mark_part(name, None, status, detail);
    }

    fn mark_part(
        &self,
        name: &'static str,
        part: Option<&'static str>,
        status: StepStatus,
        detail: Option<&str>,
    ) {
        let now = self.ctx.workflow_time();
        let (took, details) = self.ctx.state_mut(|w| {
            let saga = w.saga_mut();
            (saga.mark(name, part, status, detail, now), saga.details())
        });
        self.ctx.set_current_details(details);
        if let Some(took) = took
            && !self.ctx.is_replaying()
            && let Some(observer) = crate::observe::observer()
        {
            observer.step_ended(W::NAME, name, status, took);
        }
    }
}

impl<'s, W: Process, A> Step<'s, W, A>
where
    A: ActivityDefinition + 'static,
    A::Input: Clone,
{
    /// When the step ends without an answer (timeout, outage, cancelled between two attempts), asks whether its
    /// effect is there after all, before anything else happens.
    pub fn or_look_up<L>(mut self, look_up: L, question: L::Input) -> Self
    where
        L: ActivityDefinition<Output = Option<A::Output>> + 'static,
        A::Output: DeserializeOwned,
    {
        let ctx = self.saga.ctx.clone();
        let summary = format!("{}: look up what became of it", self.name);
        self.look_up = Some(Box::new(move || {
            let options = policy::look_up().regular(summary, Token::new());
            Box::pin(async move { ctx.execute_activity(look_up, question, options).await })
        }));
        self
    }

    /// One of several things that the step does side by side.
    pub fn part(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// Runs the step; its undo is registered first. The undo gets the key of the step, and treats "nothing there"
    /// as success.
    pub fn undo_by<U>(self, undo: U, input: U::Input) -> impl Future<Output = Result<A::Output, Halt>> + 's
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Clone,
        A: 's,
    {
        let undo = Undo::by_activity(&self.saga.ctx, self.name, self.part, undo, input);
        self.run(Some(undo))
    }

    /// Runs a step that leaves nothing behind; `why` is for the reader.
    pub fn nothing_to_undo(self, why: &'static str) -> impl Future<Output = Result<A::Output, Halt>> + 's
    where
        A: 's,
    {
        debug_assert!(!why.is_empty(), "say why there is nothing to undo");
        self.run(None)
    }

    /// Runs a step (or the rest of one) after the pivot: its failure goes into the report, and nothing is rolled
    /// back.
    pub fn or_report(self) -> impl Future<Output = Option<A::Output>> + 's
    where
        A: 's,
    {
        debug_assert!(
            W::STEPS.iter().any(|s| s.name == self.name && s.class == StepClass::Retriable)
                || self.saga.ctx.state(|w| w.saga().is_past_pivot()),
            "only a step after the pivot may fail without undo"
        );
        async { self.run(None).await.ok() }
    }

    async fn run(self, undo: Option<Undo>) -> Result<A::Output, Halt> {
        let Step { saga, name, part, activity, input, policy, look_up } = self;
        saga.check()?;
        let has_undo = undo.is_some();
        saga.undos.borrow_mut().extend(undo);
        saga.ctx.state_mut(|w| w.saga_mut().enter::<W>(name, has_undo));
        saga.mark_part(name, part, StepStatus::Running, None);
        let answer = Self::attempt(saga, name, part, activity, input, policy).await;
        // Where another step has decided that the run goes back, nobody waits for a system that may be down: the undo
        // goes by the key, whatever became of the effect.
        let is_decided = saga.ctx.state(|w| w.saga().goes_back());
        let answer = match (answer, look_up) {
            (Err(error), Some(look_up)) if !is_decided && (!is_final(&error) || is_unknown(&error)) => {
                match look_up().await {
                    Ok(Some(found)) => Ok(found),
                    Ok(None) | Err(_) => Err(error),
                }
            }
            (answer, _) => answer,
        };
        match answer {
            Ok(output) => {
                saga.mark_part(name, part, StepStatus::Completed, None);
                Ok(output)
            }
            Err(_) if saga.forward.is_cancelled() => {
                saga.mark_part(name, part, StepStatus::Stopped, None);
                Err(saga.stopped())
            }
            Err(error) => {
                let reason = reason(&error);
                saga.mark_part(name, part, StepStatus::Failed, Some(&reason));
                Err(Halt::Outage { step: name, reason })
            }
        }
    }

    async fn attempt(
        saga: &Saga<W>,
        name: &'static str,
        part: Option<&'static str>,
        activity: A,
        input: A::Input,
        policy: Policy,
    ) -> Result<A::Output, ActivityExecutionError> {
        let activity = Rc::new(activity);
        let summary = summary::<W>(name, part);
        if policy.is_local_first() {
            let options = policy.local(summary.clone(), saga.forward.clone());
            let local =
                saga.ctx.execute_local_activity(Shared(activity.clone()), input.clone(), options).await;
            match local {
                // Cancelled though nobody stopped the run: the worker is putting it away to make room.
                Err(error)
                    if !is_final(&error)
                        && (error.as_cancelled().is_none() || !saga.forward.is_cancelled()) => {}
                answered => return answered,
            }
        }
        let mut options = policy.regular(summary, saga.forward.clone());
        options.task_queue = policy.task_queue(saga.ctx.task_queue());
        saga.ctx.execute_activity(Shared(activity), input, options).await
    }
}

/// What the Web UI shows beside an activity.
fn summary<W: Process>(name: &str, part: Option<&str>) -> String {
    let words = W::STEPS.iter().find(|step| step.name == name).map_or("", |step| step.words);
    match part {
        Some(part) => format!("{name}: {words} ({part})"),
        None => format!("{name}: {words}"),
    }
}

/// One activity definition for several calls.
struct Shared<A>(Rc<A>);

impl<A: ActivityDefinition> ActivityDefinition for Shared<A> {
    type Input = A::Input;
    type Output = A::Output;
    fn name(&self) -> &str {
        self.0.name()
    }
}
