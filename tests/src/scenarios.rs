//! One run of each way in which an order can go, for the replay corpus.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use contracts::values::{CustomerId, EventId, OrderId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use settlement::{Heard, settle};
use sha2::{Digest as _, Sha256};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use workflows::input::Unchecked;
use workflows::report::{Progress, StepStatus};
use workflows::saga::Action;
use workflows::unsubscription::{self, Unsubscription, UnsubscriptionData};

use crate::customers;
use crate::follow_up::FollowUp;
use crate::orders;
use crate::world::{LIMIT, Order, World};

/// Plays a scenario to its end and names the run whose history is kept.
type Play = for<'w> fn(&'w World) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + 'w>>;

/// A scenario and the name of its history.
pub struct Scenario {
    /// Names the file.
    pub name: &'static str,
    /// Plays it.
    pub play: Play,
}

macro_rules! scenario {
    ($name:literal, $world:ident => $body:block) => {
        Scenario {
            name: $name,
            play: |$world| Box::pin(async move { anyhow::Ok(async move { anyhow::Ok($body) }.await?) }),
        }
    };
}

mod catalog;
mod erp;
pub mod people;
mod prices;

/// The checksum of a history, as `sha256sum` writes it.
#[must_use]
pub fn checksum(history: &[u8]) -> String {
    Sha256::digest(history).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every scenario. Only add: from 0.1.0 on a recorded history is never recorded again.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    SHOP.iter().chain(erp::SYNCS).chain(catalog::SETUPS).chain(people::QUESTIONS).chain(prices::PRICES)
}

