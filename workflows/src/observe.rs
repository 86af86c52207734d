//! Where the worker listens, to count runs, steps and failed undos.
//!
//! Called only when a workflow task runs for the first time, never in a replay. A task that is lost after the
//! call (the worker is killed) runs again, so the figures may be a little high: they are for dashboards, the
//! histories are for books.

use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use temporalio_workflow::WorkflowContext;

use crate::report::{Progress, StepStatus};
use crate::saga::Question;

/// Takes note of what runs do.
pub trait Observer: Send + Sync {
    /// A run of a process began.
    fn process_started(&self, progress: &Progress);
    /// A run ended; its outcome is in the progress.
    fn process_ended(&self, progress: &Progress);
    /// A step ended, retries and waits included.
    fn step_ended(&self, process: &str, step: &str, status: StepStatus, took: Duration);
    /// A person is asked: about an undo, a step or a decision.
    fn asked(&self, process: &str, workflow_id: &str, question: &Question);
    /// A message (`channel`: `email`, `sms`, `push`) could not be sent for as long as it was news.
    fn message_lost(&self, workflow_id: &str, step: &str, channel: &str, reason: &str);
    /// An undo used up its patience; a person is asked.
    fn undo_failed(&self, process: &str, workflow_id: &str, step: &str, reason: &str);
    /// A sync has brought one kind of records to its end.
    fn synced(&self, synced: &Synced<'_>) {
        let _ = synced;
    }
}

/// How far a sync has brought one kind of records.
#[derive(Clone, Copy, Debug)]
pub struct Synced<'s> {
    /// The integration's id.
    pub integration: &'s str,
    /// The kind of records.
    pub entity: &'static str,
    /// When, by workflow time.
    pub at: Timestamp,
    /// The newest change that is in the shop, by the source's clock.
    pub watermark: Option<Timestamp>,
    /// Records that the shop refuses, and that the next runs try again.
    pub refused: u64,
}

static OBSERVER: OnceLock<Box<dyn Observer>> = OnceLock::new();

/// Installs the process-wide observer. The first call wins; a worker calls it once at start.
pub fn install(observer: Box<dyn Observer>) {
    OBSERVER.get_or_init(|| observer);
}

pub(crate) fn observer() -> Option<&'static dyn Observer> {
    OBSERVER.get().map(AsRef::as_ref)
}

/// Tells that a message was given up. A refused one is told by its adapter.
pub(crate) fn message_lost<W>(ctx: &WorkflowContext<W>, activity: &str, step: &str, reason: &str) {
    let channel = match activity {
        "notification.send_email" | "prices.mail_team" => "email",
        "notification.send_sms" => "sms",
        "notification.send_push" => "push",
        _ => return,
    };
    if !ctx.is_replaying()
        && let Some(observer) = observer()
    {
        observer.message_lost(ctx.workflow_id(), step, channel, reason);
    }
}
