//! The stock system.
//!
//! - `client`: reserve; `sale`: confirm; `undo`: release and restock;
//! - `look`: the holds of an order, as the stock system lists them;
//! - `pace`: one request per line, a few at a time;
//! - `wire`: bodies and answers.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;
mod look;
mod pace;
mod sale;
mod undo;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use contracts::inventory::{ConfirmStock, Confirmation, ReleaseStock, Reservation, ReserveStock, defs};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing};
use crate::http::{Api, CallError};
use client::Client;
use pace::Pace;
use undo::Undone;

/// How the stock system takes several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// In one atomic call: the platform's older `items[]` form.
    Batch,
    /// One call per line, eight at a time; a shortage in one leaves the others to the undo.
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

    fn pace<'c>(&self, ctx: &'c ActivityContext) -> Pace<'c> {
        Pace::of(ctx, self.client.api.timeout())
    }

    fn undone(&self, ctx: &ActivityContext, undone: Undone, is_answered: bool) -> Result<(), ActivityError> {
        match undone {
            Undone::NothingYet if !is_answered => believe_nothing(ctx, self.second_look),
            Undone::NothingYet | Undone::Done => Ok(()),
        }
    }
}

#[activities]
impl InventoryActivities {
    /// See [`contracts::inventory::Inventory`]. A second attempt looks first, and takes what is held.
    #[activity(definition = defs::Reserve)]
    pub async fn reserve(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReserveStock,
    ) -> Result<Reservation, ActivityError> {
        let pace = self.pace(&ctx);
        alive(&ctx, self.client.reserve(&pace, &input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::inventory::Inventory`].
    #[activity(definition = defs::Release)]
    pub async fn release(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReleaseStock,
    ) -> Result<(), ActivityError> {
        let pace = self.pace(&ctx);
        let released = alive(&ctx, self.client.release(&pace, &input)).await;
        self.undone(&ctx, released.map_err(CallError::into_failure_of_undo)?, input.is_answered)
    }

    /// See [`contracts::inventory::Inventory`]. A second attempt looks first, and leaves out what is sold.
    #[activity(definition = defs::Confirm)]
    pub async fn confirm(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ConfirmStock,
    ) -> Result<Confirmation, ActivityError> {
        let pace = self.pace(&ctx);
        alive(&ctx, self.client.confirm(&pace, &input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::inventory::Inventory`].
    #[activity(definition = defs::Restock)]
    pub async fn restock(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReleaseStock,
    ) -> Result<(), ActivityError> {
        let restocked = alive(&ctx, self.client.restock(&input)).await;
        self.undone(&ctx, restocked.map_err(CallError::into_failure_of_undo)?, input.is_answered)
    }
}
