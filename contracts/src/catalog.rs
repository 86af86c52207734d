//! The shop's catalogue: categories, pictures, products, pricing rules and their texts for search engines.
//!
//! Rows of one kind are *staged*, which compares them with the shop and writes nothing, and then *applied*. An undo is
//! given what an apply was given: it goes by what each row looked like before, which the apply has kept.
//!
//! - [`Given`]: absent, emptied or set;
//! - [`paths`]: how a written name is found among many;
//! - `rows`: the rows of a file.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

mod given;
pub mod paths;
mod rows;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

pub use given::Given;
pub use rows::{
    Category, Changes, Discount, Image, Kind, List, PICTURE_BYTES_MAX, Product, ProductStatus, Rule, Stored,
    WrongRow,
};

use crate::bulk::Written;
use crate::erp::LeaseAnswer;
use crate::objects::ObjectRef;
use crate::prices::PriceMove;
use crate::values::{CatalogId, IdempotencyKey};

/// The activities of a catalogue setup.
pub struct Catalogs;

#[activity_definitions]
impl Catalogs {
    /// Takes the right to set a catalogue up, which one run has at a time: until it has closed.
    #[activity(name = "catalog.take_lease")]
    pub fn take_lease(input: CatalogLease) -> LeaseAnswer {
        unimplemented!()
    }

    /// Compares categories with the shop's, and looks up the ids that the file names. Changes nothing.
    #[activity(name = "catalog.stage_categories")]
    pub fn stage_categories(input: StageCategories) -> StagedCategories {
        unimplemented!()
    }

    /// Fetches the pictures that are web addresses, and compares all of them with the shop's. Changes nothing there.
    #[activity(name = "catalog.stage_images")]
    pub fn stage_images(input: StageImages) -> StagedRows {
        unimplemented!()
    }

    /// Compares products with the shop's. Changes nothing.
    #[activity(name = "catalog.stage_products")]
    pub fn stage_products(input: StageProducts) -> StagedRows {
        unimplemented!()
    }

    /// Compares pricing rules with the shop's. Changes nothing.
    #[activity(name = "catalog.stage_rules")]
    pub fn stage_rules(input: StageRules) -> StagedRows {
        unimplemented!()
    }

    /// Writes a batch. The look of each row is kept before its first write, so it is repeated safely.
    #[activity(name = "catalog.apply")]
    pub fn apply(input: ApplyRows) -> Written<RowOutcome> {
        unimplemented!()
    }

    /// Takes back what an apply of the same batch has written: rows that it made are deleted and rows that it changed
    /// restored, unless somebody else has changed them since. Nothing there is a success.
    #[activity(name = "catalog.undo")]
    pub fn undo(input: ApplyRows) {
        unimplemented!()
    }

    /// Lists what the undos of a run have left standing.
    #[activity(name = "catalog.left_standing")]
    pub fn left_standing(folder: String) -> Written<RowOutcome> {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::catalogs::*;
}

/// The right to set a catalogue up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogLease {
    /// The catalogue.
    pub catalog_id: CatalogId,
    /// The workflow that asks for the lease.
    pub workflow_id: String,
    /// The first run of its chain.
    pub first_run_id: String,
}

/// Categories to compare with the shop's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageCategories {
    /// Parents before their children.
    pub categories: Vec<Category>,
    /// Ids of the shop's that rules name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// The run's folder in the object store.
    pub folder: String,
}

/// Compared categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StagedCategories {
    /// One batch for each level, the highest first.
    pub batches: Vec<ObjectRef>,
    /// Every category that there will be, as a list of paths: what names are looked for in.
    pub paths: ObjectRef,
    /// How they compare.
    pub counts: StageCounts,
    /// The hash of the changes that they are.
    #[serde(default)]
    pub changes: String,
    /// The first paths of those that the shop does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
    /// Why they cannot be written as they are, with the fix: an id that the shop does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Rows of one kind, compared with the shop's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StagedRows {
    /// The rows that can be written, those that are as they should be included; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<ObjectRef>,
    /// How they compare.
    #[serde(default)]
    pub counts: StageCounts,
    /// Rows that cannot be written, each with its cause.
    #[serde(default)]
    pub failed: Written<RowOutcome>,
    /// Of pictures: all of them, each with its content where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<ObjectRef>,
    /// Of products: how many have no text for search engines, neither at the shop nor in the file. `None`: an older
    /// worker has not counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_text: Option<u64>,
    /// The hash of the changes that they are.
    #[serde(default)]
    pub changes: String,
    /// The largest changes of price, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub largest: Vec<PriceMove>,
    /// Remarks on single rows, in words, which whoever sees the preview should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Staged rows in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageCounts {
    /// The shop does not have it.
    pub to_create: u64,
    /// The shop has it otherwise.
    pub to_update: u64,
    /// The shop has it so already.
    pub unchanged: u64,
    /// Prices that would become zero.
    pub prices_to_zero: u64,
    /// Prices that would change beyond the limit.
    pub prices_jump: u64,
}

/// Pictures to upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageImages {
    /// The pictures.
    pub images: List<Image>,
    /// Those that are wrong in the file, for the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<WrongRow>,
    /// The run's folder in the object store.
    pub folder: String,
}

/// Products to compare with the shop's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageProducts {
    /// The products.
    pub products: List<Product>,
    /// Those that are wrong in the file, for the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<WrongRow>,
    /// The pictures that they may name.
    pub images: List<Image>,
    /// The categories that there will be ([`StagedCategories::paths`]).
    pub paths: ObjectRef,
    /// A change of price beyond this share, in percent of the old one, is counted.
    pub price_change_percent: u32,
    /// The run's folder in the object store.
    pub folder: String,
}

/// Pricing rules to compare with the shop's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRules {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The categories that there will be ([`StagedCategories::paths`]).
    pub paths: ObjectRef,
    /// When the run began: from then on a rule without a beginning holds.
    pub now: Timestamp,
    /// The run's folder in the object store.
    pub folder: String,
}

/// A batch to write, or to take back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplyRows {
    /// The kind of work.
    pub work: Work,
    /// Names the effects of this step; each row's key is made of it.
    pub key: IdempotencyKey,
    /// The staged rows.
    pub batch: ObjectRef,
    /// The run's folder in the object store: outcomes and before-images.
    pub folder: String,
    /// Where rows that were refused, or left standing, lie.
    pub quarantine: String,
    /// The outcomes of the pictures' upload, for products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uploads: Vec<ObjectRef>,
}

/// The kinds of work on the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Categories of one level are written.
    Categories,
    /// Pictures are uploaded.
    Images,
    /// Products are written, with their stock.
    Products,
    /// Pricing rules are written.
    PricingRules,
    /// Products get a text for search engines.
    Seo,
}

/// The outcome of one row, with the seed's names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowOutcome {
    /// Its place in the file, from 1.
    pub row: u32,
    /// The name of a category (as a path), product or rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The picture, as the file calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_path: Option<String>,
    /// The shop's id of a category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_id: Option<String>,
    /// The shop's id of a product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// The shop's id of a pricing rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// The shop's id of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_id: Option<String>,
    /// Where the shop serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploaded_url: Option<String>,
    /// The hash of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// `created`, `updated`, `unchanged`, `failed`, `left_out`; after an undo `left_standing`.
    pub action: String,
    /// Why it failed, was left out or was left standing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}
