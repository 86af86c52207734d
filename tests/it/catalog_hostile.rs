//! Files that mean harm, or were made by a broken program: each costs its row, which says why, and nothing else.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::CatalogWorld;
use tests::matrix::is;

/// A million letters.
fn long() -> String {
    "x".repeat(1_000_000)
}

/// 100 KB that claim to be a picture of 50,000 × 50,000 pixels.
fn wide() -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 0x11, 8];
    bytes.extend(50_000_u16.to_be_bytes());
    bytes.extend(50_000_u16.to_be_bytes());
    bytes.extend([3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]);
    bytes.resize(100_000, 0);
    bytes.extend([0xFF, 0xD9]);
    bytes
}

fn gif() -> Vec<u8> {
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF;".to_vec()
}

/// The causes of a kind's failed rows, by what names them.
fn causes(result: &Value, kind: &str, name: &str) -> Vec<(String, String)> {
    let failed = result[kind].as_array().into_iter().flatten().filter(|row| row["action"] == "failed");
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    failed.map(|row| (text(row, name), text(row, "cause"))).collect()
}

/// A folder of pictures, of which one is good.
fn hostile_images(shop: &CatalogWorld) -> anyhow::Result<PathBuf> {
    let images = shop.folder().join("images");
    std::fs::create_dir_all(&images)?;
    // Two gigabytes, none of which is on the disk.
    std::fs::File::create(images.join("huge.jpg"))?.set_len(2 << 30)?;
    for (name, content) in
        [("wide.jpg", wide()), ("zip.jpg", b"PK\x03\x04 a packed folder".to_vec()), ("good.gif", gif())]
    {
        std::fs::write(images.join(name), content)?;
    }
    Ok(images)
}

#[tokio::test]
async fn each_hostile_row_says_why_and_the_others_come_into_the_shop() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let images = hostile_images(&shop)?;
    let inside = ["http://127.0.0.1:9/a.jpg", "http://localhost:9/a.jpg", "http://[::1]:9/a.jpg"];
    let paths: Vec<String> = ["huge.jpg", "wide.jpg", "zip.jpg", "good.gif"]
        .into_iter()
        .chain(inside)
        .map(str::to_owned)
        .chain([long()])
        .collect();
    let product = |sku: &str, name: &str, images: &[&str]| -> Value {
        json!({ "sku": sku, "name": name, "price": 1, "images": images })
    };
    let input = json!({
        "images": paths.iter().map(|path| json!({ "file_path": path })).collect::<Vec<_>>(),
        "products": [
            product("GOOD", "Good", &["good.gif"]),
            product("WIDE", "Wide", &["wide.jpg"]),
            product("TWICE", "Twice", &[]),
            product("LONG", &long(), &[]),
            product(&long(), "Long", &[]),
            product("TWICE", "Twice again", &[]),
        ],
    });
    let images = images.display().to_string();
    // A preview names the same rows, and writes nothing.
    let preview = shop.setup(&input, &["--images", &images, "--dry-run"]).await?;
    is("exit code", &preview.code, &Some(7)).context(preview.err.clone())?;
    is("writes", &shop.writes().await?.len(), &0)?;
    let called = shop.setup(&input, &["--images", &images]).await?;
    is("exit code", &called.code, &Some(7)).context(called.err.clone())?;
    let (preview, result) = (preview.json()?, called.json()?);

    let private = "leads to a private address";
    let wanted = [
        ("huge.jpg", "has 2147483648 bytes; at most 10485760 are taken"),
        ("wide.jpg", "has 50000 × 50000 pixels"),
        ("zip.jpg", "is not a picture"),
        (inside[0], private),
        (inside[1], private),
        (inside[2], private),
        ("xxx", "characters"),
    ];
    for (told, result) in [("a preview", &preview), ("a run", &result)] {
        let found = causes(result, "uploaded_images", "original_path");
        is("pictures", &found.len(), &wanted.len()).with_context(|| format!("{told}: {found:?}"))?;
        for (path, why) in wanted {
            let is_told = |(name, cause): &(String, String)| {
                (name == path || (path == "xxx" && name.starts_with(path))) && cause.contains(why)
            };
            ensure!(found.iter().any(is_told), "{told}: {path} does not say {why:?}: {found:?}");
        }
        ensure!(found.iter().all(|(name, cause)| name.len() + cause.len() < 2_000), "{told} is long");
    }
    let found = causes(&result, "products", "sku");
    is("products", &found.len(), &4).with_context(|| format!("{found:?}"))?;
    let twice = found.iter().filter(|(sku, cause)| sku == "TWICE" && cause.contains("has the same key"));
    is("twice", &twice.count(), &2)?;
    ensure!(found.iter().any(|(sku, cause)| sku == "LONG" && cause.contains("name")), "{found:?}");
    ensure!(found.iter().all(|(sku, cause)| sku.len() + cause.len() < 2_000), "a row is told at length");

    let shelf = shop.shelf().await?;
    let mut skus: Vec<&str> =
        shelf["products"].as_array().into_iter().flatten().filter_map(|row| row["sku"].as_str()).collect();
    skus.sort_unstable();
    is("made", &skus, &vec!["GOOD", "WIDE"])?;
    is("pictures", &shelf["media"].as_array().map(Vec::len), &Some(1))?;
    shop.world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn categories_that_mean_harm_start_nothing() -> anyhow::Result<()> {
    let shop = CatalogWorld::new().await?;
    let chain: Vec<Value> = (1..=50)
        .map(|level| match level {
            1 => json!({ "name": "C-1" }),
            level => json!({ "name": format!("C-{level}"), "parent_name": format!("C-{}", level - 1) }),
        })
        .collect();
    let long = json!([{ "name": long() }]);
    let circle = json!([{ "name": "A", "parent_name": "B" }, { "name": "B", "parent_name": "A" }]);
    for (categories, why) in
        [(json!(chain), "stands 11 levels deep"), (long, "categories[0].name"), (circle, "circle")]
    {
        let called = shop.setup(&json!({ "categories": categories }), &[]).await?;
        is("exit code", &called.code, &Some(2)).context(called.err.clone())?;
        ensure!(called.err.contains(why), "{why:?} is not said: {}", called.err);
        ensure!(called.err.len() < 20_000, "{} bytes are said", called.err.len());
    }
    is("writes", &shop.writes().await?.len(), &0)
}
