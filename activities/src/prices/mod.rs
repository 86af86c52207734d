//! Price runs: a list is checked and compared with the shop (`stage.rs`), written a stretch of batches at a time
//! (`apply.rs`), and can be taken back (`revert.rs`). How long lists are gone through is [`crate::bulk`]'s.
//!
//! - `row.rs`: one row, field by field;
//! - `resolve.rs`: the rows of one product beside the shop's prices;
//! - `guess.rs`: the SKU that was probably meant;
//! - `gathered.rs`, `held.rs`: the outcome of staging so far, and the rows of one time;
//! - `images.rs`: what products cost before they are written;
//! - `forced.rs`: what they cost when they are written over whatever that is;
//! - `fence.rs`: nothing is written any more once a run is taken back;
//! - `traces.rs`: the traces of a run in the object store, by which it is taken back;
//! - `team.rs`: the mail to the shop's team;
//! - `export.rs`: the shop's prices as a list;
//! - `client.rs`, `answers.rs`: the wire, and what its answers mean.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod answers;
mod apply;
mod buckets;
mod client;
mod export;
mod fence;
mod forced;
mod gathered;
mod guess;
mod held;
mod images;
mod resolve;
mod revert;
mod row;
mod stage;
mod team;
mod traces;

use std::sync::Arc;

use contracts::notification::Delivery;
use contracts::objects::ObjectRef;
use contracts::prices::{
    AppliedPrices, ApplyPrices, ExportPrices, ExportedPrices, JoinLists, MailTeam, NotifyPrices,
    RevertPrices, RevertedPrices, StagePrices, StagedPrices, defs,
};
use store::Store;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::bulk::Trouble;
use crate::effect::{alive, alive_saying};
use crate::http::{Api, CallError};
use crate::notification::{Attempt, Told, noted};
use client::Shop;

pub use team::Team;

/// The shop's abilities with prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It compares a price with the expected one before it sets it.
    pub compares: bool,
    /// It takes many prices with one request. Only a shop that compares is sent them so.
    pub batches: bool,
}

/// The activities of price runs.
pub struct PriceActivities {
    shop: Shop,
    /// The message senders: they tell the shop's team.
    senders: Shop,
    store: Store,
    abilities: Abilities,
    team: Option<Team>,
}

impl PriceActivities {
    /// On connections to the shop, to the message senders and to the object store.
    #[must_use]
    pub fn new(shop: Api, senders: Api, store: Store, abilities: Abilities) -> Self {
        Self { shop: Shop::new(shop), senders: Shop::new(senders), store, abilities, team: None }
    }

    /// With a mail to the shop's team when a run went through.
    #[must_use]
    pub fn with_team(self, team: Option<Team>) -> Self {
        Self { team, ..self }
    }
}

#[activities]
impl PriceActivities {
    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::Stage)]
    pub async fn stage(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StagePrices,
    ) -> Result<StagedPrices, ActivityError> {
        let staged = stage::stage(&ctx, &self.shop, &self.store, &input).await?;
        Ok(StagedPrices { team_mail: self.team.is_some(), ..staged })
    }

    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::Apply)]
    pub async fn apply(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ApplyPrices,
    ) -> Result<AppliedPrices, ActivityError> {
        apply::apply(&ctx, &self.shop, &self.store, self.abilities, &input).await
    }

    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::Join)]
    pub async fn join(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: JoinLists,
    ) -> Result<Vec<ObjectRef>, ActivityError> {
        let joined = alive(&ctx, store::join(&self.store, &input.folder, input.lists)).await;
        joined.map_err(|error| Trouble::Store(error).into_failure())
    }

    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::Notify)]
    pub async fn notify(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: NotifyPrices,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.senders.notify(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::MailTeam)]
    pub async fn mail_team(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: MailTeam,
    ) -> Result<Delivery, ActivityError> {
        match &self.team {
            Some(team) => {
                let told = Told::before(&ctx);
                let sent = team.mail(input, Attempt::of(&ctx, &told));
                let delivery = alive_saying(&ctx, || told.doubts(), sent).await?;
                Ok(noted(&ctx, "email", delivery))
            }
            // The worker that checked the list had an address.
            None => Ok(Delivery::Refused { code: "no_address".to_owned() }),
        }
    }

    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::Revert)]
    pub async fn revert(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: RevertPrices,
    ) -> Result<RevertedPrices, ActivityError> {
        revert::revert(&ctx, &self.shop, &self.store, self.abilities, &input).await
    }

    /// See [`contracts::prices::Prices`].
    #[activity(definition = defs::Export)]
    pub async fn export(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ExportPrices,
    ) -> Result<ExportedPrices, ActivityError> {
        export::export(&ctx, &self.shop, &self.store, &input).await
    }
}
