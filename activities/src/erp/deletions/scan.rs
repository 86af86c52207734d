//! The keys of everything that the ERP has, page by page, into lists. Nothing else is read of it, and nothing is
//! changed.

use std::time::Duration;

use contracts::erp::{ScanKeys, ScannedKeys};
use contracts::money::Currency;
use contracts::objects::ObjectRef;
use mapping::Rules;
use serde::{Deserialize, Serialize};
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::Instant;

use super::ledger::Ledger;
use crate::bulk::{Format, Trouble, Walk, persistently};
use crate::erp::connector::{Erp, KeysAsk};
use crate::erp::give_up;
use crate::http::CallError;

/// Keys in one list, about.
const LIST: u64 = 10_000;
/// A list is put away after this long where nobody waits for heartbeats.
const LONGEST: Duration = Duration::from_secs(20);

/// How far a scan is. The next attempt reads again what was read since the last list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    format: Format<1>,
    cursor: Option<String>,
    lists: Vec<ObjectRef>,
    count: u64,
    without_key: u64,
    is_done: bool,
}

pub(in crate::erp) async fn scan(
    ctx: &ActivityContext,
    erp: &dyn Erp,
    store: &Store,
    input: &ScanKeys,
) -> Result<ScannedKeys, ActivityError> {
    let rules = Rules::parse(input.rules.as_deref().unwrap_or("{}"));
    let rules = rules.map_err(|_| give_up("the mapping rules were not checked before the run".to_owned()))?;
    let Some(field) = rules.sku_field() else {
        return Err(give_up("product_sku was not checked before the run".to_owned()));
    };
    let mut walk: Walk<'_, Progress> = Walk::resume(ctx);
    while !walk.progress().is_done {
        let next = read_list(ctx, &walk, erp, store, input, &rules, &field);
        let progress = next.await.map_err(Trouble::into_failure)?;
        walk.advance(progress).await?;
    }
    let Progress { lists, count, without_key, .. } = walk.progress().clone();
    let finish = async {
        let mut present = LinesWriter::default();
        for list in &lists {
            present.push(list)?;
        }
        let present = present.put(store, &input.folder).await?;
        let known =
            Ledger::of(store, &input.source.integration_id, input.entity).lists(&input.folder).await?;
        Ok(ScannedKeys { present, known, count, without_key })
    };
    walk.alive(finish).await.map_err(Trouble::into_failure)
}

/// Reads pages until a list is full.
async fn read_list(
    ctx: &ActivityContext,
    walk: &Walk<'_, Progress>,
    erp: &dyn Erp,
    store: &Store,
    input: &ScanKeys,
    rules: &Rules,
    field: &str,
) -> Result<Progress, Trouble> {
    // A currency is not a part of a key.
    let mapping = rules.of(input.entity, Currency::VND);
    let mut progress = walk.progress().clone();
    let mut list = LinesWriter::default();
    // However short it is: the attempt after a lost worker reads from there on.
    let limit = ctx.info().heartbeat_timeout.filter(|limit| !limit.is_zero());
    let (begun, longest) = (Instant::now(), limit.map_or(LONGEST, |limit| 2 * limit));
    while list.count() < LIST && begun.elapsed() < longest && !progress.is_done {
        let cursor = progress.cursor.take();
        let ask = KeysAsk { entity: input.entity, field, cursor: cursor.as_deref(), limit: input.page_size };
        let mut page = walk.alive(persistently(ctx, || erp.keys(&ask))).await?;
        for key in &page.keys {
            progress.count += 1;
            match key.as_deref().map(|key| mapping.sku_of_key(key)) {
                Some(Ok(sku)) => list.push(&sku)?,
                Some(Err(_)) | None => progress.without_key += 1,
            }
        }
        page.next = page.next.filter(|next| !next.is_empty());
        if page.next.is_some() && page.next == cursor {
            let why = "its list of keys does not go on: a page ends where the page before did".to_owned();
            return Err(CallError::Unusable { system: "erp", why }.into());
        }
        progress.is_done = page.next.is_none();
        progress.cursor = page.next;
    }
    progress.lists.extend(walk.alive(list.put(store, &input.folder)).await?);
    Ok(progress)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn reads(told: Value) -> bool {
        serde_json::from_value::<Progress>(told).is_ok()
    }

    /// A cursor without the lists of the keys before it would make products of all those keys gone.
    #[test]
    fn a_heartbeat_of_another_version_is_no_beginning() -> serde_json::Result<()> {
        let told = serde_json::to_value(Progress { count: 7, ..Progress::default() })?;
        assert!(reads(told.clone()), "{told}");
        for (field, other) in
            [("lists", "parts"), ("cursor", "next"), ("count", "keys"), ("format", "version")]
        {
            let mut other_words = told.clone();
            let fields = other_words.as_object_mut().expect("an object");
            let value = fields.remove(field).expect("a field");
            fields.insert(other.to_owned(), value);
            assert!(!reads(other_words.clone()), "{other_words}");
        }
        let mut later = told;
        later["format"] = json!(2);
        assert!(!reads(later));
        assert!(!reads(json!({ "cursor": "page 7" })));
        Ok(())
    }
}
