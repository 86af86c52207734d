//! A Stripe to test against that nobody here wrote: localstripe, stateful, on loopback.
//!
//! It has PaymentIntents, refunds and signed events. It ignores idempotency keys, has no search, and lists oldest
//! first; so every promise about "once" that holds here is kept by the adapter's look-up alone. [`wire::Wire`], in
//! between, adds the parts of Stripe that localstripe lacks.

pub mod wire;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::orders;
use crate::processes::{Leashed, free_port, tool};
use crate::servers::install_crypto;
use crate::world::LIMIT;

/// A key as localstripe takes it.
pub const SECRET_KEY: &str = "sk_test_12345";
/// A card that pays.
pub const GOOD_CARD: &str = "4242424242424242";
/// A card that is declined when it is charged.
pub const DECLINED_CARD: &str = "4000000000000341";
/// A card whose owner has to confirm each payment.
pub const CAUTIOUS_CARD: &str = "4000002500003155";

/// A localstripe of a test's own.
pub struct Localstripe {
    base: String,
    http: reqwest::Client,
    _process: Leashed,
}

impl Localstripe {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        install_crypto();
        let port = free_port()?;
        let args = ["--from-scratch".to_owned(), "--port".to_owned(), port.to_string()];
        let process = Leashed::start(&tool("SUNFLOW_LOCALSTRIPE")?, &args)?;
        let base = format!("http://127.0.0.1:{port}");
        let stripe = Self { base, http: reqwest::Client::new(), _process: process };
        let until = Instant::now() + LIMIT;
        while let Err(error) = stripe.get("/v1/payment_intents?limit=1").await {
            if Instant::now() > until {
                return Err(error).context("localstripe does not answer");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(stripe)
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    async fn call(&self, method: Method, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        let mut url = reqwest::Url::parse("http://form")?;
        url.query_pairs_mut().extend_pairs(form);
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(SECRET_KEY);
        let answer = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(url.query().unwrap_or_default().to_owned())
            .send()
            .await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{path}: {status} {text}");
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, &[]).await
    }

    /// Writes.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.call(Method::POST, path, form).await
    }

    /// A payment method of a card, as the shop's checkout makes it.
    pub async fn card(&self, number: &str) -> anyhow::Result<String> {
        let form = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2030"),
            ("card[cvc]", "123"),
        ];
        let made = self.post("/v1/payment_methods", &form).await?;
        Ok(made["id"].as_str().context("a payment method without an id")?.to_owned())
    }

    /// The sample order, paid with a card.
    pub async fn order(&self, number: &str) -> anyhow::Result<Value> {
        Ok(orders::paid_with(&self.card(number).await?))
    }

    /// An order in dollars and cents, paid with a card.
    pub async fn order_in_dollars(&self) -> anyhow::Result<Value> {
        let mut order = self.order(GOOD_CARD).await?;
        order["items"] = json!([{
            "product_id": "TSHIRT-001", "product_name": "Team T-Shirt", "variant_id": "TSHIRT-001-M",
            "quantity": 1, "price": 19.99
        }]);
        order["total_amount"] = json!(19.99);
        order["currency"] = json!("USD");
        Ok(order)
    }

    /// All intents of an order.
    pub async fn intents(&self, order_id: &str) -> anyhow::Result<Vec<Value>> {
        let all = self.get("/v1/payment_intents?limit=10000").await?;
        let all = all["data"].as_array().context("no list")?;
        Ok(all.iter().filter(|intent| intent["metadata"]["order_id"] == order_id).cloned().collect())
    }

    /// The one intent of an order.
    pub async fn intent(&self, order_id: &str) -> anyhow::Result<Value> {
        let mut intents = self.intents(order_id).await?;
        match (intents.pop(), intents.len()) {
            (Some(intent), 0) => Ok(intent),
            (None, _) => bail!("no payment for {order_id}"),
            (Some(_), more) => bail!("{} payments for {order_id}", more + 1),
        }
    }

    /// The customer goes through 3-D Secure, well.
    pub async fn authenticate(&self, intent: &Value) -> anyhow::Result<()> {
        let text = |field: &str| intent[field].as_str().unwrap_or_default().to_owned();
        let path = format!("/v1/payment_intents/{}/_authenticate", text("id"));
        self.post(&path, &[("client_secret", &text("client_secret")), ("success", "true")]).await?;
        Ok(())
    }

    /// Has events delivered to a listener, signed with a secret.
    pub async fn deliver(&self, to: &Listener, secret: &str, events: &[&str]) -> anyhow::Result<()> {
        let mut form = vec![("url", to.url.as_str()), ("secret", secret)];
        form.extend(events.iter().map(|event| ("events[]", *event)));
        self.post("/_config/webhooks/listener", &form).await?;
        Ok(())
    }
}

/// An event that arrived at a listener.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The header `Stripe-Signature`.
    pub signature: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// An endpoint that takes whatever is delivered.
pub struct Listener {
    url: String,
    arrived: mpsc::UnboundedReceiver<Delivered>,
}

impl Listener {
    /// Listens.
    pub async fn open() -> anyhow::Result<Self> {
        let (arrives, arrived) = mpsc::unbounded_channel();
        let take = async move |headers: HeaderMap, body: Bytes| {
            let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
            let signature = signature.unwrap_or_default().to_owned();
            match arrives.send(Delivered { signature, body: body.to_vec() }) {
                Ok(()) => StatusCode::OK,
                Err(_) => StatusCode::GONE,
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/events", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
        Ok(Self { url, arrived })
    }

    /// The next delivery.
    pub async fn next(&mut self) -> anyhow::Result<Delivered> {
        let next = tokio::time::timeout(LIMIT, self.arrived.recv()).await;
        next.context("nothing was delivered")?.context("the listener is gone")
    }
}
