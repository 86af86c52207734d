//! Rows are compared with the shop before anything is written: counted, and turned away where they cannot be written.

mod pictures;

use std::collections::{BTreeMap, BTreeSet};

use contracts::bulk::is_change_above;
use contracts::catalog::paths::{Found, Paths, category_parts, shown};
use contracts::catalog::{
    Category, List, Product, RowOutcome, Rule, StageCategories, StageCounts, StageProducts, StageRules,
    StagedCategories, StagedRows,
};
use contracts::money::Money;
use contracts::objects::ObjectRef;
use futures::future::ready;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use store::Store;
use temporalio_sdk::activities::ActivityContext;

use super::applying::trouble;
use super::categories::{Categories, Known, Tree, fold};
use super::client::Shop;
use super::compared::{Compared, hex};
use super::kind::{Kind, Unfit};
use super::listing::{Asked, Place};
use super::products::{self, Move, Products};
use super::rules::{self, Rules};
use super::web::Web;
use crate::bulk::{RowsReader, Trouble, patiently};
use pictures::Pictures;

/// Rows that are compared at once.
const AT_ONCE: usize = 500;
/// Files that are looked into at once.
const SIDE_BY_SIDE: usize = 8;
/// Rows of one kind that a preview names.
const NAMED: usize = 20;

/// Where rows are compared.
pub(super) struct Staging<'s> {
    pub(super) ctx: &'s ActivityContext,
    pub(super) shop: &'s Shop,
    pub(super) store: &'s Store,
    pub(super) web: &'s Web,
    pub(super) folder: &'s str,
}

