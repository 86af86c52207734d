//! An order that was paid more than once: whatever came is looked at, goes back, or a person is asked; none of it waits
//! in silence.

use anyhow::Context as _;
use contracts::values::{EventId, OrderId};
use serde_json::{Value, json};
use settlement::{Found, Heard, News, begin, bring};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tests::orders;
use tests::scenarios::{asks_because_of_news, stuck_at};
use tests::world::{LIMIT, Order, World};
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

const WHOLE: i64 = 25_000_000;

/// News of a payment, as the provider sends it.
fn news(order_id: &str, event: &str, payment_id: Option<&str>) -> anyhow::Result<News> {
    let (order_id, event_id) = (OrderId::new(order_id)?, EventId::new(event)?);
    Ok(News { order_id, event_id, payment_id: payment_id.map(str::to_owned) })
}

/// The order's money is captured once more under its key; the event and the payment.
async fn again(world: &World, order_id: &str) -> anyhow::Result<(String, String)> {
    let second = world.shop.post(&format!("payments/{order_id}/again"), json!({})).await?;
    let text = |field: &str| second[field].as_str().map(str::to_owned);
    text("event_id").zip(text("payment_id")).context("not paid again")
}

/// A cancelled order, with two payments that came afterwards: its first event, the second event, the second payment.
async fn paid_twice_late(world: &World) -> anyhow::Result<(Order<'_>, String, (String, String))> {
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let first = world.shop.settle_late(&order.order_id).await?;
    let second = again(world, &order.order_id).await?;
    Ok((order, first, second))
}

async fn first_payment(world: &World, order: &Order<'_>) -> anyhow::Result<String> {
    let payments = world.shop.ask(&format!("payments?order_id={}", order.order_id), None).await?;
    Ok(payments[0]["payment_id"].as_str().context("no payment")?.to_owned())
}

/// Begins what late news leads to; the run that it goes to.
async fn late<'w>(world: &'w World, news: &News, is_paid: bool) -> anyhow::Result<Order<'w>> {
    match begin(&world.client, &world.task_queue, news, is_paid).await? {
        Heard::Late { workflow_id, .. } | Heard::PaidBefore { workflow_id } => {
            Ok(world.attach_run(&workflow_id))
        }
        other => anyhow::bail!("not late: {other:?}"),
    }
}

async fn refund_at_the_provider(world: &World, payment_id: &str) -> anyhow::Result<()> {
    let all = json!({ "amount": WHOLE, "currency": "VND" });
    let refunded = world.shop.ask(&format!("payments/{payment_id}/refund"), Some(&all)).await?;
    anyhow::ensure!(!refunded.is_null(), "not refunded");
    Ok(())
}

/// A worker whose retries leave time for a label beside a sale that is away.
const SLOW: [&str; 4] =
    ["--retry-first=30s", "--retry-longest=30s", "--stock-patience=10m", "--undo-patience=10m"];

/// A cancelled order whose parcel is under way: a person is asked about it.
async fn asks_about_the_parcel(world: &World) -> anyhow::Result<Order<'_>> {
    let once = json!([{ "operation": "inventory.confirm", "kind": "status", "status": 503, "count": 1 }]);
    world.shop.faults(once).await?;
    let order = world.start(&orders::order()).await?;
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.put(&format!("shipments/{}", order.order_id), json!({ "status": "in_transit" })).await?;
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    order.until("asks about the parcel", |p| p.needs_human == ["create-shipping"]).await?;
    Ok(order)
}

/// The parcel is under way, a person is asked whether it is kept, and meanwhile the customer's second payment comes.
#[tokio::test]
async fn a_second_payment_that_comes_while_a_parcel_is_asked_about_is_not_lost() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&SLOW).await?;
    let order = asks_about_the_parcel(&world).await?;
    let (event, payment) = again(&world, &order.order_id).await?;
    let brought = bring(&world.client, &news(&order.order_id, &event, Some(&payment))?, LIMIT).await?;
    assert_eq!(brought, Found::Open(Heard::Taken));

    let kept = order.answer("create-shipping", Action::Keep, "the customer wants it").await;
    assert_eq!(kept, Ok(AnswerOutcome::Kept));
    let progress = order.until("asks about the money", |p| p.needs_human == ["read-payment"]).await?;
    let question = progress.questions.first().context("nobody is asked")?;
    assert_eq!(question.cause, "charged_twice", "{question:?}");
    refund_at_the_provider(&world, &payment).await?;
    let looked = order.answer("read-payment", Action::Retry, "given back at the provider").await;
    assert_eq!(looked, Ok(AnswerOutcome::Done));
    order.ended().await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(2), &json!(1)));
    Ok(())
}

