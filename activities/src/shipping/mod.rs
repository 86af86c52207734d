//! The carrier: the port ([`Carrier`]), the list of who can be behind it ([`KINDS`]), and the activities. Adding a
//! carrier is a folder and a line in `KINDS`.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod platform;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use contracts::failure;
use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef, defs};
use futures::future::BoxFuture;
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated, still_wanted};
use crate::http::CallError;
use crate::provider::Kind;

/// A carrier.
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Asks whether the carrier is there, and takes our token.
    fn health(&self) -> BoxFuture<'_, Result<(), CallError>>;

    /// Buys a label, under a key.
    fn create<'a>(&'a self, parcel: &'a CreateShipment) -> BoxFuture<'a, Result<Shipment, CallError>>;

    /// The label made under a key, unless it was voided.
    fn find<'a>(&'a self, label: &'a ShipmentRef) -> BoxFuture<'a, Result<Option<Label>, CallError>>;

    /// Voids the label made under a key, and bars the key where the carrier can.
    fn void<'a>(&'a self, label: &'a ShipmentRef) -> BoxFuture<'a, Result<Voided, CallError>>;
}

/// Every carrier, by the name that it is chosen by; the first one unless another is named.
pub const KINDS: &[Kind<dyn Carrier>] = &[platform::KIND];

/// The outcome of an undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voided {
    /// Voided, or barred for good.
    Done,
    /// The carrier knows of nothing under the key, and did not bar it.
    NothingThere,
    /// The parcel was handed over: the label can no longer be voided.
    TooLate,
}

/// The carrier's activities, on a connection to it.
pub struct ShippingActivities {
    carrier: Arc<dyn Carrier>,
    second_look: Duration,
}

impl ShippingActivities {
    /// On a connection to the carrier. `second_look`: how long an undo that found nothing waits before it believes
    /// that, where the carrier cannot bar the key.
    #[must_use]
    pub fn new(carrier: impl Into<Arc<dyn Carrier>>, second_look: Duration) -> Self {
        Self { carrier: carrier.into(), second_look }
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
                let earlier = ShipmentRef { key: input.key.clone(), order_id: input.order_id.clone() };
                if let Some(label) = self.carrier.find(&earlier).await? {
                    return Ok(Shipment::Labelled(label));
                }
                still_wanted(&ctx, "shipping")?;
            }
            self.carrier.create(&input).await
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
        let found = alive(&ctx, self.carrier.find(&input)).await;
        Ok(found.map_err(CallError::into_failure)?.map(Shipment::Labelled))
    }

    /// See [`contracts::shipping::Shipping`].
    #[activity(definition = defs::VoidShipment)]
    pub async fn void_shipment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ShipmentRef,
    ) -> Result<(), ActivityError> {
        match alive(&ctx, self.carrier.void(&input)).await.map_err(CallError::into_failure)? {
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
