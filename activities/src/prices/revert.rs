//! A run is taken back by its before-images, the last write first: a price goes back to what it was, unless somebody
//! has changed it since.

use std::collections::{BTreeMap, BTreeSet};

use contracts::bulk::{INLINE_MAX, Written, count_cause};
use contracts::money::Money;
use contracts::objects::ObjectRef;
use contracts::prices::{
    PriceAction, PriceImage, PriceOutcome, RevertAction, RevertOutcome, RevertPrices, RevertedPrices, folder,
};
use contracts::values::{IdempotencyKey, VariantId};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use store::{Lines, LinesWriter, Store, StoreError};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{Client, UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionStatus};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::client::{Priced, Set, Shop, Wanted};
use super::{Abilities, images};
use crate::bulk::{Format, Trouble, Walk, patiently};

/// Writes under way at once.
const SIDE_BY_SIDE: usize = 8;

/// How far it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    format: Format<1>,
    groups: usize,
    written: Written<RevertOutcome>,
    /// Prices that a dry run would have put back, where a product was changed several times.
    would_be: BTreeMap<String, i64>,
}

pub(super) async fn revert(
    ctx: &ActivityContext,
    shop: &Shop,
    store: &Store,
    abilities: Abilities,
    input: &RevertPrices,
) -> Result<RevertedPrices, ActivityError> {
    let run = format!("prices/{}", input.batch_id);
    if !input.by_its_own_run && is_running(ctx.client(), &run).await.map_err(Trouble::into_failure)? {
        return Ok(RevertedPrices { is_running: true, ..RevertedPrices::default() });
    }
    let mut walk: Walk<'_, Progress> = Walk::resume(ctx);
    let mut revert = Revert { ctx, shop, store, abilities, input, has_steps: false };
    let groups = walk.alive(revert.groups()).await.map_err(Trouble::into_failure)?;
    let folder_of = |group: &String| group.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    revert.has_steps = groups.iter().map(folder_of).collect::<BTreeSet<_>>().len() > 1;
    while walk.progress().groups < groups.len() {
        let progress = walk.progress().clone();
        let group = &groups[progress.groups];
        let next = walk.alive(revert.group(group, progress)).await.map_err(Trouble::into_failure)?;
        walk.advance(next).await?;
    }
    let mut written = walk.progress().written.clone();
    let folder = revert.outcomes();
    let lists = store::join(store, &folder, std::mem::take(&mut written.lists));
    written.lists = walk.alive(lists).await.map_err(|error| Trouble::Store(error).into_failure())?;
    Ok(RevertedPrices { is_running: false, has_images: !groups.is_empty(), written })
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
    /// Some product may have been changed several times.
    has_steps: bool,
}

/// A price to put back.
struct Back<'i> {
    image: &'i PriceImage,
    variant: &'i VariantId,
    /// To what.
    price: Money,
}

