//! The memory of what the shop refused: one list for each entity, `integrations/<integration>/<entity>/refused/`.
//!
//! A record leaves it when the shop takes it, has it so already, or the ERP sends that key again: what was read counts,
//! and is kept anew if it is refused too.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use contracts::erp::{
    Entity, KeepRefused, QuarantinedRow, Record, RefusedRow, StageCounts, StageRefused, Staged, StillRefused,
};
use contracts::objects::ObjectRef;
use contracts::values::IntegrationId;
use jiff::Timestamp;
use store::{Lines, LinesWriter, Listed, Store};
use temporalio_sdk::activities::ActivityContext;

use super::shop::Shop;
use super::{compare, looking};
use crate::bulk::{Trouble, Walk};

/// Records that one run tries again at most; the others wait for the next one.
const RETRIED_MAX: usize = 10_000;
/// Records that are compared at once.
const COMPARED_AT_ONCE: usize = 500;

/// The records of one kind of an integration that the shop refused.
pub(super) struct Refused<'s> {
    store: &'s Store,
    folder: String,
}

impl<'s> Refused<'s> {
    pub(super) fn of(store: &'s Store, integration: &IntegrationId, entity: Entity) -> Self {
        Self { store, folder: format!("integrations/{integration}/{}/refused", entity.name()) }
    }

    /// The records by key, and the lists that they lie in. There is one list, or two where a worker died between
    /// writing the new one and removing the old one: then the later attempt of a key counts.
    async fn load(&self) -> Result<(BTreeMap<String, RefusedRow>, Vec<Listed>), Trouble> {
        let lists = self.store.list(&self.folder).await?;
        let mut rows: BTreeMap<String, RefusedRow> = BTreeMap::new();
        for list in &lists {
            for row in Lines::read(self.store, &list.key).await?.records::<RefusedRow>()? {
                let key = row.record.key();
                if rows.get(&key).is_none_or(|known| known.tried_at < row.tried_at) {
                    rows.insert(key, row);
                }
            }
        }
        Ok((rows, lists))
    }

    /// The keys that wait to be tried again.
    pub(super) async fn keys(&self) -> Result<HashSet<String>, Trouble> {
        Ok(self.load().await?.0.into_keys().collect())
    }

    /// Stages what still differs from the shop, the longest untried first.
    async fn stage(
        &self,
        ctx: &ActivityContext,
        shop: &Shop,
        input: &StageRefused,
    ) -> Result<Staged, Trouble> {
        let (mut rows, _) = self.load().await?;
        for key in keys_of(self.store, &input.again).await? {
            rows.remove(&key);
        }
        let mut due: Vec<(Timestamp, (Timestamp, Record))> =
            rows.into_values().map(|row| (row.tried_at, (row.changed_at, row.record))).collect();
        due.sort_by_key(|(tried_at, _)| *tried_at);
        due.truncate(RETRIED_MAX);
        let due: Vec<(Timestamp, Record)> = due.into_iter().map(|(_, record)| record).collect();
        let (mut batch, mut tried) = (LinesWriter::default(), LinesWriter::default());
        let mut counts = StageCounts::default();
        for some in due.chunks(COMPARED_AT_ONCE) {
            let found = looking::look_up(ctx, shop, input.entity, some).await?;
            for record in some {
                let key = record.1.key();
                // It waits, as it did.
                if found.unfit(&key).is_some() {
                    continue;
                }
                tried.push(&key)?;
                let (limit, existing) = (input.price_change_percent, found.existing.get(&key));
                if let Some(row) = compare::compare(record.clone(), existing, limit, &mut counts) {
                    batch.push(&row)?;
                }
            }
        }
        // They were counted as read by the run that read them.
        counts.unchanged = 0;
        let (batch, again) =
            (batch.put(self.store, &input.folder).await?, tried.put(self.store, &input.folder).await?);
        Ok(Staged { batch, again, counts, ..Staged::default() })
    }

    /// Puts a new list in place of the one before. A repetition comes to the same: what this run has noted already is
    /// not counted as another attempt.
    async fn keep(&self, input: &KeepRefused) -> Result<StillRefused, Trouble> {
        let (before, lists) = self.load().await?;
        let settled = keys_of(self.store, &input.settled).await?;
        let mut rows = before.clone();
        rows.retain(|key, row| !settled.contains(key) || row.run == input.run);
        for list in &input.refused {
            for refused in Lines::get(self.store, list).await?.records::<QuarantinedRow>()? {
                let record: Record = serde_json::from_str(refused.record.get())?;
                let known = before.get(&record.key());
                let attempts = known.map_or(1, |row| row.attempts + u32::from(row.run != input.run));
                let row = RefusedRow {
                    changed_at: refused.changed_at,
                    cause: refused.cause,
                    attempts,
                    since: known.map_or(input.at, |row| row.since),
                    tried_at: input.at,
                    run: input.run.clone(),
                    record,
                };
                rows.insert(row.record.key(), row);
            }
        }
        let mut list = LinesWriter::default();
        for row in rows.values() {
            list.push(row)?;
        }
        let kept = list.put(self.store, &self.folder).await?;
        for former in lists.iter().filter(|list| kept.as_ref().is_none_or(|kept| kept.key != list.key)) {
            self.store.remove(&former.key).await?;
        }
        Ok(StillRefused {
            count: rows.len() as u64,
            since: rows.values().map(|row| row.since).min(),
            attempts: rows.values().map(|row| row.attempts).max().unwrap_or_default(),
        })
    }
}

pub(super) async fn stage(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &StageRefused,
) -> Result<Staged, Trouble> {
    let walk: Walk<'_, ()> = Walk::resume(ctx);
    walk.alive(Refused::of(store, &input.integration_id, input.entity).stage(ctx, shop, input)).await
}

pub(super) async fn keep(
    ctx: &ActivityContext,
    store: &Store,
    input: &KeepRefused,
) -> Result<StillRefused, Trouble> {
    let walk: Walk<'_, ()> = Walk::resume(ctx);
    walk.alive(Refused::of(store, &input.integration_id, input.entity).keep(input)).await
}

async fn keys_of(store: &Store, lists: &[ObjectRef]) -> Result<BTreeSet<String>, Trouble> {
    let mut keys = BTreeSet::new();
    for list in lists {
        keys.extend(Lines::get(store, list).await?.records::<String>()?);
    }
    Ok(keys)
}
