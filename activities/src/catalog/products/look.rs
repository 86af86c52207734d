//! A product as its row wants it, and as it looks.

use std::collections::BTreeMap;

use contracts::catalog::{Product, ProductStatus};
use contracts::money::Money;
use contracts::values::VariantId;
use serde::{Deserialize, Serialize};

use super::attribute::Attribute;
use crate::catalog::kind::Existing;

/// Where stock lies that names no place.
const LOCATION: &str = "default";

/// Where the stock of a product is to lie.
pub(super) fn location(product: &Product) -> &str {
    product.location.as_deref().unwrap_or(LOCATION)
}

/// A product that was staged: its category as a path from the top, its pictures as the hashes of their contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::catalog) struct Staged {
    pub(in crate::catalog) product: Product,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::catalog) category: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::catalog) pictures: Option<Vec<String>>,
}

/// How a product looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::catalog) struct Look {
    #[serde(default)]
    pub(in crate::catalog) sku: String,
    pub(in crate::catalog) name: String,
    pub(in crate::catalog) description: Option<String>,
    pub(in crate::catalog) price: Money,
    /// The prices of its variants, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::catalog) prices: Vec<Money>,
    /// The prices of the variants that the row names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::catalog) variants: BTreeMap<String, Money>,
    pub(in crate::catalog) category_id: Option<String>,
    /// Addresses, in their order.
    pub(in crate::catalog) images: Vec<String>,
    pub(in crate::catalog) attributes: BTreeMap<String, Attribute>,
    pub(in crate::catalog) meta_title: Option<String>,
    pub(in crate::catalog) meta_description: Option<String>,
    pub(in crate::catalog) status: ProductStatus,
    /// Where the row says how much of it lies: how much does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::catalog) stock: Option<u32>,
}

/// A price that a row sets, beside the one that is there.
pub(in crate::catalog) struct Move<'r> {
    pub(in crate::catalog) variant: Option<&'r VariantId>,
    pub(in crate::catalog) from: Option<Money>,
    pub(in crate::catalog) to: Money,
}

impl Staged {
    /// The look of a product as far as this row is about it: the prices of other variants are somebody else's.
    pub(super) fn part_of(&self, mut look: Existing<Look>) -> Existing<Look> {
        look.state.variants.retain(|id, _| self.product.variants.keys().any(|named| named.as_str() == id));
        look
    }

    /// Whether the platform is to write its text for search engines: neither the file nor the shop says one.
    pub(in crate::catalog) fn needs_text(&self, now: Option<&Look>) -> bool {
        let is_said = self.product.seo.contains_key("meta_description");
        !is_said && now.is_none_or(|now| now.meta_description.is_none())
    }

    /// The prices that it sets. One that some of several variants have changes nothing.
    pub(in crate::catalog) fn moves<'r>(&'r self, now: Option<&Look>) -> Vec<Move<'r>> {
        let own = self.product.price.filter(|_| now.is_none_or(|now| now.prices.is_empty()));
        let own = own.map(|to| Move { variant: None, from: now.map(|now| now.price), to });
        let variants = self.product.variants.iter().map(|(variant, to)| Move {
            variant: Some(variant),
            from: now.and_then(|now| now.variants.get(variant.as_str()).copied()),
            to: *to,
        });
        own.into_iter().chain(variants).collect()
    }
}

impl Look {
    /// Whether a price can be given to a product whose variants have several.
    pub(super) fn must_cost(&self, price: Money) -> Result<(), String> {
        if self.prices.contains(&price) {
            return Ok(());
        }
        let all: Vec<String> = self.prices.iter().map(ToString::to_string).collect();
        let all = all.join(", ");
        Err(format!("its variants have prices of their own ({all}): name the one that is meant as `variant`"))
    }
}
