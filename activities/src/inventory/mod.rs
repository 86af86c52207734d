//! The stock system.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;

use std::sync::Arc;
use std::time::Duration;

use contracts::inventory::{ConfirmStock, Confirmation, ReleaseStock, Reservation, ReserveStock, defs};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing};
use crate::http::{Api, CallError};
use client::Client;

/// How the stock system takes several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// In one atomic call: the platform's older `items[]` form.
    Batch,
    /// One call per line, side by side; a shortage in one leaves the others to the undo.
    OneByOne,
}

/// The stock system's activities, on a connection to it.
pub struct InventoryActivities {
    client: Client,
    second_look: Duration,
}

impl InventoryActivities {
    /// On a connection to the stock system. `second_look`: how long an undo that found nothing waits before it
    /// believes that.
    #[must_use]
    pub fn new(api: Api, lines: Lines, second_look: Duration) -> Self {
        Self { client: Client::new(api, lines), second_look }
    }
}

#[activities]
impl InventoryActivities {
    /// See [`contracts::inventory::Inventory`].
    #[activity(definition = defs::Reserve)]
    pub async fn reserve(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReserveStock,
    ) -> Result<Reservation, ActivityError> {
        alive(&ctx, self.client.reserve(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::inventory::Inventory`]. No second look: a hold that lands late has a deadline of its own.
    #[activity(definition = defs::Release)]
    pub async fn release(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReleaseStock,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.release(&input)).await.map_err(CallError::into_failure_of_undo)
    }

    /// See [`contracts::inventory::Inventory`].
    #[activity(definition = defs::Confirm)]
    pub async fn confirm(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ConfirmStock,
    ) -> Result<Confirmation, ActivityError> {
        alive(&ctx, self.client.confirm(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::inventory::Inventory`].
    #[activity(definition = defs::Restock)]
    pub async fn restock(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReleaseStock,
    ) -> Result<(), ActivityError> {
        let back = alive(&ctx, self.client.restock(&input)).await.map_err(CallError::into_failure_of_undo)?;
        // The sale of a line that did not come back may still be on its way.
        if back < input.lines.len() { believe_nothing(&ctx, self.second_look) } else { Ok(()) }
    }
}
