//! The carrier: the port ([`Carrier`]), the list of who can be behind it ([`KINDS`]), and the activities. Adding a
//! carrier is a folder and a line in `KINDS`.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod one_label;
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

use crate::effect::{alive, believe_nothing, is_repeated};
use crate::http::CallError;
use crate::provider::Kind;

/// A carrier.
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Asks whether the carrier is there, and takes our token.
    fn health(&self) -> BoxFuture<'_, Result<(), CallError>>;

    /// Buys a label, under a key.
    fn create<'a>(&'a self, parcel: &'a CreateShipment) -> BoxFuture<'a, Result<Shipment, CallError>>;

    /// The labels made under a key, the oldest first, without those that were voided. A carrier that keeps its promise
    /// about keys has one at most.
    fn find<'a>(&'a self, label: &'a ShipmentRef) -> BoxFuture<'a, Result<Vec<Found>, CallError>>;

    /// Voids every label made under a key, and bars the key where the carrier can.
    fn void<'a>(&'a self, label: &'a ShipmentRef) -> BoxFuture<'a, Result<Voided, CallError>>;

    /// Voids one label, by the carrier's id of it.
    fn void_one<'a>(&'a self, shipment_id: &'a str) -> BoxFuture<'a, Result<Voided, CallError>>;
}

/// A label that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The label.
    pub label: Label,
    /// Whether the carrier has the parcel, so that the label can no longer be voided.
    pub is_collected: bool,
}

/// Every carrier, by the name that it is chosen by; the first one unless another is named.
pub const KINDS: &[Kind<dyn Carrier>] = &[platform::KIND];

/// The outcome of an undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voided {
    /// Voided.
    Done,
    /// The carrier knows of nothing under the key, and barred it for good.
    Barred,
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
    /// See [`contracts::shipping::Shipping`]. A second attempt looks first, and of several labels keeps one.
    #[activity(definition = defs::CreateShipment)]
    pub async fn create_shipment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CreateShipment,
    ) -> Result<Shipment, ActivityError> {
        let created = alive(&ctx, async {
            if is_repeated(&ctx) {
                return one_label::look_and_buy(&ctx, &*self.carrier, &input).await;
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
        let found = alive(&ctx, one_label::look(&*self.carrier, &input)).await;
        Ok(found.map_err(CallError::into_failure)?.map(Shipment::Labelled))
    }

    /// See [`contracts::shipping::Shipping`].
    #[activity(definition = defs::VoidShipment)]
    pub async fn void_shipment(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ShipmentRef,
    ) -> Result<(), ActivityError> {
        let voided = alive(&ctx, one_label::void(&*self.carrier, &input)).await;
        match voided.map_err(CallError::into_failure_of_undo)? {
            Voided::Done | Voided::Barred => Ok(()),
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
