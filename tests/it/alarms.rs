//! The alarms of `deploy/prometheus`: each fires when it should (`promtool`), leads to its page of the runbook, and
//! goes by series that a worker has from its first second.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use tests::orders;
use tests::processes::{free_port, tool};
use tests::servers;
use tests::world::{LIMIT, World};
use tokio::process::Command;

/// Series that are there once a worker has worked.
const OF_WORK: [&str; 1] = ["temporal_workflow_task_schedule_to_start_latency_seconds_bucket"];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prometheus"))
}

fn text(name: &str) -> anyhow::Result<String> {
    let path = folder().join(name);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The words that stand behind one in a text: the names of alarms behind `alert:`.
fn behind<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '}');
    text.split(word).skip(1).filter_map(move |rest| rest.trim_start().split(ends).next())
}

async fn promtool(args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(tool("SUNFLOW_PROMTOOL")?).args(args).current_dir(folder()).output().await?;
    let said = [output.stdout, output.stderr].concat();
    anyhow::ensure!(output.status.success(), "promtool {args:?}: {}", String::from_utf8_lossy(&said));
    Ok(())
}

#[tokio::test]
async fn each_alarm_fires_when_it_should_and_not_when_all_is_well() -> anyhow::Result<()> {
    promtool(&["check", "config", "prometheus.yml"]).await?;
    promtool(&["test", "rules", "sunflow.test.yml"]).await
}

/// `promtool` is content with an alarm that no test names.
#[test]
fn each_alarm_has_both_tests_and_a_page_of_the_runbook() -> anyhow::Result<()> {
    let (rules, tested) = (text("sunflow.rules.yml")?, text("sunflow.test.yml")?);
    let runbook = text("../../docs/runbook.md")?;
    let alarms: BTreeSet<&str> = behind(&rules, "- alert:").collect();
    assert!(alarms.len() > 10, "the alarms are not found any more");
    // A test that ends behind the name expects nothing; one with a line of its own expects the alarm.
    let quiet: BTreeSet<&str> = tested.lines().filter_map(|line| line.trim().strip_prefix("- {")).collect();
    let is_quiet = |name: &str| quiet.iter().any(|line| line.ends_with(&format!("alertname: {name}}}")));
    let fires: BTreeSet<&str> = tested
        .split("- eval_time:")
        .skip(1)
        .filter(|test| test.contains("exp_labels:"))
        .filter_map(|test| behind(test, "alertname:").next())
        .collect();
    for name in &alarms {
        assert!(is_quiet(name), "no test says when {name} does not fire");
        assert!(fires.contains(name), "no test lets {name} fire");
        let anchor = format!("docs/runbook.md#{}", name.to_lowercase());
        assert!(behind(&rules, "runbook_url:").any(|url| url == anchor), "{name} has no {anchor}");
    }
    let pages: BTreeSet<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .filter(|name| !name.contains(' '))
        .collect();
    assert_eq!(pages, alarms, "the pages of docs/runbook.md, and the alarms");
    for page in runbook.split("\n## ").skip(1).filter(|page| page.starts_with("Sunflow")) {
        for part in ["**It means**", "**Look**", "**Do**"] {
            let name = page.lines().next().unwrap_or_default();
            assert!(page.contains(part), "docs/runbook.md, {name}: {part} is missing");
        }
    }
    Ok(())
}

/// The series that the rules go by: every word that begins as ours or the SDK's do.
fn series(rules: &str) -> BTreeSet<&str> {
    let words = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = words.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with("sunflow_") || word.starts_with("temporal_")).collect()
}

async fn metrics(port: u16, wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
    let until = Instant::now() + LIMIT;
    loop {
        let mut last = "no connection".to_owned();
        if let Ok(answer) = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await {
            last = answer.text().await?;
            if wanted(&last) {
                return Ok(last);
            }
        }
        anyhow::ensure!(Instant::now() < until, "the metrics never became as wanted: {last}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn has(metrics: &str, series: &str) -> bool {
    metrics.lines().any(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(['{', ' '])))
}

#[tokio::test]
async fn the_series_of_every_alarm_are_there_before_anything_has_happened() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let port = free_port()?;
    let _worker = world.spawn_worker(&[&format!("--listen=127.0.0.1:{port}")])?;
    let is_uncounted = |line: &str| line == "sunflow_runs_counted_at 0";
    let polls = |metrics: &str| has(metrics, "temporal_num_pollers") && !metrics.lines().any(is_uncounted);
    let fresh = metrics(port, polls).await?;
    let rules = text("sunflow.rules.yml")?;
    let missing: Vec<&str> =
        series(&rules).into_iter().filter(|name| !OF_WORK.contains(name) && !has(&fresh, name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "an alarm would miss the first time");
    for zero in [
        r#"sunflow_undo_failures_total{process="OrderProcessing",step="process-payment"} 0"#,
        r#"sunflow_process_ended_total{compensated="true",outcome="failed",process="CustomerOnboarding"} 0"#,
        r#"sunflow_runs_asking{older_than="1h",process="ErpSync"} 0"#,
        r#"sunflow_activity_failures_total{failure="Setting",system="payment"} 0"#,
    ] {
        assert!(fresh.contains(zero), "{zero} is not in {fresh}");
    }
    world.run(&orders::order()).await?.fulfilled()?;
    let worked = metrics(port, |metrics| OF_WORK.iter().all(|name| has(metrics, name))).await?;
    let attempts =
        worked.lines().find(|line| line.starts_with(r#"sunflow_activity_attempts_total{system="payment"}"#));
    assert!(attempts.is_some_and(|line| !line.ends_with(" 0")), "{attempts:?}");
    Ok(())
}

/// A worker that starts finds the runs that ask; it counts those of its own queue.
#[tokio::test]
async fn a_run_that_waits_for_a_person_is_counted_by_whichever_worker_starts() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    world.shop.undo_sticks_at("payments.refund").await?;
    let port = free_port()?;
    let first = world.spawn_worker(&["--undo-patience=2s", &format!("--listen=127.0.0.1:{port}")])?;
    let order = world.start(&orders::order()).await?;
    order.until("asks", |progress| !progress.questions.is_empty()).await?;
    let stuck = r#"sunflow_undo_failures_total{process="OrderProcessing",step="process-payment"} 1"#;
    metrics(port, |metrics| metrics.contains(stuck)).await?;
    drop(first);
    // The list trails the run by a moment, and a worker counts at its start.
    let until = Instant::now() + LIMIT;
    let asks = format!("TaskQueue = '{}' AND SunNeedsHuman = true", world.task_queue);
    while world.client.count_workflows(&asks, Default::default()).await?.count() == 0 {
        anyhow::ensure!(Instant::now() < until, "the run is never listed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let port = free_port()?;
    let _second = world.spawn_worker(&["--undo-patience=2s", &format!("--listen=127.0.0.1:{port}")])?;
    let asking = r#"sunflow_runs_asking{older_than="0s",process="OrderProcessing"} 1"#;
    let counted = metrics(port, |metrics| metrics.contains(asking)).await?;
    assert!(counted.contains(r#"sunflow_runs_asking{older_than="1h",process="OrderProcessing"} 0"#));
    assert!(!counted.contains(&order.order_id), "an order number is in the metrics");
    world.shop.faults(json!([])).await?;
    Ok(())
}
