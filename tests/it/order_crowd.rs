//! Many at once.

use serde_json::json;
use tests::orders;
use tests::world::{Ended, World};

#[tokio::test]
async fn fifty_starts_of_one_order_are_one_run_and_one_charge() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::order();
    let starts = (0..50).map(|_| world.start(&order));
    for started in futures::future::join_all(starts).await {
        started?;
    }
    world.run(&order).await?.fulfilled()?;
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["charges"], &totals["shipments"], &totals["mails"]),
        (&json!(1), &json!(1), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn a_hundred_orders_for_ten_pieces_sell_exactly_ten() -> anyhow::Result<()> {
    // On a busy machine ninety undos at once take longer than the patience that other tests want to see used up.
    let (world, _worker) = World::apart(&["--undo-patience=60s"]).await?;
    let product = json!([{ "sku": "RARE-001", "variant_id": "RARE-001-A", "price": 100_000, "stock": 10 }]);
    world.shop.put("products", product).await?;
    let placed: Vec<_> = (0..100).map(|_| rare_order()).collect();
    let runs = placed.iter().map(|order| world.run(order));
    let (mut sold, mut short) = (0, 0);
    for ended in futures::future::join_all(runs).await {
        match ended? {
            Ended::Completed(result) if result.success => sold += 1,
            Ended::Failed { kind, .. } if kind == "OutOfStock" => short += 1,
            other => anyhow::bail!("{other:?}"),
        }
    }
    assert_eq!((sold, short), (10, 90));
    assert_eq!(world.shop.stock("RARE-001-A").await?, (0, 0));
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["shipments"]), (&json!(10), &json!(10)));
    Ok(())
}

fn rare_order() -> serde_json::Value {
    let mut order = orders::order();
    order["items"] = json!([{
        "product_id": "RARE-001", "product_name": "Rare", "variant_id": "RARE-001-A",
        "quantity": 1, "price": 100_000
    }]);
    order["total_amount"] = json!(100_000);
    order
}
