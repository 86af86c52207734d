//! A step that is no activity, such as the start of a child workflow; and word of an early end.

use std::future::Future;

use temporalio_common::ActivityDefinition;
use temporalio_workflow::WorkflowCancellationToken as Token;

use super::unwind::{Undo, Unsettled};
use super::{Halt, LocalFuture, Process, Saga, reason};
use crate::policy::Policy;
use crate::report::StepStatus;

impl<W: Process> Saga<W> {
    /// Does `work` as one part of a step; its undo is registered first, and may run more than once. Both give their
    /// error in words without personal data.
    ///
    /// # Errors
    /// [`Halt::Stopped`] when the run was stopped; [`Halt::Outage`] when the work failed.
    pub async fn effect<T, F>(
        &self,
        name: &'static str,
        part: &'static str,
        work: impl FnOnce() -> F,
        undo: impl Fn() -> LocalFuture<Result<(), String>> + 'static,
    ) -> Result<T, Halt>
    where
        F: Future<Output = Result<T, String>>,
    {
        self.check()?;
        let undo = move || -> LocalFuture<Result<(), Unsettled>> {
            let undone = undo();
            Box::pin(async move { undone.await.map_err(|reason| Unsettled { reason, is_refused: false }) })
        };
        self.undos.borrow_mut().push(Undo::by(name, Some(part), undo));
        self.ctx.state_mut(|w| w.saga_mut().enter::<W>(name, true));
        self.mark_part(name, Some(part), StepStatus::Running, None);
        match work().await {
            Ok(done) => {
                self.mark_part(name, Some(part), StepStatus::Completed, None);
                Ok(done)
            }
            Err(_) if self.forward.is_cancelled() => {
                self.mark_part(name, Some(part), StepStatus::Stopped, None);
                Err(self.stopped())
            }
            Err(reason) => {
                self.mark_part(name, Some(part), StepStatus::Failed, Some(&reason));
                Err(Halt::Outage { step: name, reason })
            }
        }
    }

    /// Tells an outside system how the run ends early: nobody can stop that, and an outage that outlasts its patience
    /// is noted in the report instead of hiding why the run ended.
    pub async fn tell<A>(&self, name: &'static str, what: &str, activity: A, input: A::Input, policy: Policy)
    where
        A: ActivityDefinition<Output = ()> + 'static,
    {
        self.mark(name, StepStatus::Running, None);
        let mut options = policy.regular(format!("{name}: {what}"), Token::new());
        options.task_queue = policy.task_queue(self.ctx.task_queue());
        match self.ctx.execute_activity(activity, input, options).await {
            Ok(()) => self.mark(name, StepStatus::Completed, Some(what)),
            Err(error) => self.mark(name, StepStatus::Failed, Some(&format!("{what}: {}", reason(&error)))),
        }
    }
}
