//! Orders that a worker puts away because it holds only so many: each goes on from its history, whatever happens to it.

use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::orders;
use tests::processes::free_port;
use tests::world::{Order, WorkerProcess, World};
use tokio::join;
use workflows::order_processing::OrderProcessingResult;

/// Orders of each of four kinds.
const EACH: usize = 6;
/// The worker holds half of them.
const HELD: u32 = 12;

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
    Ok(counts.sum::<f64>() as u64)
}

fn is_done_in_full(result: &OrderProcessingResult) -> bool {
    result.report.steps.iter().all(|step| step.status.is_done())
}

/// A world whose worker holds so many runs, and the port of its metrics.
async fn holding(runs: u32) -> anyhow::Result<(World, WorkerProcess, u16)> {
    let port = free_port()?;
    let (listen, held) = (format!("--listen=127.0.0.1:{port}"), format!("--cached-workflows={runs}"));
    let (world, worker) =
        World::apart(&["--workflow-slots=2", "--undo-patience=60s", &listen, &held]).await?;
    Ok((world, worker, port))
}

#[tokio::test]
async fn orders_that_were_put_away_end_as_they_would_have_in_memory() -> anyhow::Result<()> {
    let (world, _worker, port) = holding(HELD).await?;
    let transfer = orders::paid_by("bank_transfer");
    let mut brief = transfer.clone();
    brief["reservation_minutes"] = json!(0.5);
    let (paid, declined) = (begin(&world, &transfer).await?, begin(&world, &transfer).await?);
    let (cancelled, expired) = (begin(&world, &transfer).await?, begin(&world, &brief).await?);
    // Asked in turn, so that the half that is held at last has some of each kind.
    for i in 0..EACH {
        for kind in [&paid, &declined, &cancelled, &expired] {
            kind[i].waits().await?;
        }
    }
    // A worker that put nothing away proves nothing.
    assert!(put_away(port).await? >= u64::from(HELD), "the worker holds them all");
    let news = paid.iter().map(|order| (order, "paid")).chain(declined.iter().map(|order| (order, "failed")));
    let told = news.map(|(order, outcome)| async {
        let event = world.shop.settle(&order.order_id, outcome).await?;
        let answer = order.payment_settled(&event).await;
        anyhow::ensure!(answer == Ok("taken".to_owned()), "{}: {answer:?}", order.order_id);
        Ok(())
    });
    let stopped = cancelled.iter().map(|order| async {
        order.cancel_order("changed mind").await.map(drop).map_err(anyhow::Error::msg)
    });
    let (told, stopped) = join!(try_join_all(told), try_join_all(stopped));
    told?;
    stopped?;
    for order in &paid {
        let result = order.ended().await?.fulfilled()?;
        assert!(is_done_in_full(&result), "{:?}", result.report);
    }
    for order in &declined {
        order.ended().await?.failed_as("PaymentDeclined")?;
    }
    for (orders, outcome) in [(&cancelled, "cancelled"), (&expired, "expired")] {
        for order in orders {
            let result = order.ended().await?.stopped_as(outcome)?;
            assert_eq!(
                tests::world::in_words(&result.report.undone),
                ["process-payment", "reserve-inventory", "update-order"]
            );
        }
    }
    let totals = world.shop.clean().await?;
    let counts = (&totals["charges"], &totals["shipments"], &totals["holds"]);
    assert_eq!(counts, (&json!(EACH), &json!(EACH), &json!(0)));
    Ok(())
}

/// To put a run away, the SDK ends a local activity that is between two attempts as cancelled. Nobody has cancelled the
/// order: the step goes on.
#[tokio::test]
async fn a_quick_step_goes_on_when_its_run_is_put_away_between_two_attempts() -> anyhow::Result<()> {
    const AT_MOST: u64 = 20;
    let (world, _worker, _) = holding(2).await?;
    let (one, other) =
        (world.start(&orders::paid_by("e_wallet")).await?, world.start(&orders::paid_by("e_wallet")).await?);
    one.waits().await?;
    other.waits().await?;
    for _ in 0..AT_MOST {
        let order = orders::order();
        let fault = json!({ "operation": "orders.validate", "kind": "status", "status": 503, "count": 1 });
        world.shop.faults(json!([fault])).await?;
        let asked = world.shop.requests("orders.validate").await?;
        let order = world.start(&order).await?;
        world.shop.requested_again("orders.validate", asked).await?;
        // Before the second attempt, 200 ms after the first one, the worker is busy with all that it can hold.
        let _progress = (one.progress().await?, other.progress().await?);
        let result = order.ended().await?.fulfilled()?;
        assert!(is_done_in_full(&result), "{:?}", result.report);
        // The second local attempt would have gone through.
        if order.scheduled("commerce.validate_order").await? > 0 {
            return Ok(());
        }
    }
    anyhow::bail!("of {AT_MOST} orders none was put away between two attempts")
}
