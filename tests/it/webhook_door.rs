//! Payment events through the webhook door.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use temporalio_client::WorkflowDescribeOptions;
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tests::orders;
use tests::processes::free_port;
use tests::servers;
use tests::world::{LIMIT, Order, WorkerProcess, World};
use workflows::late_payment::LatePayment;
use workflows::saga::{Action, AnswerOutcome};

const SECRET: &str = "whsec_test";

struct Door {
    world: World,
    url: String,
    _worker: WorkerProcess,
}

/// A signature over a body, made at a time.
fn signed(body: &str, age: Duration) -> anyhow::Result<String> {
    let time = (SystemTime::now() - age).duration_since(UNIX_EPOCH)?.as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(format!("{time}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("t={time},v1={hex}"))
}

impl Door {
    async fn open() -> anyhow::Result<Self> {
        let world = World::without_worker(&servers::dev_server()?).await?;
        let port = free_port()?;
        let worker = world.spawn_worker(&[
            &format!("--webhook-listen=127.0.0.1:{port}"),
            &format!("--payment-webhook-secret={SECRET}"),
        ])?;
        let url = format!("http://127.0.0.1:{port}/webhooks/payments");
        let until = std::time::Instant::now() + LIMIT;
        while reqwest::Client::new().post(&url).send().await.is_err() {
            anyhow::ensure!(std::time::Instant::now() < until, "the door never opened");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { world, url, _worker: worker })
    }

    async fn knock(&self, body: String, signature: &str) -> anyhow::Result<(u16, String)> {
        let request = reqwest::Client::new().post(&self.url).header("Sun-Signature", signature).body(body);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    async fn tell(&self, event: &Value) -> anyhow::Result<(u16, String)> {
        let body = event.to_string();
        let signature = signed(&body, Duration::ZERO)?;
        self.knock(body, &signature).await
    }

    async fn waiting(&self) -> anyhow::Result<Order<'_>> {
        let order = self.world.start(&orders::paid_by("e_wallet")).await?;
        order.waits().await?;
        Ok(order)
    }
}

fn event(id: &str, order: &Order<'_>) -> Value {
    told_of(id, "payment.settled", &order.order_id, None)
}

/// An event as the platform sends it; one of an old sender names no payment.
fn told_of(id: &str, kind: &str, order_id: &str, payment_id: Option<&str>) -> Value {
    let mut data = json!({ "order_id": order_id });
    if let Some(payment_id) = payment_id {
        data["payment_id"] = json!(payment_id);
    }
    json!({ "id": id, "type": kind, "data": data })
}

/// Whether news of an order has started a run of late money.
async fn has_started(door: &Door, order_id: &str) -> anyhow::Result<bool> {
    let workflow_id = format!("order/{order_id}/late");
    let late = door.world.client.get_workflow_handle::<LatePayment>(workflow_id);
    match late.describe(WorkflowDescribeOptions::default()).await {
        Ok(_) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn an_event_told_ten_times_settles_the_order_once() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let order = door.waiting().await?;
    let id = door.world.shop.settle(&order.order_id, "paid").await?;
    for _ in 0..10 {
        let (status, answer) = door.tell(&event(&id, &order)).await?;
        assert_eq!(status, 200, "{answer}");
    }
    order.ended().await?.fulfilled()?;
    let totals = door.world.shop.clean().await?;
    assert_eq!(
        (&totals["charges"], &totals["refunds"], &totals["shipments"]),
        (&json!(1), &json!(0), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn who_does_not_know_the_secret_or_comes_301_seconds_late_is_refused() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let order = door.waiting().await?;
    door.world.shop.settle(&order.order_id, "paid").await?;
    let body = event("evt_1", &order).to_string();
    let late = signed(&body, Duration::from_secs(301))?;
    let other = signed("another body", Duration::ZERO)?;
    for signature in [late.as_str(), other.as_str(), "t=1,v1=00", ""] {
        assert_eq!(door.knock(body.clone(), signature).await?.0, 401, "{signature}");
    }
    let large = "x".repeat(65 * 1024);
    let signature = signed(&large, Duration::ZERO)?;
    assert_eq!(door.knock(large, &signature).await?.0, 413);
    assert_eq!(order.progress().await?.current_step.as_deref(), Some("process-payment"));
    Ok(())
}

/// "Paid" arrives before "needs action": what counts is what the provider says when it is asked.
#[tokio::test]
async fn events_in_the_wrong_order_end_in_the_right_state() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let order = door.waiting().await?;
    let paid = door.world.shop.settle(&order.order_id, "paid").await?;
    assert_eq!(door.tell(&event(&paid, &order)).await?.0, 200);
    let earlier =
        json!({ "id": "evt_0", "type": "payment.requires_action", "data": { "order_id": order.order_id } });
    assert_eq!(door.tell(&earlier).await?.0, 200);
    order.ended().await?.fulfilled()?;
    assert_eq!(door.world.shop.clean().await?["charges"], json!(1));
    Ok(())
}

#[tokio::test]
async fn an_event_for_an_order_that_ended_gives_the_money_back() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let order = door.waiting().await?;
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let id = door.world.shop.settle_late(&order.order_id).await?;
    let (status, answer) = door.tell(&event(&id, &order)).await?;
    assert_eq!((status, answer.as_str()), (200, "the order has ended: whatever was paid goes back"));
    let late = door.world.attach_run(&format!("order/{}/late", order.order_id));
    late.until("refunded", |p| p.outcome.as_deref() == Some("completed")).await?;
    let totals = door.world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(1), &json!(1)));
    let history = late.history().await?;
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = &history[0].attributes else {
        anyhow::bail!("the history begins with something else: {:?}", history[0]);
    };
    assert!(
        started.eager_execution_accepted,
        "the worker beside the door did not get the first task at once"
    );
    Ok(())
}

/// A client that connects and keeps quiet is shown out, and does not keep others from coming in.
#[tokio::test]
async fn quiet_connections_are_closed() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let address = door.url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
    let mut quiet = Vec::new();
    for _ in 0..2_000 {
        quiet.push(tokio::net::TcpStream::connect(&address).await?);
    }
    let foreign = json!({ "id": "evt_1", "type": "payout.paid", "data": {} });
    // Sooner than the first of them is shown out for its time.
    let answer = tokio::time::timeout(Duration::from_secs(5), door.tell(&foreign)).await??;
    assert_eq!(answer, (200, "not ours\n".to_owned()));
    Ok(())
}

