//! A request as it is sent: method, path, headers, body.

use std::time::Duration;

use activities::http::{Api, Endpoint, Names};
use contracts::values::IdempotencyKey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, TOKEN, answer};

#[tokio::test]
async fn an_effect_carries_its_key_and_the_token() -> TestResult {
    let peer = Peer::start([answer(200, "", "{}")]).await?;
    let key = IdempotencyKey::new("order/ORDER-001", "process-payment");
    let body = json!({ "amount": 25_000_000 });
    let _answer: Value = peer.api()?.send(Method::PUT, &["payments"], Some(&key), &body).await?;
    let request = &peer.received()[0];
    assert_eq!(request.line, "PUT /api/v1/payments");
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("idempotency-key"), Some("order/ORDER-001/process-payment"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("user-agent"), Some(concat!("sunflow/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.body, r#"{"amount":25000000}"#);
    Ok(())
}

#[tokio::test]
async fn an_effect_that_is_idempotent_by_nature_carries_no_key() -> TestResult {
    let peer = Peer::start([answer(200, "", "{}")]).await?;
    let _answer: Value = peer.api()?.send(Method::POST, &["payments", "void"], None, &json!({})).await?;
    assert_eq!(peer.received()[0].header("idempotency-key"), None);
    Ok(())
}

#[tokio::test]
async fn a_question_has_no_body_and_its_values_are_encoded() -> TestResult {
    let peer = Peer::start([answer(200, "", "[]")]).await?;
    let query = [("idempotency_key", "order/A&B=C/pay"), ("q", "é ?")];
    let _answer: Value = peer.api()?.get(&["payments"], &query).await?;
    let request = &peer.received()[0];
    assert_eq!(request.line, "GET /api/v1/payments?idempotency_key=order%2FA%26B%3DC%2Fpay&q=%C3%A9+%3F");
    assert_eq!((request.body.as_str(), request.header("content-type")), ("", None));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    Ok(())
}

#[tokio::test]
async fn an_id_stays_one_segment_of_the_path_whatever_is_in_it() -> TestResult {
    let peer = Peer::start([answer(200, "", "{}")]).await?;
    let id = "a/b c?d#e%2F../é\\";
    let _answer: Value = peer.api()?.get(&["orders", id, "validate"], &[]).await?;
    assert_eq!(peer.received()[0].line, "GET /api/v1/orders/a%2Fb%20c%3Fd%23e%252F..%2F%C3%A9%5C/validate");
    Ok(())
}

#[tokio::test]
async fn a_base_may_have_a_path_and_a_slash_at_its_end() -> TestResult {
    let peer = Peer::start([answer(200, "", "{}")]).await?;
    for base in ["", "shop", "shop/"] {
        let api = Api::new(Endpoint {
            system: "peer",
            base: format!("{}{base}", peer.base).parse()?,
            version: "v2".to_owned(),
            token: None,
            timeout: Duration::from_secs(10),
            response_bytes_max: 100,
            names: Names::of("PEER_URL", "PEER_TOKEN"),
        })?;
        let _answer: Value = api.get(&["orders"], &[]).await?;
    }
    let requests = peer.received();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(lines, ["GET /api/v2/orders", "GET /shop/api/v2/orders", "GET /shop/api/v2/orders"]);
    assert!(requests.iter().all(|request| request.header("authorization").is_none()));
    Ok(())
}
