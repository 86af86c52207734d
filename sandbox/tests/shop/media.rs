//! Pictures: their bytes come back as they were sent.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Ask, Shop, text};

/// The start of a PNG, and enough after it to tell that nothing is lost on the way.
fn png(length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((0..length).map(|number| u8::try_from(number % 251).expect("a byte")));
    bytes
}

fn fields<'a>(filename: &'a str, tags: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("filename", filename), ("mimeType", "image/png"), ("alt", "A picture")];
    fields.extend(tags.iter().map(|tag| ("tags[]", *tag)));
    fields
}

fn upload<'a>(shop: &'a Shop, boundary: &str, fields: &[(&str, &str)], file: &[u8]) -> Ask<'a> {
    shop.ask(Method::POST, "/media/upload").form(boundary, fields, file)
}

async fn id(ask: Ask<'_>) -> String {
    text(&ask.send().await.data(201)["media_id"]).to_owned()
}

#[tokio::test]
async fn a_picture_is_taken_once_and_served_back() {
    let shop = Shop::open().await;
    let picture = png(100_000);
    let fields = fields("mug.png", &["b", "a", "b"]);
    let first = upload(&shop, "one", &fields, &picture).key("k").send().await;
    let made = first.data(201);
    assert_eq!((&made["filename"], &made["mimeType"]), (&json!("mug.png"), &json!("image/png")));
    assert_eq!((&made["type"], &made["size"]), (&json!("image"), &json!(picture.len())));
    assert_eq!((&made["alt"], &made["tags"]), (&json!("A picture"), &json!(["a", "b"])));
    // A retry has a boundary of its own.
    let again = upload(&shop, "another", &fields, &picture).key("k").send().await;
    assert!(again.replayed && again.text == first.text, "{}", again.text);
    let other = upload(&shop, "one", &fields, &png(99_999)).key("k").send().await;
    other.refused(422, "IDEMPOTENCY_KEY_REUSED");

    let served = shop.client.get(text(&made["url"])).send().await.expect("an answer");
    assert_eq!(served.headers()["content-type"], "image/png");
    assert!(served.bytes().await.expect("bytes") == picture, "the same bytes");
    let ghost = shop.client.get(format!("{}/media/med_0", shop.running.url())).send().await;
    assert_eq!(ghost.expect("an answer").status(), 404);
    let path = format!("/media/{}", text(&made["id"]));
    assert_eq!(shop.get(&path).await["data"], made);
    shop.ask(Method::GET, "/media/med_0").send().await.refused(404, "MEDIA_NOT_FOUND");
}

#[tokio::test]
async fn a_form_that_is_not_a_picture_is_refused() {
    let shop = Shop::open().await;
    let send = |fields: &[(&str, &str)], file: &[u8]| upload(&shop, "b", fields, file);
    let good = fields("a.png", &[]);
    send(&good, b"PK\x03\x04").send().await.refused(415, "MEDIA_TYPE_UNSUPPORTED");
    send(&good, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
        .send()
        .await
        .refused(415, "MEDIA_TYPE_UNSUPPORTED");
    let error = send(&good, b"\xff\xd8\xff\xe0").send().await.refused(422, "MEDIA_TYPE_MISMATCH");
    assert_eq!(error["details"], json!({ "mimeType": "image/png", "found": "image/jpeg" }));
    send(&good, &png(10 * 1024 * 1024)).send().await.refused(413, "MEDIA_TOO_LARGE");
    send(&good, &png(11 * 1024 * 1024)).send().await.refused(413, "INVALID_REQUEST");
    for (fields, file, named) in [
        (vec![("filename", "a.png")], png(9), "mimeType"),
        (fields("a.png", &[""]), png(9), "tags[]"),
        (fields("../a.png", &[]), png(9), "filename"),
        (vec![("colour", "red")], png(9), "colour"),
        (vec![("alt", "a"), ("alt", "b")], png(9), "alt"),
        (fields("a.png", &[]), Vec::new(), "file"),
    ] {
        let error = send(&fields, &file).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][named].is_array(), "{named}: {error}");
    }
    let json = shop.post("/media/upload", json!({ "file": "" })).send().await;
    json.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(shop.get("/media").await["pagination"]["total"], 0);
}

