//! The deeds of a setup so far.

use std::collections::BTreeMap;

use contracts::bulk::{INLINE_MAX, Receipt, Rows, Written};
use contracts::catalog::{Kind, RowOutcome, StageCounts};
use contracts::objects::ObjectRef;
use contracts::prices::PriceMove;

/// The deeds of a setup so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// The staged batches of each kind: categories have one for each level.
    pub(super) staged: BTreeMap<Kind, Vec<ObjectRef>>,
    /// How they compared with the shop.
    pub(super) counts: BTreeMap<Kind, StageCounts>,
    /// The rows that were written, and those that could not be.
    pub(super) written: BTreeMap<Kind, Written<RowOutcome>>,
    /// Products that need a text for search engines; `None`: nobody has counted them.
    pub(super) without_text: Option<u64>,
    /// The outcomes of the products' texts for search engines.
    pub(super) seo: Written<RowOutcome>,
    /// The hashes of their changes, kind by kind.
    pub(super) changes: Vec<String>,
    /// The largest changes of price.
    pub(super) largest: Vec<PriceMove>,
    /// The remarks of a preview on single rows.
    pub(super) notes: Vec<String>,
    /// Names the changes that were found; `None`: the comparison was not reached.
    pub(super) receipt: Option<Receipt>,
    /// The limits that made the run ask.
    pub(super) limits_exceeded: Vec<String>,
}

impl Work {
    /// The rows of a kind that were written so far.
    pub(super) fn of(&mut self, kind: Kind) -> &mut Written<RowOutcome> {
        self.written.entry(kind).or_default()
    }

    pub(super) fn failed(&self, kind: Kind) -> u64 {
        self.written.get(&kind).map(|written| written.count("failed")).unwrap_or_default()
    }

    /// The rows of a kind that were compared, those that cannot be written included.
    pub(super) fn all(&self, kind: Kind) -> u64 {
        let StageCounts { to_create, to_update, unchanged, .. } =
            self.counts.get(&kind).copied().unwrap_or_default();
        to_create + to_update + unchanged + self.failed(kind)
    }

    /// The rows that are not in the shop, whatever the reason.
    pub(super) fn all_failed(&self) -> u64 {
        let kinds: u64 = Kind::ALL.into_iter().map(|kind| self.failed(kind)).sum();
        kinds + self.seo.count("failed")
    }

    /// The things that the undos have left standing, in words for the report.
    pub(super) fn left_words(left: &Written<RowOutcome>) -> Vec<String> {
        let rows = left.rows.iter().map(|row| {
            let what = [&row.sku, &row.name, &row.original_path].into_iter().flatten().next();
            let cause = row.cause.as_deref().unwrap_or_default();
            format!("left standing: {}: {cause}", what.map(String::as_str).unwrap_or_default())
        });
        rows.take(INLINE_MAX).collect()
    }

    /// Rows of a kind, as the result shows them.
    pub(super) fn rows(&self, kind: Kind) -> Rows<RowOutcome> {
        self.written.get(&kind).cloned().unwrap_or_default().into_rows()
    }

    /// How a kind went, in words for the step table.
    pub(super) fn words(written: &Written<RowOutcome>) -> String {
        let counted: Vec<String> = ["created", "updated", "unchanged", "failed"]
            .into_iter()
            .filter_map(|action| Some((action, written.count(action))).filter(|(_, count)| *count > 0))
            .map(|(action, count)| format!("{count} {action}"))
            .collect();
        let causes: Vec<String> =
            written.causes.iter().take(5).map(|(cause, times)| format!("{cause} ({times}×)")).collect();
        match (counted.is_empty(), causes.is_empty()) {
            (true, _) => "nothing to do".to_owned(),
            (false, true) => counted.join(", "),
            (false, false) => format!("{} ({})", counted.join(", "), causes.join("; ")),
        }
    }
}
