//! The rows of a catalogue, as a file says them and after they were checked.
//!
//! A field that is absent is left as the shop has it; one that is empty is emptied; of a map only the keys that it
//! names are changed; a list is the whole list, in its order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Given;
use crate::money::Money;
use crate::objects::ObjectRef;
use crate::values::{ProductId, VariantId};

/// Keys of a map and their new values; `None` takes the key away.
pub type Changes = BTreeMap<String, Option<String>>;

/// A category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Its place in the file, from 1.
    pub row: u32,
    /// The names from the top down to its own, or from below `parent_id`.
    pub path: Vec<String>,
    /// `external_id`: tells it from all others, whatever it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The shop's id of a category that the path begins below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The part of its link; for the creation only, unless the file gives it.
    pub slug: String,
    /// Whether the file gives the slug: then one that is there already gets it, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slug_given: bool,
    /// `description`.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub description: Given<String>,
    /// `attributes`: names of what its products are told apart by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<String>>,
    /// `seo_settings`: `meta_title`, `meta_description`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seo: Changes,
}

impl Category {
    /// Its own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.last().map(String::as_str).unwrap_or_default()
    }
}

/// Bytes of a picture at most.
pub const PICTURE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its place in the file, from 1.
    pub row: u32,
    /// `file_path`: a path below the folder of pictures, or a web address.
    pub file_path: String,
    /// `alt_text`.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub alt_text: Given<String>,
    /// `tags`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// `content`: the file, which the starter has put into the object store; `None`: it is fetched from its web
    /// address, or could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ObjectRef>,
    /// Where the shop serves it, of a picture that was compared and is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Image {
    /// The hash of its content; none where it has none.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.content.as_ref().map_or("", |content| &content.sha256)
    }
}

/// Whether a product is shown and sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    /// Not shown yet.
    Draft,
    /// Shown and sold.
    Active,
    /// Taken out of sale.
    Inactive,
    /// Put away.
    Archived,
}

impl ProductStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Active, Self::Inactive, Self::Archived];

    /// The word for it, in files and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Archived => "archived",
        }
    }

    /// The status of a word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Its place in the file, from 1.
    pub row: u32,
    /// `sku`: tells it from all others.
    pub sku: ProductId,
    /// `name`; needed by a product that the shop does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub description: Given<String>,
    /// `price`; needed by a product that the shop does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The prices of single variants: of each row of the product, its `variant` and its `price`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<VariantId, Money>,
    /// `category_name`: a name or a path, as it is written.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub category: Given<String>,
    /// `images`: as they are written; none takes all of them off the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
    /// `attributes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Changes,
    /// `seo_settings`: `meta_title`, `meta_description`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seo: Changes,
    /// `initial_stock`: of a product that is new; one that is there keeps its stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_stock: Option<u32>,
    /// `location` of that stock; `None`: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `status`; a new product without one is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ProductStatus>,
}

/// A pricing rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its place in the file, from 1.
    pub row: u32,
    /// `name`: tells it from all others.
    pub name: String,
    /// `type` and `value`.
    pub discount: Discount,
    /// The categories that it holds for, as they are written (`category_names`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category_names: Vec<String>,
    /// The same by the shop's ids (`category_ids`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category_ids: Vec<String>,
    /// Whether it holds for every product on purpose (`applies_to_all`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub applies_to_all: bool,
    /// `min_quantity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<u32>,
    /// `start_date`: from then on; `None`: from its creation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// `end_date`: no longer from then on.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub until: Given<Timestamp>,
    /// `priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// `is_active`; a new rule without it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

/// The discount of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Discount {
    /// A share of the price.
    Percentage {
        /// In percent, above 0 and at most 100, in plain digits: `7.5`.
        percent: String,
    },
    /// An amount.
    Fixed {
        /// Above zero.
        amount: Money,
    },
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongRow {
    /// Of what: `product`, `image`, `pricing_rule`.
    pub kind: Kind,
    /// Its place in the file, from 1.
    pub row: u32,
    /// Its SKU, path or name, where that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its problems, each with its fix.
    pub problems: Vec<String>,
}

/// The kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A category.
    Category,
    /// A picture.
    Image,
    /// A product.
    Product,
    /// A pricing rule.
    PricingRule,
}

impl Kind {
    /// Every kind, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Category, Self::Image, Self::Product, Self::PricingRule];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Image => "image",
            Self::Product => "product",
            Self::PricingRule => "pricing_rule",
        }
    }
}

/// Rows of one kind: a few of them, or many in the object store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum List<R> {
    /// Few.
    Inline(Vec<R>),
    /// Many.
    Stored(Stored),
}

/// Rows in the object store, as JSON lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// How many.
    pub count: u64,
    /// Where.
    #[serde(rename = "ref")]
    pub list: ObjectRef,
}

impl<R> Default for List<R> {
    fn default() -> Self {
        Self::Inline(Vec::new())
    }
}

impl<R> List<R> {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Inline(rows) => rows.len() as u64,
            Self::Stored(stored) => stored.count,
        }
    }
}
