//! Words of people to a running batch: pause, resume, another rate, and the end.

use contracts::bulk::Rate;
use serde::{Deserialize, Serialize};
use temporalio_workflow::WorkflowCancellationToken as Token;

use crate::saga::UpdateError;

/// Characters of a reason, at most.
const REASON_MAX: usize = 500;

/// The input of `pause`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausePrices {
    /// Why; shown until the run goes on.
    pub reason: String,
}

/// The input of `set_rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRate {
    /// Rows a second from now on; `None`: as fast as they are taken.
    #[serde(default)]
    pub max_per_second: Option<u32>,
}

/// The input of `cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelPrices {
    /// Why; goes into the report.
    pub reason: String,
    /// Whether prices that were written are put back.
    #[serde(default)]
    pub revert: bool,
}

/// The answer to `pause`, `resume` and `set_rate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateTaken {
    /// Rows that have their outcome so far; a batch in hand is finished.
    pub processed: u64,
    /// Rows to write altogether; 0 while they are still checked.
    pub to_write: u64,
}

/// The part of a run's state that people change.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Why the run pauses.
    pub(super) paused: Option<String>,
    /// Another rate than the input's.
    pub(super) rate: Option<Option<Rate>>,
    /// Whether a cancel puts back what was written.
    pub(super) reverts: bool,
    /// Interrupts the stretch under way.
    pub(super) stretch: Option<Token>,
    pub(super) processed: u64,
    pub(super) to_write: u64,
}

impl Control {
    pub(super) fn pause(&mut self, reason: String) -> UpdateTaken {
        self.paused = Some(reason);
        self.interrupt("paused")
    }

    pub(super) fn resume(&mut self) -> UpdateTaken {
        self.paused = None;
        self.taken()
    }

    pub(super) fn set_rate(&mut self, rate: SetRate) -> UpdateTaken {
        self.rate = Some(rate.max_per_second.and_then(|rows| Rate::try_from(rows).ok()));
        self.interrupt("another rate")
    }

    fn interrupt(&mut self, why: &str) -> UpdateTaken {
        if let Some(stretch) = self.stretch.take() {
            stretch.cancel_with_reason(why);
        }
        self.taken()
    }

    fn taken(&self) -> UpdateTaken {
        UpdateTaken { processed: self.processed, to_write: self.to_write }
    }

    pub(super) fn check_pause(&self, pause: &PausePrices) -> Result<(), UpdateError> {
        if self.paused.is_some() {
            return Err("it pauses already: resume it, or leave it".into());
        }
        let length = pause.reason.trim().chars().count();
        if length == 0 || length > REASON_MAX {
            return Err(format!("reason must have 1 to {REASON_MAX} characters: it is shown").into());
        }
        Ok(())
    }

    pub(super) fn check_resume(&self) -> Result<(), UpdateError> {
        if self.paused.is_none() { Err("it does not pause".into()) } else { Ok(()) }
    }
}