/// An order whose transfer has come; the read that finds it is under way, and its answer takes a while.
async fn at_its_last_look(world: &World) -> anyhow::Result<Order<'_>> {
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    // The look inside the workflow task, by key and by id, gets no answer, so the one that follows is an activity: news
    // can come meanwhile. Its read by id is the last, and has found the money when its answer is held.
    let down = json!({ "operation": "payments.get", "kind": "status", "status": 503, "count": 2 });
    let held = json!({ "operation": "payments.get", "kind": "hold_reply", "latency_ms": 1_500, "count": 2 });
    world.shop.faults(json!([down, held])).await?;
    let looks = world.shop.requests("payments.get").await?;
    order.payment_settled(&event).await.map_err(anyhow::Error::msg)?;
    world.shop.requested_again("payments.get", looks + 3).await?;
    Ok(order)
}

/// The read that finds the transfer is under way when the second one comes.
#[tokio::test]
async fn a_second_payment_that_comes_during_the_last_look_is_not_lost() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = at_its_last_look(&world).await?;
    let (event, payment) = again(&world, &order.order_id).await?;
    let brought = bring(&world.client, &news(&order.order_id, &event, Some(&payment))?, LIMIT).await?;
    assert_eq!(brought, Found::Open(Heard::Taken));
    order.until("asks about the money", |p| p.needs_human == ["read-payment"]).await?;
    refund_at_the_provider(&world, &payment).await?;
    let looked = order.answer("read-payment", Action::Retry, "given back at the provider").await;
    assert_eq!(looked, Ok(AnswerOutcome::Done));
    order.ended().await?.fulfilled()?;
    world.shop.clean().await?;
    Ok(())
}

/// The transfer is taken back while the read that finds it is under way: its parcel does not go in silence.
#[tokio::test]
async fn a_payment_that_is_gone_when_the_order_reaches_its_goal_is_asked_about() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = at_its_last_look(&world).await?;
    let payment = first_payment(&world, &order).await?;
    refund_at_the_provider(&world, &payment).await?;
    let gone = news(&order.order_id, "evt_gone", Some(&payment))?;
    assert_eq!(bring(&world.client, &gone, LIMIT).await?, Found::Open(Heard::Taken));
    let progress = order.until("asks about the money", |p| p.needs_human == ["check-payment"]).await?;
    let question = progress.questions.first().context("nobody is asked")?;
    assert_eq!(question.cause, "money_gone", "{question:?}");
    let looked = order.answer("check-payment", Action::Retry, "is it so?").await;
    assert_eq!(looked, Ok(AnswerOutcome::Done));
    order.until("asks again", |p| p.questions.iter().any(|q| q.id == "check-payment.2")).await?;
    let left = order.answer("check-payment.2", Action::Leave, "the customer pays by card").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    let result = order.ended().await?.fulfilled()?;
    let left: Vec<_> = result.report.left_standing.iter().map(|left| left.step.as_str()).collect();
    assert_eq!(left, ["check-payment"]);
    Ok(())
}

/// The transfer bounces while the order, which was read as paid, waits for its label: it does not go in silence.
#[tokio::test]
async fn a_payment_that_is_gone_before_the_label_is_bought_is_asked_about() -> anyhow::Result<()> {
    let world = World::new().await?;
    let held = json!({ "operation": "shipments.create", "kind": "latency", "latency_ms": 2_000, "count": 1 });
    world.shop.faults(json!([held])).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("shipments.create").await?;
    let payment = first_payment(&world, &order).await?;
    refund_at_the_provider(&world, &payment).await?;
    let gone = news(&order.order_id, "evt_gone", Some(&payment))?;
    assert_eq!(bring(&world.client, &gone, LIMIT).await?, Found::Open(Heard::Taken));
    let progress = order.until("asks about the money", |p| p.needs_human == ["check-payment"]).await?;
    assert_eq!(progress.questions.first().context("nobody is asked")?.cause, "money_gone");
    let left = order.answer("check-payment", Action::Leave, "the customer pays by card").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    order.ended().await?.fulfilled()?;
    Ok(())
}

