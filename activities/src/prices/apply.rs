//! Staged rows are written to the shop, a stretch of batches at a time.

use std::time::Duration;

use contracts::objects::ListPart;
use contracts::prices::{
    AppliedPrices, ApplyPrices, PriceAction, PriceBatch, PriceImage, PriceOutcome, PriceRow, folder,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::answers::Set;
use super::client::{Shop, Wanted};
use super::fence::Fence;
use super::forced::{self, Forced};
use super::{Abilities, images};
use crate::bulk::{self, Answer, BatchCount, Each, Stretch, Stretched, Target, Together, Told, Trouble};
use crate::http::{CallError, Wrong};

/// The code of a row whose price was not the expected one.
const CONFLICT: &str = "PRICE_CONFLICT";
/// Batches that a result tells itself.
const BATCHES_INLINE: usize = 100;
/// A row that comes later than this after its time is told as late.
const LATE: i64 = 60;

pub(super) async fn apply(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    abilities: Abilities,
    input: &ApplyPrices,
) -> Result<AppliedPrices, ActivityError> {
    let parts = async { Ok::<_, Trouble>(Lines::get(store, &input.list).await?.records::<ListPart>()?) };
    let parts = parts.await.map_err(Trouble::into_failure)?;
    let own = folder(&input.batch_id);
    let of_moment = |name: &str| format!("{own}/{name}/{:04}", input.moment);
    let (outcomes, images, begun) = (of_moment("outcomes"), of_moment("images"), of_moment("begun"));
    let open: Vec<BatchCount> = input.open.iter().map(|batch| counted(input, batch)).collect();
    let stretch = Stretch {
        parts: &parts,
        from: input.from,
        ahead: &input.ahead,
        open: &open,
        batch_size: usize::try_from(input.batch_size.max(1)).unwrap_or(1),
        parallel: usize::try_from(input.parallel.max(1)).unwrap_or(1),
        delay: Duration::from_millis(input.delay_ms),
        rate: input.rate,
        due: input.pace_due,
        at_most: Duration::from_millis(input.at_most_ms),
        outcomes: &outcomes,
        images: &images,
        begun: &begun,
        is_inline: input.is_inline,
    };
    let (fence, overwritten) = (Fence::of(store, own.clone(), abilities), forced::folder(&own));
    let forced = Forced { ctx, shop, store, fence: &fence, folder: &overwritten };
    let writes = Writes { ctx, shop, abilities, input, fence: &fence, forced };
    let written = bulk::stretch(ctx, store, &writes, &stretch).await?;
    let whole: u64 = parts.iter().map(|part| part.rows).sum();
    let applied = told(store, input, written, whole, abilities.compares);
    applied.await.map_err(Trouble::into_failure)
}

async fn told(
    store: &Store,
    input: &ApplyPrices,
    stretched: Stretched<PriceOutcome>,
    whole: u64,
    compares: bool,
) -> Result<AppliedPrices, Trouble> {
    let rows = stretched.rows();
    let size = u64::from(input.batch_size.max(1));
    // A batch that was left in its middle counts when it ends, with all of its rows.
    let is_ended = |batch: &&BatchCount| {
        let begins = batch.number * size;
        begins + size <= rows || rows == whole || batch.rows >= size.min(whole.saturating_sub(begins))
    };
    let (ended, open): (Vec<&BatchCount>, Vec<&BatchCount>) = stretched.batches.iter().partition(is_ended);
    let failed = ended.iter().filter(|batch| batch.refused == batch.rows).count() as u64;
    let successful = ended.len() as u64 - failed;
    let batches: Vec<PriceBatch> = ended.into_iter().map(|batch| of_batch(input, batch)).collect();
    let open = open.into_iter().map(|batch| of_batch(input, batch)).collect();
    let (batches, batch_lists) = match input.is_inline && batches.len() <= BATCHES_INLINE {
        true => (batches, Vec::new()),
        false => {
            let mut lines = LinesWriter::default();
            for batch in &batches {
                lines.push(batch)?;
            }
            let list = lines.put(store, &format!("{}/batches", folder(&input.batch_id))).await?;
            (Vec::new(), list.into_iter().collect())
        }
    };
    Ok(AppliedPrices {
        rows,
        is_whole: rows == whole,
        pace_due: stretched.due(),
        ahead: stretched.ahead.into_ranges(),
        written: stretched.written,
        batches,
        batch_lists,
        open,
        successful_batches: successful,
        failed_batches: failed,
        compares,
    })
}

fn of_batch(input: &ApplyPrices, batch: &BatchCount) -> PriceBatch {
    PriceBatch {
        batch_number: input.batches_before + batch.number + 1,
        success: batch.refused < batch.rows,
        processed_count: batch.rows,
        failed_count: batch.refused,
    }
}

/// A batch that a stretch before has told, as this one goes on with it.
fn counted(input: &ApplyPrices, batch: &PriceBatch) -> BatchCount {
    BatchCount {
        number: batch.batch_number.saturating_sub(input.batches_before + 1),
        rows: batch.processed_count,
        refused: batch.failed_count,
        before: batch.processed_count,
    }
}

/// Rows on their way into the shop.
struct Writes<'w> {
    ctx: &'w ActivityContext,
    shop: &'w Shop,
    abilities: Abilities,
    input: &'w ApplyPrices,
    fence: &'w Fence<'w>,
    forced: Forced<'w>,
}

