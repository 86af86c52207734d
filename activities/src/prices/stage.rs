//! A list is checked, compared with the shop, and becomes rows to write. Nothing is changed but the object store, so an
//! attempt that is repeated begins anew and comes to the same.
//!
//! A list of any length takes the memory of a short one: rows are divided by ranges of SKUs into buckets of some ten
//! thousand, which lie in the object store, and each bucket is worked off by itself. All rows of a product are in one
//! bucket, so the same SKU is found twice at any distance.

use std::collections::{BTreeMap, BTreeSet};

use contracts::bulk::Receipt;
use contracts::objects::ListPart;
use contracts::prices::{GivenRow, PriceList, StagePrices, StagedPrices, folder};
use serde_json::value::RawValue;
use store::{Lines, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::buckets::{Bucket, Buckets, Limits};
use super::client::{AT_ONCE, Shop};
use super::gathered::Gathered;
use super::guess::guess;
use super::images::prices;
use super::resolve::{Resolved, resolve};
use super::row::{Draft, Reader};
use super::traces;
use crate::bulk::{Trouble, Walk, breathe};

/// Stages a list.
///
/// # Errors
/// When something cannot be read or put into the object store, or the run was stopped.
pub(super) async fn stage(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    input: &StagePrices,
) -> Result<StagedPrices, ActivityError> {
    let reader = Reader::new(&input.checks, input.now).map_err(|why| Trouble::Final(why).into_failure())?;
    let mut walk: Walk<'_, u64> = Walk::resume(ctx);
    let mut staging = Staging { ctx, shop, store, input, reader, gathered: Gathered::new(input) };
    walk.alive(staging.is_name_new()).await.map_err(Trouble::into_failure)?;
    let parts = walk.alive(staging.parts()).await.map_err(Trouble::into_failure)?;
    let rows: u64 = parts.iter().map(Part::rows).sum();
    let mut limits = Limits::of(rows);
    for part in &parts {
        walk.alive(staging.look_at(part, &mut limits)).await.map_err(Trouble::into_failure)?;
    }
    let mut buckets = limits.into_buckets();
    let mut done = 0;
    for part in parts {
        walk.alive(staging.divide(part, &mut buckets)).await.map_err(Trouble::into_failure)?;
        done += 1;
        walk.advance(done).await?;
    }
    for bucket in buckets.into_all() {
        walk.alive(staging.work_off(bucket)).await.map_err(Trouble::into_failure)?;
        done += 1;
        walk.advance(done).await?;
    }
    walk.alive(staging.finish()).await.map_err(Trouble::into_failure)
}

/// A part of the list.
enum Part {
    Inline(Vec<GivenRow>),
    Listed(ListPart),
}

impl Part {
    fn rows(&self) -> u64 {
        match self {
            Self::Inline(rows) => rows.len() as u64,
            Self::Listed(part) => part.rows,
        }
    }
}

struct Staging<'s> {
    ctx: &'s ActivityContext,
    shop: &'s Shop,
    store: &'s Store,
    input: &'s StagePrices,
    reader: Reader<'s>,
    gathered: Gathered,
}

