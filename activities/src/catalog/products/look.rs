//! A product as its row wants it, and as it looks.

use std::collections::BTreeMap;

use contracts::catalog::{Product, ProductStatus};
use contracts::money::Money;
use serde::{Deserialize, Serialize};

use super::attribute::Attribute;

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
    pub(in crate::catalog) name: String,
    pub(in crate::catalog) description: Option<String>,
    pub(in crate::catalog) price: Money,
    /// The prices of its variants, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::catalog) prices: Vec<Money>,
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
