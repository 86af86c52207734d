//! Replies that are lost or wrong on the way of an onboarding: every effect happens once all the same.

use std::time::Duration;

use serde_json::json;
use tests::customers;
use tests::servers;
use tests::world::World;

/// Every effect on the way of an onboarding.
const EFFECTS: [&str; 8] = [
    "customers.create",
    "loyalty.create",
    "coupons.create",
    "notifications.email",
    "customers.preferences",
    "customers.content",
    "customers.segments",
    "events.track",
];

async fn everything_once(world: &World, what: &str) -> anyhow::Result<()> {
    let totals = world.shop.clean().await?;
    let of = |name: &str| totals[name].as_i64().unwrap_or(0);
    let found = ["customers", "incomplete_customers", "points", "coupons", "mails", "events"].map(of);
    assert_eq!(found, [1, 0, 100, 1, 1, 1], "{what}: {totals}");
    Ok(())
}

async fn every_effect_once(kind: &str) -> anyhow::Result<()> {
    for operation in EFFECTS {
        let world = World::new().await?;
        world.shop.faults(json!([{ "operation": operation, "kind": kind, "count": 1 }])).await?;
        let result = world.onboard(&customers::registration()).await?.completed()?;
        assert!(result.success && result.welcome_discount_code.is_some(), "{kind} at {operation}");
        everything_once(&world, &format!("{kind} at {operation}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_reply_of_an_onboarding_lost_once_changes_nothing() -> anyhow::Result<()> {
    every_effect_once("reply_lost").await
}

#[tokio::test]
async fn each_reply_of_an_onboarding_garbled_once_changes_nothing() -> anyhow::Result<()> {
    every_effect_once("malformed").await
}

/// Without the look-up before a retry this shop would refuse our own customer as registered, and give points and
/// coupon twice.
#[tokio::test]
async fn a_shop_that_ignores_keys_is_looked_up_before_a_retry() -> anyhow::Result<()> {
    for operation in ["customers.create", "loyalty.create", "coupons.create"] {
        let world = World::new().await?;
        world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        world.shop.faults(json!([{ "operation": operation, "kind": "reply_lost", "count": 1 }])).await?;
        world.onboard(&customers::registration()).await?.completed()?;
        everything_once(&world, operation).await?;
    }
    Ok(())
}

/// The reply is withheld after the effect; the worker dies; the next one finishes with one effect.
#[tokio::test]
async fn a_worker_killed_after_an_effect_of_an_onboarding_leaves_one() -> anyhow::Result<()> {
    for operation in ["customers.create", "loyalty.create", "coupons.create", "notifications.email"] {
        let world = World::without_worker(&servers::dev_server()?).await?;
        world.shop.faults(json!([{ "operation": operation, "kind": "hold_reply", "count": 1 }])).await?;
        let mut first = world.spawn_worker(&[])?;
        let run = world.register(&customers::registration()).await?;
        world.shop.requested(operation).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        first.kill()?;
        world.shop.mend().await?;
        let _second = world.spawn_worker(&[])?;
        run.ended().await?.completed()?;
        everything_once(&world, operation).await?;
    }
    Ok(())
}
