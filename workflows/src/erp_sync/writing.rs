//! The steps that write: what is staged, how far it is now, the report.

use contracts::erp::{ApplyBatch, Entity, Erp, KeepRefused, SaveReport, SaveState, SyncStatus};

use super::run::{NEARER, SyncRun, SyncSaga, step_of};
use super::tally::{Work, causes};
use super::{REPORT, UPDATE};
use crate::observe::{Synced, observer};
use crate::policy;
use crate::report::timestamp;
use crate::saga::Halt;

impl SyncRun<'_> {
    pub(super) async fn apply(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
        let step = step_of(entity);
        let Some(staged) = work.staged.get(&entity) else {
            let is_later = self.config.entities.contains(&entity);
            saga.skip(step, if is_later { "another run's: the read is a long one" } else { "not asked for" });
            return Ok(());
        };
        let batches = staged.all_batches();
        let fresh = staged.batches.len();
        if self.config.dry_run || (batches.is_empty() && work.gone(entity) == 0) {
            let words = format!("{} would be written (dry run)", staged.counts.to_write());
            saga.skip(step, if self.config.dry_run { &words } else { "nothing to write" });
        }
        if self.config.dry_run {
            return Ok(());
        }
        for (place, batch) in batches.into_iter().enumerate() {
            let number = place + 1;
            // A record refused before lies in the quarantine already.
            let quarantine = if place < fresh { &self.quarantine } else { &self.folder };
            let batch = ApplyBatch {
                key: self.key(step).part(&number.to_string()),
                integration_id: self.config.source.integration_id.clone(),
                entity,
                batch,
                folder: self.folder.clone(),
                quarantine: quarantine.clone(),
                note_keys: self.deactivates() && entity == Entity::Products,
            };
            let applied = work.applied.entry(entity).or_default();
            let write =
                saga.step(step, Erp::apply, batch, policy::erp()).so_far(|stopped| applied.count_in(stopped));
            let written = write.nothing_to_undo(NEARER).await?;
            applied.add(written);
            saga.done(step, &applied.words());
            self.stop_at_refusals(saga, work, step)?;
        }
        self.keep_refused(saga, work, entity).await?;
        work.settle(entity, self.latest());
        Ok(())
    }

    /// A shop that refuses so much has a trouble of its own; the watermark stays, and the next run reads it again.
    fn stop_at_refusals(&self, saga: &SyncSaga, work: &Work, step: &'static str) -> Result<(), Halt> {
        let refused: u64 = work.applied.values().map(|applied| applied.failed).sum();
        match self.config.limits.refused {
            Some(most) if refused > u64::from(most) => {
                let why: Vec<String> = work.applied.values().map(|applied| causes(&applied.causes)).collect();
                let why = why.into_iter().filter(|why| !why.is_empty()).collect::<Vec<_>>().join("; ");
                let reason =
                    format!("the shop refused {refused} records, {most} may be (limits.refused): {why}");
                Err(saga.refused(step, "RowsRefused", reason))
            }
            _ => Ok(()),
        }
    }

    /// A record that the shop refuses is remembered before the watermark passes it.
    async fn keep_refused(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
        let Some(staged) = work.staged.get(&entity) else { return Ok(()) };
        let refused = work.applied.get(&entity).map(|applied| applied.refused.clone()).unwrap_or_default();
        if staged.refused_before == 0 && refused.is_empty() {
            return Ok(());
        }
        let keep = KeepRefused {
            integration_id: self.config.source.integration_id.clone(),
            entity,
            settled: staged.settled.clone(),
            refused,
            run: self.ctx.run_id().to_owned(),
            at: timestamp(self.ctx.workflow_time()).unwrap_or(self.started),
        };
        let step = step_of(entity);
        let words = work.applied.get(&entity).map_or("nothing to write".to_owned(), |a| a.words());
        let keep = saga.step(step, Erp::keep_refused, keep, policy::erp());
        let kept = keep.part("what was refused").nothing_to_undo(NEARER).await?;
        let waiting = match kept.count {
            0 => String::new(),
            n => format!("; {n} wait to be tried again"),
        };
        saga.done(step, &format!("{words}{waiting}"));
        work.applied.entry(entity).or_default().still_refused = kept;
        Ok(())
    }

    pub(super) async fn remember(&self, saga: &SyncSaga, work: &Work) -> Result<(), Halt> {
        if self.config.dry_run {
            saga.skip(UPDATE, "dry run: the watermark stays");
            return Ok(());
        }
        let state = SaveState {
            key: self.key(UPDATE),
            integration_id: self.config.source.integration_id.clone(),
            status: SyncStatus::Success,
            last_error: work.troubles(),
            state: work.state.clone(),
        };
        saga.step(UPDATE, Erp::save_state, state, policy::erp()).nothing_to_undo(NEARER).await?;
        self.tell_figures(work);
        Ok(())
    }

    fn tell_figures(&self, work: &Work) {
        let Some(observer) = observer().filter(|_| !self.ctx.is_replaying()) else { return };
        for entity in work.staged.keys() {
            observer.synced(&Synced {
                integration: self.config.source.integration_id.as_str(),
                entity: entity.name(),
                at: timestamp(self.ctx.workflow_time()).unwrap_or(self.started),
                watermark: work.watermark(*entity),
                refused: work.applied.get(entity).map_or(0, |applied| applied.still_refused.count),
            });
        }
    }

    pub(super) async fn save_report(&self, saga: &SyncSaga, work: &Work) -> Result<(), Halt> {
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
}
