//! The fault matrix of the follow-up mails: each operation of each step under each fault, with one expected outcome per
//! cell. The week lasts three seconds. The series has no undo: what is in a mailbox is not taken back.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use contracts::customers::KeptBack;
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::customers;
use tests::follow_up::FollowUp;
use tests::matrix::{
    KILLS_SIDE_BY_SIDE, column, down_twice, is, refused, reply_held, reply_lost, requested, slow,
};
use tests::servers;
use tests::world::{LIMIT, World};
use workflows::follow_up_emails::{Fate, FollowUpEmails};
use workflows::report::StepStatus;

const WEEK: [&str; 2] = ["--follow-up-tips=500ms", "--follow-up-recommendations=3s"];

/// The fates of the two mails.
type Fates = [&'static str; 2];

/// One operation of a step under every fault.
struct Row {
    step: &'static str,
    operation: &'static str,
    /// Refused by HTTP 422, then and ever after.
    refused: Fates,
    /// HTTP 503 twice; its reply lost; its worker killed after the effect.
    transient: Fates,
    /// The customer unsubscribes while the call is under way.
    unsubscribed: Fates,
}

const SENT: Fates = ["sent", "sent"];
const NOT_THE_SECOND: Fates = ["sent", "kept_back"];

const ROWS: [Row; 6] = [
    Row {
        step: "send-onboarding-tips",
        operation: "customers.permission",
        // Not known is not allowed.
        refused: ["given_up", "given_up"],
        transient: SENT,
        unsubscribed: ["kept_back", "kept_back"],
    },
    Row {
        step: "send-onboarding-tips",
        operation: "notifications.email",
        refused: ["refused", "refused"],
        transient: SENT,
        // A mail that is on its way arrives.
        unsubscribed: NOT_THE_SECOND,
    },
    Row {
        step: "send-product-recommendations",
        operation: "customers.permission",
        refused: ["sent", "given_up"],
        transient: SENT,
        unsubscribed: NOT_THE_SECOND,
    },
    Row {
        step: "send-product-recommendations",
        operation: "products.recommend",
        refused: ["sent", "given_up"],
        transient: SENT,
        unsubscribed: NOT_THE_SECOND,
    },
    Row {
        step: "send-product-recommendations",
        operation: "notifications.email",
        refused: ["sent", "refused"],
        transient: SENT,
        unsubscribed: SENT,
    },
    // The platform is told only when somebody unsubscribed, between the mails.
    Row {
        step: TELL,
        operation: "customers.unsubscribe",
        refused: NOT_THE_SECOND,
        transient: NOT_THE_SECOND,
        unsubscribed: NOT_THE_SECOND,
    },
];

const TELL: &str = "tell-platform";

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(ROWS, FollowUpEmails);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.step, self.operation)
    }
}

#[tokio::test]
async fn each_operation_refused() -> anyhow::Result<()> {
    column(&ROWS, KILLS_SIDE_BY_SIDE, async |row| {
        let (world, _worker) = World::apart(&WEEK).await?;
        let series = row.meet(&world, &[refused(row.operation, 422)]).await?;
        row.ends_with(&world, &series, row.refused, row.step == TELL).await
    })
    .await
}

#[tokio::test]
async fn each_operation_down_twice_or_with_its_reply_lost() -> anyhow::Result<()> {
    for fault in [down_twice, reply_lost] {
        column(&ROWS, KILLS_SIDE_BY_SIDE, async |row| {
            let (world, _worker) = World::apart(&WEEK).await?;
            let series = row.meet(&world, &[fault(row.operation)]).await?;
            row.ends_with(&world, &series, row.transient, false).await
        })
        .await?;
    }
    Ok(())
}

/// The mail was taken, and nobody is left who knows it: it is sent once all the same.
#[tokio::test]
async fn each_operation_with_its_worker_killed() -> anyhow::Result<()> {
    column(&ROWS, KILLS_SIDE_BY_SIDE, async |row| {
        let world = World::without_worker(&servers::dev_server()?).await?;
        let mut first = world.spawn_worker(&WEEK)?;
        let series = row.meet(&world, &[reply_held(row.operation)]).await?;
        row.happened(&world).await?;
        first.kill()?;
        world.shop.mend().await?;
        let _second = world.spawn_worker(&WEEK)?;
        row.ends_with(&world, &series, row.transient, false).await
    })
    .await
}

