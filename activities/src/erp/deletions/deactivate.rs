//! Products that are gone at the source are taken out of sale, several at a time; how far it is, heartbeats tell.
//!
//! What the shop refuses is not put into the quarantine, which is for reading records again: it stays known, so that the
//! next scan misses it once more.

use std::collections::BTreeMap;

use contracts::erp::{Applied, Deactivate, GoneProduct, RowOutcome, Rows};
use contracts::objects::ObjectRef;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::ledger::{Ledger, short_hash};
use crate::erp::Trouble;
use crate::erp::compare::Existing;
use crate::erp::shop::Shop;
use crate::erp::stage::{count, unwritable};
use crate::http::CallError;
use crate::walk::{Walk, patiently};

/// Products between two notes of how far it is.
const SEGMENT: usize = 250;
/// Writes under way at once.
const SIDE_BY_SIDE: usize = 8;

/// How far a batch is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    products: usize,
    deactivated: u64,
    failed: u64,
    inline: Vec<RowOutcome>,
    lists: Vec<ObjectRef>,
    causes: BTreeMap<String, u64>,
}

/// What became of a product that the shop answered about: done (`false`: there was nothing to do), or its refusal's code.
type Answer = Result<bool, String>;

pub(in crate::erp) async fn deactivate(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &Deactivate,
) -> Result<Applied, ActivityError> {
    let mut walk: Walk<'_, Progress> = Walk::resume(ctx);
    let read = async { Lines::get(store, &input.batch).await?.records::<GoneProduct>() };
    let products = walk.alive(read).await.map_err(|error| Trouble::Store(error).into_failure())?;
    let is_few = products.len() <= Rows::INLINE_MAX;
    while walk.progress().products < products.len() {
        let from = walk.progress().products;
        let segment = &products[from..products.len().min(from + SEGMENT)];
        let done = write(ctx, shop, store, input, segment, walk.progress().clone(), is_few);
        match walk.alive(done).await.map_err(Trouble::into_failure)? {
            Some(progress) => walk.note(progress).await,
            None => return Err(ActivityError::cancelled()),
        }
    }
    let Progress { deactivated, failed, inline, lists, causes, .. } = walk.progress().clone();
    let joined = walk.alive(store::join(store, &input.folder, lists)).await;
    let lists = joined.map_err(|error| Trouble::Store(error).into_failure())?;
    Ok(Applied { deactivated, failed, rows: inline, lists, causes, ..Applied::default() })
}

/// Takes some out of sale; `None` when the run was stopped before the last of them was sent.
async fn write(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &Deactivate,
    segment: &[GoneProduct],
    mut progress: Progress,
    is_few: bool,
) -> Result<Option<Progress>, Trouble> {
    let ledger = Ledger::of(store, &input.integration_id, input.entity);
    // Since it was missed hours may have passed: a person has been asked.
    let skus: Vec<String> = segment.iter().map(|product| product.sku.clone()).collect();
    let now = patiently(ctx, || shop.products(&skus)).await?;
    let is_out = |sku: &str| matches!(now.get(sku), Some(Existing::Product { active: false, .. }));
    let writes: Vec<BoxFuture<'_, _>> = segment
        .iter()
        .map(|product| take_out(ctx, shop, &ledger, input, product, is_out(&product.sku)).boxed())
        .collect();
    let answers: Vec<Result<Option<Answer>, Trouble>> =
        futures::stream::iter(writes).buffered(SIDE_BY_SIDE).collect().await;
    let mut list = LinesWriter::default();
    for (product, answer) in segment.iter().zip(answers) {
        let Some(answer) = answer? else { return Ok(None) };
        match &answer {
            Ok(true) => progress.deactivated += 1,
            Ok(false) => continue,
            Err(code) => {
                progress.failed += 1;
                count(&mut progress.causes, &format!("refused by the shop: {code}"));
            }
        }
        let outcome = outcome(product, &answer);
        list.push(&outcome).map_err(unwritable)?;
        if is_few {
            progress.inline.push(outcome);
        }
    }
    progress.lists.extend(list.put(store, &input.folder).await?);
    progress.products += segment.len();
    Ok(Some(progress))
}

/// Takes one product out of sale. That it is done for this reason is noted before it is done: else a worker that dies in
/// between would leave a product that nobody puts back. `None`: it was not sent, because the run was stopped, or has given
/// this attempt up.
async fn take_out(
    ctx: &ActivityContext,
    shop: &Shop,
    ledger: &Ledger<'_>,
    input: &Deactivate,
    product: &GoneProduct,
    is_out: bool,
) -> Result<Option<Answer>, Trouble> {
    if ctx.is_cancelled() {
        return Ok(None);
    }
    if is_out && !ledger.is_buried(&product.sku).await? {
        // By somebody else, whose decision it stays.
        return Ok(Some(Ok(false)));
    }
    ledger.bury(&product.sku).await?;
    let key = input.key.part(&short_hash(&product.sku));
    match patiently(ctx, || shop.take_out_of_sale(&key, &product.product_id)).await {
        Ok(()) => Ok(Some(Ok(true))),
        Err(CallError::Refused { refusal, .. }) => {
            ledger.dig_up(&product.sku).await?;
            Ok(Some(if refusal.status == 404 { Ok(false) } else { Err(refusal.code) }))
        }
        Err(error) => Err(error.into()),
    }
}

fn outcome(product: &GoneProduct, answer: &Answer) -> RowOutcome {
    RowOutcome {
        sku: Some(product.sku.clone()),
        external_id: None,
        location: None,
        quantity: None,
        action: if answer.is_ok() { "deactivated" } else { "failed" }.to_owned(),
        success: answer.is_ok(),
        product_id: Some(product.product_id.clone()),
        error: answer.as_ref().err().cloned(),
    }
}
