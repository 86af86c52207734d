//! Shop, result and report hear how the money of an order ended that was not fulfilled, and once more when it has ended
//! anew.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use contracts::commerce::PaymentStatus;
use contracts::values::{EventId, OrderId};
use serde_json::{Value, json};
use settlement::{Heard, settle};
use temporalio_client::WorkflowGetResultOptions;
use tests::orders;
use tests::scenarios::stuck_at;
use tests::world::{LIMIT, Order, World, in_words};
use workflows::late_payment::LatePayment;
use workflows::report::{Report, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

const PAY: &str = "process-payment";

fn refuses(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 422 })
}

/// The order as the shop shows it: its status, where its money is, and the ids of the payment and the refunds.
async fn shown(world: &World, order_id: &str) -> anyhow::Result<(String, Value, Value, usize)> {
    let order = world.shop.ask(&format!("orders/{order_id}"), None).await?;
    let refunds = order["refund_ids"].as_array().map_or(0, Vec::len);
    let status = order["status"].as_str().unwrap_or_default().to_owned();
    Ok((status, order["payment_status"].clone(), order["payment_id"].clone(), refunds))
}

/// The order as the shop shows it, in short.
async fn in_short(world: &World, order: &Order<'_>) -> anyhow::Result<(String, Value, usize)> {
    let (status, money, _, refunds) = shown(world, &order.order_id).await?;
    Ok((status, money, refunds))
}

async fn until_shown(world: &World, order: &Order<'_>, money: &str) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    loop {
        let (status, shown, _) = in_short(world, order).await?;
        if shown == json!(money) {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < until, "{status}, {shown}: not {money}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The provider's id of the order's payment, and how many refunds of it there are.
async fn payment_of(world: &World, order: &Order<'_>) -> anyhow::Result<(String, usize)> {
    let key = format!("order/{}/process-payment", order.order_id);
    let payments = world.shop.ask(&format!("payments?idempotency_key={key}"), None).await?;
    let id = payments[0]["payment_id"].as_str().context("no payment")?.to_owned();
    Ok((id, payments[0]["refunds"].as_array().map_or(0, Vec::len)))
}

/// Somebody gives a part of the money back at the provider.
async fn give_back(world: &World, order: &Order<'_>, amount: u32) -> anyhow::Result<()> {
    let (id, _) = payment_of(world, order).await?;
    let body = json!({ "amount": amount, "currency": "VND", "reason": "by hand" });
    let refunded = world.shop.ask(&format!("payments/{id}/refund"), Some(&body)).await?;
    anyhow::ensure!(!refunded.is_null(), "not refunded");
    Ok(())
}

/// The report says the same as the shop.
fn says(report: &Report, money: &str, payment_id: Option<&str>, refunds: usize) {
    assert_eq!(report.fact(PAY, "payment_status"), Some(money), "{report:?}");
    assert_eq!(report.fact(PAY, "payment_id"), payment_id, "{report:?}");
    let named = report.fact(PAY, "refund_ids").map_or(0, |ids| ids.split(", ").count());
    assert_eq!(named, refunds, "{report:?}");
}

#[tokio::test]
async fn money_that_went_back_is_told_with_the_end() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([refuses("shipments.create")])).await?;
    let order = world.start(&orders::order()).await?;
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    let (id, _) = payment_of(&world, &order).await?;
    assert_eq!(shown(&world, &order.order_id).await?, ("failed".to_owned(), json!("refunded"), json!(id), 1));
    says(&report, "refunded", Some(&id), 1);
    // One word to the shop, and one question to the provider.
    assert_eq!(world.shop.requests("orders.update").await?, 1);
    world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn a_part_that_somebody_gave_back_before_counts() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503 }])).await?;
    let order = world.start(&orders::order()).await?;
    order.until_step("create-shipping", StepStatus::Completed).await?;
    give_back(&world, &order, 5_000_000).await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    world.shop.mend().await?;
    let result = order.ended().await?.stopped_as("cancelled")?;
    let (id, _) = payment_of(&world, &order).await?;
    assert_eq!(in_short(&world, &order).await?, ("cancelled".to_owned(), json!("refunded"), 2));
    let told = (result.payment_status, result.payment_id.as_deref(), result.refund_ids.len());
    assert_eq!(told, (Some(PaymentStatus::Refunded), Some(id.as_str()), 2));
    says(&result.report, "refunded", Some(&id), 2);
    world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn a_payment_that_was_voided_is_told_as_that() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.has_invited().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    let result = order.ended().await?.stopped_as("cancelled")?;
    let (id, _) = payment_of(&world, &order).await?;
    assert_eq!(
        shown(&world, &order.order_id).await?,
        ("cancelled".to_owned(), json!("voided"), json!(id), 0)
    );
    assert_eq!((result.payment_status, result.payment_id), (Some(PaymentStatus::Voided), Some(id)));
    world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn an_order_without_money_says_so() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_with("card_declined")).await?;
    let (_, report) = order.ended().await?.failed_as("PaymentDeclined")?;
    assert_eq!(in_short(&world, &order).await?, ("failed".to_owned(), json!("unpaid"), 0));
    assert_eq!(report.fact(PAY, "payment_status"), Some("unpaid"));

    // Cancelled before anything was charged, refused by the shop, and paid at the door: the provider is not asked.
    let world = World::new().await?;
    let slow = json!({ "operation": "inventory.reserve", "kind": "latency", "latency_ms": 1_000 });
    world.shop.faults(json!([slow])).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("inventory.reserve").await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!((result.payment_status, result.payment_id), (Some(PaymentStatus::Unpaid), None));
    assert_eq!(in_short(&world, &order).await?, ("cancelled".to_owned(), json!("unpaid"), 0));
    world.shop.faults(json!([refuses("shipments.create")])).await?;
    let at_the_door = world.start(&orders::paid_by("cash_on_delivery")).await?;
    at_the_door.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(in_short(&world, &at_the_door).await?, ("failed".to_owned(), json!("unpaid"), 0));
    let mut wrong = orders::order();
    wrong["items"][0]["price"] = json!(24_000_000);
    wrong["total_amount"] = json!(24_000_000);
    let wrong = world.start(&wrong).await?;
    wrong.ended().await?.failed_as("OrderInvalid")?;
    assert_eq!(in_short(&world, &wrong).await?, ("failed".to_owned(), json!("unpaid"), 0));
    for operation in ["payments.create", "payments.void", "payments.get", "payments.refund"] {
        assert_eq!(world.shop.requests(operation).await?, 0, "{operation}");
    }
    world.shop.clean().await.map(drop)
}

