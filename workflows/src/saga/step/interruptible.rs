//! A step that the process itself may interrupt, to go on with it later or otherwise.

use std::rc::Rc;

use temporalio_common::ActivityDefinition;

use super::{Step, Token};
use crate::report::StepStatus;
use crate::saga::failure::{is_final, reason};
use crate::saga::{Halt, Process};

impl<W: Process, A> Step<'_, W, A>
where
    A: ActivityDefinition + 'static,
    A::Input: Clone,
{
    /// Runs a step that leaves nothing behind that an undo knows; `keep` puts the token that interrupts it where an
    /// update finds it. A stop of the run interrupts it, too. The activity ends behind what it has in hand and says how
    /// far it is; `None`: it was interrupted before it could say anything, such as between two attempts.
    ///
    /// # Errors
    /// As any step.
    pub async fn interruptible(self, keep: impl FnOnce(&mut W, Token)) -> Result<Option<A::Output>, Halt> {
        debug_assert!(self.look_up.is_none() && self.first.is_none(), "it is interrupted, not looked up");
        let Step { saga, name, part, activity, input, policy, count, .. } = self;
        saga.check()?;
        saga.scribe.change(|state| state.enter::<W>(name, false));
        let count = count.map(|count| count.to_string());
        saga.scribe.mark_part(name, part, StepStatus::Running, count.as_deref());
        let token = saga.forward.child_token();
        saga.ctx.state_mut(|w| keep(w, token.clone()));
        match saga.attempt(name, part, &Rc::new(activity), input, policy, &token).await {
            Ok(output) => Ok(Some(output)),
            Err(_) if saga.forward.is_cancelled() => {
                saga.scribe.mark_part(name, part, StepStatus::Stopped, None);
                Err(saga.stopped())
            }
            Err(_) if token.is_cancelled() => Ok(None),
            Err(error) => {
                let reason = reason(&error);
                saga.scribe.mark_part(name, part, StepStatus::Failed, Some(&reason));
                Err(Halt::Outage { step: name, reason, is_final: is_final(&error) })
            }
        }
    }
}
