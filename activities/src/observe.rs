//! Where the worker listens, to count what becomes of messages.

use std::sync::OnceLock;

/// Takes note of what adapters see.
pub trait Observer: Send + Sync {
    /// A message will never be taken. `channel`: `email`, `sms` or `push`.
    fn message_refused(&self, channel: &'static str);
    /// The mail server refuses what is no matter of one recipient: a limit, a setting, a policy of its own.
    fn relay_refused(&self);
    /// An address without a mailbox was not suppressed, because too many were.
    fn suppression_held(&self);
}

static OBSERVER: OnceLock<Box<dyn Observer>> = OnceLock::new();

/// Installs the process-wide observer. The first call wins; a worker calls it once at start.
pub fn install(observer: Box<dyn Observer>) {
    OBSERVER.get_or_init(|| observer);
}

pub(crate) fn tell(what: impl FnOnce(&dyn Observer)) {
    if let Some(observer) = OBSERVER.get() {
        what(observer.as_ref());
    }
}
