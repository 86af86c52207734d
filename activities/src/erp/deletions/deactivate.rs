//! Products that are gone at the source are taken out of sale.
//!
//! A product that the shop refuses is not put into the quarantine, which is for reading records again: it stays known,
//! so that the next scan misses it once more.

use contracts::erp::{Applied, Deactivate, GoneProduct, RowOutcome};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use store::Store;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::ledger::{Ledger, short_hash};
use crate::bulk::{self, Answer, Batch, Target, Told, Trouble, patiently};
use crate::erp::compare::Existing;
use crate::erp::shop::Shop;
use crate::erp::{applied, refusal};
use crate::http::CallError;

pub(in crate::erp) async fn deactivate(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &Deactivate,
) -> Result<Applied, ActivityError> {
    let ledger = Ledger::of(store, &input.integration_id, input.entity);
    // No quarantine is ever written, and the ledger's marks are the before-images.
    let batch = Batch {
        rows: &input.batch,
        folder: &input.folder,
        quarantine: &input.folder,
        images: None,
        rate: None,
    };
    bulk::apply(ctx, store, &GoneProducts { ctx, shop, ledger, input }, &batch).await?.report(applied)
}

/// Products on their way out of sale.
struct GoneProducts<'g> {
    ctx: &'g ActivityContext,
    shop: &'g Shop,
    ledger: Ledger<'g>,
    input: &'g Deactivate,
}

impl Target for GoneProducts<'_> {
    type Row = GoneProduct;
    /// Whether it is out of sale.
    type Image = bool;
    type Done = ();
    type Outcome = RowOutcome;

    /// Since a product was missed hours may have passed: a person has been asked.
    fn look<'a>(&'a self, rows: &'a [GoneProduct]) -> BoxFuture<'a, Result<Vec<bool>, Trouble>> {
        async move {
            let skus: Vec<String> = rows.iter().map(|product| product.sku.clone()).collect();
            let now = patiently(self.ctx, || self.shop.products(&skus)).await?;
            let is_out = |sku| matches!(now.get(sku), Some(Existing::Product { active: false, .. }));
            Ok(skus.iter().map(is_out).collect())
        }
        .boxed()
    }

    /// Takes one product out of sale. That it is done for this reason is noted before it is done: a worker that dies in
    /// between would else leave a product that nobody puts back.
    fn write<'a>(
        &'a self,
        product: &'a GoneProduct,
        is_out: &'a bool,
    ) -> BoxFuture<'a, Result<Answer<()>, Trouble>> {
        async move {
            if *is_out && !self.ledger.is_buried(&product.sku).await? {
                // By somebody else, whose decision it stays.
                return Ok(Answer::Same);
            }
            self.ledger.bury(&product.sku).await?;
            let key = self.input.key.part(&short_hash(&product.sku));
            match patiently(self.ctx, || self.shop.take_out_of_sale(&key, &product.product_id)).await {
                Ok(()) => Ok(Answer::Done(None)),
                Err(CallError::Refused { refusal, .. }) => {
                    self.ledger.dig_up(&product.sku).await?;
                    Ok(if refusal.status == 404 { Answer::Same } else { Answer::Refused(refusal.code) })
                }
                Err(error) => Err(error.into()),
            }
        }
        .boxed()
    }

    fn tell(&self, product: &GoneProduct, answer: &Answer<()>) -> Result<Option<Told<RowOutcome>>, Trouble> {
        let (action, error) = match answer {
            Answer::Same => return Ok(None),
            Answer::Done(_) => ("deactivated", None),
            Answer::Refused(code) => ("failed", Some(code.clone())),
        };
        let outcome = RowOutcome {
            sku: Some(product.sku.clone()),
            external_id: None,
            location: None,
            quantity: None,
            action: action.to_owned(),
            success: error.is_none(),
            product_id: Some(product.product_id.clone()),
            error,
        };
        Ok(Some(Told { action, outcome, cause: refusal(answer), quarantined: None }))
    }
}
