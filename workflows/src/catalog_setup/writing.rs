//! The steps that write, each with its undo.

use contracts::bulk::Written;
use contracts::catalog::{ApplyRows, Catalogs, Kind, RowOutcome, Work as Doing};
use contracts::objects::ObjectRef;

use super::outcome::Work;
use super::run::{SetupRun, SetupSaga};
use super::{CATEGORIES, IMAGES, PRODUCTS, RULES, SEO};
use crate::policy;
use crate::report::Count;
use crate::saga::Halt;

/// The failure type of a run that a row ended.
const REFUSED: &str = "RowsRefused";

impl SetupRun<'_> {
    /// Parents first: a child needs its parent's id. Products hang on categories, so one that fails ends the run.
    pub(super) async fn categories(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        let all = work.all(Kind::Category);
        for level in work.staged.get(&Kind::Category).cloned().unwrap_or_default() {
            let rows = self.rows(CATEGORIES, Doing::Categories, level, &[]);
            self.write(saga, CATEGORIES, rows, all, work.of(Kind::Category)).await?;
            self.told(saga, CATEGORIES, work, Kind::Category);
            self.none_failed(saga, CATEGORIES, work, Kind::Category)?;
        }
        self.told(saga, CATEGORIES, work, Kind::Category);
        Ok(())
    }

    pub(super) async fn images(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        self.kind(saga, IMAGES, Doing::Images, work, Kind::Image, &[]).await
    }

    pub(super) async fn products(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        let uploads = work.written.get(&Kind::Image).map(|images| images.lists.clone()).unwrap_or_default();
        self.kind(saga, PRODUCTS, Doing::Products, work, Kind::Product, &uploads).await
    }

    pub(super) async fn rules(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        self.kind(saga, RULES, Doing::PricingRules, work, Kind::PricingRule, &[]).await
    }

    /// A product that gets no text is reported, and rolls nothing back; nor does a platform that writes none.
    pub(super) async fn seo(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        let batches = work.staged.get(&Kind::Product).cloned().unwrap_or_default();
        if batches.is_empty() || work.without_text == Some(0) {
            let why = if batches.is_empty() { "no products" } else { "every product has one" };
            saga.skip(SEO, why);
            return Ok(());
        }
        let all = work.all(Kind::Product) - work.failed(Kind::Product);
        for batch in batches {
            let rows = self.rows(SEO, Doing::Seo, batch, &[]);
            match self.write(saga, SEO, rows, all, &mut work.seo).await {
                Err(Halt::Outage { reason, .. }) => {
                    saga.failed(SEO, &format!("some or all texts are missing, run the file again: {reason}"));
                    return Ok(());
                }
                written => written?,
            }
            saga.done(SEO, &Work::words(&work.seo));
        }
        Ok(())
    }

    async fn kind(
        &self,
        saga: &SetupSaga,
        step: &'static str,
        doing: Doing,
        work: &mut Work,
        kind: Kind,
        uploads: &[ObjectRef],
    ) -> Result<(), Halt> {
        let batches = work.staged.get(&kind).cloned().unwrap_or_default();
        if batches.is_empty() && work.failed(kind) == 0 {
            saga.skip(step, "the file has none");
            return Ok(());
        }
        let all = work.all(kind);
        for batch in batches {
            self.write(saga, step, self.rows(step, doing, batch, uploads), all, work.of(kind)).await?;
        }
        self.told(saga, step, work, kind);
        if self.is_all_or_nothing() { self.none_failed(saga, step, work, kind) } else { Ok(()) }
    }

    /// Writes a batch, and counts what was written, also where a stop cuts it short; `all` are the rows of all batches
    /// of the step. Its undo is registered first, and goes by what the batch is, not by what became of it.
    async fn write(
        &self,
        saga: &SetupSaga,
        step: &'static str,
        rows: ApplyRows,
        all: u64,
        written: &mut Written<RowOutcome>,
    ) -> Result<(), Halt> {
        let count = Count { done: written.counts.values().sum(), of: all, failed: written.count("failed") };
        let count_in = |stopped| {
            written.add(stopped);
            Work::words(written)
        };
        let all = saga
            .step(step, Catalogs::apply, rows.clone(), policy::erp())
            .counting(count)
            .so_far(count_in)
            .undo_with(policy::bulk_undo())
            .undo_by(Catalogs::undo, rows)
            .await?;
        written.add(all);
        Ok(())
    }

    fn told(&self, saga: &SetupSaga, step: &'static str, work: &Work, kind: Kind) {
        let words = work.written.get(&kind).map(Work::words);
        saga.done(step, words.as_deref().unwrap_or("the file has none"));
    }

    fn none_failed(&self, saga: &SetupSaga, step: &'static str, work: &Work, kind: Kind) -> Result<(), Halt> {
        let Some(written) = work.written.get(&kind).filter(|written| written.count("failed") > 0) else {
            return Ok(());
        };
        let rows: Vec<String> = written
            .rows
            .iter()
            .filter(|row| row.action == "failed")
            .map(|row| {
                let name = [&row.name, &row.sku, &row.original_path].into_iter().flatten().next();
                let cause = row.cause.as_deref().unwrap_or_default();
                format!("row {} ({}): {cause}", row.row, name.map(String::as_str).unwrap_or_default())
            })
            .take(10)
            .collect();
        let listed = if rows.is_empty() { Work::words(written) } else { rows.join("; ") };
        Err(saga.refused(step, REFUSED, format!("{} failed: {listed}", written.count("failed"))))
    }
}
