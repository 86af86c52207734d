//! The steps that read: log in, take the lease, stage what changed since the watermark.

use contracts::erp::{Authentication, Entity, Erp, Lease, LeaseAnswer, StagePages};
use jiff::{SignedDuration, Timestamp};

use super::input::Resume;
use super::run::{READS, SyncRun, SyncSaga};
use super::tally::{StagedEntity, Work};
use super::{AUTHENTICATE, FETCH};
use crate::policy;
use crate::saga::Halt;

/// Pages that one activity reads: enough that events are few, few enough that its result comes soon.
const PAGES: u32 = 20;

impl SyncRun<'_> {
    /// Only one run at a time; the ERP lets us in; the shop says how far it is.
    pub(super) async fn begin(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        let source = &self.config.source;
        // A run that writes nothing cannot disturb another one, so it takes no lease.
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

    pub(super) async fn stage(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
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
                let earlier_runs = self.config.earlier_runs();
                work.resume = Some(Resume { entity, cursor: next, since, read, earlier_runs });
                return Ok(());
            }
            cursor = Some(next);
        }
    }
}