/// Those of orders and customers.
const SHOP: &[Scenario] = &[
    scenario!("complete", world => { ended(world.start(&orders::order()).await?).await? }),
    scenario!("complete-two-lines", world => { ended(world.start(&orders::two_lines()).await?).await? }),
    scenario!("cash-on-delivery", world => { ended(world.start(&orders::paid_by("cash_on_delivery")).await?).await? }),
    scenario!("card-declined", world => { ended(world.start(&orders::paid_with("card_declined")).await?).await? }),
    scenario!("insufficient-funds", world => {
        ended(world.start(&orders::paid_with("card_insufficient_funds")).await?).await?
    }),
    scenario!("card-expired", world => { ended(world.start(&orders::paid_with("card_expired")).await?).await? }),
    scenario!("out-of-stock", world => {
        let mut order = orders::order();
        order["items"][0]["quantity"] = json!(51);
        order["total_amount"] = json!(51 * 25_000_000_i64);
        ended(world.start(&order).await?).await?
    }),
    scenario!("expired", world => {
        let mut order = orders::paid_by("bank_transfer");
        order["reservation_minutes"] = json!(0.02);
        ended(world.start(&order).await?).await?
    }),
    scenario!("settled", world => {
        let order = waiting(world).await?;
        let event = world.shop.settle(&order.order_id, "paid").await?;
        order.payment_settled(&event).await.map_err(anyhow::Error::msg)?;
        ended(order).await?
    }),
    scenario!("cancelled-while-reserving", world => { cancelled_during(world, "inventory.reserve").await? }),
    scenario!("cancelled-while-charging", world => { cancelled_during(world, "payments.create").await? }),
    scenario!("cancelled-while-the-stock-is-down", world => {
        world.shop.faults(json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503 }])).await?;
        let order = world.start(&orders::order()).await?;
        order.until_step("create-shipping", StepStatus::Completed).await?;
        order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
        ended(order).await?
    }),
    scenario!("cancelled-with-the-parcel-under-way", world => {
        world.shop.faults(json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503 }])).await?;
        let order = world.start(&orders::order()).await?;
        order.until_step("create-shipping", StepStatus::Completed).await?;
        world.shop.put(&format!("shipments/{}", order.order_id), json!({ "status": "in_transit" })).await?;
        order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
        order.until("stuck", |p| !p.needs_human.is_empty()).await?;
        let stopped = order.answer("create-shipping", Action::DoneByHand, "stopped at the depot").await;
        stopped.map_err(anyhow::Error::msg)?;
        ended(order).await?
    }),
    scenario!("hold-lost-beside-the-label", world => {
        slow(world, "payments.create").await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested("payments.create").await?;
        world.shop.holds_run_out().await?;
        world.shop.laptops(0).await?;
        ended(order).await?
    }),
    scenario!("hold-lost-and-had-again", world => {
        slow(world, "payments.create").await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested("payments.create").await?;
        world.shop.holds_run_out().await?;
        ended(order).await?
    }),
    scenario!("carrier-and-stock-down", world => {
        let down = |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503 });
        world.shop.faults(json!([down("inventory.confirm"), down("shipments.create")])).await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested("shipments.create").await?;
        order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
        ended(order).await?
    }),
    scenario!("shop-and-mail-down-after-the-label", world => {
        let down = |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503, "count": 3 });
        world.shop.faults(json!([down("orders.update"), down("notifications.email")])).await?;
        ended(world.start(&orders::order()).await?).await?
    }),
    scenario!("canceled-by-temporal", world => {
        let order = waiting(world).await?;
        order.temporal_cancel().await?;
        ended(order).await?
    }),
    scenario!("cancel-refused-at-the-label", world => {
        slow(world, "shipments.create").await?;
        let order = world.start(&orders::order()).await?;
        world.shop.requested("shipments.create").await?;
        order.until_step("confirm-inventory", StepStatus::Completed).await?;
        anyhow::ensure!(order.cancel_order("too late").await.is_err(), "the cancel was not refused");
        ended(order).await?
    }),
    scenario!("shipping-refused", world => {
        world.shop.faults(json!([{ "operation": "shipments.create", "kind": "status", "status": 422 }])).await?;
        ended(world.start(&orders::order()).await?).await?
    }),
    scenario!("stuck-undo-retried", world => { stuck(world, Action::Retry).await? }),
    scenario!("stuck-undo-done-by-hand", world => { stuck(world, Action::DoneByHand).await? }),
    scenario!("stuck-undo-skipped", world => { stuck(world, Action::Leave).await? }),
    scenario!("quick-steps-down", world => {
        world
            .shop
            .faults(json!([
                { "operation": "orders.validate", "kind": "status", "status": 503, "count": 3 },
                { "operation": "events.track", "kind": "reply_lost", "count": 2 }
            ]))
            .await?;
        ended(world.start(&orders::order()).await?).await?
    }),
    scenario!("late-payment", world => {
        let order = waiting(world).await?;
        order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
        order.ended().await?;
        let event = EventId::new(world.shop.settle_late(&order.order_id).await?)?;
        let number = OrderId::new(order.order_id.as_str())?;
        let heard = settle(&world.client, &world.task_queue, &number, &event, LIMIT).await?;
        let Heard::Late { workflow_id, .. } = heard else { anyhow::bail!("not late: {heard:?}") };
        let late = world.attach_run(&workflow_id);
        late.until("ended", |p| p.outcome.is_some()).await?;
        workflow_id
    }),
    scenario!("late-money-while-asking", world => {
        let order = asks_about_the_stock(world).await?;
        let event = world.shop.settle_late(&order.order_id).await?;
        order.payment_settled(&event).await.map_err(anyhow::Error::msg)?;
        world.shop.requested("payments.refund").await?;
        world.shop.mend().await?;
        let retried = order.answer("reserve-inventory", Action::Retry, "the stock is back").await;
        retried.map_err(anyhow::Error::msg)?;
        ended(order).await?
    }),
    scenario!("news-of-decided-money", world => {
        let order = stuck_at(world, "payments.refund").await?;
        order.payment_settled("evt_late").await.map_err(anyhow::Error::msg)?;
        world.shop.mend().await?;
        let by_hand = order.answer("process-payment", Action::DoneByHand, "by bank transfer").await;
        by_hand.map_err(anyhow::Error::msg)?;
        order.until("asks because of the news", |p| asks_because_of_news(p, "process-payment")).await?;
        let known = order.answer("process-payment.2", Action::DoneByHand, "I know").await;
        known.map_err(anyhow::Error::msg)?;
        ended(order).await?
    }),
    scenario!("onboarding-complete", world => { onboarded(world, &customers::registration()).await? }),
    scenario!("onboarding-code-taken", world => {
        world.shop.put("switches", json!({ "coupon_codes_taken": true })).await?;
        onboarded(world, &customers::registration()).await?
    }),
    scenario!("onboarding-registered-already", world => {
        let registration = customers::registration();
        world.open_account(&registration).await?;
        onboarded(world, &registration).await?
    }),
    scenario!("onboarding-undone-at-the-coupon", world => {
        world.shop.faults(json!([{ "operation": "coupons.create", "kind": "status", "status": 422 }])).await?;
        onboarded(world, &customers::registration()).await?
    }),
    scenario!("onboarding-cancelled-while-giving-points", world => {
        slow(world, "loyalty.create").await?;
        let run = world.register(&customers::registration()).await?;
        world.shop.requested("loyalty.create").await?;
        run.cancel("changed mind").await.map_err(anyhow::Error::msg)?;
        run.ended().await?;
        run.workflow_id
    }),
    scenario!("onboarding-quick-steps-down", world => {
        world
            .shop
            .faults(json!([
                { "operation": "customers.preferences", "kind": "status", "status": 503, "count": 3 },
                { "operation": "notifications.email", "kind": "reply_lost", "count": 2 }
            ]))
            .await?;
        onboarded(world, &customers::registration()).await?
    }),
    scenario!("follow-up-unsubscribed", world => {
        let series = series(world).await?;
        series.unsubscribe().await.map_err(anyhow::Error::msg)?;
        series.ended().await?;
        series.workflow_id
    }),
    scenario!("follow-up-both-sent", world => {
        let (registration, long_ago) = (customers::registration(), days_ago(8));
        let customer_id = world.open_account(&registration).await?;
        let series = world.follow_up(&registration, &customer_id, long_ago).await?;
        series.ended().await?;
        series.workflow_id
    }),
    scenario!("follow-up-kept-back", world => {
        let (registration, long_ago) = (customers::registration(), days_ago(8));
        let customer_id = world.open_account(&registration).await?;
        world.shop.put(&format!("customers/{customer_id}"), json!({ "orders_placed": 1 })).await?;
        let series = world.follow_up(&registration, &customer_id, long_ago).await?;
        series.ended().await?;
        series.workflow_id
    }),
    scenario!("onboarding-continued-with-a-known-address", world => {
        let registration = continued();
        world.open_account(&registration).await?;
        onboarded(world, &registration).await?
    }),
    scenario!("onboarding-continued-with-a-welcomed-customer", world => {
        let registration = continued();
        let first = world.register(&registration).await?;
        first.ended().await?;
        first.follow_up().unsubscribe().await.map_err(anyhow::Error::msg)?;
        onboarded(world, &registration).await?
    }),
    scenario!("onboarding-continued-and-undone-at-the-coupon", world => {
        let registration = continued();
        world.open_account(&registration).await?;
        world.shop.faults(json!([{ "operation": "coupons.create", "kind": "status", "status": 422 }])).await?;
        onboarded(world, &registration).await?
    }),
    scenario!("unsubscribed-by-one-click", world => {
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        world.follow_up(&registration, &customer_id, Timestamp::now()).await?;
        unsubscribed(world, &registration, customer_id).await?
    }),
    scenario!("unsubscribed-with-no-series-and-the-platform-down", world => {
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        let down = json!([{ "operation": "customers.unsubscribe", "kind": "status", "status": 503, "count": 3 }]);
        world.shop.faults(down).await?;
        unsubscribed(world, &registration, customer_id).await?
    }),
];

