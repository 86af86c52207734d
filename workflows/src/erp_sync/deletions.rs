//! Products that are gone at the source: looked for when a scan is due, taken out of sale after everything else was
//! decided.
//!
//! Only what came from this integration can be gone: the keys that it brought are remembered in the object store (the
//! shop does not say where a product comes from), and the first scan has to learn them. Deliberately absent: levels,
//! customers and orders. A level that is gone is zero by the ERP's own word, and the others are what happened.

use contracts::erp::{Deactivate, Entity, Erp, FindGone, KeepKeys, ScanKeys};
use jiff::SignedDuration;

use super::input::Deletions;
use super::run::{NEARER, READS, SyncRun, SyncSaga};
use super::tally::{Missed, Work};
use super::{FETCH, PRODUCTS};
use crate::policy;
use crate::saga::Halt;

const GONE: &str = "gone at the source";

impl SyncRun<'_> {
    /// Whether what is gone is taken out of sale.
    pub(super) fn deactivates(&self) -> bool {
        self.config.deletions != Deletions::Ignore
    }

    /// Whether it is time to look. A read that goes on in another run is followed by one scan, when it is complete.
    fn is_due(&self, work: &Work) -> bool {
        let Deletions::Deactivate { every } = self.config.deletions else { return false };
        if work.resume.is_some() {
            return false;
        }
        let before = work.state.as_ref().and_then(|state| state.scanned_at.get(&Entity::Products));
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
        self.config.full || before.is_none_or(|before| self.started.duration_since(*before) >= every)
    }

    /// Finds what is gone; nothing is done about it yet. A look that fails is told, and the next run looks again: stock
    /// and prices do not wait for it.
    pub(super) async fn look_for_gone(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        if !self.is_due(work) {
            return Ok(());
        }
        match self.look(saga, work).await {
            Err(Halt::Outage { reason, .. }) => {
                let words = format!("what is gone at the source could not be looked for: {reason}");
                saga.done(FETCH, &words);
                work.not_looked = Some(words);
                Ok(())
            }
            looked => looked,
        }
    }

    async fn look(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        let scan = ScanKeys {
            source: self.config.source.clone(),
            entity: Entity::Products,
            page_size: self.config.page_size,
            rules: self.config.rules.clone(),
            folder: self.folder.clone(),
        };
        let step = saga.step(FETCH, Erp::scan_keys, scan, policy::erp());
        let scanned = step.part("keys of all products").nothing_to_undo(READS).await?;
        let mut missed = Missed { scanned, ..Missed::default() };
        let mut after = None;
        loop {
            let find = FindGone {
                integration_id: self.config.source.integration_id.clone(),
                entity: Entity::Products,
                scanned: missed.scanned.clone(),
                after: after.take(),
                folder: self.folder.clone(),
            };
            let mut part = saga
                .step(FETCH, Erp::find_gone, find, policy::erp())
                .part(GONE)
                .nothing_to_undo(READS)
                .await?;
            after = part.next.take();
            missed.add(part);
            if after.is_none() {
                work.missed = Some(missed);
                return Ok(());
            }
        }
    }

    /// Takes out of sale what is gone, and remembers what is there.
    pub(super) async fn deactivate(&self, saga: &SyncSaga, work: &mut Work) -> Result<(), Halt> {
        let Some(missed) = work.missed.clone() else { return Ok(()) };
        if self.config.dry_run {
            let staged = work.staged.get(&Entity::Products).map_or(0, |staged| staged.counts.to_write());
            let words = format!("{staged} would be written, {} deactivated (dry run)", missed.gone);
            saga.skip(PRODUCTS, &words);
            return Ok(());
        }
        let mut refused = 0;
        for (number, batch) in (1..).zip(missed.batches) {
            let number: u32 = number;
            let batch = Deactivate {
                key: self.key(PRODUCTS).part("gone").part(&number.to_string()),
                integration_id: self.config.source.integration_id.clone(),
                entity: Entity::Products,
                batch,
                folder: self.folder.clone(),
            };
            let applied = work.applied.entry(Entity::Products).or_default();
            let step = saga.step(PRODUCTS, Erp::deactivate, batch, policy::erp());
            let step = step.part(GONE).so_far(|stopped| applied.count_in(stopped));
            let done = step.nothing_to_undo("a product that comes back is sold again").await?;
            refused += done.failed;
            applied.add(done);
            saga.done(PRODUCTS, &applied.words());
        }
        let keep = KeepKeys {
            integration_id: self.config.source.integration_id.clone(),
            entity: Entity::Products,
            scanned: missed.scanned,
            forget: refused == 0,
        };
        let words = work.applied.get(&Entity::Products).map_or("nothing to write".to_owned(), |a| a.words());
        let step = saga.step(PRODUCTS, Erp::keep_keys, keep, policy::erp());
        step.part("what there is").nothing_to_undo(NEARER).await?;
        saga.done(PRODUCTS, &words);
        if let Some(state) = &mut work.state {
            state.scanned_at.insert(Entity::Products, self.started);
        }
        Ok(())
    }
}
