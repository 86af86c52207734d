//! Hearing that the sandbox is to stop.

use tokio::sync::watch;

/// Hears when the sandbox is told to stop, or dropped.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// Returns when the sandbox stops.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.clone();
        // An error says that the sender is gone, and the sandbox with it.
        drop(receiver.wait_for(|stopping| *stopping).await);
    }
}
