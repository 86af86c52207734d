//! A step that is not an activity, such as the start of a child workflow.

use std::future::Future;

use temporalio_workflow::WorkflowCancellationToken as Token;

use super::asking::Unsettled;
use super::failure::NO_ANSWER;
use super::unwind::Undo;
use super::{Halt, LocalFuture, Process, Saga};
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
        // Not an activity: it is short, and runs to its end.
        let undo = move |_: Token| -> LocalFuture<Result<(), Unsettled>> {
            let undone = undo();
            Box::pin(async move {
                let cause = NO_ANSWER.to_owned();
                let unsettled = |reason| Unsettled {
                    reason,
                    cause,
                    is_refused: false,
                    is_answered: false,
                    may_be_there: false,
                };
                undone.await.map_err(unsettled)
            })
        };
        self.undos.borrow_mut().push(Undo::by(name, Some(part), Box::new(undo)));
        self.scribe.change(|saga| saga.enter::<W>(name, true));
        self.scribe.mark_part(name, Some(part), StepStatus::Running, None);
        match work().await {
            Ok(done) => {
                self.scribe.mark_part(name, Some(part), StepStatus::Completed, None);
                Ok(done)
            }
            Err(_) if self.forward.is_cancelled() => {
                self.scribe.mark_part(name, Some(part), StepStatus::Stopped, None);
                Err(self.stopped())
            }
            Err(reason) => {
                self.scribe.mark_part(name, Some(part), StepStatus::Failed, Some(&reason));
                Err(Halt::Outage { step: name, reason, is_final: false })
            }
        }
    }
}