impl Staging<'_> {
    /// Before-images are kept for longer than Temporal keeps runs: a second run under a name would add to those of the
    /// first one, and a revert could not tell them apart.
    async fn is_name_new(&self) -> Result<(), Trouble> {
        if self.input.dry_run {
            return Ok(());
        }
        let (batch, own) = (&self.input.batch_id, folder(&self.input.batch_id));
        if self.store.list(&format!("{own}/images")).await?.is_empty() {
            return traces::forget_revert(self.store, &own).await;
        }
        let why = format!(
            "a run named {batch} has begun to write before: take it back ('prices revert'), and give \
             this one another --batch-id"
        );
        Err(Trouble::Final(why))
    }

    async fn parts(&mut self) -> Result<Vec<Part>, Trouble> {
        match &self.input.list {
            PriceList::Inline(json) => {
                self.gathered.asked(json.as_bytes());
                let wrong = |_| Trouble::Final("the list was not checked before the run".to_owned());
                let rows: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(json).map_err(wrong)?;
                let rows = (1..)
                    .zip(rows)
                    .map(|(line, row)| GivenRow { line, row, flaws: BTreeMap::new(), cells: BTreeMap::new() })
                    .collect();
                Ok(vec![Part::Inline(rows)])
            }
            PriceList::Listed(list) => {
                let parts: Vec<ListPart> = Lines::get(self.store, list).await?.records()?;
                // Their rows and not their keys: the same file under another name is the same list.
                parts.iter().for_each(|part| self.gathered.asked(part.list.sha256.as_bytes()));
                Ok(parts.into_iter().map(Part::Listed).collect())
            }
        }
    }

    /// Looks at some of a part's SKUs, to know where to divide the list.
    async fn look_at(&self, part: &Part, limits: &mut Limits) -> Result<(), Trouble> {
        let Some(every) = limits.every() else { return Ok(()) };
        let rows: Vec<GivenRow> = match part {
            Part::Inline(_) => return Ok(()),
            Part::Listed(part) => Lines::get(self.store, &part.list).await?.every(every)?,
        };
        for (place, given) in rows.iter().enumerate() {
            breathe(place).await;
            if let Ok(draft) = self.reader.read(given) {
                limits.note(draft.sku.to_string());
            }
        }
        Ok(())
    }

    /// Checks the fields of a part's rows; those that are right go into their buckets.
    async fn divide(&mut self, part: Part, buckets: &mut Buckets) -> Result<(), Trouble> {
        let rows = match part {
            Part::Inline(rows) => rows,
            Part::Listed(part) => Lines::get(self.store, &part.list).await?.records()?,
        };
        for (place, given) in rows.into_iter().enumerate() {
            breathe(place).await;
            self.gathered.counts.read += 1;
            match self.reader.read(&given) {
                Ok(draft) => {
                    let mut line = serde_json::to_string(&given)?;
                    line.push('\n');
                    buckets.add(draft.sku.as_str(), line);
                }
                Err(defects) => self.gathered.turn_away(given, None, defects)?,
            }
        }
        self.put_told(false).await?;
        buckets.put(self.store, &self.input.folder).await
    }

    /// Compares a bucket with the shop.
    async fn work_off(&mut self, bucket: Bucket) -> Result<(), Trouble> {
        let mut given: Vec<GivenRow> = Vec::new();
        for part in &bucket.written {
            given.extend(Lines::get(self.store, part).await?.records::<GivenRow>()?);
        }
        for (place, line) in bucket.held.into_iter().enumerate() {
            breathe(place).await;
            given.push(serde_json::from_str(&line)?);
        }
        let mut by_sku: BTreeMap<String, Vec<(usize, Draft)>> = BTreeMap::new();
        for (place, given) in given.iter().enumerate() {
            breathe(place).await;
            let draft = self.reader.read(given);
            let draft = draft.map_err(|_| Trouble::Final("a checked row is wrong".to_owned()))?;
            by_sku.entry(draft.sku.to_string()).or_default().push((place, draft));
        }
        let mut resolved = Vec::with_capacity(given.len());
        let mut rest = by_sku.into_iter().peekable();
        while rest.peek().is_some() {
            let some: Vec<(String, Vec<(usize, Draft)>)> = rest.by_ref().take(AT_ONCE).collect();
            let skus: BTreeSet<&str> = some.iter().map(|(sku, _)| sku.as_str()).collect();
            let prices = prices(self.ctx, self.shop, skus).await?;
            for (number, (sku, rows)) in some.into_iter().enumerate() {
                breathe(number).await;
                let product = prices.get(&sku);
                resolved.extend(resolve(product, rows, &self.input.checks, self.input.now));
            }
        }
        let sku_of = |place: usize| given.get(place).and_then(sku);
        guess(self.ctx, self.shop, &mut resolved, sku_of).await?;
        // In the order of the file, as far as the bucket goes.
        resolved.sort_by_key(|(place, _)| *place);
        for ((place, resolved), given) in resolved.into_iter().zip(given) {
            breathe(place).await;
            self.take(given, resolved)?;
        }
        self.put_told(false).await?;
        self.gathered.put_rows(self.store, &self.input.folder).await
    }

    /// Rows that are told and not written: the wrong ones, and those that need no write.
    async fn put_told(&mut self, is_last: bool) -> Result<(), Trouble> {
        let (gathered, own) = (&mut self.gathered, folder(&self.input.batch_id));
        gathered.errors.put(self.store, &format!("{own}/errors"), is_last).await?;
        gathered.unchanged.put(self.store, &format!("{own}/unchanged"), is_last).await
    }

    fn take(&mut self, given: GivenRow, resolved: Resolved) -> Result<(), Trouble> {
        match resolved {
            Resolved::Write(change) => self.gathered.add(*change, self.input.now),
            Resolved::Same { is_other_old, outcome } => self.gathered.pass_over(&outcome, is_other_old),
            Resolved::Wrong(defects) => {
                let sku = sku(&given);
                self.gathered.turn_away(given, sku, defects)
            }
        }
    }

    async fn finish(mut self) -> Result<StagedPrices, Trouble> {
        self.put_told(true).await?;
        // Of this list alone: one before it under this name may have had other rows.
        let own = folder(&self.input.batch_id);
        let index = |name: &str| format!("{own}/{name}.json");
        let errors = serde_json::to_vec(&self.gathered.errors.lists)?;
        self.store.replace(&index("errors"), errors).await?;
        if !self.input.dry_run {
            let unchanged = serde_json::to_vec(&self.gathered.unchanged.lists)?;
            self.store.replace(&index("unchanged"), unchanged).await?;
        }
        let receipt = self.gathered.hashes();
        let receipt = Receipt::of(&receipt.0, &receipt.1);
        let receipt = receipt.map_err(|error| Trouble::Final(error.to_string()))?;
        self.gathered.into_staged(self.store, &self.input.folder, receipt.to_string()).await
    }
}

/// The SKU of a row, also where a workbook has made a number of it.
fn sku(given: &GivenRow) -> Option<String> {
    let written = given.row.get("sku")?.get();
    let is_number = written.starts_with(|first: char| first.is_ascii_digit());
    if is_number { Some(written.to_owned()) } else { serde_json::from_str(written).ok() }
}