/// A registration that goes on with an account that is there.
fn continued() -> Value {
    let mut registration = customers::registration();
    registration["if_registered"] = json!("continue");
    registration
}

/// The run that the worker's door starts.
async fn unsubscribed(
    world: &World,
    registration: &Value,
    customer_id: CustomerId,
) -> anyhow::Result<String> {
    let customer_ref = customers::customer_ref(registration)?;
    let workflow_id = unsubscription::workflow_id(&customer_ref, &customer_id);
    let options = WorkflowStartOptions::new(world.task_queue.clone(), workflow_id.clone()).build();
    let input = Unchecked::of(&UnsubscriptionData { customer_ref, customer_id })?;
    let run = world.client.start_workflow(Unsubscription::run, input, options).await?;
    run.get_result(WorkflowGetResultOptions::default()).await?;
    Ok(workflow_id)
}

async fn onboarded(world: &World, registration: &Value) -> anyhow::Result<String> {
    let run = world.register(registration).await?;
    run.ended().await?;
    Ok(run.workflow_id)
}

/// A series that waits for its first mail.
async fn series(world: &World) -> anyhow::Result<FollowUp<'_>> {
    let registration = customers::registration();
    let customer_id = world.open_account(&registration).await?;
    let series = world.follow_up(&registration, &customer_id, Timestamp::now()).await?;
    series.until("waits", |p| p.current_step.is_some()).await?;
    Ok(series)
}

