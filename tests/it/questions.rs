//! Questions of many runs, looked at and answered from the command line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use tests::orders;
use tests::proxy::Proxy;
use tests::scenarios::stuck_at;
use tests::servers::{self, OwnServer};
use tests::starter::{Called, Talking, at, starter};
use tests::world::{LIMIT, Order, WorkerProcess, World};
use workflows::report::StepStatus;

const ALL: [&str; 4] = ["answer", "--all", "--step", "process-payment"];

/// A world on a server of its own: what is answered here are all runs of the server.
async fn alone() -> anyhow::Result<(OwnServer, World, WorkerProcess)> {
    let server = servers::bare_dev_server()?;
    let world = World::without_worker(&server.address).await?;
    let worker = world.spawn_worker(&["--undo-patience=2s"])?;
    world.is_polled().await?;
    Ok((server, world, worker))
}

/// Orders whose refund gets no answer; the list knows all of them.
async fn stuck(world: &World, count: usize) -> anyhow::Result<Vec<Order<'_>>> {
    world.shop.undo_sticks_at("payments.refund").await?;
    let mut stuck = Vec::new();
    for _ in 0..count {
        stuck.push(world.start(&orders::order()).await?);
    }
    for order in &stuck {
        order.until("asks", |progress| !progress.questions.is_empty()).await?;
    }
    until_listed(world, count).await?;
    Ok(stuck)
}