/// A number that is another customer's: the money of that order is not overwritten, whatever news comes meanwhile.
#[tokio::test]
async fn another_customers_order_hears_nothing_of_money() -> anyhow::Result<()> {
    let world = World::new().await?;
    let first = orders::paid_by("cash_on_delivery");
    world.run(&first).await?.fulfilled()?;
    let order_id = orders::id(&first);
    assert_eq!(shown(&world, &order_id).await?.1, json!("pending"));
    let mut stranger = first.clone();
    stranger["customer_id"] = json!("CUSTOMER-777");
    let slow = json!({ "operation": "orders.get", "kind": "latency", "latency_ms": 1_500 });
    world.shop.faults(json!([slow])).await?;
    let told = world.shop.requests("orders.update").await?;
    let news = async {
        let run = world.attach_run(&format!("order/{order_id}"));
        run.until_step("validate-order", StepStatus::Failed).await?;
        let taken = run.payment_settled("evt_lie").await.map_err(anyhow::Error::msg)?;
        // That money is not this run's to send anywhere.
        run.until("asks", |p| p.questions.iter().any(|question| question.cause == "not_charged_here"))
            .await?;
        let left = run.answer(PAY, Action::Leave, "another customer's order").await;
        left.map_err(anyhow::Error::msg)?;
        anyhow::Ok(taken)
    };
    let (ended, taken) = tokio::join!(world.run_anew(&stranger), news);
    assert_eq!(taken?, "taken");
    let (_, report) = ended?.failed_as("OrderInvalid")?;
    assert_eq!(in_words(&report.undone), ["update-order"]);
    assert_eq!(world.shop.requests("orders.update").await?, told);
    assert_eq!(shown(&world, &order_id).await?.1, json!("pending"));
    Ok(())
}

