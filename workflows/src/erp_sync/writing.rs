//! The steps that write: what is staged, how far it is now, the report.

use contracts::erp::{ApplyBatch, Entity, Erp, SaveReport, SaveState, SyncStatus};

use super::run::{NEARER, SyncRun, SyncSaga, step_of};
use super::tally::Work;
use super::{REPORT, UPDATE};
use crate::policy;
use crate::saga::Halt;

impl SyncRun<'_> {
    pub(super) async fn apply(&self, saga: &SyncSaga, work: &mut Work, entity: Entity) -> Result<(), Halt> {
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
            let applied = work.applied.entry(entity).or_default();
            let write =
                saga.step(step, Erp::apply, batch, policy::erp()).so_far(|stopped| applied.count_in(stopped));
            let written = write.nothing_to_undo(NEARER).await?;
            applied.add(written);
            saga.done(step, &applied.words());
        }
        work.settle(entity);
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
            last_error: None,
            state: work.state.clone(),
        };
        saga.step(UPDATE, Erp::save_state, state, policy::erp()).nothing_to_undo(NEARER).await
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
