//! The Stripe adapter's HTTP against stripe-stateful-mock, which keeps idempotency keys as Stripe does and declines
//! by token. It has charges and refunds, no PaymentIntents: what is proven here is the transport.

use std::time::{Duration, Instant};

use activities::http::{CallError, Credential, Wrong};
use activities::payment::stripe::{StripeApi, StripeEndpoint};
use anyhow::Context as _;
use contracts::values::IdempotencyKey;
use serde_json::{Value, json};
use tests::processes::{Leashed, free_port, tool};
use tests::servers::install_crypto;
use tests::world::LIMIT;

struct Mock {
    api: StripeApi,
    base: String,
    _process: Leashed,
}

impl Mock {
    async fn start() -> anyhow::Result<Self> {
        install_crypto();
        let port = free_port()?;
        let program =
            tool("SUNFLOW_STRIPE_MOCK").context("only `cargo xtask test --all` installs servers from npm")?;
        let process = Leashed::start(&program, &["--port".to_owned(), port.to_string()])?;
        let base = format!("http://127.0.0.1:{port}");
        let mock = Self { api: api(&base, "sk_test_12345")?, base, _process: process };
        let until = Instant::now() + LIMIT;
        while let Err(error) = mock.api.get::<Value>(&["charges"], &[]).await {
            anyhow::ensure!(Instant::now() < until, "stripe-stateful-mock does not answer: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(mock)
    }

    async fn charge(&self, key: Option<&str>, amount: &str, source: &str) -> Result<Value, CallError> {
        let key = key.map(|key| IdempotencyKey::new("order/O-1", key));
        let form =
            [("amount", amount), ("currency", "vnd"), ("source", source), ("metadata[order_id]", "O-1")];
        self.api.post_form(&["charges"], key.as_ref(), &form).await
    }

    async fn refund(&self, key: &str, charge: &str, amount: &str) -> Result<Value, CallError> {
        let key = IdempotencyKey::new("order/O-1", key);
        self.api.post_form(&["refunds"], Some(&key), &[("charge", charge), ("amount", amount)]).await
    }
}

fn api(base: &str, key: &str) -> anyhow::Result<StripeApi> {
    Ok(StripeApi::new(StripeEndpoint {
        base: reqwest::Url::parse(base)?,
        secret_key: Credential::new(key),
        return_url: None,
        timeout: Duration::from_secs(10),
        response_bytes_max: 1 << 20,
    })?)
}

/// Status, code and decline code of a refusal.
fn refused(answer: Result<Value, CallError>) -> anyhow::Result<(u16, String, Value)> {
    match answer {
        Err(CallError::Refused { refusal, .. }) => {
            Ok((refusal.status, refusal.code.clone(), refusal.details["decline_code"].clone()))
        }
        other => anyhow::bail!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn the_key_is_sent_as_bearer_and_with_a_wrong_one_nothing_happens() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    assert_eq!(mock.charge(None, "150000", "tok_visa").await?["amount"], json!(150_000));
    let turned_away: Result<Value, _> = api(&mock.base, "rk_other")?.get(&["charges"], &[]).await;
    assert!(turned_away.as_ref().is_err_and(CallError::is_not_let_in), "{turned_away:?}");
    Ok(())
}

#[tokio::test]
async fn the_same_key_is_the_same_charge_and_another_amount_is_refused_for_good() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    let first = mock.charge(Some("pay"), "150000", "tok_visa").await?;
    assert_eq!(first["metadata"]["order_id"], json!("O-1"));
    assert_eq!(mock.charge(Some("pay"), "150000", "tok_visa").await?["id"], first["id"]);
    let refusal = refused(mock.charge(Some("pay"), "999", "tok_visa").await)?;
    assert_eq!(refusal, (400, "idempotency_error".to_owned(), Value::Null));
    let all: Value = mock.api.get(&["charges"], &[("limit", "100")]).await?;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1), "{all}");
    Ok(())
}

#[tokio::test]
async fn a_decline_is_read_with_the_banks_reason() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    for (source, code, reason) in [
        ("tok_chargeDeclined", "card_declined", json!("generic_decline")),
        ("tok_chargeDeclinedInsufficientFunds", "card_declined", json!("insufficient_funds")),
        ("tok_chargeDeclinedFraudulent", "card_declined", json!("fraudulent")),
        ("tok_chargeDeclinedExpiredCard", "expired_card", Value::Null),
        ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", Value::Null),
        ("tok_chargeDeclinedProcessingError", "processing_error", Value::Null),
    ] {
        let refusal = refused(mock.charge(Some(source), "150000", source).await)?;
        assert_eq!(refusal, (402, code.to_owned(), reason), "{source}");
    }
    Ok(())
}

#[tokio::test]
async fn a_500_is_unknown_and_under_a_key_it_is_unknown_for_good() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    // The token fails once and then pays: without a key the second request goes through.
    let chain = "tok_500|tok_visa";
    assert!(matches!(mock.charge(None, "1000", chain).await, Err(CallError::Unknown { .. })));
    assert_eq!(mock.charge(None, "1000", chain).await?["paid"], json!(true));
    let chain = "tok_500|tok_visa|tok_visa|tok_visa";
    assert!(matches!(mock.charge(Some("pay"), "1000", chain).await, Err(CallError::Unknown { .. })));
    for _ in 0..2 {
        let again = mock.charge(Some("pay"), "1000", chain).await;
        assert!(matches!(again, Err(CallError::UnknownForGood { .. })), "{again:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_429_puts_off_and_is_not_kept_under_the_key() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    let chain = "tok_429|tok_visa";
    let put_off = mock.charge(Some("pay"), "1000", chain).await;
    assert!(matches!(put_off, Err(CallError::PutOff { after: None, .. })), "{put_off:?}");
    assert_eq!(mock.charge(Some("pay"), "1000", chain).await?["paid"], json!(true));
    Ok(())
}

#[tokio::test]
async fn a_refund_happens_once_per_key_and_never_beyond_the_charge() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    let charge = mock.charge(Some("pay"), "150000", "tok_visa").await?;
    let id = charge["id"].as_str().unwrap_or_default();
    let refund = mock.refund("refund", id, "50000").await?;
    assert_eq!(mock.refund("refund", id, "50000").await?["id"], refund["id"]);
    let (status, _, _) = refused(mock.refund("more", id, "150000").await)?;
    assert_eq!(status, 400);
    let charge: Value = mock.api.get(&["charges", id], &[]).await?;
    assert_eq!(charge["amount_refunded"], json!(50_000));
    Ok(())
}

/// In Stripe's words or in none: nobody has to wonder what became of it.
#[tokio::test]
async fn a_path_that_is_not_there_is_not_an_outage() -> anyhow::Result<()> {
    let mock = Mock::start().await?;
    let answer: Result<Value, _> = mock.api.get(&["payment_intents", "search"], &[("query", "x")]).await;
    let is_missing = match &answer {
        Err(CallError::Refused { refusal, .. }) => refusal.status == 404,
        Err(CallError::Setting { wrong, .. }) => *wrong == Wrong::Path(404),
        _ => false,
    };
    assert!(is_missing, "{answer:?}");
    Ok(())
}
