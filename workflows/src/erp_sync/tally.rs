//! The work that a sync has done so far.

use std::collections::BTreeMap;

use contracts::erp::{
    Applied, Entity, EntityCounts, Gone, RowOutcome, Rows, ScannedKeys, StageCounts, Staged, Stamps,
    StillRefused, SyncDetails, SyncState, SyncSummary,
};
use contracts::objects::ObjectRef;
use jiff::Timestamp;

use super::input::{EarlierRuns, MaxInvalid, Resume};

/// The work that a sync has done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// How far the integration is, as far as it is written; `None` before the shop has said it.
    pub(super) state: Option<SyncState>,
    /// The moments of change that the connector gives to records.
    pub(super) stamps: Stamps,
    /// The entities that were read.
    pub(super) staged: BTreeMap<Entity, StagedEntity>,
    /// Products that are gone at the source; `None`: nobody looked.
    pub(super) missed: Option<Missed>,
    /// Why what is gone could not be looked for, in words.
    pub(super) not_looked: Option<String>,
    /// The entities that were written.
    pub(super) applied: BTreeMap<Entity, AppliedEntity>,
    /// Activities that read.
    pub(super) batches: u32,
    /// Where the next run goes on, when there is more to read than one run takes; [`Work::resume`] adds this run's
    /// own figures.
    pub(super) resume: Option<Resume>,
    /// Why a scheduled run had nothing to do.
    pub(super) skipped: Option<String>,
    /// The limits for which the brake asked, in words.
    pub(super) limits_exceeded: Vec<String>,
}

/// One entity after reading.
#[derive(Clone, Debug, Default)]
pub(super) struct StagedEntity {
    pub(super) counts: StageCounts,
    pub(super) batches: Vec<ObjectRef>,
    pub(super) quarantined: Vec<ObjectRef>,
    pub(super) causes: BTreeMap<String, u64>,
    pub(super) left_out: BTreeMap<String, u64>,
    pub(super) unknown_fields: Vec<String>,
    pub(super) left_lying: Vec<String>,
    /// Rules that read a field which no record had; `None`: no record was read.
    pub(super) unseen_fields: Option<Vec<String>>,
    /// Records that the shop refused in earlier runs and does not have yet.
    pub(super) retry: Option<ObjectRef>,
    /// Records that the shop refused in earlier runs.
    pub(super) refused_before: u64,
    /// Their keys, as far as this run read or tried them again.
    pub(super) settled: Vec<ObjectRef>,
    pub(super) newest: Option<Timestamp>,
    /// Whether a record came after one that had changed later.
    pub(super) is_disordered: bool,
    /// Records that are stamped later than now, some of them by name.
    pub(super) ahead: Vec<String>,
    /// Whether everything was read, not only what changed, and to its end.
    pub(super) is_full: bool,
    /// Records that the runs before this one have read of it.
    pub(super) read_before: u64,
}

/// Kinds of defects that a report lists; the quarantine has all.
const CAUSES_MAX: usize = 20;

impl StagedEntity {
    /// Records that the source has, when all of them were read.
    pub(super) fn full_count(&self) -> u64 {
        self.read_before + self.counts.read - self.counts.superseded
    }

    /// Rules that read a field which no record had, where every record was read. A few that changed may well have
    /// nothing to say of it.
    pub(super) fn never_seen(&self) -> &[String] {
        self.unseen_fields.as_deref().filter(|_| self.is_full).unwrap_or_default()
    }

    pub(super) fn add(&mut self, pages: Staged) {
        if pages.counts.read > 0 {
            let is_unseen = |words: &String| pages.unseen_fields.contains(words);
            self.unseen_fields = Some(match self.unseen_fields.take() {
                None => pages.unseen_fields,
                Some(before) => before.into_iter().filter(is_unseen).collect(),
            });
        }
        self.counts.add(&pages.counts);
        self.batches.extend(pages.batch);
        self.refused_before = self.refused_before.max(pages.refused_before);
        self.settled.extend(pages.again);
        self.quarantined.extend(pages.quarantined);
        self.newest = self.newest.max(pages.newest);
        self.is_disordered |= pages.is_disordered;
        add_causes(&mut self.causes, pages.causes);
        add_causes(&mut self.left_out, pages.left_out);
        add_names(&mut self.unknown_fields, pages.unknown_fields);
        add_names(&mut self.left_lying, pages.left_lying);
        add_names(&mut self.ahead, pages.ahead);
    }
}

impl StagedEntity {
    /// Adds what is tried again.
    pub(super) fn try_again(&mut self, staged: Staged) {
        self.counts.add(&staged.counts);
        self.settled.extend(staged.again);
        self.retry = staged.batch;
    }

    /// The lists of what is to be written.
    pub(super) fn all_batches(&self) -> Vec<ObjectRef> {
        self.batches.iter().chain(&self.retry).cloned().collect()
    }
}

fn add_names(known: &mut Vec<String>, more: Vec<String>) {
    for name in more {
        if known.len() < CAUSES_MAX && !known.contains(&name) {
            known.push(name);
        }
    }
}

