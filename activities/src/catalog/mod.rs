//! The shop's catalogue: categories, pictures, products, pricing rules, and texts for search engines.
//!
//! Every kind of rows says how it looks at the shop, how it is to look and how it is written (`kind.rs`); the rest is
//! the same for all of them.
//!
//! - `stage.rs`: rows are compared with the shop, and turned away where they cannot be written;
//! - `stage/pictures.rs`: pictures, which products name by pieces of their paths;
//! - `listing.rs`: the rows of the shop that a batch asks about;
//! - `compared.rs`: rows that were compared, with what a preview and its receipt say of them;
//! - `applying.rs`, `undoing.rs`: rows are written, and taken back;
//! - `categories.rs`, `images.rs`, `products.rs`, `rules.rs`, `seo.rs`: the kinds;
//! - `web.rs`: pictures by web address, fetched from public networks;
//! - `picture.rs`: whether a file is a whole picture;
//! - `client.rs`: what their wires have in common.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod applying;
mod categories;
mod client;
mod compared;
mod images;
mod kind;
mod listing;
mod picture;
mod products;
mod rules;
mod seo;
mod stage;
mod undoing;
mod web;

use std::sync::Arc;

use contracts::bulk::{INLINE_MAX, Written, count_cause};
use contracts::catalog::{
    ApplyRows, CatalogLease, RowOutcome, StageCategories, StageImages, StageProducts, StageRules,
    StagedCategories, StagedRows, Work, defs,
};
use contracts::erp::LeaseAnswer;
use contracts::objects::ObjectRef;
use serde::Deserialize;
use store::{Lines, Store};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::bulk::{RowsReader, Trouble, patiently, renamed};
use crate::effect::alive;
use crate::http::{Api, ApiError};
use crate::lease;
use categories::{Categories, Tree};
use client::Shop;
use images::Images;
use listing::{Asked, Place};
use products::{Products, Urls};
use rules::Rules;
use seo::Seo;
use stage::Staging;
pub use web::Networks;
use web::Web;

/// Rows that are read at once.
const ROWS: usize = 500;

/// A row of a batch, as far as it names itself.
#[derive(Deserialize)]
struct InBatch {
    #[serde(default)]
    product: Option<Sku>,
    #[serde(default)]
    content: Option<Hash>,
}

#[derive(Deserialize)]
struct Sku {
    sku: String,
}

#[derive(Deserialize)]
struct Hash {
    sha256: String,
}

impl InBatch {
    fn key(self) -> Option<String> {
        self.product.map(|product| product.sku).or(self.content.map(|content| content.sha256))
    }
}

/// The catalogue's activities.
pub struct CatalogActivities {
    shop: Shop,
    store: Store,
    web: Web,
}

impl CatalogActivities {
    /// On connections to the shop and to the object store. `allowed`: networks that pictures may come from although
    /// they are not public.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(shop: Api, store: Store, allowed: Networks) -> Result<Self, ApiError> {
        Ok(Self { shop: Shop::new(shop), store, web: Web::new(allowed)? })
    }

    fn staging<'s>(&'s self, ctx: &'s ActivityContext, folder: &'s str) -> Staging<'s> {
        Staging { ctx, shop: &self.shop, store: &self.store, web: &self.web, folder }
    }
}

#[activities]
impl CatalogActivities {
    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::TakeLease)]
    pub async fn take_lease(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CatalogLease,
    ) -> Result<LeaseAnswer, ActivityError> {
        let name = format!("catalog/{}", input.catalog_id);
        let taken = lease::take(&ctx, &self.store, &name, &input.workflow_id, &input.first_run_id);
        alive(&ctx, taken).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::StageCategories)]
    pub async fn stage_categories(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StageCategories,
    ) -> Result<StagedCategories, ActivityError> {
        let staging = self.staging(&ctx, &input.folder);
        alive(&ctx, staging.categories(&input)).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::StageImages)]
    pub async fn stage_images(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StageImages,
    ) -> Result<StagedRows, ActivityError> {
        let staging = self.staging(&ctx, &input.folder);
        alive(&ctx, staging.images(&input)).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::StageProducts)]
    pub async fn stage_products(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StageProducts,
    ) -> Result<StagedRows, ActivityError> {
        let staging = self.staging(&ctx, &input.folder);
        alive(&ctx, staging.products(&input)).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::StageRules)]
    pub async fn stage_rules(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: StageRules,
    ) -> Result<StagedRows, ActivityError> {
        let staging = self.staging(&ctx, &input.folder);
        alive(&ctx, staging.rules(&input)).await.map_err(Trouble::into_failure)
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::Apply)]
    pub async fn apply(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ApplyRows,
    ) -> Result<Written<RowOutcome>, ActivityError> {
        let (shop, store) = (&self.shop, &self.store);
        match input.work {
            Work::Categories => applying::apply(&ctx, store, &Categories::new(shop), &input).await,
            Work::Images => {
                let asked = self.asked(&ctx, &input).await?;
                applying::apply(&ctx, store, &Images::new(shop, self.place(&input), asked), &input).await
            }
            Work::Products => {
                let products = self.products(&ctx, &input).await?;
                applying::apply(&ctx, store, &products, &input).await
            }
            Work::PricingRules => {
                let tree = self.tree(&ctx).await?;
                applying::apply(&ctx, store, &Rules { shop, tree, is_staging: false }, &input).await
            }
            Work::Seo => {
                let input = self.for_texts(&ctx, &input).await?;
                let seo = self.seo(&ctx, &input, false).await?;
                applying::apply(&ctx, store, &seo, &input).await
            }
        }
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::Undo)]
    pub async fn undo(self: Arc<Self>, ctx: ActivityContext, input: ApplyRows) -> Result<(), ActivityError> {
        let (shop, store) = (&self.shop, &self.store);
        match input.work {
            Work::Categories => undoing::undo(&ctx, store, &Categories::new(shop), &input).await,
            Work::Images => {
                let asked = self.asked(&ctx, &input).await?;
                undoing::undo(&ctx, store, &Images::new(shop, self.place(&input), asked), &input).await
            }
            Work::Products => {
                let products = self.products(&ctx, &input).await?;
                undoing::undo(&ctx, store, &products, &input).await
            }
            Work::PricingRules => {
                let tree = self.tree(&ctx).await?;
                undoing::undo(&ctx, store, &Rules { shop, tree, is_staging: false }, &input).await
            }
            Work::Seo => {
                let input = self.for_texts(&ctx, &input).await?;
                let seo = self.seo(&ctx, &input, true).await?;
                undoing::undo(&ctx, store, &seo, &input).await
            }
        }
    }

    /// See [`contracts::catalog::Catalogs`].
    #[activity(definition = defs::LeftStanding)]
    pub async fn left_standing(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: String,
    ) -> Result<Written<RowOutcome>, ActivityError> {
        alive(&ctx, self.left(&input)).await.map_err(Trouble::into_failure)
    }
}

