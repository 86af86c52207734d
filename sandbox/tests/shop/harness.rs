//! A sandbox in the test's own process, and requests to it.

use reqwest::{Client, Method};
use sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};

pub(crate) const LAPTOP: &str = "LAPTOP-001-16GB-512GB";
pub(crate) const LAPTOP_PRICE: i64 = 25_000_000;

/// A running sandbox and a client of it.
pub(crate) struct Shop {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

/// A request being put together.
pub(crate) struct Ask<'a> {
    shop: &'a Shop,
    method: Method,
    path: String,
    key: Option<String>,
    token: Option<String>,
    content_type: String,
    body: Option<Vec<u8>>,
}

/// A client of the workspace's HTTP library, which asks for a TLS provider even where TLS is not used.
pub(crate) fn client() -> Client {
    // An error says that another test was first.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::new()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) retry_after: Option<String>,
    pub(crate) text: String,
}

impl Shop {
    /// A seeded shop in memory.
    pub(crate) async fn open() -> Self {
        Self::open_with(Options::default()).await
    }

    pub(crate) async fn open_with(options: Options) -> Self {
        let running = Sandbox::start(options).await.expect("the sandbox starts");
        Self { running, client: client() }
    }

    /// A request to the shop; the path starts after `/api/v1`, or with `/_sandbox` or `/erp`.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let elsewhere = path.starts_with("/_sandbox") || path.starts_with("/erp/");
        let prefix = if elsewhere { "" } else { "/api/v1" };
        let content_type = "application/json".to_owned();
        let path = format!("{prefix}{path}");
        Ask { shop: self, method, path, key: None, token: None, content_type, body: None }
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::POST, path).body(body.to_string())
    }

    pub(crate) fn put(&self, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::PUT, path).body(body.to_string())
    }

    /// Reads something that must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path).send().await.ok(200)
    }

    pub(crate) async fn switch(&self, switches: Value) {
        self.put("/_sandbox/switches", switches).send().await.ok(200);
    }

    pub(crate) async fn set_faults(&self, faults: Value) {
        self.put("/_sandbox/faults", faults).send().await.ok(200);
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        self.put("/_sandbox/clock", json!({ "advance_seconds": seconds })).send().await.ok(200);
    }

    /// The violations the audit reports.
    pub(crate) async fn violations(&self) -> Vec<String> {
        let audit = self.get("/_sandbox/audit").await;
        let violations: Vec<String> =
            serde_json::from_value(audit["violations"].clone()).expect("violations are texts");
        assert_eq!(audit["ok"], json!(violations.is_empty()));
        violations
    }

    /// `(on_hand, held)` of a variant.
    pub(crate) async fn stock(&self, variant_id: &str) -> (i64, i64) {
        let stock = self.get("/_sandbox/stock").await;
        let lines = stock.as_array().expect("stock is a list");
        let line = lines.iter().find(|line| line["variant_id"] == variant_id).expect("a known variant");
        let (on_hand, held) = (number(&line["on_hand"]), number(&line["held"]));
        assert_eq!(number(&line["available"]), on_hand - held);
        (on_hand, held)
    }

    /// Registers an order of one laptop to be paid by card.
    pub(crate) async fn place(&self, order_id: &str) {
        let data = self.validate(order_id, order()).await;
        assert_eq!(data["is_valid"], true, "{data}");
    }

    /// The `data` of a validation.
    pub(crate) async fn validate(&self, order_id: &str, order: Value) -> Value {
        self.post(&format!("/orders/{order_id}/validate"), order).send().await.data(200)
    }

    pub(crate) fn set_status(&self, order_id: &str, status: &str) -> Ask<'_> {
        self.put(&format!("/orders/{order_id}"), json!({ "status": status }))
    }

    /// A reservation of some of one variant, half an hour long.
    pub(crate) fn reserve(&self, order_id: &str, variant_id: &str, quantity: u32) -> Ask<'_> {
        self.post("/inventory/reserve", reservation(order_id, variant_id, quantity))
    }

    pub(crate) fn confirm(&self, order_id: &str, variant_id: &str, quantity: u32) -> Ask<'_> {
        let body = json!({
            "variant_id": variant_id, "quantity": quantity, "reference_id": order_id, "order_id": order_id,
        });
        self.post("/inventory/confirm", body)
    }

    /// A charge of one laptop.
    pub(crate) fn charge(&self, order_id: &str, card_token: &str) -> Ask<'_> {
        self.post("/payments", payment(order_id, card_token))
    }

    pub(crate) fn void(&self, order_id: &str, key: &str) -> Ask<'_> {
        let body = json!({ "order_id": order_id, "idempotency_key": key, "reason": "test" });
        self.post("/payments/void", body)
    }

    pub(crate) fn refund(&self, payment_id: &str, amount: i64) -> Ask<'_> {
        self.post(&format!("/payments/{payment_id}/refund"), json!({ "amount": amount, "reason": "test" }))
    }

    pub(crate) fn ship(&self, order_id: &str) -> Ask<'_> {
        self.post("/shipments", shipment(order_id))
    }

    pub(crate) fn mail(&self, order_id: &str, template: &str) -> Ask<'_> {
        let body = json!({
            "to": "customer@example.com", "template": template, "data": { "order_id": order_id },
        });
        self.post("/notifications/email", body)
    }
}

