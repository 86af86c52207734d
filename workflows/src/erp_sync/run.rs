//! One sync on its way through the steps.

use contracts::erp::{
    ApplyBatch, Authentication, Entity, Erp, Lease, LeaseAnswer, SaveReport, SaveState, StagePages,
    SyncReport, SyncStatus,
};
use contracts::values::IdempotencyKey;
use jiff::{SignedDuration, Timestamp};
use temporalio_workflow::WorkflowContext;

use super::config::Resume;
use super::work::{StagedEntity, Work, causes};
use super::{
    AUTHENTICATE, CUSTOMERS, ErpSync, ErpSyncConfig, FETCH, INVENTORY, ORDERS, PRODUCTS, REPORT, TRANSFORM,
    UPDATE, VALIDATE, brake,
};
use crate::policy;
use crate::report::timestamp;
use crate::saga::{Halt, Saga, Stop, StoppedBy};

pub(super) type SyncSaga = Saga<ErpSync>;

/// Pages that one activity reads: enough that events are few, few enough that its result comes soon.
const PAGES: u32 = 20;

/// Why nothing of a sync is undone.
pub(super) const NEARER: &str = "a write brings the shop nearer to the ERP; the next run goes on from here";
pub(super) const READS: &str = "reads only";

/// One sync on its way through the steps.
pub(super) struct SyncRun<'c> {
    ctx: WorkflowContext<ErpSync>,
    pub(super) config: &'c ErpSyncConfig,
    pub(super) started: Timestamp,
    /// Where this run's objects lie.
    pub(super) folder: String,
    /// Where its invalid records lie.
    quarantine: String,
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

    pub(super) async fn forward(&self, saga: &mut SyncSaga, work: &mut Work) -> Result<(), Halt> {
        self.begin(saga, work).await?;
        for entity in &self.config.entities {
            let is_done = self.config.resume.as_ref().is_some_and(|resume| *entity < resume.entity);
            if !is_done && work.resume.is_none() {
                self.stage(saga, work, *entity).await?;
            }
        }
        self.look_for_gone(saga, work).await?;
        // A stop during the last read is answered before what was read is judged.
        saga.check()?;
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
        // A cancel ends the whole chain: Temporal does not hand it on to the run that reads on.
        if work.resume.is_some() { saga.check() } else { Ok(()) }
    }

    /// Only one run at a time; the ERP lets us in; the shop says how far it is.
    async fn begin(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        let source = &self.config.source;
        // Who writes nothing is in nobody's way.
        if !self.config.dry_run {
            self.take_lease(saga).await?;
        }
        let let_in = saga
            .step(AUTHENTICATE, Erp::authenticate, source.clone(), policy::erp())
            .part("login")
            .nothing_to_undo("the session stays in the worker and ends by itself")
            .await?;
        match let_in {
            Authentication::Refused { reason } => {
                return Err(saga.refused(AUTHENTICATE, "ErpRefused", reason));
            }
            Authentication::Accepted { no_keys: Some(why), .. } if self.deactivates() => {
                let reason = format!("deletions.action cannot be deactivate: {why}; write ignore");
                return Err(saga.refused(AUTHENTICATE, "ErpRefused", reason));
            }
            Authentication::Accepted { .. } => {}
        }
        let state = saga
            .step(AUTHENTICATE, Erp::load_state, source.integration_id.clone(), policy::erp())
            .part("state")
            .nothing_to_undo(READS)
            .await?;
        work.state = Some(state);
        Ok(())
    }

    async fn take_lease(&self, saga: &SyncSaga) -> Result<(), Halt> {
        let integration_id = self.config.source.integration_id.clone();
        let lease = Lease {
            integration_id: integration_id.clone(),
            workflow_id: self.ctx.workflow_id().to_owned(),
            first_run_id: self.ctx.info().first_execution_run_id().to_owned(),
        };
        let taken = saga
            .step(AUTHENTICATE, Erp::take_lease, lease, policy::erp())
            .part("lease")
            .nothing_to_undo("it is free again as soon as this run has closed")
            .await?;
        match taken {
            LeaseAnswer::Taken => Ok(()),
            LeaseAnswer::HeldBy { workflow_id } => {
                let reason = format!("{workflow_id} synchronises {integration_id} already");
                Err(saga.refused(AUTHENTICATE, "AlreadyRunning", reason))
            }
        }
    }

    /// Where an incremental read begins; `None` reads everything.
    fn since(&self, work: &Work, entity: Entity) -> Option<Timestamp> {
        if self.config.full || self.config.since.is_some() {
            return self.config.since;
        }
        let known = work.state.as_ref().and_then(|state| state.watermarks.get(&entity).copied());
        let lookback = SignedDuration::try_from(self.config.lookback).unwrap_or(SignedDuration::ZERO);
        let since = known.or(self.config.begin)?;
        Some(since.checked_sub(lookback).unwrap_or(Timestamp::MIN))
    }

    async fn stage(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
        let resume = self.config.resume.as_ref().filter(|resume| resume.entity == entity);
        let since = resume.map_or_else(|| self.since(work, entity), |resume| resume.since);
        // A moment that is named is read again, whatever is in the shop already.
        let known = || work.state.as_ref()?.watermarks.get(&entity).copied();
        let settled = if self.config.since.is_none() { known() } else { None };
        let staged = work.staged.entry(entity).or_insert(StagedEntity {
            is_full: since.is_none(),
            read_before: resume.map_or(0, |resume| resume.read.into()),
            ..StagedEntity::default()
        });
        let mut cursor = resume.map(|resume| resume.cursor.clone());
        loop {
            let pages = StagePages {
                source: self.config.source.clone(),
                entity,
                since,
                settled,
                cursor: cursor.take(),
                page_size: self.config.page_size,
                pages: PAGES,
                rules: self.config.rules.clone(),
                currency: self.config.currency.code().to_owned(),
                unknown_fields: self.config.unknown_fields,
                price_change_percent: Some(self.config.limits.price_change),
                revive: self.deactivates() && entity == Entity::Products,
                folder: self.folder.clone(),
                quarantine: self.quarantine.clone(),
            };
            let mut pages = saga
                .step(FETCH, Erp::stage, pages, policy::erp())
                .part(entity.name())
                .nothing_to_undo(READS)
                .await?;
            let next = pages.next.take();
            staged.add(pages);
            work.batches += 1;
            let Some(next) = next else { return Ok(()) };
            if work.batches >= self.config.batches_per_run && !self.config.dry_run {
                let read = u32::try_from(staged.read_before + staged.counts.read).unwrap_or(u32::MAX);
                staged.is_full = false;
                work.resume = Some(Resume { entity, cursor: next, since, read });
                return Ok(());
            }
            cursor = Some(next);
        }
    }

    /// Whether few enough records are invalid; the seed's two steps say which kind is too many.
    fn judge(&self, saga: &SyncSaga, work: &Work) -> Result<(), Halt> {
        let total = work.total();
        let allowed = u64::from(self.config.max_invalid);
        let too_many = (total.quarantined() > allowed).then(|| {
            format!(
                "{} of {} records are invalid, {allowed} may be (max_invalid): {}; they are in the quarantine, nothing \
                 was written",
                total.quarantined(),
                total.read,
                causes(&work.all_causes())
            )
        });
        let unknown: Vec<&str> =
            work.staged.values().flat_map(|staged| &staged.unknown_fields).map(String::as_str).collect();
        let unasked = match unknown.as_slice() {
            [] => String::new(),
            names => format!("; fields that no rule asks for: {}", names.join(", ")),
        };
        let mapped = total.read - total.unmapped;
        match &too_many {
            Some(reason) if total.unmapped > 0 => {
                return Err(saga.refused(TRANSFORM, INVALID_DATA, reason.clone()));
            }
            _ => saga.done(TRANSFORM, &format!("{mapped} of {} records{unasked}", total.read)),
        }
        match too_many {
            Some(reason) => Err(saga.refused(VALIDATE, INVALID_DATA, reason)),
            None => {
                let differ = total.to_write();
                let words = format!("{differ} differ from the shop, {} do not", total.unchanged);
                let words = match &work.missed {
                    Some(missed) => format!("{words}, {} gone at the source", missed.gone),
                    None => words,
                };
                let words = match total.quarantined() {
                    0 => words,
                    n => format!("{words}, {n} are in the quarantine ({})", causes(&work.all_causes())),
                };
                saga.done(VALIDATE, &words);
                Ok(())
            }
        }
    }

    /// A run that would do something strange asks a person before the first write.
    async fn brake(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        let counts_stock = work.total().levels_to_zero > 0;
        let shop = match counts_stock {
            true => {
                let integration = self.config.source.integration_id.clone();
                let count = saga.step(VALIDATE, Erp::count_shop, integration, policy::erp());
                count.part("shop's stock").nothing_to_undo(READS).await?
            }
            false => Default::default(),
        };
        work.limits_exceeded = brake::exceeded(&self.config.limits, work, shop);
        if work.limits_exceeded.is_empty() || self.config.dry_run {
            return Ok(());
        }
        let total = work.total();
        let preview = format!(
            "**Needs a person.** Nothing is written yet. Limits that would be exceeded:\n\n- {}\n\n{} would be created, {} \
             updated, {} deactivated. Answer with `approve` or `reject`, and a reason.",
            work.limits_exceeded.join("\n- "),
            brake::counted(total.to_create, "record"),
            total.to_update,
            work.gone(Entity::Products)
        );
        saga.waits(VALIDATE, &work.limits_exceeded.join("; "));
        self.ctx.state_mut(|w| w.is_asking = true);
        let answered = saga
            .ask("approve or reject", &preview, self.config.approval_deadline, |w| w.decision.is_some())
            .await;
        self.ctx.state_mut(|w| w.is_asking = false);
        if let Err(halt) = answered {
            let why = halt.ending().reason;
            match &halt {
                Halt::Stopped(Stop { by: StoppedBy::Temporal, .. }) => saga.cut_short(VALIDATE, &why),
                _ => saga.failed(VALIDATE, &why),
            }
            return Err(halt);
        }
        match self.ctx.state(|w| w.decision.clone()) {
            Some((true, reason)) => {
                saga.done(VALIDATE, &format!("approved: {reason}"));
                Ok(())
            }
            Some((false, reason)) => {
                let reason = format!("rejected: {reason}");
                saga.failed(VALIDATE, &reason);
                Err(Halt::Stopped(Stop { by: StoppedBy::Request, reason }))
            }
            None => Ok(()),
        }
    }

    async fn apply(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
        let step = step_of(entity);
        let Some(staged) = work.staged.get(&entity) else {
            let is_later = self.config.entities.contains(&entity);
            saga.skip(step, if is_later { "another run's: the read is a long one" } else { "not asked for" });
            return Ok(());
        };
        let batches = staged.batches.clone();
        if self.config.dry_run || (batches.is_empty() && work.gone(entity) == 0) {
            let words = format!("{} would be written (dry run)", staged.counts.to_write());
            saga.skip(step, if self.config.dry_run { &words } else { "nothing to write" });
        }
        if self.config.dry_run {
            return Ok(());
        }
        for (number, batch) in (1..).zip(batches) {
            let number: u32 = number;
            let batch = ApplyBatch {
                key: self.key(step).part(&number.to_string()),
                integration_id: self.config.source.integration_id.clone(),
                entity,
                batch,
                folder: self.folder.clone(),
                quarantine: self.quarantine.clone(),
                note_keys: self.deactivates() && entity == Entity::Products,
            };
            let written = saga.step(step, Erp::apply, batch, policy::erp()).nothing_to_undo(NEARER).await?;
            let applied = work.applied.entry(entity).or_default();
            applied.add(written);
            saga.done(step, &applied.words());
        }
        work.settle(entity);
        Ok(())
    }

    async fn remember(&self, saga: &SyncSaga, work: &Work) -> Result<(), Halt> {
        if self.config.dry_run {
            saga.skip(UPDATE, "dry run: the watermark stays");
            return Ok(());
        }
        let state = SaveState {
            key: self.key(UPDATE),
            integration_id: self.config.source.integration_id.clone(),
            status: SyncStatus::Success,
            last_error: None,
            state: work.state.clone(),
        };
        saga.step(UPDATE, Erp::save_state, state, policy::erp()).nothing_to_undo(NEARER).await
    }

    async fn save_report(&self, saga: &SyncSaga, work: &Work) -> Result<(), Halt> {
        if self.config.dry_run {
            saga.skip(REPORT, "dry run: it is this run's result");
            return Ok(());
        }
        let report = SaveReport {
            key: self.key(REPORT),
            integration_id: self.config.source.integration_id.clone(),
            report: self.report(work),
        };
        saga.step(REPORT, Erp::save_report, report, policy::erp()).nothing_to_undo("a report").await
    }

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

    /// Whoever looks at the integration sees that it failed, and how far it truly is. A run that was refused the lease
    /// has nothing to say about it.
    pub(super) async fn note_failure(&self, saga: &SyncSaga, halt: &Halt, work: &Work) {
        let holds_lease = !matches!(halt, Halt::Refused(refusal) if refusal.failure_type == "AlreadyRunning");
        if self.config.dry_run || !holds_lease {
            return;
        }
        let failed = SaveState {
            key: self.key("failed"),
            integration_id: self.config.source.integration_id.clone(),
            status: SyncStatus::Failed,
            last_error: Some(halt.ending().reason),
            state: work.state.clone(),
        };
        let what = "the shop was told that the sync failed; its watermark is where it truly is";
        saga.tell(UPDATE, what, Erp::save_state, failed, policy::erp()).await;
    }
}

const INVALID_DATA: &str = "DataInvalid";

fn step_of(entity: Entity) -> &'static str {
    match entity {
        Entity::Products => PRODUCTS,
        Entity::Inventory => INVENTORY,
        Entity::Customers => CUSTOMERS,
        Entity::Orders => ORDERS,
    }
}