impl Staging<'_> {
    /// A list from its beginning, wherever it is.
    async fn source<'l, R>(&self, list: &'l List<R>) -> Result<Source<'l, R>, Trouble> {
        let reader = match list {
            List::Inline(_) => None,
            List::Stored(stored) => Some(RowsReader::open(self.store, &stored.list).await?),
        };
        Ok(Source { list, reader, read: 0 })
    }

    async fn tree(&self) -> Result<Tree, Trouble> {
        patiently(self.ctx, || Tree::read(self.shop)).await.map_err(|error| trouble(self.shop, error))
    }

    /// Compares rows and puts them into the batch, whether they need a write or not: the apply says so of each. `seen`
    /// hears how each of these looks now.
    async fn compare<K: Kind>(
        &self,
        kind: &K,
        rows: &[K::Row],
        batch: &mut Compared,
        mut seen: impl FnMut(&mut Compared, &K::Row, Option<&K::State>),
    ) -> Result<(), Trouble> {
        for rows in rows.chunks(AT_ONCE) {
            let looks = patiently(self.ctx, || kind.look(rows)).await;
            let looks = looks.map_err(|error| trouble(self.shop, error))?;
            let check = |(row, look): (_, &Option<_>)| match look {
                Some(_) => ready(Ok(None)).boxed(),
                None => kind.unfit(row),
            };
            let checks: Vec<Unfit<'_>> = rows.iter().zip(&looks).map(check).collect();
            let unfit = stream::iter(checks).buffered(SIDE_BY_SIDE).try_collect().await;
            let unfit: Vec<Option<String>> = unfit.map_err(|error| trouble(self.shop, error))?;
            for ((row, look), unfit) in rows.iter().zip(&looks).zip(unfit) {
                let now = look.as_ref().map(|look| &look.state);
                match unfit.map_or_else(|| kind.wanted(row, now), Err) {
                    Ok(wanted) => {
                        seen(batch, row, now);
                        batch.take(kind, row, now, &wanted)?;
                    }
                    Err(cause) => batch.turn_away(kind.told(row, look.as_ref()), cause)?,
                }
            }
            batch.put_parts(self).await?;
        }
        Ok(())
    }

    pub(super) async fn categories(&self, input: &StageCategories) -> Result<StagedCategories, Trouble> {
        let mut tree = self.tree().await?;
        let mut problems = unknown_ids(input, &tree);
        let mut levels: BTreeMap<usize, Vec<Category>> = BTreeMap::new();
        for category in &input.categories {
            let mut category = category.clone();
            if let Some(above) = category.parent_id.take().and_then(|parent| tree.path(&parent)) {
                category.path.splice(0..0, above.iter().cloned());
            }
            levels.entry(category.path.len()).or_default().push(category);
        }
        let (mut counts, mut changes) = (StageCounts::default(), Sha256::new());
        let (mut batches, mut new, mut to_be) = (Vec::new(), Vec::new(), Vec::new());
        for rows in levels.into_values() {
            let mut batch = Compared::default();
            let kind = Categories::staging(self.shop, tree.clone());
            to_be.extend(rows.iter().map(|row| Known { path: row.path.clone(), id: None }));
            tree = tree.with_moved(&rows);
            self.compare(&kind, &rows, &mut batch, |_, row, now| {
                if now.is_none() && new.len() < NAMED {
                    new.push(shown(&row.path));
                }
            })
            .await?;
            problems.extend(batch.failed.rows.iter().filter_map(|row| row.cause.clone()));
            counts.to_create += batch.counts.to_create;
            counts.to_update += batch.counts.to_update;
            counts.unchanged += batch.counts.unchanged;
            changes.update(batch.changes.finalize());
            batches.extend(batch.lines.finish(self.store, self.folder).await?);
        }
        let mut paths: BTreeMap<Vec<String>, Known> = BTreeMap::new();
        for known in tree.known().chain(to_be) {
            paths.entry(fold(&known.path)).or_insert(known);
        }
        let paths: Vec<Known> = paths.into_values().collect();
        let paths = self.store.put(self.folder, "json", serde_json::to_vec(&paths)?).await?;
        Ok(StagedCategories { batches, paths, counts, changes: hex(changes), new, problems })
    }

    pub(super) async fn products(&self, input: &StageProducts) -> Result<StagedRows, Trouble> {
        let (categories, tree) = self.categories_to_be(&input.paths).await?;
        let (pictures, urls) = self.pictures(&input.images).await?;
        let (mut batch, mut asked) = (Compared::default(), Asked::default());
        batch.leave_out(&input.wrong)?;
        let mut source = self.source(&input.products).await?;
        while let Some(products) = source.some().await? {
            for product in &products {
                asked.add(product.sku.as_str());
            }
        }
        let limit = input.price_change_percent;
        let place = Place { store: self.store, folder: self.folder };
        let kind = Products::new((self.shop, place), tree, urls, asked, true);
        let mut source = self.source(&input.products).await?;
        while let Some(products) = source.some().await? {
            let mut rows = Vec::with_capacity(products.len());
            for product in products {
                match staged(&product, &categories, &pictures) {
                    Ok(row) => rows.push(row),
                    Err(cause) => batch.turn_away(outcome(&product), cause)?,
                }
            }
            self.compare(&kind, &rows, &mut batch, |batch, row, now| {
                *batch.without_text.get_or_insert_default() += u64::from(row.needs_text(now));
                for Move { variant, from, to } in row.moves(now) {
                    let (old, new) = (from.map(Money::minor_units), to.minor_units());
                    batch.counts.prices_to_zero += u64::from(new == 0 && old != Some(0));
                    let Some(from) = from.filter(|from| *from != to) else { continue };
                    batch.counts.prices_jump += u64::from(is_change_above(from.minor_units(), new, limit));
                    let Product { row: line, sku, .. } = &row.product;
                    batch.largest.note((*line).into(), (sku, variant), (from, to));
                }
            })
            .await?;
        }
        batch.finish(self).await
    }

    pub(super) async fn rules(&self, input: &StageRules) -> Result<StagedRows, Trouble> {
        let (categories, tree) = self.categories_to_be(&input.paths).await?;
        let mut batch = Compared::default();
        let mut rows = Vec::with_capacity(input.rules.len());
        for rule in &input.rules {
            let paths: Result<Vec<_>, String> =
                rule.category_names.iter().map(|name| category(name, &categories)).collect();
            match paths {
                Ok(paths) => {
                    rows.push(rules::Staged { rule: rule.clone(), categories: paths, now: input.now })
                }
                Err(cause) => batch.turn_away(named(rule), cause)?,
            }
        }
        let ended = |rule: &&Rule| rule.until.value().is_some_and(|until| *until <= input.now);
        let ended = input.rules.iter().filter(ended).take(NAMED);
        batch.notes.extend(ended.map(|rule| format!("pricing rule '{}' has ended already", rule.name)));
        let kind = Rules { shop: self.shop, tree, is_staging: true };
        self.compare(&kind, &rows, &mut batch, |_, _, _| {}).await?;
        batch.finish(self).await
    }

    /// The categories that there will be: their paths, and the ids of those that are there.
    async fn categories_to_be(&self, object: &ObjectRef) -> Result<(Paths, Tree), Trouble> {
        let known: Vec<Known> = serde_json::from_slice(&self.store.get(object).await?)?;
        let paths = known.iter().map(|known| known.path.clone()).collect();
        Ok((Paths::new(paths), Tree::of_known(known)))
    }
}