#[tokio::test]
async fn an_event_about_nobodys_order_is_not_sent_again() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let unknown = json!({ "id": "evt_1", "type": "payment.settled", "data": { "order_id": "NOBODY-1" } });
    assert_eq!(door.tell(&unknown).await?.0, 200);
    // Signed, and its id does not fit into a workflow id: it is about an order all the same.
    let odd = json!({ "id": "a/b+c=", "type": "payment.settled", "data": { "order_id": "NOBODY-1" } });
    assert_eq!(door.tell(&odd).await?, (200, "no open order\n".to_owned()));
    let foreign = json!({ "id": "evt_2", "type": "payout.paid", "data": {} });
    assert_eq!(door.tell(&foreign).await?.0, 200);
    Ok(())
}

/// Another shop of the same account charges a customer of its own, for an order of this number.
async fn paid_elsewhere(door: &Door, order_id: &str) -> anyhow::Result<String> {
    let charge = json!({
        "order_id": order_id, "amount": 5_000, "currency": "VND", "customer_id": "CUSTOMER-9",
        "payment_method": { "type": "credit_card", "card_token": "card_token_123" },
    });
    let payment = door.world.shop.ask("payments", Some(&charge)).await?;
    payment["payment_id"].as_str().map(str::to_owned).with_context(|| format!("not charged: {payment}"))
}

