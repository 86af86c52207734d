//! Which products the shop sells that came from an integration and that the ERP has no longer. No product is changed,
//! so an attempt that is repeated begins anew.
//!
//! The shop's catalogue is gone through in windows, and both sides' lists are read once for each, so memory does not
//! grow with the number of products.

use std::collections::HashMap;

use contracts::erp::{FindGone, Gone, GoneProduct};
use contracts::objects::ObjectRef;
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::ledger::{Ledger, listed};
use crate::bulk::{Trouble, Walk, patiently};
use crate::erp::compare::Existing;
use crate::erp::shop::Shop;

/// Products of the shop that are compared at once: some megabytes.
const WINDOW: usize = 50_000;
/// Products that the shop is asked about at once.
const LOOK_UP_MAX: usize = 500;

/// Where a product of the shop was seen.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// The ERP has it.
    is_present: bool,
    /// It came from this integration.
    is_known: bool,
}

pub(in crate::erp) async fn find(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &FindGone,
) -> Result<Gone, ActivityError> {
    let walk: Walk<'_, ()> = Walk::resume(ctx);
    walk.alive(compare(ctx, shop, store, input)).await.map_err(Trouble::into_failure)
}

async fn compare(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &FindGone,
) -> Result<Gone, Trouble> {
    let mut window: HashMap<String, Seen> = HashMap::new();
    let mut next = input.after.clone();
    loop {
        let (skus, more) = patiently(ctx, || shop.skus_on_sale(next.as_deref())).await?;
        window.extend(skus.into_iter().map(|sku| (sku, Seen::default())));
        next = more;
        if next.is_none() || window.len() >= WINDOW {
            break;
        }
    }
    mark(store, input.scanned.present.as_ref(), &mut window, |seen| seen.is_present = true).await?;
    mark(store, input.scanned.known.as_ref(), &mut window, |seen| seen.is_known = true).await?;
    let ledger = Ledger::of(store, &input.integration_id, input.entity);
    ledger
        .forget_marks_of(window.iter().filter(|(_, seen)| seen.is_present).map(|(sku, _)| sku.as_str()))
        .await?;
    window.retain(|_, seen| seen.is_present || seen.is_known);
    let on_sale = window.len() as u64;
    window.retain(|_, seen| !seen.is_present);
    let mut missed: Vec<String> = window.into_keys().collect();
    missed.sort_unstable();
    let mut gone = LinesWriter::default();
    for skus in missed.chunks(LOOK_UP_MAX) {
        let mut found = patiently(ctx, || shop.products(skus)).await?;
        for sku in skus {
            // A product that somebody took out of sale meanwhile is not ours to take out.
            if let Some(Existing::Product { id, active: true, .. }) = found.remove(sku) {
                gone.push(&GoneProduct { sku: sku.clone(), product_id: id })?;
            }
        }
    }
    let count = gone.count();
    Ok(Gone { batch: gone.put(store, &input.folder).await?, gone: count, on_sale, next })
}

async fn mark(
    store: &Store,
    lists: Option<&ObjectRef>,
    window: &mut HashMap<String, Seen>,
    seen: impl Fn(&mut Seen),
) -> Result<(), Trouble> {
    for list in listed(store, lists).await? {
        for sku in Lines::get(store, &list).await?.records::<String>()? {
            if let Some(found) = window.get_mut(&sku) {
                seen(found);
            }
        }
    }
    Ok(())
}
