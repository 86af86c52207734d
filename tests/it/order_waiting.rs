//! Orders that wait for the customer, and what ends the wait.

use std::ops::Range;
use std::time::Duration;

use contracts::values::{EventId, OrderId};
use futures::{StreamExt as _, stream};
use serde_json::json;
use settlement::{Heard, settle};
use temporalio_client::{UntypedSignal, WorkflowSignalOptions};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use tests::matrix::requested;
use tests::orders;
use tests::servers::TimeSkipping;
use tests::world::{Ended, LIMIT, Order, World};
use workflows::order_processing::{OrderProcessing, OrderProcessingResult};
use workflows::saga::{Action, AnswerOutcome};

const MINUTE: Duration = Duration::from_secs(60);
const HALF_AN_HOUR: u32 = 30;
const A_WEEK: u32 = 7 * 24 * 60;

/// An order that waits for a bank transfer, for so many minutes.
async fn waiting(world: &World, minutes: u32) -> anyhow::Result<Order<'_>> {
    let mut order = orders::paid_by("bank_transfer");
    order["reservation_minutes"] = json!(minutes);
    let order = world.start(&order).await?;
    order.waits().await?;
    Ok(order)
}

fn took(result: &OrderProcessingResult) -> anyhow::Result<Duration> {
    Ok(Duration::from_millis(result.execution_time.try_into()?))
}

#[tokio::test]
async fn what_the_customer_has_to_do_settles_in_time() -> anyhow::Result<()> {
    let world = World::new().await?;
    let cases = [
        (orders::paid_with("card_requires_action"), "three_d_secure"),
        (orders::paid_by("e_wallet"), "redirect"),
        (orders::paid_by("bank_transfer"), "bank_transfer"),
    ];
    for (order, action) in cases {
        let order = world.start(&order).await?;
        order.waits().await?;
        let progress = order.progress().await?;
        let detail = progress.steps.iter().find_map(|s| s.detail.clone()).unwrap_or_default();
        assert!(detail.contains(action), "{detail}");
        let event = world.shop.settle(&order.order_id, "paid").await?;
        assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
        order.ended().await?.fulfilled()?;
    }
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["shipments"]), (&json!(3), &json!(3)));
    Ok(())
}

