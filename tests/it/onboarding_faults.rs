//! The fault matrix of onboarding: each step under each fault, each undo under each fault. [`table`] says what each
//! cell leads to; here is how an onboarding comes to it, and how its end and the shop's books are compared.

mod table;

use anyhow::ensure;
use contracts::customers::KeptBack;
use serde_json::Value;
use tests::customers::{Onboarding, registration};
use tests::matrix::{
    Cell, HERE, PATIENT, Process, SLOW_THIRD, Worker, cancel_is_answered, down_twice, garbled, is, killed,
    reply_lost, struck, struck_without_keys, tells, under_way,
};
use tests::world::{World, in_words};
use workflows::report::StepStatus;

use table::{
    CANCELLED_BECAUSE, Ends, Expected, Missing, ONBOARDED, TakenBack, Way, backward, forward, refused,
};

struct Onboardings;

impl Process for Onboardings {
    type Place = World;
    type Run<'w> = Onboarding<'w>;
    type Way = Way;
    type Expected = Expected;

    async fn meet<'w>(world: &'w World, cell: &Cell<Self>, faults: Value) -> anyhow::Result<Onboarding<'w>> {
        let registration = registration();
        if let Way::Registered = cell.way {
            world.open_account(&registration).await?;
        }
        world.shop.faults(faults).await?;
        let run = world.register(&registration).await?;
        if let Way::CancelledAtCoupon = cell.way {
            world.shop.requested("coupons.create").await?;
            run.cancel(CANCELLED_BECAUSE).await.map_err(anyhow::Error::msg)?;
        }
        Ok(run)
    }

    async fn ends(world: &World, cell: &Cell<Self>, run: &Onboarding<'_>) -> anyhow::Result<()> {
        let expected = cell.expected;
        let report = expected.ends.report(run.ended().await?)?;
        if let Way::Refused(_) = cell.way {
            tells(&report, cell.step, StepStatus::Failed)?;
        }
        is("undone", &in_words(&report.undone), &expected.undone)?;
        let series = run.follow_up();
        if expected.undone.contains(&"send-welcome-emails/follow-up") {
            let ended = series.ended().await?.completed()?;
            is("the series ended by", &ended.ended_by, &Some(KeptBack::Undone))?;
        } else {
            let is_begun = (expected.ends == Ends::Onboarded).then_some(true);
            is("the series is open", &series.is_open().await?, &is_begun)?;
        }
        books(world, expected).await
    }
}

async fn books(world: &World, expected: Expected) -> anyhow::Result<()> {
    let given = i64::from(expected.ends == Ends::Onboarded);
    let back = |gift| i64::from(expected.taken_back >= gift);
    let has = |missing| if expected.missing == Some(missing) { 0 } else { given };
    let totals = world.shop.clean().await?;
    let revoked = back(TakenBack::Coupon);
    for (figure, wanted) in [
        ("customers", 1),
        ("incomplete_customers", back(TakenBack::Account)),
        ("points", 100 * given),
        ("reversed_points", 100 * back(TakenBack::Points)),
        ("coupons", given + revoked),
        ("revoked_coupons", revoked),
        ("mails", has(Missing::Mail)),
        ("events", has(Missing::Event)),
    ] {
        is(figure, &totals[figure].as_i64().unwrap_or(0), &wanted)?;
    }
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

tests::columns! {
    each_step_refused: struck(refused(), HERE, &[]);
    each_step_down_twice: struck(forward(|_| ONBOARDED), HERE, &[down_twice]);
    each_step_with_its_reply_lost: struck(forward(|_| ONBOARDED), HERE, &[reply_lost]);
    each_step_with_its_reply_garbled: struck(forward(|_| ONBOARDED), HERE, &[garbled]);
    /// Without the look-up before a retry this shop would refuse our own customer as registered, and give points and
    /// coupon twice.
    each_step_with_its_reply_lost_and_its_key_ignored:
        struck_without_keys(forward(|_| ONBOARDED).filter(|cell| cell.is_looked_up), HERE, &[reply_lost]);
    each_step_with_its_worker_killed: killed(forward(|_| ONBOARDED), &[]);
    each_undo_down_twice: struck(backward(), Worker::Apart(PATIENT), &[down_twice]);
    each_undo_with_its_reply_lost: struck(backward(), Worker::Apart(PATIENT), &[reply_lost]);
    each_undo_with_its_worker_killed: killed(backward(), PATIENT);
}

#[tokio::test]
async fn each_step_cancelled_under_way() -> anyhow::Result<()> {
    under_way(forward(|row| row.cancelled), HERE, &SLOW_THIRD, async |world, cell, run| {
        let (answer, undone) = (run.cancel(CANCELLED_BECAUSE).await, cell.expected.will_undo());
        cancel_is_answered(answer, undone.as_deref().ok_or("has been welcomed"))?;
        Onboardings::ends(world, cell, run).await
    })
    .await
}

#[tokio::test]
async fn each_step_cancelled_by_temporal_under_way() -> anyhow::Result<()> {
    under_way(forward(|row| row.cancelled.by_temporal()), HERE, &SLOW_THIRD, async |world, cell, run| {
        run.temporal_cancel().await?;
        Onboardings::ends(world, cell, run).await
    })
    .await
}
