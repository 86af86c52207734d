//! The worker as a process: settings, readiness, drain, metrics.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::orders;
use tests::processes::{binary, free_port};
use tests::servers;
use tests::world::{LIMIT, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Asks a worker's health port until the answer is as wanted.
async fn asked(port: u16, path: &str, wanted: impl Fn(u16, &str) -> bool) -> anyhow::Result<String> {
    let until = Instant::now() + LIMIT;
    loop {
        let mut last = "no connection".to_owned();
        if let Ok(answer) = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await {
            let status = answer.status().as_u16();
            last = answer.text().await?;
            if wanted(status, &last) {
                return Ok(last);
            }
        }
        anyhow::ensure!(Instant::now() < until, "{path} never became as wanted: {last}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn check<'r>(ready: &'r Value, name: &str) -> Option<&'r Value> {
    ready["checks"].as_array()?.iter().find(|check| check["name"] == name)
}

#[test]
fn a_worker_without_a_shop_says_what_to_set_and_starts_nothing() -> anyhow::Result<()> {
    let output = Command::new(binary("worker")?).env_clear().output()?;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("SUN_ECOMMERCE_API_URL is missing: set it to"), "{said}");
    assert!(output.stdout.is_empty());
    Ok(())
}

#[test]
fn a_wrong_setting_is_named_with_its_fix() -> anyhow::Result<()> {
    for (variable, value, words) in [
        ("SUN_ECOMMERCE_API_URL", "shop", "is not a URL"),
        ("SUN_UNDO_PATIENCE", "soon", "500ms, 20s, 15m, 24h"),
        ("SUN_ECOMMERCE_API_TIMEOUT", "1", "100..=300000"),
        ("SUN_WORKER_LISTEN", "here", "listen"),
    ] {
        let worker = Command::new(binary("worker")?).env_clear().env(variable, value).output()?;
        assert_eq!(worker.status.code(), Some(2), "{variable}");
        let said = String::from_utf8(worker.stderr)?;
        assert!(said.contains(words), "{variable}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_waits_for_its_server_and_is_ready_when_it_polls() -> anyhow::Result<()> {
    let (port, server_port) = (free_port()?, free_port()?);
    let address = format!("127.0.0.1:{server_port}");
    // The client of this world needs a server; the worker is pointed at one that is not there yet.
    let world = World::without_worker(&servers::dev_server()?).await?;
    let listen = format!("--listen=127.0.0.1:{port}");
    let _worker = world.spawn_worker(&[&format!("--address={address}"), &listen])?;
    asked(port, "/healthz", |status, _| status == 200).await?;
    let waiting = asked(port, "/readyz", |status, _| status == 503).await?;
    let temporal = check(&serde_json::from_str(&waiting)?, "temporal").cloned();
    assert_eq!(temporal.map(|check| check["detail"].clone()), Some(json!("not connected yet")));
    let _server = servers::another_dev_server(server_port)?;
    let ready = asked(port, "/readyz", |status, _| status == 200).await?;
    let ready: Value = serde_json::from_str(&ready)?;
    assert_eq!(check(&ready, "payment").context("no check payment")?["ok"], json!(true));
    Ok(())
}

#[tokio::test]
async fn an_outside_system_that_is_down_is_reported_and_does_not_stop_the_worker() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let (port, nobody) = (free_port()?, free_port()?);
    let _worker = world.spawn_worker(&[
        &format!("--listen=127.0.0.1:{port}"),
        &format!("--shipping-api-url=http://127.0.0.1:{nobody}"),
    ])?;
    let ready = asked(port, "/readyz", |status, _| status == 200).await?;
    let shipping = check(&serde_json::from_str(&ready)?, "shipping").cloned().context("no check shipping")?;
    assert_eq!((&shipping["ok"], &shipping["required"]), (&json!(false), &json!(false)));
    assert!(shipping["detail"].as_str().is_some_and(|d| d.contains("cannot be reached")), "{shipping}");
    Ok(())
}

#[tokio::test]
async fn with_versioning_on_readiness_says_that_no_version_is_current() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let port = free_port()?;
    let _worker = world.spawn_worker(&[
        &format!("--listen=127.0.0.1:{port}"),
        &format!("--deployment-name=shop-{port}"),
        "--build-id=b1",
    ])?;
    let words = "set-current-version";
    let answer = asked(port, "/readyz", |status, text| status == 503 && text.contains(words)).await?;
    let version = check(&serde_json::from_str(&answer)?, "version").cloned().context("no check version")?;
    assert!(version["detail"].as_str().is_some_and(|d| d.contains("nothing is dispatched")), "{version}");
    Ok(())
}

#[tokio::test]
async fn outcomes_steps_and_the_sdks_metrics_come_out_of_one_port() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let port = free_port()?;
    let _worker = world.spawn_worker(&[&format!("--listen=127.0.0.1:{port}")])?;
    world.run(&orders::order()).await?.fulfilled()?;
    world.run(&orders::paid_with("card_declined")).await?.failed_as("PaymentDeclined")?;
    let metrics = asked(port, "/metrics", |status, _| status == 200).await?;
    for line in [
        r#"sunflow_process_started_total{process="OrderProcessing"} 2"#,
        r#"sunflow_process_ended_total{compensated="false",outcome="completed",process="OrderProcessing"} 1"#,
        r#"sunflow_process_ended_total{compensated="true",outcome="failed",process="OrderProcessing"} 1"#,
        r#"sunflow_step_duration_seconds_count{process="OrderProcessing",status="completed",step="create-shipping"} 1"#,
        "temporal_workflow_task_execution_latency_seconds",
    ] {
        assert!(metrics.contains(line), "{line} is not in the metrics");
    }
    for personal in ["customer@example.com", "+84901234567", "card_token_123", "ORDER-"] {
        assert!(!metrics.contains(personal), "{personal} is in the metrics");
    }
    Ok(())
}

#[tokio::test]
async fn the_metrics_webhook_gets_the_seeds_body_at_start_and_end() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let sink = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("--metrics-webhook-url=http://{}/api/workflow-metrics", sink.local_addr()?);
    let _worker = world.spawn_worker(&[&url])?;
    let order = orders::order();
    let started = world.start(&order).await?;
    let first = posted(&sink).await?;
    assert_eq!((&first["status"], &first["steps_total"]), (&json!("running"), &json!(8)));
    assert_eq!(first["workflow_id"], json!(started.workflow_id));
    let last = posted(&sink).await?;
    assert_eq!((&last["status"], &last["progress_percentage"]), (&json!("completed"), &json!(100)));
    assert!(last["duration"].is_u64() && last["end_time"].is_string(), "{last}");
    Ok(())
}

