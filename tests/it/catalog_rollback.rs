//! A setup that takes back what it wrote: by its policy, or because a person asked for it.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES, SAMPLE};
use tests::matrix::{is, refused, slow};

/// The operations of the steps that write, in their order.
const OPERATIONS: [&str; 6] = [
    "categories.create",
    "media.upload",
    "products.create",
    "inventory.create",
    "rules.create",
    "products.seo",
];

/// The sample under `all_or_nothing`, its picture in the store, and a product that the shop has already changed by it.
async fn input(shop: &CatalogWorld) -> anyhow::Result<Value> {
    let mut input: Value = serde_json::from_str(SAMPLE)?;
    let picture = std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?;
    input["images"][0]["content"] = shop.keep(&picture).await?;
    input["policy"] = json!("all_or_nothing");
    let changed =
        json!({ "sku": "MOUSE-001", "name": "Mouse", "description": "Quick", "category_name": "Laptops" });
    let new = json!({ "sku": "NEW-001", "name": "New", "price": 7, "category_name": "Laptops", "initial_stock": 3,
        "images": ["laptop-001.jpg"] });
    input["products"] = json!([changed, new]);
    Ok(input)
}

#[tokio::test]
async fn a_failure_at_each_step_leaves_the_shop_as_it_was() -> anyhow::Result<()> {
    let mut shop = CatalogWorld::with("shop").await?;
    for operation in &OPERATIONS[..5] {
        shop.renew("shop").await?;
        let before = shop.shelf().await?;
        shop.world.shop.faults(json!([refused(operation, 422)])).await?;
        let run = shop.start(&input(&shop).await?).await?;
        let (message, report) =
            run.ended().await?.failed_as("RowsRefused").with_context(|| (*operation).to_owned())?;
        ensure!(message.contains("refused by the shop: "), "{operation}: {message}");
        is(operation, &shop.shelf().await?, &before)?;
        ensure!(!report.undone.is_empty(), "{operation}: nothing was undone");
        ensure!(report.notes.is_empty(), "{operation}: {:?}", report.notes);
        shop.world.shop.clean().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_undo_at_each_step_leaves_the_shop_as_it_was() -> anyhow::Result<()> {
    let mut shop = CatalogWorld::with("shop").await?;
    for operation in OPERATIONS {
        shop.renew("shop").await?;
        let before = shop.shelf().await?;
        shop.world.shop.faults(json!([slow(operation, 700)])).await?;
        let mut input = input(&shop).await?;
        input["policy"] = json!("keep_good_rows");
        let run = shop.start(&input).await?;
        shop.world.shop.requested(operation).await?;
        let accepted = run.undo("wrong file").await.map_err(anyhow::Error::msg)?;
        ensure!(!accepted.will_undo.is_empty(), "{operation}: nothing will be undone");
        let result = run.ended().await?.completed().with_context(|| operation.to_owned())?;
        is("outcome", &result.outcome.as_str(), &"cancelled")?;
        is(operation, &shop.shelf().await?, &before)?;
        shop.world.shop.clean().await?;
    }
    Ok(())
}

/// More rows than a worker holds at once: they are staged, written and taken back part by part.
#[tokio::test]
async fn more_rows_than_are_held_at_once_are_taken_back_to_the_last() -> anyhow::Result<()> {
    const ROWS: usize = 1_300;
    let mut shop = CatalogWorld::without_worker("shop").await?;
    // So many rows take a busy machine longer than the tests' usual patience.
    shop.start_worker(&["--erp-patience=2m"])?;
    let before = shop.shelf().await?;
    let rows = (1..=ROWS).map(|row| {
        json!({ "row": row, "sku": format!("L-{row}"), "name": format!("Long {row}"),
        "price": { "amount": "7", "currency": "VND" }, "category": "Wares" })
    });
    let lines: Vec<String> = rows.map(|row| row.to_string()).collect();
    let list = shop.store.put("inputs", "jsonl", lines.join("\n").into_bytes()).await?;
    let input = json!({ "policy": "all_or_nothing", "categories": [{ "name": "Wares" }],
        "products": { "count": ROWS, "ref": list },
        "pricing_rules": [{ "name": "R", "type": "percentage", "value": 10,
            "conditions": { "category_names": ["Wares"] } }] });
    shop.world.shop.faults(json!([refused("rules.create", 422)])).await?;
    let (message, report) = shop.start(&input).await?.ended().await?.failed_as("RowsRefused")?;
    ensure!(message.contains("refused by the shop: "), "{message}");
    is("made", &shop.writes().await?.get("products.create"), &Some(&ROWS))?;
    is("shelf", &shop.shelf().await?, &before)?;
    ensure!(report.notes.is_empty(), "{:?}", report.notes);
    shop.world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn a_cancel_keeps_what_was_written_and_the_next_run_goes_on() -> anyhow::Result<()> {
    let shop = CatalogWorld::with("shop").await?;
    shop.world.shop.faults(json!([slow("products.create", 700)])).await?;
    let mut input = input(&shop).await?;
    input["policy"] = json!("keep_good_rows");
    let run = shop.start(&input).await?;
    shop.world.shop.requested("products.create").await?;
    let accepted = run.cancel("later").await.map_err(anyhow::Error::msg)?;
    is("will undo", &accepted.will_undo, &Vec::<String>::new())?;
    let result = run.ended().await?.completed()?;
    is("outcome", &result.outcome.as_str(), &"cancelled")?;
    is("categories", &shop.shelf().await?["categories"].as_array().map(Vec::len), &Some(2))?;
    shop.world.shop.mend().await?;
    let result = shop.start(&input).await?.ended().await?.completed()?;
    is("failed", &result.failed_rows, &0)?;
    let made = shop.writes().await?;
    is("made once", &(made.get("categories.create"), made.get("products.create")), &(Some(&2), Some(&1)))
}

/// A row that somebody else has written, or ordered, since is not taken back, and is listed.
#[tokio::test]
async fn what_somebody_else_has_changed_since_is_left_standing() -> anyhow::Result<()> {
    let shop = CatalogWorld::with("shop").await?;
    shop.world.shop.faults(json!([slow("products.seo", 1_500)])).await?;
    let input = input(&shop).await?;
    let run = shop.start(&input).await?;
    shop.world.shop.requested("products.seo").await?;
    for (sku, body) in [
        ("NEW-001", json!({ "description": "A person's words" })),
        ("MOUSE-001", json!({ "description": "A person's words" })),
    ] {
        let url = format!("{}/api/v1/products/{sku}", shop.world.shop.url());
        let put = reqwest::Client::new().put(url).header("content-type", "application/json");
        ensure!(put.body(body.to_string()).send().await?.status().is_success(), "{sku} is not changed");
    }
    run.undo("wrong file").await.map_err(anyhow::Error::msg)?;
    let result = run.ended().await?.completed()?;
    let mut notes = result.steps.notes.clone();
    notes.sort();
    let wanted = [
        "left standing: Electronics > Laptops: refused by the shop: CATEGORY_NOT_EMPTY",
        "left standing: Electronics: refused by the shop: CATEGORY_NOT_EMPTY",
        "left standing: MOUSE-001: somebody else has changed it since",
        "left standing: NEW-001: somebody else has changed it since",
        "left standing: /uploads/laptop-001.jpg: refused by the shop: MEDIA_IN_USE",
    ];
    let mut wanted = wanted.map(str::to_owned).to_vec();
    wanted.sort();
    is("left standing", &notes, &wanted)?;
    let counted = tests::world::in_words(&result.steps.left_standing);
    is("counted", &counted, &vec!["rows (left standing: 5, named in the notes)".to_owned()])?;
    let shelf = shop.shelf().await?;
    let find = |sku: &str| {
        let products = shelf["products"].as_array().into_iter().flatten();
        products.filter(|product| product["sku"] == sku).map(|product| product["description"].clone()).next()
    };
    let words = Some(json!("A person's words"));
    is("descriptions", &(find("NEW-001"), find("MOUSE-001")), &(words.clone(), words))?;
    is("rules", &shelf["rules"], &json!([]))
}
