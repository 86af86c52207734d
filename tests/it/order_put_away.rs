//! Orders that a worker puts away because it holds only so many: each goes on from its history, whatever happens to it.

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::orders;
use tests::processes::free_port;
use tests::world::{Order, World};
use workflows::report::StepStatus;

/// Of each kind.
const EACH: usize = 6;

async fn waits(order: &Order<'_>) -> anyhow::Result<()> {
    let waiting = |p: &workflows::report::Progress| p.steps.iter().any(|s| s.status == StepStatus::Waiting);
    order.until("waits for the customer", waiting).await.map(drop)
}

async fn begin<'w>(world: &'w World, order: &Value) -> anyhow::Result<Vec<Order<'w>>> {
    let mut begun = Vec::new();
    for _ in 0..EACH {
        let mut order = order.clone();
        order["order_id"] = orders::order()["order_id"].clone();
        begun.push(world.start(&order).await?);
    }
    Ok(begun)
}

/// Runs that the worker has put away so far.
async fn put_away(port: u16) -> anyhow::Result<u64> {
    const METRIC: &str = "temporal_sticky_cache_total_forced_eviction_total";
    let metrics = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await?.text().await?;
    let counts = metrics.lines().filter(|line| line.starts_with(METRIC));
    let counts = counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    let most = counts.fold(None, |most: Option<f64>, count| Some(most.map_or(count, |most| most.max(count))));
    Ok(most.with_context(|| format!("no {METRIC} in the metrics"))? as u64)
}

#[tokio::test]
async fn orders_that_were_put_away_end_as_they_would_have_in_memory() -> anyhow::Result<()> {
    let port = free_port()?;
    let listen = format!("--listen=127.0.0.1:{port}");
    let settings = ["--cached-workflows=2", "--workflow-slots=2", "--undo-patience=60s", &listen];
    let (world, _worker) = World::apart(&settings).await?;
    let transfer = orders::paid_by("bank_transfer");
    let mut brief = transfer.clone();
    brief["reservation_minutes"] = json!(0.1);
    let (paid, declined) = (begin(&world, &transfer).await?, begin(&world, &transfer).await?);
    let (cancelled, expired) = (begin(&world, &transfer).await?, begin(&world, &brief).await?);
    for order in paid.iter().chain(&declined).chain(&cancelled) {
        waits(order).await?;
    }
    let before = put_away(port).await?;
    let news = paid.iter().map(|order| (order, "paid")).chain(declined.iter().map(|order| (order, "failed")));
    let told = news.map(|(order, outcome)| async {
        let event = world.shop.settle(&order.order_id, outcome).await?;
        anyhow::ensure!(order.payment_settled(&event).await == Ok("taken".to_owned()), "{}", order.order_id);
        Ok(())
    });
    let stopped = cancelled.iter().map(|order| async {
        order.cancel_order("changed mind").await.map(drop).map_err(anyhow::Error::msg)
    });
    let (told, stopped) =
        tokio::join!(futures::future::try_join_all(told), futures::future::try_join_all(stopped));
    (told?, stopped?);
    for order in &paid {
        order.ended().await?.fulfilled()?;
    }
    for order in &declined {
        order.ended().await?.failed_as("PaymentDeclined")?;
    }
    for (orders, outcome) in [(&cancelled, "cancelled"), (&expired, "expired")] {
        for order in orders {
            let result = order.ended().await?.stopped_as(outcome)?;
            assert_eq!(result.report.undone, ["process-payment", "reserve-inventory", "update-order"]);
        }
    }
    // A worker that put nothing away proves nothing.
    assert!(put_away(port).await? > before + EACH as u64, "the worker held them all");
    let totals = world.shop.clean().await?;
    let counts = (&totals["charges"], &totals["shipments"], &totals["holds"]);
    assert_eq!(counts, (&json!(EACH), &json!(EACH), &json!(0)));
    Ok(())
}
