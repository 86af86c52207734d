//! Shop and customer are told of an order that waits for its payment, or ends without being fulfilled.

mod by_hand;

use anyhow::Context as _;
use std::time::{Duration, Instant};

use contracts::notification::OrderMail;
use contracts::values::{EventId, OrderId};
use serde_json::{Value, json};
use settlement::{Heard, settle};
use temporalio_client::WorkflowGetResultOptions;
use tests::matrix::requested;
use tests::orders;
use tests::scenarios::{asks_about_the_stock, stuck_at};
use tests::world::{LIMIT, Order, World};
use workflows::late_payment::{LatePayment, LatePaymentResult};
use workflows::report::{Progress, Report, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

use by_hand::{has_answers, refund_by_hand};

const NOTIFY: &str = "send-notifications";

/// The order as the shop shows it.
async fn shown(world: &World, order: &Order<'_>) -> anyhow::Result<Value> {
    world.shop.ask(&format!("orders/{}", order.order_id), None).await
}

/// The message of the only mail of a template.
async fn mail(world: &World, order: &Order<'_>, template: &str) -> anyhow::Result<Value> {
    let sent = world.shop.get(&format!("outbox?order_id={}", order.order_id)).await?;
    let mut mails =
        sent.as_array().into_iter().flatten().filter(|mail| mail["message"]["template"] == template);
    let found = mails.next().ok_or_else(|| anyhow::anyhow!("no {template}"))?;
    anyhow::ensure!(mails.next().is_none(), "{template} twice");
    Ok(found["message"].clone())
}

/// Waits until the customer has got these mails.
async fn until_mailed(order: &Order<'_>, wanted: &[&str]) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    loop {
        let mut mails = order.mails().await?;
        mails.sort();
        if mails == wanted {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < until, "{mails:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn part(report: &Report, part: &str) -> Option<(StepStatus, String)> {
    let parts = report.step(NOTIFY).into_iter().flat_map(|step| &step.parts);
    let told = parts.into_iter().find(|told| told.part == part)?;
    Some((told.status, told.detail.clone().unwrap_or_default()))
}

/// How an order comes to its mail: cancelled while it waits, or while it is charged (the money goes back); paid, and no
/// carrier takes it; or declined as the provider says it, because somebody gave the money back there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Declined,
    Expired,
    Cancelled,
    CancelledAndRefunded,
    Refunded,
    RefundedByHand,
}

impl Ends {
    const ALL: [Self; 6] = [
        Self::Declined,
        Self::Expired,
        Self::Cancelled,
        Self::CancelledAndRefunded,
        Self::Refunded,
        Self::RefundedByHand,
    ];

    /// The mails, sorted.
    fn mails(self) -> &'static [&'static str] {
        match self {
            Self::Declined => &["order_declined"],
            Self::Expired => &["order_awaiting_payment", "order_expired"],
            Self::Cancelled => &["order_awaiting_payment", "order_cancelled"],
            Self::CancelledAndRefunded => &["order_cancelled", "order_refunded"],
            Self::Refunded => &["order_refunded"],
            Self::RefundedByHand => &["order_awaiting_payment", "order_refunded"],
        }
    }

    fn order(self) -> Value {
        match self {
            Self::Declined => orders::paid_with("card_declined"),
            Self::Expired => {
                let mut order = orders::paid_by("bank_transfer");
                order["reservation_minutes"] = json!(0.05);
                order
            }
            Self::Cancelled | Self::RefundedByHand => orders::paid_by("bank_transfer"),
            Self::CancelledAndRefunded | Self::Refunded => orders::order(),
        }
    }

    /// Runs an order to this end, under further faults.
    async fn run<'w>(self, world: &'w World, faults: &[Value]) -> anyhow::Result<(Order<'w>, Report)> {
        let own = match self {
            Self::CancelledAndRefunded => {
                Some(json!({ "operation": "payments.create", "kind": "latency", "latency_ms": 1_000 }))
            }
            Self::Refunded => {
                Some(json!({ "operation": "shipments.create", "kind": "status", "status": 422 }))
            }
            _ => None,
        };
        let faults: Vec<Value> = faults.iter().cloned().chain(own).collect();
        world.shop.faults(json!(faults)).await?;
        let charged = world.shop.requests("payments.create").await?;
        let order = world.start(&self.order()).await?;
        let report = match self {
            Self::Declined => order.ended().await?.failed_as("PaymentDeclined")?.1,
            Self::Expired => order.ended().await?.stopped_as("expired")?.report,
            Self::Cancelled => {
                order.waits().await?;
                until_mailed(&order, &["order_awaiting_payment"]).await?;
                has_answers(&order).await?;
                order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
                order.ended().await?.stopped_as("cancelled")?.report
            }
            Self::CancelledAndRefunded => {
                requested(world, "payments.create", charged + 1).await?;
                order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
                order.ended().await?.stopped_as("cancelled")?.report
            }
            Self::Refunded => order.ended().await?.failed_as("ShippingFailed")?.1,
            Self::RefundedByHand => {
                order.waits().await?;
                until_mailed(&order, &["order_awaiting_payment"]).await?;
                has_answers(&order).await?;
                let event = world.shop.settle(&order.order_id, "paid").await?;
                refund_by_hand(world, &order).await?;
                assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
                order.ended().await?.failed_as("PaymentDeclined")?.1
            }
        };
        world.shop.mend().await?;
        Ok((order, report))
    }
}

