//! The shop's prices as a list. It is read page by page and changes nothing.

use contracts::objects::ListPart;
use contracts::prices::{ExportPrices, ExportedPrices};
use serde::{Deserialize, Serialize};
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::client::{Priced, Shop};
use crate::bulk::{Format, Trouble, Walk, patiently};
use crate::http::CallError;
use crate::http::wire::{Amount, amount};

/// How far it is: a part for each page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    format: Format<2>,
    after: Option<String>,
    parts: Vec<ListPart>,
    /// Products that cannot be read.
    left_out: u64,
    is_done: bool,
}

/// A line of the list.
#[derive(Serialize)]
struct Line<'p> {
    sku: &'p str,
    variant: &'p str,
    price: Amount,
    currency: &'static str,
}

pub(super) async fn export(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &ExportPrices,
) -> Result<ExportedPrices, ActivityError> {
    let mut walk: Walk<'_, Progress> = Walk::resume(ctx);
    while !walk.progress().is_done {
        let mut progress = walk.progress().clone();
        let page = async {
            let (category, after) = (input.category.as_deref(), progress.after.as_deref());
            let (prices, next) = loop {
                let products = shop.at_once();
                match patiently(ctx, || shop.page(category, after)).await {
                    Err(CallError::TooLarge { .. }) if products > 1 => shop.ask_for_less_than(products),
                    page => break page?,
                }
            };
            let part = part(store, &input.folder, &prices).await?;
            let left_out = prices.iter().filter(|product| product.unreadable.is_some()).count() as u64;
            Ok::<_, Trouble>((part, left_out, next))
        };
        let (part, left_out, next) = walk.alive(page).await.map_err(Trouble::into_failure)?;
        progress.parts.extend(part);
        progress.left_out += left_out;
        progress.is_done = next.is_none();
        progress.after = next;
        walk.advance(progress).await?;
    }
    let parts = &walk.progress().parts;
    let list = walk.alive(put(store, &input.folder, parts)).await.map_err(Trouble::into_failure)?;
    let (rows, left_out) = (parts.iter().map(|part| part.rows).sum(), walk.progress().left_out);
    Ok(ExportedPrices { rows, list, left_out })
}

async fn part(store: &Store, folder: &str, prices: &[Priced]) -> Result<Option<ListPart>, Trouble> {
    let mut lines = LinesWriter::default();
    for product in prices {
        for variant in &product.variants {
            let (price, currency) = (amount(variant.price), variant.price.currency().code());
            lines.push(&Line { sku: &product.sku, variant: variant.id.as_str(), price, currency })?;
        }
    }
    let rows = lines.count();
    Ok(lines.put(store, folder).await?.map(|list| ListPart { list, rows }))
}

async fn put(
    store: &Store,
    folder: &str,
    parts: &[ListPart],
) -> Result<Option<contracts::objects::ObjectRef>, Trouble> {
    let mut lines = LinesWriter::default();
    for part in parts {
        lines.push(part)?;
    }
    Ok(lines.put(store, folder).await?)
}