/// Support gives the money back by hand, of which no news comes, because the customer was told that the order is
/// cancelled; and a colleague keeps the parcel.
#[tokio::test]
async fn the_money_of_a_parcel_that_is_kept_is_looked_at_without_news() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&SLOW).await?;
    let order = asks_about_the_parcel(&world).await?;
    let payment = first_payment(&world, &order).await?;
    refund_at_the_provider(&world, &payment).await?;
    let kept = order.answer("create-shipping", Action::Keep, "the customer wants it").await;
    assert_eq!(kept, Ok(AnswerOutcome::Kept));
    let progress = order.until("asks about the money", |p| p.needs_human == ["check-payment"]).await?;
    assert_eq!(progress.questions.first().context("nobody is asked")?.cause, "money_gone");
    let left = order.answer("check-payment", Action::Leave, "the customer pays at the door").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    order.ended().await?.fulfilled()?;
    Ok(())
}

/// The reversals that a run asked for: the ids that each goes by.
async fn reversals(run: &Order<'_>) -> anyhow::Result<Vec<Vec<String>>> {
    let mut asked = Vec::new();
    for event in run.history().await? {
        let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = event.attributes else {
            continue;
        };
        if scheduled.activity_type.is_some_and(|kind| kind.name == "payment.reverse") {
            let payload =
                scheduled.input.and_then(|input| input.payloads.into_iter().next()).context("no input")?;
            let input: Value = serde_json::from_slice(&payload.data)?;
            let others = input["other_ids"].as_array().into_iter().flatten();
            let ids = others.chain(std::iter::once(&input["payment_id"])).filter_map(Value::as_str);
            asked.push(ids.map(str::to_owned).collect());
        }
    }
    Ok(asked)
}

/// Two payments, two pieces of news: the run goes by both ids, whatever a search finds, and each goes back once.
#[tokio::test]
async fn each_of_two_late_payments_goes_back_once_by_its_own_id() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, event, (second_event, second)) = paid_twice_late(&world).await?;
    let first = first_payment(&world, &order).await?;
    late(&world, &news(&order.order_id, &event, Some(&first))?, false).await?;
    let run = late(&world, &news(&order.order_id, &second_event, Some(&second))?, false).await?;
    run.until("refunded", |p| p.outcome.as_deref() == Some("completed")).await?;
    let asked = reversals(&run).await?;
    assert!(asked.iter().any(|ids| ids.contains(&first) && ids.contains(&second)), "{asked:?}");
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["net_money"]["VND"]), (&json!(2), &json!(0)));
    Ok(())
}

/// A person is asked whether the order was paid twice. It ends without its money meanwhile, and more comes.
#[tokio::test]
async fn money_that_is_owed_does_not_wait_for_an_answer_about_two_payments() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, event, (second_event, second)) = paid_twice_late(&world).await?;
    let run = late(&world, &news(&order.order_id, &second_event, Some(&second))?, true).await?;
    run.until("asks", |p| p.needs_human == ["read-payment"]).await?;
    late(&world, &news(&order.order_id, &event, None)?, false).await?;
    let progress = run.until("refunded", |p| p.outcome.as_deref() == Some("completed")).await?;
    assert!(progress.needs_human.is_empty(), "{progress:?}");
    assert!(!run.needs_human().await?);
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["net_money"]["VND"]), (&json!(2), &json!(0)));
    Ok(())
}

/// The refund of one payment is refused, a person is asked, and news of the next one comes: the question says it, and
/// once it is answered that one is looked at.
#[tokio::test]
async fn a_question_about_a_refund_says_that_more_news_came() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let event = world.shop.settle_late(&order.order_id).await?;
    world.shop.faults(json!([{ "operation": "payments.refund", "kind": "status", "status": 422 }])).await?;
    let run = late(&world, &news(&order.order_id, &event, None)?, false).await?;
    run.until("asks", |p| p.needs_human == ["refund-payment"]).await?;
    let (event, payment) = again(&world, &order.order_id).await?;
    late(&world, &news(&order.order_id, &event, Some(&payment))?, false).await?;
    run.until("says that more came", says_that_more_came).await?;
    world.shop.mend().await?;
    let retried = run.answer("refund-payment", Action::Retry, "the provider takes it now").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    run.until("refunded", |p| p.outcome.as_deref() == Some("completed")).await?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["net_money"]["VND"]), (&json!(2), &json!(0)));
    Ok(())
}

