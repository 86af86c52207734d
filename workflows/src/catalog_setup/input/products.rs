//! The products of a file.

use contracts::catalog::{Given, Kind, List, Product, ProductStatus, WrongRow};
use contracts::money::Currency;
use contracts::values::{PRODUCT_NAME_MAX, ProductId};
use serde_json::value::RawValue;

use super::categories::prose;
use super::{sorted_out, stored};
use crate::input::parsed::at_most;
use crate::input::people::words;
use crate::input::rows::changes;
use crate::input::{Fields, Refusal, id, money, refuse, text, title};

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
    let key_of = |product: &Product| (product.row, product.sku.to_string());
    Some(List::Inline(sorted_out(Kind::Product, read, key_of, wrong)))
}

fn one(row: u32, fields: &Fields<'_>, currency: Currency) -> Option<Product> {
    let sku: Option<ProductId> = fields.required("sku", id);
    let name = fields.optional("name", title(PRODUCT_NAME_MAX));
    let description = fields.given("description", prose(text::DESCRIPTION_MAX));
    let price = fields.optional("price", money(currency));
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
