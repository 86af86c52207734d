//! A run that is watched: what it costs Temporal and the worker, and what may happen meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;
use temporalio_client::NamespacedClient as _;
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
use tonic::IntoRequest as _;

/// The most that may be asked.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

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

#[tokio::test]
async fn a_run_that_is_reset_is_watched_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    let mut watch = Talking::start(world.address(), &world.task_queue, &["order", "watch", &order.order_id])?;
    watch.says("process-payment waiting").await?;
    let execution = WorkflowExecution { workflow_id: order.workflow_id.clone(), run_id: String::new() };
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
        request_id: order.workflow_id.clone(),
        ..ResetWorkflowExecutionRequest::default()
    };
    let next = temporal.reset_workflow_execution(reset.into_request()).await?.into_inner().run_id;
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
