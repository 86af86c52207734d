//! One setup on its way through the steps.

use contracts::bulk::Written;
use contracts::catalog::{ApplyRows, CatalogLease, Catalogs, RowOutcome, Work as Doing};
use contracts::erp::LeaseAnswer;
use contracts::objects::ObjectRef;
use contracts::values::IdempotencyKey;
use jiff::Timestamp;
use temporalio_workflow::{WorkflowCancellationToken as Token, WorkflowContext};

use super::outcome::Work;
use super::{CATEGORIES, CatalogSetup, CatalogSetupData, RowPolicy};
use crate::policy;
use crate::report::timestamp;
use crate::saga::{Back, Halt, Saga, WayBack};

pub(super) type SetupSaga = Saga<CatalogSetup>;

pub(super) const READS: &str = "reads only";

/// One setup on its way through the steps.
pub(super) struct SetupRun<'c> {
    pub(super) ctx: WorkflowContext<CatalogSetup>,
    pub(super) data: &'c CatalogSetupData,
    pub(super) started: Timestamp,
    /// Where this run's objects lie.
    pub(super) folder: String,
    /// Where the rows lie that the shop refused, or that an undo has left standing.
    pub(super) quarantine: String,
}

impl<'c> SetupRun<'c> {
    pub(super) fn new(ctx: &WorkflowContext<CatalogSetup>, data: &'c CatalogSetupData) -> Self {
        Self {
            data,
            started: timestamp(ctx.workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH),
            folder: format!("runs/{}/{}", ctx.workflow_id(), ctx.run_id()),
            quarantine: format!("quarantine/{}{}/{}", super::ID_PREFIX, data.catalog_id, ctx.run_id()),
            ctx: ctx.clone(),
        }
    }

    /// Only one run of a catalogue at a time.
    pub(super) async fn take_lease(&self, saga: &SetupSaga) -> Result<(), Halt> {
        let lease = CatalogLease {
            catalog_id: self.data.catalog_id.clone(),
            workflow_id: self.ctx.workflow_id().to_owned(),
            first_run_id: self.ctx.info().first_execution_run_id().to_owned(),
        };
        let taken = saga
            .step(CATEGORIES, Catalogs::take_lease, lease, policy::erp())
            .part("lease")
            .nothing_to_undo("it is free again as soon as this run has closed")
            .await?;
        match taken {
            LeaseAnswer::Taken => Ok(()),
            LeaseAnswer::HeldBy { workflow_id } => {
                let reason = format!("{workflow_id} sets {} up already", self.data.catalog_id);
                Err(saga.refused(CATEGORIES, "AlreadyRunning", reason))
            }
        }
    }

    /// The order to write, or take back, one batch of a step.
    pub(super) fn rows(&self, step: &str, work: Doing, batch: ObjectRef, uploads: &[ObjectRef]) -> ApplyRows {
        let sync = format!("{}/{}", self.ctx.workflow_id(), self.ctx.run_id());
        ApplyRows {
            work,
            key: IdempotencyKey::new(&sync, step),
            batch,
            folder: self.folder.clone(),
            quarantine: self.quarantine.clone(),
            uploads: uploads.to_vec(),
        }
    }

    /// Whether a row that fails ends the run.
    pub(super) fn is_all_or_nothing(&self) -> bool {
        self.data.policy == RowPolicy::AllOrNothing
    }
}

/// The way back: everything is taken back under `all_or_nothing`, and where a person asked for it. Otherwise good rows
/// are kept, and the next run goes on from them.
pub(super) struct TakeBack<'r, 'c> {
    pub(super) run: &'r SetupRun<'c>,
}

impl TakeBack<'_, '_> {
    /// Names the rows that were left standing, as far as a report holds them.
    fn tell(&self, back: &Back<'_, CatalogSetup>, left: &Written<RowOutcome>) {
        let count: u64 = left.counts.values().sum();
        if count == 0 {
            return;
        }
        let named = Work::left_words(left);
        let where_else = match u64::try_from(named.len()) {
            Ok(all) if all == count => "named in the notes".to_owned(),
            _ => format!("{} named in the notes, all of them in {}", named.len(), self.run.quarantine),
        };
        named.into_iter().for_each(|note| back.note(note));
        back.left("rows", &format!("{count}, {where_else}"));
    }
}

impl<T> WayBack<CatalogSetup, T> for TakeBack<'_, '_> {
    async fn go_back(&self, back: &Back<'_, CatalogSetup>, _halt: &Halt) {
        if !back.ctx().state(|setup| setup.undo) {
            return;
        }
        back.undo_all().await;
        let policy = policy::erp();
        let mut options = policy.regular("list what was left standing".to_owned(), Token::new());
        options.task_queue = policy.task_queue(back.ctx().task_queue());
        let left = back.ctx().execute_activity(Catalogs::left_standing, self.run.quarantine.clone(), options);
        match left.await {
            Ok(left) => self.tell(back, &left),
            Err(_) => back.left("rows", &format!("perhaps; {} could not be read", self.run.quarantine)),
        }
    }
}
