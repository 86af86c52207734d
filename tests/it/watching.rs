//! A run that is watched: what it costs Temporal and the worker, and what may happen meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;
use temporalio_client::{NamespacedClient as _, WorkflowDescribeOptions};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    GetWorkflowExecutionHistoryRequest, ResetWorkflowExecutionRequest,
};
use tests::erp::ErpWorld;
use tests::orders;
use tests::proxy::Proxy;
use tests::starter::{Talking, at};
use tests::world::World;
use tonic::{Code, IntoRequest as _};
use workflows::erp_sync::ErpSync;

/// The most that may be asked.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The long poll that says what is written.
const HISTORY: &str = "GetWorkflowExecutionHistory";

#[tokio::test]
async fn a_watched_run_costs_no_query_but_current_details_and_those_only_when_something_happens()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let proxy = Proxy::before(world.address()).await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    let begun = Instant::now();
    let mut watch = Talking::start(&proxy.address, &world.task_queue, &["order", "watch", &order.order_id])?;
    watch.says("process-payment waiting").await?;
    // It waits for its customer, and so does the watch.
    tokio::time::sleep(BETWEEN_LOOKS * 2).await;
    let before = proxy.passed("QueryWorkflow").len();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(proxy.passed("QueryWorkflow").len(), before, "nothing happened, and it asked");

    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    let watched = watch.ended().await?;
    assert_eq!(watched.code, Some(0), "{}", watched.err);
    assert!(watched.err.contains("[8/8] update-analytics completed"), "{}", watched.err);

    let queries = proxy.passed("QueryWorkflow");
    assert!(!queries.is_empty(), "the proxy sees no query any more");
    assert!(queries.iter().all(|query| query.is_metadata), "{queries:#?}");
    let most = begun.elapsed().as_millis() / BETWEEN_LOOKS.as_millis() + 1;
    assert!(queries.len() as u128 <= most, "{} queries, {most} may be", queries.len());
    for pair in queries.windows(2) {
        let between = pair[1].at - pair[0].at;
        assert!(between >= BETWEEN_LOOKS - Duration::from_millis(50), "asked again after {between:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_quiet_wait_asks_once_where_the_run_is() -> anyhow::Result<()> {
    let world = World::new().await?;
    let proxy = Proxy::before(world.address()).await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.reaches("process-payment").await?;
    let mut result =
        Talking::start(&proxy.address, &world.task_queue, &["order", "result", &order.order_id])?;
    result.says("now at process-payment").await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    assert_eq!(result.ended().await?.code, Some(0));
    assert_eq!(proxy.passed("QueryWorkflow").len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_ends_no_watch() -> anyhow::Result<()> {
    let world = World::new().await?;
    let proxy = Proxy::before(world.address()).await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    let mut watch = Talking::start(&proxy.address, &world.task_queue, &["order", "watch", &order.order_id])?;
    watch.says("process-payment waiting").await?;
    proxy.is_away(true);
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    watch.says("Temporal does not answer; waiting for it").await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    proxy.is_away(false);
    let watched = watch.ended().await?;
    assert_eq!(watched.code, Some(0), "{}", watched.err);
    assert_eq!(watched.err.matches("Temporal does not answer").count(), 1, "{}", watched.err);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_down_is_told_and_waited_for() -> anyhow::Result<()> {
    let mut world = World::without_worker(&tests::servers::dev_server()?).await?;
    let order = orders::order();
    let id = orders::id(&order);
    let started =
        at(world.address(), &world.task_queue, &["order", "start", "--input", "-"], Some(&order)).await?;
    assert_eq!(started.code, Some(0), "{}", started.err);
    let mut watch = Talking::start(world.address(), &world.task_queue, &["order", "watch", &id])?;
    watch.says("no worker answers on task queue").await?;
    world.start_worker(&[])?;
    let watched = watch.ended().await?;
    assert_eq!(watched.code, Some(0), "{}", watched.err);
    Ok(())
}

/// Resets a run to its last workflow task; returns the new run.
async fn reset(world: &World, workflow_id: &str) -> anyhow::Result<String> {
    let execution = WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() };
    let mut temporal = world.client.connection().workflow_service();
    let history = GetWorkflowExecutionHistoryRequest {
        namespace: world.client.namespace(),
        execution: Some(execution.clone()),
        ..GetWorkflowExecutionHistoryRequest::default()
    };
    let history = temporal.get_workflow_execution_history(history.into_request()).await?.into_inner().history;
    let events = history.map(|history| history.events).unwrap_or_default();
    let is_task_done = |event: &&HistoryEvent| event.event_type() == EventType::WorkflowTaskCompleted;
    let last_task = events.iter().rfind(is_task_done).map_or(0, |event| event.event_id);
    let reset = ResetWorkflowExecutionRequest {
        namespace: world.client.namespace(),
        workflow_execution: Some(execution),
        reason: "a test".to_owned(),
        workflow_task_finish_event_id: last_task,
        request_id: workflow_id.to_owned(),
        ..ResetWorkflowExecutionRequest::default()
    };
    Ok(temporal.reset_workflow_execution(reset.into_request()).await?.into_inner().run_id)
}

#[tokio::test]
async fn a_run_that_is_reset_is_watched_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    let proxy = Proxy::before(world.address()).await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    let mut watch = Talking::start(&proxy.address, &world.task_queue, &["order", "watch", &order.order_id])?;
    watch.says("process-payment waiting").await?;
    // The question what became of the run that was ended is not answered at first.
    proxy.answers_itself("DescribeWorkflowExecution", 1, Err(Code::Cancelled));
    let next = reset(&world, &order.workflow_id).await?;
    watch.says(&format!("was reset; it goes on as run {next}")).await?;
    order.reaches("process-payment").await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    let watched = watch.ended().await?;
    assert_eq!(watched.code, Some(0), "{}", watched.err);
    Ok(())
}

#[tokio::test]
async fn a_sync_that_goes_on_as_new_runs_is_watched_to_the_end_of_the_last() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 100, "inventory": false, "seed": 1 })).await?;
    let long = json!({ "full": true, "page_size": 2, "batches_per_run": 1, "sync_entities": ["products"] });
    let config = erp.config(long)?;
    let args = ["erp", "sync", "--input", "-", "--wait", "-o", "json"];
    let proxy = Proxy::before(erp.world.address()).await?;
    let synced = at(&proxy.address, &erp.world.task_queue, &args, Some(&config)).await?;
    assert_eq!(synced.code, Some(0), "{}", synced.err);
    let document = synced.json()?;
    let last = document["run_id"].as_str().unwrap_or_default();
    let sync_id = document["sync_id"].as_str().unwrap_or_default();
    assert!(sync_id.ends_with(last) && !synced.err.contains(last), "{sync_id} {last} {}", synced.err);
    assert!(proxy.passed("QueryWorkflow").iter().all(|query| query.is_metadata));
    Ok(())
}