/// Products that are gone at the source.
#[derive(Clone, Debug, Default)]
pub(super) struct Missed {
    pub(super) scanned: ScannedKeys,
    pub(super) batches: Vec<ObjectRef>,
    pub(super) gone: u64,
    /// Products on sale that came from this integration, those that are gone included.
    pub(super) on_sale: u64,
}

impl Missed {
    pub(super) fn add(&mut self, part: Gone) {
        self.batches.extend(part.batch);
        self.gone += part.gone;
        self.on_sale += part.on_sale;
    }
}

/// One entity after writing.
#[derive(Clone, Debug, Default)]
pub(super) struct AppliedEntity {
    created: u64,
    updated: u64,
    deactivated: u64,
    pub(super) failed: u64,
    rows: Vec<RowOutcome>,
    lists: Vec<ObjectRef>,
    pub(super) causes: BTreeMap<String, u64>,
    /// Records that were refused: lists in the quarantine, or in the run's folder where they lie in it already.
    pub(super) refused: Vec<ObjectRef>,
    /// The records that wait to be tried again by the next runs.
    pub(super) still_refused: StillRefused,
}

impl AppliedEntity {
    pub(super) fn add(&mut self, batch: Applied) {
        self.refused.extend(batch.quarantined);
        self.created += batch.created;
        self.updated += batch.updated;
        self.deactivated += batch.deactivated;
        self.failed += batch.failed;
        if self.rows.len() + batch.rows.len() <= Rows::INLINE_MAX {
            self.rows.extend(batch.rows);
        }
        self.lists.extend(batch.lists);
        add_causes(&mut self.causes, batch.causes);
    }

    /// Counts a batch that was stopped in the middle, and says what is written in all.
    pub(super) fn count_in(&mut self, stopped: Applied) -> String {
        self.add(stopped);
        self.words()
    }

    fn count(&self) -> u64 {
        self.created + self.updated + self.deactivated + self.failed
    }

    pub(super) fn words(&self) -> String {
        let refused = match self.failed {
            0 => String::new(),
            n => format!(", {n} refused by the shop ({})", causes(&self.causes)),
        };
        let deactivated = match self.deactivated {
            0 => String::new(),
            n => format!(", {n} deactivated"),
        };
        format!("{} created, {} updated{deactivated}{refused}", self.created, self.updated)
    }
}

fn add_causes(causes: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    for (cause, count) in more {
        if causes.len() < CAUSES_MAX || causes.contains_key(&cause) {
            *causes.entry(cause).or_default() += count;
        }
    }
}

/// The five most frequent faults, most frequent first.
pub(super) fn causes(causes: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = causes.iter().collect();
    sorted.sort_by(|(a, na), (b, nb)| nb.cmp(na).then(a.cmp(b)));
    let listed: Vec<String> = sorted.iter().take(5).map(|(cause, n)| format!("{cause} ({n}×)")).collect();
    listed.join("; ")
}

fn sum<'c>(causes: impl Iterator<Item = (&'c String, &'c u64)>) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (cause, count) in causes {
        *all.entry(cause.clone()).or_default() += count;
    }
    all
}

impl Work {
    pub(super) fn total(&self) -> StageCounts {
        let mut total = StageCounts::default();
        for staged in self.staged.values() {
            total.add(&staged.counts);
        }
        total
    }

    /// Records of an entity that would be taken out of sale.
    pub(super) fn gone(&self, entity: Entity) -> u64 {
        let missed = self.missed.as_ref().filter(|_| entity == Entity::Products);
        missed.map_or(0, |missed| missed.gone)
    }

    pub(super) fn all_causes(&self) -> BTreeMap<String, u64> {
        sum(self.staged.values().flat_map(|staged| &staged.causes))
    }

    pub(super) fn all_left_out(&self) -> BTreeMap<String, u64> {
        sum(self.staged.values().flat_map(|staged| &staged.left_out))
    }

    /// The refusals of the shop, for whoever looks at the integration; `None`: nothing.
    fn still_refused(&self) -> Option<String> {
        let of = |(entity, applied): (&Entity, &AppliedEntity)| {
            let StillRefused { count, since, attempts } = applied.still_refused;
            let since = since.map_or(String::new(), |since| format!(" since {since}"));
            let times = if attempts == 1 { "once".to_owned() } else { format!("up to {attempts} times") };
            (count > 0)
                .then(|| format!("{count} {}{since}, {times} ({})", entity.name(), causes(&applied.causes)))
        };
        let refused: Vec<String> = self.applied.iter().filter_map(of).collect();
        (!refused.is_empty())
            .then(|| format!("refused by the shop and tried again by the next runs: {}", refused.join("; ")))
    }