#[tokio::test]
async fn shop_and_customer_are_told_what_an_order_waits_for() -> anyhow::Result<()> {
    let world = World::new().await?;
    for (mut order, kind) in [
        (orders::paid_with("card_requires_action"), "three_d_secure"),
        (orders::paid_by("e_wallet"), "redirect"),
        (orders::paid_by("bank_transfer"), "bank_transfer"),
    ] {
        order["locale"] = json!("en-US");
        let order = world.start(&order).await?;
        order.has_invited().await?;
        let known = shown(&world, &order).await?;
        assert_eq!(
            (&known["status"], &known["payment_action"]["type"]),
            (&json!("awaiting_payment"), &json!(kind))
        );
        let action =
            known["payment_action"]["url"].as_str().or(known["payment_action"]["instruction"].as_str());
        let action = action.ok_or_else(|| anyhow::anyhow!("{known}"))?;
        let invitation = mail(&world, &order, "order_awaiting_payment").await?;
        let text = invitation["text"].as_str().unwrap_or_default();
        for words in [action, "25,000,000 VND", "30 minutes"] {
            assert!(text.contains(words), "{words} is not in {text}");
        }

        let event = world.shop.settle(&order.order_id, "paid").await?;
        assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
        let result = order.ended().await?.fulfilled()?;
        assert!(
            result.report.steps.iter().all(|step| step.status == StepStatus::Completed),
            "{:?}",
            result.report
        );
        let known = shown(&world, &order).await?;
        assert_eq!((&known["status"], known.get("payment_action")), (&json!("confirmed"), None));
        assert_eq!(order.mails().await?, ["order_awaiting_payment", "order_confirmation"]);
    }
    world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn each_end_is_told_once_though_replies_are_lost() -> anyhow::Result<()> {
    let lost = |operation: &str| json!({ "operation": operation, "kind": "reply_lost", "count": 2 });
    for ends in Ends::ALL {
        let world = World::new().await?;
        let faults = ["notifications.email", "orders.update", "payments.refund"].map(lost);
        let (order, report) = ends.run(&world, &faults).await?;
        until_mailed(&order, ends.mails()).await.map_err(|error| error.context(format!("{ends:?}")))?;
        for template in ends.mails() {
            let told = part(&report, template.trim_start_matches("order_")).map(|(status, _)| status);
            assert_eq!(told, Some(StepStatus::Completed), "{ends:?} {template}: {report:?}");
        }
        if ends.mails().contains(&"order_refunded") {
            let refunded = mail(&world, &order, "order_refunded").await?;
            assert_eq!(refunded["data"]["amount"], json!(25_000_000), "{refunded}");
        }
        world.shop.clean().await?;
    }
    Ok(())
}

fn by_the_shop() -> Option<(StepStatus, String)> {
    Some((StepStatus::Skipped, "the shop writes it itself".to_owned()))
}

/// A shop that writes a mail itself switches it off, that one alone.
#[tokio::test]
async fn each_mail_can_be_switched_off() -> anyhow::Result<()> {
    for mail in OrderMail::ALL {
        let others: Vec<_> =
            OrderMail::ALL.into_iter().filter(|other| *other != mail).map(OrderMail::name).collect();
        let world = World::with(&[&format!("--order-mails={}", others.join(","))]).await?;
        let template = format!("order_{}", mail.name());
        if mail == OrderMail::Confirmation {
            let order = world.start(&orders::order()).await?;
            let report = order.ended().await?.fulfilled()?.report;
            assert_eq!((part(&report, "email"), order.mails().await?.len()), (by_the_shop(), 0));
            continue;
        }
        if mail == OrderMail::AwaitingPayment {
            let order = world.start(&orders::paid_by("bank_transfer")).await?;
            let is_skipped = |p: &Progress| {
                let parts = p.step(NOTIFY).into_iter().flat_map(|step| &step.parts);
                parts.into_iter().any(|part| part.status == StepStatus::Skipped)
            };
            order.until("skips it", is_skipped).await?;
            order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
            order.ended().await?.stopped_as("cancelled")?;
            assert_eq!(order.mails().await?, ["order_cancelled"]);
            continue;
        }
        for ends in Ends::ALL.into_iter().filter(|ends| ends.mails().contains(&template.as_str())) {
            let (order, report) = ends.run(&world, &[]).await?;
            let wanted: Vec<_> = ends.mails().iter().copied().filter(|other| *other != template).collect();
            let told = until_mailed(&order, &wanted).await;
            told.with_context(|| format!("{ends:?} without {}: {report:?}", mail.name()))?;
            assert_eq!(part(&report, mail.name()), by_the_shop(), "{ends:?}: {report:?}");
        }
    }
    Ok(())
}

/// The look-ups of the payment do not wait for the mail, and who has paid is not asked to pay.
#[tokio::test]
async fn a_mail_that_is_not_taken_holds_up_no_payment() -> anyhow::Result<()> {
    let world = World::new().await?;
    let down = |operation: &str| json!({ "operation": operation, "kind": "status", "status": 503 });
    world.shop.faults(json!([down("notifications.email"), down("orders.update")])).await?;
    let order = world.start(&orders::paid_by("e_wallet")).await?;
    order.waits().await?;
    world.shop.requested_again("notifications.email", 1).await?;
    let event = world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    order.until_step("create-shipping", StepStatus::Completed).await?;
    world.shop.mend().await?;
    let report = order.ended().await?.fulfilled()?.report;
    let invitation = part(&report, "awaiting_payment").map(|(status, _)| status);
    assert_eq!(invitation, Some(StepStatus::Skipped), "{report:?}");
    assert_eq!(shown(&world, &order).await?["status"], "confirmed");
    assert_eq!(order.mails().await?, ["order_confirmation"]);
    world.shop.clean().await.map(drop)
}

/// An order has ended when its mails have, at the latest with their patience.
#[tokio::test]
async fn a_mail_that_is_never_taken_ends_with_its_patience() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--notice-patience=3s"]).await?;
    let down = json!({ "operation": "notifications.email", "kind": "status", "status": 503 });
    for ends in [Ends::Declined, Ends::Expired, Ends::Refunded] {
        let begun = Instant::now();
        let (order, report) = ends.run(&world, std::slice::from_ref(&down)).await?;
        assert!(begun.elapsed() < Duration::from_secs(30), "{ends:?}: {:?}", begun.elapsed());
        let last = ends.mails().last().copied().unwrap_or_default().trim_start_matches("order_");
        let told = part(&report, last);
        assert!(
            told.as_ref().is_some_and(|(status, why)| *status == StepStatus::Failed && why.contains("503")),
            "{told:?}"
        );
        assert_eq!(order.mails().await?, [""; 0], "{ends:?}");
    }
    world.shop.clean().await.map(drop)
}

