//! A step: declared, not run before its undo is declared too.

mod interruptible;

use std::future::Future;
use std::rc::Rc;

use contracts::rounds::Tried;
use serde::de::DeserializeOwned;
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{ActivityExecutionError, WorkflowCancellationToken as Token, WorkflowContext};

use super::asking::{Heed, Heeding, Matter, Settled, Unsettled, ask};
use super::failure::{done_until_stopped, is_final, is_unknown, reason, unsettled};
use super::people::SubjectKind;
use super::scribe::Scribe;
use super::tries::Effect;
use super::unwind::{Undo, spec_of, undo_policy};
use super::{Halt, LocalFuture, Process, Saga, SagaState, Shared};
use crate::observe;
use crate::policy::{self, Policy};
use crate::report::{Count, StepClass, StepStatus};

type LookUp<T> = Box<dyn FnOnce() -> LocalFuture<Result<Option<T>, ActivityExecutionError>>>;

/// Takes what a step did until it was stopped, and says it in words.
type SoFar<'s, T> = Box<dyn FnOnce(T) -> String + 's>;

/// A step whose undo has not been declared yet.
#[must_use = "declare how this step is undone: .undo_by(…), .nothing_to_undo(\"why\") or, after the pivot, .or_report() or \
              .or_ask()"]
pub struct Step<'s, W, A: ActivityDefinition> {
    saga: &'s Saga<W>,
    name: &'static str,
    part: Option<&'static str>,
    activity: A,
    input: A::Input,
    policy: Policy,
    /// How patient its undo is.
    pub(super) undo_policy: Policy,
    look_up: Option<LookUp<A::Output>>,
    so_far: Option<SoFar<'s, A::Output>>,
    is_quiet: bool,
    /// How much of it is done when it begins to run.
    count: Option<Count>,
    /// The question to a person, where one must be answered before it runs at all.
    first: Option<Unsettled>,
    /// The news that the run hears while a person is asked.
    heeding: Option<Heeding<W>>,
    /// Whether it is read on while a person is asked.
    is_read_on: bool,
}

