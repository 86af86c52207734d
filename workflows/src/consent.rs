//! Consent to the changes of a run: within its limits it needs none, and the receipt of a dry run is consent to exactly
//! the changes that were shown.

use contracts::bulk::{Likeness, Receipt, ReceiptError};
use contracts::prices::PriceMove;
use serde_json::value::RawValue;

use crate::input::{Fields, Refusal, refuse, text};
use crate::saga::Fact;

/// The failure type of a run whose receipt is another list's.
pub(crate) const RECEIPT_REFUSED: &str = "ReceiptRefused";
/// Its reason.
pub(crate) const OTHER_LIST: &str =
    "the receipt is of another list or other terms: make a dry run of this one";

/// The consent to a run's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Nobody has to be asked.
    Given,
    /// A person is asked, for these reasons.
    Missing(Vec<String>),
    /// The receipt is another list's.
    Refused,
}

impl Consent {
    /// To changes that were found, of which these limits are exceeded. `found`: their receipt.
    pub(crate) fn to(found: Option<&Receipt>, approved: Option<&Receipt>, exceeded: &[String]) -> Self {
        let likeness = approved.zip(found).map(|(approved, found)| found.likeness(approved));
        let moved = match likeness {
            Some(Likeness::Same) => return Self::Given,
            Some(Likeness::Other) => return Self::Refused,
            Some(Likeness::Moved) => {
                Some("the shop has moved since the dry run: other changes come of the same list".to_owned())
            }
            None => None,
        };
        let reasons: Vec<String> = moved.into_iter().chain(exceeded.iter().cloned()).collect();
        if reasons.is_empty() { Self::Given } else { Self::Missing(reasons) }
    }
}

/// Reads `approve` and `dry_run`, which exclude each other.
pub(crate) fn read(fields: &Fields<'_>) -> (Option<Receipt>, bool) {
    let approve = fields.optional("approve", receipt);
    let dry_run = fields.optional("dry_run", crate::input::people::yes_or_no).unwrap_or(false);
    if dry_run && approve.is_some() {
        fields.problem("approve", "is given beside dry_run, which writes nothing", "keep one of them");
    }
    (approve, dry_run)
}

fn receipt(value: &RawValue) -> Result<Receipt, Refusal> {
    text(80)(value)?
        .parse()
        .or_else(|error: ReceiptError| refuse(error.to_string(), "copy it from the dry run's output"))
}

/// The largest changes of price, for whoever decides; `None`: there are none.
pub(crate) fn largest(moves: &[PriceMove]) -> Option<Fact> {
    let moves: Vec<String> = moves.iter().map(moved).collect();
    (!moves.is_empty()).then(|| Fact { name: "largest".to_owned(), value: moves.join(", ") })
}

fn moved(change: &PriceMove) -> String {
    let PriceMove { sku, variant, from, to, .. } = change;
    let name = variant.as_ref().map_or_else(|| sku.to_string(), |variant| format!("{sku}/{variant}"));
    format!("{name}: {} to {to}", from.amount())
}

/// The lines of a preview: what whoever decides would see, wrong rows, what would be asked, and the receipt.
pub(crate) fn preview(
    facts: Vec<Fact>,
    wrong: impl IntoIterator<Item = String>,
    exceeded: &[String],
    receipt: &str,
) -> Vec<String> {
    let facts = facts.into_iter().map(|Fact { name, value }| format!("{name}: {value}"));
    let exceeded = exceeded.iter().map(|limit| format!("a person would be asked: {limit}"));
    facts.chain(wrong).chain(exceeded).chain([format!("receipt: {receipt}")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_consent_to_the_same_changes_alone() -> Result<(), ReceiptError> {
        let of = |asked: &str, changes: &str| Receipt::of(&asked.repeat(16), &changes.repeat(16));
        let (found, limits) = (of("a", "b")?, ["1 prices would be zero".to_owned()]);
        let to = |approved: &Receipt, limits: &[String]| Consent::to(Some(&found), Some(approved), limits);
        assert_eq!(to(&of("a", "b")?, &limits), Consent::Given);
        assert_eq!(to(&of("c", "b")?, &[]), Consent::Refused);
        let moved = "the shop has moved since the dry run: other changes come of the same list".to_owned();
        assert_eq!(to(&of("a", "c")?, &[]), Consent::Missing(vec![moved.clone()]));
        assert_eq!(to(&of("a", "c")?, &limits), Consent::Missing(vec![moved, limits[0].clone()]));
        assert_eq!(Consent::to(Some(&found), None, &[]), Consent::Given);
        assert_eq!(Consent::to(Some(&found), None, &limits), Consent::Missing(limits.to_vec()));
        Ok(())
    }
}
