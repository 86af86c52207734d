//! Payment events through the webhook door.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tests::orders;
use tests::processes::free_port;
use tests::servers;
use tests::world::{LIMIT, Order, WorkerProcess, World};

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
    json!({ "id": id, "type": "payment.settled", "data": { "order_id": order.order_id } })
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
