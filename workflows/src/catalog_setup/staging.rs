//! Everything is compared with the shop before the first write, and a person may be asked.

use contracts::catalog::{
    Catalogs, Kind, List, StageCategories, StageImages, StageProducts, StageRules, StagedRows, Stored,
    WrongRow,
};

use super::outcome::Work;
use super::run::{READS, SetupRun, SetupSaga};
use super::{CATEGORIES, INLINE_MAX};
use crate::policy;
use crate::saga::Halt;

const REFUSED: &str = "RowsRefused";

impl SetupRun<'_> {
    /// Compares every kind of rows with the shop; what can be written lies in the object store afterwards.
    pub(super) async fn stage(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        self.check_lengths(saga)?;
        let categories = StageCategories {
            categories: self.data.categories.clone(),
            ids: self.data.rules.iter().flat_map(|rule| rule.category_ids.clone()).collect(),
            folder: self.folder.clone(),
        };
        let categories = saga
            .step(CATEGORIES, Catalogs::stage_categories, categories, policy::erp())
            .part("compare categories")
            .nothing_to_undo(READS)
            .await?;
        if !categories.problems.is_empty() {
            return Err(saga.refused(CATEGORIES, REFUSED, categories.problems.join("; ")));
        }
        work.staged.insert(Kind::Category, categories.batches);
        work.counts.insert(Kind::Category, categories.counts);
        work.changes.push(categories.changes);
        work.notes.extend(categories.new.into_iter().map(|path| format!("new category: {path}")));

        let images = StageImages {
            images: self.data.images.clone(),
            wrong: self.wrong(Kind::Image),
            folder: self.folder.clone(),
        };
        let images = saga
            .step(CATEGORIES, Catalogs::stage_images, images, policy::erp())
            .part("compare pictures")
            .nothing_to_undo(READS)
            .await?;
        // A picture by web address has its content from here on.
        let fetched = images.pictures.clone();
        let fetched = fetched.map(|list| List::Stored(Stored { count: self.data.images.count(), list }));
        staged(work, Kind::Image, images);

        let products = StageProducts {
            products: self.data.products.clone(),
            wrong: self.wrong(Kind::Product),
            images: fetched.unwrap_or_else(|| self.data.images.clone()),
            paths: categories.paths.clone(),
            price_change_percent: self.data.limits.price_change,
            folder: self.folder.clone(),
        };
        let products = saga
            .step(CATEGORIES, Catalogs::stage_products, products, policy::erp())
            .part("compare products")
            .nothing_to_undo(READS)
            .await?;
        staged(work, Kind::Product, products);

        let rules = StageRules {
            rules: self.data.rules.clone(),
            paths: categories.paths,
            now: self.started,
            folder: self.folder.clone(),
        };
        let rules = saga
            .step(CATEGORIES, Catalogs::stage_rules, rules, policy::erp())
            .part("compare rules")
            .nothing_to_undo(READS)
            .await?;
        staged(work, Kind::PricingRule, rules);
        Ok(())
    }

    fn wrong(&self, kind: Kind) -> Vec<WrongRow> {
        self.data.wrong.iter().filter(|row| row.kind == kind).cloned().collect()
    }

    /// A history that holds a long list would grow with it.
    fn check_lengths(&self, saga: &SetupSaga) -> Result<(), Halt> {
        let inline = |is_inline: bool, count: u64| is_inline && count > INLINE_MAX as u64;
        let data = self.data;
        let lists = [
            ("products", inline(matches!(data.products, List::Inline(_)), data.products.count())),
            ("images", inline(matches!(data.images, List::Inline(_)), data.images.count())),
        ];
        match lists.into_iter().find(|(_, is_long)| *is_long) {
            None => Ok(()),
            Some((name, _)) => {
                let reason = format!(
                    "{name} has more than {INLINE_MAX} entries in the input itself: start it with 'starter catalog \
                     setup', which puts long lists into the object store"
                );
                Err(saga.refused(CATEGORIES, "CatalogInvalid", reason))
            }
        }
    }

    /// Under `all_or_nothing` a row that cannot be written ends the run before the first write.
    pub(super) fn judge(&self, saga: &SetupSaga, work: &Work) -> Result<(), Halt> {
        let failed = work.all_failed();
        if !self.is_all_or_nothing() || failed == 0 {
            return Ok(());
        }
        let causes: Vec<String> = work
            .written
            .values()
            .flat_map(|written| &written.rows)
            .filter_map(|row| Some(format!("row {}: {}", row.row, row.cause.as_deref()?)))
            .take(10)
            .collect();
        let reason = format!("{failed} rows cannot be written, and nothing was: {}", causes.join("; "));
        Err(saga.refused(CATEGORIES, REFUSED, reason))
    }
}

fn staged(work: &mut Work, kind: Kind, rows: StagedRows) {
    let StagedRows { batch, counts, failed, without_text, changes, largest, notes, pictures: _ } = rows;
    work.without_text = work.without_text.or(without_text);
    work.staged.insert(kind, batch.into_iter().collect());
    work.counts.insert(kind, counts);
    work.of(kind).add(failed);
    work.changes.push(changes);
    work.largest.extend(largest);
    work.notes.extend(notes);
}
