//! Why news of a payment could not be brought.

use std::time::Duration;

use contracts::values::OrderId;
use thiserror::Error;
use tonic::Status;

/// Why the news could not be brought.
#[derive(Debug, Error)]
pub enum SettleError {
    /// There is no such order.
    #[error("there is no order {0}")]
    UnknownOrder(OrderId),
    /// The order was terminated, or timed out: it could not say how it ended, and nothing of it was undone.
    #[error(
        "order {0} was ended by force and did not say whether it was paid for: a person decides about the money"
    )]
    EndedByForce(OrderId),
    /// No worker answered.
    #[error("no worker answered for order {0} within {1:?}")]
    NoWorker(OrderId, Duration),
    /// Temporal refused, or cannot be reached.
    #[error("Temporal answers {:?}: {}", .0.code(), .0.message())]
    Rpc(Box<Status>),
    /// The payment provider has to be asked first, and did not answer.
    #[error("the payment provider gave no answer: {0}")]
    NoLook(String),
    /// Something between Temporal and here failed.
    #[error("Temporal: {0}")]
    Temporal(String),
}

impl SettleError {
    /// Whether the same news may get through later.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        !matches!(self, Self::UnknownOrder(_) | Self::EndedByForce(_))
    }
}