#[tokio::test]
async fn a_settlement_is_not_believed_and_a_repeated_one_counts_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.waits().await?;
    let reads = world.shop.requests("payments.get").await?;
    assert_eq!(order.payment_settled("liar").await, Ok("taken".to_owned()));
    assert_eq!(order.payment_settled("liar").await, Ok("duplicate".to_owned()));
    // One look: by the key, and by the id.
    requested(&world, "payments.get", reads + 2).await?;
    order.waits().await?;
    assert_eq!(world.shop.requests("payments.get").await?, reads + 2);
    assert!(order.payment_settled(" ").await.is_err());
    world.shop.settle(&order.order_id, "failed").await?;
    assert_eq!(order.payment_settled("evt-2").await, Ok("taken".to_owned()));
    let (message, _) = order.ended().await?.failed_as("PaymentDeclined")?;
    assert!(message.contains("payment declined"), "{message}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_expires() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::paid_by("bank_transfer");
    order["reservation_minutes"] = json!(0.02);
    let run = world.start(&order).await?;
    let result = run.ended().await?.stopped_as("expired")?;
    assert_eq!(
        tests::world::in_words(&result.report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    let reason = result.reason.unwrap_or_default();
    assert!(reason.contains("did not settle"), "{reason}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn thirty_minutes_without_payment_expire_and_29_do_not() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let expires = waiting(&world, HALF_AN_HOUR).await?;
    let result = server.skipping(&world.client, expires.ended()).await??.stopped_as("expired")?;
    let took = took(&result)?;
    assert!(took >= Duration::from_secs(30 * 60) && took < Duration::from_secs(31 * 60), "{took:?}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));

    let settles = waiting(&world, HALF_AN_HOUR).await?;
    server.sleep(&world.client, Duration::from_secs(29 * 60)).await?;
    let event = world.shop.settle(&settles.order_id, "paid").await?;
    assert_eq!(settles.payment_settled(&event).await, Ok("taken".to_owned()));
    let result = settles.ended().await?.fulfilled()?;
    assert!(result.execution_time >= 29 * 60 * 1_000, "{}", result.execution_time);
    world.shop.clean().await?;
    Ok(())
}

/// The provider books the money and its event never arrives.
#[tokio::test]
async fn a_payment_is_seen_without_news() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let order = waiting(&world, HALF_AN_HOUR).await?;
    world.shop.settle(&order.order_id, "paid").await?;
    let result = server.skipping(&world.client, order.ended()).await??.fulfilled()?;
    let took = took(&result)?;
    assert!((MINUTE..2 * MINUTE).contains(&took), "{took:?}");
    world.shop.clean().await.map(drop)
}

/// Looks come after 1, 3, 7 and 15 minutes; the next would be due after 31, and the reservation ends after 30.
#[tokio::test]
async fn a_payment_is_looked_at_once_more_before_its_order_expires() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let order = waiting(&world, HALF_AN_HOUR).await?;
    server.sleep(&world.client, 29 * MINUTE).await?;
    requested(&world, "payments.get", 8).await?;
    world.shop.settle(&order.order_id, "paid").await?;
    let result = server.skipping(&world.client, order.ended()).await??.fulfilled()?;
    let took = took(&result)?;
    assert!((30 * MINUTE..31 * MINUTE).contains(&took), "{took:?}");
    assert_eq!(world.shop.requests("payments.get").await?, 10);
    world.shop.clean().await.map(drop)
}

/// A provider that cannot be read for hours ends no order that has a week to be paid; where it cannot be read at the
/// end either, the order expires in time, and what came goes back.
#[tokio::test]
async fn an_outage_of_the_provider_does_not_end_the_wait() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let order = waiting(&world, A_WEEK).await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    // In pieces: the server answers a sleep only when all that happens meanwhile is done.
    for _ in 0..10 {
        server.sleep(&world.client, 30 * MINUTE).await?;
    }
    let progress = order.waits().await?;
    let detail = progress.steps.iter().find_map(|s| s.detail.clone()).unwrap_or_default();
    assert!(detail.contains("got no answer") && detail.contains("503"), "{detail}");
    world.shop.mend().await?;
    server.skipping(&world.client, order.ended()).await??.fulfilled()?;

    let unread = waiting(&world, HALF_AN_HOUR).await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    world.shop.settle(&unread.order_id, "paid").await?;
    server.sleep(&world.client, 33 * MINUTE).await?;
    world.shop.mend().await?;
    let result = server.skipping(&world.client, unread.ended()).await??.stopped_as("expired")?;
    let took = took(&result)?;
    assert!((30 * MINUTE..60 * MINUTE).contains(&took), "{took:?}");
    // Nobody knows that the customer did not pay.
    let reason = result.reason.unwrap_or_default();
    assert!(reason.contains("could not be read") && reason.contains("503"), "{reason}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(2), &json!(1)));
    Ok(())
}

/// The provider comes back within the hold's margin.
#[tokio::test]
async fn looks_go_on_behind_the_deadline_while_they_get_no_answer() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let order = waiting(&world, HALF_AN_HOUR).await?;
    server.sleep(&world.client, 29 * MINUTE).await?;
    let away = json!({ "operation": "payments.get", "kind": "status", "status": 503, "count": 4 });
    world.shop.faults(json!([away])).await?;
    world.shop.settle(&order.order_id, "paid").await?;
    let result = server.skipping(&world.client, order.ended()).await??.fulfilled()?;
    let took = took(&result)?;
    assert!((30 * MINUTE..33 * MINUTE).contains(&took), "{took:?}");
    world.shop.clean().await.map(drop)
}

/// The refusal of a read says nothing of what the customer has paid, or may pay yet.
#[tokio::test]
async fn a_look_that_is_refused_does_not_end_the_order() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = waiting(&world, HALF_AN_HOUR).await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 422 }])).await?;
    assert_eq!(order.payment_settled("evt-1").await, Ok("taken".to_owned()));
    let says_so = |detail: &str| detail.contains("422");
    order
        .until("says why it was not read", |p| {
            p.step("process-payment").and_then(|step| step.detail.as_deref()).is_some_and(says_so)
        })
        .await?;
    world.shop.mend().await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    order.ended().await?.fulfilled()?;
    assert_eq!(world.shop.clean().await?["charges"], json!(1));
    Ok(())
}

/// Every wait is of a run's one history, and an order does not continue as new.
#[tokio::test]
async fn a_week_with_a_hundred_pieces_of_news_is_under_three_thousand_events() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let order = waiting(&world, A_WEEK).await?;
    for news in 0..100_u32 {
        assert_eq!(order.payment_settled(&format!("evt-{news}")).await, Ok("taken".to_owned()));
        server.sleep(&world.client, 100 * MINUTE).await?;
    }
    server.skipping(&world.client, order.ended()).await??.stopped_as("expired")?;
    let (events, _) = order.cost().await?;
    assert!(events < 3_000, "{events} events");
    world.shop.clean().await.map(drop)
}

