//! The shop of a test: the sandbox, and what a test asks it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sandbox::{Options, Running, Sandbox};
use serde::Serialize;
use serde_json::{Value, json};

use crate::servers;
use crate::world::LIMIT;

/// The audit of a shop whose orders have all ended: their numbers begin with anything.
const ALL_ENDED: &str = "audit?ended=";

/// The sandbox shop and its control interface.
pub struct Shop {
    url: String,
    http: reqwest::Client,
    _running: Option<Running>,
}

impl Shop {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let running = Sandbox::start(Options::default()).await?;
        let url = running.url();
        Ok(Self { _running: Some(running), ..Self::at(&url) })
    }

    /// One that runs elsewhere.
    #[must_use]
    pub fn at(url: &str) -> Self {
        servers::install_crypto();
        Self { url: url.to_owned(), http: reqwest::Client::new(), _running: None }
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/_sandbox/{path}", self.url());
        let request = self.http.request(method, url).header("content-type", "application/json");
        let answer = request.body(serde_json::to_vec(body)?).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path}: {status} {text}");
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// Asks the shop itself, as the worker does: reads, or posts a question. The answer's `data`; null when it refuses.
    pub async fn ask(&self, path: &str, question: Option<&Value>) -> anyhow::Result<Value> {
        let url = format!("{}/api/v1/{path}", self.url());
        let request = match question {
            None => self.http.get(url),
            Some(body) => {
                self.http.post(url).header("content-type", "application/json").body(body.to_string())
            }
        };
        let answer: Value = serde_json::from_str(&request.send().await?.text().await?)?;
        Ok(answer["data"].clone())
    }

    /// Puts something to the shop itself, as the worker does.
    pub async fn tell(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let url = format!("{}/api/v1/{path}", self.url());
        let request = self.http.put(url).header("content-type", "application/json");
        let answer = request.header("idempotency-key", format!("test/{path}/{body}")).body(body.to_string());
        let answer = answer.send().await?;
        let status = answer.status();
        anyhow::ensure!(status.is_success(), "{path}: {status} {}", answer.text().await?);
        Ok(())
    }

    /// Reads from the control interface.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(reqwest::Method::GET, path, &Value::Null).await
    }

    /// Writes to the control interface.
    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::PUT, path, &body).await
    }

    /// Posts to the control interface.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::POST, path, &body).await
    }

    /// Removes by the control interface.
    pub async fn delete(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::DELETE, path, &body).await
    }

    /// Sets the faults.
    pub async fn faults(&self, faults: Value) -> anyhow::Result<()> {
        self.put("faults", faults).await.map(drop)
    }

    /// Clears the faults.
    pub async fn mend(&self) -> anyhow::Result<()> {
        self.call(reqwest::Method::DELETE, "faults", &Value::Null).await.map(drop)
    }

    /// Settles an order's open payment.
    pub async fn settle(&self, order_id: &str, outcome: &str) -> anyhow::Result<String> {
        let path = format!("payments/{order_id}/settle");
        let settled = self.call(reqwest::Method::POST, &path, &json!({ "outcome": outcome })).await?;
        Ok(settled["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// So much has come in all for an order's payment, in that currency; returns the event's id.
    pub async fn settle_with(&self, order_id: &str, amount: Value, currency: &str) -> anyhow::Result<String> {
        let path = format!("payments/{order_id}/settle");
        let body = json!({ "outcome": "paid", "amount": amount, "currency": currency });
        let settled = self.call(reqwest::Method::POST, &path, &body).await?;
        Ok(settled["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// The customer pays after the payment was voided; returns the event's id.
    pub async fn settle_late(&self, order_id: &str) -> anyhow::Result<String> {
        let path = format!("payments/{order_id}/settle");
        let body = json!({ "outcome": "paid", "force": true });
        let settled = self.call(reqwest::Method::POST, &path, &body).await?;
        Ok(settled["event_id"].as_str().unwrap_or_default().to_owned())
    }

    /// The audit's totals when every order of this shop has ended; fails on any violation.
    pub async fn clean(&self) -> anyhow::Result<Value> {
        let audit = self.get(ALL_ENDED).await?;
        if audit["ok"] != true {
            bail!("the audit found violations: {}", audit["violations"]);
        }
        Ok(audit["totals"].clone())
    }

    /// Every promise that is broken when every order of this shop has ended, in a sentence.
    pub async fn violations(&self) -> anyhow::Result<Vec<String>> {
        Ok(serde_json::from_value(self.get(ALL_ENDED).await?["violations"].clone())?)
    }

    /// Somebody books the order in the shop by hand.
    pub async fn book(&self, order_id: &str, status: &str) -> anyhow::Result<()> {
        let url = format!("{}/api/v1/orders/{order_id}", self.url());
        let body = json!({ "status": status }).to_string();
        let request = self.http.put(url).header("content-type", "application/json").body(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Stock of a variant: on hand, held.
    pub async fn stock(&self, variant: &str) -> anyhow::Result<(i64, i64)> {
        let stock = self.get("stock").await?;
        let rows = stock.as_array().context("stock is no list")?;
        let row = rows.iter().find(|row| row["variant_id"] == variant);
        let row = row.with_context(|| format!("no variant {variant}"))?;
        Ok((row["on_hand"].as_i64().unwrap_or(-1), row["held"].as_i64().unwrap_or(-1)))
    }

    /// Every hold runs out, as if its deadline had come.
    pub async fn holds_run_out(&self) -> anyhow::Result<()> {
        self.put("clock", json!({ "advance_seconds": 86_400 })).await?;
        self.get("stock").await?;
        self.put("clock", json!({ "now": null })).await.map(drop)
    }

    /// So many laptops are on hand. None: somebody else bought them all.
    pub async fn laptops(&self, on_hand: i64) -> anyhow::Result<()> {
        let laptop = json!({ "sku": "LAPTOP-001", "variant_id": "LAPTOP-001-16GB-512GB", "price": 25_000_000,
            "stock": on_hand });
        self.put("products", json!([laptop])).await.map(drop)
    }

    /// Requests seen so far, per operation.
    pub async fn requests(&self, operation: &str) -> anyhow::Result<u64> {
        Ok(self.get("requests").await?[operation].as_u64().unwrap_or(0))
    }

    /// The carrier refuses labels, so that orders are undone, and an operation of that is down, so that its undo
    /// sticks.
    pub async fn undo_sticks_at(&self, operation: &str) -> anyhow::Result<()> {
        self.faults(json!([
            { "operation": "shipments.create", "kind": "status", "status": 422 },
            { "operation": operation, "kind": "status", "status": 503 }
        ]))
        .await
    }

    /// Waits until an operation was requested.
    pub async fn requested(&self, operation: &str) -> anyhow::Result<()> {
        self.requested_again(operation, 0).await
    }

    /// Waits until an operation was requested more often than `seen` times.
    pub async fn requested_again(&self, operation: &str, seen: u64) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        while self.requests(operation).await? <= seen {
            if Instant::now() > until {
                bail!("{operation} was not requested more often than {seen} times");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
