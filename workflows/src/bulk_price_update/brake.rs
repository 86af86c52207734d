//! The brake: what a run may do without a person.

use contracts::bulk::is_change_above;
use contracts::prices::{RowError, StagedPrices};

use super::VALIDATE;
use super::input::{Limits, OnInvalid};
use super::steps::{PriceRun, PriceSaga};
use super::tally::{Work, causes};
use crate::consent::{self, Consent, OTHER_LIST, RECEIPT_REFUSED};
use crate::saga::{Decision, Fact, Halt};

/// The failure type of a run with wrong rows.
const ROWS_INVALID: &str = "RowsInvalid";
/// Wrong rows that a failure names; the list in the object store has all.
const ROWS_NAMED: usize = 5;

impl PriceRun<'_> {
    /// Whether the rows can be written at all.
    pub(super) fn judge(&self, saga: &PriceSaga, work: &Work) -> Result<(), Halt> {
        let Some(staged) = &work.staged else { return Ok(()) };
        let counts = staged.counts;
        if counts.invalid > 0 && self.data.on_invalid == OnInvalid::StopOnInvalid && !self.data.dry_run {
            let named: Vec<String> = staged.first_errors.iter().take(ROWS_NAMED).map(named).collect();
            let reason = format!(
                "{} of {} rows cannot be used, nothing was written: {} ({})",
                counts.invalid,
                counts.read,
                named.join("; "),
                causes(&staged.causes)
            );
            return Err(saga.refused(VALIDATE, ROWS_INVALID, reason));
        }
        let invalid = match counts.invalid {
            0 => String::new(),
            n => format!(", {n} cannot be used ({})", causes(&staged.causes)),
        };
        let words = format!("{} change a price, {} do not{invalid}", counts.to_write, counts.unchanged);
        saga.done(VALIDATE, &words);
        Ok(())
    }

    /// A run that would do something strange, or something else than was consented to, asks a person before the first
    /// write.
    pub(super) async fn brake(&self, saga: &PriceSaga, work: &mut Work) -> Result<(), Halt> {
        let Some(staged) = &work.staged else { return Ok(()) };
        work.limits_exceeded = exceeded(&self.data.limits, staged);
        if self.data.dry_run {
            return Ok(());
        }
        let receipt = staged.receipt.parse().ok();
        let asked = match Consent::to(receipt.as_ref(), self.data.approve.as_ref(), &work.limits_exceeded) {
            Consent::Given => return Ok(()),
            Consent::Refused => return Err(saga.refused(VALIDATE, RECEIPT_REFUSED, OTHER_LIST.to_owned())),
            Consent::Missing(reasons) => reasons,
        };
        let decision = self.decision(asked, staged);
        saga.decide(decision).await.map(drop)
    }

    fn decision(&self, reasons: Vec<String>, staged: &StagedPrices) -> Decision {
        Decision {
            step: VALIDATE,
            cause: "limits",
            reason: reasons.join("; "),
            facts: facts(staged),
            approve: "every price that was shown is written".to_owned(),
            reject: "nothing is written".to_owned(),
            patience: self.data.approval_deadline,
        }
    }
}

/// A wrong row in words; its values stay in the list.
fn named(error: &RowError) -> String {
    format!("line {}: {}", error.line, error.causes.join(", "))
}

/// The figures of a preview.
pub(super) fn facts(staged: &StagedPrices) -> Vec<Fact> {
    let counts = staged.counts;
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = vec![
        fact("prices to change", counts.to_write.to_string()),
        fact("up", share(counts.up, counts.to_write)),
        fact("down", share(counts.down, counts.to_write)),
        fact("below cost", counts.below_cost.to_string()),
        fact("due later", counts.later.to_string()),
        fact("other old price", counts.other_old_price.to_string()),
        fact("cannot be used", counts.invalid.to_string()),
    ];
    for value in &staged.value {
        facts.push(fact("list value", format!("{} to {}", value.before, value.after)));
    }
    facts.extend(consent::largest(&staged.largest));
    facts
}

fn share(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0 } else { u128::from(part) * 100 / u128::from(whole) };
    format!("{part} ({percent} %)")
}

/// The preview of a dry run, for people.
pub(super) fn preview(run: &PriceRun<'_>, work: &Work) -> Vec<String> {
    let Some(staged) = work.staged.as_ref().filter(|_| run.data.dry_run) else { return Vec::new() };
    let wrong = staged.first_errors.iter().take(ROWS_NAMED).map(named);
    consent::preview(facts(staged), wrong, &work.limits_exceeded, &staged.receipt)
}

/// Says what exceeds the limits, for whoever decides; nothing when all is within them.
fn exceeded(limits: &Limits, staged: &StagedPrices) -> Vec<String> {
    let counts = staged.counts;
    let mut found = Vec::new();
    if let Some(allowed) = limits.rows.map(u64::from).filter(|allowed| counts.to_write > *allowed) {
        found.push(format!("{} would change (limit {allowed})", prices(counts.to_write)));
    }
    if counts.jumps > 0 {
        found.push(format!("{} would change by more than {} %", prices(counts.jumps), limits.price_change));
    }
    let allowed = u64::from(limits.below_cost);
    if counts.below_cost > allowed {
        found.push(format!("{} would be below cost (limit {allowed})", prices(counts.below_cost)));
    }
    for value in &staged.value {
        let (before, after) = (value.before.minor_units(), value.after.minor_units());
        if is_change_above(before, after, limits.list_value) {
            let (before, after) = (value.before, value.after);
            found.push(format!(
                "the prices that change would sum up to {after} in place of {before} (limit {} %)",
                limits.list_value
            ));
        }
    }
    found
}

/// A number of prices, in words.
fn prices(n: u64) -> String {
    if n == 1 { "1 price".to_owned() } else { format!("{n} prices") }
}

#[cfg(test)]
mod tests {
    use contracts::money::{Currency, Money};
    use contracts::prices::{PriceCounts, ValueChange};

    use super::*;

    fn staged(counts: PriceCounts, before: i64, after: i64) -> StagedPrices {
        let money = |amount| Money::from_minor_units(amount, Currency::VND);
        StagedPrices {
            counts,
            causes: Default::default(),
            first_errors: Vec::new(),
            errors: Vec::new(),
            moments: Vec::new(),
            largest: Vec::new(),
            value: vec![ValueChange { before: money(before), after: money(after) }],
            team_mail: false,
            receipt: String::new(),
        }
    }

    #[test]
    fn each_limit_is_named_with_its_figures() {
        let counts = PriceCounts { to_write: 9, jumps: 2, below_cost: 1, ..PriceCounts::default() };
        let limits = Limits { rows: Some(8), ..Limits::default() };
        let wanted = [
            "9 prices would change (limit 8)",
            "2 prices would change by more than 50 %",
            "1 price would be below cost (limit 0)",
            "the prices that change would sum up to 60 VND in place of 100 VND (limit 30 %)",
        ];
        assert_eq!(exceeded(&limits, &staged(counts, 100, 60)), wanted);
        let few = PriceCounts { to_write: 8, ..PriceCounts::default() };
        assert_eq!(exceeded(&limits, &staged(few, 100, 70)), [""; 0]);
    }

    #[test]
    fn the_figures_are_those_of_the_preview() {
        let counts = PriceCounts { to_write: 4, up: 1, down: 3, ..PriceCounts::default() };
        let facts = facts(&staged(counts, 100, 90));
        let of = |name: &str| facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
        assert_eq!((of("up"), of("down")), (Some("1 (25 %)"), Some("3 (75 %)")));
        assert_eq!(of("list value"), Some("100 VND to 90 VND"));
    }
}
