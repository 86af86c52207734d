//! A catalogue comes into the shop, once; the same again writes nothing; what differs is written.

use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES, SAMPLE};
use tests::matrix::is;

const WITH_IMAGES: [&str; 2] = ["--images", IMAGES];

fn sample() -> anyhow::Result<Value> {
    Ok(serde_json::from_str(SAMPLE)?)
}

/// Calls the starter and expects an exit code.
async fn setup(shop: &CatalogWorld, input: &Value, more: &[&str], code: i32) -> anyhow::Result<Value> {
    let called = shop.setup(input, &[&WITH_IMAGES[..], more].concat()).await?;
    anyhow::ensure!(called.code == Some(code), "{:?}: {} {}", called.code, called.err, called.out);
    called.json()
}

#[tokio::test]
async fn the_sample_comes_into_the_shop_and_the_same_again_writes_nothing() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let result = setup(&shop, &sample()?, &[], 0).await?;
    let names: Vec<&Value> =
        result["categories"].as_array().into_iter().flatten().map(|row| &row["name"]).collect();
    is("categories", &names, &vec![&json!("Electronics"), &json!("Electronics > Laptops")])?;
    is("success", &result["success"], &json!(true))?;

    let shelf = shop.shelf().await?;
    let laptops = &shelf["categories"][1];
    is("nested", &laptops["parentId"], &shelf["categories"][0]["id"])?;
    is("slug", &laptops["slug"], &json!("electronics-laptops"))?;
    let product = &shelf["products"][0];
    is("category", &product["categoryId"], &laptops["id"])?;
    is("status", &product["status"], &json!("active"))?;
    is("picture", &product["images"][0]["url"], &result["uploaded_images"][0]["uploaded_url"])?;
    is("attributes", &product["attributes"]["ram"], &json!("16GB"))?;
    is("stock", &shelf["stock"][0]["on_hand"], &json!(50))?;
    anyhow::ensure!(product["metaDescription"].is_string(), "no text for search engines: {product}");
    let conditions: Value =
        serde_json::from_str(shelf["rules"][0]["conditions"].as_str().unwrap_or_default())?;
    is("rule", &conditions, &json!({ "category_ids": [laptops["id"]], "min_quantity": 2 }))?;
    let url = shelf["media"][0]["url"].as_str().unwrap_or_default();
    let served = reqwest::get(url).await?.bytes().await?;
    is("bytes", &served.to_vec(), &std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?)?;

    let before = shop.writes().await?;
    let wanted = [
        ("categories.create", 2),
        ("inventory.create", 1),
        ("media.upload", 1),
        ("products.create", 1),
        ("products.update", 1),
        ("rules.create", 1),
    ];
    is("writes", &before, &wanted.map(|(name, count)| (name.to_owned(), count)).into())?;
    let again = setup(&shop, &sample()?, &[], 0).await?;
    is("writes of the second run", &shop.writes().await?, &before)?;
    for rows in ["categories", "products", "pricing_rules", "uploaded_images"] {
        is(rows, &again[rows][0]["action"], &json!("unchanged"))?;
    }
    is("the id is known", &again["products"][0]["product_id"], &json!("LAPTOP-001"))?;

    let mut dearer = sample()?;
    dearer["products"][0]["price"] = json!(26_000_000);
    let result = setup(&shop, &dearer, &[], 0).await?;
    is("action", &result["products"][0]["action"], &json!("updated"))?;
    let mut one_more = before;
    *one_more.entry("products.update".to_owned()).or_default() += 1;
    is("one changed price", &shop.writes().await?, &one_more)?;
    shop.world.shop.clean().await.map(drop)
}

/// C5
#[tokio::test]
async fn a_field_that_is_absent_stays_and_null_empties_it() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    setup(&shop, &sample()?, &[], 0).await?;
    let changed = json!({ "products": [{
        "sku": "LAPTOP-001", "description": null, "status": "inactive",
        "attributes": { "ram": "32GB", "storage": null },
    }] });
    setup(&shop, &changed, &[], 0).await?;
    let product = shop.shelf().await?["products"][0].clone();
    is("attributes", &product["attributes"], &json!({ "processor": "Intel i7", "ram": "32GB" }))?;
    is("description", &product["description"], &Value::Null)?;
    is("name", &product["name"], &json!("Gaming Laptop Pro"))?;
    is("pictures", &product["images"].as_array().map(Vec::len), &Some(1))?;
    // The default is for new products: it stays out of sale.
    setup(&shop, &sample()?, &[], 0).await?;
    is("status", &shop.shelf().await?["products"][0]["status"], &json!("inactive"))
}

