//! The shelf as a customer sees it.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Shop, text};

/// The page, which loads nothing from elsewhere.
async fn page(shop: &Shop) -> String {
    let url = format!("{}/_sandbox/shop", shop.running.url());
    let answer = shop.client.get(url).send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("img-src 'self' data:"), "{policy}");
    let html = answer.text().await.expect("a page");
    assert!(!html.contains("<script") && !html.contains("src=\"http"), "{html}");
    html
}

#[tokio::test]
async fn the_shelf_has_categories_pictures_and_prices_after_rules() {
    let shop = Shop::open().await;
    let make = |name: &str, slug: &str, parent: Option<&str>| {
        shop.post("/categories", json!({ "name": name, "slug": slug, "parentId": parent }))
    };
    let top = make("Electronics", "electronics", None).send().await.data(201);
    let laptops = make("Laptops", "laptops", Some(text(&top["id"]))).send().await.data(201);
    let fields = [("filename", "l.gif"), ("mimeType", "image/gif"), ("alt", "A \"laptop\"")];
    let picture =
        shop.ask(Method::POST, "/media/upload").form("b", &fields, b"GIF89a").send().await.data(201);
    let change = json!({
        "categoryId": laptops["id"], "images": [picture["id"]],
        "description": "<script>alert(1)</script> & more",
    });
    shop.put("/products/LAPTOP-001", change).send().await.data(200);
    let rule = |name: &str, value: i64, conditions: serde_json::Value| {
        let body = json!({
            "name": name, "rule_type": "percentage", "discount_type": "percentage", "discount_value": value,
            "conditions": conditions.to_string(),
        });
        shop.post("/pricing-rules", body)
    };
    let of_top = json!({ "category_ids": [top["id"]] });
    rule("Electronics week", 4, of_top.clone()).send().await.data(201);
    let off = rule("Off", 50, of_top.clone()).send().await.data(201);
    let path = format!("/pricing-rules/{}/status", text(&off["id"]));
    shop.ask(Method::PATCH, &path).body(json!({ "isActive": false }).to_string()).send().await.data(200);
    let several = json!({ "category_ids": [top["id"]], "min_quantity": 2 });
    rule("Bulk", 10, several).send().await.data(201);

    let html = page(&shop).await;
    assert!(html.contains("<h2>Electronics / Laptops <small>1</small></h2>"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"), "{html}");
    let picture = format!("<img src=\"../media/{}\" alt=\"A &quot;laptop&quot;\">", text(&picture["id"]));
    assert!(html.contains(&picture), "{html}");
    assert!(html.contains("from 24,000,000 VND <s>25,000,000 VND</s>"), "{html}");
    assert!(html.contains("Electronics week") && !html.contains("Off"), "{html}");
    assert!(html.contains("Bulk: 22,500,000 VND each from 2 pieces"), "{html}");
    assert!(html.contains("Everything else <small>5</small>"), "{html}");
    assert!(html.contains("19.99 USD") && html.contains("HEADSET-001 · 60 in stock"), "{html}");

    shop.put("/products/LAPTOP-001", json!({ "status": "archived" })).send().await.data(200);
    let html = page(&shop).await;
    assert!(!html.contains("LAPTOP-001") && !html.contains("Electronics / Laptops"), "{html}");
}

#[tokio::test]
async fn an_empty_shop_says_so() {
    let shop = Shop::open().await;
    shop.post("/_sandbox/reset", json!({ "seed": "empty" })).send().await.ok(200);
    assert!(page(&shop).await.contains("Nothing is on the shelves."));
}
