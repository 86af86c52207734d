//! A run is taken back by its before-images, the last write first: a price goes back to what it was, unless somebody
//! has changed it since.
//!
//! Where a product was changed several times, somebody may have given it the price of a step before: it looks as if the
//! last step had been put back already. Only a group with a mark was; else the price is somebody else's, and the steps
//! before leave it alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use contracts::bulk::{INLINE_MAX, Written, count_cause};
use contracts::money::Money;
use contracts::prices::{
    PriceAction, PriceImage, RevertAction, RevertOutcome, RevertPrices, RevertedPrices, VariantPrice, folder,
};
use contracts::values::{IdempotencyKey, VariantId};
use futures::FutureExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{LinesWriter, Store};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{Client, UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionStatus};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::answers::Set;
use super::client::{Priced, Shop, Wanted};
use super::fence::holds_for;
use super::traces::{self, Group};
use super::{Abilities, forced, images};
use crate::bulk::{Answer, Each, Format, OneByOne, Trouble, Walk, patiently};

/// How soon a revert that got on goes on after trouble.
const SOON: Duration = Duration::from_secs(1);
/// Why a price does not go back: the shop has no such product or variant any more.
const MISSING: &str = "PRODUCT_NOT_FOUND";
/// Or its answer about it cannot be read, so that nobody knows its price.
const UNREADABLE: &str = "unreadable";

/// How far it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    format: Format<2>,
    groups: usize,
    written: Written<RevertOutcome>,
    /// When the next price may go.
    due: Option<Timestamp>,
}

pub(super) async fn revert(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    abilities: Abilities,
    input: &RevertPrices,
) -> Result<RevertedPrices, ActivityError> {
    let run = folder(&input.batch_id);
    if !input.by_its_own_run && is_running(ctx.client(), &run).await.map_err(Trouble::into_failure)? {
        return Ok(RevertedPrices { is_running: true, ..RevertedPrices::default() });
    }
    let mut walk: Walk<'_, Progress> = Walk::resume(ctx);
    let ended = walk.alive(traces::reverted_by(store, &run)).await;
    // Its own mark: the answer of an attempt before this one is lost.
    if ended.map_err(Trouble::into_failure)?.is_some_and(|by| by != input.key.as_str()) {
        return Ok(RevertedPrices { was_reverted: true, ..RevertedPrices::default() });
    }
    if !input.dry_run {
        // Before anything is looked at: a worker that was cut off must not write behind that look.
        let begun = traces::begin_revert(store, &run, holds_for(abilities));
        walk.alive(begun).await.map_err(Trouble::into_failure)?;
    }
    let overwritten = walk.alive(forced::overwritten(store, &run)).await.map_err(Trouble::into_failure)?;
    let groups = walk.alive(traces::groups(store, &run)).await;
    let groups = groups.map_err(Trouble::into_failure)?;
    let folder_of = |group: &String| group.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let has_steps = groups.iter().map(folder_of).collect::<BTreeSet<_>>().len() > 1;
    if input.dry_run && has_steps {
        // The prices that it would have put back are known to one attempt only.
        walk.note(Progress::default()).await;
    }
    let one_by_one = OneByOne::new(ctx, input.rate, walk.progress().due);
    let left = match has_steps {
        true => walk.alive(traces::left(store, &run)).await.map_err(Trouble::into_failure)?,
        false => HashSet::new(),
    };
    let would_be = HashMap::new();
    let overwritten = &overwritten;
    let mut revert =
        Revert { ctx, shop, store, abilities, input, overwritten, has_steps, one_by_one, would_be, left };
    revert.all(&mut walk, &groups).await?;
    if !input.dry_run && !groups.is_empty() {
        let mark = traces::end_revert(store, &run, &input.key);
        walk.alive(mark).await.map_err(Trouble::into_failure)?;
    }
    let written = walk.progress().written.clone();
    Ok(RevertedPrices { has_images: !groups.is_empty(), written, ..RevertedPrices::default() })
}

/// Whether the latest run of a workflow goes on.
async fn is_running(client: Client, workflow_id: &str) -> Result<bool, Trouble> {
    let handle = client.get_workflow_handle::<UntypedWorkflow>(workflow_id.to_owned());
    match handle.describe(WorkflowDescribeOptions::default()).await {
        Ok(described) => Ok(described.status() == WorkflowExecutionStatus::Running),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => {
            Err(Trouble::Again(format!("Temporal does not say whether {workflow_id} runs: {error}")))
        }
    }
}

struct Revert<'r> {
    ctx: &'r ActivityContext,
    shop: &'r Shop,
    store: &'r Store,
    abilities: Abilities,
    input: &'r RevertPrices,
    /// Rows that were written over another price than their before-image shows, by line.
    overwritten: &'r BTreeMap<u64, PriceImage>,
    /// Some product may have been changed several times.
    has_steps: bool,
    one_by_one: OneByOne<'r>,
    /// Prices that a dry run would have put back, where a product was changed several times, by the hash of their
    /// variant.
    would_be: HashMap<u64, i64>,
    /// Variants with a price of somebody else that may be the one of a step before, by their hash.
    left: HashSet<u64>,
}

