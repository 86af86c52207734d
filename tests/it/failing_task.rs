//! H2: a run whose workflow task fails says so, with the worker's words, and what asks it for something is told that
//! nothing was taken.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow, workflow_methods};
use tests::orders;
use tests::own_worker::OwnWorker;
use tests::servers;
use tests::starter::starter;
use tests::world::{LIMIT, World};

/// A build that cannot go on with an order.
#[workflow]
#[derive(Default)]
struct Broken;

#[workflow_methods]
impl Broken {
    #[run(name = "OrderProcessing")]
    async fn run(_ctx: &mut WorkflowContext<Self>, _order: Value) -> WorkflowResult<()> {
        panic!("there is no such step any more")
    }
}

const WHY: &str = "there is no such step any more";

#[tokio::test]
async fn a_run_that_cannot_go_on_says_why_and_that_nothing_was_taken() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let _broken = OwnWorker::start(world.address(), &world.task_queue, |options| {
        options.register_workflow::<Broken>()?;
        Ok(())
    })?;
    let order = orders::order();
    let id = orders::id(&order);
    world.start(&order).await?;
    let until = Instant::now() + LIMIT;
    let task = loop {
        let asked = starter(&world, &["order", "status", &id, "-ojson"], None).await?;
        let task = asked.json()?["failing_task"].clone();
        if !task.is_null() {
            assert!(!asked.err.contains("no worker answers"), "{}", asked.err);
            break task;
        }
        anyhow::ensure!(Instant::now() < until, "its task never fails: {}", asked.out);
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!(task["how"], json!("failed"), "{task}");
    assert!(task["message"].as_str().is_some_and(|message| message.contains(WHY)), "{task}");
    assert!(task["since"].is_string(), "{task}");

    // L1: by its short name.
    let show = starter(&world, &["show", &id], None).await?;
    for words in ["its workflow task fails since", WHY, "roll it back"] {
        assert!(show.out.contains(words), "{words} is not in {}", show.out);
    }
    for args in [
        &["order", "cancel", &id, "--reason", "changed their mind"][..],
        &["order", "settle-payment", &id],
        &["answer", &id, "--action", "retry", "--reason", "again"],
    ] {
        let refused = starter(&world, args, None).await?;
        assert_eq!(refused.code, Some(1), "{args:?}: {}", refused.err);
        for words in ["nothing was taken", WHY, "temporal workflow cancel -w order/"] {
            assert!(refused.err.contains(words), "{args:?}: {words} is not in {}", refused.err);
        }
    }
    // L26: nobody can act on it now, and it is not lost.
    world.attach(&order).temporal_cancel().await?;
    let show = starter(&world, &["show", &id], None).await?;
    assert!(show.out.contains("a cancel was asked for in Temporal"), "{}", show.out);
    let watched = starter(&world, &["order", "watch", &id, "--timeout", "2s"], None).await?;
    assert_eq!(watched.code, Some(1), "{}", watched.err);
    assert!(watched.err.contains(WHY) && !watched.err.contains("it goes on by itself; "), "{}", watched.err);

    // The list trails the run by a moment.
    let until = Instant::now() + LIMIT;
    loop {
        let listed =
            starter(&world, &["list", "--query", &format!("WorkflowId = 'order/{id}'")], None).await?;
        let is_told =
            |line: &str| line.contains(&id) && line.contains("cannot go on: its workflow task fails");
        if listed.out.lines().any(is_told) {
            break;
        }
        anyhow::ensure!(Instant::now() < until, "the list does not say so: {}", listed.out);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let doctor = starter(&world, &["doctor", "-ojson", "--without-store"], None).await?;
    assert_eq!(doctor.code, Some(1), "{}", doctor.out);
    let checks = doctor.json()?["checks"].as_array().cloned().unwrap_or_default();
    let runs = checks.iter().find(|check| check["name"] == "runs");
    let is_named =
        |check: &Value| check["detail"].as_str().is_some_and(|why| why.contains(&format!("order/{id}")));
    assert!(runs.is_some_and(|check| check["ok"] == false && is_named(check)), "{runs:?}");
    Ok(())
}
