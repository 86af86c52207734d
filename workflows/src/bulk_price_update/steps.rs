//! The steps of a price run, in their order; and its way back.

use std::cell::RefCell;
use std::time::Duration;

use contracts::bulk::Rate;
use contracts::notification::{Content, Delivery};
use contracts::prices::{
    ApplyPrices, JoinLists, MailTeam, Moment, NotifyPrices, Prices, RevertPrices, RevertedPrices,
    StagePrices, folder,
};
use contracts::values::IdempotencyKey;
use jiff::Timestamp;
use temporalio_workflow::{WorkflowContext, join};

use super::result::{BulkUpdateSummary, summary};
use super::tally::{INLINE_MAX, Work};
use super::{BulkPriceUpdate, BulkPriceUpdateData, NOTIFY, PROCESS, SUMMARY, VALIDATE};
use crate::policy;
use crate::report::{Count, timestamp};
use crate::saga::{Back, Halt, Saga, WayBack};

pub(super) type PriceSaga = Saga<BulkPriceUpdate>;

/// The two parts of telling the team.
const NOTE: &str = "notification";
const MAIL: &str = "mail";

/// How long one activity writes before the process hears of it; longer where more than [`STRETCHES`] would be left, as
/// each costs some six events, and Temporal ends a run with 51,200. A pause or a cancel does not wait for its end.
const STRETCH: Duration = Duration::from_secs(60);
const STRETCHES: u32 = 1_000;

/// One run on its way through the steps.
pub(super) struct PriceRun<'c> {
    ctx: WorkflowContext<BulkPriceUpdate>,
    pub(super) data: &'c BulkPriceUpdateData,
    started: Timestamp,
}