/// A price to put back.
struct Back<'i> {
    image: &'i PriceImage,
    variant: &'i VariantId,
    /// To what.
    price: Money,
}

/// How a group was gone through.
struct Gone {
    progress: Progress,
    /// Prices of it that were put back now.
    restored: usize,
    /// Why some of them were not, if that is not known of each.
    trouble: Option<Trouble>,
    /// The run was stopped before the last one was sent.
    is_cut: bool,
}

impl Revert<'_> {
    async fn all(&mut self, walk: &mut Walk<'_, Progress>, groups: &[String]) -> Result<(), ActivityError> {
        while let Some(group) = groups.get(walk.progress().groups) {
            let progress = walk.progress().clone();
            let gone = walk.alive(self.group(group, progress)).await.map_err(Trouble::into_failure)?;
            match gone.trouble {
                None if gone.is_cut => return Err(ActivityError::cancelled()),
                None => walk.advance(gone.progress).await?,
                // Prices were put back before it: the next look finds them so.
                Some(trouble) if gone.restored > 0 => {
                    tracing::warn!(%trouble, "a revert has trouble and tries again");
                    walk.alive(tokio::time::sleep(SOON)).await;
                    self.one_by_one.try_again();
                }
                Some(trouble) => return Err(trouble.into_failure()),
            }
        }
        Ok(())
    }

    /// The folder of the outcomes. A dry run's are not told as a revert's.
    fn outcomes(&self) -> String {
        let name = if self.input.dry_run { "would-be-reverted" } else { "reverted" };
        format!("{}/{name}", folder(&self.input.batch_id))
    }

    /// Rows of one look.
    async fn group(&mut self, name: &str, mut progress: Progress) -> Result<Gone, Trouble> {
        let run = folder(&self.input.batch_id);
        let group = Group::read(self.store, &run, name).await?;
        // Of a run without steps it makes no difference.
        let may_be_back = !self.has_steps || traces::is_put_back(self.store, &run, name).await?;
        let skus: BTreeSet<&str> = group.images.iter().map(|image| image.sku.as_str()).collect();
        let prices = images::prices(self.ctx, self.shop, skus).await?;
        let (mut backs, mut outcomes, overwritten) = (Vec::new(), Vec::new(), self.overwritten);
        for (place, image) in group.images.iter().enumerate() {
            let outcome = group.outcomes.get(&image.line);
            let may_be_written = match outcome {
                Some(outcome) => outcome.action == PriceAction::Applied,
                None => group.begun.has(place),
            };
            if !may_be_written {
                continue;
            }
            let product = prices.get(image.sku.as_str());
            let image = overwritten.get(&image.line).unwrap_or(image);
            for (VariantPrice { variant, price: looked }, before) in targets(image, outcome.is_some()) {
                let price = Money::from_minor_units(before, image.price.currency());
                let back = Back { image, variant, price };
                let now = product.and_then(|product| product.variants.iter().find(|of| of.id == *variant));
                let now = now.map(|now| now.price.minor_units());
                let now = self.would_be.get(&back.name()).copied().or(now);
                match now {
                    Some(now) if now == image.price.minor_units() && !self.left.contains(&back.name()) => {
                        backs.push(back);
                    }
                    // Nobody has touched it, as far as anybody knows.
                    Some(now) if outcome.is_none() && (now == before || now == *looked) => {}
                    Some(now) if now == before && !may_be_back => {
                        self.leave(&back).await?;
                        outcomes.push(back.outcome(RevertAction::ChangedSince, None));
                    }
                    Some(now) if now == before => {
                        self.one_by_one.note_known();
                        outcomes.push(back.outcome(RevertAction::Restored, None));
                    }
                    None if outcome.is_none() => {}
                    None => {
                        let unreadable = product.is_some_and(|product| product.unreadable.is_some());
                        let why = if unreadable { UNREADABLE } else { MISSING };
                        outcomes.push(back.outcome(RevertAction::Failed, Some(why.to_owned())));
                    }
                    _ => outcomes.push(back.outcome(RevertAction::ChangedSince, None)),
                }
            }
        }
        let (mut trouble, mut is_cut, mut restored) = (None, false, 0);
        if self.has_steps && !self.input.dry_run && !backs.is_empty() {
            traces::begin_group(self.store, &run, name).await?;
        }
        for sent in self.put_back(&backs).await {
            match sent {
                Ok(Some(outcome)) => {
                    restored += usize::from(outcome.action == RevertAction::Restored);
                    outcomes.push(outcome);
                }
                Ok(None) => is_cut = true,
                Err(error) => trouble = Some(trouble.unwrap_or(error)),
            }
        }
        self.report(outcomes, &mut progress).await?;
        progress.groups += 1;
        progress.due = self.one_by_one.due();
        Ok(Gone { progress, restored, trouble, is_cut })
    }

    /// The steps before leave this variant alone.
    async fn leave(&mut self, back: &Back<'_>) -> Result<(), Trouble> {
        self.left.insert(back.name());
        if self.input.dry_run {
            return Ok(());
        }
        traces::leave(self.store, &folder(&self.input.batch_id), back.name()).await
    }

    async fn put_back(&mut self, backs: &[Back<'_>]) -> Vec<Result<Option<RevertOutcome>, Trouble>> {
        if self.input.dry_run {
            let would_be = backs.iter().map(|back| (back.name(), back.price.minor_units()));
            self.would_be.extend(would_be.filter(|_| self.has_steps));
            let restored = backs.iter().map(|back| Ok(Some(back.outcome(RevertAction::Restored, None))));
            return restored.collect();
        }
        let writes = backs.iter().map(|back| self.write(back).boxed()).collect();
        let sent = self.one_by_one.write(writes).await;
        backs.iter().zip(sent).map(|(back, sent)| Ok(sent?.map(|answer| back.told(answer)))).collect()
    }

    async fn write(&self, back: &Back<'_>) -> Each<()> {
        let key = self.input.key.part(&back.image.line.to_string());
        let set = match self.abilities.compares {
            true => {
                let wanted = back.wanted(Some(back.variant));
                let key = key.part(back.variant.as_str());
                patiently(self.ctx, || self.shop.set(&key, &wanted)).await.map_err(Trouble::of_row)?
            }
            false => self.set_product(&key, back).await?,
        };
        Ok(match set {
            Set::Done { .. } => Answer::Done(None),
            Set::Conflict { price } if price == Some(back.price) => Answer::Done(None),
            Set::Conflict { .. } => Answer::Same,
            Set::Refused { code } => Answer::Refused(code),
        })
    }

    /// The same at a shop that compares nothing and knows prices of products only: read, then written.
    async fn set_product(&self, key: &IdempotencyKey, back: &Back<'_>) -> Result<Set, Trouble> {
        let is_same = |(_, before): (&VariantPrice, i64)| before == back.price.minor_units();
        let all = back.image.before.len();
        if targets(back.image, true).filter(|target| is_same(*target)).count() != all {
            // The platform's update knows products only: it would give every variant the price of one.
            return Ok(Set::Refused { code: "VARIANT_NOT_SUPPORTED".to_owned() });
        }
        let sku = back.image.sku.as_str();
        let prices = images::prices(self.ctx, self.shop, BTreeSet::from([sku])).await?;
        match prices.get(sku).and_then(Priced::of_all) {
            Some(now) if now == back.image.price => {
                let wanted = back.wanted(None);
                let set = patiently(self.ctx, || self.shop.set_product(key, &wanted)).await;
                set.map_err(Trouble::of_row)
            }
            price => Ok(Set::Conflict { price }),
        }
    }

    async fn report(&self, outcomes: Vec<RevertOutcome>, progress: &mut Progress) -> Result<(), Trouble> {
        let mut list = LinesWriter::default();
        let written = &mut progress.written;
        for outcome in outcomes {
            list.push(&outcome)?;
            *written.counts.entry(outcome.action.name().to_owned()).or_default() += 1;
            if let Some(code) = &outcome.error {
                count_cause(&mut written.causes, &format!("refused by the shop: {code}"));
            }
            if written.rows.len() < INLINE_MAX {
                written.rows.push(outcome);
            }
        }
        // Named nowhere: a heartbeat with a name for each group would grow with the list.
        list.put(self.store, &self.outcomes()).await?;
        Ok(())
    }
}

