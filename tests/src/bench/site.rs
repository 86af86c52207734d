//! The measured site: a server, a sandbox and a worker, each a process of its own, and the one client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use temporalio_client::{
    Client, WorkflowCountOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowGetResultOptions, WorkflowStartOptions,
};
use workflows::input::Unchecked;
use workflows::order_processing::{OrderData, OrderProcessing, PaymentSettled};

use super::Variant;
use super::empty::Empty;
use super::sequential::SequentialOrder;
use crate::processes::{Leashed, binary, free_port};
use crate::shop::Shop;
use crate::world::start_options;
use crate::{orders, servers};

const START_LIMIT: Duration = Duration::from_secs(60);
/// More than any bench sells.
const STOCK: u32 = 10_000_000;

/// Everything but the workers.
pub(super) struct Site {
    pub(super) server: Leashed,
    pub(super) sandbox: Leashed,
    client: Client,
    shop: Shop,
    address: String,
    empties: AtomicUsize,
}

/// The cost of one order in Temporal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) events: i64,
    pub(super) transitions: i64,
    pub(super) bytes: i64,
}

impl Site {
    pub(super) async fn open() -> anyhow::Result<Self> {
        let port = free_port()?;
        let server = servers::another_dev_server(port)?;
        let address = format!("127.0.0.1:{port}");
        let listen = format!("127.0.0.1:{}", free_port()?);
        let sandbox = Leashed::start(&binary("sandbox")?, &["--listen".to_owned(), listen.clone()])?;
        let shop = Shop::at(&format!("http://{listen}"));
        let until = Instant::now() + START_LIMIT;
        while let Err(error) = stock_up(&shop).await {
            anyhow::ensure!(Instant::now() < until, "the sandbox does not answer: {error:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let client = servers::client(&address).await?;
        Ok(Self { server, sandbox, client, shop, address, empties: AtomicUsize::new(0) })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn shop(&self) -> &Shop {
        &self.shop
    }

    /// This program again, as a worker.
    pub(super) fn worker(&self, task_queue: &str, settings: &[String]) -> anyhow::Result<Leashed> {
        let own = [
            "worker".to_owned(),
            format!("--address={}", self.address),
            format!("--task-queue={task_queue}"),
            format!("--ecommerce-api-url={}", self.shop.url()),
            "--listen=127.0.0.1:0".to_owned(),
        ];
        let args: Vec<String> = own.into_iter().chain(settings.iter().cloned()).collect();
        Leashed::start(&std::env::current_exe()?, &args)
    }

    pub(super) async fn start(
        &self,
        variant: Variant,
        task_queue: &str,
        order: &Value,
    ) -> anyhow::Result<()> {
        let input = Unchecked::<OrderData>::from_json(&order.to_string())?;
        let options = start_options(order, task_queue, true);
        match variant {
            Variant::Shipped => drop(self.client.start_workflow(OrderProcessing::run, input, options).await?),
            Variant::Sequential => {
                drop(self.client.start_workflow(SequentialOrder::run, input, options).await?)
            }
        }
        Ok(())
    }

    /// Runs one order; returns its workflow id and how long its caller waited.
    pub(super) async fn order(
        &self,
        variant: Variant,
        task_queue: &str,
    ) -> anyhow::Result<(String, Duration)> {
        let order = orders::two_lines();
        let id = format!("order/{}", orders::id(&order));
        let begun = Instant::now();
        self.start(variant, task_queue, &order).await?;
        // Both end with the same result.
        let handle = self.client.get_workflow_handle::<OrderProcessing>(id.clone());
        let result = handle.get_result(WorkflowGetResultOptions::default()).await;
        let took = begun.elapsed();
        let result = result.with_context(|| format!("{id} did not go through"))?;
        let done = result.report.steps.iter().all(|step| step.status.is_done());
        anyhow::ensure!(result.success && done, "{id} went through in part: {:?}", result.report);
        Ok((id, took))
    }

    /// Runs a workflow that does nothing.
    pub(super) async fn empty(&self, task_queue: &str) -> anyhow::Result<(String, Duration)> {
        let id = format!("empty/{}", self.empties.fetch_add(1, Ordering::Relaxed));
        let begun = Instant::now();
        let options = WorkflowStartOptions::new(task_queue, id.clone()).build();
        let handle = self.client.start_workflow(Empty::run, (), options).await?;
        handle.get_result(WorkflowGetResultOptions::default()).await?;
        Ok((id, begun.elapsed()))
    }

    pub(super) async fn cost(&self, workflow_id: &str) -> anyhow::Result<Cost> {
        let handle = self.client.get_workflow_handle::<OrderProcessing>(workflow_id.to_owned());
        let description = handle.describe(WorkflowDescribeOptions::default()).await?;
        let info = description.raw().workflow_execution_info.clone().unwrap_or_default();
        Ok(Cost {
            events: info.history_length,
            transitions: info.state_transition_count,
            bytes: info.history_size_bytes,
        })
    }

    /// A customer pays by bank transfer; returns how long it took from the news to the order's end.
    pub(super) async fn settle(&self, order_id: &str) -> anyhow::Result<Duration> {
        let event = PaymentSettled { event_id: self.shop.settle(order_id, "paid").await?, payment_id: None };
        let handle = self.client.get_workflow_handle::<OrderProcessing>(format!("order/{order_id}"));
        let begun = Instant::now();
        let options = WorkflowExecuteUpdateOptions::default();
        handle.execute_update(OrderProcessing::payment_settled, event, options).await?;
        let result = handle.get_result(WorkflowGetResultOptions::default()).await;
        let took = begun.elapsed();
        let result = result.with_context(|| format!("{order_id} did not go through"))?;
        anyhow::ensure!(result.success, "{order_id} was paid and ended {}", result.outcome);
        Ok(took)
    }

    /// Waits until so many orders of a queue wait for their payment.
    pub(super) async fn all_wait(&self, task_queue: &str, count: usize) -> anyhow::Result<()> {
        let query = format!("TaskQueue = '{task_queue}' AND SunStage = 'awaiting-payment'");
        let until = Instant::now() + 5 * START_LIMIT;
        loop {
            let waiting = self.client.count_workflows(query.clone(), WorkflowCountOptions::default()).await?;
            if waiting.count() >= count {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "only {} of {count} orders wait", waiting.count());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

async fn stock_up(shop: &Shop) -> anyhow::Result<Value> {
    let shelf = |sku: &str, variant: &str, price: u64| json!({ "sku": sku, "variant_id": variant, "price": price, "stock": STOCK });
    let laptop = shelf("LAPTOP-001", "LAPTOP-001-16GB-512GB", 25_000_000);
    shop.put("products", json!([laptop, shelf("MOUSE-001", "MOUSE-001-BLACK", 500_000)])).await
}