impl<'c> PriceRun<'c> {
    pub(super) fn new(ctx: &WorkflowContext<BulkPriceUpdate>, data: &'c BulkPriceUpdateData) -> Self {
        let started = timestamp(ctx.workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { ctx: ctx.clone(), data, started }
    }

    pub(super) fn workflow_id(&self) -> String {
        self.ctx.workflow_id().to_owned()
    }

    /// Where the lists lie that the run alone needs.
    fn folder(&self) -> String {
        format!("runs/{}/{}", self.ctx.workflow_id(), self.ctx.run_id())
    }

    fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&format!("{}/{}", self.ctx.workflow_id(), self.ctx.run_id()), step)
    }

    fn now(&self) -> Timestamp {
        timestamp(self.ctx.workflow_time()).unwrap_or(self.started)
    }

    pub(super) async fn stage(&self, saga: &PriceSaga, work: &mut Work) -> Result<Vec<Moment>, Halt> {
        let stage = StagePrices {
            batch_id: self.data.batch_id.clone(),
            list: self.data.list.clone(),
            checks: self.data.checks.clone(),
            terms: self.data.terms(),
            now: self.started,
            batch_size: self.data.batch_size,
            folder: self.folder(),
            dry_run: self.data.dry_run,
        };
        let staged =
            saga.step(VALIDATE, Prices::stage, stage, policy::prices()).nothing_to_undo("reads only").await?;
        let moments = staged.moments.clone();
        self.ctx.state_mut(|w| w.control.to_write = staged.counts.to_write);
        let size = u64::from(self.data.batch_size);
        let batches: u64 = moments.iter().map(|moment| moment.rows.div_ceil(size)).sum();
        work.is_short = batches <= INLINE_MAX;
        work.staged = Some(staged);
        Ok(moments)
    }

    pub(super) fn skip_the_rest(&self, saga: &PriceSaga, work: &Work) {
        saga.skip(PROCESS, &format!("{} would be written (dry run)", work.to_write()));
        saga.skip(SUMMARY, "dry run: it is this run's result");
        saga.skip(NOTIFY, "dry run: nothing has happened");
    }

    /// Writes what is due at one time, stretch by stretch.
    pub(super) async fn apply(
        &self,
        saga: &PriceSaga,
        work: &mut Work,
        number: u32,
        moment: &Moment,
    ) -> Result<(), Halt> {
        if let Some(at) = moment.at {
            saga.waits(PROCESS, &format!("{} prices are due at {at}", moment.rows));
            saga.wait_until(at, &format!("{PROCESS}: the next prices are due"), |_| false).await?;
        }
        let batches_before = work.successful_batches + work.failed_batches;
        let mut from = 0;
        while from < moment.rows {
            self.wait_while_paused(saga).await?;
            let stretch = self.stretch(number, moment, from, batches_before, work);
            let count = Count { done: work.processed(), of: work.to_write(), failed: work.failed() };
            let step = saga.step(PROCESS, Prices::apply, stretch, policy::prices()).counting(count);
            let applied = step.interruptible(|w, token| w.control.stretch = Some(token)).await?;
            if let Some(applied) = applied {
                from = applied.rows;
                work.add(applied);
                self.ctx.state_mut(|w| w.control.processed = work.processed());
            }
            saga.check()?;
        }
        Ok(())
    }

    /// Rows a second by now.
    fn rate(&self) -> Option<Rate> {
        self.ctx.state(|w| w.control.rate).unwrap_or(self.data.rate)
    }

    /// How long a stretch is, with so many rows left.
    fn at_most(&self, rows: u64) -> Duration {
        let seconds = self.rate().map_or(0, |rate| rows.div_ceil(u64::from(u32::from(rate)).max(1)));
        let waves = rows.div_ceil(u64::from(self.data.batch_size) * u64::from(self.data.parallel));
        let paused = self.data.delay.saturating_mul(u32::try_from(waves).unwrap_or(u32::MAX));
        STRETCH.max(Duration::from_secs(seconds).max(paused) / STRETCHES)
    }

    async fn wait_while_paused(&self, saga: &PriceSaga) -> Result<(), Halt> {
        let paused = self.ctx.state(|w| w.control.paused.clone());
        if let Some(reason) = paused {
            saga.waits(PROCESS, &format!("paused: {reason}"));
            saga.wait_for(|w| w.control.paused.is_none()).await?;
        }
        Ok(())
    }

    fn stretch(
        &self,
        number: u32,
        moment: &Moment,
        from: u64,
        batches_before: u64,
        work: &Work,
    ) -> ApplyPrices {
        ApplyPrices {
            key: self.key(PROCESS),
            batch_id: self.data.batch_id.clone(),
            list: moment.list.clone(),
            moment: number,
            from,
            ahead: work.ahead.clone(),
            open: work.open.clone(),
            batches_before,
            batch_size: self.data.batch_size,
            parallel: self.data.parallel,
            delay_ms: u64::try_from(self.data.delay.as_millis()).unwrap_or(u64::MAX),
            rate: self.rate(),
            pace_due: work.pace_due,
            force: self.data.force,
            at_most_ms: u64::try_from(self.at_most(moment.rows - from).as_millis()).unwrap_or(u64::MAX),
            due: moment.at,
            now: self.now(),
            is_inline: work.is_short,
        }
    }

    pub(super) async fn summarise(&self, saga: &PriceSaga, work: &mut Work) {
        let figures = summary(self, work, 0);
        if work.batch_lists.len() > 1 {
            let lists = JoinLists {
                lists: work.batch_lists.clone(),
                folder: format!("{}/batches", folder(&self.data.batch_id)),
            };
            let joined = saga.step(SUMMARY, Prices::join, lists, policy::prices_notice()).or_report().await;
            work.batch_lists = joined.unwrap_or_else(|| work.batch_lists.clone());
        }
        let words = format!(
            "{} of {} rows successful, {} failed",
            figures.successful_updates, figures.total_items, figures.failed_updates
        );
        saga.done(SUMMARY, &words);
    }

    pub(super) async fn notify(&self, saga: &PriceSaga, work: &Work) {
        let took = self.now().as_millisecond() - self.started.as_millisecond();
        let figures = summary(self, work, took);
        let notice = NotifyPrices {
            key: self.key(NOTIFY),
            // The seed's words.
            kind: "bulk_operation_completed".to_owned(),
            title: "Bulk Price Update Completed".to_owned(),
            message: format!("Updated {} products successfully", figures.successful_updates),
            data: serde_json::to_value(figures).unwrap_or_default(),
        };
        let notified = saga.step(NOTIFY, Prices::notify, notice, policy::prices_notice());
        let has_address = work.staged.as_ref().is_some_and(|staged| staged.team_mail);
        if !has_address {
            notified.or_report().await;
            return;
        }
        // Neither waits for the other.
        let mail = MailTeam { key: self.key(NOTIFY).part(MAIL), content: self.mail(figures) };
        let mailed = saga.step(NOTIFY, Prices::mail_team, mail, policy::prices_notice()).part(MAIL);
        let (_, delivery) = join!(notified.part(NOTE).or_report(), mailed.or_report());
        if let Some(Delivery::Refused { code } | Delivery::Bounced { code }) = delivery {
            saga.part(NOTIFY, MAIL).failed(&code);
        }
    }

    /// The facts of the mail to the team.
    fn mail(&self, figures: BulkUpdateSummary) -> Content {
        Content::PricesUpdated {
            batch_id: self.data.batch_id.clone(),
            rows: figures.total_items,
            applied: figures.applied,
            unchanged: figures.unchanged,
            conflicts: figures.conflicts,
            refused: figures.failed_updates - figures.conflicts,
            invalid: figures.invalid,
        }
    }
}

/// The way back of a price run: nothing is put back, unless whoever stopped it has asked for that.
pub(super) struct TakeBack<'r, 'c> {
    run: &'r PriceRun<'c>,
    taken: RefCell<Option<RevertedPrices>>,
}

impl<'r, 'c> TakeBack<'r, 'c> {
    pub(super) fn new(run: &'r PriceRun<'c>) -> Self {
        Self { run, taken: RefCell::default() }
    }

    /// The prices that were put back.
    pub(super) fn taken(self) -> Option<RevertedPrices> {
        self.taken.into_inner()
    }
}

impl<T> WayBack<BulkPriceUpdate, T> for TakeBack<'_, '_> {
    async fn go_back(&self, back: &Back<'_, BulkPriceUpdate>, halt: &Halt) {
        let is_wanted = matches!(halt, Halt::Stopped(_)) && back.ctx().state(|w| w.control.reverts);
        if !is_wanted {
            return;
        }
        let revert = RevertPrices {
            key: self.run.key("revert"),
            batch_id: self.run.data.batch_id.clone(),
            by_its_own_run: true,
            dry_run: false,
            rate: self.run.rate(),
        };
        let words = "prices that were written are put back";
        let reverted = back.tell(PROCESS, words, Prices::revert, revert, policy::prices()).await;
        self.taken.replace(reverted);
    }
}