    /// The troubles of a run that came to its end all the same, for whoever looks at the integration; `None`: none.
    pub(super) fn troubles(&self) -> Option<String> {
        let troubles: Vec<String> = self.still_refused().into_iter().chain(self.not_looked.clone()).collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    /// The records that are stamped later than now, in words; nothing, when there are none.
    pub(super) fn ahead(&self) -> String {
        let count = self.total().ahead;
        let named: Vec<&str> =
            self.staged.values().flat_map(|staged| &staged.ahead).map(String::as_str).take(5).collect();
        let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
        match count {
            0 => String::new(),
            n => format!("; stamped later than now, so that the watermark passes them over: {n}{named}"),
        }
    }

    /// Why nothing may be written, when too many records are invalid.
    pub(super) fn too_many_invalid(&self, allowed: MaxInvalid) -> Option<String> {
        let words = |counts: &StageCounts, of: &str, known: &BTreeMap<String, u64>| {
            let (invalid, may) = (counts.quarantined(), allowed.of(counts.read));
            (invalid > may).then(|| {
                format!(
                    "{invalid} of {} {of} are invalid, {may} may be (max_invalid): {}; they are in the quarantine, \
                     nothing was written",
                    counts.read,
                    causes(known)
                )
            })
        };
        match allowed {
            MaxInvalid::Count(_) => words(&self.total(), "records", &self.all_causes()),
            MaxInvalid::Share => self
                .staged
                .iter()
                .find_map(|(entity, staged)| words(&staged.counts, entity.name(), &staged.causes)),
        }
    }

    /// How far an entity is.
    pub(super) fn watermark(&self, entity: Entity) -> Option<Timestamp> {
        self.state.as_ref()?.watermarks.get(&entity).copied()
    }

    /// An entity is in the shop up to its newest change. A read of everything also puts a watermark right that is ahead
    /// of `latest`, where nothing can have changed yet.
    pub(super) fn settle(&mut self, entity: Entity, latest: Timestamp) {
        let can_be_ahead = self.stamps == Stamps::Claims;
        let (Some(state), Some(staged)) = (&mut self.state, self.staged.get(&entity)) else { return };
        if let Some(newest) = staged.newest {
            let known = state.watermarks.entry(entity).or_insert(newest);
            let is_wrong = staged.is_full && !can_be_ahead && *known > latest;
            *known = if is_wrong { newest } else { newest.max(*known) };
        }
        if staged.is_full {
            state.full_counts.insert(entity, staged.full_count());
        }
    }

    fn entity(&self, entity: Entity, is_dry: bool) -> EntityCounts {
        let staged = self.staged.get(&entity).map(|staged| staged.counts).unwrap_or_default();
        let applied = self.applied.get(&entity).cloned().unwrap_or_default();
        let (created, updated, deactivated) = match is_dry {
            true => (staged.to_create, staged.to_update, self.gone(entity)),
            false => (applied.created, applied.updated, applied.deactivated),
        };
        EntityCounts {
            read: staged.read,
            created,
            updated,
            deactivated,
            unchanged: staged.unchanged,
            failed: applied.failed,
            quarantined: staged.quarantined(),
            skipped: staged.superseded,
        }
    }

    /// Where the next run goes on, and what was left out of the shop until then.
    pub(super) fn resume(&self) -> Option<Resume> {
        let resume = self.resume.clone()?;
        let EarlierRuns { failed, quarantined } = resume.earlier_runs;
        let counts: Vec<EntityCounts> = self.summary(false).entities.into_values().collect();
        let more = |before: u32, here: u64| before.saturating_add(u32::try_from(here).unwrap_or(u32::MAX));
        let earlier_runs = EarlierRuns {
            failed: more(failed, counts.iter().map(|counts| counts.failed).sum()),
            quarantined: more(quarantined, counts.iter().map(|counts| counts.quarantined).sum()),
        };
        Some(Resume { earlier_runs, ..resume })
    }

    pub(super) fn summary(&self, is_dry: bool) -> SyncSummary {
        let of = |entity| self.entity(entity, is_dry);
        let (products, inventory) = (of(Entity::Products), of(Entity::Inventory));
        SyncSummary {
            products_processed: products.read,
            products_created: products.created,
            products_updated: products.updated,
            products_failed: products.failed,
            inventory_updated: inventory.created + inventory.updated,
            inventory_failed: inventory.failed,
            entities: self
                .staged
                .keys()
                .chain(self.applied.keys())
                .map(|entity| (*entity, of(*entity)))
                .collect(),
        }
    }

    /// The rows of the report; in a dry run the lists of what would be written.
    pub(super) fn details(&self, is_dry: bool) -> SyncDetails {
        let mut details = SyncDetails::default();
        if is_dry {
            for (entity, staged) in &self.staged {
                let count = staged.counts.to_write();
                *details.of(*entity) = Rows::Listed { count, refs: staged.all_batches() };
            }
            if let Some(missed) = &self.missed
                && let Rows::Listed { count, refs } = details.of(Entity::Products)
            {
                *count += missed.gone;
                refs.extend(missed.batches.iter().cloned());
            }
            return details;
        }
        for (entity, applied) in &self.applied {
            let is_short = applied.rows.len() as u64 == applied.count();
            *details.of(*entity) = match is_short {
                true => Rows::Inline(applied.rows.clone()),
                false => Rows::Listed { count: applied.count(), refs: applied.lists.clone() },
            };
        }
        details
    }
}

#[cfg(test)]
mod tests;
