//! A step that is no activity, such as the start of a child workflow.

use std::future::Future;

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
}
