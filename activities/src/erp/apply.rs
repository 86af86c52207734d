//! Staged rows are written to the shop.

use contracts::erp::{Applied, ApplyBatch, QuarantinedRow, Record, RowOutcome, StagedRow, Write};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::value::{RawValue, to_raw_value};
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::deletions::ledger::{Ledger, short_hash};
use super::shop::Shop;
use super::{applied, refusal, shown};
use crate::bulk::{self, Answer, Batch, Target, Told, Trouble, patiently};
use crate::http::CallError;

pub(super) async fn apply(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &ApplyBatch,
) -> Result<Applied, ActivityError> {
    let ledger = Ledger::of(store, &input.integration_id, input.entity);
    let batch = Batch {
        rows: &input.batch,
        folder: &input.folder,
        quarantine: &input.quarantine,
        images: None,
        rate: None,
    };
    bulk::apply(ctx, store, &Rows { ctx, shop, ledger, input }, &batch).await?.report(applied)
}

/// Rows on their way into the shop.
struct Rows<'r> {
    ctx: &'r ActivityContext,
    shop: &'r Shop,
    ledger: Ledger<'r>,
    input: &'r ApplyBatch,
}

impl Target for Rows<'_> {
    type Row = StagedRow;
    /// Nobody asks how a row was before: the ERP is right, and nothing is taken back.
    type Image = ();
    /// The shop's id of a product.
    type Done = String;
    type Outcome = RowOutcome;

    fn look<'a>(&'a self, rows: &'a [StagedRow]) -> BoxFuture<'a, Result<Vec<()>, Trouble>> {
        std::future::ready(Ok(vec![(); rows.len()])).boxed()
    }

    fn write<'a>(&'a self, row: &'a StagedRow, (): &'a ()) -> BoxFuture<'a, Result<Answer<String>, Trouble>> {
        async move {
            let key = self.input.key.part(&short_hash(&row.record.key()));
            match patiently(self.ctx, || self.shop.write(&key, row)).await {
                Ok(id) => Ok(Answer::Done(id)),
                Err(CallError::Refused { refusal, .. }) => Ok(Answer::Refused(refusal.code)),
                Err(error) => Err(Trouble::of_row(error)),
            }
        }
        .boxed()
    }

    fn remember<'a>(&'a self, written: Vec<&'a StagedRow>) -> BoxFuture<'a, Result<(), Trouble>> {
        async move {
            if !self.input.note_keys {
                return Ok(());
            }
            let mut keys = LinesWriter::default();
            for row in written {
                keys.push(&row.record.key())?;
                if is_put_on_sale(row) {
                    self.ledger.dig_up(&row.record.key()).await?;
                }
            }
            Ok(self.ledger.note(keys).await?)
        }
        .boxed()
    }

    fn tell(&self, row: &StagedRow, answer: &Answer<String>) -> Result<Option<Told<RowOutcome>>, Trouble> {
        let cause = refusal(answer);
        let quarantined = cause.as_ref().map(|cause| self.quarantined(row, cause)).transpose()?;
        let action = match (answer, &row.write) {
            (Answer::Refused(_), _) => "failed",
            (_, Write::Create) => "created",
            (_, Write::Update { .. }) => "updated",
        };
        Ok(Some(Told { action, outcome: outcome(row, action, answer), cause, quarantined }))
    }
}

impl Rows<'_> {
    fn quarantined(&self, row: &StagedRow, cause: &str) -> serde_json::Result<Box<RawValue>> {
        to_raw_value(&QuarantinedRow {
            entity: self.input.entity,
            cause: cause.to_owned(),
            changed_at: row.changed_at,
            key: Some(row.record.key()),
            record: to_raw_value(&row.record)?,
        })
    }
}

/// Whether this write puts a product on sale that was not.
fn is_put_on_sale(row: &StagedRow) -> bool {
    let is_active = matches!(&row.record, Record::Product(product) if product.active == Some(true));
    is_active && matches!(&row.write, Write::Update { changed, .. } if changed.iter().any(|f| f == "active"))
}

fn outcome(row: &StagedRow, action: &str, answer: &Answer<String>) -> RowOutcome {
    let (mut sku, mut external_id, mut location, mut quantity) = (None, None, None, None);
    match &row.record {
        Record::Product(product) => sku = Some(product.sku.to_string()),
        Record::Stock(stock) => {
            sku = Some(stock.sku.to_string());
            location = Some(stock.location.clone());
            quantity = Some(stock.quantity);
        }
        Record::Customer(_) | Record::Order(_) => external_id = Some(shown(&row.record)),
    }
    let (product_id, error) = match answer {
        Answer::Done(id) => (id.clone(), None),
        Answer::Same => (None, None),
        Answer::Refused(code) => (None, Some(code.clone())),
    };
    RowOutcome {
        sku,
        external_id,
        location,
        quantity,
        action: action.to_owned(),
        success: error.is_none(),
        product_id,
        error,
    }
}