/// News of a number that this shop does not have, or of an order that has ended; of a payment that we did not make,
/// that does not exist, or that holds no money; and of what we did ourselves.
#[tokio::test]
async fn events_that_are_not_ours_start_nothing_and_cost_one_look_at_most() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let (shop, order) = (&door.world.shop, door.waiting().await?);
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let ended = order.order_id.as_str();
    let payments = shop.ask(&format!("payments?order_id={ended}"), None).await?;
    let voided = payments[0]["payment_id"].as_str().context("no payment of the order")?.to_owned();
    let (strangers, nobodys) =
        (paid_elsewhere(&door, ended).await?, paid_elsewhere(&door, "NOBODY-1").await?);
    for (case, order_id, kind, payment_id) in [
        ("no-such-payment-of-nobody", "NOBODY-1", "payment.settled", Some("pay_elsewhere")),
        ("nobodys-order", "NOBODY-1", "payment.settled", Some(nobodys.as_str())),
        ("no-such-payment", ended, "payment.settled", Some("pay_elsewhere")),
        ("another-shops", ended, "payment.settled", Some(strangers.as_str())),
        ("without-money", ended, "payment.expired", Some(voided.as_str())),
        ("new-word", ended, "payment.of_tomorrow", Some(voided.as_str())),
        ("old-sender", ended, "payment.expired", None),
        ("our-void", ended, "payment.voided", Some(voided.as_str())),
        ("our-refund", ended, "payment.refunded", None),
    ] {
        let looks = shop.requests("payments.get").await?;
        for i in 0..5 {
            let id = format!("evt_{case}_{i}");
            let (status, answer) = door.tell(&told_of(&id, kind, order_id, payment_id)).await?;
            let nothing = ["no payment of ours, or one without money: nothing to do", "not ours\n"];
            assert!(status == 200 && nothing.contains(&answer.as_str()), "{case}: {status} {answer}");
            assert!(!has_started(&door, order_id).await?, "{case}");
        }
        let looks = shop.requests("payments.get").await? - looks;
        assert!(looks <= 5, "{case}: {looks} looks for 5 events");
    }
    // A word that money came is not put aside for a look that shows none: the look may be behind.
    let said = told_of("evt_late", "payment.settled", ended, Some(voided.as_str()));
    assert_eq!(door.tell(&said).await?.0, 200);
    assert!(has_started(&door, ended).await?);
    assert_eq!(shop.requests("payments.refund").await?, 0);
    Ok(())
}

/// News of an order that needs no payment of ours any more names one that is another shop's, one that is not there, and
/// one that the provider does not let us see: it is answered for good, however often it comes.
#[tokio::test]
async fn news_of_a_fulfilled_order_that_names_a_payment_of_others_is_not_sent_again() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let shop = &door.world.shop;
    for kind in ["credit_card", "cash_on_delivery"] {
        let order = match kind {
            "credit_card" => orders::order(),
            other => orders::paid_by(other),
        };
        let order = door.world.start(&order).await?;
        order.ended().await?.fulfilled()?;
        let strangers = paid_elsewhere(&door, &order.order_id).await?;
        let refused = paid_elsewhere(&door, "NOBODY-2").await?;
        let hidden =
            json!({ "operation": "payments.get", "kind": "status", "status": 422, "about": refused });
        shop.faults(json!([hidden])).await?;
        for (i, payment_id) in ["pay_elsewhere", strangers.as_str(), refused.as_str()].into_iter().enumerate()
        {
            for again in 0..2 {
                let id = format!("evt_{kind}_{i}_{again}");
                let told = told_of(&id, "payment.settled", &order.order_id, Some(payment_id));
                let (status, answer) = door.tell(&told).await?;
                assert_eq!((status, answer.as_str()), (200, "already paid"), "{kind} {payment_id}");
                assert!(!has_started(&door, &order.order_id).await?, "{kind} {payment_id}");
            }
        }
        shop.mend().await?;
    }
    Ok(())
}

