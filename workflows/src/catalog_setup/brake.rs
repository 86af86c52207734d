//! The brake: what a setup may do without a person, and what a dry run shows.

use contracts::bulk::{Limit, Receipt};
use contracts::catalog::{Kind, RowOutcome, StageCounts};
use sha2::{Digest as _, Sha256};

use super::outcome::Work;
use super::run::{SetupRun, SetupSaga};
use super::{CATEGORIES, CatalogSetupData, IMAGES, PRODUCTS, RULES, SEO};
use crate::consent::{self, Consent, OTHER_LIST, RECEIPT_REFUSED};
use crate::saga::{Decision, Fact, Halt};

/// Wrong rows of a kind that a preview names.
const ROWS_NAMED: usize = 10;

impl SetupRun<'_> {
    /// A run that would do something strange, or something else than was consented to, asks a person before the first
    /// write. The staged rows stay as they are meanwhile.
    pub(super) async fn brake(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        work.limits_exceeded = self.exceeded(work);
        work.receipt = receipt(self.data, &work.changes);
        if self.data.dry_run {
            return Ok(());
        }
        let approved = self.data.approve.as_ref();
        let reasons = match Consent::to(work.receipt.as_ref(), approved, &work.limits_exceeded) {
            Consent::Given => return Ok(()),
            Consent::Refused => {
                return Err(saga.refused(CATEGORIES, RECEIPT_REFUSED, OTHER_LIST.to_owned()));
            }
            // The same again, when it is done: there is nothing to consent to.
            Consent::Missing(_) if is_nothing(work) => return Ok(()),
            Consent::Missing(reasons) => reasons,
        };
        let decision = Decision {
            step: CATEGORIES,
            cause: "limits",
            reason: reasons.join("; "),
            facts: facts(work),
            approve: "everything that was read is written to the shop".to_owned(),
            reject: "nothing is written".to_owned(),
            patience: self.data.approval_deadline,
        };
        saga.decide(decision).await.map(drop)
    }

    /// The steps of a dry run that write nothing.
    pub(super) fn skip_the_rest(&self, saga: &SetupSaga, work: &Work) {
        saga.done(CATEGORIES, &format!("{} (dry run)", words(work, Kind::Category)));
        for (step, kind) in [(IMAGES, Kind::Image), (PRODUCTS, Kind::Product), (RULES, Kind::PricingRule)] {
            saga.skip(step, &format!("{} (dry run)", words(work, kind)));
        }
        saga.skip(SEO, "dry run: nothing has happened");
    }

    fn exceeded(&self, work: &Work) -> Vec<String> {
        let limits = &self.data.limits;
        let products = work.counts.get(&Kind::Product).copied().unwrap_or_default();
        let StageCounts { to_update, unchanged, prices_to_zero, prices_jump, .. } = products;
        let jumps = format!("prices would change by more than {} %", limits.price_change);
        let limits = [
            Limit::Share {
                found: to_update,
                of: to_update + unchanged,
                percent: limits.products_changed,
                words: "products that the shop has would be changed",
            },
            Limit::Count {
                found: prices_to_zero,
                allowed: limits.prices_to_zero.into(),
                words: "prices would be zero",
            },
            Limit::Count { found: prices_jump, allowed: 0, words: &jumps },
        ];
        limits.iter().filter_map(Limit::exceeded).collect()
    }
}

/// Names what was asked for, and what comes of it in the shop as it is.
fn receipt(data: &CatalogSetupData, changes: &[String]) -> Option<Receipt> {
    let hash =
        |text: &str| -> String { Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect() };
    Receipt::of(&hash(&data.asked()), &hash(&changes.join(" "))).ok()
}

/// Whether the shop is as the file says.
fn is_nothing(work: &Work) -> bool {
    work.counts.values().all(|counts| counts.to_create + counts.to_update == 0)
}

/// How the rows of a kind compare, in words.
fn words(work: &Work, kind: Kind) -> String {
    let StageCounts { to_create, to_update, unchanged, .. } =
        work.counts.get(&kind).copied().unwrap_or_default();
    let failed = match work.failed(kind) {
        0 => String::new(),
        failed => format!(", {failed} cannot be used"),
    };
    format!("{to_create} to create, {to_update} to update, {unchanged} unchanged{failed}")
}

/// The figures of a preview.
fn facts(work: &Work) -> Vec<Fact> {
    let kinds = [
        ("categories", Kind::Category),
        ("pictures", Kind::Image),
        ("products", Kind::Product),
        ("pricing rules", Kind::PricingRule),
    ];
    let mut facts: Vec<Fact> = kinds
        .into_iter()
        .map(|(name, kind)| Fact { name: name.to_owned(), value: words(work, kind) })
        .collect();
    facts.extend(consent::largest(&work.largest));
    facts
}

/// A row that cannot be used, in words.
fn wrong(kind: Kind, row: &RowOutcome) -> String {
    // The part behind the `?` of an address may open a door.
    let path = row.original_path.as_deref().and_then(|path| path.split('?').next());
    let key = row.sku.as_deref().or(path).or(row.name.as_deref());
    let key = key.map(|key| format!(" ({key})")).unwrap_or_default();
    format!("{} row {}{key}: {}", kind.name(), row.row, row.cause.as_deref().unwrap_or_default())
}

/// The preview of a dry run, for people.
pub(super) fn preview(data: &CatalogSetupData, work: &Work) -> Vec<String> {
    let Some(receipt) = work.receipt.as_ref().filter(|_| data.dry_run) else { return Vec::new() };
    let rows = work.written.iter().flat_map(|(kind, written)| {
        let failed = written.rows.iter().filter(|row| row.action == "failed");
        failed.take(ROWS_NAMED).map(|row| wrong(*kind, row))
    });
    let said = work.notes.iter().cloned().chain(rows);
    consent::preview(facts(work), said, &work.limits_exceeded, &receipt.to_string())
}
