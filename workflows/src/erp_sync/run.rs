//! One sync on its way through the steps.

use contracts::erp::{Entity, Erp, SaveState, SyncReport, SyncStatus};
use contracts::values::IdempotencyKey;
use jiff::Timestamp;
use temporalio_workflow::WorkflowContext;

use super::tally::Work;
use super::{CUSTOMERS, ErpSync, ErpSyncConfig, INVENTORY, ORDERS, PRODUCTS, UPDATE};
use crate::policy;
use crate::report::timestamp;
use crate::saga::{Back, Halt, Saga, WayBack};

pub(super) type SyncSaga = Saga<ErpSync>;

/// Whether there is anything to synchronise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// There is.
    On,
    /// There is not: the run has come to its end.
    Done,
}

/// Why nothing of a sync is undone.
pub(super) const NEARER: &str = "a write brings the shop nearer to the ERP; the next run goes on from here";
pub(super) const READS: &str = "reads only";

/// One sync on its way through the steps.
pub(super) struct SyncRun<'c> {
    pub(super) ctx: WorkflowContext<ErpSync>,
    pub(super) config: &'c ErpSyncConfig,
    pub(super) started: Timestamp,
    /// Where this run's objects lie.
    pub(super) folder: String,
    /// Where its invalid records lie.
    pub(super) quarantine: String,
}

impl<'c> SyncRun<'c> {
    pub(super) fn new(ctx: &WorkflowContext<ErpSync>, config: &'c ErpSyncConfig) -> Self {
        let started = timestamp(ctx.workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH);
        let integration = &config.source.integration_id;
        Self {
            config,
            started,
            folder: format!("runs/{}/{}", ctx.workflow_id(), ctx.run_id()),
            quarantine: format!("quarantine/{integration}/{}", ctx.run_id()),
            ctx: ctx.clone(),
        }
    }

    /// Names this run everywhere outside.
    pub(super) fn sync_id(&self) -> String {
        format!("{}/{}", self.ctx.workflow_id(), self.ctx.run_id())
    }

    pub(super) fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&self.sync_id(), step)
    }

    /// The work done so far; in a dry run, the work that would be done.
    pub(super) fn report(&self, work: &Work) -> SyncReport {
        let now = timestamp(self.ctx.workflow_time()).unwrap_or(self.started);
        SyncReport {
            sync_id: self.sync_id(),
            timestamp: now,
            duration: now.as_millisecond() - self.started.as_millisecond(),
            summary: work.summary(self.config.dry_run),
            details: work.details(self.config.dry_run),
        }
    }
}

/// The way back of a sync: nothing is undone, but whoever looks at the integration sees that it failed, and how far it
/// truly is. A run that was refused the lease has nothing to say about it.
pub(super) struct NoteFailure<'r, 'c> {
    pub(super) run: &'r SyncRun<'c>,
    pub(super) work: &'r Work,
}

impl<T> WayBack<ErpSync, T> for NoteFailure<'_, '_> {
    async fn go_back(&self, back: &Back<'_, ErpSync>, halt: &Halt) {
        let Self { run, work } = self;
        let holds_lease = !matches!(halt, Halt::Refused(refusal) if refusal.failure_type == "AlreadyRunning");
        if run.config.dry_run || !holds_lease {
            return;
        }
        let failed = SaveState {
            key: run.key("failed"),
            integration_id: run.config.source.integration_id.clone(),
            status: SyncStatus::Failed,
            last_error: Some(halt.ending().reason),
            state: work.state.clone(),
        };
        let what = "the shop was told that the sync failed; its watermark is where it truly is";
        back.tell(UPDATE, what, Erp::save_state, failed, policy::erp()).await;
    }
}

/// The step that writes an entity.
pub(super) fn step_of(entity: Entity) -> &'static str {
    match entity {
        Entity::Products => PRODUCTS,
        Entity::Inventory => INVENTORY,
        Entity::Customers => CUSTOMERS,
        Entity::Orders => ORDERS,
    }
}