/// The money is owed, whether or not the provider can be asked when its news comes.
#[tokio::test]
async fn late_money_goes_back_although_nobody_could_look() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let (shop, order) = (&door.world.shop, door.waiting().await?);
    order.cancel_order("changed mind").await.map_err(anyhow::Error::msg)?;
    order.ended().await?.stopped_as("cancelled")?;
    let id = shop.settle_late(&order.order_id).await?;
    shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    let (status, answer) = door.tell(&event(&id, &order)).await?;
    assert_eq!((status, answer.as_str()), (200, "the order has ended: whatever was paid goes back"));
    shop.mend().await?;
    let late = door.world.attach_run(&format!("order/{}/late", order.order_id));
    late.until("refunded", |p| p.outcome.as_deref() == Some("completed")).await?;
    assert_eq!(shop.clean().await?["refunds"], json!(1));
    Ok(())
}

/// A provider that takes no notice of keys charged twice, and the second charge is only heard of when all is done.
#[tokio::test]
async fn news_of_a_fulfilled_order_looks_once_and_a_second_payment_asks_a_person() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let shop = &door.world.shop;
    let order = door.world.start(&orders::order()).await?;
    let own = order.ended().await?.fulfilled()?.payment_id.context("no payment")?;
    for (id, payment_id) in [("evt_named", Some(own.as_str())), ("evt_of_old_sender", None)] {
        let looks = shop.requests("payments.get").await?;
        let (status, answer) =
            door.tell(&told_of(id, "payment.settled", &order.order_id, payment_id)).await?;
        assert_eq!((status, answer.as_str()), (200, "already paid"));
        assert_eq!(shop.requests("payments.get").await?, looks + 1, "{id}");
        assert!(!has_started(&door, &order.order_id).await?);
    }
    // Without an answer nobody knows, so the provider is to say it again.
    shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503, "count": 1 }]))
        .await?;
    assert_eq!(door.tell(&event("evt_unread", &order)).await?.0, 503);

    let second = shop.post(&format!("payments/{}/again", order.order_id), json!({})).await?;
    let (id, payment_id) = (second["event_id"].as_str(), second["payment_id"].as_str());
    let (id, payment_id) = id.zip(payment_id).context("not paid again")?;
    let told = told_of(id, "payment.settled", &order.order_id, Some(payment_id));
    let (status, answer) = door.tell(&told).await?;
    assert_eq!((status, answer.as_str()), (200, "already paid: a person is asked if it was paid twice"));
    let late = door.world.attach_run(&format!("order/{}/late", order.order_id));
    late.until("asks", |p| p.needs_human == ["read-payment"]).await?;
    assert!(late.needs_human().await?);
    // As long as both are there, it asks on.
    assert_eq!(late.answer("read-payment", Action::Retry, "is it so?").await, Ok(AnswerOutcome::FailedAgain));
    assert_eq!(shop.requests("payments.refund").await?, 0, "nothing goes back by itself");
    let all = json!({ "amount": 25_000_000, "currency": "VND" });
    shop.ask(&format!("payments/{payment_id}/refund"), Some(&all)).await?;
    let looked = late.answer("read-payment", Action::Retry, "given back at the provider").await;
    assert_eq!(looked, Ok(AnswerOutcome::Done));
    late.until("done", |p| p.outcome.as_deref() == Some("completed")).await?;
    let totals = shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"]), (&json!(2), &json!(1)));
    Ok(())
}

/// The news comes while the label is bought: the order takes it, and looks at its payment behind the label.
#[tokio::test]
async fn a_second_payment_is_noticed_before_the_order_is_fulfilled() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let shop = &door.world.shop;
    shop.faults(json!([{ "operation": "shipments.create", "kind": "latency", "latency_ms": 2_000 }])).await?;
    let order = door.world.start(&orders::order()).await?;
    shop.requested("shipments.create").await?;
    assert_eq!(door.tell(&event("evt_own", &order)).await?, (200, "taken".to_owned()));
    let second = shop.post(&format!("payments/{}/again", order.order_id), json!({})).await?;
    let id = second["event_id"].as_str().context("not paid again")?;
    assert_eq!(door.tell(&event(id, &order)).await?.0, 200);
    order.until("asks", |p| p.needs_human == ["read-payment"]).await?;
    let left = order.answer("read-payment", Action::Leave, "the customer wants it so").await;
    assert_eq!(left, Ok(AnswerOutcome::Left));
    order.ended().await?.fulfilled()?;
    Ok(())
}
