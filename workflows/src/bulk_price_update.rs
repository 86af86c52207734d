//! Bulk price update: a list of new prices comes into the shop, however long it is. Every row is checked before the
//! first one is written, and every write can be reverted.
//!
//! 0. **Input check**: the input is complete. Wrong input fails the run before any call.
//! 1. `validate-updates`: each row is checked against the shop. An invalid row ends the run (`RowsInvalid`), unless
//!    `keep_good_rows` leaves it out; invalid rows are kept as a file, to be corrected and sent again. A run that
//!    would change more than its limits allow asks a person, who has until a deadline; the receipt of a dry run
//!    approves exactly the changes that it showed, in the shop that it saw.
//! 2. `process-batches`: rows that are due are written in batches, an activity for each minute of them; a pause,
//!    another rate or a cancel takes effect behind the batches in hand. A row whose price in the shop is not its
//!    `old_price` (or the one of step 1) is a conflict and is not written; a row that the shop refuses is its own
//!    failure. Rows that are due later wait for their time.
//! 3. `generate-summary`: the figures, and the list of batches.
//! 4. `send-notification`: the shop's team hears of a run that went through, by a notification and, where the worker
//!    has an address (`SUN_PRICES_TEAM_MAIL`), by mail; best effort, each by itself.
//!
//! Nothing is undone by itself, after an outage either: half a list of right prices is better than none. `cancel` with
//! `revert` restores the old prices in this run, [`crate::price_revert`] does so for a run that has ended.
//!
//! Deliberately absent: prices that depend on other prices.

mod brake;
mod control;
mod face;
mod input;
mod result;
mod steps;
mod tally;

use contracts::values::PriceBatchId;

pub use control::{CancelPrices, PausePrices, SetRate, UpdateTaken};
pub use face::{BulkPriceUpdate, dry_run_id};
pub use input::{BulkPriceUpdateData, Limits, OnInvalid};
pub use result::{BatchResult, BatchResults, BulkUpdateResult, BulkUpdateSummary, Preview, WrongRows};

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process};
use crate::search_attributes::SOURCE;
use steps::{PriceRun, PriceSaga};
use tally::Work;

/// The beginning of a workflow id, before the batch's id.
pub const ID_PREFIX: &str = "prices/";

/// The workflow id of a run.
#[must_use]
pub fn workflow_id(batch: &PriceBatchId) -> String {
    format!("{ID_PREFIX}{batch}")
}

const VALIDATE: &str = "validate-updates";
const PROCESS: &str = "process-batches";
const SUMMARY: &str = "generate-summary";
const NOTIFY: &str = "send-notification";

impl Process for BulkPriceUpdate {
    const NAME: &'static str = "BulkPriceUpdate";
    const INVALID: &'static str = "PricesInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::compensable(VALIDATE, "check every row against the shop and the limits"),
        StepSpec::compensable(PROCESS, "write prices"),
        StepSpec::retriable(SUMMARY, "put the figures together"),
        StepSpec::retriable(NOTIFY, "tell the team"),
    ];
    type Input = BulkPriceUpdateData;

    fn named(workflow_id: &str, data: &BulkPriceUpdateData) -> Result<About, Problem> {
        face::check_name(workflow_id, &data.batch_id, data.dry_run)?;
        Ok(Some((SOURCE, data.batch_id.to_string())))
    }
}

impl PriceRun<'_> {
    pub(super) async fn forward(&self, saga: &PriceSaga, work: &mut Work) -> Result<(), Halt> {
        let staged = self.stage(saga, work).await?;
        self.judge(saga, work)?;
        self.brake(saga, work).await?;
        if self.data.dry_run {
            self.skip_the_rest(saga, work);
            return Ok(());
        }
        for (number, moment) in (0..).zip(staged) {
            self.apply(saga, work, number, &moment).await?;
        }
        saga.done(PROCESS, &work.words());
        self.summarise(saga, work).await;
        self.notify(saga, work).await;
        saga.check() // A person who cancels now may want the old prices back, and was told so.
    }
}