impl Ask<'_> {
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn body(mut self, body: String) -> Self {
        self.body = Some(body.into_bytes());
        self
    }

    /// A form of texts and of one file, which is in `file`.
    pub(crate) fn form(mut self, boundary: &str, fields: &[(&str, &str)], file: &[u8]) -> Self {
        let mut body = Vec::new();
        let head = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        for (name, value) in fields {
            body.extend(format!("{}\r\n\r\n{value}\r\n", head(name)).into_bytes());
        }
        body.extend(format!("{}; filename=\"upload\"\r\n\r\n", head("file")).into_bytes());
        body.extend(file);
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        self.content_type = format!("multipart/form-data; boundary={boundary}");
        self.body = Some(body);
        self
    }

    /// Sends it; an error is a connection without an answer.
    pub(crate) async fn try_send(self) -> reqwest::Result<Reply> {
        let url = format!("{}{}", self.shop.running.url(), self.path);
        let mut request = self.shop.client.request(self.method, url);
        if let Some(key) = self.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = self.body {
            request = request.header("Content-Type", self.content_type).body(body);
        }
        let response = request.send().await?;
        let header = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("a readable header").to_owned())
        };
        let replayed = header("idempotent-replayed").as_deref() == Some("true");
        let retry_after = header("retry-after");
        let status = response.status().as_u16();
        Ok(Reply { status, replayed, retry_after, text: response.text().await? })
    }

    pub(crate) async fn send(self) -> Reply {
        self.try_send().await.expect("an answer")
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the answer is JSON")
    }

    /// The whole body of an answer with that status.
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The `data` of a success with that status.
    pub(crate) fn data(&self, status: u16) -> Value {
        let body = self.ok(status);
        assert_eq!(body["success"], true, "{}", self.text);
        body["data"].clone()
    }

    /// The `error` of a refusal with that status and code.
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.ok(status);
        assert_eq!(body["success"], false, "{}", self.text);
        assert_eq!(body["error"]["code"], code, "{}", self.text);
        body["error"].clone()
    }
}

/// A number that is one.
pub(crate) fn number(value: &Value) -> i64 {
    value.as_i64().expect("a whole number")
}

/// A text that is one.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// An order of one laptop, with every check asked for.
pub(crate) fn order() -> Value {
    json!({
        "checks": [
            "inventory_availability", "pricing_accuracy", "customer_eligibility", "shipping_address",
            "payment_method",
        ],
        "customer_id": "CUSTOMER-001",
        "customer_email": "customer@example.com",
        "customer_phone": "+84901234567",
        "items": [{
            "product_id": "LAPTOP-001", "variant_id": LAPTOP, "product_name": "Gaming Laptop Pro",
            "quantity": 1, "price": LAPTOP_PRICE,
        }],
        "total_amount": LAPTOP_PRICE,
        "currency": "VND",
        "payment_method": { "type": "credit_card" },
        "shipping_address": address("Vietnam"),
        "shipping_method": "standard",
    })
}

pub(crate) fn address(country: &str) -> Value {
    json!({
        "name": "Nguyen Van A", "phone": "+84901234567", "address": "123 Nguyen Hue Street",
        "district": "District 1", "city": "Ho Chi Minh City", "country": country,
    })
}

/// The time in so many seconds.
pub(crate) fn later(seconds: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds)).to_string()
}

pub(crate) fn reservation(order_id: &str, variant_id: &str, quantity: u32) -> Value {
    json!({
        "variant_id": variant_id, "quantity": quantity, "reference_id": order_id,
        "reservation_expires_at": later(1800),
    })
}

pub(crate) fn payment(order_id: &str, card_token: &str) -> Value {
    json!({
        "order_id": order_id, "amount": LAPTOP_PRICE, "currency": "VND", "customer_id": "CUSTOMER-001",
        "payment_method": { "type": "credit_card", "card_token": card_token },
    })
}

pub(crate) fn shipment(order_id: &str) -> Value {
    json!({
        "order_id": order_id, "shipping_address": address("Vietnam"), "shipping_method": "standard",
        "items": [{ "product_id": "LAPTOP-001", "variant_id": LAPTOP, "quantity": 1 }],
    })
}
