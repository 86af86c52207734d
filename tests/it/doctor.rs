//! `starter doctor` tells what is true: who lets us in, who polls now, what fails at the moment. And the worker's log.

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::orders;
use tests::processes::free_port;
use tests::servers;
use tests::starter::{Called, starter};
use tests::world::World;

/// The check of a name in the doctor's document.
fn check(document: &Value, name: &str) -> anyhow::Result<Value> {
    let checks = document["checks"].as_array().context("no checks")?;
    let found = checks.iter().find(|check| check["name"] == name);
    found.cloned().with_context(|| format!("no check {name} in {document:#}"))
}

async fn doctor(world: &World, port: u16) -> anyhow::Result<Called> {
    let url = format!("http://127.0.0.1:{port}");
    starter(world, &["doctor", "-ojson", "--without-store", "--worker-url", &url], None).await
}

/// H3: `/health` answers everybody; a token that is not taken shows where something is read.
#[tokio::test]
async fn a_token_that_is_not_taken_is_red_and_the_worker_stays_ready() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    servers::keep_closed_runs(&world.client, servers::MONTH).await?;
    let port = free_port()?;
    let _worker = world.spawn_worker(&[&format!("--listen=127.0.0.1:{port}")])?;
    world.is_polled().await?;
    let well = doctor(&world, port).await?;
    assert_eq!(well.code, Some(0), "{}", well.out);
    for system in ["commerce", "inventory", "payment", "shipping", "notification", "loyalty"] {
        let check = check(&well.json()?, &format!("worker: {system}"))?;
        assert_eq!(check["detail"], json!("answers, and lets us read"), "{system}");
    }

    let refused = ["orders.get", "payments.get"]
        .map(|operation| json!({ "operation": operation, "kind": "status", "status": 401 }));
    world.shop.faults(json!(refused)).await?;
    let told = doctor(&world, port).await?;
    assert_eq!(told.code, Some(1), "{}", told.out);
    let document = told.json()?;
    for (system, setting) in [("commerce", "SUN_ECOMMERCE_API_TOKEN"), ("payment", "SUN_ECOMMERCE_API_TOKEN")]
    {
        let check = check(&document, &format!("worker: {system}"))?;
        let detail = check["detail"].as_str().unwrap_or_default();
        assert_eq!(check["ok"], json!(false), "{check}");
        assert!(
            detail.contains("does not accept our credentials (401)") && detail.contains(setting),
            "{check}"
        );
    }
    assert_eq!(check(&document, "worker: shipping")?["ok"], json!(true));
    // The worker is ready all the same: its other steps go on.
    let ready = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await?;
    assert_eq!(ready.status().as_u16(), 200);
    assert_eq!(check(&document, "worker")?["ok"], json!(true));
    Ok(())
}

/// L27: both queues, and who polls them.
#[tokio::test]
async fn every_queue_is_looked_at() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let queues = [world.task_queue.clone(), format!("{}-bulk", world.task_queue)];
    let asked = async || starter(&world, &["doctor", "-ojson", "--without-store"], None).await;
    let nobody = asked().await?;
    assert_eq!(nobody.code, Some(1), "{}", nobody.out);
    for queue in &queues {
        let check = check(&nobody.json()?, &format!("task queue {queue}"))?;
        assert!(check["detail"].as_str().is_some_and(|detail| detail.starts_with("nobody polls")), "{check}");
    }
    let _worker = world.spawn_worker(&[])?;
    world.is_polled().await?;
    let polled = asked().await?.json()?;
    for queue in &queues {
        let check = check(&polled, &format!("task queue {queue}"))?;
        assert_eq!(check["ok"], json!(true), "{check}");
        assert!(check["detail"].as_str().is_some_and(|detail| detail.contains("1 worker polls")), "{check}");
    }
    Ok(())
}

/// M10: an outage is in the log: when it begins, when its reason changes, and every tenth attempt.
#[tokio::test]
async fn a_failing_activity_is_logged_with_its_address_and_run_and_nothing_personal() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let log = std::env::temp_dir().join(format!("sunflow-failing-{}.log", std::process::id()));
    let _worker = world.spawn_logging_worker(&["--log-format=json"], &log)?;
    let fault = json!({ "operation": "payments.create", "kind": "status", "status": 503, "count": 3 });
    world.shop.faults(json!([fault])).await?;
    let order = world.start(&orders::order()).await?;
    let ended = order.ended().await?;
    ended.fulfilled()?;
    let lines: Vec<Value> = std::fs::read_to_string(&log)?
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["fields"]["activity"] == "payment.charge")
        .collect();
    std::fs::remove_file(&log)?;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let fields = &lines[0]["fields"];
    assert_eq!(lines[0]["level"], json!("WARN"));
    assert_eq!((&fields["attempt"], &fields["failure"]), (&json!(1), &json!("OutcomeUnknown")), "{fields}");
    assert_eq!(fields["reason"], json!("payment gave no usable answer: HTTP 503"));
    assert_eq!(fields["workflow_id"], json!(order.workflow_id));
    assert_eq!(fields["address"], json!(world.shop.url().trim_end_matches('/')));
    let said = lines[0].to_string();
    for personal in ["customer@example.com", "+84901234567", "card_token_123"] {
        assert!(!said.contains(personal), "{personal} is in {said}");
    }
    Ok(())
}