/// A series whose mails are all due.
fn days_ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days)
}

async fn ended(order: Order<'_>) -> anyhow::Result<String> {
    order.ended().await?;
    Ok(order.workflow_id)
}

/// Whether a person is asked about a step again because news came of money that was decided about.
#[must_use]
pub fn asks_because_of_news(progress: &Progress, step: &str) -> bool {
    let detail = progress.step(step).and_then(|step| step.detail.as_deref()).unwrap_or_default();
    !detail.is_empty()
        && progress.questions.iter().any(|q| q.about.step == step && q.cause == "decided_before")
}

/// An order that waited for a transfer and was cancelled; a person is asked about its stock, which stays down.
pub async fn asks_about_the_stock(world: &World) -> anyhow::Result<Order<'_>> {
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    world.shop.faults(json!([{ "operation": "inventory.release", "kind": "status", "status": 503 }])).await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.until("asks about the stock", |p| p.needs_human == ["reserve-inventory"]).await?;
    order.tried_on(1).await?;
    Ok(order)
}

async fn waiting(world: &World) -> anyhow::Result<Order<'_>> {
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.waits().await?;
    Ok(order)
}

async fn slow(world: &World, operation: &str) -> anyhow::Result<()> {
    world.shop.faults(json!([{ "operation": operation, "kind": "latency", "latency_ms": 800 }])).await
}

async fn cancelled_during(world: &World, operation: &str) -> anyhow::Result<String> {
    slow(world, operation).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested(operation).await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    ended(order).await
}

/// An order that is undone, and a person is asked about its undo that goes by this operation.
pub async fn stuck_at<'w>(world: &'w World, operation: &str) -> anyhow::Result<Order<'w>> {
    world.shop.undo_sticks_at(operation).await?;
    let order = world.start(&orders::order()).await?;
    order.until("needs a person", |p| !p.needs_human.is_empty()).await?;
    order.tried_on(1).await?;
    Ok(order)
}

async fn stuck(world: &World, answer: Action) -> anyhow::Result<String> {
    let order = stuck_at(world, "payments.refund").await?;
    world.shop.mend().await?;
    order.answer("process-payment", answer, "looked at").await.map_err(anyhow::Error::msg)?;
    tokio::time::timeout(LIMIT + Duration::from_secs(1), ended(order)).await?
}