/// The list trails the runs by a moment.
async fn until_listed(world: &World, count: usize) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    loop {
        let asked = starter(world, &["questions", "-ojson"], None).await?;
        if asked.json()?["runs"] == json!(count) {
            assert_eq!(asked.code, Some(if count == 0 { 0 } else { 6 }), "{}", asked.err);
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < until, "{count} runs are not listed: {}", asked.out);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn all(world: &World, more: &[&str]) -> anyhow::Result<Called> {
    starter(world, &[&ALL[..], more].concat(), None).await
}

/// The answers that reached a run.
async fn taken(order: &Order<'_>) -> anyhow::Result<usize> {
    let accepted = EventType::WorkflowExecutionUpdateAccepted;
    Ok(order.history().await?.iter().filter(|event| event.event_type() == accepted).count())
}

#[tokio::test]
async fn what_is_asked_is_grouped_without_a_query_and_the_commands_it_names_work() -> anyhow::Result<()> {
    let (_server, world, _worker) = alone().await?;
    let orders = stuck(&world, 3).await?;
    let proxy = Proxy::before(world.address()).await?;
    let asked = at(&proxy.address, &world.task_queue, &["questions", "-ojson"], None).await?;
    assert_eq!(asked.code, Some(6), "{}", asked.err);
    assert_eq!(proxy.passed("QueryWorkflow").len(), 0);
    assert!(!proxy.passed("ListWorkflowExecutions").is_empty(), "the proxy sees no list any more");
    let group = &asked.json()?["groups"][0];
    let wanted = (&json!("process-payment"), &json!("no_answer"), &json!(3));
    assert_eq!((&group["step"], &group["cause"], &group["runs"]), wanted);
    assert_eq!(group["example"], json!(format!("order/{}", orders[0].order_id)), "the oldest is the example");

    let told = starter(&world, &["questions"], None).await?;
    let commands: Vec<&str> =
        told.out.lines().filter_map(|line| Some(line.split_once("starter ")?.1)).collect();
    assert_eq!(commands.len(), 2, "{}", told.out);
    let looked = starter(&world, &commands[0].split(' ').collect::<Vec<_>>(), None).await?;
    assert_eq!(looked.code, Some(0), "{}", looked.err);
    for fact in ["since: ", "payment_id: ", "retry: tried again now", "answer: starter answer order/"] {
        assert!(looked.out.contains(fact), "{fact:?} is not in {}", looked.out);
    }
    world.shop.mend().await?;
    let answer = commands[1].split(' ').map(|word| word.trim_matches('\'')).chain(["--yes"]);
    let answered = starter(&world, &answer.collect::<Vec<_>>(), None).await?;
    assert_eq!(answered.code, Some(0), "{}", answered.err);
    until_listed(&world, 0).await
}

/// Interrupted in the middle and given again, it goes on, and every run hears it once.
#[tokio::test]
async fn nobody_is_answered_twice() -> anyhow::Result<()> {
    const MANY: usize = 20;
    let (_server, world, _worker) = alone().await?;
    let orders = stuck(&world, MANY).await?;
    world.shop.mend().await?;
    let proxy = Proxy::before(world.address()).await?;
    let give = [&ALL[..], &["--action", "retry", "--reason", "provider is back", "--yes", "-ojson"]].concat();
    let first = Talking::start(&proxy.address, &world.task_queue, &give)?;
    let until = Instant::now() + LIMIT;
    while proxy.passed("UpdateWorkflowExecution").len() < 5 {
        anyhow::ensure!(Instant::now() < until, "it answers nobody");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Kills it.
    drop(first);
    let before = proxy.passed("UpdateWorkflowExecution").len();
    assert!(before < MANY, "it was through before it was killed");

    let again = starter(&world, &give, None).await?;
    assert_eq!(again.code, Some(0), "{}", again.err);
    for order in &orders {
        let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
        assert_eq!(report.step("process-payment").map(|step| step.status), Some(StepStatus::Undone));
        assert_eq!(taken(order).await?, 1, "order {}", order.order_id);
    }
    until_listed(&world, 0).await?;
    let third = starter(&world, &give, None).await?;
    assert_eq!((third.code, &third.json()?["runs"]), (Some(0), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn the_same_answer_counts_once_and_what_is_done_by_hand_is_left_out() -> anyhow::Result<()> {
    let (_server, world, _worker) = alone().await?;
    let orders = stuck(&world, 2).await?;
    let unsaid = all(&world, &[]).await?;
    assert_eq!(unsaid.code, Some(2), "{}", unsaid.err);
    assert!(unsaid.err.contains("hands_off: nothing is tried while you do it by hand"), "{}", unsaid.err);
    let retry = ["--action", "retry", "--reason", "try"];
    let unconfirmed = all(&world, &retry).await?;
    assert_eq!(unconfirmed.code, Some(2), "{}", unconfirmed.err);
    assert!(
        unconfirmed.err.contains("2 runs ask about process-payment (no_answer: 2)"),
        "{}",
        unconfirmed.err
    );
    assert!(unconfirmed.err.contains("say --yes"), "{}", unconfirmed.err);

    let retry = [&retry[..], &["--yes", "-ojson"]].concat();
    for given_before in [false, true] {
        let answered = all(&world, &retry).await?;
        assert_eq!(answered.code, Some(6), "{}", answered.err);
        let document = answered.json()?;
        assert_eq!(document["outcomes"], json!({ "failed_again": 2 }), "{document}");
        let before = |told: &Value| told["given_before"] == json!(given_before);
        assert!(document["answers"].as_array().is_some_and(|all| all.iter().all(before)), "{document}");
        assert_eq!((taken(&orders[0]).await?, taken(&orders[1]).await?), (1, 1));
    }

    let by_hand = ["answer", &orders[0].order_id, "--action", "hands_off", "--reason", "at the bank"];
    assert_eq!(starter(&world, &by_hand, None).await?.code, Some(6));
    world.shop.mend().await?;
    let other = ["--cause", "no_answer", "--action", "retry", "--reason", "it is back", "--yes", "-ojson"];
    let answered = all(&world, &other).await?;
    assert_eq!(answered.code, Some(6), "{}", answered.err);
    assert_eq!(answered.json()?["outcomes"], json!({ "done": 1, "in_hand": 1 }));
    let closes = ["answer", &orders[0].order_id, "--action", "done_by_hand", "--reason", "refunded"];
    assert_eq!(starter(&world, &closes, None).await?.code, Some(0));
    for order in &orders {
        order.ended().await?.failed_as("ShippingFailed")?;
    }
    Ok(())
}

/// A run whose worker is away does not hold up the command, which says so.
#[tokio::test]
async fn a_worker_that_is_away_is_said_of_each_run() -> anyhow::Result<()> {
    let (_server, world, mut worker) = alone().await?;
    stuck(&world, 2).await?;
    worker.kill()?;
    let answered =
        all(&world, &["--action", "retry", "--reason", "try", "--timeout", "2s", "--yes", "-ojson"]).await?;
    assert_eq!(answered.code, Some(1), "{}", answered.err);
    assert_eq!(answered.json()?["outcomes"], json!({ "no_worker": 2 }));
    Ok(())
}

#[tokio::test]
async fn one_run_is_answered_by_its_short_name_and_says_what_it_takes() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    let id = order.order_id.as_str();
    let unsaid = starter(&world, &["answer", id], None).await?;
    assert_eq!(unsaid.code, Some(2), "{}", unsaid.err);
    assert!(unsaid.err.contains("leave: nothing is sent"), "{}", unsaid.err);
    assert!(unsaid.err.contains("say --action retry, or hands_off"), "{}", unsaid.err);
    let wrong = starter(&world, &["answer", id, "--action", "approve", "--reason", "why"], None).await?;
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    assert!(wrong.err.contains("cannot be answered with approve"), "{}", wrong.err);
    let other = starter(&world, &["answer", id, "update-order"], None).await?;
    assert_eq!(other.code, Some(2), "{}", other.err);
    assert!(other.err.contains("does not ask about 'update-order'; open: process-payment"), "{}", other.err);

    world.shop.mend().await?;
    let answer = ["answer", id, "process-payment", "--action", "retry", "--reason", "back", "-ojson"];
    let done = starter(&world, &answer, None).await?;
    assert_eq!((done.code, &done.json()?["outcome"]), (Some(0), &json!("done")), "{}", done.err);
    order.ended().await?;
    let late = starter(&world, &answer, None).await?;
    assert_eq!(late.code, Some(1), "{}", late.err);
    assert!(late.err.contains("asks nothing"), "{}", late.err);
    assert_eq!(starter(&world, &["answer", "ORDER-UNKNOWN"], None).await?.code, Some(4));
    Ok(())
}

#[tokio::test]
async fn of_several_questions_one_has_to_be_named() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down = |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503 });
    let refused = json!({ "operation": "shipments.create", "kind": "status", "status": 422 });
    world.shop.faults(json!([refused, down("inventory.restock"), down("payments.refund")])).await?;
    let order = world.start(&orders::order()).await?;
    order.until("asks twice", |progress| progress.questions.len() == 2).await?;
    let unnamed = starter(&world, &["answer", &order.order_id], None).await?;
    assert_eq!(unnamed.code, Some(2), "{}", unnamed.err);
    for question in ["process-payment", "confirm-inventory"] {
        let command = format!("starter answer order/{} {question}", order.order_id);
        assert!(unnamed.err.contains(&command), "{command} is not in {}", unnamed.err);
        let answer = ["answer", &order.order_id, question, "--action", "leave", "--reason", "lost"];
        assert_eq!(starter(&world, &answer, None).await?.code, Some(0));
    }
    order.ended().await?.failed_as("ShippingFailed")?;
    Ok(())
}