impl CatalogActivities {
    fn place<'s>(&'s self, input: &'s ApplyRows) -> Place<'s> {
        Place { store: &self.store, folder: &input.folder }
    }

    /// The keys by which a batch is found at the shop: SKUs of products, hashes of pictures.
    async fn asked(&self, ctx: &ActivityContext, input: &ApplyRows) -> Result<Asked, ActivityError> {
        let read = async {
            let (mut asked, mut reader) =
                (Asked::default(), RowsReader::open(&self.store, &input.batch).await?);
            loop {
                let rows: Vec<InBatch> = reader.some(ROWS).await?;
                if rows.is_empty() {
                    return Ok::<_, Trouble>(asked);
                }
                for key in rows.into_iter().filter_map(InBatch::key) {
                    asked.add(&key);
                }
            }
        };
        alive(ctx, read).await.map_err(Trouble::into_failure)
    }

    async fn products<'s>(
        &'s self,
        ctx: &ActivityContext,
        input: &'s ApplyRows,
    ) -> Result<Products<'s>, ActivityError> {
        let (tree, urls) = (self.tree(ctx).await?, self.urls(ctx, &input.uploads).await?);
        let at = (&self.shop, self.place(input));
        Ok(Products::new(at, tree, urls, self.asked(ctx, input).await?, false))
    }

    async fn seo<'s>(
        &'s self,
        ctx: &ActivityContext,
        input: &'s ApplyRows,
        is_undo: bool,
    ) -> Result<Seo<'s>, ActivityError> {
        let (shop, place, asked) = (&self.shop, self.place(input), self.asked(ctx, input).await?);
        let products = Products::new((shop, place), Tree::default(), Urls::new(), asked, false);
        Ok(Seo::new(shop, place, products, is_undo))
    }

    async fn tree(&self, ctx: &ActivityContext) -> Result<Tree, ActivityError> {
        let tree = alive(ctx, patiently(ctx, || Tree::read(&self.shop))).await;
        tree.map_err(|error| applying::trouble(&self.shop, error).into_failure())
    }

    /// Where the shop serves the pictures that the run has uploaded, or found there.
    async fn urls(&self, ctx: &ActivityContext, uploads: &[ObjectRef]) -> Result<Urls, ActivityError> {
        let read = async {
            let mut urls = Urls::new();
            for list in uploads {
                let mut reader = RowsReader::open(&self.store, list).await?;
                loop {
                    let outcomes: Vec<RowOutcome> = reader.some(ROWS).await?;
                    if outcomes.is_empty() {
                        break;
                    }
                    let of = |outcome: RowOutcome| outcome.sha256.zip(outcome.uploaded_url);
                    urls.extend(outcomes.into_iter().filter_map(of));
                }
            }
            Ok::<_, Trouble>(urls)
        };
        alive(ctx, read).await.map_err(Trouble::into_failure)
    }

    /// The same rows as a batch of another name: before-images are kept by it, and a product has one for itself and one
    /// for its text.
    async fn for_texts(&self, ctx: &ActivityContext, input: &ApplyRows) -> Result<ApplyRows, ActivityError> {
        let renamed = async {
            let batch = renamed(&self.store, &input.folder, &input.batch).await?;
            Ok::<_, Trouble>(ApplyRows { batch, ..input.clone() })
        };
        alive(ctx, renamed).await.map_err(Trouble::into_failure)
    }

    /// The lines themselves stay in the quarantine.
    async fn left(&self, folder: &str) -> Result<Written<RowOutcome>, Trouble> {
        let mut left = Written::default();
        for object in self.store.list(folder).await? {
            for outcome in Lines::read(&self.store, &object.key).await?.records::<RowOutcome>()? {
                if outcome.action != undoing::LEFT {
                    continue;
                }
                count_cause(&mut left.causes, outcome.cause.as_deref().unwrap_or_default());
                *left.counts.entry(undoing::LEFT.to_owned()).or_default() += 1;
                if left.rows.len() < INLINE_MAX {
                    left.rows.push(outcome);
                }
            }
        }
        Ok(left)
    }
}
