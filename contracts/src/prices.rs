//! Price runs: a list of new prices is checked, compared with the shop, written in batches, and can be taken back.
//!
//! Lists never cross this border: they travel as references into the object store ([`crate::objects`]). All of a run
//! that has to outlive it (before-images, outcomes, rows that cannot be used) lies under [`folder`].
//!
//! - `list`: rows as somebody wrote them, and how they are checked;
//! - `staged`: rows to write, and the figures of a preview;
//! - `applied`: rows that were written, a stretch of batches at a time;
//! - `reverted`: prices that are put back;
//! - `others`: the notification, and the shop's own list of prices.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

mod applied;
mod list;
mod others;
mod reverted;
mod staged;

use temporalio_macros::activity_definitions;

pub use applied::{AppliedPrices, ApplyPrices, PriceAction, PriceBatch, PriceOutcome};
pub use list::{GivenRow, PriceChecks, PriceList, StagePrices};
pub use others::{ExportPrices, ExportedPrices, JoinLists, MailTeam, NotifyPrices};
pub use reverted::{PriceImage, RevertAction, RevertOutcome, RevertPrices, RevertedPrices};
pub use staged::{
    Moment, PriceCounts, PriceMove, PriceRow, RowError, StagedPrices, ValueChange, VariantPrice,
};

use crate::notification::Delivery;
use crate::objects::ObjectRef;
use crate::values::PriceBatchId;

/// The activities of price runs.
pub struct Prices;

#[activity_definitions]
impl Prices {
    /// Checks every row of a list, compares it with the shop, and puts what is to be written into the object store.
    /// Writes nothing to the shop.
    #[activity(name = "prices.stage")]
    pub fn stage(input: StagePrices) -> StagedPrices {
        unimplemented!()
    }

    /// Writes batches of a staged list for a while, and says how far it is. A run that is stopped gets what was written
    /// until then. Each row is written at most once by all attempts together.
    #[activity(name = "prices.apply")]
    pub fn apply(input: ApplyPrices) -> AppliedPrices {
        unimplemented!()
    }

    /// Puts lists together into one.
    #[activity(name = "prices.join")]
    pub fn join(input: JoinLists) -> Vec<ObjectRef> {
        unimplemented!()
    }

    /// Tells the shop's team how a run ended.
    #[activity(name = "prices.notify")]
    pub fn notify(input: NotifyPrices) {
        unimplemented!()
    }

    /// Mails the shop's team how a run ended.
    #[activity(name = "prices.mail_team")]
    pub fn mail_team(input: MailTeam) -> Delivery {
        unimplemented!()
    }

    /// Puts prices back that a run has written and nobody has changed since.
    #[activity(name = "prices.revert")]
    pub fn revert(input: RevertPrices) -> RevertedPrices {
        unimplemented!()
    }

    /// Writes the shop's prices into a list. Changes nothing.
    #[activity(name = "prices.export")]
    pub fn export(input: ExportPrices) -> ExportedPrices {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::prices::*;
}

/// The folder of everything that belongs to a run and outlives it.
#[must_use]
pub fn folder(batch: &PriceBatchId) -> String {
    format!("prices/{batch}")
}