/// Takes one POST and answers it.
async fn posted(sink: &TcpListener) -> anyhow::Result<Value> {
    let (mut stream, _) = tokio::time::timeout(LIMIT, sink.accept()).await??;
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await?;
        request.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("POST /api/workflow-metrics HTTP/1.1"), "{head}");
            if let Ok(body) = serde_json::from_str(body) {
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await?;
                return Ok(body);
            }
        }
        anyhow::ensure!(n > 0, "the request ended early");
    }
}

/// SIGTERM in the middle of a charge: the charge finishes and is recorded, the next worker goes on from there.
#[tokio::test]
async fn a_drain_finishes_what_is_under_way() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    world
        .shop
        .faults(json!([{ "operation": "payments.create", "kind": "latency", "latency_ms": 1_000 }]))
        .await?;
    let mut first = world.spawn_worker(&["--grace-period=10s"])?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("payments.create").await?;
    first.terminate()?;
    assert!(first.ended_within(Duration::from_secs(20))?, "the worker did not drain, or not with success");
    let _second = world.spawn_worker(&[])?;
    order.ended().await?.fulfilled()?;
    assert_eq!(world.shop.requests("payments.create").await?, 1);
    world.shop.clean().await?;
    Ok(())
}

/// A proxy that reaches nobody, and what it was asked for.
async fn proxy() -> anyhow::Result<(String, Arc<Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, asked) = (listener.local_addr()?.to_string(), Arc::<Mutex<Vec<String>>>::default());
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 1_024];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let line = text.lines().next().unwrap_or("nothing").to_owned();
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            let answer = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            // A caller that has hung up is not the proxy's concern.
            drop(stream.write_all(answer).await);
        }
    });
    Ok((address, asked))
}

/// S5: Temporal, the shop and the worker's own figures are on this machine, and one system is not.
#[tokio::test]
async fn this_machine_is_reached_through_no_proxy_and_a_failure_behind_one_names_it() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let (proxy, asked_for) = proxy().await?;
    let (with_password, port) = (format!("http://somebody:hunter2@{proxy}"), free_port()?);
    let environment = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
        .map(|variable| (variable, with_password.as_str()));
    let listen = format!("--listen=127.0.0.1:{port}");
    let settings = [listen.as_str(), "--loyalty-api-url=http://points.example.com"];
    let environment = [&environment[..], &[("NO_PROXY", ""), ("no_proxy", "")]].concat();
    let _worker = world.spawn_worker_in(&environment, &settings)?;
    world.run(&orders::order()).await?.fulfilled()?;
    let metrics = asked(port, "/metrics", |status, _| status == 200).await?;
    assert!(metrics.contains("sunflow_"), "{metrics}");

    let named = format!("loyalty gave no usable answer: HTTP 502 (through the proxy http://{proxy})");
    let ready = asked(port, "/readyz", |_, text| text.contains(&named)).await?;
    assert!(!ready.contains("hunter2") && !ready.contains("somebody"), "{ready}");
    let asked_for = asked_for.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let elsewhere = asked_for.iter().filter(|line| !line.contains("http://points.example.com/"));
    assert_eq!(elsewhere.collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(!asked_for.is_empty());
    Ok(())
}
