//! Products by CSV or workbook, with categories and rules beside them; categories with ids of their own; prices of
//! single variants.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES};
use tests::matrix::is;
use tests::starter::Called;

fn ended(called: &Called, code: i32) -> anyhow::Result<Value> {
    ensure!(called.code == Some(code), "{:?}: {} {}", called.code, called.err, called.out);
    called.json()
}

fn write(shop: &CatalogWorld, name: &str, content: &str) -> anyhow::Result<String> {
    let path: PathBuf = shop.folder().join(name);
    std::fs::write(&path, content)?;
    Ok(path.display().to_string())
}

async fn product(shop: &CatalogWorld, sku: &str) -> anyhow::Result<Value> {
    let shelf = shop.shelf().await?;
    let products = shelf["products"].as_array().context("products")?;
    products.iter().find(|product| product["sku"] == sku).cloned().with_context(|| format!("no {sku}"))
}

const COLUMNS: &str = r#"{
    "sku": "Mã", "name": "Tên", "price": {"from": "Giá", "decimal": ",", "thousands": "."}, "category_name": "Nhóm",
    "images": "Ảnh", "description": "Mô tả", "attributes.ram": "RAM", "initial_stock": "Tồn",
    "status": {"from": "Bán", "lookup": {"có": "active", "không": "inactive"}}
}"#;

/// C5
#[tokio::test]
async fn a_csv_of_a_shop_comes_in_with_categories_and_rules_beside_it() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let beside = json!({
        "categories": [{ "name": "Laptops" }],
        "pricing_rules": [{ "name": "R", "type": "percentage", "value": 10,
            "conditions": { "category_names": ["Laptops"] } }],
    });
    let map = write(&shop, "columns.json", COLUMNS)?;
    let csv = "Mã,Tên,Giá,Nhóm,Ảnh,Mô tả,RAM,Tồn,Bán,Ghi chú\n\
               LAP-1,Máy A,25.000.000,Laptops,laptop-001.jpg,Nhanh,16GB,5,có,x\n\
               LAP-2,Máy B,1.000.000,Laptops,,,8GB,,không,\n";
    let table = write(&shop, "products.csv", csv)?;
    let more = ["--products", &table, "--map", &map, "--images", IMAGES];
    let result = ended(&shop.setup(&beside, &more).await?, 0)?;
    is("rows", &(&result["products"][0]["row"], &result["products"][1]["row"]), &(&json!(2), &json!(3)))?;
    let (first, second) = (product(&shop, "LAP-1").await?, product(&shop, "LAP-2").await?);
    is("price", &first["price"], &json!(25_000_000))?;
    is("picture", &first["images"].as_array().map(Vec::len), &Some(1))?;
    is("attributes", &first["attributes"], &json!({ "ram": "16GB" }))?;
    is("category", &first["categoryId"], &shop.shelf().await?["categories"][0]["id"])?;
    is("stock", &first["variants"][0]["inventory"]["quantity"], &json!(5))?;
    is("status", &second["status"], &json!("inactive"))?;
    let writes = shop.writes().await?;
    ended(&shop.setup(&beside, &more).await?, 0)?;
    is("the same again", &shop.writes().await?, &writes)?;

    // An empty cell says nothing; the marker empties.
    let csv = "Mã,Tên,Giá,Nhóm,Ảnh,Mô tả,RAM,Tồn,Bán,Ghi chú\n\
               LAP-1,,,,,,(empty),,,\nLAP-2,,,,,(empty),,,,\n";
    let table = write(&shop, "changed.csv", csv)?;
    ended(&shop.call(&["--products", &table, "--map", &map], None).await?, 0)?;
    let first = product(&shop, "LAP-1").await?;
    is("description", &first["description"], &json!("Nhanh"))?;
    is("picture", &first["images"].as_array().map(Vec::len), &Some(1))?;
    ensure!(first["attributes"].get("ram").is_none(), "{first}");
    is("one write for each change", &changes(&shop, &writes).await?, &1)
}