impl Target for Writes<'_> {
    type Row = PriceRow;
    type Image = PriceImage;
    /// The shop's id of the product.
    type Done = String;
    type Outcome = PriceOutcome;

    fn look<'a>(&'a self, rows: &'a [PriceRow]) -> BoxFuture<'a, Result<Vec<PriceImage>, Trouble>> {
        images::look(self.ctx, self.shop, rows, self.input.force).boxed()
    }

    fn is_done(&self, row: &PriceRow, image: &PriceImage) -> bool {
        images::costs(image, row.variant.as_ref(), row.price.minor_units())
    }

    /// A price that nobody has seen could not be put back.
    fn refuses(&self, _row: &PriceRow, image: &PriceImage) -> Option<String> {
        let missing = if image.before.is_empty() { "PRODUCT_NOT_FOUND" } else { "VARIANT_NOT_FOUND" };
        let is_missing = images::meant(image).next().is_none();
        image.unreadable.clone().or_else(|| is_missing.then(|| missing.to_owned()))
    }

    fn write<'a>(
        &'a self,
        row: &'a PriceRow,
        before: &'a PriceImage,
    ) -> BoxFuture<'a, Result<Answer<String>, Trouble>> {
        async move {
            let wanted = self.wanted(row, before);
            let key = self.input.key.part(&row.line.to_string());
            if self.abilities.compares {
                let set = self.fence.asked(self.ctx, || self.shop.set(&key, &wanted)).await?;
                return self.settled(row, before, set).await;
            }
            // Read, then written: a price that somebody sets between these two requests is overwritten. The image may
            // be older than that by a pause.
            let now = images::look(self.ctx, self.shop, std::slice::from_ref(row), self.input.force).await?;
            let now = now.first().unwrap_or(before);
            if self.is_done(row, now) {
                return Ok(Answer::Done(None));
            }
            if !self.input.force && !images::costs(now, row.variant.as_ref(), row.expected.minor_units()) {
                return Ok(Answer::Refused(CONFLICT.to_owned()));
            }
            if self.input.force && now.before != before.before {
                self.forced.keep(now).await?;
            }
            // A variant that is the only one is the product.
            let is_only =
                matches!(now.before.as_slice(), [only] if Some(&only.variant) == row.variant.as_ref());
            let wanted = if is_only { Wanted { variant: None, ..wanted } } else { wanted };
            let set = self.fence.asked(self.ctx, || self.shop.set_product(&key, &wanted)).await?;
            Ok(answer(row, set))
        }
        .boxed()
    }

    fn write_together<'a>(&'a self, rows: &'a [(&'a PriceRow, &'a PriceImage)]) -> Together<'a, String> {
        (self.abilities.batches && self.abilities.compares).then(|| self.write_many(rows).boxed())
    }

    fn tell(&self, row: &PriceRow, answer: &Answer<String>) -> Result<Option<Told<PriceOutcome>>, Trouble> {
        let (action, product_id, error) = match answer {
            Answer::Done(id) => (PriceAction::Applied, id.clone(), None),
            Answer::Same => (PriceAction::Unchanged, None, None),
            Answer::Refused(code) if code == CONFLICT => (PriceAction::Conflict, None, Some(code.clone())),
            Answer::Refused(code) => (PriceAction::Failed, None, Some(code.clone())),
        };
        let late = self.input.due.map(|due| self.input.now.duration_since(due).as_secs());
        let outcome = PriceOutcome {
            line: row.line,
            sku: row.sku.clone(),
            variant: row.variant.clone(),
            success: action.is_success(),
            action,
            old_price: row.expected,
            new_price: row.price,
            product_id,
            error: error.clone(),
            late_seconds: late.filter(|late| *late > LATE).and_then(|late| u64::try_from(late).ok()),
        };
        let cause = error.map(|code| format!("refused by the shop: {code}"));
        Ok(Some(Told { action: action.name(), outcome, cause, quarantined: None }))
    }
}

