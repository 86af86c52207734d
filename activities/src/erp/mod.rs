//! Syncs with an ERP: reading it ([`connector`]), comparing with the shop and writing to it (`shop.rs`). How long lists
//! are gone through is [`crate::bulk`]'s.
//!
//! - `stage.rs`: pages from the ERP become rows to write;
//! - `course.rs`: whether pages go on, and how far they bring the watermark;
//! - `looking.rs`: the shop is asked what it has;
//! - `compare.rs`: what of a record the shop has already;
//! - `apply.rs`: how one row is written;
//! - `refused.rs`: what the shop refused, which is tried again;
//! - `deletions`: what is gone at the source;
//! - [`credentials`]: user and password, which stay in the worker.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod apply;
mod compare;
pub mod connector;
mod course;
pub mod credentials;
mod deletions;
mod looking;
mod refused;
mod shop;
mod stage;

use std::sync::Arc;

use contracts::bulk::Written;
use contracts::erp::{
    Applied, ApplyBatch, Authentication, Deactivate, FindGone, Gone, KeepKeys, KeepRefused, Lease,
    LeaseAnswer, Record, RowOutcome, SaveReport, SaveState, ScanKeys, ScannedKeys, ShopCounts, Source,
    StagePages, StageRefused, Staged, StillRefused, SyncState, defs,
};
use contracts::values::IntegrationId;
use store::Store;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::bulk::{Answer, Trouble};
use crate::effect::alive;
use crate::http::{Api, CallError, Wrong};
use crate::lease;
use connector::Connectors;
use deletions::ledger::{Ledger, short_hash};
use deletions::{deactivate, find, scan};
use shop::Shop;

/// The sync's activities.
pub struct ErpActivities {
    connectors: Connectors,
    shop: Shop,
    store: Store,
}

impl ErpActivities {
    /// On connections to ERPs, to the shop and to the object store.
    #[must_use]
    pub fn new(connectors: Connectors, shop: Api, store: Store) -> Self {
        Self { connectors, shop: Shop::new(shop), store }
    }
}

#[activities]
impl ErpActivities {
    /// See [`contracts::erp::Erp`]. Whether the holder still runs is Temporal's to say.
    #[activity(definition = defs::TakeLease)]
    pub async fn take_lease(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Lease,
    ) -> Result<LeaseAnswer, ActivityError> {
        let name = format!("erp/{}", input.integration_id);
        let taken = lease::take(&ctx, &self.store, &name, &input.workflow_id, &input.first_run_id);
        taken.await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::Authenticate)]
    pub async fn authenticate(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Source,
    ) -> Result<Authentication, ActivityError> {
        let erp = match self.connectors.open(&input) {
            Ok(erp) => erp,
            Err(reason) => return Ok(Authentication::Refused { reason }),
        };
        match alive(&ctx, erp.log_in()).await {
            Ok(()) => Ok(Authentication::Accepted {
                connector: erp.kind().to_owned(),
                stamps: erp.stamps(),
                no_keys: erp.no_keys().map(str::to_owned),
            }),
            Err(CallError::Setting { wrong: Wrong::Login, way, .. }) => Ok(Authentication::Refused {
                reason: format!(
                    "the ERP refuses user and password of {}: correct them in the worker{way}",
                    input.credentials_ref
                ),
            }),
            Err(error) => Err(error.into_failure()),
        }
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::LoadState)]
    pub async fn load_state(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: IntegrationId,
    ) -> Result<SyncState, ActivityError> {
        alive(&ctx, self.shop.state(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::Stage)]
    pub async fn stage(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StagePages,
    ) -> Result<Staged, ActivityError> {
        let erp = self.connectors.open(&input.source).map_err(give_up)?;
        stage::stage(&ctx, erp.as_ref(), &self.shop, &self.store, &input).await
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::StageRefused)]
    pub async fn stage_refused(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StageRefused,
    ) -> Result<Staged, ActivityError> {
        refused::stage(&ctx, &self.shop, &self.store, &input).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::KeepRefused)]
    pub async fn keep_refused(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: KeepRefused,
    ) -> Result<StillRefused, ActivityError> {
        refused::keep(&ctx, &self.store, &input).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::CountShop)]
    pub async fn count_shop(
        self: Arc<Self>,
        ctx: ActivityContext,
        _input: IntegrationId,
    ) -> Result<ShopCounts, ActivityError> {
        alive(&ctx, self.shop.counts()).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::Apply)]
    pub async fn apply(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ApplyBatch,
    ) -> Result<Applied, ActivityError> {
        apply::apply(&ctx, &self.shop, &self.store, &input).await
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::ScanKeys)]
    pub async fn scan_keys(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ScanKeys,
    ) -> Result<ScannedKeys, ActivityError> {
        let erp = self.connectors.open(&input.source).map_err(give_up)?;
        scan::scan(&ctx, erp.as_ref(), &self.store, &input).await
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::FindGone)]
    pub async fn find_gone(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: FindGone,
    ) -> Result<Gone, ActivityError> {
        find::find(&ctx, &self.shop, &self.store, &input).await
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::Deactivate)]
    pub async fn deactivate(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Deactivate,
    ) -> Result<Applied, ActivityError> {
        deactivate::deactivate(&ctx, &self.shop, &self.store, &input).await
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::KeepKeys)]
    pub async fn keep_keys(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: KeepKeys,
    ) -> Result<(), ActivityError> {
        let ScannedKeys { present, known, .. } = &input.scanned;
        let former = known.as_ref().filter(|_| input.forget);
        let ledger = Ledger::of(&self.store, &input.integration_id, input.entity);
        let replaced = alive(&ctx, ledger.replace(present.as_ref(), former)).await;
        replaced.map_err(|error| Trouble::Store(error).into_failure())
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::SaveState)]
    pub async fn save_state(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SaveState,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.shop.save_state(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::erp::Erp`].
    #[activity(definition = defs::SaveReport)]
    pub async fn save_report(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SaveReport,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.shop.save_report(&input)).await.map_err(CallError::into_failure)
    }
}

/// A failure that is not tried again.
pub(crate) fn give_up(why: String) -> ActivityError {
    Trouble::Final(why).into_failure()
}

/// A record's key as a report can show it: rules may take an address for a customer's number.
fn shown(record: &Record) -> String {
    let key = record.key();
    match record {
        Record::Customer(_) | Record::Order(_) if key.contains('@') => format!("#{}", short_hash(&key)),
        _ => key,
    }
}

/// The cause under which a refused row is counted.
fn refusal<D>(answer: &Answer<D>) -> Option<String> {
    match answer {
        Answer::Refused(code) => Some(format!("refused by the shop: {code}")),
        Answer::Done(_) | Answer::Same => None,
    }
}

fn applied(written: Written<RowOutcome>) -> Applied {
    Applied {
        created: written.count("created"),
        updated: written.count("updated"),
        deactivated: written.count("deactivated"),
        failed: written.count("failed"),
        rows: written.rows,
        lists: written.lists,
        quarantined: written.quarantined,
        causes: written.causes,
    }
}
