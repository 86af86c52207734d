//! Reads that the way back goes on from, and that do not hold up what has to happen before.

use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use temporalio_common::ActivityDefinition;
use temporalio_workflow::WorkflowCancellationToken as Token;

use super::super::Process;
use super::super::failure::reason;
use super::super::step::attempt;
use super::super::updates::never;
use super::Back;
use crate::policy::Policy;

impl<W: Process> Back<'_, W> {
    /// Reads something that the way back goes on from, unless the run hears news that does not wait for it. No stop
    /// reaches it, and answers are taken meanwhile. `None`: the news came first, and the read was let go.
    ///
    /// # Errors
    /// Says why there is no answer, when the policy's patience is over or the system has refused.
    pub async fn read_unless<A>(
        &self,
        step: &'static str,
        activity: A,
        question: A::Input,
        policy: Policy,
        has_news: impl Fn(&W) -> bool,
    ) -> Result<Option<A::Output>, String>
    where
        A: ActivityDefinition + 'static,
        A::Input: Clone,
    {
        let (activity, let_go) = (Rc::new(activity), Token::new());
        let mut read = pin!(attempt(self.ctx(), (step, None), &activity, question, policy, &let_go));
        let mut news = pin!(self.ctx().wait_condition_with_options(has_news, never()));
        let mut has_come = false;
        let answer = self.saga.questions.meanwhile(std::future::poll_fn(|cx| {
            if let Poll::Ready(answer) = read.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            if has_come || news.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            has_come = true;
            let_go.cancel();
            read.as_mut().poll(cx)
        }));
        match answer.await {
            Ok(answer) => Ok(Some(answer)),
            Err(_) if let_go.is_cancelled() => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }
}