impl<W: Process> Saga<W> {
    /// Declares a step. Nothing runs until its undo has been declared and the result is awaited.
    pub fn step<A>(&self, name: &'static str, activity: A, input: A::Input, policy: Policy) -> Step<'_, W, A>
    where
        A: ActivityDefinition,
    {
        if !W::STEPS.iter().any(|step| step.name == name) {
            debug_assert!(W::UNDO_STEPS.iter().any(|step| step.name == name), "{name} is not in STEPS");
            // One that only some runs come to has a line in the report once it begins.
            self.scribe.change(|saga| saga.report.add(&spec_of::<W>(name)));
        }
        let undo_policy = policy::undo();
        Step {
            saga: self,
            name,
            part: None,
            activity,
            input,
            policy,
            undo_policy,
            look_up: None,
            so_far: None,
            is_quiet: false,
            count: None,
            first: None,
            heeding: None,
            is_read_on: false,
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

    /// Reports the part that was done when a stop ends the step in the middle: an activity that was cancelled may put
    /// it into the details of its cancel, in the shape of its result. `tell` counts it, and says it in words for the
    /// step's line.
    pub fn so_far(mut self, tell: impl FnOnce(A::Output) -> String + 's) -> Self {
        self.so_far = Some(Box::new(tell));
        self
    }

    /// Leaves the step's line as it is, for a look while the step waits.
    pub fn quietly(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Shows how much of a long step is done when it begins to run; its heartbeats tell of the rest.
    pub fn counting(mut self, count: Count) -> Self {
        self.count = Some(count);
        self
    }

    /// One of several things that the step does side by side.
    pub fn part(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// Asks a person before the step runs at all, because of this news; nothing is done unless somebody says so. For a
    /// step that ends with [`Step::or_ask`].
    pub fn ask_first(mut self, cause: &str, news: &str) -> Self {
        self.first = Some(Unsettled::untried(cause, news));
        self
    }

    /// Says to a person who is asked what the run has heard since, or ends the question by it. For a step that ends
    /// with [`Step::or_ask`].
    pub fn heeding(mut self, heed: impl Fn(&W) -> Heed + 'static) -> Self {
        self.heeding = Some(Rc::new(heed));
        self
    }

    /// Reads on while a person is asked, although the system has refused: the question closes when there is nothing
    /// left to decide. For a read that ends with [`Step::or_ask`], and whose input says that it waits.
    pub fn reading_on(mut self) -> Self {
        self.is_read_on = true;
        self
    }

    /// Runs the step; its undo is registered first. The undo gets the key of the step, and treats "nothing there"
    /// as success.
    pub fn undo_by<U>(self, undo: U, input: U::Input) -> impl Future<Output = Result<A::Output, Halt>> + 's
    where
        U: ActivityDefinition<Output = ()> + 'static,
        U::Input: Tried,
        A: 's,
    {
        let policy = undo_policy::<W>(self.name, self.undo_policy);
        let undo = Undo::by_policy(&self.saga.ctx, (self.name, self.part), undo, input, policy);
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
                || self.saga.scribe.state(SagaState::is_past_pivot),
            "only a step after the pivot may fail without undo"
        );
        async { self.run(None).await.ok() }
    }

    /// Runs a step that has to happen, come what may: no stop reaches it, and where it got no answer for all its
    /// patience, or was refused, a person is asked. A step that got no answer is tried on meanwhile.
    pub async fn or_ask(self) -> Settled<A::Output>
    where
        A::Input: Tried,
    {
        debug_assert!(self.look_up.is_none(), "a step that has to happen is tried on, not looked up");
        let Step { saga, name, part, activity, input, policy, first, heeding, is_read_on, .. } = self;
        let (scribe, never) = (saga.scribe.clone(), Token::new());
        saga.scribe.mark_part(name, part, StepStatus::Running, None);
        let (ctx, summary, activity) = (saga.ctx.clone(), summary::<W>(name, part), Rc::new(activity));
        let (again, once) = (activity.clone(), input.clone());
        let mut tries = Effect { ctx, step: name, summary, activity: again, input }.tries(policy);
        tries.is_read = is_read_on;
        let asked = match first {
            Some(news) => Err(news),
            None if policy.is_local_first() => {
                let attempt = saga.attempt(name, part, &activity, once, policy, &never);
                attempt.await.map_err(|error| unsettled(&error))
            }
            None => (tries.patient)(never).await,
        };
        let settled = match asked {
            Ok(done) => Settled::Done(done),
            Err(unsettled) => {
                let matter =
                    Matter { kind: SubjectKind::Step, spec: spec_of::<W>(name), part, can_be_kept: false };
                ask(scribe.clone(), matter, &unsettled, tries, heeding).await
            }
        };
        note_settled(&scribe, name, part, &settled);
        settled
    }

    async fn run(self, undo: Option<Undo>) -> Result<A::Output, Halt> {
        debug_assert!(self.first.is_none(), "only a step that ends with or_ask can ask first");
        let Step { saga, name, part, activity, input, policy, look_up, so_far, is_quiet, count, .. } = self;
        saga.check()?;
        let mark = |status, detail: Option<&str>| {
            if !is_quiet {
                saga.scribe.mark_part(name, part, status, detail);
            }
        };
        let has_undo = undo.is_some();
        saga.undos.borrow_mut().extend(undo);
        saga.scribe.change(|state| state.enter::<W>(name, has_undo));
        let count = count.map(|count| count.to_string());
        mark(StepStatus::Running, count.as_deref());
        let activity = Rc::new(activity);
        let answer = saga.attempt(name, part, &activity, input, policy, &saga.forward).await;
        // Where another step has decided that the run goes back, nobody waits for a system that may be down: the undo
        // goes by the key, whatever became of the effect.
        let is_decided = saga.scribe.state(SagaState::goes_back);
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
                mark(StepStatus::Completed, None);
                Ok(output)
            }
            Err(error) if saga.forward.is_cancelled() => {
                let words = so_far.and_then(|tell| done_until_stopped(&error).map(tell));
                mark(StepStatus::Stopped, words.as_deref());
                Err(saga.stopped())
            }
            Err(error) => {
                let reason = reason(&error);
                mark(StepStatus::Failed, Some(&reason));
                if !policy.is_round() {
                    observe::message_lost(&saga.ctx, activity.name(), name, &reason);
                }
                let is_final = is_final(&error) && !is_unknown(&error);
                Err(Halt::Outage { step: name, reason, is_final })
            }
        }
    }
}

impl<W: Process> Saga<W> {
    async fn attempt<A>(
        &self,
        name: &'static str,
        part: Option<&'static str>,
        activity: &Rc<A>,
        input: A::Input,
        policy: Policy,
        token: &Token,
    ) -> Result<A::Output, ActivityExecutionError>
    where
        A: ActivityDefinition + 'static,
        A::Input: Clone,
    {
        attempt(&self.ctx, (name, part), activity, input, policy, token).await
    }
}

/// One activity with the patience of its policy: first inside the workflow task, where the policy says so.
pub(super) async fn attempt<W, A>(
    ctx: &WorkflowContext<W>,
    (name, part): (&'static str, Option<&'static str>),
    activity: &Rc<A>,
    input: A::Input,
    policy: Policy,
    token: &Token,
) -> Result<A::Output, ActivityExecutionError>
where
    W: Process,
    A: ActivityDefinition + 'static,
    A::Input: Clone,
{
    let summary = summary::<W>(name, part);
    if policy.is_local_first() {
        let options = policy.local(summary.clone(), token.clone());
        let local = ctx.execute_local_activity(Shared(activity.clone()), input.clone(), options).await;
        match local {
            // Cancelled though nobody stopped the run: the worker is putting it away to make room.
            Err(error) if !is_final(&error) && (error.as_cancelled().is_none() || !token.is_cancelled()) => {}
            answered => return answered,
        }
    }
    let mut options = policy.regular(summary, token.clone());
    options.task_queue = policy.task_queue(ctx.task_queue());
    ctx.execute_activity(Shared(activity.clone()), input, options).await
}

/// Notes how a step was settled that had to happen.
fn note_settled<W: Process, T>(
    scribe: &Scribe<W>,
    name: &'static str,
    part: Option<&'static str>,
    settled: &Settled<T>,
) {
    let (status, detail) = match settled {
        Settled::Done(_) => (StepStatus::Completed, None),
        Settled::ByHand(reason) => (StepStatus::Resolved, Some(format!("done by hand: {reason}"))),
        Settled::Left(reason) => (StepStatus::LeftStanding, Some(format!("left: {reason}"))),
        Settled::Kept(reason) => (StepStatus::Resolved, Some(format!("kept: {reason}"))),
        Settled::Overtaken { .. } => (StepStatus::Skipped, Some("nobody had to answer any more".to_owned())),
    };
    scribe.mark_part(name, part, status, detail.as_deref());
    if let Settled::Left(reason) = settled {
        scribe.change(|saga| saga.report.note_left(name, part, reason));
    }
}

/// The text that the Web UI shows beside an activity.
fn summary<W: Process>(name: &'static str, part: Option<&str>) -> String {
    let words = spec_of::<W>(name).words;
    match part {
        Some(part) => format!("{name}: {words} ({part})"),
        None => format!("{name}: {words}"),
    }
}
