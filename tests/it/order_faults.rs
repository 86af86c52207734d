//! The fault matrix of order processing: each step under each fault, each undo under each fault.
//!
//! [`table`] says what each cell leads to; here it is done. Every cell has a shop, a task queue and a worker of its
//! own.

mod table;

use std::fmt;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tests::matrix::{
    KILLS_SIDE_BY_SIDE, PATIENT, SIDE_BY_SIDE, column, down_twice, effected, is, reply_held, reply_lost,
    requested, slow,
};
use tests::orders;
use tests::servers;
use tests::world::{Ended, Order, World};
use workflows::report::{Report, StepStatus};
use workflows::saga::Action;

use table::{BACKWARD, Ends, Expected, FORWARD, Refusal, Row, Undo, Way};

/// The stock that the lines of an order take: variant, pieces before, pieces taken.
const STOCK: [(&str, i64, i64); 2] = [("LAPTOP-001-16GB-512GB", 50, 1), ("MOUSE-001-BLACK", 200, 2)];

const CANCELLED_BECAUSE: &str = "the customer called";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.step, self.operation)
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "undo of {} ({}), {:?}", self.step, self.operation, self.way)
    }
}

#[tokio::test]
async fn each_step_refused() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        let order = row.refusal.meet(row.operation, &world).await?;
        if row.step == "update-order-status" {
            // The shop has to hear of a paid order with a label: a person is asked.
            order.until("asks", |p| p.needs_human == [row.step]).await?;
            let left = order.answer(row.step, Action::Leave, "told by telephone").await;
            left.map_err(anyhow::Error::msg)?;
        }
        let report = books_of(&world, order.ended().await?, row.refused).await?;
        let step = report.step(row.step).context("the report lacks the step")?;
        let failed = step.parts.iter().map(|part| part.status).chain([step.status]);
        let tells = |status| matches!(status, StepStatus::Failed | StepStatus::LeftStanding);
        let is_said = !report.undone.is_empty() || failed.into_iter().any(tells);
        ensure!(is_said, "the report hides the refusal: {step:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_step_down_twice() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        world.shop.faults(json!([down_twice(row.operation)])).await?;
        let ended = world.run(&orders::two_lines()).await?;
        requested(&world, row.operation, 3).await?;
        books_of(&world, ended, row.transient).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_step_with_its_reply_lost() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        world.shop.faults(json!([reply_lost(row.operation)])).await?;
        books_of(&world, world.run(&orders::two_lines()).await?, row.reply_lost).await.map(drop)
    })
    .await
}

/// Where the provider can be asked, the look-up alone keeps it at one effect.
#[tokio::test]
async fn each_step_with_its_reply_lost_and_its_key_ignored() -> anyhow::Result<()> {
    let can_be_asked = |row: &&Row| ["payments.create", "shipments.create"].contains(&row.operation);
    column(FORWARD.iter().filter(can_be_asked), SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        world.shop.faults(json!([reply_lost(row.operation)])).await?;
        books_of(&world, world.run(&orders::two_lines()).await?, row.reply_lost).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_step_with_its_worker_killed() -> anyhow::Result<()> {
    column(&FORWARD, KILLS_SIDE_BY_SIDE, async |row| {
        let world = World::without_worker(&servers::dev_server()?).await?;
        world.shop.faults(json!([reply_held(row.operation)])).await?;
        let mut first = world.spawn_worker(&[])?;
        let order = world.start(&orders::two_lines()).await?;
        effected(&world, row.operation).await?;
        first.kill()?;
        world.shop.mend().await?;
        let _second = world.spawn_worker(&[])?;
        books_of(&world, order.ended().await?, row.killed).await.map(drop)
    })
    .await
}

/// The cancel comes during the third attempt: by then no step is tried locally, where it would be heard late.
#[tokio::test]
async fn each_step_cancelled_under_way() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        let slow = slow(row.operation, 1_500);
        world.shop.faults(json!([down_twice(row.operation), slow])).await?;
        let order = world.start(&orders::two_lines()).await?;
        requested(&world, row.operation, 3).await?;
        match (row.cancelled.ends, order.cancel_order(CANCELLED_BECAUSE).await) {
            (Ends::Fulfilled, Err(refusal)) => ensure!(refusal.contains("has a shipping label"), "{refusal}"),
            (Ends::Stopped(_), Ok(accepted)) => {
                // Telling the shop comes last and is not the undo of any step.
                let (_, undone) = row.cancelled.undone.split_last().context("nothing is undone")?;
                ensure!(accepted.will_undo == undone, "it says that it will undo {:?}", accepted.will_undo);
            }
            (_, answer) => bail!("the cancel was answered with {answer:?}"),
        }
        books_of(&world, order.ended().await?, row.cancelled).await.map(drop)
    })
    .await
}