#[tokio::test]
async fn a_sync_that_goes_on_as_new_runs_while_nobody_looks_is_caught_up_with() -> anyhow::Result<()> {
    let mut erp = ErpWorld::without_worker().await?;
    erp.world.shop.post("erp/generate", json!({ "products": 100, "inventory": false, "seed": 1 })).await?;
    // The newest record comes in the last run, and a person is asked about it.
    let free = json!({ "item_code": "FREE-001", "item_description": "For nothing", "unit_price": 0 });
    erp.erp(json!([{ "entity": "products", "id": "FREE", "fields": free }])).await?;
    let long = json!({ "full": true, "page_size": 2, "batches_per_run": 1, "sync_entities": ["products"] });
    let sync = erp.start(long).await?;
    let (workflow_id, first) = (sync.workflow_id.clone(), sync.run_id.clone());
    let proxy = Proxy::before(erp.world.address()).await?;
    let args = ["erp", "watch", &workflow_id, "-o", "json"];
    let mut watch = Talking::start(&proxy.address, &erp.world.task_queue, &args)?;
    watch.says("no worker answers on task queue").await?;
    proxy.is_away(true);
    watch.says("Temporal does not answer").await?;
    let settings = erp.settings();
    erp.world.start_worker(&settings.iter().map(String::as_str).collect::<Vec<_>>())?;
    erp.attach(first.clone()).asks().await?;
    proxy.is_away(false);
    let asked = watch.ended().await?;
    assert_eq!(asked.code, Some(6), "{}", asked.err);
    let handle = erp.world.client.get_workflow_handle::<ErpSync>(workflow_id);
    let latest = handle.describe(WorkflowDescribeOptions::default()).await?;
    let runs = proxy.passed("DescribeWorkflowExecution").len();
    assert_eq!(asked.json()?["run_id"], latest.run_id(), "{}", asked.err);
    assert!(
        latest.run_id() != first && runs >= 3,
        "{runs} descriptions are too few for a chain of three runs"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_hold_a_poll_is_asked_once_a_second() -> anyhow::Result<()> {
    let world = World::new().await?;
    let proxy = Proxy::before(world.address()).await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.reaches("process-payment").await?;
    proxy.answers_itself(HISTORY, usize::MAX, Ok(()));
    let mut watch = Talking::start(&proxy.address, &world.task_queue, &["order", "watch", &order.order_id])?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let polls = proxy.passed(HISTORY).len();
    assert!((2..=5).contains(&polls), "{polls} polls in four seconds");
    proxy.answers_itself(HISTORY, 0, Ok(()));
    watch.says("process-payment waiting").await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    let watched = watch.ended().await?;
    assert_eq!(watched.code, Some(0), "{}", watched.err);
    Ok(())
}
