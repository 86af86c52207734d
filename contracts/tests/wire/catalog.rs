//! Catalogues.

use std::collections::BTreeMap;

use contracts::bulk::Written;
use contracts::catalog::{
    ApplyRows, Catalogs, Category, Discount, Given, Image, List, Product, ProductStatus, RowOutcome, Rule,
    StageCounts, Stored, Work,
};
use contracts::money::{Currency, Money};
use contracts::objects::ObjectRef;
use contracts::values::{IdempotencyKey, ProductId, VariantId};
use serde_json::json;
use temporalio_common::ActivityDefinition as _;

use crate::TestResult;
use crate::pinned::pinned;

#[test]
fn activity_names_are_those_in_recorded_histories() {
    let names = [
        (Catalogs::take_lease.name(), "catalog.take_lease"),
        (Catalogs::stage_categories.name(), "catalog.stage_categories"),
        (Catalogs::stage_images.name(), "catalog.stage_images"),
        (Catalogs::stage_products.name(), "catalog.stage_products"),
        (Catalogs::stage_rules.name(), "catalog.stage_rules"),
        (Catalogs::apply.name(), "catalog.apply"),
        (Catalogs::undo.name(), "catalog.undo"),
        (Catalogs::left_standing.name(), "catalog.left_standing"),
    ];
    for (name, recorded) in names {
        assert_eq!(name, recorded);
    }
}

fn object() -> ObjectRef {
    ObjectRef { key: "inputs/a".to_owned(), bytes: 3, sha256: "ff".to_owned() }
}

#[test]
fn rows_of_a_file() -> TestResult {
    let category = Category {
        row: 2,
        path: vec!["Phones".to_owned(), "Cases".to_owned()],
        external_id: Some("7".to_owned()),
        parent_id: Some("cat-1".to_owned()),
        slug: "phones-cases".to_owned(),
        slug_given: true,
        description: Given::Value("Cases".to_owned()),
        attributes: Some(vec!["colour".to_owned()]),
        seo: Default::default(),
    };
    let golden = json!({
        "row": 2, "path": ["Phones", "Cases"], "external_id": "7", "parent_id": "cat-1", "slug": "phones-cases", "slug_given": true,
        "description": "Cases", "attributes": ["colour"],
    });
    let optional = ["/external_id", "/parent_id", "/slug_given", "/description", "/attributes"];
    pinned(&category, &golden, &optional)?;

    let image = Image {
        row: 1,
        file_path: "a.jpg".to_owned(),
        alt_text: Given::Value("A".to_owned()),
        tags: Some(vec!["a".to_owned()]),
        content: Some(object()),
        url: Some("https://shop.example.com/media/a.jpg".to_owned()),
    };
    let golden = json!({
        "row": 1, "file_path": "a.jpg", "alt_text": "A", "tags": ["a"],
        "content": { "key": "inputs/a", "bytes": 3, "sha256": "ff" },
        "url": "https://shop.example.com/media/a.jpg",
    });
    pinned(&image, &golden, &["/alt_text", "/tags", "/content", "/url"])
}

