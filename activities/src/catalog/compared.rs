//! Rows that were compared with the shop, on their way into a batch: counted, and named by a hash of what they change.

use contracts::bulk::{INLINE_MAX, Written, count_cause};
use contracts::catalog::{Kind as RowKind, RowOutcome, StageCounts, StagedRows, WrongRow};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use store::{LinesWriter, join};

use super::kind::Kind;
use super::stage::Staging;
use crate::bulk::{Largest, PartsWriter, Trouble};

/// Failed rows that are held before they are put into the store.
const FAILED_HELD: u64 = 1_000;

/// Rows on their way into a batch.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) lines: PartsWriter,
    pub(super) counts: StageCounts,
    pub(super) changes: Sha256,
    pub(super) largest: Largest,
    pub(super) notes: Vec<String>,
    /// Of products: how many need a text for search engines.
    pub(super) without_text: Option<u64>,
    pub(super) failed: Written<RowOutcome>,
    failed_lines: LinesWriter,
}

impl Compared {
    /// Adds the rows that were wrong before anybody was asked.
    pub(super) fn leave_out(&mut self, wrong: &[WrongRow]) -> Result<(), Trouble> {
        for row in wrong {
            let mut outcome = RowOutcome { row: row.row, ..RowOutcome::default() };
            let key = if row.kind == RowKind::Image { &mut outcome.original_path } else { &mut outcome.sku };
            key.clone_from(&row.key);
            self.fail(outcome, row.problems.join("; "), "is wrong in the file")?;
        }
        Ok(())
    }

    /// Adds a row that can be written, whether it needs a write or not: the apply says so of each.
    pub(super) fn take<K: Kind>(
        &mut self,
        kind: &K,
        row: &K::Row,
        now: Option<&K::State>,
        wanted: &K::State,
    ) -> Result<(), Trouble> {
        let is_otherwise = now != Some(wanted);
        match now {
            None => self.counts.to_create += 1,
            Some(_) if is_otherwise => self.counts.to_update += 1,
            Some(_) => self.counts.unchanged += 1,
        }
        if is_otherwise || now.is_some_and(|now| !kind.is_whole(row, now)) {
            let change = (kind.content(row), kind.shown(row, now, wanted)?);
            self.changes.update(serde_json::to_vec(&change)?);
        }
        self.lines.push(row)?;
        Ok(())
    }

    pub(super) fn turn_away(&mut self, outcome: RowOutcome, cause: String) -> Result<(), Trouble> {
        let counted = cause.clone();
        self.fail(outcome, cause, &counted)
    }

    fn fail(&mut self, outcome: RowOutcome, cause: String, counted: &str) -> Result<(), Trouble> {
        let outcome = RowOutcome { action: "failed".to_owned(), cause: Some(cause), ..outcome };
        *self.failed.counts.entry("failed".to_owned()).or_default() += 1;
        count_cause(&mut self.failed.causes, counted);
        self.failed_lines.push(&outcome)?;
        if self.failed.rows.len() < INLINE_MAX {
            self.failed.rows.push(outcome);
        }
        Ok(())
    }

    /// Puts the rows that are held into the store, when they are many.
    pub(super) async fn put_parts(&mut self, staging: &Staging<'_>) -> Result<(), Trouble> {
        self.lines.put_part(staging.store, staging.folder).await?;
        if self.failed_lines.count() >= FAILED_HELD {
            let lines = std::mem::take(&mut self.failed_lines);
            self.failed.lists.extend(lines.put(staging.store, staging.folder).await?);
        }
        Ok(())
    }

    pub(super) async fn finish(mut self, staging: &Staging<'_>) -> Result<StagedRows, Trouble> {
        let batch = self.lines.finish(staging.store, staging.folder).await?;
        if self.failed.count("failed") > INLINE_MAX as u64 {
            self.failed.rows.clear();
        }
        self.failed.lists.extend(self.failed_lines.put(staging.store, staging.folder).await?);
        self.failed.lists = join(staging.store, staging.folder, self.failed.lists).await?;
        Ok(StagedRows {
            batch,
            counts: self.counts,
            failed: self.failed,
            pictures: None,
            without_text: self.without_text,
            changes: hex(self.changes),
            largest: self.largest.into_moves(),
            notes: self.notes,
        })
    }
}

/// A hash as hex digits.
pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fields in which a row differs from how it is to look, each with both values; of a row that is made, all of them.
/// A field that stays may change before the write: nobody has consented to it.
pub(super) fn differing<S: Serialize>(now: Option<&S>, wanted: &S) -> serde_json::Result<Value> {
    let wanted = serde_json::to_value(wanted)?;
    let Some(now) = now else { return Ok(wanted) };
    match (serde_json::to_value(now)?, wanted) {
        (Value::Object(now), Value::Object(wanted)) => {
            let names = now.keys().chain(wanted.keys()).filter(|name| now.get(*name) != wanted.get(*name));
            let pair = |name: &String| Value::from(vec![now.get(name).cloned(), wanted.get(name).cloned()]);
            let fields: Map<String, Value> = names.map(|name| (name.clone(), pair(name))).collect();
            Ok(Value::Object(fields))
        }
        (now, wanted) => Ok(Value::Array(vec![now, wanted])),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_the_fields_that_differ_with_both_values() -> serde_json::Result<()> {
        let now = json!({ "price": 5, "name": "A", "stock": 7 });
        let wanted = json!({ "price": 6, "name": "A", "text": "new" });
        let change = differing(Some(&now), &wanted)?;
        assert_eq!(change, json!({ "price": [5, 6], "stock": [7, null], "text": [null, "new"] }));
        assert_eq!(differing(None, &wanted)?, wanted);
        Ok(())
    }
}
