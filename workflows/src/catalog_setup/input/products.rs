//! The products of a file.

use std::collections::BTreeMap;

use contracts::catalog::{Given, Kind, List, Product, ProductStatus, WrongRow};
use contracts::money::{Currency, Money};
use contracts::values::{PRODUCT_NAME_MAX, ProductId, VariantId};
use serde_json::value::RawValue;

use super::categories::prose;
use super::{sorted_out, stored};
use crate::input::parsed::at_most;
use crate::input::people::words;
use crate::input::rows::{WrongEntry, changes};
use crate::input::{Fields, Problem, Refusal, id, money, refuse, text, title};

/// The keys of `seo_settings`.
pub(super) const SEO_KEYS: [&str; 2] = ["meta_title", "meta_description"];
/// Pieces on a shelf at most.
const STOCK_MAX: u32 = 1_000_000_000;

/// Reads the list, or where it is stored; wrong entries go to the others.
pub(super) fn read(
    fields: &Fields<'_>,
    currency: Currency,
    wrong: &mut Vec<WrongRow>,
) -> Option<List<Product>> {
    if let Some(stored) = stored(fields, "products") {
        return Some(List::Stored(stored));
    }
    let read = fields.rows("products", "sku", |row, fields| one(row, fields, currency));
    Some(List::Inline(taken(read, wrong)))
}

/// The products that can be used; rows of several variants of one product are that product.
pub(super) fn taken(read: Vec<Result<Product, WrongEntry>>, wrong: &mut Vec<WrongRow>) -> Vec<Product> {
    let key_of = |product: &Product| (product.row, product.sku.to_string());
    sorted_out(Kind::Product, joined(read), key_of, wrong)
}

fn joined(read: Vec<Result<Product, WrongEntry>>) -> Vec<Result<Product, WrongEntry>> {
    let mut first_of: BTreeMap<ProductId, usize> = BTreeMap::new();
    let mut all: Vec<Result<Product, WrongEntry>> = Vec::with_capacity(read.len());
    for entry in read {
        let Ok(product) = &entry else {
            all.push(entry);
            continue;
        };
        if product.variants.is_empty() {
            all.push(entry);
            continue;
        }
        match first_of.get(&product.sku).and_then(|place| all.get_mut(*place)) {
            Some(Ok(first)) => match join(first, product) {
                Ok(()) => {}
                Err(problem) => all.push(Err(WrongEntry {
                    row: product.row,
                    key: Some(product.sku.to_string()),
                    problems: vec![problem],
                })),
            },
            _ => {
                first_of.insert(product.sku.clone(), all.len());
                all.push(entry);
            }
        }
    }
    all
}

/// Adds the row of another variant of a product.
fn join(first: &mut Product, other: &Product) -> Result<(), Problem> {
    let of_itself = |product: &Product| Product { row: 0, variants: BTreeMap::new(), ..product.clone() };
    let (row, own, others) = (first.row, of_itself(first), of_itself(other));
    let is_other = |(variant, price): (&VariantId, &Money)| {
        first.variants.get(variant).is_some_and(|known| known != price)
    };
    if other.variants.iter().any(is_other) {
        return Err(Problem::new("variant", format!("has another price in row {row}"), "keep one of them"));
    }
    let nothing = nothing(&own);
    if own == nothing {
        *first = Product { row, variants: first.variants.clone(), ..others };
    } else if others != nothing && others != own {
        let problem = format!("is of a product about which row {row} says something else");
        return Err(Problem::new(
            "variant",
            problem,
            "say what is not its price in one row, or the same in all",
        ));
    }
    first.variants.extend(other.variants.clone());
    Ok(())
}

/// The product of which nothing is said.
fn nothing(product: &Product) -> Product {
    Product {
        row: 0,
        sku: product.sku.clone(),
        name: None,
        description: Given::Absent,
        price: None,
        variants: BTreeMap::new(),
        category: Given::Absent,
        images: None,
        attributes: BTreeMap::new(),
        seo: BTreeMap::new(),
        initial_stock: None,
        location: None,
        status: None,
    }
}

pub(super) fn one(row: u32, fields: &Fields<'_>, currency: Currency) -> Option<Product> {
    let sku: Option<ProductId> = fields.required("sku", id);
    let name = fields.optional("name", title(PRODUCT_NAME_MAX));
    let description = fields.given("description", prose(text::DESCRIPTION_MAX));
    let mut price = fields.optional("price", money(currency));
    let variant: Option<VariantId> = fields.optional("variant", id);
    let variants: BTreeMap<VariantId, Money> = match (variant, price) {
        (Some(variant), Some(own)) => {
            price = None;
            [(variant, own)].into()
        }
        (Some(_), None) => {
            fields.problem("variant", "is named without a price", "give its price, or leave the variant out");
            BTreeMap::new()
        }
        (None, _) => BTreeMap::new(),
    };
    let category = fields.given("category_name", text(1_000));
    let images = fields.given_list("images", words(100, 1_000));
    let attributes = fields.optional("attributes", changes(1_000, None)).unwrap_or_default();
    let seo = fields.optional("seo_settings", changes(1_000, Some(&SEO_KEYS))).unwrap_or_default();
    let initial_stock = fields.optional("initial_stock", at_most(STOCK_MAX));
    let location = fields.optional("location", text(100));
    let status = fields.optional("status", status);
    if matches!(category, Given::Empty) {
        fields.problem(
            "category_name",
            "is null",
            "a product stands in a category: name one, or leave it out",
        );
    }
    Some(Product {
        row,
        sku: sku?,
        name,
        description,
        price,
        variants,
        category,
        images,
        attributes,
        seo,
        initial_stock,
        location,
        status,
    })
}

fn status(value: &RawValue) -> Result<ProductStatus, Refusal> {
    let name = text(20)(value)?;
    let known = ProductStatus::ALL.map(ProductStatus::name);
    ProductStatus::from_name(&name)
        .map_or_else(|| refuse("is not a status", ::text::did_you_mean(&name, &known)), Ok)
}
