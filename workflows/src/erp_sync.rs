//! ERP sync: what changed in an ERP comes into the shop, with nobody watching: nothing lost, nothing strange by itself.
//!
//! 0. **Shape check**: the input and its mapping rules are complete. Wrong input ends the run before any call.
//! 1. `authenticate-erp`: the right to synchronise this integration is taken (a second run at the same time ends as
//!    `AlreadyRunning`, a scheduled one as skipped), the ERP lets us in, and the shop says how far it is.
//! 2. `fetch-erp-data`, 3. `transform-data`, 4. `validate-data`: page by page, one activity reads what changed since
//!    the watermark, maps, checks, and compares it with the shop; what is to be written lies in the object store. More
//!    invalid records than allowed end the run (`DataInvalid`). A run that would change more than its limits allow asks
//!    a person for `approval_deadline` (24 h): on no, or no answer, nothing is written.
//! 5. `sync-products`, 6. `sync-inventory`, 7. `sync-customers`, 8. `sync-orders`: staged batches are written. A record
//!    that the shop refuses goes to the quarantine. Products that are gone at the source are taken out of sale.
//! 9. `update-sync-timestamp`: the watermark moves to the newest change that was written or quarantined.
//! 10. `generate-report`: what was done, row by row, is saved at the shop.
//!
//! A read too long for one run goes on in a new one under the same lease. A dry run takes no lease and writes nothing.
//! Nothing is undone: a run that ends early saves the watermark of each entity that it finished.

mod brake;
mod deletions;
mod face;
mod input;
mod reading;
mod rewind;
mod run;
mod tally;
mod writing;

use contracts::erp::Entity;
use contracts::values::IntegrationId;

pub use face::{ErpSync, ErpSyncResult, dry_run_id, rewind_id, search_attributes};
pub use input::{Deletions, EarlierRuns, ErpSyncConfig, Limits, MaxInvalid, Resume, Rewind};

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process};
use crate::search_attributes::SOURCE;
use run::{SyncRun, SyncSaga, Way};
use tally::Work;

/// The prefix of a workflow id, before the integration's id.
pub const ID_PREFIX: &str = "erp/";

/// The workflow id of an integration's sync. A schedule adds the time of its slot.
#[must_use]
pub fn workflow_id(integration: &IntegrationId) -> String {
    format!("{ID_PREFIX}{integration}")
}

const AUTHENTICATE: &str = "authenticate-erp";
const FETCH: &str = "fetch-erp-data";
const TRANSFORM: &str = "transform-data";
const VALIDATE: &str = "validate-data";
const PRODUCTS: &str = "sync-products";
const INVENTORY: &str = "sync-inventory";
const CUSTOMERS: &str = "sync-customers";
const ORDERS: &str = "sync-orders";
const UPDATE: &str = "update-sync-timestamp";
const REPORT: &str = "generate-report";

impl Process for ErpSync {
    const NAME: &'static str = "ErpSync";
    const INVALID: &'static str = "SyncInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::compensable(AUTHENTICATE, "log in to the ERP"),
        StepSpec::compensable(FETCH, "read, map and compare what changed"),
        StepSpec::compensable(TRANSFORM, "make the shop's records of it"),
        StepSpec::compensable(VALIDATE, "check them, and the limits"),
        StepSpec::compensable(PRODUCTS, "write products"),
        StepSpec::compensable(INVENTORY, "write stock levels"),
        StepSpec::compensable(CUSTOMERS, "write customers"),
        StepSpec::compensable(ORDERS, "write orders"),
        StepSpec::compensable(UPDATE, "remember how far it is"),
        StepSpec::compensable(REPORT, "save the report"),
    ];
    type Input = ErpSyncConfig;

    fn named(workflow_id: &str, config: &ErpSyncConfig) -> Result<About, Problem> {
        face::check_name(workflow_id, config)?;
        Ok(Some((SOURCE, config.source.integration_id.to_string())))
    }
}

impl SyncRun<'_> {
    pub(super) async fn forward(&self, saga: &mut SyncSaga, work: &mut Work) -> Result<(), Halt> {
        if self.begin(saga, work).await? == Way::Done {
            return Ok(()); // Another run is at it, or there was a watermark to put back and no more.
        }
        for entity in &self.config.entities {
            let is_done = self.config.resume.as_ref().is_some_and(|resume| *entity < resume.entity);
            if !is_done && work.resume.is_none() {
                self.stage(saga, work, *entity).await?;
            }
        }
        self.look_for_gone(saga, work).await?;
        saga.check()?; // A stop during the last read is answered before what was read is judged.
        self.judge(saga, work)?;
        self.brake(saga, work).await?;
        for entity in Entity::ALL {
            self.apply(saga, work, entity).await?;
            if entity == Entity::Products {
                self.deactivate(saga, work).await?;
            }
        }
        self.remember(saga, work).await?;
        self.save_report(saga, work).await?;
        // Temporal does not hand a cancel on to the run that reads on, so it ends the chain here.
        if work.resume.is_some() { saga.check() } else { Ok(()) }
    }
}