/// While somebody is asked about the refund nobody says that it was made; what comes of the answer is told.
#[tokio::test]
async fn a_refund_is_told_when_it_is_made_and_not_before() -> anyhow::Result<()> {
    for (action, outcome, mails) in [
        (Action::Retry, AnswerOutcome::Done, &["order_refunded"][..]),
        (Action::Leave, AnswerOutcome::Left, &[]),
    ] {
        let world = World::new().await?;
        let order = stuck_at(&world, "payments.refund").await?;
        order.until_step("reserve-inventory", StepStatus::Undone).await?;
        assert_eq!(order.mails().await?, [""; 0]);
        world.shop.mend().await?;
        assert_eq!(order.answer("process-payment", action, "looked at").await, Ok(outcome));
        order.ended().await?.failed_as("ShippingFailed")?;
        assert_eq!(order.mails().await?, mails, "{action:?}");
    }
    Ok(())
}

/// Somebody is asked about the stock, and may take days to answer; the customer hears of the end, and of money that
/// came and went back, all the same.
#[tokio::test]
async fn the_customer_does_not_wait_for_an_answer_about_something_else() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = asks_about_the_stock(&world).await?;
    // The invitation may have been cut off by the cancel.
    let is_invited = order.mails().await?.iter().any(|mail| mail == "order_awaiting_payment");
    let mut mails = if is_invited { vec!["order_awaiting_payment"] } else { vec![] };
    mails.push("order_cancelled");
    until_mailed(&order, &mails).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    assert_eq!(order.payment_settled(&event).await, Ok("taken".to_owned()));
    mails.push("order_refunded");
    until_mailed(&order, &mails).await?;
    order.until("asks still", |p| p.needs_human == ["reserve-inventory"]).await?;
    world.shop.mend().await?;
    let retried = order.answer("reserve-inventory", Action::Retry, "the stock is back").await;
    assert_eq!(retried, Ok(AnswerOutcome::Done));
    order.ended().await?.stopped_as("cancelled")?;
    until_mailed(&order, &mails).await?;
    world.shop.clean().await.map(drop)
}

