//! The keys of everything that the ERP has, page by page, into lists. Nothing else is read of it, and nothing is
//! changed.

use contracts::erp::{ScanKeys, ScannedKeys};
use contracts::money::Currency;
use contracts::objects::ObjectRef;
use mapping::Rules;
use serde::{Deserialize, Serialize};
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::ledger::Ledger;
use crate::bulk::{Trouble, Walk, patiently};
use crate::erp::connector::{Erp, KeysAsk};
use crate::erp::give_up;
use crate::http::CallError;

/// Keys in one list, about.
const LIST: u64 = 10_000;

/// How far a scan is. What was read since the last list is read again by the next attempt.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
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
    // A currency is no part of a key.
    let mapping = rules.of(input.entity, Currency::VND);
    let mut progress = walk.progress().clone();
    let mut list = LinesWriter::default();
    while list.count() < LIST && !progress.is_done {
        let cursor = progress.cursor.take();
        let ask = KeysAsk { entity: input.entity, field, cursor: cursor.as_deref(), limit: input.page_size };
        let page = walk.alive(patiently(ctx, || erp.keys(&ask))).await?;
        for key in &page.keys {
            progress.count += 1;
            match key.as_deref().map(|key| mapping.sku_of_key(key)) {
                Some(Ok(sku)) => list.push(&sku)?,
                Some(Err(_)) | None => progress.without_key += 1,
            }
        }
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
