//! The tries of an effect that is an activity: with the patience of a policy, for a person who says so, and on and on
//! while somebody is asked. No stop of the run reaches them.
//!
//! An effect that counts rounds ([`super::rounds`]) leaves an answer behind that its system repeats for ever: once
//! before anybody is asked, and then as often as it is tried on. Any other one is asked about when its system repeats
//! itself.

use std::rc::Rc;
use std::time::Duration;

use contracts::rounds::Tried;
use jiff::Timestamp;
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{WorkflowCancellationToken as Token, WorkflowContext};

use super::asking::{Tries, Try, Unsettled};
use super::failure::unsettled;
use super::rounds::{Rounds, Turn};
use super::{LocalFuture, Process, Shared};
use crate::clock::now;
use crate::policy::{self, Policy};

/// An effect of a step.
pub(super) struct Effect<W, A: ActivityDefinition> {
    pub(super) ctx: WorkflowContext<W>,
    pub(super) step: &'static str,
    /// The text that the Web UI shows beside the activity.
    pub(super) summary: String,
    pub(super) activity: Rc<A>,
    pub(super) input: A::Input,
}

impl<W, A> Effect<W, A>
where
    W: Process,
    A: ActivityDefinition + 'static,
    A::Input: Tried,
{
    pub(super) fn tries(self, policy: Policy) -> Tries<A::Output> {
        let effect = Rc::new(self);
        let by = |policy: Policy, turn: Turn| -> Try<A::Output> {
            let effect = effect.clone();
            Box::new(move |token: Token| -> LocalFuture<Result<A::Output, Unsettled>> {
                let effect = effect.clone();
                Box::pin(async move { effect.once(policy, turn, token).await.map_err(Self::said) })
            })
        };
        let counts = A::Input::COUNTS_ROUNDS;
        let tried_on = if counts { policy.while_asking().for_a_round() } else { policy.while_asking() };
        Tries {
            patient: Self::patient(effect.clone(), policy.awaited()),
            told: Some(by(policy.when_told(), Turn::IfDue)),
            endless: Some(by(tried_on, Turn::Next(policy::asked_retry_first()))),
            is_read: false,
        }
    }

    /// With full patience, and where the system repeats its answer under the key, once more under the next one.
    fn patient(effect: Rc<Self>, policy: Policy) -> Try<A::Output> {
        Box::new(move |token| -> LocalFuture<Result<A::Output, Unsettled>> {
            let effect = effect.clone();
            Box::pin(async move {
                let mut tried = effect.once(policy, Turn::Same, token.clone()).await;
                if A::Input::COUNTS_ROUNDS && tried.as_ref().is_err_and(Unsettled::is_repeated) {
                    tried = effect.once(policy, Turn::Next(Duration::ZERO), token).await;
                }
                tried.map_err(Self::said)
            })
        })
    }

    /// Under another key the system may say something else: what it repeats is not its last word.
    fn said(unsettled: Unsettled) -> Unsettled {
        if A::Input::COUNTS_ROUNDS && unsettled.is_repeated() {
            unsettled.without_answer()
        } else {
            unsettled
        }
    }

    async fn once(&self, policy: Policy, turn: Turn, token: Token) -> Result<A::Output, Unsettled> {
        let Self { ctx, summary, activity, input, .. } = self;
        let mut options = policy.regular(summary.clone(), token);
        options.task_queue = policy.task_queue(ctx.task_queue());
        let round = self.rounds(|rounds, now| rounds.begin(turn, now));
        let input = input.clone().in_round(round);
        let input = if turn == Turn::Same { input } else { input.behind_another() };
        let done = ctx.execute_activity(Shared(activity.clone()), input, options).await;
        self.rounds(|rounds, now| rounds.end(round, now));
        done.map_err(|error| unsettled(&error))
    }

    fn rounds<R>(&self, change: impl FnOnce(&mut Rounds, Timestamp) -> R) -> R {
        let now = now(&self.ctx);
        self.ctx.state_mut(|w| change(w.saga_mut().rounds.entry(self.step).or_default(), now))
    }
}
