//! A plain client: it makes products with the requests that a setup makes for them, as many at a time, and looks at
//! nothing, keeps nothing and can go on with nothing.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::super::own_shop::OwnShop;
use super::{picture_name, product};

/// Requests under way at once, as a setup has them.
const AT_ONCE: usize = 8;
/// Between the parts of a form. No picture of the bench has it.
const BOUNDARY: &str = "a-boundary-of-the-plain-client";

/// Makes so many products with the pictures of a folder in a shop of its own; returns the seconds.
pub(super) async fn measure(products: u32, images: &Path) -> anyhow::Result<f64> {
    let shop = OwnShop::open().await?;
    let client = Client { http: reqwest::Client::new(), base: format!("{}/api/v1", shop.shop().url()) };
    let begun = Instant::now();
    let outer = client.post("categories", "outer", &json!({ "name": "Outer", "slug": "outer" })).await?;
    let inner = json!({ "name": "Inner", "slug": "inner", "parentId": outer["id"] });
    let category = client.post("categories", "inner", &inner).await?["id"].clone();
    // Step by step, as a setup goes: pictures, products with their stock, texts.
    let urls: Vec<Value> = futures::stream::iter(1..=products)
        .map(|number| client.upload(number, images))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let made: Vec<(u32, Value)> = futures::stream::iter((1..=products).zip(urls))
        .map(|(number, url)| client.make(number, url, &category))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    futures::stream::iter(made)
        .map(|(number, id)| client.text(number, id))
        .buffered(AT_ONCE)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;
    Ok(begun.elapsed().as_secs_f64())
}

struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    async fn send(&self, request: reqwest::RequestBuilder, key: &str) -> anyhow::Result<Value> {
        let answer = request.header("idempotency-key", format!("plain/{key}")).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "{key}: {status} {text}");
        let mut answer: Value = serde_json::from_str(&text)?;
        Ok(answer["data"].take())
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}/{path}", self.base));
        self.send(request.header("content-type", "application/json").body(body.to_string()), key).await
    }

    /// Uploads a picture; returns its address.
    async fn upload(&self, number: u32, images: &Path) -> anyhow::Result<Value> {
        let name = picture_name(number);
        let content = std::fs::read(images.join(&name))?;
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: image/gif\r\n\r\n"
        );
        let field = |name: &str, value: &str| {
            format!("\r\n--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}")
        };
        let tag = format!("sha256:{number:064x}");
        let tail = [field("filename", &name), field("mimeType", "image/gif"), field("tags[]", &tag)].concat();
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        let body = [head.as_bytes(), &content, tail.as_bytes(), end.as_bytes()].concat();
        let request = self.http.post(format!("{}/media/upload", self.base));
        let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        let made = self.send(request.body(body), &format!("picture/{number}")).await?;
        Ok(made["url"].clone())
    }

    /// Makes a product with its stock; returns its id.
    async fn make(&self, number: u32, url: Value, category: &Value) -> anyhow::Result<(u32, Value)> {
        let wanted = product(number);
        let body = json!({
            "sku": wanted["sku"], "productType": "simple", "name": wanted["name"], "price": wanted["price"],
            "currency": "VND", "description": wanted["description"], "categoryId": category, "images": [url],
            "attributes": wanted["attributes"], "status": "active",
        });
        let id = self.post("products", &format!("product/{number}"), &body).await?["product_id"].clone();
        let stock =
            json!({ "product_id": id, "quantity": 10, "location": "default", "allocation_type": "GENERAL" });
        self.post("inventory", &format!("stock/{number}"), &stock).await?;
        Ok((number, id))
    }

    /// Has the platform write a text for search engines, and gives it to the product.
    async fn text(&self, number: u32, id: Value) -> anyhow::Result<()> {
        let id = id.as_str().context("a product without an id")?.to_owned();
        let body = json!({ "type": "meta_description" });
        let written =
            self.post(&format!("products/{id}/seo-content"), &format!("text/{number}"), &body).await?;
        let request = self.http.put(format!("{}/products/{id}", self.base));
        let body = json!({ "metaDescription": written["content"] }).to_string();
        let request = request.header("content-type", "application/json").body(body);
        self.send(request, &format!("write/{number}")).await.map(drop)
    }
}
