//! The commerce platform: orders and events.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;
mod known;
mod update;

use std::sync::Arc;
use std::time::Duration;

use contracts::commerce::{
    CustomerOnboarded, OrderCompleted, OrderStatus, OrderValidation, UpdateOrder, UpdatePayment,
    ValidateOrder, defs,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing};
use crate::http::{Api, CallError};
use client::Client;
use update::Word;

/// The platform's activities, on a connection to it.
pub struct CommerceActivities {
    client: Client,
    second_look: Duration,
}

/// How long the word about the end of an order that the shop does not know waits, unless it is said otherwise.
const SECOND_LOOK: Duration = Duration::from_secs(30);

impl CommerceActivities {
    /// On a connection to the platform.
    #[must_use]
    pub fn new(api: Api) -> Self {
        Self { client: Client::new(api), second_look: SECOND_LOOK }
    }

    /// The same; the word about the end of an order that the shop does not know, and may come to know, waits for so
    /// long before it believes that.
    #[must_use]
    pub fn looking_again_after(self, second_look: Duration) -> Self {
        Self { second_look, ..self }
    }
}

#[activities]
impl CommerceActivities {
    /// See [`contracts::commerce::Commerce`].
    #[activity(definition = defs::ValidateOrder)]
    pub async fn validate_order(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ValidateOrder,
    ) -> Result<OrderValidation, ActivityError> {
        alive(&ctx, self.client.validate(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::commerce::Commerce`].
    #[activity(definition = defs::UpdateOrder)]
    pub async fn update_order(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: UpdateOrder,
    ) -> Result<(), ActivityError> {
        let told = alive(&ctx, self.client.update(&input)).await;
        let told = told.map_err(match input.status {
            OrderStatus::Confirmed | OrderStatus::AwaitingPayment => CallError::into_failure,
            OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Expired => {
                CallError::into_failure_of_undo
            }
        });
        match told? {
            Word::Heard => Ok(()),
            Word::TooEarly => believe_nothing(&ctx, self.second_look),
        }
    }

    /// See [`contracts::commerce::Commerce`].
    #[activity(definition = defs::UpdatePayment)]
    pub async fn update_payment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: UpdatePayment,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.update_payment(&input)).await.map_err(CallError::into_failure_of_undo)
    }

    /// See [`contracts::commerce::Commerce`].
    #[activity(definition = defs::TrackOrderCompleted)]
    pub async fn track_order_completed(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: OrderCompleted,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.track(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::commerce::Commerce`].
    #[activity(definition = defs::TrackCustomerOnboarded)]
    pub async fn track_customer_onboarded(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CustomerOnboarded,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.track_onboarded(&input)).await.map_err(CallError::into_failure)
    }
}
