//! The fault matrix of onboarding: each step under each fault, each undo under each fault.
//!
//! [`table`] says what each cell leads to; here it is done. Every cell has a shop, a task queue and a worker of its
//! own.

mod table;

use std::fmt;

use anyhow::{Context as _, bail, ensure};
use contracts::customers::KeptBack;
use serde_json::{Value, json};
use tests::customers::{Ended, Onboarding, registration};
use tests::matrix::{
    KILLS_SIDE_BY_SIDE, PATIENT, SIDE_BY_SIDE, column, down_twice, effected, is, refused, reply_held,
    reply_lost, requested, slow,
};
use tests::servers;
use tests::world::World;
use workflows::customer_onboarding::OnboardingResult;
use workflows::report::{Report, StepStatus};

use table::{BACKWARD, Ends, Expected, FORWARD, Missing, Refusal, Row, TakenBack, Undo, Way};

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
        let registration = registration();
        match row.refusal {
            Refusal::Status(status) => world.shop.faults(json!([refused(row.operation, status)])).await?,
            Refusal::Registered => drop(world.open_account(&registration).await?),
        }
        let run = world.register(&registration).await?;
        let report = books_of(&world, &run, row.refused, By::Business).await?;
        let step = report.step(row.step).context("the report lacks the step")?;
        let failed = step.parts.iter().map(|part| part.status).chain([step.status]);
        let is_said = !report.undone.is_empty() || failed.into_iter().any(|s| s == StepStatus::Failed);
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
        let run = world.register(&registration()).await?;
        books_of(&world, &run, row.transient, By::Business).await?;
        requested(&world, row.operation, 3).await
    })
    .await
}

#[tokio::test]
async fn each_step_with_its_reply_lost_or_garbled() -> anyhow::Result<()> {
    for kind in ["reply_lost", "malformed"] {
        column(&FORWARD, SIDE_BY_SIDE, async |row| {
            let world = World::new().await?;
            world.shop.faults(json!([{ "operation": row.operation, "kind": kind, "count": 1 }])).await?;
            let run = world.register(&registration()).await?;
            books_of(&world, &run, row.reply_lost, By::Business).await.context(kind).map(drop)
        })
        .await?;
    }
    Ok(())
}

/// Without the look-up before a retry this shop would refuse our own customer as registered, and give points and coupon
/// twice.
#[tokio::test]
async fn each_step_with_its_reply_lost_and_its_key_ignored() -> anyhow::Result<()> {
    let can_be_asked =
        |row: &&Row| ["customers.create", "loyalty.create", "coupons.create"].contains(&row.operation);
    column(FORWARD.iter().filter(can_be_asked), SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        world.shop.put("switches", json!({ "dedupe": "off" })).await?;
        world.shop.faults(json!([reply_lost(row.operation)])).await?;
        let run = world.register(&registration()).await?;
        books_of(&world, &run, row.reply_lost, By::Business).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_step_with_its_worker_killed() -> anyhow::Result<()> {
    column(&FORWARD, KILLS_SIDE_BY_SIDE, async |row| {
        let world = World::without_worker(&servers::dev_server()?).await?;
        world.shop.faults(json!([reply_held(row.operation)])).await?;
        let mut first = world.spawn_worker(&[])?;
        let run = world.register(&registration()).await?;
        effected(&world, row.operation).await?;
        first.kill()?;
        world.shop.mend().await?;
        let _second = world.spawn_worker(&[])?;
        books_of(&world, &run, row.killed, By::Business).await.map(drop)
    })
    .await
}

/// The cancel comes during the third attempt: by then no step is tried locally, where it would be heard late.
#[tokio::test]
async fn each_step_cancelled_under_way() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        let run = under_way(&world, row).await?;
        match (row.cancelled.ends, run.cancel(CANCELLED_BECAUSE).await) {
            (Ends::Onboarded, Err(refusal)) => ensure!(refusal.contains("has been welcomed"), "{refusal}"),
            (Ends::Stopped, Ok(accepted)) => {
                let mut steps: Vec<&str> =
                    row.cancelled.undone.iter().filter_map(|u| u.split('/').next()).collect();
                steps.dedup();
                ensure!(accepted.will_undo == steps, "it says that it will undo {:?}", accepted.will_undo);
            }
            (_, answer) => bail!("the cancel was answered with {answer:?}"),
        }
        books_of(&world, &run, row.cancelled, By::Business).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_step_cancelled_by_temporal_under_way() -> anyhow::Result<()> {
    column(&FORWARD, SIDE_BY_SIDE, async |row| {
        let world = World::new().await?;
        let run = under_way(&world, row).await?;
        run.temporal_cancel().await?;
        books_of(&world, &run, row.cancelled, By::Temporal).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn each_undo_down_twice() -> anyhow::Result<()> {
    column(&BACKWARD, KILLS_SIDE_BY_SIDE, async |undo| {
        let (world, _worker) = World::apart(&PATIENT).await?;
        let run = undo.set_off(&world, down_twice(undo.operation)).await?;
        books_of(&world, &run, undo.always, By::Business).await?;
        requested(&world, undo.operation, 3).await
    })
    .await
}

#[tokio::test]
async fn each_undo_with_its_reply_lost() -> anyhow::Result<()> {
    column(&BACKWARD, KILLS_SIDE_BY_SIDE, async |undo| {
        let (world, _worker) = World::apart(&PATIENT).await?;
        let run = undo.set_off(&world, reply_lost(undo.operation)).await?;
        books_of(&world, &run, undo.always, By::Business).await?;
        requested(&world, undo.operation, 2).await
    })
    .await
}

#[tokio::test]
async fn each_undo_with_its_worker_killed() -> anyhow::Result<()> {
    column(&BACKWARD, KILLS_SIDE_BY_SIDE, async |undo| {
        let world = World::without_worker(&servers::dev_server()?).await?;
        let mut first = world.spawn_worker(&PATIENT)?;
        let run = undo.set_off(&world, reply_held(undo.operation)).await?;
        effected(&world, undo.operation).await?;
        first.kill()?;
        world.shop.faults(json!(undo.way.faults())).await?;
        let _second = world.spawn_worker(&PATIENT)?;
        books_of(&world, &run, undo.always, By::Business).await.map(drop)
    })
    .await
}

async fn under_way<'w>(world: &'w World, row: &Row) -> anyhow::Result<Onboarding<'w>> {
    world.shop.faults(json!([down_twice(row.operation), slow(row.operation, 1_500)])).await?;
    let run = world.register(&registration()).await?;
    requested(world, row.operation, 3).await?;
    Ok(run)
}

impl Undo {
    /// Starts an onboarding that turns back, and meets this fault on its way back.
    async fn set_off<'w>(&self, world: &'w World, fault: Value) -> anyhow::Result<Onboarding<'w>> {
        let mut faults = self.way.faults();
        faults.push(fault);
        world.shop.faults(json!(faults)).await?;
        let run = world.register(&registration()).await?;
        if let Way::CancelledAtCoupon = self.way {
            world.shop.requested("coupons.create").await?;
            run.cancel(CANCELLED_BECAUSE).await.map_err(anyhow::Error::msg)?;
        }
        Ok(run)
    }
}

impl Way {
    fn faults(self) -> Vec<Value> {
        match self {
            Self::NoPoints => vec![refused("loyalty.create", 422)],
            Self::NoCoupon => vec![refused("coupons.create", 422)],
            Self::CancelledAtCoupon => vec![slow("coupons.create", 800)],
        }
    }
}

/// The party that stops a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Business,
    Temporal,
}