#[tokio::test]
async fn each_operation_while_the_customer_unsubscribes() -> anyhow::Result<()> {
    column(&ROWS, KILLS_SIDE_BY_SIDE, async |row| {
        let (world, _worker) = World::apart(&WEEK).await?;
        let before = if row.is_second() { row.requests(&world).await? + 1 } else { 0 };
        let series = row.meet(&world, &[down_twice(row.operation), slow(row.operation, 1_500)]).await?;
        requested(&world, row.operation, before + 3).await?;
        series.unsubscribe().await.map_err(anyhow::Error::msg)?;
        row.ends_with(&world, &series, row.unsubscribed, false).await?;
        is("unsubscribed there", &is_unsubscribed(&world).await?, &true)
    })
    .await
}

async fn is_unsubscribed(world: &World) -> anyhow::Result<bool> {
    Ok(world.only_customer().await?["mail"]["unsubscribed"] == json!(true))
}

impl Row {
    /// Whether it is about the second mail: its faults begin when the first has left.
    fn is_second(&self) -> bool {
        self.step == "send-product-recommendations" && self.operation != "products.recommend"
    }

    async fn requests(&self, world: &World) -> anyhow::Result<u64> {
        world.shop.requests(self.operation).await
    }

    /// Begins a series that meets these faults at this operation.
    async fn meet<'w>(&self, world: &'w World, faults: &[Value]) -> anyhow::Result<FollowUp<'w>> {
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        let faults = json!(faults);
        if !self.is_second() {
            world.shop.faults(faults.clone()).await?;
        }
        let series = world.follow_up(&registration, &customer_id, Timestamp::now()).await?;
        if self.is_second() || self.step == TELL {
            series.until("has sent the first mail", |p| p.steps_completed == 1).await?;
        }
        if self.is_second() {
            world.shop.faults(faults).await?;
        }
        if self.step == TELL {
            series.unsubscribe().await.map_err(anyhow::Error::msg)?;
        }
        Ok(series)
    }

    /// Waits until the operation had its effect; a question has none: it is enough that it was asked.
    async fn happened(&self, world: &World) -> anyhow::Result<()> {
        let nth = 1 + u64::from(self.is_second());
        if self.operation != "notifications.email" {
            return requested(world, self.operation, nth).await;
        }
        let until = Instant::now() + LIMIT;
        while u64::try_from(world.mailed().await?.len())? < nth {
            ensure!(Instant::now() < until, "the mail was never taken");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Checks what became of the mails, and the outbox.
    async fn ends_with(
        &self,
        world: &World,
        series: &FollowUp<'_>,
        fates: Fates,
        is_untold: bool,
    ) -> anyhow::Result<()> {
        let result = series.ended().await?.completed()?;
        let found: Vec<_> = result.mails.iter().map(|mail| word(&mail.fate)).collect();
        is("fates", &found, &fates)?;
        for mail in &result.mails {
            let reason = [KeptBack::Unsubscribed];
            let is_right = !matches!(&mail.fate, Fate::KeptBack { reason: r } if !reason.contains(r));
            ensure!(is_right, "kept back for another reason: {mail:?}");
        }
        let templates = ["onboarding_tips", "product_recommendations"];
        let sent: Vec<_> = templates
            .into_iter()
            .zip(fates)
            .filter_map(|(mail, fate)| (fate == "sent").then_some(mail))
            .collect();
        is("outbox", &world.mailed().await?, &sent)?;
        let tell = result.report.step(TELL).context("no such step")?.status;
        is("telling failed", &(tell == StepStatus::Failed), &is_untold)?;
        if self.step == TELL {
            is("unsubscribed there", &is_unsubscribed(world).await?, &!is_untold)?;
        }
        world.shop.clean().await.map(drop)
    }
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Sent => "sent",
        Fate::KeptBack { .. } => "kept_back",
        Fate::Refused { .. } => "refused",
        Fate::GivenUp => "given_up",
    }
}
