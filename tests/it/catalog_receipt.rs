//! A setup that would do something strange asks a person before its first write; a receipt is consent to what a dry run
//! has shown, and to nothing else.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES, SAMPLE};
use tests::matrix::is;
use workflows::saga::AnswerOutcome;

const WITH_IMAGES: [&str; 2] = ["--images", IMAGES];

/// A shop with two products, one of which is to become ten times too cheap.
async fn shop() -> anyhow::Result<CatalogWorld> {
    let shop = CatalogWorld::new().await?;
    let products = json!({ "products": [mug(200_000), { "sku": "CUP-1", "name": "Cup", "price": 50_000 }] });
    let made = shop.setup(&products, &[]).await?;
    ensure!(made.code == Some(0), "{} {}", made.err, made.out);
    Ok(shop)
}

fn mug(price: u32) -> Value {
    json!({ "sku": "MUG-1", "name": "Mug", "price": price })
}

fn cheap() -> Value {
    json!({ "products": [mug(20_000), { "sku": "CUP-1", "price": 55_000 }, { "sku": "NEW-1", "price": 1 }] })
}

async fn price(shop: &CatalogWorld, sku: &str) -> anyhow::Result<Value> {
    let shelf = shop.shelf().await?;
    let products = shelf["products"].as_array().context("products")?;
    let found = products.iter().find(|product| product["sku"] == sku);
    found.map(|product| product["price"].clone()).with_context(|| format!("no product {sku}"))
}

async fn receipt(shop: &CatalogWorld, input: &Value, more: &[&str]) -> anyhow::Result<String> {
    let dry = shop.setup(input, &[&["--dry-run"], more].concat()).await?.json()?;
    dry["receipt"].as_str().map(str::to_owned).with_context(|| format!("no receipt: {dry}"))
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_what_a_person_would_be_asked() -> anyhow::Result<()> {
    let shop = shop().await?;
    let before = shop.writes().await?;
    let dry = shop.setup(&cheap(), &["--dry-run"]).await?;
    is("exit code", &dry.code, &Some(8))?;
    let dry = dry.json()?;
    let limit = "1 prices would change by more than 50 % (limit 0)";
    let receipt = dry["receipt"].as_str().context("no receipt")?;
    let lines = [
        "categories: 0 to create, 0 to update, 0 unchanged",
        "pictures: 0 to create, 0 to update, 0 unchanged",
        "products: 0 to create, 2 to update, 0 unchanged, 1 cannot be used",
        "pricing rules: 0 to create, 0 to update, 0 unchanged",
        "largest: MUG-1: 200000 to 20000 VND, CUP-1: 50000 to 55000 VND",
        "product row 3 (NEW-1): the shop does not have it, and to make it its name is needed",
        &format!("a person would be asked: {limit}"),
        &format!("receipt: {receipt}"),
    ];
    is("preview", &dry["steps"]["notes"], &json!(lines))?;
    is("moves", &dry["largest_price_moves"].as_array().map(Vec::len), &Some(2))?;
    is("writes", &shop.writes().await?, &before)?;

    let run = shop.start(&cheap()).await?;
    let asked = run.asks().await?;
    is("reason", &asked.questions[0].reason.as_str(), &limit)?;
    for fact in &asked.questions[0].facts {
        let note = format!("{}: {}", fact.name, fact.value);
        ensure!(lines.contains(&note.as_str()), "the preview does not say {note}");
    }
    is("writes before the answer", &shop.writes().await?, &before)?;
    is("answer", &run.decide(true, "a clearance").await, &Ok(AnswerOutcome::Approved))?;
    run.ended().await?.completed()?;
    is("price", &price(&shop, "MUG-1").await?, &json!(20_000))
}

#[tokio::test]
async fn a_receipt_is_consent_to_what_was_seen_and_to_nothing_else() -> anyhow::Result<()> {
    let shop = shop().await?;
    let before = shop.writes().await?;
    let given = receipt(&shop, &cheap(), &[]).await?;
    is("the same again", &receipt(&shop, &cheap(), &[]).await?, &given)?;
    let with = |mut input: Value, receipt: &str| {
        input["approve"] = json!(receipt);
        input
    };
    for other in [json!({ "products": [mug(30_000)] }), {
        let mut terms = cheap();
        terms["limits"] = json!({ "price_change_percent": 99 });
        terms
    }] {
        let refused = shop.setup(&with(other, &given), &[]).await?;
        is("exit code", &refused.code, &Some(1))?;
        ensure!(refused.out.contains("of another list or other terms"), "{} {}", refused.err, refused.out);
    }
    let refused = shop.setup(&cheap(), &["--approve", "yes"]).await?;
    is("exit code", &refused.code, &Some(2))?;

    // The shop has moved: it asks again, although the file is the same.
    shop.person_puts("products/MUG-1", &json!({ "price": 180_000, "currency": "VND" })).await?;
    let run = shop.start(&with(cheap(), &given)).await?;
    let asked = run.asks().await?;
    ensure!(asked.questions[0].reason.contains("the shop has moved since the dry run"), "{asked:?}");
    run.decide(false, "look again").await.map_err(anyhow::Error::msg)?;
    run.ended().await?.completed()?;
    is("products that were changed", &changed(&shop, &before).await?, &1)?;

    // A change of something that the file does not change is none of its business.
    shop.person_puts("products/MUG-1", &json!({ "price": 200_000, "currency": "VND" })).await?;
    shop.person_puts("products/MUG-1", &json!({ "description": "A person's words" })).await?;
    let approved = shop.setup(&cheap(), &["--approve", &given]).await?;
    is("exit code", &approved.code, &Some(7))?;
    is("price", &price(&shop, "MUG-1").await?, &json!(20_000))?;
    is("price", &price(&shop, "CUP-1").await?, &json!(55_000))
}

/// Products that were changed since, by whomever.
async fn changed(
    shop: &CatalogWorld,
    before: &std::collections::BTreeMap<String, usize>,
) -> anyhow::Result<usize> {
    let of = |writes: &std::collections::BTreeMap<String, usize>| {
        writes.get("products.update").copied().unwrap_or_default()
    };
    Ok(of(&shop.writes().await?) - of(before))
}

/// Pictures and rules are part of the receipt.
#[tokio::test]
async fn a_receipt_holds_for_a_whole_file() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let sample: Value = serde_json::from_str(SAMPLE)?;
    let given = receipt(&shop, &sample, &WITH_IMAGES).await?;
    let made = shop.setup(&sample, &[&WITH_IMAGES[..], &["--approve", &given]].concat()).await?;
    is("exit code", &made.code, &Some(0))?;
    // It is done: the same file changes nothing any more, which is something else than was shown.
    let run = shop.setup(&sample, &[&WITH_IMAGES[..], &["--dry-run"]].concat()).await?.json()?;
    ensure!(run["receipt"] != json!(given), "the receipt of no changes is that of all of them");
    // The same command once more has nothing to ask about.
    let again = shop.setup(&sample, &[&WITH_IMAGES[..], &["--approve", &given]].concat()).await?;
    is("exit code", &again.code, &Some(0))
}