/// Attributes are written together: a number that the shop has stays one when another attribute is changed.
#[tokio::test]
async fn attributes_keep_their_kinds() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let typed = json!({ "sku": "TYPED-1", "name": "Typed", "price": 1_000, "currency": "VND", "productType": "simple",
        "attributes": { "cores": 16, "wifi": true, "ram": "16GB" } });
    shop.world.shop.ask("products", Some(&typed)).await?;
    let changed =
        json!({ "products": [{ "sku": "TYPED-1", "attributes": { "ram": "32GB", "cores": "16" } }] });
    setup(&shop, &changed, &[], 0).await?;
    let shelf = shop.shelf().await?;
    let products = shelf["products"].as_array().into_iter().flatten();
    let product = products.into_iter().find(|product| product["sku"] == "TYPED-1");
    let attributes = product.map(|product| product["attributes"].clone());
    is("attributes", &attributes, &Some(json!({ "cores": 16, "wifi": true, "ram": "32GB" })))
}

#[tokio::test]
async fn good_rows_are_kept_and_the_others_are_named() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let mut input = sample()?;
    let more = [
        json!({ "sku": "A-1", "name": "A", "price": 1, "category_name": "Phones" }),
        json!({ "sku": "A-2", "price": 1 }),
        json!({ "sku": "A-3", "name": "A", "price": 1.5 }),
        json!({ "sku": "A-4", "name": "A", "price": 1, "images": ["nowhere.jpg"] }),
        json!({ "sku": "A-5", "name": "A", "price": 1, "category_name": "Laptops" }),
    ];
    input["products"].as_array_mut().into_iter().for_each(|rows| rows.extend(more.clone()));
    let result = setup(&shop, &input, &[], 7).await?;
    is("failed", &result["failed_rows"], &json!(4))?;
    let mut causes: Vec<(&str, &str)> = result["products"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| row["action"] == "failed")
        .map(|row| (row["sku"].as_str().unwrap_or_default(), row["cause"].as_str().unwrap_or_default()))
        .collect();
    causes.sort_unstable();
    let wanted = vec![
        ("A-1", "its category 'Phones' is neither in the file nor in the shop"),
        ("A-2", "the shop does not have it, and to make it its name is needed"),
        (
            "A-3",
            "products[3].price has more decimals than VND allows (0) (fix: send an amount ≥ 0 with at most 0 decimals)",
        ),
        ("A-4", "its picture 'nowhere.jpg' is not among the images"),
    ];
    is("causes", &causes, &wanted)?;
    let shelf = shop.shelf().await?;
    let mut skus: Vec<&str> =
        shelf["products"].as_array().into_iter().flatten().filter_map(|row| row["sku"].as_str()).collect();
    // Several are made at once.
    skus.sort_unstable();
    is("made", &skus, &vec!["A-5", "LAPTOP-001"])?;

    let nothing = shop.setup(&input, &["--policy", "all-or-nothing", "--images", IMAGES]).await?;
    is("exit code", &nothing.code, &Some(2))
}

/// C6
#[tokio::test]
async fn a_sku_is_found_exactly_among_those_that_begin_like_it() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let mug =
        |number: u32, price: u32| json!({ "sku": format!("MUG-{number}"), "name": "Mug", "price": price });
    // The search lists the newest first, 100 a page: MUG-1 comes last.
    let all: Vec<Value> = std::iter::once(1).chain(10..=159).map(|number| mug(number, 5)).collect();
    setup(&shop, &json!({ "products": all }), &[], 0).await?;
    let before = shop.writes().await?;
    let result = setup(&shop, &json!({ "products": [mug(1, 6)] }), &[], 0).await?;
    is("action", &result["products"][0]["action"], &json!("updated"))?;
    let mut one_more = before;
    *one_more.entry("products.update".to_owned()).or_default() += 1;
    is("writes", &shop.writes().await?, &one_more)
}

#[tokio::test]
async fn a_product_whose_variants_have_several_prices_is_left_to_a_price_list() -> anyhow::Result<()> {
    let shop = CatalogWorld::with("shop").await?;
    let result = setup(&shop, &sample()?, &[], 0).await?;
    let row = &result["products"][0];
    is("action", &row["action"], &json!("updated"))?;
    is(
        "note",
        &row["cause"],
        &json!("some of its variants cost 25000000 VND, others do not: no price was changed"),
    )?;
    // A product that was there keeps its stock.
    is("stock", &shop.world.shop.stock("LAPTOP-001-16GB-512GB").await?, &(50, 0))?;
    let mut other = sample()?;
    other["products"][0]["price"] = json!(26_000_000);
    let result = setup(&shop, &other, &[], 7).await?;
    let cause = "its variants have prices of their own (25000000 VND, 32000000 VND): name the one that is meant as `variant`";
    is("cause", &result["products"][0]["cause"], &json!(cause))
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let result = setup(&shop, &sample()?, &["--dry-run"], 0).await?;
    is("products", &result["compared"]["product"]["to_create"], &json!(1))?;
    is("categories", &result["compared"]["category"]["to_create"], &json!(2))?;
    is("writes", &shop.writes().await?.len(), &0)?;
    setup(&shop, &sample()?, &[], 0).await?;
    let mut free = sample()?;
    free["products"][0]["price"] = json!(0);
    let asks = setup(&shop, &free, &["--dry-run"], 8).await?;
    let limits = ["1 prices would be zero (limit 0)", "1 prices would change by more than 50 % (limit 0)"];
    is("limits", &asks["limits_exceeded"], &json!(limits))
}