impl Writes<'_> {
    /// A row as it is sent: where it is forced, it is to have the price that was seen.
    fn wanted<'r>(&self, row: &'r PriceRow, before: &PriceImage) -> Wanted<'r> {
        let wanted = Wanted::of(row, self.input.force);
        let seen = || forced::seen(row, before);
        Wanted { expected: wanted.expected.or_else(|| self.abilities.compares.then(seen)), ..wanted }
    }

    /// The end of a row by the shop's first answer. One that is forced is written over whatever the price is.
    async fn settled(&self, row: &PriceRow, before: &PriceImage, set: Set) -> Each<String> {
        match set {
            Set::Conflict { price: Some(found) } if self.input.force && found != row.price => {
                let key = self.input.key.part(&row.line.to_string());
                let set = self.forced.over(&key, row, before, found).await?;
                Ok(forced::answer(set, row.price, CONFLICT))
            }
            set => Ok(answer(row, set)),
        }
    }

    async fn write_many(&self, rows: &[(&PriceRow, &PriceImage)]) -> Result<Vec<Each<String>>, Trouble> {
        let mut answers = Vec::with_capacity(rows.len());
        for some in rows.chunks(self.shop.at_once()) {
            let wanted: Vec<Wanted<'_>> = some.iter().map(|(row, before)| self.wanted(row, before)).collect();
            // After a crash fewer rows may be open: another request needs another key.
            let lines: Vec<String> = some.iter().map(|(row, _)| row.line.to_string()).collect();
            let hash = Sha256::digest(lines.join(","));
            let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let key = self.input.key.part(&format!("{}-{hash}", lines[0]));
            let sets = self.fence.asked(self.ctx, || self.shop.set_many(&key, &wanted)).await;
            for ((row, before), set) in some.iter().zip(sets.map_err(of_a_batch)?) {
                answers.push(match set {
                    Ok(set) => self.settled(row, before, set).await,
                    Err(error) => Err(Trouble::of_row(error)),
                });
            }
        }
        Ok(answers)
    }
}

/// Trouble with a batch: perhaps about one of its rows, unless the shop has no such path.
fn of_a_batch(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::OneRow { error: error @ CallError::Setting { wrong: Wrong::Path(_), .. }, .. } => {
            Trouble::Call(error)
        }
        other => other,
    }
}

/// The end of a row whose before-image shows another price. It has the wanted one already: a request before this one
/// has set it, whose answer is lost.
fn answer(row: &PriceRow, set: Set) -> Answer<String> {
    match set {
        Set::Done { product_id, .. } => Answer::Done(product_id),
        Set::Conflict { price } if price == Some(row.price) => Answer::Done(None),
        Set::Conflict { .. } => Answer::Refused(CONFLICT.to_owned()),
        Set::Refused { code } => Answer::Refused(code),
    }
}