impl Revert<'_> {
    fn folder(&self, name: &str) -> String {
        format!("{}/{name}", folder(&self.input.batch_id))
    }

    /// The folder of what came of the rows. A dry run's are not told as a revert's.
    fn outcomes(&self) -> String {
        self.folder(if self.input.dry_run { "would-be-reverted" } else { "reverted" })
    }

    /// The names of the before-images, the last ones first.
    async fn groups(&self) -> Result<Vec<String>, Trouble> {
        let listed = self.store.list(&self.folder("images")).await?;
        let names = listed.into_iter().map(|object| object.key).filter(|key| key.ends_with(".json"));
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.reverse();
        Ok(names)
    }

    /// Rows of one look.
    async fn group(&self, name: &str, mut progress: Progress) -> Result<Progress, Trouble> {
        let images = self.images(name).await?;
        let actions = self.actions(name).await?;
        let skus: BTreeSet<&str> = images.iter().map(|image| image.sku.as_str()).collect();
        let prices = images::prices(self.ctx, self.shop, skus).await?;
        let (mut backs, mut outcomes) = (Vec::new(), Vec::new());
        for image in &images {
            let action = actions.get(&image.line);
            if action.is_some_and(|action| *action != PriceAction::Applied) {
                continue;
            }
            let product = prices.get(image.sku.as_str());
            for (variant, before) in targets(image) {
                let price = Money::from_minor_units(before, image.price.currency());
                let back = Back { image, variant, price };
                let now = product.and_then(|product| product.variants.iter().find(|of| of.id == *variant));
                let now = now.map(|now| now.price.minor_units());
                let now = progress.would_be.get(&back.name()).copied().or(now);
                match now {
                    Some(now) if now == image.price.minor_units() => backs.push(back),
                    Some(now) if now == before && action.is_none() => {}
                    Some(now) if now == before => outcomes.push(back.outcome(RevertAction::Restored, None)),
                    // Never written, as far as anybody knows.
                    _ if action.is_none() => {}
                    _ => outcomes.push(back.outcome(RevertAction::ChangedSince, None)),
                }
            }
        }
        outcomes.extend(self.put_back(&backs, &mut progress).await?);
        self.report(outcomes, &mut progress).await?;
        progress.groups += 1;
        Ok(progress)
    }

    async fn images(&self, name: &str) -> Result<Vec<PriceImage>, Trouble> {
        let found = self.store.read(name).await?;
        let found = found.ok_or_else(|| StoreError::Gone { key: name.to_owned() })?;
        let list: ObjectRef = serde_json::from_slice(&found).map_err(|error| StoreError::Damaged {
            key: name.to_owned(),
            why: format!("it names no list of before-images ({:?} error)", error.classify()),
        })?;
        Ok(Lines::get(self.store, &list).await?.records()?)
    }

    /// The fates of the rows of a group, by line. A row of which nothing is known may have been written.
    async fn actions(&self, name: &str) -> Result<BTreeMap<u64, PriceAction>, Trouble> {
        let group = name.strip_prefix(&self.folder("images")).unwrap_or(name);
        let outcomes = format!("{}{group}", self.folder("outcomes"));
        let mut actions = BTreeMap::new();
        for object in self.store.list(outcomes.trim_end_matches(".json")).await? {
            for outcome in Lines::read(self.store, &object.key).await?.records::<PriceOutcome>()? {
                let known = actions.entry(outcome.line).or_insert(outcome.action);
                // A second attempt may have found it as the first one had left it.
                if outcome.action == PriceAction::Applied {
                    *known = PriceAction::Applied;
                }
            }
        }
        Ok(actions)
    }

    async fn put_back(
        &self,
        backs: &[Back<'_>],
        progress: &mut Progress,
    ) -> Result<Vec<RevertOutcome>, Trouble> {
        if self.input.dry_run {
            let would_be = backs.iter().map(|back| (back.name(), back.price.minor_units()));
            progress.would_be.extend(would_be.filter(|_| self.has_steps));
            return Ok(backs.iter().map(|back| back.outcome(RevertAction::Restored, None)).collect());
        }
        let writes: Vec<_> = backs.iter().map(|back| self.write(back).boxed()).collect();
        futures::stream::iter(writes).buffered(SIDE_BY_SIDE).try_collect().await
    }

    async fn write(&self, back: &Back<'_>) -> Result<RevertOutcome, Trouble> {
        let key = self.input.key.part(&back.image.line.to_string());
        let set = match self.abilities.compares {
            true => {
                let wanted = back.wanted(Some(back.variant));
                let key = key.part(back.variant.as_str());
                patiently(self.ctx, || self.shop.set(&key, &wanted)).await?
            }
            false => self.set_product(&key, back).await?,
        };
        Ok(match set {
            Set::Done { .. } => back.outcome(RevertAction::Restored, None),
            Set::Conflict { price } if price == Some(back.price) => {
                back.outcome(RevertAction::Restored, None)
            }
            Set::Conflict { .. } => back.outcome(RevertAction::ChangedSince, None),
            Set::Refused { code } => back.outcome(RevertAction::Failed, Some(code)),
        })
    }

    /// The same at a shop that compares nothing and knows prices of products only: read, then written.
    async fn set_product(&self, key: &IdempotencyKey, back: &Back<'_>) -> Result<Set, Trouble> {
        let before = &back.image.before;
        if before.iter().any(|variant| variant.price != back.price.minor_units()) {
            // The platform's update knows products only: it would give every variant the price of one.
            return Ok(Set::Refused { code: "VARIANT_NOT_SUPPORTED".to_owned() });
        }
        let sku = back.image.sku.as_str();
        let prices = images::prices(self.ctx, self.shop, BTreeSet::from([sku])).await?;
        match prices.get(sku).and_then(Priced::of_all) {
            Some(now) if now == back.image.price => {
                let wanted = back.wanted(None);
                Ok(patiently(self.ctx, || self.shop.set_product(key, &wanted)).await?)
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
        written.lists.extend(list.put(self.store, &self.outcomes()).await?);
        Ok(())
    }
}

/// The variants that a row changed, each with its price before.
fn targets(image: &PriceImage) -> impl Iterator<Item = (&VariantId, i64)> {
    let is_meant = |variant: &VariantId| image.variant.as_ref().is_none_or(|named| named == variant);
    let changed = image.before.iter().filter(|before| before.price != image.price.minor_units());
    changed.map(|before| (&before.variant, before.price)).filter(move |(variant, _)| is_meant(variant))
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

    fn name(&self) -> String {
        format!("{} {}", self.image.sku, self.variant)
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
