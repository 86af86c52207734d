//! The shop's catalogue: categories, pictures, products, pricing rules, and texts for search engines.
//!
//! Every kind of rows says how it looks at the shop, how it is to look and how it is written (`kind.rs`); the rest is
//! the same for all of them.
//!
//! - `stage.rs`: rows are compared with the shop, and turned away where they cannot be written;
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
mod picture;
mod products;
mod rules;
mod seo;
mod stage;
mod undoing;
mod web;

use std::collections::HashSet;
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

use crate::bulk::{Trouble, patiently};
use crate::effect::alive;
use crate::http::{Api, ApiError};
use crate::lease;
use categories::{Categories, Tree};
use client::Shop;
use images::Images;
use products::{Products, Urls};
use rules::Rules;
use seo::Seo;
use stage::Staging;
pub use web::Networks;
use web::Web;

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
                let hashes = self.keys(&ctx, &input).await?;
                applying::apply(&ctx, store, &Images::new(shop, store, hashes), &input).await
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
                let skus = self.keys(&ctx, &input).await?;
                let products = Products::new(shop, Tree::default(), Urls::new(), skus, false);
                applying::apply(&ctx, store, &Seo::new(shop, store, &input.folder, products), &input).await
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
                let hashes = self.keys(&ctx, &input).await?;
                undoing::undo(&ctx, store, &Images::new(shop, store, hashes), &input).await
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
                let skus = self.keys(&ctx, &input).await?;
                let products = Products::new(shop, Tree::default(), Urls::new(), skus, false);
                let seo = Seo::new(shop, store, &input.folder, products).remember();
                let seo = alive(&ctx, seo).await.map_err(Trouble::into_failure)?;
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
    /// The keys by which a batch is found at the shop: SKUs of products, hashes of pictures.
    async fn keys(&self, ctx: &ActivityContext, input: &ApplyRows) -> Result<HashSet<String>, ActivityError> {
        let read = async { Ok(Lines::get(&self.store, &input.batch).await?.records::<InBatch>()?) };
        let rows: Result<Vec<InBatch>, Trouble> = alive(ctx, read).await;
        Ok(rows.map_err(Trouble::into_failure)?.into_iter().filter_map(InBatch::key).collect())
    }

    async fn products(
        &self,
        ctx: &ActivityContext,
        input: &ApplyRows,
    ) -> Result<Products<'_>, ActivityError> {
        let (tree, urls) = (self.tree(ctx).await?, self.urls(ctx, &input.uploads).await?);
        Ok(Products::new(&self.shop, tree, urls, self.keys(ctx, input).await?, false))
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
                for outcome in Lines::get(&self.store, list).await?.records::<RowOutcome>()? {
                    if let (Some(hash), Some(url)) = (outcome.sha256, outcome.uploaded_url) {
                        urls.insert(hash, url);
                    }
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
            let mut content = self.store.get(&input.batch).await?;
            content.push(b'\n');
            let batch = self.store.put(&input.folder, "jsonl", content).await?;
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