/// The variants that a row changed, each with the price that it was written over: the one that the write expected, or
/// else what was seen. One of which nobody has told that it was written, and that had the run's price when its group
/// was first looked at, may be somebody else's.
fn targets(image: &PriceImage, is_told: bool) -> impl Iterator<Item = (&VariantPrice, i64)> {
    let (price, expected) = (image.price.minor_units(), image.expected.map(Money::minor_units));
    images::meant(image)
        .filter(move |of| is_told || of.price != price)
        .map(move |of| (of, expected.unwrap_or(of.price)))
        .filter(move |(_, before)| *before != price)
}

impl<'i> Back<'i> {
    fn wanted(&self, variant: Option<&'i VariantId>) -> Wanted<'i> {
        Wanted {
            sku: &self.image.sku,
            variant,
            price: self.price,
            expected: Some(self.image.price),
            reason: Some("reverted"),
            effective_date: None,
        }
    }

    /// The hash of its variant: it names marks, so it is the same in every version.
    fn name(&self) -> u64 {
        let hash = Sha256::digest(format!("{}\n{}", self.image.sku, self.variant));
        hash.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    /// The fate of the price by the shop's answer; [`Answer::Same`]: it was another one than the run's.
    fn told(&self, answer: Answer<()>) -> RevertOutcome {
        match answer {
            Answer::Done(_) => self.outcome(RevertAction::Restored, None),
            Answer::Same => self.outcome(RevertAction::ChangedSince, None),
            Answer::Refused(code) => self.outcome(RevertAction::Failed, Some(code)),
        }
    }

    fn outcome(&self, action: RevertAction, error: Option<String>) -> RevertOutcome {
        RevertOutcome {
            line: self.image.line,
            sku: self.image.sku.clone(),
            variant: Some(self.variant.clone()),
            action,
            run_price: self.image.price,
            restored_price: self.price,
            error,
        }
    }
}
