//! The look behind a person's word: the money that is approved may have gone back since it was read.
//!
//! The word stands however long that look takes. It is tried on until it answers, also behind the deadline: the money
//! is here, and stock that is lost meanwhile is held once more, if it can be. A cancel ends it.

use contracts::payment::Payment;

use super::super::PAY;
use super::super::steps::OrderRun;
use super::Wait;
use crate::clock::{later, now};
use crate::policy;
use crate::saga::Halt;

impl OrderRun<'_> {
    /// Reads the payment that a person has approved, until there is an answer.
    pub(super) async fn look_as_approved(&self, wait: &mut Wait<'_>, why: &str) -> Result<Payment, Halt> {
        let (saga, pauses) = (wait.saga, policy::look_again());
        let mut pause = pauses.first;
        loop {
            wait.heard = saga.ctx().state(|w| w.settlements.len());
            if let Some(found) = self.look(wait).await? {
                return Ok(found);
            }
            let trouble = wait.trouble.as_deref().unwrap_or("the provider shows no payment");
            saga.waits(
                PAY,
                &format!("approved: {why}; the payment is read once more before that: {trouble}"),
            );
            let (heard, next) = (wait.heard, later(now(saga.ctx()), pause));
            let summary = "approved: look at the payment";
            saga.wait_until(next, summary, |w| w.settlements.len() > heard).await?;
            pause = (pause * 2).min(pauses.longest);
        }
    }
}