#[tokio::test]
async fn pictures_are_found_by_all_of_their_tags() {
    let shop = Shop::open().await;
    for (name, tags) in [("a", &["x", "sha256:1"][..]), ("b", &["x"]), ("c", &["y", "x"])] {
        id(upload(&shop, "b", &fields(name, tags), &png(1))).await;
    }
    let names = |list: &Value| -> Vec<String> {
        let list = list["data"].as_array().expect("a list");
        list.iter().map(|media| text(&media["filename"]).to_owned()).collect()
    };
    for (query, expected) in [
        ("", &["a", "b", "c"][..]),
        ("?type=image&tags[]=x", &["a", "b", "c"]),
        ("?tags[]=sha256:1", &["a"]),
        ("?tags[]=x&tags[]=y", &["c"]),
        ("?tags[]=sha256", &[]),
        ("?type=video", &[]),
        ("?page=2&pageSize=2", &["c"]),
    ] {
        assert_eq!(names(&shop.get(&format!("/media{query}")).await), expected, "{query}");
    }
    for query in ["type=film", "tag=x", "names[]=x"] {
        let refused = shop.ask(Method::GET, &format!("/media?{query}")).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn a_product_shows_pictures_in_order_and_they_stay_while_it_does() {
    let shop = Shop::open().await;
    let one = id(upload(&shop, "b", &fields("1.png", &[]), &png(1))).await;
    let two = id(upload(&shop, "b", &fields("2.png", &[]), &png(2))).await;
    let url = format!("{}/media/{two}", shop.running.url());
    let elsewhere = "https://cdn.example.com/3.png?w=800";
    let body = json!({
        "sku": "MUG-1", "name": "Mug", "productType": "simple", "price": 1, "images": [url, one, elsewhere],
    });
    let made = shop.post("/products", body).send().await.data(201);
    let shown: Vec<_> =
        made["images"].as_array().expect("a list").iter().map(|i| i["media_id"].clone()).collect();
    assert_eq!(shown, [json!(two), json!(one), json!(null)]);
    assert_eq!((&made["images"][0]["url"], &made["images"][2]["url"]), (&json!(url), &json!(elsewhere)));
    assert_eq!(made["images"][1]["alt"], "A picture");

    let delete = |media_id: &str| shop.ask(Method::DELETE, &format!("/media/{media_id}"));
    let error = delete(&one).send().await.refused(409, "MEDIA_IN_USE");
    assert_eq!(error["details"]["product_ids"], json!(["MUG-1"]));
    let put = |images: Value| shop.put("/products/MUG-1", json!({ "images": images }));
    let error = put(json!([one, "med_0"])).send().await.refused(422, "MEDIA_NOT_FOUND");
    assert!(error["details"]["images[1]"].is_array(), "{error}");
    let same = put(json!([two, one, elsewhere])).key("same").send().await.data(200);
    assert_eq!(same, made);
    let moved = put(json!([one])).key("moved").send().await.data(200);
    assert_eq!(moved["images"].as_array().map(Vec::len), Some(1));
    let effects = shop.get("/_sandbox/effects").await;
    let of = |key: &str| {
        let lines = effects.as_array().expect("a list").iter();
        let mut lines = lines.filter(|line| line["idempotency_key"] == key).map(|line| &line["effect"]);
        lines.next().cloned()
    };
    assert_eq!(
        (of("same"), of("moved")),
        (Some(json!("none")), Some(json!("changed images of product MUG-1")))
    );
    assert_eq!(delete(&two).key("undo").send().await.status, 204);
    assert!(delete(&two).key("undo").send().await.replayed);
    put(json!([])).send().await.data(200);
    assert_eq!(delete(&one).send().await.status, 204);
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn a_picture_is_described_anew() {
    let shop = Shop::open().await;
    let media_id = id(upload(&shop, "b", &fields("1.png", &["x"]), &png(1))).await;
    let path = format!("/media/{media_id}");
    let change = json!({ "alt": null, "title": "T", "description": "D", "tags": ["y", "x"] });
    let changed = shop.put(&path, change.clone()).key("k").send().await.data(200);
    assert_eq!((&changed["alt"], &changed["tags"]), (&json!(null), &json!(["x", "y"])));
    assert_eq!(shop.put(&path, change).key("l").send().await.data(200), changed);
    for (body, field) in [(json!({ "tags": "x" }), "tags"), (json!({ "filename": "b" }), "filename")] {
        let error = shop.put(&path, body).send().await.refused(400, "VALIDATION_ERROR");
        assert!(error["details"][field].is_array(), "{error}");
    }
}

#[tokio::test]
async fn faults_strike_every_operation_of_the_catalogue() {
    let shop = Shop::open().await;
    let media_id = id(upload(&shop, "b", &fields("1.png", &[]), &png(1))).await;
    let once = |kind: &str| json!([{ "operation": "media.upload", "kind": kind, "count": 1 }]);
    shop.set_faults(once("reply_lost")).await;
    let lost = upload(&shop, "b", &fields("2.png", &[]), &png(1)).key("k");
    assert!(lost.try_send().await.is_err());
    assert_eq!(shop.get("/media").await["pagination"]["total"], 2);
    assert!(upload(&shop, "c", &fields("2.png", &[]), &png(1)).key("k").send().await.replayed);
    let media = format!("/media/{media_id}");
    for (operation, method, path) in [
        ("categories.create", Method::POST, "/categories"),
        ("categories.list", Method::GET, "/categories"),
        ("categories.tree", Method::GET, "/categories/tree"),
        ("categories.get", Method::GET, "/categories/x"),
        ("categories.update", Method::PUT, "/categories/x"),
        ("categories.delete", Method::DELETE, "/categories/x"),
        ("products.list", Method::GET, "/products"),
        ("products.get", Method::GET, "/products/sku/x"),
        ("products.handle", Method::GET, "/products/handle/x"),
        ("products.delete", Method::DELETE, "/products/x"),
        ("products.seo", Method::POST, "/products/x/seo-content"),
        ("inventory.create", Method::POST, "/inventory"),
        ("inventory.product", Method::GET, "/inventory/product/x"),
        ("rules.create", Method::POST, "/pricing-rules"),
        ("rules.list", Method::GET, "/pricing-rules"),
        ("rules.get", Method::GET, "/pricing-rules/x"),
        ("rules.name", Method::GET, "/pricing-rules/name/x"),
        ("rules.update", Method::PUT, "/pricing-rules/x"),
        ("rules.status", Method::PATCH, "/pricing-rules/x/status"),
        ("rules.delete", Method::DELETE, "/pricing-rules/x"),
        ("media.list", Method::GET, "/media"),
        ("media.get", Method::GET, media.as_str()),
        ("media.update", Method::PUT, media.as_str()),
        ("media.delete", Method::DELETE, media.as_str()),
    ] {
        let fault = json!([{ "operation": operation, "kind": "status", "status": 429, "count": 1 }]);
        shop.set_faults(fault).await;
        shop.ask(method.clone(), path).send().await.refused(429, "RATE_LIMIT_EXCEEDED");
        let fault = json!([{ "operation": operation, "kind": "status", "count": 1 }]);
        shop.set_faults(fault).await;
        shop.ask(method, path).send().await.refused(503, "SERVER_ERROR");
    }
    assert_eq!(shop.get("/media").await["pagination"]["total"], 2, "nothing happened");
}