/// A list, read some rows at a time.
struct Source<'l, R> {
    list: &'l List<R>,
    reader: Option<RowsReader>,
    read: usize,
}

impl<R: DeserializeOwned + Clone> Source<'_, R> {
    /// The next rows; `None`: that was all.
    async fn some(&mut self) -> Result<Option<Vec<R>>, Trouble> {
        let rows = match (self.list, &mut self.reader) {
            (List::Inline(rows), _) => rows.iter().skip(self.read).take(AT_ONCE).cloned().collect(),
            (List::Stored(_), Some(reader)) => reader.some(AT_ONCE).await?,
            (List::Stored(_), None) => Vec::new(),
        };
        self.read += rows.len();
        match self.list {
            List::Stored(stored) if rows.is_empty() && self.read as u64 != stored.count => {
                let (key, read, count) = (&stored.list.key, self.read, stored.count);
                Err(Trouble::Final(format!(
                    "{key} has {read} rows, and the input says {count}: start it anew"
                )))
            }
            _ => Ok(Some(rows).filter(|rows| !rows.is_empty())),
        }
    }
}

/// Ids of the file that the shop does not know.
fn unknown_ids(input: &StageCategories, tree: &Tree) -> Vec<String> {
    let of_rules = input
        .ids
        .iter()
        .filter(|id| tree.path(id).is_none())
        .map(|id| format!("category_ids names '{id}', which the shop does not know: name the category"));
    let of_rows = input.categories.iter().filter_map(|category| {
        let parent = category.parent_id.as_ref().filter(|parent| tree.path(parent).is_none())?;
        let row = category.row;
        let fix = "correct it, or leave it out";
        Some(format!("parent_id of row {row} is '{parent}', which the shop does not know: {fix}"))
    });
    of_rules.chain(of_rows).collect()
}

fn outcome(product: &Product) -> RowOutcome {
    RowOutcome {
        row: product.row,
        name: product.name.clone(),
        sku: Some(product.sku.to_string()),
        ..RowOutcome::default()
    }
}

fn named(rule: &Rule) -> RowOutcome {
    RowOutcome { row: rule.row, name: Some(rule.name.clone()), ..RowOutcome::default() }
}

/// A product with the category and the pictures that it means.
fn staged(product: &Product, categories: &Paths, pictures: &Pictures) -> Result<products::Staged, String> {
    let category = product.category.value().map(|name| category(name, categories)).transpose()?;
    let hashes = |names: &Vec<String>| -> Result<Vec<String>, String> {
        names.iter().map(|name| pictures.find(name)).collect()
    };
    let pictures = product.images.as_ref().map(hashes).transpose()?;
    Ok(products::Staged { product: product.clone(), category, pictures })
}

/// The path of the category that a name means.
fn category(name: &str, known: &Paths) -> Result<Vec<String>, String> {
    match known.find(&category_parts(name)) {
        Found::One(place) => Ok(known.at(place).to_vec()),
        Found::None => Err(format!("its category '{name}' is neither in the file nor in the shop")),
        Found::Several(places) => {
            let paths: BTreeSet<String> = places.iter().map(|place| shown(known.at(*place))).collect();
            let paths: Vec<String> = paths.into_iter().collect();
            Err(format!("its category '{name}' could be {}: write the path", paths.join(" or ")))
        }
    }
}