/// Stock is held for 2.7 seconds, and the call takes four.
#[tokio::test]
async fn each_step_while_the_hold_ends() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::with(&["--ecommerce-api-timeout=10000"]).await?;
        world.shop.faults(json!([slow(row.operation, 4_000)])).await?;
        let mut order = orders::two_lines();
        order["reservation_minutes"] = json!(0.045);
        books_of(&world, world.run(&order).await?, row.expired).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_undo_down_twice() -> anyhow::Result<()> {
    column(&BACKWARD, KILLS_SIDE_BY_SIDE, async |undo| {
        let (world, _worker) = World::apart(&PATIENT).await?;
        let order = undo.set_off(&world, down_twice(undo.operation)).await?;
        let ended = order.ended().await?;
        requested(&world, undo.operation, 3).await?;
        books_of(&world, ended, undo.always).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_undo_with_its_reply_lost() -> anyhow::Result<()> {
    column(&BACKWARD, KILLS_SIDE_BY_SIDE, async |undo| {
        let (world, _worker) = World::apart(&PATIENT).await?;
        let order = undo.set_off(&world, reply_lost(undo.operation)).await?;
        books_of(&world, order.ended().await?, undo.always).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_undo_with_its_worker_killed() -> anyhow::Result<()> {
    column(&BACKWARD, KILLS_SIDE_BY_SIDE, async |undo| {
        let world = World::without_worker(&servers::dev_server()?).await?;
        let mut first = world.spawn_worker(&PATIENT)?;
        let order = undo.set_off(&world, reply_held(undo.operation)).await?;
        effected(&world, undo.operation).await?;
        first.kill()?;
        world.shop.faults(json!(undo.way.faults())).await?;
        let _second = world.spawn_worker(&PATIENT)?;
        books_of(&world, order.ended().await?, undo.always).await.map(drop)
    })
    .await
}

impl Refusal {
    /// Starts an order that is refused in this way.
    async fn meet<'w>(self, operation: &str, world: &'w World) -> anyhow::Result<Order<'w>> {
        let mut order = orders::two_lines();
        let laptop = &mut order["items"][0];
        match self {
            Self::Status(status) => {
                let refused = json!({ "operation": operation, "kind": "status", "status": status });
                world.shop.faults(json!([refused])).await?;
            }
            Self::Price => {
                laptop["price"] = json!(24_000_000);
                order["total_amount"] = json!(25_000_000);
            }
            Self::Pieces => {
                laptop["quantity"] = json!(51);
                order["total_amount"] = json!(51 * 25_000_000 + 1_000_000);
            }
            Self::Card => order["payment_method"]["card_token"] = json!("card_declined"),
            Self::HoldSwept => {
                world.shop.faults(json!([slow("payments.create", 1_000)])).await?;
            }
        }
        let order = world.start(&order).await?;
        if let Self::HoldSwept = self {
            world.shop.requested("payments.create").await?;
            world.shop.put("clock", json!({ "advance_seconds": 86_400 })).await?;
        }
        Ok(order)
    }
}

impl Undo {
    /// Starts an order that turns back, and meets this fault on its way back.
    async fn set_off<'w>(&self, world: &'w World, fault: Value) -> anyhow::Result<Order<'w>> {
        let mut faults = self.way.faults();
        faults.push(fault);
        world.shop.faults(json!(faults)).await?;
        let mut order = orders::two_lines();
        match self.way {
            Way::Declined => order["payment_method"]["card_token"] = json!("card_declined"),
            Way::CancelledInWait => order["payment_method"] = json!({ "type": "bank_transfer" }),
            Way::NoLabel | Way::LabelUnknown => {}
        }
        let order = world.start(&order).await?;
        if let Way::CancelledInWait = self.way {
            order.waits().await?;
            order.cancel_order(CANCELLED_BECAUSE).await.map_err(anyhow::Error::msg)?;
        }
        Ok(order)
    }
}

impl Way {
    fn faults(self) -> Vec<Value> {
        match self {
            Self::Declined | Self::CancelledInWait => Vec::new(),
            Self::NoLabel => {
                vec![json!({ "operation": "shipments.create", "kind": "status", "status": 422 })]
            }
            Self::LabelUnknown => vec![
                json!({ "operation": "shipments.create", "kind": "reply_lost" }),
                json!({ "operation": "shipments.get", "kind": "status", "status": 422 }),
            ],
        }
    }
}

/// Checks how a run ended, what it undid, and the shop's books; returns the report.
async fn books_of(world: &World, ended: Ended, expected: Expected) -> anyhow::Result<Report> {
    let report = match expected.ends {
        Ends::Fulfilled => ended.fulfilled()?.report,
        Ends::Failed(kind) => ended.failed_as(kind)?.1,
        Ends::Stopped(outcome) => {
            let result = ended.stopped_as(outcome)?;
            let reason = match outcome {
                "cancelled" => CANCELLED_BECAUSE,
                _ => "the payment did not settle while the stock was held",
            };
            is("reason", &result.reason.as_deref(), &Some(reason))?;
            result.report
        }
    };
    is("undone", &tests::world::in_words(&report.undone), &expected.undone)?;
    let is_fulfilled = expected.ends == Ends::Fulfilled;
    let totals = world.shop.clean().await?;
    is("charges", &totals["charges"], &expected.charges)?;
    is("refunds", &totals["refunds"], &if is_fulfilled { 0 } else { expected.charges })?;
    is("holds", &totals["holds"], &0)?;
    let labels = |figure: &str| totals[figure].as_i64().unwrap_or(-1);
    is("standing labels", &(labels("shipments") - labels("voided_shipments")), &i64::from(is_fulfilled))?;
    for figure in ["mails", "sms", "pushes", "events"] {
        let happens = is_fulfilled && expected.missing != Some(figure);
        is(figure, &totals[figure], &u64::from(happens))?;
    }
    let money = totals["net_money"]["VND"].as_i64().unwrap_or(0);
    is("net money", &money, &if is_fulfilled { 26_000_000 } else { 0 })?;
    for (variant, before, taken) in STOCK {
        let left = if is_fulfilled { before - taken } else { before };
        is(variant, &world.shop.stock(variant).await?, &(left, 0))?;
    }
    Ok(report)
}
