//! Pictures by web address: the worker fetches them, and its own network is reached by no way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tests::catalog::{CatalogWorld, IMAGES};
use tests::matrix::is;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server of one picture. Returns its address, and how often the picture itself was sent.
async fn server() -> anyhow::Result<(String, Arc<AtomicUsize>)> {
    let picture = std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, sent) = (format!("http://{}", listener.local_addr()?), Arc::new(AtomicUsize::new(0)));
    let counted = sent.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]).to_lowercase();
            let (head, body): (&str, &[u8]) = match request.split_whitespace().nth(1) {
                Some("/inside.jpg") => ("302 Found\r\nlocation: http://10.0.0.5/a.jpg", b""),
                Some("/zip.jpg") => ("200 OK", b"PK\x03\x04 no picture at all"),
                Some("/laptop.jpg") if request.contains("if-none-match: \"v1\"") => ("304 Not Modified", b""),
                Some("/laptop.jpg") => {
                    counted.fetch_add(1, Ordering::SeqCst);
                    ("200 OK\r\netag: \"v1\"\r\ncontent-type: application/octet-stream", &picture)
                }
                _ => ("404 Not Found", b""),
            };
            let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
            let answered = async {
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body).await?;
                stream.shutdown().await
            };
            answered.await.ok();
        }
    });
    Ok((address, sent))
}

fn input(address: &str) -> Value {
    let paths = ["/laptop.jpg", "/inside.jpg", "/zip.jpg", "/gone.jpg"];
    let images: Vec<Value> =
        paths.iter().map(|path| json!({ "file_path": format!("{address}{path}") })).collect();
    let product = |sku: &str, path: &str| json!({ "sku": sku, "name": sku, "price": 5, "images": [format!("{address}{path}")] });
    json!({ "images": images, "products": [product("A", "/laptop.jpg"), product("B", "/zip.jpg")] })
}

#[tokio::test]
async fn a_picture_comes_from_its_address_and_not_a_second_time() -> anyhow::Result<()> {
    let (address, sent) = server().await?;
    let mut shop = CatalogWorld::without_worker("empty").await?;
    shop.start_worker(&["--media-allow=127.0.0.0/8"])?;
    let called = shop.setup(&input(&address), &[]).await?;
    ensure!(called.code == Some(7), "{:?} {} {}", called.code, called.err, called.out);
    let result = called.json()?;
    let mut causes: Vec<(u64, String)> = result["uploaded_images"]
        .as_array()
        .context("images")?
        .iter()
        .map(|row| {
            (row["row"].as_u64().unwrap_or_default(), row["cause"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    causes.sort();
    let wanted = [
        (1, ""),
        (2, "leads to a private address: SUN_MEDIA_ALLOW names the networks that are allowed"),
        (3, "is not a picture: its first bytes are none of JPEG, PNG, WebP or GIF"),
        (4, "its server answers HTTP 404"),
    ];
    is("causes", &causes, &wanted.map(|(row, cause)| (row, cause.to_owned())).to_vec())?;
    let shelf = shop.shelf().await?;
    is("name", &shelf["media"][0]["filename"], &json!("laptop.jpg"))?;
    let url = shelf["media"][0]["url"].as_str().unwrap_or_default();
    let served = reqwest::get(url).await?.bytes().await?;
    is("bytes", &served.to_vec(), &std::fs::read(format!("{IMAGES}/laptop-001.jpg"))?)?;
    let images = |sku: &str| {
        let products = shelf["products"].as_array().into_iter().flatten();
        products
            .filter(|product| product["sku"] == sku)
            .find_map(|product| Some(product["images"].as_array()?.len()))
    };
    // A product whose picture is not there comes without it.
    is("pictures", &(images("A"), images("B")), &(Some(1), Some(0)))?;
    let writes = shop.writes().await?;
    shop.setup(&input(&address), &[]).await?;
    is("writes", &shop.writes().await?, &writes)?;
    is("sent", &sent.load(Ordering::SeqCst), &1)
}

#[tokio::test]
async fn without_leave_nothing_of_this_machine_is_fetched() -> anyhow::Result<()> {
    let (address, sent) = server().await?;
    let shop = CatalogWorld::new().await?;
    let result = shop.setup(&input(&address), &[]).await?.json()?;
    for row in result["uploaded_images"].as_array().context("images")? {
        let cause = row["cause"].as_str().unwrap_or_default();
        ensure!(cause.starts_with("leads to a private address"), "{row}");
    }
    is("sent", &sent.load(Ordering::SeqCst), &0)
}
