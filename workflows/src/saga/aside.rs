//! Told beside the story: parts of steps that hold up nothing and end nothing.
//!
//! They run beside a wait of the forward path, and end with it; or beside the way back, and the run closes when the
//! last has ended, at the latest with its patience. The outcome of each is a part of its step in the report. The step
//! itself stands as it did, because it has not had its turn.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use temporalio_common::ActivityDefinition;
use temporalio_workflow::{WaitConditionOptions, WorkflowCancellationToken as Token};

use super::failure::reason;
use super::scribe::Scribe;
use super::step::attempt;
use super::{Back, Process, Saga};
use crate::observe;
use crate::policy::Policy;
use crate::report::StepStatus;

/// The hand that tells, beside the story. It borrows nothing of the run, so that it may outlast what it is told beside.
pub struct Aside<W> {
    scribe: Scribe<W>,
    /// Cancelled when nobody needs to be told any more.
    token: Token,
}

impl<W: Process> Aside<W> {
    /// Runs `story`, and tells beside it. When the story is over, what was not told is not told any more: an attempt
    /// under way ends as its policy says, and no other one begins.
    pub async fn beside<T, S>(
        saga: &Saga<W>,
        tell: impl FnOnce(Self) -> S,
        story: impl Future<Output = T>,
    ) -> T
    where
        S: Future<Output = ()>,
    {
        let token = Token::new();
        let mut side = pin!(tell(Self { scribe: saga.scribe.clone(), token: token.clone() }));
        let mut story = pin!(story);
        let mut is_told = false;
        let done = std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = story.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            is_told = is_told || side.as_mut().poll(cx).is_ready();
            Poll::Pending
        })
        .await;
        if !is_told {
            token.cancel();
            side.await;
        }
        done
    }

    /// Waits for something to tell. `None`: nobody needs to be told any more.
    pub async fn until<T>(&self, due: impl Fn(&W) -> Option<T>) -> Option<T> {
        if self.token.is_cancelled() {
            return None;
        }
        let options = WaitConditionOptions::builder().cancellation_token(self.token.clone()).build();
        let is_due = |w: &W| due(w).is_some();
        self.scribe.ctx.wait_condition_with_options(is_due, options).await.ok()?;
        self.scribe.ctx.state(&due)
    }

    /// Does one part of a step. `None`: it could not be done, which is reported, or it was not needed any more.
    pub async fn tell<A>(
        &self,
        (step, part): (&'static str, &'static str),
        activity: A,
        input: A::Input,
        policy: Policy,
    ) -> Option<A::Output>
    where
        A: ActivityDefinition + 'static,
        A::Input: Clone,
    {
        let mark = |status, detail: Option<&str>| self.mark((step, part), status, detail);
        mark(StepStatus::Running, None);
        let activity = Rc::new(activity);
        let answer =
            attempt(&self.scribe.ctx, (step, Some(part)), &activity, input, policy, &self.token).await;
        match answer {
            Ok(answer) => {
                mark(StepStatus::Completed, None);
                Some(answer)
            }
            Err(_) if self.token.is_cancelled() => {
                mark(StepStatus::Skipped, Some("the run went on before it was done"));
                None
            }
            Err(error) => {
                let reason = reason(&error);
                mark(StepStatus::Failed, Some(&reason));
                observe::message_lost(&self.scribe.ctx, activity.name(), step, &reason);
                None
            }
        }
    }

    /// Marks a part as failed for good.
    pub fn failed(&self, part: (&'static str, &'static str), why: &str) {
        self.mark(part, StepStatus::Failed, Some(why));
    }

    /// Marks a part as not needed.
    pub fn skip(&self, part: (&'static str, &'static str), why: &str) {
        self.mark(part, StepStatus::Skipped, Some(why));
    }

    fn mark(&self, (step, part): (&'static str, &'static str), status: StepStatus, detail: Option<&str>) {
        self.scribe.change(|saga| saga.mark_aside(step, part, status, detail));
        self.scribe.show();
    }
}

impl<W: Process> Back<'_, W> {
    /// Tells beside the way back. It begins when the way back next waits, and the run closes when it has ended.
    pub fn aside<S>(&self, tell: impl FnOnce(Aside<W>) -> S)
    where
        S: Future<Output = ()> + 'static,
    {
        self.add(Box::pin(tell(Aside { scribe: self.scribe(), token: Token::new() })));
    }
}
