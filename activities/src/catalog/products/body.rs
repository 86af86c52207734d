//! Products on the wire.

use std::collections::BTreeMap;

use contracts::catalog::ProductStatus;
use contracts::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Look;
use super::attribute::Attribute;
use crate::catalog::client::{SYSTEM, id_of, unknown_word, unreadable};
use crate::catalog::kind::Existing;
use crate::http::CallError;
use crate::http::wire::{Amount, amount, money};

/// A product as the platform shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "product_id")]
    product_id: Option<String>,
    pub(super) sku: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    price: Box<RawValue>,
    currency: String,
    #[serde(default)]
    category_id: Option<String>,
    #[serde(default)]
    images: Option<Vec<Picture>>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(default)]
    meta_title: Option<String>,
    #[serde(default)]
    meta_description: Option<String>,
    status: String,
    #[serde(default)]
    variants: Vec<Variant>,
}

/// A picture of a product: its address, alone or with more about it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Picture {
    Url(String),
    Described { url: String },
}

#[derive(Deserialize)]
struct Variant {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    variant_id: Option<String>,
    price: Box<RawValue>,
    currency: String,
}

/// The price of a variant to write.
#[derive(Serialize)]
pub(super) struct VariantPrice<'a> {
    variant: &'a str,
    price: Amount,
    currency: &'static str,
}

/// The variants whose prices differ, with those of the second look.
pub(super) fn other_prices<'a>(now: &Look, wanted: &'a Look) -> Vec<VariantPrice<'a>> {
    let differing = wanted.variants.iter().filter(|(id, price)| now.variants.get(*id) != Some(*price));
    let written = |(id, price): (&'a String, &'a Money)| VariantPrice {
        variant: id,
        price: amount(*price),
        currency: price.currency().code(),
    };
    differing.map(written).collect()
}

impl VariantPrice<'_> {
    pub(super) fn variant(&self) -> &str {
        self.variant
    }
}

/// The answer to a creation.
#[derive(Deserialize)]
pub(super) struct Made {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    product_id: Option<String>,
}

impl Made {
    pub(super) fn id(self) -> Result<String, CallError> {
        id_of(self.id, self.product_id)
    }
}

#[derive(Deserialize)]
pub(super) struct Levels {
    pub(super) levels: Vec<Level>,
}

#[derive(Deserialize)]
pub(super) struct Level {
    pub(super) sku: String,
    pub(super) location: String,
    pub(super) quantity: u32,
}

fn read_money(json: &RawValue, currency: &str) -> Result<Money, CallError> {
    let known = Currency::from_code(currency).ok_or_else(|| unknown_word("currency", currency))?;
    money(json, known).ok_or_else(|| unreadable("price"))
}

/// A product of the shop that has a word which nobody here knows costs its row.
pub(super) fn of_the_row(error: CallError) -> CallError {
    match error {
        CallError::NewWord { .. } => CallError::Unusable {
            system: SYSTEM,
            why: format!("the shop has it, and cannot be understood: {error}"),
        },
        other => other,
    }
}

impl Body {
    /// Its SKU, and how it looks.
    pub(super) fn read(self) -> Result<(String, Existing<Look>), CallError> {
        let (mut prices, mut variants): (Vec<Money>, BTreeMap<String, Money>) = Default::default();
        for variant in self.variants {
            let price = read_money(&variant.price, &variant.currency)?;
            variants.extend(variant.id.or(variant.variant_id).map(|id| (id, price)));
            if !prices.contains(&price) {
                prices.push(price);
            }
        }
        if prices.len() < 2 {
            prices.clear();
        }
        let attributes = self.attributes.unwrap_or_default();
        let images = self.images.unwrap_or_default().into_iter().map(|picture| match picture {
            Picture::Url(url) | Picture::Described { url } => url,
        });
        let state = Look {
            sku: self.sku.clone(),
            name: self.name,
            description: self.description,
            price: read_money(&self.price, &self.currency)?,
            prices,
            variants,
            category_id: self.category_id,
            images: images.collect(),
            attributes: attributes.into_iter().map(|(name, value)| (name, Attribute::of(value))).collect(),
            meta_title: self.meta_title,
            meta_description: self.meta_description,
            status: ProductStatus::from_name(&self.status)
                .ok_or_else(|| unknown_word("status of a product", &self.status))?,
            stock: None,
        };
        Ok((self.sku, Existing { id: id_of(self.id, self.product_id)?, state }))
    }
}

/// The fields of a product to write; those that stay are left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Write<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Option<&'a BTreeMap<String, Attribute>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta_title: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta_description: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl Write<'_> {
    pub(super) fn is_empty(&self) -> bool {
        serde_json::to_string(self).is_ok_and(|json| json == "{}")
    }
}

/// A product to be made.
pub(super) fn create<'a>(sku: &'a str, look: &'a Look) -> Write<'a> {
    let list = |is_empty: bool| !is_empty;
    Write {
        sku: Some(sku),
        product_type: Some("simple"),
        name: Some(&look.name),
        description: look.description.as_deref().map(Some),
        price: Some(amount(look.price)),
        currency: Some(look.price.currency().code()),
        category_id: look.category_id.as_deref().map(Some),
        images: list(look.images.is_empty()).then_some(look.images.as_slice()),
        attributes: list(look.attributes.is_empty()).then_some(Some(&look.attributes)),
        meta_title: look.meta_title.as_deref().map(Some),
        meta_description: look.meta_description.as_deref().map(Some),
        status: Some(look.status.name()),
    }
}

/// The fields in which two looks differ, with the values of the second; without the prices of single variants.
pub(super) fn differing<'a>(now: &Look, wanted: &'a Look) -> Write<'a> {
    // Where single variants have prices of their own, the product's is that of the cheapest, and follows.
    let costs_otherwise = now.price != wanted.price && wanted.variants.is_empty();
    Write {
        sku: None,
        product_type: None,
        name: (now.name != wanted.name).then_some(&wanted.name),
        description: (now.description != wanted.description).then_some(wanted.description.as_deref()),
        price: costs_otherwise.then(|| amount(wanted.price)),
        currency: costs_otherwise.then(|| wanted.price.currency().code()),
        category_id: (now.category_id != wanted.category_id).then_some(wanted.category_id.as_deref()),
        images: (now.images != wanted.images).then_some(wanted.images.as_slice()),
        attributes: (now.attributes != wanted.attributes)
            .then(|| Some(&wanted.attributes).filter(|attributes| !attributes.is_empty())),
        meta_title: (now.meta_title != wanted.meta_title).then_some(wanted.meta_title.as_deref()),
        meta_description: (now.meta_description != wanted.meta_description)
            .then_some(wanted.meta_description.as_deref()),
        status: (now.status != wanted.status).then(|| wanted.status.name()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_product_that_cannot_be_understood_says_why_in_words_alone() {
        for (price, currency, status, said) in [
            ("1", "VND", "hibernating", "its status of a product is not known here: \"hibernating\""),
            (
                "1",
                "VND",
                "of Lan Pham",
                "its status of a product is not known here: something that is not a word",
            ),
            ("1", "Lan Pham", "active", "its currency is not known here: something that is not a word"),
            ("0901234567 (Lan)", "VND", "active", "its price cannot be read"),
        ] {
            let product = json!({
                "id": "p1", "sku": "A", "name": "A", "price": price, "currency": currency, "status": status,
            });
            let body: Body = serde_json::from_str(&product.to_string()).expect("a product");
            let error = body.read().map(drop).expect_err("not understood");
            assert_eq!(error.to_string(), format!("commerce: {said}"));
        }
    }
}
