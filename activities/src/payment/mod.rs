//! The payment provider.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;

use std::sync::Arc;
use std::time::Duration;

use contracts::payment::{ChargePayment, FindPayment, Payment, ReversePayment, defs};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated};
use crate::http::{Api, CallError};
use client::{Client, Reversal};

/// The payment provider's activities, on a connection to it.
pub struct PaymentActivities {
    client: Client,
    second_look: Duration,
}

impl PaymentActivities {
    /// On a connection to the provider. `second_look`: how long an undo that found nothing waits before it
    /// believes that, where the provider cannot bar the key.
    #[must_use]
    pub fn new(api: Api, second_look: Duration) -> Self {
        Self { client: Client::new(api), second_look }
    }
}

#[activities]
impl PaymentActivities {
    /// See [`contracts::payment::Payments`]. A second attempt looks first: the reply to the first may be all that
    /// was lost, and not every provider keeps its promise about keys.
    #[activity(definition = defs::Charge)]
    pub async fn charge(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ChargePayment,
    ) -> Result<Payment, ActivityError> {
        let charged = alive(&ctx, async {
            if is_repeated(&ctx)
                && let Some(payment) = self.client.find(&input.key).await?
            {
                return Ok(payment);
            }
            self.client.charge(&input).await
        });
        charged.await.map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Find)]
    pub async fn find(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: FindPayment,
    ) -> Result<Option<Payment>, ActivityError> {
        alive(&ctx, self.client.find(&input.key)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Reverse)]
    pub async fn reverse(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReversePayment,
    ) -> Result<(), ActivityError> {
        match alive(&ctx, self.client.reverse(&input)).await.map_err(CallError::into_failure)? {
            Reversal::Done => Ok(()),
            Reversal::NothingThere => believe_nothing(&ctx, self.second_look),
        }
    }
}