#[test]
fn products_and_rules_of_a_file() -> TestResult {
    let product = Product {
        row: 1,
        sku: ProductId::new("MUG-1")?,
        name: Some("Mug".to_owned()),
        description: Given::Value("Blue".to_owned()),
        price: Some(Money::from_minor_units(5, Currency::VND)),
        variants: [(VariantId::new("MUG-1-BLUE")?, Money::from_minor_units(6, Currency::VND))].into(),
        category: Given::Value("Mugs".to_owned()),
        images: Some(vec!["mug.jpg".to_owned()]),
        attributes: Default::default(),
        seo: Default::default(),
        initial_stock: Some(3),
        location: Some("HN".to_owned()),
        status: Some(ProductStatus::Draft),
    };
    let golden = json!({
        "row": 1, "sku": "MUG-1", "name": "Mug", "description": "Blue",
        "price": { "amount": "5", "currency": "VND" },
        "category": "Mugs", "images": ["mug.jpg"],
        "initial_stock": 3, "location": "HN", "status": "draft",
    });
    let optional =
        ["/name", "/description", "/price", "/category", "/images", "/initial_stock", "/location", "/status"];
    // A map has no fields of its own: what it holds is pinned beside the rest.
    let whole = serde_json::to_value(&product)?;
    assert_eq!(whole["variants"], json!({ "MUG-1-BLUE": { "amount": "6", "currency": "VND" } }));
    assert_eq!(serde_json::from_str::<Product>(&whole.to_string())?, product);
    pinned(&Product { variants: BTreeMap::new(), ..product.clone() }, &golden, &optional)?;
    let rule = Rule {
        row: 1,
        name: "R".to_owned(),
        discount: Discount::Percentage { percent: "7.5".to_owned() },
        category_names: vec!["Mugs".to_owned()],
        category_ids: vec!["cat-1".to_owned()],
        applies_to_all: true,
        min_quantity: Some(2),
        from: Some("2026-12-01T00:00:00Z".parse()?),
        until: Given::Value("2027-01-01T00:00:00Z".parse()?),
        priority: Some(1),
        is_active: Some(true),
    };
    let golden = json!({
        "row": 1, "name": "R", "discount": { "kind": "percentage", "percent": "7.5" },
        "category_names": ["Mugs"], "category_ids": ["cat-1"], "applies_to_all": true, "min_quantity": 2,
        "from": "2026-12-01T00:00:00Z", "until": "2027-01-01T00:00:00Z", "priority": 1, "is_active": true,
    });
    let optional = [
        "/category_names",
        "/category_ids",
        "/applies_to_all",
        "/min_quantity",
        "/from",
        "/until",
        "/priority",
        "/is_active",
    ];
    pinned(&rule, &golden, &optional)
}

#[test]
fn a_list_is_inline_or_stored() -> TestResult {
    let stored: List<u32> = List::Stored(Stored { count: 2, list: object() });
    let golden = json!({ "count": 2, "ref": { "key": "inputs/a", "bytes": 3, "sha256": "ff" } });
    pinned(&stored, &golden, &[])?;
    pinned(&List::Inline(vec![1, 2]), &json!([1, 2]), &[])
}

#[test]
fn a_batch_and_its_outcome() -> TestResult {
    let rows = ApplyRows {
        work: Work::PricingRules,
        key: IdempotencyKey::new("catalog/a/r", "setup-pricing-rules"),
        batch: object(),
        folder: "runs/catalog/a/r".to_owned(),
        quarantine: "quarantine/catalog/a/r".to_owned(),
        uploads: vec![object()],
    };
    let list = json!({ "key": "inputs/a", "bytes": 3, "sha256": "ff" });
    let golden = json!({
        "work": "pricing_rules", "key": "catalog/a/r/setup-pricing-rules", "batch": list,
        "folder": "runs/catalog/a/r", "quarantine": "quarantine/catalog/a/r", "uploads": [list],
    });
    pinned(&rows, &golden, &["/uploads"])?;
    let outcome = RowOutcome { row: 1, action: "created".to_owned(), ..RowOutcome::default() };
    let written = Written { rows: vec![outcome], ..Written::default() };
    let golden = json!({ "rows": [{ "row": 1, "action": "created" }] });
    assert_eq!(serde_json::to_value(&written)?, golden);
    assert_eq!(serde_json::from_value::<Written<RowOutcome>>(golden)?, written);
    let counts = StageCounts { to_create: 1, ..StageCounts::default() };
    let golden = json!({
        "to_create": 1, "to_update": 0, "unchanged": 0, "prices_to_zero": 0, "prices_jump": 0,
    });
    assert_eq!(serde_json::to_value(counts)?, golden);
    Ok(())
}