/// The shop answers the customer of an order that it refuses, or that had taken nothing, in its own words.
#[tokio::test]
async fn an_order_that_had_begun_nothing_or_lacks_goods_gets_no_mail() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut wrong = orders::order();
    wrong["items"][0]["price"] = json!(24_000_000);
    wrong["total_amount"] = json!(24_000_000);
    let order = world.start(&wrong).await?;
    order.ended().await?.failed_as("OrderInvalid")?;
    assert_eq!(order.mails().await?, [""; 0]);
    let mut short = orders::order();
    short["items"][0]["quantity"] = json!(51);
    short["total_amount"] = json!(51 * 25_000_000_i64);
    let order = world.start(&short).await?;
    order.ended().await?.failed_as("OutOfStock")?;
    assert_eq!(order.mails().await?, [""; 0]);
    world.shop.clean().await.map(drop)
}

async fn given_back(world: &World, order: &Order<'_>, event: &str) -> anyhow::Result<LatePaymentResult> {
    let (number, event) = (OrderId::new(order.order_id.as_str())?, EventId::new(event)?);
    let heard = settle(&world.client, &world.task_queue, &number, &event, LIMIT).await?;
    let Heard::Late { workflow_id, .. } = heard else { anyhow::bail!("{heard:?}") };
    let late = world.client.get_workflow_handle::<LatePayment>(workflow_id);
    let result = late.get_result(WorkflowGetResultOptions::default());
    Ok(tokio::time::timeout(LIMIT, result).await??)
}

/// By its own run, in the order's own language; more news of the same money is not told again.
#[tokio::test]
async fn late_money_that_went_back_is_told_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::paid_by("bank_transfer");
    order["locale"] = json!("en-US");
    let order = world.start(&order).await?;
    order.has_invited().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let event = world.shop.settle_late(&order.order_id).await?;
    let result = given_back(&world, &order, &event).await?;
    assert_eq!(result.report.step(NOTIFY).map(|step| step.status), Some(StepStatus::Completed), "{result:?}");
    let refunded = mail(&world, &order, "order_refunded").await?;
    assert_eq!(refunded["subject"], json!(format!("Your refund for order {}", order.order_id)));
    let again = given_back(&world, &order, "evt_again").await?;
    assert_eq!(again.report.step(NOTIFY).map(|step| step.status), Some(StepStatus::Skipped), "{again:?}");
    until_mailed(&order, &["order_awaiting_payment", "order_cancelled", "order_refunded"]).await?;
    world.shop.clean().await.map(drop)
}

#[tokio::test]
async fn late_money_that_the_shop_writes_about_itself_is_not_told() -> anyhow::Result<()> {
    let world = World::with(&["--order-mails=none"]).await?;
    let (order, _) = Ends::Expired.run(&world, &[]).await?;
    let event = world.shop.settle_late(&order.order_id).await?;
    let result = given_back(&world, &order, &event).await?;
    let told = result.report.step(NOTIFY).map(|step| (step.status, step.detail.clone().unwrap_or_default()));
    assert_eq!(told, by_the_shop());
    assert_eq!(order.mails().await?, [""; 0]);
    world.shop.clean().await.map(drop)
}
