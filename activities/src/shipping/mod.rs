//! The carrier.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;

use std::sync::Arc;
use std::time::Duration;

use contracts::failure;
use contracts::shipping::{CreateShipment, Shipment, ShipmentRef, defs};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated, still_wanted};
use crate::http::{Api, CallError};
use client::{Client, Voided};

/// The carrier's activities, on a connection to it.
pub struct ShippingActivities {
    client: Client,
    second_look: Duration,
}

impl ShippingActivities {
    /// On a connection to the carrier. `second_look`: how long an undo that found nothing waits before it believes
    /// that, where the carrier cannot bar the key.
    #[must_use]
    pub fn new(api: Api, second_look: Duration) -> Self {
        Self { client: Client::new(api), second_look }
    }
}

#[activities]
impl ShippingActivities {
    /// See [`contracts::shipping::Shipping`]. A second attempt looks first.
    #[activity(definition = defs::CreateShipment)]
    pub async fn create_shipment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CreateShipment,
    ) -> Result<Shipment, ActivityError> {
        let created = alive(&ctx, async {
            if is_repeated(&ctx) {
                if let Some(label) = self.client.find(&input.key).await? {
                    return Ok(Shipment::Labelled(label));
                }
                still_wanted(&ctx, "shipping")?;
            }
            self.client.create(&input).await
        });
        created.await.map_err(CallError::into_failure)
    }

    /// See [`contracts::shipping::Shipping`].
    #[activity(definition = defs::FindShipment)]
    pub async fn find_shipment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ShipmentRef,
    ) -> Result<Option<Shipment>, ActivityError> {
        let found = alive(&ctx, self.client.find(&input.key)).await;
        Ok(found.map_err(CallError::into_failure)?.map(Shipment::Labelled))
    }

    /// See [`contracts::shipping::Shipping`].
    #[activity(definition = defs::VoidShipment)]
    pub async fn void_shipment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ShipmentRef,
    ) -> Result<(), ActivityError> {
        match alive(&ctx, self.client.void(&input)).await.map_err(CallError::into_failure)? {
            Voided::Done => Ok(()),
            Voided::NothingThere => believe_nothing(&ctx, self.second_look),
            // Trying again will not bring it back: a person has to.
            Voided::TooLate => Err(ActivityError::application(
                ApplicationFailure::builder(String::from(
                    "in_transit: the parcel is with the carrier: stop it there",
                ))
                .type_name(failure::REFUSED.to_owned())
                .non_retryable(true)
                .build(),
            )),
        }
    }
}