/// While a person is asked about the refund the shop hears nothing of the money, and then what became of it.
#[tokio::test]
async fn the_shop_is_told_again_when_a_person_has_answered() -> anyhow::Result<()> {
    let by_hand = (Action::DoneByHand, AnswerOutcome::DoneByHand);
    let left = (Action::Leave, AnswerOutcome::Left);
    for ((action, outcome), given_back, told) in [
        (by_hand, Some(25_000_000), "refunded"),
        // It went back another way: that person's word counts.
        (by_hand, None, "refunded"),
        (by_hand, Some(5_000_000), "refunded"),
        (left, None, "paid"),
        (left, Some(5_000_000), "partially_refunded"),
    ] {
        let world = World::new().await?;
        let order = stuck_at(&world, "payments.refund").await?;
        order.until_step("reserve-inventory", StepStatus::Undone).await?;
        world.shop.requested("orders.update").await?;
        assert_eq!(in_short(&world, &order).await?, ("failed".to_owned(), Value::Null, 0));
        world.shop.mend().await?;
        // From here on nothing is tried beside the person.
        let hands_off = order.answer(PAY, Action::HandsOff, "at the bank").await;
        assert_eq!(hands_off, Ok(AnswerOutcome::HandsOff));
        if let Some(amount) = given_back {
            give_back(&world, &order, amount).await?;
        }
        assert_eq!(order.answer(PAY, action, "looked at").await, Ok(outcome));
        let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
        let refunds = usize::from(given_back.is_some());
        let wanted = ("failed".to_owned(), json!(told), refunds);
        assert_eq!(in_short(&world, &order).await?, wanted, "{action:?} {given_back:?}");
        let (id, _) = payment_of(&world, &order).await?;
        says(&report, told, Some(&id), refunds);
        assert!(in_words(&report.undone).contains(&"update-payment".to_owned()), "{report:?}");
        assert_eq!(world.shop.requests("orders.update").await?, 2);
    }
    Ok(())
}

/// A retry is an answer, too.
#[tokio::test]
async fn a_refund_that_a_person_had_tried_again_is_told() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    order.until_step("reserve-inventory", StepStatus::Undone).await?;
    world.shop.mend().await?;
    assert_eq!(order.answer(PAY, Action::Retry, "back").await, Ok(AnswerOutcome::Done));
    let (_, report) = order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(in_short(&world, &order).await?, ("failed".to_owned(), json!("refunded"), 1));
    let (id, _) = payment_of(&world, &order).await?;
    says(&report, "refunded", Some(&id), 1);
    world.shop.clean().await.map(drop)
}

/// Shop, provider and mail are away for a while when there is something to tell.
#[tokio::test]
async fn an_outage_keeps_no_word_about_the_money_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down =
        |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503, "count": 4 });
    let order = stuck_at(&world, "payments.refund").await?;
    order.until_step("reserve-inventory", StepStatus::Undone).await?;
    world.shop.requested("orders.update").await?;
    let away = ["orders.update", "payments.get", "notifications.email"].map(down);
    world.shop.faults(json!(away)).await?;
    assert_eq!(order.answer(PAY, Action::Retry, "back").await, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(in_short(&world, &order).await?, ("failed".to_owned(), json!("refunded"), 1));
    assert_eq!(order.mails().await?, ["order_refunded"]);
    world.shop.clean().await.map(drop)
}

/// The end is told when the shop is back, and how the money ended with it, though somebody has cancelled it there.
#[tokio::test]
async fn a_shop_that_was_away_hears_of_the_money_of_an_order_that_somebody_closed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down = json!({ "operation": "orders.update", "kind": "status", "status": 503, "count": 3 });
    world.shop.faults(json!([refuses("shipments.create"), down])).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested_again("orders.update", 2).await?;
    world.shop.mend().await?;
    world.shop.book(&order.order_id, "cancelled").await?;
    order.ended().await?.failed_as("ShippingFailed")?;
    until_shown(&world, &order, "refunded").await?;
    world.shop.clean().await.map(drop)
}

/// The customer's transfer comes when the order has ended: the shop has heard `voided`, and hears `refunded`.
#[tokio::test]
async fn late_money_that_went_back_is_told_to_the_shop() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.has_invited().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(in_short(&world, &order).await?, ("cancelled".to_owned(), json!("voided"), 0));
    let event = EventId::new(world.shop.settle_late(&order.order_id).await?)?;
    let number = OrderId::new(order.order_id.as_str())?;
    let down = json!({ "operation": "orders.update", "kind": "status", "status": 503, "count": 3 });
    world.shop.faults(json!([down])).await?;
    let heard = settle(&world.client, &world.task_queue, &number, &event, LIMIT).await?;
    let Heard::Late { workflow_id, .. } = heard else { anyhow::bail!("not late: {heard:?}") };
    let late = world.client.get_workflow_handle::<LatePayment>(workflow_id);
    let result = late.get_result(WorkflowGetResultOptions::default());
    let result = tokio::time::timeout(LIMIT, result).await??;
    assert_eq!((result.payment_status, result.refund_ids.len()), (Some(PaymentStatus::Refunded), 1));
    assert_eq!(in_short(&world, &order).await?, ("cancelled".to_owned(), json!("refunded"), 1));
    world.shop.clean().await.map(drop)
}
