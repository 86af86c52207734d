//! The steps that read: log in, take the lease, stage what changed since the watermark.

use contracts::erp::{Authentication, Entity, Erp, Lease, LeaseAnswer, StagePages, StageRefused, Stamps};
use jiff::{SignedDuration, Timestamp};

use super::input::Resume;
use super::run::{READS, SyncRun, SyncSaga, Way};
use super::tally::{StagedEntity, Work};
use super::{AUTHENTICATE, FETCH, rewind_id, workflow_id};
use crate::policy;
use crate::report::timestamp;
use crate::saga::Halt;

/// Pages that one activity reads: enough that events are few, few enough that its result comes soon.
const PAGES: u32 = 20;

impl SyncRun<'_> {
    /// Only one run at a time; the ERP lets us in; the shop says how far it is.
    pub(super) async fn begin(&self, saga: &SyncSaga, work: &mut Work) -> Result<Way, Halt> {
        let source = &self.config.source;
        // A run that writes nothing cannot disturb another one, so it takes no lease.
        if !self.config.dry_run && self.take_lease(saga, work).await? == Way::Done {
            return Ok(Way::Done);
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
            Authentication::Accepted { stamps, .. } => work.stamps = stamps,
        }
        let state = saga
            .step(AUTHENTICATE, Erp::load_state, source.integration_id.clone(), policy::erp())
            .part("state")
            .nothing_to_undo(READS)
            .await?;
        work.state = Some(state);
        match &self.config.rewind {
            Some(back) => self.rewind(saga, work, back).await.map(|()| Way::Done),
            None => Ok(Way::On),
        }
    }

    /// Whether a schedule started this run: its time stands behind the integration's id.
    fn is_scheduled(&self) -> bool {
        let id = &self.config.source.integration_id;
        let own = [workflow_id(id), rewind_id(id)];
        !own.iter().any(|own| own == self.ctx.workflow_id())
    }

    async fn take_lease(&self, saga: &SyncSaga, work: &mut Work) -> Result<Way, Halt> {
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
            LeaseAnswer::Taken => Ok(Way::On),
            // The other one does this run's work, and a failure would pause the schedule.
            LeaseAnswer::HeldBy { workflow_id } if self.is_scheduled() => {
                let reason = format!("{workflow_id} synchronises {integration_id} already");
                saga.done(AUTHENTICATE, &format!("skipped: {reason}"));
                self.skip_all(saga, "skipped");
                work.skipped = Some(reason);
                Ok(Way::Done)
            }
            LeaseAnswer::HeldBy { workflow_id } => {
                let reason = format!("{workflow_id} synchronises {integration_id} already");
                Err(saga.refused(AUTHENTICATE, "AlreadyRunning", reason))
            }
        }
    }

    /// Where an incremental read begins; `None` reads everything.
    fn since(&self, saga: &SyncSaga, work: &Work, entity: Entity) -> Result<Option<Timestamp>, Halt> {
        if self.config.full || self.config.since.is_some() {
            return Ok(self.config.since);
        }
        let known = work.watermark(entity);
        let Some(since) = known.or(self.config.begin) else { return Ok(None) };
        // A read from a day that is to come finds nothing, and says so with every run until then.
        if work.stamps != Stamps::Claims && since > self.latest() {
            let (entity, id) = (entity.name(), &self.config.source.integration_id);
            let reason = match known {
                Some(_) => format!(
                    "{entity} are read since {since}, and that is to come: put the watermark back with 'starter erp \
                     rewind {id} --input FILE --entity {entity} --to TIME', or run a sync with --full"
                ),
                None => format!("last_sync_timestamp is {since}, and that is to come: correct it"),
            };
            return Err(saga.refused(FETCH, "WatermarkAhead", reason));
        }
        Ok(Some(since.checked_sub(self.lookback()).unwrap_or(Timestamp::MIN)))
    }

    fn lookback(&self) -> SignedDuration {
        SignedDuration::try_from(self.config.lookback).unwrap_or(SignedDuration::ZERO)
    }

    /// The latest moment that can be one of the past, by workflow time and what clocks are apart: the ERP's and the
    /// worker's, and the worker's and Temporal's.
    pub(super) fn latest(&self) -> Timestamp {
        let now = timestamp(self.ctx.workflow_time()).unwrap_or(self.started);
        now.checked_add(self.lookback().saturating_mul(2)).unwrap_or(Timestamp::MAX)
    }

    pub(super) async fn stage(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
        let resume = self.config.resume.as_ref().filter(|resume| resume.entity == entity);
        let since = match resume {
            Some(resume) => resume.since,
            None => self.since(saga, work, entity)?,
        };
        // A moment that is named is read again, whatever is in the shop already.
        let settled = if self.config.since.is_none() { work.watermark(entity) } else { None };
        let stamps = work.stamps;
        let staged = work.staged.entry(entity).or_insert(StagedEntity {
            is_full: since.is_none(),
            read_before: resume.map_or(0, |resume| resume.read.into()),
            newest: resume.and_then(|resume| resume.newest),
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
                dry_run: self.config.dry_run,
                ahead_seconds: (stamps != Stamps::Claims).then_some(self.config.lookback.as_secs()),
                revive: self.deactivates() && entity == Entity::Products,
                folder: self.folder.clone(),
                quarantine: self.quarantine.clone(),
            };
            let mut pages = saga
                .step(FETCH, Erp::stage, pages, policy::erp())
                .part(entity.name())
                .nothing_to_undo(READS)
                .await?;
            let (next, is_cut) = (pages.next.take(), pages.is_cut);
            staged.add(pages);
            work.batches += 1;
            let Some(next) = next else { return self.stage_refused(saga, staged, entity).await };
            if (is_cut || work.batches >= self.config.batches_per_run) && !self.config.dry_run {
                let read = u32::try_from(staged.read_before + staged.counts.read).unwrap_or(u32::MAX);
                staged.is_full = false;
                // Of pages in another order, any later one may hold the oldest change of all.
                let is_ordered = is_cut || (stamps == Stamps::InOrder && !staged.is_disordered);
                let newest = if is_ordered { None } else { staged.newest.take() };
                let earlier_runs = self.config.earlier_runs();
                work.resume = Some(Resume { entity, cursor: next, since, read, newest, earlier_runs });
                return Ok(());
            }
            cursor = Some(next);
        }
    }

    /// Records that the shop refused in earlier runs are tried again once everything newer is read.
    async fn stage_refused(
        &self,
        saga: &SyncSaga,
        staged: &mut StagedEntity,
        entity: Entity,
    ) -> Result<(), Halt> {
        if staged.refused_before == 0 {
            return Ok(());
        }
        let again = StageRefused {
            integration_id: self.config.source.integration_id.clone(),
            entity,
            again: staged.settled.clone(),
            price_change_percent: Some(self.config.limits.price_change),
            folder: self.folder.clone(),
        };
        let step = saga.step(FETCH, Erp::stage_refused, again, policy::erp());
        staged.try_again(step.part("what was refused").nothing_to_undo(READS).await?);
        Ok(())
    }
}