async fn changes(
    shop: &CatalogWorld,
    before: &std::collections::BTreeMap<String, usize>,
) -> anyhow::Result<usize> {
    let after = shop.writes().await?;
    Ok(after.values().sum::<usize>() - before.values().sum::<usize>())
}

#[tokio::test]
async fn every_problem_of_a_workbook_has_its_cell() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Products")?;
    for (column, name) in (0..).zip(["sku", "name", "price", "status", "images"]) {
        sheet.write(0, column, name)?;
    }
    sheet.write(1, 0, 100_045)?.write(1, 1, "Mug")?.write(1, 2, 90_000)?;
    sheet.write(2, 0, "B")?.write(2, 1, "B")?.write(2, 2, 1.5)?;
    let percent = Format::new().set_num_format("0%");
    sheet.write(3, 0, "C")?.write(3, 1, "C")?.write_with_format(3, 2, 0.1, &percent)?;
    sheet.write(4, 0, "D")?.write(4, 1, "D")?.write(4, 2, "#N/A")?;
    sheet.write(5, 0, "E")?.write(5, 1, "E")?.write(5, 2, "(empty)")?;
    sheet.write(6, 0, "F")?.write(6, 1, "F")?.write(6, 2, 5)?.write(6, 3, "sold")?;
    sheet.write(7, 0, "G")?.write(7, 1, "G")?.write(7, 2, 5)?.write(7, 4, "nowhere.jpg")?;
    let path = shop.folder().join("products.xlsx");
    book.save(&path)?;
    let path = path.display().to_string();
    let result = ended(&shop.call(&["--products", &path, "--images", IMAGES], None).await?, 7)?;
    let mut causes: Vec<(u64, &str, &str)> = result["products"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            (row["row"].as_u64().unwrap_or_default(), text("action"), text("cause"))
        })
        .collect();
    causes.sort_unstable();
    let wanted = [
        (2, "created", ""),
        (3, "failed", "price has more decimals than VND allows (0) (Products!C3)"),
        (4, "failed", "price shows a percentage, and no number of its kind (Products!C4)"),
        (5, "failed", "price shows #N/A in place of a value (Products!C5)"),
        (6, "failed", "price is (empty), and cannot be emptied (Products!C6)"),
        (7, "failed", "status is not a status (Products!D7)"),
        (8, "failed", "its picture 'nowhere.jpg' is not among the images"),
    ];
    is("rows", &causes.len(), &wanted.len())?;
    for ((row, action, cause), (wanted_row, wanted_action, begin)) in causes.iter().zip(wanted) {
        is("row", &(*row, *action), &(wanted_row, wanted_action))?;
        ensure!(cause.starts_with(begin), "row {row}: {cause}");
    }
    is("a number is a SKU by its digits", &product(&shop, "100045").await?["name"], &json!("Mug"))?;
    // Nothing starts that would be all or nothing, and a column that nobody knows is named.
    let refused = shop.call(&["--products", &path, "--policy", "all-or-nothing"], None).await?;
    is("exit code", &refused.code, &Some(2))?;
    ensure!(refused.out.contains("Products!C3"), "{}", refused.out);
    let table = write(&shop, "typo.csv", "sku,nmae\nA,B\n")?;
    let refused = shop.call(&["--products", &table], None).await?;
    is("exit code", &refused.code, &Some(2))?;
    ensure!(refused.out.contains("did you mean 'name'?"), "{}", refused.out);
    Ok(())
}

