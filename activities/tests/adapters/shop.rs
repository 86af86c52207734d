//! The sandbox as the outside system: what it is told beside the adapters, and what its books say.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use activities::http::{Api, Endpoint, Names};
use reqwest::{Method, Url};
use sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::install_tls;

/// A shop of one test's own.
pub(crate) struct Shop {
    running: Running,
    client: reqwest::Client,
}

impl Shop {
    pub(crate) async fn open() -> TestResult<Self> {
        Self::with(Options::default()).await
    }

    /// One that takes mail by SMTP too, and the port of that.
    pub(crate) async fn with_mail() -> TestResult<(Self, u16)> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shop = Self::with(Options { smtp_listen: Some(any), ..Options::default() }).await?;
        let url: Url = shop.running.smtp_url().ok_or("no mail server")?.parse()?;
        Ok((shop, url.port().ok_or("no port")?))
    }

    async fn with(options: Options) -> TestResult<Self> {
        install_tls();
        let running = Sandbox::start(options).await?;
        Ok(Self { running, client: reqwest::Client::new() })
    }

    /// A connection for adapters.
    pub(crate) fn api(&self) -> TestResult<Api> {
        Ok(Api::new(Endpoint {
            system: "shop",
            base: self.running.url().parse()?,
            version: "v1".to_owned(),
            token: None,
            timeout: Duration::from_secs(10),
            response_bytes_max: 100_000,
            names: Names::of("PEER_URL", "PEER_TOKEN"),
        })?)
    }

    /// Asks the shop for something beside the adapters; it has to succeed.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> TestResult<Value> {
        let url = format!("{}{path}", self.running.url());
        let request = self.client.request(method, url).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        if !status.is_success() {
            return Err(format!("{path}: {status} {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    pub(crate) async fn get(&self, path: &str) -> TestResult<Value> {
        self.ask(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn switch(&self, switches: Value) -> TestResult {
        self.ask(Method::PUT, "/_sandbox/switches", switches).await.map(drop)
    }

    /// The next request of an operation goes wrong in this way.
    pub(crate) async fn fault(&self, operation: &str, kind: &str, more: Value) -> TestResult {
        let mut fault = json!({ "operation": operation, "kind": kind, "count": 1 });
        if let (Some(fault), Some(more)) = (fault.as_object_mut(), more.as_object()) {
            fault.extend(more.clone());
        }
        self.ask(Method::PUT, "/_sandbox/faults", json!([fault])).await.map(drop)
    }

    pub(crate) async fn advance(&self, seconds: u64) -> TestResult {
        self.ask(Method::PUT, "/_sandbox/clock", json!({ "advance_seconds": seconds })).await.map(drop)
    }

    /// One figure of the audit's totals.
    pub(crate) async fn total(&self, name: &str) -> TestResult<u64> {
        let audit = self.get("/_sandbox/audit").await?;
        audit["totals"][name].as_u64().ok_or_else(|| format!("no total {name} in {audit}").into())
    }

    /// How often an operation was requested.
    pub(crate) async fn requests(&self, operation: &str) -> TestResult<u64> {
        Ok(self.get("/_sandbox/requests").await?[operation].as_u64().unwrap_or(0))
    }

    /// The money that is kept, in dong.
    pub(crate) async fn money(&self) -> TestResult<i64> {
        Ok(self.get("/_sandbox/audit").await?["totals"]["net_money"]["VND"].as_i64().unwrap_or(0))
    }

    /// The books are in order.
    pub(crate) async fn audit(&self) -> TestResult {
        let audit = self.get("/_sandbox/audit").await?;
        assert_eq!(audit["violations"], json!([]));
        Ok(())
    }

    /// A variant's pieces: on the shelf, and held of these.
    pub(crate) async fn stock(&self, variant: &str) -> TestResult<(u64, u64)> {
        let stock = self.get("/_sandbox/stock").await?;
        let line = stock.as_array().into_iter().flatten().find(|line| line["variant_id"] == variant);
        let line = line.ok_or("no such variant")?;
        let pieces = |name: &str| line[name].as_u64().ok_or("no number");
        Ok((pieces("on_hand")?, pieces("held")?))
    }
}
