//! Staged rows are written to the shop, several at a time; how far it is, heartbeats tell.

use std::collections::BTreeMap;

use contracts::erp::{Applied, ApplyBatch, QuarantinedRow, Record, RowOutcome, Rows, StagedRow, Write};
use contracts::objects::ObjectRef;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::Trouble;
use super::deletions::ledger::{Ledger, short_hash};
use super::shop::Shop;
use super::stage::{count, unwritable};
use crate::http::CallError;
use crate::walk::{Walk, patiently};

/// Rows between two notes of how far it is.
const SEGMENT: usize = 250;
/// Writes under way at once.
const SIDE_BY_SIDE: usize = 8;

/// How far a batch is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Progress {
    rows: usize,
    created: u64,
    updated: u64,
    failed: u64,
    inline: Vec<RowOutcome>,
    lists: Vec<ObjectRef>,
    quarantined: Vec<ObjectRef>,
    causes: BTreeMap<String, u64>,
}

/// What became of a row that the shop answered.
type Answer = Result<Option<String>, String>;

pub(super) async fn apply(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &ApplyBatch,
) -> Result<Applied, ActivityError> {
    let mut walk: Walk<'_, Progress> = Walk::resume(ctx);
    let read = async { Lines::get(store, &input.batch).await?.records::<StagedRow>() };
    let rows = walk.alive(read).await.map_err(|error| Trouble::Store(error).into_failure())?;
    let is_few = rows.len() <= Rows::INLINE_MAX;
    while walk.progress().rows < rows.len() {
        let from = walk.progress().rows;
        let segment = &rows[from..rows.len().min(from + SEGMENT)];
        let progress = walk.progress().clone();
        let done = write(ctx, shop, store, input, segment, progress, is_few);
        match walk.alive(done).await.map_err(Trouble::into_failure)? {
            // Not checked for a stop here: a batch that is written to its end counts, whatever comes after it.
            Some(progress) => walk.note(progress).await,
            None => return Err(ActivityError::cancelled()),
        }
    }
    let Progress { created, updated, failed, inline, lists, quarantined, causes, .. } =
        walk.progress().clone();
    let joined = walk.alive(store::join(store, &input.folder, lists)).await;
    let lists = joined.map_err(|error| Trouble::Store(error).into_failure())?;
    Ok(Applied { created, updated, deactivated: 0, failed, rows: inline, lists, quarantined, causes })
}

/// Writes some rows; `None` when the run was stopped before the last of them was sent.
async fn write(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &ApplyBatch,
    segment: &[StagedRow],
    mut progress: Progress,
    is_few: bool,
) -> Result<Option<Progress>, Trouble> {
    let writes: Vec<BoxFuture<'_, _>> =
        segment.iter().map(|row| write_row(ctx, shop, input, row).boxed()).collect();
    let answers: Vec<Result<Option<Answer>, CallError>> =
        futures::stream::iter(writes).buffered(SIDE_BY_SIDE).collect().await;
    let (mut list, mut quarantine) = (LinesWriter::default(), LinesWriter::default());
    let (ledger, mut noted) =
        (Ledger::of(store, &input.integration_id, input.entity), LinesWriter::default());
    let mut cut_short = None;
    for (row, answer) in segment.iter().zip(answers) {
        let answer = match answer {
            Ok(Some(answer)) => answer,
            // What is written behind it must be noted all the same.
            Ok(None) => {
                cut_short.get_or_insert(Ok(None));
                continue;
            }
            Err(error) => {
                cut_short.get_or_insert(Err(error.into()));
                continue;
            }
        };
        let outcome = outcome(row, &answer);
        match (&answer, &row.write) {
            (Ok(_), Write::Create) => progress.created += 1,
            (Ok(_), Write::Update { .. }) => progress.updated += 1,
            (Err(code), _) => {
                progress.failed += 1;
                let cause = format!("refused by the shop: {code}");
                count(&mut progress.causes, &cause);
                let record = to_raw_value(&row.record).map_err(unwritable)?;
                let key = Some(row.record.key());
                let changed_at = row.changed_at;
                let line = QuarantinedRow { entity: input.entity, cause, changed_at, key, record };
                quarantine.push(&line).map_err(unwritable)?;
            }
        }
        if input.note_keys && answer.is_ok() {
            noted.push(&row.record.key()).map_err(unwritable)?;
            if is_put_on_sale(row) {
                ledger.dig_up(&row.record.key()).await?;
            }
        }
        list.push(&outcome).map_err(unwritable)?;
        if is_few {
            progress.inline.push(outcome);
        }
    }
    ledger.note(noted).await?;
    if let Some(ended) = cut_short {
        return ended;
    }
    progress.lists.extend(list.put(store, &input.folder).await?);
    progress.quarantined.extend(quarantine.put(store, &input.quarantine).await?);
    progress.rows += segment.len();
    Ok(Some(progress))
}

/// Writes a row; a refusal is an outcome of that row, everything else keeps the whole batch waiting. `None`: it was not
/// sent, because the run was stopped, or has given this attempt up: another run may write by now.
async fn write_row(
    ctx: &ActivityContext,
    shop: &Shop,
    input: &ApplyBatch,
    row: &StagedRow,
) -> Result<Option<Answer>, CallError> {
    if ctx.is_cancelled() {
        return Ok(None);
    }
    let key = input.key.part(&short_hash(&row.record.key()));
    match patiently(ctx, || shop.write(&key, row)).await {
        Ok(id) => Ok(Some(Ok(id))),
        Err(CallError::Refused { refusal, .. }) => Ok(Some(Err(refusal.code))),
        Err(error) => Err(error),
    }
}

/// Whether this write puts a product on sale that was not.
fn is_put_on_sale(row: &StagedRow) -> bool {
    let is_active = matches!(&row.record, Record::Product(product) if product.active == Some(true));
    is_active && matches!(&row.write, Write::Update { changed, .. } if changed.iter().any(|f| f == "active"))
}

fn outcome(row: &StagedRow, answer: &Answer) -> RowOutcome {
    let action = match (answer, &row.write) {
        (Err(_), _) => "failed",
        (Ok(_), Write::Create) => "created",
        (Ok(_), Write::Update { .. }) => "updated",
    };
    let (mut sku, mut external_id, mut location, mut quantity) = (None, None, None, None);
    match &row.record {
        Record::Product(product) => sku = Some(product.sku.to_string()),
        Record::Stock(stock) => {
            sku = Some(stock.sku.to_string());
            location = Some(stock.location.clone());
            quantity = Some(stock.quantity);
        }
        Record::Customer(customer) => external_id = Some(customer.external_id.clone()),
        Record::Order(order) => external_id = Some(order.external_id.clone()),
    }
    RowOutcome {
        sku,
        external_id,
        location,
        quantity,
        action: action.to_owned(),
        success: answer.is_ok(),
        product_id: answer.as_ref().ok().cloned().flatten(),
        error: answer.as_ref().err().cloned(),
    }
}