fn says_that_more_came(progress: &Progress) -> bool {
    let mut facts = progress.questions.iter().flat_map(|question| &question.facts);
    facts.any(|fact| fact.name == "heard_since" && fact.value.starts_with("1 more"))
}

/// The same of the order's own refund.
#[tokio::test]
async fn an_order_says_that_more_came_while_its_refund_is_asked_about() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = stuck_at(&world, "payments.refund").await?;
    order.payment_settled("evt_more").await.map_err(anyhow::Error::msg)?;
    order.until("says that more came", says_that_more_came).await?;
    world.shop.mend().await?;
    let retried = order.answer("process-payment", Action::Retry, "the provider takes it now").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    order.ended().await?.failed_as("ShippingFailed")?;
    assert_eq!(world.shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// A run that only looked if there were two payments has given nothing back. The order has ended without its money, and
/// the news comes again: where its order is decides.
#[tokio::test]
async fn news_of_an_order_that_had_its_money_is_judged_by_where_the_order_is_now() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down = json!([{ "operation": "shipments.create", "kind": "status", "status": 503 }]);
    world.shop.faults(down).await?;
    let order = world.start(&orders::order()).await?;
    world.shop.requested("shipments.create").await?;
    let own = news(&order.order_id, "evt_own", None)?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let run = late(&world, &own, true).await?;
    run.until("looked", |p| p.outcome.as_deref() == Some("completed")).await?;
    let (_, second) = again(&world, &order.order_id).await?;
    assert_eq!(bring(&world.client, &own, LIMIT).await?, Found::Undone);
    let own = News { payment_id: Some(second), ..own };
    let run = late(&world, &own, false).await?;
    run.until("refunded", |p| p.step("refund-payment").is_some_and(|s| s.status == StepStatus::Completed))
        .await?;
    run.until("done", |p| p.outcome.as_deref() == Some("completed")).await?;
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["refunds"], &totals["net_money"]["VND"]), (&json!(2), &json!(0)));
    Ok(())
}

/// The number of a fulfilled order is run once more, and refused at once: the money is that of the first run.
#[tokio::test]
async fn money_of_a_fulfilled_order_is_not_sent_back_for_a_later_run_that_charged_nothing()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::order();
    world.run(&order).await?.fulfilled()?;
    order["items"] = json!([]);
    world.run_anew(&order).await?.failed_as("OrderInvalid")?;
    let news = news(&orders::id(&order), "evt_1", None)?;
    assert_eq!(bring(&world.client, &news, LIMIT).await?, Found::Undone);
    let Heard::Late { workflow_id, asks_first } =
        begin(&world.client, &world.task_queue, &news, false).await?
    else {
        anyhow::bail!("not late")
    };
    assert!(asks_first);
    let run = world.attach_run(&workflow_id);
    run.until("asks first", |p| asks_because_of_news(p, "refund-payment")).await?;
    assert_eq!(world.shop.requests("payments.refund").await?, 0);
    let left = run.answer("refund-payment", Action::Leave, "the goods were sent").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    world.shop.clean().await?;
    Ok(())
}

/// The run fails for want of stock before it charges anything, the shop cannot be told yet, and news comes of a payment
/// under its number.
#[tokio::test]
async fn a_payment_that_a_run_on_its_way_back_did_not_make_is_asked_about() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.faults(json!([{ "operation": "orders.update", "kind": "status", "status": 503 }])).await?;
    let mut order = orders::two_lines();
    order["items"][1]["quantity"] = json!(201);
    order["total_amount"] = json!(25_000_000 + 201 * 500_000);
    let order = world.start(&order).await?;
    world.shop.requested("orders.update").await?;
    let brought = bring(&world.client, &news(&order.order_id, "evt_1", None)?, LIMIT).await?;
    assert_eq!(brought, Found::Open(Heard::Taken));
    world.shop.mend().await?;
    let asks = |p: &Progress| {
        let mut questions = p.questions.iter();
        questions.any(|q| q.about.step == "process-payment" && q.cause == "not_charged_here")
    };
    order.until("asks about the payment", asks).await?;
    assert_eq!(world.shop.requests("payments.void").await?, 0);
    let left = order.answer("process-payment", Action::Leave, "an earlier run's").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    order.ended().await?.failed_as("OutOfStock")?;
    assert_eq!(world.shop.requests("payments.void").await?, 0);
    Ok(())
}