/// The sample of the README: thirty products of a spreadsheet, with categories and rules beside it.
#[tokio::test]
async fn the_sample_of_a_spreadsheet_comes_onto_the_shelf() -> anyhow::Result<()> {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../starter/samples");
    let shop = CatalogWorld::with("shop").await?;
    let [input, products] = ["spring.json", "spring.csv"].map(|name| format!("{FOLDER}/{name}"));
    let args = ["--input", &input, "--products", &products, "--images", IMAGES];
    let previewed = ended(&shop.call(&[&args[..], &["--dry-run"]].concat(), None).await?, 0)?;
    is("to be made", &previewed["compared"]["product"]["to_create"], &json!(30))?;
    let result = ended(&shop.call(&args, None).await?, 0)?;
    let made = result["products"].as_array().map_or(0, Vec::len);
    is("products, failed", &(made, result["failed_rows"].as_u64()), &(30, Some(0)))?;
    let page = reqwest::get(format!("{}/_sandbox/shop", shop.world.shop.url())).await?.text().await?;
    for shown in ["Electronics / Laptops", "Áo dài for Children", "Desk week", "Watering Can 5 l"] {
        anyhow::ensure!(page.contains(shown), "{shown} is not on the shelf");
    }
    is("pictures", &page.matches("<img ").count(), &30)?;
    let before = shop.writes().await?;
    ended(&shop.call(&args, None).await?, 0)?;
    is("writes of the same file again", &shop.writes().await?, &before)
}

/// The list travels through the object store.
#[tokio::test]
async fn a_table_of_any_length_is_a_small_input() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let rows: String = (1..=1_500).map(|row| format!("S-{row},{},{row}\n", "Name ".repeat(40))).collect();
    let table = write(&shop, "long.csv", &format!("sku,name,price\n{rows}"))?;
    ensure!(std::fs::metadata(&table)?.len() > 256 * 1024, "the table is short");
    let dry = ended(&shop.call(&["--products", &table, "--dry-run"], None).await?, 0)?;
    is("to create", &dry["compared"]["product"]["to_create"], &json!(1_500))
}

fn category<'s>(shelf: &'s Value, name: &str) -> anyhow::Result<&'s Value> {
    let categories = shelf["categories"].as_array().context("categories")?;
    categories.iter().find(|category| category["name"] == name).with_context(|| format!("no {name}"))
}

/// A rename is a rename: the category keeps its id, its link, its products and its children.
#[tokio::test]
async fn a_category_with_an_id_of_its_own_is_renamed_and_moved() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let first = json!({
        "categories": [
            { "name": "Phones", "external_id": "7" },
            { "name": "Cases", "parent_name": "Phones", "external_id": "8" },
            { "name": "Slim", "parent_name": "Cases" },
            { "name": "Old" },
        ],
        "products": [{ "sku": "A", "name": "A", "price": 1, "category_name": "Slim" }],
    });
    ended(&shop.setup(&first, &[]).await?, 0)?;
    let before = shop.shelf().await?;
    let writes = shop.writes().await?;
    let renamed = json!({
        "categories": [
            { "name": "Smartphones", "external_id": "7" },
            { "name": "Covers", "parent_name": "Smartphones", "external_id": "8" },
            { "name": "Slim", "parent_name": "Covers" },
            { "name": "New" },
        ],
        "products": [{ "sku": "A", "category_name": "Smartphones > Covers > Slim" }],
    });
    let dry = ended(&shop.setup(&renamed, &["--dry-run"]).await?, 0)?;
    let counts = &dry["compared"];
    is(
        "categories",
        &(&counts["category"]["to_create"], &counts["category"]["to_update"]),
        &(&json!(1), &json!(2)),
    )?;
    is("products", &counts["product"]["unchanged"], &json!(1))?;
    let notes = dry["steps"]["notes"].to_string();
    // Without an id of its own a new name is another category, and the preview says so.
    ensure!(notes.contains("new category: New"), "{notes}");
    ended(&shop.setup(&renamed, &[]).await?, 0)?;
    let after = shop.shelf().await?;
    for (old, new) in [("Phones", "Smartphones"), ("Cases", "Covers"), ("Slim", "Slim")] {
        let (old, new) = (category(&before, old)?, category(&after, new)?);
        is("id", &new["id"], &old["id"])?;
        is("link", &new["slug"], &old["slug"])?;
    }
    is("writes", &changes(&shop, &writes).await?, &3)?;
    ended(&shop.setup(&renamed, &[]).await?, 0)?;
    is("the same again", &changes(&shop, &writes).await?, &3)?;

    // It stands where its path says.
    let moved = json!({ "categories": [{ "name": "New" }, { "name": "Covers", "parent_name": "New", "external_id": "8" }] });
    ended(&shop.setup(&moved, &[]).await?, 0)?;
    let shelf = shop.shelf().await?;
    is("parent", &category(&shelf, "Covers")?["parentId"], &category(&shelf, "New")?["id"])?;
    let twice =
        json!({ "categories": [{ "name": "A", "external_id": "1" }, { "name": "B", "external_id": "1" }] });
    let refused = shop.setup(&twice, &[]).await?;
    is("exit code", &refused.code, &Some(2))?;
    ensure!(refused.out.contains("of 'B' (row 2) is that of 'A' (row 1)"), "{}", refused.out);
    // Another id for a path that the shop knows is another category, which cannot stand there.
    let other = json!({ "categories": [{ "name": "Smartphones", "external_id": "9" }] });
    let refused = shop.setup(&other, &[]).await?;
    is("exit code", &refused.code, &Some(1))?;
    ensure!(refused.out.contains("under another external_id, '7'"), "{}", refused.out);
    Ok(())
}