/// Checks how a run ended, what it undid, the series of mails, and the shop's books; returns the report.
async fn books_of(world: &World, run: &Onboarding<'_>, expected: Expected, by: By) -> anyhow::Result<Report> {
    let report = report_of(run.ended().await?, expected, by)?;
    is("undone", &tests::world::in_words(&report.undone), &expected.undone)?;
    let series = run.follow_up();
    let is_begun = expected.undone.contains(&"send-welcome-emails/follow-up");
    if expected.ends == Ends::Onboarded {
        is("the series is open", &series.is_open().await?, &Some(true))?;
    } else if is_begun {
        let ended = series.ended().await?.completed()?;
        is("the series ended by", &ended.ended_by, &Some(KeptBack::Undone))?;
    } else {
        is("there is a series", &series.is_open().await?, &None)?;
    }
    gifts_of(world, expected).await?;
    Ok(report)
}

fn report_of(ended: Ended<OnboardingResult>, expected: Expected, by: By) -> anyhow::Result<Report> {
    match (expected.ends, ended) {
        (Ends::Failed(kind), ended) => Ok(ended.failed_as(kind)?.1),
        (Ends::Stopped, Ended::Canceled(report)) if by == By::Temporal => Ok(report),
        (Ends::Onboarded, ended) => {
            let result = ended.completed()?;
            ensure!(result.success && result.customer.is_some(), "not onboarded: {result:?}");
            ensure!(result.welcome_discount_code.is_some(), "no code: {result:?}");
            Ok(result.report)
        }
        (Ends::Stopped, Ended::Completed(result)) if by == By::Business => {
            ensure!(!result.success && result.customer.is_none(), "not stopped: {result:?}");
            is("outcome", &result.outcome.as_str(), &"cancelled")?;
            is("reason", &result.reason.as_deref(), &Some(CANCELLED_BECAUSE))?;
            Ok(result.report)
        }
        (_, other) => bail!("not stopped: {other:?}"),
    }
}

/// The shop's books.
async fn gifts_of(world: &World, expected: Expected) -> anyhow::Result<()> {
    let totals = world.shop.clean().await?;
    let figure = |name: &str| totals[name].as_i64().unwrap_or(0);
    let (is_onboarded, back) = (expected.ends == Ends::Onboarded, expected.taken_back);
    let given = i64::from(is_onboarded);
    let has = |missing| i64::from(is_onboarded && expected.missing != Some(missing));
    is("customers", &figure("customers"), &1)?;
    is("incomplete", &figure("incomplete_customers"), &i64::from(back >= TakenBack::Account))?;
    is("points", &figure("points"), &(100 * given))?;
    is("reversed points", &figure("reversed_points"), &(100 * i64::from(back >= TakenBack::Points)))?;
    let revoked = i64::from(back >= TakenBack::Coupon);
    is("coupons", &figure("coupons"), &(given + revoked))?;
    is("revoked coupons", &figure("revoked_coupons"), &revoked)?;
    is("mails", &figure("mails"), &has(Missing::Mail))?;
    is("events", &figure("events"), &has(Missing::Event))?;
    let customer = world.only_customer().await?;
    let is_there = |name: &str| i64::from(customer[name].as_array().is_some_and(|list| !list.is_empty()));
    is("segments", &is_there("segments"), &has(Missing::Segments))?;
    is("home page", &is_there("homepage"), &has(Missing::Homepage))?;
    let is_set = i64::from(customer["recommendation_settings"].is_object());
    is("preferences", &is_set, &has(Missing::Preferences))?;
    let mailed = world.mailed().await?;
    ensure!(mailed.iter().all(|template| template == "welcome"), "other mails left: {mailed:?}");
    Ok(())
}
