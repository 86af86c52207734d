//! The fault matrix of the follow-up mails: each operation of each step under each fault. [`table`] says what each cell
//! leads to; here is how a series comes to it, and how its end and the outbox are compared.
//!
//! The week lasts three seconds. The series has no undo: what is in a mailbox is not taken back.

mod table;

use anyhow::{Context as _, ensure};
use contracts::customers::KeptBack;
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::customers;
use tests::follow_up::FollowUp;
use tests::matrix::{
    self, Cell, Process, SLOW_THIRD, Worker, down_twice, is, killed, refused_for_good, reply_lost, struck,
    under_way,
};
use tests::world::World;
use workflows::follow_up_emails::Fate;
use workflows::report::StepStatus;

use table::{Fates, TELL, rows};

const WEEK: &[&str] = &["--follow-up-tips=500ms", "--follow-up-recommendations=3s"];
const TEMPLATES: [&str; 2] = ["onboarding_tips", "product_recommendations"];

struct Series;

impl Process for Series {
    type Place = World;
    type Run<'w> = FollowUp<'w>;
    type Way = Way;
    type Expected = Fates;

    async fn meet<'w>(world: &'w World, cell: &Cell<Self>, faults: Value) -> anyhow::Result<FollowUp<'w>> {
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        // Both mails ask for these: the faults of the second begin when the first has left.
        let is_second = cell.step == "send-product-recommendations" && cell.operation != "products.recommend";
        if !is_second {
            world.shop.faults(faults.clone()).await?;
        }
        let series = world.follow_up(&registration, &customer_id, Timestamp::now()).await?;
        if is_second || cell.step == TELL {
            series.until("has sent the first mail", |p| p.steps_completed == 1).await?;
        }
        if is_second {
            world.shop.faults(faults).await?;
        }
        // The platform is told only when somebody unsubscribed, between the mails.
        if cell.step == TELL {
            series.unsubscribe().await.map_err(anyhow::Error::msg)?;
        }
        Ok(series)
    }

    async fn ends(world: &World, cell: &Cell<Self>, series: &FollowUp<'_>) -> anyhow::Result<()> {
        let result = series.ended().await?.completed()?;
        let fates: Vec<_> = result.mails.iter().map(|mail| word(&mail.fate)).collect();
        is("fates", &fates, &cell.expected)?;
        for mail in &result.mails {
            let is_right =
                !matches!(&mail.fate, Fate::KeptBack { reason } if *reason != KeptBack::Unsubscribed);
            ensure!(is_right, "kept back for another reason: {mail:?}");
        }
        let sent = TEMPLATES.into_iter().zip(cell.expected).filter(|(_, fate)| *fate == "sent");
        is("outbox", &world.mailed().await?, &sent.map(|(mail, _)| mail).collect::<Vec<_>>())?;
        let is_untold = cell.step == TELL && cell.way == Way::Refused;
        let tell = result.report.step(TELL).context("no such step")?.status;
        is("telling failed", &(tell == StepStatus::Failed), &is_untold)?;
        if cell.step == TELL {
            is("unsubscribed there", &is_unsubscribed(world).await?, &!is_untold)?;
        }
        world.shop.clean().await.map(drop)
    }
}

/// How a series comes to an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Plain,
    /// It is refused there.
    Refused,
}

impl matrix::Way for Way {
    fn faults(self, operation: &str) -> Vec<Value> {
        match self {
            Self::Plain => Vec::new(),
            Self::Refused => vec![refused_for_good(operation)],
        }
    }
}

async fn is_unsubscribed(world: &World) -> anyhow::Result<bool> {
    Ok(world.only_customer().await?["mail"]["unsubscribed"] == json!(true))
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Sent => "sent",
        Fate::KeptBack { .. } => "kept_back",
        Fate::Refused { .. } => "refused",
        Fate::GivenUp => "given_up",
    }
}

#[tokio::test]
async fn each_operation_refused() -> anyhow::Result<()> {
    struck(rows(|row| row.refused).map(|cell| cell.on(Way::Refused)), Worker::Apart(WEEK), &[]).await
}

#[tokio::test]
async fn each_operation_down_twice_or_with_its_reply_lost() -> anyhow::Result<()> {
    struck(rows(|row| row.transient), Worker::Apart(WEEK), &[down_twice]).await?;
    struck(rows(|row| row.transient), Worker::Apart(WEEK), &[reply_lost]).await
}

/// The mail was taken, and nobody is left who knows it: it is sent once all the same.
#[tokio::test]
async fn each_operation_with_its_worker_killed() -> anyhow::Result<()> {
    killed(rows(|row| row.transient), WEEK).await
}

#[tokio::test]
async fn each_operation_while_the_customer_unsubscribes() -> anyhow::Result<()> {
    under_way(rows(|row| row.unsubscribed), Worker::Apart(WEEK), &SLOW_THIRD, async |world, cell, series| {
        series.unsubscribe().await.map_err(anyhow::Error::msg)?;
        Series::ends(world, cell, series).await?;
        is("unsubscribed there", &is_unsubscribed(world).await?, &true)
    })
    .await
}