async fn variants(shop: &CatalogWorld) -> anyhow::Result<Vec<(String, i64)>> {
    let product = product(shop, "LAPTOP-001").await?;
    let variants = product["variants"].as_array().context("variants")?;
    let read =
        |variant: &Value| Some((variant["variant_id"].as_str()?.to_owned(), variant["price"].as_i64()?));
    variants.iter().map(|variant| read(variant).context("a variant")).collect()
}

#[tokio::test]
async fn a_row_that_names_a_variant_changes_its_price_alone() -> anyhow::Result<()> {
    let shop = CatalogWorld::with("shop").await?;
    let before = variants(&shop).await?;
    ensure!(before.len() >= 2, "the sandbox has another laptop: {before:?}");
    let rows = |prices: &[i64]| -> Value {
        let rows = before.iter().zip(prices).map(|((variant, _), price)| {
            json!({ "sku": "LAPTOP-001", "variant": variant, "price": price, "description": "Both" })
        });
        json!({ "products": rows.collect::<Vec<_>>(), "policy": "all_or_nothing" })
    };
    let raised: Vec<i64> = before.iter().map(|(_, price)| price + 1_000_000).collect();
    let dry = ended(&shop.setup(&rows(&raised), &["--dry-run"]).await?, 0)?;
    let first = &dry["largest_price_moves"][0];
    ensure!(before.iter().any(|(variant, _)| first["variant"] == json!(variant)), "{first}");
    ended(&shop.setup(&rows(&raised), &[]).await?, 0)?;
    let after: Vec<i64> = variants(&shop).await?.into_iter().map(|(_, price)| price).collect();
    is("prices", &after, &raised)?;
    is("once for the product", &product(&shop, "LAPTOP-001").await?["description"], &json!("Both"))?;
    let again = ended(&shop.setup(&rows(&raised), &[]).await?, 0)?;
    is("the same again", &again["products"][0]["action"], &json!("unchanged"))?;

    // One of them, and everything is taken back.
    let mut input = rows(&raised[..1].iter().map(|price| price + 1).collect::<Vec<_>>());
    input["pricing_rules"] =
        json!([{ "name": "R", "type": "percentage", "value": 5, "conditions": { "applies_to_all": true } }]);
    shop.world.shop.faults(json!([tests::matrix::refused("rules.create", 422)])).await?;
    let run = shop.start(&input).await?;
    run.ended().await?.failed_as("RowsRefused")?;
    shop.world.shop.mend().await?;
    let after: Vec<i64> = variants(&shop).await?.into_iter().map(|(_, price)| price).collect();
    is("taken back", &after, &raised)?;

    let unknown = json!({ "products": [{ "sku": "LAPTOP-001", "variant": "LAPTOP-009", "price": 1 }] });
    let result = ended(&shop.setup(&unknown, &[]).await?, 7)?;
    is("cause", &result["products"][0]["cause"], &json!("it has no variant 'LAPTOP-009' at the shop"))
}