/// A signal cannot be refused. One that was sent by hand, with nothing or anything in it, costs a look and no more.
#[tokio::test]
async fn a_signal_that_cannot_be_read_is_news_and_stops_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = waiting(&world, HALF_AN_HOUR).await?;
    let handle = world.client.get_workflow_handle::<OrderProcessing>(order.workflow_id.as_str());
    for input in [None, Some("7"), Some("\"evt_1\""), Some("{\"event\": 1}")] {
        let looks = world.shop.requests("payments.get").await?;
        let payloads = input.map(|json| Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: json.as_bytes().to_vec(),
            external_payloads: Vec::new(),
        });
        let payloads = RawValue::new(payloads.into_iter().collect());
        let signal = UntypedSignal::new("payment_heard");
        handle.signal(signal, payloads, WorkflowSignalOptions::default()).await?;
        world.shop.requested_again("payments.get", looks).await?;
        order.waits().await?;
    }
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    world.shop.clean().await.map(drop)
}

/// O12: Temporal takes 2,000 updates of a run, and news of a payment may come without end. The first 500 are updates,
/// the rest goes by signal, so that people are always heard.
#[tokio::test]
async fn news_beyond_measure_goes_by_signal_and_people_are_heard() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = waiting(&world, A_WEEK).await?;
    assert_eq!(taken(&order, 0..500).await, 500);
    assert_eq!(taken(&order, 500..2_100).await, 0, "refused, which counts for nothing");
    let refused = order.payment_settled("one more").await.expect_err("enough");
    assert!(refused.contains("by the signal payment_heard"), "{refused}");
    assert!(order.payment_heard("by signal").await?, "taken");
    let event = world.shop.settle(&order.order_id, "paid").await?;
    let (order_id, event_id) = (OrderId::new(order.order_id.as_str())?, EventId::new(event)?);
    let heard = settle(&world.client, &world.task_queue, &order_id, &event_id, LIMIT).await?;
    assert_eq!(heard, Heard::Taken);
    order.ended().await?.fulfilled()?;

    let order = waiting(&world, A_WEEK).await?;
    taken(&order, 0..2_100).await;
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    Ok(())
}

/// The same of an order that has its money, and about which a person is asked: the answer is heard, and so is news.
#[tokio::test]
async fn news_beyond_measure_of_a_paid_order_keeps_no_answer_out() -> anyhow::Result<()> {
    let world = World::new().await?;
    let untold = json!({ "operation": "orders.update", "kind": "status", "status": 422 });
    world.shop.faults(json!([untold])).await?;
    let order = world.start(&orders::order()).await?;
    order.until("asks", |p| p.needs_human == ["update-order-status"]).await?;
    assert_eq!(taken(&order, 0..2_100).await, 500, "the rest is refused, which counts for nothing");
    assert_eq!(order.payment_settled("one more").await, Err("already paid".to_owned()));
    // News makes its sender look if the order was paid twice, whichever way it was sent.
    let (order_id, event_id) = (OrderId::new(order.order_id.as_str())?, EventId::new("evt_last")?);
    let heard = settle(&world.client, &world.task_queue, &order_id, &event_id, LIMIT).await?;
    assert!(matches!(heard, Heard::PaidBefore { .. }), "{heard:?}");
    assert!(!order.payment_heard("evt_signalled").await?, "it has its money");
    world.shop.mend().await?;
    let told = order.answer("update-order-status", Action::Retry, "the shop is back").await;
    assert_eq!(told, Ok(AnswerOutcome::Done));
    order.ended().await?.fulfilled()?;
    world.shop.clean().await.map(drop)
}

/// How many updates with news are taken of so many.
async fn taken(order: &Order<'_>, news: Range<u32>) -> usize {
    let told = stream::iter(news).map(async |number| order.payment_settled(&format!("e{number}")).await);
    // Temporal takes ten at a time.
    let told: Vec<_> = told.buffer_unordered(8).collect().await;
    told.iter().filter(|answer| answer.is_ok()).count()
}

/// A worker that was away finds Temporal's cancel and the end of the reservation in one task.
#[tokio::test]
async fn a_cancel_and_the_end_of_the_reservation_at_once_undo_the_order() -> anyhow::Result<()> {
    let (world, mut worker) = World::apart(&[]).await?;
    let mut order = orders::paid_by("bank_transfer");
    order["reservation_minutes"] = json!(0.15);
    let run = world.start(&order).await?;
    run.waits().await?;
    worker.kill()?;
    run.temporal_cancel().await?;
    run.timer_fired().await?;
    let _next = world.spawn_worker(&[])?;
    match run.ended().await? {
        Ended::Canceled(report) => {
            assert_eq!(
                tests::world::in_words(&report.undone),
                ["process-payment", "reserve-inventory", "update-order"]
            );
        }
        other => anyhow::bail!("not canceled: {other:?}"),
    }
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)));
    Ok(())
}
